"""What the settings make of a real order, before they are saved: the last order under each tax and e-mail mode (F144, F147).

Nothing is written and nothing is called: the same functions that draft an order draft it here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.utils.timezone import now

from orders.domain import buyer_email, tax_modes
from orders.domain.routing import READY, Way
from orders.domain.store_order import DoesNotAddUp, Made
from orders.domain.tax_modes import TaxRule
from orders.models import Order, OrderLine
from orders.steps import drafting
from orders.steps.batch import Batch, Item, load_buyers, load_catalog, peek
from salestio import tenancy
from salestio.templatetags.ui import in_money

ZERO = Decimal(0)
NEWEST = 100


@dataclass(frozen=True, slots=True)
class LineSeen:
    """One line of the store order as it would be."""

    title: str
    quantity: int
    price: str
    tax: str


@dataclass(frozen=True, slots=True)
class ModeSeen:
    """The order under one tax mode; `problem` says why there is none."""

    code: str
    label: str
    chosen: bool
    lines: tuple[LineSeen, ...] = ()
    tax: str = ""
    total: str = ""
    left_out: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class EmailSeen:
    """The store order's e-mail address under one mode."""

    label: str
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """One order, and what the settings would make of it."""

    order: Order
    paid: str
    modes: tuple[ModeSeen, ...]
    emails: tuple[EmailSeen, ...]
    converted: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the fields of the settings page right now; empty: as saved."""

    tax_percent: str = ""
    address: str = ""
    domain: str = ""


def last_order(account_id: int | None = None) -> Order | None:
    """Return the newest paid order with money in it, of one account or of all. In a scope.

    Of the last hundred one with tax is taken before one without: there every tax mode would look the same.
    """
    rows = Order.objects.filter(merchant_id=tenancy.current_merchant_id(), total__gt=0).exclude(status="incomplete")
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    newest = list(rows.order_by("-purchased_at", "-id").values_list("pk", flat=True)[:NEWEST])
    taxed = set(OrderLine.objects.filter(order_id__in=newest, tax__gt=0).values_list("order_id", flat=True))
    chosen = next((pk for pk in newest if pk in taxed), newest[0] if newest else None)
    return Order.objects.select_related("account").filter(pk=chosen).first() if chosen is not None else None


def of(order: Order, typed: Typed) -> Preview:
    """Return the order under each mode. In a scope; reads only."""
    batch = peek(tenancy.current_merchant_id(), order, moment=now())
    (item,) = batch.items
    item.way = Way(READY)
    load_buyers([item])
    load_catalog(batch, [item])
    modes = tuple(_mode(batch, item, code, typed) for code in tax_modes.MODES)
    return Preview(
        order,
        in_money(order.total, order.currency),
        modes,
        _emails(batch, item, typed),
        _converted(batch, item),
    )


def _percent(typed: Typed, saved: Decimal) -> Decimal:
    try:
        percent = Decimal(typed.tax_percent.strip().removesuffix("%").strip())
    except InvalidOperation:
        return saved
    return percent if percent.is_finite() and 0 <= percent <= 100 else saved


def _mode(batch: Batch, item: Item, code: str, typed: Typed) -> ModeSeen:
    saved = drafting.tax_rule(batch, item)
    label, chosen = tax_modes.MODES[code], saved.mode == code
    percent = _percent(typed, saved.percent)
    if code == tax_modes.CUSTOM:
        label = f"{label}: {percent.normalize():f} %"
    try:
        made = drafting.made_of(batch, item, TaxRule(code, percent, saved.inside_prices))
    except DoesNotAddUp as error:
        return ModeSeen(code, label, chosen, problem=f"The lines make {error.summed}, the buyer paid {error.paid}.")
    except drafting.NoRate as error:
        return ModeSeen(code, label, chosen, problem=f"No exchange rate from {error.source} to {error.target}.")
    except drafting.CurrencyNotInStore as error:
        return ModeSeen(code, label, chosen, problem=f"Your store takes no orders in {error.currency}.")
    except ValueError as error:
        return ModeSeen(code, label, chosen, problem=f"A price cannot be split: {error}")
    return _seen(code, label, chosen, made)


def _seen(code: str, label: str, chosen: bool, made: Made) -> ModeSeen:
    order = made.order
    rows = [(line.title, line.quantity, line.unit_price, line.taxes) for line in order.lines]
    rows += [(part.title, 1, part.price, part.taxes) for part in order.shipping]
    lines = tuple(
        LineSeen(
            title, quantity, in_money(price, order.currency),
            in_money(sum((tax.amount for tax in taxes), ZERO), order.currency) if taxes else "",
        )
        for title, quantity, price, taxes in rows
    )  # fmt: skip
    tax = sum((one.amount for *_, taxes in rows for one in taxes), ZERO)
    return ModeSeen(
        code, label, chosen, lines,
        tax=in_money(tax, order.currency) if tax else "",
        total=in_money(order.total, order.currency),
        left_out=in_money(made.difference, order.currency) if made.difference else "",
    )  # fmt: skip


def _emails(batch: Batch, item: Item, typed: Typed) -> tuple[EmailSeen, ...]:
    chosen = batch.chosen[item.order.account_id].customer_email
    known = item.personal.buyer_email if item.personal else ""
    return tuple(
        EmailSeen(
            label,
            buyer_email.buyer_email(
                code,
                email=known,
                order_id=item.order.marketplace_order_id,
                selected=typed.address or chosen.address,
                domain=typed.domain.removeprefix("@") or chosen.domain,
            ),
            chosen.mode == code,
        )
        for code, label in buyer_email.MODES.items()
    )


def _converted(batch: Batch, item: Item) -> str:
    try:
        made = drafting.made_of(batch, item)
    except (ValueError, drafting.NoRate, drafting.CurrencyNotInStore):
        return ""
    rate = made.rate
    if rate is None:
        return ""
    return f"1 {rate.source} = {rate.value.normalize():f} {rate.target}, {rate.publisher}, {rate.day.isoformat()}"
