"""The consent dance with Amazon: Login with Amazon and Seller Central. No database, no session, no cache of sellers.

Website workflow: the seller agrees in Seller Central, Amazon sends the browser back with a code good for five minutes,
which becomes a refresh token. A seller must agree anew every 365 days; the refresh token itself does not rotate.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from connectors.amazon import sites
from connectors.amazon.config import AmazonConfig
from connectors.apptokens import HeldAppToken
from connectors.contract.errors import AuthorizationExpired, ConnectorError, Rejected, TransientError, UnexpectedReply
from connectors.contract.types import Grant
from connectors.http import Caller, Reply
from connectors.ratelimit import NoLimiter

PLATFORM = "amazon"
NOTIFICATIONS_SCOPE = "sellingpartnerapi::notifications"
AUTHORIZATION_DAYS = 365

_OUR_OWN = frozenset({"invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type"})
"""Login with Amazon's errors about our application, which no seller can mend."""


class AmazonAuth:
    """Implements `Authorization` for Amazon. Thread-safe."""

    platform = PLATFORM

    def __init__(self, config: AmazonConfig) -> None:
        self.config = config
        self._caller = Caller(
            platform=PLATFORM,
            base_url=config.lwa,
            tokens=None,
            limiter=NoLimiter(),
            account="lwa",
            deadlines=config.deadlines,
            user_agent=config.user_agent,
        )

    def authorize_url(
        self, *, state: str, redirect_uri: str, region: str = "", site: str = "", store_key: str = ""
    ) -> str:
        """Return the consent page of a region (na, eu, fe); in the Far East each site has a Seller Central of its own.

        Amazon accepts only registered redirect addresses, and not localhost. `store_key` has no meaning here.
        """
        query = {"application_id": self.config.application_id, "state": state, "redirect_uri": redirect_uri}
        if self.config.draft:
            query["version"] = "beta"
        where = site if site and region == "fe" else region or "na"
        return f"{self._seller_central(where)}/apps/authorize/consent?{urlencode(query)}"

    def appstore_url(self, *, query: dict[str, str], state: str, redirect_uri: str) -> str:
        """Return where to send a seller who started in Amazon's app store and came to our login address.

        `query` is Amazon's (amazon_callback_uri, amazon_state, selling_partner_id). Raises `Rejected` when the callback
        is not Seller Central's, because whoever made that link wants our seller's consent elsewhere.
        """
        try:
            callback = urlsplit(query.get("amazon_callback_uri", ""))
        except ValueError:
            callback = urlsplit("")
        if f"{callback.scheme}://{callback.netloc}" not in self._seller_central_origins():
            raise Rejected("This link did not come from Amazon", code="callback", platform=PLATFORM)
        answer = {"amazon_state": query.get("amazon_state", ""), "state": state, "redirect_uri": redirect_uri}
        if self.config.draft:
            answer["version"] = "beta"
        return f"{callback.scheme}://{callback.netloc}{callback.path}?{urlencode(answer)}"

    def exchange(self, *, query: dict[str, str], redirect_uri: str) -> Grant:
        """Turn Amazon's return into the seller's tokens; the caller has checked `state`.

        Raises `Rejected` with a sentence when the seller said no, something is missing, or the code is older than five
        minutes or used; `TransientError` when Amazon did not answer.
        """
        seller_key = query.get("selling_partner_id", "").strip()
        code = query.get("spapi_oauth_code", "").strip()
        if query.get("error"):
            raise Rejected("The request was declined at Amazon", code=query["error"], platform=PLATFORM)
        if not seller_key or not code:
            raise Rejected(
                "Amazon's answer is not complete; please connect again", code="incomplete", platform=PLATFORM
            )
        answer = self._token(
            "exchangeCode",
            {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri},
            invalid_grant=Rejected(
                "Amazon's code was used already or is older than five minutes; please connect again",
                code="invalid_grant",
                platform=PLATFORM,
            ),
        )
        grant = self._grant(seller_key, answer)
        if not grant.refresh_token:
            raise UnexpectedReply("Amazon gave no refresh token", platform=PLATFORM, operation="exchangeCode")
        return grant

    def refresh(self, refresh_token: str, *, key: str = "") -> Grant:
        """Return a fresh access token; `key` is the seller's id, handed through.

        The grant repeats the refresh token unless Amazon gave a new one, and says nothing about the end of the
        authorization (`refresh_expires_at` is None): keep what `exchange` said. Raises `AuthorizationExpired` when the
        seller withdrew or the year is over, `UnexpectedReply` when Amazon refuses our own application.
        """
        answer = self._token(
            "refreshToken",
            {"grant_type": "refresh_token", "refresh_token": refresh_token},
            invalid_grant=AuthorizationExpired(
                "The seller's permission ended at Amazon", platform=PLATFORM, operation="refreshToken"
            ),
        )
        grant = self._grant(key, answer)
        return Grant(
            key=key,
            access_token=grant.access_token,
            access_expires_at=grant.access_expires_at,
            refresh_token=grant.refresh_token or refresh_token,
        )

    def app_token(self, scope: str = NOTIFICATIONS_SCOPE) -> Grant:
        """Return a token for calls in our application's own name (no seller behind it)."""
        answer = self._token(
            "appToken",
            {"grant_type": "client_credentials", "scope": scope},
            invalid_grant=UnexpectedReply(
                "Amazon refuses a token to our application", platform=PLATFORM, operation="appToken"
            ),
        )
        return self._grant("", answer)

    def _token(self, operation: str, form: dict[str, str], *, invalid_grant: ConnectorError) -> dict[str, Any]:
        """Ask for a token; while our secret is being rotated, with the next one too."""
        reply, error = self._ask(operation, form, self.config.client_secret)
        if error == "invalid_client" and self.config.next_client_secret:
            reply, error = self._ask(operation, form, self.config.next_client_secret)
        if not error:
            return dict(reply.json())
        if error == "invalid_grant":
            raise invalid_grant
        if error in _OUR_OWN:
            raise UnexpectedReply(
                f"Amazon refuses our application's own id or secret ({error}); the operator must renew it",
                platform=PLATFORM,
                operation=operation,
                status=reply.status,
            )
        raise TransientError(
            f"Login with Amazon answered {error}", platform=PLATFORM, operation=operation, status=reply.status
        )

    def _ask(self, operation: str, form: dict[str, str], secret: str) -> tuple[Reply, str]:
        """Return the answer and Login with Amazon's error code, empty when it gave a token."""
        # Not a write: nothing is made that matters, and asking twice does no harm (a code used up says so).
        reply = self._caller.call(
            operation,
            "POST",
            "/auth/o2/token",
            data={**form, "client_id": self.config.client_id, "client_secret": secret},
            headers={"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"},
            auth=False,
        )
        body = reply.json()
        if not isinstance(body, dict):
            return reply, "server_error"
        if reply.ok and isinstance(body.get("access_token"), str) and body["access_token"]:
            return reply, ""
        return reply, str(body.get("error") or "server_error")

    @staticmethod
    def _grant(key: str, answer: dict[str, Any]) -> Grant:
        now = datetime.now(UTC)
        try:
            seconds = int(answer.get("expires_in", 3600))
        except (TypeError, ValueError):
            seconds = 3600
        return Grant(
            key=key,
            access_token=answer["access_token"],
            access_expires_at=now + timedelta(seconds=seconds),
            refresh_token=str(answer.get("refresh_token") or ""),
            refresh_expires_at=now + timedelta(days=AUTHORIZATION_DAYS),
        )

    def _seller_central(self, region: str) -> str:
        if self.config.seller_central:
            site = sites.BY_CODE.get(region.upper())
            return self.config.seller_central.replace("{region}", site.region if site else region).rstrip("/")
        return f"https://{sites.seller_central(region)}"

    def _seller_central_origins(self) -> set[str]:
        if self.config.seller_central:
            parts = urlsplit(self.config.seller_central)
            return {f"{parts.scheme}://{parts.netloc}"}
        return {f"https://{site.seller_central}" for site in sites.SITES if site.seller_central}


class AppTokens(HeldAppToken):
    """A `TokenSource` for our application's own calls: one token a process, renewed ahead of its end. Thread-safe."""

    _all: dict[AmazonConfig, AppTokens] = {}
    _all_lock = threading.Lock()

    @classmethod
    def shared(cls, auth: AmazonAuth) -> AppTokens:
        """Return the process's one source for this application: a hundred sellers need not ask a hundred times."""
        with cls._all_lock:
            return cls._all.setdefault(auth.config, cls(auth))
