"""The map of addresses."""

from __future__ import annotations

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("orders.urls")),
    path("admin/", admin.site.urls),
]
if find_spec("accounts.urls"):
    urlpatterns.append(path("", include("accounts.urls")))
