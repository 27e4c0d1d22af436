"""Celery: doorbells only. A lost message costs seconds, because the sweeper finds due rows and rings again."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salestio.settings")

from celery import Celery
from django.conf import settings

app = Celery("salestio")
app.conf.update(
    broker_url=settings.REDIS_URL,
    task_ignore_result=True,
    task_acks_late=False,
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=None,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    task_send_sent_event=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600, "socket_keepalive": True, "socket_timeout": 30},
    broker_pool_limit=20,
    timezone="UTC",
    beat_schedule={
        "sweep": {"task": "salestio.tasks.sweep", "schedule": max(settings.TIMES.sweep, 0.1)},
        "heartbeat": {"task": "salestio.tasks.heartbeat", "schedule": max(settings.TIMES.heartbeat / 6, 0.5)},
        "jobs": {"task": "salestio.tasks.run_due_jobs", "schedule": 20.0},
    },
    beat_max_loop_interval=5,
)
app.autodiscover_tasks(["salestio", "accounts", "inventory", "orders", "salestio.inbox", "salestio.outbox"])

from salestio import worker as _worker  # noqa: E402  (its signals start the watchdog and the spare sweeper)

__all__ = ["_worker", "app"]
