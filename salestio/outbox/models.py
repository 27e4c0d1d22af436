"""What we owe platforms: one row an event and handler, each with its own attempts and state (MECHANISMS 11)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from salestio.tenancy import MerchantModel


class OutboxRow(MerchantModel):
    """One thing owed. Values are computed when it is sent, from the tables; the row carries ids only."""

    class State(models.TextChoices):
        PENDING = "pending", "pending"
        LEASED = "leased", "being done"
        DONE = "done", "done"
        DEAD = "dead", "given up"

    store_ref = models.BigIntegerField(null=True, blank=True)
    handler = models.CharField(max_length=80, help_text="Dotted name of a function in routes.py.")
    key = models.CharField(max_length=160, blank=True, help_text="Coalescing key; empty rows never merge.")
    subject = models.JSONField(default=dict, help_text="Ids.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_text = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            # A change merges only into a pending row (MECHANISMS 11).
            models.UniqueConstraint(
                fields=["merchant", "handler", "key"],
                condition=Q(state="pending") & ~Q(key=""),
                name="outbox_coalesced",
            )
        ]
        indexes = [
            models.Index(
                fields=["merchant", "store_ref", "next_attempt_at"],
                name="outbox_due",
                condition=Q(state__in=("pending", "leased")),
            ),
            models.Index(fields=["merchant", "-created_at"], name="outbox_dead", condition=Q(state="dead")),
        ]

    def __str__(self) -> str:
        return f"{self.handler} {self.key} {self.state}"
