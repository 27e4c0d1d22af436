"""Import older orders of a chosen time (F30): count them, show what would happen, then import page by page.

A row says where it stands. Its list calls are taken from what the account's sweep leaves of the marketplace's limit, so
that new orders never wait for old ones. Importing again changes nothing: an order is known by its id.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection
from django.utils.timezone import get_current_timezone, now

from accounts import audit, connections
from accounts.models import MarketplaceAccount
from connectors.contract.errors import AuthorizationExpired, ConnectorError, RateLimited, Rejected
from connectors.contract.types import MarketplaceOrder, Window
from connectors.ratelimit import gcra
from orders import intake, nameless
from orders.breaker import lost
from orders.domain.past import Past, Shipped
from orders.models import BackFill, Order, OrderPull
from orders.pull import database_now
from salestio import doorbell, tenancy
from salestio.lib.backoff import doubling

log = logging.getLogger(__name__)
BACK_FILL = "orders.tasks.back_fill"
LONGEST = timedelta(days=729)
"""Every marketplace shows orders of the last two years at most (amazon.md 4, ebay_etsy.md 1.2); one day to be safe."""
KEPT_CALLS = 5
"""List calls of the burst that are left to the account's own sweep."""
GIVE_UP_AFTER = 12
OLD = timedelta(days=50)
OPEN_STATES = (BackFill.State.COUNTING, BackFill.State.COUNTED, BackFill.State.RUNNING)
WORKING = (BackFill.State.COUNTING, BackFill.State.RUNNING)


class NotThatTime(ValueError):
    """The dates cannot be taken; the text says why, for the merchant."""


@dataclass(frozen=True, slots=True)
class Span:
    """From the first moment of one day until the end of another, in the merchant's time zone."""

    after: datetime
    before: datetime


def span(first: date, last: date) -> Span:
    """Return the time from the first day to the last, both included, in the active time zone. Raises `NotThatTime`."""
    zone = get_current_timezone()
    today = now().astimezone(zone).date()
    if last < first:
        raise NotThatTime("The last day lies before the first.")
    if first > today:
        raise NotThatTime("The first day lies in the future.")
    if first < today - LONGEST:
        raise NotThatTime("Marketplaces show orders of the last two years; choose a later first day.")
    after = datetime.combine(first, time_of_day.min, zone)
    before = min(datetime.combine(last + timedelta(days=1), time_of_day.min, zone), now())
    return Span(after.astimezone(UTC), before.astimezone(UTC))


# ── what a person asks for ───────────────────────────────────────────────────────────────────────────────────────────


def newest(account_id: int) -> BackFill | None:
    """Return the account's newest back-fill, finished or not. In a scope."""
    return BackFill.objects.filter(account_id=account_id).order_by("-created_at", "-pk").first()


def count(account: MarketplaceAccount, wanted: Span, *, actor: str) -> BackFill | None:
    """Begin to count the account's orders of that time; None while another import runs. Opens its own scope.

    A count that was not followed by an import gives way.
    """
    try:
        with tenancy.scope(account.merchant_id):
            BackFill.objects.filter(
                account_id=account.pk, state__in=(BackFill.State.COUNTING, BackFill.State.COUNTED)
            ).update(state=BackFill.State.CANCELED, finished_at=now())
            job = BackFill.objects.create(
                merchant_id=account.merchant_id, account_id=account.pk, after=wanted.after, before=wanted.before,
                asked_by=actor[:160],
            )  # fmt: skip
            doorbell.ring(BACK_FILL, account.merchant_id, account.pk)
            return job
    except IntegrityError:
        return None


def start(account: MarketplaceAccount, *, past: Past, actor: str) -> bool:
    """Import what was counted, with these choices; False when nothing is counted. Opens its own scope."""
    with tenancy.scope(account.merchant_id):
        begun = BackFill.objects.filter(account_id=account.pk, state=BackFill.State.COUNTED).update(
            state=BackFill.State.RUNNING,
            shipped=past.shipped.value,
            open_too=past.open_too,
            page_token="",
            failures=0,
            error_text="",
            next_attempt_at=now(),
            asked_by=actor[:160],
        )
        if begun:
            job = newest(account.pk)
            assert job is not None
            audit.note(
                actor=actor, action="orders.back_fill", subject=account.name,
                after={"after": job.after.isoformat(), "before": job.before.isoformat(), "shipped": job.shipped,
                       "open_too": job.open_too},
            )  # fmt: skip
            doorbell.ring(BACK_FILL, account.merchant_id, account.pk)
        return bool(begun)


