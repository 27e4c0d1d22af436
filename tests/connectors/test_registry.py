"""Every name in the registry leads somewhere."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from connectors import registry
from connectors.registry import PLATFORMS, Kind

NAMED = [
    pytest.param(path, id=path)
    for line in PLATFORMS.values()
    for path in (
        line.connector,
        line.auth,
        line.config,
        line.webhooks,
        line.hints,
        line.queue,
        line.queue_name,
        line.pushes,
        line.sites,
        line.is_key,
        line.files,
    )  # fmt: skip
    if path
]


@pytest.mark.parametrize("path", NAMED)
def test_every_name_resolves(path: str) -> None:
    assert callable(registry.load(path))


def test_each_platform_has_a_folder_of_its_name_a_label_and_a_mark() -> None:
    for name, line in PLATFORMS.items():
        assert line.name == name
        assert importlib.util.find_spec(f"connectors.{name}") is not None
        assert line.label
        assert len(line.mark) == 2


def test_kinds_are_told_apart() -> None:
    marketplaces, storefronts = registry.marketplaces(), registry.storefronts()

    assert {line.kind for line in marketplaces} == {Kind.MARKETPLACE}
    assert {line.kind for line in storefronts} == {Kind.STOREFRONT}
    assert sorted(line.name for line in (*marketplaces, *storefronts)) == sorted(PLATFORMS)


def test_an_unknown_platform_is_a_sentence() -> None:
    with pytest.raises(LookupError, match="no platform called 'woolworths'"):
        registry.platform("woolworths")


def test_vendors_packages_are_imported_at_first_use_only() -> None:
    modules = sorted({path.partition(":")[0] for param in NAMED for path in param.values}) + ["connectors.amazon.sqs"]
    program = "import sys, importlib\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", program, *modules], check=True, capture_output=True, text=True
    ).stdout.split()

    assert set(modules) <= set(loaded)
    assert {"sp_api", "httpx", "botocore", "boto3", "django"} & set(loaded) == set()
