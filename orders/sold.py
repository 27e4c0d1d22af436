"""What marketplaces sold lately, by the SKU they name it with; the mapping pages ask through salestio/routes.py."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from salestio import tenancy

MOST_SKUS = 20_000
"""A merchant with more different SKUs in orders sees the best sold of them."""

_SOLD = """
WITH sold AS (
    SELECT o.store_id, o.account_id, o.platform, coalesce(nullif(btrim(l.seller_sku), ''), l.item_id) AS sku, l.id AS line,
           btrim(l.seller_sku) = '' AS by_item, l.title, l.variation, l.quantity, l.matched_by,
           o.purchased_at >= %(recent)s AS recent,
           o.export_state = 'held' AND o.reason_code IN ('NO_MATCH', 'AMBIGUOUS_SKU', 'SKU_CHANGED') AS waits
    FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
    WHERE o.merchant_id = %(merchant)s AND o.purchased_at >= %(since)s AND o.export_state <> 'canceled')
SELECT store_id, account_id, platform, sku, (array_agg(by_item ORDER BY line DESC))[1],
       (array_agg(title ORDER BY line DESC))[1], (array_agg(variation ORDER BY line DESC))[1]::text,
       (array_agg(matched_by ORDER BY line DESC))[1],
       coalesce(sum(quantity) FILTER (WHERE recent), 0), sum(quantity), count(*) FILTER (WHERE waits)
FROM sold WHERE sku <> '' GROUP BY store_id, account_id, platform, sku
ORDER BY 9 DESC, 10 DESC, sku LIMIT %(most)s
"""
NAMES = (
    "store_id", "account_id", "platform", "sku", "by_item", "title", "variation", "matched_by", "recent_units", "units",
    "waiting_lines",
)  # fmt: skip


def by_sku(*, since: datetime, recent: datetime) -> list[dict[str, Any]]:
    """Return each SKU (item id where a line has none) that an account's orders since then named, best sold first.

    `variation` is the newest line's, as JSON text; `recent_units` are those since `recent`. Call inside a scope.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _SOLD, {"merchant": tenancy.current_merchant_id(), "since": since, "recent": recent, "most": MOST_SKUS}
        )
        return [dict(zip(NAMES, row, strict=True)) for row in cursor.fetchall()]
