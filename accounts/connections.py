"""Account → a ready connector. The only place that opens connectors (an import contract holds that).

Clients are kept per process and account, because building one for every call costs 14 times as much. They hold no
merchant's rows, only keys and a token source, and are dropped when a connection is reconnected.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import redis
from django.conf import settings

from accounts.budgets import DatabaseBudgets
from accounts.credentials import DatabaseTokens
from accounts.models import Credential, MarketplaceAccount, Store
from connectors import registry
from connectors.contract.errors import AuthorizationExpired, ConnectorError, RateLimited
from connectors.contract.marketplace import Marketplace, PushReader
from connectors.contract.settings import AppSettings
from connectors.contract.storefront import FrameScript, ReadsSessionTokens, Storefront
from connectors.contract.tokens import TokenSource
from connectors.contract.types import OrderHint, StoreEvent
from connectors.ratelimit import Limiter, RedisLimiter
from salestio import calls, tenancy

KEPT_CLIENTS = 2000
calls.install()

_clients: OrderedDict[tuple[str, int], Any] = OrderedDict()
_lock = threading.Lock()


# ── what every connector of this process shares ──────────────────────────────────────────────────────────────────────


@cache
def limiter() -> Limiter:
    """Return the process's limiter on the shared buckets in Redis."""
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5)
    return RedisLimiter(client)


@cache
def budgets() -> DatabaseBudgets:
    """Return the process's share of the daily budgets."""
    return DatabaseBudgets()


@cache
def app_settings(platform: str) -> AppSettings:
    """Return what the environment says of our application at a platform. Raises `LookupError` for an unknown one."""
    registry.platform(platform)
    return AppSettings(
        urls=settings.PLATFORM_URLS[platform],
        app=settings.PLATFORM_APPS[platform],
        app_url=settings.WEB_URL,
        app_name=settings.BRAND_NAME,
        deadlines=deadlines(),
    )


@cache
def config(platform: str) -> Any:
    """Return the platform's configuration from settings. Raises `LookupError` for a platform we do not have."""
    return registry.load(registry.platform(platform).config)(app_settings(platform))


def offered(platform: str) -> bool:
    """Say whether merchants can connect this platform here: our application's credentials for it are set."""
    values = settings.PLATFORM_SETTINGS[platform].app
    return all(settings.PLATFORM_APPS[platform][name] for name, value in values.items() if value.required)


def marketplaces() -> list[registry.Platform]:
    """Return the marketplaces a merchant can connect here."""
    return [line for line in registry.marketplaces() if offered(line.name)]


def storefronts() -> list[registry.Platform]:
    """Return the store platforms the app can be installed in here."""
    return [line for line in registry.storefronts() if offered(line.name)]


def deadlines() -> Any:
    """Return the limits of one call. They shrink with the waits (a lease must outlive a call), but never below what a
    busy machine needs to answer."""
    from connectors.http import Deadlines

    times = settings.TIMES
    return Deadlines(read=max(times.call_read, 4.0), total=max(times.call_total, 10.0))


@cache
def authorization(platform: str) -> Any:
    """Return the platform's consent dance (`contract.marketplace.Authorization`)."""
    return registry.load(registry.platform(platform).auth)(config(platform))


def webhook_reader(platform: str) -> Callable[[Mapping[str, str], bytes], StoreEvent]:
    """Return what verifies and reads this store platform's webhooks. Raises `LookupError` where there are none."""
    path = registry.PLATFORMS[platform].webhooks if platform in registry.PLATFORMS else ""
    if not path:
        raise LookupError(f"{platform} sends no webhooks")
    read = registry.load(path)
    secret = settings.PLATFORM_APPS[platform]["client_secret"]
    return lambda headers, body: read(headers, body, secret=secret)


@cache
def push_reader(platform: str) -> PushReader:
    """Return what verifies and reads this marketplace's push by HTTP. Raises `LookupError` where there is none."""
    path = registry.PLATFORMS[platform].pushes if platform in registry.PLATFORMS else ""
    if not path:
        raise LookupError(f"{platform} sends no push by HTTP")
    reader: PushReader = registry.load(path)(config(platform), limiter())
    return reader


@cache
def files(platform: str) -> Any:
    """Return what fetches the files this marketplace's orders link to. Raises `LookupError` where they link to none."""
    path = registry.PLATFORMS[platform].files if platform in registry.PLATFORMS else ""
    if not path:
        raise LookupError(f"orders of {platform} link to no files")
    return registry.load(path)(config(platform))


