"""Customization archives (Amazon Custom): where they may be fetched from."""

from __future__ import annotations

from connectors.amazon.config import AmazonConfig
from connectors.fetch import Allowed, Fetcher


def customizations(config: AmazonConfig) -> Fetcher:
    """Return what fetches the ZIP an item's `customizedUrl` links to. It needs no token: the link itself opens it."""
    below = config.customizations
    allowed = Allowed(below=below) if below else Allowed(hosts=config.customization_hosts)
    return Fetcher("amazon", allowed, user_agent=config.user_agent, deadlines=config.deadlines)
