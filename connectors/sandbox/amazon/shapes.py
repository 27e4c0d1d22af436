"""An order as Orders API 2026-01-01 shows it: the datasets asked for, and personal data only where Amazon gives it.

Source of the shape and of the rules on personal data: Amazon's contract of the version, and docs/access-orders-pii.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any

from connectors.sandbox.amazon.buying import line_total, total
from connectors.sandbox.amazon.sites import SITES
from connectors.sandbox.amazon.state import Doc, amount

DATASETS = (
    "BUYER",
    "RECIPIENT",
    "PROCEEDS",
    "EXPENSE",
    "PROMOTION",
    "CANCELLATION",
    "FULFILLMENT",
    "PACKAGES",
    "TAX",
    "PAYMENT",
    "FULFILLMENT_ORDERS",
)
ZERO = Decimal(0)


def order_json(order: Doc, included: Collection[str], *, personal: bool, customized: Callable[[Doc, Doc], str]) -> Doc:
    """Return an order with the datasets in `included`; `personal` says whether our app has the restricted roles.

    `customized` makes the link to what a buyer made of a line, of (order, line).
    """
    site = SITES[order["site"]]
    pending = order["status"] in ("PENDING", "PENDING_AVAILABILITY")
    shown: Doc = {
        "orderId": order["id"],
        "createdTime": order["created_at"],
        "lastUpdatedTime": order["updated_at"],
        "programs": order["programs"],
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": site.id, "marketplaceName": site.name},
    }
    if order.get("replacement_of"):
        shown["associatedOrders"] = [{"orderId": order["replacement_of"], "associationType": "REPLACEMENT_ORIGINAL_ID"}]
    if "BUYER" in included:
        shown["buyer"] = _buyer(order, personal and not pending)
    if "RECIPIENT" in included:
        shown["recipient"] = _recipient(order, personal and not pending)
    if "PROCEEDS" in included and not pending:
        shown["proceeds"] = _proceeds(order)
    if "PAYMENT" in included and not pending:
        shown["payment"] = {
            "paymentExecutions": [{"paymentMethod": "Other", "paymentAmount": _money(total(order), order["currency"])}]
        }
    if "TAX" in included:
        shown["tax"] = {"taxInvoicing": {"buyerInvoicePreference": "INDIVIDUAL"}}
    if "FULFILLMENT" in included:
        shown["fulfillment"] = _fulfillment(order)
    if "PACKAGES" in included and order["packages"]:
        shown["packages"] = [_package(package) for package in order["packages"]]
    shown["orderItems"] = [
        _item(order, line, included, pending=pending, personal=personal, customized=customized)
        for line in order["lines"]
    ]
    return shown


def _money(value: Decimal, currency: str) -> Doc:
    return {"amount": amount(value, currency), "currencyCode": currency}


def _buyer(order: Doc, personal: bool) -> Doc:
    """The e-mail is Amazon's own alias, and only for orders the merchant ships; names need a restricted role."""
    buyer, shown = order["buyer"], {}
    if personal and order["fulfilled_by"] == "merchant":
        shown = {"buyerName": buyer["name"], "buyerEmail": buyer["email"]}
    if buyer.get("company"):
        shown["buyerCompanyName"] = buyer["company"]
    if buyer.get("po_number"):
        shown["buyerPurchaseOrderNumber"] = buyer["po_number"]
    return shown


_PERSONAL = (
    "name",
    "addressLine1",
    "addressLine2",
    "addressLine3",
    "postalCode",
    "phone",
    "extendedFields",
    "companyName",
)


def _recipient(order: Doc, personal: bool) -> Doc:
    address = order["address"]
    if address is None:
        return {}
    hidden: tuple[str, ...] = () if personal else _PERSONAL
    if personal and order["fulfilled_by"] == "marketplace":
        # Amazon ships it: the merchant has no need to call.
        hidden = ("phone",)
    return {"deliveryAddress": {key: value for key, value in address.items() if key not in hidden}}


def _proceeds(order: Doc) -> Doc:
    currency = order["currency"]
    sums: dict[str, Decimal] = {}
    for line in order["lines"]:
        for kind, value in _terms(line):
            sums[kind] = sums.get(kind, ZERO) + value
    return {
        "grandTotal": _money(total(order), currency),
        "breakdowns": [{"type": kind, "subtotal": _money(value, currency)} for kind, value in sums.items()],
    }


