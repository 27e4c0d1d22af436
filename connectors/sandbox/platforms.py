"""What a pretend platform offers the rest of the sandbox, besides its own wire format.

A platform is a folder `connectors/sandbox/<name>` whose `__init__.py` has `CREDENTIALS` (the names it needs of its part of
the run's credentials) and `setup(app, world)`. `setup` registers it: `core.faces[name]` (how its errors are worded), and
`core.marketplaces[name]` or `core.stores[name]` (how the control API, the order stream and the pages drive it). Nothing
outside its folder names it, but the line in `PLATFORMS` and the demo's goods (`catalog`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

Doc = dict[str, Any]
Answer = tuple[int, Any]
"""HTTP status and the JSON to answer."""


class Badge(NamedTuple):
    """How the sandbox's pages show a platform, and what tests and benches need to know of it.

    Its name, and two letters with a style of their own (never its logo); the form of a further seller's or store's key,
    made of nine digits; the operation that lists a seller's orders or creates a store's, for faults.
    """

    label: str
    letters: str
    style: str
    keys: str
    operation: str

    def key(self, number: int) -> str:
        """Return the key of a further seller or store, another one for each number."""
        return self.keys.format(f"{number:09d}")


PLATFORMS: dict[str, Badge] = {
    "amazon": Badge("Amazon", "Az", "mark-az", "A9{}", "searchOrders"),
    "ebay": Badge("eBay", "eB", "mark-eb", "EB{}", "getOrders"),
    "etsy": Badge("Etsy", "Et", "mark-et", "7{}", "getShopReceipts"),
    "shopify": Badge("Shopify", "Sh", "mark-sh", "further-{}.myshopify.com", "orderCreate"),
    "bigcommerce": Badge("BigCommerce", "BC", "mark-bc", "f{}", "createOrder"),
}
"""The pretend platforms, in the order pages show them."""

FOLDERS = tuple(PLATFORMS)
"""One folder each under `connectors/sandbox`."""


class Refusal(Exception):
    """A request the control API refuses: which field, why, and the status (400 unless the order's state forbids it)."""

    def __init__(self, field: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.field = field
        self.status = status


class MarketplaceControl(Protocol):
    """A pretend marketplace, driven in the control API's words (CONTROL_API.md). Wrong input raises `Refusal`.

    Money is decimal strings in the order's currency. `key` is the seller's or shop's own name there, always one of
    `keys()` but in `add`.
    """

    @property
    def platform(self) -> str:
        """Its name in `PLATFORMS`."""

    @property
    def operations(self) -> Sequence[str]:
        """The names of its calls and notifications, for faults."""

    def keys(self) -> list[str]:
        """Return all sellers, the demo's first."""

    def seller(self, key: str) -> Doc:
        """Return `{key, name, merchant, region, sites, currency, connected, orders}`; `merchant` is the demo's slug or ""."""

    def place(self, key: str, body: Doc) -> list[str]:
        """Let buyers order (`POST …/orders`); return the order ids. Fields it does not know are refused by name."""

    def order(self, key: str, order_id: str) -> Doc:
        """Return an order in the control API's words: `{id, status, site, fulfilled_by, created_at, updated_at, lines:
        [{id, sku, title, quantity, shipped, unit_price, total}], total, currency, shipments, canceled, refunds}`. An
        unknown order is a 404 Refusal (in `change` too)."""

    def orders(self, key: str, start: int, limit: int) -> tuple[list[Doc], str | None]:
        """Return orders newest first from an offset, and the next offset as text."""

    def change(self, key: str, order_id: str, body: Doc) -> Doc:
        """Let the order's life go on (`PATCH …/orders/{id}`); return it as `order` does."""

    def listings(self, key: str, sku: str | None = None) -> list[Doc]:
        """Return listings: `{sku, title, quantity, price, fulfilled_by, version, updated_at, kind, store_sku, variation,
        item_id, …}`; `kind` and `store_sku` as in `catalog.sellers`."""

    def revoke(self, key: str) -> None:
        """The seller withdraws access."""

    def add(self, key: str, body: Doc) -> Doc:
        """Make a further seller who agreed to our app (benches): `{name?, like?, sites?, currency?}`; returns
        `{key, refresh_token, …}`. A key that exists or has another form is a Refusal."""

    def action(self, key: str, action: str, body: Doc) -> Doc:
        """Do what only this platform has (`POST /accounts/{platform}/{key}/{action}`); 404 Refusal for unknown ones."""

    def addresses(self) -> Doc:
        """Return this platform's part of `GET /endpoints`."""

    def client(self) -> Doc:
        """Return how a foreign client signs in: client id and secret, `refresh_tokens` by seller key, …"""


@runtime_checkable
class HasFurtherClients(Protocol):
    """A platform whose clients sign in to something beside its API (Amazon's SQS)."""

    def further_clients(self) -> Doc:
        """Return what `GET /endpoints` has under `clients`, by name."""


@runtime_checkable
class HasAppMarket(Protocol):
    """A store platform with a page where merchants find apps and install them."""

    def app_market(self) -> str:
        """Return the page's address."""


class StoreControl(Protocol):
    """A pretend store platform, driven in the control API's words. Every method answers (status, JSON)."""

    @property
    def platform(self) -> str: ...

    @property
    def operations(self) -> Sequence[str]: ...

    def keys(self) -> list[str]:
        """Return the keys of all its stores, the demo's first."""

    def knows(self, key: str) -> bool:
        """Say whether there is a store of this key."""

    def accepts(self, key: str) -> bool:
        """Say whether a key has this platform's form, so that a new store of that name would be its own."""

    def admin_page(self, key: str) -> str:
        """Return the address of the store's pretend admin."""

    def add_shop(self, key: str, body: Doc) -> Answer: ...

    def variants(self, key: str, query: Mapping[str, str]) -> Answer: ...

    def put_variant(self, key: str, selector: Mapping[str, str], body: Doc) -> Answer: ...

    def add_variant(self, key: str, body: Doc) -> Answer: ...

    def orders(self, key: str, query: Mapping[str, str]) -> Answer: ...

    def order_action(self, key: str, order_id: str, action: str, body: Doc) -> Answer: ...

    def store_action(self, key: str, action: str, body: Doc) -> Answer: ...

    def addresses(self) -> Doc: ...

    def client(self) -> Doc:
        """Return `{client_id, client_secret, tokens: {key: {…}}}`."""
