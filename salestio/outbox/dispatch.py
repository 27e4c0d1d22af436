"""Owing and doing: write a row in the transaction that makes it due, do it later, keep what came of it."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils.timezone import now

from connectors.contract.errors import ConnectorError, RateLimited, Rejected
from salestio import doorbell, routes, tenancy
from salestio.lib.backoff import doubling
from salestio.outbox.models import OutboxRow

log = logging.getLogger(__name__)
TASK = "salestio.outbox.tasks.drain"
GIVE_UP_AFTER = 12
READ_ONLY = "READ_ONLY"
"""The error code of rows that wait because nothing may be sent now (F13); it counts as no failure."""


class NotYet(Exception):
    """A handler says: not now, try again in `seconds`; it does not count as a failure."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:.1f} s")
        self.seconds = seconds


def owe(*, handler: str, subject: dict[str, Any], key: str = "", store_id: int | None = None) -> None:
    """Write what we owe, merging into a pending row of the same handler and key. Rings after the commit."""
    merchant_id = tenancy.current_merchant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO outbox_outboxrow (merchant_id, store_ref, handler, key, subject, state, attempts,
                                          next_attempt_at, created_at, error_code, error_text)
            VALUES (%s, %s, %s, %s, %s::jsonb, 'pending', 0, now(), now(), '', '')
            ON CONFLICT (merchant_id, handler, key) WHERE state = 'pending' AND NOT key = ''
            DO UPDATE SET subject = EXCLUDED.subject, next_attempt_at = least(outbox_outboxrow.next_attempt_at, now())
            """,
            [merchant_id, store_id, handler, key, _json(subject)],
        )
    doorbell.ring(TASK, merchant_id, store_id or 0)


def _json(value: Any) -> str:
    import json

    return json.dumps(value)


def drain(merchant_id: int, store_id: int, *, limit: int = 20) -> int:
    """Do what this lane owes now; return how many rows were done. A row whose key is being done waits its turn."""
    done = 0
    for row in _claim(merchant_id, store_id or None, limit):
        _do(merchant_id, row)
        done += 1
    return done


def _claim(merchant_id: int, store_id: int | None, limit: int) -> list[OutboxRow]:
    token = uuid.uuid4()
    with tenancy.scope(merchant_id):
        with connection.cursor() as cursor:
            cursor.execute(
                """
                WITH due AS (
                    SELECT id FROM outbox_outboxrow o
                    WHERE merchant_id = %s AND store_ref IS NOT DISTINCT FROM %s
                      AND (state = 'pending' OR (state = 'leased' AND lease_until < now()))
                      AND next_attempt_at <= now()
                      AND NOT EXISTS (SELECT 1 FROM outbox_outboxrow b
                                      WHERE b.merchant_id = o.merchant_id AND b.handler = o.handler AND b.key = o.key
                                        AND o.key <> '' AND b.state = 'leased' AND b.id <> o.id
                                        AND b.lease_until >= now())
                    ORDER BY next_attempt_at, id LIMIT %s FOR UPDATE SKIP LOCKED)
                UPDATE outbox_outboxrow SET state = 'leased', lease_token = %s, attempts = attempts + 1,
                       lease_until = now() + make_interval(secs => %s)
                FROM due WHERE outbox_outboxrow.id = due.id RETURNING outbox_outboxrow.id
                """,
                [merchant_id, store_id, limit, token, settings.TIMES.lease],
            )
            ids = [row[0] for row in cursor.fetchall()]
        return list(OutboxRow.objects.filter(id__in=ids).order_by("id"))


def _do(merchant_id: int, row: OutboxRow) -> None:
    """Run one row's handler outside any transaction and save what came of it."""
    with tenancy.scope(merchant_id):
        stopped = routes.ask("read_only.stops_row", handler=row.handler, store_id=row.store_ref, subject=row.subject)
        if stopped:
            mine = OutboxRow.objects.filter(Q(id=row.pk) & Q(lease_token=row.lease_token))
            text = f"Read-only mode is on for {stopped}"
            _give_back(mine, settings.TIMES.read_only, READ_ONLY, text, counts=False)
            return
    wait: float | None = None
    code = text = ""
    try:
        routes.resolve(row.handler)(merchant_id, **row.subject)
    except NotYet as later:
        wait = later.seconds
    except RateLimited as error:
        wait, code, text = error.retry_after, "THROTTLED", error.message
    except Rejected as error:
        code, text = error.code, error.message
    except ConnectorError as error:
        wait = doubling(row.attempts, first=5.0) * settings.TIMES.retry_unit + 0.5 * settings.TIMES.sweep
        code, text = type(error).__name__, error.message
    except Exception as error:  # a poison row must not stop its lane; it is kept, shown and tried again
        log.exception("an outbox handler failed", extra={"handler": row.handler, "row": row.pk})
        wait = doubling(row.attempts, first=30.0) * settings.TIMES.retry_unit + settings.TIMES.sweep
        code, text = "FAULT", type(error).__name__
    with tenancy.scope(merchant_id):
        mine = OutboxRow.objects.filter(Q(id=row.pk) & Q(lease_token=row.lease_token))
        if not code and wait is None:
            mine.update(state="done", done_at=now(), lease_until=None, error_code="", error_text="")
        elif wait is None or row.attempts >= GIVE_UP_AFTER:
            mine.update(state="dead", done_at=now(), lease_until=None, error_code=code, error_text=text[:500])
            routes.emit(
                "alert.open", kind="outbox_dead", key=str(row.pk), data={"handler": row.handler, "text": text[:300]}
            )
        else:
            _give_back(mine, wait, code, text, counts=bool(code))


