"""BigCommerce's OpenAPI files as a judge of what we send and of what we are answered. The files are read, never copied."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from openapi_schema_validator import OAS30ReadValidator, OAS30WriteValidator

FILES = {
    "v2": ("orders.v2.oas2.yml", "store_information.v2.yml", "currencies.v2.yml"),
    "v3": (
        "customers.v3.yml",
        "products_catalog.v3.yml",
        "product-variants_catalog.v3.yml",
        "product-modifiers_catalog.v3.yml",
        "inventory.v3.yml",
        "locations.v3.yml",
        "settings.v3.yml",
        "webhooks.v3.yml",
    ),
}

PLACE = re.compile(r".*/stores/[a-z0-9]+/(v[23])(/[^?]*)")


class _Loader(yaml.SafeLoader):
    """Leaves dates as text: they are examples, and not JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Operation:
    """One operation of a file, with the document its references point into."""

    name: str
    method: str
    template: str
    described: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]
    document: Mapping[str, Any]

    def resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a reference inside the document."""
        while "$ref" in value:
            found: Any = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            value = found
        return value

    def schema(self, content: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the JSON schema of a body, with everything it refers to."""
        described = content.get("application/json", {}).get("schema")
        return None if described is None else {**described, "components": self.document.get("components", {})}

    def known(self, schema: Mapping[str, Any]) -> set[str]:
        """Return the names of an object's properties, those of the parts it is made of too."""
        found = self.resolved(schema)
        names = set(found.get("properties", {}))
        for kind in ("allOf", "anyOf", "oneOf"):
            for part in found.get(kind, ()):
                names |= self.known(part)
        return names

    def part(self, schema: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
        """Return the schema of an object's property, wherever it is described."""
        found = self.resolved(schema)
        if name in found.get("properties", {}):
            held: Mapping[str, Any] = found["properties"][name]
            return held
        for kind in ("allOf", "anyOf", "oneOf"):
            for inner in found.get(kind, ()):
                if (held_below := self.part(inner, name)) is not None:
                    return held_below
        return None


@cache
def operations(folder: Path) -> dict[str, tuple[Operation, ...]]:
    """Return every operation of the files we speak to, by version."""
    return {version: tuple(_read(folder / "bigcommerce/reference", names)) for version, names in FILES.items()}


def _read(folder: Path, names: tuple[str, ...]) -> Iterator[Operation]:
    for name in names:
        document = _as_meant(yaml.load((folder / name).read_text(), Loader=_Loader))  # noqa: S506 - a safe loader
        for template, item in document["paths"].items():
            for method in ("get", "post", "put", "delete"):
                if method in item:
                    made = Operation(item[method].get("operationId", ""), method, template, item[method], (), document)
                    listed = [*item.get("parameters", ()), *item[method].get("parameters", ())]
                    yield Operation(
                        made.name, method, template, item[method], tuple(made.resolved(one) for one in listed), document
                    )


def _as_meant(value: Any) -> Any:
    """Read the files as they are meant: `x-nullable` is `nullable`, and `oneOf` whose parts overlap is `anyOf`."""
    if isinstance(value, list):
        return [_as_meant(one) for one in value]
    if not isinstance(value, dict):
        return value
    # The list of webhooks "has at least one": a new store has none, and no list of answers is shorter for it.
    made = {"anyOf" if name == "oneOf" else name: _as_meant(one) for name, one in value.items() if name != "minItems"}
    if isinstance(made.get("x-nullable"), bool) and "type" in made:
        made.setdefault("nullable", made["x-nullable"])
    return made


def find(folder: Path, method: str, url: str) -> tuple[Operation, dict[str, str]]:
    """Return the operation a request is, and its query. Fails when the contract has no such address."""
    place = PLACE.fullmatch(urlsplit(url).path)
    assert place is not None, f"{url} is no address of a store's API"
    version, path = place.groups()
    fitting = [
        one
        for one in operations(folder)[version]
        if one.method == method.lower() and re.fullmatch(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(one.template)), path)
    ]
    assert fitting, f"BigCommerce has no {method} {version}{path}"
    # A path without a placeholder is meant before one with (orders/count before orders/{id}).
    chosen = min(fitting, key=lambda one: one.template.count("{"))
    return chosen, dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def check_request(folder: Path, method: str, url: str, body: bytes | None) -> None:
    """Fail when the request is not one BigCommerce's contract describes."""
    operation, query = find(folder, method, url)
    known = {one["name"]: one for one in operation.parameters if one["in"] == "query"}
    # V2 pages every list, although the files name page and limit for only some of them.
    unknown = set(query) - set(known) - ({"page", "limit"} if "/v2/" in url else set())
    assert not unknown, f"{operation.name} has no query parameters {sorted(unknown)}"
    for name, text in query.items():
        if name in known:
            _check_value(operation, name, text, known[name])
    described = operation.described.get("requestBody")
    if described is None:
        assert not body, f"{operation.name} takes no body"
        return
    schema = operation.schema(operation.resolved(described)["content"])
    assert schema is not None and body
    sent = json.loads(body)
    OAS30WriteValidator(schema).validate(sent)
    _check_names(operation, sent, schema, operation.name)


def _check_value(operation: Operation, name: str, text: str, described: Mapping[str, Any]) -> None:
    schema = operation.resolved(described["schema"])
    parts = text.split(",") if schema.get("type") == "array" or name.endswith(":in") else [text]
    inner = operation.resolved(schema.get("items", schema))
    for part in parts:
        if inner.get("type") == "integer":
            assert part.isdigit(), f"{name}: {part}"
            assert int(part) <= inner.get("maximum", int(part)), f"{name}: {part}"
        if inner.get("type") == "boolean":
            assert part in ("true", "false"), f"{name}: {part}"
        if "enum" in inner:
            assert part in inner["enum"], f"{name}: {part}"


def _check_names(operation: Operation, sent: Any, schema: Mapping[str, Any], path: str) -> None:
    """BigCommerce's schemas allow anything extra; we send nothing extra."""
    if isinstance(sent, list):
        items = operation.resolved(schema).get("items", {})
        for one in sent:
            _check_names(operation, one, items, f"{path}[]")
        return
    if not isinstance(sent, dict):
        return
    found = operation.resolved(schema)
    if "additionalProperties" in found and found["additionalProperties"] is not False:
        return
    unknown = set(sent) - operation.known(schema)
    assert not unknown, f"{path}: {sorted(unknown)} is not in the contract"
    for name, value in sent.items():
        inner = operation.part(schema, name)
        if inner is not None:
            _check_names(operation, value, inner, f"{path}.{name}")


def check_answer(folder: Path, method: str, url: str, status: int, body: bytes) -> None:
    """Fail when a good answer is not one BigCommerce's contract describes; one that is no JSON is broken on purpose."""
    operation, _ = find(folder, method, url)
    if not 200 <= status < 300 or status == 204:
        return
    try:
        answered = json.loads(body)
    except ValueError:
        return
    responses = operation.described["responses"]
    described = responses.get(str(status)) or responses.get("200") or {}
    schema = operation.schema(operation.resolved(described).get("content", {}))
    if "null indicates" in str(described.get("description")) and isinstance(answered.get("data"), dict):
        # A channel's settings: their null is described in words only.
        answered["data"] = {name: value for name, value in answered["data"].items() if value is not None}
    if schema is not None:
        OAS30ReadValidator(schema).validate(answered)
