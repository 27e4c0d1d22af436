"""When a variant's figures are read again for an order's sake: soon, or by the clock of orders that wait for stock."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from inventory import sql
from salestio import tenancy
from salestio.lib.backoff import stock_recheck


def read_soon(variant_ids: Iterable[int]) -> None:
    """Ask for a reading of these variants at once; a reading already due stays. In a scope."""
    _ask(variant_ids, 0.0)


def watch(variant_ids: Iterable[int]) -> None:
    """Ask for a reading of these variants, short for some order, by the clock of MECHANISMS 3. In a scope."""
    _ask(variant_ids, (stock_recheck(0.0) or 0.0) * settings.TIMES.retry_unit)


def _ask(variant_ids: Iterable[int], seconds: float) -> None:
    ids = sorted(set(variant_ids))
    if ids:
        sql.run(
            """UPDATE inventory_variant v SET reread_at = least(v.reread_at, now() + make_interval(secs => %s))
               FROM (SELECT id FROM inventory_variant WHERE merchant_id = %s AND id = ANY(%s) ORDER BY id FOR NO KEY UPDATE) l
               WHERE v.id = l.id""",
            [seconds, tenancy.current_merchant_id(), ids],
        )
