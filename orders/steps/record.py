"""The two commits around the call (MECHANISMS 3): `sending` for the few whose calls leave now, and the outcome of each.

Each is one statement besides the scope's own. The outcome is written whatever became of the lease: the store order
exists, and that is the truth.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection

from connectors.contract.types import StoreOrderFound
from inventory import reservations, settling
from orders.steps.batch import Batch, Item
from orders.steps.crash import crash_here
from orders.steps.drafting import generation_of, order_key
from salestio import tenancy

log = logging.getLogger(__name__)

MARK_SENDING = """
WITH n AS (SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::int[], %s::jsonb[])
                         AS n(id, generation, key, revision, money)),
o AS (
    UPDATE orders_order o SET export_state = 'sending', reason_code = 'SENDING', state_since = now(),
           next_attempt_at = now() + make_interval(secs => %s), lease_until = now() + make_interval(secs => %s),
           sent_revision = o.revision, attempts = o.attempts + 1
    FROM n WHERE o.id = n.id AND o.lease_token = %s AND o.revision = n.revision
      AND o.export_state IN ('imported', 'waiting', 'held', 'skipped', 'unknown', 'created')
    RETURNING o.id, o.merchant_id, o.store_id, o.account_id, o.marketplace_order_id, n.generation, n.key, n.money),
r AS (
    UPDATE inventory_reservation r SET state = 'sending' FROM o
    WHERE r.order_ref = o.id AND r.merchant_id = o.merchant_id AND r.state IN ('kept', 'unknown'))
INSERT INTO orders_storeorder AS s (merchant_id, order_id, store_id, account_id, marketplace_order_id, generation, key,
       state, remote_id, name, url, sends, sent_at, lookups, lookup_failures, outage_seconds, adopted, money)
SELECT merchant_id, id, store_id, account_id, marketplace_order_id, generation, key,
       'sending', '', '', '', 1, clock_timestamp(), 0, 0, 0, false, money
FROM o
ON CONFLICT (store_id, account_id, marketplace_order_id, generation) DO UPDATE
    SET state = 'sending', sends = s.sends + 1, sent_at = clock_timestamp(), lookups = 0, lookup_failures = 0,
        money = excluded.money
    WHERE s.state IN ('sending', 'unknown', 'refused')
RETURNING s.order_id
"""

CREATED = f"""
WITH o AS (
    UPDATE orders_order SET export_state = 'created', reason_code = '', reason_data = '{{}}', state_since = now(),
           exported_at = now(), store_order_id = %(remote)s, store_order_name = %(name)s, next_attempt_at = NULL,
           retrying_since = NULL, lease_until = NULL, lease_token = NULL, force = '', attempts = 0
    WHERE id = %(order)s AND merchant_id = %(merchant)s
      AND (export_state <> 'created' OR store_order_id IN ('', %(remote)s))
    RETURNING id, merchant_id, revision, sent_revision, status),
s AS (
    UPDATE orders_storeorder SET state = 'created', remote_id = %(remote)s, name = %(name)s, url = %(url)s,
           total = %(total)s, created_at = now(), adopted = %(adopted)s, unknown_since = NULL
    FROM o WHERE orders_storeorder.order_id = o.id AND orders_storeorder.merchant_id = o.merchant_id
      AND generation = %(generation)s),
{reservations.HAND_OVER_SQL},
e AS (
    INSERT INTO orders_orderevent (merchant_id, order_id, at, stage, code, data, actor, attempt)
    SELECT merchant_id, id, now(), 'export', %(code)s, %(data)s::jsonb, %(actor)s, %(attempt)s FROM o)
SELECT revision, sent_revision, status FROM o
"""  # noqa: S608 - nothing but our own words is put in


@dataclass(frozen=True, slots=True)
class AfterCreation:
    """What the marketplace did while the call was away: the revision and status the commit found."""

    changed: bool
    status: str


def mark_sending(batch: Batch, items: Sequence[Item]) -> list[Item]:
    """Write *sending* for the orders whose calls leave now; return those that are still ours and unchanged. In a scope."""
    with connection.cursor() as cursor:
        cursor.execute(
            MARK_SENDING,
            [
                [item.order.pk for item in items],
                [generation_of(item) for item in items],
                [order_key(batch, item, generation_of(item)) for item in items],
                [item.order.revision for item in items],
                [json.dumps(item.money) for item in items],
                settings.TIMES.lease,
                settings.TIMES.lease,
                batch.token,
            ],
        )
        sent = {row[0] for row in cursor.fetchall()}
    return [item for item in items if item.order.pk in sent]


def created(
    batch: Batch, item: Item, found: StoreOrderFound, *, generation: int, adopted: bool = False, code: str = "CREATED"
) -> AfterCreation | None:
    """Save the store order's id at once, hand the units over, and tell the log: one statement.

    Returns what changed at the marketplace meanwhile, or None when the order is in the store under another id already
    (two exist: the caller raises the alarm). Tried again while the database is away, so that an id is not lost lightly.
    """
    values = {
        "remote": found.id,
        "name": found.name,
        "url": found.url,
        "total": found.total,
        "adopted": adopted,
        "generation": generation,
        "order": item.order.pk,
        "merchant": batch.merchant_id,
        **settling.parameters(batch.store.platform),
        "code": code,
        "data": json.dumps({"name": found.name, "store_platform": batch.store.platform}),
        "actor": item.actor,
        "attempt": item.order.attempts,
    }

    def save() -> AfterCreation | None:
        with tenancy.scope(batch.merchant_id):
            with connection.cursor() as cursor:
                cursor.execute(CREATED, values)
                row = cursor.fetchone()
            crash_here("before_created_commit")
        if row is None:
            return None
        revision, sent_revision, status = row
        return AfterCreation(changed=sent_revision is not None and revision != sent_revision, status=status)

    return persistently(save)


def persistently(save: Callable[[], Any], *, tries: int = 6) -> Any:
    """Run a database write again after a deadlock or a lost connection, for about 30 s. Raises the last error."""
    for attempt in range(1, tries + 1):
        try:
            return save()
        except (OperationalError, InterfaceError, DatabaseError) as error:
            if connection.in_atomic_block or attempt == tries:
                raise
            log.warning(
                "an outcome could not be saved, trying again", extra={"attempt": attempt, "error": type(error).__name__}
            )
            close_old_connections()
            # The one sleep outside a queue: the store's answer is in our hands and must not be dropped.
            time.sleep(min(0.2 * 2**attempt, 10.0))
    raise AssertionError("unreachable")
