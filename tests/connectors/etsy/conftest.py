"""An Etsy shop of the sandbox, signed in as our application would be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.etsy.auth import EtsyAuth
from connectors.etsy.config import EtsyConfig
from connectors.etsy.connector import Etsy
from connectors.ratelimit import NoLimiter
from tests.connectors.contract import World
from tests.environment import RUN


@dataclass
class LiveTokens:
    """A `TokenSource` that refreshes at the sandbox's own token endpoint; each refresh ends the token before it."""

    auth: EtsyAuth
    refresh_token: str
    seen: list[str] = field(default_factory=list)
    """Every token handed out; the leak tests look for them."""
    held: str = ""

    def current(self) -> str:
        if not self.held:
            grant = self.auth.refresh(self.refresh_token)
            self.held, self.refresh_token = grant.access_token, grant.refresh_token
            self.seen += [self.held, self.refresh_token]
        return self.held

    def refused(self, token: str) -> None:
        if self.held == token:
            self.held = ""


@pytest.fixture(scope="session")
def etsy_config(sandbox: Any) -> EtsyConfig:
    client = sandbox.control("GET", "/endpoints")["clients"]["etsy"]
    return EtsyConfig(
        keystring=client["keystring"],
        shared_secret=client["shared_secret"],
        webhook_secret=RUN.credentials["etsy"]["webhook_secret"],
        api=f"{sandbox.url}/etsy",
        token=f"{sandbox.url}/etsy",
        site=f"{sandbox.url}/etsy/site",
    )


@pytest.fixture
def open_etsy(sandbox: Any, etsy_config: EtsyConfig) -> Callable[[str], tuple[Etsy, World]]:
    """A function: shop id → (connector, world) of that demo shop."""

    def opened(key: str) -> tuple[Etsy, World]:
        # Asked for anew each time: the tests before may have used the last one up.
        refresh_token = sandbox.control("GET", "/endpoints")["clients"]["etsy"]["refresh_tokens"][key]
        tokens = LiveTokens(EtsyAuth(etsy_config), refresh_token)
        world = World(sandbox, "etsy", key, secrets=tokens.seen)
        tokens.seen += [refresh_token, etsy_config.shared_secret]
        return Etsy(key, "", tokens, NoLimiter(), etsy_config), world

    return opened


@pytest.fixture(scope="class")
def unlimited(sandbox: Any) -> Iterator[None]:
    """No rate limits and no list delay while the class runs: what is tested is not the waiting."""
    sandbox.control("POST", "/limits", {"platform": "etsy", "profile": "off", "list_delay_seconds": 0})
    yield
    sandbox.control("POST", "/limits", {"platform": "etsy", "profile": "demo"})
