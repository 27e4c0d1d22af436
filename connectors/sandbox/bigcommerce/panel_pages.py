"""What every page of the pretend control panel stands on: how it is rendered, and in whose store.

Every page works without script; forms are guarded as the sandbox's own pages are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web

from connectors.sandbox import pages
from connectors.sandbox.bigcommerce.face import BIGCOMMERCE, Context

MANAGE = "/bigcommerce/store-{hash:[a-z0-9]+}/manage"
"""Where a store's control panel lives, as a route."""
_HERE = Path(__file__).parent
_CSP = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-src {frames}; frame-ancestors 'self'"
)
_SIGNS = {"USD": "$", "GBP": "£", "EUR": "€"}


def money(amount: Any, currency: str = "USD") -> str:
    """Write an amount with its currency's sign."""
    text = f"{float(amount):,.2f}"
    return f"{_SIGNS[currency]}{text}" if currency in _SIGNS else f"{text} {currency}"


def render(
    request: web.Request, name: str, *, status: int = 200, frames: str = "'none'", **values: Any
) -> web.Response:
    """Return a page of the pretend BigCommerce; `frames` names the origin that may be framed in it."""
    face = request.app[BIGCOMMERCE]
    response = pages.render(
        request,
        f"bigcommerce_{name}.html",
        status=status,
        app_name=face.app_name,
        said=request.query.get("said", "")[:200],
        wrong="wrong" in request.query,
        money=money,
        **values,
    )
    response.headers["Content-Security-Policy"] = _CSP.format(frames=frames)
    return response


def context_of(request: web.Request) -> Context:
    """Return a context of the merchant's own hands in the store of the address; 404 when there is none."""
    face = request.app[BIGCOMMERCE]
    if request.match_info["hash"] not in face.state.stores:
        raise web.HTTPNotFound(text="There is no such store.")
    return face.context(request.match_info["hash"], by_merchant=True)


def finish(context: Context) -> None:
    """End a piece of work: webhooks go out, the journal is written."""
    context.face.finish(context)
    context.face.core.world.commit()


def manage(context: Context, tail: str) -> str:
    """Return the address of one of a store's pages."""
    return f"/bigcommerce/store-{context.hash}/manage/{tail}"


async def style(request: web.Request) -> web.Response:
    """The pages' own few rules, on top of the project's theme."""
    body = (_HERE / "templates" / "bigcommerce.css").read_bytes()
    return web.Response(body=body, content_type="text/css", headers={"Cache-Control": "max-age=300"})


def setup_pages(app: web.Application) -> None:
    """Let the pages be found, with their style sheet."""
    pages.add_templates(_HERE / "templates")
    app.router.add_get("/bigcommerce/_static/bigcommerce.css", style)
