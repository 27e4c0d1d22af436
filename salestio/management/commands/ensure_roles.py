"""Make the three database roles and the database before the first migration (docs/operations.md)."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg2
from django.core.management.base import BaseCommand, CommandError

from salestio import roles


class Command(BaseCommand):
    help = (
        "Make or correct the database roles salestio_owner, salestio_app and salestio_ops, and the database. Connects as "
        "DATABASE_ADMIN_URL, or as DATABASE_OWNER_URL where the owner is the server's superuser. The app's password is "
        "the one of DATABASE_URL, the owner's the one of DATABASE_OWNER_URL. Repeating it changes nothing."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        app, owner = urlsplit(os.environ.get("DATABASE_URL", "")), urlsplit(os.environ.get("DATABASE_OWNER_URL", ""))
        admin = os.environ.get("DATABASE_ADMIN_URL") or os.environ.get("DATABASE_OWNER_URL")
        if not admin or not owner.password:
            raise CommandError("Set DATABASE_OWNER_URL (and DATABASE_ADMIN_URL, when the owner is no superuser).")
        for name, parts, user in (("DATABASE_URL", app, roles.APP), ("DATABASE_OWNER_URL", owner, roles.OWNER)):
            if parts.username != user:
                raise CommandError(f"{name} signs in as {parts.username!r}; it must be {user}.")
        database = app.path.lstrip("/")
        try:
            roles.ensure_roles(
                admin,
                app_password=unquote(app.password or ""),
                owner_password=unquote(owner.password),
                database=database,
            )
        except psycopg2.Error as error:
            raise CommandError(f"The roles could not be made: {error}") from None
        self.stdout.write(f"Roles and database {database} are in place.")
