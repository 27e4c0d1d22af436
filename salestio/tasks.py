"""What beat rings for: the sweeper, the heartbeat, and the jobs of the hour and the night. Each is harmless twice."""

from __future__ import annotations

import os

from celery import shared_task

from salestio import jobs, sweep


@shared_task(name="salestio.tasks.sweep", ignore_result=True, expires=10)
def run_sweep() -> None:
    """Ring every lane that has due rows."""
    sweep.sweep()


@shared_task(name="salestio.tasks.heartbeat", ignore_result=True, expires=30)
def heartbeat() -> None:
    """Prove that this worker does tasks."""
    from salestio import worker

    worker.note_heartbeat()
    sweep.beat("worker", pid=os.getpid())


@shared_task(name="salestio.tasks.run_due_jobs", ignore_result=True, expires=60)
def run_due_jobs() -> None:
    """Run the jobs whose hour has come."""
    jobs.run_due()
