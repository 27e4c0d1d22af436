"""Read marketplace orders: by list calls with an overlap (the truth), by hint (push), and one by hand (F29).

One row an account says when it is due, where the cursor is and what the slow limit still allows. A page and the cursor
that follows it are one transaction (DESIGN 5; MECHANISMS 7).
"""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F, Q
from django.utils.timezone import now

from accounts import connections
from accounts.models import MarketplaceAccount
from connectors.contract.errors import (
    AuthorizationExpired,
    ConnectorError,
    NotFound,
    RateLimited,
    Rejected,
    UnexpectedReply,
)
from connectors.contract.types import Window
from connectors.ratelimit import gcra
from orders import intake
from orders.breaker import lost
from orders.models import DirtyOrder, Order, OrderPull
from orders.reasons import MARKETPLACES
from orders.steps.crash import crash_here
from salestio import doorbell, tenancy
from salestio.lib.backoff import doubling

log = logging.getLogger(__name__)
PULL = "orders.tasks.pull"
READ_HINTED = "orders.tasks.read_hinted"
PAGES_A_RUN = 20
HINTS_A_RUN = 20


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What *Fetch one order now* found: our order's id, or a sentence that says why there is none."""

    order_id: int | None
    message: str
    new: bool = False


def database_now() -> datetime:
    """Return the database's clock, which is the only clock (MECHANISMS 6)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    return row[0]


def on_account_connected(*, account_id: int) -> None:
    """Make the account's job row, or make it due at once after a reconnect. In a scope."""
    account = MarketplaceAccount.objects.get(pk=account_id)
    moment = now()
    OrderPull.objects.get_or_create(
        account_id=account_id,
        defaults={
            "merchant_id": account.merchant_id,
            "cursor": account.orders_from,
            "hourly_due_at": moment + timedelta(seconds=settings.TIMES.hourly),
            "nightly_due_at": moment + timedelta(seconds=settings.TIMES.nightly),
        },
    )
    OrderPull.objects.filter(account_id=account_id).update(
        next_attempt_at=moment, failures=0, error_code="", error_text="", page_token=""
    )
    doorbell.ring(PULL, account.merchant_id, account_id)


def ask(merchant_id: int, account_id: int, *, actor: str) -> bool:
    """Make the account due now (*Check for new orders now*); return False when it was asked within ten seconds."""
    with tenancy.scope(merchant_id):
        moment = now()
        changed = OrderPull.objects.filter(
            Q(asked_at=None) | Q(asked_at__lt=moment - timedelta(seconds=10)), account_id=account_id
        ).update(asked_at=moment, next_attempt_at=moment)
        if changed:
            doorbell.ring(PULL, merchant_id, account_id)
    log.info("orders asked for", extra={"account": account_id, "actor": actor})
    return bool(changed)


# ── the list calls ───────────────────────────────────────────────────────────────────────────────────────────────────


def run(merchant_id: int, account_id: int, *, seconds: float = 3600.0) -> int:
    """Read the account's due pages, for no longer than `seconds`; return how many were saved.

    Safe to run twice at once: the lease decides.
    """
    end = time.monotonic() + seconds
    job = _claim(merchant_id, account_id)
    if job is None:
        return 0
    pages = 0
    try:
        while pages < PAGES_A_RUN and (not pages or time.monotonic() < end):
            wait = _read_page(merchant_id, job)
            if wait is not None:
                _finish(merchant_id, job, wait)
                return pages
            pages += 1
        _finish(merchant_id, job, 0.0)
        doorbell.ring_now(PULL, merchant_id, account_id)
    except AuthorizationExpired as error:
        lost(job.account)
        _fail(merchant_id, job, "RECONNECT_NEEDED", error.message, wait=3600.0)
    except RateLimited as error:
        _finish(merchant_id, job, error.retry_after)
    except ConnectorError as error:
        if isinstance(error, Rejected) and job.page_token:
            # A token that ran out (24 h) or changed parameters: begin again at the cursor, nothing is skipped.
            job.page_token = ""
        code = "UNREADABLE" if isinstance(error, UnexpectedReply) else type(error).__name__
        _fail(merchant_id, job, code, error.message, wait=doubling(job.failures + 1, first=4.0, top=300.0) + 1.0)
    except Exception as error:
        # Ours: the page was not saved. Read it again soon instead of when the lease ends, and let the log show it.
        wait = doubling(job.failures + 1, first=4.0, top=300.0)
        _fail(merchant_id, job, "FAULT", f"{type(error).__name__} on our side", wait=wait)
        raise
    return pages


