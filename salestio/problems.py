"""Every error of the REST API as `application/problem+json` (RFC 9457): type, title, status, detail, and the fields.

`handler` is Django REST framework's exception handler; `not_found`, `refused`, `broken` and `csrf` are Django's own error
views, which answer pages with a page and the API with a problem.
"""

from __future__ import annotations

import http
import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


class Conflict(exceptions.APIException):
    """409: what was asked does not fit how things stand; the detail says why."""

    status_code = 409
    default_detail = "This does not fit how things stand."
    default_code = "conflict"


class Unprocessable(exceptions.APIException):
    """422: understood, but a value makes no sense; `errors` is field → sentence."""

    status_code = 422
    default_detail = "A value cannot be taken."
    default_code = "invalid"

    def __init__(self, detail: str = "", errors: dict[str, Any] | None = None) -> None:
        super().__init__(detail or self.default_detail)
        self.errors = errors or {}


def body(status: int, detail: str, code: str = "", **more: Any) -> dict[str, Any]:
    """Return the members of a problem; `code` is a word programs may rely on."""
    title = http.HTTPStatus(status).phrase
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code or _code(status),
    } | more


def _code(status: int) -> str:
    return http.HTTPStatus(status).phrase.lower().replace(" ", "_")


def _flat(detail: Any) -> Any:
    """Return REST framework's nested error lists as field → list of sentences."""
    if isinstance(detail, dict):
        return {key: _flat(value) for key, value in detail.items()}
    if isinstance(detail, list):
        return [_flat(value) for value in detail]
    return str(detail)


def handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception of an API view into a problem; None leaves unforeseen ones to Django (500)."""
    if isinstance(error, Http404):
        error = exceptions.NotFound(str(error) if error.args else "There is no such thing here.")
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(str(error) or None)
    if not isinstance(error, exceptions.APIException):
        return None
    headers = {}
    scheme, wait = getattr(error, "auth_header", None), getattr(error, "wait", None)
    if scheme:
        headers["WWW-Authenticate"] = scheme
    if wait:
        headers["Retry-After"] = str(int(wait))
    if isinstance(error, exceptions.ValidationError):
        fields = _flat(error.detail)
        told = fields if isinstance(fields, dict) else {"": fields}
        data = body(422, "A value cannot be taken; see errors.", "invalid", errors=told)
    elif isinstance(error, Unprocessable):
        data = body(422, str(error.detail), "invalid", **({"errors": error.errors} if error.errors else {}))
    else:
        code = error.get_codes()
        data = body(error.status_code, str(error.detail), code if isinstance(code, str) else "")
    set_rollback()
    return Response(data, status=data["status"], headers=headers, content_type=MEDIA_TYPE)


# ── outside REST framework's views ───────────────────────────────────────────────────────────────────────────────────


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _answer(request: HttpRequest, status: int, detail: str, template: str, **context: Any) -> HttpResponse:
    if _is_api(request):
        return JsonResponse(body(status, detail), status=status, content_type=MEDIA_TYPE)
    # Rendered without a request: an error page asks neither the session nor the database anything.
    page = loader.render_to_string(template, {"BRAND_NAME": settings.BRAND_NAME} | context)
    return HttpResponse(page, status=status)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404."""
    return _answer(request, 404, "There is nothing at this address.", "404.html")


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403 with the sentence of whoever refused."""
    text = str(exception)
    return _answer(request, 403, text or "This is not allowed.", "403.html", exception_text=text)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400."""
    return _answer(request, 400, "This request cannot be read.", "400.html")


def broken(request: HttpRequest) -> HttpResponse:
    """Answer 500; Django has logged the exception."""
    return _answer(request, 500, "Something broke on our side; nothing was done twice.", "500.html")


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose protection is missing or stale."""
    text = "This form was open for too long or came from elsewhere. Go back, reload the page and send it again."
    return _answer(request, 403, text, "403.html", exception_text=text)
