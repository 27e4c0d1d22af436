"""How the fields of orders and of what hangs on them are answered, where a document does not hold them under their own
name.

A nested object is handed on as a copy with ``of``: the order it belongs to, which its amounts and links need.
"""

from __future__ import annotations

import zlib
from decimal import Decimal
from typing import Any

from connectors.sandbox.shopify import money, payloads, shipping, totals
from connectors.sandbox.shopify.context import Context, line_of
from connectors.sandbox.shopify.paging import page
from connectors.sandbox.shopify.payloads import currencies_of
from connectors.sandbox.shopify.state import APP_ID, Doc, gid, number_of

Resolvers = dict[str, dict[str, Any]]


def legacy(doc: Doc, info: Any) -> str:
    """``legacyResourceId``: the number in the gid, as text."""
    return str(number_of(doc["id"]))


def _number_of_text(text: str) -> int:
    """A number that is always the same for a text, for objects that have no id of their own."""
    return zlib.crc32(text.encode())


def inside(order: Doc, parts: list[Doc]) -> list[Doc]:
    """Hand nested documents on with their order."""
    return [{**part, "of": order} for part in parts]


def _sum(name: str) -> Any:
    def resolve(order: Doc, info: Any) -> Doc:
        return money.bag(order["totals"][name], currencies_of(order))

    return resolve


def _bag(order: Doc, amount: money.Pair) -> Doc:
    both = currencies_of(order)
    return money.bag(money.keep(amount, both), both)


def _own(name: str) -> Any:
    """An amount a nested document holds."""

    def resolve(part: Doc, info: Any) -> Doc:
        return money.bag(part[name], currencies_of(part["of"]))

    return resolve


def _outstanding(order: Doc, info: Any) -> Doc:
    due = money.minus(money.load(order["totals"]["total"]), totals.received(order))
    return _bag(order, money.NOTHING if order["displayFinancialStatus"] == "PAID" else due)


def _current(name: str) -> Any:
    """A sum less what refunded lines took from it."""
    part_of = {"subtotal": ("subtotal",), "tax": ("tax",), "total": ("subtotal", "tax")}[name]

    def resolve(order: Doc, info: Any) -> Doc:
        names = [n for n in part_of if not (n == "tax" and name == "total" and order["taxesIncluded"])]
        gone = money.total(
            money.load(line[n]) for refund in order["refunds"] for line in refund["lines"] for n in names
        )
        return _bag(order, money.minus(money.load(order["totals"][name]), gone))

    return resolve


def _customer(order: Doc, info: Any) -> Doc | None:
    context: Context = info.context
    return context.state.customers.get(order["customer"] or "")


def _fulfillment_orders(order: Doc, info: Any, **page_args: Any) -> Any:
    info.context.need("FulfillmentOrder", "fulfillmentOrders")
    query = page_args.pop("query", None)
    page_args.pop("displayable", None)
    chosen = order["fulfillmentOrders"]
    if query:
        wanted = query.lower().partition("status:")[2].strip("'\" ")
        chosen = [fo for fo in chosen if not wanted or fo["status"].lower() == wanted]
    return page(inside(order, chosen), **page_args)


def _fulfillments(order: Doc, info: Any, first: int | None = None, query: str | None = None) -> list[Doc]:
    return inside(order, order["fulfillments"])[:first]


def _metafields(doc: Doc, info: Any, **args: Any) -> Any:
    from connectors.sandbox.shopify.order_create import namespace_of

    fields = doc.get("metafields") or []
    namespace, keys = args.pop("namespace", None), args.pop("keys", None)
    if namespace:
        fields = [field for field in fields if field["namespace"] == namespace_of(namespace)]
    if keys:
        fields = [field for field in fields if f"{field['namespace']}.{field['key']}" in keys or field["key"] in keys]
    return page(fields, **args)


