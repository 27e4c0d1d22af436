"""Etsy's consent page with PKCE, the token endpoint, and what a token may do.

Codes live a minute and work once. Access tokens live an hour, refresh tokens 90 days; each refresh gives a new refresh
token and ends the old one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from connectors.sandbox import pages
from connectors.sandbox.control_input import is_loopback
from connectors.sandbox.etsy.common import (
    ACCESS,
    ACCESS_LIFE,
    CODES,
    ETSY,
    REFRESH,
    SCOPES,
    Etsy,
    add_headers,
    enter,
    error,
    refused,
)
from connectors.sandbox.server import Interrupted, Operation, gate

CODE_LIFE = 60
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
"""The URL-safe base64 of a SHA-256 sum, without padding."""
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")


def setup(app: web.Application) -> None:
    """Add the routes."""
    app.router.add_get("/etsy/site/oauth/connect", show)
    app.router.add_post("/etsy/site/oauth/connect", decide)
    app.router.add_post("/etsy/v3/public/oauth/token", token)
    app.router.add_post("/etsy/v3/application/scopes", token_scopes)
    app.on_response_prepare.append(add_headers)


# ── consent ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _problem(etsy: Etsy, query: Any) -> str:
    """Return what is wrong with a request for consent, "" when nothing is."""
    redirect = urlsplit(query.get("redirect_uri", ""))
    scopes = query.get("scope", "").split()
    if query.get("client_id") != etsy.app["keystring"]:
        return "The application is not known (client_id)."
    if query.get("response_type") != "code":
        return "The response type must be code (response_type)."
    if redirect.scheme != "https" and not (redirect.scheme == "http" and is_loopback(redirect.netloc)):
        return "The address to return to must use https (redirect_uri)."
    if not _registered(etsy, query.get("redirect_uri", "")):
        return "The address to return to is not registered for this application (redirect_uri)."
    if not query.get("state"):
        return "The request has no state, so its answer could be forged (state)."
    if not scopes or not set(scopes) <= set(SCOPES):
        return "The scopes asked for are missing or not known (scope)."
    if query.get("code_challenge_method") != "S256" or not _CHALLENGE.match(query.get("code_challenge", "")):
        return "A code challenge with the method S256 is compulsory (code_challenge)."
    return ""


def _registered(etsy: Etsy, redirect: str) -> bool:
    """Say whether Etsy may send the browser there: our own web server only, as its developer registered it."""
    ours, theirs = urlsplit(etsy.core.web_url), urlsplit(redirect)
    return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc) and not theirs.fragment


async def show(request: web.Request) -> web.Response:
    """Ask the seller."""
    etsy = request.app[ETSY]
    return _page(request, _problem(etsy, request.query))


def _page(request: web.Request, problem: str) -> web.Response:
    etsy = request.app[ETSY]
    shops = [{**shop, "connected": etsy.connected(key)} for key, shop in sorted(etsy.state.shops.items())]
    # One that agreed before is offered too: that is how an ended permission is renewed.
    shops.sort(key=lambda shop: shop["connected"])
    scopes = request.query.get("scope", "").split()
    status = 400 if problem else 200
    return pages.render(request, "etsy_consent.html", status=status, problem=problem, shops=shops, scopes=scopes)


async def decide(request: web.Request) -> web.StreamResponse:
    """The seller said yes or no: back to the application."""
    etsy, query = request.app[ETSY], request.query
    form = await pages.form(request)
    problem = _problem(etsy, query)
    if problem:
        return _page(request, problem)
    answer = {"state": query["state"]}
    shop = etsy.state.shops.get(str(form.get("shop", "")))
    if form.get("answer") != "approve":
        answer |= {"error": "access_denied", "error_description": "The user denied access to the application"}
    elif shop is None:
        raise web.HTTPBadRequest(text="Choose a shop.")
    else:
        code = secrets.token_urlsafe(32)
        doc = {
            "shop": shop["key"],
            "redirect_uri": query["redirect_uri"],
            "challenge": query["code_challenge"],
            "scopes": sorted(set(query["scope"].split())),
            "expires": etsy.now() + CODE_LIFE,
        }
        etsy.world.put(CODES, code, doc)
        answer = {"code": code} | answer
    separator = "&" if urlsplit(query["redirect_uri"]).query else "?"
    raise web.HTTPFound(f"{query['redirect_uri']}{separator}{urlencode(answer)}")


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def token(request: web.Request) -> web.Response:
    """Answer a code with its verifier, or a refresh token, with a new pair of tokens."""
    etsy = request.app[ETSY]
    form = await _token_form(request)
    kind = form.get("grant_type", "")
    given = form.get("refresh_token", "")
    known = etsy.world.table(REFRESH).get(given) if kind == "refresh_token" else None
    await gate(request, Operation("etsy", known["shop"] if known else "", "token"))
    if not hmac.compare_digest(form.get("client_id", "").encode(), etsy.app["keystring"].encode()):
        raise refused(401, "invalid_client", "client_id is not known")
    if kind == "authorization_code":
        doc = _use_code(etsy, form)
        return _granted(etsy, doc["shop"], doc["scopes"], secrets.token_hex(8))
    if kind != "refresh_token":
        raise refused(400, "unsupported_grant_type", "grant_type must be authorization_code or refresh_token")
    if not given:
        raise refused(400, "invalid_request", "refresh_token is required")
    if known is None:
        raise refused(400, "invalid_grant", "refresh_token is revoked")
    if known["expires"] <= etsy.now():
        raise refused(400, "invalid_grant", "refresh_token is expired")
    etsy.world.drop(REFRESH, given)
    return _granted(etsy, known["shop"], known["scopes"], known["grant"])


async def _token_form(request: web.Request) -> dict[str, str]:
    """Return the request's fields: a form as Etsy's page has it, or JSON, which Etsy's endpoint takes too."""
    if request.content_type != "application/json":
        return {key: str(value) for key, value in (await request.post()).items()}
    try:
        body = await request.json()
    except ValueError:
        body = None
    return {str(key): str(value) for key, value in body.items()} if isinstance(body, dict) else {}


