"""eBay's orders for tests: one ordinary order to change, and generated ones that add up by eBay's own rules."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from connectors.contract.types import MarketplaceOrder
from connectors.ebay import mapping

READ_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def read(raw: Any) -> MarketplaceOrder:
    return mapping.read_order(raw, read_at=READ_AT)


def money(amount: str | Decimal, currency: str = "USD") -> dict[str, str]:
    return {"value": str(amount), "currency": currency}


def line(cost: str = "20.00", number: int = 1, currency: str = "USD", **changes: Any) -> dict[str, Any]:
    """A line of one unit with free shipping and no tax; keyword arguments replace its parts."""
    return {
        "lineItemId": f"1000000000{number:02d}",
        "legacyItemId": f"2560000000{number:02d}",
        "sku": "CANDLE-S",
        "title": "Beeswax Candle",
        "quantity": 1,
        "soldFormat": "FIXED_PRICE",
        "listingMarketplaceId": "EBAY_US",
        "purchaseMarketplaceId": "EBAY_US",
        "lineItemFulfillmentStatus": "NOT_STARTED",
        "lineItemCost": money(cost, currency),
        "deliveryCost": {"shippingCost": money("0.0", currency)},
        "taxes": [],
        "appliedPromotions": [],
        "refunds": [],
        "total": money(cost, currency),
        "lineItemFulfillmentInstructions": {"shipByDate": "2026-11-23T07:59:59.000Z", "guaranteedDelivery": False},
        **changes,
    }


def address(**changes: Any) -> dict[str, Any]:
    return {
        "addressLine1": "12 Mill Lane",
        "addressLine2": "Unit 3",
        "city": "Portland",
        "stateOrProvince": "OR",
        "postalCode": "97209",
        "countryCode": "US",
        **changes,
    }


def ship_to(**changes: Any) -> dict[str, Any]:
    return {
        "fullName": "Robin Vale",
        "email": "robin.vale@members.example",
        "primaryPhone": {"phoneNumber": "5035550142"},
        "contactAddress": address(),
        **changes,
    }


def instruction(**changes: Any) -> dict[str, Any]:
    return {
        "fulfillmentInstructionsType": "SHIP_TO",
        "minEstimatedDeliveryDate": "2026-11-25T08:00:00.000Z",
        "maxEstimatedDeliveryDate": "2026-11-28T08:00:00.000Z",
        "ebaySupportedFulfillment": False,
        "shippingStep": {
            "shipTo": ship_to(),
            "shippingCarrierCode": "USPS",
            "shippingServiceCode": "USPSGroundAdvantage",
        },
        **changes,
    }


def order(*lines: dict[str, Any], total: str | None = "20.00", currency: str = "USD", **changes: Any) -> dict[str, Any]:
    """A paid order with these lines; `total` None leaves the pricing out, keyword arguments replace parts."""
    listed = list(lines) or [line()]
    raw: dict[str, Any] = {
        "orderId": "14-12345-67890",
        "creationDate": "2026-11-20T09:00:00.000Z",
        "lastModifiedDate": "2026-11-20T09:05:00.000Z",
        "orderFulfillmentStatus": "NOT_STARTED",
        "orderPaymentStatus": "PAID",
        "sellerId": "lumen-loom",
        "buyer": {
            "username": "robin_v",
            "buyerRegistrationAddress": {
                "fullName": "Robin A. Vale",
                "email": "robin.vale@members.example",
                "contactAddress": address(),
            },
        },
        "cancelStatus": {"cancelState": "NONE_REQUESTED", "cancelRequests": []},
        "paymentSummary": {"payments": [], "refunds": [], "totalDueSeller": money(total or "0", currency)},
        "fulfillmentStartInstructions": [instruction()],
        "fulfillmentHrefs": [],
        "lineItems": listed,
    }
    if total is not None:
        subtotal = sum((Decimal(one["lineItemCost"]["value"]) for one in listed), Decimal(0))
        raw["pricingSummary"] = {
            "priceSubtotal": money(subtotal, currency),
            "deliveryCost": money("0.00", currency),
            "total": money(total, currency),
        }
    return {**raw, **changes}


def pricing(total: str, currency: str = "USD", **parts: str) -> dict[str, Any]:
    """A pricingSummary; keyword arguments are its parts by eBay's names."""
    return {"total": money(total, currency), **{name: money(amount, currency) for name, amount in parts.items()}}


