"""BigCommerce's official documents as the judge of the pretend one: every answer is held to its operation's schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from openapi_schema_validator import OAS30ReadValidator

V2 = ("orders.v2.oas2.yml", "store_information.v2.yml", "currencies.v2.yml")
V3 = (
    "orders.v3.yml",
    "products_catalog.v3.yml",
    "product-variants_catalog.v3.yml",
    "product-variant-options_catalog.v3.yml",
    "product-modifiers_catalog.v3.yml",
    "inventory.v3.yml",
    "locations.v3.yml",
    "settings.v3.yml",
    "channels.v3.yml",
    "customers.v3.yml",
    "webhooks.v3.yml",
)


_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Fast):
    """Leaves dates as texts, as JSON has them."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@cache
def document(folder: Path, name: str) -> dict[str, Any]:
    """Return one of the documents."""
    with (folder / "bigcommerce" / "reference" / name).open() as file:
        loaded: dict[str, Any] = yaml.load(file, _Loader)  # noqa: S506 - a safe loader
    return loaded


@cache
def operations(folder: Path, version: str) -> list[tuple[str, re.Pattern[str], dict[str, Any], dict[str, Any]]]:
    """Return (method, path, operation, its document) of an API version, fixed paths before those with parameters."""
    found = []
    for name in V2 if version == "v2" else V3:
        loaded = document(folder, name)
        for path, item in loaded["paths"].items():
            pattern = re.compile(re.sub(r"\\\{[^}]*\\\}", r"[^/]+", re.escape(path)) + "$")
            for method, operation in item.items():
                if method in ("get", "post", "put", "delete"):
                    found.append((path.count("{"), method.upper(), pattern, operation, loaded))
    found.sort(key=lambda row: row[0])
    return [row[1:] for row in found]


def _followed(value: Any, loaded: dict[str, Any]) -> Any:
    while isinstance(value, dict) and "$ref" in value:
        target: Any = loaded
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/")]
        value = target
    return value


def operation_of(folder: Path, version: str, method: str, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the operation a call is, and its document. Raises LookupError."""
    for name, pattern, operation, loaded in operations(folder, version):
        if name == method and pattern.match(path):
            return operation, loaded
    raise LookupError(f"{method} {path} is no operation of {version}")


def misfits(folder: Path, version: str, method: str, path: str, status: int, body: Any) -> Iterator[str]:
    """Yield where an answer does not fit the official operation: types, required fields, enums, unknown fields."""
    operation, loaded = operation_of(folder, version, method, path)
    answer = _followed(operation["responses"].get(str(status)), loaded)
    if answer is None:
        yield f"{operation['operationId']} is not documented to answer {status}"
        return
    content = answer.get("content", {}).get("application/json", {})
    if not content.get("schema"):
        return
    # References point into the whole document, so the schema is put beside its components.
    schema = {"allOf": [content["schema"]], "components": loaded.get("components", {})}
    for error in OAS30ReadValidator(schema).iter_errors(body):
        yield f"{operation['operationId']} {error.json_path}: {error.message[:200]}"
    for place in _unknown(content["schema"], body, loaded, "$"):
        yield f"{operation['operationId']} {place}: is not in the official schema"


def _parts(schema: Any, loaded: dict[str, Any]) -> list[dict[str, Any]]:
    schema = _followed(schema, loaded)
    parts = [schema]
    for word in ("allOf", "oneOf", "anyOf"):
        for inner in schema.get(word, ()):
            parts += _parts(inner, loaded)
    return parts


def _unknown(schema: Any, value: Any, loaded: dict[str, Any], place: str) -> Iterator[str]:
    parts = _parts(schema, loaded)
    if isinstance(value, list):
        items = [part["items"] for part in parts if "items" in part]
        for n, entry in enumerate(value[:3]):
            if items:
                yield from _unknown({"anyOf": items}, entry, loaded, f"{place}[{n}]")
    if isinstance(value, dict):
        known: dict[str, list[Any]] = {}
        for part in parts:
            for name, inner in (part.get("properties") or {}).items():
                known.setdefault(name, []).append(inner)
        if not known:
            return
        for name, entry in value.items():
            if name not in known:
                yield f"{place}.{name}"
            else:
                yield from _unknown({"anyOf": known[name]}, entry, loaded, f"{place}.{name}")
