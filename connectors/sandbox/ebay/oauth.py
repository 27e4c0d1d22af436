"""eBay's token endpoint. Codes live five minutes and work once, access tokens two hours, refresh tokens 18 months."""

from __future__ import annotations

import base64
import binascii
import hmac
from urllib.parse import unquote

from aiohttp import web

from connectors.sandbox.ebay.common import (
    ACCESS_SECONDS,
    CODES,
    EBAY,
    REFRESH,
    REFRESH_SECONDS,
    SCOPES,
    Ebay,
)
from connectors.sandbox.ebay.errors import answer, oauth_error
from connectors.sandbox.server import Interrupted, Operation, gate, throttle
from connectors.sandbox.world import iso_ms

_GRANTS = ("authorization_code", "refresh_token", "client_credentials")


def setup(app: web.Application) -> None:
    """Add the route."""
    app.router.add_post("/ebay/api/identity/v1/oauth2/token", token)


async def token(request: web.Request) -> web.Response:
    """Answer a code, a refresh token or our application's own credentials with an access token."""
    ebay = request.app[EBAY]
    form = {key: str(value) for key, value in (await request.post()).items()}
    kind = form.get("grant_type", "")
    known = ebay.world.table(REFRESH).get(form.get("refresh_token", "")) if kind == "refresh_token" else None
    place = Operation("ebay", known["seller"] if known else "", "token")
    await gate(request, place)
    _check_client(ebay, request.headers.get("Authorization", ""))
    if kind not in _GRANTS:
        code = "unsupported_grant_type" if kind else "invalid_request"
        raise _refused(code, "grant type in request is not supported by the authorization server")
    if not ebay.spend(f"token.{kind}"):
        raise throttle(request, place)
    scopes = tuple(form.get("scope", "").split())
    if any(scope not in SCOPES for scope in scopes):
        raise _bad_scope()
    if kind == "authorization_code":
        seller, granted = _use_code(ebay, form)
        refresh = ebay.new_refresh_token(seller, granted)
        return _granted(ebay.new_access_token(seller=seller, scopes=granted), "User Access Token", refresh)
    if kind == "refresh_token":
        if known is None or known["expires_at"] <= iso_ms(ebay.world.now()):
            raise _refused(
                "invalid_grant", "the provided authorization refresh token is invalid or was issued to another client"
            )
        if any(scope not in known["scopes"] for scope in scopes):
            raise _bad_scope()
        access = ebay.new_access_token(seller=known["seller"], scopes=scopes or known["scopes"])
        return _granted(access, "User Access Token")
    if not scopes or scopes != (SCOPES[0],):
        raise _bad_scope()
    return _granted(ebay.new_access_token(seller="", scopes=scopes), "Application Access Token")


def _check_client(ebay: Ebay, header: str) -> None:
    """Refuse a client id or secret that is not ours, in constant time."""
    scheme, _, given = header.partition(" ")
    try:
        pair = base64.b64decode(given, validate=True) if scheme.lower() == "basic" else b""
    except binascii.Error:
        pair = b""
    if not hmac.compare_digest(pair, f"{ebay.app['client_id']}:{ebay.app['client_secret']}".encode()):
        raise Interrupted(oauth_error(401, "invalid_client", "client authentication failed"))


def _use_code(ebay: Ebay, form: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return the seller and the scopes a code stands for, and use the code up."""
    if not form.get("code"):
        raise _refused("invalid_request", "'code' is missing in the request")
    code = form["code"]
    doc = ebay.world.table(CODES).get(code)
    if doc is None or doc["expires_at"] <= iso_ms(ebay.world.now()):
        # A code that was encoded twice is refused like a wrong one; the sandbox's log would not tell either.
        hint = " (it is url-encoded once too often)" if unquote(code) in ebay.world.table(CODES) else ""
        raise _refused(
            "invalid_grant", f"the provided authorization grant code is invalid or was issued to another client{hint}"
        )
    if form.get("redirect_uri") != ebay.app["ru_name"]:
        raise _refused("invalid_request", "redirect_uri does not match the RuName of the authorization request")
    ebay.world.drop(CODES, code)
    return str(doc["seller"]), tuple(doc["scopes"])


def _refused(code: str, description: str) -> Interrupted:
    return Interrupted(oauth_error(400, code, description))


def _bad_scope() -> Interrupted:
    return _refused(
        "invalid_scope",
        "The requested scope is invalid, unknown, malformed, or exceeds the scope granted to the client",
    )


def _granted(access: str, kind: str, refresh: str = "") -> web.Response:
    body: dict[str, object] = {"access_token": access, "expires_in": ACCESS_SECONDS, "token_type": kind}
    if refresh:
        body |= {"refresh_token": refresh, "refresh_token_expires_in": REFRESH_SECONDS}
    return answer(body, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})