def _give_back(mine: Any, wait: float, code: str, text: str, *, counts: bool) -> None:
    """Make the row pending again, unless a newer one with its key waits already: then that one carries on."""
    row = mine.first()
    if row is None:
        return
    newer = row.key and OutboxRow.objects.filter(handler=row.handler, key=row.key, state="pending").exists()
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE outbox_outboxrow SET state = %s, lease_until = NULL, error_code = %s, error_text = %s,
                      attempts = attempts - %s, next_attempt_at = now() + make_interval(secs => %s)
               WHERE id = %s""",
            ["done" if newer else "pending", code, text[:500], 0 if counts else 1, wait, row.pk],
        )


def on_settings_changed(*, store_id: int) -> None:
    """Make the rows of this store (and those of none) due that wait in read-only mode; they look again themselves."""
    merchant_id = tenancy.current_merchant_id()
    waiting = OutboxRow.objects.filter(
        Q(store_ref=store_id) | Q(store_ref=None), state=OutboxRow.State.PENDING, error_code=READ_ONLY
    )
    lanes = set(waiting.values_list("store_ref", flat=True))
    waiting.update(next_attempt_at=now())
    for lane in lanes:
        doorbell.ring(TASK, merchant_id, lane or 0)


def requeue(row_id: int) -> str:
    """Send a given-up row again, with all its attempts; return what came of it, in words. In the merchant's scope.

    A pending row is made due. Where a newer row of the same handler and key waits, that one carries the work: values
    are computed when it is sent, so nothing is missing.
    """
    row = OutboxRow.objects.select_for_update().filter(pk=row_id).first()
    if row is None or row.state in (OutboxRow.State.DONE, OutboxRow.State.LEASED):
        return "is done or being done; nothing to send again"
    rest = OutboxRow.objects.filter(handler=row.handler, key=row.key, state=OutboxRow.State.PENDING).exclude(pk=row.pk)
    if row.key and rest.exists():
        return "a newer row with the same key waits already and carries it"
    OutboxRow.objects.filter(pk=row.pk).update(
        state=OutboxRow.State.PENDING,
        attempts=0,
        next_attempt_at=now(),
        done_at=None,
        lease_until=None,
        lease_token=None,
    )
    routes.emit("alert.close", kind="outbox_dead", key=str(row.pk))
    doorbell.ring(TASK, row.merchant_id, row.store_ref or 0)
    return "due now, a worker takes it"
