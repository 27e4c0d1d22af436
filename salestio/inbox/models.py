"""What platforms tell us: verified, reduced to ids, stored before we answer; acted on later. Kept seven days."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from salestio.tenancy import MerchantModel


class InboxRow(MerchantModel):
    """One message. It holds ids and a topic, never a body: a payload is a hint, the object is read again."""

    platform = models.CharField(max_length=20)
    store_ref = models.BigIntegerField(null=True, blank=True)
    account_ref = models.BigIntegerField(null=True, blank=True)
    topic = models.CharField(max_length=30, help_text="Our word: stock, product, order, uninstalled, …")
    event_id = models.CharField(max_length=160)
    object_ids = models.JSONField(default=list)
    triggered_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "platform", "topic", "event_id"], name="inbox_event_once")
        ]
        indexes = [
            models.Index(
                fields=["merchant", "store_ref", "next_attempt_at"], name="inbox_due", condition=Q(done_at__isnull=True)
            ),
            models.Index(fields=["received_at"], name="inbox_old"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.topic} {self.event_id}"
