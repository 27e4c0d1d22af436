"""Login with Amazon's token endpoint. Codes live 5 minutes and work once, access tokens an hour."""

from __future__ import annotations

import hmac

from aiohttp import web

from connectors.sandbox.amazon.common import AMAZON, CODES, GRANTLESS_SCOPES, REFRESH, Amazon, lwa_error
from connectors.sandbox.server import Interrupted, Operation, gate
from connectors.sandbox.world import iso_ms


def setup(app: web.Application) -> None:
    """Add the route."""
    app.router.add_post("/amazon/lwa/auth/o2/token", token)


async def token(request: web.Request) -> web.Response:
    """Answer a code, a refresh token or our application's own credentials with an access token."""
    amazon = request.app[AMAZON]
    form = {key: str(value) for key, value in (await request.post()).items()}
    if not form and request.content_type == "application/json":
        body = await request.json()
        form = {str(key): str(value) for key, value in body.items()} if isinstance(body, dict) else {}
    kind = form.get("grant_type", "")
    known = amazon.world.table(REFRESH).get(form.get("refresh_token", "")) if kind == "refresh_token" else None
    await gate(request, Operation("amazon", known["seller"] if known else "", "token"))
    _check_client(amazon, form)
    if kind == "authorization_code":
        seller = _use_code(amazon, form)
        refresh = amazon.new_refresh_token(seller)
        return _granted(amazon.new_access_token(seller=seller), refresh)
    if kind == "refresh_token":
        if "refresh_token" not in form:
            raise _refused("invalid_request", "The request is missing a required parameter : refresh_token")
        if known is None:
            raise _refused("invalid_grant", "The request has an invalid grant parameter : refresh_token")
        return _granted(amazon.new_access_token(seller=known["seller"]), form["refresh_token"])
    if kind == "client_credentials":
        scope = form.get("scope", "")
        if scope not in GRANTLESS_SCOPES:
            raise _refused("invalid_scope", "The request has an invalid parameter : scope")
        return _granted(amazon.new_access_token(scope=scope), "", scope)
    if not kind:
        raise _refused("invalid_request", "The request is missing a required parameter : grant_type")
    raise _refused("unsupported_grant_type", "The authorization grant type is not supported")


def _check_client(amazon: Amazon, form: dict[str, str]) -> None:
    """Refuse a client id or secret that is not ours, in constant time."""
    given = f"{form.get('client_id', '')}\n{form.get('client_secret', '')}".encode()
    right = f"{amazon.app['client_id']}\n{amazon.app['client_secret']}".encode()
    if not hmac.compare_digest(given, right):
        raise Interrupted(lwa_error(401, "invalid_client", "Client authentication failed"))


def _use_code(amazon: Amazon, form: dict[str, str]) -> str:
    """Return the seller a code stands for, and use the code up."""
    code = form.get("code", "")
    if not code:
        raise _refused("invalid_request", "The request is missing a required parameter : code")
    doc = amazon.world.table(CODES).get(code)
    if doc is None or doc["expires_at"] <= iso_ms(amazon.world.now()):
        raise _refused("invalid_grant", "The request has an invalid grant parameter : code")
    if form.get("redirect_uri") and form["redirect_uri"] != doc["redirect_uri"]:
        raise _refused("invalid_grant", "The request has an invalid parameter : redirect_uri")
    amazon.world.drop(CODES, code)
    return str(doc["seller"])


def _refused(code: str, description: str) -> Interrupted:
    return Interrupted(lwa_error(400, code, description))


def _granted(access: str, refresh: str, scope: str = "") -> web.Response:
    body: dict[str, object] = {"access_token": access, "token_type": "bearer", "expires_in": 3600}
    if refresh:
        body["refresh_token"] = refresh
    if scope:
        body["scope"] = scope
    return web.json_response(body, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})
