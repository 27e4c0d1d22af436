"""The order's life: what the marketplace says, what we did about it, and everything that happened on the way."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from orders.domain.past import Shipped
from orders.domain.states import ExportState
from salestio.tenancy import EMPTY_LIST, EMPTY_OBJECT, MerchantModel

MONEY: dict[str, Any] = {"max_digits": 14, "decimal_places": 3}


class Status(models.TextChoices):
    """What the marketplace says."""

    INCOMPLETE = "incomplete", "Incomplete"
    PAID = "paid", "Paid"
    PARTIALLY_SHIPPED = "partially_shipped", "Partially shipped"
    SHIPPED = "shipped", "Shipped"
    REFUNDED = "refunded", "Refunded"
    CANCELED = "canceled", "Canceled"


class Order(MerchantModel):
    """A marketplace order as we hold it. *Status* is their word, *export state* is ours."""

    account = models.ForeignKey(
        "accounts.MarketplaceAccount", on_delete=models.CASCADE, related_name="orders", db_index=False
    )
    store = models.ForeignKey("accounts.Store", on_delete=models.CASCADE, related_name="orders", db_index=False)
    platform = models.CharField(max_length=20)
    marketplace_order_id = models.CharField(max_length=60)
    site = models.CharField(max_length=10, blank=True)

    # what they say
    status = models.CharField(max_length=20, choices=Status.choices)
    raw_status = models.CharField(max_length=60, blank=True)
    fulfilled_by = models.CharField(
        max_length=12, default="merchant", choices=[("merchant", "Merchant"), ("marketplace", "Marketplace")]
    )
    purchased_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True, help_text="When we first saw it paid, or its purchase time.")
    source_updated_at = models.DateTimeField()
    content_hash = models.CharField(max_length=32)
    revision = models.PositiveIntegerField(default=1, help_text="Rises with every change at the marketplace.")
    currency = models.CharField(max_length=3, blank=True)
    total = models.DecimalField(**MONEY, null=True, blank=True)
    service_level = models.CharField(max_length=60, blank=True)
    ship_by = models.DateTimeField(null=True, blank=True)
    deliver_by = models.DateTimeField(null=True, blank=True)
    country = models.CharField(max_length=2, blank=True)
    has_address = models.BooleanField(default=False)
    replacement_of = models.CharField(max_length=60, blank=True)
    programs = models.JSONField(default=list)
    cancel_requested = models.BooleanField(default=False, help_text="A cancellation is in play: nothing is created.")
    location_ref = models.BigIntegerField(null=True, blank=True, help_text="Where a routing rule serves it from (F59).")
    routed_by = models.CharField(max_length=80, blank=True, db_default="", help_text="The rule that said so.")
    withheld = models.JSONField(
        default=list, db_default=EMPTY_LIST, help_text="What the marketplace never tells of this order: address, email."
    )
    shipped_when_seen = models.BooleanField(default=False)
    takes_stock = models.BooleanField(
        default=False, db_default=False, help_text="Shipped when imported, its units are taken from stock all the same."
    )
    item_summary = models.CharField(max_length=120, blank=True, help_text="1 × Enamel Mug 350 ml, for the list.")
    units = models.PositiveIntegerField(default=0)

    # what we did
    export_state = models.CharField(max_length=10, choices=ExportState.choices(), default=ExportState.IMPORTED)
    reason_code = models.CharField(max_length=40, blank=True)
    reason_data = models.JSONField(default=dict)
    state_since = models.DateTimeField(default=timezone.now)
    retrying_since = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    sent_revision = models.PositiveIntegerField(
        null=True, blank=True, help_text="The revision the store order was made of."
    )
    force = models.CharField(max_length=12, blank=True, help_text="create_anyway, once, by a person.")
    asked_by = models.CharField(max_length=160, blank=True, help_text="Who pressed Export; empty for the automatic.")
    store_order_id = models.CharField(max_length=120, blank=True)
    store_order_name = models.CharField(max_length=120, blank=True)
    imported_at = models.DateTimeField(default=timezone.now)
    exported_at = models.DateTimeField(null=True, blank=True)
    tracking_state = models.CharField(max_length=20, blank=True)
    changed_at = models.DateTimeField(
        db_default=Now(), editable=False, help_text="When anything a reader sees last changed; kept by a trigger."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "marketplace_order_id"], name="order_once"),
            models.UniqueConstraint(fields=["merchant", "id"], name="order_merchant_id"),
        ]
        indexes = [
            # the lane: due orders of a store, oldest paid first (next_attempt_at starts as the time of payment)
            models.Index(
                fields=["merchant", "store", "next_attempt_at"],
                name="order_due",
                condition=Q(export_state__in=("imported", "waiting", "sending", "unknown"))
                & Q(next_attempt_at__isnull=False),
            ),
            # lists: each filter alone is led by the merchant and ends in the time of purchase
            models.Index(fields=["merchant", "-purchased_at", "-id"], name="order_newest"),
            models.Index(fields=["merchant", "account", "-purchased_at", "-id"], name="order_by_account"),
            models.Index(fields=["merchant", "status", "-purchased_at", "-id"], name="order_by_status"),
            models.Index(fields=["merchant", "fulfilled_by", "-purchased_at", "-id"], name="order_by_fulfiller"),
            models.Index(
                fields=["merchant", "export_state", "reason_code", "-purchased_at", "-id"],
                name="order_open",
                condition=~Q(export_state="created"),
            ),
            models.Index(fields=["merchant", "export_state", "-purchased_at", "-id"], name="order_by_state"),
            models.Index(fields=["merchant", "platform", "-purchased_at", "-id"], name="order_by_platform"),
            models.Index(fields=["merchant", "total", "-id"], name="order_by_total"),
            # ids that people type or paste
            models.Index(fields=["merchant", "marketplace_order_id"], name="order_by_their_id"),
            models.Index(
                fields=["merchant", "store_order_name"], name="order_by_name", condition=~Q(store_order_name="")
            ),
            models.Index(
                fields=["merchant", "store_order_id"], name="order_by_store_id", condition=~Q(store_order_id="")
            ),
            # ship today
            models.Index(
                fields=["merchant", "ship_by"],
                name="order_to_ship",
                condition=Q(status__in=("paid", "partially_shipped")),
            ),
            # the REST API's updated_since
            models.Index(fields=["merchant", "changed_at", "id"], name="order_changed_at"),
        ]

    def __str__(self) -> str:
        return self.marketplace_order_id


class OrderLine(MerchantModel):
    """One line of an order."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_index=False)
    number = models.PositiveSmallIntegerField()
    remote_id = models.CharField(max_length=120)
    seller_sku = models.CharField(max_length=255, blank=True)
    item_id = models.CharField(max_length=60, blank=True)
    title = models.CharField(max_length=500)
    variation = models.JSONField(default=list)
    quantity = models.PositiveIntegerField()
    quantity_shipped = models.PositiveIntegerField(default=0)
    item_total = models.DecimalField(**MONEY, null=True, blank=True)
    discount = models.DecimalField(**MONEY, default=0)
    shipping = models.DecimalField(**MONEY, default=0)
    shipping_discount = models.DecimalField(**MONEY, default=0)
    gift_wrap = models.DecimalField(**MONEY, default=0)
    other = models.DecimalField(**MONEY, default=0)
    tax = models.DecimalField(**MONEY, default=0)
    shipping_tax = models.DecimalField(**MONEY, default=0)
    tax_collected_by_marketplace = models.BooleanField(default=False)
    total = models.DecimalField(**MONEY, null=True, blank=True)
    digital = models.BooleanField(
        default=False, db_default=False, help_text="Nothing is shipped and no stock is taken."
    )

    # the match
    variant = models.ForeignKey(
        "inventory.Variant",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    matched_by = models.CharField(max_length=20, blank=True, help_text="account_mapping, mapping, sku, title, person")
    matched_sku = models.CharField(max_length=255, blank=True, help_text="The store's SKU at the time of the match.")
    match_note = models.CharField(max_length=300, blank=True)
    parts = models.JSONField(
        default=list,
        db_default=EMPTY_LIST,
        help_text="Bundle or multipack: [[variant id, units in one sold], …]; `variant` is the first of them.",
    )

    @property
    def components(self) -> list[tuple[int, int]]:
        """Return (variant, units in one sold) of what this line takes from stock; empty while it is not matched."""
        if self.parts:
            return [(variant_id, units) for variant_id, units in self.parts]
        return [(self.variant_id, 1)] if self.variant_id else []

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "number"], name="line_once")]
        indexes = [
            # search by SKU; re-matching when a SKU appears in the store
            models.Index(fields=["merchant", "seller_sku"], name="line_by_seller_sku"),
            models.Index(fields=["merchant", "variant"], name="line_by_variant"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.seller_sku or self.title}"


class Buyer(MerchantModel):
    """The buyer of one order, encrypted, with the raw payload; erased on its clock (MECHANISMS 13)."""

    personal_data = True

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="buyer")
    sealed = models.BinaryField(help_text="PersonalDetails as JSON, encrypted.")
    raw_sealed = models.BinaryField(default=b"")
    tokens = ArrayField(models.BigIntegerField(), default=list)
    delete_after = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "orders_buyer"
        indexes = [
            GinIndex(fields=["tokens"], name="buyer_words"),
            models.Index(fields=["delete_after"], name="buyer_to_erase"),
        ]

    def __str__(self) -> str:
        return f"buyer of {self.order_id}"


