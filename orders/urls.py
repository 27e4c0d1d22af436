"""Addresses of the order pages."""

from __future__ import annotations

from django.urls import path

from orders import views

app_name = "orders"

urlpatterns = [
    path("orders/", views.order_list, name="list"),
    path("orders/live/", views.live, name="live"),
    path("orders/export/", views.export_many, name="export_many"),
    path("orders/fetch/", views.fetch, name="fetch"),
    path("orders/check/", views.check_now, name="check"),
    path("orders/views/", views.save_view, name="save_view"),
    path("orders/views/<int:pk>/delete/", views.delete_view, name="delete_view"),
]
