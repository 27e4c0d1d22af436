"""``orderCreate``: take an order that was sold and paid elsewhere into the pretend shop.

What Shopify is known to do, and where each fact comes from, is in the project's platform notes; the odd ones kept here:
nothing is claimed
from stock unless ``inventoryBehaviour`` asks for it, a shortage answers ``INVALID`` "Line items Unable to reserve
inventory",
``requiresShipping`` is false unless given, and a second order with the same ``id`` metafield is refused or has its
metafield dropped, as the shop's switch says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.sandbox.shopify import money, payloads, places, stock, totals
from connectors.sandbox.shopify.order_checks import check, error, moment
from connectors.sandbox.shopify.state import APP_ID, CUSTOMERS, DEFINITIONS, ORDERS, SHOPS, Doc, iso

if TYPE_CHECKING:
    from connectors.sandbox.shopify.context import Context

SHORT = error("Line items Unable to reserve inventory", "lineItems")
PER_MINUTE_ON_DEVELOPMENT_PLAN = 5


def create(ctx: Context, given: Doc, options: Doc | None) -> Doc:
    """Create the order; answer ``{"order": document or None, "userErrors": [...]}``."""
    options = options or {}
    shop = ctx.shop_doc
    currency = given.get("currency") or shop["currencyCode"]
    currencies = (currency, given.get("presentmentCurrency") or currency)
    problems = check(ctx.state, ctx.shop, given, currencies)
    if not problems:
        problems = _too_many_on_development_plan(ctx)
    fields, taken = ([], []) if problems else metafields(ctx, given.get("metafields") or [])
    if taken and shop["idMetafield"] == "refuse":
        problems = [error("Value must be unique", "metafields", n, "value") for n in taken]
    if problems:
        return {"order": None, "userErrors": problems}

    order = _build(ctx, given, currencies)
    order["metafields"] = [field for n, field in fields if n not in taken]
    behaviour = options.get("inventoryBehaviour") or stock.BYPASS
    needs = [(ctx.state.variants.get(line["variant"] or ""), line["quantity"]) for line in order["lines"]]
    fulfilled = given.get("fulfillmentStatus") == "FULFILLED" or bool(given.get("fulfillment"))
    try:
        plan = stock.route(ctx, needs, behaviour)
    except stock.Short:
        return {"order": None, "userErrors": [SHORT]}
    _number(ctx, order, given)
    _place(ctx, order, plan, needs)
    if fulfilled:
        _fulfill(ctx, order, given.get("fulfillment") or {})
    else:
        ships = not ctx.marketplace_ships(order["sourceIdentifier"])
        stock.watch_oversold(ctx, order, needs, behaviour, merchant_ships=ships)
    order["displayFulfillmentStatus"] = totals.fulfillment_status(order)
    ctx.state.add_order(order)
    ctx.record("order.create", order["sourceIdentifier"], order["id"], _record(order, behaviour))
    ctx.tell("ORDERS_CREATE", lambda: payloads.order(ctx, order))
    if order["displayFinancialStatus"] == "PAID":
        ctx.tell("ORDERS_PAID", lambda: payloads.order(ctx, order))
    return {"order": order, "userErrors": []}


def _too_many_on_development_plan(ctx: Context) -> list[Doc]:
    if ctx.shop_doc["plan"] != "development":
        return []
    minute = ctx.now[:16]
    recent = [
        order
        for order in ctx.state.orders_of[ctx.shop][-PER_MINUTE_ON_DEVELOPMENT_PLAN:]
        if order["createdAt"][:16] == minute
    ]
    if len(recent) < PER_MINUTE_ON_DEVELOPMENT_PLAN:
        return []
    return [error("Exceeded order API rate limit. Development stores can create 5 orders per minute")]


def namespace_of(given: str | None) -> str:
    """Return the full metafield namespace: none and ``$app`` mean the app's own, ``$app:x`` one below it."""
    own = f"app--{APP_ID}"
    if not given or given == "$app":
        return own
    return f"{own}--{given[5:]}" if given.startswith("$app:") else given


def definition_of(ctx: Context, owner: str, namespace: str, key: str) -> Doc | None:
    """Return the shop's metafield definition, if there is one."""
    return ctx.world.table(DEFINITIONS).get(f"{ctx.shop}|{owner}|{namespace}|{key}")


