"""The door of the outbox."""

from __future__ import annotations

from celery import shared_task

from salestio import doorbell
from salestio.outbox import dispatch
from salestio.tenancy import MerchantTask


@shared_task(base=MerchantTask, name=dispatch.TASK)
def drain(merchant_id: int, store_id: int) -> None:
    """Do what the lane owes, until nothing is due."""
    doorbell.answered(dispatch.TASK, merchant_id, store_id)
    while dispatch.drain(merchant_id, store_id):
        pass
