"""`manage.py read_only status` and `accept`: whether this installation may send, and the operator's word that it may."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from accounts import read_only
from salestio import fingerprint


class Command(BaseCommand):
    help = "Tell whether this database was last used elsewhere, or accept this installation as the right one for all."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("status", help="say what is compared, and whether anything may be sent")
        commands.add_parser("accept", help="this installation is the right one: let every merchant's work go on")

    def handle(self, *args: Any, command: str, **options: Any) -> None:
        mine = fingerprint.own()
        if command == "accept":
            merchants = read_only.accept_installation(actor="operator")
            self.stdout.write(f"Accepted: {mine.host}, instance {mine.instance}; {merchants} merchants go on.")
        other = fingerprint.elsewhere()
        if settings.READ_ONLY:
            self.stdout.write("Read-only: SALESTIO_READ_ONLY is set.")
        elif other is not None:
            self.stdout.write(
                f"Read-only: the database was last used at {other.host}, this is {mine.host}, instance {mine.instance}. "
                f"{len(other.lifted)} merchants said that this is the right one."
            )
        else:
            self.stdout.write(f"Sending is on: {mine.host}, instance {mine.instance}.")
