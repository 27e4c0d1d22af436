"""The REST API under /api/v1: one merchant's token opens that merchant's orders, accounts, settings and SKU mappings.

Views open doors: each opens `tenancy.scope` for its database work and calls the pipeline outside. Errors are problem
details (salestio/problems.py); a POST may carry an `Idempotency-Key`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from django.http import Http404
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_naive, make_aware
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import preferences
from accounts.authentication import MayAct
from accounts.models import MarketplaceAccount, Merchant, Store
from inventory import mappings
from inventory.models import SkuMapping, Variant
from orders import change, counts, freshness, pipeline, pull, serializers
from orders.access import check_order, order_for
from orders.domain.states import ExportState
from orders.filters import Filters
from orders.listing import Listing, Place
from orders.models import Order, OrderEvent, OrderLine
from salestio import idempotency, tenancy
from salestio.problems import Conflict, Unprocessable

LIMIT, MOST = 100, 1_000


class MerchantView(APIView):
    """A view of the merchant whose token was sent."""

    permission_classes = (IsAuthenticated, MayAct)

    @property
    def merchant_id(self) -> int:
        return int(self.request.merchant_id)  # type: ignore[attr-defined]

    @property
    def actor(self) -> str:
        return str(self.request.actor)  # type: ignore[attr-defined]

    def scope(self) -> AbstractContextManager[None]:
        """Open the merchant's scope for database work."""
        return tenancy.scope(self.merchant_id)

    def limit(self) -> int:
        """Return the page size asked for. Raises `Unprocessable` for anything but 1 to 1,000."""
        text = self.request.query_params.get("limit", str(LIMIT))
        if not (text.isascii() and text.isdecimal() and 1 <= int(text[:5]) <= MOST and len(text) <= 4):
            raise Unprocessable(errors={"limit": f"Use a whole number from 1 to {MOST}"})
        return int(text)

    def cursor(self) -> Place | None:
        """Return where the page begins. Raises `Unprocessable` for a cursor that is not one of ours."""
        text = self.request.query_params.get("cursor", "")
        if not text:
            return None
        place = Place.read(text)
        if place is None:
            raise Unprocessable(errors={"cursor": "This is no cursor of ours; take `next` of the page before"})
        return place

    def checked(self, serializer: type[Any]) -> dict[str, Any]:
        """Return the request's body, checked. Raises ValidationError."""
        found = serializer(data=self.request.data)
        found.is_valid(raise_exception=True)
        return found.validated_data


def _when(text: str) -> datetime:
    at: datetime | None = None
    try:
        at = parse_datetime(text.strip().replace(" ", "+"))
        if at is None and (day := parse_date(text)):
            at = datetime(day.year, day.month, day.day)  # noqa: DTZ001  made aware below
    except ValueError:
        at = None
    if at is None or not 1990 < at.year < 2200:
        raise Unprocessable(errors={"updated_since": "Use an ISO 8601 time, such as 2026-11-21T09:00:00Z"})
    return make_aware(at) if is_naive(at) else at


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_PAGING = [
    OpenApiParameter("cursor", str, description="`next` of the page before."),
    OpenApiParameter("limit", int, description="1 to 1,000; 100 by default."),
]


def _with_lines(orders: list[Order]) -> list[dict[str, Any]]:
    lines: dict[int, list[OrderLine]] = {}
    for line in OrderLine.objects.filter(order_id__in=[order.pk for order in orders]).order_by("order_id", "number"):
        lines.setdefault(line.order_id, []).append(line)
    return [serializers.order_data(order, lines.get(order.pk, [])) for order in orders]


class OrderListView(MerchantView):
    """Orders, newest purchase first; with `updated_since` the oldest change first."""

    @extend_schema(
        operation_id="orders_list",
        parameters=[
            OpenApiParameter("marketplace_order_id", str),
            OpenApiParameter(
                "export_state",
                str,
                description="One or several, separated by commas.",
                enum=[s.value for s in ExportState],
            ),
            OpenApiParameter(
                "updated_since",
                OpenApiTypes.DATETIME,
                description="Orders whose export state changed at or after this time.",
            ),
            *_PAGING,
        ],
        responses={200: serializers.OrderPageShape, 401: serializers.Problem, 422: serializers.Problem},
    )
    def get(self, request: Request) -> Response:
        limit, place = self.limit(), self.cursor()
        asked = request.query_params
        states = tuple(dict.fromkeys(text for text in asked.get("export_state", "").split(",") if text))
        if any(text not in set(ExportState) for text in states):
            raise Unprocessable(errors={"export_state": f"Use {', '.join(ExportState)}"})
        number = asked.get("marketplace_order_id", "").replace("\x00", "")[:60]
        since = asked.get("updated_since", "")
        with self.scope():
            if since:
                found, after = _changed_since(_when(since), states, number, place, limit)
            else:
                page = Listing(Filters(states=states, order=number, placed="all")).page(place, limit)
                found, after = page.orders, page.older or None
            return Response({"results": _with_lines(found), "next": after})


