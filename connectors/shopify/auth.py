"""Installing and signing in: the code grant, token exchange, refreshing, session tokens. No database, no session.

Tokens are offline and expire after an hour; with each comes a refresh token that rotates. ShopifyAPI knows nothing of
either, so only its checks of a signed query and of session tokens are used, and each is tightened here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from connectors.contract.errors import AuthorizationExpired, ConnectorError, Rejected, TransientError, UnexpectedReply
from connectors.contract.types import Grant
from connectors.http import Caller, Reply
from connectors.ratelimit import NoLimiter
from connectors.shopify.config import PLATFORM, ShopifyConfig, is_shop

TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105 - a path
QUERY_LIFE_SECONDS = 600.0
"""How old a signed query may be; a browser needs seconds to follow Shopify's redirect."""

QUERY_AHEAD_SECONDS = 60.0
"""How far Shopify's clock may be ahead of ours."""

_LAST_SECOND = 4e9
"""Unix time of the year 2096: tokens live a minute."""

_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a name
_OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"

_OUR_OWN = frozenset({"invalid_client", "unauthorized_client", "application_cannot_be_found"})
"""Errors about our application, which no merchant can mend."""


@dataclass(frozen=True, slots=True)
class SessionClaims:
    """What a verified session token says: which shop's admin, which person there, until when (UTC)."""

    shop: str
    user_id: str
    session_id: str
    token_id: str
    expires_at: datetime


class ShopifyAuth:
    """Implements `Authorization` for Shopify, and what embedded pages need. Thread-safe."""

    platform = PLATFORM

    def __init__(self, config: ShopifyConfig) -> None:
        self.config = config

    # ── the code grant ───────────────────────────────────────────────────────────────────────────────────────────────

    def authorize_url(
        self, *, state: str, redirect_uri: str, region: str = "", site: str = "", store_key: str = ""
    ) -> str:
        """Return the page where the merchant installs the app in the shop `store_key`; `region` has no meaning here.

        Raises `Rejected` (code `shop`) when that is not a shop's permanent domain.
        """
        query = {
            "client_id": self.config.client_id,
            "scope": ",".join(self.config.scopes),
            "redirect_uri": redirect_uri,
            "state": state,
        }
        return f"{self.config.url(store_key)}/admin/oauth/authorize?{urlencode(query)}"

    def verify_query(self, query: Mapping[str, str], *, now: float | None = None) -> str:
        """Return the shop of a query Shopify signed (install, callback, first load of the app's page).

        `query` holds the parameters decoded and whole; `now` is Unix time in seconds. Raises `Rejected` with a
        sentence: code `shop`, `signature` or `timestamp`.
        """
        from shopify.session import Session

        shop = query.get("shop", "")
        if not is_shop(shop):
            raise _refused("This link does not name a Shopify store", "shop")
        fits = False
        for secret in filter(None, (self.config.client_secret, self.config.old_client_secret)):
            # A class of our own: the package keeps its secret on the class, for all of the process.
            signer: Any = type("Signer", (Session,), {"secret": secret})
            fits = bool(signer.validate_hmac(dict(query))) or fits
        if not fits:
            raise _refused("This link was not made by Shopify, or was changed on its way", "signature")
        stamp = query.get("timestamp", "")
        age = (
            (time.time() if now is None else now) - int(stamp)
            if stamp.isascii() and stamp.isdigit() and len(stamp) < 13
            else None
        )
        if age is None or not -QUERY_AHEAD_SECONDS <= age <= QUERY_LIFE_SECONDS:
            raise _refused("This link is too old: open the app from your Shopify admin again", "timestamp")
        return shop

    def exchange(self, *, query: dict[str, str], redirect_uri: str) -> Grant:
        """Turn the callback's query into an expiring offline token; the caller has checked `state`.

        Raises `Rejected` with a sentence when it is not genuine, too old or its code was used, `TransientError` when
        Shopify did not answer.
        """
        shop = self.verify_query(query)
        code = query.get("code", "")
        if not code:
            raise _refused("Shopify sent no code: the installation was not agreed to", "code")
        return self._token("exchangeCode", shop, {"code": code, "expiring": "1"})

    # ── embedded pages ───────────────────────────────────────────────────────────────────────────────────────────────

    def visitor(self, token: str) -> tuple[str, str]:
        """Return the shop and the person a session token speaks of. Raises as `decode_session_token`."""
        claims = self.decode_session_token(token)
        return claims.shop, claims.user_id

    def decode_session_token(self, token: str) -> SessionClaims:
        """Verify a session token (App Bridge makes one a request, good for a minute) and return what it says.

        Raises `Rejected` (code `session_token`) when it is not signed by our secret, not for our app, over, without an
        end, or its issuer and destination are not one shop.
        """
        import jwt
        from shopify import session_token

        claims: dict[str, Any] | None = None
        for secret in filter(None, (self.config.client_secret, self.config.old_client_secret)):
            try:
                claims = session_token.decode_from_header(f"Bearer {token}", self.config.client_id, secret)
            except (session_token.SessionTokenError, jwt.PyJWTError, ValueError, TypeError):
                continue
            break
        if claims is None:
            raise _refused("Your session in Shopify's admin has ended: reload the page", "session_token")
        # ShopifyAPI accepts a token without an end, and compares hosts only.
        ends, shop = claims.get("exp"), _host(claims.get("dest"))
        # A year that no calendar has is not an end either.
        if (
            not isinstance(ends, int | float)
            or not 0 < ends < _LAST_SECOND
            or not is_shop(shop)
            or _host(claims.get("iss")) != shop
        ):
            raise _refused("Your session in Shopify's admin has ended: reload the page", "session_token")
        return SessionClaims(
            shop=shop,
            user_id=str(claims.get("sub") or ""),
            session_id=str(claims.get("sid") or ""),
            token_id=str(claims.get("jti") or ""),
            expires_at=datetime.fromtimestamp(ends, UTC),
        )

    def exchange_session_token(self, shop: str, id_token: str) -> Grant:
        """Turn a session token into an expiring offline token of its shop (the first load of an embedded app).

        Raises `Rejected` when the token is not good or another shop's, `TransientError` when Shopify did not answer.
        """
        if self.decode_session_token(id_token).shop != shop:
            raise _refused("This session belongs to another store", "session_token")
        form = {
            "grant_type": _EXCHANGE,
            "subject_token": id_token,
            "subject_token_type": _ID_TOKEN,
            "requested_token_type": _OFFLINE,
            "expiring": "1",
        }
        return self._token("exchangeToken", shop, form)

    # ── refreshing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def refresh(self, refresh_token: str, *, key: str = "") -> Grant:
        """Return a fresh pair for the shop `key`. The new pair must be stored before it is used: the old one dies then.

        Since 2026-08-28 the old refresh token works until the new access token is first used, so an unanswered refresh
        (`TransientError`) may be repeated. Raises `AuthorizationExpired` when the merchant must open the app again.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        try:
            return self._token("refreshToken", key, form)
        except Rejected as refused:
            raise AuthorizationExpired(
                "Shopify no longer accepts this store's token",
                platform=PLATFORM,
                operation="refreshToken",
                status=refused.status,
            ) from None

    def _token(self, operation: str, shop: str, form: Mapping[str, str]) -> Grant:
        """Ask the shop's token endpoint and return the grant."""
        caller = Caller(
            platform=PLATFORM,
            base_url=self.config.url(shop),
            tokens=None,
            limiter=NoLimiter(),
            account=shop,
            deadlines=self.config.deadlines,
            user_agent=self.config.user_agent,
        )
        asked = datetime.now(UTC)
        reply = caller.call(
            operation,
            "POST",
            TOKEN_PATH,
            data={"client_id": self.config.client_id, "client_secret": self.config.client_secret, **form},
            auth=False,
        )
        if not reply.ok:
            raise _not_granted(reply)
        answer = reply.json()
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise UnexpectedReply("Shopify's answer holds no access token", platform=PLATFORM, operation=operation)
        return Grant(
            key=shop,
            access_token=answer["access_token"],
            access_expires_at=_after(asked, answer.get("expires_in")),
            refresh_token=str(answer.get("refresh_token") or ""),
            refresh_expires_at=_after(asked, answer.get("refresh_token_expires_in")),
            scopes=tuple(scope for scope in str(answer.get("scope") or "").split(",") if scope),
        )


