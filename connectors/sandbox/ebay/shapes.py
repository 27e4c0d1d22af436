"""An order as eBay's Fulfillment API shows it: which sums hold eBay's own tax, and which personal data is still shown.

Source of the shape and of the rules: eBay's contract sell_fulfillment v1.20.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.sandbox.ebay import money, people
from connectors.sandbox.ebay.placing import HUB
from connectors.sandbox.ebay.sites import RATES, SITES
from connectors.sandbox.ebay.state import Doc, amount, fulfillment_status
from connectors.sandbox.world import iso_ms

ZERO = Decimal(0)
_MAIL_DAYS, _NAME_DAYS = 14, 90
_TAX_REFERENCE = {"UK": ("VOEC", "GB 365 6085 76"), "DE": ("IOSS", "IM2760000742"), "AU": ("ABN", "64652016681")}


@dataclass(frozen=True, slots=True)
class View:
    """How orders are shown: with tax broken down, one alone or in a list, at which address, and at what time.

    Orders created before `mail_since` have lost their e-mail, those before `name_since` name and phone too.
    """

    breakdown: bool
    single: bool
    base_url: str
    mail_since: str
    name_since: str

    @classmethod
    def at(cls, now: datetime, *, breakdown: bool, single: bool, base_url: str) -> View:
        """Return how orders are shown at a time."""
        mail, name = (iso_ms(now - timedelta(days=days)) for days in (_MAIL_DAYS, _NAME_DAYS))
        return cls(breakdown, single, base_url, mail, name)

    def of(self, order: Doc) -> tuple[bool | str, ...]:
        """Return all that an order's JSON depends on beside the order itself."""
        created = order["created_at"]
        return self.breakdown, self.single, self.base_url, created < self.mail_since, created < self.name_since


class _Money:
    """Writes an order's amounts; for a buyer with another currency also what the buyer saw."""

    def __init__(self, order: Doc) -> None:
        self._currency = order["currency"]
        self._buyers = order["buyer_currency"] if order["buyer_currency"] != order["currency"] else ""
        if self._buyers:
            self._rate = Decimal(RATES[self._buyers]) / Decimal(RATES[self._currency])

    def __call__(self, value: Decimal) -> Doc:
        shown = {"value": _written(value), "currency": self._currency}
        if self._buyers:
            shown |= {"convertedFromValue": _written(value * self._rate), "convertedFromCurrency": self._buyers}
        return shown


def _written(value: Decimal) -> str:
    """Write money as eBay does: one decimal when the second is a nought (`0.0`, `12.5`, `12.49`; so the contract writes)."""
    text = amount(value)
    return text[:-1] if text.endswith("0") else text


def order_json(order: Doc, view: View) -> Doc:
    """Return an order as getOrder (`view.single`) or getOrders shows it."""
    pay = _Money(order)
    shown: Doc = {
        "orderId": order["id"],
        "creationDate": order["created_at"],
        "lastModifiedDate": order["updated_at"],
        "orderFulfillmentStatus": order["fulfillment"],
        "orderPaymentStatus": payment_status(order),
        "sellerId": order["seller_name"],
        "buyer": _buyer(order, view),
        "pricingSummary": _pricing(order, pay, view),
        "cancelStatus": _cancel_status(order, view),
        "paymentSummary": _payments(order, pay),
        "fulfillmentStartInstructions": [_instruction(order, view)],
        "fulfillmentHrefs": [_parcel_href(order, parcel, view) for parcel in order["fulfillments"]],
        "lineItems": [_line(order, line, pay, view) for line in order["lines"]],
        "salesRecordReference": str(order["number"] + 100),
        "totalFeeBasisAmount": pay(money.total(order)),
        "totalMarketplaceFee": pay((money.total(order) * Decimal("0.1325")).quantize(Decimal("0.01"))),
    }
    if order["note"]:
        shown["buyerCheckoutNotes"] = order["note"]
    if order["tax_by"] == "ebay" and money.tax(order):
        shown["ebayCollectAndRemitTax"] = True
    program = _program(order)
    if program:
        shown["program"] = program
    return shown


