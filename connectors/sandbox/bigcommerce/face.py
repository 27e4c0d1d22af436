"""What the handlers of the pretend BigCommerce share: a piece of work in a store, the quota, errors, and what ends it all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from aiohttp import web

from connectors.sandbox.bigcommerce import hooks, tokens
from connectors.sandbox.bigcommerce.errors import Refused, body_of, title_of
from connectors.sandbox.bigcommerce.state import PLANS, Doc, State
from connectors.sandbox.faults import in_each, overwrite
from connectors.sandbox.server import THROTTLED, Core, Face, Operation, gate

PLATFORM = "bigcommerce"
WINDOW_SECONDS = 30
INVENTORY_LAG = {"real": 2.0, "demo": 0.0, "off": 0.0}
"""Seconds until a read of stock shows a change, by limit profile; BigCommerce says only that it is not at once."""
API_PATH = "/bigcommerce/stores/{hash:[a-z0-9]+}"
UNLIMITED = 1_000_000


class Quota(NamedTuple):
    """The quota as BigCommerce tells it in headers."""

    window_ms: int
    reset_ms: int
    quota: int
    left: int

    def headers(self) -> dict[str, str]:
        """Return the four headers."""
        return {
            "X-Rate-Limit-Time-Window-Ms": str(self.window_ms),
            "X-Rate-Limit-Time-Reset-Ms": str(self.reset_ms),
            "X-Rate-Limit-Requests-Quota": str(self.quota),
            "X-Rate-Limit-Requests-Left": str(self.left),
        }


@dataclass
class Context:
    """One piece of work in one store: a request of an app, or the merchant's own hands."""

    face: BigCommerceFace
    store: Doc
    by_merchant: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    token: Doc = field(default_factory=dict)
    events: list[tuple[str, Doc]] = field(default_factory=list)
    _now: datetime | None = None

    @property
    def hash(self) -> str:
        """The store's hash."""
        return str(self.store["hash"])

    @property
    def state(self) -> State:
        """The documents."""
        return self.face.state

    @property
    def moment(self) -> datetime:
        """When this work happens; the same all through it."""
        if self._now is None:
            self._now = self.face.core.world.now()
        return self._now

    @property
    def now(self) -> str:
        """The same as an ISO text."""
        return self.moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    @property
    def base_url(self) -> str:
        """The store's API address."""
        return f"{self.face.core.base_url}/bigcommerce/stores/{self.hash}"

    def tell(self, scope: str, data: Doc) -> None:
        """Note an event for the store's webhooks; sent when the work is done."""
        if (scope, data) not in self.events:
            self.events.append((scope, data))

    def record(self, kind: str, reference: str | None, number: Any, body: Doc) -> None:
        """Add to the write record; what the merchant does by hand is no write of a client, but alarms always count."""
        if not self.by_merchant or kind == "oversold":
            self.face.core.world.record(PLATFORM, self.hash, kind, reference, str(number), body)

    def lag(self, operation: str) -> float:
        """Return how many seconds old what a search or a read of stock shows is: by the profile, or a `search_lag`."""
        core = self.face.core
        seconds = INVENTORY_LAG[core.limits.profile(PLATFORM)] if operation in STOCK_READS else 0.0
        return max(seconds, core.faults.lag(PLATFORM, operation))

    def seen_until(self, operation: str) -> datetime | None:
        """Return the moment a lagging read shows, None when it shows the present."""
        lag = self.lag(operation)
        return self.moment - timedelta(seconds=lag) if lag else None


STOCK_READS = ("get-inventory-items", "get-location-inventory-items")


class BigCommerceFace:
    """Everything the handlers of the pretend BigCommerce share."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.state = State(core.world)
        own = core.credentials.get(PLATFORM, {})
        self.client_id: str = own.get("client_id", "sandbox-bigcommerce-client")
        self.client_secret: str = own.get("client_secret", "sandbox-bigcommerce-secret")
        self.app_id: str = str(own.get("app_id", "10001"))
        self.app_name = os.environ.get("BRAND_NAME") or "Salestio"

    def context(self, store_hash: str, *, by_merchant: bool = False) -> Context:
        """Return a fresh context; KeyError when there is no such store."""
        return Context(self, self.state.stores[store_hash], by_merchant=by_merchant)

    def finish(self, context: Context) -> None:
        """End a piece of work: its webhooks go out. The caller commits the journal."""
        hooks.send(context)
        context.events.clear()

    def take(self, store: Doc) -> tuple[bool, Quota]:
        """Take one request from the store's quota, which all its apps share."""
        most = PLANS[store["plan"]]
        taken = self.core.limits.take(PLATFORM, f"quota:{store['hash']}", most / WINDOW_SECONDS, most)
        if taken.rate == float("inf"):
            return True, Quota(WINDOW_SECONDS * 1000, WINDOW_SECONDS * 1000, UNLIMITED, UNLIMITED)
        wait = taken.wait if not taken.ok else (taken.burst - taken.left) / taken.rate
        window = int(taken.burst / taken.rate * 1000)
        return taken.ok, Quota(window, int(wait * 1000) + 1, int(taken.burst), int(taken.left))


