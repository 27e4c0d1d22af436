"""Webhook bodies of the pretend shop, in the REST-like shape Shopify sends (payload version 2026-10).

Pure: a payload is made from documents only. Sums are decimal strings with all decimals; ids are numbers, and gids stand
beside them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from connectors.sandbox.shopify import money, totals
from connectors.sandbox.shopify.state import APP_ID, Doc, number_of

if TYPE_CHECKING:
    from connectors.sandbox.shopify.context import Context


def _num(global_id: str | None) -> int | None:
    return number_of(global_id) if global_id else None


def _sets(name: str, amount: money.Amount, currencies: tuple[str, str]) -> Doc:
    """The pair of fields Shopify writes for an amount: the sum in the shop's currency and the ``_set``."""
    bag = money.webhook_bag(amount, currencies)
    return {name: bag["shop_money"]["amount"], f"{name}_set": bag}


def currencies_of(order: Doc) -> tuple[str, str]:
    """Return (shop currency, presentment currency) of an order."""
    return (order["currencyCode"], order["presentmentCurrencyCode"])


def order(ctx: Context, doc: Doc) -> Doc:
    """The body of the ``orders/…`` topics."""
    return {**_facts(doc), **_sums(ctx, doc), **_parts(ctx, doc)}


def _facts(doc: Doc) -> Doc:
    shipped = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}.get(doc["displayFulfillmentStatus"])
    return {
        "id": number_of(doc["id"]),
        "admin_graphql_api_id": doc["id"],
        "app_id": int(APP_ID),
        "browser_ip": None,
        "buyer_accepts_marketing": False,
        "cancel_reason": (doc.get("cancelReason") or "").lower() or None,
        "cancelled_at": doc.get("cancelledAt"),
        "cart_token": None,
        "checkout_token": None,
        "client_details": None,
        "closed_at": doc.get("closedAt"),
        "company": None,
        "confirmation_number": None,
        "confirmed": True,
        "contact_email": doc["email"],
        "created_at": doc["createdAt"],
        "currency": doc["currencyCode"],
        "customer_locale": None,
        "device_id": None,
        "discount_codes": _discount_codes(doc),
        "duties_included": False,
        "email": doc["email"],
        "estimated_taxes": False,
        "financial_status": doc["displayFinancialStatus"].lower(),
        "fulfillment_status": shipped,
        "landing_site": None,
        "landing_site_ref": None,
        "location_id": None,
        "merchant_business_entity_id": "MTY" + str(number_of(doc["id"]))[-8:],
        "merchant_of_record_app_id": None,
        "name": doc["name"],
        "note": doc["note"],
        "note_attributes": [{"name": entry["key"], "value": entry["value"]} for entry in doc["customAttributes"]],
        "number": doc["number"] - 1000,
        "order_number": doc["number"],
        "order_status_url": f"https://{doc['shop']}/orders/{number_of(doc['id'])}/authenticate",
        "payment_gateway_names": gateways(doc),
        "payment_terms": None,
        "phone": doc["phone"],
        "po_number": doc["poNumber"],
        "presentment_currency": doc["presentmentCurrencyCode"],
        "processed_at": doc["processedAt"],
        "reference": doc["sourceIdentifier"],
        "referring_site": None,
        "source_identifier": doc["sourceIdentifier"],
        "source_name": doc["sourceName"],
        "source_url": doc["registeredSourceUrl"],
        "tags": ", ".join(doc["tags"]),
        "tax_exempt": False,
        "taxes_included": doc["taxesIncluded"],
        "test": doc["test"],
        "token": f"{number_of(doc['id']):032x}",
        "updated_at": doc["updatedAt"],
        "user_id": None,
    }


