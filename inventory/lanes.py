"""Lanes with stock or catalog work due; the sweeper asks, inside `tenancy.unscoped`, through salestio/routes.py."""

from __future__ import annotations

from inventory import sql

REFRESH = "inventory.tasks.refresh"
SYNC_CATALOG = "inventory.tasks.sync_catalog"
SAVE_MAPPINGS = "inventory.tasks.save_mappings"
LANES_A_TICK = 500

_READS = """
WITH RECURSIVE lane AS (
    (SELECT merchant_id, store_id FROM inventory_variant WHERE reread_at IS NOT NULL
     ORDER BY merchant_id, store_id LIMIT 1)
    UNION ALL
    SELECT n.merchant_id, n.store_id FROM lane, LATERAL (
        SELECT merchant_id, store_id FROM inventory_variant
        WHERE reread_at IS NOT NULL AND (merchant_id, store_id) > (lane.merchant_id, lane.store_id)
        ORDER BY merchant_id, store_id LIMIT 1) n)
SELECT lane.merchant_id, lane.store_id FROM lane JOIN accounts_store s ON s.id = lane.store_id AND s.state = 'active'
WHERE EXISTS (SELECT 1 FROM inventory_variant v
              WHERE v.merchant_id = lane.merchant_id AND v.store_id = lane.store_id AND v.reread_at <= now())
LIMIT %s
"""
"""A skip scan over the index of variants to read: as many steps as stores, however many variants wait."""

_CATALOGS = """
SELECT merchant_id, id FROM accounts_store
WHERE state = 'active' AND catalog_next_at <= now() AND (catalog_lease_until IS NULL OR catalog_lease_until < now())
ORDER BY catalog_next_at LIMIT %s
"""

_MAPPINGS = """
SELECT merchant_id, id FROM inventory_mappingupload
WHERE state IN ('waiting', 'applying') AND (lease_until IS NULL OR lease_until < now()) ORDER BY id LIMIT %s
"""


def due_lanes() -> list[tuple[str, int, int]]:
    """Return (task, merchant id, store id) of every store with figures to read or a catalog to look through, and
    (task, merchant id, upload id) of every file of mappings to check or apply."""
    found = [(REFRESH, merchant_id, store_id) for merchant_id, store_id in sql.rows(_READS, [LANES_A_TICK])]
    found += [(SYNC_CATALOG, merchant_id, store_id) for merchant_id, store_id in sql.rows(_CATALOGS, [LANES_A_TICK])]
    found += [(SAVE_MAPPINGS, merchant_id, upload) for merchant_id, upload in sql.rows(_MAPPINGS, [LANES_A_TICK])]
    return found
