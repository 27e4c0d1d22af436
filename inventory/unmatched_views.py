"""What sells and is not matched, best sold first, with suggestions to accept (F47, F48)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.access import may, needs
from accounts.models import Role
from inventory import access, coverage, mappings, suggestions
from salestio import tenancy
from salestio.lib.text import counted

SHOWN = 100


def _whole(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else default


@require_GET
def unmatched(request: HttpRequest) -> HttpResponse:
    """Show the unmatched marketplace SKUs with what they might be."""
    cover = coverage.measure()
    names = {account.pk: account for account in access.accounts()}
    found = suggestions.suggest(cover.unmatched)
    context: dict[str, Any] = {
        "page_name": "SKU mapping", "cover": cover, "days": coverage.DAYS, "recent_days": coverage.RECENT_DAYS,
        "rows": [(one, names.get(one.unmatched.account_id)) for one in found[:SHOWN]], "shown_most": SHOWN,
        "sure": suggestions.SURE, "sure_ones": sum(one.score >= suggestions.SURE for one in found),
        "suggested": sum(one.suggestion is not None for one in found), "accepted": suggestions.accepted(),
        "may_act": may(request.role, Role.MANAGER),  # type: ignore[attr-defined]
    }  # fmt: skip
    return render(request, "inventory/unmatched.html", context)


@require_POST
@needs(Role.MANAGER)
def accept(request: HttpRequest) -> HttpResponse:
    """Accept one suggestion, as it was shown, or all from a score on, as they are now."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        actor: str = request.actor  # type: ignore[attr-defined]
        if "all" in request.POST:
            least = min(max(_whole(request.POST.get("least", ""), suggestions.SURE), 50), 100)
            made = suggestions.accept_all(least, actor=actor)
        else:
            account = request.POST.get("account", "")
            wanted = int(account) if account.isascii() and account.isdecimal() and len(account) < 19 else 0
            seller_sku, sku = (request.POST.get(name, "").replace("\x00", "") for name in ("seller_sku", "sku"))
            try:
                made = suggestions.accept([(wanted, seller_sku, sku)], actor=actor)
            except mappings.CannotMap as error:
                messages.error(request, str(error))
                return redirect("inventory:unmatched")
    if made:
        text = f"{counted(len(made), 'suggestion')} accepted. Waiting orders are matched again; undo it below"
        messages.success(request, text)
    else:
        messages.warning(request, "Nothing was accepted: it is mapped already, or the product is gone")
    return redirect("inventory:unmatched")