def metafields(ctx: Context, given: list[Doc]) -> tuple[list[tuple[int, Doc]], list[int]]:
    """Return the new metafields with their places, and the places of those whose unique value another order has
    already."""
    fields, taken = [], []
    for n, entry in enumerate(given):
        namespace, key, value = namespace_of(entry.get("namespace")), entry.get("key") or "", entry.get("value") or ""
        definition = definition_of(ctx, "ORDER", namespace, key)
        kind = definition["type"] if definition else entry.get("type") or "single_line_text_field"
        if kind == "id" and (ctx.shop, namespace, key, value) in ctx.state.by_custom_id:
            taken.append(n)
        fields.append((n, ctx.metafield("ORDER", namespace, key, kind, value)))
    return fields, taken


def _build(ctx: Context, given: Doc, currencies: tuple[str, str]) -> Doc:
    included = bool(given.get("taxesIncluded"))
    lines = _lines(ctx, given, included, currencies)
    shipping = _shipping(ctx, given, included, currencies)
    order: Doc = {
        "__typename": "Order",
        "id": ctx.state.new_id("Order"),
        "shop": ctx.shop,
        "createdAt": ctx.now,
        "updatedAt": ctx.now,
        "processedAt": _processed(ctx, given.get("processedAt")),
        "currencyCode": currencies[0],
        "presentmentCurrencyCode": currencies[1],
        "taxesIncluded": included,
        "email": given.get("email"),
        "phone": given.get("phone"),
        "note": given.get("note"),
        "poNumber": given.get("poNumber"),
        "tags": clean_tags(given.get("tags") or []),
        "customAttributes": [dict(entry) for entry in given.get("customAttributes") or []],
        "sourceIdentifier": given.get("sourceIdentifier"),
        "sourceName": given.get("sourceName") or APP_ID,
        "registeredSourceUrl": given.get("sourceUrl"),
        "test": bool(given.get("test")),
        "discountCode": given.get("discountCode"),
        "lines": lines,
        "shipping": shipping,
        "transactions": _transactions(ctx, given, currencies),
        "fulfillmentOrders": [],
        "fulfillments": [],
        "refunds": [],
        "metafields": [],
        "customer": _customer(ctx, given),
        "shippingAddress": address(given.get("shippingAddress")),
        "billingAddress": address(given.get("billingAddress")),
        "at": ctx.instant,
    }
    base = money.total(money.times(money.load(line["price"]), line["quantity"]) for line in lines if line["taxable"])
    order["orderTaxLines"] = totals.tax_lines(
        given.get("taxLines") or [], base, included=included, currencies=currencies
    )
    order["totals"] = totals.order_totals(order, currencies)
    order["displayFinancialStatus"] = given.get("financialStatus") or totals.financial_status(order)
    return order


def _lines(ctx: Context, given: Doc, included: bool, currencies: tuple[str, str]) -> list[Doc]:
    state = ctx.state
    prices = [
        totals.face(entry.get("priceSet")) or (money.parse(state.variants[entry["variantId"]]["price"]),) * 2
        for entry in given["lineItems"]
    ]
    sums = [money.times(price, entry["quantity"]) for price, entry in zip(prices, given["lineItems"], strict=True)]
    cuts = totals.discount_lines(given.get("discountCode"), sums, currencies)
    lines = []
    for entry, price, whole, cut in zip(given["lineItems"], prices, sums, cuts, strict=True):
        variant = state.variants.get(entry.get("variantId") or "")
        product = state.products[variant["product"]] if variant else None
        plain = variant is not None and variant["options"] == {"Title": "Default Title"}
        lines.append(
            {
                "id": state.new_id("LineItem"),
                "quantity": entry["quantity"],
                "removed": 0,
                "variant": variant["id"] if variant else None,
                "product": product["id"] if product else None,
                "sku": entry.get("sku") or (variant["sku"] if variant else None),
                "title": entry.get("title") or (product["title"] if product else ""),
                "variantTitle": entry.get("variantTitle") or (variant["title"] if variant and not plain else None),
                "vendor": entry.get("vendor") or (product["vendor"] if product else None),
                "price": money.keep(price, currencies),
                "discount": money.keep(cut, currencies),
                "requiresShipping": bool(entry.get("requiresShipping")),
                "taxable": entry.get("taxable") is not False,
                "isGiftCard": bool(entry.get("giftCard")),
                "properties": [{"key": p["name"], "value": p["value"]} for p in entry.get("properties") or []],
                "taxLines": totals.tax_lines(
                    entry.get("taxLines") or [], money.minus(whole, cut), included=included, currencies=currencies
                ),
            }
        )
    return lines


