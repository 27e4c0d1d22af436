"""Doors of the pipeline for workers; they take ids and call."""

from __future__ import annotations

from celery import shared_task

from orders import backfill, pipeline, pull
from salestio import doorbell, turns
from salestio.tenancy import MerchantTask

DRAINS_A_LANE = 3
"""Each sends four at a time; more would only wait for the store's limit."""


@shared_task(base=MerchantTask, name=pipeline.DRAIN)
def drain(merchant_id: int, store_id: int) -> None:
    """Work off a lane's due orders, for one turn."""
    doorbell.answered(pipeline.DRAIN, merchant_id, store_id)
    with turns.turn(pipeline.DRAIN, merchant_id, store_id, most=DRAINS_A_LANE) as mine:
        if mine:
            pipeline.drain(merchant_id, store_id, seconds=turns.SECONDS)


@shared_task(base=MerchantTask, name=pull.PULL)
def pull_orders(merchant_id: int, account_id: int) -> None:
    """Read an account's due pages, for one turn."""
    doorbell.answered(pull.PULL, merchant_id, account_id)
    pull.run(merchant_id, account_id, seconds=turns.SECONDS)


@shared_task(base=MerchantTask, name=backfill.BACK_FILL)
def back_fill(merchant_id: int, account_id: int) -> None:
    """Count or import an account's older orders, for one turn."""
    doorbell.answered(backfill.BACK_FILL, merchant_id, account_id)
    backfill.run(merchant_id, account_id, seconds=turns.SECONDS)


@shared_task(base=MerchantTask, name=pull.READ_HINTED)
def read_hinted(merchant_id: int, account_id: int) -> None:
    """Read the orders that push messages named, for one turn."""
    doorbell.answered(pull.READ_HINTED, merchant_id, account_id)
    with turns.turn(pull.READ_HINTED, merchant_id, account_id, most=1) as mine:
        if mine:
            pull.read_hinted(merchant_id, account_id, seconds=turns.SECONDS)
