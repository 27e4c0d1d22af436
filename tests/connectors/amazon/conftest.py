"""An Amazon seller of the sandbox, signed in as our application would be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.amazon.auth import AmazonAuth, AppTokens
from connectors.amazon.config import AmazonConfig
from connectors.amazon.connector import Amazon
from connectors.ratelimit import NoLimiter
from tests.connectors.contract import World


@dataclass
class LiveTokens:
    """A `TokenSource` that refreshes at the sandbox's own token endpoint."""

    auth: AmazonAuth
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
def endpoints(sandbox: Any) -> dict[str, Any]:
    """Where the sandbox's platforms live, and how a foreign client signs in."""
    found: dict[str, Any] = sandbox.control("GET", "/endpoints")
    return found


@pytest.fixture(scope="session")
def amazon_config(sandbox: Any, endpoints: dict[str, Any]) -> Iterator[AmazonConfig]:
    client = endpoints["clients"]["amazon"]
    config = AmazonConfig(
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        application_id=client.get("application_id", ""),
        na=endpoints["amazon"]["na"],
        eu=endpoints["amazon"]["eu"],
        fe=endpoints["amazon"]["fe"],
        lwa=endpoints["amazon"]["lwa"],
        seller_central=f"{sandbox.url}/amazon/sellercentral/{{region}}",
    )
    yield config
    AppTokens._all.pop(config, None)


@pytest.fixture
def open_amazon(sandbox: Any, amazon_config: AmazonConfig) -> Any:
    """A function: seller key, region → (connector, world) of that demo seller."""

    def opened(key: str, region: str) -> tuple[Amazon, World]:
        # Asked for now: a test that let the seller agree anew ended the token of the session's start.
        refresh_token = sandbox.control("GET", "/endpoints")["clients"]["amazon"]["refresh_tokens"][key]
        tokens = LiveTokens(AmazonAuth(amazon_config), refresh_token)
        world = World(sandbox, "amazon", key, secrets=tokens.seen)
        tokens.seen += [refresh_token, amazon_config.client_secret]
        return Amazon(key, region, tokens, NoLimiter(), amazon_config), world

    return opened


@pytest.fixture(scope="class")
def unlimited(sandbox: Any) -> Iterator[None]:
    """No rate limits and no list delay while the class runs: what is tested is not the waiting."""
    sandbox.control("POST", "/limits", {"platform": "amazon", "profile": "off", "list_delay_seconds": 0})
    yield
    sandbox.control("POST", "/limits", {"platform": "amazon", "profile": "demo"})


def until(done: Any, *, seconds: float = 10.0) -> None:
    """Wait for a condition, at most so long."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