def cancel(account: MarketplaceAccount) -> bool:
    """Stop the account's open back-fill; what was imported stays. Opens its own scope."""
    with tenancy.scope(account.merchant_id):
        stopped = BackFill.objects.filter(account_id=account.pk, state__in=OPEN_STATES).update(
            state=BackFill.State.CANCELED, finished_at=now(), lease_until=None, lease_token=None
        )
    return bool(stopped)


# ── the work ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def run(merchant_id: int, account_id: int, *, seconds: float = 3600.0) -> int:
    """Read the pages that are due, for no longer than `seconds`; return how many. Safe to run twice: the lease decides."""
    end = time.monotonic() + seconds
    job = _claim(merchant_id, account_id)
    if job is None:
        return 0
    pages = 0
    try:
        while True:
            wait = _page(merchant_id, job)
            if wait is not None:
                _leave(merchant_id, job, wait)
                return pages
            pages += 1
            if job.state not in WORKING:
                return pages
            if time.monotonic() > end:
                break
        _leave(merchant_id, job, 0.0)
        doorbell.ring_now(BACK_FILL, merchant_id, account_id)
    except Taken:
        log.info("a back-fill was stopped or taken over", extra={"account": account_id})
    except RateLimited as error:
        _leave(merchant_id, job, error.retry_after)
    except AuthorizationExpired as error:
        lost(job.account)
        _failed(merchant_id, job, error.message, wait=3600.0)
    except ConnectorError as error:
        if isinstance(error, Rejected) and job.page_token:
            # The page token ran out: from the beginning again; what is here already is only counted.
            job.page_token = ""
        _failed(merchant_id, job, error.message, wait=doubling(job.failures + 1, first=4.0, top=600.0) + 1.0)
    except Exception as error:
        _failed(merchant_id, job, f"{type(error).__name__} on our side", wait=60.0)
        raise
    return pages


class Taken(RuntimeError):
    """The row is not ours any more: canceled by a person, or claimed by another worker. The page was not saved."""


def _claim(merchant_id: int, account_id: int) -> BackFill | None:
    token = uuid.uuid4()
    with tenancy.scope(merchant_id):
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE orders_backfill SET lease_token = %s, lease_until = now() + make_interval(secs => %s)
                   WHERE merchant_id = %s AND account_id = %s AND state IN ('counting', 'running')
                     AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until < now())
                   RETURNING id""",
                [token, settings.TIMES.lease, merchant_id, account_id],
            )
            row = cursor.fetchone()
        if row is None:
            return None
        job = BackFill.objects.select_related("account__store", "account__merchant").get(pk=row[0])
        if not job.account.is_active:
            BackFill.objects.filter(pk=job.pk).update(lease_until=None, next_attempt_at=now() + timedelta(hours=1))
            return None
        return job


def _page(merchant_id: int, job: BackFill) -> float | None:
    """Read one page and save what it means; return None to go on, or the seconds until the next call may leave."""
    account = job.account
    connector = connections.marketplace(account)
    with tenancy.scope(merchant_id):
        moment = database_now()
        wait = _slot(account.pk, moment, *connector.list_limit())
    if wait > 0:
        return wait
    window = Window(after=job.after, before=job.before, by_creation=True, page_token=job.page_token)
    page = connector.list_orders(window, sites=tuple(account.sites))
    with tenancy.scope(merchant_id):
        if job.state == BackFill.State.COUNTING:
            _add(job.counted, _look(account, page.items, moment, first=not job.page_token))
        else:
            _add(job.imported, _save(job, page.items, moment, first=not job.page_token))
        job.page_token, job.failures, job.error_text = page.next_token, 0, ""
        if not page.next_token:
            job.state = BackFill.State.COUNTED if job.state == BackFill.State.COUNTING else BackFill.State.DONE
            job.finished_at = moment if job.state == BackFill.State.DONE else None
        _keep(job)
    return None


def _slot(account_id: int, moment: datetime, rate: float, burst: int) -> float:
    """Take one list call of the account's limit, leaving some to its sweep; return how long to wait for it. In a scope."""
    if not rate:
        return 0.0
    pull = OrderPull.objects.select_for_update().filter(account_id=account_id).first()
    if pull is None:
        return 0.0
    if pull.lease_until and pull.lease_until > moment:
        # The sweep is reading right now and writes what it used when it is through.
        return 1.0
    tat, wait = gcra(pull.limit_tat, moment.timestamp(), rate, max(burst - KEPT_CALLS, 1))
    if not wait:
        OrderPull.objects.filter(pk=pull.pk).update(limit_tat=tat)
    return wait


