"""What a store connector can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from connectors.contract.types import (
    Page,
    SetUpReport,
    StockReading,
    StoreEvent,
    StoreInfo,
    StoreLocation,
    StoreOrderDraft,
    StoreOrderFound,
    StoreVariant,
)


class Storefront(Protocol):
    """What every store can do for orders, catalog and stock."""

    platform: str

    def create_order(self, draft: StoreOrderDraft) -> StoreOrderFound:
        """Create the order and return it.

        Raises `OutOfStock`, `AddressRejected`, `Rejected` for a clear no; `RateLimited`/`TransientError` when surely
        nothing happened; `OutcomeUnknown` when it left us and no clear answer came. Never retries by itself, but for
        a clear no about something an order can do without (its customer, an e-mail, a phone): that is left out, kept
        in the note and named in `left_out`.
        """

    def find_by_key(self, key: str, reference: str) -> Sequence[StoreOrderFound]:
        """Return the store orders that carry exactly our key, by the strongest look-up the store has."""

    def search_orders(self, references: Sequence[str]) -> Mapping[str, Sequence[StoreOrderFound]]:
        """Return, for each marketplace order id, every store order that carries it, ours or another connector's.

        Index-backed: a store may not show an order here for some seconds after it was made.
        """

    def get_order(self, order_id: str) -> StoreOrderFound | None:
        """Return the store order, or None when it was deleted."""

    def cancel_order(self, order_id: str, *, restock: bool, note: str) -> None:
        """Cancel the order without paying money back; cancelling a cancelled order does no harm."""

    def read_stock(self, item_ids: Sequence[str], *, order_ids: Sequence[str] = ()) -> StockReading:
        """Return the figures of up to 250 stock items, and where the given orders were placed, in as few calls as can be."""

    def list_variants(self, *, after_token: str = "", updated_after: datetime | None = None) -> Page[StoreVariant]:
        """Return one page of the catalog, variants whole, figures included."""

    def get_products(self, product_ids: Sequence[str]) -> Mapping[str, Sequence[StoreVariant]]:
        """Return the variants of these products; a product that is gone maps to an empty sequence."""

    def find_variants(self, text: str, *, limit: int = 20) -> Sequence[StoreVariant]:
        """Return variants whose SKU, barcode or title fits what a person typed."""

    def locations(self) -> Sequence[StoreLocation]:
        """Return all locations, inactive ones too."""

    def info(self) -> StoreInfo:
        """Return the store's name, currency, timezone, plan and how it claims stock."""

    def set_up(self, *, webhook_url: str) -> SetUpReport:
        """Make sure webhooks and whatever else we rely on exist; harmless to repeat."""


@runtime_checkable
class MovesOrders(Protocol):
    """A store whose orders can be moved to a chosen location after they were made."""

    def move_part(self, part_id: str, location_id: str) -> None:
        """Move that part of an order. Raises `Rejected` with the store's words when it refuses."""


@dataclass(frozen=True, slots=True)
class FrameScript:
    """The script by which pages in a store's admin get session tokens (a configuration's `frame_script`).

    `address` is where it is, `meta` the name of the page's meta tag that holds `key` for it, `again` the header of a 401
    that makes it fetch a fresh token and ask once more.
    """

    address: str
    meta: str
    key: str
    again: str


@runtime_checkable
class ReadsSessionTokens(Protocol):
    """An `Authorization` of a store platform whose script gives pages in its frame session tokens."""

    def visitor(self, token: str) -> tuple[str, str]:
        """Return (store key, its platform's id of the person). Raises `ConnectorError` for a token that is not good."""


class WebhookReader(Protocol):
    """Verifies and reads a webhook; pure but for the secret it was made with."""

    def __call__(self, headers: Mapping[str, str], body: bytes) -> StoreEvent:
        """Return the event. Raises `Rejected` (code `signature`) when the signature is missing or wrong."""
