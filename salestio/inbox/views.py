"""The door for webhooks: verify over the raw bytes, save, answer 200, act later (EXEMPLARS 4.14).

What fails the check leaves no row. A delivery that comes twice is absorbed by a unique key in PostgreSQL. The row holds
ids only, so a customer's e-mail address that must be erased is acted on here and now.
"""

from __future__ import annotations

import hashlib

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse, RawPostDataException
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import connect, connections
from connectors.contract.errors import ConnectorError, Rejected
from connectors.contract.marketplace import PushReader
from connectors.contract.types import AccountEvent, AccountTopic, StoreEvent
from salestio import routes, tenancy
from salestio.inbox import drain

LARGEST = 2 * 1024 * 1024
EVENT_ID_LENGTH = 160
COMPLIANCE = ("redact_customer", "redact_store", "data_request")


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "POST"])
def webhook(request: HttpRequest, platform: str) -> HttpResponse:
    """Take one webhook. 401 for a wrong signature, 413 above 2 MB, 404 for a platform or store we do not know."""
    try:
        reader = connections.push_reader(platform)
    except LookupError:
        return _from_store(request, platform)
    return _from_marketplace(request, platform, reader)


def _from_store(request: HttpRequest, platform: str) -> HttpResponse:
    try:
        read = connections.webhook_reader(platform)
    except LookupError:
        return HttpResponse("unknown platform", status=404, content_type="text/plain")
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    body = _body(request)
    if body is None:
        return HttpResponse("larger than 2 MB", status=413, content_type="text/plain")
    try:
        event = read(request.headers, body)
    except Rejected as error:
        status = 401 if error.code == "signature" else 400
        return HttpResponse(error.message, status=status, content_type="text/plain")
    whose = connect.whose_store(platform, event.store_key)
    if whose is None:
        # Genuine, but nobody of ours: an install that never finished. Repeating it would change nothing.
        status = 200 if event.topic in COMPLIANCE else 404
        return HttpResponse("unknown store", status=status, content_type="text/plain")
    _keep(platform, *whose, event)
    return HttpResponse(status=200)


def _from_marketplace(request: HttpRequest, platform: str, reader: PushReader) -> HttpResponse:
    """Take a marketplace's push, or answer its question whether this address is ours."""
    if request.method == "GET":
        query = {name: str(value) for name, value in request.GET.items()}
        answer = reader.challenge(query, connections.webhook_address(platform))
        return JsonResponse(dict(answer)) if answer is not None else HttpResponseNotAllowed(["POST"])
    body = _body(request)
    if body is None:
        return HttpResponse("larger than 2 MB", status=413, content_type="text/plain")
    try:
        event = reader.read(request.headers, body)
    except Rejected as error:
        status = 412 if error.code == "signature" else 400
        return HttpResponse(error.message, status=status, content_type="text/plain")
    except ConnectorError:
        # The sender's key could not be fetched: it shall send again.
        return HttpResponse("cannot be verified now", status=503, content_type="text/plain")
    _hear(platform, event)
    return HttpResponse(status=200)


def _hear(platform: str, event: AccountEvent) -> None:
    message_id = _short(event.event_id)
    if event.topic is AccountTopic.ORDER:
        routes.ask(
            "orders.hear", platform=platform, seller_key=event.account_key, message_id=message_id,
            order_ids=event.order_ids, at=event.at,
        )  # fmt: skip
    elif event.topic is AccountTopic.REVOKED:
        routes.ask(
            "orders.account_revoked",
            platform=platform,
            seller_key=event.account_key,
            message_id=message_id,
            at=event.at,
        )
    elif event.topic is AccountTopic.ERASE_BUYER:
        users = [name for name in event.buyer.values() if name]
        routes.ask("orders.forget_buyer", platform=platform, users=users, message_id=message_id, at=event.at)


def _short(event_id: str) -> str:
    """Return an event id as the inbox keeps it; 20 letters are left for the number of the account or store before it."""
    if len(event_id) > EVENT_ID_LENGTH - 20:
        return hashlib.sha256(event_id.encode()).hexdigest()
    return event_id


def _body(request: HttpRequest) -> bytes | None:
    """Return the raw body, or None when it is too large; a chunked one is read no further than the limit."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > LARGEST:
        return None
    try:
        body = request.read(LARGEST + 1)
    except (OSError, RawPostDataException):
        return b""
    return None if len(body) > LARGEST else body


def _keep(platform: str, merchant_id: int, store_id: int, event: StoreEvent) -> None:
    # Not every platform's ids tell one store's events from another's, and a merchant may have several stores.
    event_id = f"{store_id}:{_short(event.event_id)}"
    with tenancy.scope(merchant_id):
        new = drain.receive(
            platform=platform,
            topic=event.topic,
            event_id=event_id,
            store_id=store_id,
            object_ids=event.object_ids,
            triggered_at=event.triggered_at,
        )
        if new and event.topic == "redact_customer":
            # The row keeps no payload, so what must be erased by e-mail address is erased in the same transaction.
            customer = event.payload.get("customer")
            email = str(customer.get("email") or "") if isinstance(customer, dict) else ""
            routes.emit("buyer.erase", store_id=store_id, order_ids=list(event.object_ids), email=email)
