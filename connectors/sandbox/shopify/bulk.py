"""Bulk queries: the whole result as JSON lines. Off at first, as an app must have them switched on; the shop's settings
page has the switch."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import GraphQLError, execute, parse, validate

from connectors.sandbox.shopify.context import Context, never_awaitable
from connectors.sandbox.shopify.paging import WHOLE
from connectors.sandbox.shopify.state import BULK, Doc, number_of

RUN_SECONDS = 0.5
"""How long an operation is RUNNING before it is COMPLETED."""


def folder(context: Context) -> Path:
    """Where the result files lie."""
    path: Path = context.world.directory / "bulk"
    path.mkdir(parents=True, exist_ok=True)
    return path


def _refused(message: str, code: str = "INVALID") -> Doc:
    return {"bulkOperation": None, "userErrors": [{"code": code, "field": ["query"], "message": message}]}


def run(root: Any, info: Any, query: str, groupObjects: bool = False) -> Doc:
    """``bulkOperationRunQuery``: refused for a query that is none, has no connection, or while another one runs."""
    context: Context = info.context
    if not context.shop_doc["bulkOperations"]:
        text = "Access denied for bulkOperationRunQuery field. Bulk operations are not enabled for this app."
        raise GraphQLError(
            text,
            extensions={
                "code": "ACCESS_DENIED",
                "documentation": "https://shopify.dev/api/usage/bulk-operations/queries",
            },
        )
    running = [doc for doc in _mine(context) if _status(doc, context) == "RUNNING"]
    if len(running) >= 5:
        return _refused("A bulk query operation for this app and shop is already in progress.", "OPERATION_IN_PROGRESS")
    try:
        document = parse(query)
    except GraphQLError as error:
        return _refused(f"Invalid bulk query: {error.message}")
    problems = validate(info.schema, document)
    if problems:
        return _refused(f"Invalid bulk query: {problems[0].message}")
    mark = WHOLE.set(True)
    try:
        result = execute(
            info.schema,
            document,
            context_value=context,
            field_resolver=info.context.field_resolver,
            is_awaitable=never_awaitable,
        )
    finally:
        WHOLE.reset(mark)
    if result.errors or not result.data:  # type: ignore[union-attr]
        return _refused("Invalid bulk query: " + (result.errors[0].message if result.errors else "it has no result"))  # type: ignore[union-attr]
    rows = list(_rows(result.data))  # type: ignore[union-attr]
    if not rows and not _has_connection(result.data):  # type: ignore[union-attr]
        return _refused("Bulk queries must contain at least one connection.")
    return {"bulkOperation": _finish(context, query, rows), "userErrors": []}


def _finish(context: Context, query: str, rows: list[Doc]) -> Doc:
    name = f"{secrets.token_urlsafe(18)}.jsonl"
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    (folder(context) / name).write_text(text)
    doc = {
        "__typename": "BulkOperation",
        "id": context.state.new_id("BulkOperation"),
        "shop": context.shop,
        "at": context.instant,
        "createdAt": context.now,
        "query": query,
        "type": "QUERY",
        "count": len(rows),
        "roots": sum(1 for row in rows if "__parentId" not in row),
        "size": len(text.encode()),
        "file": name if rows else None,
        "canceled": False,
    }
    context.state.save(BULK, doc)
    return doc


def _has_connection(value: Any) -> bool:
    if isinstance(value, dict):
        return "edges" in value or "nodes" in value or any(_has_connection(entry) for entry in value.values())
    return False


def _rows(value: Any, parent: str | None = None) -> Iterator[Doc]:
    """Flatten connections: each node is a row of its own, naming the node it hangs under."""
    if not isinstance(value, dict):
        return
    for entry in value.values():
        nodes = _nodes(entry)
        if nodes is None:
            yield from _rows(entry, parent)
            continue
        for node in nodes:
            own: Doc = _without_connections(node)
            if parent is not None:
                own["__parentId"] = parent
            yield own
            # Also the connections of objects inside the node: they hang under the nearest node that is a row.
            yield from _rows(node, node.get("id", parent))


def _without_connections(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: _without_connections(inner) for name, inner in value.items() if _nodes(inner) is None}


def _nodes(value: Any) -> list[Doc] | None:
    if isinstance(value, dict) and isinstance(value.get("edges"), list):
        return [edge["node"] for edge in value["edges"]]
    if isinstance(value, dict) and isinstance(value.get("nodes"), list):
        return list(value["nodes"])
    return None


def _mine(context: Context) -> list[Doc]:
    found = [doc for doc in context.world.table(BULK).values() if doc["shop"] == context.shop]
    return sorted(found, key=lambda doc: number_of(doc["id"]))


def current(root: Any, info: Any, type: str = "QUERY") -> Doc | None:
    """``currentBulkOperation``: the newest of this kind."""
    docs = [doc for doc in _mine(info.context) if doc["type"] == type]
    return docs[-1] if docs else None


def cancel(root: Any, info: Any, id: str) -> Doc:
    """``bulkOperationCancel``."""
    context: Context = info.context
    doc = next((doc for doc in _mine(context) if doc["id"] == id), None)
    if doc is None:
        return {"bulkOperation": None, "userErrors": [{"field": ["id"], "message": "Bulk operation does not exist"}]}
    if _status(doc, context) == "RUNNING":
        doc["canceled"] = True
        context.state.save(BULK, doc)
    return {"bulkOperation": doc, "userErrors": []}


def _status(doc: Doc, context: Context) -> str:
    if doc["canceled"]:
        return "CANCELED"
    return "RUNNING" if context.instant - doc["at"] < RUN_SECONDS else "COMPLETED"


def _when_done(value: Any) -> Any:
    """A field that has its value only once the operation is completed."""

    def resolve(doc: Doc, info: Any) -> Any:
        return value(doc, info) if _status(doc, info.context) == "COMPLETED" else None

    return resolve


def _url(doc: Doc, info: Any) -> str | None:
    context: Context = info.context
    return f"{context.base_url}/shopify/{context.shop}/bulk/{doc['file']}" if doc["file"] else None


RESOLVERS: dict[str, dict[str, Any]] = {
    "BulkOperation": {
        "status": lambda doc, info: _status(doc, info.context),
        "completedAt": _when_done(lambda doc, info: doc["createdAt"]),
        "errorCode": lambda doc, info: None,
        "fileSize": _when_done(lambda doc, info: str(doc["size"])),
        "objectCount": lambda doc, info: str(doc["count"]),
        "rootObjectCount": lambda doc, info: str(doc["roots"]),
        "partialDataUrl": lambda doc, info: None,
        "url": _when_done(_url),
    }
}
