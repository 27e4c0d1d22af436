"""The Admin API over HTTP: authentication, cost, faults, and the answer; and what ends every piece of work in the
pretend shop."""

from __future__ import annotations

import json
import os
import uuid
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import web

from connectors.sandbox.faults import in_each, overwrite
from connectors.sandbox.server import THROTTLED, Core, Face, Operation, gate
from connectors.sandbox.shopify import access, bulk, hooks, tokens
from connectors.sandbox.shopify.context import Context
from connectors.sandbox.shopify.engine import MAX_COST, Engine, Prepared
from connectors.sandbox.shopify.fields_catalog import API_VERSION
from connectors.sandbox.shopify.state import Doc, State
from connectors.sandbox.world import World

RESTORE = {"development": 100.0, "standard": 100.0, "advanced": 200.0, "plus": 1000.0, "enterprise": 2000.0}
"""Plan → points a second (https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits)."""
BUCKET_SECONDS = 20
UNLIMITED = 1_000_000_000.0
_BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105 - Shopify's sentence


class ShopifyFace:
    """Everything the handlers of the pretend Shopify share."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.state = State(core.world)
        self.engine = Engine()
        client = core.credentials.get("shopify", {})
        self.client_id: str = client.get("client_id", "sandbox-shopify-client")
        self.client_secret: str = client.get("client_secret", "sandbox-shopify-secret")
        Context.app_name = os.environ.get("BRAND_NAME") or "Salestio"

    def context(self, shop: str, scopes: frozenset[str] = frozenset()) -> Context:
        """Return a fresh context for one piece of work in a shop."""
        made = Context(self.state, shop, scopes=scopes, base_url=self.core.base_url, client_id=self.client_id)
        faults = self.core.faults
        if faults:
            for fault in faults.active("search_lag", "shopify"):
                made.search_lag = max(made.search_lag, float(fault["params"].get("seconds", 10)))
                made.lag_on_identifier = made.lag_on_identifier or bool(fault["params"].get("identifier"))
            made.hidden_orders = [
                str(f["params"].get("match", "")) for f in faults.active("hide_order", "shopify", "orders")
            ]
        return made

    def finish(self, context: Context) -> None:
        """End a piece of work: what had to wait until now, then the webhooks. The journal is written by the caller's
        commit."""
        uninstalled = bool(context.after)
        for work in context.after:
            work()
        context.after.clear()
        hooks.send(context, self._deliver, self.client_secret)
        if uninstalled:
            tokens.forget_subscriptions(context.world, context.shop)

    def _deliver(self, uri: str, headers: dict[str, str], body: bytes, on_dead: Any) -> None:
        self.core.webhooks.deliver(
            uri, headers, body, platform="shopify", topic=headers["X-Shopify-Topic"], on_dead=on_dead
        )

    def bucket(self, shop: str, cost: float) -> tuple[bool, Doc]:
        """Take a query's cost from the (app, shop) bucket; returns whether there was enough, and ``throttleStatus``."""
        rate = RESTORE[self.state.shops[shop]["plan"]]
        taken = self.core.limits.take("shopify", f"cost:{shop}", rate, rate * BUCKET_SECONDS, cost)
        if taken.rate == float("inf"):
            return True, {"maximumAvailable": UNLIMITED, "currentlyAvailable": int(UNLIMITED), "restoreRate": UNLIMITED}
        status = {"maximumAvailable": taken.burst, "currentlyAvailable": int(taken.left), "restoreRate": taken.rate}
        return taken.ok, status


_FACES: WeakKeyDictionary[World, ShopifyFace] = WeakKeyDictionary()


def face_of(world: World) -> ShopifyFace:
    """Return the platform's shared parts on a world; raises KeyError when it was not set up there."""
    return _FACES[world]


SHOPIFY: web.AppKey[ShopifyFace] = web.AppKey("shopify", ShopifyFace)


