"""Addresses of signing in, connections, settings and members."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.urls import URLPattern, path

from accounts.views import connections, joining, members, settings, signing
from connectors.registry import PLATFORMS

app_name = "accounts"


def of_platforms() -> list[URLPattern]:
    """Return the addresses at which platforms open our app, each in its own way: `URLS` of `accounts/views/<platform>.py`."""
    modules = [f"accounts.views.{name}" for name in PLATFORMS]
    return [url for module in modules if find_spec(module) is not None for url in import_module(module).URLS]


urlpatterns = [
    # signing in
    path("sign-in/", signing.sign_in, name="sign-in"),
    path("sign-out/", signing.sign_out, name="sign-out"),
    path("forgot-password/", signing.forgot, name="forgot"),
    path("set-password/<uidb64>/<token>/", signing.SetPassword.as_view(), name="set-password"),
    path("invitations/<str:token>/", signing.invitation, name="invitation"),
    path("merchants/", signing.choose, name="merchants"),
    path("no-merchant/", signing.no_merchant, name="no-merchant"),
    # connections
    path("accounts/", connections.account_list, name="list"),
    path("accounts/add/", connections.add_account, name="add"),
    path("accounts/<int:pk>/", connections.edit_account, name="edit"),
    path("accounts/<int:pk>/check/", connections.check_account, name="check-account"),
    path("stores/<int:pk>/check/", connections.check_store, name="check-store"),
    path("accounts/<int:pk>/disconnect/", connections.disconnect, name="disconnect"),
    path("stores/add/", connections.add_store, name="add-store"),
    path("stores/join/", joining.join, name="join-store"),
    path("connect/leave-frame/", connections.leave_frame, name="leave-frame"),
    path("connect/<str:platform>/callback", connections.callback, name="callback"),
    *of_platforms(),
    # settings
    path("settings/", settings.general, name="settings"),
    path("settings/stores/<int:pk>/", settings.store, name="store-settings"),
    path("settings/accounts/<int:pk>/", settings.account, name="account-settings"),
    path("settings/members/", members.members, name="members"),
    path("settings/members/<int:pk>/", members.member, name="member"),
    path("settings/invitations/<int:pk>/withdraw/", members.withdraw, name="withdraw"),
    path("settings/tokens/", members.tokens, name="tokens"),
    path("settings/tokens/<int:pk>/revoke/", members.revoke, name="revoke"),
]
