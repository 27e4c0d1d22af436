"""Installing and signing in: the code exchange, and the signed payloads of load, uninstall and remove-user.

Installing starts in BigCommerce's app market: BigCommerce sends the browser to our callback with a code. There is no
`state` and no signature on that request; that the code can be exchanged, with our secret, is what proves it. Tokens do
not end by themselves: they die when the app is removed or its scopes change, and the callback comes again then.
Facts: BigCommerce's guide to single-click apps (auth, callbacks).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.bigcommerce.config import PLATFORM, BigCommerceConfig, is_store_hash
from connectors.contract.errors import AuthorizationExpired, ConnectorError, Rejected, TransientError, UnexpectedReply
from connectors.contract.types import Grant
from connectors.http import Caller, Reply
from connectors.ratelimit import NoLimiter

TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path
ISSUER = "bc"
LEEWAY_SECONDS = 10.0
"""How far BigCommerce's clock may be from ours."""

_ALGORITHMS = ("HS256", "HS512")
_CONTEXT = re.compile(r"stores/([a-z0-9]+)")
_LONGEST_TOKEN = 8192
_LATEST = 4e9
"""Unix time of the year 2096; a date beyond is none."""
_OUR_OWN = frozenset({"invalid_client", "unauthorized_client"})
"""Errors about our application, which no merchant can mend."""


@dataclass(frozen=True, slots=True)
class PayloadClaims:
    """What a verified `signed_payload_jwt` says: which store, who asks, who owns it, which page was meant."""

    store_hash: str
    user_id: str
    user_email: str
    owner_id: str
    owner_email: str
    url: str
    token_id: str = ""
    """The payload's own id; it is good for a day, so whoever must not serve it twice notes it."""
    issued_at: datetime | None = None
    """When BigCommerce signed it (UTC)."""


@dataclass(frozen=True, slots=True)
class InstallUser:
    """Who installed the app, and who owns the store."""

    id: str
    email: str
    owner_id: str
    owner_email: str


class BigCommerceAuth:
    """Implements `Authorization` for BigCommerce, and what embedded pages need. Thread-safe."""

    platform = PLATFORM

    def __init__(self, config: BigCommerceConfig) -> None:
        self.config = config

    def authorize_url(
        self, *, state: str, redirect_uri: str, region: str = "", site: str = "", store_key: str = ""
    ) -> str:
        """Raise `Rejected` (code `app_market`): installing starts in BigCommerce's own market, at `config.app_store`."""
        raise _refused("A BigCommerce store is added from BigCommerce's app market", "app_market")

    def exchange(self, *, query: dict[str, str], redirect_uri: str) -> Grant:
        """Turn the install callback's query into the store's token; see `exchange_with_user`."""
        return self.exchange_with_user(query, redirect_uri)[0]

    def exchange_with_user(self, query: Mapping[str, str], redirect_uri: str) -> tuple[Grant, InstallUser]:
        """Turn the install callback's query (code, scope, context) into the store's token, and say who installed it.

        `redirect_uri` is the callback's own address, exactly as registered. Raises `Rejected` with a sentence when the
        query is not whole, the code is not genuine or was used, or it belongs to another store than it says;
        `TransientError` when BigCommerce did not answer.
        """
        code, context = query.get("code", ""), query.get("context", "")
        store_hash = _hash_of(context)
        if not store_hash:
            raise _refused("This link does not name a BigCommerce store", "store")
        if not code:
            raise _refused("BigCommerce sent no code: the installation was not agreed to", "code")
        answer = self._ask(
            {
                "client_id": self.config.client_id,
                "client_secret": self.config.client_secret,
                "code": code,
                "context": context,
                "scope": query.get("scope", ""),
                "grant_type": "authorization_code",
                "redirect_uri": redirect_uri,
            },
            store_hash,
        )
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise _unexpected("BigCommerce's answer holds no access token")
        # The query came through a browser; only the answer says whose the token is.
        if _hash_of(str(answer.get("context") or "")) != store_hash:
            raise _refused("This code belongs to another store", "store")
        scopes = tuple(str(answer.get("scope") or "").split())
        return Grant(key=store_hash, access_token=token, scopes=scopes), _user_of(answer)

    def refresh(self, refresh_token: str, *, key: str = "") -> Grant:
        """Raise `AuthorizationExpired`: BigCommerce's tokens are not renewed, the app is installed or opened again."""
        raise AuthorizationExpired(
            "BigCommerce no longer accepts this store's token: open the app in the store's control panel",
            platform=PLATFORM,
            operation="refreshToken",
        )

    def decode_payload(self, token: str) -> PayloadClaims:
        """Verify a `signed_payload_jwt` (load, uninstall, remove-user) and return what it says.

        Raises `Rejected` (code `signed_payload`) when it is not signed by our secret, not by BigCommerce, not for our
        app, over, without an end, or names no store.
        """
        claims = None
        for secret in filter(None, (self.config.client_secret, self.config.old_client_secret)):
            claims = claims or self._verified(token, secret)
        if claims is None:
            raise _refused("Your session in BigCommerce has ended: open the app again", "signed_payload")
        store_hash = _hash_of(str(claims.get("sub") or ""))
        if not store_hash:
            raise _refused("This link does not name a BigCommerce store", "signed_payload")
        user, owner = _dict(claims.get("user")), _dict(claims.get("owner"))
        return PayloadClaims(
            store_hash=store_hash,
            user_id=_text(user.get("id")),
            user_email=_text(user.get("email")),
            owner_id=_text(owner.get("id")),
            owner_email=_text(owner.get("email")),
            url=_text(claims.get("url")),
            token_id=_text(claims.get("jti")),
            issued_at=_instant(claims.get("iat")),
        )

    def _verified(self, token: str, secret: str) -> Mapping[str, Any] | None:
        """Return the claims of a payload that this secret signed and that is good in every part, None for any other."""
        import jwt

        if len(token) > _LONGEST_TOKEN:
            return None
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                secret,
                algorithms=_ALGORITHMS,
                audience=self.config.client_id,
                issuer=ISSUER,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            return None
        return claims

    def _ask(self, form: Mapping[str, str], store_hash: str) -> Mapping[str, Any]:
        """Ask the token endpoint and return its answer."""
        caller = Caller(
            platform=PLATFORM,
            base_url=self.config.login_url,
            tokens=None,
            limiter=NoLimiter(),
            account=store_hash,
            deadlines=self.config.deadlines,
            user_agent=self.config.user_agent,
        )
        reply = caller.call("exchangeCode", "POST", TOKEN_PATH, json=form, auth=False)
        if not reply.ok:
            raise _not_granted(reply)
        return _dict(reply.json())


