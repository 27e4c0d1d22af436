"""`manage.py rotate_credentials`: encrypt every token anew with the newest key of SALESTIO_CREDENTIAL_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import credentials
from salestio.lib.crypto import UnreadableSecret


class Command(BaseCommand):
    help = "Encrypt every stored token anew with the newest key; afterwards the older keys may be taken away."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = credentials.rotate()
        except UnreadableSecret as error:
            raise CommandError(f"{error}: put the missing key back into SALESTIO_CREDENTIAL_KEYS.") from error
        self.stdout.write(f"{count} credentials are encrypted with the newest key.")