def _metafield(doc: Doc, info: Any, key: str, namespace: str | None = None) -> Doc | None:
    from connectors.sandbox.shopify.order_create import namespace_of

    full = namespace_of(namespace)
    return next((f for f in doc.get("metafields") or [] if f["namespace"] == full and f["key"] == key), None)


def _taxes(lines: list[Doc], order: Doc) -> list[Doc]:
    return [{**line, "of": order} for line in lines]


def _job_done(job: Doc, info: Any) -> bool:
    from connectors.sandbox.shopify.undoing import JOB_SECONDS

    context: Context = info.context
    return context.instant - float(job["at"]) >= JOB_SECONDS


ORDER: dict[str, Any] = {
    "legacyResourceId": legacy,
    "app": lambda o, info: {"id": gid("App", APP_ID), "name": info.context.app_name},
    "billingAddressMatchesShippingAddress": lambda o, info: o["billingAddress"] == o["shippingAddress"],
    "canMarkAsPaid": lambda o, info: o["displayFinancialStatus"] in ("PENDING", "PARTIALLY_PAID"),
    "cancelReason": lambda o, info: o.get("cancelReason"),
    "cancelledAt": lambda o, info: o.get("cancelledAt"),
    "cancellation": lambda o, info: {"staffNote": o.get("staffNote")} if o.get("cancelledAt") else None,
    "closed": lambda o, info: bool(o.get("closedAt")),
    "confirmed": lambda o, info: True,
    "edited": lambda o, info: False,
    "currentSubtotalLineItemsQuantity": lambda o, info: sum(x["quantity"] - x["removed"] for x in o["lines"]),
    "subtotalLineItemsQuantity": lambda o, info: sum(x["quantity"] for x in o["lines"]),
    "currentSubtotalPriceSet": _current("subtotal"),
    "currentTotalTaxSet": _current("tax"),
    "currentTotalPriceSet": _current("total"),
    "currentTotalDiscountsSet": _sum("discounts"),
    "currentShippingPriceSet": _sum("shipping"),
    "originalTotalPriceSet": _sum("total"),
    "subtotalPriceSet": _sum("subtotal"),
    "totalDiscountsSet": _sum("discounts"),
    "totalPriceSet": _sum("total"),
    "totalShippingPriceSet": _sum("shipping"),
    "totalTaxSet": _sum("tax"),
    "totalOutstandingSet": _outstanding,
    "totalReceivedSet": lambda o, info: _bag(o, totals.received(o)),
    "totalRefundedSet": lambda o, info: _bag(o, totals.refunded(o)),
    "totalWeight": lambda o, info: "0",
    "customer": _customer,
    "discountCode": lambda o, info: next(
        (entry["code"] for entry in (o["discountCode"] or {}).values() if entry), None
    ),
    "discountCodes": lambda o, info: [entry["code"] for entry in (o["discountCode"] or {}).values() if entry],
    "fulfillable": lambda o, info: any(fo["status"] in ("OPEN", "IN_PROGRESS") for fo in o["fulfillmentOrders"]),
    "fulfillmentOrders": _fulfillment_orders,
    "fulfillments": _fulfillments,
    "fulfillmentsCount": lambda o, info: {"count": len(o["fulfillments"]), "precision": "EXACT"},
    "fullyPaid": lambda o, info: o["displayFinancialStatus"] in ("PAID", "REFUNDED", "PARTIALLY_REFUNDED"),
    "unpaid": lambda o, info: o["displayFinancialStatus"] in ("PENDING", "PARTIALLY_PAID", "AUTHORIZED"),
    "lineItems": lambda o, info, **args: page(inside(o, o["lines"]), **args),
    "metafield": _metafield,
    "metafields": _metafields,
    "paymentGatewayNames": lambda o, info: payloads.gateways(o),
    "refundable": lambda o, info: any(x["quantity"] > x["removed"] for x in o["lines"]),
    "restockable": lambda o, info: any(x["variant"] for x in o["lines"]),
    "refunds": lambda o, info, first=None: inside(o, o["refunds"])[:first],
    "requiresShipping": lambda o, info: any(x["requiresShipping"] for x in o["lines"]),
    "returnStatus": lambda o, info: "NO_RETURN",
    "returns": lambda o, info, **args: page([], **{k: v for k, v in args.items() if k != "query"}),
    "shippingLine": lambda o, info: next(iter(inside(o, o["shipping"])), None),
    "shippingLines": lambda o, info, includeRemovals=False, **args: page(inside(o, o["shipping"]), **args),
    "taxLines": lambda o, info: _taxes(totals.all_tax_lines(o), o),
    "transactions": lambda o, info, first=None, **_: inside(o, o["transactions"])[:first],
}


