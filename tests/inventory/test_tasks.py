"""The doors for workers: they take ids, and a turn of a lane reads batch after batch until nothing is due."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inventory import catalog, lanes, refresh, tasks
from salestio.celery import app


def test_the_sweeper_rings_tasks_that_exist() -> None:
    app.loader.import_default_modules()

    assert {lanes.REFRESH, lanes.SYNC_CATALOG} <= app.tasks.keys()


@pytest.mark.parametrize(("batches", "calls"), [([250, 250, 7, 0], 4), ([0], 1), ([250] * 50, tasks.MOST_BATCHES)])
def test_a_turn_reads_until_nothing_is_due_but_not_for_ever(
    batches: list[int], calls: int, monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    asked: list[tuple[int, int]] = []
    left = iter(batches)

    def run(merchant_id: int, store_id: int) -> int:
        asked.append((merchant_id, store_id))
        return next(left)

    monkeypatch.setattr(refresh, "run", run)

    tasks.refresh_figures(3, 4)

    assert asked == [(3, 4)] * calls


def test_a_task_without_a_merchant_is_refused(redis_url: str) -> None:
    door: Callable[..., object] = tasks.sync_catalog

    with pytest.raises(TypeError, match="merchant's id"):
        door("3", 4)


def test_the_catalog_door_calls_the_sync(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(catalog, "sync", lambda merchant_id, store_id: asked.append((merchant_id, store_id)))

    tasks.sync_catalog(3, 4)

    assert asked == [(3, 4)]