def _user_of(answer: Mapping[str, Any]) -> InstallUser:
    user, owner = _dict(answer.get("user")), _dict(answer.get("owner"))
    return InstallUser(
        id=_text(user.get("id")),
        email=_text(user.get("email")),
        owner_id=_text(owner.get("id")),
        owner_email=_text(owner.get("email")),
    )


def _hash_of(context: str) -> str:
    """Return the store hash of `stores/{hash}`, "" for anything else."""
    found = _CONTEXT.fullmatch(context)
    return found.group(1) if found and is_store_hash(found.group(1)) else ""


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _instant(seconds: Any) -> datetime | None:
    """Return a claim's Unix time, None for anything that is none."""
    fits = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < _LATEST
    return datetime.fromtimestamp(seconds, UTC) if fits else None


def _refused(sentence: str, code: str) -> Rejected:
    return Rejected(sentence, code=code, platform=PLATFORM, operation="authorize")


def _unexpected(sentence: str, status: int | None = None) -> UnexpectedReply:
    return UnexpectedReply(sentence, platform=PLATFORM, operation="exchangeCode", status=status)


def _not_granted(reply: Reply) -> ConnectorError:
    """Return the error of a token endpoint that said no. Its words may repeat what we sent: only its code is used."""
    code = ""
    if "json" in reply.headers.get("Content-Type", ""):
        code = _text(_dict(reply.json()).get("error"))
    if code in _OUR_OWN:
        return _unexpected(
            "BigCommerce does not accept our app's own client id or secret"
            " (SALESTIO_BIGCOMMERCE_CLIENT_ID, _CLIENT_SECRET)",
            reply.status,
        )
    if reply.status in (402, 423):
        return TransientError(
            "The store is suspended or locked", platform=PLATFORM, operation=reply.operation, status=reply.status
        )
    return Rejected(
        "BigCommerce did not accept this installation: install the app again from the app market",
        code=code[:60] or str(reply.status),
        platform=PLATFORM,
        operation=reply.operation,
        status=reply.status,
    )
