"""Turn a matched order into the draft the store gets; what does not add up is held before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date
from decimal import Decimal

from accounts.platforms import WITH_SITES
from connectors.contract.types import CustomerMode, PersonalDetails, StoreOrderDraft
from inventory.models import Location
from orders import archives, rates
from orders.domain.bundles import Part, explode
from orders.domain.buyer_email import buyer_email
from orders.domain.conversion import Rate
from orders.domain.store_order import DoesNotAddUp, Made, Sale, SoldLine, Style, build
from orders.domain.tax_modes import TaxRule
from orders.models import OrderLine
from orders.reasons import MARKETPLACES, own_word
from orders.steps.batch import Batch, Item
from orders.steps.settle import hold
from salestio.lib.money import shown


class NoRate(Exception):
    """There is no exchange rate of the purchase's day or the week before."""

    def __init__(self, source: str, target: str, day: date) -> None:
        super().__init__(f"no rate from {source} to {target} of {day}")
        self.source, self.target, self.day = source, target, day


class CurrencyNotInStore(Exception):
    """The store takes no orders in the order's currency, and the merchant does not want it converted."""

    def __init__(self, currency: str, known: tuple[str, ...]) -> None:
        super().__init__(f"{currency} is none of {', '.join(known)}")
        self.currency, self.known = currency, known


def order_key(batch: Batch, item: Item, generation: int) -> str:
    """Return our key for the store order, unique for ever (MECHANISMS 2)."""
    account = batch.accounts[item.order.account_id]
    return f"{account.platform}:{account.key}:{item.order.marketplace_order_id}:{generation}"


def generation_of(item: Item) -> int:
    """Return the generation to send: the newest, or the next one after an order that is gone in the store."""
    if item.store_order is None:
        return 1
    return item.store_order.generation + (1 if item.store_order.state == "gone" else 0)


def draft_or_hold(batch: Batch, item: Item) -> StoreOrderDraft | None:
    """Return the draft, or hold the order with its reason and return None: a sum that is wrong, a currency, a rate.

    How the draft's total came about is left in `item.money`.
    """
    order = item.order
    if _nobody_to_ship_to(item):
        hold(batch, item, "BUYER_GONE")
        return None
    try:
        made = made_of(batch, item)
    except NoRate as error:
        hold(batch, item, "NO_RATE", currency=error.source, store_currency=error.target, day=error.day.isoformat())
    except CurrencyNotInStore as error:
        hold(batch, item, "CURRENCY_NOT_IN_STORE", currency=error.currency, currencies=", ".join(error.known))
    except DoesNotAddUp as error:
        hold(
            batch, item, "TOTAL_MISMATCH", sum=shown(error.summed, error.currency), paid=shown(error.paid, error.currency),
            difference=shown(error.paid - error.summed, error.currency), currency=error.currency,
        )  # fmt: skip
    except ValueError as error:
        hold(batch, item, "TOTAL_MISMATCH", problem=f"A price cannot be split: {error}", currency=order.currency)
    else:
        item.money = made.facts
        return made.order
    return None


def _nobody_to_ship_to(item: Item) -> bool:
    """Say whether the merchant would have to ship without knowing where: the buyer's data was erased. A person may."""
    withheld = "address" in item.order.withheld and not item.order.has_address
    ships = item.order.fulfilled_by == "merchant" and not (item.way and item.way.fulfilled)
    return item.personal is None and ships and not withheld and not item.by_hand


def made_of(batch: Batch, item: Item, tax: TaxRule | None = None) -> Made:
    """Return the draft and its money; `tax` instead of the settings' tax mode, for a preview.

    Raises `DoesNotAddUp`, `NoRate`, `CurrencyNotInStore` and ValueError (a price that cannot be split).
    """
    rate = _rate(batch, item)
    return build(_sale(batch, item), _style(batch, item, tax or tax_rule(batch, item), rate))


def tax_rule(batch: Batch, item: Item) -> TaxRule:
    """Return how tax stands in this order's store order, by the account's settings and the store's own prices."""
    chosen = batch.chosen[item.order.account_id]
    return TaxRule(chosen.tax_mode, chosen.tax_percent, bool(batch.store.facts.get("taxes_included")))