def payment_status(order: Doc) -> str:
    """Return the payment's state, refunds that are done included."""
    given_back = money.refunded(order, "REFUNDED")
    if not given_back:
        return str(order["payment"])
    return "FULLY_REFUNDED" if given_back >= money.total(order, ebay_tax=False) else "PARTIALLY_REFUNDED"


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _contact(order: Doc, view: View, address: Doc | None, *, hub: Doc | None = None) -> Doc:
    """A person and an address, without what eBay no longer shows: e-mail after 14 days, name and phone after 90."""
    buyer = order["buyer"]
    shown: Doc = {}
    if order["created_at"] >= view.name_since:
        shown["fullName"] = hub["name"] if hub else buyer["name"]
        phone = hub["phone"] if hub else buyer.get("phone")
        if phone:
            shown["primaryPhone"] = {"phoneNumber": phone}
    if buyer.get("company") and not hub:
        shown["companyName"] = buyer["company"]
    if address:
        shown["contactAddress"] = address
    if buyer.get("email") and order["created_at"] >= view.mail_since:
        shown["email"] = buyer["email"]
    return shown


def _buyer(order: Doc, view: View) -> Doc:
    buyer, address = order["buyer"], order["buyer"]["address"]
    shown: Doc = {"username": buyer["username"]}
    if address:
        fields = ("city", "stateOrProvince", "postalCode", "countryCode")
        shown["taxAddress"] = {key: address[key] for key in fields if key in address}
    shown["buyerRegistrationAddress"] = _contact(order, view, address)
    if buyer.get("tax_id") and view.single:
        tax_id = buyer["tax_id"]
        country = address["countryCode"] if address else SITES[order["site"]].country
        shown["taxIdentifier"] = {
            "taxpayerId": tax_id.get("id", ""),
            "taxIdentifierType": tax_id.get("type", "CODICE_FISCALE"),
            "issuingCountry": tax_id.get("country", country),
        }
    return shown


# ── money ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _sum(order: Doc, name: str) -> Decimal:
    return sum((Decimal(line[name]) for line in order["lines"]), ZERO)


def _pricing(order: Doc, pay: _Money, view: View) -> Doc:
    """The sums of the order. eBay's own tax is in them only when the tax breakdown was asked for."""
    discount = _sum(order, "discount") + Decimal(order["order_discount"])
    delivery_discount, adjustment = _sum(order, "shipping_discount"), Decimal(order["adjustment"])
    tax = money.tax(order) if view.breakdown or order["tax_by"] == "seller" else ZERO
    shown = {
        "priceSubtotal": pay(sum((money.price(line) for line in order["lines"]), ZERO)),
        "deliveryCost": pay(_sum(order, "shipping")),
    }
    if discount:
        shown["priceDiscount"] = pay(-discount)
    if delivery_discount:
        shown["deliveryDiscount"] = pay(-delivery_discount)
    if adjustment:
        shown["adjustment"] = pay(adjustment)
    if tax:
        shown["tax"] = pay(tax)
    shown["total"] = pay(money.total(order, ebay_tax=view.breakdown))
    return shown


def _payments(order: Doc, pay: _Money) -> Doc:
    payment: Doc = {
        "paymentMethod": "EBAY",
        "paymentReferenceId": f"PR{order['number']:010d}",
        "amount": pay(money.total(order)),
        "paymentStatus": order["payment"],
    }
    if order["paid_at"]:
        payment["paymentDate"] = order["paid_at"]
    else:
        del payment["paymentReferenceId"]
    return {
        "totalDueSeller": pay(money.total(order) - money.refunded(order, "REFUNDED")),
        "payments": [payment],
        "refunds": [_refund(refund, pay) for refund in order["refunds"] if not refund["items"]],
    }


def _refund(refund: Doc, pay: _Money) -> Doc:
    shown = {"refundId": refund["id"], "amount": pay(Decimal(refund["amount"])), "refundStatus": refund["status"]}
    if refund["status"] == "REFUNDED":
        shown |= {"refundDate": refund["refunded_at"], "refundReferenceId": f"RR{refund['id']}"}
    return shown


