"""Tokens: the one place that encrypts and decrypts them, and keeps them fresh (MECHANISMS 10).

A refresh is work like any other: claim a lease on the row by conditional UPDATE, commit, call, store the new pair by
conditional UPDATE on the lease token, commit, use. Nothing is called inside a transaction.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.timezone import now

from accounts.models import Credential, MarketplaceAccount, Store
from connectors.contract.errors import AuthorizationExpired, OutcomeUnknown, RateLimited, TransientError
from connectors.contract.types import Grant
from salestio import routes, tenancy

log = structlog.get_logger(__name__)

Refresh = Callable[[str], Grant]
"""Takes the refresh token, returns fresh tokens; raises the contract's errors."""

REFRESH_AT = 0.8
"""The part of a token's life after which it is renewed, so that calls rarely wait."""
LEASE_SECONDS = 75.0
"""Longer than one call's total deadline, so that a slow refresh is not begun twice."""
LOSER_WAITS_SECONDS = 10.0
LOOK_EVERY_SECONDS = 0.1
CACHE_SECONDS = 30.0
"""How long a process uses a token without asking the database again."""
CACHE_SIZE = 5000


def seal(text: str) -> bytes:
    """Return the text encrypted with the newest key; '' stays empty."""
    return settings.KEY_RING.seal(text) if text else b""


def unseal(sealed: bytes | memoryview) -> str:
    """Return the text of a sealed value. Raises `UnreadableSecret` when no key of the ring fits."""
    value = bytes(sealed)
    return settings.KEY_RING.open(value) if value else ""


# ── storing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def store_grant(target: Store | MarketplaceAccount, grant: Grant) -> Credential:
    """Keep the tokens of a store or account, sealed, replacing what was there. Call it inside the merchant's scope."""
    owner = {"store": target} if isinstance(target, Store) else {"account": target}
    values = {
        "merchant_id": target.merchant_id,
        "access_sealed": seal(grant.access_token),
        "refresh_sealed": seal(grant.refresh_token),
        "access_expires_at": grant.access_expires_at,
        "access_issued_at": now(),
        "refresh_expires_at": grant.refresh_expires_at,
        "lease_until": None,
        "lease_token": None,
        "refresh_failures": 0,
    }
    credential, made = Credential.objects.get_or_create(**owner, defaults=values)
    if not made:
        # The version rises, so that every process drops the token it keeps.
        Credential.objects.filter(pk=credential.pk).update(**values, version=F("version") + 1)
        credential.refresh_from_db()
    _cache.drop(credential.pk)
    return credential


def drop(target: Store | MarketplaceAccount) -> None:
    """Forget the tokens of a store or account; twice does no harm. Inside the merchant's scope.

    The row stays, empty: clients kept by other processes look at it and stop, or go on after a reconnect.
    """
    owner = {"store": target} if isinstance(target, Store) else {"account": target}
    for pk in Credential.objects.filter(**owner).values_list("pk", flat=True):
        Credential.objects.filter(pk=pk).update(
            access_sealed=b"",
            refresh_sealed=b"",
            access_expires_at=None,
            refresh_expires_at=None,
            lease_until=None,
            lease_token=None,
            version=F("version") + 1,
        )
        _cache.drop(pk)


# ── the process's own memory ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str
    version: int
    renew_at: datetime | None
    ends_at: datetime | None
    has_refresh: bool
    read_at: float

    def due(self, at: datetime) -> bool:
        return self.renew_at is not None and at >= self.renew_at

    def ended(self, at: datetime) -> bool:
        return self.ends_at is not None and at >= self.ends_at


class _Cache:
    """Tokens in force, by credential; bounded and thread-safe. Nothing here outlives `CACHE_SECONDS`."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, pk: int) -> _Kept | None:
        with self._lock:
            kept = self._kept.get(pk)
            if kept is not None and time.monotonic() - kept.read_at < CACHE_SECONDS:
                return kept
            return None

    def put(self, pk: int, kept: _Kept) -> None:
        with self._lock:
            self._kept[pk] = kept
            self._kept.move_to_end(pk)
            while len(self._kept) > CACHE_SIZE:
                self._kept.popitem(last=False)

    def drop(self, pk: int) -> None:
        with self._lock:
            self._kept.pop(pk, None)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


_cache = _Cache()


def forget_all() -> None:
    """Empty the process's memory of tokens (tests, and after a rotation of keys)."""
    _cache.clear()


