"""Where an order comes to rest for now: held, waiting, skipped or canceled, always with a reason and what comes next.

The steps note it on the order; `write` saves the whole batch in one statement, if the lease is still ours.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from orders.domain import states
from orders.steps.batch import Batch, Item
from salestio import bulk
from salestio.lib.backoff import retry_delay, stock_recheck

WRITE = """
UPDATE orders_order o SET
    export_state = n.export_state, reason_code = n.reason_code, reason_data = n.reason_data,
    state_since = CASE WHEN (o.export_state, o.reason_code) = (n.export_state, n.reason_code) THEN o.state_since
                       ELSE now() END,
    retrying_since = n.retrying_since, next_attempt_at = n.next_attempt_at, attempts = n.attempts,
    lease_until = CASE WHEN n.keep_lease THEN o.lease_until END,
    lease_token = CASE WHEN n.keep_lease THEN o.lease_token END,
    paid_at = coalesce(o.paid_at, n.paid_at)
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::jsonb[], %s::timestamptz[], %s::timestamptz[], %s::int[],
            %s::boolean[], %s::timestamptz[])
     AS n(id, export_state, reason_code, reason_data, retrying_since, next_attempt_at, attempts, keep_lease, paid_at)
WHERE o.id = n.id AND o.merchant_id = %s AND o.lease_token = %s
"""

# Written out: bulk_update builds a CASE a row and column, which cost a tenth of the worker's time.
WRITE_LINES = """
UPDATE orders_orderline l
SET variant_id = n.variant_id, matched_by = n.matched_by, matched_sku = n.matched_sku, match_note = n.match_note,
    parts = n.parts
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::jsonb[])
     AS n(id, variant_id, matched_by, matched_sku, match_note, parts)
WHERE l.id = n.id AND l.merchant_id = %s
"""


def _rest(item: Item, state: str, code: str, data: dict[str, Any]) -> None:
    order = item.order
    states.check(order.export_state, state)
    order.export_state, order.reason_code, order.reason_data = state, code, data
    order.lease_token = None


def hold(batch: Batch, item: Item, code: str, **data: Any) -> None:
    """Stop the order until the fact behind `code` changes; only a change of reason is told in its log again."""
    same = (item.order.export_state, item.order.reason_code) == ("held", code) and not item.actor
    facts = batch.names(item) | data
    _rest(item, states.ExportState.HELD, code, facts)
    item.order.next_attempt_at = _next_look(batch, code)
    if not same:
        batch.say(item, "match" if "MATCH" in code or "SKU" in code else "export", code, **facts)


def _next_look(batch: Batch, code: str) -> datetime | None:
    """Return when the fact behind a held order is read again by itself: its figures, or the catalog; None for a person's."""
    if code == "OUT_OF_STOCK":
        return batch.now + timedelta(seconds=(stock_recheck(0.0) or 0.0) * settings.TIMES.retry_unit)
    if code in ("NO_MATCH", "AMBIGUOUS_SKU"):
        return batch.store.catalog_next_at
    return None


def wait(batch: Batch, item: Item, code: str, *, seconds: float | None = None, say: bool = True, **data: Any) -> None:
    """Let the order wait for something outside; due again after `seconds`, or by F63's clock, which may give up."""
    order = item.order
    if order.retrying_since is None or order.reason_code != code:
        order.retrying_since, order.attempts = batch.now, 0
    order.attempts += 1
    age = (batch.now - order.retrying_since).total_seconds()
    unit = settings.TIMES.retry_unit
    delay = seconds if seconds is not None else retry_delay(order.attempts, age=age / unit if unit else age)
    again = order.reason_code == code and order.export_state == "waiting"
    facts = batch.names(item) | data
    if delay is None:
        _rest(item, states.ExportState.HELD, code, facts)
        order.next_attempt_at = None
        batch.say(item, "export", "GAVE_UP", reason=code, **facts)
        return
    _rest(item, states.ExportState.WAITING, code, facts)
    order.next_attempt_at = batch.now + timedelta(seconds=delay * (unit if seconds is None else 1.0))
    if say and not again:
        batch.say(item, "export", code, **facts)


def skip(batch: Batch, item: Item, code: str, **data: Any) -> None:
    """Leave the order out by a rule or setting; Export by hand still works."""
    facts = batch.names(item) | data
    _rest(item, states.ExportState.SKIPPED, code, facts)
    item.order.next_attempt_at = None
    batch.say(item, "export", code, **facts)


def cancel(batch: Batch, item: Item, code: str, *, units: int = 0) -> None:
    """The order was canceled before it reached the store."""
    facts = batch.names(item) | {"units": units}
    _rest(item, states.ExportState.CANCELED, code, facts)
    item.order.next_attempt_at = None
    batch.say(item, "export", code, **facts)


def rest_imported(batch: Batch, item: Item, code: str) -> None:
    """Put the order back to *imported*: the marketplace is not ready with it."""
    _rest(item, states.ExportState.IMPORTED, code, batch.names(item))
    item.order.next_attempt_at = None


def write(batch: Batch, items: Sequence[Item], *, keep: Sequence[Item] = ()) -> None:
    """Save what the steps decided: orders, changed lines and events, three statements for the whole batch.

    `keep` are the orders that go on: their lease stays.
    """
    going = {item.order.pk for item in keep}
    orders = [item.order for item in items]
    if orders:
        with connection.cursor() as cursor:
            cursor.execute(
                WRITE,
                [
                    [order.pk for order in orders],
                    [str(order.export_state) for order in orders],
                    [order.reason_code for order in orders],
                    [json.dumps(order.reason_data, default=str) for order in orders],
                    [order.retrying_since for order in orders],
                    [order.next_attempt_at for order in orders],
                    [order.attempts for order in orders],
                    [order.pk in going for order in orders],
                    [order.paid_at or order.purchased_at if order.status != "incomplete" else None for order in orders],
                    batch.merchant_id,
                    batch.token,
                ],
            )
    changed = [line for item in items for line in item.changed_lines]
    if changed:
        with connection.cursor() as cursor:
            cursor.execute(
                WRITE_LINES,
                [
                    [line.pk for line in changed],
                    [line.variant_id for line in changed],
                    [line.matched_by for line in changed],
                    [line.matched_sku for line in changed],
                    [line.match_note for line in changed],
                    [json.dumps(line.parts) for line in changed],
                    batch.merchant_id,
                ],
            )
        for item in items:
            item.changed_lines.clear()
    if batch.events:
        bulk.insert(batch.events)
        batch.events.clear()
