"""Notification API v1: configuration, destinations with the challenge handshake, topics, subscriptions, public keys."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from aiohttp import web

from connectors.sandbox.ebay.common import EBAY, SCOPE, Caller, Ebay, enter
from connectors.sandbox.ebay.errors import answer, refused
from connectors.sandbox.ebay.push import CONFIRMATION, DELETION, REVOCATION, STORE, Pushes
from connectors.sandbox.ebay.shipping import read_json
from connectors.sandbox.ebay.state import Doc
from connectors.sandbox.world import iso_ms

PUSHES: web.AppKey[Pushes] = web.AppKey("ebay_pushes", Pushes)
_BASE = "/ebay/api/commerce/notification/v1"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,80}")
_STATUSES = ("ENABLED", "DISABLED")
_CHALLENGE_SECONDS = 5
_NOTIFY = f"{SCOPE}/commerce.notification.subscription"

TOPICS: dict[str, tuple[str, str, list[str]]] = {
    # id: (whose subscription it is, what it tells, scopes)
    DELETION: ("APPLICATION", "An eBay member asked for the deletion of their account.", [SCOPE]),
    REVOCATION: ("APPLICATION", "A member withdrew an application's authorization.", [SCOPE]),
    CONFIRMATION: ("USER", "A buyer completed checkout for an item.", [_NOTIFY]),
    "ITEM_MARKED_SHIPPED": ("USER", "An item was marked as shipped.", [f"{SCOPE}/commerce.shipping"]),
}
"""The last needs a scope our application was not given: 195011."""


def setup(app: web.Application) -> None:
    """Add the routes and begin to send."""
    app[PUSHES] = Pushes(app[EBAY])
    add = app.router
    add.add_get(_BASE + "/config", get_config)
    add.add_put(_BASE + "/config", put_config)
    add.add_get(_BASE + "/destination", list_destinations)
    add.add_post(_BASE + "/destination", create_destination)
    add.add_get(_BASE + "/destination/{id}", get_destination)
    add.add_put(_BASE + "/destination/{id}", update_destination)
    add.add_delete(_BASE + "/destination/{id}", delete_destination)
    add.add_get(_BASE + "/public_key/{kid}", get_public_key)
    add.add_get(_BASE + "/topic", list_topics)
    add.add_get(_BASE + "/topic/{id}", get_topic)
    add.add_get(_BASE + "/subscription", list_subscriptions)
    add.add_post(_BASE + "/subscription", create_subscription)
    add.add_get(_BASE + "/subscription/{id}", get_subscription)
    add.add_put(_BASE + "/subscription/{id}", update_subscription)
    add.add_delete(_BASE + "/subscription/{id}", delete_subscription)
    for word, handler in (("enable", enable), ("disable", disable), ("test", test)):
        add.add_post(_BASE + "/subscription/{id}/" + word, handler)


def _table(ebay: Ebay) -> dict[str, Doc]:
    return ebay.world.table(STORE)


def _rows(ebay: Ebay, kind: str) -> list[Doc]:
    return [doc for doc in _table(ebay).values() if doc.get("kind") == kind]


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", "20")
    if not (text.isascii() and text.isdigit()) or not 10 <= int(text) <= 100:
        raise refused(195004)
    return int(text)


def _page(request: web.Request, rows: list[Doc], name: str) -> web.Response:
    """Return a page of rows, with the address of the next."""
    limit = _limit(request)
    start = request.query.get("continuation_token", "0")
    if not (start.isascii() and start.isdigit()):
        raise refused(195005)
    here = f"{request.app[EBAY].core.base_url}{request.path}"
    body: Doc = {"href": f"{here}?{urlencode({'limit': limit})}", "limit": limit, "total": len(rows)}
    end = int(start) + limit
    body[name] = rows[int(start) : end]
    if end < len(rows):
        body["next"] = f"{here}?{urlencode({'limit': limit, 'continuation_token': end})}"
    return answer(body)


# ── configuration and topics ─────────────────────────────────────────────────────────────────────────────────────────


async def get_config(request: web.Request) -> web.Response:
    """The address eBay writes to when deliveries fail."""
    await enter(request, "getConfig")
    doc = _table(request.app[EBAY]).get("config")
    if doc is None:
        raise refused(195026)
    return answer({"alertEmail": doc["alertEmail"]})


async def put_config(request: web.Request) -> web.Response:
    """Set it. 204."""
    await enter(request, "updateConfig")
    email = (await read_json(request, 195025)).get("alertEmail")
    if not isinstance(email, str) or not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise refused(195025)
    request.app[EBAY].world.put(STORE, "config", {"alertEmail": email})
    return answer(None, status=204)


async def list_topics(request: web.Request) -> web.Response:
    """What one may subscribe to."""
    await enter(request, "getTopics")
    return _page(request, [_topic(name) for name in TOPICS], "topics")


async def get_topic(request: web.Request) -> web.Response:
    """One topic."""
    await enter(request, "getTopic")
    if request.match_info["id"] not in TOPICS:
        raise refused(195002)
    return answer(_topic(request.match_info["id"]))


def _topic(name: str) -> Doc:
    scope, description, scopes = TOPICS[name]
    payload = {"format": ["JSON"], "schemaVersion": "1.0", "deliveryProtocol": "HTTPS", "deprecated": False}
    return {
        "topicId": name,
        "description": description,
        "status": "ENABLED",
        "context": "MARKETPLACE",
        "scope": scope,
        "authorizationScopes": scopes,
        "filterable": False,
        "supportedPayloads": [payload],
    }


async def get_public_key(request: web.Request) -> web.Response:
    """The key to check signatures with."""
    await enter(request, "getPublicKey")
    pushes = request.app[PUSHES]
    if request.match_info["kid"] != pushes.kid:
        raise refused(195001)
    return answer({"key": pushes.public_key(), "algorithm": "ECDSA", "digest": "SHA1"})


# ── destinations ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def list_destinations(request: web.Request) -> web.Response:
    """The application's destinations."""
    await enter(request, "getDestinations")
    return _page(request, [_shown(doc) for doc in _rows(request.app[EBAY], "destination")], "destinations")


