"""The connect and reconnect dance, the same for every platform: state, what is refused and why, what is kept.

Views (connect_views.py, shopify_views.py) bring the browser; platforms are asked outside any transaction; everything a
new connection consists of is one transaction.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError
from django.utils.timezone import now

from accounts import audit, checking, connections, credentials, read_only
from accounts.models import AccountRoute, ConnectState, MarketplaceAccount, Merchant, Store, StoreRoute, User
from connectors import registry
from connectors.contract.errors import AccessDenied, ConnectorError, TransientError
from connectors.contract.marketplace import PushesOrders
from connectors.contract.types import Grant, StoreInfo
from salestio import routes, tenancy
from salestio.lib.crypto import new_token, token_hash
from salestio.lib.text import counted

log = structlog.get_logger(__name__)


class ConnectRefused(ValueError):
    """A connection cannot be made; its text is the sentence the merchant reads, `code` names the cause."""

    def __init__(self, sentence: str, code: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


# ── state: single use, short-lived, bound to the browser ─────────────────────────────────────────────────────────────


def begin(*, platform: str, session: Any, user: User | None, merchant_id: int | None, payload: dict[str, Any]) -> str:
    """Remember that a consent has begun and return its state, good once, for `TIMES.connect_state`, in this browser.

    From inside a store's admin there is no session: give None, and `adopt` binds the state to the browser that leaves
    the frame with it.
    """
    state = new_token()
    ConnectState.objects.create(
        state_hash=token_hash(state),
        platform=platform,
        merchant_ref=merchant_id,
        user=user,
        session_hash=token_hash(_nonce(session)) if session is not None else "",
        payload=payload,
        expires_at=now() + timedelta(seconds=settings.TIMES.connect_state),
    )
    return state


def adopt(state: str, *, session: Any) -> ConnectState:
    """Bind a state begun in a frame to this browser; the first one only. Raises `ConnectRefused`."""
    mine = token_hash(_nonce(session))
    waiting = ConnectState.objects.filter(state_hash=token_hash(state), session_hash="", expires_at__gt=now())
    if not waiting.update(session_hash=mine):
        raise ConnectRefused("This link was used already or is too old. Start again from Accounts.", "state_used")
    return ConnectState.objects.get(state_hash=token_hash(state))


def _nonce(session: Any) -> str:
    """Return the session's secret that states are bound to, making it at first use."""
    if not session.get("connect_nonce"):
        session["connect_nonce"] = new_token()
    return str(session["connect_nonce"])


def begun(state: str, *, platform: str, session: Any) -> ConnectState:
    """Return what was remembered, as long as it is this browser's and young enough. Raises `ConnectRefused` with what to do."""
    row = ConnectState.objects.filter(state_hash=token_hash(state), platform=platform).first() if state else None
    if row is None:
        raise ConnectRefused("This link was not made here. Start again from Accounts.", "state_unknown")
    if row.session_hash != token_hash(session.get("connect_nonce") or "none"):
        raise ConnectRefused("This was started in another browser. Start again from Accounts.", "state_session")
    if row.expires_at <= now():
        raise ConnectRefused("This took longer than 15 minutes. Start again from Accounts.", "state_expired")
    return row


def claim(state: str, *, platform: str, session: Any) -> ConnectState:
    """Use up a state and return what was remembered. Raises `ConnectRefused` with what to do."""
    row = begun(state, platform=platform, session=session)
    if not ConnectState.objects.filter(pk=row.pk, used_at=None).update(used_at=now()):
        raise ConnectRefused("This link was used already. Look under Accounts whether it worked.", "state_used")
    return row


def forget_old_states() -> int:
    """Delete states that ended more than a day ago; return how many."""
    deleted, _ = ConnectState.objects.filter(expires_at__lt=now() - timedelta(days=1)).delete()
    return deleted


# ── marketplace accounts ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A `TokenSource` of the one token just granted, for the calls made before it is stored."""

    token: str

    def current(self) -> str:
        """Return the token."""
        return self.token

    def refused(self, token: str) -> None:
        """Do nothing: there is no other token yet, so the call fails with what the platform says."""


