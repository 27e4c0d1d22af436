"""GraphQL: the schema with its resolvers, documents cached by their text, what a query costs, and the answer's outer
shape."""

from __future__ import annotations

import contextlib
import math
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    build_schema,
    execute,
    get_named_type,
    is_composite_type,
    parse,
    validate,
)

from connectors.sandbox.shopify import bulk, fields_catalog, fields_order, money, roots
from connectors.sandbox.shopify.context import Context, never_awaitable
from connectors.sandbox.shopify.inputs import Inputs
from connectors.sandbox.shopify.order_checks import moment
from connectors.sandbox.shopify.reading import Plan, Unplanned

MUTATION_COST = 10
MAX_COST = 1000
_CACHED = 500


@dataclass
class Prepared:
    """A document ready to run, or what is wrong with it."""

    document: DocumentNode | None
    errors: list[dict[str, Any]]
    operations: dict[str, OperationDefinitionNode] = field(default_factory=dict)
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    costs: dict[tuple[Any, ...], int] = field(default_factory=dict)
    plans: dict[str | None, Plan | None] = field(default_factory=dict)
    """Name of an operation → how to answer it; None when graphql-core must."""

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """Return the operation to run: the named one, or the only one."""
        if name:
            return self.operations.get(name)
        return next(iter(self.operations.values())) if len(self.operations) == 1 else None


def _resolve(source: Any, info: Any, **args: Any) -> Any:
    """The default resolver: a document's key, else an attribute."""
    if isinstance(source, dict):
        return source.get(info.field_name)
    return getattr(source, info.field_name)


def _kind(value: Any, info: Any = None, abstract_type: Any = None) -> str:
    """The object type of a Node: its ``__typename``, else the kind in its gid."""
    name = value.get("__typename")
    return str(name) if name else str(value["id"].split("/")[3])