def _sums(ctx: Context, doc: Doc) -> Doc:
    both = currencies_of(doc)
    zero = money.keep(money.NOTHING, both)
    sums = doc["totals"]
    total = money.load(sums["total"])
    due = Decimal(0) if doc["displayFinancialStatus"] == "PAID" else max(total[0] - totals.received(doc)[0], Decimal(0))
    current = money.keep(money.minus(total, totals.refunded(doc)), both)
    return {
        "current_shipping_price_set": money.webhook_bag(sums["shipping"], both),
        **_sets("current_subtotal_price", sums["subtotal"], both),
        "current_total_additional_fees_set": None,
        **_sets("current_total_discounts", sums["discounts"], both),
        "current_total_duties_set": None,
        **_sets("current_total_price", current, both),
        **_sets("current_total_tax", sums["tax"], both),
        "original_total_additional_fees_set": None,
        "original_total_duties_set": None,
        **_sets("subtotal_price", sums["subtotal"], both),
        "tax_lines": [_tax(line, both) for line in doc["orderTaxLines"] or totals.all_tax_lines(doc)],
        "total_cash_rounding_payment_adjustment_set": money.webhook_bag(zero, both),
        "total_cash_rounding_refund_adjustment_set": money.webhook_bag(zero, both),
        **_sets("total_discounts", sums["discounts"], both),
        **_sets("total_line_items_price", sums["items"], both),
        "total_outstanding": str(money.cents(due, both[0])),
        **_sets("total_price", sums["total"], both),
        "total_shipping_price_set": money.webhook_bag(sums["shipping"], both),
        **_sets("total_tax", sums["tax"], both),
        "total_tip_received": str(money.cents(Decimal(0), both[0])),
        "total_weight": _grams(ctx, doc),
    }


def _parts(ctx: Context, doc: Doc) -> Doc:
    both = currencies_of(doc)
    return {
        "billing_address": address(doc["billingAddress"] or doc["shippingAddress"]),
        "customer": _customer(ctx, doc),
        "discount_applications": [],
        "fulfillments": [fulfillment(ctx, doc, entry) for entry in doc["fulfillments"]],
        "line_item_groups": [],
        "line_items": [line_item(ctx, doc, line) for line in doc["lines"]],
        "refunds": [refund(ctx, doc, entry) for entry in doc["refunds"]],
        "returns": [],
        "shipping_address": address(doc["shippingAddress"]),
        "shipping_lines": [_shipping_line(line, both) for line in doc["shipping"]],
    }


def gateways(doc: Doc) -> list[str]:
    """Names of the payment gateways used, each once."""
    return list(dict.fromkeys(t["gateway"] for t in doc["transactions"] if t["gateway"]))


def _grams(ctx: Context, doc: Doc) -> int:
    variants = ctx.state.variants
    return sum(
        line["quantity"] * variants[line["variant"]]["grams"] for line in doc["lines"] if line["variant"] in variants
    )


def _discount_codes(doc: Doc) -> list[Doc]:
    given = doc["discountCode"]
    if not given:
        return []
    kinds = (
        ("itemFixedDiscountCode", "fixed_amount"),
        ("itemPercentageDiscountCode", "percentage"),
        ("freeShippingDiscountCode", "shipping"),
    )
    for field, kind in kinds:
        if given.get(field):
            return [
                {
                    "code": given[field]["code"],
                    "amount": money.webhook_bag(doc["totals"]["discounts"], currencies_of(doc))["shop_money"]["amount"],
                    "type": kind,
                }
            ]
    return []


def _tax(line: Doc, both: tuple[str, str]) -> Doc:
    liable = line["channelLiable"]
    return {
        "title": line["title"],
        "rate": line["rate"],
        **_sets("price", line["amount"], both),
        "channel_liable": bool(liable),
    }


def address(given: Doc | None) -> Doc | None:
    """A mailing address as webhooks write it."""
    if not given:
        return None
    name = " ".join(part for part in (given["firstName"], given["lastName"]) if part)
    return {
        "first_name": given["firstName"],
        "address1": given["address1"],
        "phone": given["phone"],
        "city": given["city"],
        "zip": given["zip"],
        "province": given["province"],
        "country": given["country"],
        "last_name": given["lastName"],
        "address2": given["address2"],
        "company": given["company"],
        "latitude": None,
        "longitude": None,
        "name": name,
        "country_code": given["countryCodeV2"],
        "province_code": given["provinceCode"],
    }