def _use_code(etsy: Etsy, form: dict[str, str]) -> dict[str, Any]:
    """Return what a code stands for, and use it up, whether or not the rest of the request is right."""
    for name in ("code", "redirect_uri", "code_verifier"):
        if not form.get(name):
            raise refused(400, "invalid_request", f"{name} is required")
    doc = etsy.world.table(CODES).get(form["code"])
    etsy.world.drop(CODES, form["code"])
    if doc is None or doc["expires"] <= etsy.now():
        raise _bad_grant("code is invalid or expired")
    if form["redirect_uri"] != doc["redirect_uri"]:
        raise _bad_grant("redirect_uri does not match the one of the consent")
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if not _VERIFIER.match(form["code_verifier"]) or not hmac.compare_digest(challenge, doc["challenge"]):
        raise _bad_grant("code_verifier does not match the code_challenge")
    return doc


def _bad_grant(description: str) -> Interrupted:
    return refused(400, "invalid_grant", description)


def _granted(etsy: Etsy, shop: str, scopes: list[str], grant: str) -> web.Response:
    if not etsy.world.table("settings").get(f"etsy authorized {shop}"):
        etsy.world.put("settings", f"etsy authorized {shop}", {"shop": shop})
    body = {
        "access_token": etsy.new_access_token(shop, scopes, grant),
        "token_type": "Bearer",
        "expires_in": ACCESS_LIFE,
        "refresh_token": etsy.new_refresh_token(shop, scopes, grant),
    }
    return web.json_response(body, headers={"Cache-Control": "no-store"})


async def token_scopes(request: web.Request) -> web.Response:
    """Say which scopes a token has (POST /scopes, open to every app with a key)."""
    await enter(request, "tokenScopes")
    etsy = request.app[ETSY]
    form = await request.post()
    if not form.get("token"):
        return error(400, "token is required")
    doc = etsy.world.table(ACCESS).get(str(form["token"]))
    if doc is None or doc["expires"] <= etsy.now():
        return error(401, "invalid_token", "access token is expired" if doc else "access token is revoked")
    return web.json_response({"scopes": doc["scopes"]})
