"""eBay's OpenAPI files as a judge of what we send and of what tests pretend eBay answers. The files are read, never copied.

eBay's schemas have no required lists, so what is judged is: the operation exists, its query has only known names and all
required ones, and bodies have only known properties of the right types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.connectors.wire import Asked

FILES = (
    "sell_fulfillment_v1",
    "sell_account_v1",
    "commerce_identity_v1",
    "commerce_notification_v1",
    "developer_analytics_v1_beta",
)

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True)
class Operation:
    """One operation of a contract, with the schemas its bodies refer to."""

    name: str
    method: str
    template: str
    described: dict[str, Any]
    schemas: dict[str, Any]

    def matches(self, method: str, path: str) -> bool:
        pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(self.template))
        return method.lower() == self.method and re.fullmatch(pattern, path) is not None

    def check_request(self, asked: Asked) -> None:
        """Fail when the request is not one this operation describes."""
        parameters = [p for p in self.described.get("parameters", []) if p["in"] == "query"]
        unknown = set(asked.query) - {p["name"] for p in parameters}
        assert not unknown, f"{self.name} has no query parameters {sorted(unknown)}"
        missing = {p["name"] for p in parameters if p.get("required")} - set(asked.query)
        assert not missing, f"{self.name} needs {sorted(missing)}"
        content = self.described.get("requestBody", {}).get("content", {})
        if not content:
            assert asked.body == b"", f"{self.name} takes no body"
            return
        assert asked.headers["content-type"].startswith("application/json")
        self.check_value(asked.json, content["application/json"]["schema"], self.name)

    def check_answer(self, body: Any, status: int = 200) -> None:
        """Fail when this is no answer the operation describes."""
        content = self.described["responses"][str(status)].get("content", {})
        self.check_value(body, content["application/json"]["schema"], self.name)

    def check_value(self, value: Any, schema: dict[str, Any], where: str) -> None:
        """Fail when a value has an unknown property or another type than the schema says."""
        if "$ref" in schema:
            schema = self.schemas[schema["$ref"].rpartition("/")[2]]
        kind = schema.get("type", "object")
        fits = isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
        assert fits, f"{where} is no {kind}: {value!r}"
        if kind == "array":
            for entry in value:
                self.check_value(entry, schema["items"], f"{where}[]")
        known = schema.get("properties")
        if kind == "object" and known:
            for name, inner in value.items():
                assert name in known, f"{where} has no {name}"
                self.check_value(inner, known[name], f"{where}.{name}")


@cache
def operations(specs: Path) -> tuple[Operation, ...]:
    """Return every operation of the contracts we use, by their full paths."""
    return tuple(_read(specs))


def _read(specs: Path) -> Iterator[Operation]:
    for name in FILES:
        document = json.loads((specs / "ebay" / f"{name}_oas3.json").read_text())
        base = document["servers"][0]["variables"]["basePath"]["default"]
        for path, methods in document["paths"].items():
            for method, described in methods.items():
                if isinstance(described, dict) and "operationId" in described:
                    schemas = document["components"]["schemas"]
                    yield Operation(described["operationId"], method, base + path, described, schemas)


def of_request(specs: Path, method: str, path: str) -> Operation:
    """Return the operation of a request. Fails when there is none."""
    found = [operation for operation in operations(specs) if operation.matches(method, path)]
    assert found, f"eBay has no operation {method} {path}"
    # /program/get_opted_in_programs is also /program/{id}: the one without a placeholder is meant.
    return min(found, key=lambda operation: operation.template.count("{"))


def named(specs: Path, name: str) -> Operation:
    """Return the operation of that operationId."""
    return next(operation for operation in operations(specs) if operation.name == name)


def check(specs: Path, asked: Asked) -> str:
    """Fail when this request is none of eBay's contracts; return its operationId."""
    operation = of_request(specs, asked.method, asked.path)
    operation.check_request(asked)
    return operation.name
