"""Doors of the pipeline for workers; they take ids and call."""

from __future__ import annotations

from celery import shared_task

from orders import pipeline, pull
from salestio import doorbell
from salestio.tenancy import MerchantTask


@shared_task(base=MerchantTask, name=pipeline.DRAIN)
def drain(merchant_id: int, store_id: int) -> None:
    """Work off a lane's due orders."""
    doorbell.answered(pipeline.DRAIN, merchant_id, store_id)
    pipeline.drain(merchant_id, store_id)


@shared_task(base=MerchantTask, name=pull.PULL)
def pull_orders(merchant_id: int, account_id: int) -> None:
    """Read an account's due pages."""
    doorbell.answered(pull.PULL, merchant_id, account_id)
    pull.run(merchant_id, account_id)


@shared_task(base=MerchantTask, name=pull.READ_HINTED)
def read_hinted(merchant_id: int, account_id: int) -> None:
    """Read the orders that push messages named."""
    doorbell.answered(pull.READ_HINTED, merchant_id, account_id)
    pull.read_hinted(merchant_id, account_id)
