"""The breaker of a store: after five failed calls in a row within 30 s no first send leaves, one probe a minute does.

(In a row: with a few faults among many good calls the store is not down, and stopping it would only add delay.)
State is on the store's row, so every worker sees it; a success in between closes it. MECHANISMS 4.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils.timezone import now

from accounts import credentials
from accounts.models import MarketplaceAccount, Store
from salestio import routes, tenancy

LIMIT = 5


def is_open(store: Store) -> bool:
    """Say whether the breaker was open when the store was last read or changed here."""
    return store.breaker_open_at is not None


def failed(store: Store) -> None:
    """Count a failed call; the fifth in a row within the window opens the breaker. Call it outside a scope."""
    with tenancy.scope(store.merchant_id), connection.cursor() as cursor:
        cursor.execute(
            """UPDATE accounts_store SET
                   failures = CASE WHEN failing_since > now() - make_interval(secs => %s) THEN failures + 1 ELSE 1 END,
                   failing_since = CASE WHEN failing_since > now() - make_interval(secs => %s) THEN failing_since ELSE now() END
               WHERE id = %s RETURNING failures, failing_since""",
            [settings.TIMES.breaker_window, settings.TIMES.breaker_window, store.pk],
        )
        store.failures, store.failing_since = cursor.fetchone()
        if store.failures >= LIMIT and store.breaker_open_at is None:
            cursor.execute(
                """UPDATE accounts_store SET breaker_open_at = coalesce(breaker_open_at, now()),
                          breaker_probe_at = now() + make_interval(secs => %s) WHERE id = %s
                   RETURNING breaker_open_at, breaker_probe_at""",
                [settings.TIMES.breaker_probe, store.pk],
            )
            store.breaker_open_at, store.breaker_probe_at = cursor.fetchone()


def succeeded(store: Store) -> None:
    """A call was answered: forget the failures, close the breaker and wake what waited. Call it outside a scope."""
    if not store.failures and store.breaker_open_at is None:
        return
    with tenancy.scope(store.merchant_id):
        opened = store.breaker_open_at
        Store.objects.filter(pk=store.pk).update(
            failures=0, failing_since=None, breaker_open_at=None, breaker_probe_at=None
        )
        store.failures, store.failing_since, store.breaker_open_at, store.breaker_probe_at = 0, None, None, None
        if opened is not None:
            routes.emit("store.restored", store_id=store.pk)


def may_probe(store: Store) -> bool:
    """Say whether this lane may send one order to find out whether the store is back; one winner a minute. In a scope."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE accounts_store SET breaker_probe_at = now() + make_interval(secs => %s)
               WHERE id = %s AND breaker_open_at IS NOT NULL AND breaker_probe_at <= now()""",
            [settings.TIMES.breaker_probe, store.pk],
        )
        return bool(cursor.rowcount)


def until_probe(store: Store) -> float:
    """Return the seconds until the next probe may leave."""
    at = store.breaker_probe_at or now() + timedelta(seconds=settings.TIMES.breaker_probe)
    return max((at - now()).total_seconds(), 0.0) + 0.05


def lost(target: Store | MarketplaceAccount) -> None:
    """The platform refuses our credentials for good: mark the connection expired, so that its work waits. Outside a scope."""
    with tenancy.scope(target.merchant_id):
        credentials.expire(target, "refused")
