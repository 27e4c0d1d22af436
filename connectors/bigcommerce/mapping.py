"""Contract types ↔ BigCommerce's own fields; pure functions.

Out: a draft becomes the body of POST /v2/orders. In: objects of answers become orders, variants and figures. Money is
decimal in the order's currency; V2 writes it as text with four decimals ("12.0000"). Times are UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from connectors import mailbox
from connectors.bigcommerce import limits, regions
from connectors.bigcommerce.config import PLATFORM
from connectors.contract.errors import AddressRejected, Rejected, UnexpectedReply
from connectors.contract.types import (
    Address,
    CustomerMode,
    DraftLine,
    DraftShipping,
    InventoryRule,
    StoreOrderDraft,
    StoreOrderFound,
)
from salestio.lib.money import split_units, unit

Json = Mapping[str, Any]
Options = Mapping[str, Sequence[Json]]
"""Product id → what to send as `product_options` of its lines."""

AWAITING_SHIPMENT = 9
SHIPPED = 2
CANCELLED = 5
COMPLETED = 10

KEY_LINE = "key="
"""How the last line of the staff notes begins that carries our key."""

NOTHING_TO_SHIP = "Nothing to ship: this order is fulfilled outside this store and takes no stock."
"""Stands in the notes of an order whose status, of those that move no stock, would ask for a parcel."""

NAME_LENGTH = 250
METHOD_LENGTH = 100
MISSING = "-"
"""Stands in a field BigCommerce wants to be filled and the marketplace gave nothing for."""
MISSING_ZIP = "00000"


# ── out: the order to create ─────────────────────────────────────────────────────────────────────────────────────────


def order_input(
    draft: StoreOrderDraft,
    *,
    status_id: int,
    app_id: str,
    customer_id: int = 0,
    store_currency: str = "",
    options: Options | None = None,
) -> dict[str, Any]:
    """Return the body of POST /v2/orders.

    Totals are never overridden: both prices of every line and both shipping costs are given, so that BigCommerce has
    nothing to compute but their sum, and its lines, taxes and total agree in every report. A tax that does not divide
    by the quantity splits its line. `customer_id` 0 is a guest. The currency is named only where it is not the store's
    own: a store without multi-currency does not let it be written.

    Raises `Rejected` before anything is sent: TOTAL_MISMATCH when the draft does not add up, PRODUCT_MISSING when a
    line names a variant without its product; `AddressRejected` when there is no address at all.
    """
    summed = draft_total(draft)
    if summed != draft.total:
        raise _rejected(f"The order adds up to {summed} {draft.currency}, not to {draft.total}", "TOTAL_MISMATCH")
    shipping = draft.shipping_address
    billing = draft.billing_address or shipping
    if billing is None:
        raise AddressRejected(
            "The order has no address", code="ADDRESS_MISSING", fields=("billing_address",), platform=PLATFORM
        )
    email = valid_email(draft.email)
    ex, inc = shipping_costs(draft)
    made: dict[str, Any] = {
        "status_id": status_id,
        "customer_id": customer_id,
        "external_source": app_id,
        "external_order_id": draft.reference,
        "date_created": format_datetime(draft.processed_at.astimezone(UTC).replace(microsecond=0)),
        "payment_method": f"Paid on {draft.source}",
        "staff_notes": staff_notes(draft),
        "billing_address": address_input(billing, draft, email),
        "products": [product for line in draft.lines for product in _products(line, draft, options or {})],
        "shipping_cost_ex_tax": plain(ex),
        "shipping_cost_inc_tax": plain(inc),
    }
    if shipping is not None:
        method = next((part.title for part in draft.shipping if part.title), "")
        made["shipping_addresses"] = [
            {**address_input(shipping, draft, email), "shipping_method": method[:METHOD_LENGTH] or "Shipping"}
        ]
    if draft.discount:
        made["discount_amount"] = plain(draft.discount)
    if draft.buyer_notes.strip():
        made["customer_message"] = draft.buyer_notes.strip()
    if store_currency and draft.currency != store_currency:
        made["default_currency_code"] = draft.currency
    return made


def draft_total(draft: StoreOrderDraft) -> Decimal:
    """Return what BigCommerce will make of the draft: lines and shipping with their taxes, less the discount."""
    parts: Iterable[DraftLine | DraftShipping] = (*draft.lines, *draft.shipping)
    net = sum((line.unit_price * line.quantity for line in draft.lines), Decimal(0))
    net += sum((part.price for part in draft.shipping), Decimal(0))
    taxes = Decimal(0) if draft.taxes_included else sum((_tax(part) for part in parts), Decimal(0))
    return net + taxes - draft.discount


def shipping_costs(draft: StoreOrderDraft) -> tuple[Decimal, Decimal]:
    """Return the shipping cost without and with its tax; BigCommerce has one for the whole order."""
    price = sum((part.price for part in draft.shipping), Decimal(0))
    tax = sum((_tax(part) for part in draft.shipping), Decimal(0))
    return (price - tax, price) if draft.taxes_included else (price, price + tax)


def _tax(part: DraftLine | DraftShipping) -> Decimal:
    return sum((tax.amount for tax in part.taxes), Decimal(0))


def _products(line: DraftLine, draft: StoreOrderDraft, options: Options) -> list[dict[str, Any]]:
    """Return the order's products of one line: one, or two where its tax does not divide by the quantity."""
    whole, tax = line.unit_price * line.quantity, _tax(line)
    try:
        parts = split_units(whole - tax if draft.taxes_included else whole + tax, line.quantity, draft.currency)
    except ValueError as error:
        raise _rejected(f"{line.title or line.sku}: {error}", "TOTAL_MISMATCH") from None
    made: list[dict[str, Any]] = []
    for count, other in parts:
        ex, inc = (other, line.unit_price) if draft.taxes_included else (line.unit_price, other)
        made.append({**_sold(line, options), "quantity": count, "price_ex_tax": float(ex), "price_inc_tax": float(inc)})
    return made


