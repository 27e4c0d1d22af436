"""`manage.py jobs list` and `manage.py jobs run <name> [--now ISO]`: what beat runs by the clock, run by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime

from salestio import jobs


class Command(BaseCommand):
    help = "List the jobs, or run one now for every merchant; prints what each merchant's run said as one JSON line."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("list", help="name each job and how often it runs")
        run = commands.add_parser("run", help="run one job now")
        run.add_argument("name", help="a name of `jobs list`")
        run.add_argument("--now", help="as if at this time, 2026-12-24T09:00:00Z (demo and tests only)")

    def handle(self, *args: Any, command: str, **options: Any) -> None:
        if command == "list":
            for job in jobs.JOBS.values():
                self.stdout.write(f"{job.name:20} every {job.every}  {job.words}")
            return
        self._run(options["name"], options["now"])

    def _run(self, name: str, when: str | None) -> None:
        if name not in jobs.JOBS:
            raise CommandError(f"There is no job {name!r}; there are {', '.join(jobs.JOBS)}.")
        moment = self._moment(when)
        said = jobs.run(name, at=moment)
        self.stdout.write(json.dumps({"job": name, "at": (moment or datetime.now(UTC)).isoformat(), "said": said}))
        if any("failed" in result for result in said.values() if isinstance(result, dict)):
            raise CommandError("It failed for at least one merchant; the log says why.")

    def _moment(self, when: str | None) -> datetime | None:
        if when is None:
            return None
        if settings.MODE == "production":
            raise CommandError("--now is for the demo and for tests: here it could erase data before its time.")
        try:
            moment = parse_datetime(when)
        except ValueError:
            moment = None
        if moment is None:
            raise CommandError(f"{when!r} is no time; write 2026-12-24T09:00:00Z.")
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
