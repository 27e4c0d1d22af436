"""The Dashboard, and taking an alert off it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from accounts.access import may, needs
from accounts.models import MarketplaceAccount, Role
from notifications.models import Alert
from orders import first_run, totals
from orders.dashboard import Dashboard
from salestio import tenancy

GUIDED_UNTIL = 1
"""The checklist is shown until the first order stands in the store and every step is done."""


def _board(request: HttpRequest) -> Dashboard:
    accounts = list(MarketplaceAccount.objects.order_by("pk"))
    request.accounts, request.order_counts = accounts, totals.everything()  # type: ignore[attr-defined]
    return Dashboard(accounts, request.stores, request.order_counts)  # type: ignore[attr-defined]


def _context(request: HttpRequest, board: Dashboard) -> dict[str, Any]:
    return {"page_name": "Dashboard", "board": board, "may_act": may(request.role, Role.MANAGER)}  # type: ignore[attr-defined]


@require_GET
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show what happened today, what needs a person, and how fresh the channels are."""
    board = _board(request)
    context = _context(request, board)
    in_store = int(board.counts["states"].get("created", 0))
    ready = any(store.is_active for store in board.stores) and any(account.is_active for account in board.accounts)
    if in_store < GUIDED_UNTIL or not ready:
        found = first_run.steps(request.merchant, board.stores, board.accounts)  # type: ignore[attr-defined]
        context["steps"], context["steps_done"] = found, sum(1 for step in found if step.done)
    return render(request, "dashboard/dashboard.html", context)


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """Answer the parts of an open Dashboard; 304 when no number changed."""
    board = _board(request)
    tag = board.version
    if request.headers.get("If-None-Match", "").strip('"') == tag:
        return HttpResponseNotModified()
    response = render(request, "dashboard/live.html", _context(request, board))
    response["ETag"] = f'"{tag}"'
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@needs(Role.MANAGER)
def alert_done(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an alert off the list: a person has seen to it."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        if not Alert.objects.filter(pk=pk, merchant_id=request.merchant_id, closed_at=None).update(closed_at=now()):  # type: ignore[attr-defined]
            raise Http404("There is no such open alert.")
    messages.success(request, "Marked as done")
    return redirect("dashboard")