def _line(order: Doc, line: Doc, pay: _Money, view: View) -> Doc:
    """One line item. A SKU and a variation are there only when the listing has them."""
    cost, discount, tax = money.price(line), Decimal(line["discount"]), Decimal(line["tax"])
    by_ebay = order["tax_by"] == "ebay"
    kind = SITES[order["site"]].tax
    shown: Doc = {
        "lineItemId": line["id"],
        "legacyItemId": line["item_id"],
        "title": line["title"],
        "lineItemCost": pay(cost),
        "quantity": line["quantity"],
        "soldFormat": "FIXED_PRICE",
        "listingMarketplaceId": order["marketplace_id"],
        "purchaseMarketplaceId": order["marketplace_id"],
        "lineItemFulfillmentStatus": fulfillment_status([line]),
        "total": pay(money.line_total(line, ebay_tax=view.breakdown, tax_by=order["tax_by"])),
        "deliveryCost": _delivery(line, pay),
        "appliedPromotions": _promotions(line, pay),
        "taxes": [],
        "properties": {"buyerProtection": True},
        "lineItemFulfillmentInstructions": {
            "minEstimatedDeliveryDate": order["deliver_by"][0],
            "maxEstimatedDeliveryDate": order["deliver_by"][1],
            "shipByDate": order["ship_by"],
            "guaranteedDelivery": False,
        },
        "itemLocation": {"countryCode": "US", "location": "United States"},
        "refunds": _line_refunds(order, line, pay),
    }
    if line["sku"]:
        shown["sku"] = line["sku"]
    if line["variation_id"]:
        shown["legacyVariationId"] = line["variation_id"]
        shown["variationAspects"] = [{"name": name, "value": value} for name, value in line["variation"].items()]
    if discount:
        shown["discountedLineItemCost"] = pay(cost - discount)
    if tax and by_ebay:
        shown["ebayCollectAndRemitTaxes"] = [_remitted(order, kind, tax, pay)]
    if tax and (view.breakdown or not by_ebay):
        shown["taxes"] = [{"amount": pay(tax)} | ({"taxType": kind} if view.breakdown else {})]
    return shown


def _delivery(line: Doc, pay: _Money) -> Doc:
    shown = {"shippingCost": pay(Decimal(line["shipping"]))}
    if Decimal(line["shipping_discount"]):
        shown["discountAmount"] = pay(Decimal(line["shipping_discount"]))
    return shown


def _promotions(line: Doc, pay: _Money) -> list[Doc]:
    if not Decimal(line["discount"]):
        return []
    promotion = {"promotionId": "5003" + line["item_id"][-6:], "description": line["promotion"]}
    return [promotion | {"discountAmount": pay(Decimal(line["discount"]))}]


def _remitted(order: Doc, kind: str, tax: Decimal, pay: _Money) -> Doc:
    """A tax that eBay collects from the buyer and remits; with the number it does that under, where there is one."""
    shown: Doc = {"taxType": kind, "amount": pay(tax), "collectionMethod": "NET"}
    reference = _TAX_REFERENCE.get(order["site"])
    if reference:
        shown["ebayReference"] = {"name": reference[0], "value": reference[1]}
    return shown


def _line_refunds(order: Doc, line: Doc, pay: _Money) -> list[Doc]:
    """Refunds of this line: those issued for items, with their share."""
    shown = []
    for refund in order["refunds"]:
        for item in refund["items"]:
            if item["id"] == line["id"]:
                entry: Doc = {"refundId": refund["id"], "amount": pay(Decimal(item["amount"]))}
                if refund["status"] == "REFUNDED":
                    entry |= {"refundDate": refund["refunded_at"], "refundReferenceId": f"RR{refund['id']}"}
                shown.append(entry)
    return shown


# ── where to ship ────────────────────────────────────────────────────────────────────────────────────────────────────


