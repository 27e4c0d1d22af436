"""The one Admin API version everything here speaks: requests, webhook registration, and the tests of both."""

from __future__ import annotations

API_VERSION = "2026-10"
"""Stable since 2026-10-01 and supported for at least twelve months (shopify.dev, API versioning)."""
