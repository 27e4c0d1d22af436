"""`manage.py seed_demo [--no-traffic]`: make the demo merchants; `./run` calls it at every start."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import demo


class Command(BaseCommand):
    help = "Make the demo merchants with their store, accounts, users and tokens, and start the sandbox's order stream."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-traffic", action="store_true", help="no orders by themselves")

    def handle(self, *args: Any, no_traffic: bool, **options: Any) -> None:
        try:
            line = demo.seed(traffic=not no_traffic)
        except demo.DemoRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(line))