def _shipping(ctx: Context, given: Doc, included: bool, currencies: tuple[str, str]) -> list[Doc]:
    free = bool((given.get("discountCode") or {}).get("freeShippingDiscountCode"))
    lines = []
    for entry in given.get("shippingLines") or []:
        price = totals.face(entry["priceSet"]) or money.NOTHING
        cut = price if free else money.NOTHING
        lines.append(
            {
                "id": ctx.state.new_id("ShippingLine"),
                "title": entry["title"],
                "code": entry.get("code") or entry["title"],
                "source": entry.get("source"),
                "price": money.keep(price, currencies),
                "discount": money.keep(cut, currencies),
                "taxLines": totals.tax_lines(
                    entry.get("taxLines") or [], money.minus(price, cut), included=included, currencies=currencies
                ),
            }
        )
    return lines


def _transactions(ctx: Context, given: Doc, currencies: tuple[str, str]) -> list[Doc]:
    return [
        {
            "id": ctx.state.new_id("OrderTransaction"),
            "amount": money.keep(totals.face(entry["amountSet"]) or money.NOTHING, currencies),
            "kind": entry.get("kind") or "SALE",
            "status": entry.get("status") or "SUCCESS",
            "gateway": entry.get("gateway"),
            "test": bool(entry.get("test")),
            "createdAt": ctx.now,
            "processedAt": _processed(ctx, entry.get("processedAt")),
        }
        for entry in given.get("transactions") or []
    ]


def _processed(ctx: Context, given: Any) -> str:
    """The original time of purchase; a later one than now is now (Shopify clamps it from 2026-07 on)."""
    found = moment(given) if given else None
    return min(iso(found), ctx.now) if found else ctx.now


def clean_tags(tags: list[str]) -> list[str]:
    """Trim tags, drop empty ones and repetitions (which differ in case only), and sort them, as Shopify does."""
    seen: dict[str, str] = {}
    for tag in tags:
        text = tag.strip()
        if text:
            seen.setdefault(text.casefold(), text)
    return sorted(seen.values(), key=str.casefold)


def address(given: Doc | None) -> Doc | None:
    """Return a stored MailingAddress of an input that has been checked."""
    if not given:
        return None
    code, name = places.country(given.get("countryCode"), given.get("country"))
    province_code, province, _ = places.region(code, given.get("provinceCode"), given.get("province"))
    kept = {
        key: given.get(key) or None
        for key in ("address1", "address2", "city", "company", "firstName", "lastName", "phone", "zip")
    }
    return {**kept, "countryCodeV2": code, "country": name, "provinceCode": province_code, "province": province}


def _customer(ctx: Context, given: Doc) -> str | None:
    """Return the gid of the order's customer: the named one, or the one with that e-mail, made if there is none."""
    chosen = given.get("customer") or {}
    known = given.get("customerId") or (chosen.get("toAssociate") or {}).get("id")
    if known:
        return str(known)
    upsert = chosen.get("toUpsert")
    if not upsert:
        return None
    state = ctx.state
    email = upsert.get("email")
    doc = state.customers.get(upsert.get("id") or "") or (
        state.customer_by_email.get((ctx.shop, email.casefold())) if email else None
    )
    if doc is None:
        doc = {
            "__typename": "Customer",
            "id": state.new_id("Customer"),
            "shop": ctx.shop,
            "createdAt": ctx.now,
            "tags": [],
            "orders": 0,
        }
    for key in ("email", "firstName", "lastName", "phone", "note"):
        if upsert.get(key):
            doc[key] = upsert[key]
    if upsert.get("phone"):
        doc["phoneDigits"] = "".join(c for c in upsert["phone"] if c.isdigit())
    doc["tags"] = clean_tags([*doc["tags"], *(upsert.get("tags") or [])])
    doc["orders"] += 1
    doc["updatedAt"] = ctx.now
    state.save(CUSTOMERS, doc)
    state.know_customer(doc)
    return str(doc["id"])


