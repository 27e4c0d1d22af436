"""Reading the catalog: products page by page, variants whole; single products; what a person looks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.bigcommerce import limits, mapping
from connectors.bigcommerce.client import Client, comma
from connectors.bigcommerce.config import PLATFORM
from connectors.bigcommerce.stock import NONE, PRODUCT, VARIANT, StockReader, batches, levels_by
from connectors.contract.errors import Rejected, UnexpectedReply
from connectors.contract.types import Page, StoreVariant

Json = Mapping[str, Any]

_TOKEN = re.compile(r"(?P<id>[0-9]{1,19})(?:@(?P<since>[0-9TZ:-]{20}))?")

INCLUDE = "variants,primary_image"
FIND_PRODUCTS = 20
"""Products a search by words looks at."""


class Catalog:
    """The catalog of one store. Thread-safe."""

    def __init__(self, client: Client, stock: StockReader) -> None:
        self._client = client
        self._stock = stock

    def page(self, after_token: str, updated_after: datetime | None) -> Page[StoreVariant]:
        """Return one page of products, lowest id first, their variants whole and with figures: two calls.

        The token is the last product's id, so that products that come, go or change meanwhile move nothing. With
        `updated_after` only products changed since; the token keeps that time, because the changes of a page are in no
        order and a caller's own time may have moved on meanwhile. `bound` is then the newest change on this page.
        Raises `Rejected` (code `page_token`) for a token not of ours.
        """
        after, since = _place(after_token, updated_after)
        params: dict[str, Any] = {
            "include": INCLUDE,
            "limit": limits.PRODUCTS_A_PAGE,
            "sort": "id",
            "direction": "asc",
            "id:greater": after,
        }
        if since:
            params["date_modified:min"] = since
        products = self._client.products(params)
        ids = [mapping.number(mapping.id_of(product, "id")) for product in products]
        if ids and (min(ids) <= after or ids != sorted(ids)):
            raise UnexpectedReply("BigCommerce's catalog comes in no order", platform=PLATFORM, operation="getProducts")
        items = self._variants(products)
        times = [at for product in products if (at := mapping.iso_time(product.get("date_modified")))]
        more = len(products) >= limits.PRODUCTS_A_PAGE
        return Page(
            items=tuple(items),
            next_token=f"{ids[-1]}{f'@{since}' if since else ''}" if more else "",
            bound=max(times, default=None) if since else None,
        )

    def products(self, product_ids: Sequence[str], *, kind: str = "catalog") -> dict[str, tuple[StoreVariant, ...]]:
        """Return the variants of these products; a product that is gone maps to an empty tuple."""
        found: dict[str, tuple[StoreVariant, ...]] = dict.fromkeys(product_ids, ())
        wanted = [one for one in found if one.isascii() and one.isdigit()]
        for some in batches(wanted):
            params = {"id:in": comma(some), "include": INCLUDE, "limit": limits.IDS_A_CALL}
            held: dict[str, list[StoreVariant]] = {}
            for variant in self._variants(self._client.products(params, kind=kind)):
                held.setdefault(variant.product_id, []).append(variant)
            found |= {product_id: tuple(held[product_id]) for product_id in some if product_id in held}
        return found

    def find(self, text: str, limit: int) -> list[StoreVariant]:
        """Return variants whose SKU, barcode or name fits what a person typed; exact SKUs first, then barcodes."""
        wanted = " ".join(text.split())
        if not wanted or limit < 1:
            return []
        ids: dict[str, None] = {}
        # A product's own SKU is not among its variants' ones: both lists are asked (BigCommerce's variants API).
        for field in ("sku", "upc"):
            params = {field: wanted, "limit": FIND_PRODUCTS}
            for row in self._client.variants(params, kind="stock"):
                ids.setdefault(mapping.id_of(row, "product_id"))
            for row in self._client.products(params, kind="stock"):
                ids.setdefault(mapping.id_of(row, "id"))
            if ids:
                break
        if not ids:
            params = {"keyword": wanted, "keyword_context": "merchant", "limit": min(limit, FIND_PRODUCTS)}
            ids = dict.fromkeys(mapping.id_of(row, "id") for row in self._client.products(params, kind="stock"))
        found = [one for some in self.products(list(ids), kind="stock").values() for one in some]
        folded = wanted.casefold()
        exact = [one for one in found if folded in (one.sku.casefold(), one.barcode.casefold())]
        rest = [one for one in found if one not in exact]
        return [*sorted(exact, key=lambda one: one.sku.casefold() != folded), *rest][:limit]

    def _variants(self, products: Sequence[Json]) -> list[StoreVariant]:
        """Return the variants of products that came with them, figures included: one call for all."""
        tracked = [mapping.id_of(one, "id") for one in products if one.get("inventory_tracking") in (VARIANT, PRODUCT)]
        rows = self._stock.of_products(tracked) if tracked else []
        levels = {tracking: levels_by(tracking, rows) for tracking in (VARIANT, PRODUCT)}
        return [variant for product in products for variant in variants_of(product, levels)]


def variants_of(product: Json, levels: Mapping[str, Mapping[str, Iterable[tuple[str, int]]]]) -> list[StoreVariant]:
    """Return the variants of a product; a product without options has one, its base variant.

    `levels` are the figures by variant and by product. Raises `UnexpectedReply` when the product came without variants.
    """
    listed = product.get("variants")
    if not isinstance(listed, list):
        raise UnexpectedReply("BigCommerce's product has no list of variants", platform=PLATFORM)
    held = [one for one in listed if isinstance(one, dict)]
    return [_variant(one, product, levels, alone=len(held) == 1) for one in held]


def _variant(
    row: Json, product: Json, levels: Mapping[str, Mapping[str, Iterable[tuple[str, int]]]], *, alone: bool
) -> StoreVariant:
    variant_id, product_id = mapping.id_of(row, "id"), mapping.id_of(product, "id")
    tracking = str(product.get("inventory_tracking") or NONE)
    held = product_id if tracking == PRODUCT else variant_id
    price = next((row[name] for name in ("calculated_price", "price") if row.get(name) is not None), None)
    values = [one for one in row.get("option_values") or () if isinstance(one, dict)]
    return StoreVariant(
        id=variant_id,
        product_id=product_id,
        product_title=str(product.get("name") or ""),
        item_id=f"{tracking}:{held}",
        sku=str(row.get("sku") or (product.get("sku") if alone else "") or ""),
        barcode=str(_barcode(row) or (_barcode(product) if alone else "")),
        options=tuple((str(one.get("option_display_name") or ""), str(one.get("label") or "")) for one in values),
        price=mapping.amount_of(product.get("price") if price is None else price),
        tracked=tracking in (VARIANT, PRODUCT),
        active=product.get("availability") != "disabled" and row.get("purchasing_disabled") is not True,
        visible=product.get("is_visible") is not False,
        requires_shipping=product.get("type") != "digital",
        image_url=_image(row, product),
        updated_at=mapping.iso_time(product.get("date_modified")),
        figures=tuple(levels.get(tracking, {}).get(held, ())),
    )


def _place(token: str, updated_after: datetime | None) -> tuple[int, str]:
    """Return (the id behind which to go on, the time changes are asked from or "") of a page token."""
    if not token:
        return 0, _iso(updated_after) if updated_after is not None else ""
    place = _TOKEN.fullmatch(token)
    if place is None:
        raise Rejected("This is not a page of BigCommerce's catalog", code="page_token", platform=PLATFORM)
    return int(place["id"]), place["since"] or ""


def _barcode(row: Json) -> str:
    return str(row.get("upc") or row.get("gtin") or "")


def _image(row: Json, product: Json) -> str:
    held = product.get("primary_image")
    image: Json = held if isinstance(held, dict) else {}
    return str(row.get("image_url") or image.get("url_standard") or image.get("url_thumbnail") or "")


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