def _rate(batch: Batch, item: Item) -> Rate | None:
    """Return the rate the order is converted at, None where it keeps its currency."""
    order, own = item.order, batch.store.currency
    currency = order.currency or own
    if currency == own:
        return None
    if not batch.chosen[order.account_id].convert_currency:
        known = tuple(batch.store.facts.get("currencies", ()))
        if known and currency not in known:
            raise CurrencyNotInStore(currency, known)
        return None
    if pinned := _pinned(item, currency, own):
        return pinned
    asked = (currency, own, order.purchased_at.astimezone(UTC).date())
    if asked not in batch.rates:
        batch.rates[asked] = rates.rate_for(currency, own, order.purchased_at)
    found = batch.rates[asked]
    if found is None:
        raise NoRate(*asked)
    return found


def _pinned(item: Item, source: str, target: str) -> Rate | None:
    """Return the rate this generation was sent at before: what is sent again is the same order to the cent."""
    sent = item.store_order
    if sent is None or sent.state == "gone" or sent.sends == 0:
        return None
    money = sent.money
    if (money.get("paid_currency"), money.get("currency")) != (source, target) or not money.get("rate"):
        return None
    return Rate(source, target, Decimal(money["rate"]), date.fromisoformat(money["rate_date"]), money["rate_source"])


def _sale(batch: Batch, item: Item) -> Sale:
    order, way = item.order, item.way
    account = batch.accounts[order.account_id]
    assert way is not None
    missing = [line for line in item.live_lines if line.item_total is None]
    if order.total is None and not order.replacement_of and missing:
        raise ValueError("the marketplace gave no price")
    return Sale(
        reference=order.marketplace_order_id,
        key=order_key(batch, item, generation_of(item)),
        source=MARKETPLACES.get(order.platform, order.platform),
        account_name=account.name,
        currency=order.currency or batch.store.currency,
        total=order.total if order.total is not None else Decimal(0),
        purchased_at=order.purchased_at,
        lines=tuple(sold for line in item.live_lines for sold in _sold(batch, item, line)),
        personal=item.personal or PersonalDetails(),
        fulfilled_by=order.fulfilled_by,
        fulfillment_word=own_word(order.platform, theirs=order.fulfilled_by == "marketplace"),
        inventory=way.inventory,
        fulfilled=way.fulfilled,
        service_level=order.service_level,
        site=order.site if order.platform in WITH_SITES else "",
        replacement_of=order.replacement_of,
        programs=tuple(order.programs),
        # A withheld address may lack even the country, without which no store takes one; its note says that it is none.
        country=order.country or (batch.store.country if "address" in order.withheld else ""),
        customizations=_customizations(item),
        address_withheld="address" in order.withheld,
    )


def _customizations(item: Item) -> tuple[tuple[int, str], ...]:
    """Return our links to what the buyer made of the lines; one that a person ended is not given out again."""
    numbers = {line.remote_id: line.number for line in item.live_lines}
    links = [
        (numbers[archive.line_id], archives.link(archive))
        for archive in item.archives
        if archive.line_id in numbers and archive.link_open
    ]
    return tuple(sorted(links))


def name_places(batch: Batch, items: Sequence[Item]) -> None:
    """Say in the drafts of orders that were shipped already where they left from: where the rules placed them since."""
    for item in items:
        if item.way is not None and item.way.fulfilled and item.draft is not None:
            item.draft = replace(item.draft, location_id=_shipped_from(batch, item))


def _shipped_from(batch: Batch, item: Item) -> str:
    """Return the store's id of the place an order that is made as fulfilled is said to have left from.

    No stock moves there (the parcel left before the store heard of it); the platform only wants a place to be named.
    """
    if batch.places is None:
        rows = Location.objects.filter(store_id=batch.store.pk, active=True).order_by("-fulfills_online", "pk")
        batch.places = {row.pk: row.remote_id for row in rows}
    return batch.places.get(batch.location_of(item) or 0) or next(iter(batch.places.values()), "")


