"""A store's routing rules: reading what a merchant typed, saving, ordering, and what they would do (F59). In a scope."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Max
from django.utils.timezone import now

from accounts import audit, preferences
from accounts.models import MarketplaceAccount, Store
from connectors.contract.types import FulfilledBy
from inventory import reservations
from inventory.models import Location, Variant
from orders import countries, places
from orders.domain.rules import Choice, OrderToPlace, Rule, choose
from orders.models import Order, OrderLine, RoutingRule
from salestio import routes

MOST_RULES = 50
PREVIEW_DAYS = 30
PREVIEW_ORDERS = 2000
SHOWN_CHANGES = 50
WAITING_STATES = ("imported", "waiting", "held", "sending", "unknown")
FULFILLERS = {"": "Anybody", "merchant": "You", "marketplace": "The marketplace"}


class InvalidRule(ValueError):
    """A rule that cannot be taken; `errors` is field → a sentence. Nothing was saved."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


# ── reading what was typed ───────────────────────────────────────────────────────────────────────────────────────────


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in re.split(r"[,;\n]", text) if part.strip()))


def _countries(text: str, errors: dict[str, str]) -> list[str]:
    found = []
    for word in _words(text):
        code = countries.code_of(word)
        if not code:
            errors["countries"] = f"{word} is no country: use names or two-letter codes such as DE"
        else:
            found.append(code)
    return sorted(set(found))


def read(store: Store, given: Mapping[str, Any]) -> RoutingRule:
    """Return an unsaved rule of what was typed. `given` has name, location (id, "store" or ""), accounts (ids), countries,
    skus, tags (texts), fulfilled_by, needs_stock. Raises `InvalidRule` naming every field that is wrong."""
    errors: dict[str, str] = {}
    name = str(given.get("name", "")).strip()
    if not name or len(name) > 80 or any(ord(sign) < 32 for sign in name):
        errors["name"] = "Give the rule a name of up to 80 letters"
    place = str(given.get("location", ""))
    there = {str(pk) for pk, _ in preferences.location_choices(store)}
    if place != "store" and place not in there:
        errors["location"] = "Choose one of the active locations"
    mine = set(MarketplaceAccount.objects.filter(store_id=store.pk).values_list("pk", flat=True))
    accounts = [
        int(one) for one in map(str, given.get("accounts", ())) if one.isascii() and one.isdecimal() and len(one) < 19
    ]
    if any(pk not in mine for pk in accounts):
        errors["accounts"] = "Choose accounts whose orders go to this store"
    fulfilled_by = str(given.get("fulfilled_by", ""))
    if fulfilled_by not in FULFILLERS:
        errors["fulfilled_by"] = "Choose who ships"
    skus, tags = _words(str(given.get("skus", ""))), _words(str(given.get("tags", "")))
    for field_name, listed in (("skus", skus), ("tags", tags)):
        if len(listed) > 200 or any(len(word) > 255 or any(ord(sign) < 32 for sign in word) for word in listed):
            errors[field_name] = "Use up to 200, of up to 255 letters each"
    needs_stock = bool(given.get("needs_stock"))
    if needs_stock and place == "store":
        errors["needs_stock"] = "Stock can be asked for at a location only"
    countries = _countries(str(given.get("countries", "")), errors)
    if errors:
        raise InvalidRule(errors)
    conditions = {
        "accounts": accounts, "countries": countries, "skus": skus, "tags": tags, "fulfilled_by": fulfilled_by,
        "needs_stock": needs_stock,
    }  # fmt: skip
    return RoutingRule(
        merchant_id=store.merchant_id, store_id=store.pk, name=name, own_choice=place == "store",
        location_id=None if place == "store" else int(place), conditions={k: v for k, v in conditions.items() if v},
    )  # fmt: skip


# ── saving ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def of_store(store_id: int) -> list[RoutingRule]:
    """Return the store's rules in their order."""
    return list(RoutingRule.objects.filter(store_id=store_id).select_related("location").order_by("position", "pk"))


