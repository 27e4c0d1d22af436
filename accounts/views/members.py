"""Settings → Members and Settings → API tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import audit, authentication, merchants
from accounts.access import check, invitation_for, may, membership_for, needs
from accounts.forms import InviteForm, TokenForm
from accounts.models import ApiToken, Invitation, Membership, Role, StorePerson
from accounts.rendering import ask_first, page
from accounts.views.settings import navigation
from salestio import tenancy


@needs(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def members(request: HttpRequest) -> HttpResponse:
    """List members and open invitations; an owner invites by mail."""
    form = InviteForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        check(request, Role.OWNER)
    if form.is_valid():
        try:
            sent = merchants.invite(
                merchant_id=request.merchant_id,  # type: ignore[attr-defined]
                merchant_name=request.merchant.name,  # type: ignore[attr-defined]
                by=request.user if request.user.is_authenticated else None,
                actor=request.actor,  # type: ignore[attr-defined]
                **form.cleaned_data,
            )
        except merchants.MemberRefused as refused:
            form.add_error("email", str(refused))
        else:
            email = form.cleaned_data["email"]
            if sent:
                messages.success(request, f"Invitation sent to {email}")
            else:
                messages.error(request, f"The mail to {email} was not taken by the mail server. Invite again later.")
            return redirect("accounts:members")
    return _members_page(request, form, status=400 if form.is_bound else 200)


def _members_page(request: HttpRequest, form: InviteForm, *, status: int, refused: str = "") -> HttpResponse:
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    with tenancy.scope(merchant_id):
        found = Membership.objects.filter(merchant_ref=merchant_id).select_related("user").order_by("created_at", "pk")
        context: dict[str, Any] = {
            "members": list(found),
            "invitations": list(
                Invitation.objects.filter(merchant_ref=merchant_id, accepted_at=None).order_by("email")
            ),
            "people": list(StorePerson.objects.select_related("store").order_by("store_id", "first_seen_at")),
            "roles": Role.choices,
            "form": form,
            "refused": refused,
            "may_own": may(request.role, Role.OWNER),  # type: ignore[attr-defined]
        } | navigation(here="members")
        return page(request, "accounts/members.html", context, status=status)


@needs(Role.OWNER)
@require_POST
def member(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a member's role, or take the member out once that was confirmed. The last owner stays."""
    try:
        with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
            found = membership_for(request, pk)
            if "remove" in request.POST and not request.POST.get("confirmed"):
                merchants.check_removal(found)
                return _ask_removal(request, found)
            if "remove" in request.POST:
                merchants.remove(found, actor=request.actor)  # type: ignore[attr-defined]
                words = f"{found.user.email} is no longer a member"
            else:
                merchants.change_role(found, request.POST.get("role", ""), actor=request.actor)  # type: ignore[attr-defined]
                words = f"{found.user.email} is now {found.get_role_display().lower()}"
    except merchants.MemberRefused as refused:
        response = _members_page(request, InviteForm(), status=409, refused=str(refused))
        if request.headers.get("HX-Target") == "dialog":
            # There is nothing to confirm: the page itself says why, not the dialog.
            response["HX-Retarget"] = "body"
        return response
    messages.success(request, words)
    return redirect("accounts:members")


def _ask_removal(request: HttpRequest, found: Membership) -> HttpResponse:
    context = {
        "member": found, "myself": found.user == request.user, "back": reverse("accounts:members"),
        "tokens": len(merchants.tokens_of(found.merchant_ref)),
    }  # fmt: skip
    return ask_first(request, "accounts/member_remove.html", context)


@needs(Role.OWNER)
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw an invitation: its link stops working."""
    with tenancy.scope(request.merchant_id):  # type: ignore[attr-defined]
        found = invitation_for(request, pk)
        audit.note(actor=request.actor, action="member.invitation_withdrawn", subject=found.email)  # type: ignore[attr-defined]
        email = found.email
        found.delete()
    messages.success(request, f"Invitation of {email} withdrawn")
    return redirect("accounts:members")


@needs(Role.OWNER)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """List API tokens by their last four signs; a new one is shown once, on the answer to its making."""
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    form = TokenForm(request.POST if request.method == "POST" else None)
    new_text = ""
    if request.method == "POST" and form.is_valid():
        with tenancy.scope(merchant_id):
            token, new_text = authentication.issue(merchant_id=merchant_id, **form.cleaned_data)
            audit.note(
                actor=request.actor,  # type: ignore[attr-defined]
                action="token.made",
                subject=str(token),
                after={"role": token.role},
            )
        form = TokenForm()
    with tenancy.scope(merchant_id):
        context = {"tokens": merchants.tokens_of(merchant_id), "form": form, "new_text": new_text} | navigation(
            here="tokens"
        )
        return page(request, "accounts/tokens.html", context, status=400 if form.is_bound else 200)


@needs(Role.OWNER)
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke an API token: from now on it opens nothing."""
    merchant_id: int = request.merchant_id  # type: ignore[attr-defined]
    token = ApiToken.objects.filter(merchant_ref=merchant_id, pk=pk).first()
    if token is None:
        raise Http404("There is no such token.")
    with tenancy.scope(merchant_id):
        authentication.revoke(token)
        audit.note(actor=request.actor, action="token.revoked", subject=str(token))  # type: ignore[attr-defined]
    messages.success(request, f"{token.name} revoked")
    return redirect("accounts:tokens")
