"""Reading figures, and where orders were placed, in as few calls as their cost allows."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connectors.contract.types import Placement, StockFigure, StockReading, StoreOrderFound
from connectors.shopify import documents, limits, mapping
from connectors.shopify.client import Client
from connectors.shopify.errors import QueryTooDear

logger = logging.getLogger(__name__)

FIRST_LEVELS = 2
"""Locations asked for a stock item at first; a shop with more teaches it."""

MOST_LEVELS = 250

FIRST_PARTS, FIRST_LINES = 2, 5
"""Parts of an order and lines of a part asked for at first; a larger order is read again by itself."""

MOST_PARTS, MOST_LINES = 20, 20


class StockReader:
    """Makes settling reads for one shop. Thread-safe: what it learns is a number that only grows."""

    def __init__(self, client: Client, found: Callable[[Mapping[str, Any]], StoreOrderFound]) -> None:
        self._client = client
        self._found = found
        self._levels = FIRST_LEVELS

    def read(self, item_ids: Sequence[str], order_ids: Sequence[str]) -> StockReading:
        """Return figures, placements and orders. Ids Shopify does not know as such come back as `missing_items`."""
        figures: list[StockFigure] = []
        missing: list[str] = []
        placements: list[Placement] = []
        orders: list[StoreOrderFound] = []
        items_left, orders_left = list(dict.fromkeys(item_ids)), list(dict.fromkeys(order_ids))
        while items_left or orders_left:
            items, parts = self._share(len(items_left), len(orders_left))
            asked, wanted = items_left[:items], orders_left[:parts]
            try:
                data = self._call(asked, wanted, self._levels, FIRST_PARTS, FIRST_LINES)
            except QueryTooDear:
                # The cost book has learned; a single object that is still too dear cannot be split.
                if len(asked) + len(wanted) <= 1:
                    raise
                continue
            items_left, orders_left = items_left[items:], orders_left[parts:]
            for item_id, node in zip(asked, data["items"], strict=True):
                if not isinstance(node, dict) or node.get("__typename") != "InventoryItem":
                    missing.append(item_id)
                else:
                    figures += mapping.figures(self._whole_item(node))
            for node in data["orders"]:
                if isinstance(node, dict) and node.get("__typename") == "Order":
                    whole = self._whole_order(node)
                    orders.append(self._found(whole))
                    if _cut_short(whole):
                        # Half a placement would move units about; none leaves them where they were reserved.
                        logger.warning("an order has more parts than one answer shows", extra={"order": orders[-1].id})
                    else:
                        placements += mapping.placements(whole)
        return StockReading(
            figures=tuple(figures), placements=tuple(placements), missing_items=tuple(missing), orders=tuple(orders)
        )

    def calls_for(self, items: int, orders: int) -> int:
        """Return how many calls a read of so many items and orders takes, as far as known now."""
        calls = 0
        while items > 0 or orders > 0:
            some_items, some_orders = self._share(items, orders)
            items, orders, calls = items - some_items, orders - some_orders, calls + 1
        return calls

    def _share(self, items: int, orders: int) -> tuple[int, int]:
        """Return how many items and orders go into the next call: all if they fit, else orders first, then items."""
        text = documents.STOCK_READ.text
        each_item = documents.stock_item_points(self._levels)
        each_order = documents.order_parts_points(FIRST_PARTS, FIRST_LINES)
        some_orders = min(orders, self._client.costs.batch(text, each=each_order)) if orders else 0
        used = some_orders * each_order
        room = self._client.costs.batch(text, each=each_item, fixed=used) if items else 0
        # `batch` never says less than one: with orders in the call, an item that does not fit waits for the next.
        full = self._client.costs.points(text, used + each_item) > limits.QUERY_TARGET_POINTS
        return min(items, 0 if some_orders and full else room), some_orders

    def _call(self, items: Sequence[str], orders: Sequence[str], levels: int, parts: int, lines: int) -> dict[str, Any]:
        points = len(items) * documents.stock_item_points(levels) + len(orders) * documents.order_parts_points(
            parts, lines
        )
        return self._client.run(
            documents.STOCK_READ,
            {"items": list(items), "levels": levels, "orders": list(orders), "parts": parts, "lines": lines},
            points=points,
        )

    def _whole_item(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the item with all its locations, read again with room for more where it has more."""
        levels = self._levels
        while mapping.more_of(node, "inventoryLevels") is not None and levels < MOST_LEVELS:
            levels = min(MOST_LEVELS, levels * 2)
            again = self._call([mapping.text_of(node, "id")], [], levels, 1, 1)["items"][0]
            if not isinstance(again, dict):
                break  # deleted between the two reads; what the first one said stands
            node = again
        self._levels = max(self._levels, len(mapping.nodes_of(node, "inventoryLevels")))
        return node

    def _whole_order(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the order with all its parts, read again by itself where it has more than usual."""
        for parts, lines in _growing():
            if not _cut_short(node):
                break
            again = self._call([], [mapping.text_of(node, "id")], 1, parts, lines)["orders"][0]
            if not isinstance(again, dict):
                break
            node = again
        return node


def _growing() -> Iterator[tuple[int, int]]:
    """Yield larger and larger (parts, lines) that one call can still pay for."""
    yield FIRST_PARTS * 2, MOST_LINES * 2
    yield MOST_PARTS, MOST_LINES
    yield 4, math.floor((limits.QUERY_MAX_POINTS / 4 - 10) / 2)


def _cut_short(order: Mapping[str, Any]) -> bool:
    return mapping.more_of(order, "fulfillmentOrders") is not None or any(
        mapping.more_of(part, "lineItems") is not None for part in mapping.nodes_of(order, "fulfillmentOrders")
    )
