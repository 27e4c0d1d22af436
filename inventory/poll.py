"""The poll: figures that grew old are read again, because webhooks get lost (MECHANISMS 6)."""

from __future__ import annotations

from django.conf import settings

from inventory import sql
from salestio import tenancy

BATCH = 250
SOLD_WITHIN_DAYS = 7
REST_EVERY = 96
"""Figures of what nobody bought lately are read again after so many times the age of an active figure: a day."""


def ask_old(store_id: int) -> int:
    """Ask for reads of figures that grew old, in an open scope; return how many variants.

    Those that moved in the last week after `figure_age`, others after a day, a batch at a time: webhooks bring their
    changes, the poll finds those that were lost.
    """
    age = settings.TIMES.figure_age
    return sql.run(
        """WITH old AS (
               SELECT v.id, v.figures_as_of, EXISTS (
                   SELECT 1 FROM inventory_stock s JOIN inventory_ledgerentry e ON e.stock_id = s.id
                   WHERE s.variant_id = v.id AND e.kind <> 'figure' AND e.at > now() - make_interval(days => %(days)s)
               ) AS sold
               FROM inventory_variant v
               WHERE v.merchant_id = %(merchant)s AND v.store_id = %(store)s AND v.active AND v.deleted_at IS NULL
                 AND v.tracked AND v.reread_at IS NULL
                 AND (v.figures_as_of IS NULL OR v.figures_as_of < now() - make_interval(secs => %(age)s))),
           due AS (
               SELECT id FROM old
               WHERE sold OR figures_as_of IS NULL OR figures_as_of < now() - make_interval(secs => %(rest)s)
               ORDER BY NOT sold, figures_as_of NULLS FIRST LIMIT %(batch)s),
           locked AS (SELECT id FROM inventory_variant WHERE id IN (SELECT id FROM due)
                      ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
           UPDATE inventory_variant v SET reread_at = clock_timestamp() FROM locked
           WHERE v.id = locked.id AND v.reread_at IS NULL""",
        {
            "merchant": tenancy.current_merchant_id(),
            "store": store_id,
            "days": SOLD_WITHIN_DAYS,
            "age": age,
            "rest": age * REST_EVERY,
            "batch": BATCH,
        },
    )
