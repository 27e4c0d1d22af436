"""Addresses of signing in, connections, settings and members."""

from __future__ import annotations

from django.urls import path

from accounts.views import bigcommerce, connections, joining, members, settings, shopify, signing

app_name = "accounts"

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
    path("connect/amazon/login", connections.amazon_login, name="amazon-login"),
    path("connect/<str:platform>/callback", connections.callback, name="callback"),
    path("shopify/install", shopify.install, name="shopify-install"),
    path("shopify/callback", shopify.callback, name="shopify-callback"),
    path("shopify/app", shopify.app, name="shopify-app"),
    path("bigcommerce/auth", bigcommerce.auth, name="bigcommerce-auth"),
    path("bigcommerce/alone", bigcommerce.alone, name="bigcommerce-alone"),
    path("bigcommerce/load", bigcommerce.load, name="bigcommerce-load"),
    path("bigcommerce/uninstall", bigcommerce.uninstall, name="bigcommerce-uninstall"),
    path("bigcommerce/remove-user", bigcommerce.remove_user, name="bigcommerce-remove-user"),
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