def _changed_since(
    since: datetime, states: tuple[str, ...], number: str, place: Place | None, limit: int
) -> tuple[list[Order], str | None]:
    """Return orders by the time their export state last changed, oldest first, and where the next page begins."""
    rows = Order.objects.select_related("store").filter(
        merchant_id=tenancy.current_merchant_id(), changed_at__gte=since
    )
    if states:
        rows = rows.filter(export_state__in=states)
    if number:
        rows = rows.filter(marketplace_order_id=number)
    if place:
        rows = rows.extra(
            where=['("orders_order"."changed_at", "orders_order"."id") > (%s, %s)'],
            params=[place.purchased_at, place.order_id],
        )
    found = list(rows.order_by("changed_at", "pk")[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    return found, Place(found[-1].changed_at, found[-1].pk).text() if more else None


class OrderView(MerchantView):
    """One order."""

    @extend_schema(operation_id="orders_get", responses={200: serializers.OrderShape, 404: serializers.Problem})
    def get(self, request: Request, pk: int) -> Response:
        with self.scope():
            return Response(_with_lines([order_for(pk)])[0])


class OrderExportView(MerchantView):
    """Export: create the store order now and answer what came of it. Pressing twice does no harm."""

    @extend_schema(
        operation_id="orders_export",
        request=serializers.ExportInput,
        responses={200: serializers.ExportedOrder, 404: serializers.Problem, 409: serializers.Problem},
    )
    def post(self, request: Request, pk: int) -> Response:
        wanted = self.checked(serializers.ExportInput)
        with self.scope():
            check_order(pk)

        def act() -> Response:
            outcome = pipeline.advance(
                self.merchant_id, pk, actor=self.actor, create_anyway=wanted["create_anyway"], again=wanted["again"]
            )
            with self.scope():
                data = _with_lines([order_for(pk)])[0]
            return Response(data | {"outcome": {"acted": outcome.acted, "message": outcome.message}})

        return idempotency.once(request, self.merchant_id, act)


class OrderEventsView(MerchantView):
    """The order's log, newest first."""

    @extend_schema(
        operation_id="orders_events",
        parameters=_PAGING,
        responses={200: serializers.EventPage, 404: serializers.Problem},
    )
    def get(self, request: Request, pk: int) -> Response:
        limit, place = self.limit(), self.cursor()
        with self.scope():
            order = order_for(pk)
            rows = OrderEvent.objects.filter(merchant_id=self.merchant_id, order_id=pk)
            if place:
                rows = rows.filter(pk__lt=place.order_id)
            found = list(rows.order_by("-pk")[: limit + 1])
            more, found = len(found) > limit, found[:limit]
            after = Place(found[-1].at, found[-1].pk).text() if more else None
            return Response({"results": [serializers.event_data(event, order) for event in found], "next": after})


class LineMatchView(MerchantView):
    """Say which product a line is (F40); the order goes on by itself."""

    @extend_schema(
        operation_id="orders_match_line",
        request=serializers.MatchInput,
        responses={
            200: serializers.OrderShape,
            404: serializers.Problem,
            409: serializers.Problem,
            422: serializers.Problem,
        },
    )
    def post(self, request: Request, pk: int, number: int) -> Response:
        wanted = self.checked(serializers.MatchInput)
        with self.scope():
            order = order_for(pk)
            if not OrderLine.objects.filter(order_id=pk, number=number).exists():
                raise Http404("There is no such line.")
            variant = _variant(order.store_id, wanted)

        def act() -> Response:
            try:
                change.match_line(
                    self.merchant_id, pk, number, variant.pk, actor=self.actor, remember=wanted["remember"]
                )
            except change.CannotChange as error:
                raise Conflict(str(error)) from error
            with self.scope():
                return Response(_with_lines([order_for(pk)])[0])

        return idempotency.once(request, self.merchant_id, act)


def _variant(store_id: int, wanted: dict[str, Any]) -> Variant:
    mine = Variant.objects.filter(store_id=store_id, deleted_at=None)
    if wanted.get("variant"):
        found = list(mine.filter(remote_id=wanted["variant"].replace("\x00", ""))[:2])
        field, name = "variant", wanted["variant"]
    else:
        found = list(mine.filter(sku=wanted["sku"].strip().replace("\x00", ""))[:20])
        field, name = "sku", wanted["sku"]
    if not found:
        raise Unprocessable(errors={field: f"The store has no product with {field} {name}"})
    if len(found) > 1:
        raise Unprocessable(errors={field: f"SKU {name} exists on {len(found)} products; give the variant's id"})
    return found[0]


# ── accounts, stores, counts ─────────────────────────────────────────────────────────────────────────────────────────


class AccountListView(MerchantView):
    """The marketplace accounts."""

    @extend_schema(operation_id="accounts_list", responses={200: serializers.AccountList})
    def get(self, request: Request) -> Response:
        with self.scope():
            rows = MarketplaceAccount.objects.filter(merchant_id=self.merchant_id).order_by("pk")
            lags = freshness.import_lag()
            return Response({"results": [serializers.account_data(row, lags) for row in rows], "next": None})


class StoreListView(MerchantView):
    """The stores."""

    @extend_schema(operation_id="stores_list", responses={200: serializers.StoreList})
    def get(self, request: Request) -> Response:
        with self.scope():
            rows = Store.objects.filter(merchant_id=self.merchant_id).order_by("pk")
            return Response({"results": [serializers.store_data(row) for row in rows], "next": None})


def _account(merchant_id: int, pk: int) -> MarketplaceAccount:
    found = (
        MarketplaceAccount.objects.select_related("store", "merchant").filter(merchant_id=merchant_id, pk=pk).first()
    )
    if found is None:
        raise Http404("There is no such account.")
    return found


def _store(merchant_id: int, pk: int) -> Store:
    found = Store.objects.select_related("merchant").filter(merchant_id=merchant_id, pk=pk).first()
    if found is None:
        raise Http404("There is no such store.")
    return found


class AccountPullView(MerchantView):
    """Check for new orders now."""

    @extend_schema(
        operation_id="accounts_pull", request=None,
        responses={202: serializers.Asked, 404: serializers.Problem, 409: serializers.Problem},
    )  # fmt: skip
    def post(self, request: Request, pk: int) -> Response:
        with self.scope():
            account = _account(self.merchant_id, pk)
            if not account.is_active:
                raise Conflict(f"The connection to {account.name} is {account.state}; confirm it first")
        return Response({"asked": bool(pull.ask(self.merchant_id, pk, actor=self.actor))}, status=202)


class SummaryView(MerchantView):
    """How many orders stand in each export state, and for which reasons."""

    @extend_schema(operation_id="summary", responses={200: serializers.Summary})
    def get(self, request: Request) -> Response:
        with self.scope():
            return Response(counts.summary())


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class SettingsView(MerchantView):
    """General settings. PATCH takes names and values; null resets a value to its default."""

    kind = "general"

    def target(self, pk: int | None) -> preferences.Scope:
        if self.kind == "account":
            return _account(self.merchant_id, int(pk or 0))
        if self.kind == "store":
            return _store(self.merchant_id, int(pk or 0))
        return Merchant.objects.get(pk=self.merchant_id)

    @extend_schema(responses={200: OpenApiTypes.OBJECT, 404: serializers.Problem})
    def get(self, request: Request, pk: int | None = None) -> Response:
        with self.scope():
            return Response(_plain(preferences.read(self.target(pk))))

    @extend_schema(
        request=OpenApiTypes.OBJECT,
        responses={200: OpenApiTypes.OBJECT, 404: serializers.Problem, 422: serializers.Problem},
    )
    def patch(self, request: Request, pk: int | None = None) -> Response:
        if not isinstance(request.data, dict):
            raise Unprocessable("Send an object of names and values")
        with self.scope():
            target = self.target(pk)
            try:
                preferences.write(target, request.data, actor=self.actor)
            except preferences.InvalidSettings as error:
                raise Unprocessable("Nothing was saved; see errors.", errors=error.errors) from error
            return Response(_plain(preferences.read(self.target(pk))))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: serializers.moment(value) if isinstance(value, datetime) else value for name, value in values.items()}


# ── SKU mappings ─────────────────────────────────────────────────────────────────────────────────────────────────────


class MappingListView(MerchantView):
    """SKU mappings, newest first. Account rows beat rows for all accounts."""

    @extend_schema(
        operation_id="sku_mappings_list",
        parameters=[
            OpenApiParameter("q", str, description="Beginning of either SKU."),
            OpenApiParameter("account", int),
            *_PAGING,
        ],
        responses={200: serializers.MappingPage},
    )
    def get(self, request: Request) -> Response:
        limit, place = self.limit(), self.cursor()
        account = request.query_params.get("account", "")
        if account and not (account.isascii() and account.isdecimal() and len(account) < 19):
            raise Unprocessable(errors={"account": "Use an account's id"})
        with self.scope():
            rows = mappings.found(
                text=request.query_params.get("q", "").replace("\x00", ""), account_id=int(account) if account else None
            )
            if place:
                rows = rows.filter(pk__lt=place.order_id)
            found = list(rows[: limit + 1])
            more, found = len(found) > limit, found[:limit]
            after = Place(found[-1].created_at, found[-1].pk).text() if more else None
            return Response({"results": [serializers.mapping_data(row) for row in found], "next": after})

    @extend_schema(
        operation_id="sku_mappings_add", request=serializers.MappingInput,
        responses={201: serializers.Mapping_, 200: serializers.Mapping_, 422: serializers.Problem},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        wanted = self.checked(serializers.MappingInput)

        def act() -> Response:
            with self.scope():
                account = self._account_of(wanted)
                store = account.store if account else self._store_of(wanted)
                try:
                    saved = mappings.save(
                        store=store,
                        account=account,
                        seller_sku=wanted["seller_sku"],
                        sku=wanted.get("sku", ""),
                        quantity=wanted["quantity"],
                        parts=[(part["sku"], part["quantity"]) for part in wanted.get("parts", ())],
                        actor=self.actor,
                    )
                except mappings.CannotMap as error:
                    raise Unprocessable(errors={error.field: str(error)}) from error
                return Response(serializers.mapping_data(saved.mapping), status=201 if saved.new else 200)

        return idempotency.once(request, self.merchant_id, act)

    def _account_of(self, wanted: dict[str, Any]) -> MarketplaceAccount | None:
        if wanted["account"] is None:
            return None
        try:
            return _account(self.merchant_id, wanted["account"])
        except Http404:
            raise Unprocessable(errors={"account": "There is no such account"}) from None

    def _store_of(self, wanted: dict[str, Any]) -> Store:
        stores = list(Store.objects.filter(merchant_id=self.merchant_id).order_by("pk"))
        if wanted.get("store") is not None:
            stores = [store for store in stores if store.pk == wanted["store"]]
        if len(stores) != 1:
            raise Unprocessable(errors={"store": "Give the id of one of your stores"})
        return stores[0]

    @extend_schema(
        operation_id="sku_mappings_delete_several",
        parameters=[OpenApiParameter("id", int, many=True, required=True)],
        responses={204: None, 404: serializers.Problem},
    )
    def delete(self, request: Request) -> Response:
        ids = [text for given in request.query_params.getlist("id") for text in given.split(",")]
        if not ids or not all(text.isascii() and text.isdecimal() and len(text) < 19 for text in ids):
            raise Unprocessable(errors={"id": "Give the ids of the mappings to remove: ?id=1&id=2"})
        with self.scope():
            if not mappings.delete(int(text) for text in ids):
                raise Http404("There is no such mapping.")
        return Response(status=204)


class MappingView(MerchantView):
    """One SKU mapping."""

    @extend_schema(operation_id="sku_mappings_get", responses={200: serializers.Mapping_, 404: serializers.Problem})
    def get(self, request: Request, pk: int) -> Response:
        with self.scope():
            found = SkuMapping.objects.filter(merchant_id=self.merchant_id, pk=pk).first()
            if found is None:
                raise Http404("There is no such mapping.")
            return Response(serializers.mapping_data(found))

    @extend_schema(operation_id="sku_mappings_delete", responses={204: None, 404: serializers.Problem})
    def delete(self, request: Request, pk: int) -> Response:
        with self.scope():
            if not mappings.delete([pk]):
                raise Http404("There is no such mapping.")
        return Response(status=204)
