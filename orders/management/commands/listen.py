"""`manage.py listen`: hear marketplaces' push messages until stopped."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from accounts import connections
from orders import listener


class Command(BaseCommand):
    help = "Hear marketplaces' push messages (SQS), until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        listener.run(connections.queued_platforms(), stop)
