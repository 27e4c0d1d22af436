"""Composite foreign keys of orders: the same merchant on both ends (MECHANISMS 12)."""

from __future__ import annotations

from django.db import migrations

KEYS = [
    ("orders_order", "store_id", "accounts_store", "CASCADE"),
    ("orders_order", "account_id", "accounts_marketplaceaccount", "CASCADE"),
    ("orders_orderline", "variant_id", "inventory_variant", "SET NULL (variant_id)"),
    ("orders_storeorder", "order_id", "orders_order", "CASCADE"),
    ("orders_storeorder", "store_id", "accounts_store", "CASCADE"),
    ("orders_stockwait", "variant_id", "inventory_variant", "CASCADE"),
]


def composite(table: str, column: str, target: str, on_delete: str) -> migrations.RunSQL:
    name = f"{table}_{column}_same_merchant"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (merchant_id, {column}) "
        f"REFERENCES {target} (merchant_id, id) ON DELETE {on_delete} DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("inventory", "0002_composite_keys")]
    operations = [composite(*key) for key in KEYS]