def push_address(platform: str) -> str:
    """Return where this marketplace shall send order changes: our queue's name there, or our own address; "" for none."""
    line = registry.platform(platform)
    if line.queue_name:
        return str(registry.load(line.queue_name)(app_settings(platform)))
    return webhook_address(platform) if line.pushes else ""


def webhook_address(platform: str) -> str:
    """Return the address of our door for this platform's messages."""
    return f"{settings.WEB_URL}/webhooks/{platform}"


def hint_reader(platform: str) -> Callable[[dict[str, Any]], OrderHint | None]:
    """Return what reads the messages of this marketplace's queue. Raises `LookupError` where there are none."""
    path = registry.platform(platform).hints
    if not path:
        raise LookupError(f"{platform} has no queue")
    read: Callable[[dict[str, Any]], OrderHint | None] = registry.load(path)
    return read


def queue(platform: str) -> Any:
    """Return the platform's notification queue for the listener, or None when none is configured."""
    path = registry.platform(platform).queue
    return registry.load(path)(app_settings(platform)) if path else None


def queued_platforms() -> list[str]:
    """Return the marketplaces that may write to a queue of ours."""
    return [line.name for line in registry.marketplaces() if line.queue]


def sites(platform: str) -> dict[str, list[tuple[str, str]]]:
    """Return region → [(site code, "United States (US)")], to choose from; {} for a platform without sites to choose."""
    path = registry.platform(platform).sites
    if not path:
        return {}
    from babel import Locale

    territories = Locale("en").territories
    return {
        region: [(code, f"{territories[country]} ({code})") for code, country in rows]
        for region, rows in registry.load(path)().items()
    }


def personal_fields() -> frozenset[str]:
    """Return the names under which any platform's payload holds what identifies a buyer."""
    return frozenset(
        name for line in registry.PLATFORMS.values() if line.personal for name in registry.load(line.personal)
    )


@cache
def program_notes(platform: str) -> Mapping[str, str]:
    """Return what this marketplace's programs ask of whoever packs an order: program → a sentence."""
    path = registry.platform(platform).programs
    found: Mapping[str, str] = registry.load(path) if path else {}
    return found


def stock_lag(platform: str) -> float:
    """Return how many seconds a read of this store platform's stock may be behind, scaled as all waits are."""
    return registry.platform(platform).stock_lag * settings.TIMES.retry_unit


def sees_old_orders(store: Store) -> bool:
    """Say whether the store shows us orders older than 60 days, so that a look-up can find them."""
    needed = registry.platform(store.platform).old_orders_scope
    return not needed or needed in (store.scopes or ())


# ── addresses a person clicks ────────────────────────────────────────────────────────────────────────────────────────


def admin_page(store: Store, path: str = "") -> str:
    """Return the address of a page in the store's own admin."""
    return str(config(store.platform).admin_url(store.key, path))


def store_order_page(store: Store, order_id: str) -> str:
    """Return the address of a store order in the store's own admin."""
    return str(config(store.platform).order_page(store.key, order_id))


def store_order_ids(number: str) -> list[str]:
    """Return the ids that store platforms would give an order whose page shows this number."""
    configs = [config(line.name) for line in registry.storefronts()]
    return [str(one.order_id(number)) for one in configs if hasattr(one, "order_id")]


def product_page(store: Store, product_id: str) -> str:
    """Return the address of a product in the store's own admin."""
    return str(config(store.platform).product_page(store.key, product_id))


def marketplace_order_page(account: MarketplaceAccount, order_id: str, *, site: str = "") -> str:
    """Return the address of an order at its marketplace."""
    return str(config(account.platform).order_page(order_id, region=account.region, site=site))


def app_page(platform: str, key: str) -> str:
    """Return the address of our app inside that store's admin."""
    return str(config(platform).app_page(key))


def frame_ancestors(platform: str, key: str) -> tuple[str, ...]:
    """Return which origins may frame our pages of that store, nobody else."""
    return tuple(config(platform).frame_ancestors(key))


def frame_script(platform: str) -> FrameScript | None:
    """Return the script that gives pages in this platform's frame session tokens, None where it has none."""
    found = getattr(config(platform), "frame_script", None)
    return found() if found else None


def framed_by(key: str) -> str:
    """Return the store platform with such a script to which a store of this key would belong: the first for no key of
    theirs, "" when there is none."""
    having = [line.name for line in storefronts() if frame_script(line.name)]
    return next((name for name in having if is_store_key(name, key)), next(iter(having), ""))


