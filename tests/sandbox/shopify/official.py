"""Reading Shopify's official schema, and holding an answer to it."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    build_client_schema,
    parse,
)


@cache
def schema(folder: Path) -> GraphQLSchema:
    with gzip.open(folder / "shopify" / "admin_2026-10.introspection.json.gz") as file:
        return build_client_schema(json.load(file)["data"], assume_valid=True)


def misfits(official: GraphQLSchema, document: str, operation: str, data: dict[str, Any]) -> list[str]:
    """Return where an operation's answer does not fit the official types: nulls, enum values, lists, missing fields."""
    parsed = parse(document)
    fragments = {d.name.value: d for d in parsed.definitions if d.kind == "fragment_definition"}
    found = next(d for d in parsed.definitions if d.kind == "operation_definition" and d.name.value == operation)
    root = official.mutation_type if found.operation.value == "mutation" else official.query_type
    wrong: list[str] = []

    def value(kind: Any, got: Any, node: Any, path: str) -> None:
        if isinstance(kind, GraphQLNonNull):
            if got is None:
                wrong.append(f"{path} is null")
                return
            kind = kind.of_type
        if got is None:
            return
        if isinstance(kind, GraphQLList):
            if not isinstance(got, list):
                wrong.append(f"{path} is no list")
                return
            for n, entry in enumerate(got):
                value(kind.of_type, entry, node, f"{path}[{n}]")
        elif isinstance(kind, GraphQLEnumType):
            if got not in kind.values:
                wrong.append(f"{path} is {got!r}")
        elif node.selection_set is not None:
            fields(kind, got, node.selection_set, path)

    def fields(kind: Any, got: Any, selections: Any, path: str) -> None:
        if not isinstance(got, dict):
            wrong.append(f"{path} is no object")
            return
        for node in selections.selections:
            if isinstance(node, FragmentSpreadNode):
                fields(kind, got, fragments[node.name.value].selection_set, path)
            elif isinstance(node, InlineFragmentNode):
                if got.get("__typename") == node.type_condition.name.value:
                    fields(official.type_map[node.type_condition.name.value], got, node.selection_set, path)
            elif isinstance(node, FieldNode) and not node.name.value.startswith("__"):
                name = node.alias.value if node.alias else node.name.value
                if name not in got:
                    wrong.append(f"{path}.{name} is missing")
                else:
                    value(kind.fields[node.name.value].type, got[name], node, f"{path}.{name}")

    fields(root, data, found.selection_set, operation)
    return wrong