# ── the source of tokens a connector is handed ───────────────────────────────────────────────────────────────────────


class DatabaseTokens:
    """A `TokenSource` on one credential row; thread-safe, one a client. Opens its own short scopes: never call it
    inside a transaction."""

    def __init__(self, credential_id: int, merchant_id: int, *, refresh: Refresh | None) -> None:
        self._id = credential_id
        self._merchant_id = merchant_id
        self._refresh = refresh
        self._refused: set[int] = set()
        """Versions whose access token the platform refused, whatever their end says."""

    def __repr__(self) -> str:
        return f"DatabaseTokens(credential {self._id})"

    def current(self) -> str:
        """Return a token that is good now, refreshing it first if need be.

        Raises `AuthorizationExpired` when only the merchant can help (the connection is then marked expired),
        `TransientError` when the refresh did not answer.
        """
        kept = _cache.get(self._id) or self._read()
        if self._good(kept):
            return kept.token
        end = time.monotonic() + LOSER_WAITS_SECONDS
        while True:
            if not kept.has_refresh or self._refresh is None:
                return self._without_refresh(kept)
            lease = self._claim(kept.version)
            if lease is not None:
                return self._renew(lease)
            kept = self._read()
            if self._good(kept):
                return kept.token
            if self._usable(kept):
                # Somebody renews it ahead of time; until then the old one is good.
                return kept.token
            if time.monotonic() >= end:
                raise TransientError("The token is being renewed by another worker; try again", operation="refresh")
            time.sleep(LOOK_EVERY_SECONDS)

    def refused(self, token: str) -> None:
        """Tell that the platform refused this token: the next `current()` brings another one."""
        kept = _cache.get(self._id) or self._read()
        if kept.token == token:
            self._refused.add(kept.version)
        _cache.drop(self._id)

    def _good(self, kept: _Kept) -> bool:
        return self._usable(kept) and not kept.due(now())

    def _usable(self, kept: _Kept) -> bool:
        return bool(kept.token) and kept.version not in self._refused and not kept.ended(now())

    def _without_refresh(self, kept: _Kept) -> str:
        if self._usable(kept):
            return kept.token
        self._give_up("refused")
        raise AuthorizationExpired("The access token was refused and cannot be renewed", operation="refresh")

    def _read(self) -> _Kept:
        with tenancy.scope(self._merchant_id):
            row = Credential.objects.filter(pk=self._id).first()
        if row is None:
            raise AuthorizationExpired("There is no token any more; connect again", operation="refresh")
        kept = _kept_from(row)
        _cache.put(self._id, kept)
        return kept

    def _claim(self, version: int) -> tuple[uuid.UUID, str] | None:
        """Take the lease and return its token with the refresh token, or None when somebody else has it."""
        lease = uuid.uuid4()
        with tenancy.scope(self._merchant_id):
            mine = (
                Credential.objects.filter(pk=self._id, version=version)
                .filter(Q(lease_until=None) | Q(lease_until__lt=Now()))
                .update(lease_token=lease, lease_until=Now() + timedelta(seconds=LEASE_SECONDS))
            )
            if not mine:
                return None
            sealed = Credential.objects.values_list("refresh_sealed", flat=True).get(pk=self._id)
        return lease, unseal(sealed)

    def _renew(self, lease: tuple[uuid.UUID, str]) -> str:
        token, refresh_token = lease
        try:
            grant = self._call(refresh_token)
        except AuthorizationExpired:
            if not self._release(token, failed=True):
                # The merchant agreed anew, or another worker renewed, while we asked: it was the old pair that was refused.
                newer = self._read()
                if newer.token:
                    return newer.token
                raise
            self._give_up("refused")
            raise
        except BaseException:
            self._release(token, failed=True)
            raise
        kept = self._save(token, grant, refresh_token)
        if kept is None:
            # Our lease ran out and another worker stored a newer pair: use that one.
            return self._read().token
        return kept.token

    def _call(self, refresh_token: str) -> Grant:
        """Ask the platform; once more with the same refresh token when no answer came.

        A rotating refresh token may have been used up by the unanswered call. The second try then is refused, which is
        `AuthorizationExpired`; if nobody answers again the platform is down, which is no reason to bother the merchant.
        """
        assert self._refresh is not None
        try:
            return self._refresh(refresh_token)
        except (TransientError, OutcomeUnknown) as first:
            if isinstance(first, RateLimited):
                raise
            try:
                return self._refresh(refresh_token)
            except OutcomeUnknown as error:
                raise TransientError(error.message, platform=error.platform, operation=error.operation) from error

    def _save(self, lease: uuid.UUID, grant: Grant, old_refresh: str) -> _Kept | None:
        values: dict[str, Any] = {
            "access_sealed": seal(grant.access_token),
            "refresh_sealed": seal(grant.refresh_token or old_refresh),
            "access_expires_at": grant.access_expires_at,
            "access_issued_at": now(),
            "version": F("version") + 1,
            "lease_until": None,
            "lease_token": None,
            "refresh_failures": 0,
        }
        if grant.refresh_expires_at is not None:
            values["refresh_expires_at"] = grant.refresh_expires_at
        with tenancy.scope(self._merchant_id):
            if not Credential.objects.filter(pk=self._id, lease_token=lease).update(**values):
                return None
            row = Credential.objects.get(pk=self._id)
        kept = _kept_from(row)
        _cache.put(self._id, kept)
        return kept

    def _release(self, lease: uuid.UUID, *, failed: bool) -> bool:
        """Give the lease back; False when it was not ours any more."""
        with tenancy.scope(self._merchant_id):
            ours = Credential.objects.filter(pk=self._id, lease_token=lease).update(
                lease_until=None, lease_token=None, refresh_failures=F("refresh_failures") + int(failed)
            )
        return bool(ours)

    def _give_up(self, why: str) -> None:
        with tenancy.scope(self._merchant_id):
            row = Credential.objects.select_related("store", "account").filter(pk=self._id).first()
            if row is not None:
                expire(row.store or row.account, why)


