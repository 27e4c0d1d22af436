"""The map of addresses."""

from __future__ import annotations

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from salestio import health, metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.view, name="metrics"),
    path("", include("orders.urls")),
    path("", include("salestio.inbox.urls")),
    path("admin/", admin.site.urls),
]
if find_spec("accounts.urls"):
    urlpatterns.append(path("", include("accounts.urls")))
