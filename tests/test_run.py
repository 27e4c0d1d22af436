"""`./run`: its sentences when something is missing, how it keeps children alive, and one whole run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from salestio.devservices import free_port
from salestio.launch import state
from salestio.launch.children import Child, python_child
from salestio.launch.environment import credentials_of, environment, make_credentials
from salestio.launch.processes import started_at, wait_gone
from salestio.launch.programs import ServiceError
from salestio.launcher import is_loopback

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def directory() -> Iterator[Path]:
    """An empty directory that other accounts can pass."""
    with tempfile.TemporaryDirectory(prefix="salestio-run-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def clean_environment(**more: str) -> dict[str, str]:
    """Return an environment without what the tests' own servers put there."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SALESTIO_SERVICES") if name in os.environ}
    return kept | more


def launch(directory: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the launcher where it is expected to stop by itself."""
    return subprocess.run(
        [sys.executable, "-m", "salestio.launcher", "--data", str(directory), *options],
        cwd=ROOT, env=clean_environment(**env), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


# ── the script ───────────────────────────────────────────────────────────────────────────────────────────────────────


def script(directory: Path, python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of `./run` on a machine whose only Python is the given shell script."""
    shutil.copy(ROOT / "run", directory / "run")
    (directory / "requirements-dev.lock").touch()
    programs = directory / "bin"
    programs.mkdir()
    for name in ("sh", "dirname", "cmp", "cp", "env"):
        (programs / name).symlink_to(shutil.which(name) or name)
    if python:
        (programs / "python3").write_text(f"#!/bin/sh\n{python}\n")
        (programs / "python3").chmod(0o755)
    return subprocess.run(
        ["./run", *arguments], cwd=directory, env={"PATH": str(programs)}, capture_output=True, text=True, check=False
    )


def test_without_python_it_says_what_it_needs(directory: Path) -> None:
    done = script(directory, "")

    assert done.returncode == 1
    assert done.stderr == "Salestio needs Python 3.11 or newer; found none. Install one and start ./run again.\n"
    assert done.stdout == ""


def test_an_old_python_is_named(directory: Path) -> None:
    done = script(directory, 'case "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac')

    assert (
        done.stderr == "Salestio needs Python 3.11 or newer; found Python 3.9.2. Install one and start ./run again.\n"
    )


def test_a_missing_venv_module_is_one_sentence_with_debians_package(directory: Path) -> None:
    done = script(directory, 'case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac')

    assert done.returncode == 1
    assert done.stderr == (
        "Python's venv module is missing; install it (Debian and Ubuntu: python3-venv) and start ./run again.\n"
    )
    assert not (directory / ".venv").exists()


def test_an_unknown_command_is_named() -> None:
    done = subprocess.run(
        ["./run", "tset"], cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "Unknown command 'tset'" in done.stderr


# ── sentences of the launcher ────────────────────────────────────────────────────────────────────────────────────────


def test_a_port_in_use_is_one_sentence(directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = launch(directory, "--port", str(port), "--sandbox-port", str(free_port()))

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"Port {port} on 127.0.0.1 is in use; end what uses it, or choose another with --port N.\n"


def test_demo_log_ins_are_not_offered_to_other_machines(directory: Path) -> None:
    done = launch(directory, "--host", "0.0.0.0")

    assert done.returncode == 1
    assert "--host 0.0.0.0 would offer demo log-ins to other machines" in done.stderr
    assert not (directory / "credentials.json").exists()


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.5", False), ("localhost.example.com", False)],
)  # fmt: skip
def test_loopback_is_recognized(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_production_does_not_start_like_this(directory: Path) -> None:
    done = launch(directory, SALESTIO_MODE="production")

    assert done.returncode == 1
    assert "docker-compose.yml" in done.stderr


def test_fresh_never_empties_a_directory_that_is_not_ours(directory: Path) -> None:
    (directory / "thesis.txt").write_text("years of work")

    done = launch(directory, "--fresh", "--port", str(free_port()), "--sandbox-port", str(free_port()))

    assert done.returncode == 1
    assert "holds files that are not Salestio's" in done.stderr
    assert (directory / "thesis.txt").read_text() == "years of work"


def test_two_runs_do_not_share_a_directory(directory: Path) -> None:
    first, second = state.RunState(directory), state.RunState(directory)
    first.claim()

    with pytest.raises(ServiceError, match="runs on .* already"):
        second.claim()


def test_a_full_disk_is_one_sentence(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(directory)._replace(free=12 * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)

    with pytest.raises(ServiceError, match="is full: 12 MB free, and Salestio needs 300 MB") as caught:
        state.RunState(directory).claim()

    assert "\n" not in str(caught.value)


# ── credentials and environment ──────────────────────────────────────────────────────────────────────────────────────


def test_credentials_are_random_per_directory_private_and_kept(directory: Path) -> None:
    first, other = directory / "one", directory / "two"

    made = credentials_of(first)

    assert credentials_of(first) == made
    assert credentials_of(other)["secret_key"] != made["secret_key"]
    assert (first / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_unreadable_credentials_are_named_and_not_replaced(directory: Path) -> None:
    (directory / "credentials.json").write_text("{}")

    with pytest.raises(ValueError, match="lacks admin"):
        credentials_of(directory)

    assert (directory / "credentials.json").read_text() == "{}"


def test_a_platforms_address_can_be_overridden_and_facts_of_the_run_cannot(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SALESTIO_URL_AMAZON_EU", raising=False)
    monkeypatch.setenv("SALESTIO_URL_AMAZON_NA", "http://127.0.0.1:9/proxy")
    monkeypatch.setenv("SECRET_KEY", "of another installation")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the person who typed ./run")
    words = make_credentials()

    env = environment(
        words, mode="demo", web="http://127.0.0.1:8000", sandbox="http://127.0.0.1:8001",
        database="postgresql://a", owner="postgresql://b", redis="redis://c", data=directory,
    )  # fmt: skip

    assert env["SALESTIO_URL_AMAZON_NA"] == "http://127.0.0.1:9/proxy"
    assert env["SALESTIO_URL_AMAZON_EU"] == "http://127.0.0.1:8001/amazon/eu"
    assert env["SECRET_KEY"] == words["secret_key"]
    assert "AWS_SECRET_ACCESS_KEY" not in env


def test_the_settings_know_the_sandboxs_queue(sandbox: Any) -> None:
    found = sandbox.control("GET", "/endpoints")["clients"]["sqs"]

    assert found["queue_url"] == os.environ["SALESTIO_AMAZON_SQS_QUEUE_URL"]
    assert found["queue_arn"] == os.environ["SALESTIO_AMAZON_SQS_QUEUE_ARN"]


# ── children ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def child(directory: Path, code: str, **options: Any) -> Child:
    return python_child(
        "child", [sys.executable, "-c", code], clean_environment(), directory / "child.log", ROOT, **options
    )


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_a_dead_child_waits_longer_each_time_and_five_deaths_in_a_minute_are_a_loop(directory: Path) -> None:
    one = child(directory, "import sys; print('no luck today'); sys.exit(3)")
    waits = []

    for _ in range(5):
        assert not one.in_a_loop
        one.start()
        assert until(lambda: not one.alive)
        assert one.died() == "ended with code 3"
        waits.append(round(one.again_at - time.monotonic(), 1))

    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert one.in_a_loop
    assert one.last_lines().splitlines()[-1] == "no luck today"


def test_a_child_that_ran_steadily_is_started_again_at_once_however_often_it_is_killed(directory: Path) -> None:
    one = child(directory, "import time; time.sleep(60)")

    for _ in range(6):
        one.start()
        one.started -= 30  # as if it had run for half a minute
        os.kill(one.pids[0], signal.SIGKILL)
        assert until(lambda: not one.alive)
        assert one.died() == "killed by SIGKILL"
        assert one.again_at - time.monotonic() <= 0.5

    assert not one.in_a_loop


def test_ending_a_child_ends_what_it_started_too(directory: Path) -> None:
    sleep = "import time; time.sleep(60)"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{sleep}']); {sleep}"
    one = child(directory, code)
    one.start()
    assert until(lambda: len(one.pids) == 2)
    pids = one.pids

    one.end()

    assert wait_gone(pids, 5)


def test_a_child_that_ignores_the_polite_signal_is_killed_after_its_grace(directory: Path) -> None:
    one = child(
        directory, "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
        grace=0.3,
    )  # fmt: skip
    one.start()
    assert until(lambda: "deaf" in one.last_lines())
    pids = one.pids

    one.end()

    assert wait_gone(pids, 2)


def test_what_an_earlier_run_left_behind_is_ended_and_strangers_are_not(directory: Path) -> None:
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    run = state.RunState(directory)
    said: list[str] = []
    try:
        run.write("pids.json", {"worker": [left.pid, started_at(left.pid)], "web": [stranger.pid, "1"]})

        run.end_leftovers({}, said.append)

        assert left.wait(5) == -signal.SIGTERM
        assert stranger.poll() is None
        assert said == ["Ending what an earlier run left behind: worker."]
    finally:
        for process in (left, stranger):
            process.kill()
            process.wait()


# ── the whole ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Run:
    """A whole `./run --json` on ports and in a directory of its own."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.log = directory.with_suffix(".log")
        command = [sys.executable, "-m", "salestio.launcher", "--json", "--no-traffic", "--data", str(directory)]
        command += ["--port", str(free_port()), "--sandbox-port", str(free_port()), *options]
        with self.log.open("ab") as errors:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *args: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def ready(self) -> dict[str, Any]:
        """Return the line printed when ready."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()[-3000:]
        return dict(json.loads(line))

    def now(self) -> dict[str, Any]:
        return dict(json.loads((self.directory / "run.json").read_text()))


@pytest.mark.slow
def test_a_whole_run_starts_repairs_itself_and_finds_everything_again(directory: Path) -> None:
    data = directory / "data"
    with Run(data, "--fresh") as run:
        first = run.ready()
        assert len(first["merchants"]) >= 2
        assert [account["region"] for account in first["merchants"][0]["accounts"]] == ["na", "eu", "na"]
        assert requests.get(f"{first['web']}/healthz", timeout=5).status_code == 200
        token = first["merchants"][0]["api_token"]
        accounts = requests.get(
            f"{first['web']}/api/v1/accounts", headers={"Authorization": f"Bearer {token}"}, timeout=5
        ).json()
        assert "A1NORTHPINEUS" in json.dumps(accounts)

        killed = first["pids"]["worker"][0]
        os.kill(killed, signal.SIGKILL)
        assert until(lambda: run.now()["pids"]["worker"] not in ([killed], []), 20)
        everything = [pid for pids in run.now()["pids"].values() for pid in pids]
        assert set(first["pids"]) == {"web", "worker", "beat", "listener", "sandbox", "postgres", "redis"}

        run.process.terminate()
        assert run.process.wait(60) == 0
        assert wait_gone(everything, 5)
    assert "worker killed by SIGKILL; starting it again" in run.log.read_text()

    with Run(data) as run:
        second = run.ready()
        assert second["merchants"] == first["merchants"]
        assert second["admin"] == first["admin"]
        everything = [pid for pids in second["pids"].values() for pid in pids]
        run.process.kill()
        run.process.wait()
        assert wait_gone(everything, 40), "children outlived a killed launcher"


# ── production files ─────────────────────────────────────────────────────────────────────────────────────────────────


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text()))


def test_compose_has_every_process_and_migrates_first() -> None:
    services = compose()["services"]

    assert set(services) == {"postgres", "redis", "migrate", "web", "worker", "beat", "listener"}
    for name in ("web", "worker", "beat", "listener"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert "DATABASE_OWNER_URL" not in services[name]["environment"], f"{name} must not know the owner's password"


def test_compose_demands_every_secret() -> None:
    text = (ROOT / "docker-compose.yml").read_text()

    for name in ("SECRET_KEY", "SALESTIO_CREDENTIAL_KEYS", "SALESTIO_SEARCH_KEY", "POSTGRES_APP_PASSWORD",
                 "POSTGRES_OWNER_PASSWORD", "REDIS_PASSWORD", "SALESTIO_WEB_URL"):  # fmt: skip
        assert f"${{{name}:?" in text, f"{name} is not demanded"
        assert f"${{{name}:-" not in text, f"{name} has a default"


def test_the_image_installs_the_production_lock_and_runs_as_no_root() -> None:
    text = (ROOT / "Dockerfile").read_text()

    assert "requirements-dev.lock" not in text
    assert "rm -rf connectors/sandbox" in text
    assert text.index("USER salestio") < text.index("CMD [")


def test_every_name_of_compose_stands_in_the_example() -> None:
    services = compose()["services"]
    example = {
        line.split("=")[0]
        for line in (ROOT / ".env.example").read_text().splitlines()
        if "=" in line and line[0] != "#"
    }
    composed = {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SALESTIO_MODE"}
    optional = {"SALESTIO_ALLOWED_HOSTS"}

    names = set(services["migrate"]["environment"]) - composed - optional

    assert names <= example


def test_pyproject_closes_the_network_in_tests() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["addopts"]

    assert "--allow-hosts=127.0.0.1,::1,localhost" in options
    with pytest.raises(Exception, match="allowed: "):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
