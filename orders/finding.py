"""Finding orders of any merchant by whatever somebody pasted, for support. Call inside `unscoped`.

The orders' indexes are led by the merchant, so each way joins from the small tables: one probe of an index a merchant,
never a walk over a million rows.
"""

from __future__ import annotations

from django.db import connection

from accounts import connections

# ruff: noqa: S608 - the statements below are put together from constants of this file; what was pasted is a parameter.

MOST = 300
"""Orders found by one way: the newest, where a way means a merchant's orders."""

_NEWEST = "(SELECT id FROM orders_order WHERE {where} ORDER BY purchased_at DESC, id DESC LIMIT %(most)s) o"
_BY_MERCHANT = _NEWEST.format(where="merchant_id = m.id")
_BY_STORE = _NEWEST.format(where="merchant_id = s.merchant_id AND store_id = s.id")
_BY_ACCOUNT = _NEWEST.format(where="merchant_id = a.merchant_id AND account_id = a.id")

_WAYS = {
    "marketplace order id": """SELECT o.id FROM accounts_merchant m
        JOIN orders_order o ON o.merchant_id = m.id AND o.marketplace_order_id = %(term)s""",
    "store order name": """SELECT o.id FROM accounts_merchant m JOIN orders_order o ON o.merchant_id = m.id
        AND o.store_order_name IN (%(term)s, %(name)s) AND o.store_order_name <> ''""",
    "store order id": """SELECT o.id FROM accounts_merchant m JOIN orders_order o ON o.merchant_id = m.id
        AND o.store_order_id = ANY(%(store_ids)s) AND o.store_order_id <> ''""",
    "our id": "SELECT id FROM orders_order WHERE id = %(number)s",
    "seller SKU": """SELECT l.order_id FROM accounts_merchant m
        JOIN orders_orderline l ON l.merchant_id = m.id AND l.seller_sku = %(term)s""",
    "store SKU": """SELECT l.order_id FROM accounts_store s
        JOIN inventory_variant v ON v.merchant_id = s.merchant_id AND v.store_id = s.id AND v.sku = %(term)s
        JOIN orders_orderline l ON l.merchant_id = v.merchant_id AND l.variant_id = v.id""",
    "merchant": f"""SELECT o.id FROM accounts_merchant m, LATERAL {_BY_MERCHANT}
        WHERE m.id = %(number)s OR lower(m.name) = lower(%(term)s)
           OR m.id IN (SELECT p.merchant_ref FROM accounts_membership p JOIN accounts_user u ON u.id = p.user_id
                       WHERE u.email = lower(%(term)s))""",
    "store": f"""SELECT o.id FROM accounts_store s, LATERAL {_BY_STORE}
        WHERE s.key = lower(%(term)s) OR s.domain = lower(%(term)s)""",
    "marketplace account": f"""SELECT o.id FROM accounts_marketplaceaccount a, LATERAL {_BY_ACCOUNT}
        WHERE upper(a.key) = upper(%(term)s) OR lower(a.name) = lower(%(term)s)""",
}
"""What a pasted text may be → how orders are found by it."""


def find(term: str) -> list[int]:
    """Return ids of the orders a pasted text may mean, newest id first; at most `MOST` for each way. One query."""
    text = term.strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
    facts = {
        "term": text,
        "name": f"#{text}",
        "store_ids": [text, *connections.store_order_ids(text)],
        "number": number,
        "most": MOST,
    }
    parts = [f"(SELECT id FROM ({way}) way(id) LIMIT %(most)s)" for way in _WAYS.values()]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT id FROM ({' UNION ALL '.join(parts)}) found ORDER BY id DESC", facts)
        return [row[0] for row in cursor.fetchall()]
