"""Amazon's answers of 4xx → contract errors, as data. Statuses of 5xx, 429 and lost answers are `connectors.http`'s.

The body is `{"errors": [{"code", "message", "details"}]}`, or `{"message": …}` when the gateway in front of it answers.
"""

from __future__ import annotations

from typing import Any

from connectors.contract.errors import AccessDenied, ConnectorError, NotFound, Rejected
from connectors.http import Reply

BY_STATUS: dict[int, type[Rejected]] = {401: AccessDenied, 403: AccessDenied, 404: NotFound}
"""Every other 4xx (400, 409, 413, 415) is a plain `Rejected`."""

PAGE_TOKEN = "page_token"  # noqa: S105 - a code, not a secret
"""The code of a refused page token (24 h old, or of another query): begin again from the cursor."""

_TOKEN_WORDS = ("expired", "revoked", "malformed", "invalid", "missing")


def details(reply: Reply) -> list[dict[str, Any]]:
    """Return the errors an answer lists; empty when its body is not Amazon's."""
    try:
        body = reply.json()
    except ConnectorError:
        return []
    if not isinstance(body, dict):
        return []
    listed = body.get("errors")
    if isinstance(listed, list):
        return [error for error in listed if isinstance(error, dict)]
    return [{"code": "", "message": body["message"]}] if isinstance(body.get("message"), str) else []


def token_refused(reply: Reply) -> bool:
    """Say whether the access token itself was refused: a 401, or a 403 whose words are about the token.

    Any other 403 means a role is missing; a fresh token would not help.
    """
    if reply.status == 401:
        return True
    if reply.status != 403:
        return False
    for error in details(reply):
        words = f"{error.get('message', '')} {error.get('details', '')}".lower()
        if "access token" in words and any(word in words for word in _TOKEN_WORDS):
            return True
    return False


def rejection(reply: Reply) -> Rejected:
    """Return the contract error for an answer of 4xx, with Amazon's own words."""
    listed = details(reply)
    texts = [str(error.get("details") or error.get("message") or "") for error in listed]
    texts = [text for text in texts if text] or [f"Amazon refused {reply.operation} with status {reply.status}"]
    code = str(listed[0].get("code") or "") if listed else ""
    return BY_STATUS.get(reply.status, Rejected)(
        texts[0],
        code=code or str(reply.status),
        texts=texts,
        platform=reply.platform,
        operation=reply.operation,
        status=reply.status,
    )
