"""Mails in demo mode: one `.eml` file each in the data directory, listed on a page of the sandbox."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class FileMail(BaseEmailBackend):
    """Writes messages to `settings.MAIL_DIR`, newest last by name. For demo mode: nothing leaves the machine."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write each message to a file that only this user may read; return how many. Raises OSError on a full disk."""
        folder = settings.MAIL_DIR
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{uuid.uuid4().hex[:8]}.eml"
            # Written aside and moved, so that the page never shows half a mail.
            partial = folder / f".{name}"
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(message.message().as_bytes())
            partial.rename(folder / name)
        return len(email_messages)