def answer(body: Doc, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return a JSON answer with the headers Shopify puts on each."""
    made = {"X-Request-Id": str(uuid.uuid4()), "X-Shopify-API-Version": API_VERSION, **(headers or {})}
    return web.Response(
        body=json.dumps(body, separators=(",", ":")).encode(),
        status=status,
        content_type="application/json",
        headers=made,
    )


def graphql_error(message: str, code: str, **extensions: Any) -> Doc:
    """Return the body of a request refused as a whole, in a 200."""
    return {"errors": [{"message": message, "extensions": {"code": code, **extensions}}]}


# What the core's faults look like at Shopify


def _error(operation: Operation, status: int, code: str, message: str) -> web.Response:
    """An error answer. ``refuse`` (a code or message is given) is a user error of the mutation, in a 200."""
    if code or message:
        problem = {
            "code": code or None,
            "field": ["order", "lineItems"] if operation.name == "orderCreate" else None,
            "message": message or code,
        }
        payload = {"order": None, "userErrors": [problem], "orderCancelUserErrors": [problem]}
        return answer({"data": {operation.name: payload}})
    if status >= 500:
        return answer({"errors": "Internal Server Error" if status == 500 else "Service unavailable"}, status)
    return answer(
        {"errors": {401: _BAD_TOKEN, 403: "Forbidden", 404: "Not Found", 423: "Locked"}.get(status, "Bad Request")},
        status,
    )


def _throttled(operation: Operation, with_headers: bool) -> web.Response:
    """THROTTLED in a 200 with its cost; without headers: a bare 429."""
    if not with_headers:
        text = "Too many requests. Reduce request rates to resume uninterrupted service."
        return answer({"errors": text}, 429)
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": 0, "restoreRate": 100.0}
    body = graphql_error("Throttled", "THROTTLED", documentation="https://shopify.dev/api/usage/rate-limits")
    body["extensions"] = {"cost": {"requestedQueryCost": 10, "actualQueryCost": None, "throttleStatus": status}}
    return answer(body)


def _token_revoked(operation: Operation) -> web.Response:
    return answer({"errors": _BAD_TOKEN}, 401)


FACE = Face("shopify", _error, _throttled, _token_revoked)


async def graphql(request: web.Request) -> web.Response:
    """``POST /admin/api/{version}/graphql.json``."""
    face = request.app[SHOPIFY]
    shop = request.match_info["shop"]
    if shop not in face.state.shops:
        return answer({"errors": "Not Found"}, 404)
    try:
        body = await request.json()
        text, variables, name = body["query"], body.get("variables") or {}, body.get("operationName")
    except (ValueError, TypeError, KeyError, AttributeError):
        return answer({"errors": {"query": "Required parameter missing or invalid"}}, 400)
    if not isinstance(text, str) or not isinstance(variables, dict):
        return answer({"errors": {"query": "Required parameter missing or invalid"}}, 400)
    prepared = face.engine.prepare(text)
    chosen = prepared.operation(name)
    operation = Operation("shopify", shop, face.engine.root_field(prepared, chosen) if chosen else "invalid")
    await gate(request, operation)
    holder = tokens.holder(face.core.world, shop, request.headers.get("X-Shopify-Access-Token", ""))
    if holder is None:
        return answer({"errors": _BAD_TOKEN}, 401)
    if prepared.errors:
        return answer({"errors": prepared.errors})
    if chosen is None:
        return answer(graphql_error("An operation name is required", "missingOperation"))
    return _run(request, face, prepared, holder, operation, variables, name)


def _run(
    request: web.Request,
    face: ShopifyFace,
    prepared: Prepared,
    holder: Doc,
    operation: Operation,
    variables: Doc,
    name: str | None,
) -> web.Response:
    chosen = prepared.operation(name)
    assert chosen is not None
    cost = face.engine.cost(prepared, chosen, variables)
    shop = operation.key
    if cost > MAX_COST:
        text = f"Query cost is {cost}, which exceeds the single query max cost limit ({MAX_COST})."
        return answer(
            graphql_error(
                text,
                "MAX_COST_EXCEEDED",
                cost=cost,
                maxCost=MAX_COST,
                documentation="https://shopify.dev/api/usage/rate-limits",
            )
        )
    enough, status = face.bucket(shop, cost)
    spent: Doc = {"requestedQueryCost": cost, "actualQueryCost": cost if enough else None, "throttleStatus": status}
    if not enough:
        request[THROTTLED] = True
        body = graphql_error("Throttled", "THROTTLED", documentation="https://shopify.dev/api/usage/rate-limits")
        return answer({**body, "extensions": {"cost": spent}})
    context = face.context(shop, access.held(frozenset(holder["scopes"])))
    result = face.engine.run(prepared, context, variables, name)
    face.finish(context)
    if face.core.faults:
        for kind in context.struck:
            for fault in face.core.faults.active(kind, "shopify"):
                face.core.faults.hit(fault)
        _disturb(face, operation, result)
    result["extensions"] = {"cost": spent}
    if context.search_warnings:
        result["extensions"]["search"] = context.search_warnings
    return answer(result)


# Faults inside an answer

_ENUM_FIELDS = ("displayFulfillmentStatus", "displayFinancialStatus", "status", "cancelReason")


def _disturb(face: ShopifyFace, operation: Operation, result: Doc) -> None:
    """Let the faults strike that change what an answer holds."""
    data = result.get("data")
    if not isinstance(data, dict):
        return
    pick = face.core.faults.pick
    if fault := pick("null_field", "shopify", operation.name):
        emptied = str(fault["params"].get("field", "totalPriceSet"))
        in_each(data, lambda doc: overwrite(doc, emptied, None))
    if fault := pick("schema_extra", "shopify", operation.name):
        in_each(data, lambda doc: doc.update({"unannouncedField": {"kind": "NEW", "values": [1, 2, 3]}}))
    if fault := pick("unknown_enum", "shopify", operation.name):
        names = [str(fault["params"]["field"])] if fault["params"].get("field") else list(_ENUM_FIELDS)
        value = str(fault["params"].get("value", "UNANNOUNCED_STATUS"))
        in_each(data, lambda doc: _set_all(doc, names, value))
    if pick("repeat_order", "shopify", operation.name):
        in_each(data, _repeat)


def _set_all(doc: Doc, names: list[str], value: Any) -> None:
    for name in names:
        overwrite(doc, name, value)


def _repeat(doc: Doc) -> None:
    for name in ("nodes", "edges"):
        if isinstance(doc.get(name), list) and doc[name]:
            doc[name] = [*doc[name], doc[name][0]]


async def bulk_file(request: web.Request) -> web.StreamResponse:
    """The result of a bulk operation; its unguessable name is the permission, as with Shopify's signed addresses."""
    face = request.app[SHOPIFY]
    name = request.match_info["name"]
    context = face.context(request.match_info["shop"])
    path = bulk.folder(context) / name
    if "/" in name or not path.is_file():
        return web.Response(status=404)
    return web.FileResponse(path, headers={"Content-Type": "application/jsonl"})


def setup_api(app: web.Application, face: ShopifyFace) -> None:
    """Add the Admin API's routes."""
    face.core.faces["shopify"] = FACE
    _FACES[face.core.world] = face
    app.router.add_post("/shopify/{shop}/admin/api/{version}/graphql.json", graphql)
    app.router.add_get("/shopify/{shop}/bulk/{name}", bulk_file)
