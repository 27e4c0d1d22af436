"""The queries of the pretend Admin API, and both roots with the scopes they ask for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from graphql import GraphQLError

from connectors.sandbox.shopify import bulk, definitions, hooks, order_create, search
from connectors.sandbox.shopify.context import Context
from connectors.sandbox.shopify.fields_catalog import API_VERSION, as_item, products_count, variants_count
from connectors.sandbox.shopify.fields_order import Resolvers, inside
from connectors.sandbox.shopify.mutations import MUTATION
from connectors.sandbox.shopify.paging import Connection, page
from connectors.sandbox.shopify.state import DEFINITIONS, JOBS, SUBSCRIPTIONS, Doc, iso, number_of

VISIBLE_DAYS = 60
MAX_INPUT = 250


def _visible(context: Context, order: Doc | None) -> Doc | None:
    """Orders older than 60 days are not shown without the scope ``read_all_orders``."""
    if order is None or "read_all_orders" in context.scopes:
        return order
    return order if order["createdAt"] >= _oldest(context) else None


def _oldest(context: Context) -> str:
    return iso(context.world.now() - timedelta(days=VISIBLE_DAYS))


def _order(root: Any, info: Any, id: str) -> Doc | None:
    context: Context = info.context
    return _visible(context, context.order(id))


def _lagging(context: Context, order: Doc) -> bool:
    """Say whether the search index has not caught up with this order yet (fault ``search_lag``)."""
    lagging = context.search_lag > 0 and context.instant - float(order["at"]) < context.search_lag
    if lagging:
        context.struck.add("search_lag")
    return lagging


def _hidden(context: Context, order: Doc) -> bool:
    """Say whether a list leaves this order out (fault ``hide_order``: by gid, name or marketplace order id; "" is every
    order)."""
    names = (order["id"], order["name"], order["sourceIdentifier"], "")
    hidden = any(match in names for match in context.hidden_orders)
    if hidden:
        context.struck.add("hide_order")
    return hidden


_ORDER_KEYS: dict[str, str] = {
    "CREATED_AT": "createdAt",
    "UPDATED_AT": "updatedAt",
    "PROCESSED_AT": "processedAt",
    "ORDER_NUMBER": "number",
}


def _orders(
    root: Any,
    info: Any,
    query: str | None = None,
    sortKey: str = "PROCESSED_AT",
    savedSearchId: str | None = None,
    **args: Any,
) -> Connection:
    context: Context = info.context
    found = search.search(context, query, search.ORDER_FIELDS)
    context.warn("orders", query, found.warnings)
    docs = found.start if found.start is not None else context.state.orders_of[context.shop]
    shown = (doc for doc in docs if found.test(doc) and _visible(context, doc))
    chosen = [doc for doc in shown if not _lagging(context, doc) and not _hidden(context, doc)]
    field = _ORDER_KEYS.get(sortKey)
    if field is None:
        return page(chosen, lambda doc: number_of(doc["id"]), **args)
    return page(chosen, lambda doc: (doc[field], number_of(doc["id"])), **args)


def _orders_count(root: Any, info: Any, query: str | None = None, **_: Any) -> Doc:
    context: Context = info.context
    found = search.search(context, query, search.ORDER_FIELDS)
    docs = found.start if found.start is not None else context.state.orders_of[context.shop]
    return {"count": sum(1 for doc in docs if found.test(doc) and not _lagging(context, doc)), "precision": "EXACT"}


def _order_by_identifier(root: Any, info: Any, identifier: Doc) -> Doc | None:
    context: Context = info.context
    if identifier.get("id"):
        return _visible(context, context.order(identifier["id"]))
    given = identifier["customId"]
    namespace = order_create.namespace_of(given.get("namespace"))
    definition = order_create.definition_of(context, "ORDER", namespace, given["key"])
    if definition is None or definition["type"] != "id":
        raise GraphQLError(
            "Metafield definition of type 'id' is required when using custom ids.", extensions={"code": "NOT_FOUND"}
        )
    order = context.state.by_custom_id.get((context.shop, namespace, given["key"], given["value"]))
    if order is not None and context.lag_on_identifier and _lagging(context, order):
        return None
    return _visible(context, order)


def _list(
    rows: str,
    fields: dict[str, search.Field],
    root_name: str,
    keys: dict[str, Callable[[Context, Doc], Any]] | None = None,
) -> Any:
    """A searchable list of a shop's variants, products or items, by id unless another order is asked for."""

    def resolve(
        root: Any,
        info: Any,
        query: str | None = None,
        sortKey: str | None = None,
        savedSearchId: str | None = None,
        **args: Any,
    ) -> Connection:
        context: Context = info.context
        found = search.search(context, query, fields)
        context.warn(root_name, query, found.warnings)
        docs = (
            found.start if found.start is not None else [doc for _, doc in getattr(context.state, rows)[context.shop]]
        )
        chosen = [doc for doc in docs if found.test(doc)]
        by = (keys or {}).get(sortKey or "")
        if by is None:
            return page(chosen, lambda doc: number_of(doc["id"]), **args)
        return page(chosen, lambda doc: (by(context, doc), number_of(doc["id"])), **args)

    return resolve


