"""The consent dance with Etsy: OAuth 2 with PKCE. No database, no session, no cache of sellers.

Etsy makes PKCE compulsory (S256). The verifier is made of our shared secret and the state, so nobody has to keep it
between the two halves, and nobody who lacks the secret can make it. Access tokens live an hour, refresh tokens 90 days;
every refresh brings a new refresh token and ends the old one, so a shop nobody asks about for 90 days is lost.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from connectors.contract.errors import AuthorizationExpired, ConnectorError, Rejected, TransientError, UnexpectedReply
from connectors.contract.types import Grant
from connectors.etsy import errors
from connectors.etsy.config import PLATFORM, EtsyConfig
from connectors.etsy.reading import count, number_id
from connectors.http import Caller, Reply
from connectors.ratelimit import NoLimiter

ACCESS_SECONDS = 3600
REFRESH_DAYS = 90

_OUR_OWN = frozenset({"invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type"})
"""OAuth errors about our application, which no seller can mend."""


class EtsyAuth:
    """Implements `Authorization` for Etsy. Thread-safe."""

    platform = PLATFORM

    def __init__(self, config: EtsyConfig) -> None:
        self.config = config
        self._tokens = self._caller(f"{config.token.rstrip('/')}/v3/public")
        self._api = self._caller(f"{config.api.rstrip('/')}/v3/application")

    def authorize_url(
        self, *, state: str, redirect_uri: str, region: str = "", site: str = "", store_key: str = ""
    ) -> str:
        """Return Etsy's consent page. Etsy knows no regions and accepts only registered https callbacks."""
        query = {
            "response_type": "code",
            "client_id": self.config.keystring,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.config.scopes),
            "state": state,
            "code_challenge": _base64url(hashlib.sha256(self.verifier(state).encode()).digest()),
            "code_challenge_method": "S256",
        }
        return f"{self.config.site.rstrip('/')}/oauth/connect?{urlencode(query, quote_via=quote)}"

    def verifier(self, state: str) -> str:
        """Return the PKCE verifier of a consent, 43 characters, the same for the same state."""
        mixed = hmac.new(self.config.shared_secret.encode(), f"pkce:{state}".encode(), hashlib.sha256)
        return _base64url(mixed.digest())

    def exchange(self, *, query: dict[str, str], redirect_uri: str) -> Grant:
        """Turn Etsy's return into the seller's tokens; the caller has checked `state`, which must be in the query.

        Asks Etsy once more whose shop it is; the shop's id is the grant's key. Raises `Rejected` with a sentence when
        the seller said no, has no shop, something is missing, or the code is too old or used; `TransientError` when
        Etsy did not answer; `UnexpectedReply` when it refuses our own application.
        """
        if query.get("error"):
            raise Rejected("The request was declined at Etsy", code=query["error"], platform=PLATFORM)
        code, state = query.get("code", "").strip(), query.get("state", "")
        if not code or not state:
            raise Rejected("Etsy's answer is not complete; please connect again", code="incomplete", platform=PLATFORM)
        too_late = Rejected(
            "Etsy's code was used already or is too old; please connect again", code="invalid_grant", platform=PLATFORM
        )
        answer = self._token(
            "exchangeCode",
            {
                "grant_type": "authorization_code",
                "redirect_uri": redirect_uri,
                "code": code,
                "code_verifier": self.verifier(state),
            },
            {"invalid_grant": too_late, "invalid_request": too_late},
        )
        access, refresh = str(answer["access_token"]), str(answer.get("refresh_token") or "")
        if not refresh:
            raise UnexpectedReply("Etsy gave no refresh token", platform=PLATFORM, operation="exchangeCode")
        return self._grant(self._shop_id(access), answer, refresh)

    def refresh(self, refresh_token: str, *, key: str = "") -> Grant:
        """Return a fresh pair of tokens; the old refresh token is dead with Etsy's answer, so store the new one first.

        `key` is the shop's id, handed through. Raises `AuthorizationExpired` when the permission ended,
        `UnexpectedReply` when Etsy refuses our own application.
        """
        ended = AuthorizationExpired(
            "The seller's permission ended at Etsy", platform=PLATFORM, operation="refreshToken"
        )
        answer = self._token(
            "refreshToken", {"grant_type": "refresh_token", "refresh_token": refresh_token}, {"invalid_grant": ended}
        )
        return self._grant(key, answer, str(answer.get("refresh_token") or "") or refresh_token)

    def _token(self, operation: str, form: dict[str, str], known: dict[str, ConnectorError]) -> dict[str, Any]:
        # Not a write: nothing is made that matters. A refresh whose answer is lost may have ended the old token; the
        # caller tries once more and then asks the merchant to connect again (MECHANISMS 10).
        reply = self._tokens.call(
            operation,
            "POST",
            "/oauth/token",
            data={**form, "client_id": self.config.keystring},
            headers={"Content-Type": "application/x-www-form-urlencoded", "x-api-key": self.config.api_key},
            auth=False,
        )
        body = reply.json()
        if reply.ok and isinstance(body, dict) and isinstance(body.get("access_token"), str) and body["access_token"]:
            return body
        error, _ = errors.texts(reply)
        if error in known:
            raise known[error]
        if error in _OUR_OWN or errors.our_key_refused(reply):
            raise UnexpectedReply(
                f"Etsy refuses our application's own key or scopes ({error}); the operator must look",
                platform=PLATFORM,
                operation=operation,
                status=reply.status,
            )
        raise TransientError(
            f"Etsy's token service answered {error or reply.status}",
            platform=PLATFORM,
            operation=operation,
            status=reply.status,
        )

    def _shop_id(self, access_token: str) -> str:
        """Return the shop of whoever this token belongs to. Raises `Rejected` for a user without a shop."""
        reply = self._api.call(
            "getMe",
            "GET",
            "/users/me",
            headers={"x-api-key": self.config.api_key, "Authorization": f"Bearer {access_token}"},
            auth=False,
        )
        if reply.status >= 400 and reply.status != 404:
            raise self._nobody(reply)
        body = reply.json()
        shop_id = number_id(body, "shop_id") if isinstance(body, dict) and reply.ok else ""
        if not shop_id:
            raise Rejected(
                "This Etsy user has no shop; please sign in at Etsy as the owner of the shop, and connect again",
                code="no_shop",
                platform=PLATFORM,
            )
        return shop_id

    @staticmethod
    def _nobody(reply: Reply) -> ConnectorError:
        refusal = errors.rejection(reply)
        if isinstance(refusal, UnexpectedReply):
            return refusal
        return UnexpectedReply(
            "Etsy did not say which shop agreed", platform=PLATFORM, operation=reply.operation, status=reply.status
        )

    def _grant(self, key: str, answer: dict[str, Any], refresh_token: str) -> Grant:
        now = datetime.now(UTC)
        return Grant(
            key=key,
            access_token=answer["access_token"],
            access_expires_at=now + timedelta(seconds=count(answer.get("expires_in")) or ACCESS_SECONDS),
            refresh_token=refresh_token,
            refresh_expires_at=now + timedelta(days=REFRESH_DAYS),
            scopes=self.config.scopes,
        )

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


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
