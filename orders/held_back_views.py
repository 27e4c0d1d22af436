"""The page of what would be sent while read-only mode is on, and an owner's word that a copied database may send."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts import read_only
from accounts.access import may, needs
from accounts.models import MarketplaceAccount, Role
from orders import held_back as waiting


@require_GET
@needs(Role.VIEWER)
def held_back(request: HttpRequest) -> HttpResponse:
    """Show each kind of change that waits, how many, since when, and the way to its list."""
    accounts = list(MarketplaceAccount.objects.order_by("name"))
    request.accounts = accounts  # type: ignore[attr-defined]
    stores = list(request.stores)  # type: ignore[attr-defined]
    context = {
        "place": read_only.shown(request.merchant, stores, accounts),  # type: ignore[attr-defined]
        "held": waiting.everything(),
        "stopped_stores": [store for store in stores if read_only.chosen(store)],
        "stopped_accounts": [account for account in accounts if read_only.chosen(account)],
        "everything": request.merchant.settings.get("read_only"),  # type: ignore[attr-defined]
        "may_own": may(request.role, Role.OWNER),  # type: ignore[attr-defined]
    }
    return render(request, "orders/held_back.html", context)


@require_POST
@needs(Role.OWNER)
def lift(request: HttpRequest) -> HttpResponse:
    """Take an owner's word that this installation is the right one for their merchant; what waited goes on."""
    if request.POST.get("sure") != "on":
        messages.error(request, "Tick that no other copy is sending, then press the button again")
        return redirect("orders:read_only")
    if read_only.lift(request.merchant_id, actor=request.actor):  # type: ignore[attr-defined]
        messages.success(request, "Sending is on again. What waited goes on by itself")
    else:
        messages.info(request, "There was nothing to lift here")
    return redirect("orders:read_only")
