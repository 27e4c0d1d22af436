"""The project's own app: plumbing that must be in place before anything else runs."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class SalestioConfig(AppConfig):
    name = "salestio"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from salestio import tenancy

        connection_created.connect(tenancy.install_guard, dispatch_uid="tenancy guard")
        post_migrate.connect(_secure, sender=self, dispatch_uid="tenancy policies")


def _secure(sender: object, using: str, **kwargs: Any) -> None:
    from salestio import tenancy

    if using == tenancy.OWNER:
        tenancy.secure_tables(using)
