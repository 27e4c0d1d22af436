"""Our schema is a subset of Shopify's official one, so that what works here is asked rightly there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
    parse,
    validate,
)

from tests.sandbox.shopify import official

pytestmark = pytest.mark.contract
SDL = Path(__file__).parents[3] / "connectors" / "sandbox" / "shopify" / "schema.graphql"


def _shown(default: Any) -> Any:
    from graphql import print_ast

    return print_ast(default.literal) if default is not None else None


def _arguments(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    wrong = []
    for key, argument in ours.items():
        if key not in theirs:
            wrong.append(f"{name}({key}) does not exist")
        elif str(argument.type) != str(theirs[key].type):
            wrong.append(f"{name}({key}) is {theirs[key].type}, not {argument.type}")
        elif _shown(argument.default) != _shown(theirs[key].default):
            wrong.append(f"{name}({key}) has the default {_shown(theirs[key].default)}")
    for key, argument in theirs.items():
        if key not in ours and isinstance(argument.type, GraphQLNonNull) and argument.default is None:
            wrong.append(f"{name}({key}) is required and missing here")
    return wrong


def test_every_type_field_argument_and_enum_value_of_ours_exists_officially_with_the_same_type(specs: Path) -> None:
    theirs = official.schema(specs)
    wrong: list[str] = []
    for name, kind in build_schema(SDL.read_text()).type_map.items():
        if name.startswith("__"):
            continue
        other = theirs.type_map.get(name)
        if other is None or type(kind) is not type(other):
            wrong.append(f"{name} is not officially a {type(kind).__name__}")
        elif isinstance(kind, GraphQLEnumType):
            wrong += [f"{name}.{value} does not exist" for value in kind.values if value not in other.values]
        elif isinstance(kind, GraphQLInputObjectType):
            wrong += _arguments(name, kind.fields, other.fields)
            if kind.is_one_of != other.is_one_of:
                wrong.append(f"{name} differs in @oneOf")
        elif isinstance(kind, GraphQLUnionType):
            wrong += [f"{name} has no {m.name}" for m in kind.types if m.name not in {x.name for x in other.types}]
        elif isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType)):
            for key, field in kind.fields.items():
                if key not in other.fields:
                    wrong.append(f"{name}.{key} does not exist")
                    continue
                if str(field.type) != str(other.fields[key].type):
                    wrong.append(f"{name}.{key} is {other.fields[key].type}, not {field.type}")
                wrong += _arguments(f"{name}.{key}", field.args, other.fields[key].args)
            missing = {i.name for i in kind.interfaces} - {i.name for i in other.interfaces}
            wrong += [f"{name} does not implement {one}" for one in missing]
    assert wrong == []


def test_the_prepared_operations_validate_here_as_they_do_officially(specs: Path) -> None:
    document = parse((specs / "shopify" / "operations_2026-10.graphql").read_text())
    assert validate(build_schema(SDL.read_text()), document) == []
    assert validate(official.schema(specs), document) == []