def save(store: Store, rule: RoutingRule, *, pk: int | None, actor: str) -> RoutingRule:
    """Save a rule that was read: a new one last, or in place of `pk`. Raises `InvalidRule` when there are too many."""
    if pk is not None:
        kept = RoutingRule.objects.select_for_update().get(pk=pk, store_id=store.pk)
        rule.pk, rule.position, rule.active, rule.created_at = kept.pk, kept.position, kept.active, kept.created_at
    else:
        rows = RoutingRule.objects.filter(store_id=store.pk)
        if rows.count() >= MOST_RULES:
            raise InvalidRule({"name": f"A store has at most {MOST_RULES} rules; delete one first"})
        rule.position = (rows.aggregate(last=Max("position"))["last"] or 0) + 1
    rule.save()
    _changed(store, "routing.changed" if pk else "routing.added", rule, actor)
    return rule


def move(store: Store, pk: int, *, up: bool, actor: str) -> None:
    """Change places with the rule before or after."""
    rows = list(RoutingRule.objects.select_for_update().filter(store_id=store.pk).order_by("position", "pk"))
    at = next((n for n, row in enumerate(rows) if row.pk == pk), None)
    other = None if at is None else at + (-1 if up else 1)
    if at is None or other is None or not 0 <= other < len(rows):
        return
    rows[at], rows[other] = rows[other], rows[at]
    for n, row in enumerate(rows, 1):
        row.position = n
    RoutingRule.objects.bulk_update(rows, ["position"])
    _changed(store, "routing.moved", rows[other], actor)


def switch(store: Store, pk: int, *, on: bool, actor: str) -> None:
    """Switch a rule on or off."""
    rule = RoutingRule.objects.get(pk=pk, store_id=store.pk)
    rule.active = on
    rule.save(update_fields=["active"])
    _changed(store, "routing.on" if on else "routing.off", rule, actor)


def delete(store: Store, pk: int, *, actor: str) -> None:
    """Delete a rule."""
    rule = RoutingRule.objects.get(pk=pk, store_id=store.pk)
    _changed(store, "routing.deleted", rule, actor)
    rule.delete()


def _changed(store: Store, action: str, rule: RoutingRule, actor: str) -> None:
    audit.note(actor=actor, action=action, subject=f"{store.name}: {rule.name}", after=rule.conditions)
    routes.emit("settings.changed", store_id=store.pk)


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def conditions_in_words(rule: RoutingRule, accounts: Mapping[int, str]) -> list[str]:
    """Return each condition as a merchant reads it; none means every order."""
    given, parts = rule.conditions, []
    if given.get("accounts"):
        parts.append("Account " + ", ".join(accounts.get(pk, "(gone)") for pk in given["accounts"]))
    if given.get("countries"):
        parts.append("Ships to " + ", ".join(countries.name(code) for code in given["countries"]))
    if given.get("fulfilled_by"):
        parts.append("You ship it" if given["fulfilled_by"] == "merchant" else "The marketplace ships it")
    if given.get("skus"):
        parts.append("SKU " + ", ".join(given["skus"]))
    if given.get("tags"):
        parts.append("Product tag " + ", ".join(given["tags"]))
    if given.get("needs_stock"):
        parts.append("All units are there")
    return parts


# ── preview ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Changed:
    """An order the draft rules would serve from elsewhere."""

    order_id: int
    reference: str
    before: str
    after: str
    rule: str


@dataclass(slots=True)
class Preview:
    """What the draft rules would do with the orders of the last 30 days, on today's stock."""

    orders: int = 0
    """Those the rules decide about."""
    left_out: int = 0
    """Those they do not: canceled, left out of the store, or without a product that is counted."""
    capped: bool = False
    per_place: list[tuple[str, int, int]] = field(default_factory=list)
    """(location, orders now, orders with the draft)."""
    unmatched: int = 0
    changes: list[Changed] = field(default_factory=list)
    more_changes: int = 0


