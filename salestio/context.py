"""What every template may use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def product(request: HttpRequest) -> dict[str, Any]:
    """Give the product's name and the mode to every page."""
    return {
        "BRAND_NAME": settings.BRAND_NAME,
        "DEMO": settings.DEMO,
        "SANDBOX_URL": settings.SANDBOX_URL,
        "frame_script": getattr(request, "frame_script", None),
        "embedded": bool(getattr(request, "frame_ancestors", ())),
        "frame_token": getattr(request, "frame_token", ""),
        "frame_here": getattr(request, "frame_here", ""),
    }