BIGCOMMERCE: web.AppKey[BigCommerceFace] = web.AppKey(PLATFORM, BigCommerceFace)


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a JSON answer; None has no body (204 unless another status is given)."""
    if body is None:
        return web.Response(status=204 if status == 200 else status, headers=headers)
    raw = json.dumps(body, separators=(",", ":")).encode()
    return web.Response(body=raw, status=status, content_type="application/json", headers=headers)


# What the core's faults look like at BigCommerce

VERSION_OF: dict[str, str] = {}
"""Operation → "v2" or "v3"; filled as the routes are added."""


def _error(operation: Operation, status: int, code: str, message: str) -> web.Response:
    version = VERSION_OF.get(operation.name, "v3")
    details = {"errors": [{"type": code}]} if code and version == "v2" else None
    errors = {code: message or code} if code and version == "v3" else None
    said = message or code or title_of(status)
    return answer(body_of(version, Refused(status, said, errors=errors, details=details)), status)


def _throttled(operation: Operation, with_headers: bool) -> web.Response:
    """Too many requests; without headers it is the platform that is busy, not the store's quota."""
    quota = Quota(WINDOW_SECONDS * 1000, 1500, PLANS["standard"], 0)
    body = body_of(VERSION_OF.get(operation.name, "v3"), Refused(429))
    return answer(body, 429, quota.headers() if with_headers else None)


def _token_revoked(operation: Operation) -> web.Response:
    return answer(body_of(VERSION_OF.get(operation.name, "v3"), Refused(401)), 401)


FACE = Face(PLATFORM, _error, _throttled, _token_revoked)

Work = Callable[[Context], Any]
"""Does a request's work and returns the body (None: nothing to say), or (body, status)."""


def handler(name: str, version: str, scopes: tuple[str, ...], work: Work) -> Callable[[web.Request], Any]:
    """Return the handler of an operation: quota, token and scope first, then the work, then webhooks and the answer.

    Any one of `scopes` is enough; none at all: every token may.
    """
    VERSION_OF[name] = version

    async def handle(request: web.Request) -> web.Response:
        face = request.app[BIGCOMMERCE]
        store_hash = request.match_info["hash"]
        await gate(request, Operation(PLATFORM, store_hash, name))
        store = face.state.stores.get(store_hash)
        if store is None:
            return answer(body_of(version, Refused(404)), 404)
        enough, quota = face.take(store)
        if not enough:
            request[THROTTLED] = True
            return answer(body_of(version, Refused(429)), 429, quota.headers())
        try:
            held = tokens.holder(face.core.world, store_hash, request.headers.get("X-Auth-Token", ""))
            if held is None:
                raise Refused(401)
            if scopes and not tokens.allows(held["scope"], scopes):
                raise Refused(403)
            context = face.context(store_hash)
            context.params, context.query, context.token = request.match_info, request.query, held
            context.body = await _body(request)
            body = work(context)
        except Refused as refused:
            return answer(body_of(version, refused), refused.status, quota.headers())
        status = 200
        if isinstance(body, tuple):
            body, status = body
        face.finish(context)
        if face.core.faults and body is not None:
            body = _disturb(face, name, body)
        return answer(body, status, quota.headers())

    return handle


async def _body(request: web.Request) -> Any:
    if request.method in ("GET", "DELETE"):
        return None
    try:
        return json.loads(await request.read())
    except ValueError:
        raise Refused(400, "The request body is not valid JSON.") from None


# Faults inside an answer


def _disturb(face: BigCommerceFace, operation: str, body: Any) -> Any:
    """Let the faults strike that change what an answer holds; returns a copy."""
    pick = face.core.faults.pick
    hidden = face.core.faults.active("hide_order", PLATFORM, operation)
    body = json.loads(json.dumps(body))
    if hidden and operation == "getOrders":
        for hiding in hidden:
            match = str(hiding["params"].get("match", ""))
            kept = [row for row in body if match and match not in (str(row["id"]), row["external_order_id"])]
            if len(kept) < len(body):
                face.core.faults.hit(hiding)
            body = kept
        if not body:
            return None
    fault: Doc | None
    if fault := pick("null_field", PLATFORM, operation):
        emptied = str(fault["params"].get("field", "total_inc_tax"))
        in_each(body, lambda doc: overwrite(doc, emptied, None))
    if fault := pick("schema_extra", PLATFORM, operation):
        in_each(body, lambda doc: doc.update({"unannounced_field": {"kind": "new", "values": [1, 2, 3]}}))
    if fault := pick("unknown_enum", PLATFORM, operation):
        number, words = int(fault["params"].get("id", 77)), str(fault["params"].get("value", "Unannounced"))
        in_each(body, lambda doc: _set_status(doc, number, words))
    if operation == "getOrders" and body and pick("repeat_order", PLATFORM, operation):
        body = [*body, body[0]]
    return body


def _set_status(doc: Doc, number: int, words: str) -> None:
    overwrite(doc, "status_id", number)
    overwrite(doc, "status", words)


def parse_time(text: str) -> datetime | None:
    """Read an ISO-8601 or RFC 2822 time, None for anything else; without an offset it is UTC."""
    from email.utils import parsedate_to_datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError):
            return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