def _terms(line: Doc) -> list[tuple[str, Decimal]]:
    """A line's money by Amazon's categories; a discount is a positive number, as PromotionDiscount was in v0."""
    wrap = line.get("gift_wrap")
    terms = [
        ("ITEM", Decimal(line["unit_price"]) * line["quantity"]),
        ("SHIPPING", Decimal(line["shipping"])),
        ("GIFT_WRAP", Decimal(wrap["price"]) if wrap else ZERO),
        ("TAX", Decimal(line["tax"])),
        ("DISCOUNT", Decimal(line["discount"])),
    ]
    return [(kind, value) for kind, value in terms if value or kind == "ITEM"]


def _item_proceeds(line: Doc, currency: str) -> Doc:
    breakdowns = []
    for kind, value in _terms(line):
        entry: Doc = {"type": kind, "subtotal": _money(value, currency)}
        if kind in ("TAX", "DISCOUNT"):
            entry["detailedBreakdowns"] = [{"subtype": "ITEM", "value": _money(value, currency)}]
        breakdowns.append(entry)
    return {"proceedsTotal": _money(line_total(line), currency), "breakdowns": breakdowns}


def _item(
    order: Doc,
    line: Doc,
    included: Collection[str],
    *,
    pending: bool,
    personal: bool,
    customized: Callable[[Doc, Doc], str],
) -> Doc:
    currency = order["currency"]
    product: Doc = {
        "asin": line["asin"],
        "title": line["title"],
        "sellerSku": line["sku"],
        "condition": {"conditionType": "NEW", "conditionSubtype": "NEW", "conditionNote": ""},
    }
    if not pending:
        product["price"] = {"unitPrice": _money(Decimal(line["unit_price"]), currency)}
    if line.get("customization") and personal:
        product["customization"] = {"customizedUrl": customized(order, line)}
    item: Doc = {"orderItemId": line["item_id"], "quantityOrdered": line["quantity"], "product": product}
    if "PROCEEDS" in included and not pending:
        item["proceeds"] = _item_proceeds(line, currency)
    if "PROMOTION" in included and Decimal(line["discount"]):
        promotion = line.get("promotion") or "Winter Sale 2026"
        item["promotion"] = {"breakdowns": [{"promotionId": promotion}]}
    if "CANCELLATION" in included:
        cancellation = _cancellation(order)
        if cancellation:
            item["cancellation"] = cancellation
    if "FULFILLMENT" in included:
        item["fulfillment"] = _item_fulfillment(order, line, personal)
    if "TAX" in included and Decimal(line["tax"]):
        item["tax"] = {
            "taxCollections": [{"model": "MARKETPLACE_FACILITATOR", "responsibleParty": "Amazon Services, Inc."}]
        }
    return item


def _cancellation(order: Doc) -> Doc:
    shown: Doc = {}
    if order.get("cancel_request"):
        shown["cancellationRequest"] = {"requester": "BUYER", "cancelReason": order["cancel_request"]["reason"]}
    if order.get("canceled"):
        canceled = order["canceled"]
        shown["cancellationExecution"] = {"cancelledBy": canceled["by"], "cancelReason": canceled["reason"]}
    return shown


def _item_fulfillment(order: Doc, line: Doc, personal: bool) -> Doc:
    left = 0 if order["status"] == "CANCELLED" else line["quantity"] - line["shipped"]
    shown: Doc = {"quantityFulfilled": line["shipped"], "quantityUnfulfilled": left}
    if line.get("gift_wrap"):
        gift = {"giftWrapLevel": line["gift_wrap"]["level"]}
        if personal:
            gift["giftMessage"] = line["gift_wrap"]["message"]
        shown["packing"] = {"giftOption": gift}
    return shown


def _fulfillment(order: Doc) -> Doc:
    return {
        "fulfillmentStatus": order["status"],
        "fulfilledBy": "MERCHANT" if order["fulfilled_by"] == "merchant" else "AMAZON",
        "fulfillmentServiceLevel": order["service_level"],
        "shipByWindow": _window(order["ship_by"]),
        "deliverByWindow": _window(order["deliver_by"]),
    }


def _window(pair: list[str]) -> dict[str, Any]:
    return {"earliestDateTime": pair[0], "latestDateTime": pair[1]}


def _package(package: Doc) -> Doc:
    return {
        "packageReferenceId": package["reference"],
        "createdTime": package["created_at"],
        "packageStatus": {"status": "SHIPPED"},
        "carrier": package["carrier"],
        "shipTime": package["ship_time"],
        "shippingService": package["service"],
        "trackingNumber": package["tracking"],
        "packageItems": [{"orderItemId": item["item_id"], "quantity": item["quantity"]} for item in package["items"]],
    }