def _shown(doc: Doc) -> Doc:
    return {name: value for name, value in doc.items() if name not in ("kind", "owner")}


def _destination(request: web.Request) -> Doc:
    doc = _table(request.app[EBAY]).get(f"destination {request.match_info['id']}")
    if doc is None:
        raise refused(195022)
    return doc


async def create_destination(request: web.Request) -> web.Response:
    """Name an address; it must answer eBay's challenge. 201 and its address."""
    await enter(request, "createDestination")
    ebay = request.app[EBAY]
    if "config" not in _table(ebay):
        raise refused(195003)
    wanted = _wanted_destination(await read_json(request, 195017))
    endpoint = wanted["deliveryConfig"]["endpoint"]
    if any(doc["deliveryConfig"]["endpoint"] == endpoint for doc in _rows(ebay, "destination")):
        raise refused(195021)
    await _challenge(wanted["deliveryConfig"])
    destination_id = str(uuid.uuid4())
    doc = {"kind": "destination", "destinationId": destination_id, **wanted}
    ebay.world.put(STORE, f"destination {destination_id}", doc)
    location = f"{ebay.core.base_url}{_BASE}/destination/{destination_id}"
    return answer(None, status=201, headers={"Location": location})


def _wanted_destination(body: Doc) -> Doc:
    name, status, config = body.get("name"), body.get("status"), body.get("deliveryConfig")
    if not isinstance(name, str) or not 1 <= len(name) <= 64 or "<" in name:
        raise refused(195016)
    if status not in _STATUSES:
        raise refused(195018)
    endpoint = config.get("endpoint") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(endpoint, str) or not _allowed(endpoint):
        raise refused(195017)
    token = config.get("verificationToken")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise refused(195019)
    return {"name": name, "status": status, "deliveryConfig": {"endpoint": endpoint, "verificationToken": token}}


