"""Reading the catalog: products page by page, variants whole; single products; what a person looks for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.contract.errors import Rejected, UnexpectedReply
from connectors.contract.types import Page, StoreVariant
from connectors.shopify import documents, mapping
from connectors.shopify.client import Client
from connectors.shopify.config import PLATFORM
from connectors.shopify.documents import Document
from connectors.shopify.errors import QueryTooDear

Json = Mapping[str, Any]

VARIANTS_A_PRODUCT = 5
"""Variants asked for with each product of a page; a product with more is read on by itself."""

FIRST_LEVELS = 2
MOST_LEVELS = 250
PAGE_PRODUCTS = 100


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a read of the catalog stands: the cursor behind the last page of products, and the products begun in it."""

    after: str | None = None
    last: bool = False
    """The page of products was the last one; only begun products are left."""
    open: tuple[tuple[str, str], ...] = ()
    """(product id, cursor behind its last variant read)."""

    @classmethod
    def read(cls, token: str) -> _Place:
        """Return the place a token of ours names, the beginning for "". Raises `Rejected` for any other text."""
        if not token:
            return cls()
        try:
            kept = json.loads(token)
            place = cls(kept["after"], kept["last"] is True, tuple((str(one), str(at)) for one, at in kept["open"]))
        except (ValueError, TypeError, KeyError):
            place = cls(last=True)
        if not isinstance(place.after, str | None) or (place.last and not place.open):
            raise Rejected("This is not a page of Shopify's catalog", code="page_token", platform=PLATFORM)
        return place

    def token(self) -> str:
        """Return the page token of this place, "" when nothing is left to read."""
        if self.last and not self.open:
            return ""
        return json.dumps({"after": self.after, "last": self.last, "open": self.open}, separators=(",", ":"))