def _look(
    account: MarketplaceAccount, orders: Sequence[MarketplaceOrder], moment: datetime, *, first: bool
) -> dict[str, Any]:
    """Return what a page holds: how many orders, how many we have, of which status the new ones are."""
    unique, _ = nameless.parted(orders)
    known = set(
        Order.objects.filter(account_id=account.pk, marketplace_order_id__in=list(unique)).values_list(
            "marketplace_order_id", flat=True
        )
    )
    fresh = [order for order in unique.values() if order.order_id not in known]
    status: dict[str, int] = {}
    for order in unique.values():
        status[order.status.value] = status.get(order.status.value, 0) + 1
    return {
        "read": len(unique), "known": len(known), "new": len(fresh), "status": status, "again": first,
        "shipped": sum(order.status.value == "shipped" for order in fresh),
        "old": sum(moment - order.purchased_at > OLD for order in fresh),
    }  # fmt: skip


def _save(job: BackFill, orders: Sequence[MarketplaceOrder], moment: datetime, *, first: bool) -> dict[str, Any]:
    """Save a page by the job's choices; return what was new and what goes to the store."""
    past = Past(Shipped(job.shipped), job.open_too)
    saved = intake.save_page(job.account, orders, any_age=True, via="back-fill", read_at=moment, past=past)
    new = saved.order_ids[len(saved.order_ids) - saved.new :] if saved.new else []
    queued = Order.objects.filter(pk__in=new, export_state="imported", reason_code="QUEUED").count()
    return {"read": len(nameless.parted(orders)[0]), "new": saved.new, "queued": queued,
            "known": saved.changed + saved.same, "again": first}  # fmt: skip


def _add(total: dict[str, Any], more: dict[str, Any]) -> None:
    """Add a page's numbers. The first page of a window begins what is counted anew; what was done stays done."""
    if more.pop("again"):
        for name in ("read", "known", "status", "shipped", "old"):
            total.pop(name, None)
        if "queued" not in more:
            total.pop("new", None)
    for name, value in more.items():
        if isinstance(value, dict):
            inner = total.setdefault(name, {})
            for key, number in value.items():
                inner[key] = inner.get(key, 0) + number
        else:
            total[name] = total.get(name, 0) + value


def _keep(job: BackFill) -> None:
    """Save what a page moved, if the row is still ours; else the page itself must not be saved either."""
    working = job.state in WORKING
    kept = BackFill.objects.filter(pk=job.pk, lease_token=job.lease_token, state__in=WORKING).update(
        state=job.state,
        page_token=job.page_token,
        counted=job.counted,
        imported=job.imported,
        failures=0,
        error_text="",
        finished_at=job.finished_at,
        lease_until=now() + timedelta(seconds=settings.TIMES.lease) if working else None,
    )
    if not kept:
        raise Taken


def _leave(merchant_id: int, job: BackFill, wait: float) -> None:
    with tenancy.scope(merchant_id):
        BackFill.objects.filter(pk=job.pk, lease_token=job.lease_token).update(
            lease_until=None, next_attempt_at=now() + timedelta(seconds=wait)
        )


def _failed(merchant_id: int, job: BackFill, text: str, *, wait: float) -> None:
    """Note a failure and when it is tried again; after many in a row the merchant decides."""
    log.warning("a back-fill could not read a page", extra={"account": job.account_id, "text": text})
    over = job.failures + 1 >= GIVE_UP_AFTER
    with tenancy.scope(merchant_id):
        BackFill.objects.filter(pk=job.pk, lease_token=job.lease_token, state__in=WORKING).update(
            state=BackFill.State.FAILED if over else job.state,
            finished_at=now() if over else None,
            failures=job.failures + 1,
            error_text=text[:300],
            page_token=job.page_token,
            lease_until=None,
            next_attempt_at=now() + timedelta(seconds=wait),
        )