def _sold(line: DraftLine, options: Options) -> dict[str, Any]:
    """Return what is sold: a variant of the catalog, or a custom product, which is linked to nothing."""
    if line.variant_id is None:
        name = f"{line.title} ({line.variant_title})" if line.title and line.variant_title else line.title
        return {"name": (name or line.sku or "Item")[:NAME_LENGTH]}
    if not line.product_id:
        raise _rejected(f"The product of {line.sku or line.title} is not known", "PRODUCT_MISSING")
    sold: dict[str, Any] = {
        "product_id": number(line.product_id),
        "variant_id": number(line.variant_id.removeprefix("variant:")),
    }
    if chosen := options.get(line.product_id):
        sold["product_options"] = [dict(one) for one in chosen]
    return sold


def staff_notes(draft: StoreOrderDraft) -> str:
    """Return the notes for the merchant's staff: ours, what BigCommerce has no field for, and our key as last line.

    A line of the note that begins like the key's is set off, because a note may hold a buyer's words.
    """
    lines = [NOTHING_TO_SHIP] if draft.inventory is InventoryRule.NONE else []
    lines += [f"> {line}" if line.lstrip().startswith(KEY_LINE) else line for line in draft.note.splitlines()]
    if not valid_email(draft.email) and (told := mailbox.note_line(draft.email)):
        lines.append(told)
    lines += [_flat(f"{name}: {value}") for name, value in draft.attributes if name and value]
    lines += [
        _flat(f"{line.title or line.sku}: {name} = {value}") for line in draft.lines for name, value in line.properties
    ]
    if draft.source_url.startswith(("https://", "http://")):
        lines.append(_flat(draft.source_url))
    if draft.test:
        lines.append("Test order")
    last = f"{KEY_LINE}{draft.key}"
    above = "\n".join(lines)[: limits.NOTES_MOST - len(last) - 1]
    return f"{above}\n{last}" if above else last


def _flat(text: str) -> str:
    flat = " ".join(text.split())
    return f"> {flat}" if flat.startswith(KEY_LINE) else flat


def key_of(notes: Any) -> str:
    """Return our key from an order's staff notes, "" when they carry none. The merchant may have written below it."""
    lines = [line.strip() for line in notes.splitlines()] if isinstance(notes, str) else []
    found = [line.removeprefix(KEY_LINE) for line in lines if line.startswith(KEY_LINE)]
    return found[-1] if found else ""


def address_input(address: Address, draft: StoreOrderDraft, email: str) -> dict[str, Any]:
    """Return an address with every field BigCommerce insists on; what the buyer wrote is kept, wherever it fits."""
    country = regions.country_code(address.country)
    first, last = split_name(address.name or draft.customer_name)
    street = [part.strip() for part in (address.line1, address.line2, address.line3, address.district) if part.strip()]
    city = address.city.strip() or address.district.strip() or address.region.strip()
    zip_code = address.postal_code.strip()
    made = {
        "first_name": first or MISSING,
        "last_name": last or MISSING,
        "company": address.company.strip(),
        "street_1": street[0] if street else MISSING,
        "street_2": ", ".join(dict.fromkeys(street[1:])),
        "city": city or MISSING,
        "state": regions.state_name(country, address.region),
        # "The ZIP code must be two or more characters"; some countries have none.
        "zip": zip_code if len(zip_code) > 1 else MISSING_ZIP,
        "country": regions.country_name(country),
        "country_iso2": country,
        "phone": (address.phone or draft.phone).strip(),
        "email": email,
    }
    kept = ("state", "country_iso2")
    return {name: text for name, text in made.items() if text or name in kept}


