"""An SQS face: the AWS JSON protocol of the calls botocore's client makes. Standard queues: at least once, unordered.

A request says its operation in `X-Amz-Target: AmazonSQS.ReceiveMessage`. The signature's access key id is checked, the
signature itself is not. Docs: AWS, SQS API reference, JSON protocol.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

from connectors.sandbox.amazon.common import AMAZON, Amazon
from connectors.sandbox.amazon.state import Doc
from connectors.sandbox.server import Interrupted, Operation, gate

ACCOUNT, REGION, NAME = "000000000000", "us-east-1", "salestio-notifications"
MESSAGES = "sqs_messages"
VISIBILITY = 30.0
"""Seconds a message stays hidden after it was received, as a new queue at AWS has it."""
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")


class Queue:
    """The messages of one queue in memory; the world's table holds them over a restart."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.hidden: dict[str, tuple[float, str]] = {}
        """message id → (until, on the machine's clock; receipt)."""
        self.arrived = asyncio.Event()

    def ready(self) -> None:
        """Make messages visible again whose time ran out."""
        now = time.monotonic()
        for message_id in [key for key, (until, _) in self.hidden.items() if until <= now]:
            del self.hidden[message_id]
            self.waiting.append(message_id)


QUEUES: web.AppKey[dict[str, Queue]] = web.AppKey("queues", dict)


def setup(app: web.Application) -> None:
    """Add the routes and take up what waited."""
    amazon = app[AMAZON]
    queues: dict[str, Queue] = {}
    app[QUEUES] = queues
    amazon.queues = queues

    def load() -> None:
        queues.clear()
        queues[NAME] = Queue()
        for message_id, doc in amazon.world.table(MESSAGES).items():
            queues.setdefault(doc["queue"], Queue()).waiting.append(message_id)

    load()
    amazon.world.on_reset(load)

    async def end_polls(_: web.Application) -> None:
        amazon.closing = True
        for queue in queues.values():
            queue.arrived.set()

    app.on_shutdown.append(end_polls)
    app.router.add_post("/sqs", call)
    app.router.add_post("/sqs/", call)
    app.router.add_post(f"/sqs/{ACCOUNT}/{{queue}}", call)


def arn(name: str = NAME) -> str:
    """Return a queue's ARN."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def url(amazon: Amazon, name: str = NAME) -> str:
    """Return a queue's URL."""
    return f"{amazon.core.base_url}/sqs/{ACCOUNT}/{name}"


def known_arn(amazon: Amazon, wanted: str) -> bool:
    """Say whether a queue has this ARN."""
    return any(arn(name) == wanted for name in amazon.queues)


def send(amazon: Amazon, destination: str, body: Doc, *, match: str = "") -> None:
    """Put a message into a queue; the webhook faults strike here too, as operation ORDER_CHANGE."""
    faults = amazon.core.faults
    queue = amazon.queues.get(destination.rpartition(":")[2])
    if queue is None or faults.pick("webhook_drop", "amazon", "ORDER_CHANGE", match):
        return
    repeat = faults.pick("webhook_repeat", "amazon", "ORDER_CHANGE", match)
    for _ in range(max(2, int(repeat["params"].get("times", 2))) if repeat else 1):
        message_id = str(uuid.uuid4())
        doc = {"queue": destination.rpartition(":")[2], "body": json.dumps(body), "receives": 0, "sent": time.time()}
        amazon.world.put(MESSAGES, message_id, doc)
        shuffle = faults.pick("webhook_shuffle", "amazon", "ORDER_CHANGE", match)
        if shuffle:
            late = amazon.core.webhooks.uniform(float(shuffle["params"].get("seconds", 5)))
            queue.hidden[message_id] = (time.monotonic() + late, "")
        else:
            queue.waiting.append(message_id)
    queue.arrived.set()


