"""The one door to each object, and who may pass it. What is not yours is answered 404, never 403.

Call these inside a scope: row-level security makes another merchant's row simply not exist here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from accounts.models import Invitation, MarketplaceAccount, Membership, Role, Store

RANK: dict[str, int] = {Role.VIEWER: 1, Role.MANAGER: 2, Role.OWNER: 3}
"""Who may do what: a viewer looks, a manager acts, an owner also manages members, tokens and connections' removal."""

View = TypeVar("View", bound=Callable[..., HttpResponse])


def may(role: str, needed: str) -> bool:
    """Say whether somebody with `role` may do what asks for `needed`."""
    return RANK.get(role, 0) >= RANK[needed]


def needs(role: str) -> Callable[[View], View]:
    """Let only members with at least this role in; others get 403 with a sentence. Raises `PermissionDenied`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            check(request, role)
            return view(request, *args, **kwargs)

        guarded.needed_role = role  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def check(request: HttpRequest, role: str) -> None:
    """Raise `PermissionDenied` with a sentence unless the request's member has at least this role."""
    if not may(getattr(request, "role", ""), role):
        raise PermissionDenied(f"This needs the role {Role(role).label}. An owner can change your role under Members.")


def calls_out(view: View) -> View:
    """Mark a GET view that may call a platform: it gets no scope from the middleware and opens short ones itself."""
    view.calls_out = True  # type: ignore[attr-defined]
    return view


def store_for(request: HttpRequest, pk: int) -> Store:
    """Return the merchant's store. Raises `Http404` when it is not theirs or not there."""
    store = Store.objects.filter(merchant_id=_merchant_of(request), pk=pk).first()
    if store is None:
        raise Http404("There is no such store.")
    return store


def marketplace_account_for(request: HttpRequest, pk: int) -> MarketplaceAccount:
    """Return the merchant's marketplace account with its store. Raises `Http404` when it is not theirs or not there."""
    found = MarketplaceAccount.objects.select_related("store").filter(merchant_id=_merchant_of(request), pk=pk).first()
    if found is None:
        raise Http404("There is no such account.")
    return found


def membership_for(request: HttpRequest, pk: int) -> Membership:
    """Return a membership of the merchant with its user. Raises `Http404` when it is not theirs or not there."""
    found = Membership.objects.select_related("user").filter(merchant_ref=_merchant_of(request), pk=pk).first()
    if found is None:
        raise Http404("There is no such member.")
    return found


def invitation_for(request: HttpRequest, pk: int) -> Invitation:
    """Return an open invitation of the merchant. Raises `Http404` when it is not theirs or not there."""
    found = Invitation.objects.filter(merchant_ref=_merchant_of(request), pk=pk, accepted_at=None).first()
    if found is None:
        raise Http404("There is no such invitation.")
    return found


def _merchant_of(request: HttpRequest) -> int:
    merchant_id = getattr(request, "merchant_id", None)
    if not isinstance(merchant_id, int):
        raise Http404("No merchant is active.")
    return merchant_id
