"""`./run test | check | bench | storm | manage | lock`: each ends in the program that does it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from salestio.launch.environment import credentials_of, environment, make_credentials

ROOT = Path(__file__).resolve().parent.parent.parent
LONG_RUNS = "not crash and not slow and not browser"

LOCKS: dict[str, list[str]] = {
    "requirements.lock": [],
    "requirements-dev.lock": ["--group", "dev", "--group", "browser"],
}
"""Lock file → what it holds besides the production dependencies."""

QUIET = ("-W", "ignore::RuntimeWarning")
CHECKS: dict[str, list[str]] = {
    "style (ruff check)": ["-m", "ruff", "check", "."],
    "format (ruff format --check)": ["-m", "ruff", "format", "--check", "."],
    "types (mypy)": ["-m", "mypy"],
    "import directions (lint-imports)": ["-c", "from importlinter.cli import lint_imports_command as run; run()"],
    # No server runs for this; Django would warn that it cannot compare with a database.
    "migrations (makemigrations --check)": [*QUIET, "manage.py", "makemigrations", "--check", "--dry-run"],
}


def offline_environment() -> dict[str, str]:
    """Return an environment with which the settings load although no server runs."""
    nowhere = "127.0.0.1:1"
    return environment(
        make_credentials(),
        mode="test",
        web="http://127.0.0.1:8000",
        sandbox="http://127.0.0.1:8001",
        database=f"postgresql://salestio_app:none@{nowhere}/salestio",
        owner=f"postgresql://salestio_owner:none@{nowhere}/salestio",
        redis=f"redis://{nowhere}/0",
        data=Path(tempfile.gettempdir()) / "salestio-offline",
    )


def check(arguments: list[str]) -> int:
    """Run every check, also after one failed, and say at the end which did."""
    env = offline_environment()
    failed = []
    for name, command in CHECKS.items():
        print(f"── {name}", flush=True)
        if subprocess.run([sys.executable, *command, *arguments], cwd=ROOT, env=env, check=False).returncode:
            failed.append(name)
    print(
        f"check: {len(CHECKS) - len(failed)} passed, {len(failed)} failed" + "".join(f"\n  {name}" for name in failed)
    )
    return 1 if failed else 0


def test(arguments: list[str]) -> int:
    """Run the tests: everything but the long runs, or with `--all` those too. Other arguments go to pytest."""
    everything = "--all" in arguments
    rest = [argument for argument in arguments if argument != "--all"]
    command = [sys.executable, "-m", "pytest"]
    if not any(argument.startswith(("-n", "--numprocesses")) for argument in rest):
        command += ["-n", "2", "--dist", "loadfile"]
    if not everything and "-m" not in rest:
        command += ["-m", LONG_RUNS]
    return subprocess.run([*command, *rest], cwd=ROOT, check=False).returncode


def run_module(module: str, arguments: list[str]) -> int:
    """Replace this process by `python -m module`; return 1 when this clone does not have it."""
    place = ROOT / module.replace(".", "/")
    if not place.is_dir() and not place.with_suffix(".py").is_file():
        print(f"This clone has no {module}.", file=sys.stderr)
        return 1
    return replace([sys.executable, "-m", module, *arguments], dict(os.environ))


def replace(command: list[str], env: dict[str, str]) -> NoReturn:
    """Become another program, started in the clone."""
    os.chdir(ROOT)
    os.execve(command[0], command, env)


def manage(arguments: list[str]) -> int:
    """Replace this process by manage.py, with the settings of the run in `--data DIR` (default as for `./run`).

    When the environment already says what to use (production), it is left as it is.
    """
    from salestio.launch.state import RunState, default_directory

    directory = default_directory()
    if len(arguments) >= 2 and arguments[0] == "--data":
        directory, arguments = Path(arguments[1]).resolve(), arguments[2:]
    if "SALESTIO_MODE" in os.environ and "DATABASE_URL" in os.environ:
        env = dict(os.environ)
    elif (directory / "credentials.json").exists():
        state = RunState(directory)
        env = environment(credentials_of(directory), mode="demo", data=directory, **state.addresses())
    else:
        print(f"No run has used {directory} yet; start ./run first, or say which with --data DIR.", file=sys.stderr)
        env = offline_environment()
    return replace([sys.executable, "manage.py", *arguments], env)


def lock(arguments: list[str]) -> int:
    """Write the hash-pinned locks from pyproject.toml; `--upgrade` takes newer versions."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        print("Locks are written by uv: .venv/bin/python -m pip install uv", file=sys.stderr)
        return 1
    for name, groups in LOCKS.items():
        command = [uv, "pip", "compile", "pyproject.toml", *groups, "--universal", "--quiet"]
        command += ["--generate-hashes", "--no-header", "--no-emit-index-url", "--python-version", "3.11", "-o", name]
        if subprocess.run([*command, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode:
            return 1
        print(f"{name}: {(ROOT / name).read_text().count('==')} packages")
    return 0


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    name, rest = arguments[0], arguments[1:]
    if name in ("bench", "storm"):
        return run_module("bench" if name == "bench" else "bench.storm", rest)
    return {"check": check, "test": test, "manage": manage, "lock": lock}[name](rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
