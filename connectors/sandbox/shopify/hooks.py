"""Webhook subscriptions of the pretend shop, and sending what happened to them.

A delivery is signed with the app's client secret over the raw body. One action gives all its topics the same event id,
each delivery has a
webhook id of its own. A subscription whose deliveries failed eight times in a row is deleted, as Shopify does with
those made through the API.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from graphql import GraphQLError

from connectors.sandbox.shopify import access, search
from connectors.sandbox.shopify.context import Context
from connectors.sandbox.shopify.state import SUBSCRIPTIONS, Doc, number_of

if TYPE_CHECKING:
    from connectors.sandbox.world import World

API_VERSION = "2026-10"
COMPLIANCE = {
    "customers/data_request": "CUSTOMERS_DATA_REQUEST",
    "customers/redact": "CUSTOMERS_REDACT",
    "shop/redact": "SHOP_REDACT",
}
"""Topics that are set in the app's own settings, never subscribed to: topic → our name."""

Deliver = Callable[[str, dict[str, str], bytes, Callable[[], None] | None], None]
"""(destination, headers, body, what to do when it was given up)."""


def of_shop(world: World, shop: str) -> list[Doc]:
    """Return a shop's subscriptions, oldest first."""
    found = [doc for doc in world.table(SUBSCRIPTIONS).values() if doc["shop"] == shop]
    return sorted(found, key=lambda doc: number_of(doc["id"]))


def topic_name(topic: str) -> str:
    """Return the header form of a topic's enum name: INVENTORY_LEVELS_UPDATE → inventory_levels/update."""
    prefixes = (
        "FULFILLMENT_ORDERS",
        "INVENTORY_LEVELS",
        "INVENTORY_ITEMS",
        "ORDER_TRANSACTIONS",
        "APP_SUBSCRIPTIONS",
        "BULK_OPERATIONS",
    )
    prefix = next((p for p in prefixes if topic.startswith(p + "_")), topic.partition("_")[0])
    if topic.startswith("APP_SCOPES_"):
        return "app/scopes_update"
    return f"{prefix}/{topic[len(prefix) + 1 :]}".lower()


