"""Mails to people with an account here: one template pair each. Buyers never get a mail from us."""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

log = structlog.get_logger(__name__)


def send(*, template: str, to: str, context: dict[str, Any]) -> bool:
    """Send the mail `templates/mail/<template>.txt` (its first line is the subject) and, if there is one, `.html`.

    Call it outside a transaction. Returns False when the mail server does not take it: the caller tells the person,
    because whoever waits for a mail must know. The address is not logged.
    """
    filled = {"BRAND_NAME": settings.BRAND_NAME, "WEB_URL": settings.WEB_URL, **context}
    subject, _, body = render_to_string(f"mail/{template}.txt", filled).lstrip().partition("\n")
    message = EmailMultiAlternatives(" ".join(subject.split()), body.strip() + "\n", to=[to])
    message.attach_alternative(render_to_string(f"mail/{template}.html", filled | {"subject": subject}), "text/html")
    try:
        message.send()
    except OSError as error:  # smtplib's errors are OSErrors too
        log.error("a mail was not taken", template=template, error=type(error).__name__)
        return False
    log.info("mail sent", template=template)
    return True
