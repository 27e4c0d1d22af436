"""The demo's merchants against the running sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from accounts import connections, demo
from accounts.models import MarketplaceAccount, StoreRoute
from salestio import doorbell, tenancy
from tests.environment import RUN
from tests.orders.world import World

Start = Callable[..., World]


@pytest.fixture
def start(
    transactional_db: None, redis_url: str, sandbox: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Start]:
    """What makes the demo's world as at the first start, with one merchant: catalog read, nothing bought yet."""
    sandbox.reset()
    sandbox.control("POST", "/limits", {"profile": "off", "list_delay_seconds": 0})
    connections.forget_all()
    doorbell.forget_client()
    settings.DEMO = True
    settings.DATA_DIR = RUN.directory

    def make(slug: str = "northpine", *, platform: str = "") -> World:
        """Make the merchant of this name, with all its sellers, or with that of one marketplace only."""
        plan = next(one for one in demo.WORLD if one.slug == slug)
        if platform:
            plan = replace(plan, accounts=tuple(one for one in plan.accounts if one.platform == platform)[:1])
            assert plan.accounts, f"the demo's {slug} has no seller on {platform} (docs/adding-a-platform.md)"
        if plan.platform == "shopify":
            # A Plus shop: its larger bucket is learnt from the first answer, so setting up does not wait for points.
            sandbox.control("POST", f"/stores/{plan.store}/settings", {"plan": "plus"})
        # The others are not needed here, and making a merchant takes dozens of calls.
        monkeypatch.setattr(demo, "WORLD", (plan,))
        demo.seed(traffic=False)
        merchant_id = StoreRoute.objects.get(key=plan.store).merchant_ref
        seller = plan.accounts[0]
        made = World(sandbox, merchant_id, plan.store, plan.platform, seller.key, seller.platform)
        with tenancy.scope(merchant_id):
            # The conflict guard has a test of its own; elsewhere it has seen enough.
            MarketplaceAccount.objects.update(guard_clean=20)
        made.work_until(made.ready)
        return made

    yield make
    sandbox.control("DELETE", "/faults")


@pytest.fixture
def world(start: Start) -> World:
    """The demo's first merchant: a Shopify store and three Amazon sellers."""
    return start()
