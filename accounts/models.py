"""Who: merchants, their members, stores and marketplace accounts, and the tokens that open them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils.timezone import now

from salestio.tenancy import EMPTY_LIST, EMPTY_OBJECT, MerchantModel

# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class UserManager(BaseUserManager["User"]):
    """Makes users; the e-mail address is the name to sign in with, compared without case."""

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        user = self.model(email=email.strip().lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person. What they may do at a merchant is their `Membership`."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_staff = models.BooleanField(default=False, help_text="Support staff: may open the admin workbench.")
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    def __str__(self) -> str:
        return self.email

    @property
    def initials(self) -> str:
        parts = (self.name or self.email).replace(".", " ").split()
        return "".join(part[0] for part in parts[:2]).upper()


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    MANAGER = "manager", "Manager"
    VIEWER = "viewer", "Viewer"


# ── the merchant and what it connected (row-level security) ──────────────────────────────────────────────────────────


class Merchant(models.Model):
    """The tenant: who pays and owns the data."""

    name = models.CharField(max_length=120)
    settings = models.JSONField(
        default=dict, help_text="General settings that differ from the defaults of preferences.py."
    )
    timezone = models.CharField(max_length=60, default="UTC")
    created_at = models.DateTimeField(default=now)
    uninstalled_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Connection(MerchantModel):
    """What a store and a marketplace account have in common: a platform, its own key there, and whether it works."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        EXPIRED = "expired", "Expired"
        DISABLED = "disabled", "Disabled"

    platform = models.CharField(max_length=20)
    key = models.CharField(max_length=120, help_text="The platform's own name: shop domain, store hash, seller id.")
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    state_reason = models.CharField(max_length=40, blank=True)
    state_since = models.DateTimeField(default=now)
    settings = models.JSONField(default=dict)
    findings = models.JSONField(
        default=list, db_default=EMPTY_LIST, help_text="The last check of the connection (F9): code, ok, sentence, fix."
    )
    checked_at = models.DateTimeField(null=True, blank=True)
    connected_at = models.DateTimeField(default=now)
    authorized_at = models.DateTimeField(default=now)
    created_at = models.DateTimeField(default=now)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.state == self.State.ACTIVE


class Store(Connection):
    """A connected shop of the merchant."""

    domain = models.CharField(max_length=200, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    timezone = models.CharField(max_length=60, default="UTC")
    country = models.CharField(max_length=2, blank=True)
    plan = models.CharField(max_length=60, blank=True)
    email = models.EmailField(blank=True)
    scopes = models.JSONField(default=list)
    facts = models.JSONField(
        default=dict,
        db_default=EMPTY_OBJECT,
        help_text="What the store told of itself: order_statuses, currencies, taxes_included.",
    )
    claims_stock = models.CharField(
        max_length=12,
        default="at_creation",
        choices=[("at_creation", "at creation"), ("at_shipping", "at shipping"), ("never", "never")],
    )
    claim_misses = models.PositiveSmallIntegerField(default=0)
    catalog_synced_at = models.DateTimeField(null=True, blank=True)
    catalog_cursor = models.JSONField(default=dict)
    catalog_next_at = models.DateTimeField(null=True, blank=True, default=now)
    catalog_lease_until = models.DateTimeField(null=True, blank=True)
    uninstalled_at = models.DateTimeField(null=True, blank=True)
    # The breaker (MECHANISMS 4): opened after five failed calls in 30 s, one probe a minute.
    failures = models.PositiveSmallIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    breaker_open_at = models.DateTimeField(null=True, blank=True)
    breaker_probe_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "platform", "key"], name="store_key_once"),
            models.UniqueConstraint(fields=["merchant", "id"], name="store_merchant_id"),
        ]


LONGEST_UNREAD = timedelta(minutes=30)
"""Sweeps come every few minutes; where our limits make them slower than this, orders that are not pushed are late."""


class MarketplaceAccount(Connection):
    """One connected seller account in one region. It feeds exactly one store (MECHANISMS 2)."""

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="accounts")
    region = models.CharField(max_length=10, blank=True)
    sites = models.JSONField(default=list, help_text="The active sites: US, CA.")
    orders_from = models.DateTimeField(default=now, help_text="Orders bought before this are not imported (F10).")
    newest_order_at = models.DateTimeField(null=True, blank=True)
    last_pull_at = models.DateTimeField(null=True, blank=True)
    subscription_id = models.CharField(max_length=120, blank=True)
    last_push_at = models.DateTimeField(null=True, blank=True)
    guard_clean = models.PositiveSmallIntegerField(
        default=0,
        help_text="Orders in a row that no other connector had made; the conflict guard looks until 20 (F11).",
    )
    capabilities = models.JSONField(
        default=dict, help_text="What the platform refuses this account, learnt by experience."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "platform", "region", "key"], name="account_key_once"),
            models.UniqueConstraint(fields=["merchant", "name"], name="account_name_once"),
            models.UniqueConstraint(fields=["merchant", "id"], name="account_merchant_id"),
        ]

    @property
    def unread(self) -> bool:
        """Say whether it was not read for so long that nobody knows how late its orders are (F31)."""
        return not self.is_active or self.last_pull_at is None or now() - self.last_pull_at > LONGEST_UNREAD


