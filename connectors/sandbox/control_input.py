"""What guards the control API and reads its input.

Loopback only: the Host must be one of this machine's, a foreign Origin or Sec-Fetch-Site is refused, and writes must be
`application/json`. Bad input is a 400 that names the field.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from connectors.sandbox.platforms import Doc, Refusal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def is_loopback(host: str) -> bool:
    """Say whether a Host header's value names this machine."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def from_elsewhere(request: web.Request) -> bool:
    """Say whether a browser sends this on behalf of another site (or another origin of this machine)."""
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        return True
    return request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let only this machine's own programs use the control API, and turn refusals into answers that name the field."""
    if not request.path.startswith("/_control"):
        return await handler(request)
    if not is_loopback(request.host):
        return problem(403, "Host", "the control API answers on this machine only")
    if from_elsewhere(request):
        return problem(403, "Origin", "another site may not use the control API")
    writes = request.method in ("POST", "PUT", "PATCH") or (request.method == "DELETE" and request.body_exists)
    if writes and request.content_type != "application/json":
        return problem(415, "Content-Type", "application/json is wanted")
    try:
        return await handler(request)
    except Refusal as refusal:
        return problem(refusal.status, refusal.field, str(refusal))
    except web.HTTPNotFound:
        return problem(404, "path", "the control API has no such address")
    except web.HTTPMethodNotAllowed as error:
        return problem(405, "method", f"allowed: {', '.join(sorted(error.allowed_methods))}")


def problem(status: int, field: str, message: str) -> web.Response:
    """Return an answer that names the field that is wrong."""
    body = {"error": f"{field}: {message}", "field": field, "message": message}
    return web.json_response(body, status=status)


async def read_body(request: web.Request, *known: str) -> Doc:
    """Return the body, a JSON object with no fields but the known ones (any when none are named)."""
    raw = await request.read()
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        raise Refusal("body", "this is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal("body", "a JSON object is wanted")
    return only(body, *known) if known else body


def only(body: Doc, *known: str) -> Doc:
    """Return the body if it has no fields but the known ones; raises Refusal."""
    for name in body:
        if name not in known:
            raise Refusal(name, f"not known; known are {', '.join(known)}")
    return body


def number(value: Any, field: str, low: float, high: float) -> float:
    """Return a JSON number within bounds; raises Refusal."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise Refusal(field, f"a number from {low:g} to {high:g} is wanted")
    return value


def whole(text: str, field: str, low: int, high: int) -> int:
    """Return the whole number a query parameter holds; raises Refusal."""
    if not text.isdigit() or not low <= int(text) <= high:
        raise Refusal(field, f"a whole number from {low} to {high} is wanted")
    return int(text)


def text_field(body: Doc, field: str, allowed: tuple[str, ...] | list[str] = (), default: str | None = None) -> str:
    """Return a text of the body, one of `allowed` when any are given; raises Refusal."""
    value = body.get(field, default)
    if not isinstance(value, str) or not value:
        raise Refusal(field, "a text is wanted")
    if allowed and value not in allowed:
        raise Refusal(field, f"one of {', '.join(allowed)} is wanted")
    return value
