"""Signing in: the app store's install, the consent page, the token endpoint, session tokens.

Sources: the project's platform notes (1.8); token endpoint parameters as in Shopify's own ``@shopify/shopify-api``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
from aiohttp import web

from connectors.sandbox.server import Operation, gate
from connectors.sandbox.shopify import pages, tokens
from connectors.sandbox.shopify.access import DEFAULT_SCOPES
from connectors.sandbox.shopify.face import SHOPIFY, ShopifyFace, answer
from connectors.sandbox.shopify.state import CODES, INSTALLS, Doc, number_of

CODE_SECONDS = 60
SESSION_SECONDS = 60
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a name, not a secret
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
_SCOPE = re.compile(r"^(?:unauthenticated_)?(?:read|write)_[a-z_]+$")


def signed(query: Mapping[str, str], secret: str) -> dict[str, str]:
    """Return a query with its ``hmac``: hex HMAC-SHA256 over the other parameters, sorted, ``name=value`` joined by
    ``&``."""

    def plain(text: str, *, name: bool) -> str:
        text = text.replace("%", "%25").replace("&", "%26")
        return text.replace("=", "%3D") if name else text

    message = "&".join(sorted(f"{plain(key, name=True)}={plain(value, name=False)}" for key, value in query.items()))
    return {**query, "hmac": hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()}


def host_of(shop: str) -> str:
    """Return the ``host`` parameter of a shop: base64, without padding, of where its admin is."""
    return base64.b64encode(f"{shop}/admin".encode()).decode().rstrip("=")


def launch_query(face: ShopifyFace, shop: str) -> dict[str, str]:
    """Return the signed query Shopify opens an app with."""
    query = {"shop": shop, "host": host_of(shop), "timestamp": str(int(face.core.world.now().timestamp()))}
    return signed(query, face.client_secret)


def session_token(face: ShopifyFace, shop: str, *, now: float | None = None) -> str:
    """Return a session token (id token) of the shop's owner: HS256 with the client secret, good for one minute."""
    start = int(face.core.world.now().timestamp() if now is None else now)
    claims = {
        "iss": f"https://{shop}/admin",
        "dest": f"https://{shop}",
        "aud": face.client_id,
        "sub": str(number_of(face.state.shops[shop]["gid"]) % 10**9 + 42),
        "exp": start + SESSION_SECONDS,
        "nbf": start,
        "iat": start,
        "jti": secrets.token_hex(16),
        "sid": hashlib.sha256(f"session:{shop}:{face.client_secret}".encode()).hexdigest(),
    }
    return jwt.encode(claims, face.client_secret, algorithm="HS256")


def app_urls(face: ShopifyFace) -> tuple[str, str, str]:
    """Return the app's own addresses as its settings at Shopify have them: install, embedded page, OAuth callback."""
    web_url = face.core.web_url
    return f"{web_url}/shopify/install", f"{web_url}/shopify/app", f"{web_url}/shopify/callback"


# Pages


async def app_store(request: web.Request) -> web.Response:
    """The app's page in the pretend app store: the demo shops, and a button to install or open it in each."""
    face = request.app[SHOPIFY]
    installed = face.core.world.table(INSTALLS)
    rows = [
        {
            "shop": shop["shop"],
            "name": shop["name"],
            "installed": bool(installed.get(shop["shop"], {}).get("scopes")),
            "products": len(face.state.products_of[shop["shop"]]),
        }
        for shop in face.state.in_order()
    ]
    return pages.render(request, "app_store.html", shops=rows, web_url=face.core.web_url)


async def install_from_store(request: web.Request) -> web.Response:
    """What the app store's Install button does: send the browser to the app with a signed query."""
    face = request.app[SHOPIFY]
    shop = _known_shop(request)
    launch, _, _ = app_urls(face)
    raise web.HTTPFound(f"{launch}?{urlencode(launch_query(face, shop))}")


def _known_shop(request: web.Request) -> str:
    shop = request.match_info["shop"]
    if shop not in request.app[SHOPIFY].state.shops:
        raise web.HTTPNotFound(text="There is no such shop.")
    return shop


