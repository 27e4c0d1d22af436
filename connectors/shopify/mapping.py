"""Contract types ↔ Shopify's own fields; pure functions.

Out: a draft becomes the input of `orderCreate`. In: nodes of answers become orders, variants and figures. Money travels
as decimal text in the order's currency; times are UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors import mailbox
from connectors.contract.errors import Rejected, UnexpectedReply
from connectors.contract.types import (
    Address,
    CustomerMode,
    DraftLine,
    DraftShipping,
    DraftTax,
    InventoryRule,
    Placement,
    StockFigure,
    StoreInfo,
    StoreLocation,
    StoreOrderDraft,
    StoreOrderFound,
    StoreVariant,
)
from connectors.shopify import phone, provinces
from connectors.shopify.config import PLATFORM
from connectors.shopify.documents import ORDER_KEY, ORDER_KEY_NAMESPACE

Json = Mapping[str, Any]

INVENTORY = {
    InventoryRule.OBEY: "DECREMENT_OBEYING_POLICY",
    InventoryRule.IGNORE: "DECREMENT_IGNORING_POLICY",
    InventoryRule.NONE: "BYPASS",
}
"""Always sent: Shopify's default is BYPASS, which reserves nothing."""

TAG_LENGTH = 39
TAGS_MOST = 250
NOTE_LENGTH = 5000
ATTRIBUTE_LENGTH = 255


# ── out: the order to create ─────────────────────────────────────────────────────────────────────────────────────────


