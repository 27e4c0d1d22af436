"""The accounts app, and the checks that production does not start with the demo's people."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Importing them registers the OpenAPI scheme and the checks.
        import_module("accounts.authentication")
        import_module("accounts.checks")
