"""Who changed what: one row an act, inside the transaction of the act. Never a secret, never a buyer's data."""

from __future__ import annotations

from typing import Any

from accounts.models import AuditEntry


def note(
    *,
    actor: str,
    action: str,
    subject: str = "",
    before: Any = None,
    after: Any = None,
    reason: str = "",
) -> None:
    """Write an audit row of the active merchant; inside a scope. `action` is a code: `settings.changed`."""
    AuditEntry.objects.create(
        actor=actor[:160], action=action, subject=subject[:160], before=before, after=after, reason=reason[:200]
    )