def _asked(request: web.Request, given: Mapping[str, Any]) -> tuple[Doc | None, str]:
    """Check the parameters of the consent page; return them and what is wrong."""
    face = request.app[SHOPIFY]
    _, _, callback = app_urls(face)
    asked = {name: str(given.get(name, "")) for name in ("client_id", "scope", "redirect_uri", "state")}
    if not hmac.compare_digest(asked["client_id"], face.client_id):
        return None, "Oauth error application_cannot_be_found: The app with this client id was not found."
    if asked["redirect_uri"] != callback:
        return None, "Oauth error invalid_request: The redirect_uri is not whitelisted."
    scopes = [scope.strip() for scope in asked["scope"].split(",") if scope.strip()]
    if any(not _SCOPE.match(scope) for scope in scopes):
        return None, "Oauth error invalid_scope: The access scope is invalid."
    return {**asked, "scopes": sorted(set(scopes or DEFAULT_SCOPES))}, ""


async def consent(request: web.Request) -> web.Response:
    """``GET /admin/oauth/authorize``: what the app asks for, Install and Cancel."""
    shop = _known_shop(request)
    asked, problem = _asked(request, request.query)
    if asked is None:
        return pages.render(request, "oauth_error.html", status=400, problem=problem)
    face = request.app[SHOPIFY]
    return pages.render(
        request, "consent.html", shop=face.state.shops[shop], asked=asked, scopes=pages.scope_words(asked["scopes"])
    )


async def consented(request: web.Request) -> web.Response:
    """The consent page was answered: send the browser back with a code, or away when it was declined."""
    shop = _known_shop(request)
    form = await pages.checked_form(request)
    asked, problem = _asked(request, form)
    if asked is None:
        return pages.render(request, "oauth_error.html", status=400, problem=problem)
    face = request.app[SHOPIFY]
    if form.get("answer") != "install":
        raise web.HTTPFound(f"{face.core.base_url}/shopify/app-store")
    code = secrets.token_hex(16)
    now = face.core.world.now().timestamp()
    face.core.world.put(CODES, code, {"shop": shop, "scopes": asked["scopes"], "expires_at": now + CODE_SECONDS})
    query = {"code": code, "host": host_of(shop), "shop": shop, "state": asked["state"], "timestamp": str(int(now))}
    mark = "&" if urlsplit(asked["redirect_uri"]).query else "?"
    raise web.HTTPFound(asked["redirect_uri"] + mark + urlencode(signed(query, face.client_secret)))


# The token endpoint


def _refuse(error: str, description: str, status: int = 400) -> web.Response:
    return answer({"error": error, "error_description": description}, status)


async def access_token(request: web.Request) -> web.Response:
    """``POST /admin/oauth/access_token``: code grant, token exchange, refresh. Form or JSON; a refusal is a 400."""
    face = request.app[SHOPIFY]
    shop = request.match_info["shop"]
    given = await _body(request)
    grant = given.get("grant_type", "")
    name = {"refresh_token": "refreshToken", EXCHANGE: "exchangeToken"}.get(grant, "exchangeCode")
    await gate(request, Operation("shopify", shop, name))
    if shop not in face.state.shops:
        return answer({"errors": "Not Found"}, 404)
    fits = hmac.compare_digest(given.get("client_id", ""), face.client_id)
    if not fits:
        return _refuse("application_cannot_be_found", "The app was not found.")
    if not hmac.compare_digest(given.get("client_secret", ""), face.client_secret):
        return _refuse("invalid_client", "The client secret is wrong.")
    if grant == "refresh_token":
        return _refreshed(face, shop, given)
    if grant == EXCHANGE:
        return _exchanged(face, shop, given)
    if grant not in ("", "authorization_code"):
        return _refuse("unsupported_grant_type", "The grant type is not supported.")
    return _for_code(face, shop, given)


async def _body(request: web.Request) -> dict[str, str]:
    if request.content_type == "application/json":
        try:
            found = json.loads(await request.text() or "{}")
        except ValueError:
            found = {}
        given = found if isinstance(found, dict) else {}
    else:
        given = dict(await request.post())
    return {str(key): str(value) for key, value in given.items()}


