"""Settings → store → Routing: rules, their order, and a preview on real orders before anything is saved (F59)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from accounts import preferences
from accounts.access import may, needs, store_for
from accounts.models import MarketplaceAccount, Role, Store
from accounts.platforms import SHIPPING_WORDS
from accounts.rendering import page
from accounts.views.settings import navigation
from connectors.contract.types import FulfilledBy
from orders import routing_rules
from orders.models import RoutingRule
from salestio import tenancy

_TEXTS = ("name", "location", "fulfilled_by", "countries", "skus", "tags")


def _typed(request: HttpRequest) -> dict[str, Any]:
    typed: dict[str, Any] = {name: request.POST.get(name, "") for name in _TEXTS}
    typed["accounts"] = request.POST.getlist("accounts")
    typed["needs_stock"] = request.POST.get("needs_stock") == "on"
    return typed


def _of_rule(rule: RoutingRule | None) -> dict[str, Any]:
    """Return the form's values of a saved rule, or of an empty one."""
    if rule is None:
        return {"name": "", "location": "", "fulfilled_by": "", "accounts": [], "needs_stock": False}
    given = rule.conditions
    return {
        "name": rule.name,
        "location": "store" if rule.own_choice else str(rule.location_id or ""),
        "fulfilled_by": given.get("fulfilled_by", ""),
        "accounts": [str(pk) for pk in given.get("accounts", ())],
        "countries": ", ".join(given.get("countries", ())),
        "skus": ", ".join(given.get("skus", ())),
        "tags": ", ".join(given.get("tags", ())),
        "needs_stock": bool(given.get("needs_stock")),
    }


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


@needs(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def routing(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the rules and the form; POST previews or saves one rule, as its button says."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        store = store_for(request, pk)
        editing = _number(request.POST.get("rule") or request.GET.get("edit", ""))
        rules = routing_rules.of_store(store.pk)
        edited = next((row for row in rules if row.pk == editing), None)
        if editing is not None and edited is None:
            raise Http404("There is no such rule.")
        if request.method != "POST":
            return _page(request, store, rules, _of_rule(edited), edited=edited)
        typed = _typed(request)
        try:
            draft = routing_rules.read(store, typed)
        except routing_rules.InvalidRule as wrong:
            return _page(request, store, rules, typed, edited=edited, errors=wrong.errors, status=422)
        if "preview" in request.POST:
            draft.pk, draft.position = (edited.pk, edited.position) if edited else (None, 10**4)
            rows = sorted([*(row for row in rules if row.pk != draft.pk), draft], key=lambda row: row.position)
            seen = routing_rules.preview(store, rows)
            return _page(request, store, rules, typed, edited=edited, preview=seen)
        if not may(request.role, Role.MANAGER):  # type: ignore[attr-defined]
            raise Http404("Your role may look only.")
        try:
            saved = routing_rules.save(store, draft, pk=editing, actor=request.actor)  # type: ignore[attr-defined]
        except routing_rules.InvalidRule as wrong:
            return _page(request, store, rules, typed, edited=edited, errors=wrong.errors, status=422)
    messages.success(request, f"{saved.name} saved. Orders not yet sent go by it from now on")
    return redirect("orders:routing", pk)


@needs(Role.MANAGER)
@require_POST
def change(request: HttpRequest, pk: int, rule: int) -> HttpResponse:
    """Move a rule up or down, switch it on or off, or delete it."""
    what = request.POST.get("do", "")
    actor: str = request.actor  # type: ignore[attr-defined]
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        store = store_for(request, pk)
        if not RoutingRule.objects.filter(pk=rule, store_id=store.pk).exists():
            raise Http404("There is no such rule.")
        if what in ("up", "down"):
            routing_rules.move(store, rule, up=what == "up", actor=actor)
        elif what in ("on", "off"):
            routing_rules.switch(store, rule, on=what == "on", actor=actor)
        elif what == "delete":
            routing_rules.delete(store, rule, actor=actor)
            messages.success(request, "The rule was deleted")
        else:
            raise Http404("There is no such action.")
    return redirect("orders:routing", pk)


def _page(
    request: HttpRequest, store: Store, rules: list[RoutingRule], typed: dict[str, Any], *,
    edited: RoutingRule | None = None, errors: dict[str, str] | None = None,
    preview: routing_rules.Preview | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    accounts = list(MarketplaceAccount.objects.filter(store_id=store.pk).exclude(state="disabled").order_by("name"))
    names = {account.pk: account.name for account in MarketplaceAccount.objects.filter(store_id=store.pk)}
    locations = preferences.location_choices(store)
    alive = {pk for pk, _ in locations}
    default = dict(locations).get(preferences.value(store, "default_location") or 0, "")
    context = {
        "store": store, "edited": edited, "typed": typed, "errors": errors or {}, "preview": preview,
        "rules": [
            {"row": row, "conditions": routing_rules.conditions_in_words(row, names),
             "lost": not row.own_choice and row.location_id not in alive,
             "place": "" if row.own_choice else row.location.name if row.location else "a location that is gone"}
            for row in rules
        ],
        "accounts": [{"account": a, "chosen": str(a.pk) in typed["accounts"]} for a in accounts],
        "locations": [(str(pk), name) for pk, name in locations], "default": default,
        "fulfillers": routing_rules.FULFILLERS if any(a.platform in SHIPPING_WORDS for a in accounts)
        or typed["fulfilled_by"] == FulfilledBy.MARKETPLACE.value else {"": "Anybody", "merchant": "You"},
        "may_act": may(request.role, Role.MANAGER),  # type: ignore[attr-defined]
    } | navigation(store, "routing")  # fmt: skip
    return page(request, "orders/routing.html", context, status=status)
