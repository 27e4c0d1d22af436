"""What every template may use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def product(request: HttpRequest) -> dict[str, Any]:
    """Give the product's name and the mode to every page."""
    embedded = bool(getattr(request, "frame_ancestors", ()))
    return {
        "BRAND_NAME": settings.BRAND_NAME,
        "DEMO": settings.DEMO,
        "SANDBOX_URL": settings.SANDBOX_URL,
        "BRIDGE_URL": settings.SHOPIFY_APP_BRIDGE_URL,
        "SHOPIFY_CLIENT_ID": settings.SHOPIFY["client_id"],
        "embedded": embedded,
        "in_shopify": embedded and getattr(request, "frame_platform", "shopify") == "shopify",
        "frame_token": getattr(request, "frame_token", ""),
        "frame_here": getattr(request, "frame_here", ""),
    }