def _line_units(name: str) -> Any:
    """Units of an order line still on open fulfillment orders."""

    def resolve(line: Doc, info: Any) -> int:
        return sum(
            entry["remaining"]
            for fo in line["of"]["fulfillmentOrders"]
            if fo["status"] != "CANCELLED"
            for entry in fo["lines"]
            if entry["line"] == line["id"]
        )

    return resolve


def _unit_less_discount(line: Doc, info: Any) -> Doc:
    each = money.minus(
        money.load(line["price"]), money.times(money.load(line["discount"]), Decimal(1) / line["quantity"])
    )
    return _bag(line["of"], each)


def _line_total(line: Doc, units: int | None = None) -> money.Pair:
    whole = money.minus(money.times(money.load(line["price"]), line["quantity"]), money.load(line["discount"]))
    return whole if units is None else money.times(whole, Decimal(units) / line["quantity"])


LINE: dict[str, Any] = {
    "currentQuantity": lambda x, info: x["quantity"] - x["removed"],
    "refundableQuantity": lambda x, info: x["quantity"] - x["removed"],
    "unfulfilledQuantity": _line_units("remaining"),
    "fulfillableQuantity": _line_units("remaining"),
    "nonFulfillableQuantity": lambda x, info: x["removed"],
    "customAttributes": lambda x, info: x["properties"],
    "name": lambda x, info: f"{x['title']} - {x['variantTitle']}" if x["variantTitle"] else x["title"],
    "originalUnitPriceSet": _own("price"),
    "discountedUnitPriceSet": _unit_less_discount,
    "originalTotalSet": lambda x, info: _bag(x["of"], money.times(money.load(x["price"]), x["quantity"])),
    "discountedTotalSet": lambda x, info, withCodeDiscounts=None: _bag(x["of"], _line_total(x)),
    "totalDiscountSet": _own("discount"),
    "restockable": lambda x, info: x["variant"] is not None,
    "taxLines": lambda x, info, first=None: _taxes(x["taxLines"], x["of"])[:first],
    "product": lambda x, info: info.context.state.products.get(x["product"] or ""),
    "variant": lambda x, info: info.context.state.variants.get(x["variant"] or ""),
}


def _assigned(fo: Doc, info: Any) -> Doc:
    place = info.context.state.locations[fo["location"]]
    home = place["address"]
    return {**home, "province": home.get("provinceCode"), "name": place["name"], "location": place}


def _destination(fo: Doc, info: Any) -> Doc | None:
    home = fo["of"]["shippingAddress"]
    if not home:
        return None
    number = number_of(fo["id"])
    return {
        **home,
        "id": gid("FulfillmentOrderDestination", number),
        "countryCode": home["countryCodeV2"],
        "email": fo["of"]["email"],
    }


def _move_targets(fo: Doc, info: Any, **args: Any) -> Any:
    state = info.context.state
    for name in ("query", "lineItemIds", "locationIds"):
        args.pop(name, None)
    rows = []
    for place in state.locations_of[fo["of"]["shop"]]:
        if place["id"] == fo["location"] or not place["isActive"]:
            continue
        fits = shipping.movable_to(state, fo, place["id"])
        count, none = {"count": len(fo["lines"]), "precision": "EXACT"}, {"count": 0, "precision": "EXACT"}
        message = None if fits else "No items are stocked at this location."
        rows.append(
            {
                "location": place,
                "movable": fits and fo["status"] == "OPEN",
                "message": message,
                "availableLineItemsCount": count if fits else none,
                "unavailableLineItemsCount": none if fits else count,
            }
        )
    return page(rows, **args)


