"""Build the order we ask the store to create, so that it adds up to what the buyer paid (F67-F74, MECHANISMS 9).

The default tax mode: the store order's total equals what the buyer paid, to the cent. Item discounts, gift wrap and
other charges are folded or kept as lines; tax the marketplace shows apart becomes tax lines. Everything is computed
here, before the call; what does not add up raises `DoesNotAddUp` and the order is held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from connectors.contract.types import (
    Address,
    DraftLine,
    DraftShipping,
    DraftTax,
    InventoryRule,
    PersonalDetails,
    StoreOrderDraft,
)
from salestio.lib.money import rounded, split_units, spread
from salestio.lib.text import cut

ZERO = Decimal(0)
TAG_LENGTH = 40
CREATE_ANYWAY = ("salestio_create_anyway", "true")
"""Marks a store order that a person asked for although stock was missing, so that nobody takes it for an accident."""


class DoesNotAddUp(ValueError):
    """The terms of the order do not make what the buyer paid; carries both and the difference."""

    def __init__(self, summed: Decimal, paid: Decimal, currency: str) -> None:
        super().__init__(f"{summed} {currency} is not {paid} {currency}")
        self.summed = summed
        self.paid = paid
        self.currency = currency


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line to send: what was bought and which variant it means (None: a custom line)."""

    title: str
    quantity: int
    item_total: Decimal
    discount: Decimal = ZERO
    shipping: Decimal = ZERO
    shipping_discount: Decimal = ZERO
    gift_wrap: Decimal = ZERO
    other: Decimal = ZERO
    tax: Decimal = ZERO
    shipping_tax: Decimal = ZERO
    tax_collected_by_marketplace: bool = False
    variant_remote_id: str | None = None
    product_remote_id: str | None = None
    sku: str = ""
    variant_title: str = ""
    requires_shipping: bool = True
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sale:
    """The order to send, before it is split into the store's lines."""

    reference: str
    key: str
    source: str
    account_name: str
    currency: str
    total: Decimal
    purchased_at: datetime
    lines: tuple[SoldLine, ...]
    personal: PersonalDetails
    fulfilled_by: str
    inventory: InventoryRule
    fulfilled: bool = False
    service_level: str = ""
    site: str = ""
    source_url: str = ""
    location_remote_id: str = ""
    replacement_of: str = ""
    programs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Style:
    """What of the settings shapes a store order."""

    email: str = ""
    use_reference_as_name: bool = True
    name_prefix: str = ""
    tags: tuple[str, ...] = ()
    tag_marketplace: bool = True
    tag_account: bool = True
    tag_fulfilled_by: bool = True
    send_receipt: bool = False


def sum_of(lines: Sequence[SoldLine]) -> Decimal:
    """Return what the terms of all lines make together."""
    return sum(
        (
            line.item_total
            - line.discount
            + line.shipping
            - line.shipping_discount
            + line.gift_wrap
            + line.other
            + line.tax
            for line in lines
        ),
        ZERO,
    )


def _taxes(amount: Decimal, base: Decimal, *, title: str, by_marketplace: bool) -> tuple[DraftTax, ...]:
    if not amount:
        return ()
    rate = (amount / base).quantize(Decimal("0.000001")) if base else ZERO
    return (DraftTax(title=title, amount=amount, rate=rate, collected_by_marketplace=by_marketplace),)


def _draft_lines(line: SoldLine, currency: str, tax_title: str) -> list[DraftLine]:
    """Return the store's lines of one sold line: usually one, two when the price does not divide (MECHANISMS 9).

    The item discount is folded into the price; gift wrap and other charges become lines of their own, unmatched.
    """
    net = line.item_total - line.discount
    item_tax = line.tax - line.shipping_tax
    parts = split_units(net, line.quantity, currency)
    shares = spread(item_tax, [price * count for count, price in parts], currency)
    made = [
        DraftLine(
            title=line.title,
            quantity=count,
            unit_price=price,
            variant_id=line.variant_remote_id,
            product_id=line.product_remote_id,
            sku=line.sku,
            variant_title=line.variant_title,
            requires_shipping=line.requires_shipping,
            taxes=_taxes(share, price * count, title=tax_title, by_marketplace=line.tax_collected_by_marketplace),
            properties=line.properties,
        )
        for (count, price), share in zip(parts, shares, strict=True)
    ]
    for amount, title in ((line.gift_wrap, "Gift wrap"), (line.other, "Other charges")):
        if amount:
            made.append(
                DraftLine(
                    title=f"{title}: {cut(line.title, 80)}", quantity=1, unit_price=amount, requires_shipping=False
                )
            )
    return made