def _expiring(given: Mapping[str, str]) -> bool:
    return given.get("expiring", "") in ("1", "true")


_MUST_EXPIRE = "This app must ask for expiring offline access tokens (expiring=1)."


def _for_code(face: ShopifyFace, shop: str, given: Mapping[str, str]) -> web.Response:
    world = face.core.world
    code = given.get("code", "")
    doc = world.table(CODES).get(code)
    if doc is None or doc["shop"] != shop or doc["expires_at"] < world.now().timestamp():
        return _refuse("invalid_request", "The authorization code was not found or was already used")
    if not _expiring(given):
        return _refuse("invalid_request", _MUST_EXPIRE)
    world.drop(CODES, code)
    return answer(tokens.issue(world, shop, doc["scopes"]))


def _refreshed(face: ShopifyFace, shop: str, given: Mapping[str, str]) -> web.Response:
    fresh = tokens.refresh(face.core.world, shop, given.get("refresh_token", ""))
    if fresh is None:
        return _refuse("invalid_grant", "This request requires an active refresh_token")
    return answer(fresh)


def _exchanged(face: ShopifyFace, shop: str, given: Mapping[str, str]) -> web.Response:
    """Turn a session token into an offline token; only where the app is installed."""
    if given.get("subject_token_type") != ID_TOKEN or given.get("requested_token_type") != OFFLINE:
        return _refuse("invalid_request", "The token types are not supported.")
    try:
        claims = jwt.decode(
            given.get("subject_token", ""),
            face.client_secret,
            algorithms=["HS256"],
            audience=face.client_id,
            leeway=10,
            options={
                "require": ["exp", "nbf", "dest", "aud"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.PyJWTError:
        return _refuse("invalid_subject_token", "The subject token is invalid.")
    now = face.core.world.now().timestamp()
    if not float(claims["nbf"]) - 10 <= now <= float(claims["exp"]) + 10 or claims["dest"] != f"https://{shop}":
        return _refuse("invalid_subject_token", "The subject token is invalid.")
    install = face.core.world.table(INSTALLS).get(shop)
    if not install or not install["scopes"]:
        return _refuse("app_not_installed", "The app is not installed in this shop.")
    if not _expiring(given):
        return _refuse("invalid_request", _MUST_EXPIRE)
    return answer(tokens.issue(face.core.world, shop, install["scopes"]))


async def revoke_own(request: web.Request) -> web.Response:
    """``DELETE /admin/api_permissions/current.json``: the app takes itself off the shop."""
    face = request.app[SHOPIFY]
    shop = request.match_info["shop"]
    holder = tokens.holder(face.core.world, shop, request.headers.get("X-Shopify-Access-Token", ""))
    if holder is None:
        return answer({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401)
    context = face.context(shop)
    context.uninstall()
    face.finish(context)
    return answer({})


def demo_tokens(face: ShopifyFace) -> dict[str, Doc]:
    """Return a fresh pair of tokens for each demo shop that belongs to a merchant and has not taken the app off.

    This is how the demo signs in without a browser, and any foreign client that asks the control API.
    """
    from connectors.sandbox import catalog

    world = face.core.world
    found = {}
    for store in catalog.stores("shopify"):
        install = world.table(INSTALLS).get(store["shop"])
        if store["merchant"] and (install is None or install["scopes"]):
            found[store["shop"]] = tokens.issue(world, store["shop"], list(DEFAULT_SCOPES))
    return found


def setup_oauth(app: web.Application) -> None:
    """Add the routes of signing in."""
    add = app.router
    add.add_get("/shopify/app-store", app_store)
    add.add_get("/shopify/app-store/{shop}/install", install_from_store)
    add.add_get("/shopify/{shop}/admin/oauth/authorize", consent)
    add.add_post("/shopify/{shop}/admin/oauth/authorize", consented)
    add.add_post("/shopify/{shop}/admin/oauth/access_token", access_token)
    add.add_delete("/shopify/{shop}/admin/api_permissions/current.json", revoke_own)
