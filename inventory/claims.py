"""Whether a store lowers its stock when an order is made: a fact of the store, checked by experience (MECHANISMS 6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from inventory import sql
from salestio import routes

MISSES = 3
"""So many hand-overs in a row that the store's figure did not show."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many units of recent hand-overs a settling read should have shown to be gone, and how many it did."""

    variant_id: int
    expected: int
    seen: int

    @property
    def hit(self) -> bool:
        return self.seen >= self.expected

    @property
    def miss(self) -> bool:
        """Nothing went at all; between the two, something else moved the figure and nothing can be said."""
        return self.seen <= 0 < self.expected


def count_misses(before: int, verdicts: Iterable[Verdict]) -> int:
    """Return the misses in a row after these verdicts; it stays at `MISSES` once it got there."""
    misses = before
    for verdict in verdicts:
        if misses >= MISSES:
            break
        if verdict.hit:
            misses = 0
        elif verdict.miss:
            misses += 1
    return misses


def of(store_id: int) -> tuple[str, str]:
    """Return (at_creation, at_shipping or never; the platform). Raises LookupError for a store that is not this merchant's."""
    found = sql.rows("SELECT claims_stock, platform FROM accounts_store WHERE id = %s", [store_id])
    if not found:
        raise LookupError(f"no store {store_id} here")
    claims_stock, platform = found[0]
    return str(claims_stock), str(platform)


def judge(store_id: int, verdicts: Iterable[Verdict]) -> None:
    """Count what settling reads showed; after three misses in a row units stay kept until the parcel leaves.

    Variants that the store does not count are no witnesses. Units of orders handed over before are not freed by this.
    """
    asked = list(verdicts)
    counted = sql.rows(
        "SELECT id FROM inventory_variant WHERE id = ANY(%s) AND tracked", [[one.variant_id for one in asked]]
    )
    witnesses = [one for one in asked if one.variant_id in {row[0] for row in counted}]
    if not witnesses:
        return
    ((before, name),) = sql.rows("SELECT claim_misses, name FROM accounts_store WHERE id = %s", [store_id])
    misses = count_misses(before, witnesses)
    if misses == before:
        return
    switch = misses >= MISSES
    sql.run(
        """UPDATE accounts_store SET claim_misses = %s,
                  claims_stock = CASE WHEN %s THEN 'at_shipping' ELSE claims_stock END
           WHERE id = %s AND claims_stock = 'at_creation'""",
        [misses, switch, store_id],
    )
    if switch:
        routes.emit("alert.open", kind="claims_stock", key=f"store:{store_id}", data={"name": name})
