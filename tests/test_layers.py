"""Which way imports go, and that names kept in strings lead somewhere."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("salestio", "accounts", "orders", "inventory", "listings", "profiles", "notifications", "connectors")
PURE = (
    "salestio.lib",
    "connectors.contract",
    "orders.domain",
    "inventory.domain",
    "listings.domain",
    "profiles.domain",
)
PURE_EXTRA = {"salestio/lib/crypto.py": {"cryptography"}}
"""The one file of the core that may import a package."""


def contracts() -> dict[str, dict[str, Any]]:
    """Return the import contracts of pyproject by name."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {contract["name"]: contract for contract in content["tool"]["importlinter"]["contracts"]}


def modules_of(package: str) -> list[Path]:
    folder = ROOT / package.replace(".", "/")
    return sorted(folder.rglob("*.py")) if folder.is_dir() else []


def imported(path: Path) -> set[str]:
    """Return the names a module imports, as written; imports under TYPE_CHECKING count too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.relative_to(ROOT)} imports relatively"
            found.add(node.module or "")
    return found


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", [name for name in PURE if modules_of(name)])
def test_the_core_imports_only_the_standard_library_and_other_pure_modules(package: str) -> None:
    wrong = []
    for path in modules_of(package):
        place = str(path.relative_to(ROOT))
        for name in imported(path):
            top = name.split(".")[0]
            pure = any(name == other or name.startswith(other + ".") for other in PURE)
            if not pure and top not in sys.stdlib_module_names and top not in PURE_EXTRA.get(place, set()):
                wrong.append(f"{place} imports {name}")

    assert wrong == []


def test_every_platform_folder_stands_in_the_contracts() -> None:
    from connectors.registry import PLATFORMS

    folders = {f"connectors.{name}" for name in PLATFORMS}
    strict = {
        module
        for override in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
        if override.get("disallow_untyped_defs")
        for module in override["module"]
    }

    readings = contracts()["The sandbox and the connectors are two readings, and know nothing of each other"]
    opens = contracts()["Only accounts opens connectors"]

    assert folders <= set(readings["modules"])
    assert folders <= set(opens["forbidden_modules"])
    assert {f"{folder}.*" for folder in folders} <= strict


def test_every_app_stands_in_the_layers() -> None:
    layers = {layer for line in contracts()["Apps depend downwards"]["layers"] for layer in line.split(" | ")}

    assert {name for name in APPS if name != "salestio" and (ROOT / name / "__init__.py").exists()} <= layers


def test_the_project_package_is_empty_so_that_importing_it_starts_nothing() -> None:
    tree = ast.parse((ROOT / "salestio" / "__init__.py").read_text())

    assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in tree.body)


def test_every_route_leads_to_a_function() -> None:
    from salestio import routes

    tables = [*routes.NOW.values(), *routes.LATER.values(), tuple(routes.QUESTIONS.values())]
    names = sorted({name for table in tables for name in table})

    assert names
    lost = [name for name in names if not callable(found(name.rpartition(".")[0], name.rpartition(".")[2]))]
    assert lost == []


def test_every_name_of_the_registry_leads_to_code() -> None:
    from connectors.registry import PLATFORMS as lines

    names = [
        value
        for line in lines.values()
        for value in (getattr(line, field.name) for field in fields(line))
        if isinstance(value, str) and value.startswith("connectors.")
    ]

    assert names
    assert [name for name in names if found(*name.split(":")) is None] == []


@pytest.mark.django_db
def test_every_model_change_has_its_migration() -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def found(module: str, attribute: str) -> object:
    """Return what a dotted name leads to, None when there is no such module or attribute."""
    try:
        return getattr(importlib.import_module(module), attribute, None)
    except ModuleNotFoundError:
        return None