class Archive(MerchantModel):
    """What a buyer made of one line (Amazon Custom): the marketplace's ZIP, encrypted; erased with its buyer (F149, F150).

    The row is written with the order, before anything is fetched: the link in the store order leads to it.
    """

    personal_data = True

    class State(models.TextChoices):
        PENDING = "pending", "being fetched"
        KEPT = "kept", "kept"
        FAILED = "failed", "could not be fetched"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="archives", db_index=False)
    line_id = models.CharField(max_length=120, help_text="The marketplace's id of the line, which outlives our row.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    problem = models.CharField(max_length=40, blank=True, help_text="Why the last try failed; words in archives.py.")
    attempts = models.PositiveSmallIntegerField(default=0)
    sealed = models.BinaryField(default=b"", help_text="The ZIP as it came, encrypted.")
    summary_sealed = models.BinaryField(default=b"", help_text="What can be read of it, as JSON, encrypted.")
    size = models.PositiveIntegerField(default=0, help_text="Bytes of the ZIP.")
    link_number = models.PositiveSmallIntegerField(default=1, help_text="Signed into the link; raised to end it.")
    link_open = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    tried_at = models.DateTimeField(null=True, blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "line_id"], name="archive_once")]

    def __str__(self) -> str:
        return f"archive of {self.order_id}, line {self.line_id}"


