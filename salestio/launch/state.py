"""What a run keeps in its data directory: who holds it, which ports and processes it used, what is migrated."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from salestio import roles
from salestio.launch.environment import credentials_of, write_private
from salestio.launch.processes import signal_group, started_at, wait_gone
from salestio.launch.programs import ServiceError, free_port

ROOT = Path(__file__).resolve().parent.parent.parent
MARK = ".salestio-data"
LEAST_FREE = 300 * 1024 * 1024


def default_directory() -> Path:
    """Return SALESTIO_DATA_DIR, or `.data` in the clone."""
    return Path(os.environ.get("SALESTIO_DATA_DIR") or ROOT / ".data").resolve()


def digest(files: Iterable[Path]) -> str:
    """Return a digest of the names and contents of files of the clone."""
    found = hashlib.sha256()
    for path in sorted(files):
        found.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def migration_hash() -> str:
    """Return a digest of everything that decides what the database looks like: migrations, models, policies."""
    files = [*ROOT.glob("*/migrations/*.py"), *ROOT.glob("*/*/migrations/*.py")]
    files += [*ROOT.glob("*/models.py"), *ROOT.glob("*/*/models.py"), ROOT / "salestio" / "tenancy.py"]
    return digest(path for path in files if ".venv" not in path.parts)


class RunState:
    """The data directory of `./run`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock: int | None = None

    def path(self, name: str) -> Path:
        return self.directory / name

    def claim(self) -> None:
        """Make the directory ours for the life of this process. Raises `ServiceError` with one sentence."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            if not self.path(MARK).exists():
                if any(self.directory.iterdir()):
                    raise ServiceError(
                        f"{self.directory} holds files that are not Salestio's; use an empty directory for --data."
                    )
                self.path(MARK).write_text("Data of one Salestio run; --fresh empties this directory.\n")
            # Others may pass, not read: as root the database's account must reach its cluster in here.
            self.directory.chmod(0o711 if os.geteuid() == 0 else 0o700)
            handle = os.open(self.path("run.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ServiceError(f"{self.directory} cannot be used: {error.strerror}.") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise ServiceError(
                f"Salestio runs on {self.directory} already; end it first, or use another --data."
            ) from None
        self._lock = handle
        free = shutil.disk_usage(self.directory).free
        if free < LEAST_FREE:
            raise ServiceError(
                f"The disk of {self.directory} is full: {free // 1048576} MB free, "
                f"and Salestio needs {LEAST_FREE // 1048576} MB."
            )

    def empty(self) -> None:
        """Forget everything (`--fresh`). Only after `claim`, so only in a directory that is ours."""
        for entry in self.directory.iterdir():
            if entry.name in (MARK, "run.lock"):
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    # ── ports and addresses ──────────────────────────────────────────────────────────────────────────────────────────

    def read(self, name: str) -> dict[str, Any]:
        """Return a JSON file of the directory, {} when there is none or it was cut off by a crash."""
        try:
            found = json.loads(self.path(name).read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON file of the directory on one line, readable by its owner only."""
        write_private(self.path(name), json.dumps(content))

    def port(self, name: str) -> int:
        """Return a port for a server: last time's when it is free, so that open clients find it again."""
        last = int(self.read("ports.json").get(name, 0))
        return last if last and port_is_free("127.0.0.1", last) else free_port()

    def addresses(self) -> dict[str, str]:
        """Return web, sandbox, database, owner and redis URLs of the last start, for `./run manage`."""
        ports, words = self.read("ports.json"), credentials_of(self.directory)
        passwords = words["postgres"]
        postgres = int(ports.get("postgres", 0)) or 5432
        kept = {
            "web": f"http://127.0.0.1:{ports.get('web', 8000)}",
            "sandbox": f"http://127.0.0.1:{ports.get('sandbox', 8001)}",
            "database": roles.url_for(roles.APP, passwords["app_password"], postgres, "salestio"),
            "owner": roles.url_for(roles.OWNER, passwords["owner_password"], postgres, "salestio"),
            "redis": str(ports.get("redis_url", f"redis://127.0.0.1:{ports.get('redis', 6379)}/0")),
        }
        given = {"database": "DATABASE_URL", "owner": "DATABASE_OWNER_URL", "redis": "REDIS_URL"}
        return kept | {name: os.environ[variable] for name, variable in given.items() if os.environ.get(variable)}

    # ── what an earlier run left behind ──────────────────────────────────────────────────────────────────────────────

    def remember(self, pids: dict[str, int]) -> None:
        """Note the running children with their start times, so that a later start can tell them from strangers."""
        self.write("pids.json", {name: [pid, started_at(pid)] for name, pid in pids.items()})

    def end_leftovers(self, stop_signals: dict[str, int], say: Any) -> None:
        """End processes of an earlier run that outlived their launcher (it was killed, and this is no Linux)."""
        left: dict[str, int] = {}
        for name, (pid, mark) in self.read("pids.json").items():
            if mark and started_at(int(pid)) == mark:
                left[name] = int(pid)
        if not left:
            return
        say(f"Ending what an earlier run left behind: {', '.join(left)}.")
        for name, pid in left.items():
            signal_group(pid, stop_signals.get(name, 15))
        if not wait_gone(left.values(), 15):
            for pid in left.values():
                signal_group(pid, 9)
            wait_gone(left.values(), 5)


def port_is_free(host: str, port: int) -> bool:
    """Say whether a server could listen on host and port now."""
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def wait_for_port(host: str, port: int, option: str, seconds: float = 3.0) -> None:
    """Return when the port is free; a server that just ended may hold it for a moment. Raises `ServiceError`."""
    end = time.monotonic() + seconds
    while not port_is_free(host, port):
        if time.monotonic() > end:
            raise ServiceError(f"Port {port} on {host} is in use; end what uses it, or choose another with {option} N.")
        time.sleep(0.1)


def host_of(url: str) -> str:
    """Return the host of a URL."""
    return urlsplit(url).hostname or ""