def _instruction(order: Doc, view: View) -> Doc:
    """How the order is to be shipped: to the buyer, to eBay's partner, by eBay, or not at all."""
    programs = set(order["programs"])
    if order["fulfilled_by"] == "marketplace" or "VAULT_TO_BUYER" in programs:
        return {"fulfillmentInstructionsType": "FULFILLED_BY_EBAY", "ebaySupportedFulfillment": False} | _window(order)
    if "DIGITAL" in programs:
        return {"fulfillmentInstructionsType": "DIGITAL", "ebaySupportedFulfillment": False}
    if "PICKUP" in programs:
        pickup = {"merchantLocationKey": "store-1"}
        return {"fulfillmentInstructionsType": "PREPARE_FOR_PICKUP", "pickupStep": pickup}
    site, address = SITES[order["site"]], order["buyer"]["address"]
    hub = None
    if programs & set(HUB):
        inspected = programs & {"AUTHENTICITY_GUARANTEE", "SELLER_TO_VAULT"}
        hub = people.AUTHENTICATOR if inspected else people.HUBS.get(site.country, people.HUBS["US"])
    step: Doc = {
        "shippingCarrierCode": site.carrier,
        "shippingServiceCode": site.service,
        "shipTo": _contact(order, view, hub["address"] if hub else address, hub=hub),
    }
    if "GLOBAL_SHIPPING" in programs:
        step["shipToReferenceId"] = order["reference"]
    shown: Doc = {"fulfillmentInstructionsType": "SHIP_TO"} | _window(order) | {"shippingStep": step}
    if hub:
        shown |= {"ebaySupportedFulfillment": True, "finalDestinationAddress": address or {}}
    return shown


def _window(order: Doc) -> Doc:
    first, last = order["deliver_by"]
    return {"minEstimatedDeliveryDate": first, "maxEstimatedDeliveryDate": last}


def _program(order: Doc) -> Doc:
    programs, shown = order["programs"], {}
    if order["fulfilled_by"] == "marketplace" and order["payment"] == "PAID":
        shown["fulfillmentProgram"] = {"fulfilledBy": "EBAY"}
    if "AUTHENTICITY_GUARANTEE" in programs:
        shown["authenticityVerification"] = {"status": "PENDING"}
    if "INTERNATIONAL_SHIPPING" in programs:
        shown["ebayInternationalShipping"] = {"returnsManagedBy": "EBAY"}
    if "EBAY_SHIPPING" in programs:
        shown["ebayShipping"] = {"shippingLabelProvidedBy": "EBAY"}
    for name, words in (("SELLER_TO_VAULT", "Seller to Vault"), ("VAULT_TO_BUYER", "Vault to Buyer")):
        if name in programs:
            shown["ebayVault"] = {"fulfillmentType": words}
    return shown


def _parcel_href(order: Doc, parcel: Doc, view: View) -> str:
    path = f"/sell/fulfillment/v1/order/{order['id']}/shipping_fulfillment/{parcel['id']}"
    return f"{view.base_url}/ebay/api{path}"


def parcel_json(parcel: Doc) -> Doc:
    """Return a parcel as getShippingFulfillment shows it."""
    shown: Doc = {
        "fulfillmentId": parcel["id"],
        "shippedDate": parcel["at"],
        "lineItems": [{"lineItemId": line["id"], "quantity": line["quantity"]} for line in parcel["lines"]],
    }
    if parcel["tracking"]:
        shown |= {"shipmentTrackingNumber": parcel["tracking"], "shippingCarrierCode": parcel["carrier"]}
    return shown


# ── cancellations ────────────────────────────────────────────────────────────────────────────────────────────────────


def _cancel_status(order: Doc, view: View) -> Doc:
    """The state; the requests only where a single order was asked for: in lists eBay always leaves them out."""
    cancel = order["cancel"]
    shown: Doc = {"cancelState": cancel["state"], "cancelRequests": []}
    if cancel["canceled_at"]:
        shown["cancelledDate"] = cancel["canceled_at"]
    if view.single:
        shown["cancelRequests"] = [_cancel_request(request) for request in cancel["requests"]]
    return shown


def _cancel_request(request: Doc) -> dict[str, Any]:
    shown = {
        "cancelRequestId": request["id"],
        "cancelInitiator": request["by"].capitalize(),
        "cancelReason": request["reason"],
        "cancelRequestedDate": request["requested_at"],
        "cancelRequestState": request["state"],
    }
    if request["completed_at"]:
        shown["cancelCompletedDate"] = request["completed_at"]
    return shown