class Credential(MerchantModel):
    """Encrypted tokens of one store or account. Only `accounts/credentials.py` opens them."""

    store = models.OneToOneField(Store, null=True, blank=True, on_delete=models.CASCADE, related_name="credential")
    account = models.OneToOneField(
        MarketplaceAccount, null=True, blank=True, on_delete=models.CASCADE, related_name="credential"
    )
    access_sealed = models.BinaryField(default=b"")
    refresh_sealed = models.BinaryField(default=b"")
    access_expires_at = models.DateTimeField(null=True, blank=True)
    access_issued_at = models.DateTimeField(null=True, blank=True)
    refresh_expires_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1, help_text="Rises with every new pair.")
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    refresh_failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(store__isnull=True) ^ models.Q(account__isnull=True), name="credential_of_one"
            )
        ]

    def __str__(self) -> str:
        return f"credential {self.pk}"


class AuditEntry(MerchantModel):
    """Who changed what, or looked at what: settings, members, support opening a merchant."""

    at = models.DateTimeField(default=now)
    actor = models.CharField(max_length=160)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=160, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["merchant", "-at"], name="audit_newest")]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action}"


class StorePerson(MerchantModel):
    """A person of a store's staff who opened the app in its control panel (several a store, F2)."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="people")
    remote_id = models.CharField(max_length=60)
    email = models.EmailField(blank=True)
    owner = models.BooleanField(default=False)
    first_seen_at = models.DateTimeField(default=now)
    last_seen_at = models.DateTimeField(default=now)
    removed_at = models.DateTimeField(null=True, blank=True, help_text="The platform says they may not use the app.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "remote_id"], name="store_person_once")]

    def __str__(self) -> str:
        return self.email or self.remote_id


# ── routing: what must be found before the merchant is known. Ids and hashes only, no row-level security ─────────────


class Membership(models.Model):
    """A user's role at a merchant."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    merchant_ref = models.BigIntegerField()
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(default=now)
    platform_user = models.CharField(max_length=60, blank=True, help_text="The store platform's id of this person.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "merchant_ref"], name="member_once")]
        indexes = [models.Index(fields=["merchant_ref"], name="members_of")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} of {self.merchant_ref}"


class Invitation(models.Model):
    """An invitation by mail; the token's hash only. Used once, for seven days."""

    merchant_ref = models.BigIntegerField()
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.role} of {self.merchant_ref}"


class StoreRoute(models.Model):
    """Store key → merchant. A store key belongs to one merchant for ever. Also the lane's turn (`last_served_at`)."""

    platform = models.CharField(max_length=20)
    key = models.CharField(max_length=120)
    merchant_ref = models.BigIntegerField()
    store_ref = models.BigIntegerField(unique=True)
    last_served_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "key"], name="store_route_once")]

    def __str__(self) -> str:
        return f"{self.platform} {self.key}"


class AccountRoute(models.Model):
    """Seller key and region → the account. One seller may sell for one merchant only."""

    platform = models.CharField(max_length=20)
    region = models.CharField(max_length=10, blank=True)
    key = models.CharField(max_length=120)
    merchant_ref = models.BigIntegerField()
    account_ref = models.BigIntegerField(unique=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "region", "key"], name="account_route_once")]

    def __str__(self) -> str:
        return f"{self.platform} {self.region} {self.key}"


class ApiToken(models.Model):
    """A merchant's API token: its hash and its last four signs."""

    merchant_ref = models.BigIntegerField()
    name = models.CharField(max_length=60)
    token_hash = models.CharField(max_length=64, unique=True)
    last_four = models.CharField(max_length=4)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MANAGER)
    created_at = models.DateTimeField(default=now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["merchant_ref"], name="tokens_of")]

    def __str__(self) -> str:
        return f"{self.name} …{self.last_four}"


class ConnectState(models.Model):
    """A consent or install that has begun: single use, short-lived, bound to the browser session."""

    state_hash = models.CharField(max_length=64, unique=True)
    platform = models.CharField(max_length=20)
    merchant_ref = models.BigIntegerField(null=True, blank=True)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE)
    session_hash = models.CharField(max_length=64)
    payload = models.JSONField(default=dict)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.platform} state {self.pk}"


class DailyBudget(models.Model):
    """What an application may still call today (MECHANISMS 10); app-wide, so no merchant."""

    name = models.CharField(max_length=120)
    day = models.DateField()
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "day"], name="budget_once_a_day")]

    def __str__(self) -> str:
        return f"{self.name} {self.day}: {self.used}"


class BudgetLimit(models.Model):
    """The daily limit a platform's own headers or its rate-limit call told last; app-wide."""

    name = models.CharField(max_length=120, unique=True)
    calls = models.PositiveIntegerField()
    learned_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.name}: {self.calls} a day"


class SignInAttempt(models.Model):
    """A failed sign-in, counted per account and per address for the rate limit; hashes only."""

    kind = models.CharField(max_length=10)
    subject_hash = models.CharField(max_length=64)
    at = models.DateTimeField(default=now)

    class Meta:
        indexes = [models.Index(fields=["kind", "subject_hash", "at"], name="attempts_of")]

    def __str__(self) -> str:
        return f"{self.kind} attempt"
