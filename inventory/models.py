"""What can be sold: locations, variants, stock, the reservations on it and the ledger of every movement."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from salestio.tenancy import EMPTY_LIST, MerchantModel


class Location(MerchantModel):
    """A place of the store that holds stock (Shopify location, BigCommerce location)."""

    store = models.ForeignKey("accounts.Store", on_delete=models.CASCADE, related_name="locations")
    remote_id = models.CharField(max_length=120)
    name = models.CharField(max_length=200)
    active = models.BooleanField(default=True)
    fulfills_online = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "remote_id"], name="location_once"),
            models.UniqueConstraint(fields=["merchant", "id"], name="location_merchant_id"),
        ]

    def __str__(self) -> str:
        return self.name


class Variant(MerchantModel):
    """The smallest thing with stock; `sku` is always the store's."""

    store = models.ForeignKey("accounts.Store", on_delete=models.CASCADE, related_name="variants", db_index=False)
    remote_id = models.CharField(max_length=120)
    product_id = models.CharField(max_length=120)
    item_id = models.CharField(max_length=120, help_text="The store's id of the stock item.")
    sku = models.CharField(max_length=255, blank=True)
    barcode = models.CharField(max_length=120, blank=True)
    product_title = models.CharField(max_length=500)
    options = models.JSONField(default=list, help_text="[[name, value], …]")
    title_key = models.CharField(max_length=32, blank=True)
    price = models.DecimalField(max_digits=14, decimal_places=3, null=True, blank=True)
    image_url = models.URLField(max_length=500, blank=True)
    tracked = models.BooleanField(default=True)
    oversell_allowed = models.BooleanField(default=False)
    requires_shipping = models.BooleanField(default=True)
    is_bundle = models.BooleanField(default=False)
    active = models.BooleanField(default=True, help_text="Not archived, not a draft.")
    visible = models.BooleanField(default=True, db_default=True, help_text="Shoppers can see the product in the store.")
    tags = models.JSONField(default=list, db_default=EMPTY_LIST)
    deleted_at = models.DateTimeField(null=True, blank=True)
    source_updated_at = models.DateTimeField(null=True, blank=True)
    # Work on the row: read this variant's figures again (settling reads, webhook hints, the poll).
    reread_at = models.DateTimeField(null=True, blank=True)
    reread_lease_until = models.DateTimeField(null=True, blank=True)
    hinted_at = models.DateTimeField(
        null=True, blank=True, help_text="A webhook told of a change that no reading shows yet, because readings lag."
    )
    figures_as_of = models.DateTimeField(null=True, blank=True, help_text="When its figures were last read.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "remote_id"], name="variant_once"),
            models.UniqueConstraint(fields=["merchant", "id"], name="variant_merchant_id"),
        ]
        indexes = [
            # matching by exact SKU
            models.Index(fields=["merchant", "store", "sku"], name="variant_by_sku"),
            # matching by title and variation
            models.Index(fields=["merchant", "store", "title_key"], name="variant_by_title"),
            # webhooks and readings name the stock item
            models.Index(fields=["merchant", "store", "item_id"], name="variant_by_item"),
            models.Index(fields=["merchant", "store", "product_id"], name="variant_by_product"),
            # suggestions, and matching by barcode where the merchant switched it on
            models.Index(fields=["merchant", "store", "barcode"], name="variant_by_barcode", condition=~Q(barcode="")),
            # the lane of figures to read
            models.Index(
                fields=["merchant", "store", "reread_at"], name="variant_to_read", condition=Q(reread_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.sku or self.title

    @property
    def label(self) -> str:
        """Return the option values, "XL / Forest"; empty for a product without options."""
        return " / ".join(value for name, value in self.options if value != "Default Title")

    @property
    def title(self) -> str:
        return f"{self.product_title}: {self.label}" if self.label else self.product_title


class Stock(MerchantModel):
    """A variant's figure and reserved units at one location. The row without a location carries what is reserved
    *anywhere*: its figure stays 0 (MECHANISMS 6)."""

    variant = models.ForeignKey(
        Variant, on_delete=models.CASCADE, related_name="stocks", db_index=False, db_constraint=False
    )
    location = models.ForeignKey(Location, null=True, blank=True, on_delete=models.CASCADE, related_name="stocks")
    figure = models.IntegerField(default=0, help_text="What a read of the store last answered.")
    figure_as_of = models.DateTimeField(null=True, blank=True, help_text="Our database's time before that read left.")
    reserved = models.IntegerField(default=0)
    version = models.BigIntegerField(default=0, help_text="Rises with every change; the newest push wins.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "location"], name="stock_once", nulls_distinct=False),
            models.UniqueConstraint(fields=["merchant", "id"], name="stock_merchant_id"),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="stock_reserved_not_negative"),
            models.CheckConstraint(
                condition=Q(location__isnull=False) | Q(figure=0), name="stock_anywhere_has_no_figure"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.figure} − {self.reserved}"


class Reservation(MerchantModel):
    """Units of one order line promised from one stock row."""

    class State(models.TextChoices):
        KEPT = "kept", "kept"
        SENDING = "sending", "being sent"
        UNKNOWN = "unknown", "unknown"
        HANDED_OVER = "handed_over", "handed over"
        SETTLED = "settled", "settled"
        RELEASED = "released", "released"

    COUNTING = ("kept", "sending", "unknown", "handed_over")

    stock = models.ForeignKey(
        Stock, on_delete=models.CASCADE, related_name="reservations", db_index=False, db_constraint=False
    )
    variant = models.ForeignKey(
        Variant, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    order_ref = models.BigIntegerField(
        help_text="orders.Order; orders stand above inventory, so no foreign key object here."
    )
    line_ref = models.BigIntegerField()
    quantity = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.KEPT)
    handed_over_at = models.DateTimeField(null=True, blank=True)
    # With several locations the store decides where an order goes: units settle only where they really were taken.
    placed = models.BooleanField(default=True, help_text="Surely taken from this row's location.")
    # Only where the store takes stock when a parcel leaves does it matter.
    left_at = models.DateTimeField(null=True, blank=True, help_text="When we learnt that its store order was shipped.")
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="reservation_positive")]
        indexes = [
            models.Index(fields=["merchant", "order_ref"], name="reservation_of_order"),
            # settling: the counting ones of a stock row
            models.Index(
                fields=["stock", "handed_over_at"],
                name="reservation_counting",
                condition=Q(state__in=("kept", "sending", "unknown", "handed_over")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.state}"


class LedgerEntry(MerchantModel):
    """One movement of one stock row, with its cause. The sum of a row's entries is the row (asserted nightly)."""

    class Kind(models.TextChoices):
        FIGURE = "figure", "figure read"
        RESERVE = "reserve", "reserved"
        RELEASE = "release", "released"
        SETTLE = "settle", "settled"
        MOVE = "move", "moved to another location"

    stock = models.ForeignKey(
        Stock, on_delete=models.CASCADE, related_name="ledger", db_index=False, db_constraint=False
    )
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    figure_change = models.IntegerField(default=0)
    reserved_change = models.IntegerField(default=0)
    order_ref = models.BigIntegerField(null=True, blank=True)
    cause = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes = [models.Index(fields=["stock", "-id"], name="ledger_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.figure_change:+d} {self.reserved_change:+d}"


class SkuMapping(MerchantModel):
    """A merchant's own row: this seller SKU is that store SKU. Account rows beat rows for all accounts."""

    store = models.ForeignKey("accounts.Store", on_delete=models.CASCADE, related_name="+", db_index=False)
    account = models.ForeignKey(
        "accounts.MarketplaceAccount", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    seller_sku = models.CharField(max_length=255)
    sku = models.CharField(max_length=255)
    quantity = models.PositiveIntegerField(
        default=1, db_default=1, help_text="Units of `sku` in one unit sold (multipack)."
    )
    more = models.JSONField(
        default=list, db_default=EMPTY_LIST, help_text="Bundle: further parts, [[sku, quantity], …]."
    )
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=160, blank=True)
    origin = models.CharField(
        max_length=12, blank=True, default="", db_default="", help_text="file, suggestion, or empty: made by hand."
    )

    variant_ref = models.BigIntegerField(
        null=True, blank=True, help_text="The product a person chose, should several have this SKU (F44)."
    )

    @property
    def target(self) -> tuple[tuple[str, int], ...]:
        """Return (store SKU, units in one sold) of every part."""
        return ((self.sku, self.quantity), *((sku, units) for sku, units in self.more))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "store", "account", "seller_sku"], name="mapping_once", nulls_distinct=False
            )
        ]
        indexes = [models.Index(fields=["merchant", "store", "sku"], name="mapping_by_sku")]

    def __str__(self) -> str:
        return f"{self.seller_sku} → {self.sku}"


class MappingUpload(MerchantModel):
    """Work: a file of mappings, checked row by row, and applied once a person said so (F37)."""

    class State(models.TextChoices):
        WAITING = "waiting", "being checked"
        CHECKED = "checked", "not applied yet"
        APPLYING = "applying", "being applied"
        DONE = "done", "done"
        FAILED = "failed", "stopped"
        EXPIRED = "expired", "dropped, was not applied"

    COUNTS = ("added", "replaced", "unchanged", "changed", "unknown", "duplicates", "invalid")
    WORKED = (State.WAITING, State.APPLYING)
    """What a worker has to do something about."""

    store = models.ForeignKey("accounts.Store", on_delete=models.CASCADE, related_name="+", db_index=False)
    account = models.ForeignKey(
        "accounts.MarketplaceAccount", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    file_name = models.CharField(max_length=200, blank=True)
    file = models.BinaryField(null=True, help_text="Compressed; dropped when all its rows are checked.")
    digest = models.CharField(max_length=64, help_text="The same file sent again while it is checked is the same work.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    rows_total = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0, help_text="Of the checking, then again of the applying.")
    added = models.PositiveIntegerField(default=0)
    replaced = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Left out: no longer as they were checked."
    )
    unknown = models.PositiveIntegerField(default=0, help_text="Of the good rows: the store has no such SKU now.")
    duplicates = models.PositiveIntegerField(default=0)
    invalid = models.PositiveIntegerField(default=0)
    notes = models.JSONField(default=list, help_text="What is to be said of the file as a whole.")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=160, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True, help_text="When a person pressed Apply.")
    applied_by = models.CharField(max_length=160, blank=True, default="", db_default="")
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Turns that brought no row further.")
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["merchant", "-id"], name="mapping_upload_newest"),
            # the sweeper; files that nobody applied
            models.Index(
                fields=["merchant", "id"],
                name="mapping_upload_open",
                condition=Q(state__in=("waiting", "checked", "applying")),
            ),
        ]

    @property
    def changes(self) -> int:
        """Return how many mappings the file changes, or did."""
        return self.added + self.replaced

    def __str__(self) -> str:
        return self.file_name or f"mapping file {self.pk}"


