"""Every movement is a ledger row, and the rows add up: the check that runs nightly and after every test."""

from __future__ import annotations

from dataclasses import dataclass

from inventory import sql
from salestio import tenancy


@dataclass(frozen=True, slots=True)
class Drift:
    """A stock row that its ledger or its reservations do not explain."""

    stock_id: int
    variant_id: int
    figure: int
    ledger_figure: int
    reserved: int
    ledger_reserved: int
    reservations: int
    """Units of the reservations that count."""

    def __str__(self) -> str:
        return (
            f"stock {self.stock_id} of variant {self.variant_id}: figure {self.figure}, ledger {self.ledger_figure}; "
            f"reserved {self.reserved}, ledger {self.ledger_reserved}, reservations {self.reservations}"
        )


def check(merchant_id: int | None = None, *, limit: int = 100) -> list[Drift]:
    """Return a merchant's stock rows that do not add up; none when all is well.

    Without an id it looks at the active merchant. Raises `NoScope` when there is none.
    """
    with tenancy.scope(tenancy.current_merchant_id() if merchant_id is None else merchant_id):
        return _drifts(limit)


def _drifts(limit: int) -> list[Drift]:
    found = sql.rows(
        """WITH told AS (
               SELECT stock_id, sum(figure_change) AS figure, sum(reserved_change) AS reserved
               FROM inventory_ledgerentry WHERE merchant_id = %(merchant)s GROUP BY stock_id),
           held AS (
               SELECT stock_id, sum(quantity) AS units FROM inventory_reservation
               WHERE merchant_id = %(merchant)s AND state IN ('kept', 'sending', 'unknown', 'handed_over')
               GROUP BY stock_id)
           SELECT s.id, s.variant_id, s.figure, coalesce(told.figure, 0)::int, s.reserved,
                  coalesce(told.reserved, 0)::int, coalesce(held.units, 0)::int
           FROM inventory_stock s LEFT JOIN told ON told.stock_id = s.id LEFT JOIN held ON held.stock_id = s.id
           WHERE s.merchant_id = %(merchant)s
             AND (s.figure, s.reserved, s.reserved) IS DISTINCT FROM
                 (coalesce(told.figure, 0), coalesce(told.reserved, 0), coalesce(held.units, 0))
           ORDER BY s.id LIMIT %(limit)s""",
        {"merchant": tenancy.current_merchant_id(), "limit": limit},
    )
    return [Drift(*row) for row in found]
