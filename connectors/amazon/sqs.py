"""The queue Amazon's notifications arrive in: a small port over botocore, which only the listener process imports."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from connectors.contract.errors import AccessDenied, NotFound, TransientError
from connectors.contract.settings import AppSettings
from connectors.http import before_call, observers
from salestio.lib.text import storable

logger = logging.getLogger(__name__)

PLATFORM = "sqs"
BATCH = 10
"""SQS hands out and takes back at most ten messages a call."""

_DENIED = ("AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClient", "InvalidAccessKeyId")
_MISSING = ("NonExistentQueue", "QueueDoesNotExist")


@dataclass(frozen=True, slots=True)
class Message:
    """A message in our hands until its visibility timeout ends. `body` is None when it was no JSON object."""

    message_id: str
    receipt: str
    body: dict[str, Any] | None = field(repr=False)


class Queue:
    """One standard queue. Thread-safe enough for one thread a queue, as the listener runs it.

    Raises `AccessDenied` when AWS refuses our key, `NotFound` when there is no such queue, `TransientError` for all
    that a later try may cure. Nothing is lost by an error: a message not deleted comes again.
    """

    def __init__(
        self,
        queue_url: str,
        *,
        region: str,
        access_key_id: str,
        secret_access_key: str,
        endpoint_url: str = "",
    ) -> None:
        self.queue_url = queue_url
        self._region = region
        self._access_key_id = access_key_id
        self._secret_access_key = secret_access_key
        self._endpoint_url = endpoint_url
        self._made: Any = None

    def receive(self, wait_seconds: int = 20, max: int = BATCH) -> Sequence[Message]:
        """Return up to `max` (1-10) messages, waiting up to `wait_seconds` (0-20) for the first."""
        with _call("ReceiveMessage"):
            answer = self._client().receive_message(
                QueueUrl=self.queue_url,
                WaitTimeSeconds=min(wait_seconds, 20),
                MaxNumberOfMessages=min(max, BATCH),
            )
        return [
            Message(str(raw.get("MessageId", "")), str(raw["ReceiptHandle"]), _body(raw.get("Body")))
            for raw in answer.get("Messages") or []
        ]

    def delete(self, receipts: Sequence[str]) -> None:
        """Delete messages that were stored. One that could not be deleted comes again and is known by its id."""
        for start in range(0, len(receipts), BATCH):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt}
                for number, receipt in enumerate(receipts[start : start + BATCH])
            ]
            with _call("DeleteMessageBatch"):
                answer = self._client().delete_message_batch(QueueUrl=self.queue_url, Entries=entries)
            if answer.get("Failed"):
                logger.warning("SQS did not delete every message", extra={"failed": len(answer["Failed"])})

    def _client(self) -> Any:
        if self._made is None:
            import botocore.session
            from botocore.config import Config

            self._made = botocore.session.get_session().create_client(
                "sqs",
                region_name=self._region,
                endpoint_url=self._endpoint_url or None,
                aws_access_key_id=self._access_key_id,
                aws_secret_access_key=self._secret_access_key,
                # One try: the listener's own loop is the retry. The read waits out a whole long poll.
                config=Config(connect_timeout=3, read_timeout=30, retries={"total_max_attempts": 1}, proxies={}),
            )
        return self._made


@contextmanager
def _call(operation: str) -> Iterator[None]:
    """Run the guards, count the call and turn botocore's errors into the contract's."""
    from botocore.exceptions import BotoCoreError, ClientError

    for guard in before_call:
        guard(PLATFORM, operation)
    started, status = time.monotonic(), "200"
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = str(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
        words = f"SQS answered {code or status}"
        if any(word in code for word in _DENIED):
            raise AccessDenied(words, code=code, platform=PLATFORM, operation=operation) from None
        if any(word in code for word in _MISSING):
            raise NotFound(words, code=code, platform=PLATFORM, operation=operation) from None
        raise TransientError(words, platform=PLATFORM, operation=operation) from None
    except (BotoCoreError, OSError) as error:
        status = "dropped"
        raise TransientError(
            f"SQS could not be reached ({type(error).__name__})", platform=PLATFORM, operation=operation
        ) from None
    finally:
        for observe in observers:
            observe(PLATFORM, operation, status, time.monotonic() - started)


def _body(raw: Any) -> dict[str, Any] | None:
    try:
        body = storable(json.loads(raw))
    except (TypeError, ValueError):
        return None
    return body if isinstance(body, dict) else None


def open_queue(settings: AppSettings) -> Queue | None:
    """Return our notification queue, or None when none is configured."""
    app = settings.app
    if not app["queue_url"]:
        return None
    return Queue(
        app["queue_url"],
        region=app["aws_region"],
        access_key_id=app["aws_access_key_id"],
        secret_access_key=app["aws_secret_access_key"],
        endpoint_url=settings.urls["sqs"],
    )


def queue_name(settings: AppSettings) -> str:
    """Return the name under which Amazon knows our queue, "" when none is configured.

    Made from the queue's address where it is not set: .../<account>/<name> is arn:aws:sqs:<region>:<account>:<name>.
    """
    app = settings.app
    if not app["queue_url"]:
        return ""
    account, _, name = app["queue_url"].rstrip("/").rpartition("/")
    return app["queue_arn"] or f"arn:aws:sqs:{app['aws_region']}:{account.rpartition('/')[2]}:{name}"
