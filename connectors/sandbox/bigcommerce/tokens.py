"""Access tokens of the app in the pretend BigCommerce. They do not end by themselves; they die when access is taken away,
when the app's scopes change, and when the store's e-mail changes."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from connectors.sandbox.bigcommerce.state import HOOKS, INSTALLS, TOKENS, Doc

if TYPE_CHECKING:
    from connectors.sandbox.world import World

DEFAULT_SCOPES = (
    "store_v2_default",
    "store_v2_orders",
    "store_v2_transactions",
    "store_v2_products",
    "store_v2_customers",
    "store_inventory",
    "store_locations_read_only",
    "store_v2_information_read_only",
    "store_channel_settings_read_only",
    "users_basic_information",
)
"""What our app asks for in its entry in the app market."""

SCOPE_WORDS = {
    "store_v2_orders": "View and change orders",
    "store_v2_transactions": "View and change order payments",
    "store_v2_products": "View and change products",
    "store_v2_customers": "View and change customers",
    "store_inventory": "View and change stock",
    "store_locations": "View and change locations",
    "store_v2_information": "View and change the store's information",
    "store_channel_settings": "View and change channel settings",
}
_SILENT = ("store_v2_default", "users_basic_information")


def words(scope: str) -> list[str]:
    """Return sentences for a scope text, for the consent page."""
    said = []
    for name in scope.split():
        plain = name.removesuffix("_read_only")
        if name in _SILENT:
            continue
        sentence = SCOPE_WORDS.get(plain, plain.replace("_", " "))
        said.append(sentence.replace("View and change", "View") if plain != name else sentence)
    return said


def holder(world: World, store_hash: str, token: str) -> Doc | None:
    """Return what a token stands for at a store, None when it is none or another store's."""
    found = world.table(TOKENS).get(token)
    return found if found is not None and found["store"] == store_hash else None


def allows(held: str, wanted: tuple[str, ...]) -> bool:
    """Say whether a token's scopes hold one of those wanted; a full scope stands for its read-only form."""
    have = set(held.split())
    return any(name in have or name.removesuffix("_read_only") in have for name in wanted)


def issue(world: World, store_hash: str, scope: str, user: Doc) -> str:
    """Make the store's token, which replaces the ones before; the app is installed now. Returns it."""
    revoke(world, store_hash)
    token = secrets.token_hex(16)
    world.put(TOKENS, token, {"store": store_hash, "scope": scope, "user": user})
    install = world.table(INSTALLS).get(store_hash) or {"installed_at": world.now().isoformat(), "removed": []}
    world.put(INSTALLS, store_hash, {**install, "scope": scope, "user": user})
    return token


def current(world: World, store_hash: str) -> str:
    """Return the store's token in force, "" when there is none."""
    return next((token for token, doc in world.table(TOKENS).items() if doc["store"] == store_hash), "")


def revoke(world: World, store_hash: str) -> None:
    """End the store's tokens; the app stays installed."""
    for token, doc in list(world.table(TOKENS).items()):
        if doc["store"] == store_hash:
            world.drop(TOKENS, token)


def installed(world: World, store_hash: str) -> Doc | None:
    """Return the app's installation in a store: `{scope, user, removed (ids of users taken off), installed_at}`."""
    return world.table(INSTALLS).get(store_hash)


def uninstall(world: World, store_hash: str) -> None:
    """Take the app off a store: its tokens, and by BigCommerce's own doing its webhooks, are gone."""
    revoke(world, store_hash)
    world.drop(INSTALLS, store_hash)
    for key, doc in list(world.table(HOOKS).items()):
        if doc["store"] == store_hash:
            world.drop(HOOKS, key)


def remember_removed(world: World, store_hash: str, numbers: list[int]) -> None:
    """Note which users of a store may not open the app."""
    install = installed(world, store_hash)
    if install is not None:
        world.put(INSTALLS, store_hash, {**install, "removed": numbers})


def let_everybody_in(world: World) -> None:
    """Give every store's users the app again. For a reset: the installation stays, who may open it is the world's."""
    for store_hash in list(world.table(INSTALLS)):
        remember_removed(world, store_hash, [])
