"""When a variant's figures are read again for an order's sake: soon, or by the clock of orders that wait for stock."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from accounts import connections
from inventory import settling, sql
from inventory.lanes import REFRESH
from salestio import doorbell, tenancy
from salestio.lib.backoff import stock_recheck


def read_soon(variant_ids: Iterable[int], *, unless_within: float = 0.0) -> int:
    """Ask for a reading of these variants at once, in a scope; return how many were put forward.

    A reading that is due already, or within so many seconds, stays as it is. Rings the lanes after the commit.
    """
    stores = _ask(variant_ids, 0.0, unless_within=unless_within)
    for store_id in sorted(set(stores)):
        doorbell.ring(REFRESH, tenancy.current_merchant_id(), store_id)
    return len(stores)


def read_what_was_told(variant_ids: Iterable[int], store_id: int, platform: str) -> int:
    """The store told of a change of these variants: ask for a reading that shows it, in a scope; return how many were
    put forward.

    It is read now, unless a settling read is due anyway: most of what stores tell is the echo of the orders we made.
    Where reads lag behind, the hint stays until a reading that can show it is stored: the one made now may still show
    the old figure.
    """
    ids = sorted(set(variant_ids))
    if connections.stock_lag(platform):
        sql.run(
            """WITH told AS (SELECT id FROM inventory_variant WHERE store_id = %s AND id = ANY(%s)
                             ORDER BY id FOR NO KEY UPDATE)
               UPDATE inventory_variant v SET hinted_at = clock_timestamp() FROM told WHERE v.id = told.id""",
            [store_id, ids],
        )
    return read_soon(ids, unless_within=settling.soon(platform))


def watch(variant_ids: Iterable[int]) -> int:
    """Ask for a reading of these variants, short for some order, by the clock of MECHANISMS 3, in a scope.

    Ten minutes from now at first; `refresh` goes on with it while orders wait. Returns how many were brought forward.
    """
    return len(_ask(variant_ids, (stock_recheck(0.0) or 0.0) * settings.TIMES.retry_unit))


def _ask(variant_ids: Iterable[int], seconds: float, *, unless_within: float = 0.0) -> list[int]:
    """Bring readings forward, never back; return the store of each variant that was changed."""
    ids = sorted(set(variant_ids))
    if not ids:
        return []
    found = sql.rows(
        """WITH late AS (
               SELECT id, clock_timestamp() + make_interval(secs => %(seconds)s) AS at FROM inventory_variant
               WHERE merchant_id = %(merchant)s AND id = ANY(%(ids)s) AND deleted_at IS NULL
                 AND (reread_at IS NULL OR reread_at > clock_timestamp() + make_interval(secs => %(later)s))
               ORDER BY id FOR NO KEY UPDATE)
           UPDATE inventory_variant v SET reread_at = least(v.reread_at, late.at) FROM late WHERE v.id = late.id
           RETURNING v.store_id""",
        {
            "seconds": seconds,
            "later": max(seconds, unless_within),
            "merchant": tenancy.current_merchant_id(),
            "ids": ids,
        },
    )
    return [row[0] for row in found]
