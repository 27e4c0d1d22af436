"""Access to a shop: offline tokens that live an hour, refresh tokens that rotate, installs, and uninstalling.

Since 2026-08-28 the old refresh token stays valid until the new access token is first used; so it is here.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from connectors.sandbox.shopify import payloads_shop
from connectors.sandbox.shopify.state import CODES, INSTALLS, REFRESH_TOKENS, SUBSCRIPTIONS, TOKENS, Doc

if TYPE_CHECKING:
    from connectors.sandbox.shopify.context import Context
    from connectors.sandbox.world import World

ACCESS_SECONDS = 3600
REFRESH_SECONDS = 90 * 24 * 3600


def issue(world: World, shop: str, scopes: list[str], *, replaces: str | None = None, expiring: bool = True) -> Doc:
    """Make an offline token for a shop and return the token endpoint's answer.

    ``expiring`` gives an hour's life and a refresh token. ``replaces`` is the refresh token this one was asked with; it
    dies when the new
    access token is first used. The install is noted with its scopes.
    """
    now = world.now().timestamp()
    token = "shpat_" + secrets.token_hex(16)
    doc = {"shop": shop, "scopes": scopes, "expires_at": now + ACCESS_SECONDS if expiring else None, "kills": replaces}
    world.put(TOKENS, token, doc)
    world.put(
        INSTALLS, shop, {"shop": shop, "scopes": scopes, "at": world.table(INSTALLS).get(shop, {}).get("at") or now}
    )
    answer: Doc = {"access_token": token, "scope": ",".join(scopes)}
    if expiring:
        refresh = "shprt_" + secrets.token_hex(24)
        world.put(
            REFRESH_TOKENS,
            refresh,
            {"shop": shop, "scopes": scopes, "expires_at": now + REFRESH_SECONDS, "access": token},
        )
        answer |= {"expires_in": ACCESS_SECONDS, "refresh_token": refresh, "refresh_token_expires_in": REFRESH_SECONDS}
    return answer


def holder(world: World, shop: str, token: str) -> Doc | None:
    """Return what an access token may do in a shop, None when it is unknown, another shop's or expired.

    The first use ends the refresh token it was refreshed with, and the access token that came with that one.
    """
    doc = world.table(TOKENS).get(token)
    if doc is None or doc["shop"] != shop:
        return None
    if doc["expires_at"] is not None and doc["expires_at"] < world.now().timestamp():
        return None
    if doc["kills"]:
        old = world.table(REFRESH_TOKENS).get(doc["kills"])
        if old is not None:
            world.drop(REFRESH_TOKENS, doc["kills"])
        doc["kills"] = None
        world.put(TOKENS, token, doc)
    return doc


def refresh(world: World, shop: str, refresh_token: str) -> Doc | None:
    """Rotate: return a new answer for a living refresh token of the shop, else None."""
    doc = world.table(REFRESH_TOKENS).get(refresh_token)
    if doc is None or doc["shop"] != shop or doc["expires_at"] < world.now().timestamp():
        return None
    return issue(world, shop, doc["scopes"], replaces=refresh_token)


def revoke(world: World, shop: str) -> None:
    """End every token and code of a shop; the app stays listed as installed until it is uninstalled."""
    for table in (TOKENS, REFRESH_TOKENS, CODES):
        for key in [key for key, doc in world.table(table).items() if doc["shop"] == shop]:
            world.drop(table, key)


def uninstall(context: Context) -> None:
    """Take the app off a shop: tell it (``app/uninstalled``), end its tokens, forget its subscriptions after that
    delivery."""
    world, shop = context.world, context.shop
    context.tell("APP_UNINSTALLED", lambda: payloads_shop.shop(context.shop_doc))
    revoke(world, shop)
    world.put(INSTALLS, shop, {"shop": shop, "scopes": [], "at": None})


def forget_subscriptions(world: World, shop: str) -> None:
    """Drop a shop's webhook subscriptions, as uninstalling does once ``app/uninstalled`` is on its way."""
    for key in [key for key, doc in world.table(SUBSCRIPTIONS).items() if doc["shop"] == shop]:
        world.drop(SUBSCRIPTIONS, key)
