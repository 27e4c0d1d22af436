"""The SKU mapping page (F35, F36): add, change, search, delete. Views open doors; the rules are in mappings.py."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import may, needs
from accounts.models import Role
from accounts.rendering import ask_first
from inventory import access, coverage, mappings
from inventory.domain.mapping_file import words_of
from inventory.forms import MappingFileForm, MappingForm, PartTyped, target_of, targets
from inventory.models import MappingUpload, SkuMapping
from salestio import tenancy
from salestio.lib.text import counted

ASKED_SHOWN = 8
"""So many mappings are named before they are deleted; of the others the number."""


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def mapping_page(
    request: HttpRequest,
    form: MappingForm | None = None,
    *,
    file_form: MappingFileForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the page with its list, in an open scope; forms come back with what is wrong with them."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:255]
    target = request.GET.get("target", "")
    kind, _, target_pk = target.partition("-")
    after = _number(request.GET.get("after", ""))
    account_id = _number(target_pk) if kind == "account" else None
    rows = mappings.found(text=text, account_id=account_id, general=kind == "store")
    if after:
        rows = rows.filter(pk__lt=after)
    shown = list(rows[: mappings.PAGE + 1])
    more, shown = len(shown) > mappings.PAGE, shown[: mappings.PAGE]
    missing, preferred = mappings.unknown_skus(shown), mappings.preferred_products(shown)
    stores, accounts = access.stores(), access.accounts()
    kept = {name: value for name, value in (("q", text), ("target", target)) if value}
    start = {"seller_sku": request.GET.get("seller_sku", "")}
    if target in dict(targets(stores, accounts)):
        start["target"] = target
    context: dict[str, Any] = {
        "page_name": "SKU mapping", "text": text, "target": target, "after": after,
        "rows": [(row, words_of(row.target), missing.get(row.pk), preferred.get(row.pk)) for row in shown],
        "form": form or MappingForm(stores, accounts, initial=start), "file_form": file_form,
        "targets": targets(stores, accounts), "kept": urlencode(kept),
        "older": urlencode(kept | {"after": shown[-1].pk}) if more else "",
        "uploads": list(MappingUpload.objects.select_related("account").order_by("-pk")[:5]),
        "cover": coverage.measure(), "has_store": bool(stores),
        "may_act": may(request.role, Role.MANAGER),  # type: ignore[attr-defined]
    }  # fmt: skip
    return render(request, "inventory/mapping_list.html", context, status=status)


@require_GET
def mapping_list(request: HttpRequest) -> HttpResponse:
    """Show the mappings, newest first, 50 a page."""
    return mapping_page(request)


def _said(saved: mappings.Saved) -> str:
    row = saved.mapping
    word = "added" if saved.new else "changed"
    text = f"{row.seller_sku} is {words_of(row.target)} from now on: mapping {word}. Waiting orders are matched again"
    if saved.known:
        return text
    if len(row.target) == 1:
        return f"{text}. Your store has no product with this SKU yet"
    return f"{text}. Your store does not have all of these SKUs yet"


def _save(request: HttpRequest, form: MappingForm, **more: Any) -> mappings.Saved | None:
    """Save a form that is valid; None when it makes no sense, which the form then says."""
    store, account = form.store_and_account()
    try:
        return mappings.save(
            store=store, account=account, seller_sku=form.cleaned_data["seller_sku"], parts=form.parts,
            actor=request.actor, **more,  # type: ignore[attr-defined]
        )  # fmt: skip
    except mappings.CannotMap as error:
        if error.field in ("sku", "quantity"):
            form.errors["parts"] = form.error_class([str(error)])
        else:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        return None


@require_POST
@needs(Role.MANAGER)
def mapping_add(request: HttpRequest) -> HttpResponse:
    """Add a mapping, or replace what the marketplace SKU meant before; or give the form another row for a product."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        form = MappingForm(access.stores(), access.accounts(), request.POST)
        if form.wants_row:
            return mapping_page(request, form)
        saved = _save(request, form) if form.is_valid() else None
        if saved is None:
            return mapping_page(request, form, status=422)
    messages.success(request, _said(saved))
    return redirect("inventory:mappings")


@needs(Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
def mapping_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a mapping: what it is, and for what it holds."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        row = access.mapping_for(pk)
        stores, accounts = access.stores(), access.accounts()
        if request.method == "POST":
            form = MappingForm(stores, accounts, request.POST)
            saved = None
            if not form.wants_row and form.is_valid():
                saved = _save(request, form, instead_of=row)
            if saved is not None:
                messages.success(request, _said(saved))
                return redirect("inventory:mappings")
        else:
            start = {"seller_sku": row.seller_sku, "target": target_of(row)}
            parts = [PartTyped(sku, str(units)) for sku, units in row.target]
            form = MappingForm(stores, accounts, initial=start, parts=parts)
        context = {"page_name": "SKU mapping", "form": form, "row": row}
        status = 422 if request.method == "POST" and not form.wants_row else 200
        return render(request, "inventory/mapping_edit.html", context, status=status)


def _ask_delete(request: HttpRequest, rows: list[SkuMapping]) -> HttpResponse:
    text = request.POST.get("q", "")
    back = reverse("inventory:mappings") + (f"?{urlencode({'q': text})}" if text else "")
    context = {
        "page_name": "SKU mapping", "rows": [(row, words_of(row.target)) for row in rows], "count": len(rows),
        "more": max(len(rows) - ASKED_SHOWN, 0), "shown_most": ASKED_SHOWN, "text": text, "back": back,
    }  # fmt: skip
    return ask_first(request, "inventory/mapping_delete.html", context)


@require_POST
@needs(Role.MANAGER)
def mapping_delete(request: HttpRequest) -> HttpResponse:
    """Remove the chosen mappings, once a person saw which and said yes."""
    ids = [number for text in request.POST.getlist("mapping") if (number := _number(text)) is not None]
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        if not request.POST.get("confirmed") and (rows := mappings.chosen(ids)):
            return _ask_delete(request, rows)
        gone = mappings.delete(ids)
    messages.success(request, f"{counted(gone, 'mapping')} removed" if gone else "No mapping was chosen")
    if request.POST.get("back") == "unmatched":
        return redirect("inventory:unmatched")
    text = request.POST.get("q", "")
    return redirect(f"{reverse('inventory:mappings')}?{urlencode({'q': text})}" if text else "inventory:mappings")
