"""Claim a lane's due orders and load everything the steps need, in a handful of queries for the whole batch."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings

from accounts import preferences
from accounts.models import MarketplaceAccount, Store
from connectors.contract.types import PersonalDetails, StoreOrderDraft
from inventory.domain.suggest import barcode_forms, gtin
from inventory.models import SkuMapping, Variant
from orders import archives, personal
from orders.domain.conversion import Rate
from orders.domain.matching import ACCOUNT_MAPPING, MAPPING, Candidate, Catalog, Target, sku_form
from orders.domain.routing import Way
from orders.domain.rules import Choice, Rule
from orders.models import Archive, Buyer, Order, OrderEvent, OrderLine, StoreOrder
from salestio.lib.text import title_key

CLAIM_DUE = """
WITH due AS (
    SELECT id FROM orders_order
    WHERE merchant_id = %s AND store_id = %s AND export_state IN ('imported', 'waiting', 'sending', 'unknown')
      AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until < now())
    ORDER BY next_attempt_at, id LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE orders_order o SET lease_token = %s, lease_until = now() + make_interval(secs => %s)
FROM due WHERE o.id = due.id RETURNING o.*
"""
CLAIM_ONE = """
UPDATE orders_order o SET lease_token = %s, lease_until = now() + make_interval(secs => %s)
WHERE merchant_id = %s AND id = %s AND (lease_until IS NULL OR lease_until < now())
RETURNING o.*
"""


@dataclass(slots=True)
class Item:
    """One claimed order with what belongs to it, and what the steps decided so far."""

    order: Order
    lines: list[OrderLine] = field(default_factory=list)
    personal: PersonalDetails | None = None
    store_order: StoreOrder | None = None
    way: Way | None = None
    draft: StoreOrderDraft | None = None
    archives: list[Archive] = field(default_factory=list)
    """What the buyer made of its lines; their links go along."""
    money: dict[str, str] = field(default_factory=dict)
    """How the draft's total came about; kept with the store order."""
    place: Choice | None = None
    """Where it is served from; set when it is reserved."""
    changed_lines: list[OrderLine] = field(default_factory=list)
    by_hand: bool = False
    create_anyway: bool = False
    actor: str = ""

    @property
    def live_lines(self) -> list[OrderLine]:
        """Return the lines that are exported: those with units left."""
        return [line for line in self.lines if line.quantity > 0]


@dataclass(slots=True)
class Batch:
    """A lane's claimed orders and their surroundings."""

    merchant_id: int
    store: Store
    token: uuid.UUID
    items: list[Item]
    now: datetime
    accounts: dict[int, MarketplaceAccount] = field(default_factory=dict)
    chosen: dict[int, preferences.OrderPreferences] = field(default_factory=dict)
    variants: dict[int, Variant] = field(default_factory=dict)
    catalogs: dict[int, Catalog] = field(default_factory=dict)
    rules: list[Rule] | None = None
    """The store's routing rules, read when an order needs a place."""
    places: dict[int, str] | None = None
    """Location id → the store's id of it, read when an order needs one."""
    rates: dict[tuple[str, str, date], Rate | None] = field(default_factory=dict)
    """(from, to, day) → the exchange rate, read when an order needs one."""
    events: list[OrderEvent] = field(default_factory=list)

    def location_of(self, item: Item) -> int | None:
        """Return the location the order is served from, None for the store's own choice."""
        if item.place is not None:
            return item.place.location_id
        if item.order.routed_by:
            return item.order.location_ref
        return self.chosen[item.order.account_id].default_location_id

    def say(self, item: Item, stage: str, code: str, **data: Any) -> None:
        """Note an event of the order's log; all of the batch are written in one insert."""
        self.events.append(
            OrderEvent(
                merchant_id=self.merchant_id, order_id=item.order.pk, at=self.now, stage=stage, code=code, data=data,
                actor=item.actor, attempt=item.order.attempts,
            )
        )  # fmt: skip

    def names(self, item: Item) -> dict[str, Any]:
        """Return the names every reason's sentence may need."""
        return {
            "platform": item.order.platform,
            "store_platform": self.store.platform,
            "account": self.accounts[item.order.account_id].name,
            "order": item.order.marketplace_order_id,
        }


