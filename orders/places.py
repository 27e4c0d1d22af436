"""Apply the merchant's routing rules to a batch: where each order is served from (F53, F59). In a scope."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import connection

from inventory import reservations
from inventory.models import Location, Variant
from orders.domain.rules import Choice, Free, OrderToPlace, Rule, choose
from orders.models import Order, OrderLine, RoutingRule
from orders.steps.batch import Batch, Item


def rules_of(store_id: int, rows: Sequence[RoutingRule] | None = None) -> list[Rule]:
    """Return the store's active rules in their order; one whose location is gone or inactive is left out."""
    found = (
        list(RoutingRule.objects.filter(store_id=store_id, active=True).order_by("position", "pk"))
        if rows is None
        else rows
    )
    if not found:
        return []
    alive = set(Location.objects.filter(store_id=store_id, active=True).values_list("pk", flat=True))
    return [rule_of(row) for row in found if row.active and (row.own_choice or row.location_id in alive)]


def rule_of(row: RoutingRule) -> Rule:
    """Return a row as the pure rule."""
    given = row.conditions
    return Rule(
        id=row.pk or -row.position - 1,
        name=row.name,
        location_id=None if row.own_choice else row.location_id,
        accounts=frozenset(given.get("accounts", ())),
        platforms=frozenset(given.get("platforms", ())),
        countries=frozenset(given.get("countries", ())),
        fulfilled_by=given.get("fulfilled_by", ""),
        skus=tuple(given.get("skus", ())),
        tags=frozenset(given.get("tags", ())),
        needs_stock=bool(given.get("needs_stock")),
    )


def place(batch: Batch, items: Sequence[Item], *, passed: dict[int, set[int]] | None = None) -> None:
    """Say for each order where it is served from and keep it with the order; without rules it is the default warehouse.

    An order that keeps units already is looked at anew: the rules may have changed since. `passed`: order id → the rules
    that lost their units to another order a moment ago.
    """
    if batch.rules is None:
        batch.rules = rules_of(batch.store.pk)
    free = free_for(batch.rules, (_facts(batch, item) for item in items))
    kept = reservations.kept_units([item.order.pk for item in items]) if free else {}
    changed: list[Item] = []
    for item in items:
        default = batch.chosen[item.order.account_id].default_location_id
        left: Collection[int] = (passed or {}).get(item.order.pk, ())
        own = with_own(free, kept.get(item.order.pk, {}))
        item.place = choose(batch.rules, _facts(batch, item), own, default=default, passed=left)
        if (item.order.location_ref, item.order.routed_by) != _kept(item.place):
            item.order.location_ref, item.order.routed_by = _kept(item.place)
            changed.append(item)
    if changed:
        _save(batch, changed)


def with_own(free: Free, kept: Mapping[tuple[int, int | None], int]) -> Free:
    """Return what is free for an order that keeps these units already: that they are taken, by itself, must not send it
    elsewhere. What it keeps *anywhere* was taken off every place."""
    if not kept:
        return free
    return {
        (variant, place): units + kept.get((variant, place), 0) + kept.get((variant, None), 0)
        for (variant, place), units in free.items()
    }


def _kept(choice: Choice) -> tuple[int | None, str]:
    return (choice.location_id, choice.name[:80]) if choice.rule_id is not None else (None, "")


def _facts(batch: Batch, item: Item) -> OrderToPlace:
    return facts_of(item.order, item.live_lines, batch.variants)


def facts_of(order: Order, lines: Sequence[OrderLine], variants: Mapping[int, Variant]) -> OrderToPlace:
    """Return what the rules look at, of an order's lines with units left and the variants they mean."""
    wanted: dict[int, int] = {}
    skus: set[str] = set()
    tags: set[str] = set()
    for line in lines:
        skus.add(line.seller_sku)
        for variant_id, units in () if line.digital else line.components:
            wanted[variant_id] = wanted.get(variant_id, 0) + units * line.quantity
            variant = variants.get(variant_id)
            if variant is not None:
                skus.add(variant.sku)
                tags |= set(variant.tags)
    return OrderToPlace(
        account_id=order.account_id, platform=order.platform, country=order.country, fulfilled_by=order.fulfilled_by,
        skus=frozenset(skus - {""}), tags=frozenset(tags), wanted=wanted,
    )  # fmt: skip


def free_for(rules: Sequence[Rule], orders: Iterable[OrderToPlace]) -> dict[tuple[int, int], int]:
    """Return the units free at each location that rules ask about; without such rules nothing is read.

    For choosing only: the reservation, which holds the locks, decides for real.
    """
    asked = {rule.location_id for rule in rules if rule.needs_stock and rule.location_id is not None}
    if not asked:
        return {}
    shelves = reservations.shelves_of(sorted({variant_id for order in orders for variant_id in order.wanted}))
    return {
        # What the store does not limit is everywhere.
        (variant, place): 10**6 if shelf.unlimited else shelf.available(place)
        for variant, shelf in shelves.items()
        for place in asked
    }


def _save(batch: Batch, items: Sequence[Item]) -> None:
    rows = [(item.order.pk, item.order.location_ref, item.order.routed_by) for item in items]
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE orders_order o SET location_ref = n.location_ref, routed_by = n.routed_by
               FROM jsonb_to_recordset(%s::jsonb) AS n(id bigint, location_ref bigint, routed_by text)
               WHERE o.id = n.id AND o.merchant_id = %s""",
            [
                json.dumps([{"id": pk, "location_ref": place, "routed_by": name} for pk, place, name in rows]),
                batch.merchant_id,
            ],
        )
