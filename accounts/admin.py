"""The support workbench for people and connections: find by any id, see states, open one merchant with a reason.

Works in `unscoped` on tables without buyers' data. Tokens and secrets are never shown, not even sealed.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts import support
from accounts.models import (
    ApiToken,
    AuditEntry,
    Invitation,
    MarketplaceAccount,
    Membership,
    Merchant,
    Store,
    User,
)
from salestio.workbench import AcrossMerchants, across


def _sign_in(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """Send staff to the one sign-in page, which counts failures; refuse people who are no staff."""
    if request.user.is_authenticated:
        raise PermissionDenied("The support workbench is for support staff.")
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


admin.site.login = _sign_in  # type: ignore[method-assign]
admin.site.unregister(Group)
admin.site.site_header = admin.site.site_title = "Support"
admin.site.index_title = "Workbench"


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=200, label="Why do you open this merchant?")


@admin.register(Merchant)
class MerchantAdmin(AcrossMerchants):
    list_display = ("name", "id", "created_at", "uninstalled_at", "open_link")
    search_fields = ("name", "=id")
    fields = readonly_fields = ("id", "name", "timezone", "settings", "created_at", "uninstalled_at", "open_link")

    @admin.display(description="Open")
    def open_link(self, merchant: Merchant) -> str:
        url = reverse("admin:accounts_merchant_open", args=[merchant.pk])
        return format_html('<a href="{}">Open with a reason</a>', url)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Find by name and id, and by what a merchant's mail names: a member's address, a shop, a seller id."""
        found, distinct = super().get_search_results(request, queryset, search_term)
        term = search_term.strip()
        if not term:
            return found, distinct
        ids = set(Membership.objects.filter(user__email__iexact=term).values_list("merchant_ref", flat=True))
        ids |= set(Store.objects.filter(key__icontains=term).values_list("merchant_id", flat=True)[:50])
        ids |= set(MarketplaceAccount.objects.filter(key__iexact=term).values_list("merchant_id", flat=True)[:50])
        return (found | queryset.filter(pk__in=ids)), distinct

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("<int:pk>/open/", self.admin_site.admin_view(self.open_view), name="accounts_merchant_open"),
            path("leave/", self.admin_site.admin_view(self.leave_view), name="accounts_merchant_leave"),
        ]
        return own + super().get_urls()

    def open_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the reason, write it down, and open the merchant's pages for half an hour, to look."""
        with across():
            merchant = self.get_object(request, str(pk))
        if merchant is None:
            return HttpResponseRedirect(reverse("admin:accounts_merchant_changelist"))
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            support.open_merchant(request, pk, reason=form.cleaned_data["reason"])
            return HttpResponseRedirect("/")
        own = {"form": form, "merchant": merchant, "title": f"Open {merchant}", "minutes": support.MINUTES}
        context = self.admin_site.each_context(request) | own
        return TemplateResponse(request, "admin/open_merchant.html", context, status=400 if form.is_bound else 200)

    def leave_view(self, request: HttpRequest) -> HttpResponse:
        """Close the opened merchant."""
        support.leave(request)
        messages.success(request, "The merchant is closed.")
        return HttpResponseRedirect(reverse("admin:accounts_merchant_changelist"))


@admin.register(Store)
class StoreAdmin(AcrossMerchants):
    list_display = ("name", "platform", "key", "state", "state_reason", "merchant_id", "catalog_synced_at")
    list_filter = ("platform", "state")
    search_fields = ("name", "key", "domain", "=id", "=merchant__id")
    exclude = ("email",)
    readonly_fields = tuple(field.name for field in Store._meta.fields if field.name != "email")


@admin.register(MarketplaceAccount)
class MarketplaceAccountAdmin(AcrossMerchants):
    list_display = (
        "name", "platform", "region", "key", "state", "state_reason", "merchant_id", "newest_order_at", "last_pull_at",
    )  # fmt: skip
    list_filter = ("platform", "region", "state")
    search_fields = ("name", "key", "=id", "=merchant__id")
    readonly_fields = tuple(field.name for field in MarketplaceAccount._meta.fields)


@admin.register(AuditEntry)
class AuditEntryAdmin(AcrossMerchants):
    list_display = ("at", "merchant_id", "actor", "action", "subject", "reason")
    search_fields = ("actor", "subject", "action", "=merchant__id")
    readonly_fields = tuple(field.name for field in AuditEntry._meta.fields)


@admin.register(ApiToken)
class ApiTokenAdmin(AcrossMerchants):
    list_display = ("name", "last_four", "merchant_ref", "role", "created_at", "last_used_at", "revoked_at")
    search_fields = ("last_four", "=merchant_ref")
    exclude = ("token_hash",)
    readonly_fields = ("merchant_ref", "name", "last_four", "role", "created_at", "last_used_at", "revoked_at")


@admin.register(Invitation)
class InvitationAdmin(AcrossMerchants):
    list_display = ("email", "merchant_ref", "role", "expires_at", "accepted_at")
    search_fields = ("email", "=merchant_ref")
    exclude = ("token_hash",)
    readonly_fields = ("email", "merchant_ref", "role", "invited_by", "expires_at", "accepted_at", "created_at")


class Memberships(admin.TabularInline):
    model = Membership
    extra = 0
    can_delete = False
    readonly_fields = ("merchant_ref", "role", "platform_user", "created_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "name", "is_active", "is_staff")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2", "is_staff")}),)
    readonly_fields = ("last_login", "date_joined")
    inlines = (Memberships,)
