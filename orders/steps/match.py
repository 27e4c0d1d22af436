"""Match the lines of a batch to store variants, and stop the orders that have a question (F33-F35, F38, F41, F44)."""

from __future__ import annotations

from collections.abc import Sequence

from orders.domain.matching import CUSTOM, PERSON, LineToMatch, Match, match
from orders.models import OrderLine, SkuWait
from orders.steps.batch import Batch, Item, line_key
from orders.steps.settle import hold


def match_batch(batch: Batch, items: Sequence[Item]) -> list[Item]:
    """Match every line; return the orders whose lines all have a variant. The others are held with every SKU named."""
    ready: list[Item] = []
    waits: list[SkuWait] = []
    for item in items:
        missing, ambiguous, edited = _match_lines(batch, item)
        if missing or ambiguous or edited:
            waits += _waits(batch, item, missing, ambiguous, edited)
            _hold(batch, item, missing, ambiguous, edited)
        else:
            ready.append(item)
    SkuWait.objects.bulk_create(waits, ignore_conflicts=True)
    return ready


def _match_lines(batch: Batch, item: Item) -> tuple[list[OrderLine], list[tuple[OrderLine, Match]], list[OrderLine]]:
    missing: list[OrderLine] = []
    ambiguous: list[tuple[OrderLine, Match]] = []
    edited: list[OrderLine] = []
    catalog = batch.catalogs[item.order.account_id]
    for line in item.live_lines:
        before = batch.variants.get(line.variant_id) if line.variant_id else None
        usable = before is not None and before.active and not before.deleted_at
        if line.matched_by == PERSON and usable:
            continue
        wanted = LineToMatch(line.seller_sku, line.title, tuple((n, v) for n, v in line.variation), line.item_id)
        found = match(wanted, catalog)
        if found.found:
            _note(item, line, found)
        elif found.ambiguous:
            ambiguous.append((line, found))
        elif usable and before is not None and line.matched_sku and before.sku != line.matched_sku:
            edited.append(line)
        elif batch.chosen[item.order.account_id].create_unmatched:
            _note(item, line, Match(rule=CUSTOM, note=found.note))
        else:
            missing.append(line)
            if found.note and line.match_note != found.note:
                line.match_note = found.note
                item.changed_lines.append(line)
    return missing, ambiguous, edited


def _note(item: Item, line: OrderLine, found: Match) -> None:
    parts = [list(part) for part in found.parts]
    if (line.variant_id, line.matched_by, line.matched_sku, line.match_note, line.parts) == (
        found.variant_id, found.rule, found.sku, found.note, parts,
    ):  # fmt: skip
        return
    line.parts = parts
    line.variant_id, line.matched_by = found.variant_id, found.rule
    line.matched_sku, line.match_note = found.sku, found.note
    item.changed_lines.append(line)


def _label(line: OrderLine) -> str:
    return line.seller_sku or f"(no SKU) {line.title}"


def _hold(
    batch: Batch,
    item: Item,
    missing: list[OrderLine],
    ambiguous: list[tuple[OrderLine, Match]],
    edited: list[OrderLine],
) -> None:
    """Hold the order, naming everything that is wrong at once; what is missing goes before what is ambiguous."""
    if missing:
        hold(
            batch, item, "NO_MATCH", skus=[_label(line) for line in missing], lines=[line.number for line in missing],
            notes=[line.match_note for line in missing if line.match_note],
        )  # fmt: skip
    elif ambiguous:
        questions = [
            {
                "line": line.number,
                "seller_sku": line.seller_sku,
                "title": line.title,
                "candidates": [candidate.title for candidate in found.candidates][:10],
                "variant_ids": [candidate.id for candidate in found.candidates][:10],
            }
            for line, found in ambiguous
        ]
        hold(batch, item, "AMBIGUOUS_SKU", items=questions, skus=[_label(line) for line, _ in ambiguous])
    else:
        hold(batch, item, "SKU_CHANGED", skus=[_label(line) for line in edited], lines=[line.number for line in edited])


def _waits(
    batch: Batch,
    item: Item,
    missing: list[OrderLine],
    ambiguous: list[tuple[OrderLine, Match]],
    edited: list[OrderLine],
) -> list[SkuWait]:
    """Return what would cure this order: its SKUs and title keys appearing, or changing, in the store (F42)."""
    lines = [*missing, *(line for line, _ in ambiguous), *edited]
    return [
        SkuWait(
            merchant_id=batch.merchant_id,
            order_id=item.order.pk,
            store_id=batch.store.pk,
            # A mapping may name the item where the line has no SKU (eBay, Etsy).
            seller_sku=line.seller_sku or line.item_id,
            title_key=line_key(line),
        )
        for line in lines
    ]
