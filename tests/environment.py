"""Gives the settings their addresses before Django reads them; loaded first of all, by `-p tests.environment`.

One server pair serves a whole run. With xdist the controller starts it and the workers inherit its addresses; without
xdist it starts when the first test asks for the database, so that pure tests need no server. `DATABASE_URL` with
`DATABASE_OWNER_URL`, and `REDIS_URL`, use servers that are there already.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from pathlib import Path

from salestio.devservices import Postgres, Redis, free_port
from salestio.launch.environment import environment, make_credentials

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
_KEPT = "SALESTIO_TEST_RUN"
"""Names the run's directory to workers and to processes the tests start; its presence says we are not the first."""


class Run:
    """The servers and the directory of one test run."""

    def __init__(self) -> None:
        self.first = _KEPT not in os.environ
        if self.first:
            self.directory = Path(tempfile.mkdtemp(prefix="salestio-tests-"))
            self.directory.chmod(0o755)  # the database's account must be able to pass
            os.environ[_KEPT] = str(self.directory)
            self.credentials = make_credentials()
            (self.directory / "credentials.json").write_text(json.dumps(self.credentials))
            (self.directory / "credentials.json").chmod(0o600)
            atexit.register(self.end)
        else:
            self.directory = Path(os.environ[_KEPT])
            self.credentials = json.loads((self.directory / "credentials.json").read_text())
        self.given_database = "DATABASE_URL" in os.environ
        self.given_redis = "REDIS_URL" in os.environ
        words = self.credentials["postgres"]
        self.postgres = Postgres(
            self.directory,
            words["owner_password"],
            words["app_password"],
            durable=False,
            log=self.directory / "postgres.log",
        )
        self.redis = Redis(self.credentials["redis_password"], log=self.directory / "redis.log")
        self.sandbox_port = free_port()
        self.web_port = free_port()
        self._export()

    def _export(self) -> None:
        # Ports are chosen now, because the settings are read before the servers run.
        if not self.given_database:
            self.postgres.port = free_port()
        if not self.given_redis:
            self.redis.prepare()
        database = self._own_database(os.environ.get("DATABASE_URL") or self.postgres.app_url)
        owner = self._own_database(os.environ.get("DATABASE_OWNER_URL") or self.postgres.owner_url)
        broker = os.environ.get("REDIS_URL") or self.redis.url
        if self.given_database and "DATABASE_OWNER_URL" not in os.environ:
            raise SystemExit("DATABASE_URL is set: set DATABASE_OWNER_URL too, so that the tests can migrate.")
        data = self.directory / WORKER
        (data / "static").mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("SALESTIO_TIMES_DIVISOR", "100")
        for name in list(os.environ):
            # A worker has a sandbox of its own; the controller's, or the developer's, is not it.
            if name.startswith("SALESTIO_URL_") or name in (
                "SHOPIFY_APP_BRIDGE_URL",
                "SALESTIO_AMAZON_SQS_QUEUE_URL",
                "SALESTIO_AMAZON_SQS_QUEUE_ARN",
            ):
                del os.environ[name]
        os.environ |= environment(
            self.credentials,
            mode="test",
            web=f"http://127.0.0.1:{self.web_port}",
            sandbox=f"http://127.0.0.1:{self.sandbox_port}",
            database=database,
            owner=owner,
            redis=self._own_redis(broker),
            data=data,
        )

    def _own_database(self, url: str) -> str:
        return f"{url.rpartition('/')[0]}/salestio_test_{WORKER}"

    def _own_redis(self, url: str) -> str:
        # A database number a worker: 1 for gw0, 2 for gw1 …; 0 stays with the single process.
        number = int(WORKER.removeprefix("gw")) + 1 if WORKER.startswith("gw") else 0
        return f"{url.rpartition('/')[0]}/{number % 16}"

    def start(self) -> None:
        """Start the servers that were not given, once."""
        if self.first and not self.given_database and self.postgres.process is None:
            self.postgres.start()
        self.start_redis()

    def start_redis(self) -> None:
        """Start Redis alone, once."""
        if self.first and not self.given_redis and self.redis.process is None:
            self.redis.spawn()
            self.redis.wait_ready()

    def end(self) -> None:
        """End what we started and remove what we wrote."""
        self.postgres.stop()
        self.redis.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        if self.postgres.cluster.name and self.postgres.cluster != Path():
            shutil.rmtree(self.postgres.cluster, ignore_errors=True)


RUN = Run()


def pytest_configure(config: object) -> None:
    """Start the servers before xdist's workers begin; their processes could not own them."""
    if RUN.first and getattr(getattr(config, "option", None), "numprocesses", None):
        RUN.start()
