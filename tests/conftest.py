"""Fixtures every test may use: a migrated database as the app role, the owner's connection, Redis, the sandbox.

- Tests connect as `salestio_app`, so row-level security holds in them as it does in production (MECHANISMS 12).
- Tests marked `django_db` run in a transaction; those with `transaction=True` commit, and the owner's connection
  truncates what they wrote.
- Nothing outside this machine can be reached (pytest-socket, pyproject).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
import redis
import requests

from salestio import roles
from salestio.launch.processes import die_with_parent
from tests.environment import RUN, WORKER

TEMPLATE = "salestio_test_template"
ROOT = Path(__file__).resolve().parent.parent


# ── the official contracts ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def specs() -> Path:
    """The folder of the platforms' official contracts. Without it a failure in CI, elsewhere a skip."""
    folder = os.environ.get("SALESTIO_SPECS", "")
    if folder and Path(folder).is_dir():
        return Path(folder)
    sentence = "SALESTIO_SPECS names no folder of the official contracts (docs/contracts.md says where they come from)"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


# ── the database ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _test_database() -> str:
    return urlsplit(os.environ["DATABASE_URL"]).path.lstrip("/")


def _admin() -> Any:
    return roles.connect(os.environ["DATABASE_OWNER_URL"], database="postgres")


def _migrate_template() -> None:
    """Make the template database and migrate it, once a run; other workers wait for the one that came first."""
    from django.core.management import call_command
    from django.db import connections

    with closing(_admin()) as admin, admin.cursor() as cursor:
        # An advisory lock of the maintenance database: it ends with this connection, whatever happens.
        cursor.execute("SELECT pg_advisory_lock(7021)")
        cursor.execute("SELECT datistemplate FROM pg_database WHERE datname = %s", [TEMPLATE])
        found = cursor.fetchone()
        if found and found[0] and not RUN.first:
            return
        if found:
            cursor.execute(f"ALTER DATABASE {TEMPLATE} IS_TEMPLATE false")
            cursor.execute(f"DROP DATABASE {TEMPLATE} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {TEMPLATE} OWNER {roles.OWNER}")
        owner = connections["owner"]
        kept = owner.settings_dict["NAME"]
        owner.settings_dict["NAME"] = TEMPLATE
        try:
            call_command("migrate", database="owner", verbosity=0, interactive=False)
        finally:
            owner.close()
            owner.settings_dict["NAME"] = kept
        cursor.execute(f"ALTER DATABASE {TEMPLATE} IS_TEMPLATE true")


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    """Instead of pytest-django's own: a clone of the migrated template, owned by the owner, used as the app role."""
    from django.db import connections

    RUN.start()
    name = _test_database()
    with django_db_blocker.unblock():
        _migrate_template()
    with closing(_admin()) as admin, admin.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {roles.OWNER}")
    yield
    with django_db_blocker.unblock():
        connections.close_all()
    with closing(_admin()) as admin, admin.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def owner(django_db_setup: None) -> Iterator[Any]:
    """An autocommitting psycopg2 connection as `salestio_owner`: sees every row, outside the test's transaction."""
    with closing(roles.connect(os.environ["DATABASE_OWNER_URL"])) as connection:
        with connection.cursor() as cursor:
            # A test that leaves a transaction open must fail here by name, not hang the run.
            cursor.execute("SET lock_timeout = '10s'")
        yield connection


@pytest.fixture(scope="session")
def truncate(owner: Any) -> Callable[[], None]:
    """A function that empties every table the migrations left empty."""
    with owner.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        empty = []
        for table in tables:
            cursor.execute(f'SELECT NOT EXISTS (SELECT 1 FROM "{table}")')
            if cursor.fetchone()[0]:
                empty.append(f'"{table}"')
    statement = f"TRUNCATE {', '.join(sorted(empty))} RESTART IDENTITY CASCADE" if empty else "SELECT 1"

    def empty_tables() -> None:
        with owner.cursor() as cursor:
            cursor.execute(statement)

    return empty_tables


@pytest.fixture(scope="session", autouse=True)
def _flush_as_owner(request: pytest.FixtureRequest) -> Iterator[None]:
    """Django empties tables after a committing test by TRUNCATE, which the app role may not do: the owner does it."""
    if not request.config.pluginmanager.hasplugin("django"):
        yield
        return
    from django.test import TransactionTestCase

    from accounts import connect, connections, credentials

    def teardown(case: TransactionTestCase) -> None:
        request.getfixturevalue("truncate")()
        # Ids begin again: a store's number must not find the client and the token of the one that had it before.
        connections.forget_all()
        credentials.forget_all()
        connect._KNOWN.clear()

    patch = pytest.MonkeyPatch()
    patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
    yield
    patch.undo()


