"""Fulfillment orders and fulfillments: ship, move to another location, correct the tracking, take a shipment back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.sandbox.shopify import payloads, stock, totals
from connectors.sandbox.shopify.state import Doc, State

if TYPE_CHECKING:
    from connectors.sandbox.shopify.context import Context

MAX_LINES = 512
_SHIPPABLE = ("OPEN", "IN_PROGRESS")


def _no(message: str, *field: str) -> Doc:
    return {"field": list(field) or None, "message": message}


def create(ctx: Context, given: Doc) -> Doc:
    """``fulfillmentCreate``: all fulfillment orders of one call must belong to one order and one location; at most 512
    lines."""
    chosen: list[tuple[Doc, list[tuple[Doc, int]]]] = []
    owners: dict[str, Doc] = {}
    for entry in given["lineItemsByFulfillmentOrder"]:
        fulfillment_order = _fulfillment_order(ctx, entry["fulfillmentOrderId"])
        if fulfillment_order is None:
            return {"fulfillment": None, "userErrors": [_no("Fulfillment order does not exist.", "fulfillment")]}
        if fulfillment_order["status"] not in _SHIPPABLE:
            status = fulfillment_order["status"].lower()
            text = f"Fulfillment order {fulfillment_order['id']} has an unfulfillable status= {status}."
            return {"fulfillment": None, "userErrors": [_no(text, "fulfillment")]}
        parts, problem = _parts(fulfillment_order, entry.get("fulfillmentOrderLineItems"))
        if problem:
            return {"fulfillment": None, "userErrors": [_no(problem, "fulfillment")]}
        chosen.append((fulfillment_order, parts))
        owners[fulfillment_order["order"]] = fulfillment_order
    if not chosen:
        return {
            "fulfillment": None,
            "userErrors": [_no("Line items by fulfillment order can't be blank.", "fulfillment")],
        }
    if len(owners) > 1:
        return {
            "fulfillment": None,
            "userErrors": [_no("All fulfillment orders must belong to the same order.", "fulfillment")],
        }
    if len({fulfillment_order["location"] for fulfillment_order, _ in chosen}) > 1:
        return {
            "fulfillment": None,
            "userErrors": [_no("All fulfillment orders must be assigned to the same location.", "fulfillment")],
        }
    if sum(len(parts) for _, parts in chosen) > MAX_LINES:
        return {
            "fulfillment": None,
            "userErrors": [_no(f"At most {MAX_LINES} line items can be fulfilled at once.", "fulfillment")],
        }
    order = ctx.state.orders[next(iter(owners))]
    doc = ctx.fulfillment(order, chosen, chosen[0][0]["location"], tracking(given.get("trackingInfo")))
    return {"fulfillment": doc, "userErrors": []}


def _fulfillment_order(ctx: Context, global_id: str) -> Doc | None:
    if ctx.owner(global_id) is None:
        return None
    doc = ctx.state.part(global_id)
    return doc if doc is not None and doc["__typename"] == "FulfillmentOrder" else None


def _parts(fulfillment_order: Doc, given: list[Doc] | None) -> tuple[list[tuple[Doc, int]], str]:
    """Return [(line, units)] to ship and a complaint; without a list all that remains is shipped."""
    if not given:
        return [(line, line["remaining"]) for line in fulfillment_order["lines"] if line["remaining"]], ""
    by_id = {line["id"]: line for line in fulfillment_order["lines"]}
    parts = []
    for entry in given:
        line = by_id.get(entry["id"])
        if line is None:
            return [], "Fulfillment order line item does not exist."
        if entry["quantity"] < 1 or entry["quantity"] > line["remaining"]:
            return [], "Invalid fulfillment order line item quantity requested."
        parts.append((line, entry["quantity"]))
    return parts, ""


def tracking(given: Doc | None) -> list[Doc]:
    """Return stored tracking rows of a FulfillmentTrackingInput: one for each number."""
    if not given:
        return []
    numbers = given.get("numbers") or ([given["number"]] if given.get("number") else [])
    urls = given.get("urls") or ([given["url"]] if given.get("url") else [])
    rows = max(len(numbers), len(urls), 1 if given.get("company") else 0)
    return [
        {
            "company": given.get("company"),
            "number": numbers[n] if n < len(numbers) else None,
            "url": urls[n] if n < len(urls) else None,
        }
        for n in range(rows)
    ]


def retrack(ctx: Context, fulfillment_id: str, given: Doc) -> Doc:
    """``fulfillmentTrackingInfoUpdate``."""
    order = ctx.owner(fulfillment_id)
    doc = ctx.state.part(fulfillment_id) if order else None
    if order is None or doc is None:
        return {"fulfillment": None, "userErrors": [_no("Fulfillment not found.", "fulfillmentId")]}
    doc["tracking"] = tracking(given)
    doc["updatedAt"] = ctx.now
    ctx.saved(order)
    body = {"fulfillment": doc["id"], "tracking": [row["number"] for row in doc["tracking"]], "update": True}
    ctx.record("order.ship", order["sourceIdentifier"], order["id"], body)
    ctx.tell("FULFILLMENTS_UPDATE", lambda: payloads.fulfillment(ctx, order, doc))
    return {"fulfillment": doc, "userErrors": []}


def take_back(ctx: Context, fulfillment_id: str) -> Doc:
    """``fulfillmentCancel``: the units are to be shipped again, and committed again."""
    order = ctx.owner(fulfillment_id)
    doc = ctx.state.part(fulfillment_id) if order else None
    if order is None or doc is None or doc["status"] != "SUCCESS":
        return {"fulfillment": doc, "userErrors": [_no("Fulfillment cannot be canceled.", "id")]}
    doc["status"] = "CANCELLED"
    doc["updatedAt"] = ctx.now
    for fulfillment_order in order["fulfillmentOrders"]:
        if fulfillment_order["id"] not in doc["fulfillmentOrders"]:
            continue
        for part in doc["lines"]:
            for line in fulfillment_order["lines"]:
                if line["line"] == part["line"]:
                    units = min(part["quantity"], line["total"] - line["remaining"])
                    line["remaining"] += units
                    if line["item"] and units:
                        line["claimed"] += units
                        stock.move(ctx, line["item"], fulfillment_order["location"], committed=units)
        fulfillment_order["status"] = "OPEN"
        fulfillment_order["updatedAt"] = ctx.now
    order["displayFulfillmentStatus"] = totals.fulfillment_status(order)
    ctx.saved(order)
    ctx.tell("FULFILLMENTS_UPDATE", lambda: payloads.fulfillment(ctx, order, doc))
    ctx.tell("ORDERS_UPDATED", lambda: payloads.order(ctx, order))
    return {"fulfillment": doc, "userErrors": []}


def move(ctx: Context, global_id: str, place_id: str, given: list[Doc] | None) -> Doc:
    """``fulfillmentOrderMove``: the whole fulfillment order, or some units of it, to another location that stocks its
    items.

    Refused when the order is closed, canceled or already shipped in part, when the location is another shop's or
    inactive, and when it
    does not stock an item. Moving does not ask whether there is enough: available may go below zero there.
    """
    nothing = {"movedFulfillmentOrder": None, "originalFulfillmentOrder": None, "remainingFulfillmentOrder": None}
    fulfillment_order = _fulfillment_order(ctx, global_id)
    if fulfillment_order is None:
        return {**nothing, "userErrors": [{"code": None, **_no("Fulfillment order does not exist.", "id")}]}
    order = ctx.state.orders[fulfillment_order["order"]]
    problem = _immovable(ctx, fulfillment_order, place_id)
    if problem:
        return {**nothing, "originalFulfillmentOrder": fulfillment_order, "userErrors": [problem]}
    source = fulfillment_order["location"]
    parts, complaint = _parts(fulfillment_order, given)
    if complaint:
        return {**nothing, "userErrors": [{"code": None, **_no(complaint, "fulfillmentOrderLineItems")}]}
    if all(units == line["remaining"] for line, units in parts) and len(parts) == len(fulfillment_order["lines"]):
        moved, remaining = fulfillment_order, None
    else:
        moved = _split_off(ctx, order, fulfillment_order, parts)
        remaining = fulfillment_order
    for line in moved["lines"]:
        if line["item"]:
            stock.relocate(ctx, line, source, place_id)
    moved["location"] = place_id
    moved["updatedAt"] = ctx.now
    ctx.state.know_parts(order)
    ctx.saved(order)
    ctx.record("order.move", order["sourceIdentifier"], order["id"], {"from": source, "to": place_id})
    ctx.tell("FULFILLMENT_ORDERS_MOVED", lambda: _moved_payload(moved, fulfillment_order, source, place_id))
    return {
        "movedFulfillmentOrder": moved,
        "originalFulfillmentOrder": fulfillment_order,
        "remainingFulfillmentOrder": remaining,
        "userErrors": [],
    }


def _immovable(ctx: Context, fulfillment_order: Doc, place_id: str) -> Doc | None:
    place = ctx.state.locations.get(place_id)
    if place is None or place["shop"] != ctx.shop or not place["isActive"]:
        return {"code": None, **_no("Location not found.", "newLocationId")}
    if fulfillment_order["status"] != "OPEN":
        progress = fulfillment_order["status"] == "IN_PROGRESS"
        code = "CANNOT_MOVE_FULFILLMENT_ORDER_WITH_REPORTED_PROGRESS" if progress else None
        return {"code": code, **_no("Fulfillment order is not in a movable state.", "id")}
    if not movable_to(ctx.state, fulfillment_order, place_id):
        return {"code": None, **_no("None of the items are stocked at the new location.", "newLocationId")}
    return None


def movable_to(state: State, fulfillment_order: Doc, place_id: str) -> bool:
    """Say whether a location stocks every item of a fulfillment order."""
    return all(line["item"] is None or place_id in state.levels_of[line["item"]] for line in fulfillment_order["lines"])


def _split_off(ctx: Context, order: Doc, source: Doc, parts: list[tuple[Doc, int]]) -> Doc:
    """Take some units out of a fulfillment order into a new one at the same location."""
    fresh = ctx.fulfillment_order(order, source["location"])
    for line, units in parts:
        claimed = min(units, line["claimed"])
        fresh["lines"].append(
            {
                **line,
                "id": ctx.state.new_id("FulfillmentOrderLineItem"),
                "total": units,
                "remaining": units,
                "claimed": claimed,
            }
        )
        line["total"] -= units
        line["remaining"] -= units
        line["claimed"] -= claimed
    source["lines"] = [line for line in source["lines"] if line["total"]]
    order["fulfillmentOrders"].append(fresh)
    return fresh


def _moved_payload(moved: Doc, original: Doc, source: str, target: str) -> Doc:
    return {
        "original_fulfillment_order": {"id": original["id"], "status": original["status"].lower()},
        "moved_fulfillment_order": {"id": moved["id"], "status": moved["status"].lower()},
        "destination_location_id": target,
        "fulfillment_order_line_items_requested": [],
        "source_location": {"id": source},
    }