def preview(store: Store, rows: Sequence[RoutingRule]) -> Preview:
    """Run the rules over the store's orders of the last 30 days (the newest 2,000) and compare with what was chosen.

    Those that still wait take their units one after the other, oldest paid first, as the pipeline will give them out;
    each that is in the store already is tried as if it came now.
    """
    since = now() - timedelta(days=PREVIEW_DAYS)
    found = list(
        Order.objects.filter(store_id=store.pk, purchased_at__gte=since).order_by("-purchased_at", "-pk")[
            : PREVIEW_ORDERS + 1
        ]
    )
    facts = _facts_of(found[:PREVIEW_ORDERS])
    orders = [order for order in found[:PREVIEW_ORDERS] if _is_placed(order, facts[order.pk])]
    made = Preview(
        orders=len(orders), left_out=min(len(found), PREVIEW_ORDERS) - len(orders), capped=len(found) > PREVIEW_ORDERS
    )
    default = preferences.default_location(store)
    names = dict(Location.objects.filter(store_id=store.pk).values_list("pk", "name"))
    choices = _choices(places.rules_of(store.pk, rows), orders, facts, default)
    before, after = Counter[str](), Counter[str]()

    def name_of(place: int | None) -> str:
        return names.get(place, "a location that is gone") if place is not None else "Store decides"

    for order in orders:
        was = name_of(order.location_ref if order.routed_by else default)
        choice = choices[order.pk]
        to = name_of(choice.location_id)
        before[was] += 1
        after[to] += 1
        made.unmatched += choice.rule_id is None
        if was != to:
            if len(made.changes) < SHOWN_CHANGES:
                made.changes.append(Changed(order.pk, order.marketplace_order_id, was, to, choice.name or "no rule"))
            else:
                made.more_changes += 1
    made.per_place = [(place, before[place], after[place]) for place in sorted(before | after)]
    return made


def _is_placed(order: Order, facts: OrderToPlace) -> bool:
    """Say whether the pipeline asks the rules about such an order: it is for the store, and takes units or left already."""
    if order.export_state in ("canceled", "skipped") or not facts.skus:
        return False
    if order.fulfilled_by == FulfilledBy.MARKETPLACE.value or order.shipped_when_seen:
        return order.status == "shipped"
    return bool(facts.wanted)


def _choices(
    rules: Sequence[Rule], orders: Sequence[Order], facts: Mapping[int, OrderToPlace], default: int | None
) -> dict[int, Choice]:
    """Return order → where the rules place it."""
    free = dict(places.free_for(rules, facts.values()))
    waiting = [order for order in orders if order.export_state in WAITING_STATES and facts[order.pk].wanted]
    kept = reservations.kept_units([order.pk for order in waiting]) if free else {}
    found = {order.pk: choose(rules, facts[order.pk], free, default=default) for order in orders}
    for order in sorted(waiting, key=lambda row: (row.paid_at or row.purchased_at, row.pk)):
        own = kept.get(order.pk, {})
        choice = choose(rules, facts[order.pk], places.with_own(free, own), default=default)
        found[order.pk] = choice
        if order.fulfilled_by == FulfilledBy.MARKETPLACE.value:
            continue
        taken = {(variant, choice.location_id): units for variant, units in facts[order.pk].wanted.items()}
        free = dict(places.with_own(places.with_own(free, own), {key: -units for key, units in taken.items()}))
    return found


def _facts_of(orders: Sequence[Order]) -> dict[int, OrderToPlace]:
    lines: dict[int, list[OrderLine]] = {}
    for line in OrderLine.objects.filter(order_id__in=[order.pk for order in orders], quantity__gt=0):
        lines.setdefault(line.order_id, []).append(line)
    ids = {variant_id for some in lines.values() for line in some for variant_id, _ in line.components}
    variants = {row.pk: row for row in Variant.objects.filter(pk__in=ids).only("pk", "sku", "tags")}
    return {order.pk: places.facts_of(order, lines.get(order.pk, ()), variants) for order in orders}
