"""The single-click app: the app market, the code exchange, and the signed payloads of load, uninstall and remove-user.

Sources: BigCommerce's guide to single-click apps (auth, callbacks, users). Installing sends the browser to our callback
with a code, without a state; only the exchange proves it. The payload is a JWT signed with the client secret (HS256), good
for a day.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
import jwt
from aiohttp import web

from connectors.sandbox.bigcommerce import tokens
from connectors.sandbox.bigcommerce.face import BIGCOMMERCE, PLATFORM, BigCommerceFace, answer
from connectors.sandbox.bigcommerce.state import CODES, Doc
from connectors.sandbox.server import Operation, gate

logger = logging.getLogger("sandbox")

CODE_SECONDS = 60
PAYLOAD_SECONDS = 86400
CALLBACK_TRIES = (0.0, 1.0, 5.0)
"""Seconds before each try of an uninstall or remove-user callback."""
_RUNNING: set[asyncio.Task[None]] = set()


def callback(face: BigCommerceFace, name: str) -> str:
    """Return the app's registered address: `auth`, `load`, `uninstall` or `remove-user`."""
    return f"{face.core.web_url}/bigcommerce/{name}"


def user_named(store: Doc, number: str) -> Doc | None:
    """Return a user of a store by id."""
    return next((user for user in store["users"] if str(user["id"]) == number), None)


def _person(user: Doc) -> Doc:
    return {"id": user["id"], "username": user["username"], "email": user["email"]}


# Installing


def install_address(face: BigCommerceFace, store_hash: str, user: Doc | None = None) -> str:
    """Let a user of the store agree to the app; returns the callback's address with its code."""
    store, world = face.state.stores[store_hash], face.core.world
    scope = " ".join(tokens.DEFAULT_SCOPES)
    code = secrets.token_urlsafe(24)
    chosen = user or store["users"][0]
    world.put(
        CODES,
        code,
        {
            "store": store_hash,
            "scope": scope,
            "user": _person(chosen),
            "redirect_uri": callback(face, "auth"),
            "made_at": world.now().timestamp(),
        },
    )
    asked = {"code": code, "scope": scope, "context": f"stores/{store_hash}", "account_uuid": store["account_uuid"]}
    return f"{callback(face, 'auth')}?{urlencode(asked)}"


def _bad(error: str, description: str, status: int = 400) -> web.Response:
    return answer({"error": error, "error_description": description}, status)


async def token(request: web.Request) -> web.Response:
    """``POST /oauth2/token``: a code, used once, for the store's token. JSON or form body."""
    face = request.app[BIGCOMMERCE]
    world = face.core.world
    body = await _fields(request)
    context = str(body.get("context", ""))
    await gate(request, Operation(PLATFORM, context.removeprefix("stores/"), "token"))
    known = (body.get("client_id") == face.client_id, body.get("client_secret") == face.client_secret)
    if not all(known):
        return _bad("invalid_client", "The client credentials are not valid.", 401)
    if body.get("grant_type") != "authorization_code":
        return _bad("unsupported_grant_type", "Only authorization_code is supported.")
    code = str(body.get("code", ""))
    given = world.table(CODES).get(code)
    if given is None or world.now().timestamp() - given["made_at"] > CODE_SECONDS:
        return _bad("invalid_grant", "The code is not valid, was used, or is too old.")
    if context != f"stores/{given['store']}":
        return _bad("invalid_grant", "The code belongs to another store.")
    if body.get("redirect_uri") != given["redirect_uri"]:
        return _bad("redirect_uri_mismatch", "The redirect_uri is not the registered one.")
    if set(str(body.get("scope", "")).split()) != set(given["scope"].split()):
        return _bad("invalid_scope", "The scope is not the one agreed to.")
    world.drop(CODES, code)
    store = face.state.stores[given["store"]]
    access = tokens.issue(world, given["store"], given["scope"], given["user"])
    return answer(
        {
            "access_token": access,
            "scope": given["scope"],
            "user": given["user"],
            "owner": _person(store["users"][0]),
            "context": f"stores/{given['store']}",
            "account_uuid": store["account_uuid"],
        }
    )


async def _fields(request: web.Request) -> Mapping[str, Any]:
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}
    return {name: str(value) for name, value in (await request.post()).items()}


# Signed payloads


def payload(face: BigCommerceFace, store_hash: str, user: Doc, *, path: str = "/") -> str:
    """Return a signed payload about a user of a store; `path` is the page of the app that was meant."""
    store, now = face.state.stores[store_hash], int(face.core.world.now().timestamp())
    owner = store["users"][0]
    claims = {
        "aud": face.client_id,
        "iss": "bc",
        "iat": now,
        "nbf": now - 5,
        "exp": now + PAYLOAD_SECONDS,
        "jti": secrets.token_hex(16),
        "sub": f"stores/{store_hash}",
        "user": {"id": user["id"], "email": user["email"], "locale": "en-US"},
        "owner": {"id": owner["id"], "email": owner["email"]},
        "url": path,
        "channel_id": None,
    }
    return jwt.encode(claims, face.client_secret, algorithm="HS256")


def load_address(face: BigCommerceFace, store_hash: str, user: Doc, path: str) -> str:
    """Return the address the control panel's frame opens the app at."""
    return f"{callback(face, 'load')}?{urlencode({'signed_payload_jwt': payload(face, store_hash, user, path=path)})}"


# Taking away


def uninstall(face: BigCommerceFace, store_hash: str) -> None:
    """Take the app off a store: its webhooks end, its token too, and the app is called."""
    context = face.context(store_hash, by_merchant=True)
    context.tell("store/app/uninstalled", {"type": "app"})
    face.finish(context)
    tokens.uninstall(face.core.world, store_hash)
    _call_app(face, "uninstall", payload(face, store_hash, context.store["users"][0]))


def remove_user(face: BigCommerceFace, store_hash: str, user: Doc) -> None:
    """Take a user's access to the app away, and tell the app."""
    install = tokens.installed(face.core.world, store_hash)
    if install is not None and user["id"] not in install["removed"]:
        tokens.remember_removed(face.core.world, store_hash, [*install["removed"], user["id"]])
    _call_app(face, "remove-user", payload(face, store_hash, user))


def _call_app(face: BigCommerceFace, name: str, signed: str) -> None:
    """Call the app's address in the background; it gets three tries."""
    address = f"{callback(face, name)}?{urlencode({'signed_payload_jwt': signed})}"

    async def call() -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            for seconds in CALLBACK_TRIES:
                await asyncio.sleep(seconds)
                try:
                    async with session.get(address, allow_redirects=False) as reply:
                        if reply.status < 500:
                            return
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    logger.warning("the app's %s address did not answer: %s", name, error)

    task = asyncio.get_running_loop().create_task(call())
    _RUNNING.add(task)
    task.add_done_callback(_RUNNING.discard)


def setup_oauth(app: web.Application) -> None:
    """Add the token endpoint."""
    app.router.add_post("/bigcommerce/login/oauth2/token", token)
