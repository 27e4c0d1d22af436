"""Counts of orders by account, state and reason, moved by a trigger in the transaction that changes them.

A statement-level trigger with transition tables: one insert a statement whatever its size, no row is locked by two
writers, and no path of code can forget it (MECHANISMS 16).
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE FUNCTION orders_tally_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders_ordertally (merchant_id, account_ref, export_state, reason_code, fulfilled_by, change)
    SELECT merchant_id, account_id, export_state, reason_code, fulfilled_by, count(*)
    FROM added GROUP BY 1, 2, 3, 4, 5;
    RETURN NULL;
END $$;
CREATE FUNCTION orders_tally_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders_ordertally (merchant_id, account_ref, export_state, reason_code, fulfilled_by, change)
    SELECT merchant_id, account_id, export_state, reason_code, fulfilled_by, -count(*)
    FROM gone GROUP BY 1, 2, 3, 4, 5;
    RETURN NULL;
END $$;
CREATE FUNCTION orders_tally_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders_ordertally (merchant_id, account_ref, export_state, reason_code, fulfilled_by, change)
    SELECT merchant_id, account_id, export_state, reason_code, fulfilled_by, sum(n)
    FROM (SELECT merchant_id, account_id, export_state, reason_code, fulfilled_by, 1 AS n FROM added
          UNION ALL
          SELECT merchant_id, account_id, export_state, reason_code, fulfilled_by, -1 FROM gone) AS both_sides
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0;
    RETURN NULL;
END $$;
CREATE TRIGGER orders_tally_insert AFTER INSERT ON orders_order
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION orders_tally_insert();
CREATE TRIGGER orders_tally_delete AFTER DELETE ON orders_order
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION orders_tally_delete();
CREATE TRIGGER orders_tally_update AFTER UPDATE ON orders_order
    REFERENCING OLD TABLE AS gone NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION orders_tally_update();
"""
BACK = """
DROP TRIGGER orders_tally_insert ON orders_order;
DROP TRIGGER orders_tally_delete ON orders_order;
DROP TRIGGER orders_tally_update ON orders_order;
DROP FUNCTION orders_tally_insert();
DROP FUNCTION orders_tally_delete();
DROP FUNCTION orders_tally_update();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_composite_keys")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
