"""Rows about the running system itself, and the answers the REST API keeps for repeats."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from salestio.tenancy import MerchantModel


class Heartbeat(models.Model):
    """When a part of the system last proved that it does its work: written by a task, not by a process being up."""

    name = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%H:%M:%S}"


class SystemNote(models.Model):
    """A small fact to keep between runs (the migration hash, the nightly job's last day)."""

    name = models.CharField(max_length=60, primary_key=True)
    value = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class CallCount(models.Model):
    """How many calls of each kind were answered how, since the beginning; every process adds its own every few seconds."""

    platform = models.CharField(max_length=20)
    operation = models.CharField(max_length=80)
    status = models.CharField(max_length=20)
    calls = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "operation", "status"], name="call_count_once")]

    def __str__(self) -> str:
        return f"{self.platform} {self.operation} {self.status}: {self.calls}"


class IdempotencyRecord(MerchantModel):
    """The answer to a POST of the REST API that carried an `Idempotency-Key`: a repeat within a day gets it again."""

    key = models.CharField(max_length=200)
    request_hash = models.CharField(
        max_length=64, help_text="Method, path and body; the same key with another is refused."
    )
    status = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Empty while the first one is being done."
    )
    body = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "key"], name="idempotency_once")]
        indexes = [models.Index(fields=["merchant", "created_at"], name="idempotency_age")]

    def __str__(self) -> str:
        return self.key
