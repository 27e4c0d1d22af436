"""What must be true before production starts (`manage.py check --deploy --database default`, run by the image)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError

from accounts import connections, demo


@register(Tags.database)
def no_demo_users(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse production on a database that holds the demo's users: their passwords lie in a file."""
    if settings.MODE != "production" or not databases:
        return []
    try:
        found = demo.demo_users()
    except DatabaseError:
        return []  # not migrated yet; the migration runs first, and this check again with the next start
    if not found:
        return []
    return [
        Error(
            f"This database holds demo users ({', '.join(found)}).",
            hint="Use a database of its own for production; demo and production never share one.",
            id="accounts.E001",
        )
    ]


@register()
def platform_credentials(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Name the platform credentials that production lacks: half of a platform's, or every marketplace's or store's."""
    if settings.MODE != "production":
        return []
    errors: list[CheckMessage] = []
    for platform, declared in settings.PLATFORM_SETTINGS.items():
        needed = {
            value.env: settings.PLATFORM_APPS[platform][name] for name, value in declared.app.items() if value.required
        }
        missing = [name for name, value in needed.items() if not value]
        # A platform none of whose credentials are set is simply not offered here; half set is a mistake.
        if missing and len(missing) < len(needed):
            hint = "docs/real-accounts.md says where to get them."
            errors.append(Error(f"Not set: {', '.join(missing)}.", hint=hint, id="accounts.E002"))
    for kind, found in (("marketplace", connections.marketplaces()), ("store platform", connections.storefronts())):
        if not found:
            errors.append(Error(f"The credentials of no {kind} are set.", id="accounts.E003"))
    return errors
