"""Reading figures, and where orders were placed.

A stock item of ours is named by what BigCommerce tracks: `variant:127`, `product:113` for a product whose variants
share one figure, `none:127` for a variant that is not tracked and has no figure. The figure is `available_to_sell`: on
hand less the merchant's safety stock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from connectors.bigcommerce import limits, mapping
from connectors.bigcommerce.client import Client, comma
from connectors.bigcommerce.facts import KEPT_SECONDS
from connectors.contract.types import Placement, StockFigure, StockReading, StoreLocation, StoreOrderFound

Json = Mapping[str, Any]

VARIANT, PRODUCT, NONE = "variant", "product", "none"
"""BigCommerce's own words for what a product's stock is tracked by."""

DEFAULT_LOCATION = "1"
"""Every store has it (BigCommerce's locations API)."""


class StockReader:
    """Makes settling reads for one store. Thread-safe."""

    def __init__(self, client: Client, found: Callable[[Json], StoreOrderFound]) -> None:
        self._client = client
        self._found = found
        self._default: tuple[float, str] = (float("-inf"), "")

    def read(self, item_ids: Sequence[str], order_ids: Sequence[str]) -> StockReading:
        """Return figures, placements and orders. Items the store has no stock of any more are `missing_items`."""
        figures: list[StockFigure] = []
        for tracking in (VARIANT, PRODUCT):
            wanted = [item.partition(":")[2] for item in item_ids if item.startswith(f"{tracking}:")]
            figures += self._figures(tracking, [one for one in dict.fromkeys(wanted) if one.isdigit()])
        known = {figure.item_id for figure in figures}
        missing = [one for one in dict.fromkeys(item_ids) if one not in known and not one.startswith(f"{NONE}:")]
        orders, placements = self._orders(order_ids)
        return StockReading(tuple(figures), tuple(placements), tuple(missing), tuple(orders))

    def of_products(self, product_ids: Sequence[str]) -> list[Json]:
        """Return the stock items of these products, for a page of the catalog."""
        return [
            row
            for some in batches(product_ids)
            for row in self._client.inventory({"product_id:in": comma(some)}, kind="catalog")
        ]

    def _figures(self, tracking: str, ids: Sequence[str]) -> Iterator[StockFigure]:
        for some in batches(ids):
            rows = list(self._client.inventory({f"{tracking}_id:in": comma(some)}, kind="stock"))
            wanted = set(some)
            for name, levels in levels_by(tracking, rows).items():
                if name in wanted:
                    for location, units in levels:
                        yield StockFigure(f"{tracking}:{name}", location, units)

    def _orders(self, order_ids: Sequence[str]) -> tuple[list[StoreOrderFound], list[Placement]]:
        orders: list[StoreOrderFound] = []
        placements: list[Placement] = []
        place = ""
        for order in self._read_orders(order_ids):
            if order.get("is_deleted"):
                continue
            orders.append(self._found(order))
            place = place or self._default_location()
            placements += self._placed(order, orders[-1].id, place)
        return orders, placements

    def _default_location(self) -> str:
        """Return the store's default location, kept for a minute: every settling read asks for it."""
        read_at, place = self._default
        if time.monotonic() - read_at >= KEPT_SECONDS:
            place = default_location(self._client)
            self._default = (time.monotonic(), place)
        return place

    def _read_orders(self, order_ids: Sequence[str]) -> Iterator[Json]:
        """Yield the orders asked for. Those of one lane have numbers close together: one call for all of them."""
        for span in spans(order_ids):
            seen: set[str] = set()
            if len(span) > 1:
                bounds = {"min_id": span[0], "max_id": span[-1]}
                for order in self._client.orders(bounds, with_lines=True, kind="stock"):
                    if str(order.get("id")) in span:
                        seen.add(str(order["id"]))
                        yield order
            for order_id in span:
                # A list may leave out what the order's own address still shows.
                if order_id not in seen and (one := self._client.order(order_id, with_lines=True, kind="stock")):
                    yield one

    def _placed(self, order: Json, order_id: str, place: str) -> list[Placement]:
        """Return where the units of an order are: at the pick-up's location, all else at the store's default one.

        BigCommerce names no location of what is shipped; its native orders draw on the default location.
        """
        at: dict[str, dict[str, int]] = {}
        inline = _inline(order)
        if inline is None:
            at[place] = mapping.units_of(self._client.order_products(order_id, kind="stock"))
        else:
            for location, products in inline:
                held = at.setdefault(location or place, {})
                for variant, units in mapping.units_of(products).items():
                    held[variant] = held.get(variant, 0) + units
        return [
            Placement(order_id=order_id, variant_id=variant, location_id=location, quantity=units)
            for location, held in at.items()
            for variant, units in held.items()
        ]


def default_location(client: Client) -> str:
    """Return the id of the store's default location."""
    listed = client.locations({"is_default": "true"})
    return mapping.id_of(listed[0], "id") if listed else DEFAULT_LOCATION


def locations(client: Client) -> list[StoreLocation]:
    """Return the store's locations; a store without any has the default one all the same.

    A disabled location cannot be used for orders and does not count as available to sell. Whether shoppers see a
    location (`storefront_visibility`) says nothing about its stock.
    """
    listed = [
        StoreLocation(
            id=mapping.id_of(one, "id"),
            name=str(one.get("label") or one.get("code") or one.get("id")),
            active=one.get("enabled") is not False,
            fulfills_online=one.get("enabled") is not False,
        )
        for one in client.locations()
    ]
    return listed or [StoreLocation(id=DEFAULT_LOCATION, name="Default location")]


def levels_by(tracking: str, rows: Iterable[Json]) -> dict[str, list[tuple[str, int]]]:
    """Return {id: [(location id, available)]} of stock rows, by variant or by product.

    For a product whose variants share one figure there may be one row or one a variant, each with the whole figure:
    a row of the product itself is believed first, and none is added to another.
    """
    found: dict[str, list[tuple[str, int]]] = {}
    own: set[str] = set()
    for row in rows:
        identity = row.get("identity")
        if not isinstance(identity, dict) or not identity.get(f"{tracking}_id"):
            continue
        name = str(identity[f"{tracking}_id"])
        of_product = tracking == PRODUCT and not identity.get("variant_id")
        if name in found and (name in own or not of_product):
            continue
        found[name] = levels(row)
        if of_product:
            own.add(name)
    return found


def levels(row: Json) -> list[tuple[str, int]]:
    """Return (location id, available) of a stock row; disabled locations are left to `locations`."""
    listed = row.get("locations")
    return [
        (str(one["location_id"]), one["available_to_sell"])
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and one.get("location_id") and isinstance(one.get("available_to_sell"), int)
    ]


def batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the ids in parts that fit into one filter."""
    for start in range(0, len(ids), limits.IDS_A_CALL):
        yield ids[start : start + limits.IDS_A_CALL]


def spans(order_ids: Sequence[str]) -> list[list[str]]:
    """Return the order numbers in runs that are close enough together to be read as one list."""
    numbers = sorted({int(one) for one in order_ids if one.isascii() and one.isdigit()})
    found: list[list[str]] = []
    first = 0
    for one in numbers:
        if not found or one - first >= limits.V2_PAGE:
            found.append([])
            first = one
        found[-1].append(str(one))
    return found


def _inline(order: Json) -> list[tuple[str, list[Json]]] | None:
    """Return (location id of a pick-up or "", its products) of an order that came with them, else None."""
    held = order.get("consignments")
    if not isinstance(held, dict) or "shipping" not in held:
        return None
    found: list[tuple[str, list[Json]]] = []
    for name in ("pickups", "shipping"):
        for part in held.get(name) or ():
            products = part.get("line_items") if isinstance(part, dict) else None
            if not isinstance(products, list) or not all(
                isinstance(one, dict) and "quantity" in one for one in products
            ):
                return None
            location = part.get("location")
            place = str(location.get("id") or "") if name == "pickups" and isinstance(location, dict) else ""
            found.append((place, products))
    return found
