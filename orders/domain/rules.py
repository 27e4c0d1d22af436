"""From which location an order is served: the merchant's rules, first that matches wins (F53, F59). Pure.

A rule names conditions; those left empty hold for every order. Its location is where stock is tested and taken; None is
the store's own choice over all locations. No rule matches: the default warehouse, else the store's own choice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Free = Mapping[tuple[int, int], int]
"""(variant, location) → units free there."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as the merchant wrote it. Texts are compared without upper and lower case."""

    id: int
    name: str
    location_id: int | None
    accounts: frozenset[int] = frozenset()
    platforms: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    """ISO 3166-1 alpha-2."""
    fulfilled_by: str = ""
    """merchant, marketplace, or "" for both."""
    skus: tuple[str, ...] = ()
    """Exact SKUs, or beginnings that end in *; one line of the order that fits is enough."""
    tags: frozenset[str] = frozenset()
    """Product tags; one line whose product has one of them is enough."""
    needs_stock: bool = False
    """Only where the location has every unit of the order at this moment."""


@dataclass(frozen=True, slots=True)
class OrderToPlace:
    """What of an order the rules look at. `wanted` is what it takes: variant → units."""

    account_id: int
    platform: str
    country: str
    fulfilled_by: str
    skus: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    wanted: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """Where the order is served from, and the rule that said so (None: no rule matched)."""

    location_id: int | None
    rule_id: int | None = None
    name: str = ""


def _fits_sku(patterns: Iterable[str], skus: Collection[str]) -> bool:
    held = {sku.casefold() for sku in skus}
    for pattern in patterns:
        wanted = pattern.strip().casefold()
        if wanted.endswith("*"):
            if any(sku.startswith(wanted[:-1]) for sku in held):
                return True
        elif wanted in held:
            return True
    return False


def fits(rule: Rule, order: OrderToPlace, free: Free) -> bool:
    """Say whether every condition of the rule holds for the order."""
    if rule.accounts and order.account_id not in rule.accounts:
        return False
    if rule.platforms and order.platform not in rule.platforms:
        return False
    if rule.countries and order.country.upper() not in rule.countries:
        return False
    if rule.fulfilled_by and order.fulfilled_by != rule.fulfilled_by:
        return False
    if rule.skus and not _fits_sku(rule.skus, order.skus):
        return False
    if rule.tags and not {tag.casefold() for tag in rule.tags} & {tag.casefold() for tag in order.tags}:
        return False
    if rule.needs_stock and rule.location_id is not None:
        return all(free.get((variant, rule.location_id), 0) >= units for variant, units in order.wanted.items())
    return True


def choose(
    rules: Sequence[Rule], order: OrderToPlace, free: Free, *, default: int | None, passed: Collection[int] = ()
) -> Choice:
    """Return where the order is served from: the first rule that fits, else the default warehouse.

    `passed` are rules that said a place with all its units and lost them to another order since: they are left out, so
    that the next one gets its turn.
    """
    for rule in rules:
        if rule.id not in passed and fits(rule, order, free):
            return Choice(rule.location_id, rule.id, rule.name)
    return Choice(default)