def _allowed(endpoint: str) -> bool:
    """eBay wants https. The sandbox also takes http for this machine and for names without a dot (containers)."""
    try:
        parts = urlsplit(endpoint)
        host = parts.hostname or ""
    except ValueError:
        return False
    near = host in ("127.0.0.1", "::1") or "." not in host
    return bool(host) and (parts.scheme == "https" or parts.scheme == "http" and near)


async def _challenge(config: Doc) -> None:
    """Ask the endpoint to prove that it is the application's: SHA-256 of code, token and endpoint, in this order."""
    code = secrets.token_hex(16)
    endpoint = config["endpoint"]
    expected = hashlib.sha256((code + config["verificationToken"] + endpoint).encode()).hexdigest()
    separator = "&" if urlsplit(endpoint).query else "?"
    timeout = aiohttp.ClientTimeout(total=_CHALLENGE_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{endpoint}{separator}challenge_code={code}", allow_redirects=False) as reply,
        ):
            given: Any = await reply.json() if reply.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
        given = None
    if not isinstance(given, dict) or given.get("challengeResponse") != expected:
        raise refused(195020)


async def get_destination(request: web.Request) -> web.Response:
    """One destination."""
    await enter(request, "getDestination")
    return answer(_shown(_destination(request)))


async def update_destination(request: web.Request) -> web.Response:
    """Change a destination; a new address or token is challenged. 204."""
    await enter(request, "updateDestination")
    doc = _destination(request)
    wanted = _wanted_destination(await read_json(request, 195017))
    others = [row for row in _rows(request.app[EBAY], "destination") if row is not doc]
    if any(row["deliveryConfig"]["endpoint"] == wanted["deliveryConfig"]["endpoint"] for row in others):
        raise refused(195021)
    if wanted["deliveryConfig"] != doc["deliveryConfig"]:
        await _challenge(wanted["deliveryConfig"])
    doc.update(wanted)
    request.app[EBAY].world.put(STORE, f"destination {doc['destinationId']}", doc)
    return answer(None, status=204)


async def delete_destination(request: web.Request) -> web.Response:
    """Delete a destination nobody uses. 204."""
    await enter(request, "deleteDestination")
    ebay, doc = request.app[EBAY], _destination(request)
    if any(row["destinationId"] == doc["destinationId"] for row in _rows(ebay, "subscription")):
        raise refused(195024)
    ebay.world.drop(STORE, f"destination {doc['destinationId']}")
    return answer(None, status=204)


# ── subscriptions ────────────────────────────────────────────────────────────────────────────────────────────────────


async def list_subscriptions(request: web.Request) -> web.Response:
    """The caller's subscriptions: a seller's, or the application's own."""
    caller = await enter(request, "getSubscriptions")
    rows = [_shown(doc) for doc in _rows(request.app[EBAY], "subscription") if doc["owner"] == caller.seller]
    return _page(request, rows, "subscriptions")


def _subscription(request: web.Request, caller: Caller) -> Doc:
    doc = _table(request.app[EBAY]).get(f"subscription {request.match_info['id']}")
    if doc is None or doc["owner"] != caller.seller:
        raise refused(195013)
    return doc


