"""Shopify's official schema as a judge of what we send, with the run-time rules the schema does not show."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    build_client_schema,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from connectors.shopify.version import API_VERSION

IDEMPOTENT = frozenset(
    {
        "inventoryActivate",
        "inventoryAdjustQuantities",
        "inventoryMoveQuantities",
        "inventorySetQuantities",
        "inventorySetOnHandQuantities",
        "refundCreate",
    }
)
"""Mutations Shopify refuses without @idempotent, although its schema does not say so."""


@cache
def schema(specs: Path) -> GraphQLSchema:
    """Return the official schema of the version we speak."""
    with gzip.open(specs / "shopify" / f"admin_{API_VERSION}.introspection.json.gz") as file:
        # assume_valid: the published schema has a deprecation that graphql-core refuses.
        return build_client_schema(json.load(file)["data"], assume_valid=True)


@cache
def _valid(specs: Path, document: str) -> DocumentNode:
    """Return the parsed document; fail when it is not valid."""
    parsed = parse(document)
    problems = validate(schema(specs), parsed)
    assert not problems, [problem.message for problem in problems]
    return parsed


def check(specs: Path, document: str, variables: Mapping[str, Any]) -> None:
    """Fail unless Shopify would take this document with these variables."""
    parsed = _valid(specs, document)
    operations = [part for part in parsed.definitions if isinstance(part, OperationDefinitionNode)]
    assert len(operations) == 1
    values = get_variable_values(schema(specs), operations[0].variable_definitions or (), dict(variables))
    errors = values if isinstance(values, list) else getattr(values, "errors", None)
    assert not errors, [error.message for error in errors or ()]
    known = {definition.variable.name.value for definition in operations[0].variable_definitions or ()}
    assert set(variables) <= known, f"{sorted(set(variables) - known)} are not variables of the document"
    for field in operations[0].selection_set.selections:
        if isinstance(field, FieldNode) and field.name.value in IDEMPOTENT:
            assert any(directive.name.value == "idempotent" for directive in field.directives or ())
    check_scalars(variables)


_FORMS = {
    "amount": lambda value: _is_decimal(value),
    "rate": lambda value: _is_decimal(value),
    "processedAt": lambda value: re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(value)) is not None,
    "sourceUrl": lambda value: str(value).startswith(("https://", "http://")),
    "variantId": lambda value: str(value).startswith("gid://shopify/ProductVariant/"),
    "locationId": lambda value: str(value).startswith("gid://shopify/Location/"),
}
"""The schema's own scalars (Decimal, DateTime, URL, ID) are not checked by graphql-core: here they are."""


def check_scalars(value: Any) -> None:
    """Fail when a scalar anywhere in the variables is not in its form."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name in _FORMS and not isinstance(part, dict | list):
                assert _FORMS[name](part), f"{name}: {part!r}"
            check_scalars(part)
    elif isinstance(value, list | tuple):
        for part in value:
            check_scalars(part)


def _is_decimal(value: Any) -> bool:
    try:
        return isinstance(value, str) and Decimal(value).is_finite() and "E" not in value.upper()
    except InvalidOperation:
        return False
