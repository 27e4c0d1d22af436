"""Etsy's own OpenAPI file as a judge of answers: types, enums, and no field the contract does not name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import requests
from openapi_schema_validator import OAS30Validator

FILE = "etsy_openapi_v3_2026-08-17.json"
_UNDECLARED = (429, 503)
"""Statuses Etsy answers with though its contract declares them nowhere."""


class Official:
    """Etsy's contract. `check` fails a test whose answer breaks it."""

    def __init__(self, specs: Path) -> None:
        self.document: dict[str, Any] = json.loads((specs / "etsy" / FILE).read_text())
        for schema in self.schemas.values():
            # Etsy's own file leaves every object open; what it does not name we must not answer with.
            if schema.get("properties"):
                schema["additionalProperties"] = False
        _let_null(self.schemas)
        # An error's description is answered beside `error` (etsy/open-api issue 519) and not in the contract.
        self.schemas["ErrorSchema"]["properties"]["error_description"] = {"type": "string"}
        self._routes = [
            (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + r"\Z"), methods)
            # Fixed parts before parameters: /listings/batch/inventory is no listing's inventory.
            for path, methods in sorted(self.document["paths"].items(), key=lambda item: item[0].count("{"))
        ]

    @property
    def schemas(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document["components"]["schemas"]
        return found

    def operation(self, method: str, path: str) -> dict[str, Any]:
        """Return the operation of a path of the API."""
        for pattern, methods in self._routes:
            if pattern.match(path) and method.lower() in methods:
                found: dict[str, Any] = methods[method.lower()]
                return found
        raise AssertionError(f"Etsy's contract knows no {method} {path}")

    def check(self, method: str, path: str, answer: requests.Response) -> None:
        """Hold an answer to what the contract declares for its operation and status."""
        operation = self.operation(method, path)
        declared = operation["responses"].get(str(answer.status_code))
        if declared is None:
            allowed = answer.status_code in _UNDECLARED or "error" in answer.json()
            assert allowed, f"{operation['operationId']} declares no {answer.status_code}"
            declared = operation["responses"]["500"]
        schema = declared["content"]["application/json"]["schema"]
        self.validate(answer.json(), schema)

    def validate(self, value: Any, schema: dict[str, Any]) -> None:
        """Validate a value; fails with the first place that is wrong."""
        judge = OAS30Validator({**schema, "components": {"schemas": self.schemas}})
        wrong = sorted(judge.iter_errors(value), key=lambda error: list(map(str, error.path)))
        assert not wrong, f"{list(wrong[0].path)}: {wrong[0].message}"

    def fields(self, name: str) -> set[str]:
        """Return every field the contract names for a schema."""
        return set(self.schemas[name]["properties"])


def _let_null(place: Any) -> None:
    """Make `oneOf` and `enum` with `nullable` mean what their author meant: one of these, or null. OpenAPI 3.0 says never.

    OpenAPI 3.0.3 lets `nullable` stretch nothing but a `type` beside it.
    """
    if isinstance(place, dict):
        if place.get("nullable") and "oneOf" in place:
            place["oneOf"] = [*place["oneOf"], {"enum": [None], "nullable": True}]
        if place.get("nullable") and None not in place.get("enum", [None]):
            place["enum"] = [*place["enum"], None]
        for inner in list(place.values()):
            _let_null(inner)
    elif isinstance(place, list):
        for inner in place:
            _let_null(inner)
