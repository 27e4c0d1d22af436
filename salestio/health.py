"""Is this process up (`/healthz`), and is the whole thing ready for work (`/readyz`)? No secrets in the answers."""

from __future__ import annotations

import shutil

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from salestio import doorbell, sweep

LEAST_FREE_BYTES = 200 * 1024 * 1024
_migrated: bool | None = None


def healthz(request: HttpRequest) -> JsonResponse:
    """Say that the process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Check database, migrations, broker, sweeper and disk; 503 names what is red. A broker away only slows us down."""
    checks: dict[str, str] = {"database": _database()}
    if checks["database"] == "ok":
        checks["migrations"] = _migrations()
        checks["sweeper"] = _sweeper()
    checks["broker"] = "ok" if doorbell.broker_is_up() else "away: work goes on by the sweeper, slower"
    checks["disk"] = _disk()
    red = [name for name, said in checks.items() if said != "ok" and name != "broker"]
    return JsonResponse({"status": "red" if red else "ok", "red": red, "checks": checks}, status=503 if red else 200)


def _database() -> str:
    try:
        sweep.beat("web")
    except (DatabaseError, InterfaceError) as error:
        return f"cannot be written: {type(error).__name__}"
    return "ok"


def _migrations() -> str:
    """Compare the code's migrations with the database's; once they agree the answer is kept, a process's code is fixed."""
    global _migrated
    if _migrated:
        return "ok"
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    _migrated = not waiting
    return "ok" if _migrated else f"{len(waiting)} not applied; run manage.py migrate --database owner"


def _sweeper() -> str:
    silent = sweep.silent_for("sweep")
    if silent is None:
        return "has not run yet: no worker takes work"
    limit = max(settings.TIMES.heartbeat, 30.0 * settings.TIMES.sweep)
    return "ok" if silent < limit else f"silent for {int(silent)} s: is a worker running?"


def _disk() -> str:
    folder = settings.DATA_DIR
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return "ok" if free > LEAST_FREE_BYTES else f"only {free // 2**20} MB free"