async def create_subscription(request: web.Request) -> web.Response:
    """Subscribe to a topic, with a seller's token or our own as the topic asks. 201 and its address."""
    caller = await enter(request, "createSubscription")
    ebay = request.app[EBAY]
    body = await read_json(request, 195027)
    topic = body.get("topicId")
    if topic not in TOPICS:
        raise refused(195027)
    scope, _, scopes = TOPICS[topic]
    if (scope == "USER") != bool(caller.seller) or not set(scopes) & caller.scopes:
        raise refused(195011)
    if "config" not in _table(ebay):
        raise refused(195003)
    wanted = _wanted_subscription(ebay, body)
    if any(row["topicId"] == topic and row["owner"] == caller.seller for row in _rows(ebay, "subscription")):
        raise refused(195012)
    subscription_id = str(uuid.uuid4())
    doc = {
        "kind": "subscription",
        "owner": caller.seller,
        "subscriptionId": subscription_id,
        "topicId": topic,
        "creationDate": iso_ms(ebay.world.now()),
        **wanted,
    }
    ebay.world.put(STORE, f"subscription {subscription_id}", doc)
    location = f"{ebay.core.base_url}{_BASE}/subscription/{subscription_id}"
    return answer(None, status=201, headers={"Location": location})


def _wanted_subscription(ebay: Ebay, body: Doc) -> Doc:
    status, payload = body.get("status"), body.get("payload")
    if status not in _STATUSES:
        raise refused(195006)
    destination = _table(ebay).get(f"destination {body.get('destinationId')}")
    if destination is None:
        raise refused(195007)
    payload = payload if isinstance(payload, dict) else {}
    if payload.get("schemaVersion") != "1.0":
        raise refused(195008)
    if payload.get("format") != "JSON":
        raise refused(195009)
    if payload.get("deliveryProtocol") != "HTTPS":
        raise refused(195010)
    if status == "ENABLED" and destination["status"] != "ENABLED":
        raise refused(195015)
    names = ("format", "schemaVersion", "deliveryProtocol")
    shown = {name: payload[name] for name in names}
    return {"status": status, "destinationId": destination["destinationId"], "payload": shown}


async def get_subscription(request: web.Request) -> web.Response:
    """One subscription."""
    caller = await enter(request, "getSubscription")
    return answer(_shown(_subscription(request, caller)))


async def update_subscription(request: web.Request) -> web.Response:
    """Change a subscription. 204."""
    caller = await enter(request, "updateSubscription")
    doc = _subscription(request, caller)
    doc.update(_wanted_subscription(request.app[EBAY], await read_json(request, 195006)))
    return _save(request, doc)


def _save(request: web.Request, doc: Doc) -> web.Response:
    request.app[EBAY].world.put(STORE, f"subscription {doc['subscriptionId']}", doc)
    return answer(None, status=204)


async def delete_subscription(request: web.Request) -> web.Response:
    """End a subscription. 204."""
    caller = await enter(request, "deleteSubscription")
    doc = _subscription(request, caller)
    request.app[EBAY].world.drop(STORE, f"subscription {doc['subscriptionId']}")
    return answer(None, status=204)


async def enable(request: web.Request) -> web.Response:
    """Let a subscription send. 204."""
    caller = await enter(request, "enableSubscription")
    doc = _subscription(request, caller)
    destination = _table(request.app[EBAY]).get(f"destination {doc['destinationId']}")
    if destination is None or destination["status"] != "ENABLED":
        raise refused(195015)
    doc["status"] = "ENABLED"
    return _save(request, doc)


async def disable(request: web.Request) -> web.Response:
    """Let a subscription rest. 204."""
    caller = await enter(request, "disableSubscription")
    doc = _subscription(request, caller)
    doc["status"] = "DISABLED"
    return _save(request, doc)


async def test(request: web.Request) -> web.Response:
    """Send a made-up notification to the subscription's destination, whatever its state. 202."""
    caller = await enter(request, "testSubscription")
    ebay, doc = request.app[EBAY], _subscription(request, caller)
    destination = _table(ebay).get(f"destination {doc['destinationId']}")
    if destination is not None:
        data = {"username": "test_user", "userId": "ma8vp1jySJC", "orderId": "00-00000-00000"}
        request.app[PUSHES].send(destination["deliveryConfig"]["endpoint"], doc["topicId"], data)
    return answer(None, status=202)