def _customer(ctx: Context, doc: Doc) -> Doc | None:
    found = ctx.state.customers.get(doc["customer"] or "")
    if found is None:
        return None
    number = number_of(found["id"])
    home = address(doc["shippingAddress"]) or {}
    return {
        "id": number,
        "created_at": found["createdAt"],
        "updated_at": found["updatedAt"],
        "first_name": found.get("firstName"),
        "last_name": found.get("lastName"),
        "state": "disabled",
        "note": found.get("note"),
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "email": found.get("email"),
        "phone": found.get("phone"),
        "currency": doc["currencyCode"],
        "tax_exemptions": [],
        "admin_graphql_api_id": found["id"],
        "default_address": {
            "id": number,
            "customer_id": number,
            **{key: value for key, value in home.items() if key not in ("latitude", "longitude")},
            "country_name": home.get("country"),
            "default": True,
        },
    }


def line_item(ctx: Context, doc: Doc, line: Doc, units: int | None = None) -> Doc:
    """An order line; ``units`` is the part of it a fulfillment or refund is about."""
    both = currencies_of(doc)
    variant = ctx.state.variants.get(line["variant"] or "")
    open_units = sum(
        entry["remaining"]
        for fo in doc["fulfillmentOrders"]
        if fo["status"] != "CANCELLED"
        for entry in fo["lines"]
        if entry["line"] == line["id"]
    )
    quantity = line["quantity"] if units is None else units
    left = line["quantity"] - line["removed"]
    shipped = None if open_units >= left else ("fulfilled" if not open_units else "partial")
    title = f"{line['title']} - {line['variantTitle']}" if line["variantTitle"] else line["title"]
    return {
        "id": number_of(line["id"]),
        "admin_graphql_api_id": line["id"],
        "attributed_staffs": [],
        "current_quantity": left,
        "fulfillable_quantity": open_units,
        "fulfillment_service": "manual",
        "fulfillment_status": shipped,
        "gift_card": line["isGiftCard"],
        "grams": variant["grams"] if variant else 0,
        "name": title,
        **_sets("price", line["price"], both),
        "product_exists": variant is not None,
        "product_id": _num(line["product"]),
        "properties": [{"name": entry["key"], "value": entry["value"]} for entry in line["properties"]],
        "quantity": quantity,
        "requires_shipping": line["requiresShipping"],
        "sku": line["sku"] or "",
        "taxable": line["taxable"],
        "title": line["title"],
        **_sets("total_discount", line["discount"], both),
        "variant_id": _num(line["variant"]),
        "variant_inventory_management": "shopify" if variant and variant["tracked"] else None,
        "variant_title": line["variantTitle"],
        "vendor": line["vendor"],
        "tax_lines": [_tax(entry, both) for entry in line["taxLines"]],
        "duties": [],
        "discount_allocations": [],
    }


def _shipping_line(line: Doc, both: tuple[str, str]) -> Doc:
    net = money.keep(money.minus(money.load(line["price"]), money.load(line["discount"])), both)
    return {
        "id": number_of(line["id"]),
        "carrier_identifier": None,
        "code": line["code"],
        "current_discounted_price_set": money.webhook_bag(net, both),
        **_sets("discounted_price", net, both),
        "is_removed": False,
        "phone": None,
        **_sets("price", line["price"], both),
        "requested_fulfillment_service_id": None,
        "source": line["source"],
        "title": line["title"],
        "tax_lines": [_tax(entry, both) for entry in line["taxLines"]],
        "discount_allocations": [],
    }


