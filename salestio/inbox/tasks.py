"""The door of the inbox."""

from __future__ import annotations

from celery import shared_task

from salestio import doorbell
from salestio.inbox import drain as inbox
from salestio.tenancy import MerchantTask


@shared_task(base=MerchantTask, name=inbox.TASK)
def drain(merchant_id: int, store_id: int) -> None:
    """Act on the lane's messages until none is due."""
    doorbell.answered(inbox.TASK, merchant_id, store_id)
    while inbox.drain(merchant_id, store_id) == inbox.BATCH:
        pass