def _claim(merchant_id: int, account_id: int) -> OrderPull | None:
    token = uuid.uuid4()
    with tenancy.scope(merchant_id):
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE orders_orderpull SET lease_token = %s, lease_until = now() + make_interval(secs => %s)
                   WHERE account_id = %s AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until < now())""",
                [token, settings.TIMES.lease, account_id],
            )
            if cursor.rowcount != 1:
                return None
        job = OrderPull.objects.select_related("account__store").get(account_id=account_id)
        if not job.account.is_active:
            OrderPull.objects.filter(pk=job.pk).update(
                lease_until=None, next_attempt_at=now() + timedelta(hours=1), error_code="RECONNECT_NEEDED"
            )
            return None
        return job


def _window(job: OrderPull, moment: datetime) -> Window:
    """Return what to ask next, going on with an unfinished window first."""
    times = settings.TIMES
    if not job.page_token:
        if job.nightly_due_at <= moment:
            job.mode = "nightly"
            job.window_after = max(moment - timedelta(seconds=times.nightly_window), job.account.orders_from)
        elif job.hourly_due_at <= moment:
            job.mode = "hourly"
            job.window_after = job.cursor - timedelta(seconds=times.hourly_overlap)
        else:
            job.mode = "sweep"
            job.window_after = job.cursor - timedelta(seconds=times.sweep_overlap)
        job.window_bound = None
    assert job.window_after is not None
    return Window(after=job.window_after, by_creation=job.mode == "nightly", page_token=job.page_token)


def _read_page(merchant_id: int, job: OrderPull) -> float | None:
    """Read and save one page; return None to go on at once, or the seconds until the next call may leave."""
    account = job.account
    connector = connections.marketplace(account)
    rate, burst = connector.list_limit()
    with tenancy.scope(merchant_id):
        moment = database_now()
    if rate:
        tat, wait = gcra(job.limit_tat, moment.timestamp(), rate, burst)
        if wait > 0:
            # What was learnt meanwhile may allow more than what the last call was booked at.
            job.limit_tat = min(job.limit_tat, moment.timestamp() + burst / rate)
            return wait
        job.limit_tat = tat
    window = _window(job, moment)
    page = connector.list_orders(window, sites=tuple(account.sites))
    job.rate = connector.list_limit()[0]
    if job.window_bound is None:
        job.window_bound = page.bound or moment
        job.seen = 0
    job.seen += len(page.items)
    with tenancy.scope(merchant_id):
        intake.save_page(account, page.items, via="sweep", read_at=moment)
        job.page_token = page.next_token
        job.failures, job.error_code, job.error_text = 0, "", ""
        if not page.next_token:
            _close_window(job, moment)
        _save(job)
        MarketplaceAccount.objects.filter(pk=account.pk).update(last_pull_at=moment)
        crash_here("before_page_commit")
    crash_here("after_page_commit")
    if page.next_token or job.nightly_due_at <= moment or job.hourly_due_at <= moment:
        return None
    return max(connector.sweep_seconds(), settings.TIMES.sweep)


def staggered(account_id: int, seconds: float) -> timedelta:
    """Return the pause to an account's next slow sweep: its own, up to a tenth longer, so that accounts connected at the
    same moment (or all at once after a restart) drift apart instead of asking their regions together (F141)."""
    return timedelta(seconds=seconds * (1 + (account_id * 2654435761 % 1000) / 10000))


def _close_window(job: OrderPull, moment: datetime) -> None:
    """The last page of a window is saved: move the cursor (never back) and set the slower sweeps' next turn."""
    assert job.window_bound is not None
    times = settings.TIMES
    if job.mode == "nightly":
        job.nightly_due_at = moment + staggered(job.account_id, times.nightly)
    else:
        job.cursor = max(job.cursor, job.window_bound)
        if job.mode == "hourly":
            job.hourly_due_at = moment + staggered(job.account_id, times.hourly)
    job.finished_at = moment


