"""Accounts → account → *Import older orders*: choose the days, see what is there, choose, import (F30)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_date
from django.utils.timezone import localdate
from django.views.decorators.http import require_http_methods

from accounts import connections
from accounts.access import check, marketplace_account_for, may, needs
from accounts.models import MarketplaceAccount, Role
from accounts.rendering import page
from orders import backfill
from orders.domain.past import Past, Shipped
from orders.models import BackFill, Status
from salestio import tenancy

USUAL = timedelta(days=30)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Role.VIEWER)
def older_orders(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the account's newest back-fill and the form for the next; count, start or stop one."""
    if request.method == "POST":
        check(request, Role.MANAGER)
        with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
            account = marketplace_account_for(request, pk)
        return _act(request, account)
    account = marketplace_account_for(request, pk)
    context = _context(request, account)
    if request.headers.get("HX-Request") and request.GET.get("part"):
        return render(request, "orders/part_backfill.html", context)
    return render(request, "orders/backfill.html", context)


def _context(request: HttpRequest, account: MarketplaceAccount, **more: Any) -> dict[str, Any]:
    job = backfill.newest(account.pk)
    today = localdate()
    return {
        "page_name": "Import older orders",
        "account": account,
        "job": job,
        "working": job is not None and job.state in backfill.WORKING,
        "statuses": [(Status(code).label, number) for code, number in job.counted.get("status", {}).items()]
        if job
        else [],
        "done_percent": _percent(job),
        "choices": Shipped.choices(),
        "first": (today - USUAL).isoformat(),
        "last": today.isoformat(),
        "earliest": (today - backfill.LONGEST).isoformat(),
        "today": today.isoformat(),
        "sees_old": connections.sees_old_orders(account.store),
        "may_act": may(request.role, Role.MANAGER),  # type: ignore[attr-defined]
    } | more


def _percent(job: BackFill | None) -> int | None:
    """Return how much of what was counted is read, None while it is counted."""
    if job is None or job.state != BackFill.State.RUNNING or not job.counted.get("read"):
        return None
    return min(int(100 * job.imported.get("read", 0) / job.counted["read"]), 100)


def _act(request: HttpRequest, account: MarketplaceAccount) -> HttpResponse:
    what = request.POST.get("do", "")
    if what == "cancel":
        stopped = backfill.cancel(account)
        messages.info(request, "Stopped. What was imported stays" if stopped else "Nothing was running")
    elif what == "start":
        if not _start(request, account):
            messages.error(request, "Count the orders first, then import them")
    elif what == "count":
        refused = _count(request, account)
        if refused:
            with tenancy.scope(account.merchant_id):
                typed = {"first": request.POST.get("first", "")[:20], "last": request.POST.get("last", "")[:20]}
                return page(
                    request, "orders/backfill.html", _context(request, account, error=refused, **typed), status=400
                )
    else:
        messages.error(request, "Choose what to do with one of the buttons")
    return redirect("orders:older_orders", account.pk)


def _start(request: HttpRequest, account: MarketplaceAccount) -> bool:
    chosen = request.POST.get("shipped", "")
    if chosen not in set(Shipped):
        chosen = Shipped.IMPORT_ONLY.value
    past = Past(Shipped(chosen), request.POST.get("open_too") == "on")
    return backfill.start(account, past=past, actor=request.actor)  # type: ignore[attr-defined]


def _count(request: HttpRequest, account: MarketplaceAccount) -> str:
    """Begin to count; return why not, as a sentence, or ""."""
    if not account.is_active:
        return f"The connection to {account.name} has expired. Confirm it, then import."
    first, last = _day(request.POST.get("first", "")), _day(request.POST.get("last", ""))
    if first is None or last is None:
        return "Choose both days, for example 2026-10-01."
    try:
        wanted = backfill.span(first, last)
    except backfill.NotThatTime as error:
        return str(error)
    if backfill.count(account, wanted, actor=request.actor) is None:  # type: ignore[attr-defined]
        return "An import of this account is running. Stop it first, or wait until it is done."
    return ""


def _day(text: str) -> date | None:
    try:
        return parse_date(text.strip())
    except ValueError:
        return None
