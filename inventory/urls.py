"""Addresses of the inventory pages: the SKU mapping stands under Settings until Profiles exist."""

from __future__ import annotations

from django.urls import path

from inventory import file_views, unmatched_views, views

app_name = "inventory"

urlpatterns = [
    path("settings/sku-mapping/", views.mapping_list, name="mappings"),
    path("settings/sku-mapping/add/", views.mapping_add, name="mapping_add"),
    path("settings/sku-mapping/delete/", views.mapping_delete, name="mapping_delete"),
    path("settings/sku-mapping/<int:pk>/", views.mapping_edit, name="mapping_edit"),
    path("settings/sku-mapping/download/", file_views.download, name="download"),
    path("settings/sku-mapping/upload/", file_views.upload, name="upload_file"),
    path("settings/sku-mapping/uploads/<int:pk>/", file_views.report, name="upload"),
    path("settings/sku-mapping/uploads/<int:pk>/live/", file_views.live, name="upload_live"),
    path("settings/sku-mapping/uploads/<int:pk>/apply/", file_views.apply, name="apply"),
    path("settings/sku-mapping/uploads/<int:pk>/discard/", file_views.discard, name="discard"),
    path("settings/sku-mapping/uploads/<int:pk>/report.csv", file_views.report_file, name="report_file"),
    path("settings/sku-mapping/unmatched/", unmatched_views.unmatched, name="unmatched"),
    path("settings/sku-mapping/unmatched/accept/", unmatched_views.accept, name="accept"),
]
