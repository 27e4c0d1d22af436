"""Stock rows: made once, locked always in the order of their ids. Inside an open `tenancy.scope`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from inventory import sql
from salestio import tenancy


class Row(NamedTuple):
    """A locked stock row."""

    id: int
    variant_id: int
    location_id: int | None
    figure: int
    figure_as_of: datetime | None


def make(store_id: int, pairs: Collection[tuple[int, int | None]]) -> None:
    """Make rows without a figure for (variant, location); those that exist stay, what is of another store gets none."""
    ordered = sorted(pairs, key=lambda pair: (pair[0], pair[1] or 0))
    sql.run(
        """INSERT INTO inventory_stock (merchant_id, variant_id, location_id, figure, reserved, version)
           SELECT %s, v.id, l.id, 0, 0, 0
           FROM unnest(%s::bigint[], %s::bigint[]) AS pair(variant_id, location_id)
           JOIN inventory_variant v ON v.id = pair.variant_id AND v.store_id = %s
           LEFT JOIN inventory_location l ON l.id = pair.location_id AND l.store_id = v.store_id
           WHERE pair.location_id IS NULL OR l.id IS NOT NULL
           ORDER BY v.id, l.id NULLS FIRST
           ON CONFLICT DO NOTHING""",
        [tenancy.current_merchant_id(), [pair[0] for pair in ordered], [pair[1] for pair in ordered], store_id],
    )


def lock(variant_ids: Collection[int]) -> list[Row]:
    """Lock all rows of these variants and return them as they are now. No join: the planner cannot go astray."""
    return [
        Row(*row)
        for row in sql.rows(
            """SELECT id, variant_id, location_id, figure, figure_as_of FROM inventory_stock
               WHERE variant_id = ANY(%s) ORDER BY id FOR UPDATE""",
            [sorted(variant_ids)],
        )
    ]


def lock_and_make(store_id: int, variant_ids: Collection[int], pairs: Collection[tuple[int, int | None]]) -> list[Row]:
    """Lock the rows of these variants; make those of `pairs` that are missing first."""
    found = lock(variant_ids)
    missing = set(pairs) - {(row.variant_id, row.location_id) for row in found}
    if missing:  # once a variant and location
        make(store_id, missing)
        found = lock(variant_ids)
    return found