def visitor(token: str) -> tuple[str, str, str]:
    """Return (platform, store key, person) of a session token. Raises `ConnectorError` when it is no platform's."""
    refused: ConnectorError = AuthorizationExpired("No store platform here gives session tokens")
    for line in storefronts():
        auth = authorization(line.name)
        if isinstance(auth, ReadsSessionTokens):
            try:
                return (line.name, *auth.visitor(token))
            except ConnectorError as error:
                refused = error
    raise refused


def control_panels() -> tuple[str, ...]:
    """Return who may frame a page of ours that holds nothing of anybody: control panels without session tokens."""
    configs = [config(line.name) for line in storefronts()]
    return tuple(origin for one in configs if hasattr(one, "control_panels") for origin in one.control_panels())


def app_market_page(platform: str) -> str:
    """Return our page in the store platform's app market, where a store is added."""
    return str(config(platform).app_store)


def is_store_key(platform: str, key: str) -> bool:
    """Say whether this has exactly the form of a store's key; anything else must never become part of an address."""
    path = registry.platform(platform).is_key
    return bool(path and registry.load(path)(key))


def patiently(call: Callable[[], Any], *, seconds: float = 8.0) -> Any:
    """Make a call for a person who waits, and again after each pause our limit or the platform asks for.

    Raises the last `RateLimited` when it would take longer than `seconds`; anything else at once.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return call()
        except RateLimited as error:
            if time.monotonic() + error.retry_after > end:
                raise
            time.sleep(error.retry_after + 0.01)


# ── clients ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def storefront(store: Store) -> Storefront:
    """Return the store's connector. Raises `AuthorizationExpired` when it was never connected."""
    return _kept(store, lambda tokens: _open_store(store, tokens))


def marketplace(account: MarketplaceAccount) -> Marketplace:
    """Return the account's connector. Raises `AuthorizationExpired` when it was never connected."""
    return _kept(account, lambda tokens: _open_account(account, tokens))


def forget(target: Store | MarketplaceAccount) -> None:
    """Drop the client kept in this process. Others keep theirs: its token source reads the credential row anew."""
    with _lock:
        _clients.pop((type(target).__name__, target.pk), None)


def forget_all() -> None:
    """Drop every client and what is made from settings (tests)."""
    with _lock:
        _clients.clear()
    for made in (limiter, budgets, app_settings, config, authorization, push_reader, files):
        made.cache_clear()


def _kept(target: Store | MarketplaceAccount, make: Callable[[DatabaseTokens], Any]) -> Any:
    key = (type(target).__name__, target.pk)
    with _lock:
        client = _clients.get(key)
        if client is not None:
            _clients.move_to_end(key)
            return client
    client = make(tokens_for(target))
    with _lock:
        # Two threads may have made one each; both work, one is kept.
        client = _clients.setdefault(key, client)
        while len(_clients) > KEPT_CLIENTS:
            _clients.popitem(last=False)
    return client


def tokens_for(target: Store | MarketplaceAccount) -> DatabaseTokens:
    """Return the token source of a store or account. Raises `AuthorizationExpired` when it was never connected."""
    owner = {"store": target} if isinstance(target, Store) else {"account": target}
    with tenancy.scope(target.merchant_id):
        pk = Credential.objects.filter(**owner).values_list("pk", flat=True).first()
    if pk is None:
        raise AuthorizationExpired(f"{target.name} was never connected", platform=target.platform)
    auth, key = authorization(target.platform), target.key
    return DatabaseTokens(pk, target.merchant_id, refresh=lambda old: auth.refresh(old, key=key))


def _open_store(store: Store, tokens: DatabaseTokens) -> Storefront:
    connector = registry.load(registry.platform(store.platform).connector)
    return connector(store.key, tokens, limiter(), config(store.platform))


def _open_account(account: MarketplaceAccount, tokens: DatabaseTokens) -> Marketplace:
    return marketplace_client(account.platform, account.key, account.region, tokens)


def marketplace_client(platform: str, key: str, region: str, tokens: TokenSource) -> Marketplace:
    """Return a fresh connector of a seller, for `_kept` and for the calls made before an account exists."""
    line = registry.platform(platform)
    more = {"budgets": budgets()} if line.budgeted else {}
    client: Marketplace = registry.load(line.connector)(key, region, tokens, limiter(), config(platform), **more)
    return client