def sites_of(platform: str, region: str, grant: Grant) -> list[str]:
    """Ask the marketplace on which sites this seller may sell; [] when it does not answer now. No transaction."""
    client = connections.marketplace_client(platform, grant.key, region, FixedToken(grant.access_token))
    try:
        return [site.code for site in client.sites() if site.active]
    except TransientError as error:
        log.warning("the seller's sites could not be read", platform=platform, error=error.message)
        return []


@dataclass(frozen=True, slots=True)
class AccountWish:
    """What the merchant asked for on the Add or Edit Account page."""

    platform: str
    region: str
    name: str
    sites: tuple[str, ...]
    store_id: int
    account_id: int | None = None
    """Set when an existing account is confirmed or edited."""


def keep_account(
    merchant_id: int, wish: AccountWish, grant: Grant, *, granted_sites: Sequence[str], actor: str
) -> tuple[MarketplaceAccount, bool]:
    """Store a connected account with its tokens; return it and whether it is new.

    One that this merchant had already is revived with its history. Raises `ConnectRefused`.
    """
    # A platform whose accounts sell in one place only asks for no choice: all that was granted.
    wanted = wish.sites or tuple(granted_sites)
    sites = [site for site in wanted if site in granted_sites] if granted_sites else list(wanted)
    if not sites:
        raise ConnectRefused(
            f"This seller does not sell on {', '.join(wanted)}, only on {', '.join(granted_sites)}. "
            "Choose these sites and connect again.",
            "sites",
        )
    route = AccountRoute.objects.filter(platform=wish.platform, region=wish.region, key=grant.key).first()
    try:
        _refuse_wrong_seller(merchant_id, wish, grant, route)
    except ConnectRefused:
        _keep_alive(route, grant)
        raise
    try:
        with tenancy.scope(merchant_id):
            if route is not None:
                return _revive_account(route, wish, sites, grant, actor), False
            return _new_account(wish, sites, grant, actor), True
    except IntegrityError as error:
        if "account_name_once" in str(error):
            raise ConnectRefused(f"You have another account named {wish.name}. Choose another name.", "name") from None
        raise ConnectRefused("This seller account was connected a moment ago. Look under Accounts.", "route") from None


def _keep_alive(route: AccountRoute | None, grant: Grant) -> None:
    """Store the tokens of a seller who agreed again by mistake: agreeing anew ends the token we held (amazon.md 1).

    It opens nothing to anybody: the tokens go to the account that seller is connected as, if it works.
    """
    if route is None:
        return
    with tenancy.scope(route.merchant_ref):
        account = MarketplaceAccount.objects.filter(pk=route.account_ref, state="active").first()
        if account is not None:
            credentials.store_grant(account, grant)


def _refuse_wrong_seller(merchant_id: int, wish: AccountWish, grant: Grant, route: AccountRoute | None) -> None:
    label = registry.platform(wish.platform).label
    if route is not None and route.merchant_ref != merchant_id:
        raise ConnectRefused(
            f"This {label} seller account is connected by another merchant of {settings.BRAND_NAME}. "
            "Disconnecting there is not enough; ask our support to move it.",
            "other_merchant",
        )
    if wish.account_id is not None and (route is None or route.account_ref != wish.account_id):
        raise ConnectRefused(
            f"You signed in at {label} as another seller ({grant.key}). Sign out there, sign in as the seller of "
            "this account and confirm again; or add the other seller as a new account.",
            "other_seller",
        )
    limit = int(settings.PLATFORM_APPS[wish.platform].get("seller_limit") or 0)
    if route is None and limit:
        sellers = AccountRoute.objects.filter(platform=wish.platform).values("key").distinct().count()
        if sellers >= limit:
            raise ConnectRefused(
                f"{label} allows this app {counted(limit, 'seller')} until it is listed in its app store, "
                "and all places are taken. "
                "Ask our support; you are on the list as soon as a place is free.",
                "seller_limit",
            )


