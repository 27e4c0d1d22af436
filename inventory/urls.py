"""Addresses of the inventory pages: the SKU mapping stands under Settings until Profiles exist."""

from __future__ import annotations

from django.urls import path

from inventory import views

app_name = "inventory"

urlpatterns = [
    path("settings/sku-mapping/", views.mapping_list, name="mappings"),
    path("settings/sku-mapping/add/", views.mapping_add, name="mapping_add"),
    path("settings/sku-mapping/delete/", views.mapping_delete, name="mapping_delete"),
]