def claim_due(merchant_id: int, store_id: int, *, limit: int, moment: datetime) -> Batch | None:
    """Claim the lane's oldest due orders. In a scope; the claim and what follows commit together."""
    token = uuid.uuid4()
    rows = list(Order.objects.raw(CLAIM_DUE, [merchant_id, store_id, limit, token, settings.TIMES.lease]))
    if not rows:
        return None
    rows.sort(key=lambda row: (row.paid_at or row.purchased_at, row.pk))
    return _load(merchant_id, store_id, token, rows, moment)


def claim_one(merchant_id: int, order_id: int, *, moment: datetime) -> Batch | None:
    """Claim one order for a person, whatever its state, unless a worker has it right now. In a scope."""
    token = uuid.uuid4()
    rows = list(Order.objects.raw(CLAIM_ONE, [token, settings.TIMES.lease, merchant_id, order_id]))
    return _load(merchant_id, rows[0].store_id, token, rows, moment) if rows else None


def peek(merchant_id: int, order: Order, *, moment: datetime) -> Batch:
    """Load one order as a batch without claiming it, to look at; its token is nobody's, so nothing of it is written."""
    return _load(merchant_id, order.store_id, uuid.uuid4(), [order], moment)


def _load(merchant_id: int, store_id: int, token: uuid.UUID, rows: Sequence[Order], moment: datetime) -> Batch:
    ids = [row.pk for row in rows]
    store = Store.objects.select_related("merchant").get(pk=store_id)
    batch = Batch(merchant_id, store, token, [Item(row) for row in rows], moment)
    by_id = {item.order.pk: item for item in batch.items}
    for line in OrderLine.objects.filter(order_id__in=ids).order_by("order_id", "number"):
        by_id[line.order_id].lines.append(line)
    for account in MarketplaceAccount.objects.filter(pk__in={row.account_id for row in rows}):
        account.store, account.merchant = store, store.merchant
        batch.accounts[account.pk] = account
        batch.chosen[account.pk] = preferences.for_order(account, store)
    for made in StoreOrder.objects.filter(order_id__in=ids).order_by("order_id", "generation"):
        by_id[made.order_id].store_order = made
    return batch


def load_buyers(items: Iterable[Item]) -> None:
    """Open the buyers of these orders; one whose data was erased keeps None."""
    by_id = {item.order.pk: item for item in items}
    # The marketplace's whole answer lies beside it, and is not for here.
    for order_id, sealed in Buyer.objects.filter(order_id__in=list(by_id)).values_list("order_id", "sealed"):
        by_id[order_id].personal = personal.unseal(sealed)
    customized = [pk for pk, item in by_id.items() if item.personal and any(item.personal.customization_urls.values())]
    if customized:
        for pk, found in archives.of_orders(customized).items():
            by_id[pk].archives = found


