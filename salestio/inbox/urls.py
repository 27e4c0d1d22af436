"""The address platforms send their webhooks to."""

from __future__ import annotations

from django.urls import path

from salestio.inbox import views

app_name = "inbox"

urlpatterns = [path("webhooks/<str:platform>", views.webhook, name="webhook")]