class RoutingRule(MerchantModel):
    """From where orders of a store are served: the first active rule that fits an order wins (F59)."""

    store = models.ForeignKey("accounts.Store", on_delete=models.CASCADE, related_name="+", db_index=False)
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=80)
    active = models.BooleanField(default=True)
    conditions = models.JSONField(
        default=dict, help_text="accounts, platforms, countries, fulfilled_by, skus, tags, needs_stock"
    )
    location = models.ForeignKey(
        "inventory.Location", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False
    )
    own_choice = models.BooleanField(default=False, help_text="The store decides: no location of ours.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["merchant", "store", "position"], name="routing_in_order")]

    def __str__(self) -> str:
        return self.name


class BuyerRoute(models.Model):
    """A marketplace user's keyed hash → the order that holds their data: a request to be forgotten names no merchant."""

    platform = models.CharField(max_length=20)
    user_hash = models.CharField(max_length=64)
    merchant_ref = models.BigIntegerField()
    order_ref = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order_ref", "user_hash"], name="buyer_route_once")]
        indexes = [models.Index(fields=["platform", "user_hash"], name="buyer_route_of")]

    def __str__(self) -> str:
        return f"{self.platform} buyer of {self.order_ref}"


class StoreOrder(MerchantModel):
    """The order we make in the store: one row a generation. Its unique key is the second wall against doubles."""

    class State(models.TextChoices):
        SENDING = "sending", "sending"
        UNKNOWN = "unknown", "unknown"
        CREATED = "created", "created"
        REFUSED = "refused", "refused"
        GONE = "gone", "deleted or canceled in the store"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="store_orders", db_index=False)
    store = models.ForeignKey("accounts.Store", on_delete=models.CASCADE, related_name="+", db_index=False)
    account = models.ForeignKey(
        "accounts.MarketplaceAccount", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    marketplace_order_id = models.CharField(max_length=60)
    generation = models.PositiveSmallIntegerField(default=1)
    key = models.CharField(max_length=200)
    state = models.CharField(max_length=8, choices=State.choices)
    remote_id = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=120, blank=True)
    url = models.CharField(max_length=300, blank=True)
    total = models.DecimalField(**MONEY, null=True, blank=True)
    money = models.JSONField(
        default=dict,
        db_default=EMPTY_OBJECT,
        help_text="How its total came about: paid, rate with date and source, tax mode, difference (domain Made.facts).",
    )
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When the last call left.")
    sends = models.PositiveSmallIntegerField(default=0)
    unknown_since = models.DateTimeField(null=True, blank=True)
    look_base = models.DateTimeField(null=True, blank=True, help_text="What the row of look-up waits counts from.")
    lookups = models.PositiveSmallIntegerField(default=0, help_text="Clean empty look-ups in a row since look_base.")
    lookup_failures = models.PositiveSmallIntegerField(default=0)
    outage_seconds = models.FloatField(
        default=0, help_text="Time that does not count towards giving up (MECHANISMS 4)."
    )
    created_at = models.DateTimeField(null=True, blank=True)
    adopted = models.BooleanField(default=False)
    placed_at = models.DateTimeField(null=True, blank=True, help_text="When we learnt where the store placed it.")
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "account", "marketplace_order_id", "generation"], name="store_order_exactly_once"
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "order"], name="store_order_of"),
            models.Index(fields=["merchant", "store", "remote_id"], name="store_order_by_id"),
            models.Index(
                fields=["merchant", "store", "created_at"],
                name="store_order_to_place",
                condition=Q(state="created") & Q(placed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.key


class ExchangeRate(models.Model):
    """An official rate of a day: what one euro is worth in a currency. Of nobody in particular, so of no merchant."""

    day = models.DateField()
    currency = models.CharField(max_length=3)
    per_euro = models.DecimalField(max_digits=18, decimal_places=8)
    source = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "currency"], name="exchange_rate_once")]

    def __str__(self) -> str:
        return f"1 EUR = {self.per_euro} {self.currency} on {self.day}"


