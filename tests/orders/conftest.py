"""The demo merchant against the running sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from accounts import connections, demo
from accounts.models import MarketplaceAccount, StoreRoute
from salestio import doorbell, tenancy
from tests.environment import RUN
from tests.orders.world import SHOP, World


@pytest.fixture
def world(
    transactional_db: None, redis_url: str, sandbox: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """The demo world as at the first start, catalog read, nothing bought yet."""
    sandbox.reset()
    sandbox.control("POST", "/limits", {"profile": "off", "list_delay_seconds": 0})
    # A Plus shop: its larger bucket is learnt from the first answer, so setting up does not wait for points.
    sandbox.control("POST", f"/stores/{SHOP}/settings", {"plan": "plus"})
    connections.forget_all()
    doorbell.forget_client()
    settings.DEMO = True
    settings.DATA_DIR = RUN.directory
    # The stranger is not needed here, and making a merchant takes dozens of calls.
    monkeypatch.setattr(demo, "WORLD", demo.WORLD[:1])
    demo.seed(traffic=False)
    merchant_id = StoreRoute.objects.get(key=SHOP).merchant_ref
    made = World(sandbox, merchant_id)
    with tenancy.scope(merchant_id):
        # The conflict guard has a test of its own; elsewhere it has seen enough.
        MarketplaceAccount.objects.update(guard_clean=20)
    made.work_until(made.ready)
    yield made
    sandbox.control("DELETE", "/faults")
