"""An order's sums, always worked out anew from its lines and costs unless the client overrode them. Money has four
decimals on the wire, as V2 shows it."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.sandbox.bigcommerce.state import Doc

_PLACES = Decimal("0.0001")
COSTS = ("shipping_cost", "handling_cost", "wrapping_cost")


def four(value: Any) -> str:
    """Return an amount as V2 writes it: `12.5000`."""
    return str(Decimal(str(value)).quantize(_PLACES, ROUND_HALF_UP))


def two(value: Any) -> str:
    """Return an amount in cents, as people read it."""
    return str(Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP))


def of(order: Doc) -> dict[str, Decimal]:
    """Return `subtotal`, `total` and the costs, each with `_ex_tax`, `_inc_tax` and `_tax`.

    Total = subtotal + shipping + handling + wrapping + fees − discount. A discount is taken off both forms alike; an
    overridden pair stands as it was given.
    """
    given = {name: Decimal(value) for name, value in order["money"].items()}
    sums: dict[str, Decimal] = {}
    discount = given.get("discount_amount", Decimal(0))
    for tail, part in (("ex_tax", "ex"), ("inc_tax", "inc")):
        lines = sum((Decimal(line["price"][part]) * line["quantity"] for line in order["lines"]), Decimal(0))
        sums[f"subtotal_{tail}"] = given.get(f"subtotal_{tail}", lines)
        for name in COSTS:
            sums[f"{name}_{tail}"] = given.get(f"{name}_{tail}", given.get(f"base_{name}", Decimal(0)))
        fees = sum((Decimal(fee[part]) for fee in order["fees"]), Decimal(0))
        costs = sum((sums[f"{name}_{tail}"] for name in COSTS), Decimal(0))
        total = max(Decimal(0), sums[f"subtotal_{tail}"] + costs + fees - discount)
        sums[f"total_{tail}"] = given.get(f"total_{tail}", total)
    for name in ("subtotal", "total", *COSTS):
        sums[f"{name}_tax"] = sums[f"{name}_inc_tax"] - sums[f"{name}_ex_tax"]
    return sums


def refunded(order: Doc) -> Decimal:
    """Return what was given back so far."""
    return sum((Decimal(entry["amount"]) for entry in order["refunds"]), Decimal(0))
