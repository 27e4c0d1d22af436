"""Finding orders by what a person types: one statement over the four places it may stand. Call inside a scope."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection

from orders import personal
from salestio import tenancy

_BY_ID = """(SELECT 'id', id FROM orders_order WHERE merchant_id = %(m)s AND marketplace_order_id = %(order)s LIMIT 1000)
UNION ALL (SELECT 'id', id FROM orders_order
    WHERE merchant_id = %(m)s AND store_order_name IN (%(order)s, %(number)s) AND store_order_name <> '' LIMIT 1000)
UNION ALL (SELECT 'id', id FROM orders_order
    WHERE merchant_id = %(m)s AND store_order_id = %(order)s AND store_order_id <> '' LIMIT 1000)"""
_BY_SELLER_SKU = """(SELECT 'line', order_id FROM orders_orderline
    WHERE merchant_id = %(m)s AND seller_sku = %(sku)s LIMIT %(limit)s)"""
_BY_VARIANT = """(SELECT 'line', order_id FROM orders_orderline WHERE merchant_id = %(m)s AND variant_id = ANY(ARRAY(
    SELECT id FROM inventory_variant WHERE merchant_id = %(m)s AND sku = %(sku)s
    AND store_id = ANY(ARRAY(SELECT id FROM accounts_store WHERE merchant_id = %(m)s)) LIMIT 20)) LIMIT %(limit)s)"""
# By functions, because row-level security keeps these two conditions from their indexes (migration 0004).
_BY_BUYER = "(SELECT 'buyer', hit FROM orders_with_words(%(words)s::bigint[], %(limit)s) AS hit)"
_BY_TOTAL = "SELECT hit FROM orders_with_total(%(low)s, %(high)s, %(limit)s) AS hit"


@dataclass(slots=True)
class Hits:
    """Ids of orders, by where the text was found; each list ends at the limit asked for."""

    by_id: set[int] = field(default_factory=set)
    by_line: set[int] = field(default_factory=set)
    by_buyer: set[int] = field(default_factory=set)


def probe(*, order: str = "", sku: str = "", words: str = "", limit: int) -> Hits:
    """Look a text up as an order id or Shop Order ID, as a SKU, as a buyer's whole words. One query."""
    merchant = tenancy.current_merchant_id()
    tokens = personal.words_searched(merchant, words) if words else []
    parts = [_BY_ID] if order else []
    parts += [_BY_SELLER_SKU, _BY_VARIANT] if sku else []
    parts += [_BY_BUYER] if tokens else []
    hits = Hits()
    if not parts:
        return hits
    facts: dict[str, Any] = {
        "m": merchant,
        "order": order,
        "number": f"#{order}",
        "sku": sku,
        "words": tokens,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), facts)
        groups = {"id": hits.by_id, "line": hits.by_line, "buyer": hits.by_buyer}
        for kind, order_id in cursor.fetchall():
            groups[kind].add(order_id)
    return hits


def between(low: Decimal | None, high: Decimal | None, *, limit: int) -> list[int]:
    """Return the ids of orders whose total lies in a range; None leaves a side open. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_TOTAL, {"low": low, "high": high, "limit": limit})
        return [row[0] for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on one order that PostgreSQL checks row by row while it walks, never by joining whole tables."""

    sql: str
    params: tuple[Any, ...]


def has_sku(sku: str) -> Condition:
    """Return "a line has this seller SKU or the store's variant with this SKU"."""
    return Condition(
        """(SELECT true FROM orders_orderline l WHERE l.order_id = orders_order.id AND (l.seller_sku = %s OR l.variant_id = ANY(
            ARRAY(SELECT v.id FROM inventory_variant v WHERE v.merchant_id = %s AND v.sku = %s LIMIT 20))) LIMIT 1)""",
        (sku, tenancy.current_merchant_id(), sku),
    )


def has_buyer(words: str) -> Condition:
    """Return "the buyer has all these words"."""
    tokens = personal.words_searched(tenancy.current_merchant_id(), words)
    # OFFSET 0 keeps the row's own words from being looked up in the index of all words.
    return Condition(
        """(SELECT b.tokens @> %s::bigint[] FROM
            (SELECT tokens FROM orders_buyer WHERE order_id = orders_order.id OFFSET 0) b)""",
        (tokens,),
    )


def in_range(low: Decimal | None, high: Decimal | None) -> Condition:
    """Return "the total lies in this range"; a subquery, because without statistics a plain range is misjudged."""
    return Condition(
        "(SELECT orders_order.total BETWEEN coalesce(%s::numeric, '-Infinity') AND coalesce(%s::numeric, 'Infinity'))",
        (low, high),
    )
