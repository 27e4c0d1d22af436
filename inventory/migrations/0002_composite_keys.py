"""Composite foreign keys: a row can only point to a row of the same merchant (MECHANISMS 12)."""

from __future__ import annotations

from django.db import migrations

KEYS = [
    ("inventory_stock", "variant_id", "inventory_variant", "CASCADE"),
    ("inventory_reservation", "stock_id", "inventory_stock", "CASCADE"),
    ("inventory_reservation", "variant_id", "inventory_variant", "CASCADE"),
    ("inventory_ledgerentry", "stock_id", "inventory_stock", "CASCADE"),
    ("inventory_variant", "store_id", "accounts_store", "CASCADE"),
]


def composite(table: str, column: str, target: str, on_delete: str) -> migrations.RunSQL:
    name = f"{table}_{column}_same_merchant"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (merchant_id, {column}) "
        f"REFERENCES {target} (merchant_id, id) ON DELETE {on_delete} DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial"), ("accounts", "0001_initial")]
    operations = [composite(*key) for key in KEYS]
