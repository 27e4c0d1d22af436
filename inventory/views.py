"""The SKU mapping page (F35): add, search, delete. Views open doors; the rules are in mappings.py."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.access import may, needs
from accounts.models import Role
from inventory import access, mappings
from inventory.forms import MappingForm
from salestio import tenancy
from salestio.lib.text import counted


def _page(request: HttpRequest, form: MappingForm | None = None, *, status: int = 200) -> HttpResponse:
    text = request.GET.get("q", "").replace("\x00", "").strip()[:255]
    after = request.GET.get("after", "")
    rows = mappings.found(text=text)
    if after.isascii() and after.isdecimal() and len(after) < 19:
        rows = rows.filter(pk__lt=int(after))
    found = list(rows[: mappings.PAGE + 1])
    more, found = len(found) > mappings.PAGE, found[: mappings.PAGE]
    missing = mappings.unknown_skus(found)
    stores, accounts = access.stores(), access.accounts()
    context: dict[str, Any] = {
        "page_name": "SKU mapping", "text": text, "rows": [(row, row.pk in missing) for row in found], "after": after,
        "form": form or MappingForm(stores, accounts, initial={"seller_sku": request.GET.get("seller_sku", "")}),
        "older": urlencode({"q": text, "after": found[-1].pk} if text else {"after": found[-1].pk}) if more else "",
        "may_act": may(request.role, Role.MANAGER), "has_store": bool(stores),  # type: ignore[attr-defined]
    }  # fmt: skip
    return render(request, "inventory/mapping_list.html", context, status=status)


@require_GET
def mapping_list(request: HttpRequest) -> HttpResponse:
    """Show the mappings, newest first, 50 a page."""
    return _page(request)


@require_POST
@needs(Role.MANAGER)
def mapping_add(request: HttpRequest) -> HttpResponse:
    """Add a mapping, or replace what the marketplace SKU meant before."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        form = MappingForm(access.stores(), access.accounts(), request.POST)
        if not form.is_valid():
            return _page(request, form, status=422)
        store, account = form.store_and_account()
        try:
            saved = mappings.save(
                store=store, account=account, seller_sku=form.cleaned_data["seller_sku"], sku=form.cleaned_data["sku"],
                actor=request.actor,  # type: ignore[attr-defined]
            )  # fmt: skip
        except mappings.CannotMap as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
            return _page(request, form, status=422)
    word = "added" if saved.new else "changed"
    text = f"{saved.mapping.seller_sku} is {saved.mapping.sku} from now on: mapping {word}. Waiting orders are matched again"
    messages.success(request, text if saved.known else f"{text}. Your store has no product with this SKU yet")
    return redirect("inventory:mappings")


@require_POST
@needs(Role.MANAGER)
def mapping_delete(request: HttpRequest) -> HttpResponse:
    """Remove the chosen mappings."""
    ids = [
        int(text) for text in request.POST.getlist("mapping") if text.isascii() and text.isdecimal() and len(text) < 19
    ]
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        gone = mappings.delete(ids)
    messages.success(request, f"{counted(gone, 'mapping')} removed" if gone else "No mapping was chosen")
    text = request.POST.get("q", "")
    return redirect(f"{reverse('inventory:mappings')}?{urlencode({'q': text})}" if text else "inventory:mappings")
