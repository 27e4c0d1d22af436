"""The database server, its roles and Redis, as `./run` and the tests start them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis
from django.core.management import CommandError, call_command

from salestio import roles
from salestio.devservices import Postgres, Redis, ServiceError, free_port
from salestio.launch import programs
from salestio.launch.processes import started_at, wait_gone

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that the account of the database can reach (pytest's own tmp_path is closed to others)."""
    with tempfile.TemporaryDirectory(prefix="salestio-services-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def postgres(home: Path) -> Iterator[Postgres]:
    server = Postgres(home, "own/er@ :", "app'word", durable=False, log=home / "postgres.log")
    try:
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize("source", ["wheel", "system"])
def test_a_server_starts_from_either_source_and_keeps_its_data(
    source: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESTIO_SERVICES", source)
    if source == "system" and programs._system_postgres() is None:
        monkeypatch.setenv("SALESTIO_SERVICES", "wheel")

    postgres.start()
    with closing(roles.connect(postgres.owner_url)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept (word text)")
        cursor.execute("INSERT INTO kept VALUES ('Ünïcode')")
    postgres.stop()
    postgres.spawn()
    postgres.wait_ready()

    with closing(roles.connect(postgres.owner_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT lower(word) FROM kept")
        assert cursor.fetchone() == ("ünïcode",)


def test_the_server_listens_on_loopback_with_a_password_and_makes_no_unix_socket(postgres: Postgres) -> None:
    postgres.start()

    with closing(roles.connect(postgres.owner_url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'unix_socket_directories')"
        )
        assert dict(cursor.fetchall()) == {"listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        roles.connect(roles.url_for(roles.APP, "guessed", postgres.port, "salestio"))


def test_the_app_role_inherits_nothing_and_may_take_the_ops_role_for_a_transaction(postgres: Postgres) -> None:
    postgres.start()
    with closing(roles.connect(postgres.owner_url)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE secret (id int)")
        cursor.execute(f"GRANT SELECT ON secret TO {roles.OPS}")
    postgres.ensure()

    with closing(roles.connect(postgres.app_url)) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT * FROM secret")
        cursor.execute("BEGIN")
        cursor.execute(f"SET LOCAL ROLE {roles.OPS}")
        cursor.execute("SELECT * FROM secret")
        cursor.execute("COMMIT")
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolinherit FROM pg_roles WHERE rolname = %s",
            [roles.APP],
        )
        assert cursor.fetchone() == (False, False, False, False, False)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("CREATE TABLE mine (id int)")


def test_a_cluster_of_another_version_is_named_in_one_sentence(postgres: Postgres, home: Path) -> None:
    postgres.prepare()
    (postgres.cluster / "PG_VERSION").write_text("9\n")
    again = Postgres(home, "a", "b")

    with pytest.raises(ServiceError, match="was made by PostgreSQL 9, and this machine offers") as caught:
        again.prepare()

    assert "\n" not in str(caught.value)


def test_a_wrong_word_in_salestio_services_is_named(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESTIO_SERVICES", "docker")

    with pytest.raises(ServiceError, match="SALESTIO_SERVICES is 'docker'; use wheel or system"):
        postgres.prepare()


def test_a_server_dies_with_the_process_that_started_it(home: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from salestio.devservices import Redis;"
        "server = Redis('word'); server.start(); print(server.process.pid, flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter.stdout:
        pid = int(starter.stdout.readline())
    assert started_at(pid)

    starter.kill()
    starter.wait()

    assert wait_gone([pid], 10)


def test_what_the_servers_account_cannot_reach_is_copied_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    place = home / "place"
    place.mkdir(mode=0o755)
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(programs, "shared_place", lambda: place)
    monkeypatch.setattr("salestio.devservices.shared_place", lambda: place)
    program = closed / "hello"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    account = programs.server_account()
    found = programs.Programs(closed, "hello", (1, 2), "wheel", ("hello",))

    if account is None:  # an ordinary user's servers run as that user, where they are
        assert programs.reachable(account, found) == program
        return
    copy = programs.reachable(account, found)
    again = programs.reachable(account, found)
    server = Postgres(closed / "data", "a", "b", durable=False)
    server.prepare()

    assert copy == again == place / "servers" / "hello-1.2" / "hello"
    assert programs.run_as(account, [str(copy)]).stdout == "hello\n"
    assert server.cluster.parent == place / "clusters"
    assert server.cluster.stat().st_mode & 0o777 == 0o700
    (server.cluster / "of-the-first").touch()
    (closed / "data" / "postgres-place").unlink()  # as --fresh does
    anew = Postgres(closed / "data", "c", "d", durable=False)
    anew.prepare()
    assert anew.cluster == server.cluster
    assert not (anew.cluster / "of-the-first").exists()
    said = capfd.readouterr().err
    assert said.count("server files to") == 1
    assert said.count(str(server.cluster)) == 2


def test_redis_demands_its_password_and_writes_nothing_to_disk() -> None:
    server = Redis("word")
    server.start()
    try:
        with closing(redis.Redis.from_url(server.url)) as client:
            client.set("a", 1)
            assert client.config_get("save") == {"save": ""}
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        with closing(redis.Redis(port=server.port)) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
    finally:
        server.stop()


def test_without_any_server_fakeredis_serves_tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salestio.devservices.find_redis", lambda: None)
    server = Redis("word", port=free_port())
    server.start()
    try:
        with closing(redis.Redis.from_url(server.url)) as client:
            client.set("a", 1)
            assert client.eval("return redis.call('GET', KEYS[1])", 1, "a") == b"1"
        assert server.source == "fakeredis"
    finally:
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 4


def test_the_command_for_servers_that_are_not_ours_can_be_repeated(app_connection: Any, owner: Any) -> None:
    before = role_facts(owner)

    call_command("ensure_roles", stdout=StringIO())

    assert role_facts(owner) == before
    with closing(roles.connect(os.environ["DATABASE_URL"])) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (roles.APP,)


def test_the_command_refuses_an_app_that_signs_in_as_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://postgres:word@127.0.0.1:1/salestio")

    with pytest.raises(CommandError, match="DATABASE_URL signs in as 'postgres'; it must be salestio_app"):
        call_command("ensure_roles")


def role_facts(owner: Any) -> list[tuple[Any, ...]]:
    """Return what the three roles may do, and who is a member of whom."""
    with owner.cursor() as cursor:
        cursor.execute(
            """SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcanlogin, rolbypassrls,
                      ARRAY(SELECT m.roleid::regrole::text FROM pg_auth_members m WHERE m.member = r.oid)
               FROM pg_roles r WHERE rolname LIKE 'salestio%' ORDER BY 1"""
        )
        return list(cursor.fetchall())
