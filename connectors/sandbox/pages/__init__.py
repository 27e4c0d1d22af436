"""The sandbox's own pages: what it is, be the buyer, break things, mail. They work without script.

Forms are protected by a same-origin check and a token in a cookie and a hidden field.
"""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import bootstrap_wrapper
import jinja2
from aiohttp import web

from connectors.sandbox.server import CORE

COOKIE = "sandbox_csrf"
_ROOT = Path(__file__).resolve().parents[3]
_LOADER = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
_TEMPLATES = jinja2.Environment(
    loader=_LOADER,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)


def set_brand(name: str) -> None:
    """Say what the product is called on the pages."""
    _TEMPLATES.globals["brand"] = name


def add_templates(folder: Path) -> None:
    """Let a platform's own pages be found too; their names begin with the platform's."""
    if str(folder) not in _LOADER.searchpath:
        _LOADER.searchpath.append(str(folder))


def setup(app: web.Application) -> None:
    """Add the pages and the style sheets."""
    from connectors.sandbox.pages import views

    views.setup(app)
    app.router.add_static("/_static/bootstrap", Path(bootstrap_wrapper.__file__).parent.parent / "bootstrap")
    app.router.add_static("/_static/salestio", _ROOT / "salestio" / "static" / "salestio")


def render(request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """Return a page; every page knows the request, its form token and whether it is the current one."""
    token = request.cookies.get(COOKIE) or secrets.token_urlsafe(24)
    page = _TEMPLATES.get_template(template).render(request=request, csrf=token, path=request.path, **context)
    response = web.Response(text=page, content_type="text/html", status=status)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; base-uri 'none'; "
        "frame-ancestors 'self'"
    )
    # With "no-referrer" browsers send `Origin: null` with our own forms, and `form` would refuse them.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    if COOKIE not in request.cookies:
        response.set_cookie(COOKIE, token, httponly=True, samesite="Lax", path="/")
    return response


def page(request: web.Request, template: str, **context: Any) -> web.Response:
    """Return one of the sandbox's own pages, with its tabs and what the last form came to."""
    core = request.app[CORE]
    counts = core.world.write_counts()
    tabs = [
        ("/", "Overview", ""),
        ("/buyer", "Be the buyer", ""),
        ("/break", "Break things", f"{len(core.faults.all())} on" if core.faults else ""),
        ("/written", "What was written", f"{sum(counts.values()):,}"),
        ("/mail", "Mail", ""),
    ]
    return render(
        request,
        template,
        tabs=tabs,
        web_url=core.web_url,
        said=request.query.get("said", "")[:200],
        wrong="wrong" in request.query,
        **context,
    )


def back(path: str, said: str, query: dict[str, str] | None = None, *, wrong: bool = False) -> web.HTTPSeeOther:
    """Return what to raise after a form: back to a page, which then says what came of it."""
    shown = {**(query or {}), "said": said, **({"wrong": "1"} if wrong else {})}
    return web.HTTPSeeOther(f"{path}?{urlencode(shown)}")


async def form(request: web.Request) -> dict[str, str]:
    """Return a posted form of one of our own pages; raises HTTPForbidden for any other."""
    from connectors.sandbox.control_input import from_elsewhere, is_loopback

    if not is_loopback(request.host) or from_elsewhere(request):
        raise web.HTTPForbidden(text="This form was sent from another site.")
    fields = {key: str(value) for key, value in (await request.post()).items()}
    cookie = request.cookies.get(COOKIE, "")
    if not cookie or not hmac.compare_digest(cookie.encode(), fields.get("csrf", "").encode()):
        raise web.HTTPForbidden(text="This form is too old; reload the page and try again.")
    return fields