def _revive_account(
    route: AccountRoute, wish: AccountWish, sites: list[str], grant: Grant, actor: str
) -> MarketplaceAccount:
    account = MarketplaceAccount.objects.select_for_update(of=("self",)).get(pk=route.account_ref)
    was = account.state
    account.sites, account.state, account.state_reason = sites, account.State.ACTIVE, ""
    account.authorized_at = now()
    if was != account.State.ACTIVE:
        account.state_since = now()
    if wish.name:
        account.name = wish.name
    account.store = Store.objects.get(pk=wish.store_id)
    account.save()
    credentials.store_grant(account, grant)
    audit.note(
        actor=actor,
        action="account.reconnected",
        subject=account.name,
        before={"state": was},
        after={"sites": sites},
    )
    _account_works(account)
    routes.emit("account.restored", account_id=account.pk)
    return account


def _new_account(wish: AccountWish, sites: list[str], grant: Grant, actor: str) -> MarketplaceAccount:
    moment = now()
    account = MarketplaceAccount.objects.create(
        platform=wish.platform,
        region=wish.region,
        key=grant.key,
        name=wish.name,
        sites=sites,
        store=Store.objects.get(pk=wish.store_id),
        connected_at=moment,
        authorized_at=moment,
        orders_from=moment,
    )
    AccountRoute.objects.create(
        platform=wish.platform,
        region=wish.region,
        key=grant.key,
        merchant_ref=account.merchant_id,
        account_ref=account.pk,
    )
    credentials.store_grant(account, grant)
    audit.note(actor=actor, action="account.connected", subject=account.name, after={"sites": sites, "key": grant.key})
    _account_works(account)
    routes.emit("account.connected", account_id=account.pk)
    return account


def _account_works(account: MarketplaceAccount) -> None:
    from salestio.outbox import dispatch

    connections.forget(account)
    for kind in ("account_expired", "account_ends_soon"):
        routes.emit("alert.close", kind=kind, key=str(account.pk))
    dispatch.owe(
        handler="accounts.connect.set_up_account", subject={"account_id": account.pk}, key=str(account.pk),
        store_id=account.store_id,
    )  # fmt: skip
    checking.owe(account)


def set_up_account(merchant_id: int, account_id: int) -> None:
    """Subscribe to the account's order changes where the marketplace pushes. An outbox handler: harmless to repeat."""
    with tenancy.scope(merchant_id):
        account = MarketplaceAccount.objects.filter(pk=account_id, state=MarketplaceAccount.State.ACTIVE).first()
    address = connections.push_address(account.platform) if account else ""
    if account is None or not address:
        return
    client = connections.marketplace(account)
    if isinstance(client, PushesOrders):
        try:
            subscription = client.subscribe(address)
        except AccessDenied as error:
            # The platform does not offer push to this app: orders come by sweep, which is enough.
            log.info("no push for this account", platform=account.platform, error=error.message)
            return
        with tenancy.scope(merchant_id):
            MarketplaceAccount.objects.filter(pk=account_id).update(subscription_id=subscription)


def edit_account(account: MarketplaceAccount, *, name: str, actor: str) -> None:
    """Rename an account; inside the merchant's scope. Sites change by a new consent (F5). Raises `ConnectRefused`."""
    if MarketplaceAccount.objects.filter(name=name).exclude(pk=account.pk).exists():
        raise ConnectRefused(f"You have another account named {name}. Choose another name.", "name")
    before, account.name = account.name, name
    account.save(update_fields=["name"])
    if before != name:
        audit.note(actor=actor, action="account.renamed", subject=name, before={"name": before}, after={"name": name})


