"""Stock writes: ``inventorySetQuantities`` and ``inventoryAdjustQuantities``.

Since 2026-04 each entry must hold ``changeFromQuantity``: a number is compared with the stock at that moment, an
explicit null skips
the comparison. The whole call is refused when one entry is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.sandbox.shopify import stock
from connectors.sandbox.shopify.state import Doc

if TYPE_CHECKING:
    from connectors.sandbox.shopify.context import Context

REASONS = frozenset(
    [
        "correction",
        "cycle_count_available",
        "damaged",
        "movement_created",
        "movement_updated",
        "movement_received",
        "movement_canceled",
        "other",
        "promotion",
        "quality_control",
        "received",
        "reservation_created",
        "reservation_deleted",
        "reservation_updated",
        "restock",
        "safety_stock",
        "shrinkage",
    ]
)
MAX_UNITS = 1_000_000_000
_SET_NAMES = ("available", "on_hand")
_ADJUST_NAMES = ("available",)


def _no(code: str, message: str, *field: str) -> Doc:
    return {"code": code, "field": ["input", *field], "message": message}


def set_quantities(ctx: Context, given: Doc) -> Doc:
    """Set ``available`` or ``on_hand`` to a number at each (item, location)."""
    entries = given["quantities"]
    problems = _common(given, _SET_NAMES, "INVALID_NAME")
    seen: set[tuple[str, str]] = set()
    for n, entry in enumerate(entries):
        pair = (entry["inventoryItemId"], entry["locationId"])
        if pair in seen:
            text = "The combination of inventoryItemId and locationId must be unique."
            problems.append(_no("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", text, "quantities", str(n)))
        seen.add(pair)
        if entry["quantity"] < 0:
            text = "The quantity can't be negative."
            problems.append(_no("INVALID_QUANTITY_NEGATIVE", text, "quantities", str(n), "quantity"))
        if entry["quantity"] > MAX_UNITS:
            text = f"The quantity can't be higher than {MAX_UNITS:,}."
            problems.append(_no("INVALID_QUANTITY_TOO_HIGH", text, "quantities", str(n), "quantity"))
        if "changeFromQuantity" not in entry:
            text = "changeFromQuantity must be given, a number or null."
            problems.append(_no("COMPARE_QUANTITY_REQUIRED", text, "quantities", str(n), "changeFromQuantity"))
        problems.extend(_entry(ctx, entry, given["name"], "quantities", n))
    if problems:
        return {"inventoryAdjustmentGroup": None, "userErrors": problems}
    deltas = [(entry, entry["quantity"] - _current(ctx, entry, given["name"])) for entry in entries]
    return {"inventoryAdjustmentGroup": _apply(ctx, given, deltas), "userErrors": []}


def adjust_quantities(ctx: Context, given: Doc) -> Doc:
    """Change ``available`` by a difference at each (item, location)."""
    entries = given["changes"]
    problems = _common(given, _ADJUST_NAMES, "INVALID_QUANTITY_NAME")
    for n, entry in enumerate(entries):
        if abs(entry["delta"]) > MAX_UNITS:
            code = "INVALID_QUANTITY_TOO_HIGH" if entry["delta"] > 0 else "INVALID_QUANTITY_TOO_LOW"
            problems.append(
                _no(code, f"The quantity can't change by more than {MAX_UNITS:,}.", "changes", str(n), "delta")
            )
        if "changeFromQuantity" not in entry:
            text = "changeFromQuantity must be given, a number or null."
            problems.append(_no("ADJUST_QUANTITIES_FAILED", text, "changes", str(n), "changeFromQuantity"))
        if entry.get("ledgerDocumentUri"):
            text = "ledgerDocumentUri must not be given for available."
            problems.append(_no("INVALID_AVAILABLE_DOCUMENT", text, "changes", str(n), "ledgerDocumentUri"))
        problems.extend(_entry(ctx, entry, given["name"], "changes", n))
    if problems:
        return {"inventoryAdjustmentGroup": None, "userErrors": problems}
    return {
        "inventoryAdjustmentGroup": _apply(ctx, given, [(entry, entry["delta"]) for entry in entries]),
        "userErrors": [],
    }


def _common(given: Doc, names: tuple[str, ...], code: str) -> list[Doc]:
    problems = []
    if given["name"] not in names:
        problems.append(_no(code, f"The quantity name must be one of: {', '.join(names)}.", "name"))
    if given["reason"] not in REASONS:
        problems.append(_no("INVALID_REASON", "The specified reason is invalid.", "reason"))
    uri = given.get("referenceDocumentUri")
    if uri and "://" not in uri:
        problems.append(
            _no("INVALID_REFERENCE_DOCUMENT", "The specified reference document is invalid.", "referenceDocumentUri")
        )
    return problems


def _entry(ctx: Context, entry: Doc, name: str, group: str, n: int) -> list[Doc]:
    variant = ctx.state.by_item.get(entry["inventoryItemId"])
    if variant is None or variant["shop"] != ctx.shop:
        return [
            _no(
                "INVALID_INVENTORY_ITEM",
                "The specified inventory item could not be found.",
                group,
                str(n),
                "inventoryItemId",
            )
        ]
    if variant["components"]:
        return [
            _no(
                "NON_MUTABLE_INVENTORY_ITEM",
                "The specified inventory item is not allowed to be adjusted.",
                group,
                str(n),
                "inventoryItemId",
            )
        ]
    place = ctx.state.locations.get(entry["locationId"])
    if place is None or place["shop"] != ctx.shop:
        return [_no("INVALID_LOCATION", "The specified location could not be found.", group, str(n), "locationId")]
    expected = entry.get("changeFromQuantity")
    if expected is not None and expected != _current(ctx, entry, name):
        text = "The changeFromQuantity value does not match the current quantity."
        return [_no("CHANGE_FROM_QUANTITY_STALE", text, group, str(n), "changeFromQuantity")]
    return []


def _current(ctx: Context, entry: Doc, name: str) -> int:
    level = ctx.state.levels_of[entry["inventoryItemId"]].get(entry["locationId"])
    if level is None:
        return 0
    return int(level["available"] + (level["committed"] if name == "on_hand" else 0))


def _apply(ctx: Context, given: Doc, deltas: list[tuple[Doc, int]]) -> Doc:
    changes = []
    for entry, delta in deltas:
        item, place = entry["inventoryItemId"], entry["locationId"]
        stock.move(ctx, item, place, available=delta)
        level = ctx.state.levels_of[item][place]
        on_hand = level["available"] + level["committed"]
        row = {"item": item, "location": place, "delta": delta}
        changes.append({**row, "name": "available", "quantityAfterChange": level["available"]})
        changes.append({**row, "name": "on_hand", "quantityAfterChange": on_hand})
        variant = ctx.state.by_item[item]
        body = {
            "sku": variant["sku"],
            "location": place,
            "available": level["available"],
            "delta": delta,
            "reason": given["reason"],
        }
        ctx.record("stock.set", given.get("referenceDocumentUri"), item, body)
    return {
        "__typename": "InventoryAdjustmentGroup",
        "id": ctx.state.new_id("InventoryAdjustmentGroup"),
        "createdAt": ctx.now,
        "reason": given["reason"],
        "referenceDocumentUri": given.get("referenceDocumentUri"),
        "changes": changes,
    }
