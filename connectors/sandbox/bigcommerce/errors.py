"""How BigCommerce words a no. V2 answers an array of ``{status, message}``, V3 one object ``{status, title, type}``."""

from __future__ import annotations

from typing import Any

Doc = dict[str, Any]

DOCS = "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes"
_TITLES = {
    400: "Bad Request",
    401: "X-Auth-Token is invalid or expired",
    403: "You don't have a required scope to access the endpoint",
    404: "The requested resource was not found.",
    409: "Conflict",
    422: "The request could not be processed",
    429: "Too many requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class Refused(Exception):
    """A clear no of the API: status, sentence, V3's errors by field, V2's ``details``."""

    def __init__(
        self, status: int, message: str = "", *, errors: Doc | None = None, details: Doc | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message or title_of(status)
        self.errors = errors
        self.details = details


def title_of(status: int) -> str:
    """Return the usual words of a status."""
    return _TITLES.get(status, "Error")


def body_of(version: str, refused: Refused) -> Any:
    """Return a refusal's body in the form of the API's version ("v2" or "v3")."""
    if version == "v2":
        row: Doc = {"status": refused.status, "message": refused.message}
        return [{**row, "details": refused.details} if refused.details else row]
    body: Doc = {"status": refused.status, "title": refused.message, "type": DOCS}
    if refused.errors is not None or refused.status == 422:
        body["errors"] = refused.errors or {}
    return body


def invalid(field: str) -> Refused:
    """Return V2's refusal of a field's value."""
    return Refused(400, f"The field '{field}' is invalid.", details={"invalid_reason": f"'{field}' is not valid."})


def missing(field: str) -> Refused:
    """Return V2's refusal of a request without a required field."""
    return Refused(400, f"The required field '{field}' was not supplied.")


def unprocessable(field: str, reason: str) -> Refused:
    """Return V3's refusal of a field's value."""
    return Refused(422, reason, errors={field: reason})