def _save(job: OrderPull) -> None:
    """Save what the page moved, if the lease is still ours; else the page itself must not be saved either."""
    kept = OrderPull.objects.filter(pk=job.pk, lease_token=job.lease_token).update(
        cursor=job.cursor,
        mode=job.mode,
        window_after=job.window_after,
        window_bound=job.window_bound,
        page_token=job.page_token,
        limit_tat=job.limit_tat,
        rate=job.rate,
        hourly_due_at=job.hourly_due_at,
        nightly_due_at=job.nightly_due_at,
        finished_at=job.finished_at,
        seen=job.seen,
        failures=job.failures,
        error_code=job.error_code,
        error_text=job.error_text,
        lease_until=now() + timedelta(seconds=settings.TIMES.lease),
    )
    if not kept:
        raise LeaseLost(f"the pull of account {job.account_id} was taken over")


class LeaseLost(RuntimeError):
    """Another worker took the job over; the transaction is rolled back and nothing is lost."""


def _finish(merchant_id: int, job: OrderPull, wait: float) -> None:
    with tenancy.scope(merchant_id), connection.cursor() as cursor:
        cursor.execute(
            """UPDATE orders_orderpull SET lease_until = NULL, lease_token = NULL, limit_tat = %s,
                      next_attempt_at = CASE WHEN asked_at > now() - interval '1 second' THEN now()
                                             ELSE now() + make_interval(secs => %s) END
               WHERE id = %s AND lease_token = %s""",
            [job.limit_tat, wait, job.pk, job.lease_token],
        )


def _fail(merchant_id: int, job: OrderPull, code: str, text: str, *, wait: float) -> None:
    log.warning("a pull failed", extra={"account": job.account_id, "code": code})
    with tenancy.scope(merchant_id):
        OrderPull.objects.filter(pk=job.pk, lease_token=job.lease_token).update(
            lease_until=None,
            lease_token=None,
            failures=F("failures") + 1,
            error_code=code[:40],
            error_text=text[:300],
            page_token=job.page_token,
            limit_tat=job.limit_tat,
            next_attempt_at=now() + timedelta(seconds=wait),
        )


# ── hints ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_hinted(merchant_id: int, account_id: int, *, seconds: float = 3600.0) -> int:
    """Read the orders that push messages named, oldest first, while the marketplace's limit lasts; return the count.

    After `seconds` the account rings again, so that others get their turn.

    What is left is read by the next list call (MECHANISMS 7).
    """
    done = 0
    end = time.monotonic() + seconds
    while True:
        if done and time.monotonic() > end:
            doorbell.ring_now(READ_HINTED, merchant_id, account_id)
            return done
        rows, account = _claim_hinted(merchant_id, account_id)
        if not rows or account is None:
            return done
        connector = connections.marketplace(account)
        for index, row in enumerate(rows):
            try:
                with tenancy.scope(merchant_id):
                    moment = database_now()
                order = connector.get_order(row.marketplace_order_id)
            except AuthorizationExpired:
                lost(account)
                _put_back(merchant_id, rows[index:], 3600.0)
                return done
            except NotFound:
                _forget(merchant_id, row, "the marketplace does not know this order")
                continue
            except RateLimited as error:
                _put_back(merchant_id, rows[index:], error.retry_after)
                return done
            except ConnectorError as error:
                log.info(
                    "a hinted order could not be read", extra={"account": account_id, "error": type(error).__name__}
                )
                _put_back(merchant_id, [row], doubling(row.attempts + 1, first=2.0, top=120.0) + 0.5)
                continue
            try:
                with tenancy.scope(merchant_id):
                    saved = intake.save_page(account, [order], via="push", read_at=moment)
                    if saved.without_id:
                        # It is told; what the hint named came without its name and would come so again.
                        DirtyOrder.objects.filter(pk=row.pk, heard_at__lte=moment).delete()
                    DirtyOrder.objects.filter(pk=row.pk, heard_at__gt=moment).update(
                        lease_until=None, next_attempt_at=now()
                    )
            except Exception:
                _put_back(merchant_id, rows[index:], doubling(row.attempts + 1, first=2.0, top=120.0))
                raise
            done += 1
        if len(rows) < HINTS_A_RUN:
            return done