def _actions(fo: Doc, info: Any) -> list[Doc]:
    names = {"OPEN": ("CREATE_FULFILLMENT", "MOVE"), "IN_PROGRESS": ("CREATE_FULFILLMENT",)}.get(fo["status"], ())
    return [{"action": name, "externalUrl": None} for name in names]


FULFILLMENT_ORDER: dict[str, Any] = {
    "assignedLocation": _assigned,
    "destination": _destination,
    "fulfillAt": lambda x, info: x["createdAt"],
    "fulfillBy": lambda x, info: None,
    "fulfillments": lambda x, info, **args: page(
        inside(x["of"], [f for f in x["of"]["fulfillments"] if x["id"] in f["fulfillmentOrders"]]), **args
    ),
    "lineItems": lambda x, info, **args: page(inside(x["of"], x["lines"]), **args),
    "locationsForMove": _move_targets,
    "order": lambda x, info: x["of"],
    "orderId": lambda x, info: x["of"]["id"],
    "orderName": lambda x, info: x["of"]["name"],
    "orderProcessedAt": lambda x, info: x["of"]["processedAt"],
    "requestStatus": lambda x, info: "UNSUBMITTED",
    "supportedActions": _actions,
}


def _through_line(name: str) -> Any:
    def resolve(part: Doc, info: Any) -> Any:
        return line_of(part["of"], part["line"])[name]

    return resolve


def _line(part: Doc, info: Any) -> Doc:
    return {**line_of(part["of"], part["line"]), "of": part["of"]}


FULFILLMENT_ORDER_LINE: dict[str, Any] = {
    "inventoryItemId": lambda x, info: x["item"],
    "lineItem": _line,
    "productTitle": _through_line("title"),
    "remainingQuantity": lambda x, info: x["remaining"],
    "totalQuantity": lambda x, info: x["total"],
    "requiresShipping": _through_line("requiresShipping"),
    "sku": _through_line("sku"),
    "variant": lambda x, info: info.context.state.variants.get(x["variant"] or ""),
    "variantTitle": _through_line("variantTitle"),
    "vendor": _through_line("vendor"),
}

FULFILLMENT: dict[str, Any] = {
    "legacyResourceId": legacy,
    "deliveredAt": lambda x, info: None,
    "inTransitAt": lambda x, info: None,
    "estimatedDeliveryAt": lambda x, info: None,
    "displayStatus": lambda x, info: "FULFILLED" if x["status"] == "SUCCESS" else "CANCELED",
    "fulfillmentLineItems": lambda x, info, **args: page(inside(x["of"], x["lines"]), **args),
    "fulfillmentOrders": lambda x, info, **args: page(
        inside(x["of"], [fo for fo in x["of"]["fulfillmentOrders"] if fo["id"] in x["fulfillmentOrders"]]), **args
    ),
    "location": lambda x, info: info.context.state.locations.get(x["location"]),
    "order": lambda x, info: x["of"],
    "requiresShipping": lambda x, info: True,
    "totalQuantity": lambda x, info: sum(part["quantity"] for part in x["lines"]),
    "trackingInfo": lambda x, info, first=None: x["tracking"][:first],
}

FULFILLMENT_LINE: dict[str, Any] = {
    "lineItem": _line,
    "originalTotalSet": lambda x, info: _bag(
        x["of"], money.times(money.load(line_of(x["of"], x["line"])["price"]), x["quantity"])
    ),
    "discountedTotalSet": lambda x, info: _bag(x["of"], _line_total(line_of(x["of"], x["line"]), x["quantity"])),
}