_PRODUCT_KEYS: dict[str, Callable[[Context, Doc], Any]] = {
    "UPDATED_AT": lambda context, doc: doc["updatedAt"],
    "CREATED_AT": lambda context, doc: doc["createdAt"],
    "TITLE": lambda context, doc: doc["title"].casefold(),
    "VENDOR": lambda context, doc: doc["vendor"].casefold(),
}
_VARIANT_KEYS: dict[str, Callable[[Context, Doc], Any]] = {
    "SKU": lambda context, doc: doc["sku"].casefold(),
    "TITLE": lambda context, doc: doc["title"].casefold(),
    "POSITION": lambda context, doc: doc["position"],
}


def _locations(
    root: Any,
    info: Any,
    query: str | None = None,
    includeInactive: bool = False,
    includeLegacy: bool = False,
    sortKey: str = "NAME",
    **args: Any,
) -> Connection:
    context: Context = info.context
    found = search.search(context, query, search.LOCATION_FIELDS)
    places = [
        place
        for place in context.state.locations_of[context.shop]
        if (includeInactive or place["isActive"]) and found.test(place)
    ]
    return page(
        places,
        (lambda p: number_of(p["id"])) if sortKey == "ID" else (lambda p: (p["name"], number_of(p["id"]))),
        **args,
    )


def _own(table: str) -> Any:
    """A document of this shop by its gid."""

    def resolve(root: Any, info: Any, id: str | None = None) -> Doc | None:
        context: Context = info.context
        doc = context.world.table(table).get(id or "")
        return doc if doc is not None and doc["shop"] == context.shop else None

    return resolve


def _location(root: Any, info: Any, id: str | None = None) -> Doc | None:
    context: Context = info.context
    if id is None:
        places = context.state.locations_of[context.shop]
        return places[0] if places else None
    doc = context.state.locations.get(id)
    return doc if doc is not None and doc["shop"] == context.shop else None


def _item(root: Any, info: Any, id: str) -> Doc | None:
    context: Context = info.context
    doc = context.state.by_item.get(id)
    return doc if doc is not None and doc["shop"] == context.shop else None


def _level(root: Any, info: Any, id: str) -> Doc | None:
    context: Context = info.context
    doc = context.state.levels.get(id)
    return doc if doc is not None and doc["shop"] == context.shop else None


def _part(root: Any, info: Any, id: str) -> Doc | None:
    context: Context = info.context
    order = context.owner(id)
    doc = context.state.part(id) if order else None
    return inside(order, [doc])[0] if order is not None and doc is not None else None


_NODES: dict[str, tuple[str, Callable[..., Doc | None]]] = {
    "Order": ("order", _order),
    "Product": ("product", _own("shopify_products")),
    "ProductVariant": ("productVariant", _own("shopify_variants")),
    "Location": ("location", _location),
    "InventoryLevel": ("inventoryLevel", _level),
    "Customer": ("customer", _own("shopify_customers")),
    "FulfillmentOrder": ("fulfillmentOrder", _part),
    "FulfillmentOrderLineItem": ("fulfillmentOrder", _part),
    "Fulfillment": ("fulfillment", _part),
    "LineItem": ("order", _part),
    "Refund": ("order", _part),
    "OrderTransaction": ("order", _part),
    "WebhookSubscription": ("webhookSubscription", _own(SUBSCRIPTIONS)),
    "BulkOperation": ("bulkOperation", _own("shopify_bulk")),
}
"""gid kind → the root field whose scopes count, and how to find it."""


def _node(root: Any, info: Any, id: str) -> Doc | None:
    context: Context = info.context
    kind = id.split("/")[3] if id.count("/") >= 4 else ""
    if kind == "Shop":
        return context.shop_doc if id == context.shop_doc["gid"] else None
    if kind == "InventoryItem":
        context.need("Query", "inventoryItem")
        item = _item(root, info, id)
        return as_item(item) if item else None
    if kind not in _NODES:
        raise GraphQLError(f"Invalid global id '{id}'", extensions={"code": "argumentLiteralsIncompatible"})
    needed, find = _NODES[kind]
    context.need("Query", needed)
    doc = find(root, info, id)
    return {**doc, "__typename": kind} if doc is not None and "__typename" not in doc else doc


