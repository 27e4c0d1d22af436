"""Addresses of the REST API, version 1. Both forms, with and without a last slash, would be two addresses: there is one."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from orders import api


class IdConverter(IntConverter):
    """An id that fits a bigint; a longer number is nobody's."""

    regex = "[0-9]{1,18}"


register_converter(IdConverter, "id")

urlpatterns = [
    path("orders", api.OrderListView.as_view()),
    path("orders/<id:pk>", api.OrderView.as_view()),
    path("orders/<id:pk>/export", api.OrderExportView.as_view()),
    path("orders/<id:pk>/events", api.OrderEventsView.as_view()),
    path("orders/<id:pk>/lines/<id:number>/match", api.LineMatchView.as_view()),
    path("accounts", api.AccountListView.as_view()),
    path("accounts/<id:pk>/pull", api.AccountPullView.as_view()),
    path("accounts/<id:pk>/settings", api.SettingsView.as_view(kind="account")),
    path("stores", api.StoreListView.as_view()),
    path("stores/<id:pk>/settings", api.SettingsView.as_view(kind="store")),
    path("settings", api.SettingsView.as_view()),
    path("summary", api.SummaryView.as_view()),
    path("sku-mappings", api.MappingListView.as_view()),
    path("sku-mappings/<id:pk>", api.MappingView.as_view()),
]
