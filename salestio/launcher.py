"""`./run`: starts PostgreSQL, Redis, the sandbox, web, worker, beat and listener; watches them; ends them in order.

    ./run [--fresh] [--port N] [--sandbox-port N] [--data DIR] [--no-traffic] [--json] [--host A]

Everything runs in the foreground of one terminal and ends with it. Production does not use this (docker-compose.yml).
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from salestio.devservices import Postgres, Redis, ServiceError
from salestio.launch.children import Child, python_child
from salestio.launch.environment import credentials_of, environment
from salestio.launch.processes import die_with_parent
from salestio.launch.readiness import Readiness
from salestio.launch.report import print_summary, run_line
from salestio.launch.state import RunState, default_directory, digest, migration_hash, wait_for_port

ROOT = Path(__file__).resolve().parent.parent
ENTRIES = ("beat", "listener", "worker", "web")
SERVERS = ("sandbox", "redis", "postgres")
"""The order in which they end; the second kind after the first has gone."""
STOP_SIGNALS: dict[str, int] = {
    "postgres": signal.SIGINT
}  # PostgreSQL's fast shutdown; SIGTERM would wait for its clients
LONGEST_START = 120.0
SEED_TRIES = 4


class Stopped(Exception):
    """The person at the terminal, or the system, asked us to end."""


def say(text: str) -> None:
    """Tell the terminal; standard output belongs to the one line of `--json`."""
    print(text, file=sys.stderr, flush=True)


def arguments(given: list[str]) -> argparse.Namespace:
    """Return the options of `./run`. Ends with one sentence for a wrong one."""
    parser = argparse.ArgumentParser(prog="./run", description="Start everything and say where to look.")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run left in the data directory")
    parser.add_argument("--port", type=int, default=8000, metavar="N", help="port of the web pages (8000)")
    parser.add_argument("--sandbox-port", type=int, default=8001, metavar="N", help="port of the sandbox (8001)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="data directory (.data in the clone)")
    parser.add_argument("--no-traffic", action="store_true", help="no orders but those you place yourself")
    parser.add_argument("--json", action="store_true", help="print one line of JSON when ready")
    parser.add_argument("--host", default="127.0.0.1", metavar="A", help="address the web pages listen on (loopback)")
    options = parser.parse_args(given)
    options.data = options.data.resolve() if options.data else default_directory()
    for name in ("port", "sandbox_port"):
        if not 1 <= getattr(options, name) <= 65535:
            parser.error(f"--{name.replace('_', '-')} must be between 1 and 65535")
    if options.port == options.sandbox_port:
        parser.error("--port and --sandbox-port must differ")
    return options


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Launcher:
    """One run: its data directory, its children, and the loop that watches them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.state = RunState(options.data)
        self.children: dict[str, Child] = {}
        self.stopping = 0
        self.began = time.monotonic()
        self.merchants: list[dict[str, Any]] = []
        self.line: dict[str, Any] = {}
        self.postgres: Postgres | None = None
        self.redis: Redis | None = None
        host = "127.0.0.1" if options.host == "localhost" else options.host.strip("[]")
        self.host = host
        self.web = f"http://{f'[{host}]' if ':' in host else host}:{options.port}"
        self.sandbox = f"http://127.0.0.1:{options.sandbox_port}"

    # ── start ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self) -> int:
        """Start, watch until told to stop or a child cannot be kept alive, end. Returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self._prepare()
            self._start()
            self._watch()
        except Stopped:
            say("Ending …")
            return 0
        except ServiceError as error:
            if self.stopping:
                # What we were doing was cut off by the same Ctrl-C; that is no fault to report.
                return 0
            say(str(error))
            return 1
        finally:
            self._end()
        return 1

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping += 1
        if self.stopping > 1:
            say("Once more: ending at once.")

    def _check_stop(self) -> None:
        if self.stopping:
            raise Stopped

    def _prepare(self) -> None:
        if os.environ.get("SALESTIO_MODE", "demo") != "demo":
            raise ServiceError(
                "./run starts the demo; SALESTIO_MODE must be unset. For production see docker-compose.yml."
            )
        if not is_loopback(self.options.host):
            raise ServiceError(
                f"--host {self.options.host} would offer demo log-ins to other machines; "
                "only loopback addresses are allowed."
            )
        self.state.claim()
        self.state.end_leftovers(STOP_SIGNALS, say)
        if self.options.fresh:
            self.state.empty()
        wait_for_port(self.host, self.options.port, "--port")
        wait_for_port("127.0.0.1", self.options.sandbox_port, "--sandbox-port")
        try:
            self.credentials: dict[str, Any] = credentials_of(self.options.data)
        except ValueError as error:
            raise ServiceError(str(error)) from None
        for name in ("logs", "static"):
            self.state.path(name).mkdir(exist_ok=True)

    def _start(self) -> None:
        database, owner, redis = self._servers()
        self.env = environment(
            self.credentials, mode="demo", web=self.web, sandbox=self.sandbox,
            database=database, owner=owner, redis=redis, data=self.options.data,
        )  # fmt: skip
        self._add(self._sandbox_child())
        self._wait_for_servers()
        self._migrate()
        readiness = Readiness(self.web, self.sandbox, database)
        python = sys.executable
        granian = ["-m", "granian", "--interface", "wsgi", "--host", self.host, "--port", str(self.options.port)]
        granian += ["--workers", "1", "--blocking-threads", "8", "--no-ws", "--log-level", "warning"]
        celery = ["-m", "celery", "-A", "salestio.celery"]
        worker = [*celery, "worker", "-P", "threads", "-c", "12", "-l", "INFO", "-n", "worker@%h"]
        worker += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        beat = [*celery, "beat", "-l", "WARNING", "--pidfile=", "-s", str(self.options.data / "beat-schedule")]
        self._add(self._child("web", [python, *granian, "salestio.wsgi:application"]))
        self._add(self._child("worker", [python, *worker], grace=30.0))
        self._add(self._child("beat", [python, *beat], grace=5.0))
        self._add(self._child("listener", [python, "manage.py", "listen"], grace=3.0))
        try:
            self._wait_until_ready(readiness)
        finally:
            readiness.close()

    def _servers(self) -> tuple[str, str, str]:
        """Start PostgreSQL and Redis unless they are given; return database, owner and Redis URLs."""
        logs, words = self.options.data / "logs", self.credentials["postgres"]
        database, owner = os.environ.get("DATABASE_URL", ""), os.environ.get("DATABASE_OWNER_URL", "")
        if bool(database) != bool(owner):
            raise ServiceError(
                "Set both DATABASE_URL (the app's role) and DATABASE_OWNER_URL (migrations), or neither."
            )
        ports: dict[str, Any] = {"web": self.options.port, "sandbox": self.options.sandbox_port}
        if not database:
            self.postgres = Postgres(
                self.options.data, words["owner_password"], words["app_password"],
                port=self.state.port("postgres"), log=logs / "postgres.log",
            )  # fmt: skip
            self.postgres.prepare()
            self._add(Child("postgres", self.postgres.spawn, logs / "postgres.log", STOP_SIGNALS["postgres"], 15.0))
            database, owner, ports["postgres"] = self.postgres.app_url, self.postgres.owner_url, self.postgres.port
        redis = os.environ.get("REDIS_URL", "")
        if not redis:
            self.redis = Redis(
                self.credentials["redis_password"], port=self.state.port("redis"), log=logs / "redis.log"
            )
            self.redis.prepare()
            self._add(Child("redis", self.redis.spawn, logs / "redis.log", grace=5.0))
            redis, ports["redis"] = self.redis.url, self.redis.port
        self.state.write("ports.json", ports | {"redis_url": redis})
        return database, owner, redis

    def _wait_for_servers(self) -> None:
        if self.postgres:
            self.postgres.wait_ready()
            self.postgres.ensure()
        if self.redis:
            self.redis.wait_ready()
        self._check_stop()

    def _sandbox_child(self) -> Child:
        data = self.options.data
        command = [
            sys.executable,
            "-m",
            "connectors.sandbox",
            "--port",
            str(self.options.sandbox_port),
            "--data",
            str(data),
        ]
        command += ["--credentials", str(data / "credentials.json"), "--web", self.web]
        if self.options.no_traffic:
            command.append("--no-traffic")
        # The pretend world knows nothing of our database and keys.
        hidden = ("DATABASE_", "REDIS_", "SECRET_KEY", "SALESTIO_CREDENTIAL", "SALESTIO_SEARCH", "SALESTIO_AWS_SECRET")
        env = {name: value for name, value in self.env.items() if not name.startswith(hidden)}
        return python_child("sandbox", command, env, data / "logs" / "sandbox.log", ROOT)

    def _child(self, name: str, command: list[str], grace: float = 10.0) -> Child:
        return python_child(name, command, self.env, self.options.data / "logs" / f"{name}.log", ROOT, grace=grace)

    def _add(self, child: Child) -> None:
        self.children[child.name] = child
        child.start()
        self.state.remember({name: one.process.pid for name, one in self.children.items() if one.process})

    def _migrate(self) -> None:
        """Migrate when the code that makes tables changed since this data directory's last migration."""
        wanted = migration_hash()
        if self.postgres and self.state.read("migrated.json").get("hash") == wanted:
            return
        say("Preparing the database …")
        self._manage("migrate", ["migrate", "--database", "owner", "--no-input"])
        self.state.write("migrated.json", {"hash": wanted})

    def _manage(self, name: str, command: list[str]) -> str:
        """Run one manage.py command to its end and return what it printed. Raises `ServiceError` when it fails."""
        log, printed = self.state.path(f"logs/{name}.log"), self.state.path(f"logs/{name}.out")
        with log.open("wb") as errors, printed.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        try:
            while process.poll() is None:
                self._check_stop()
                self._keep_alive()
                time.sleep(0.05)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            output = printed.read_text(errors="replace")
            printed.unlink()
        if process.returncode:
            tail = log.read_text(errors="replace").strip()[-3000:]
            raise ServiceError(f"{' '.join(command)} failed:\n{tail or output[-3000:]}")
        return output

    def _wait_until_ready(self, readiness: Readiness) -> None:
        seeded = False
        while True:
            self._check_stop()
            self._keep_alive()
            if not seeded and readiness.sandbox_answers():
                self._seed()
                seeded = True
            if seeded and readiness.complete():
                break
            if time.monotonic() - self.began > LONGEST_START:
                raise ServiceError(f"Not ready after {LONGEST_START:.0f} s: {readiness.missing}")
            time.sleep(0.05)
        self._publish()
        if self.options.json:
            print(json.dumps(self.line), flush=True)
        else:
            print_summary(self.line, self.options.data, time.monotonic() - self.began)

    def _seed(self) -> None:
        """Make the demo's merchants, or know them from the last start: databases, sandbox and its order stream go on
        by themselves. Repeating it does no harm, so a first refusal is not the last word: limits start empty."""
        key = {"code": digest([ROOT / "accounts" / "demo.py"]), "traffic": not self.options.no_traffic}
        kept = self.state.read("seeded.json")
        if self.postgres and kept.get("key") == key:
            self.merchants = kept["merchants"]
            return
        command = ["seed_demo", *(["--no-traffic"] if self.options.no_traffic else [])]
        for attempt in range(SEED_TRIES):
            try:
                out = self._manage("seed", command)
                break
            except ServiceError:
                if attempt == SEED_TRIES - 1:
                    raise
                time.sleep(0.5)
        try:
            self.merchants = json.loads(out.strip().splitlines()[-1])["merchants"]
        except (ValueError, KeyError, IndexError):
            raise ServiceError(f"seed_demo printed no merchants: {out[-500:]!r}") from None
        self.state.write("seeded.json", {"key": key, "merchants": self.merchants})

    # ── watch ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _publish(self) -> None:
        """Write DIR/run.json and the pids as they are now."""
        self.line = run_line(
            self.web, self.sandbox, self.merchants, self.credentials["admin"],
            {name: self.children[name].pids if name in self.children else [] for name in ENTRIES + SERVERS},
        )  # fmt: skip
        self.state.write("run.json", self.line)
        self.state.remember({name: child.process.pid for name, child in self.children.items() if child.process})

    def _keep_alive(self) -> bool:
        """Start again what died and is due; say whether anything changed. Raises `ServiceError` for one in a loop."""
        changed = False
        now = time.monotonic()
        for child in self.children.values():
            if child.process is None:
                if now >= child.again_at:
                    child.start()
                    say(f"{child.name} was started again.")
                    changed = True
            elif not child.alive:
                how = child.died()
                changed = True
                if child.in_a_loop:
                    raise ServiceError(
                        f"{child.name} died five times within a minute. Its last lines:\n{child.last_lines()}"
                    )
                say(f"{child.name} {how}; starting it again in {child.again_at - now:.1f} s.")
        return changed

    def _watch(self) -> None:
        trimmed = time.monotonic()
        while True:
            self._check_stop()
            if self._keep_alive():
                self._publish()
            if time.monotonic() - trimmed > 60:
                trimmed = time.monotonic()
                for child in self.children.values():
                    child.trim_log()
            time.sleep(0.1)

    # ── end ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _end(self) -> None:
        """End the children: first those that take in work, asked in order and waited for together, then one by one what
        they need, the database last."""
        entries = [self.children[name] for name in ENTRIES if name in self.children]
        began = time.monotonic()
        for child in entries:
            child.ask_to_end()
        for child in entries:
            # A second signal asks for haste; the servers still close their files.
            grace = 0.5 if self.stopping > 1 else child.grace
            child.wait_ended(max(began + grace - time.monotonic(), 0.1))
        for name in SERVERS:
            if name in self.children:
                self.children[name].end()
        if self.children:
            self.state.remember({})


def main() -> None:
    """Run, and leave with the exit code."""
    sys.exit(Launcher(arguments(sys.argv[1:])).run())


if __name__ == "__main__":
    main()
