"""The accounts app, and the checks that production does not start with the demo's people."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import authentication, checks  # registers the OpenAPI scheme and the checks

        assert authentication.MerchantTokenScheme and checks.no_demo_users  # noqa: S101 - named, so that they are used