def signature(secret: str, body: bytes) -> str:
    """Return ``X-Shopify-Hmac-Sha256`` of a body: base64 of HMAC-SHA256 with the app's client secret."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def headers(
    topic: str, shop: str, body: bytes, secret: str, event: str, triggered: str, name: str | None = None
) -> dict[str, str]:
    """Return the headers of one delivery; ``topic`` in header form, ``triggered`` an ISO time."""
    made = {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": signature(secret, body),
        "X-Shopify-Shop-Domain": shop,
        "X-Shopify-Api-Version": API_VERSION,
        "X-Shopify-Webhook-Id": str(uuid.uuid4()),
        "X-Shopify-Event-Id": event,
        "X-Shopify-Triggered-At": triggered,
    }
    if name:
        made["X-Shopify-Name"] = name
    return made


def send(context: Context, deliver: Deliver, secret: str) -> None:
    """Hand the events of a finished request to their subscribers; payloads nobody asked for are never made."""
    if not context.events:
        return
    wanted: dict[str, list[Doc]] = {topic: [] for topic, _ in context.events}
    for doc in context.world.table(SUBSCRIPTIONS).values():
        if doc["topic"] in wanted and doc["shop"] == context.shop:
            wanted[doc["topic"]].append(doc)
    event = str(uuid.uuid4())
    triggered = context.world.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    for topic, make in context.events:
        for subscription in sorted(wanted[topic], key=lambda doc: number_of(doc["id"])):
            payload = make()
            if not passes(context, subscription.get("filter"), payload):
                continue
            body = json.dumps(only(payload, subscription["includeFields"])).encode()
            sent = headers(topic_name(topic), context.shop, body, secret, event, triggered, subscription.get("name"))
            deliver(subscription["uri"], sent, body, _given_up(context.world, subscription["id"]))
    context.events.clear()


def _given_up(world: World, subscription_id: str) -> Callable[[], None]:
    def drop() -> None:
        if subscription_id in world.table(SUBSCRIPTIONS):
            world.drop(SUBSCRIPTIONS, subscription_id)
            world.commit()

    return drop


def only(payload: Doc, fields: Iterable[str]) -> Doc:
    """Return the payload with only the fields a subscription includes; "variants.id" reaches into lists and objects."""
    wanted: dict[str, list[str]] = {}
    for field in fields:
        head, _, rest = field.partition(".")
        wanted.setdefault(head, []).append(rest)
    if not wanted:
        return payload
    kept: Doc = {}
    for name, rests in wanted.items():
        if name not in payload:
            continue
        value, inner = payload[name], [rest for rest in rests if rest]
        if not inner or "" in rests:
            kept[name] = value
        elif isinstance(value, list):
            kept[name] = [only(entry, inner) for entry in value]
        elif isinstance(value, dict):
            kept[name] = only(value, inner)
    return kept


class _PayloadFields(dict[str, search.Field]):
    """Every dotted name is a field of the payload."""

    def get(self, name: str, default: Any = None) -> search.Field:
        return search.Field(lambda context, doc: list(_reach(doc, name.split("."))))


def _reach(value: Any, path: list[str]) -> Iterable[Any]:
    if isinstance(value, list):
        for entry in value:
            yield from _reach(entry, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        yield from _reach(value.get(path[0]), path[1:])


def passes(context: Context, query: str | None, payload: Doc) -> bool:
    """Say whether a payload passes a subscription's filter (search syntax over the payload's fields)."""
    return not query or search.search(context, query, _PayloadFields()).test(payload)


# Mutations


def _no(message: str, *field: str) -> Doc:
    return {"webhookSubscription": None, "userErrors": [{"field": list(field), "message": message}]}


def _bad_uri(uri: str | None) -> str | None:
    """Return what is wrong with a destination: HTTPS is needed; plain HTTP is taken for this machine only."""
    if not uri:
        return "Address can't be blank"
    parts = urlsplit(uri)
    if parts.scheme == "https" and parts.hostname:
        return None
    if parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"):
        return None
    return "Address protocol http:// is not supported" if parts.scheme == "http" else "Address is invalid"


def create(root: Any, info: Any, topic: str, webhookSubscription: Doc) -> Doc:
    """``webhookSubscriptionCreate``."""
    context: Context = info.context
    given = webhookSubscription
    uri = given.get("uri") or given.get("callbackUrl")
    problem = _bad_uri(uri)
    if problem:
        return _no(problem, "webhookSubscription", "callbackUrl")
    needed = access.TOPIC_SCOPES.get(topic.partition("_")[0])
    if needed and context.scopes.isdisjoint(needed):
        text = f"Access denied for the {topic_name(topic)} topic. Required access: one of {', '.join(needed)}."
        raise GraphQLError(text, extensions={"code": "ACCESS_DENIED"})
    if any(
        doc["topic"] == topic and doc["uri"] == uri and doc.get("filter") == given.get("filter")
        for doc in of_shop(context.world, context.shop)
    ):
        return _no("Address for this topic has already been taken", "webhookSubscription", "callbackUrl")
    doc: Doc = {
        "__typename": "WebhookSubscription",
        "id": context.state.new_id("WebhookSubscription"),
        "shop": context.shop,
        "topic": topic,
        "uri": uri,
        "createdAt": context.now,
        "updatedAt": context.now,
        "format": given.get("format") or "JSON",
        "filter": given.get("filter"),
        "includeFields": given.get("includeFields") or [],
        "metafieldNamespaces": given.get("metafieldNamespaces") or [],
        "name": given.get("name"),
    }
    context.world.put(SUBSCRIPTIONS, doc["id"], doc)
    return {"webhookSubscription": doc, "userErrors": []}


def _subscription(context: Context, global_id: str) -> Doc | None:
    doc = context.world.table(SUBSCRIPTIONS).get(global_id)
    return doc if doc is not None and doc["shop"] == context.shop else None


def update(root: Any, info: Any, id: str, webhookSubscription: Doc) -> Doc:
    """``webhookSubscriptionUpdate``: destination, filter and fields; the topic stays."""
    context: Context = info.context
    doc = _subscription(context, id)
    if doc is None:
        return _no("Webhook subscription does not exist", "id")
    uri = webhookSubscription.get("uri") or webhookSubscription.get("callbackUrl") or doc["uri"]
    problem = _bad_uri(uri)
    if problem:
        return _no(problem, "webhookSubscription", "callbackUrl")
    doc["uri"] = uri
    for key in ("filter", "includeFields", "metafieldNamespaces", "name", "format"):
        if key in webhookSubscription:
            doc[key] = webhookSubscription[key] or ([] if key in ("includeFields", "metafieldNamespaces") else None)
    doc["format"] = doc["format"] or "JSON"
    doc["updatedAt"] = context.now
    context.world.put(SUBSCRIPTIONS, doc["id"], doc)
    return {"webhookSubscription": doc, "userErrors": []}


def delete(root: Any, info: Any, id: str) -> Doc:
    """``webhookSubscriptionDelete``."""
    context: Context = info.context
    if _subscription(context, id) is None:
        problem = {"field": ["id"], "message": "Webhook subscription does not exist"}
        return {"deletedWebhookSubscriptionId": None, "userErrors": [problem]}
    context.world.drop(SUBSCRIPTIONS, id)
    return {"deletedWebhookSubscriptionId": id, "userErrors": []}