def fulfillment(ctx: Context, doc: Doc, entry: Doc) -> Doc:
    """The body of the ``fulfillments/…`` topics."""
    numbers = [row["number"] for row in entry["tracking"] if row["number"]]
    urls = [row["url"] for row in entry["tracking"] if row["url"]]
    by_id = {line["id"]: line for line in doc["lines"]}
    return {
        "id": number_of(entry["id"]),
        "admin_graphql_api_id": entry["id"],
        "order_id": number_of(doc["id"]),
        "status": entry["status"].lower(),
        "created_at": entry["createdAt"],
        "service": "manual",
        "updated_at": entry["updatedAt"],
        "tracking_company": entry["tracking"][0]["company"] if entry["tracking"] else None,
        "shipment_status": None,
        "location_id": _num(entry["location"]),
        "origin_address": None,
        "email": doc["email"],
        "destination": address(doc["shippingAddress"]),
        "line_items": [line_item(ctx, doc, by_id[part["line"]], part["quantity"]) for part in entry["lines"]],
        "tracking_number": numbers[0] if numbers else None,
        "tracking_numbers": numbers,
        "tracking_url": urls[0] if urls else None,
        "tracking_urls": urls,
        "receipt": {},
        "name": entry["name"],
    }


def refund(ctx: Context, doc: Doc, entry: Doc) -> Doc:
    """The body of ``refunds/create``."""
    both = currencies_of(doc)
    by_id = {line["id"]: line for line in doc["lines"]}
    zero = money.keep(money.NOTHING, both)
    lines = [
        {
            "id": number_of(part["id"]),
            "quantity": part["quantity"],
            "line_item_id": number_of(part["line"]),
            "location_id": _num(part["location"]),
            "restock_type": part["restockType"].lower(),
            "subtotal": float(money.load(part["subtotal"])[0]),
            "total_tax": float(money.load(part["tax"])[0]),
            "subtotal_set": money.webhook_bag(part["subtotal"], both),
            "total_tax_set": money.webhook_bag(part["tax"], both),
            "line_item": line_item(ctx, doc, by_id[part["line"]]),
        }
        for part in entry["lines"]
    ]
    return {
        "id": number_of(entry["id"]),
        "admin_graphql_api_id": entry["id"],
        "order_id": number_of(doc["id"]),
        "created_at": entry["createdAt"],
        "note": entry["note"],
        "user_id": None,
        "processed_at": entry["createdAt"],
        "duties": [],
        "total_duties_set": money.webhook_bag(zero, both),
        "return": None,
        "refund_shipping_lines": [],
        "restock": any(part["restockType"] != "NO_RESTOCK" for part in entry["lines"]),
        "order_adjustments": [],
        "refund_line_items": lines,
        "transactions": [_transaction(doc, row) for row in entry["transactions"]],
    }


def _transaction(doc: Doc, row: Doc) -> Doc:
    both = currencies_of(doc)
    amount = money.webhook_bag(row["amount"], both)["shop_money"]["amount"]
    number = number_of(row["id"])
    return {
        "id": number,
        "admin_graphql_api_id": row["id"],
        "order_id": number_of(doc["id"]),
        "amount": amount,
        "amount_rounding": None,
        "authorization": None,
        "created_at": row["createdAt"],
        "currency": doc["currencyCode"],
        "device_id": None,
        "error_code": None,
        "gateway": row["gateway"],
        "kind": row["kind"].lower(),
        "location_id": None,
        "manual_payment_gateway": True,
        "message": None,
        "parent_id": _num(row.get("parent")),
        "payment_id": f"{doc['name']}.{number % 1000}",
        "processed_at": row["processedAt"],
        "receipt": {},
        "source_name": doc["sourceName"],
        "status": row["status"].lower(),
        "test": row["test"],
        "total_unsettled_set": _unsettled(both),
        "user_id": None,
    }


def _unsettled(both: tuple[str, str]) -> Doc:
    """Nothing is ever unsettled here; this one bag names its currency ``currency``."""
    faces = zip(("presentment_money", "shop_money"), (both[1], both[0]), strict=True)
    return {face: {"amount": str(money.cents(Decimal(0), code)), "currency": code} for face, code in faces}
