"""Reserve every unit of each order, all or nothing, oldest paid first (DESIGN 6, MECHANISMS 5 and 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.contract.types import InventoryRule
from inventory import reservations, watching
from inventory.domain.stock import Allocation, Ask, AskLine
from inventory.models import Location
from orders import places
from orders.models import StockWait
from orders.steps.batch import Batch, Item
from orders.steps.settle import hold
from orders.waking import turns


def reserve_batch(batch: Batch, items: Sequence[Item]) -> list[Item]:
    """Reserve for the orders that take stock; return those that may go on. The short ones are held, naming every line."""
    free = [
        item
        for item in items
        if (item.way is not None and item.way.inventory is InventoryRule.NONE) or not _asked(item)
    ]
    asking = [item for item in items if item not in free]
    tried = [item.order.pk for item in free if _waited([item])]
    if tried:
        # Its lines had products when it was tried before: what it holds of them is nobody's any more.
        reservations.release(order_ids=tried, cause="takes no stock")
    if shipped := [item for item in free if item.way is not None and item.way.fulfilled]:
        # They take nothing, but the store wants to be told where they left from.
        places.place(batch, shipped)
    if not asking:
        return free
    places.place(batch, asking)
    outcome = _reserve(batch, asking)
    passed: dict[int, set[int]] = {}
    while again := _losers(batch, asking, outcome):
        # The place had every unit when the rule looked; another order of this moment took them: the next rule's turn.
        for item in again:
            assert item.place is not None and item.place.rule_id is not None
            passed.setdefault(item.order.pk, set()).add(item.place.rule_id)
        places.place(batch, again, passed=passed)
        tried_again = {item.order.pk for item in again}
        second = _reserve(batch, again)
        short_now = {pk: why for pk, why in outcome.short.items() if pk not in tried_again} | dict(second.short)
        outcome = Allocation(outcome.granted + second.granted, short_now)
    won = [item for item in asking if item.order.pk not in outcome.short]
    short = [item for item in asking if item.order.pk in outcome.short]
    if short:
        _hold_short(batch, short, outcome)
    if _waited(won):
        StockWait.objects.filter(order_id__in=[item.order.pk for item in won]).delete()
    for item in won:
        batch.say(item, "reserve", "RESERVED", units=_units(item))
    return [*free, *won]


def _units(item: Item) -> int:
    """Return the units the order takes from stock: of a bundle those of its parts."""
    return sum(line.quantity * units for line in item.live_lines for _, units in line.components)


def _reserve(batch: Batch, items: Sequence[Item]) -> Allocation:
    asks = [_ask(batch, item) for item in items]
    variants = {line.variant_id for ask in asks for line in ask.lines}
    default = next(iter(batch.chosen.values())).default_location_id
    ahead = turns(variant_ids=sorted(variants), besides=[item.order.pk for item in items], default=default)
    return reservations.reserve(store_id=batch.store.pk, asks=asks, ahead=ahead)


def _losers(batch: Batch, items: Sequence[Item], outcome: Allocation) -> list[Item]:
    """Return the orders that are short at a place whose rule asks for stock: there is a next rule for them."""
    asking_for_stock = {rule.id for rule in batch.rules or () if rule.needs_stock}
    return [
        item
        for item in items
        if item.order.pk in outcome.short and item.place and item.place.rule_id in asking_for_stock
    ]


def _asked(item: Item) -> list[AskLine]:
    """Return what the order takes of the store's stock: no digital lines, none without a product."""
    units_of: dict[tuple[int, int], int] = {}
    for line in item.live_lines:
        # A bundle may name a product twice; one line holds a variant once.
        for variant_id, units in () if line.digital else line.components:
            units_of[line.pk, variant_id] = units_of.get((line.pk, variant_id), 0) + line.quantity * units
    return [AskLine(line_id, variant_id, units) for (line_id, variant_id), units in units_of.items()]


def _waited(items: Sequence[Item]) -> bool:
    """Say whether any of these orders may stand in the queue for stock (it has been tried before)."""
    return any(
        item.order.attempts or item.by_hand or item.order.state_since != item.order.imported_at for item in items
    )


def _ask(batch: Batch, item: Item) -> Ask:
    return Ask(
        order_id=item.order.pk,
        paid_at=item.order.paid_at or item.order.purchased_at,
        lines=tuple(_asked(item)),
        location_id=batch.location_of(item),
        label=item.order.marketplace_order_id,
        ignore_policy=bool(item.way and item.way.inventory is InventoryRule.IGNORE),
        may_pass=item.by_hand,
        lets_pass=item.order.shipped_when_seen,
    )


def queue_for_stock(batch: Batch, item: Item, needs: Sequence[tuple[int, int]]) -> None:
    """Put the order in the queue of each (variant, units) it is short of, at the place of its payment."""
    StockWait.objects.bulk_create(
        [
            StockWait(
                merchant_id=batch.merchant_id, order_id=item.order.pk, variant_id=variant_id,
                quantity=quantity, paid_at=item.order.paid_at or item.order.purchased_at,
            )
            for variant_id, quantity in _summed(needs)
        ],
        update_conflicts=True, unique_fields=["order", "variant"], update_fields=["quantity", "paid_at"],
    )  # fmt: skip
    watching.watch({variant_id for variant_id, _ in needs})


def _summed(needs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    total: dict[int, int] = {}
    for variant_id, quantity in needs:
        total[variant_id] = total.get(variant_id, 0) + quantity
    return sorted(total.items())


def _hold_short(batch: Batch, short: Sequence[Item], outcome: Allocation) -> None:
    names = dict(Location.objects.filter(store_id=batch.store.pk).values_list("pk", "name"))
    for item in short:
        lines = {line.pk: line for line in item.lines}
        facts: list[dict[str, Any]] = []
        for shortage in outcome.short[item.order.pk]:
            line = lines[shortage.line_id]
            variant = batch.variants.get(shortage.variant_id)
            facts.append(
                {
                    "line": line.number,
                    "seller_sku": line.seller_sku,
                    "sku": variant.sku if variant else line.matched_sku,
                    "variant_id": shortage.variant_id,
                    "wanted": shortage.wanted,
                    "available": shortage.available,
                    "location": names.get(shortage.location_id, "") if shortage.location_id else "",
                    "ahead": shortage.ahead,
                }
            )
        StockWait.objects.filter(order_id=item.order.pk).delete()
        queue_for_stock(batch, item, [(s.variant_id, s.wanted) for s in outcome.short[item.order.pk]])
        hold(batch, item, "OUT_OF_STOCK", items=facts)
