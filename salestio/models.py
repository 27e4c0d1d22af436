"""Rows about the running system itself; they belong to no merchant."""

from __future__ import annotations

from django.db import models


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
