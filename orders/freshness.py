"""How fresh each account is (F31): how long orders took from the marketplace to here; asked by the Accounts page."""

from __future__ import annotations

from django.db import connection

from salestio import tenancy

TARGET_SECONDS = 300
"""The promise: an order is visible here at most 5 minutes after it is paid …"""
STORE_TARGET_SECONDS = 120
"""… and in the store 2 minutes later."""

_LAG = """
SELECT o.account_id, percentile_cont(0.95) WITHIN GROUP (ORDER BY (e.data ->> 'seconds')::float)
FROM orders_order o
JOIN orders_orderevent e ON e.order_id = o.id AND e.merchant_id = o.merchant_id AND e.code = 'IMPORTED'
WHERE o.merchant_id = %(merchant)s AND o.changed_at > now() - make_interval(hours => %(hours)s)
  AND o.imported_at > now() - make_interval(hours => %(hours)s)
  AND e.data ->> 'via' IN ('sweep', 'push') GROUP BY 1
"""
"""From the marketplace's last change of the order (its payment) to its import; what a person fetched does not count.

Of what came in, not of what was bought: after a day's outage the orders of the day before are the late ones. What came in
changed no earlier, and by that there is an index."""


def import_lag(*, hours: int = 24) -> dict[int, float]:
    """Return account id → the 95th percentile, in seconds, of the orders imported within the last `hours`.

    Accounts without such orders are left out. In the merchant's scope.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LAG, {"merchant": tenancy.current_merchant_id(), "hours": hours})
        return {account_id: float(seconds) for account_id, seconds in cursor.fetchall()}
