"""Counts of orders by state and reason, from the tally that a trigger keeps in the same transaction (MECHANISMS 16)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db import connection
from django.db.models import Sum

from orders.models import OrderTally
from salestio import tenancy


def summary() -> dict[str, dict[str, int]]:
    """Return {"states": {state: n}, "reasons": {code: n}} of the active merchant."""
    states: dict[str, int] = defaultdict(int)
    reasons: dict[str, int] = defaultdict(int)
    rows = OrderTally.objects.values_list("export_state", "reason_code").annotate(n=Sum("change"))
    for state, reason, number in rows:
        if number:
            states[state] += number
            if reason:
                reasons[reason] += number
    return {"states": dict(states), "reasons": dict(reasons)}


def by_account() -> dict[int, dict[str, int]]:
    """Return account id → {state: n}."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for account, state, number in OrderTally.objects.values_list("account_ref", "export_state").annotate(
        n=Sum("change")
    ):
        if number:
            found[account][state] = number
    return dict(found)


def by_fulfiller() -> dict[str, int]:
    """Return {"merchant": n, "marketplace": n}."""
    rows = OrderTally.objects.values_list("fulfilled_by").annotate(n=Sum("change"))
    return {name: number for name, number in rows if number}


def fold(merchant_id: int, *, above: int = 500) -> int:
    """Add the tally's rows of one merchant together when there are many; return how many were folded."""
    with tenancy.scope(merchant_id), connection.cursor() as cursor:
        cursor.execute(
            """WITH part AS (SELECT id FROM orders_ordertally WHERE merchant_id = %s LIMIT 20000),
               gone AS (DELETE FROM orders_ordertally t USING part WHERE t.id = part.id AND (SELECT count(*) FROM part) > %s
                        RETURNING t.*)
               INSERT INTO orders_ordertally (merchant_id, account_ref, export_state, reason_code, fulfilled_by, change)
               SELECT merchant_id, account_ref, export_state, reason_code, fulfilled_by, sum(change)
               FROM gone GROUP BY 1, 2, 3, 4, 5 HAVING sum(change) <> 0""",
            [merchant_id, above],
        )
        return int(cursor.rowcount)


def recount(merchant_id: int) -> dict[str, Any]:
    """Count the orders themselves and mend the tally; return what was wrong, empty when nothing was."""
    with tenancy.scope(merchant_id), connection.cursor() as cursor:
        cursor.execute(
            """WITH real AS (SELECT account_id AS account_ref, export_state, reason_code, fulfilled_by, count(*) AS n
                             FROM orders_order WHERE merchant_id = %(m)s GROUP BY 1, 2, 3, 4),
               kept AS (SELECT account_ref, export_state, reason_code, fulfilled_by, sum(change) AS n
                        FROM orders_ordertally WHERE merchant_id = %(m)s GROUP BY 1, 2, 3, 4)
               INSERT INTO orders_ordertally (merchant_id, account_ref, export_state, reason_code, fulfilled_by, change)
               SELECT %(m)s, account_ref, export_state, reason_code, fulfilled_by, coalesce(real.n, 0) - coalesce(kept.n, 0)
               FROM real FULL JOIN kept USING (account_ref, export_state, reason_code, fulfilled_by)
               WHERE coalesce(real.n, 0) <> coalesce(kept.n, 0)
               RETURNING export_state, reason_code, change""",
            {"m": merchant_id},
        )
        return {f"{state}/{reason}": change for state, reason, change in cursor.fetchall()}