def _kept_from(row: Credential) -> _Kept:
    renew_at = None
    if row.access_expires_at is not None:
        issued = row.access_issued_at or row.access_expires_at - timedelta(hours=1)
        renew_at = issued + (row.access_expires_at - issued) * REFRESH_AT
    return _Kept(
        token=unseal(row.access_sealed),
        version=row.version,
        renew_at=renew_at,
        ends_at=row.access_expires_at,
        has_refresh=bool(bytes(row.refresh_sealed)),
        read_at=time.monotonic(),
    )


# ── what becomes of a connection whose tokens ended ──────────────────────────────────────────────────────────────────


def expire(target: Store | MarketplaceAccount | None, why: str) -> None:
    """Mark a connection expired and raise the alert; inside the merchant's scope. Twice does no harm.

    `why` is a code: refused, revoked, uninstalled. Work for it waits (state `expired`); nothing is lost, and
    `accounts.connect` resumes it when the merchant connects again.
    """
    if target is None:
        return
    changed = (
        type(target)
        ._default_manager.filter(pk=target.pk, state=target.State.ACTIVE)
        .update(state=target.State.EXPIRED, state_reason=why, state_since=now())
    )
    if changed:
        target.state, target.state_reason = target.State.EXPIRED, why
        log.warning("a connection expired", platform=target.platform, connection=target.pk, why=why)
        kind = "store" if isinstance(target, Store) else "account"
        routes.emit(
            "alert.open",
            kind=f"{kind}_expired",
            key=str(target.pk),
            data={"name": target.name, "platform": target.platform, "id": target.pk},
        )
        routes.emit("connection.expired", target=target)


# ── rotation of the encryption keys ──────────────────────────────────────────────────────────────────────────────────


def rotate(*, batch: int = 200) -> int:
    """Encrypt every merchant's tokens anew with the newest key; return how many rows it was.

    Safe while everything runs: each row is locked for the moment it is rewritten. Raises `UnreadableSecret`
    when a row needs a key that is no longer in the ring; what was done stays done, and repeating is harmless.
    """
    done, last = 0, 0
    while True:
        with tenancy.unscoped("rotate credentials"):
            rows = list(Credential.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:batch])
            for pk in rows:
                done += _rotate_row(pk)
        if len(rows) < batch:
            return done
        last = rows[-1]


def _rotate_row(pk: int) -> int:
    row = Credential.objects.select_for_update().filter(pk=pk).first()
    if row is None:
        return 0
    access, refresh = bytes(row.access_sealed), bytes(row.refresh_sealed)
    Credential.objects.filter(pk=pk).update(
        access_sealed=settings.KEY_RING.rotate(access) if access else b"",
        refresh_sealed=settings.KEY_RING.rotate(refresh) if refresh else b"",
    )
    return 1
