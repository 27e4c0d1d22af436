"""Request plumbing: an id on every request, and the security headers on every answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]


class RequestContext:
    """Give each request an id, in the log and in the answer."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex[:12]
        request.request_id = request_id  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request=request_id):
            response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


class SecurityHeaders:
    """Set the content security policy: no inline script, one frame ancestor where the page is embedded, none elsewhere.

    A view that renders inside a store's admin sets `request.frame_ancestors`, and `frame_script` where the admin has a
    script of its own; see accounts/embedded.py.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.get("Content-Type", "").startswith("text/html"):
            return response
        ancestors = getattr(request, "frame_ancestors", ())
        script = getattr(request, "frame_script", None)
        if token := getattr(request, "frame_token", ""):
            # Renewed with every answer, so that a page in a control panel goes on working while somebody uses it.
            response["X-Frame-Token"] = token
        response["Content-Security-Policy"] = "; ".join(
            [
                "default-src 'self'",
                f"script-src 'self' {script.address if script else ''}".strip(),
                "style-src 'self' 'unsafe-inline'" if request.path.startswith("/admin/") else "style-src 'self'",
                "img-src 'self' data: https:",
                "font-src 'self'",
                "object-src 'none'",
                "base-uri 'self'",
                f"frame-ancestors {' '.join(ancestors) if ancestors else chr(39) + 'none' + chr(39)}",
            ]
        )
        return response
