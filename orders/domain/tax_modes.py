"""How tax stands in the store order: the four modes of FEATURES 1.7 and what each makes of what the buyer paid. Pure.

| mode | prices in the store order | tax lines | store total |
| --- | --- | --- | --- |
| included | as sold, tax beside or inside them as the store does it | as the marketplace states | what the buyer paid |
| exclude | without the tax | none; the amount is told beside the order | what the buyer paid − the tax |
| hide | without the tax | none | what the buyer paid − the tax |
| custom | taken to hold `percent` tax | at that percentage | what the buyer paid |

Tax the marketplace collected and pays over itself is not the merchant's: it is marked as such in every mode that shows
tax, and no percentage of the merchant's is ever taken of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from connectors.contract.types import DraftTax
from salestio.lib.money import rounded

ZERO = Decimal(0)
INCLUDED, EXCLUDE, HIDE, CUSTOM = "included", "exclude", "hide", "custom"

MODES: dict[str, str] = {
    INCLUDED: "Included",
    EXCLUDE: "Exclude tax",
    HIDE: "Hide tax",
    CUSTOM: "Custom percentage",
}


@dataclass(frozen=True, slots=True)
class TaxRule:
    """A mode and, for custom, its percentage (19 means 19 %). Raises ValueError for anything else.

    `inside_prices`: the store's own prices hold the tax, so the store order's shall too; its total is the same.
    """

    mode: str = INCLUDED
    percent: Decimal = ZERO
    inside_prices: bool = False

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"{self.mode!r} is none of the tax modes {', '.join(MODES)}")
        if not ZERO <= self.percent <= 100:
            raise ValueError(f"{self.percent} is no percentage between 0 and 100")


@dataclass(frozen=True, slots=True)
class Amount:
    """A part of what the buyer paid: an item, a charge or the shipping, with the tax the marketplace states for it."""

    net: Decimal
    tax: Decimal = ZERO
    """The merchant's own."""
    theirs: Decimal = ZERO
    """Tax the marketplace collected and pays over itself."""


@dataclass(frozen=True, slots=True)
class Booked:
    """The same part in the store order: `net` and its taxes, beside the net or inside the price as the rule says."""

    net: Decimal
    taxes: tuple[tuple[str, Decimal, bool], ...] = ()
    """(title, amount, collected by the marketplace)."""

    @property
    def tax(self) -> Decimal:
        """Return all its tax."""
        return sum((amount for _, amount, _ in self.taxes), ZERO)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the store order must come to, and how far that is from what the buyer paid."""

    total: Decimal
    difference: Decimal


def expected(rule: TaxRule, *, paid: Decimal, tax: Decimal) -> Expected:
    """Return the mode's formula on an order the buyer paid `paid` for, of which the marketplace states `tax` apart."""
    left_out = tax if rule.mode in (EXCLUDE, HIDE) else ZERO
    return Expected(paid - left_out, left_out)


def booked(amount: Amount, rule: TaxRule, currency: str, *, source: str) -> Booked:
    """Return how the store order holds one part. Amounts are in `currency`'s own units; `source` names the marketplace."""
    if rule.mode in (EXCLUDE, HIDE):
        return Booked(amount.net)
    theirs = ((f"Tax collected by {source}", amount.theirs, True),) if amount.theirs else ()
    if rule.mode == INCLUDED:
        return Booked(amount.net, ((("Tax", amount.tax, False),) if amount.tax else ()) + theirs)
    gross = amount.net + amount.tax
    own = rounded(gross * rule.percent / (100 + rule.percent), currency)
    mine = ((f"Tax {rule.percent.normalize():f} %", own, False),) if own else ()
    return Booked(gross - own, mine + theirs)


def tax_lines(shares: list[tuple[str, Decimal, bool]], base: Decimal) -> tuple[DraftTax, ...]:
    """Return the tax lines of a store line whose price without tax is `base`; the rate is what the amounts make."""
    return tuple(
        DraftTax(
            title=title,
            amount=amount,
            rate=(amount / base).quantize(Decimal("0.000001")) if base else ZERO,
            collected_by_marketplace=by_marketplace,
        )
        for title, amount, by_marketplace in shares
        if amount
    )