def order_input(draft: StoreOrderDraft, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the `OrderCreateOrderInput` of a draft, `without` what Shopify refused of it (customer, email, phone).

    Raises `Rejected` before anything is sent when the draft does not add up (TOTAL_MISMATCH) or is to be created as
    fulfilled without a location (LOCATION_MISSING).
    """
    summed = draft_total(draft)
    if summed != draft.total:
        raise Rejected(
            f"The order adds up to {summed} {draft.currency}, not to {draft.total}",
            code="TOTAL_MISMATCH",
            platform=PLATFORM,
        )
    shipping = draft.shipping_address
    billing = draft.billing_address or shipping
    email = "" if "email" in without else valid_email(draft.email)
    made: dict[str, Any] = {
        "currency": draft.currency,
        "sourceIdentifier": draft.reference,
        "metafields": [
            {"namespace": ORDER_KEY_NAMESPACE, "key": ORDER_KEY, "type": "id", "value": draft.key},
        ],
        "processedAt": iso(draft.processed_at),
        "financialStatus": "PAID",
        "taxesIncluded": draft.taxes_included,
        "test": draft.test,
        "tags": tags(draft.tags),
        "lineItems": [_line(line, draft.currency) for line in draft.lines],
        "shippingLines": [_shipping(line, draft) for line in draft.shipping],
        "transactions": _transactions(draft),
    }
    optional: dict[str, Any] = {
        "name": draft.name,
        "note": _note(draft, without, email),
        "email": email,
        "customAttributes": [
            {"key": name[:ATTRIBUTE_LENGTH], "value": value[:ATTRIBUTE_LENGTH]}
            for name, value in draft.attributes
            if name
        ],
        "sourceUrl": draft.source_url if draft.source_url.startswith(("https://", "http://")) else "",
        "shippingAddress": address_input(shipping, draft, without) if shipping else None,
        "billingAddress": address_input(billing, draft, without) if billing else None,
        "customer": None if "customer" in without else _customer(draft, email),
        "discountCode": _discount(draft),
    }
    made.update({name: value for name, value in optional.items() if value})
    if draft.fulfilled:
        if not draft.location_id:
            raise Rejected("No location to ship this order from is known", code="LOCATION_MISSING", platform=PLATFORM)
        made["fulfillmentStatus"] = "FULFILLED"
        made["fulfillment"] = {"locationId": draft.location_id, "notifyCustomer": False}
    return made


def left_out(draft: StoreOrderDraft, order: Json, without: frozenset[str]) -> tuple[str, ...]:
    """Return what of the draft the input lacks: "customer", "email", "phone"."""
    lacking = without & {"phone"}
    if draft.email.strip():
        lacking |= {"email"} - order.keys()
        if draft.customer is CustomerMode.BY_EMAIL:
            lacking |= {"customer"} - order.keys()
    return tuple(sorted(lacking))


def order_options(draft: StoreOrderDraft) -> dict[str, Any]:
    """Return the `OrderCreateOptionsInput`: what to do with stock is always said."""
    return {
        "inventoryBehaviour": INVENTORY[draft.inventory],
        "sendReceipt": draft.send_receipt,
        "sendFulfillmentReceipt": False,
    }


def draft_total(draft: StoreOrderDraft) -> Decimal:
    """Return what Shopify will make of the draft: lines, shipping, taxes unless included, less the discount."""
    lines = sum((line.unit_price * line.quantity for line in draft.lines), Decimal(0))
    shipping = sum((line.price for line in draft.shipping), Decimal(0))
    return lines + shipping + (Decimal(0) if draft.taxes_included else _taxes_sum(draft)) - draft.discount


def _taxes_sum(draft: StoreOrderDraft) -> Decimal:
    taxed: Iterable[DraftLine | DraftShipping] = (*draft.lines, *draft.shipping)
    return sum((tax.amount for line in taxed for tax in line.taxes), Decimal(0))


def _line(line: DraftLine, currency: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "quantity": line.quantity,
        "priceSet": _money(line.unit_price, currency),
        "requiresShipping": line.requires_shipping,
        "taxLines": _taxes(line.taxes, currency),
    }
    if line.variant_id:
        # Title, SKU and vendor are the store's own: what it sells is its product, whatever the marketplace calls it.
        made["variantId"] = line.variant_id
    else:
        made["title"] = line.title or line.sku or "Item"
        made.update({name: text for name, text in (("sku", line.sku), ("variantTitle", line.variant_title)) if text})
    if line.properties:
        made["properties"] = [{"name": name, "value": value} for name, value in line.properties if name]
    return made


def _shipping(line: DraftShipping, draft: StoreOrderDraft) -> dict[str, Any]:
    made: dict[str, Any] = {
        "title": line.title or "Shipping",
        "priceSet": _money(line.price, draft.currency),
        "source": draft.source,
        "taxLines": _taxes(line.taxes, draft.currency),
    }
    if line.code:
        made["code"] = line.code
    return made


def _taxes(taxes: Sequence[DraftTax], currency: str) -> list[dict[str, Any]]:
    """Return tax lines; they stand on lines only, never on the order too, which would count them twice."""
    return [
        {
            "title": tax.title or "Tax",
            "rate": plain(tax.rate),
            "priceSet": _money(tax.amount, currency),
            "channelLiable": tax.collected_by_marketplace,
        }
        for tax in taxes
    ]


def _transactions(draft: StoreOrderDraft) -> list[dict[str, Any]]:
    """Return the payment the marketplace took; none for an order that cost nothing (replacements)."""
    if draft.total <= 0:
        return []
    return [
        {
            "kind": "SALE",
            "status": "SUCCESS",
            "gateway": draft.source,
            "amountSet": _money(draft.total, draft.currency),
            "processedAt": iso(draft.processed_at),
            "test": draft.test,
        }
    ]


def _discount(draft: StoreOrderDraft) -> dict[str, Any] | None:
    """Return the order's one discount. A fixed amount on items keeps lines and shipping as they were sold."""
    if draft.discount <= 0:
        return None
    return {
        "itemFixedDiscountCode": {
            "code": draft.discount_title or f"{draft.source} discount",
            "amountSet": _money(draft.discount, draft.currency),
        }
    }


def _customer(draft: StoreOrderDraft, email: str) -> dict[str, Any] | None:
    """Return whose order it is: nobody's by default, one fixed customer's, or the one's with a usable e-mail.

    Never with a phone, which must be unique in a shop, and nothing here subscribes anybody to marketing.
    """
    if draft.customer is CustomerMode.FIXED and draft.customer_id:
        return {"toAssociate": {"id": customer_gid(draft.customer_id)}}
    if draft.customer is not CustomerMode.BY_EMAIL or not email:
        return None
    first, last = split_name(draft.customer_name)
    names = {name: text for name, text in (("firstName", first), ("lastName", last)) if text}
    return {"toUpsert": {"email": email, **names}}


def customer_gid(customer_id: str) -> str:
    """Return Shopify's own id of a customer, given that or its number alone."""
    return customer_id if customer_id.startswith("gid://") else f"gid://shopify/Customer/{customer_id}"


def _note(draft: StoreOrderDraft, without: frozenset[str], email: str) -> str:
    """Return the order's note; what the buyer had written on a line stands on the line and here, where people look.

    So does what Shopify would not take where it belongs: the merchant may need it all the same.
    """
    lines = [draft.note] if draft.note else []
    if "phone" in without:
        told = [address.phone for address in (draft.shipping_address, draft.billing_address) if address] + [draft.phone]
        lines += [f"Phone: {text.strip()}" for text in told if text.strip()]
    if not email and (told_email := mailbox.note_line(draft.email)):
        lines.append(told_email)
    lines += [
        f"{line.title or line.sku}: {name} = {value}" for line in draft.lines for name, value in line.properties if name
    ]
    return "\n".join(dict.fromkeys(lines))[:NOTE_LENGTH]


def address_input(address: Address, draft: StoreOrderDraft, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return a `MailingAddressInput`: nothing the buyer wrote is lost, what has no field goes to the second line."""
    country = address.country.strip().upper()
    country = {"UK": "GB"}.get(country, country)
    region = address.region
    if country in provinces.COUNTRIES_OF_STATES:
        country, region = "US", provinces.COUNTRIES_OF_STATES[country]
    province = provinces.code_for(country, region)
    number, extension = ("", "") if "phone" in without else phone.clean(address.phone or draft.phone, country)
    extra = [address.line2, address.line3, address.district]
    if region.strip() and not province:
        extra.append(region)
    if extension:
        extra.append(f"Phone ext. {extension}")
    elif not number and "phone" not in without and phone.tells_something(address.phone):
        extra.append(f"Phone {address.phone.strip()}")
    lines = [line for line in (address.line1.strip(), *(part.strip() for part in extra)) if line]
    first, last = split_name(address.name or draft.customer_name)
    made = {
        "firstName": first,
        "lastName": last,
        "company": address.company.strip(),
        "address1": lines[0] if lines else "",
        "address2": ", ".join(dict.fromkeys(lines[1:])),
        "city": address.city.strip(),
        "provinceCode": province,
        "zip": address.postal_code.strip(),
        "countryCode": country,
        "phone": number,
    }
    return {name: text for name, text in made.items() if text}


def split_name(name: str) -> tuple[str, str]:
    """Return (first, last): the last word is the last name; a single word is a last name, which Shopify asks for."""
    words = name.split()
    return (" ".join(words[:-1]), words[-1]) if words else ("", "")


def valid_email(text: str) -> str:
    """Return the e-mail when Shopify would take it, else ""; an invalid one would refuse the whole order."""
    return mailbox.sendable(text, longest=254)


def tags(wanted: Sequence[str]) -> list[str]:
    """Return tags Shopify takes: under 40 characters, without commas, none twice whatever its case."""
    kept: dict[str, str] = {}
    for tag in wanted:
        cleaned = " ".join(tag.replace(",", " ").split())[:TAG_LENGTH].strip()
        if cleaned:
            kept.setdefault(cleaned.casefold(), cleaned)
    return list(kept.values())[:TAGS_MOST]


def plain(value: Decimal) -> str:
    """Return a decimal as text without an exponent."""
    return format(value, "f")


def _money(amount: Decimal, currency: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": plain(amount), "currencyCode": currency}}


def iso(at: datetime) -> str:
    """Return an aware time as Shopify writes it, UTC."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# ── in: orders ───────────────────────────────────────────────────────────────────────────────────────────────────────


def legacy_id(gid: str) -> str:
    """Return the number at the end of a global id, which the admin's addresses use."""
    return gid.rpartition("/")[2].partition("?")[0]


def order_found(node: Json, *, admin_url: str, key: str = "") -> StoreOrderFound:
    """Return the order of a node; `key` when the document did not ask for it."""
    money = (node.get("totalPriceSet") or {}).get("shopMoney") or {}
    gid = text_of(node, "id")
    return StoreOrderFound(
        id=gid,
        name=str(node.get("name") or ""),
        total=amount_of(money.get("amount")),
        currency=str(money.get("currencyCode") or ""),
        key=key or str((node.get("key") or {}).get("value") or ""),
        created_at=time_of(node.get("createdAt")),
        canceled=bool(node.get("cancelledAt")),
        left=node.get("displayFulfillmentStatus") == "FULFILLED",
        url=f"{admin_url}/orders/{legacy_id(gid)}",
    )


def carries(node: Json, reference: str) -> bool:
    """Say whether the order is about exactly this marketplace order: by its origin, its name or a tag."""
    name = str(node.get("name") or "")
    return (
        node.get("sourceIdentifier") == reference
        or name.removeprefix("#") == reference
        or reference in (node.get("tags") or ())
    )


def placements(node: Json) -> tuple[Placement, ...]:
    """Return where the store put the units of an order; canceled parts hold none."""
    order_id = text_of(node, "id")
    found: list[Placement] = []
    for part in nodes_of(node, "fulfillmentOrders"):
        location = ((part.get("assignedLocation") or {}).get("location") or {}).get("id")
        if part.get("status") == "CANCELLED" or not location:
            continue
        units: dict[str, int] = {}
        for line in nodes_of(part, "lineItems"):
            variant = (line.get("variant") or {}).get("id")
            if variant:
                units[variant] = units.get(variant, 0) + int(line.get("totalQuantity") or 0)
        found += [
            Placement(
                order_id=order_id,
                variant_id=variant,
                location_id=str(location),
                quantity=count,
                part_id=text_of(part, "id"),
            )
            for variant, count in units.items()
            if count > 0
        ]
    return tuple(found)


# ── in: stock and catalog ────────────────────────────────────────────────────────────────────────────────────────────


def figures(item: Json) -> tuple[StockFigure, ...]:
    """Return the available units of a stock item, one figure a location."""
    item_id = text_of(item, "id")
    return tuple(StockFigure(item_id, location, units) for location, units in _levels(item))


def _levels(item: Json) -> tuple[tuple[str, int], ...]:
    found: list[tuple[str, int]] = []
    for level in nodes_of(item, "inventoryLevels"):
        location = (level.get("location") or {}).get("id")
        for quantity in level.get("quantities") or ():
            if location and quantity.get("name") == "available" and isinstance(quantity.get("quantity"), int):
                found.append((str(location), quantity["quantity"]))
    return tuple(found)


def variant(node: Json, product: Json) -> StoreVariant:
    """Return a variant of the catalog. Shopify's stand-in option *Title: Default Title* is left out."""
    item = node.get("inventoryItem") or {}
    options = tuple(
        (str(option.get("name") or ""), str(option.get("value") or "")) for option in node.get("selectedOptions") or ()
    )
    image = ((product.get("featuredMedia") or {}).get("preview") or {}).get("image") or {}
    times = [at for at in (time_of(node.get("updatedAt")), time_of(product.get("updatedAt"))) if at]
    return StoreVariant(
        id=text_of(node, "id"),
        product_id=text_of(product, "id"),
        product_title=str(product.get("title") or ""),
        item_id=text_of(item, "id"),
        sku=str(node.get("sku") or ""),
        barcode=str(node.get("barcode") or ""),
        options=() if options == (("Title", "Default Title"),) else options,
        price=amount_of(node.get("price")),
        tracked=bool(item.get("tracked")),
        oversell_allowed=node.get("inventoryPolicy") == "CONTINUE",
        active=product.get("status") in ("ACTIVE", "UNLISTED"),
        requires_shipping=bool(item.get("requiresShipping", True)),
        is_bundle=bool(node.get("requiresComponents")),
        image_url=str(image.get("url") or ""),
        updated_at=max(times, default=None),
        figures=_levels(item),
    )


def location(node: Json) -> StoreLocation:
    """Return a location."""
    return StoreLocation(
        id=text_of(node, "id"),
        name=str(node.get("name") or ""),
        active=bool(node.get("isActive")),
        fulfills_online=bool(node.get("fulfillsOnlineOrders")),
    )


def store_info(data: Json, shop: str) -> StoreInfo:
    """Return the facts of the shop. Shopify lowers stock when an order is made."""
    raw = data.get("shop") or {}
    plan = raw.get("plan") or {}
    handles = (scope.get("handle") for scope in (data.get("currentAppInstallation") or {}).get("accessScopes") or ())
    return StoreInfo(
        key=str(raw.get("myshopifyDomain") or shop),
        name=str(raw.get("name") or shop),
        currency=text_of(raw, "currencyCode"),
        timezone=str(raw.get("ianaTimezone") or "UTC"),
        email=str(raw.get("contactEmail") or ""),
        plan=str(plan.get("publicDisplayName") or ""),
        country=str((raw.get("shopAddress") or {}).get("countryCodeV2") or ""),
        claims_stock="at_creation",
        scopes=tuple(str(handle) for handle in handles if handle),
    )


# ── in: small readers ────────────────────────────────────────────────────────────────────────────────────────────────


def nodes_of(value: Json, connection: str) -> list[Json]:
    """Return the nodes of a connection; Shopify may put null among them.

    Raises `UnexpectedReply` when there is no list: taking that for *none* would make a second order or lose stock.
    """
    held = value.get(connection)
    nodes = held.get("nodes") if isinstance(held, dict) else None
    if not isinstance(nodes, list):
        raise UnexpectedReply(f"Shopify's answer has no list of {connection}", platform=PLATFORM)
    return [node for node in nodes if isinstance(node, dict)]


def more_of(value: Json, connection: str) -> str | None:
    """Return the cursor behind which a connection goes on, "" when it goes on without saying where, else None."""
    info = (value.get(connection) or {}).get("pageInfo") or {}
    return str(info.get("endCursor") or "") if info.get("hasNextPage") else None


def text_of(node: Json, name: str) -> str:
    """Return a text that must be there. Raises `UnexpectedReply` when it is not."""
    value = node.get(name)
    if not isinstance(value, str) or not value:
        raise UnexpectedReply(f"Shopify's answer has no {name}", platform=PLATFORM)
    return value


def amount_of(value: Any) -> Decimal | None:
    """Return money as a decimal, None when it is not there or not a number."""
    try:
        return Decimal(str(value)) if value is not None else None
    except InvalidOperation:
        return None


def time_of(value: Any) -> datetime | None:
    """Return an aware UTC time, None when it is not there or not a time."""
    if not isinstance(value, str) or not value:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
