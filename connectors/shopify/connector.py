"""Shopify as a store: reads like a table of contents. The catalog is in catalog.py, setting up in setup.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import requests

from connectors.contract.errors import AddressRejected, NotFound, OutcomeUnknown, UnexpectedReply
from connectors.contract.tokens import TokenSource
from connectors.contract.types import (
    CustomerMode,
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
from connectors.shopify import bulk, checks, documents, limits, mapping
from connectors.shopify.bulk import BulkRead
from connectors.shopify.catalog import Catalog, quoted
from connectors.shopify.client import Client
from connectors.shopify.config import PLATFORM, ShopifyConfig
from connectors.shopify.errors import CustomerRefused, dispensable, error_of, read_user_errors
from connectors.shopify.setup import set_up
from connectors.shopify.stock import StockReader


class Shopify:
    """One shop; implements `Storefront` and `MovesOrders`. Thread-safe; keep it.

    `shop` is the permanent domain (northpine-supply.myshopify.com), `tokens` gives this shop's offline token. Ids are
    Shopify's global ids (gid://shopify/Order/1), everywhere.
    """

    platform = PLATFORM

    def __init__(
        self,
        shop: str,
        tokens: TokenSource,
        limiter: Limiter,
        config: ShopifyConfig,
        *,
        session: requests.Session | None = None,
    ) -> None:
        self.shop = shop
        self._config = config
        self._client = Client(shop=shop, tokens=tokens, limiter=limiter, config=config, session=session)
        self._stock = StockReader(self._client, self._found)
        self._catalog = Catalog(self._client)

    # ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def create_order(self, draft: StoreOrderDraft) -> StoreOrderFound:
        """Create the order and return it.

        Raises as `Storefront.create_order` says. A key that is taken raises `OutcomeUnknown`: the order exists, a
        look-up finds it. If Shopify refuses nothing but what an order can do without (the customer record, an e-mail, a
        phone number), it is sent once more without that: such a refusal says clearly that nothing was made.
        """
        without: frozenset[str] = frozenset()
        while True:
            try:
                return self._create(draft, without)
            except (CustomerRefused, AddressRejected) as refused:
                more = dispensable(refused)
                if more <= without or ("customer" in more and draft.customer is CustomerMode.FIXED):
                    # A customer the merchant named: an order without them would be a surprise, not a help.
                    raise
                without |= more

    def _create(self, draft: StoreOrderDraft, without: frozenset[str]) -> StoreOrderFound:
        order = mapping.order_input(draft, without=without)
        document = documents.ORDER_CREATE
        answer = self._client.run(document, {"order": order, "options": mapping.order_options(draft)})[document.name]
        made = answer.get("order")
        if isinstance(made, dict) and made.get("id"):
            return replace(self._found(made, key=draft.key), left_out=mapping.left_out(draft, order, without))
        if errors := read_user_errors(answer.get("userErrors") or ()):
            raise error_of(errors, document.name)
        raise OutcomeUnknown(
            "Shopify answered with neither an order nor a reason",
            platform=PLATFORM,
            operation=document.name,
            status=200,
        )

    def find_by_key(self, key: str, reference: str) -> Sequence[StoreOrderFound]:
        """Return the orders that carry exactly our key, by the unique `id` metafield.

        Where that look-up is not possible (the definition is gone), the orders of this reference are searched instead;
        the search may show a new order some seconds late.
        """
        document = documents.ORDER_BY_KEY
        try:
            node = self._client.run(document, {"key": key})[document.name]
        except UnexpectedReply as error:
            if "definition" not in error.message.lower():
                raise
            return [found for found in self.search_orders([reference])[reference] if found.key == key]
        if not isinstance(node, dict):
            return []
        found = self._found(node)
        return [found] if found.key == key else []

    def search_orders(self, references: Sequence[str]) -> Mapping[str, Sequence[StoreOrderFound]]:
        """Return, for each marketplace order id, every order that carries it, ours or another connector's.

        Looked for as origin, as name and as tag, and compared exactly here: the search itself is forgiving.
        """
        wanted = list(dict.fromkeys(reference for reference in references if reference))
        found: dict[str, dict[str, StoreOrderFound]] = {reference: {} for reference in references}
        for start in range(0, len(wanted), limits.SEARCH_BATCH):
            batch = wanted[start : start + limits.SEARCH_BATCH]
            for node in self._search(" OR ".join(_terms(reference) for reference in batch)):
                for reference in batch:
                    if mapping.carries(node, reference):
                        order = self._found(node)
                        found[reference][order.id] = order
        return {reference: tuple(orders.values()) for reference, orders in found.items()}

    def _search(self, query: str) -> Iterator[Mapping[str, Any]]:
        document, after = documents.ORDER_SEARCH, None
        while True:
            data = self._client.run(document, {"query": query, "first": documents.ORDER_SEARCH_SIZE, "after": after})
            yield from mapping.nodes_of(data, document.name)
            after = mapping.more_of(data, document.name)
            if not after:
                return

    def get_order(self, order_id: str) -> StoreOrderFound | None:
        """Return the order, or None when it was deleted (or is older than this app may see)."""
        node = self._client.run(documents.ORDER_GET, {"id": order_id})["order"]
        return self._found(node) if isinstance(node, dict) else None

    def cancel_order(self, order_id: str, *, restock: bool, note: str) -> None:
        """Cancel the order; no money is paid back, nobody is mailed. Harmless when it is canceled already.

        Shopify cancels in the background: this returns when it has agreed to. Raises `NotFound`, `Rejected`.
        """
        order = self.get_order(order_id)
        if order is None:
            raise NotFound(
                "The order is not in the store", code="NOT_FOUND", platform=PLATFORM, operation="orderCancel"
            )
        if order.canceled:
            return
        document = documents.ORDER_CANCEL
        answer = self._client.run(document, {"id": order_id, "restock": restock, "note": note[:255]})[document.name]
        errors = read_user_errors(answer.get("orderCancelUserErrors") or ())
        if not errors:
            return
        # Somebody may have canceled it between our look and our call.
        again = self.get_order(order_id)
        if again is None or not again.canceled:
            raise error_of(errors, document.name)

    def move_part(self, part_id: str, location_id: str) -> None:
        """Move a part (fulfillment order) to a location. Raises `Rejected` with Shopify's words when it refuses."""
        document = documents.PART_MOVE
        answer = self._client.run(document, {"id": part_id, "location": location_id})[document.name]
        if errors := read_user_errors(answer.get("userErrors") or ()):
            raise error_of(errors, document.name)

    def _found(self, node: Mapping[str, Any], key: str = "") -> StoreOrderFound:
        return mapping.order_found(node, admin_url=self._config.admin_url(self.shop), key=key)

    # ── stock and catalog ────────────────────────────────────────────────────────────────────────────────────────────

    def read_stock(self, item_ids: Sequence[str], *, order_ids: Sequence[str] = ()) -> StockReading:
        """Return the figures of the stock items and the places of the orders, in one call wherever the cost allows."""
        return self._stock.read(item_ids, order_ids)

    def calls_for(self, items: int, orders: int = 0) -> int:
        """Return how many calls `read_stock` would now make, from what the answers taught about their cost."""
        return self._stock.calls_for(items, orders)

    def list_variants(self, *, after_token: str = "", updated_after: datetime | None = None) -> Page[StoreVariant]:
        """Return one page of the catalog, products whole. With `updated_after`, `bound` is the newest change seen."""
        return self._catalog.page(after_token, updated_after)

    def list_all_by_bulk(self, operation_id: str = "") -> BulkRead:
        """Start the bulk read of the whole catalog, or follow the one of this id; see `bulk.read`."""
        return bulk.read(self._client, operation_id)

    def get_products(self, product_ids: Sequence[str]) -> Mapping[str, Sequence[StoreVariant]]:
        """Return the variants of these products; a product that is gone maps to an empty sequence."""
        return self._catalog.products(product_ids)

    def find_variants(self, text: str, *, limit: int = 20) -> Sequence[StoreVariant]:
        """Return variants whose SKU, barcode or title fits what a person typed; exact SKUs first, then barcodes."""
        return self._catalog.find(text, limit)

    # ── the shop ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def locations(self) -> Sequence[StoreLocation]:
        """Return all locations, inactive ones and those of fulfillment services too."""
        document, after, found = documents.LOCATION_LIST, None, []
        while True:
            data = self._client.run(document, {"after": after})
            found += [mapping.location(node) for node in mapping.nodes_of(data, document.name)]
            after = mapping.more_of(data, document.name)
            if not after:
                return found

    def info(self) -> StoreInfo:
        """Return the shop's name, currency, timezone, plan and granted scopes."""
        return mapping.store_info(self._client.run(documents.SHOP_INFO), self.shop)

    def set_up(self, *, webhook_url: str) -> SetUpReport:
        """Make sure the key's definition and the webhooks exist and the scopes were granted; harmless to repeat."""
        return set_up(self._client, self._config, webhook_url=webhook_url)

    def check(self) -> Sequence[Finding]:
        """Look at the granted rights and the clock (F9). Raises `ConnectorError` when the shop cannot be read."""
        return checks.look(self._client, self._config)


def _terms(reference: str) -> str:
    text = quoted(reference)
    return f"source_identifier:{text} OR name:{text} OR tag:{text}"
