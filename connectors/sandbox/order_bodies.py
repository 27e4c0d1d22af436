"""Reads what the control API says of a marketplace's order, in the words all marketplaces share.

Each function returns what it read or raises `Refusal`, which names the field that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol, TypeVar

from connectors.sandbox.platforms import Doc, Refusal

MODES = ("push", "sweep", "silent")
"""push: a notification and the lists; sweep: the lists only; silent: only the list by creation, and the single order."""
_MOST = 5000
ZERO = Decimal(0)


class Priced(Protocol):
    """A marketplace's site, as far as reading needs it."""

    @property
    def currency(self) -> str: ...


Site = TypeVar("Site", bound=Priced)


class Buyers(Protocol):
    """What buyers can do at a marketplace that pays, ships and cancels one by one."""

    def pay(self, order: Doc, *, quiet: bool = False) -> None: ...

    def ship(self, order: Doc, body: Doc) -> None: ...

    def cancel(self, order: Doc, body: Doc) -> None: ...


def live_up_to(buyers: Buyers, order: Doc, status: str) -> None:
    """Let a new order's life go on to the status it is to be placed in."""
    if status == "paid":
        buyers.pay(order)
    elif status == "shipped":
        buyers.pay(order, quiet=True)
        buyers.ship(order, {})
    elif status == "canceled":
        buyers.cancel(order, {})


def count_of(body: Doc) -> int:
    """Return how many orders are to be placed: one unless the body says more."""
    return whole(body, "count", _MOST)


def whole(body: Doc, name: str, most: int, field: str = "") -> int:
    """Return a whole number from 1; 1 when there is none."""
    value = body.get(name, 1)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise Refusal(field or name, f"a whole number from 1 to {most} is wanted")
    return value


def choice(body: Doc, name: str, allowed: tuple[str, ...], default: str) -> str:
    """Return a text of the body that is one of `allowed`."""
    value = body.get(name, default)
    if value != default and value not in allowed:
        raise Refusal(name, f"one of {', '.join(dict.fromkeys(allowed))} is wanted")
    return str(value)


def site_of(sites: Mapping[str, Site], sells_on: list[str], body: Doc) -> Site:
    """Return the site a buyer orders on: the seller's first unless the body says another."""
    code = body.get("site", sells_on[0])
    if code not in sells_on:
        raise Refusal("site", f"this seller sells on {', '.join(sells_on)}")
    site = sites[code]
    if body.get("currency", site.currency) != site.currency:
        raise Refusal("currency", f"{code} sells in {site.currency}")
    return site


def lines_of(body: Doc) -> list[tuple[Any, str]]:
    """Return the lines as given, each with the name under which a refusal speaks of it."""
    given = body.get("lines")
    if not isinstance(given, list) or not given:
        raise Refusal("lines", "a list of at least one line is wanted")
    return [(line, f"lines[{n}]") for n, line in enumerate(given)]


def variation_of(line: Doc, field: str) -> Doc | None:
    """Return the options a buyer chose, None when the line says nothing of them."""
    variation = line.get("variation")
    if variation is not None and not isinstance(variation, dict):
        raise Refusal(f"{field}.variation", 'an object such as {"Size": "XL"} is wanted')
    return variation


def money(body: Doc, name: str, default: Decimal = ZERO, field: str = "", *, signed: bool = False) -> Decimal:
    """Return an amount, a decimal string; below nought only where `signed`."""
    value = body.get(name)
    if value is None:
        return default
    try:
        found = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite() or abs(found) > 10**9 or (found < 0 and not signed):
        raise Refusal(field or name, 'money is a decimal string such as "12.50"')
    return found


def share(lines: list[Doc], name: str, total: Decimal, write: Callable[[Decimal], str]) -> None:
    """Spread an amount of the whole order over its lines by their price; the last takes what rounding leaves.

    `write` rounds an amount as the order's currency does.
    """
    if not total:
        return
    prices = [Decimal(line["unit_price"]) * int(line["quantity"]) for line in lines]
    left = total
    for line, price in zip(lines[:-1], prices, strict=False):
        part = Decimal(write(total * price / (sum(prices) or 1)))
        line[name] = write(Decimal(line[name]) + part)
        left -= part
    lines[-1][name] = write(Decimal(lines[-1][name]) + left)
