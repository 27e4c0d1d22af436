"""What a marketplace connector can do. Optional abilities are protocols of their own, told apart by isinstance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from connectors.contract.types import AccountEvent, Finding, Grant, MarketplaceOrder, OrderHint, Page, Site, Window


class Marketplace(Protocol):
    """What every marketplace can do for orders."""

    platform: str

    def list_orders(self, window: Window, *, sites: Sequence[str] = ()) -> Page[MarketplaceOrder]:
        """Return one page of the orders changed (or created) in the window, lines and personal data included.

        One poison order does not fail its page: it comes with `problem` set. Raises `ConnectorError`.
        """

    def get_order(self, order_id: str, *, urgent: bool = False) -> MarketplaceOrder:
        """Return one order by its marketplace id. Raises `NotFound` when the marketplace does not know it.

        `urgent` is a person asking: it may use the calls that are kept back for them.
        """

    def sites(self) -> Sequence[Site]:
        """Return the sites this seller account may sell on."""

    def sweep_seconds(self) -> float:
        """Return the pause between two list calls that the rate in force allows, in seconds."""

    def list_limit(self) -> tuple[float, int]:
        """Return (calls a second, burst) in force for the list call; (0, 0) when the connector limits it by itself."""


@runtime_checkable
class PushesOrders(Protocol):
    """A marketplace that can tell us about order changes."""

    def subscribe(self, destination: str) -> str:
        """Make sure order changes are sent to `destination` (an ARN or a URL); return the subscription's id.

        Harmless to repeat. Raises `AccessDenied` when the platform does not offer it to this app.
        """

    def unsubscribe(self, subscription_id: str) -> None:
        """End the subscription; ending it twice does no harm."""


@runtime_checkable
class Checks(Protocol):
    """A platform that can be looked over after connecting (F9); stores too."""

    def check(self) -> Sequence[Finding]:
        """Look at what must be right for the connection to work. Raises `ConnectorError` when nothing can be read."""


class PushReader(Protocol):
    """Verifies and reads a marketplace's push messages that come by HTTP. It may have to fetch the sender's key first."""

    def read(self, headers: Mapping[str, str], body: bytes) -> AccountEvent:
        """Return the event. Raises `Rejected` (code `signature`) when the signature is missing or wrong,
        `TransientError` when the key could not be fetched: the sender shall try again."""

    def challenge(self, query: Mapping[str, str], endpoint: str) -> Mapping[str, str] | None:
        """Answer the sender's question whether `endpoint` (our own address, as registered) is ours; None: not one."""


class Authorization(Protocol):
    """The consent dance of a platform: no database, no session; the caller keeps `state`."""

    platform: str

    def authorize_url(
        self, *, state: str, redirect_uri: str, region: str = "", site: str = "", store_key: str = ""
    ) -> str:
        """Return the address where the merchant agrees: for an account of this region, `site` being the first chosen."""

    def exchange(self, *, query: dict[str, str], redirect_uri: str) -> Grant:
        """Turn the callback's query into tokens. Raises `Rejected` with a sentence when it is not genuine or too old."""

    def refresh(self, refresh_token: str, *, key: str = "") -> Grant:
        """Return fresh tokens. Raises `AuthorizationExpired` when the platform says the merchant must agree again."""


@runtime_checkable
class StartsThere(Protocol):
    """An `Authorization` whose sellers may also begin at the marketplace, which sends them to our login address."""

    def appstore_url(self, *, query: dict[str, str], state: str, redirect_uri: str) -> str:
        """Return where to send a seller who came with `query`. Raises `Rejected` when it is not the marketplace's own."""


class HintReader(Protocol):
    """Turns a push message into hints; pure."""

    def __call__(self, message: dict[str, Any]) -> OrderHint | None: ...