CENTS = st.integers(0, 30_000).map(lambda cents: Decimal(cents) / 100)
SOME_CENTS = st.one_of(st.just(Decimal("0.00")), st.integers(0, 2_000).map(lambda cents: Decimal(cents) / 100))


@st.composite
def generated(draw: st.DrawFn) -> dict[str, Any]:
    """An order as the Fulfillment contract describes its figures, in one of the ways it leaves open.

    Every line tells its own costs. The order may have more than its lines tell (a coupon, an adjustment, a fee), its tax
    may be on top of the prices or within them, and import charges within or beside the delivery cost.
    """
    currency = draw(st.sampled_from(["USD", "GBP", "EUR", "AUD"]))
    lines, sums = [], dict.fromkeys(("cost", "off", "ship", "ship_off", "import", "tax"), Decimal(0))
    for number in range(1, draw(st.integers(1, 5)) + 1):
        terms = _line_terms(draw)
        lines.append(_line(draw, number, currency, terms))
        for name, amount in terms.items():
            sums[name] += amount
    coupon = min(draw(SOME_CENTS), sums["cost"] - sums["off"])
    delivery_off = min(draw(SOME_CENTS), sums["ship"] - sums["ship_off"])
    # A seller may take off no more than what is left to pay.
    adjustment = max(draw(st.integers(-500, 500)) / Decimal(100), coupon - (sums["cost"] - sums["off"]))
    fee = draw(st.sampled_from([Decimal(0), Decimal("1.75")]))
    delivery = sums["ship"] + (sums["import"] if draw(st.booleans()) else 0)
    inside = draw(st.booleans())
    total = sums["cost"] - sums["off"] - coupon + sums["ship"] - sums["ship_off"] - delivery_off + sums["import"]
    total += adjustment + fee + (Decimal(0) if inside else sums["tax"])
    parts = {"priceSubtotal": sums["cost"], "deliveryCost": delivery}
    optional = {
        "priceDiscount": -(sums["off"] + coupon),
        "deliveryDiscount": -(sums["ship_off"] + delivery_off),
        "adjustment": adjustment,
        "fee": fee,
        "tax": sums["tax"],
    }
    parts |= {name: amount for name, amount in optional.items() if amount or draw(st.booleans())}
    summary = {"total": total, **parts}
    return order(*lines, total=None, pricingSummary={name: money(amount, currency) for name, amount in summary.items()})


def _line_terms(draw: st.DrawFn) -> dict[str, Decimal]:
    cost, ship = draw(CENTS), draw(SOME_CENTS)
    return {
        "cost": cost,
        "off": min(draw(SOME_CENTS), cost),
        "ship": ship,
        "ship_off": min(draw(SOME_CENTS), ship),
        "import": draw(SOME_CENTS),
        "tax": min(draw(SOME_CENTS), cost),
    }


def _line(draw: st.DrawFn, number: int, currency: str, terms: dict[str, Decimal]) -> dict[str, Any]:
    delivery: dict[str, Any] = {"shippingCost": money(terms["ship"], currency)}
    if terms["ship_off"]:
        delivery["discountAmount"] = money(terms["ship_off"], currency)
    if terms["import"]:
        delivery["importCharges"] = money(terms["import"], currency)
    parts: dict[str, Any] = {"quantity": draw(st.integers(1, 9)), "deliveryCost": delivery}
    if terms["off"]:
        parts["discountedLineItemCost"] = money(terms["cost"] - terms["off"], currency)
    if terms["tax"]:
        parts["taxes"] = [{"taxType": "STATE_SALES_TAX", "amount": money(terms["tax"], currency)}]
        if draw(st.booleans()):
            parts["ebayCollectAndRemitTaxes"] = [
                {"taxType": "STATE_SALES_TAX", "amount": money(terms["tax"], currency), "collectionMethod": "NET"}
            ]
    return line(str(terms["cost"]), number, currency, **parts)