def _nodes(root: Any, info: Any, ids: list[str]) -> list[Doc | None]:
    if len(ids) > MAX_INPUT:
        text = f"The input array size of {len(ids)} is greater than the maximum allowed of {MAX_INPUT}."
        raise GraphQLError(text, extensions={"code": "MAX_INPUT_SIZE_EXCEEDED"})
    return [_node(root, info, one) for one in ids]


def _job(root: Any, info: Any, id: str) -> Doc | None:
    return _own(JOBS)(root, info, id)


def _subscriptions(
    root: Any,
    info: Any,
    topics: list[str] | None = None,
    callbackUrl: str | None = None,
    uri: str | None = None,
    **args: Any,
) -> Connection:
    context: Context = info.context
    for name in ("query", "sortKey", "format"):
        args.pop(name, None)
    wanted = uri or callbackUrl
    docs = [
        doc
        for doc in hooks.of_shop(context.world, context.shop)
        if (topics is None or doc["topic"] in topics) and (wanted is None or doc["uri"] == wanted)
    ]
    return page(docs, lambda doc: number_of(doc["id"]), **args)


def _definitions(
    root: Any,
    info: Any,
    ownerType: str,
    key: str | None = None,
    namespace: str | None = None,
    query: str | None = None,
    sortKey: str | None = None,
    **args: Any,
) -> Connection:
    context: Context = info.context
    full = order_create.namespace_of(namespace) if namespace else None
    docs = [
        doc
        for doc in context.world.table(DEFINITIONS).values()
        if doc["shop"] == context.shop
        and doc["ownerType"] == ownerType
        and (key is None or doc["key"] == key)
        and (full is None or doc["namespace"] == full)
    ]
    return page(docs, lambda doc: number_of(doc["id"]), **args)


def _versions(root: Any, info: Any) -> list[Doc]:
    return [{"handle": API_VERSION, "displayName": f"{API_VERSION} (Latest)", "supported": True}]


QUERY: dict[str, Any] = {
    "app": lambda root, info, id=None: {"__typename": "App", "id": "gid://shopify/App/" + info.context.app_id},
    "appInstallation": lambda root, info, id=None: info.context.installation,
    "currentAppInstallation": lambda root, info: info.context.installation,
    "shop": lambda root, info: info.context.shop_doc,
    "node": _node,
    "nodes": _nodes,
    "order": _order,
    "orders": _orders,
    "ordersCount": _orders_count,
    "orderByIdentifier": _order_by_identifier,
    "product": _own("shopify_products"),
    "products": _list("products_of", search.PRODUCT_FIELDS, "products", _PRODUCT_KEYS),
    "productsCount": products_count,
    "productVariant": _own("shopify_variants"),
    "productVariants": _list("variants_of", search.VARIANT_FIELDS, "productVariants", _VARIANT_KEYS),
    "productVariantsCount": variants_count,
    "inventoryItem": _item,
    "inventoryItems": _list("variants_of", search.ITEM_FIELDS, "inventoryItems"),
    "inventoryLevel": _level,
    "location": _location,
    "locations": _locations,
    "fulfillmentOrder": _part,
    "fulfillment": _part,
    "customer": _own("shopify_customers"),
    "webhookSubscription": _own(SUBSCRIPTIONS),
    "webhookSubscriptions": _subscriptions,
    "webhookSubscriptionsCount": lambda root, info, **_: {
        "count": len(hooks.of_shop(info.context.world, info.context.shop)),
        "precision": "EXACT",
    },
    "metafieldDefinition": definitions.one,
    "metafieldDefinitions": _definitions,
    "currentBulkOperation": bulk.current,
    "bulkOperation": _own("shopify_bulk"),
    "job": _job,
    "publicApiVersions": _versions,
}


def _guarded(name: str, resolve: Any) -> Any:
    """Ask for the field's scopes before it is answered."""

    def guarded(root: Any, info: Any, **args: Any) -> Any:
        info.context.need("Query", name)
        return resolve(root, info, **args)

    return guarded


def _once(name: str, resolve: Any) -> Any:
    """Do a mutation's work once, however often its place in the answer is asked for."""
    guarded = _guarded(name, resolve)

    def once(root: Any, info: Any, **args: Any) -> Any:
        return info.context.once(info.path.key, lambda: guarded(root, info, **args))

    return once


RESOLVERS: Resolvers = {
    "QueryRoot": {name: _guarded(name, resolve) for name, resolve in QUERY.items()},
    "Mutation": {name: _once(name, resolve) for name, resolve in MUTATION.items()},
}