def _number(ctx: Context, order: Doc, given: Doc) -> None:
    shop = ctx.shop_doc
    shop["orderNumber"] += 1
    ctx.state.save(SHOPS, shop)
    order["number"] = shop["orderNumber"]
    order["name"] = given.get("name") or f"#{shop['orderNumber']}"


def _place(ctx: Context, order: Doc, plan: list[list[stock.Share]], needs: list[tuple[Doc | None, int]]) -> None:
    """Claim the stock and write one fulfillment order for each location that has a part of the order."""
    by_place: dict[str, Doc] = {}
    for line, shares, (variant, _) in zip(order["lines"], plan, needs, strict=True):
        if variant is not None:
            stock.claim(ctx, variant, shares)
        for place, units, claimed in shares:
            if place not in by_place:
                by_place[place] = ctx.fulfillment_order(order, place)
            by_place[place]["lines"].append(ctx.fulfillment_order_line(line, variant, units, claimed))
    order["fulfillmentOrders"] = list(by_place.values())


def _fulfill(ctx: Context, order: Doc, given: Doc) -> None:
    """Write the fulfillment of an order that was shipped before it was created: all lines at once."""
    numbers = given.get("trackingNumbers") or ([given["trackingNumber"]] if given.get("trackingNumber") else [])
    tracking = [{"company": given.get("trackingCompany"), "number": n, "url": None} for n in numbers]
    for fulfillment_order in order["fulfillmentOrders"]:
        parts = [(line, line["remaining"]) for line in fulfillment_order["lines"]]
        place = given.get("locationId") or fulfillment_order["location"]
        ctx.fulfillment(order, [(fulfillment_order, parts)], place, tracking, quiet=True)


def _record(order: Doc, behaviour: str) -> Doc:
    return {
        "name": order["name"],
        "currency": order["currencyCode"],
        "total": str(money.load(order["totals"]["total"])[0]),
        "lines": [
            {"sku": line["sku"], "quantity": line["quantity"], "variant": line["variant"]} for line in order["lines"]
        ],
        "inventory_behaviour": behaviour,
        "tags": order["tags"],
    }


def update(ctx: Context, given: Doc) -> Doc:
    """``orderUpdate``: note, tags, shipping address, e-mail, phone, purchase order number, attributes and
    metafields."""
    order = ctx.order(given["id"])
    if order is None:
        return {"order": None, "userErrors": [{"field": ["id"], "message": "Order does not exist"}]}
    problems = [
        {"field": ["input", *problem["field"][1:]], "message": problem["message"]}
        for problem in check(
            ctx.state, ctx.shop, {**given, "lineItems": [{"quantity": 1, "title": "-", "priceSet": _FREE}]}, ("", "")
        )
        if problem["field"][1] != "lineItems"
    ]
    if problems:
        return {"order": order, "userErrors": problems}
    for key in ("note", "email", "phone", "poNumber"):
        if key in given:
            order[key] = given[key]
    if "tags" in given:
        ctx.state.retag(order, clean_tags(given["tags"] or []))
    if "customAttributes" in given:
        order["customAttributes"] = [dict(entry) for entry in given["customAttributes"] or []]
    if given.get("shippingAddress"):
        order["shippingAddress"] = address(given["shippingAddress"])
    if given.get("metafields"):
        ctx.set_metafields(order, metafields(ctx, given["metafields"])[0])
    touched(ctx, order)
    ctx.record(
        "order.update",
        order["sourceIdentifier"],
        order["id"],
        {"name": order["name"], "changed": sorted(set(given) - {"id"})},
    )
    return {"order": order, "userErrors": []}


_FREE = {"shopMoney": {"amount": "0", "currencyCode": ""}}


def touched(ctx: Context, order: Doc) -> None:
    """Save a changed order and tell the subscribers of ``orders/updated``."""
    order["updatedAt"] = ctx.now
    ctx.state.save(ORDERS, order)
    ctx.tell("ORDERS_UPDATED", lambda: payloads.order(ctx, order))
