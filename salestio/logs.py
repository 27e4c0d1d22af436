"""Logging: structlog renders every record, from our code and from libraries, with the merchant and request at hand."""

from __future__ import annotations

import logging
import logging.config
import re
from typing import Any

import structlog

QUIET = ("httpx", "httpcore", "urllib3", "botocore", "celery.worker.strategy", "celery.app.trace", "amqp", "kombu")


def _without_query(logger: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Keep a request's path only: Django hands the whole request to its log, and a query may hold a code or a token."""
    request = event.get("request")
    if request is not None and hasattr(request, "path"):
        event["request"] = getattr(request, "request_id", request.path)
        event.setdefault("path", masked_path(request.path))
    return event


class WithoutLinks(logging.Filter):
    """Mask the part of an address that opens something: Django names the path of every refused request."""

    _LINK = re.compile(r"(/invitations/|/set-password/[^/]+/|/customization/(?=[^/]*\.))[^/\s]+")

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, its texts masked."""
        if isinstance(record.args, tuple):
            record.args = tuple(masked_path(arg) if isinstance(arg, str) else arg for arg in record.args)
        return True


def masked_path(path: str) -> str:
    """Return a path without the secret of a mailed or shared link."""
    return WithoutLinks._LINK.sub(r"\1•••", path)


def configure(options: dict[str, Any]) -> None:
    """Set up logging. `options`: {"level": name, "json": bool}; called by Django with settings.LOGGING."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _without_query,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    render: Any = (
        structlog.processors.JSONRenderer() if options.get("json") else structlog.dev.ConsoleRenderer(colors=False)
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "lines": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
                    "foreign_pre_chain": shared,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
            "root": {"handlers": ["stderr"], "level": options.get("level", "INFO")},
            "filters": {"links": {"()": WithoutLinks}},
            "loggers": {name: {"level": "WARNING"} for name in QUIET} | {"django.request": {"filters": ["links"]}},
        }
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
