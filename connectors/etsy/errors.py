"""Etsy's answers of 4xx → contract errors, as data. Statuses of 5xx, 429 and lost answers are `connectors.http`'s.

The body is `{"error": text}`, sometimes with `error_description`. There are no codes: the status decides, then known
words.
"""

from __future__ import annotations

import re
from typing import Any

from connectors.contract.errors import AccessDenied, ConnectorError, NotFound, Rejected, UnexpectedReply
from connectors.http import Reply

BY_STATUS: dict[int, type[Rejected]] = {401: AccessDenied, 403: AccessDenied, 404: NotFound}
"""Every other 4xx (400, 409) is a plain `Rejected`."""

PAGE_TOKEN = "page_token"  # noqa: S105 - a code, not a secret
"""The code of a page token of ours that does not belong to the window asked for: begin again from the cursor."""

_OUR_KEY = ("x-api-key", "api key", "api_key", "shared secret", "keystring", "invalid_client")
"""Words about our application's own key: no seller can mend that."""

_NAME = re.compile(r"[a-z][a-z_]+")


def texts(reply: Reply) -> tuple[str, str]:
    """Return Etsy's `error` and `error_description`; empty where the body is not Etsy's."""
    try:
        body: Any = reply.json()
    except ConnectorError:
        return "", ""
    if not isinstance(body, dict):
        return "", ""
    told, more = body.get("error"), body.get("error_description")
    return told if isinstance(told, str) else "", more if isinstance(more, str) else ""


def our_key_refused(reply: Reply) -> bool:
    """Say whether Etsy refuses our application's own key, as since 2026-02-09 one without its shared secret."""
    words = " ".join(texts(reply)).lower()
    return reply.status in (400, 401, 403) and any(word in words for word in _OUR_KEY)


def token_refused(reply: Reply) -> bool:
    """Say whether the access token itself was refused; a 403 is about scopes, shops and our own key."""
    return reply.status == 401 and "scope" not in " ".join(texts(reply)).lower() and not our_key_refused(reply)


def rejection(reply: Reply) -> ConnectorError:
    """Return the contract error for an answer of 4xx, with Etsy's own words."""
    error, description = texts(reply)
    if our_key_refused(reply):
        return UnexpectedReply(
            f"Etsy refuses our application's own key ({error}); the operator must look",
            platform=reply.platform,
            operation=reply.operation,
            status=reply.status,
        )
    words = description or error or f"Etsy refused {reply.operation} with status {reply.status}"
    return BY_STATUS.get(reply.status, Rejected)(
        words,
        code=error if _NAME.fullmatch(error) else str(reply.status),
        texts=[text for text in (error, description) if text] or [words],
        platform=reply.platform,
        operation=reply.operation,
        status=reply.status,
    )
