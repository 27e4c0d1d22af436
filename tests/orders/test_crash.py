"""Kill the worker at every named point of the pipeline: nothing is lost, nothing is doubled (RELIABILITY fault F1)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from connectors.sandbox.platforms import PLATFORMS
from orders.steps.crash import POINTS
from salestio import tenancy
from tests.orders.conftest import Start
from tests.orders.world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.crash]

DRAIN = """
import django; django.setup()
from orders import pipeline, pull
import sys
merchant, store, account = map(int, sys.argv[1:4])
pull.run(merchant, account)
while pipeline.drain(merchant, store): pass
"""


def drain_until_killed(world: World, point: str, flag: Path) -> int:
    """Pull and drain in a process of its own that kills itself at the point; return how it ended."""
    account = world.account()
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "salestio.settings", "SALESTIO_CRASH_AT": point, "SALESTIO_CRASH_ONCE": str(flag),
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DRAIN, str(world.merchant_id), str(account.store_id), str(account.pk)],
        env=environment, cwd=Path(__file__).resolve().parents[2], timeout=60, check=False,
    ).returncode  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(
    ("slug", "platform"), [("northpine", "amazon"), ("lumen", "etsy")], ids=["amazon-shopify", "etsy-bigcommerce"]
)
def test_a_worker_killed_here_loses_and_doubles_nothing(
    start: Start, slug: str, platform: str, point: str, tmp_path: Path
) -> None:
    world = start(slug, platform=platform)
    (sku,) = world.goods(1)
    world.set_stock(sku, 20)
    world.read(sku)
    references = world.buy((sku, 1), count=6)
    if point in ("after_unknown_commit", "after_lookup"):
        create = PLATFORMS[world.store_platform].operation
        world.fault(platform=world.store_platform, operation=create, kind="status_after", count=1, params={"code": 500})
    world.pull()

    ended = drain_until_killed(world, point, tmp_path / "crashed")
    world.work(*references, until=("created",), seconds=40)
    world.work_for(1.0)

    assert ended == -signal.SIGKILL
    assert {len(world.store_orders(reference)) for reference in references} == {1}
    assert world.units(sku) == 14
    with tenancy.scope(world.merchant_id), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(DISTINCT marketplace_order_id) FROM orders_storeorder WHERE state = 'created'"
        )
        assert cursor.fetchone() == (6, 6)
        cursor.execute(
            "SELECT sum(s.reserved) FROM inventory_stock s JOIN inventory_variant v ON v.id = s.variant_id WHERE v.sku = %s",
            [sku],
        )
        assert cursor.fetchone()[0] == 0
