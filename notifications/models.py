"""Alerts: what needs a person. Opened and closed by the code that knows; shown as banners and in *Needs you*."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from salestio.tenancy import MerchantModel


class Alert(MerchantModel):
    """One thing a person should know or do; open until `closed_at`."""

    class Level(models.TextChoices):
        STOP = "stop", "Needs you"
        WARN = "wait", "Look soon"
        INFO = "work", "For your information"

    kind = models.CharField(max_length=40, help_text="A code of notifications/alerts.py.")
    key = models.CharField(max_length=160, help_text="What it is about; one open alert a kind and key.")
    level = models.CharField(max_length=4, choices=Level.choices)
    data = models.JSONField(default=dict, help_text="Numbers and names for the sentence; never personal data.")
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "kind", "key"], condition=Q(closed_at=None), name="alert_open_once"
            )
        ]
        indexes = [models.Index(fields=["merchant", "-opened_at"], name="alert_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
