"""The doors for workers: they take ids; the sweeper rings names that exist."""

from __future__ import annotations

import pytest

from inventory import lanes, tasks
from salestio.celery import app


def test_the_sweeper_rings_tasks_that_exist() -> None:
    app.loader.import_default_modules()

    assert {lanes.REFRESH, lanes.SYNC_CATALOG} <= app.tasks.keys()


@pytest.mark.parametrize("door", [tasks.sync_catalog, tasks.refresh_figures])
def test_a_task_without_a_merchant_is_refused(door: object) -> None:
    with pytest.raises(TypeError, match="merchant's id"):
        door("3", 4)  # type: ignore[operator]