class MappingUploadRow(MerchantModel):
    """One row of a file: what it means, what stood there when it was checked, and what becomes of it."""

    class Outcome(models.TextChoices):
        ADDED = "added", "Added"
        REPLACED = "replaced", "Replaced"
        UNCHANGED = "unchanged", "Unchanged"
        CHANGED = "changed", "Changed meanwhile"
        DUPLICATE = "duplicate", "Duplicate"
        INVALID = "invalid", "Not saved"

    upload = models.ForeignKey(MappingUpload, on_delete=models.CASCADE, related_name="rows", db_index=False)
    line = models.PositiveIntegerField(help_text="The line of the file the row begins on.")
    column = models.PositiveSmallIntegerField(default=0, help_text="The cell that is wrong; 0 for none.")
    seller_sku = models.TextField(blank=True)
    sku = models.TextField(blank=True, help_text="The Store SKU cell as it was.")
    quantity = models.PositiveIntegerField(default=1)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    parts = models.JSONField(null=True, blank=True, help_text="What a good row means: [[store SKU, units], …].")
    before = models.JSONField(
        null=True, blank=True, help_text="What its seller SKU meant when it was checked; null: nothing."
    )
    known = models.BooleanField(default=True, help_text="The store has every SKU of the row.")
    note = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "line"], name="mapping_upload_row_once")]
        indexes = [models.Index(fields=["upload", "outcome", "line"], name="mapping_upload_row_outcome")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.outcome}"
