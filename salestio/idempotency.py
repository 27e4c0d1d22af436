"""`Idempotency-Key`: the same POST sent twice is done once and answered twice with the same answer, for a day."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from salestio import tenancy
from salestio.models import IdempotencyRecord
from salestio.problems import Conflict, Unprocessable

KEEP = timedelta(hours=24)
ABANDONED = timedelta(minutes=5)
"""A first request that has not answered for this long has died; the key may be used again."""
LONGEST = 200


def once(request: Request, merchant_id: int, act: Callable[[], Response]) -> Response:
    """Do `act` unless this key has been seen; then answer what was answered.

    Raises `Unprocessable` for a key too long or used for another request, `Conflict` while the first is being done.
    Answers with status 500 and above are not kept, so that a repeat may work.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return act()
    if len(key) > LONGEST or not key.isprintable():
        raise Unprocessable(f"Idempotency-Key: use at most {LONGEST} printable letters")
    digest = _digest(request)
    kept = _begin(merchant_id, key, digest)
    if kept is not None:
        return _again(kept, digest)
    try:
        response = act()
    except BaseException:
        _forget(merchant_id, key)
        raise
    if response.status_code >= 500:
        _forget(merchant_id, key)
    else:
        with tenancy.scope(merchant_id):
            IdempotencyRecord.objects.filter(key=key).update(status=response.status_code, body=response.data)
    return response


def _digest(request: Request) -> str:
    text = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(text + repr(sorted(_items(request.data))).encode()).hexdigest()


def _items(data: Any) -> list[tuple[str, str]]:
    return [(str(k), repr(v)) for k, v in data.items()] if hasattr(data, "items") else [("", repr(data))]


def _begin(merchant_id: int, key: str, digest: str) -> IdempotencyRecord | None:
    """Claim the key; return the record of an earlier request with it, None when this is the first."""
    now = timezone.now()
    with tenancy.scope(merchant_id):
        IdempotencyRecord.objects.filter(created_at__lt=now - KEEP).delete()
        IdempotencyRecord.objects.filter(key=key, status=None, created_at__lt=now - ABANDONED).delete()
        record = IdempotencyRecord(merchant_id=merchant_id, key=key, request_hash=digest)
        # ON CONFLICT DO NOTHING tells by the absence of a row who was first.
        IdempotencyRecord.objects.bulk_create([record], ignore_conflicts=True)
        stored = IdempotencyRecord.objects.get(key=key)
        return None if stored.created_at == record.created_at and stored.request_hash == digest else stored


def _again(kept: IdempotencyRecord, digest: str) -> Response:
    if kept.request_hash != digest:
        raise Unprocessable("This Idempotency-Key was used for another request; use a new one")
    if kept.status is None:
        raise Conflict("The first request with this Idempotency-Key is still being done")
    return Response(kept.body, status=kept.status, headers={"Idempotent-Replayed": "true"})


def _forget(merchant_id: int, key: str) -> None:
    with tenancy.scope(merchant_id):
        IdempotencyRecord.objects.filter(key=key, status=None).delete()
