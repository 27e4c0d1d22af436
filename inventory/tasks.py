"""Doors of stock and catalog for workers; they take ids and call."""

from __future__ import annotations

from celery import shared_task

from inventory import catalog, mapping_files, refresh
from inventory.lanes import REFRESH, SAVE_MAPPINGS, SYNC_CATALOG
from salestio import doorbell
from salestio.tenancy import MerchantTask

MOST_BATCHES = 20
"""Reads in one turn of a lane, so that a large catalog's poll does not keep a worker; the sweeper rings again."""


@shared_task(base=MerchantTask, name=REFRESH)
def refresh_figures(merchant_id: int, store_id: int) -> None:
    """Read the store's due figures."""
    doorbell.answered(REFRESH, merchant_id, store_id)
    for _batch in range(MOST_BATCHES):
        if not refresh.run(merchant_id, store_id):
            break


@shared_task(base=MerchantTask, name=SYNC_CATALOG)
def sync_catalog(merchant_id: int, store_id: int) -> None:
    """Bring the store's mirror up to date, if that is due."""
    doorbell.answered(SYNC_CATALOG, merchant_id, store_id)
    catalog.sync(merchant_id, store_id)


@shared_task(base=MerchantTask, name=SAVE_MAPPINGS)
def save_mappings(merchant_id: int, upload_id: int) -> None:
    """Save a file of SKU mappings, or what is left of it."""
    doorbell.answered(SAVE_MAPPINGS, merchant_id, upload_id)
    mapping_files.work(merchant_id, upload_id)