# ── the protocol ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def call(request: web.Request) -> web.StreamResponse:
    """Answer one call by its target."""
    amazon = request.app[AMAZON]
    operation = request.headers.get("X-Amz-Target", "").removeprefix("AmazonSQS.")
    await gate(request, Operation("amazon", "", f"sqs.{operation}"))
    signed = _CREDENTIAL.search(request.headers.get("Authorization", ""))
    if signed is None or signed[1] != amazon.app["aws_access_key_id"]:
        raise _refused("com.amazon.coral.service#InvalidClientTokenId", "The security token is invalid.", 403)
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise _refused("com.amazon.coral.service#SerializationException", "The body is not JSON.") from None
    if operation == "ReceiveMessage":
        return await _receive(request, amazon, _queue(amazon, body), body)
    handler = _HANDLERS.get(operation)
    if handler is None:
        raise _refused("com.amazon.coral.service#UnknownOperationException", f"{operation} is not known here.")
    return _reply(handler(amazon, body))


def _reply(body: Doc) -> web.Response:
    return web.Response(
        text=json.dumps(body),
        headers={"x-amzn-RequestId": str(uuid.uuid4())},
        content_type="application/x-amz-json-1.0",
    )


def _refused(kind: str, message: str, status: int = 400) -> Interrupted:
    body = {"__type": kind, "message": message}
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    if kind.endswith("QueueDoesNotExist"):
        headers["x-amzn-query-error"] = "AWS.SimpleQueueService.NonExistentQueue;Sender"
    return Interrupted(web.json_response(body, status=status, headers=headers))


def _name(body: Doc) -> str:
    return str(body.get("QueueName") or str(body.get("QueueUrl", "")).rstrip("/").rpartition("/")[2])


def _queue(amazon: Amazon, body: Doc) -> Queue:
    queue = amazon.queues.get(_name(body))
    if queue is None:
        raise _refused("com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.")
    return queue


def _number(body: Doc, name: str, default: int, low: int, high: int) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or not low <= value <= high:
        message = f"Value {value} for parameter {name} is invalid. Reason: Must be between {low} and {high}."
        raise _refused("com.amazonaws.sqs#InvalidParameterValueException", message)
    return value


async def _receive(request: web.Request, amazon: Amazon, queue: Queue, body: Doc) -> web.Response:
    """Hand out up to ten messages; wait for the first up to twenty seconds."""
    most = _number(body, "MaxNumberOfMessages", 1, 1, 10)
    end = time.monotonic() + _number(body, "WaitTimeSeconds", 0, 0, 20)
    visibility = _number(body, "VisibilityTimeout", int(VISIBILITY), 0, 43200)
    while True:
        queue.ready()
        left = end - time.monotonic()
        if queue.waiting or left <= 0 or amazon.closing:
            break
        queue.arrived.clear()
        # Hidden messages become visible without a word, so look again now and then.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(queue.arrived.wait(), min(left, 0.25 if queue.hidden else left))
    if request.transport is None or request.transport.is_closing():
        # Who asked is gone (killed while it waited): leave the messages to the next.
        return _reply({})
    handed: list[Doc] = []
    table = amazon.world.table(MESSAGES)
    while queue.waiting and len(handed) < most:
        message_id = queue.waiting.pop(0)
        doc = table.get(message_id)
        if doc is None:
            continue
        doc["receives"] += 1
        receipt = f"{message_id}#{uuid.uuid4().hex}"
        queue.hidden[message_id] = (time.monotonic() + visibility, receipt)
        handed.append(
            {
                "MessageId": message_id,
                "ReceiptHandle": receipt,
                "MD5OfBody": hashlib.md5(doc["body"].encode(), usedforsecurity=False).hexdigest(),
                "Body": doc["body"],
                "Attributes": {
                    "ApproximateReceiveCount": str(doc["receives"]),
                    "SentTimestamp": str(int(doc["sent"] * 1000)),
                },
            }
        )
    return _reply({"Messages": handed} if handed else {})


def _delete(amazon: Amazon, queue: Queue, receipt: str) -> bool:
    message_id = receipt.partition("#")[0]
    if not message_id or "#" not in receipt:
        return False
    amazon.world.drop(MESSAGES, message_id)
    queue.hidden.pop(message_id, None)
    if message_id in queue.waiting:
        queue.waiting.remove(message_id)
    return True


