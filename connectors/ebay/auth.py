"""The consent dance with eBay (OAuth 2 authorization code). No database, no session, no cache of sellers.

eBay sends the browser back with a code good for five minutes, which becomes an access token of two hours and a refresh
token of 18 months. Refreshing does not lengthen those 18 months: then, or when the seller or eBay takes the permission
back, the seller must agree anew. `redirect_uri` is no address but our RuName, eBay's name for the callback address.
"""

from __future__ import annotations

import base64
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from connectors.apptokens import HeldAppToken
from connectors.contract.errors import AuthorizationExpired, ConnectorError, Rejected, TransientError, UnexpectedReply
from connectors.contract.types import Grant
from connectors.ebay.config import PLATFORM, EbayConfig
from connectors.http import Caller, Reply
from connectors.ratelimit import NoLimiter

APP_SCOPE = "https://api.ebay.com/oauth/api_scope"

ACCESS_SECONDS = 7200
"""What eBay documents, for an answer that tells no lifetime."""

_OUR_OWN = frozenset(
    {"invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type", "invalid_request"}
)
"""OAuth errors about our application, which no seller can mend."""


class EbayAuth:
    """Implements `Authorization` for eBay. Thread-safe."""

    platform = PLATFORM

    def __init__(self, config: EbayConfig) -> None:
        self.config = config
        self._tokens = self._caller(config.api)
        self._identity = self._caller(config.apiz)

    def authorize_url(
        self, *, state: str, redirect_uri: str, region: str = "", site: str = "", store_key: str = ""
    ) -> str:
        """Return eBay's consent page.

        eBay knows our callback address by the RuName, so `redirect_uri` is not sent; `region` and `store_key` have no
        meaning here. `prompt=login` lets a merchant with several eBay accounts choose which one is connected.
        """
        query = {
            "client_id": self.config.client_id,
            "redirect_uri": self.config.ru_name,
            "response_type": "code",
            "scope": " ".join(self.config.scopes),
            "state": state,
            "prompt": "login",
        }
        return f"{self.config.auth.rstrip('/')}/oauth2/authorize?{urlencode(query, quote_via=quote)}"

    def exchange(self, *, query: dict[str, str], redirect_uri: str) -> Grant:
        """Turn eBay's return into the seller's tokens; the caller has checked `state`.

        Asks eBay once more for the seller's `userId`, which never changes, unlike the user name: it is the grant's key.
        Raises `Rejected` with a sentence when the seller said no, something is missing, or the code is too old or used;
        `TransientError` when eBay did not answer; `UnexpectedReply` when it refuses our own application.
        """
        if query.get("error"):
            raise Rejected("The request was declined at eBay", code=query["error"], platform=PLATFORM)
        code = query.get("code", "").strip()
        if not code:
            raise Rejected("eBay's answer is not complete; please connect again", code="incomplete", platform=PLATFORM)
        answer = self._token(
            "exchangeCode",
            {"grant_type": "authorization_code", "code": code, "redirect_uri": self.config.ru_name},
            invalid_grant=Rejected(
                "eBay's code was used already or is older than five minutes; please connect again",
                code="invalid_grant",
                platform=PLATFORM,
            ),
        )
        grant = self._grant("", answer)
        if not grant.refresh_token:
            raise UnexpectedReply("eBay gave no refresh token", platform=PLATFORM, operation="exchangeCode")
        return replace(grant, key=self._user_id(grant.access_token), scopes=self.config.scopes)

    def refresh(self, refresh_token: str, *, key: str = "") -> Grant:
        """Return a fresh access token; `key` is the seller's userId, handed through.

        The grant repeats the refresh token, which eBay never changes, and says nothing about its end
        (`refresh_expires_at` is None): keep what `exchange` said. Raises `AuthorizationExpired` when the permission
        ended, `UnexpectedReply` when eBay refuses our own application.
        """
        # No scope is sent: a scope our settings gained later would be refused for sellers who agreed before.
        answer = self._token(
            "refreshToken",
            {"grant_type": "refresh_token", "refresh_token": refresh_token},
            invalid_grant=AuthorizationExpired(
                "The seller's permission ended at eBay", platform=PLATFORM, operation="refreshToken"
            ),
        )
        grant = self._grant(key, answer)
        return replace(grant, refresh_token=grant.refresh_token or refresh_token, refresh_expires_at=None)

    def app_token(self) -> Grant:
        """Return a token for calls in our application's own name (no seller behind it)."""
        answer = self._token(
            "appToken",
            {"grant_type": "client_credentials", "scope": APP_SCOPE},
            invalid_grant=UnexpectedReply(
                "eBay refuses a token to our application", platform=PLATFORM, operation="appToken"
            ),
        )
        return self._grant("", answer)

    def _token(self, operation: str, form: dict[str, str], *, invalid_grant: ConnectorError) -> dict[str, Any]:
        pair = f"{self.config.client_id}:{self.config.client_secret}".encode()
        # Not a write: nothing is made that matters, and asking twice does no harm (a code used up says so).
        reply = self._tokens.call(
            operation,
            "POST",
            "/identity/v1/oauth2/token",
            data=form,
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Authorization": "Basic " + base64.b64encode(pair).decode(),
            },
            auth=False,
        )
        body = reply.json()
        if isinstance(body, dict) and reply.ok and isinstance(body.get("access_token"), str) and body["access_token"]:
            return body
        raise self._refusal(reply, body, invalid_grant)

    @staticmethod
    def _refusal(reply: Reply, body: Any, invalid_grant: ConnectorError) -> ConnectorError:
        error = str(body.get("error") or "server_error") if isinstance(body, dict) else "server_error"
        if error == "invalid_grant":
            return invalid_grant
        if error in _OUR_OWN:
            return UnexpectedReply(
                f"eBay refuses our application's own id, secret or scopes ({error}); the operator must look",
                platform=PLATFORM,
                operation=reply.operation,
                status=reply.status,
            )
        return TransientError(
            f"eBay's token service answered {error}",
            platform=PLATFORM,
            operation=reply.operation,
            status=reply.status,
        )

    def _user_id(self, access_token: str) -> str:
        """Return the userId of whoever this token belongs to."""
        operation = "getUser"
        reply = self._identity.call(
            operation,
            "GET",
            "/commerce/identity/v1/user/",
            headers={"Authorization": f"Bearer {access_token}"},
            auth=False,
        )
        body = reply.json()
        user_id = body.get("userId") if isinstance(body, dict) and reply.ok else None
        if not isinstance(user_id, str) or not user_id:
            raise UnexpectedReply(
                "eBay did not say which seller agreed", platform=PLATFORM, operation=operation, status=reply.status
            )
        return user_id

    def _caller(self, base_url: str) -> Caller:
        return Caller(
            platform=PLATFORM,
            base_url=base_url,
            tokens=None,
            limiter=NoLimiter(),
            account="oauth",
            deadlines=self.config.deadlines,
            user_agent=self.config.user_agent,
        )

    @staticmethod
    def _grant(key: str, answer: dict[str, Any]) -> Grant:
        now = datetime.now(UTC)
        access = _seconds(answer.get("expires_in")) or ACCESS_SECONDS
        refresh = _seconds(answer.get("refresh_token_expires_in"))
        return Grant(
            key=key,
            access_token=answer["access_token"],
            access_expires_at=now + timedelta(seconds=access),
            refresh_token=str(answer.get("refresh_token") or ""),
            refresh_expires_at=now + timedelta(seconds=refresh) if refresh else None,
        )


def _seconds(value: Any) -> int:
    try:
        return max(0, int(value))
    except (TypeError, ValueError):
        return 0


class AppTokens(HeldAppToken):
    """A `TokenSource` for our application's own calls: one token a process, renewed ahead of its end. Thread-safe.

    eBay hands out 1,000 such tokens a day, so they are never asked for per call.
    """

    _all: dict[EbayConfig, AppTokens] = {}
    _all_lock = threading.Lock()

    @classmethod
    def shared(cls, config: EbayConfig) -> AppTokens:
        """Return the process's one source for this application."""
        with cls._all_lock:
            found = cls._all.get(config)
            if found is None:
                found = cls._all[config] = cls(EbayAuth(config))
            return found