def disconnect_account(merchant_id: int, account: MarketplaceAccount, *, actor: str) -> None:
    """End the connection: no more pulls, tokens dropped, orders and settings kept. Outside a transaction.

    The marketplace is told to send us nothing more; if it does not answer, its messages are ignored from now on anyway.
    """
    if account.subscription_id and not read_only.stops_account(account):
        try:
            client = connections.marketplace(account)
            if isinstance(client, PushesOrders):
                client.unsubscribe(account.subscription_id)
        except ConnectorError as error:
            log.warning("unsubscribing failed", platform=account.platform, error=error.message)
    with tenancy.scope(merchant_id):
        changed = (
            MarketplaceAccount.objects.filter(pk=account.pk)
            .exclude(state=account.State.DISABLED)
            .update(state=account.State.DISABLED, state_reason="disconnected", state_since=now(), subscription_id="")
        )
        credentials.drop(account)
        for kind in ("account_expired", "account_ends_soon"):
            routes.emit("alert.close", kind=kind, key=str(account.pk))
        routes.emit("alert.close", kind=checking.ALERT, key=f"account:{account.pk}")
        if changed:
            audit.note(actor=actor, action="account.disconnected", subject=account.name)
    connections.forget(account)


# ── stores ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def store_route(platform: str, key: str) -> StoreRoute | None:
    """Return to whom a store key belongs; for ever, once it was installed (MECHANISMS 18)."""
    return StoreRoute.objects.filter(platform=platform, key=key).first()


_KNOWN: dict[tuple[str, str], tuple[int, int, float]] = {}
_KNOWN_SECONDS = 60.0
_KNOWN_MOST = 20_000


def whose_store(platform: str, key: str) -> tuple[int, int] | None:
    """Return (merchant id, store id) of a store key, or None for one we do not know: for doors with many messages.

    Remembered in this process for a minute: a key belongs to one merchant for ever, so it cannot become wrong.
    """
    known = _KNOWN.get((platform, key))
    if known is not None and known[2] > time.monotonic():
        return known[:2]
    route = store_route(platform, key)
    if route is None:
        return None
    if len(_KNOWN) >= _KNOWN_MOST:
        _KNOWN.clear()
    _KNOWN[(platform, key)] = (route.merchant_ref, route.store_ref, time.monotonic() + _KNOWN_SECONDS)
    return route.merchant_ref, route.store_ref


def store_info(platform: str, grant: Grant) -> StoreInfo:
    """Ask the store for its name, currency and the like, with the token just granted. Raises `ConnectorError`."""
    connector = registry.load(registry.platform(platform).connector)
    client = connector(grant.key, FixedToken(grant.access_token), connections.limiter(), connections.config(platform))
    info: StoreInfo = connections.patiently(client.info)
    return info


def keep_store(merchant_id: int, platform: str, grant: Grant, info: StoreInfo, *, actor: str) -> tuple[Store, bool]:
    """Store an installed shop with its tokens; return it and whether it is new. Reinstalling revives it with its data.

    Raises `ConnectRefused` when the shop belongs to another merchant.
    """
    route = store_route(platform, grant.key)
    if route is not None and route.merchant_ref != merchant_id:
        raise ConnectRefused(
            f"This store belongs to another merchant of {settings.BRAND_NAME}. Sign in there, or ask our support.",
            "other_merchant",
        )
    facts = {
        "name": info.name[:120] or grant.key,
        "domain": grant.key,
        "currency": info.currency or "USD",
        "timezone": info.timezone or "UTC",
        "country": info.country[:2],
        "plan": info.plan[:60],
        "email": info.email,
        "scopes": list(grant.scopes or info.scopes),
        "facts": facts_of(info),
    }
    try:
        with tenancy.scope(merchant_id):
            if route is not None:
                return _revive_store(route, grant, facts, actor), False
            return _new_store(platform, grant, facts | {"claims_stock": info.claims_stock}, actor), True
    except IntegrityError:
        # The same install ran twice at once (a double click); the other one won and is just as good.
        route = store_route(platform, grant.key)
        if route is None or route.merchant_ref != merchant_id:
            raise ConnectRefused(
                "This store was just connected elsewhere. Open the app from the store.", "race"
            ) from None
        with tenancy.scope(merchant_id):
            return _revive_store(route, grant, facts, actor), False