class Engine:
    """One schema and its cache of documents; holds no data."""

    def __init__(self) -> None:
        self.schema: GraphQLSchema = build_schema((Path(__file__).parent / "schema.graphql").read_text())
        self._cache: OrderedDict[str, Prepared] = OrderedDict()
        self._inputs = Inputs(self.schema)
        Context.field_resolver = staticmethod(_resolve)
        for resolvers in (roots.RESOLVERS, fields_order.RESOLVERS, fields_catalog.RESOLVERS, bulk.RESOLVERS):
            for type_name, by_field in resolvers.items():
                kind = self.schema.type_map[type_name]
                assert isinstance(kind, GraphQLObjectType)
                for name, resolve in by_field.items():
                    kind.fields[name].resolve = resolve
        for name, check in (("Decimal", _decimal), ("Money", _decimal), ("DateTime", _date_time)):
            scalar = self.schema.type_map[name]
            assert isinstance(scalar, GraphQLScalarType)
            scalar.coerce_input_value = check

    def prepare(self, text: str) -> Prepared:
        """Parse and validate a document; the same text is done once."""
        found = self._cache.get(text)
        if found is not None:
            self._cache.move_to_end(text)
            return found
        prepared = self._prepare(text)
        self._cache[text] = prepared
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return prepared

    def _prepare(self, text: str) -> Prepared:
        try:
            document = parse(text, max_tokens=10_000)
        except GraphQLError as error:
            return Prepared(None, [{**dict(error.formatted), "extensions": {"code": "syntaxError"}}])
        problems = validate(self.schema, document, max_errors=20)
        if problems:
            return Prepared(
                None, [{**dict(error.formatted), "extensions": {"code": _code(error.message)}} for error in problems]
            )
        prepared = Prepared(document, [])
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                prepared.operations[definition.name.value if definition.name else ""] = definition
            elif isinstance(definition, FragmentDefinitionNode):
                prepared.fragments[definition.name.value] = definition
        return prepared

    def root_field(self, prepared: Prepared, operation: OperationDefinitionNode) -> str:
        """Return the first root field of an operation: its name for faults, counts and limits."""
        for node in operation.selection_set.selections:
            if isinstance(node, FieldNode):
                return node.name.value
            if isinstance(node, FragmentSpreadNode):
                for inner in prepared.fragments[node.name.value].selection_set.selections:
                    if isinstance(inner, FieldNode):
                        return inner.name.value
        return "__typename"

    def cost(self, prepared: Prepared, operation: OperationDefinitionNode, variables: dict[str, Any]) -> int:
        """Return what an operation costs: 10 a mutation; for queries 1 an object, connections by their size (on a log
        scale)."""
        if operation.operation == OperationType.MUTATION:
            return MUTATION_COST * sum(1 for node in operation.selection_set.selections if isinstance(node, FieldNode))
        key = (
            operation.name.value if operation.name else "",
            *(value for value in variables.values() if isinstance(value, int)),
        )
        known = prepared.costs.get(key)
        if known is None:
            query = self.schema.query_type
            assert query is not None
            known = prepared.costs[key] = max(
                1, round(self._selection_cost(prepared, operation.selection_set, query, variables))
            )
        return known

    def _selection_cost(
        self, prepared: Prepared, selection: SelectionSetNode, parent: Any, variables: dict[str, Any]
    ) -> float:
        total = 0.0
        for node in selection.selections:
            if isinstance(node, FragmentSpreadNode):
                fragment = prepared.fragments[node.name.value]
                inner = self.schema.type_map[fragment.type_condition.name.value]
                total += self._selection_cost(prepared, fragment.selection_set, inner, variables)
            elif isinstance(node, InlineFragmentNode):
                inner = self.schema.type_map[node.type_condition.name.value] if node.type_condition else parent
                total += self._selection_cost(prepared, node.selection_set, inner, variables)
            elif isinstance(node, FieldNode) and node.selection_set is not None:
                total += self._field_cost(prepared, node, parent, variables)
        return total

    def _field_cost(self, prepared: Prepared, node: FieldNode, parent: Any, variables: dict[str, Any]) -> float:
        definition = getattr(parent, "fields", {}).get(node.name.value)
        if definition is None or node.selection_set is None:
            return 0.0
        kind = get_named_type(definition.type)
        if not is_composite_type(kind):
            return 0.0
        inner = self._selection_cost(prepared, node.selection_set, kind, variables)
        name = kind.name
        if name.endswith("Connection"):
            return 2 + max(inner, 1) * (math.log2(max(_size(node, variables), 1)) + 1)
        if name in ("PageInfo",) or name.endswith("Edge") or node.name.value in ("nodes", "node"):
            return inner + (1 if node.name.value == "nodes" else 0)
        return 1 + inner

    def _plan(self, prepared: Prepared, name: str | None) -> Plan | None:
        """Return how to answer an operation, worked out once; None when no plan can."""
        if name not in prepared.plans:
            prepared.plans[name] = None
            operation = prepared.operation(name)
            if operation is not None:
                with contextlib.suppress(Unplanned):
                    prepared.plans[name] = Plan(self.schema, operation, prepared.fragments, self._inputs, _kind)
        return prepared.plans[name]

    def run(
        self, prepared: Prepared, context: Context, variables: dict[str, Any] | None, operation_name: str | None
    ) -> dict[str, Any]:
        """Execute and return ``{"data": …}`` with ``errors`` when there are any."""
        assert prepared.document is not None
        plan = self._plan(prepared, operation_name)
        if plan is not None:
            with contextlib.suppress(Unplanned):
                return {"data": plan.answer(context, variables)}
            # graphql-core asks everything again, and the resolvers warn again.
            context.search_warnings.clear()
        result = execute(
            self.schema,
            prepared.document,
            context_value=context,
            variable_values=variables,
            operation_name=operation_name,
            field_resolver=_resolve,
            type_resolver=_kind,
            is_awaitable=never_awaitable,
        )
        assert isinstance(result, ExecutionResult)
        answer: dict[str, Any] = {}
        if result.data is not None or not result.errors:
            answer["data"] = result.data
        if result.errors:
            answer["errors"] = [_formatted(error) for error in result.errors]
            for error in result.errors:
                cause = error.original_error
                if cause is not None and not isinstance(cause, GraphQLError):
                    raise cause
        return answer


def _formatted(error: GraphQLError) -> dict[str, Any]:
    shown = dict(error.formatted)
    if not error.extensions and error.path is None:
        shown["extensions"] = {"code": "INVALID_VARIABLE"}
    return shown


def _code(message: str) -> str:
    """Shopify's code for a validation error, by what graphql-core says of it."""
    if message.startswith("Cannot query field"):
        return "undefinedField"
    if "required" in message:
        return "missingRequiredArguments"
    return "argumentLiteralsIncompatible"


def _size(node: FieldNode, variables: dict[str, Any]) -> int:
    for argument in node.arguments or ():
        if argument.name.value in ("first", "last"):
            if isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
            if isinstance(argument.value, VariableNode):
                value = variables.get(argument.value.name.value)
                return value if isinstance(value, int) else 50
    return 50


def _decimal(value: Any) -> Any:
    try:
        money.parse(value)
    except ValueError as error:
        raise GraphQLError(str(error)) from None
    return value


def _date_time(value: Any) -> Any:
    if moment(value) is None:
        raise GraphQLError(f"invalid DateTime {value!r}")
    return value
