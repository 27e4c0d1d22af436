"""API tokens: `Authorization: Bearer …` → the merchant it belongs to. The database holds hashes only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.timezone import now
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.access import may
from accounts.models import ApiToken, Role
from salestio.lib.crypto import new_token, token_hash

PREFIX = "sal_"
REFUSED = "This API token is not known or was revoked."


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the API: a token of one merchant."""

    merchant_id: int
    role: str
    name: str
    token_id: int
    is_authenticated: bool = True
    is_active: bool = True

    @property
    def pk(self) -> int:
        """Return the token's id; frameworks ask a user for it."""
        return self.token_id

    def __str__(self) -> str:
        return f"API token {self.name}"


class MerchantToken(BaseAuthentication):
    """Reads the bearer token; sets `merchant_id`, `role` and `actor` on the request."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return (Caller, ApiToken), or None when no bearer token was sent. Raises `AuthenticationFailed` (401)."""
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Send the token as 'Authorization: Bearer <token>'.")
        try:
            text = parts[1].decode("ascii")
        except UnicodeDecodeError:
            raise AuthenticationFailed(REFUSED) from None
        token = ApiToken.objects.filter(token_hash=token_hash(text), revoked_at=None).first()
        if token is None:
            raise AuthenticationFailed(REFUSED)
        _note_use(token)
        caller = Caller(token.merchant_ref, token.role, token.name, token.pk)
        targets: tuple[Any, Any] = (request, request._request)
        for target in targets:
            target.merchant_id = caller.merchant_id
            target.role = caller.role
            target.actor = str(caller)
        return caller, token

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 names in `WWW-Authenticate`."""
        return self.keyword


def _note_use(token: ApiToken) -> None:
    # At most one write a minute and token, whatever the traffic.
    if token.last_used_at is None or now() - token.last_used_at > timedelta(minutes=1):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now())


class MayAct(BasePermission):
    """Reading is for every token, writing for those of a manager or owner."""

    message = "This API token may only read."

    def has_permission(self, request: Request, view: object) -> bool:
        """Say whether the token's role allows the method."""
        return request.method in SAFE_METHODS or may(getattr(request, "role", ""), Role.MANAGER)


class MerchantTokenScheme(OpenApiAuthenticationExtension):
    """How the token is described in the OpenAPI document."""

    target_class = "accounts.authentication.MerchantToken"
    name = "merchantToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the security scheme."""
        return {"type": "http", "scheme": "bearer", "description": "A merchant's API token."}


def issue(*, merchant_id: int, name: str, role: str = Role.MANAGER, text: str = "") -> tuple[ApiToken, str]:
    """Make an API token and return it with its text, which is shown once and not kept.

    `text` is given only by the demo seed, whose tokens live in the data directory.
    """
    text = text or new_token(PREFIX)
    token = ApiToken.objects.create(
        merchant_ref=merchant_id, name=name, role=role, token_hash=token_hash(text), last_four=text[-4:]
    )
    return token, text


def revoke(token: ApiToken) -> None:
    """End a token; ending it twice does no harm."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now())
