"""Webhook subscriptions of a store, and sending what happened to them.

A delivery carries the subscription's own headers (how most apps prove it) and the three Standard Webhooks headers, signed
with the app's client secret. Failed deliveries are tried again for about 48 hours, here a day is a minute; after the last
the subscription is inactive. Sources: BigCommerce's webhooks guide and webhooks.v3 (at most 10 of a scope).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from connectors.sandbox.bigcommerce import paging
from connectors.sandbox.bigcommerce.errors import Refused, unprocessable
from connectors.sandbox.bigcommerce.state import HOOKS, Doc, key_of

if TYPE_CHECKING:
    from connectors.sandbox.bigcommerce.face import Context
    from connectors.sandbox.world import World

MOST_OF_A_SCOPE = 10
_HOURS = (60, 180, 300, 600, 900, 1800, 3600, 7200, 21600, 50400, 86400)
LADDER = tuple(seconds / 1440 for seconds in _HOURS)
"""Seconds before each further try: BigCommerce's own ladder with a day as a minute."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
SCOPES = frozenset(
    [
        "store/order/*",
        "store/order/created",
        "store/order/updated",
        "store/order/archived",
        "store/order/statusUpdated",
        "store/order/message/created",
        "store/order/refund/created",
        "store/order/transaction/created",
        "store/order/transaction/updated",
        "store/shipment/*",
        "store/shipment/created",
        "store/shipment/updated",
        "store/shipment/deleted",
        "store/product/*",
        "store/product/created",
        "store/product/updated",
        "store/product/deleted",
        "store/product/inventory/updated",
        "store/product/inventory/order/updated",
        "store/sku/*",
        "store/sku/created",
        "store/sku/updated",
        "store/sku/deleted",
        "store/sku/inventory/updated",
        "store/sku/inventory/order/updated",
        "store/customer/*",
        "store/customer/created",
        "store/customer/updated",
        "store/customer/deleted",
        "store/channel/*",
        "store/channel/created",
        "store/channel/updated",
        "store/inventory/location/*",
        "store/inventory/location/created",
        "store/inventory/location/updated",
        "store/app/uninstalled",
        "store/information/updated",
    ]
)


def of_store(world: World, store_hash: str) -> list[Doc]:
    """Return a store's subscriptions, oldest first."""
    found = [doc for doc in world.table(HOOKS).values() if doc["store"] == store_hash]
    return sorted(found, key=lambda doc: int(doc["id"]))


