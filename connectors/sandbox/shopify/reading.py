"""Requests answered by a plan: which field of which object goes where is worked out once a document, not an object.

graphql-core decides all of it anew for every object it meets; for the stock of forty orders that cost more than
everything else the sandbox does. A plan knows the smooth case only. Whatever else turns up (an error, a null where
there may be none, a directive, introspection) is `Unplanned`: graphql-core then runs the request from its beginning,
so that an answer never has other words than its. A query changes nothing and may be run twice; a mutation's work is
done once for a context (`Context.once`), whoever asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Undefined,
    get_argument_values,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.pyutils import Path

if TYPE_CHECKING:
    from connectors.sandbox.shopify.context import Context
    from connectors.sandbox.shopify.inputs import Inputs


class Unplanned(Exception):
    """This is for graphql-core: no plan can be made, or the answer is not the smooth one."""


@dataclass(slots=True)
class Run:
    """One execution. To resolvers it is their ``info``: all they may ask of one without directives is here."""

    context: Context
    schema: GraphQLSchema
    variable_values: Any
    path: Path | None
    field_nodes: list[FieldNode]
    """A mutation's one field, and where it stands in the answer."""
    known: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Place of a field in the plan → its arguments; they are the same for every object."""


Complete = Callable[[Any, Run], Any]
"""(what was resolved, the run) → what the answer shows."""


class Step(NamedTuple):
    """One field of an object: its key in the answer, where its value comes from, how that is shown."""

    key: str
    name: str
    resolve: Callable[..., Any] | None
    """None: the document's own value of that name."""
    arguments: Callable[[Run], dict[str, Any]] | None
    complete: Complete


class Plan:
    """How to answer one query, or a mutation of one field. Raises `Unplanned` when it holds what no plan can."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDefinitionNode],
        inputs: Inputs,
        kind_of: Callable[[Any], str],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._kind_of = kind_of
        self._places = 0
        self._path: Path | None = None
        self._nodes: list[FieldNode] = []
        self._values = inputs.of(operation)
        root = schema.get_root_type(operation.operation)
        if operation.directives or root is None:
            raise Unplanned
        if operation.operation == OperationType.MUTATION:
            node = _only_field(operation)
            self._path, self._nodes = Path(None, (node.alias or node.name).value, root.name), [node]
        self._root = self._object(root, [operation.selection_set])

    def answer(self, context: Context, variables: dict[str, Any] | None) -> Any:
        """Return the answer's ``data``. Raises `Unplanned`."""
        try:
            values = self._values(variables or {})
            return self._root(None, Run(context, self._schema, values, self._path, self._nodes))
        except Exception as error:
            # Also a mistake of ours: graphql-core meets it again, and says where.
            raise Unplanned from error

    # Laying out

    def _object(self, kind: GraphQLObjectType, selections: Iterable[SelectionSetNode]) -> Complete:
        grouped: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for selection in selections:
            self._collect(kind, selection, grouped, seen)
        steps = [self._step(kind, key, nodes) for key, nodes in grouped.items()]

        def fill(source: Any, run: Run) -> Any:
            made = {}
            is_document = isinstance(source, dict)
            for key, name, resolve, arguments, complete in steps:
                if resolve is None:
                    value = source.get(name) if is_document else getattr(source, name)
                elif arguments is None:
                    value = resolve(source, run)
                else:
                    value = resolve(source, run, **arguments(run))
                made[key] = complete(value, run)
            return made

        return fill

    def _collect(
        self, kind: GraphQLObjectType, selection: SelectionSetNode, grouped: dict[str, list[FieldNode]], seen: set[str]
    ) -> None:
        for node in selection.selections:
            if node.directives:
                raise Unplanned
            if isinstance(node, FieldNode):
                grouped.setdefault((node.alias or node.name).value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._fits(kind, node.type_condition.name.value):
                    self._collect(kind, node.selection_set, grouped, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self._fragments[node.name.value]
                if self._fits(kind, fragment.type_condition.name.value):
                    self._collect(kind, fragment.selection_set, grouped, seen)

    def _fits(self, kind: GraphQLObjectType, wanted: str) -> bool:
        other = self._schema.type_map[wanted]
        return other is kind or (is_abstract_type(other) and self._schema.is_sub_type(other, kind))

    def _step(self, kind: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Step:
        name = nodes[0].name.value
        if name == "__typename":
            return Step(key, name, lambda source, run: kind.name, None, lambda value, run: value)
        definition = kind.fields.get(name)
        if definition is None:
            raise Unplanned
        inner = [node.selection_set for node in nodes if node.selection_set is not None]
        arguments = self._arguments(definition, nodes[0]) if definition.args else None
        return Step(key, name, definition.resolve, arguments, self._completer(definition.type, inner))

    def _arguments(self, definition: GraphQLField, node: FieldNode) -> Callable[[Run], dict[str, Any]]:
        self._places += 1
        place = self._places

        def find(run: Run) -> dict[str, Any]:
            found = run.known.get(place)
            if found is None:
                found = run.known[place] = get_argument_values(definition, node, run.variable_values)
            return found

        return find

    def _completer(self, kind: Any, selections: list[SelectionSetNode]) -> Complete:
        if is_non_null_type(kind):
            return _never_null(self._completer(kind.of_type, selections))
        if is_list_type(kind):
            return _each(self._completer(kind.of_type, selections))
        if is_leaf_type(kind):
            return _leaf(kind.coerce_output_value)
        if is_object_type(kind):
            return _unless_null(self._object(kind, selections))
        return _unless_null(self._any_of(kind, selections))

    def _any_of(self, interface: Any, selections: list[SelectionSetNode]) -> Complete:
        """An interface: laid out for each kind of object met in its place."""
        known: dict[str, Complete] = {}

        def complete(value: Any, run: Run) -> Any:
            name = self._kind_of(value)
            if name not in known:
                kind = self._schema.type_map.get(name)
                if not isinstance(kind, GraphQLObjectType) or not self._schema.is_sub_type(interface, kind):
                    raise Unplanned
                known[name] = self._object(kind, selections)
            return known[name](value, run)

        return complete


def _only_field(operation: OperationDefinitionNode) -> FieldNode:
    """A mutation's one field; of several, each would have to be shown before the next one's work."""
    nodes = operation.selection_set.selections
    if len(nodes) != 1 or not isinstance(nodes[0], FieldNode):
        raise Unplanned
    return nodes[0]


def _never_null(inner: Complete) -> Complete:
    def complete(value: Any, run: Run) -> Any:
        shown = inner(value, run)
        if shown is None:
            raise Unplanned
        return shown

    return complete


def _unless_null(inner: Complete) -> Complete:
    return lambda value, run: None if value is None else inner(value, run)


def _each(inner: Complete) -> Complete:
    def complete(value: Any, run: Run) -> Any:
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            raise Unplanned
        return [inner(entry, run) for entry in value]

    return complete


def _leaf(show: Callable[[Any], Any]) -> Complete:
    def complete(value: Any, run: Run) -> Any:
        if value is None:
            return None
        shown = show(value)
        if shown is None or shown is Undefined:
            raise Unplanned
        return shown

    return complete
