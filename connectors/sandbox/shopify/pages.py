"""Rendering the pretend Shopify's pages, and the checks of their forms. Every page works without script."""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
from aiohttp import web

from connectors.sandbox.server import CORE
from connectors.sandbox.shopify.money import load

_HERE = Path(__file__).parent
_SHARED = _HERE.parent / "pages" / "templates"
"""Where the templates lie that both pretend stores use; our own of the same name go first."""
_LOOK = _HERE.parents[2] / "salestio" / "static" / "salestio"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_STATIC = {"theme.css": "text/css", "icons.svg": "image/svg+xml", "fonts/inter-ui-var.woff2": "font/woff2"}
_SCOPE_NOUNS = {
    "products": "products and their variants",
    "inventory": "stock",
    "locations": "locations",
    "orders": "orders",
    "returns": "returns",
    "customers": "customers",
    "merchant_managed_fulfillment_orders": "shipments from your own locations",
    "assigned_fulfillment_orders": "shipments assigned to the app",
    "third_party_fulfillment_orders": "shipments from other services",
    "all_orders": "orders older than 60 days",
}

_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action {forms}; frame-src {frames}; frame-ancestors 'none'"
)


def _money(amount: Any, currency: str = "USD") -> str:
    value = load(amount)[0]
    sign = {"USD": "$", "GBP": "£", "EUR": "€", "CAD": "CA$"}.get(currency)
    return f"{sign}{value:,}" if sign else f"{value:,} {currency}"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([_HERE / "templates", _SHARED]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["money"] = _money
    environment.filters["when"] = lambda text: str(text).replace("T", " ").replace("Z", " UTC")
    return environment


def csrf_token(request: web.Request) -> str:
    """Return the form token: other sites cannot read it, and cannot guess it without the app's secret."""
    secret = (
        str(request.app[CORE].credentials.get("shopify", {}).get("client_secret", "")) or request.app[CORE].csrf_key
    )
    return hmac.new(secret.encode(), b"pretend shopify forms", hashlib.sha256).hexdigest()


def render(
    request: web.Request, name: str, *, status: int = 200, frames: str = "'none'", **values: Any
) -> web.Response:
    """Return a page. ``frames`` names the origin that may be framed in it."""
    core = request.app[CORE]
    page = (
        _environment()
        .get_template(name)
        .render(
            csrf=csrf_token(request),
            base_url=core.base_url,
            path=request.path,
            said=request.query.get("said", ""),
            app_name=os.environ.get("BRAND_NAME") or "Salestio",
            **values,
        )
    )
    # After the consent form the browser is sent on to the app, which form-action must allow.
    headers = {
        "Content-Security-Policy": _CSP.format(forms=f"'self' {core.web_url}".strip(), frames=frames),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    return web.Response(text=page, content_type="text/html", status=status, headers=headers)


async def checked_form(request: web.Request) -> Mapping[str, str]:
    """Return a posted form after the same-origin checks; raises 403 for a form that is not from a page of ours."""
    host = urlsplit(f"//{request.host}").hostname
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    form = await request.post()
    token = str(form.get("csrf", ""))
    same = origin is None or urlsplit(origin).netloc == request.host
    if (
        host not in _LOOPBACK
        or not same
        or site not in ("same-origin", "none")
        or not hmac.compare_digest(token, csrf_token(request))
    ):
        raise web.HTTPForbidden(
            text="This form is not from a page of the sandbox, or is too old. Go back and reload the page."
        )
    return {name: str(value) for name, value in form.items()}


def back(request: web.Request, said: str) -> web.HTTPFound:
    """Return the redirect to the page a form was on, with a sentence to show there."""
    from urllib.parse import urlencode

    return web.HTTPFound(f"{request.path}?{urlencode({'said': said})}")


def scope_words(scopes: list[str]) -> list[str]:
    """Return sentences for access scopes, a write scope standing for its read scope."""
    words = []
    for scope in scopes:
        kind, _, noun = scope.partition("_")
        if kind == "read" and f"write_{noun}" in scopes:
            continue
        verb = "View and change" if kind == "write" else "View"
        words.append(f"{verb} {_SCOPE_NOUNS.get(noun, noun.replace('_', ' '))}")
    return sorted(words)


async def static(request: web.Request) -> web.StreamResponse:
    """The look: the project's theme, its font and icons, and Bootstrap from its wheel."""
    name = request.match_info["name"]
    headers = {"Cache-Control": "max-age=300"}
    if name == "bootstrap.min.css":
        found = importlib.util.find_spec("bootstrap_wrapper")
        path = Path(found.origin).parents[1] / "bootstrap" / "css" / name if found and found.origin else Path("missing")
        kind = "text/css"
    elif name == "store.css":
        path, kind = _HERE / "templates" / name, "text/css"
    elif name in ("frame.js", "app-bridge.js"):
        path, kind = _HERE / "templates" / name, "text/javascript"
    elif name in _STATIC:
        path, kind = _LOOK / name, _STATIC[name]
    else:
        raise web.HTTPNotFound
    if not path.is_file():
        raise web.HTTPNotFound
    return web.Response(body=path.read_bytes(), content_type=kind, headers=headers)
