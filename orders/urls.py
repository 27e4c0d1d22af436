"""Addresses of the order pages."""

from __future__ import annotations

from django.urls import path

from orders import archive_views, order_views, preview_views, routing_views, views
from orders.backfill_views import older_orders
from orders.held_back_views import held_back, lift

app_name = "orders"

urlpatterns = [
    path("orders/", views.order_list, name="list"),
    path("orders/live/", views.live, name="live"),
    path("orders/export/", views.export_many, name="export_many"),
    path("orders/export/<int:pk>/close/", views.close_bulk, name="close_bulk"),
    path("orders/fetch/", views.fetch, name="fetch"),
    path("orders/check/", views.check_now, name="check"),
    path("orders/preview/", preview_views.settings_preview, name="preview"),
    path("orders/<int:pk>/", order_views.detail, name="detail"),
    path("orders/<int:pk>/live/", order_views.live, name="order_live"),
    path("orders/<int:pk>/export/", order_views.export, name="export"),
    path("orders/<int:pk>/confirm/<str:what>/", order_views.confirm, name="confirm"),
    path("orders/<int:pk>/adopt/", order_views.adopt, name="adopt"),
    path("orders/<int:pk>/lines/<int:number>/change/", order_views.change_line, name="change_line"),
    path("orders/<int:pk>/address/", order_views.edit_address, name="edit_address"),
    path("settings/stores/<int:pk>/routing/", routing_views.routing, name="routing"),
    path("settings/stores/<int:pk>/routing/<int:rule>/", routing_views.change, name="routing_change"),
    path("read-only/", held_back, name="read_only"),
    path("read-only/lift/", lift, name="lift_read_only"),
    path("orders/<int:pk>/customization/<int:archive>/", archive_views.download, name="archive"),
    path(
        "orders/<int:pk>/customization/<int:archive>/picture/<int:number>/",
        archive_views.picture,
        name="archive_picture",
    ),
    path("orders/<int:pk>/customization/<int:archive>/again/", archive_views.again, name="archive_again"),
    path("orders/<int:pk>/customization/<int:archive>/link/", archive_views.change_link, name="archive_link"),
    path("customization/<str:link>/", archive_views.shared, name="shared"),
    path("customization/<str:link>/picture/<int:number>/", archive_views.shared_picture, name="shared_picture"),
    path("customization/<str:link>/download/", archive_views.shared_download, name="shared_download"),
    path("accounts/<int:pk>/older-orders/", older_orders, name="older_orders"),
    path("orders/views/", views.save_view, name="save_view"),
    path("orders/views/<int:pk>/delete/", views.delete_view, name="delete_view"),
]
