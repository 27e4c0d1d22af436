"""BigCommerce as a store: reads like a table of contents. Orders are in orders.py, the catalog in catalog.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import requests

from connectors.bigcommerce import checks, mapping, stock
from connectors.bigcommerce.catalog import Catalog
from connectors.bigcommerce.client import Client
from connectors.bigcommerce.config import PLATFORM, BigCommerceConfig
from connectors.bigcommerce.facts import SHIPPED, Facts
from connectors.bigcommerce.orders import NOT_FOR_NEW, Orders
from connectors.bigcommerce.setup import set_up
from connectors.bigcommerce.stock import StockReader
from connectors.contract.tokens import TokenSource
from connectors.contract.types import (
    Finding,
    Page,
    SetUpReport,
    StockReading,
    StoreInfo,
    StoreLocation,
    StoreOrderDraft,
    StoreOrderFound,
    StoreVariant,
)
from connectors.ratelimit import Limiter


class BigCommerce:
    """One store; implements `Storefront` and `Checks`. Thread-safe; keep it.

    `store_hash` is BigCommerce's permanent name of the store, `tokens` gives its token. Ids are BigCommerce's numbers as
    text; a stock item's id also says what it is tracked by (`stock.py`).
    """

    platform = PLATFORM

    def __init__(
        self,
        store_hash: str,
        tokens: TokenSource,
        limiter: Limiter,
        config: BigCommerceConfig,
        *,
        session: requests.Session | None = None,
    ) -> None:
        self.store_hash = store_hash
        self._config = config
        self._client = Client(store_hash=store_hash, tokens=tokens, limiter=limiter, config=config, session=session)
        self._facts = Facts(self._client)
        self._orders = Orders(self._client, config, self._facts)
        self._stock = StockReader(self._client, self._orders.found)
        self._catalog = Catalog(self._client, self._stock)

    # ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def create_order(self, draft: StoreOrderDraft) -> StoreOrderFound:
        """Create the order and return it.

        Raises as `Storefront.create_order` says, and `Rejected`: STOCK_WOULD_MOVE, CURRENCY, STATUS, TOTAL_MISMATCH,
        PRODUCT_MISSING before anything is sent; `OptionsMissing` names the options the store wants. `InventoryRule.IGNORE`
        is the same as OBEY: BigCommerce has no way to sell below zero.
        """
        return self._orders.create(draft)

    def find_by_key(self, key: str, reference: str) -> Sequence[StoreOrderFound]:
        """Return the orders of this marketplace order id whose staff notes carry exactly our key."""
        return self._orders.by_key(key, reference)

    def search_orders(self, references: Sequence[str]) -> Mapping[str, Sequence[StoreOrderFound]]:
        """Return, for each marketplace order id, every order that carries it as `external_order_id`; one call each."""
        return self._orders.search(references)

    def get_order(self, order_id: str) -> StoreOrderFound | None:
        """Return the order, or None when there is none or it was archived."""
        return self._orders.get(order_id)

    def cancel_order(self, order_id: str, *, restock: bool, note: str) -> None:
        """Set the order to Cancelled; no money is paid back. Harmless when it is canceled already.

        `restock` cannot be sent: the store gives units back or not by its own setting (*Adjust stock when an order is
        refunded or cancelled*), which `check` tells. Raises `NotFound`, `Rejected`.
        """
        self._orders.cancel(order_id, note)

    # ── stock and catalog ────────────────────────────────────────────────────────────────────────────────────────────

    def read_stock(self, item_ids: Sequence[str], *, order_ids: Sequence[str] = ()) -> StockReading:
        """Return the figures of the stock items in a call or two, and the places of the orders in one call each."""
        return self._stock.read(item_ids, order_ids)

    def list_variants(self, *, after_token: str = "", updated_after: datetime | None = None) -> Page[StoreVariant]:
        """Return one page of the catalog, products whole. With `updated_after`, `bound` is the newest change seen."""
        return self._catalog.page(after_token, updated_after)

    def get_products(self, product_ids: Sequence[str]) -> Mapping[str, Sequence[StoreVariant]]:
        """Return the variants of these products; a product that is gone maps to an empty sequence."""
        return self._catalog.products(product_ids)

    def find_variants(self, text: str, *, limit: int = 20) -> Sequence[StoreVariant]:
        """Return variants whose SKU, barcode or name fits what a person typed; exact SKUs first, then barcodes."""
        return self._catalog.find(text, limit)

    # ── the store ────────────────────────────────────────────────────────────────────────────────────────────────────

    def locations(self) -> Sequence[StoreLocation]:
        """Return all locations, disabled ones too; a store without any has one default location."""
        return stock.locations(self._client)

    def info(self) -> StoreInfo:
        """Return the store's name, currencies, timezone, plan, statuses, and when it moves stock; read anew."""
        self._facts.forget()
        raw = self._facts.store()
        zone = raw.get("timezone")
        statuses = [
            (str(one["id"]), str(one.get("custom_label") or one.get("name") or one["id"]))
            for one in self._client.order_statuses()
            if isinstance(one.get("id"), int) and one["id"] not in NOT_FOR_NEW
        ]
        return StoreInfo(
            key=self.store_hash,
            name=str(raw.get("name") or self.store_hash),
            currency=mapping.id_of(raw, "currency"),
            timezone=str((zone.get("name") if isinstance(zone, dict) else "") or "UTC"),
            email=str(raw.get("admin_email") or ""),
            plan=str(raw.get("plan_name") or ""),
            country=str(raw.get("country_code") or ""),
            claims_stock="at_shipping" if self._facts.stock_rule().behavior == SHIPPED else "at_creation",
            order_statuses=tuple(statuses),
            currencies=self._facts.currencies(),
            taxes_included=raw.get("is_price_entered_with_tax") is True,
        )

    def set_up(self, *, webhook_url: str) -> SetUpReport:
        """Make sure the webhooks exist and are active; harmless to repeat, and worth repeating daily."""
        return set_up(self._client, self._config, webhook_url=webhook_url)

    def check(self) -> Sequence[Finding]:
        """Look over the connection: rights, webhooks, how the store moves stock. Raises when nothing can be read."""
        return checks.look_over(self._client, self._facts)
