"""The sweeper: find the lanes that have due rows, and ring each once. Losing every doorbell costs one tick.

Its body may run twice or at the same time without harm: it only reads and rings (DESIGN 4, MECHANISMS 3).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import connection
from django.utils.timezone import now

from salestio import doorbell, routes, tenancy
from salestio.models import Heartbeat

log = logging.getLogger(__name__)
LANES_A_TICK = 500
Ring = tuple[str, int, int]

DUE_ORDERS = """export_state IN ('imported', 'waiting', 'sending', 'unknown') AND next_attempt_at IS NOT NULL"""
ORDER_LANES = f"""
WITH RECURSIVE lane AS (
    (SELECT merchant_id, store_id FROM orders_order WHERE {DUE_ORDERS} ORDER BY merchant_id, store_id LIMIT 1)
    UNION ALL
    SELECT n.merchant_id, n.store_id FROM lane, LATERAL (
        SELECT merchant_id, store_id FROM orders_order
        WHERE {DUE_ORDERS} AND (merchant_id, store_id) > (lane.merchant_id, lane.store_id)
        ORDER BY merchant_id, store_id LIMIT 1) n)
SELECT lane.merchant_id, lane.store_id FROM lane JOIN accounts_storeroute r ON r.store_ref = lane.store_id
WHERE EXISTS (SELECT 1 FROM orders_order o
              WHERE o.merchant_id = lane.merchant_id AND o.store_id = lane.store_id AND {DUE_ORDERS}
                AND o.next_attempt_at <= now() AND (o.lease_until IS NULL OR o.lease_until < now()))
ORDER BY r.last_served_at LIMIT %s
"""  # noqa: S608
"""A skip scan over the index of due orders: as many steps as lanes, whatever the backlog. Oldest served first."""

QUERIES: dict[str, str] = {
    "orders.tasks.drain": ORDER_LANES,
    "orders.tasks.pull": """SELECT merchant_id, account_id FROM orders_orderpull
        WHERE next_attempt_at <= now() AND (lease_until IS NULL OR lease_until < now()) ORDER BY next_attempt_at LIMIT %s""",
    "orders.tasks.read_hinted": """SELECT DISTINCT merchant_id, account_id FROM orders_dirtyorder
        WHERE next_attempt_at <= now() AND (lease_until IS NULL OR lease_until < now()) LIMIT %s""",
    "orders.tasks.back_fill": """SELECT merchant_id, account_id FROM orders_backfill
        WHERE state IN ('counting', 'running') AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until < now())
        ORDER BY next_attempt_at LIMIT %s""",
    "salestio.outbox.tasks.drain": """SELECT DISTINCT merchant_id, coalesce(store_ref, 0) FROM outbox_outboxrow
        WHERE next_attempt_at <= now()
          AND (state = 'pending' OR (state = 'leased' AND lease_until < now())) LIMIT %s""",
    "salestio.inbox.tasks.drain": """SELECT DISTINCT merchant_id, coalesce(store_ref, 0) FROM inbox_inboxrow
        WHERE done_at IS NULL AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until < now()) LIMIT %s""",
}


def due_lanes() -> list[Ring]:
    """Return (task, merchant id, store or account id) of every lane with due work."""
    found: list[Ring] = []
    with tenancy.unscoped("sweep"):
        with connection.cursor() as cursor:
            for task, query in QUERIES.items():
                cursor.execute(query, [LANES_A_TICK])
                found += [(task, merchant, lane) for merchant, lane in cursor.fetchall()]
        found += _inventory_lanes()
    return found


def _inventory_lanes() -> Iterable[Ring]:
    return routes.ask("inventory.due_lanes")


def sweep() -> int:
    """Ring every due lane; return how many. Writes the sweeper's heartbeat."""
    lanes = due_lanes()
    for task, merchant, lane in lanes:
        doorbell.ring_now(task, merchant, lane)
    beat("sweep", lanes=len(lanes))
    return len(lanes)


def beat(name: str, **detail: object) -> None:
    """Write that this part of the system is alive, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO salestio_heartbeat (name, at, detail) VALUES (%s, now(), %s::jsonb)
               ON CONFLICT (name) DO UPDATE SET at = now(), detail = EXCLUDED.detail""",
            [name, _json(detail)],
        )


def _json(value: object) -> str:
    import json

    return json.dumps(value, default=str)


def silent_for(name: str) -> float | None:
    """Return the seconds since that part's last heartbeat, or None when it never had one."""
    row = Heartbeat.objects.filter(name=name).first()
    return (now() - row.at).total_seconds() if row else None
