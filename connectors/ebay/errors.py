"""eBay's answers of 4xx → contract errors, as data. Statuses of 5xx, 429 and lost answers are `connectors.http`'s.

The body is `{"errors": [{"errorId", "domain", "category", "message", "longMessage", "parameters"}]}`. The id decides,
then the status, then the category: APPLICATION is eBay's own trouble and may pass, REQUEST and BUSINESS will not.
"""

from __future__ import annotations

from typing import Any

from connectors.contract.errors import (
    AccessDenied,
    ConnectorError,
    NotFound,
    OutcomeUnknown,
    Rejected,
    TransientError,
)
from connectors.http import Reply

FUTURE_DATE = "30850"
"""A time in eBay's future: its clock is behind ours."""
BAD_ORDER = "32100"
NO_CONFIG = "195003"
DESTINATION_EXISTS = "195021"
SUBSCRIPTION_EXISTS = "195012"

BY_ID: dict[str, type[ConnectorError]] = {
    BAD_ORDER: NotFound,
    "1100": AccessDenied,  # insufficient permissions: a scope the seller did not grant
    "195001": NotFound,  # public key
    "195002": NotFound,  # topic
    "195011": AccessDenied,  # topic not allowed to this app
    "195013": NotFound,  # subscription
    "195022": NotFound,  # destination
    "195026": NotFound,  # notification configuration: answered as APPLICATION, but it only is not there yet
    "195028": AccessDenied,
    "195000": TransientError,
    "20500": TransientError,
    "20501": TransientError,
    "30500": TransientError,
}
"""eBay's error ids (its contracts' `x-response-codes`) that say more than their status does."""

BY_STATUS: dict[int, type[ConnectorError]] = {401: AccessDenied, 403: AccessDenied, 404: NotFound}


def details(reply: Reply) -> list[dict[str, Any]]:
    """Return the errors an answer lists; empty when its body is not eBay's."""
    try:
        body = reply.json()
    except ConnectorError:
        return []
    listed = body.get("errors") if isinstance(body, dict) else None
    return [error for error in listed if isinstance(error, dict)] if isinstance(listed, list) else []


def rejection(reply: Reply) -> ConnectorError:
    """Return the contract error for an answer of 4xx, with eBay's own words; its code is eBay's errorId."""
    listed = details(reply)
    texts = [str(error.get("longMessage") or error.get("message") or "") for error in listed]
    texts = [text for text in texts if text] or [f"eBay refused {reply.operation} with status {reply.status}"]
    ids = [str(error.get("errorId") or "") for error in listed]
    told = next((error_id for error_id in ids if error_id in BY_ID), "")
    where = {"platform": reply.platform, "operation": reply.operation}
    kind = BY_ID.get(told) or BY_STATUS.get(reply.status)
    if kind is None and any(str(error.get("category", "")).upper() == "APPLICATION" for error in listed):
        kind = TransientError
    if kind is TransientError:
        kind = OutcomeUnknown if reply.write else TransientError
        return kind(texts[0], status=reply.status, **where)
    refused = kind if kind is not None and issubclass(kind, Rejected) else Rejected
    named = [
        str(parameter.get("name"))
        for error in listed
        for parameter in error.get("parameters") or ()
        if isinstance(parameter, dict) and parameter.get("name")
    ]
    code = told or next((error_id for error_id in ids if error_id), str(reply.status))
    return refused(texts[0], code=code, fields=named, texts=texts, status=reply.status, **where)
