"""Sign in, sign out, passwords, invitations, choosing a merchant."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import PasswordResetConfirmView
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import merchants, signing
from accounts.forms import ForgotForm, JoinForm, SignInForm
from accounts.middleware import CHOSEN
from accounts.models import Membership, Merchant, User
from salestio import routes, tenancy


def _safe_next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    # A bare word would be a name of one of our addresses to `redirect`, and a path relative to this page to a browser.
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return "/"


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show and take the sign-in form. A wrong password and an unknown address answer alike."""
    target = _safe_next(request)
    if request.method != "POST":
        if request.user.is_authenticated and getattr(request, "merchant_id", None):
            return HttpResponseRedirect(target)
        return render(request, "accounts/sign_in.html", {"form": SignInForm(), "next": target})
    form = SignInForm(request.POST)
    status = 400
    if form.is_valid():
        try:
            signing.sign_in(request, **form.cleaned_data)
        except signing.SignInRefused as refused:
            form.add_error(None, str(refused))
            status = 429 if refused.wait else 400
        else:
            return HttpResponseRedirect(target)
    return render(request, "accounts/sign_in.html", {"form": form, "next": target}, status=status)


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session here and on the server."""
    logout(request)
    return redirect("accounts:sign-in")


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgot(request: HttpRequest) -> HttpResponse:
    """Mail a link to set a new password. The answer is the same whether the address is known or not."""
    if request.method != "POST":
        return render(request, "accounts/forgot.html", {"form": ForgotForm()})
    form = ForgotForm(request.POST)
    if not form.is_valid():
        return render(request, "accounts/forgot.html", {"form": form}, status=400)
    email = form.cleaned_data["email"].lower()
    try:
        signing.check_limits(request, email)
    except signing.SignInRefused as refused:
        form.add_error(None, str(refused))
        return render(request, "accounts/forgot.html", {"form": form}, status=429)
    signing.note_failure(request, email)
    user = User.objects.filter(email=email, is_active=True).first()
    if user is not None:
        link = merchants.set_password_link(user)
        routes.ask("mail.send", template="reset", to=user.email, context={"link": link})
    return render(request, "accounts/forgot.html", {"sent_to": email})


@method_decorator(login_not_required, name="dispatch")
class SetPassword(PasswordResetConfirmView):
    """Set a password by a mailed link, then be signed in. The link works once and ends with the next password."""

    template_name = "accounts/set_password.html"
    success_url = reverse_lazy("accounts:merchants")
    post_reset_login = True

    def get_form(self, form_class: Any = None) -> Any:
        """Give the fields Bootstrap's class."""
        form = super().get_form(form_class)
        for field in form.fields.values():
            field.widget.attrs["class"] = "form-control"
        return form


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Follow an invitation: a known person signs in and joins, a new one chooses a name and a password."""
    found = merchants.open_invitation(token)
    if found is None:
        return render(request, "accounts/invitation_gone.html", status=410)
    with tenancy.scope(found.merchant_ref):
        merchant = Merchant.objects.get(pk=found.merchant_ref)
    known = User.objects.filter(email=found.email).first()
    context: dict[str, Any] = {"invitation": found, "merchant_name": merchant.name, "known": known is not None}
    signed_in = request.user.is_authenticated
    if request.method != "POST":
        return render(request, "accounts/invitation.html", context | {"form": JoinForm(), "signed_in": signed_in})
    if known is not None and not signed_in:
        return redirect(f"/sign-in/?next={request.path}")
    form = JoinForm(request.POST)
    if known is None and not form.is_valid():
        return render(request, "accounts/invitation.html", context | {"form": form}, status=400)
    try:
        with transaction.atomic():  # a person without a merchant must not be left behind
            user = known or User.objects.create_user(
                found.email, form.cleaned_data["password"], name=form.cleaned_data["name"]
            )
            merchants.accept(found, request.user if signed_in else user)  # type: ignore[arg-type]
    except merchants.MemberRefused as refused:
        gone = context | {"refused": str(refused), "signed_in": True, "form": form}
        return render(request, "accounts/invitation.html", gone, status=409)
    if not signed_in:
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session[CHOSEN] = found.merchant_ref
    return redirect("/")


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """List the merchants this person belongs to, and go to the chosen one."""
    if not request.user.is_authenticated:
        return redirect("accounts:sign-in")
    memberships = list(Membership.objects.filter(user_id=request.user.pk).order_by("created_at", "pk"))
    if request.method == "POST":
        chosen = next((m for m in memberships if str(m.merchant_ref) == request.POST.get("merchant")), None)
        if chosen is None:
            raise Http404("There is no such merchant.")
        request.session[CHOSEN] = chosen.merchant_ref
        return redirect("/")
    if len(memberships) == 1:
        return redirect("/")
    if not memberships:
        return redirect("/admin/" if request.user.is_staff else "accounts:no-merchant")
    named = []
    for member in memberships:
        with tenancy.scope(member.merchant_ref):
            named.append((member, Merchant.objects.get(pk=member.merchant_ref).name))
    return render(request, "accounts/choose.html", {"named": named, "chosen": getattr(request, "merchant_id", None)})


@login_not_required
def no_merchant(request: HttpRequest) -> HttpResponse:
    """Say what to do to somebody who belongs to no merchant (any more)."""
    return render(request, "accounts/no_merchant.html")