def _claim_hinted(merchant_id: int, account_id: int) -> tuple[list[DirtyOrder], MarketplaceAccount | None]:
    with tenancy.scope(merchant_id):
        account = MarketplaceAccount.objects.select_related("store").filter(pk=account_id).first()
        if account is None or not account.is_active:
            return [], None
        rows = list(
            DirtyOrder.objects.raw(
                """WITH due AS (SELECT id FROM orders_dirtyorder
                                WHERE merchant_id = %s AND account_id = %s AND next_attempt_at <= now()
                                  AND (lease_until IS NULL OR lease_until < now())
                                ORDER BY next_attempt_at, id LIMIT %s FOR UPDATE SKIP LOCKED)
                   UPDATE orders_dirtyorder d SET lease_until = now() + make_interval(secs => %s)
                   FROM due WHERE d.id = due.id RETURNING d.*""",
                [merchant_id, account_id, HINTS_A_RUN, settings.TIMES.lease],
            )
        )
        return sorted(rows, key=lambda row: (row.since, row.pk)), account


def _put_back(merchant_id: int, rows: list[DirtyOrder], wait: float) -> None:
    with tenancy.scope(merchant_id):
        DirtyOrder.objects.filter(pk__in=[row.pk for row in rows]).update(
            lease_until=None, attempts=F("attempts") + 1, next_attempt_at=now() + timedelta(seconds=wait)
        )


def _forget(merchant_id: int, row: DirtyOrder, why: str) -> None:
    log.warning("a hint was dropped", extra={"order": row.marketplace_order_id, "why": why})
    with tenancy.scope(merchant_id):
        DirtyOrder.objects.filter(pk=row.pk).delete()


def hear(account_id: int, marketplace_order_ids: list[str], *, hint: dict[str, Any] | None = None) -> None:
    """Note that these orders changed at the marketplace. In a scope; rings after the commit."""
    merchant_id = tenancy.current_merchant_id()
    moment = now()
    DirtyOrder.objects.bulk_create(
        [
            DirtyOrder(
                merchant_id=merchant_id,
                account_id=account_id,
                marketplace_order_id=order_id,
                hint=hint or {},
                heard_at=moment,
            )
            for order_id in dict.fromkeys(marketplace_order_ids)
        ],
        update_conflicts=True,
        unique_fields=["account", "marketplace_order_id"],
        update_fields=["heard_at", "hint"],
    )
    doorbell.ring(READ_HINTED, merchant_id, account_id)


# ── one by hand ──────────────────────────────────────────────────────────────────────────────────────────────────────


def fetch_one(merchant_id: int, account_id: int, marketplace_order_id: str, *, actor: str) -> FetchResult:
    """Read one order by its marketplace id, of any age, and store it (F29). Call it outside any scope."""
    with tenancy.scope(merchant_id):
        account = MarketplaceAccount.objects.select_related("store").get(pk=account_id)
    marketplace = MARKETPLACES.get(account.platform, account.platform)
    wanted = marketplace_order_id.strip()
    if not wanted:
        return FetchResult(None, f"Type the {marketplace} order id, for example 112-4837261-0093847")
    if not account.is_active:
        return FetchResult(None, f"The connection to {account.name} has expired. Confirm it, then fetch again")
    connector: Any = connections.marketplace(account)
    try:
        order = connector.get_order(wanted, urgent=True)
    except NotFound:
        return FetchResult(None, f"{marketplace} does not know order {wanted} for {account.name}")
    except AuthorizationExpired:
        lost(account)
        return FetchResult(None, f"The connection to {account.name} has expired. Confirm it, then fetch again")
    except RateLimited as error:
        return FetchResult(
            None, f"{marketplace} asks for a pause. Fetch it again in {max(int(error.retry_after), 1)} s"
        )
    except ConnectorError as error:
        return FetchResult(None, f"{marketplace} did not give this order: {error.message}")
    with tenancy.scope(merchant_id):
        saved = intake.save_page(account, [order], any_age=True, via=f"asked for by {actor}")
        if saved.without_id:
            return FetchResult(None, f"{marketplace} sent order {wanted} without a usable id: see the Dashboard")
        row = Order.objects.get(account_id=account_id, marketplace_order_id=order.order_id)
    word = "imported" if saved.new else "brought up to date" if saved.changed else "already here, nothing changed"
    return FetchResult(row.pk, f"Order {wanted}: {word}", new=bool(saved.new))