REFUND: dict[str, Any] = {
    "legacyResourceId": legacy,
    "order": lambda x, info: x["of"],
    "processedAt": lambda x, info: x["createdAt"],
    "refundLineItems": lambda x, info, **args: page(inside(x["of"], x["lines"]), **args),
    "refundShippingLines": lambda x, info, **args: page([], **args),
    "totalRefundedSet": _own("total"),
    "transactions": lambda x, info, **args: page(inside(x["of"], x["transactions"]), **args),
}

REFUND_LINE: dict[str, Any] = {
    "lineItem": _line,
    "location": lambda x, info: info.context.state.locations.get(x["location"] or ""),
    "priceSet": _own("price"),
    "subtotalSet": _own("subtotal"),
    "totalTaxSet": _own("tax"),
    "restocked": lambda x, info: x["restockType"] != "NO_RESTOCK",
}

RESOLVERS: Resolvers = {
    "Order": ORDER,
    "LineItem": LINE,
    "FulfillmentOrder": FULFILLMENT_ORDER,
    "FulfillmentOrderLineItem": FULFILLMENT_ORDER_LINE,
    "Fulfillment": FULFILLMENT,
    "FulfillmentLineItem": FULFILLMENT_LINE,
    "Refund": REFUND,
    "RefundLineItem": REFUND_LINE,
    "OrderTransaction": {
        "amountSet": _own("amount"),
        "formattedGateway": lambda x, info: x["gateway"],
        "manualPaymentGateway": lambda x, info: True,
        "order": lambda x, info: x["of"],
        "parentTransaction": lambda x, info: next(
            (t for t in inside(x["of"], x["of"]["transactions"]) if t["id"] == x.get("parent")), None
        ),
    },
    "TaxLine": {
        "priceSet": _own("amount"),
        "ratePercentage": lambda x, info: x["rate"] * 100,
        "source": lambda x, info: None,
    },
    "ShippingLine": {
        "custom": lambda x, info: True,
        "isRemoved": lambda x, info: False,
        "phone": lambda x, info: None,
        "originalPriceSet": _own("price"),
        "discountedPriceSet": lambda x, info: _bag(
            x["of"], money.minus(money.load(x["price"]), money.load(x["discount"]))
        ),
        "taxLines": lambda x, info: _taxes(x["taxLines"], x["of"]),
    },
    "Job": {"done": _job_done, "query": lambda x, info: {}},
    "OrderCancelJobResult": {
        "done": _job_done,
        "errors": lambda x, info: [],
        "order": lambda x, info: info.context.order(x["order"]),
        "status": lambda x, info: "SUCCEEDED" if _job_done(x, info) else "STARTED",
    },
    "Customer": {
        "legacyResourceId": legacy,
        "metafield": _metafield,
        "metafields": _metafields,
        "displayName": lambda x, info: (
            " ".join(filter(None, (x.get("firstName"), x.get("lastName")))) or x.get("email") or ""
        ),
        "numberOfOrders": lambda x, info: str(x["orders"]),
        "defaultEmailAddress": lambda x, info: {"emailAddress": x["email"]} if x.get("email") else None,
        "defaultPhoneNumber": lambda x, info: {"phoneNumber": x["phone"]} if x.get("phone") else None,
        "state": lambda x, info: "DISABLED",
        "verifiedEmail": lambda x, info: True,
    },
    "MailingAddress": {
        "id": lambda x, info: gid("MailingAddress", _number_of_text(f"{x['address1']}|{x['zip']}|{x['lastName']}")),
        "name": lambda x, info: " ".join(filter(None, (x["firstName"], x["lastName"]))) or None,
        "countryCode": lambda x, info: x["countryCodeV2"],
        "formatted": lambda x, info, **_: [
            part for part in (x["address1"], x["address2"], x["city"], x["zip"], x["country"]) if part
        ],
    },
    "Metafield": {
        "legacyResourceId": legacy,
        "compareDigest": lambda x, info: f"{_number_of_text(x['value']):016x}",
        "jsonValue": lambda x, info: x["value"],
        "definition": lambda x, info: info.context.definition(x["ownerType"], x["namespace"], x["key"]),
    },
}
