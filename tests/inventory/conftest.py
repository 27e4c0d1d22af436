"""The cast of these tests. After each of them the suite's own fixture checks that the ledger explains the stock."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from salestio import metrics, routes
from tests.environment import RUN
from tests.inventory import world as cast
from tests.inventory.world import World


@pytest.fixture(scope="session", autouse=True)
def _no_call_counts_saved_behind_our_back() -> None:
    """The thread that saves call counts would use the database between tests, where nobody may."""
    metrics.FLUSH_SECONDS = 86400.0


@pytest.fixture(autouse=True)
def listening(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note what inventory tells other apps, instead of running what they do about it."""
    cast.heard.clear()
    for event, name in (
        ("stock.changed", "on_stock_changed"),
        ("catalog.changed", "on_catalog_changed"),
        ("order.placed", "on_placed"),
    ):
        monkeypatch.setitem(routes.NOW, event, (f"tests.inventory.world.{name}",))


@pytest.fixture
def make_world() -> Callable[..., World]:
    """Make a merchant with a store and as many locations as a test needs."""
    return World.make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """The usual merchant: one store with one location."""
    return make_world()


@pytest.fixture
def stranger(make_world: Callable[..., World]) -> World:
    """Another merchant, who must never see the first one's things."""
    return make_world(name="Stranger")


@pytest.fixture
def broker() -> None:
    """Redis, with the buckets as the test before left them: an empty bucket means waiting, as after a restart."""
    RUN.start_redis()
