"""The mutations of the pretend Admin API; what each does is in the module it calls."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError
from graphql.execution.values import get_directive_values

from connectors.sandbox.shopify import bulk, definitions, hooks, order_create, quantities, shipping, undoing
from connectors.sandbox.shopify.context import Context, as_json
from connectors.sandbox.shopify.fields_order import inside
from connectors.sandbox.shopify.state import REPLAYS, Doc

REPLAY_HOURS = 24
"""How long the answer to an idempotency key is kept."""


def idempotent(name: str, work: Callable[[Context, Doc], Doc], group: str) -> Any:
    """Wrap a mutation that Shopify runs only with ``@idempotent(key:)``: a repeated key within 24 h answers as the
    first time.

    ``group`` names the payload's object. The same key with other arguments is a mismatch. Refused calls are not
    remembered.
    """

    def resolve(root: Any, info: Any, input: Doc) -> Doc:
        context: Context = info.context
        directive = get_directive_values(
            info.schema.get_directive("idempotent"), info.field_nodes[0], info.variable_values
        )
        if directive is None:
            text = "The @idempotent directive is required for this mutation but was not provided."
            raise GraphQLError(text, extensions={"code": "BAD_REQUEST"})
        mark = f"{context.shop}|{name}|{directive['key']}"
        digest = hashlib.sha256(json.dumps(as_json(input), sort_keys=True).encode()).hexdigest()
        seen = context.world.table(REPLAYS).get(mark)
        if seen and context.instant - seen["at"] < REPLAY_HOURS * 3600:
            if seen["digest"] != digest:
                return _mismatch(name, group)
            return _replay(context, seen, group)
        payload = work(context, input)
        if not payload["userErrors"]:
            kept = {
                "at": context.instant,
                "digest": digest,
                group: payload[group]["id"] if group == "refund" else payload[group],
            }
            context.world.put(REPLAYS, mark, kept)
        return payload

    return resolve


def _mismatch(name: str, group: str) -> Doc:
    problem = {
        "code": "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
        "field": None,
        "message": "The idempotency key was already used with other parameters.",
    }
    return {group: None, "order": None, "userErrors": [problem]}


def _replay(context: Context, seen: Doc, group: str) -> Doc:
    if group != "refund":
        return {group: seen[group], "userErrors": []}
    order = context.owner(seen["refund"])
    doc = context.state.part(seen["refund"])
    return {"refund": _with(order, doc), "order": order, "userErrors": []}


def _with(order: Doc | None, doc: Doc | None) -> Doc | None:
    return inside(order, [doc])[0] if order is not None and doc is not None else None


def _refund(context: Context, given: Doc) -> Doc:
    payload = undoing.refund(context, given)
    return {**payload, "refund": _with(payload["order"], payload["refund"])}


def _shipped(context: Context, payload: Doc) -> Doc:
    doc = payload["fulfillment"]
    return {**payload, "fulfillment": _with(context.state.orders.get(doc["order"]), doc) if doc else None}


def _moved(context: Context, payload: Doc) -> Doc:
    def linked(doc: Doc | None) -> Doc | None:
        return _with(context.state.orders[doc["order"]], doc) if doc else None

    return {key: value if key == "userErrors" else linked(value) for key, value in payload.items()}


def _cancel(
    root: Any, info: Any, orderId: str, reason: str, restock: bool, staffNote: str | None = None, **_: Any
) -> Doc:
    return undoing.cancel(info.context, orderId, reason=reason, restock=restock, staff_note=staffNote)


def _mark_paid(root: Any, info: Any, input: Doc) -> Doc:
    context: Context = info.context
    order = context.order(input["id"])
    if order is None:
        return {"order": None, "userErrors": [{"field": ["id"], "message": "Order does not exist"}]}
    if order["displayFinancialStatus"] not in ("PENDING", "PARTIALLY_PAID"):
        return {"order": order, "userErrors": [{"field": ["id"], "message": "Order cannot be marked as paid."}]}
    order["displayFinancialStatus"] = "PAID"
    order_create.touched(context, order)
    return {"order": order, "userErrors": []}


def _tag(change: Callable[[list[str], list[str]], list[str]]) -> Any:
    def resolve(root: Any, info: Any, id: str, tags: list[str]) -> Doc:
        context: Context = info.context
        order = context.order(id)
        if order is None:
            return {"node": None, "userErrors": [{"field": ["id"], "message": "Resource does not exist"}]}
        context.state.retag(order, order_create.clean_tags(change(order["tags"], tags)))
        order_create.touched(context, order)
        context.record(
            "order.update", order["sourceIdentifier"], order["id"], {"name": order["name"], "tags": order["tags"]}
        )
        return {"node": order, "userErrors": []}

    return resolve


def _without(have: list[str], gone: list[str]) -> list[str]:
    away = {tag.strip().casefold() for tag in gone}
    return [tag for tag in have if tag.casefold() not in away]


MUTATION: dict[str, Any] = {
    "orderCreate": lambda root, info, order, options=None: order_create.create(info.context, order, options),
    "orderUpdate": lambda root, info, input: order_create.update(info.context, input),
    "orderCancel": _cancel,
    "orderMarkAsPaid": _mark_paid,
    "refundCreate": idempotent("refundCreate", _refund, "refund"),
    "fulfillmentCreate": lambda root, info, fulfillment, message=None: _shipped(
        info.context, shipping.create(info.context, fulfillment)
    ),
    "fulfillmentCancel": lambda root, info, id: _shipped(info.context, shipping.take_back(info.context, id)),
    "fulfillmentTrackingInfoUpdate": lambda root, info, fulfillmentId, trackingInfoInput, notifyCustomer=None: _shipped(
        info.context, shipping.retrack(info.context, fulfillmentId, trackingInfoInput)
    ),
    "fulfillmentOrderMove": lambda root, info, id, newLocationId, fulfillmentOrderLineItems=None: _moved(
        info.context, shipping.move(info.context, id, newLocationId, fulfillmentOrderLineItems)
    ),
    "inventoryAdjustQuantities": idempotent(
        "inventoryAdjustQuantities", quantities.adjust_quantities, "inventoryAdjustmentGroup"
    ),
    "inventorySetQuantities": idempotent(
        "inventorySetQuantities", quantities.set_quantities, "inventoryAdjustmentGroup"
    ),
    "tagsAdd": _tag(lambda have, more: [*have, *more]),
    "tagsRemove": _tag(_without),
    "metafieldsSet": definitions.set_fields,
    "metafieldDefinitionCreate": definitions.create,
    "webhookSubscriptionCreate": hooks.create,
    "webhookSubscriptionUpdate": hooks.update,
    "webhookSubscriptionDelete": hooks.delete,
    "bulkOperationRunQuery": bulk.run,
    "bulkOperationCancel": bulk.cancel,
    "appUninstall": lambda root, info: info.context.uninstall(),
}