def facts_of(info: StoreInfo) -> dict[str, Any]:
    """Return what a store tells of itself beyond its columns, as plain JSON."""
    return {
        "order_statuses": [list(pair) for pair in info.order_statuses],
        "currencies": list(info.currencies),
        "taxes_included": info.taxes_included,
    }


def _new_store(platform: str, grant: Grant, facts: dict[str, Any], actor: str) -> Store:
    store = Store.objects.create(platform=platform, key=grant.key, **facts)
    StoreRoute.objects.create(platform=platform, key=grant.key, merchant_ref=store.merchant_id, store_ref=store.pk)
    credentials.store_grant(store, grant)
    audit.note(actor=actor, action="store.connected", subject=store.name, after={"key": grant.key})
    connections.forget(store)
    routes.emit("store.connected", store_id=store.pk)
    return store


def _revive_store(route: StoreRoute, grant: Grant, facts: dict[str, Any], actor: str) -> Store:
    store = Store.objects.select_for_update().get(pk=route.store_ref)
    was = store.state
    for name, value in facts.items():
        setattr(store, name, value)
    store.state, store.state_reason, store.uninstalled_at = store.State.ACTIVE, "", None
    store.failures, store.failing_since, store.breaker_open_at, store.breaker_probe_at = 0, None, None, None
    store.authorized_at = now()
    if was != store.State.ACTIVE:
        store.state_since = now()
    store.save()
    Merchant.objects.filter(pk=store.merchant_id).update(uninstalled_at=None)
    credentials.store_grant(store, grant)
    connections.forget(store)
    routes.emit("alert.close", kind="store_expired", key=str(store.pk))
    if was != store.State.ACTIVE:
        audit.note(actor=actor, action="store.reconnected", subject=store.name, before={"state": was})
        routes.emit("store.connected", store_id=store.pk)
        routes.emit("store.restored", store_id=store.pk)
    return store


def on_store_connected(store_id: int) -> None:
    """Owe the store its set-up (webhooks and the like), in the transaction that connected it."""
    store = Store.objects.get(pk=store_id)
    checking.owe_set_up(store)
    checking.owe(store)


def set_up_store(merchant_id: int, store_id: int) -> None:
    """Make sure the store tells us what changes. An outbox handler: harmless to repeat. Raises `ConnectorError`."""
    with tenancy.scope(merchant_id):
        store = Store.objects.filter(pk=store_id, state=Store.State.ACTIVE).first()
    if store is None:
        return
    report = connections.storefront(store).set_up(webhook_url=connections.webhook_address(store.platform))
    with tenancy.scope(merchant_id):
        if report.missing:
            routes.emit(
                "alert.open", kind="set_up_incomplete", key=str(store_id),
                data={"name": store.name, "missing": " ".join(report.missing)},
            )  # fmt: skip
        else:
            routes.emit("alert.close", kind="set_up_incomplete", key=str(store_id))


def uninstall_store(merchant_id: int, store_id: int) -> None:
    """The app was removed from the store: jobs stop, tokens are dropped, data stays for the grace period (F14).

    Call it inside the merchant's scope. Reinstalling within that time resumes everything.
    """
    store = Store.objects.select_for_update().filter(pk=store_id).first()
    if store is None or store.state_reason == "uninstalled":
        return
    store.state, store.state_reason = store.State.DISABLED, "uninstalled"
    store.state_since = store.uninstalled_at = now()
    store.save(update_fields=["state", "state_reason", "state_since", "uninstalled_at"])
    credentials.drop(store)
    routes.emit("alert.close", kind="store_expired", key=str(store_id))
    routes.emit("alert.close", kind=checking.ALERT, key=f"store:{store_id}")
    if not Store.objects.exclude(state_reason="uninstalled").exists():
        Merchant.objects.filter(pk=merchant_id).update(uninstalled_at=now())
    audit.note(actor=store.platform, action="store.uninstalled", subject=store.name)
    connections.forget(store)