class Catalog:
    """The catalog of one shop. Thread-safe: what it learns is a number that only grows."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._levels = FIRST_LEVELS

    def page(self, after_token: str, updated_after: datetime | None) -> Page[StoreVariant]:
        """Return one page: some products with their first variants, or more variants of one of those products.

        A page is one call, so that a pause asked for in between never costs what was read already. With `updated_after`
        only products changed since (in Shopify's index, which may lag some seconds), oldest change first, and `bound`
        is the newest change seen. Raises `Rejected` (code `page_token`) for a token not of ours.
        """
        place = _Place.read(after_token)
        if place.open:
            return self._more_of_a_product(place)
        query = f"updated_at:>='{mapping.iso(updated_after)}'" if updated_after else None
        document = documents.PRODUCT_LIST
        each = self._product_points()
        first = self._client.costs.batch(document.text, each=each, fixed=2.0, most=PAGE_PRODUCTS)
        data = self._afford(
            document,
            {"after": place.after, "query": query, "sort": "UPDATED_AT" if updated_after else "ID"},
            first=first,
            each=each,
            variants=VARIANTS_A_PRODUCT,
        )
        found: list[StoreVariant] = []
        unfinished: list[tuple[str, str]] = []
        for product in mapping.nodes_of(data, document.name):
            found += self._first_variants(product)
            if more := mapping.more_of(product, "variants"):
                unfinished.append((mapping.text_of(product, "id"), more))
        after = mapping.more_of(data, document.name)
        if after is not None and after in ("", place.after):
            raise UnexpectedReply(
                "Shopify's catalog goes on in the same place", platform=PLATFORM, operation="products"
            )
        changes = [variant.updated_at for variant in found if variant.updated_at] if updated_after else []
        return Page(
            items=tuple(found),
            next_token=_Place(after, after is None, tuple(unfinished)).token(),
            bound=max(changes, default=None),
        )

    def _more_of_a_product(self, place: _Place) -> Page[StoreVariant]:
        """Return the next variants of the first product that is not read to its end."""
        (product_id, after), *others = place.open
        document = documents.PRODUCT_VARIANTS
        each = documents.variant_points(self._levels)
        first = self._client.costs.batch(document.text, each=each, fixed=6.0)
        product = self._afford(document, {"id": product_id, "after": after}, first=first, each=each)[document.name]
        found: tuple[StoreVariant, ...] = ()
        # A product that was deleted while we read is simply over; its webhook tells the rest.
        if isinstance(product, dict):
            found = tuple(self._first_variants(product))
            if more := mapping.more_of(product, "variants"):
                others.insert(0, (product_id, more))
        return Page(items=found, next_token=_Place(place.after, place.last, tuple(others)).token())

    def products(self, product_ids: Sequence[str]) -> Mapping[str, Sequence[StoreVariant]]:
        """Return the variants of each product; one that is gone maps to an empty sequence."""
        found: dict[str, Sequence[StoreVariant]] = dict.fromkeys(product_ids, ())
        left = list(dict.fromkeys(product_ids))
        document = documents.PRODUCT_GET
        while left:
            each = self._product_points()
            size = self._client.costs.batch(document.text, each=each)
            asked = left[:size]
            try:
                data = self._client.run(
                    document,
                    {"ids": asked, "variants": VARIANTS_A_PRODUCT, "levels": self._levels},
                    points=len(asked) * each,
                )
            except QueryTooDear:
                if len(asked) == 1:
                    raise
                continue
            left = left[size:]
            for product_id, node in zip(asked, data["nodes"], strict=True):
                if isinstance(node, dict) and node.get("__typename") == "Product":
                    found[product_id] = tuple(self._variants(node))
        return found

    def find(self, text: str, limit: int) -> Sequence[StoreVariant]:
        """Return up to `limit` variants for what a person typed: exact SKUs, then barcodes, then titles."""
        wanted = " ".join(text.split())
        if not wanted:
            return ()
        literal = quoted(wanted)
        found: dict[str, StoreVariant] = {}
        for node in self._search_variants(f"sku:{literal} OR barcode:{literal} OR title:{literal}", limit):
            variant = mapping.variant(node, node.get("product") or {})
            found[variant.id] = variant
        exact = any(variant.sku == wanted or variant.barcode == wanted for variant in found.values())
        query = _title_query(wanted)
        if query and not exact and len(found) < limit:
            for variant in self._of_products(query, limit):
                found.setdefault(variant.id, variant)
        ranked = sorted(
            found.values(), key=lambda variant: (_rank(variant, wanted), variant.product_title, variant.sku)
        )
        return tuple(ranked[:limit])

    def _search_variants(self, query: str, limit: int) -> list[Json]:
        document = documents.VARIANT_SEARCH
        each = documents.PRODUCT_POINTS + documents.variant_points(self._levels)
        data = self._afford(document, {"query": query}, first=min(limit, 50), each=each)
        return mapping.nodes_of(data, document.name)

    def _of_products(self, query: str, limit: int) -> Iterator[StoreVariant]:
        document = documents.PRODUCT_LIST
        each = self._product_points()
        first = self._client.costs.batch(document.text, each=each, fixed=2.0, most=max(1, min(limit, 10)))
        data = self._afford(
            document,
            {"after": None, "query": query, "sort": "TITLE"},
            first=first,
            each=each,
            variants=VARIANTS_A_PRODUCT,
        )
        for product in mapping.nodes_of(data, document.name):
            for node in mapping.nodes_of(product, "variants"):
                yield mapping.variant(node, product)

    def _product_points(self) -> float:
        return documents.PRODUCT_POINTS + 2.0 + VARIANTS_A_PRODUCT * documents.variant_points(self._levels)

    def _afford(
        self, document: Document, variables: Json, *, first: int, each: float, variants: int | None = None
    ) -> dict[str, Any]:
        """Run a paged read; while Shopify calls it too dear, ask for half as many."""
        sizes: dict[str, Any] = {"levels": self._levels}
        if variants is not None:
            sizes["variants"] = variants
        while True:
            try:
                return self._client.run(document, {**variables, **sizes, "first": first}, points=2.0 + first * each)
            except QueryTooDear:
                if first == 1:
                    raise
                first = max(1, first // 2)

    def _first_variants(self, product: Json) -> Iterator[StoreVariant]:
        """Yield the variants that came with a product, each with the figures of all its locations."""
        for node in mapping.nodes_of(product, "variants"):
            yield mapping.variant(self._whole(node), product)

    def _variants(self, product: Json) -> Iterator[StoreVariant]:
        """Yield all variants of a product, reading on where it has more than came with it."""
        yield from self._first_variants(product)
        after = mapping.more_of(product, "variants")
        while after:
            document = documents.PRODUCT_VARIANTS
            each = documents.variant_points(self._levels)
            first = self._client.costs.batch(document.text, each=each, fixed=6.0)
            variables = {"id": mapping.text_of(product, "id"), "after": after}
            more = self._afford(document, variables, first=first, each=each)[document.name]
            if not isinstance(more, dict):
                return  # deleted while we read; its webhook tells the rest
            yield from self._first_variants(more)
            after = mapping.more_of(more, "variants")

    def _whole(self, variant: Json) -> Json:
        """Return the variant with the figures of all its locations, read again by itself where it has more of them."""
        levels = self._levels
        item = variant.get("inventoryItem") or {}
        while mapping.more_of(item, "inventoryLevels") is not None and levels < MOST_LEVELS:
            levels = min(MOST_LEVELS, levels * 2)
            data = self._client.run(
                documents.STOCK_READ,
                {"items": [mapping.text_of(item, "id")], "levels": levels, "orders": [], "parts": 1, "lines": 1},
                points=documents.stock_item_points(levels),
            )
            again = data["items"][0]
            if not isinstance(again, dict):
                break
            item = {**item, "inventoryLevels": again.get("inventoryLevels")}
        self._levels = max(self._levels, len(mapping.nodes_of(item, "inventoryLevels")))
        return {**variant, "inventoryItem": item}


def quoted(text: str) -> str:
    """Return the text as one literal of Shopify's search syntax."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _title_query(text: str) -> str:
    """Return the search for titles: the whole text; or its first words as they stand and the last as a beginning."""
    words = [word for word in text.split() if any(sign.isalnum() for sign in word)]
    if not words:
        return ""
    # A beginning cannot be quoted, so it ends where a sign would mean something in a search.
    beginning = "".join(sign if sign.isalnum() else " " for sign in words[-1]).split()[0]
    by_words = " AND ".join([*(f"title:{quoted(word)}" for word in words[:-1]), f"title:{beginning}*"])
    return f"title:{quoted(text)} OR ({by_words})"


def _rank(variant: StoreVariant, wanted: str) -> int:
    if variant.sku == wanted:
        return 0
    if variant.sku.casefold() == wanted.casefold():
        return 1
    return 2 if variant.barcode == wanted else 3
