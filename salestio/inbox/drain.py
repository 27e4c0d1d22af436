"""Act on what platforms told us: by lane and topic, in batches reduced to distinct objects (MECHANISMS 11)."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.timezone import now

from salestio import doorbell, routes, tenancy
from salestio.inbox.models import InboxRow

log = logging.getLogger(__name__)
TASK = "salestio.inbox.tasks.drain"
BATCH = 200

TOPICS: dict[str, str] = {
    "stock": "inventory.inbox.on_stock",
    "product": "inventory.inbox.on_product",
    "product_deleted": "inventory.inbox.on_product_deleted",
    "location": "inventory.inbox.on_location",
    "order": "orders.inbox.on_order_changed",
    "order_deleted": "orders.inbox.on_order_gone",
    "order_canceled": "orders.inbox.on_order_gone",
    "store": "accounts.inbox.on_store",
    "scopes": "accounts.inbox.on_scopes",
    "uninstalled": "accounts.inbox.on_uninstalled",
    "redact_customer": "accounts.inbox.on_redact_customer",
    "redact_store": "accounts.inbox.on_redact_store",
    "data_request": "accounts.inbox.on_data_request",
    "erase_buyer": "orders.inbox.on_erase_buyer",
    "account_revoked": "accounts.inbox.on_account_revoked",
}
"""Topic → function(merchant_id, store_id, object_ids, rows), called outside any scope. Topics of later issues
(shipment, refund) are stored and marked done: nothing acts on them yet."""


def drain(merchant_id: int, store_id: int) -> int:
    """Work off one batch of the lane's messages; return how many rows it was."""
    rows = _claim(merchant_id, store_id)
    by_topic: dict[str, list[InboxRow]] = defaultdict(list)
    for row in rows:
        by_topic[row.topic].append(row)
    for topic, some in by_topic.items():
        _act(merchant_id, store_id, topic, some)
    return len(rows)


def _claim(merchant_id: int, store_id: int) -> list[InboxRow]:
    with tenancy.scope(merchant_id):
        return list(
            InboxRow.objects.raw(
                """WITH due AS (SELECT id FROM inbox_inboxrow
                                WHERE merchant_id = %s AND coalesce(store_ref, 0) = %s AND done_at IS NULL
                                  AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until < now())
                                ORDER BY next_attempt_at, id LIMIT %s FOR UPDATE SKIP LOCKED)
                   UPDATE inbox_inboxrow i SET lease_until = now() + make_interval(secs => %s), attempts = attempts + 1
                   FROM due WHERE i.id = due.id RETURNING i.*""",
                [merchant_id, store_id, BATCH, settings.TIMES.lease],
            )
        )


def _act(merchant_id: int, store_id: int, topic: str, rows: list[InboxRow]) -> None:
    function = TOPICS.get(topic)
    object_ids: list[Any] = list(dict.fromkeys(one for row in rows for one in row.object_ids))
    ids = [row.pk for row in rows]
    if function is not None:
        try:
            routes.resolve(function)(merchant_id, store_id, object_ids, rows)
        except Exception as error:
            log.exception("messages could not be acted on", extra={"topic": topic, "rows": len(rows)})
            _again(merchant_id, ids, rows[0].attempts, type(error).__name__)
            return
    with tenancy.scope(merchant_id):
        InboxRow.objects.filter(pk__in=ids).update(done_at=now(), lease_until=None, error="")


def _again(merchant_id: int, ids: list[int], attempts: int, error: str) -> None:
    """Try the messages again later; after a day the alert says what is stuck, and they are still tried."""
    wait = min(5.0 * 2**attempts, 3600.0)
    with tenancy.scope(merchant_id):
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE inbox_inboxrow SET lease_until = NULL, error = %s, next_attempt_at = now() + make_interval(secs => %s)
                   WHERE id = ANY(%s)""",
                [error, wait, ids],
            )
        if attempts >= 8:
            routes.emit("alert.open", kind="inbox_stuck", key=str(ids[0]), data={"text": error})


def receive(
    *, platform: str, topic: str, event_id: str, store_id: int | None = None, account_id: int | None = None,
    object_ids: list[str] | tuple[str, ...] = (), triggered_at: Any = None,
) -> bool:  # fmt: skip
    """Store one verified message of the active merchant; False when it was here before. Rings after the commit."""
    merchant_id = tenancy.current_merchant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO inbox_inboxrow (merchant_id, platform, store_ref, account_ref, topic, event_id, object_ids,
                                           triggered_at, received_at, attempts, next_attempt_at, error)
               VALUES (%s, %s, %s, %s, %s, %s, %s::jsonb, %s, now(), 0, now(), '')
               ON CONFLICT (merchant_id, platform, topic, event_id) DO NOTHING""",
            [merchant_id, platform, store_id, account_id, topic, event_id, _json(list(object_ids)), triggered_at],
        )
        fresh = bool(cursor.rowcount)
    if fresh:
        doorbell.ring(TASK, merchant_id, store_id or 0)
    return fresh


def _json(value: Any) -> str:
    import json

    return json.dumps(value)
