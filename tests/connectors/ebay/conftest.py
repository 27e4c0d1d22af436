"""An eBay seller of the sandbox, signed in as our application would be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.ebay.auth import AppTokens, EbayAuth
from connectors.ebay.config import EbayConfig
from connectors.ebay.connector import Ebay
from connectors.ratelimit import NoLimiter
from tests.connectors.contract import World


@dataclass
class LiveTokens:
    """A `TokenSource` that refreshes at the sandbox's own token endpoint."""

    auth: EbayAuth
    refresh_token: str
    seen: list[str] = field(default_factory=list)
    """Every token handed out; the leak tests look for them."""
    held: str = ""

    def current(self) -> str:
        if not self.held:
            self.held = self.auth.refresh(self.refresh_token).access_token
            self.seen.append(self.held)
        return self.held

    def refused(self, token: str) -> None:
        if self.held == token:
            self.held = ""


@pytest.fixture(scope="session")
def clients(sandbox: Any) -> dict[str, Any]:
    """How a foreign client signs in at the sandbox's eBay."""
    found: dict[str, Any] = sandbox.control("GET", "/endpoints")["clients"]["ebay"]
    return found


@pytest.fixture(scope="session")
def ebay_config(sandbox: Any, clients: dict[str, Any]) -> Iterator[EbayConfig]:
    base = f"{sandbox.url}/ebay"
    config = EbayConfig(
        client_id=clients["client_id"],
        client_secret=clients["client_secret"],
        ru_name=clients["ru_name"],
        verification_token="v" * 40,
        api=f"{base}/api",
        apiz=f"{base}/apiz",
        auth=f"{base}/auth",
        hub=f"{base}/hub/orders/{{order}}",
        alert_email="alerts@salestio.example",
    )
    yield config
    AppTokens._all.pop(config, None)


@pytest.fixture
def open_ebay(sandbox: Any, clients: dict[str, Any], ebay_config: EbayConfig) -> Callable[[str], tuple[Ebay, World]]:
    """A function: seller key → (connector, world) of that demo seller."""

    def opened(key: str) -> tuple[Ebay, World]:
        refresh_token = clients["refresh_tokens"][key]
        tokens = LiveTokens(EbayAuth(ebay_config), refresh_token)
        world = World(sandbox, "ebay", key, secrets=tokens.seen)
        tokens.seen += [refresh_token, ebay_config.client_secret]
        return Ebay(key, "", tokens, NoLimiter(), ebay_config), world

    return opened


@pytest.fixture(scope="class")
def unlimited(sandbox: Any) -> Iterator[None]:
    """No rate limits and no list delay while the class runs: what is tested is not the waiting."""
    sandbox.control("POST", "/limits", {"platform": "ebay", "profile": "off", "list_delay_seconds": 0})
    yield
    sandbox.control("POST", "/limits", {"platform": "ebay", "profile": "demo"})