def _listens(scope: str, event: str) -> bool:
    """Say whether a subscription's scope covers an event. A trailing star stands for one more word, as in the docs' lists."""
    return scope == event or (scope.endswith("/*") and event.startswith(scope[:-1]))


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the Standard Webhooks signature. The key is the client secret itself; its base64 form is what libraries take."""
    signed = b".".join([message_id.encode(), timestamp.encode(), body])
    return "v1," + base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def send(context: Context) -> None:
    """Hand the events of a finished piece of work to their subscribers."""
    if not context.events:
        return
    core, store = context.face.core, context.store
    subscribed = [doc for doc in of_store(core.world, context.hash) if doc["is_active"]]
    created = int(context.moment.timestamp())
    for scope, data in context.events:
        wanted = [doc for doc in subscribed if _listens(doc["scope"], scope)]
        if not wanted:
            continue
        content = {
            "producer": f"stores/{context.hash}",
            "store_id": str(store["store_id"]),
            "scope": scope,
            "data": data,
        }
        digest = hashlib.sha1(
            json.dumps([content, context.now], sort_keys=True).encode(), usedforsecurity=False
        ).hexdigest()
        body = json.dumps({**content, "hash": digest, "created_at": created}).encode()
        for hook in wanted:
            message_id = str(uuid.uuid4())
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "BigCommerce Webhooks",
                **(hook["headers"] or {}),
                "webhook-id": message_id,
                "webhook-timestamp": str(created),
                "webhook-signature": signature(context.face.client_secret, message_id, str(created), body),
            }
            core.webhooks.deliver(
                hook["destination"],
                headers,
                body,
                platform="bigcommerce",
                topic=scope,
                ladder=LADDER,
                on_dead=_given_up(core.world, key_of(context.hash, hook["id"])),
            )


def _given_up(world: World, key: str) -> Callable[[], None]:
    def deactivate() -> None:
        doc = world.table(HOOKS).get(key)
        if doc is not None:
            doc["is_active"] = False
            doc["updated_at"] = int(world.now().timestamp())
            world.put(HOOKS, key, doc)
            world.commit()

    return deactivate


# The API


def shape(context: Context, doc: Doc) -> Doc:
    """Return a subscription as the API shows it."""
    names = ("id", "scope", "destination", "headers", "is_active", "created_at", "updated_at")
    return {"client_id": context.face.client_id, "store_hash": context.hash, **{name: doc[name] for name in names}}


def list_all(context: Context) -> Any:
    """``getWebhooks``."""
    rows = [shape(context, doc) for doc in of_store(context.face.core.world, context.hash)]
    for name in ("scope", "destination"):
        if name in context.query:
            rows = [row for row in rows if row[name] == context.query[name]]
    if "is_active" in context.query:
        rows = [row for row in rows if row["is_active"] == (context.query["is_active"].lower() == "true")]
    return paging.v3(context, rows, largest=250)


def one(context: Context) -> Any:
    """``getWebhook``."""
    return {"data": shape(context, _found(context)), "meta": {}}


def _found(context: Context) -> Doc:
    doc = context.face.core.world.table(HOOKS).get(key_of(context.hash, context.params["id"]))
    if doc is None:
        raise Refused(404, f"Webhook with ID {context.params['id']} not found")
    return doc


def _checked(context: Context, given: Any, known: Doc | None) -> Doc:
    """Return the fields of a subscription after BigCommerce's checks; plain HTTP is taken for this machine only."""
    if not isinstance(given, dict):
        raise Refused(400, "Malformed request syntax")
    own: Doc = {"is_active": True, "headers": None, **(known or {})}
    made = {name: given.get(name, own.get(name)) for name in ("scope", "destination", "is_active", "headers")}
    if not isinstance(made["scope"], str) or made["scope"] not in SCOPES:
        raise unprocessable("scope", "The scope is not one of the supported scopes.")
    parts = urlsplit(made["destination"] if isinstance(made["destination"], str) else "")
    secure = parts.scheme == "https" and parts.port in (None, 443) and bool(parts.hostname)
    if not secure and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise unprocessable("destination", "The destination must be a valid https address on port 443.")
    if not isinstance(made["is_active"], bool):
        raise unprocessable("is_active", "is_active must be true or false.")
    headers = made["headers"]
    if headers is not None and not (isinstance(headers, dict) and all(isinstance(v, str) for v in headers.values())):
        raise unprocessable("headers", "headers must be an object of texts.")
    others = [doc for doc in of_store(context.face.core.world, context.hash) if doc is not known]
    same = [doc for doc in others if doc["scope"] == made["scope"]]
    if any(doc["destination"] == made["destination"] for doc in same):
        raise unprocessable("destination", "A webhook for this scope and destination exists already.")
    if len(same) >= MOST_OF_A_SCOPE:
        raise unprocessable("scope", f"There are {MOST_OF_A_SCOPE} webhooks of this scope already.")
    return made


def create(context: Context) -> Any:
    """``createWebhooks``."""
    made = _checked(context, context.body, None)
    now = int(context.moment.timestamp())
    number = context.face.core.world.next_id("bigcommerce_hook") + 18_048_000
    doc: Doc = {"store": context.hash, "id": number, **made, "created_at": now, "updated_at": now}
    context.face.core.world.put(HOOKS, key_of(context.hash, number), doc)
    return {"data": shape(context, doc), "meta": {}}


def update(context: Context) -> Any:
    """``updateWebhook``: any field, and active again."""
    doc = _found(context)
    doc.update(_checked(context, context.body, doc))
    doc["updated_at"] = int(context.moment.timestamp())
    context.face.core.world.put(HOOKS, key_of(context.hash, doc["id"]), doc)
    return {"data": shape(context, doc), "meta": {}}


def delete(context: Context) -> Any:
    """``deleteWebhook``."""
    doc = _found(context)
    context.face.core.world.drop(HOOKS, key_of(context.hash, doc["id"]))
    return {"data": shape(context, doc), "meta": {}}