def _delete_message(amazon: Amazon, body: Doc) -> Doc:
    if not _delete(amazon, _queue(amazon, body), str(body.get("ReceiptHandle", ""))):
        raise _refused("com.amazonaws.sqs#ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
    return {}


def _delete_batch(amazon: Amazon, body: Doc) -> Doc:
    queue = _queue(amazon, body)
    entries = body.get("Entries") or []
    if not 1 <= len(entries) <= 10:
        raise _refused("com.amazonaws.sqs#TooManyEntriesInBatchRequest", "One to ten entries are wanted.")
    done, failed = [], []
    for entry in entries:
        if _delete(amazon, queue, str(entry.get("ReceiptHandle", ""))):
            done.append({"Id": entry["Id"]})
        else:
            failed.append({"Id": entry["Id"], "SenderFault": True, "Code": "ReceiptHandleIsInvalid"})
    return {"Successful": done, "Failed": failed} if failed else {"Successful": done}


def _change_visibility(amazon: Amazon, body: Doc) -> Doc:
    queue = _queue(amazon, body)
    seconds = _number(body, "VisibilityTimeout", 0, 0, 43200)
    receipt = str(body.get("ReceiptHandle", ""))
    message_id = receipt.partition("#")[0]
    if queue.hidden.get(message_id, (0.0, ""))[1] != receipt:
        raise _refused("com.amazonaws.sqs#MessageNotInflight", "The message is not in flight.")
    queue.hidden[message_id] = (time.monotonic() + seconds, receipt)
    return {}


def _attributes(amazon: Amazon, body: Doc) -> Doc:
    queue = _queue(amazon, body)
    queue.ready()
    every = {
        "QueueArn": arn(_name(body)),
        "ApproximateNumberOfMessages": str(len(queue.waiting)),
        "ApproximateNumberOfMessagesNotVisible": str(len(queue.hidden)),
        "ApproximateNumberOfMessagesDelayed": "0",
        "VisibilityTimeout": str(int(VISIBILITY)),
        "MessageRetentionPeriod": "345600",
    }
    wanted = body.get("AttributeNames") or []
    return {"Attributes": {key: value for key, value in every.items() if "All" in wanted or key in wanted}}


def _queue_url(amazon: Amazon, body: Doc) -> Doc:
    _queue(amazon, body)
    return {"QueueUrl": url(amazon, _name(body))}


def _create(amazon: Amazon, body: Doc) -> Doc:
    name = _name(body)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name):
        raise _refused("com.amazonaws.sqs#InvalidParameterValueException", "The queue name is invalid.")
    amazon.queues.setdefault(name, Queue())
    return {"QueueUrl": url(amazon, name)}


def _purge(amazon: Amazon, body: Doc) -> Doc:
    queue = _queue(amazon, body)
    for message_id in [*queue.waiting, *queue.hidden]:
        amazon.world.drop(MESSAGES, message_id)
    queue.waiting.clear()
    queue.hidden.clear()
    return {}


def _send_message(amazon: Amazon, body: Doc) -> Doc:
    queue = _queue(amazon, body)
    text = body.get("MessageBody")
    if not isinstance(text, str) or not text:
        raise _refused("com.amazonaws.sqs#InvalidMessageContents", "MessageBody is required.")
    message_id = str(uuid.uuid4())
    doc = {"queue": _name(body), "body": text, "receives": 0, "sent": time.time()}
    amazon.world.put(MESSAGES, message_id, doc)
    queue.waiting.append(message_id)
    queue.arrived.set()
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return {"MessageId": message_id, "MD5OfMessageBody": digest}


_HANDLERS: dict[str, Callable[[Amazon, Doc], dict[str, Any]]] = {
    "DeleteMessage": _delete_message,
    "DeleteMessageBatch": _delete_batch,
    "ChangeMessageVisibility": _change_visibility,
    "GetQueueAttributes": _attributes,
    "GetQueueUrl": _queue_url,
    "CreateQueue": _create,
    "PurgeQueue": _purge,
    "SendMessage": _send_message,
}
