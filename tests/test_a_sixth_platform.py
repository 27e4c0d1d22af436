"""A further platform is a folder, a line and its words: nothing else of the product knows a platform by its name.

Names in comments and documentation are free: there they tell where a fact comes from.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.urls import resolve

from accounts import connections, platforms
from connectors import registry
from orders.reasons import who_ships
from salestio.templatetags import ui

ROOT = Path(__file__).resolve().parent.parent
PARTS = (
    "accounts",
    "connectors",
    "inventory",
    "listings",
    "notifications",
    "orders",
    "profiles",
    "salestio",
    "templates",
)
NAME = re.compile("|".join(registry.PLATFORMS), re.IGNORECASE)
COMMENTS = {
    ".html": re.compile(r"\{#.*?#\}|\{% comment.*?endcomment %\}|<!--.*?-->", re.DOTALL),
    ".js": re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.DOTALL),
    ".css": re.compile(r"/\*.*?\*/", re.DOTALL),
}
OWN = tuple(
    own
    for name in registry.PLATFORMS
    for own in (f"connectors/{name}/", f"connectors/sandbox/{name}/", f"accounts/views/{name}.py")
)

ALLOWED: dict[str, str] = {
    # the tables in which a platform is entered
    "connectors/registry.py": "the line of each platform",
    "connectors/sandbox/platforms.py": "the line of each pretend platform",
    "connectors/sandbox/catalog.py": "whose sellers are meant where none is named",
    "connectors/sandbox/catalog_listings.py": "the demo's sellers and shops",
    "connectors/sandbox/catalog_stores.py": "the demo's stores",
    "accounts/demo.py": "the demo's merchants and what each has",
    "accounts/preference_table.py": "settings that only one platform has",
    # what is one platform's own
    "orders/domain/store_order.py": "Amazon Business, a program with a prefix of its own",
    "salestio/static/salestio/app.js": "App Bridge's global, which gives session tokens",
    "salestio/static/salestio/embedded.js": "App Bridge's global, which gives session tokens",
    "salestio/launch/environment.py": "the pretend queue",
}
"""File → why it names a platform. A new entry needs such a reason; without one, ask the registry (accounts/platforms.py)."""


def _python(path: Path) -> Iterator[str]:
    """Yield a module's names and texts, without its comments and documentation (any text that stands alone)."""
    tree = ast.parse(path.read_text())
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value
        for field in ("id", "attr", "name", "asname", "arg", "module"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                yield value


def named_in(path: Path) -> set[str]:
    """Return the platforms that a file's code names."""
    if path.suffix == ".py":
        words = _python(path)
    else:
        words = iter([COMMENTS[path.suffix].sub(" ", path.read_text())])
    return {found.lower() for word in words for found in NAME.findall(word)}


def code() -> dict[str, set[str]]:
    """Return file → the platforms it names, of all code that belongs to no platform."""
    found = {}
    for part in PARTS:
        for path in sorted((ROOT / part).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            vendored = "/static/vendor/" in name or ".min." in name
            if path.suffix not in {".py", *COMMENTS} or name.startswith(OWN) or vendored or "/migrations/" in name:
                continue
            if names := named_in(path):
                found[name] = names
    return found


def test_no_other_code_names_a_platform() -> None:
    new = {name: sorted(names) for name, names in code().items() if name not in ALLOWED}

    assert new == {}, "ask connectors/registry.py instead, or say in ALLOWED why not"


def test_files_that_name_no_platform_any_more_leave_the_list() -> None:
    assert sorted(set(ALLOWED) - set(code())) == []


def test_names_in_comments_are_free_and_in_code_are_not(tmp_path: Path) -> None:
    module, page = tmp_path / "module.py", tmp_path / "page.html"
    module.write_text('"""Etsy."""\n# eBay\nSHOPIFY_ID = 1\nX = f"{SHOPIFY_ID} bigcommerce"\n"""Amazon."""\n')
    page.write_text("{# Etsy #}<!-- eBay --><p>BigCommerce</p>")

    assert named_in(module) == {"shopify", "bigcommerce"}
    assert named_in(page) == {"bigcommerce"}


def test_labels_and_badges_are_the_registrys() -> None:
    for name, line in registry.PLATFORMS.items():
        assert platforms.LABELS[name] == line.label
        assert f">{line.mark}</span>" in ui.mark(name)
        assert f"mark-{line.mark.lower()} " in ui.mark(name)
        assert ui.platform_name(name) == line.label
    assert "··" in ui.mark("woolworths")
    assert len({line.mark.lower() for line in registry.PLATFORMS.values()}) == len(registry.PLATFORMS)
    assert platforms.ORDER_PAGES["amazon"] == "Seller Central"
    assert platforms.ORDER_PAGES["ebay"] == "eBay"


def test_every_badge_has_its_color() -> None:
    styles = (ROOT / "salestio/static/salestio/theme.css").read_text()

    assert [line.name for line in registry.PLATFORMS.values() if f".mark-{line.mark.lower()} " not in styles] == []


@pytest.mark.parametrize("platform", registry.PLATFORMS)
def test_production_hands_every_required_setting_over(platform: str) -> None:
    declared = registry.load(registry.platform(platform).settings)
    needed = [value.env for value in declared.app.values() if value.required]
    composed, example = ((ROOT / name).read_text() for name in ("docker-compose.yml", ".env.example"))

    assert needed
    assert [name for name in needed if f"  {name}:" not in composed] == []
    assert [name for name in needed if f"\n{name}=" not in example] == []


@pytest.mark.parametrize("platform", registry.PLATFORMS)
def test_every_platform_has_what_pages_and_the_sandbox_ask_of_it(platform: str) -> None:
    line, config = registry.platform(platform), connections.config(platform)
    asked = (
        ("order_page",)
        if line.kind is registry.Kind.MARKETPLACE
        else ("admin_url", "order_page", "product_page", "app_page", "app_store", "frame_ancestors")
    )

    assert [name for name in asked if not hasattr(config, name)] == []
    assert all((ROOT / folder / platform / "__init__.py").exists() for folder in ("connectors", "connectors/sandbox"))
    assert (ROOT / "connectors" / platform / "README.md").exists()
    assert (ROOT / "tests" / "connectors" / platform / "test_contract.py").exists()


@pytest.mark.parametrize("platform", [line.name for line in registry.storefronts()])
def test_a_store_platform_brings_the_addresses_at_which_it_opens_our_app(platform: str) -> None:
    urls = import_module(f"accounts.views.{platform}").URLS

    assert urls
    assert [resolve(f"/{url.pattern}").func for url in urls] == [url.callback for url in urls]


@pytest.mark.parametrize("platform", [line.name for line in registry.marketplaces()])
def test_no_marketplace_is_told_of_in_anothers_words(platform: str) -> None:
    line = registry.platform(platform)
    email, order = platforms.EXAMPLES[platform]

    assert "@" in email and order
    assert all(other not in f"{email} {line.hint}".lower() for other in registry.PLATFORMS if other != platform)
    assert bool(line.our_word) == bool(line.their_word)
    assert [who_ships(platform, theirs=theirs) for theirs in (False, True)] == (
        [line.our_word, line.their_word] if line.our_word else ["Shipped by you", f"Shipped by {line.label}"]
    )
