"""Variables of a GraphQL request, checked and converted by what was worked out once for each input type.

graphql-core asks every value for its type anew and walks every field an input could have; for an ``orderCreate`` that
took as long as making the order. What does not fit raises `Unfit`: graphql-core is then asked, and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableValues,
    coerce_input_value,
    get_variable_values,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValueSource
from graphql.utilities.coerce_input_value import coerce_default_value

Take = Callable[[Any], Any]
"""(value as it came) → value as resolvers get it. Raises `Unfit`, or whatever a scalar raises."""


class Unfit(Exception):
    """A value is not one of its type, or not in the plain form."""


class Inputs:
    """How to take the variables of operations on one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._objects: dict[str, Take] = {}

    def of(self, operation: OperationDefinitionNode) -> Callable[[dict[str, Any]], VariableValues]:
        """Return what makes the variable values of an operation out of the raw ones; it raises `Unfit`."""
        definitions = operation.variable_definitions or ()

        def by_graphql_core(raw: dict[str, Any]) -> VariableValues:
            values = get_variable_values(self._schema, definitions, raw)
            if isinstance(values, list):
                raise Unfit
            return values

        if any(definition.default_value for definition in definitions):
            return by_graphql_core
        wanted = []
        for definition in definitions:
            signature = get_variable_signature(self._schema, definition)
            if isinstance(signature, Exception):
                return by_graphql_core
            wanted.append((signature.name, signature, self._take(signature.type), is_non_null_type(signature.type)))

        def values(raw: dict[str, Any]) -> VariableValues:
            sources, coerced = {}, {}
            for name, signature, take, needed in wanted:
                if name in raw:
                    sources[name] = VariableValueSource(signature, raw[name])
                    coerced[name] = take(raw[name])
                elif needed:
                    raise Unfit
                else:
                    sources[name] = VariableValueSource(signature)
            return VariableValues(sources, coerced)

        return values

    def _take(self, kind: Any) -> Take:
        if is_non_null_type(kind):
            return _needed(self._take(kind.of_type))
        if is_list_type(kind):
            return _each(self._take(kind.of_type))
        if is_input_object_type(kind):
            # Input types may hold themselves; so the object's own way is looked up when it is wanted.
            return lambda value: None if value is None else self._object(kind)(value)
        return _leaf(kind.coerce_input_value)

    def _object(self, kind: GraphQLInputObjectType) -> Take:
        found = self._objects.get(kind.name)
        if found is None:
            found = self._objects[kind.name] = self._laid_out(kind)
        return found

    def _laid_out(self, kind: GraphQLInputObjectType) -> Take:
        if kind.is_one_of:
            return _by_graphql_core(kind)
        fields = [(name, self._take(field.type), field, _has_default(field)) for name, field in kind.fields.items()]
        needed = [name for name, field in kind.fields.items() if is_required_input_field(field)]

        def take(value: Any) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise Unfit
            made, left = {}, len(value)
            # In the order of the schema, as graphql-core hands them on.
            for name, take_field, field, has_default in fields:
                if name in value:
                    made[name] = take_field(value[name])
                    left -= 1
                elif has_default:
                    made[name] = coerce_default_value(field)
            if left or any(name not in made for name in needed):
                raise Unfit
            return made

        return take


def _has_default(field: GraphQLInputField) -> bool:
    return field.default is not None or field.default_value is not Undefined


def _needed(inner: Take) -> Take:
    def take(value: Any) -> Any:
        if value is None:
            raise Unfit
        return inner(value)

    return take


def _each(inner: Take) -> Take:
    def take(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, list):
            raise Unfit
        return [inner(entry) for entry in value]

    return take


def _leaf(coerce: Take) -> Take:
    def take(value: Any) -> Any:
        if value is None:
            return None
        taken = coerce(value)
        if taken is Undefined:
            raise Unfit
        return taken

    return take


def _by_graphql_core(kind: GraphQLInputObjectType) -> Take:
    def take(value: Any) -> Any:
        taken = coerce_input_value(value, kind)
        if taken is Undefined:
            raise Unfit
        return taken

    return take
