"""Settings: General, each store, each account. One form a page; what is not changed goes on following General."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from accounts import preferences
from accounts.access import check, marketplace_account_for, may, needs, store_for
from accounts.models import MarketplaceAccount, Merchant, Role, Store
from accounts.platforms import EXAMPLES, FIRST_MARKETPLACE, SHIPPING_WORDS
from accounts.preference_table import PREFERENCES
from accounts.preferences import InvalidSettings, Scope, Shown
from accounts.rendering import page
from connectors import registry
from salestio import routes, tenancy


@dataclass(frozen=True, slots=True)
class Choice:
    """One card of a choice, with a worked example."""

    code: str
    label: str
    example: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One `.set` row: the setting, what stands in its field, and what is wrong with it."""

    shown: Shown
    text: str
    on: bool
    error: str
    choices: tuple[Choice, ...] = ()

    @property
    def name(self) -> str:
        """Return the field's name."""
        return self.shown.preference.name

    @property
    def kind(self) -> str:
        """Return which control is drawn."""
        return self.shown.preference.kind


@dataclass(frozen=True, slots=True)
class Group:
    """A card of rows."""

    title: str
    rows: tuple[Row, ...]


@needs(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def general(request: HttpRequest) -> HttpResponse:
    """Show and save what holds for all marketplaces."""
    return _settings(request, lambda: Merchant.objects.get(pk=request.merchant_id), "General")  # type: ignore[attr-defined]


@needs(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def store(request: HttpRequest, pk: int) -> HttpResponse:
    """Show and save a store's settings."""
    return _settings(request, lambda: store_for(request, pk), "")


@needs(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """Show and save an account's settings; they win over General."""
    return _settings(request, lambda: marketplace_account_for(request, pk), "")


def _settings(request: HttpRequest, find: Any, title: str) -> HttpResponse:
    errors: dict[str, str] = {}
    posted: QueryDict | None = None
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        target = find()
        words = _words(request, target)
        if request.method == "POST":
            check(request, Role.MANAGER)
            try:
                wanted = changes_of(target, request.POST)
                changed = preferences.write(target, wanted, actor=request.actor)  # type: ignore[attr-defined]
            except InvalidSettings as wrong:
                errors, posted = wrong.errors, request.POST
            else:
                messages.success(request, _saved(changed, words))
                return redirect(request.path)
        context = {
            "target": target,
            "scope": preferences.scope_of(target),
            "title": title or str(target),
            "groups": _groups(target, words, posted, errors),
            "errors": errors,
            "may_act": may(request.role, Role.MANAGER),  # type: ignore[attr-defined]
        } | navigation(target)
        return page(request, "accounts/settings.html", context, status=400 if errors else 200)


def navigation(target: Any = None, here: str = "") -> dict[str, Any]:
    """Return what the list at the left of every settings page needs; inside a scope."""
    return {
        "nav_stores": list(Store.objects.order_by("created_at", "pk")),
        "nav_accounts": list(MarketplaceAccount.objects.exclude(state="disabled").order_by("name")),
        "nav_here": here or (preferences.scope_of(target) if target is not None else ""),
        "nav_pk": getattr(target, "pk", None),
    }


def changes_of(target: Scope, posted: QueryDict) -> dict[str, Any]:
    """Return what a submitted page changes: only fields it held, and only where they differ from what is in force."""
    if posted.get("reset"):
        return {str(posted["reset"]): None}
    changes: dict[str, Any] = {}
    held = set(posted.getlist("field"))
    for shown in preferences.described(target):
        name = shown.preference.name
        if name not in held:
            continue
        given = posted.get(name, "")
        if shown.preference.kind == "switch":
            if (given == "on") != shown.value:
                changes[name] = given == "on"
        elif given.strip() != shown.text:
            # An emptied date follows the connection date again; other empty fields are values of their own.
            changes[name] = None if shown.preference.kind == "moment" and not given else given
    return changes


def _saved(changed: dict[str, Any], words: dict[str, str]) -> str:
    if not changed:
        return "Nothing was changed"
    names = [PREFERENCES[name].label.format(**words) for name in changed]
    return f"Saved: {', '.join(names)}"


def _words(request: HttpRequest, target: Scope) -> dict[str, str]:
    marketplace, storefront, words = "marketplace", "your store", ("", "")
    if isinstance(target, MarketplaceAccount):
        words = SHIPPING_WORDS.get(target.platform, words)
        marketplace = registry.platform(target.platform).label
        storefront = registry.platform(target.store.platform).label
    elif isinstance(target, Store):
        storefront = registry.platform(target.platform).label
    elif request.store is not None:  # type: ignore[attr-defined]
        storefront = registry.platform(request.store.platform).label  # type: ignore[attr-defined]
    return preferences.words_for(marketplace, storefront, ours=words[0], theirs=words[1])


def _groups(
    target: Scope, words: dict[str, str], posted: QueryDict | None, errors: dict[str, str]
) -> tuple[Group, ...]:
    rows: dict[str, list[Row]] = {}
    shown = preferences.described(target, words=words)
    typed = {s.preference.name: _typed(s, posted) for s in shown}
    for item in shown:
        name = item.preference.name
        text = typed[name]
        rows.setdefault(item.preference.group, []).append(
            Row(
                item,
                text,
                text == "on" if posted is not None else bool(item.value),
                errors.get(name, ""),
                _choices(target, item, text, typed, words),
            )
        )
    return tuple(Group(title, tuple(of_group)) for title, of_group in rows.items())


def _typed(shown: Shown, posted: QueryDict | None) -> str:
    if posted is None:
        return shown.text
    return posted.get(shown.preference.name, "")


def _choices(
    target: Scope, shown: Shown, text: str, typed: dict[str, str], words: dict[str, str]
) -> tuple[Choice, ...]:
    if shown.preference.kind == "location":
        options = [("", "All locations that ship online orders")]
        options += [(str(pk), name) for pk, name in preferences.location_choices(target)]
        return tuple(Choice(code, label, "", code == text) for code, label in options)
    if shown.preference.kind == "status":
        return tuple(Choice(code, label, "", code == text) for code, label in preferences.status_choices(target))
    choices = []
    for code, label in shown.preference.choices:
        example = _email_example(code, typed, target) if shown.preference.name == "customer_email_mode" else ""
        choices.append(Choice(code, label.format(**words), example, code == text))
    return tuple(choices)


def _email_example(mode: str, typed: dict[str, str], target: Scope) -> str:
    """Return what a store order's address would be, with what stands in the fields now."""
    told, order = EXAMPLES[target.platform if isinstance(target, MarketplaceAccount) else FIRST_MARKETPLACE]
    email = routes.ask(
        "orders.buyer_email",
        mode=mode,
        email=told,
        order_id=order,
        selected=typed.get("customer_email_address") or "orders@example.com",
        domain=typed.get("customer_email_domain") or "example.com",
    )
    return str(email) or "no address"
