"""Finding orders by what a person types: one statement over the four places it may stand. Call inside a scope."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from inventory.models import Variant
from orders import personal
from orders.models import Buyer, OrderLine
from salestio import tenancy

_BY_ID = """(SELECT 'id', id FROM orders_order WHERE merchant_id = %(m)s AND (
    marketplace_order_id = %(order)s OR store_order_name IN (%(order)s, %(number)s) AND store_order_name <> ''
    OR store_order_id = %(order)s AND store_order_id <> '') LIMIT 1000)"""
_BY_SELLER_SKU = """(SELECT 'line', order_id FROM orders_orderline
    WHERE merchant_id = %(m)s AND seller_sku = %(sku)s LIMIT %(limit)s)"""
_BY_VARIANT = """(SELECT 'line', order_id FROM orders_orderline WHERE merchant_id = %(m)s AND variant_id = ANY(ARRAY(
    SELECT id FROM inventory_variant WHERE merchant_id = %(m)s AND sku = %(sku)s
    AND store_id = ANY(ARRAY(SELECT id FROM accounts_store WHERE merchant_id = %(m)s)) LIMIT 20)) LIMIT %(limit)s)"""
_BY_BUYER = """(SELECT 'buyer', order_id FROM orders_buyer
    WHERE merchant_id = %(m)s AND tokens @> %(words)s::bigint[] LIMIT %(limit)s)"""


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
    facts = {"m": merchant, "order": order, "number": f"#{order}", "sku": sku, "words": tokens, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), facts)
        groups = {"id": hits.by_id, "line": hits.by_line, "buyer": hits.by_buyer}
        for kind, order_id in cursor.fetchall():
            groups[kind].add(order_id)
    return hits


def has_sku(sku: str) -> Q:
    """Return the condition "a line has this seller SKU or the store's variant with this SKU", for a walk over orders."""
    merchant = tenancy.current_merchant_id()
    variants = list(Variant.objects.filter(merchant_id=merchant, sku=sku).values_list("pk", flat=True)[:20])
    lines = OrderLine.objects.filter(merchant_id=merchant, order_id=OuterRef("pk"))
    return Q(Exists(lines.filter(Q(seller_sku=sku) | Q(variant_id__in=variants))))


def has_buyer(words: str) -> Q:
    """Return the condition "the buyer has all these words", for a walk over orders."""
    merchant = tenancy.current_merchant_id()
    tokens = personal.words_searched(merchant, words)
    if not tokens:
        return Q(pk__in=[])
    return Q(Exists(Buyer.objects.filter(merchant_id=merchant, order_id=OuterRef("pk"), tokens__contains=tokens)))