def oddities(draft: StoreOrderDraft) -> dict[str, str]:
    """Return what of the draft's addresses no store can take, as far as we can see: BigCommerce's field → a sentence."""
    addresses = [address for address in (draft.billing_address, draft.shipping_address) if address]
    countries = [regions.country_code(address.country) for address in addresses]
    if all(regions.is_country(code) for code in countries):
        return {}
    return {"country_iso2": "Its country is none that BigCommerce can know."}


def split_name(name: str) -> tuple[str, str]:
    """Return (first, last): the last word is the last name; a single word is a first name."""
    words = name.split()
    return (" ".join(words[:-1]), words[-1]) if len(words) > 1 else (name.strip(), "")


def valid_email(text: str) -> str:
    """Return the e-mail when BigCommerce would take it, else ""; an invalid one would refuse the whole order."""
    return mailbox.sendable(text, longest=250)


def left_out(draft: StoreOrderDraft, customer_id: int) -> tuple[str, ...]:
    """Return what of the draft its order lacks: "customer", "email"."""
    lacking = set()
    if draft.email.strip():
        if not valid_email(draft.email):
            lacking.add("email")
        if draft.customer is CustomerMode.BY_EMAIL and not customer_id:
            lacking.add("customer")
    return tuple(sorted(lacking))


def customer_input(draft: StoreOrderDraft, email: str) -> dict[str, Any]:
    """Return a customer to create: never subscribed to anything, never written to."""
    address = draft.shipping_address or draft.billing_address or Address()
    first, last = split_name(draft.customer_name or address.name)
    return {
        "email": email,
        "first_name": (first or MISSING)[:100],
        "last_name": (last or MISSING)[:100],
        "accepts_product_review_abandoned_cart_emails": False,
        "trigger_account_created_notification": False,
    }


def plain(value: Decimal) -> str:
    """Return a decimal as text without an exponent."""
    return format(value, "f")


def _rejected(words: str, code: str) -> Rejected:
    return Rejected(words, code=code, platform=PLATFORM, operation="createOrder")


# ── in: orders ───────────────────────────────────────────────────────────────────────────────────────────────────────


def order_found(order: Json, *, admin_url: str) -> StoreOrderFound:
    """Return the order of an answer. Its number is its name."""
    order_id = id_of(order, "id")
    currency = str(order.get("default_currency_code") or order.get("currency_code") or "")
    return StoreOrderFound(
        id=order_id,
        name=order_id,
        total=amount_of(order.get("total_inc_tax"), currency),
        currency=currency,
        key=key_of(order.get("staff_notes")),
        created_at=rfc_time(order.get("date_created")),
        canceled=order.get("status_id") == CANCELLED,
        left=order.get("status_id") in (SHIPPED, COMPLETED),
        url=f"{admin_url}/orders/{order_id}",
    )


def units_of(products: Iterable[Json]) -> dict[str, int]:
    """Return {variant id: units} of an order's products; custom products and digital ones hold no stock."""
    units: dict[str, int] = {}
    for product in products:
        variant, quantity = product.get("variant_id"), product.get("quantity")
        if not product.get("product_id") or not variant or product.get("type") in ("digital", "giftcertificate"):
            continue
        if isinstance(quantity, int) and quantity > 0:
            units[str(variant)] = units.get(str(variant), 0) + quantity
    return units


# ── in: small readers ────────────────────────────────────────────────────────────────────────────────────────────────


def number(text: str) -> int:
    """Return one of our ids as BigCommerce's number. Raises `Rejected` (code `id`) for a text that is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Rejected("This is not an id of BigCommerce", code="id", platform=PLATFORM)
    return int(text)


def id_of(value: Json, name: str) -> str:
    """Return an id as text. Raises `UnexpectedReply` when it is not there."""
    held = value.get(name)
    if isinstance(held, bool) or not isinstance(held, int | str) or not held:
        raise UnexpectedReply(f"BigCommerce's answer has no {name}", platform=PLATFORM)
    return str(held)


def amount_of(value: Any, currency: str = "") -> Decimal | None:
    """Return money as a decimal, None when it is not there or not a number; "12.0000" USD becomes 12.00."""
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value))
        short = amount.quantize(unit(currency))
    except InvalidOperation:
        return None
    return short if short == amount else amount


def rfc_time(value: Any) -> datetime | None:
    """Return an aware UTC time of a V2 date (Tue, 20 Nov 2012 00:00:00 +0000), None when it is not one."""
    if not isinstance(value, str) or not value:
        return None
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def iso_time(value: Any) -> datetime | None:
    """Return an aware UTC time of a V3 date, None when it is not one."""
    if not isinstance(value, str) or not value:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