class StockWait(MerchantModel):
    """A held order waits for units of a variant. The oldest paid that fit are woken when stock changes."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="stock_waits", db_index=False)
    variant = models.ForeignKey(
        "inventory.Variant", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    quantity = models.PositiveIntegerField()
    paid_at = models.DateTimeField()
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "variant"], name="stock_wait_once")]
        indexes = [models.Index(fields=["merchant", "variant", "paid_at"], name="stock_wait_turn")]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.variant_id}"


class SkuWait(MerchantModel):
    """A held order waits for a SKU or title to become known; re-matched when it does (F42)."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="sku_waits", db_index=False)
    store = models.ForeignKey("accounts.Store", on_delete=models.CASCADE, related_name="+", db_index=False)
    seller_sku = models.CharField(max_length=255, blank=True)
    title_key = models.CharField(max_length=32, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "seller_sku", "title_key"], name="sku_wait_once")]
        indexes = [
            models.Index(fields=["merchant", "store", "seller_sku"], name="sku_wait_by_sku"),
            models.Index(fields=["merchant", "store", "title_key"], name="sku_wait_by_title"),
        ]

    def __str__(self) -> str:
        return self.seller_sku or self.title_key


class OrderEvent(MerchantModel):
    """The order's log: time, stage, what happened, who did it, which attempt. Never personal data."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events", db_index=False)
    at = models.DateTimeField(default=timezone.now)
    stage = models.CharField(max_length=12, help_text="import, match, reserve, export, change, ship, person")
    code = models.CharField(max_length=40)
    data = models.JSONField(default=dict)
    actor = models.CharField(max_length=160, blank=True, help_text="A person, a platform, or empty for ourselves.")
    attempt = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["merchant", "order", "-id"], name="event_of_order")]

    def __str__(self) -> str:
        return f"{self.stage} {self.code}"


class OrderTally(MerchantModel):
    """Counts of orders by account, export state and reason, written by a trigger in the transaction that changes them.

    Rows are added, never locked by two writers; the sweeper folds them together. A count is the sum of its rows.
    """

    account_ref = models.BigIntegerField()
    export_state = models.CharField(max_length=10)
    reason_code = models.CharField(max_length=40, blank=True)
    fulfilled_by = models.CharField(max_length=12)
    change = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["merchant", "account_ref"], name="tally_of")]

    def __str__(self) -> str:
        return f"{self.export_state} {self.change:+d}"


class OrderPull(MerchantModel):
    """When an account is read next, and where the cursor is (DESIGN 5). One row an account."""

    account = models.OneToOneField("accounts.MarketplaceAccount", on_delete=models.CASCADE, related_name="pull")
    cursor = models.DateTimeField(help_text="The bound of the last finished sweep, as the source said it.")
    mode = models.CharField(
        max_length=10, default="sweep", choices=[("sweep", "sweep"), ("hourly", "hourly"), ("nightly", "nightly")]
    )
    window_after = models.DateTimeField(null=True, blank=True)
    window_bound = models.DateTimeField(null=True, blank=True)
    page_token = models.TextField(blank=True)
    limit_tat = models.FloatField(
        default=0, help_text="GCRA's theoretical arrival time of the list call, in epoch seconds."
    )
    rate = models.FloatField(
        default=0, help_text="The list call's rate learnt from the platform; 0 = the published one."
    )
    hourly_due_at = models.DateTimeField(default=timezone.now)
    nightly_due_at = models.DateTimeField(default=timezone.now)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    asked_at = models.DateTimeField(null=True, blank=True, help_text="Somebody pressed Check now.")
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    error_text = models.CharField(max_length=300, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When a sweep last reached its last page.")
    seen = models.PositiveIntegerField(default=0, help_text="Orders in the last finished sweep.")

    class Meta:
        indexes = [models.Index(fields=["next_attempt_at"], name="pull_due")]

    def __str__(self) -> str:
        return f"pull of {self.account_id}"


class BackFill(MerchantModel):
    """Older orders a merchant asked for (F30): first counted, then imported, page by page, going on where it stopped."""

    class State(models.TextChoices):
        COUNTING = "counting", "Counting"
        COUNTED = "counted", "Counted"
        RUNNING = "running", "Importing"
        DONE = "done", "Done"
        FAILED = "failed", "Given up"
        CANCELED = "canceled", "Canceled"

    account = models.ForeignKey("accounts.MarketplaceAccount", on_delete=models.CASCADE, related_name="+")
    after = models.DateTimeField(help_text="Orders bought from then on …")
    before = models.DateTimeField(help_text="… and before this.")
    shipped = models.CharField(max_length=16, choices=Shipped.choices(), default=Shipped.IMPORT_ONLY.value)
    open_too = models.BooleanField(default=False, help_text="Unshipped orders from before the connection are created.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.COUNTING)
    page_token = models.TextField(blank=True)
    counted = models.JSONField(default=dict, help_text="What the count found: read, new, known, old, status.")
    imported = models.JSONField(default=dict, help_text="What the import did: read, new, known, queued.")
    asked_by = models.CharField(max_length=160, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    error_text = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(state__in=("counting", "counted", "running")), name="back_fill_one_open"
            )
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="back_fill_due", condition=Q(state__in=("counting", "running"))
            ),
            models.Index(fields=["merchant", "account", "-created_at"], name="back_fill_newest"),
        ]

    def __str__(self) -> str:
        return f"back-fill of {self.account_id}"


class DirtyOrder(MerchantModel):
    """A push message said: look at this order again. Drained by getOrder, else by the next list call (MECHANISMS 7)."""

    account = models.ForeignKey(
        "accounts.MarketplaceAccount", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    marketplace_order_id = models.CharField(max_length=60)
    hint = models.JSONField(default=dict, help_text="Status, fulfiller and units as the message told them.")
    since = models.DateTimeField(default=timezone.now)
    heard_at = models.DateTimeField(
        default=timezone.now, help_text="The newest message; a read started before it is not enough."
    )
    next_attempt_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "marketplace_order_id"], name="dirty_once")]
        indexes = [models.Index(fields=["merchant", "account", "next_attempt_at"], name="dirty_due")]

    def __str__(self) -> str:
        return self.marketplace_order_id


class SavedView(MerchantModel):
    """A merchant's own set of filters on the Orders page."""

    name = models.CharField(max_length=40)
    query = models.CharField(max_length=1000)
    created_by = models.CharField(max_length=160, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "name"], name="saved_view_once")]

    def __str__(self) -> str:
        return self.name


class BulkExport(MerchantModel):
    """Orders that were exported at once by a person: whose count is shown until all are at rest (F66)."""

    order_ids = ArrayField(models.BigIntegerField())
    total = models.PositiveIntegerField(help_text="How many they are.")
    left = models.PositiveIntegerField(default=0, help_text="Chosen too, and left as they were.")
    created_by = models.CharField(max_length=160, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True, help_text="When a person closed the count.")

    class Meta:
        indexes = [
            # the Orders page
            models.Index(fields=["merchant", "-id"], name="bulk_export_shown", condition=Q(closed_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"bulk export of {self.total} orders"