def _uses_database(request: pytest.FixtureRequest) -> bool:
    names = {"db", "transactional_db", "django_db_reset_sequences"}
    return request.node.get_closest_marker("django_db") is not None or bool(names & set(request.fixturenames))


@pytest.fixture(autouse=True)
def _no_scope_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test leaves a merchant active in the database session, or stock that its ledger does not explain."""
    if not request.config.pluginmanager.hasplugin("django") or not _uses_database(request):
        yield
        return
    if "transactional_db" in request.fixturenames or any(
        mark.kwargs.get("transaction") for mark in request.node.iter_markers("django_db")
    ):
        # Made while the tables are as the migrations left them: it empties those only.
        request.getfixturevalue("truncate")
    request.getfixturevalue("db")
    yield
    from django.db import connection

    if connection.connection is None or connection.needs_rollback:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.merchant', true), current_user")
        merchant, user = cursor.fetchone()
    assert not merchant, f"the test left merchant {merchant} active in the database session"
    assert user == roles.APP, f"the test left the database session as {user}"
    if request.node.get_closest_marker("drift") is None:
        drifted = _drifts(connection)
        assert not drifted, f"the ledger does not explain the stock: {'; '.join(drifted)}"


def _drifts(connection: Any) -> list[str]:
    """Return every stock row that its ledger does not explain (MECHANISMS 6), of all merchants."""
    from django.db import transaction

    from inventory import ledger

    with transaction.atomic():
        # The driver's own cursor: this looks across merchants, which the guard rightly refuses.
        with connection.connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {roles.OPS}")
            cursor.execute("SELECT DISTINCT merchant_id FROM inventory_stock")
            merchants = [merchant for (merchant,) in cursor.fetchall()]
            cursor.execute("SET LOCAL ROLE NONE")
        return [str(drift) for merchant in merchants for drift in ledger.check(merchant)]


# ── the cast ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def merchant(db: None) -> Any:
    """A merchant with an owner, a store and a seller account (`tests.factories.Cast`)."""
    from tests import factories

    return factories.make_merchant()


@pytest.fixture
def stranger(db: None) -> Any:
    """Another merchant, who must never see anything of the first."""
    from tests import factories

    return factories.make_merchant("Stranger & Sons")


# ── Redis ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def redis_url() -> str:
    """A running Redis database of this worker's own, empty at the start of the test."""
    RUN.start_redis()
    url = os.environ["REDIS_URL"]
    with closing(redis.Redis.from_url(url)) as client:
        client.flushdb()
    return url


# ── the pretend world ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The running sandbox: `url` is its base, `control` its JSON control API (CONTROL_API.md)."""

    url: str
    data: Path

    def control(self, method: str, path: str, json: Any = None, **query: Any) -> Any:
        """Call `/_control{path}` and return the JSON answer. Raises requests.HTTPError with the answer's text."""
        answer = requests.request(method, f"{self.url}/_control{path}", json=json, params=query or None, timeout=30)
        if not answer.ok:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text[:500]}", response=answer)
        return answer.json() if answer.content else None

    def reset(self) -> None:
        """The demo world as at the first start, no faults, an empty write record."""
        self.control("POST", "/reset", {})


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The real sandbox process, without its own order stream, at the address the settings know."""
    url = os.environ["SALESTIO_SANDBOX_URL"]
    data = RUN.directory / WORKER / "sandbox"
    data.mkdir(parents=True, exist_ok=True)
    log = RUN.directory / WORKER / "sandbox.log"
    command = [sys.executable, "-m", "connectors.sandbox", "--port", str(urlsplit(url).port), "--data", str(data)]
    command += ["--credentials", str(RUN.directory / "credentials.json"), "--web", os.environ["SALESTIO_WEB_URL"]]
    with log.open("ab") as out:
        process = subprocess.Popen(
            [*command, "--no-traffic"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent(),
        )
    running = Sandbox(url, data)
    try:
        _wait_for(running, process, log)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(running: Sandbox, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            running.control("GET", "/limits")
            return
        except requests.RequestException as error:
            if process.poll() is not None or time.monotonic() > end:
                tail = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the sandbox did not start ({error}):\n{tail}") from None
            time.sleep(0.05)


# ── helpers for meta tests ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def app_connection(django_db_setup: None) -> Iterator[Any]:
    """A raw psycopg2 connection as `salestio_app`, without Django and its guard: what PostgreSQL alone allows."""
    with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as connection:
        connection.autocommit = True
        yield connection