def _sold(batch: Batch, item: Item, line: OrderLine) -> list[SoldLine]:
    """Return what one line of the order means in the store: one line, or a bundle's parts."""
    variant = batch.variants.get(line.variant_id) if line.variant_id else None
    notes = item.personal.line_notes.get(line.remote_id, ()) if item.personal else ()
    sold = SoldLine(
        title=variant.product_title if variant else line.title,
        quantity=line.quantity,
        item_total=line.item_total if line.item_total is not None else Decimal(0),
        discount=line.discount,
        shipping=line.shipping,
        shipping_discount=line.shipping_discount,
        gift_wrap=line.gift_wrap,
        other=line.other,
        tax=line.tax,
        shipping_tax=line.shipping_tax,
        tax_collected_by_marketplace=line.tax_collected_by_marketplace,
        variant_remote_id=variant.remote_id if variant else None,
        product_remote_id=variant.product_id if variant else None,
        sku=variant.sku if variant else line.seller_sku,
        variant_title=variant.label if variant else "",
        requires_shipping=not line.digital and (variant.requires_shipping if variant else True),
        properties=tuple((pair[0] or "Personalization", pair[1]) for pair in notes if len(pair) == 2 and pair[1]),
    )
    return [sold] if not line.parts else _parts_of(batch, line, sold, item.order.currency or batch.store.currency)


def _parts_of(batch: Batch, line: OrderLine, sold: SoldLine, currency: str) -> list[SoldLine]:
    """Return the store's own lines of a bundle: its price and item tax split, charges and shipping on the first part."""
    found = [(batch.variants.get(variant_id), units) for variant_id, units in line.components]
    parts = [
        Part(
            variant_remote_id=part.remote_id, product_remote_id=part.product_id, title=part.product_title, sku=part.sku,
            units=units, price=part.price, variant_title=part.label,
            requires_shipping=not line.digital and part.requires_shipping,
        )
        for part, units in found
        if part is not None
    ]  # fmt: skip
    if len(parts) != len(found):
        raise ValueError(f"a part of {line.seller_sku or line.title} is no longer in the store")
    none = Decimal(0)
    goods = replace(
        sold, item_total=sold.item_total - sold.discount, discount=none, shipping=none, shipping_discount=none,
        gift_wrap=none, other=none, tax=sold.tax - sold.shipping_tax, shipping_tax=none,
    )  # fmt: skip
    first, *others = explode(goods, parts, currency)
    whole = replace(
        first, shipping=sold.shipping, shipping_discount=sold.shipping_discount, gift_wrap=sold.gift_wrap,
        other=sold.other, tax=first.tax + sold.shipping_tax, shipping_tax=sold.shipping_tax,
    )  # fmt: skip
    return [whole, *others]


def _style(batch: Batch, item: Item, tax: TaxRule, rate: Rate | None) -> Style:
    chosen = batch.chosen[item.order.account_id]
    email = item.personal.buyer_email if item.personal else ""
    return Style(
        email=buyer_email(
            chosen.customer_email.mode,
            email=email,
            order_id=item.order.marketplace_order_id,
            selected=chosen.customer_email.address,
            domain=chosen.customer_email.domain,
        ),
        use_reference_as_name=chosen.export_order_id,
        name_prefix=chosen.order_id_prefix,
        name_prefix_fba=chosen.order_id_prefix_fba,
        name_prefix_prime=chosen.order_id_prefix_prime,
        name_prefix_b2b=chosen.order_id_prefix_b2b,
        tags=chosen.tags,
        tag_marketplace=chosen.tag_platform,
        tag_account=chosen.tag_account,
        tag_fulfilled_by=chosen.tag_fulfillment,
        send_receipt=chosen.store_confirmations,
        tax=tax,
        rate=rate,
        customer=CustomerMode(chosen.customer_mode),
        customer_id=chosen.customer_id,
        status_id=chosen.order_status,
        fill_options=chosen.fill_options,
        option_text=chosen.option_text,
    )
