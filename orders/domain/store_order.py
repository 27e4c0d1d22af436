"""Build the order we ask the store to create, so that it adds up to what the buyer paid (F67-F74, MECHANISMS 9).

The way of an order's money: its terms must make what the buyer paid (else `DoesNotAddUp`), discounts are folded into
prices, the whole is converted where the merchant wants that, and the tax mode says what of it stands in the store
order. Gift wrap and other charges stay lines of their own. Everything is computed here, before the call; what does not
add up is held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from connectors.contract.types import (
    Address,
    CustomerMode,
    DraftLine,
    DraftShipping,
    InventoryRule,
    PersonalDetails,
    StoreOrderDraft,
)
from orders.domain import tax_modes
from orders.domain.conversion import Rate, convert
from orders.domain.tax_modes import Amount, TaxRule
from salestio.lib.money import rounded, shown, split_units, spread
from salestio.lib.text import cut, spoken

ZERO = Decimal(0)
TAG_LENGTH = 40
CREATE_ANYWAY = ("salestio_create_anyway", "true")
"""Marks a store order that a person asked for although stock was missing, so that nobody takes it for an accident."""
PROGRAM_PRIME = "PRIME"
PROGRAM_BUSINESS = "AMAZON_BUSINESS"


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
    replacement_of: str = ""
    programs: tuple[str, ...] = ()
    country: str = ""
    """Where it goes, as far as the marketplace tells (ISO 3166-1 alpha-2)."""
    customizations: tuple[tuple[int, str], ...] = ()
    """(line's number, our link to what the buyer made of it), in the order's own order."""
    address_withheld: bool = False
    """The marketplace never gives this app the delivery address; a placeholder stands for it."""
    fulfillment_word: str = ""
    """The marketplace's own word for who ships it (FBA, FBM), where it has such words (F68)."""


@dataclass(frozen=True, slots=True)
class Style:
    """What of the settings shapes a store order."""

    email: str = ""
    use_reference_as_name: bool = True
    name_prefix: str = ""
    name_prefix_fba: str = ""
    name_prefix_prime: str = ""
    name_prefix_b2b: str = ""
    tags: tuple[str, ...] = ()
    tag_marketplace: bool = True
    tag_account: bool = True
    tag_fulfilled_by: bool = True
    send_receipt: bool = False
    tax: TaxRule = TaxRule()
    rate: Rate | None = None
    """The order is converted at this rate; None leaves it in its own currency."""
    customer: CustomerMode = CustomerMode.GUEST
    customer_id: str = ""
    status_id: str = ""
    fill_options: bool = False
    option_text: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A draft, and how its money came about: kept with the store order and shown on the order's page."""

    order: StoreOrderDraft
    paid: Decimal
    """What the buyer paid, in `paid_currency`."""
    paid_currency: str
    converted: Decimal
    """The same in the store order's currency."""
    tax: Decimal
    """The tax the marketplace states apart, in the store order's currency."""
    difference: Decimal
    """How much less than `converted` the store order comes to: the tax its mode leaves out."""
    rule: TaxRule
    rate: Rate | None = None

    @property
    def facts(self) -> dict[str, str]:
        """Return what is kept with the store order; amounts as text."""
        currency = self.order.currency
        kept = {
            "paid": shown(self.paid, self.paid_currency),
            "paid_currency": self.paid_currency,
            "total": shown(self.order.total, currency),
            "currency": currency,
            "tax": shown(self.tax, currency),
            "tax_mode": self.rule.mode,
            "difference": shown(self.difference, currency),
        }
        if self.rule.mode == tax_modes.CUSTOM:
            kept["tax_percent"] = f"{self.rule.percent.normalize():f}"
        if self.rate is not None:
            kept |= {
                "rate": f"{self.rate.value.normalize():f}",
                "rate_date": self.rate.day.isoformat(),
                "rate_source": self.rate.publisher,
                "converted": shown(self.converted, currency),
            }
        return kept


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


def _shipping_tax(sale: Sale, *, theirs: bool) -> Decimal:
    """Return the tax of the shipping that the marketplace pays over, or the merchant does."""
    return sum((line.shipping_tax for line in sale.lines if line.tax_collected_by_marketplace == theirs), ZERO)


def folded(sale: Sale) -> Sale:
    """Return the sale with every discount taken off its price, and shipping as one amount, on the first line. Its tax stands
    on the first line of those whose tax the marketplace pays over, and on the first of the others.

    Raises ValueError where a discount is larger than what it is taken off: no line of a store order is negative.
    """
    shipping = sum((line.shipping - line.shipping_discount for line in sale.lines), ZERO)
    shipping_taxes = {theirs: _shipping_tax(sale, theirs=theirs) for theirs in (True, False)}
    lines = []
    for number, line in enumerate(sale.lines):
        shipping_tax = shipping_taxes.pop(line.tax_collected_by_marketplace, ZERO)
        item = line.item_total - line.discount + min(line.other, ZERO)
        item_tax = line.tax - line.shipping_tax
        if min(item, item_tax, line.gift_wrap, shipping, shipping_tax) < 0:
            raise ValueError(f"more is taken off than there is to take it off ({cut(line.title, 60)})")
        lines.append(
            replace(
                line, item_total=item, discount=ZERO, shipping_discount=ZERO, other=max(line.other, ZERO),
                shipping=ZERO if number else shipping, shipping_tax=shipping_tax, tax=item_tax + shipping_tax,
            )
        )  # fmt: skip
    return replace(sale, lines=tuple(lines))


def _priced(line: DraftLine, amount: Amount, rule: TaxRule, sale: Sale) -> list[DraftLine]:
    """Return the line with its price and taxes: usually one, two when the price does not divide (MECHANISMS 9)."""
    booked = tax_modes.booked(amount, rule, sale.currency, source=sale.source)
    inside = rule.inside_prices
    parts = split_units(booked.net + booked.tax if inside else booked.net, line.quantity, sale.currency)
    weights = [price * count for count, price in parts]
    spreads = [spread(tax, weights, sale.currency) for _, tax, _ in booked.taxes]
    made = []
    for number, (count, price) in enumerate(parts):
        shares = [
            (title, amounts[number], theirs) for (title, _, theirs), amounts in zip(booked.taxes, spreads, strict=True)
        ]
        net = price * count - (sum((tax for _, tax, _ in shares), ZERO) if inside else ZERO)
        made.append(replace(line, quantity=count, unit_price=price, taxes=tax_modes.tax_lines(shares, net)))
    return made


def _draft_lines(line: SoldLine, rule: TaxRule, sale: Sale) -> list[DraftLine]:
    """Return the store's lines of one folded line: what was sold, then gift wrap and other charges, unmatched."""
    theirs = line.tax_collected_by_marketplace
    item = DraftLine(
        title=line.title,
        quantity=line.quantity,
        unit_price=ZERO,
        variant_id=line.variant_remote_id,
        product_id=line.product_remote_id,
        sku=line.sku,
        variant_title=line.variant_title,
        requires_shipping=line.requires_shipping,
        properties=line.properties,
    )
    tax = line.tax - line.shipping_tax
    made = _priced(item, Amount(line.item_total, ZERO if theirs else tax, tax if theirs else ZERO), rule, sale)
    for amount, title in ((line.gift_wrap, "Gift wrap"), (line.other, "Other charges")):
        if amount:
            charge = DraftLine(
                title=f"{title}: {cut(line.title, 80)}", quantity=1, unit_price=ZERO, requires_shipping=False
            )
            made += _priced(charge, Amount(amount), rule, sale)
    return made


def _shipping(sale: Sale, rule: TaxRule) -> DraftShipping:
    net = sum((line.shipping for line in sale.lines), ZERO)
    amount = Amount(net, _shipping_tax(sale, theirs=False), _shipping_tax(sale, theirs=True))
    booked = tax_modes.booked(amount, rule, sale.currency, source=sale.source)
    level = spoken(sale.service_level)
    return DraftShipping(
        title=f"{sale.source} Shipping" + (f": {level}" if level else ""),
        price=booked.net + booked.tax if rule.inside_prices else booked.net,
        code=sale.service_level,
        taxes=tax_modes.tax_lines(list(booked.taxes), booked.net),
    )


def tags_of(sale: Sale, style: Style) -> tuple[str, ...]:
    """Return the order's tags, each under 40 characters, without doubles (F68)."""
    wanted: list[str] = []
    if style.tag_marketplace:
        wanted.append(sale.source)
    if style.tag_account:
        wanted.append(sale.account_name)
    if style.tag_fulfilled_by:
        wanted.append(sale.fulfillment_word)
    wanted += style.tags
    seen: dict[str, None] = {}
    for tag in wanted:
        cleaned = cut(tag.replace(",", " ").strip(), TAG_LENGTH - 1)
        if cleaned:
            seen.setdefault(cleaned)
    return tuple(seen)


def prefix_of(sale: Sale, style: Style) -> str:
    """Return what goes before the store order's name: the first of FBA, Prime and B2B that applies and is set (F67)."""
    special = (
        (sale.fulfilled_by == "marketplace" and sale.fulfillment_word != "", style.name_prefix_fba),
        (PROGRAM_PRIME in sale.programs, style.name_prefix_prime),
        (PROGRAM_BUSINESS in sale.programs, style.name_prefix_b2b),
    )
    return next((prefix for applies, prefix in special if applies and prefix), style.name_prefix)


def _placeholder(sale: Sale) -> str:
    """Return what stands where a marketplace does not tell who buys from its own warehouse (F27): FBA Order."""
    return f"{sale.fulfillment_word or sale.source} Order"


def _people(sale: Sale) -> tuple[str, Address | None]:
    """Return the customer's name and the delivery address.

    What an FBA order lacks of them is filled, and an address that is withheld for good; any other is never made up.
    """
    person = sale.personal
    known = person.shipping or Address()
    country = known.country or sale.country
    if sale.fulfilled_by == "marketplace":
        nobody = _placeholder(sale)
        filled = replace(
            known,
            name=known.name or nobody,
            line1=known.line1 or nobody,
            city=known.city or nobody,
            country=country or ("GB" if sale.site == "UK" else sale.site),
        )
        return person.buyer_name or nobody, filled
    if sale.address_withheld and not known.complete:
        name = known.name or person.buyer_name or f"{sale.source} buyer"
        placeholder = f"Address withheld by {sale.source}"
        return name, replace(known, name=name, line1=known.line1 or placeholder, country=country)
    return person.buyer_name or known.name, person.shipping


def draft(sale: Sale, style: Style) -> StoreOrderDraft:
    """Return the order to create; see `build`, which tells its money too."""
    return build(sale, style).order


def build(sale: Sale, style: Style) -> Made:
    """Return the order to create and how its money came about.

    Raises `DoesNotAddUp` when the lines do not make what was paid, or the made order not what its tax mode says, and
    ValueError when a discount is larger than its price. Amounts are in `sale.currency`, or the rate's target.
    """
    summed = rounded(sum_of(sale.lines), sale.currency)
    if summed != rounded(sale.total, sale.currency):
        raise DoesNotAddUp(summed, sale.total, sale.currency)
    ready = folded(sale)
    if style.rate is not None:
        ready = convert(ready, style.rate)
    tax = sum((line.tax for line in ready.lines), ZERO)
    wanted = tax_modes.expected(style.tax, paid=ready.total, tax=tax)
    lines = tuple(made for line in ready.lines for made in _draft_lines(line, style.tax, ready))
    name, address = _people(sale)
    order = StoreOrderDraft(
        reference=sale.reference,
        key=sale.key,
        source=sale.source,
        currency=ready.currency,
        total=wanted.total,
        processed_at=sale.purchased_at,
        lines=lines,
        inventory=sale.inventory,
        shipping=(_shipping(ready, style.tax),),
        taxes_included=style.tax.inside_prices,
        name=f"{prefix_of(sale, style)}{sale.reference}" if style.use_reference_as_name else "",
        email=style.email,
        shipping_address=address,
        billing_address=address,
        customer_name=name,
        tags=tags_of(sale, style),
        source_url=sale.source_url,
        fulfilled=sale.fulfilled,
        status_id=style.status_id,
        customer=style.customer,
        customer_id=style.customer_id,
        buyer_notes=sale.personal.buyer_notes,
        fill_options=style.fill_options,
        option_text=style.option_text,
        send_receipt=style.send_receipt,
    )
    made = Made(order, sale.total, sale.currency, ready.total, tax, wanted.difference, style.tax, style.rate)
    if draft_total(order) != wanted.total:
        raise DoesNotAddUp(draft_total(order), wanted.total, ready.currency)
    theirs = sum((line.tax for line in ready.lines if line.tax_collected_by_marketplace), ZERO)
    return replace(made, order=replace(order, note=_note(sale), attributes=_attributes(sale, made, theirs)))


def _note(sale: Sale) -> str:
    person = sale.personal
    site = f", {sale.site}" if sale.site else ""
    parts = [f"{sale.source} order {sale.reference} ({sale.account_name}{site})"]
    if sale.replacement_of:
        parts.append(f"Replacement of {sale.replacement_of}")
    if sale.address_withheld and not (person.shipping and person.shipping.complete):
        parts.append(
            f"{sale.source} does not give this app the delivery address: you find it on the order's page at {sale.source}"
        )
    parts += [f"Gift message: {text}" for text in person.gift_messages.values() if text]
    if person.buyer_notes.strip():
        parts.append(f"Buyer's note: {person.buyer_notes.strip()}")
    if person.delivery_notes:
        parts.append(f"Delivery: {person.delivery_notes}")
    return cut("\n".join(parts), 4000)


def _attributes(sale: Sale, made: Made, by_marketplace: Decimal) -> tuple[tuple[str, str], ...]:
    """Return the facts that have no field of their own. `by_marketplace` is the tax the marketplace pays over itself."""
    currency, rate = made.order.currency, made.rate
    told = made.rule.mode != tax_modes.HIDE
    facts: Mapping[str, str] = {
        "Marketplace": sale.source,
        "Marketplace order id": sale.reference,
        "Account": sale.account_name,
        "Site": sale.site,
        "Fulfilled by": sale.fulfillment_word or (sale.source if sale.fulfilled_by == "marketplace" else ""),
        "Shipping service": sale.service_level,
        "Purchase order number": sale.personal.purchase_order_number,
        "Programs": ", ".join(sale.programs),
        "Original total": f"{shown(made.paid, made.paid_currency)} {made.paid_currency}" if rate else "",
        "Exchange rate": f"1 {rate.source} = {rate.value.normalize():f} {rate.target}" if rate else "",
        "Exchange rate of": f"{rate.day.isoformat()}, {rate.publisher}" if rate else "",
        f"Tax collected by {sale.source}": f"{shown(by_marketplace, currency)} {currency}"
        if by_marketplace and told else "",
        "Tax not in this order": f"{shown(made.difference, currency)} {currency}" if made.difference and told else "",
        "Paid by the buyer": f"{shown(made.converted, currency)} {currency}" if made.difference and told else "",
    }  # fmt: skip
    listed = [(name, value) for name, value in facts.items() if value]
    several = len(sale.customizations) > 1
    listed += [
        (f"Customization, line {number}" if several else "Customization", url) for number, url in sale.customizations
    ]
    if sale.inventory is InventoryRule.IGNORE:
        listed.append(CREATE_ANYWAY)
    return tuple(listed)


def draft_total(order: StoreOrderDraft) -> Decimal:
    """Return what the draft's own lines, shipping and taxes make: what the store will say."""
    lines = sum((line.unit_price * line.quantity for line in order.lines), ZERO)
    shipping = sum((part.price for part in order.shipping), ZERO)
    taxes = sum((tax.amount for line in order.lines for tax in line.taxes), ZERO)
    taxes += sum((tax.amount for part in order.shipping for tax in part.taxes), ZERO)
    return lines + shipping + (ZERO if order.taxes_included else taxes) - order.discount
