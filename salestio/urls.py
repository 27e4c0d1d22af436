"""The map of addresses."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from orders import dashboard_views
from salestio import health, metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("", dashboard_views.dashboard, name="dashboard"),
    path("dashboard/live/", dashboard_views.live, name="dashboard-live"),
    path("alerts/<int:pk>/done/", dashboard_views.alert_done, name="alert-done"),
    path("", include("orders.urls")),
    path("", include("inventory.urls")),
    path("", include("accounts.urls")),
    path("", include("salestio.inbox.urls")),
    path("api/v1/", include("orders.api_urls")),
    path(
        "api/schema/", SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[]), name="api-schema"
    ),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.view),
]

handler400 = "salestio.problems.bad_request"
handler403 = "salestio.problems.refused"
handler404 = "salestio.problems.not_found"
handler500 = "salestio.problems.broken"
