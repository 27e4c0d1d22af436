"""After each test here the ledger explains the stock, to the unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from accounts.models import Merchant
from inventory import ledger
from salestio import routes, tenancy
from tests.inventory import world as cast
from tests.inventory.world import World


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
def make_world(request: pytest.FixtureRequest) -> Iterator[Callable[..., World]]:
    """Make a merchant with a store and locations; at the end its ledger must explain its stock."""
    made: list[World] = []

    def make(**facts: object) -> World:
        made.append(World.make(**facts))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        with one.scope():
            assert [str(drift) for drift in ledger.check()] == []


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """The usual merchant: one store with one location."""
    return make_world()


@pytest.fixture
def stranger(make_world: Callable[..., World]) -> World:
    """Another merchant, who must never see the first one's things."""
    return make_world(name="Stranger")


@pytest.fixture
def every_merchant() -> Callable[[], list[int]]:
    def ids() -> list[int]:
        with tenancy.unscoped("sweep"):
            return list(Merchant.objects.values_list("id", flat=True))

    return ids