def _refused(sentence: str, code: str) -> Rejected:
    return Rejected(sentence, code=code, platform=PLATFORM, operation="authorize")


def _host(address: Any) -> str:
    """Return the host of an https address without port or user, "" for anything else."""
    try:
        parts = urlsplit(address) if isinstance(address, str) else None
    except ValueError:
        parts = None
    return parts.netloc if parts is not None and parts.scheme == "https" else ""


def _after(asked: datetime, seconds: Any) -> datetime | None:
    return asked + timedelta(seconds=float(seconds)) if isinstance(seconds, int | float) else None


def _not_granted(reply: Reply) -> ConnectorError:
    """Return the error of a token endpoint that said no. Its words may repeat what we sent: only its code is used."""
    code = ""
    if "json" in reply.headers.get("Content-Type", ""):
        answer = reply.json()
        code = str(answer.get("error") or "") if isinstance(answer, dict) else ""
    if code in _OUR_OWN:
        return UnexpectedReply(
            "Shopify does not accept our app's own client id or secret (SALESTIO_SHOPIFY_CLIENT_ID, _CLIENT_SECRET)",
            platform=PLATFORM,
            operation=reply.operation,
            status=reply.status,
        )
    if reply.status in (402, 423):
        return TransientError(
            "The store is frozen or locked", platform=PLATFORM, operation=reply.operation, status=reply.status
        )
    return Rejected(
        "Shopify did not accept this sign-in: open the app from your Shopify admin again",
        code=code[:60] or str(reply.status),
        platform=PLATFORM,
        operation=reply.operation,
        status=reply.status,
    )
