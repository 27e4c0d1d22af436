"""eBay's published contracts as a judge: is this an operation, and is the answer what the contract says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

FILES = (
    "sell_fulfillment_v1", "commerce_identity_v1", "commerce_notification_v1", "developer_analytics_v1_beta",
    "sell_account_v1", "post_order_cancellation",
)  # fmt: skip
GATEWAY = {1001: 401, 1002: 401, 1003: 401, 1100: 403, 2001: 429, 2002: 404}
"""What eBay's gateway answers before an API is reached: in none of the contracts."""


@dataclass(frozen=True, slots=True)
class Found:
    """An operation of a contract."""

    file: str
    name: str
    responses: dict[str, Any]


class Official:
    """All contracts the pretend eBay speaks. The files have no required lists, so an empty object always passes."""

    def __init__(self, specs: Path) -> None:
        folder = specs / "ebay"
        self.documents = {name: json.loads((folder / f"{name}_oas3.json").read_text()) for name in FILES}
        self.catalogue = json.loads((folder / "error_catalogue.json").read_text())["errors"]
        self._routes: list[tuple[str, re.Pattern[str], Found]] = []
        for name, document in self.documents.items():
            base = document["servers"][0]["variables"]["basePath"]["default"]
            for path, methods in document["paths"].items():
                pattern = re.compile(re.escape(base) + re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "$")
                for method, operation in methods.items():
                    if isinstance(operation, dict):
                        found = Found(name, operation["operationId"], operation["responses"])
                        self._routes.append((method.upper(), pattern, found))

    def find(self, method: str, path: str) -> Found:
        """Return the operation of a call; fails when eBay has none there."""
        matching = [found for verb, pattern, found in self._routes if verb == method and pattern.match(path)]
        # `/cancellation/search` is also `/cancellation/{cancelId}`: the path without a placeholder is meant.
        assert matching, f"eBay's contracts have no {method} {path}"
        return matching[-1]

    def check(self, method: str, path: str, status: int, body: Any) -> None:
        """Hold an answer to the contract: its status, its shape, and nothing it does not name."""
        found = self.find(method, path)
        if status >= 400:
            self._check_error(found, status, body)
            return
        assert str(status) in found.responses, f"{found.name} never answers {status}"
        if found.file == "post_order_cancellation":
            return
        content = found.responses[str(status)].get("content") or {}
        schema = next((entry["schema"] for entry in content.values()), {})
        if set(schema) <= {"type"}:
            # "object" without properties is how the files say that there is nothing but a Location header.
            assert body is None, f"{found.name} answers {status} without a body"
            return
        self.validate(found.file, schema, body)

    def validate(self, file: str, schema: dict[str, Any], body: Any) -> None:
        """Check a document against a schema of a file, and that it holds nothing the schema does not name."""
        components = self.documents[file]["components"]
        checker = jsonschema.Draft4Validator({**schema, "components": components})
        assert [f"{error.json_path}: {error.message}" for error in checker.iter_errors(body)] == []
        unknown: list[str] = []
        self._walk(components["schemas"], body, schema, "answer", unknown)
        assert unknown == []

    def _walk(self, schemas: dict[str, Any], value: Any, schema: dict[str, Any], at: str, unknown: list[str]) -> None:
        while "$ref" in schema:
            schema = schemas[schema["$ref"].rpartition("/")[2]]
        if isinstance(value, list):
            for entry in value:
                self._walk(schemas, entry, schema.get("items", {}), f"{at}[]", unknown)
        elif isinstance(value, dict) and "properties" in schema:
            for key, entry in value.items():
                if key in schema["properties"]:
                    self._walk(schemas, entry, schema["properties"][key], f"{at}.{key}", unknown)
                else:
                    unknown.append(f"{at}.{key}")

    def _check_error(self, found: Found, status: int, body: Any) -> None:
        if found.file == "post_order_cancellation":
            assert isinstance(body["error"], list)
            return
        (entry,) = body["errors"]
        if GATEWAY.get(entry["errorId"]) == status:
            return
        known = self.catalogue[found.file][found.name][str(status)][str(entry["errorId"])]
        assert (entry["domain"], entry["category"]) == (known["domain"], known["category"])
        error = {"$ref": "#/components/schemas/Error"}
        self.validate(found.file, error, entry)
