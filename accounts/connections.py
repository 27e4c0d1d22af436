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
from connectors.contract.errors import AuthorizationExpired, RateLimited
from connectors.contract.marketplace import Marketplace
from connectors.contract.storefront import Storefront
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
def config(platform: str) -> Any:
    """Return the platform's configuration from settings. Raises `LookupError` for a platform we do not have."""
    registry.platform(platform)
    return {"amazon": _amazon_config, "shopify": _shopify_config}[platform]()


def deadlines() -> Any:
    """Return the limits of one call. They shrink with the waits (a lease must outlive a call), but never below what a
    busy machine needs to answer."""
    from connectors.http import Deadlines

    times = settings.TIMES
    return Deadlines(read=max(times.call_read, 4.0), total=max(times.call_total, 10.0))


def _amazon_config() -> Any:
    from connectors.amazon.config import AmazonConfig

    urls: dict[str, str] = settings.PLATFORM_URLS["amazon"]
    app: dict[str, Any] = settings.AMAZON
    return AmazonConfig(
        client_id=app["client_id"],
        client_secret=app["client_secret"],
        application_id=app["application_id"],
        na=urls["na"],
        eu=urls["eu"],
        fe=urls["fe"],
        lwa=urls["lwa"],
        seller_central=urls["seller_central"],
        app_name=settings.BRAND_NAME,
        deadlines=deadlines(),
    )


def _shopify_config() -> Any:
    from connectors.shopify.config import ShopifyConfig

    urls: dict[str, str] = settings.PLATFORM_URLS["shopify"]
    app: dict[str, Any] = settings.SHOPIFY
    return ShopifyConfig(
        client_id=app["client_id"],
        client_secret=app["client_secret"],
        url_template=urls["shop"],
        admin_template=urls["admin"],
        scopes=tuple(app["scopes"]),
        app_url=settings.WEB_URL,
        app_name=settings.BRAND_NAME,
        deadlines=deadlines(),
    )


@cache
def authorization(platform: str) -> Any:
    """Return the platform's consent dance (`contract.marketplace.Authorization`)."""
    return registry.load(registry.platform(platform).auth)(config(platform))


def webhook_reader(platform: str) -> Callable[[Mapping[str, str], bytes], StoreEvent]:
    """Return what verifies and reads this platform's webhooks. Raises `LookupError` where there are none."""
    path = registry.platform(platform).webhooks
    if not path:
        raise LookupError(f"{platform} sends no webhooks")
    read = registry.load(path)
    secret = settings.SHOPIFY["client_secret"]
    return lambda headers, body: read(headers, body, secret=secret)


def hint_reader(platform: str) -> Callable[[dict[str, Any]], OrderHint | None]:
    """Return what reads this marketplace's push messages. Raises `LookupError` where there are none."""
    path = registry.platform(platform).hints
    if not path:
        raise LookupError(f"{platform} pushes no orders")
    return registry.load(path)


def queue(platform: str) -> Any:
    """Return the platform's notification queue for the listener, or None when none is configured."""
    app: dict[str, Any] = settings.AMAZON
    if platform != "amazon" or not app["queue_url"]:
        return None
    sqs = registry.load("connectors.amazon.sqs:Queue")
    return sqs(
        app["queue_url"],
        region=app["aws_region"],
        access_key_id=app["aws_access_key_id"],
        secret_access_key=app["aws_secret_access_key"],
        endpoint_url=settings.PLATFORM_URLS["amazon"]["sqs"],
    )


def queue_arn(platform: str) -> str:
    """Return the name under which the marketplace knows our queue, '' when none is configured.

    Made from the queue's address where it is not set: .../<account>/<name> is arn:aws:sqs:<region>:<account>:<name>.
    """
    app: dict[str, Any] = settings.AMAZON
    if platform != "amazon" or not app["queue_url"]:
        return ""
    account, _, name = app["queue_url"].rstrip("/").rpartition("/")
    return app["queue_arn"] or f"arn:aws:sqs:{app['aws_region']}:{account.rpartition('/')[2]}:{name}"


def sites(platform: str) -> dict[str, list[tuple[str, str]]]:
    """Return region → [(site code, "United States (US)")], to choose from; {} for a platform without regions."""
    if platform != "amazon":
        return {}
    from babel import Locale

    from connectors.amazon.sites import SITES

    territories = Locale("en").territories
    found: dict[str, list[tuple[str, str]]] = {}
    for site in SITES:
        found.setdefault(site.region, []).append((site.code, f"{territories[site.country]} ({site.code})"))
    return found


def admin_page(store: Store, path: str = "") -> str:
    """Return the address of a page in the store's own admin, for links a person clicks."""
    return settings.PLATFORM_URLS["shopify"]["admin"].replace("{shop}", store.key).rstrip("/") + path


def app_page(shop: str) -> str:
    """Return the address of our app inside that Shopify store's admin."""
    admin = settings.PLATFORM_URLS["shopify"]["admin"].replace("{shop}", shop).rstrip("/")
    return f"{admin}/apps/{settings.SHOPIFY['handle']}"


def app_market_page(platform: str) -> str:
    """Return our page in the store platform's app market, where a store is added."""
    return str(settings.PLATFORM_URLS[platform]["app_store"])


def is_store_key(platform: str, key: str) -> bool:
    """Say whether this has exactly the form of a store's key; anything else must never become part of an address."""
    if platform != "shopify":
        return False
    from connectors.shopify.config import is_shop

    return is_shop(key)


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
    for made in (limiter, budgets, config, authorization):
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
    connector = registry.load(registry.platform(account.platform).connector)
    return connector(account.key, account.region, tokens, limiter(), config(account.platform))
