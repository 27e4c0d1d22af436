"""Two searches that row-level security would keep from their indexes.

PostgreSQL does not let a condition whose operator is not marked leakproof (`@>` on arrays, comparisons of numeric) reach
an index before the policy's own condition, so under row-level security the buyers' GIN index and the index on totals were
never used: a search read the whole table. These functions run as the tables' owner and say the policy's condition
themselves, so they see the active merchant's rows and no others; outside a scope they find nothing.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

MINE = "merchant_id = nullif(current_setting('app.merchant', true), '')::bigint"
FORWARD = f"""
CREATE OR REPLACE FUNCTION orders_with_words(words bigint[], at_most integer) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public SET enable_seqscan = off SET jit = off AS $$
    SELECT order_id FROM orders_buyer WHERE tokens @> words AND {MINE} LIMIT at_most
$$;
CREATE OR REPLACE FUNCTION orders_with_total(low numeric, high numeric, at_most integer) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public SET enable_seqscan = off SET jit = off AS $$
    SELECT id FROM orders_order
    WHERE {MINE} AND total >= coalesce(low, '-Infinity') AND total <= coalesce(high, 'Infinity') LIMIT at_most
$$;
REVOKE ALL ON FUNCTION orders_with_words(bigint[], integer), orders_with_total(numeric, numeric, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION orders_with_words(bigint[], integer), orders_with_total(numeric, numeric, integer) TO salestio_app;
"""  # noqa: S608  both parts are ours
BACKWARD = """
DROP FUNCTION IF EXISTS orders_with_words(bigint[], integer);
DROP FUNCTION IF EXISTS orders_with_total(numeric, numeric, integer);
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0003_tally")]

    operations: ClassVar = [migrations.RunSQL(FORWARD, BACKWARD)]