def tags_of(sale: Sale, style: Style) -> tuple[str, ...]:
    """Return the order's tags, each under 40 characters, without doubles (F68)."""
    wanted: list[str] = []
    if style.tag_marketplace:
        wanted.append(sale.source)
    if style.tag_account:
        wanted.append(sale.account_name)
    if style.tag_fulfilled_by:
        wanted.append("FBA" if sale.fulfilled_by == "marketplace" else "FBM")
    wanted += style.tags
    seen: dict[str, None] = {}
    for tag in wanted:
        cleaned = cut(tag.replace(",", " ").strip(), TAG_LENGTH - 1)
        if cleaned:
            seen.setdefault(cleaned)
    return tuple(seen)


PLACEHOLDER = "FBA Order"
"""Stands where Amazon does not tell who buys from its own warehouse (F27)."""


def _people(sale: Sale) -> tuple[str, Address | None]:
    """Return the customer's name and the delivery address; what an FBA order lacks of them is filled, an FBM's never."""
    person = sale.personal
    address = person.shipping
    if sale.fulfilled_by != "marketplace":
        return person.buyer_name or (address.name if address else ""), address
    known = address or Address()
    filled = replace(
        known,
        name=known.name or PLACEHOLDER,
        line1=known.line1 or PLACEHOLDER,
        city=known.city or PLACEHOLDER,
        country=known.country or ("GB" if sale.site == "UK" else sale.site),
    )
    return person.buyer_name or PLACEHOLDER, filled


def draft(sale: Sale, style: Style) -> StoreOrderDraft:
    """Return the order to create. Raises `DoesNotAddUp` when the lines do not make the total.

    Amounts are in `sale.currency`; nothing is converted here.
    """
    summed = rounded(sum_of(sale.lines), sale.currency)
    if summed != rounded(sale.total, sale.currency):
        raise DoesNotAddUp(summed, sale.total, sale.currency)
    collected = any(line.tax_collected_by_marketplace for line in sale.lines)
    tax_title = f"Tax collected by {sale.source}" if collected else "Tax"
    lines = [made for line in sale.lines for made in _draft_lines(line, sale.currency, tax_title)]
    price = sum((line.shipping - line.shipping_discount for line in sale.lines), ZERO)
    shipping_tax = sum((line.shipping_tax for line in sale.lines), ZERO)
    shipping = DraftShipping(
        title=f"{sale.source} Shipping"
        + (f": {sale.service_level.replace('_', ' ').capitalize()}" if sale.service_level else ""),
        price=price,
        code=sale.service_level,
        taxes=_taxes(shipping_tax, price, title=tax_title, by_marketplace=collected),
    )
    name, address = _people(sale)
    return StoreOrderDraft(
        reference=sale.reference,
        key=sale.key,
        source=sale.source,
        currency=sale.currency,
        total=sale.total,
        processed_at=sale.purchased_at,
        lines=tuple(lines),
        inventory=sale.inventory,
        shipping=(shipping,),
        name=f"{style.name_prefix}{sale.reference}" if style.use_reference_as_name else "",
        email=style.email,
        shipping_address=address,
        billing_address=address,
        customer_name=name,
        note=_note(sale),
        tags=tags_of(sale, style),
        attributes=_attributes(sale),
        source_url=sale.source_url,
        fulfilled=sale.fulfilled,
        location_id=sale.location_remote_id,
        send_receipt=style.send_receipt,
    )


def _note(sale: Sale) -> str:
    parts = [f"{sale.source} order {sale.reference} ({sale.account_name})"]
    if sale.replacement_of:
        parts.append(f"Replacement of {sale.replacement_of}")
    parts += [f"Gift message: {text}" for text in sale.personal.gift_messages.values() if text]
    if sale.personal.delivery_notes:
        parts.append(f"Delivery: {sale.personal.delivery_notes}")
    return cut("\n".join(parts), 4000)


def _attributes(sale: Sale) -> tuple[tuple[str, str], ...]:
    facts: Mapping[str, str] = {
        "Marketplace": sale.source,
        "Marketplace order id": sale.reference,
        "Account": sale.account_name,
        "Site": sale.site,
        "Fulfilled by": "FBA" if sale.fulfilled_by == "marketplace" else "FBM",
        "Shipping service": sale.service_level,
        "Purchase order number": sale.personal.purchase_order_number,
        "Programs": ", ".join(sale.programs),
    }
    listed = [(name, value) for name, value in facts.items() if value]
    if sale.inventory is InventoryRule.IGNORE:
        listed.append(CREATE_ANYWAY)
    return tuple(listed)


def draft_total(order: StoreOrderDraft) -> Decimal:
    """Return what the draft's own lines, shipping and taxes make: what the store will say."""
    lines = sum(
        (line.unit_price * line.quantity + sum((t.amount for t in line.taxes), ZERO) for line in order.lines), ZERO
    )
    shipping = sum((part.price + sum((t.amount for t in part.taxes), ZERO) for part in order.shipping), ZERO)
    return lines + shipping - order.discount
