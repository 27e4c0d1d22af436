"""How many orders each account had lately; asked by the Accounts page through `routes.ask("orders.per_hour")`."""

from __future__ import annotations

from django.db import connection

from salestio import tenancy


def per_hour(*, hours: int = 24) -> dict[int, list[int]]:
    """Return account id → orders bought in each of the last `hours` hours, oldest first, of the active merchant."""
    found: dict[int, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT account_id, floor(extract(epoch FROM now() - purchased_at) / 3600)::int AS age, count(*)
               FROM orders_order
               WHERE merchant_id = %s AND purchased_at > now() - make_interval(hours => %s) AND purchased_at <= now()
               GROUP BY 1, 2""",
            [tenancy.current_merchant_id(), hours],
        )
        for account_id, age, number in cursor.fetchall():
            if 0 <= age < hours:
                found.setdefault(account_id, [0] * hours)[hours - 1 - age] = number
    return found
