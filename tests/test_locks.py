"""The locks: complete, pinned by hash, without addresses."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(lock: str) -> dict[str, str]:
    """Return name → version of a lock."""
    found = re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==(\S+)", (ROOT / lock).read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def wanted(*groups: str) -> list[Requirement]:
    """Return what pyproject asks for: the production dependencies and those of the groups, included groups too."""
    content = project()
    asked = list(content["project"]["dependencies"])
    waiting = list(groups)
    while waiting:
        for entry in content["dependency-groups"][waiting.pop()]:
            if isinstance(entry, dict):
                waiting.append(entry["include-group"])
            else:
                asked.append(entry)
    return [Requirement(text) for text in asked]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_is_pinned_by_hash(lock: str) -> None:
    text = (ROOT / lock).read_text()

    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]

    assert len(entries) > 40
    unpinned = [entry.split()[0] for entry in entries if "==" not in entry.split()[0] or "--hash=sha256:" not in entry]
    assert unpinned == []


@pytest.mark.parametrize(("lock", "groups"), [(LOCKS[0], ()), (LOCKS[1], ("dev", "browser"))])
def test_a_lock_holds_what_pyproject_asks_for(lock: str, groups: tuple[str, ...]) -> None:
    held = pins(lock)

    for requirement in wanted(*groups):
        version = held.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is missing from {lock}; ./run lock writes it anew"
        assert requirement.specifier.contains(version), f"{lock} has {requirement.name} {version}, not {requirement}"


def test_production_installs_neither_the_sandbox_nor_the_servers_nor_the_tests() -> None:
    held = pins("requirements.lock")

    extra = {canonicalize_name(one.name) for one in wanted("dev", "browser")}
    extra -= {canonicalize_name(one.name) for one in wanted()}

    # Packages a production dependency brings along anyway are named, so that a new one is noticed.
    assert extra & held.keys() <= {"pyyaml", "jsonschema"}


def test_what_production_imports_is_in_its_lock() -> None:
    held = pins("requirements.lock")
    homes = importlib.metadata.packages_distributions()

    foreign: dict[str, str] = {}
    for path in production_modules():
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            foreign |= {name.split(".")[0]: str(path.relative_to(ROOT)) for name in names}

    own = set(PRODUCTION)
    lost = []
    for top, place in sorted(foreign.items()):
        if top in own or top in sys.stdlib_module_names:
            continue
        if not {canonicalize_name(name) for name in homes.get(top, [])} & held.keys():
            lost.append(f"{place} imports {top}")
    assert lost == []


PRODUCTION = ("salestio", "accounts", "orders", "inventory", "listings", "profiles", "notifications", "connectors")


def production_modules() -> list[Path]:
    """Return the modules the production image holds: all but the sandbox and what stands behind ./run."""
    development = ("connectors/sandbox/", "salestio/launch/", "salestio/launcher.py", "salestio/devservices.py")
    paths = [path for package in PRODUCTION for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in paths if not str(path.relative_to(ROOT)).startswith(development)]


def test_both_locks_agree_on_every_version() -> None:
    production, everything = pins("requirements.lock"), pins("requirements-dev.lock")

    assert production.items() <= everything.items()


def test_no_uv_lock_is_committed() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()

    assert [name for name in tracked if name.endswith("uv.lock")] == []