def load_catalog(batch: Batch, items: Sequence[Item]) -> None:
    """Load mappings and the variants that these lines may mean, for each account of the batch."""
    chosen = next(iter(batch.chosen.values()))
    exact = chosen.sku_case_sensitive
    seller_skus = {line.seller_sku or line.item_id for item in items for line in item.live_lines} - {""}
    mappings: dict[int | None, dict[str, Target]] = defaultdict(dict)
    rows = SkuMapping.objects.filter(store_id=batch.store.pk, seller_sku__in=seller_skus)
    preferred: dict[int | None, dict[tuple[str, str], int]] = defaultdict(dict)
    for row in rows:
        mappings[row.account_id][row.seller_sku] = row.target
        if row.variant_ref is not None:
            rule = ACCOUNT_MAPPING if row.account_id else MAPPING
            preferred[row.account_id][rule, row.seller_sku] = row.variant_ref
    targets = [target for by_account in mappings.values() for target in by_account.values()]
    wanted = set(seller_skus) | {sku for target in targets for sku, _ in target}
    keys = {line_key(line) for item in items for line in item.live_lines} - {""} if chosen.title_matching else set()
    codes = {form for sku in seller_skus for form in barcode_forms(sku)} if chosen.barcode_matching else set()
    matched = {variant_id for item in items for line in item.lines for variant_id, _ in line.components}
    by_sku: dict[str, list[Candidate]] = defaultdict(list)
    by_title: dict[str, list[Candidate]] = defaultdict(list)
    by_barcode: dict[str, list[Candidate]] = defaultdict(list)
    hidden: dict[str, str] = {}
    for variant in _variants(batch, wanted, keys, codes, matched, exact):
        batch.variants[variant.pk] = variant
        if why := _unusable(variant, chosen):
            if variant.sku.strip() and not variant.deleted_at:
                hidden[sku_form(variant.sku, case_sensitive=exact)] = why
            continue
        candidate = Candidate(variant.pk, variant.sku, variant.title, variant.title_key)
        if variant.sku.strip():
            by_sku[sku_form(variant.sku, case_sensitive=exact)].append(candidate)
        if variant.title_key in keys:
            by_title[variant.title_key].append(candidate)
        if variant.barcode in codes:
            by_barcode[gtin(variant.barcode)].append(candidate)
    for account_id in batch.accounts:
        batch.catalogs[account_id] = Catalog(
            by_sku=by_sku,
            by_title=by_title,
            account_mappings=mappings.get(account_id, {}),
            mappings=mappings.get(None, {}),
            case_sensitive=exact,
            use_titles=chosen.title_matching,
            hidden=hidden,
            by_barcode=by_barcode,
            preferred=preferred.get(None, {}) | preferred.get(account_id, {}),
        )


def _unusable(variant: Variant, chosen: preferences.OrderPreferences) -> str:
    """Return why orders may not use a variant, "" when they may (F71)."""
    if variant.deleted_at:
        return f"{variant.title} was deleted in the store"
    if not variant.active:
        return f"{variant.title} is disabled in the store"
    if not variant.visible and not chosen.include_hidden:
        return f"{variant.title} is hidden in the store; hidden products are left out (your setting)"
    return ""


def line_key(line: OrderLine) -> str:
    """Return the title key of a stored line."""
    parts = [line.title]
    for name, value in line.variation:
        parts += [name, value]
    return title_key(parts)


def _variants(
    batch: Batch, skus: set[str], keys: set[str], codes: set[str], ids: set[int], exact: bool
) -> Iterable[Variant]:
    """Return variants by SKU, title key, barcode or id, each by its own index."""
    same = "v.sku = ANY(%s)" if exact else "lower(v.sku) = ANY(%s)"
    forms = [sku_form(sku, case_sensitive=exact) for sku in skus]
    parts = [f"SELECT * FROM inventory_variant v WHERE v.merchant_id = %s AND v.store_id = %s AND {same}"]  # noqa: S608
    params: list[Any] = [batch.merchant_id, batch.store.pk, forms if exact else [form.lower() for form in forms]]
    if keys:
        parts.append(
            "SELECT * FROM inventory_variant v WHERE v.merchant_id = %s AND v.store_id = %s AND v.title_key = ANY(%s)"
        )
        params += [batch.merchant_id, batch.store.pk, list(keys)]
    if codes:
        parts.append(
            "SELECT * FROM inventory_variant v WHERE v.merchant_id = %s AND v.store_id = %s AND v.barcode = ANY(%s)"
            " AND v.barcode <> ''"
        )
        params += [batch.merchant_id, batch.store.pk, sorted(codes)]
    if ids:
        parts.append("SELECT * FROM inventory_variant v WHERE v.merchant_id = %s AND v.id = ANY(%s)")
        params += [batch.merchant_id, list(ids)]
    seen: dict[int, Variant] = {}
    for variant in Variant.objects.raw(" UNION ALL ".join(parts), params):
        seen.setdefault(variant.pk, variant)
    return seen.values()
