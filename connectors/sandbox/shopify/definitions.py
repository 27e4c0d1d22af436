"""Metafield definitions, and metafields set on orders."""

from __future__ import annotations

import re
from typing import Any

from connectors.sandbox.shopify.context import Context
from connectors.sandbox.shopify.order_create import definition_of, metafields, namespace_of, touched
from connectors.sandbox.shopify.state import DEFINITIONS, Doc

_NAME = re.compile(r"^[A-Za-z0-9_-]+$")
_TYPES = frozenset(
    [
        "id",
        "single_line_text_field",
        "multi_line_text_field",
        "number_integer",
        "number_decimal",
        "boolean",
        "date",
        "date_time",
        "json",
        "url",
        "money",
    ]
)


def one(root: Any, info: Any, id: str | None = None, identifier: Doc | None = None) -> Doc | None:
    """``metafieldDefinition``: by gid or by owner type, namespace and key."""
    context: Context = info.context
    if identifier:
        return definition_of(
            context, identifier["ownerType"], namespace_of(identifier.get("namespace")), identifier["key"]
        )
    return next(
        (doc for doc in context.world.table(DEFINITIONS).values() if doc["id"] == id and doc["shop"] == context.shop),
        None,
    )


def create(root: Any, info: Any, definition: Doc) -> Doc:
    """``metafieldDefinitionCreate``. Type ``id`` is always unique; another type is when its capability says so."""
    context: Context = info.context
    namespace, key, owner = namespace_of(definition.get("namespace")), definition["key"], definition["ownerType"]
    problem = _problem(context, definition, owner, namespace, key)
    if problem:
        return {"createdDefinition": None, "userErrors": [problem]}
    wants = ((definition.get("capabilities") or {}).get("uniqueValues") or {}).get("enabled")
    doc = {
        "__typename": "MetafieldDefinition",
        "id": context.state.new_id("MetafieldDefinition"),
        "shop": context.shop,
        "ownerType": owner,
        "namespace": namespace,
        "key": key,
        "name": definition["name"],
        "description": definition.get("description"),
        "type": definition["type"],
        "unique": bool(wants) or definition["type"] == "id",
    }
    context.world.put(DEFINITIONS, f"{context.shop}|{owner}|{namespace}|{key}", doc)
    return {"createdDefinition": doc, "userErrors": []}


def _problem(context: Context, given: Doc, owner: str, namespace: str, key: str) -> Doc | None:
    def no(code: str, message: str, *field: str) -> Doc:
        return {
            "__typename": "MetafieldDefinitionCreateUserError",
            "code": code,
            "field": ["definition", *field],
            "message": message,
        }

    for name, value in (("namespace", namespace), ("key", key)):
        low = 3 if name == "namespace" else 2
        if not _NAME.match(value):
            text = f"{name.capitalize()} contains one or more invalid characters."
            return no("INVALID_CHARACTER", text, name)
        if len(value) < low:
            return no("TOO_SHORT", f"{name.capitalize()} is too short (minimum is {low} characters)", name)
        if len(value) > (255 if name == "namespace" else 64):
            return no("TOO_LONG", f"{name.capitalize()} is too long", name)
    if not given["name"].strip():
        return no("BLANK", "Name can't be blank", "name")
    if given["type"] not in _TYPES:
        return no("INCLUSION", f"Type name {given['type']} is not a valid type.", "type")
    if definition_of(context, owner, namespace, key):
        return no("TAKEN", f"Key is in use for {owner.capitalize()} metafields on the '{namespace}' namespace.", "key")
    return None


def set_fields(root: Any, info: Any, metafields: list[Doc]) -> Doc:
    """``metafieldsSet`` on orders: all or nothing; a unique value another order has is refused."""
    context: Context = info.context
    done: list[tuple[Doc, list[tuple[int, Doc]]]] = []
    for n, entry in enumerate(metafields):
        order = context.order(entry["ownerId"])
        if order is None:
            return _refused("Owner does not exist.", n, "ownerId", "INVALID")
        fields, taken = _fields(context, [entry])
        definition = definition_of(context, "ORDER", fields[0][1]["namespace"], entry["key"])
        if definition is None and not entry.get("type"):
            return _refused("Type can't be blank", n, "type", "BLANK")
        if (
            taken
            and context.state.by_custom_id[context.shop, fields[0][1]["namespace"], entry["key"], entry["value"]]
            is not order
        ):
            return _refused("Value has already been taken", n, "value", "TAKEN")
        done.append((order, fields))
    for order, fields in done:
        context.set_metafields(order, fields)
        touched(context, order)
    return {"metafields": [fields[0][1] for _, fields in done], "userErrors": []}


_fields = metafields


def _refused(message: str, place: int, field: str, code: str) -> Doc:
    return {
        "metafields": None,
        "userErrors": [{"code": code, "field": ["metafields", str(place), field], "message": message}],
    }
