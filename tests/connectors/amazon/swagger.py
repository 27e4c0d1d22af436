"""Amazon's Swagger 2.0 files as a judge of requests and a source of examples. The files are read, never copied."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from tests.connectors.wire import Asked


@dataclass(frozen=True)
class Operation:
    """One operation of a Swagger file, with the definitions its bodies refer to."""

    name: str
    method: str
    template: str
    described: dict[str, Any]
    definitions: dict[str, Any]

    def matches(self, asked: Asked) -> bool:
        pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(self.template))
        return asked.method.lower() == self.method and re.fullmatch(pattern, asked.path) is not None

    def check(self, asked: Asked) -> None:
        """Fail when the request is not one this operation describes."""
        parameters = self.described.get("parameters", [])
        self._check_query(asked, {p["name"]: p for p in parameters if p["in"] == "query"})
        bodies = [p for p in parameters if p["in"] == "body"]
        if not bodies:
            assert asked.body == b"", f"{self.name} takes no body"
            return
        schema = {**bodies[0]["schema"], "definitions": self.definitions}
        jsonschema.Draft4Validator(schema).validate(asked.json)
        self._check_keys(asked.json, bodies[0]["schema"])

    def _check_query(self, asked: Asked, known: dict[str, dict[str, Any]]) -> None:
        unknown = set(asked.query) - set(known)
        assert not unknown, f"{self.name} has no query parameters {sorted(unknown)}"
        missing = {name for name, described in known.items() if described.get("required")} - set(asked.query)
        assert not missing, f"{self.name} needs the query parameters {sorted(missing)}"
        for name, text in asked.query.items():
            described = known[name]
            if described["type"] == "array":
                values = text.split(",")
                assert len(values) <= described.get("maxItems", len(values)), f"too many {name}"
                allowed = described["items"].get("enum")
                assert allowed is None or set(values) <= set(allowed), f"{name}: {text}"
            if described["type"] == "integer":
                assert described.get("minimum", 0) <= int(text) <= described.get("maximum", int(text)), name
            if described.get("format") == "date-time":
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text), f"{name}: {text}"

    def _check_keys(self, body: dict[str, Any], schema: dict[str, Any]) -> None:
        """Amazon's schemas allow anything extra; we send nothing extra."""
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].rpartition("/")[2]]
        known = set(schema.get("properties", {}))
        assert set(body) <= known, f"{self.name}: {sorted(set(body) - known)} is not in the contract"


@cache
def operations(specs: Path, file: str) -> tuple[Operation, ...]:
    """Return all operations of a Swagger file of Amazon's."""
    document = json.loads((specs / "amazon" / "models" / file).read_text())
    return tuple(
        Operation(described["operationId"], method, template, described, document.get("definitions", {}))
        for template, methods in document["paths"].items()
        for method, described in methods.items()
        if isinstance(described, dict) and "operationId" in described
    )


def judge(specs: Path, asked: Asked) -> str:
    """Check a request against whatever official file describes it; return the operation's name."""
    for file in ("orders_2026-01-01.json", "sellers.json", "notifications.json"):
        for operation in operations(specs, file):
            if operation.matches(asked):
                operation.check(asked)
                return operation.name
    raise AssertionError(f"no official contract describes {asked.method} {asked.path}")


def examples(specs: Path, file: str, operation: str, status: str = "200") -> Iterator[dict[str, Any]]:
    """Yield the answers Amazon's own static sandbox gives for an operation."""
    for known in operations(specs, file):
        if known.name == operation:
            for pair in known.described["responses"][status].get("x-amzn-api-sandbox", {}).get("static", []):
                yield pair["response"]
