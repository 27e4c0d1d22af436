"""Every setting of a merchant, and the only code that looks values up or writes them; the table of settings is
`accounts/preference_table.py`.

A value is looked up at the account, then at the store (for what belongs to a store), then in General, then the default.
Only what was chosen is stored; resetting a value means that it follows General again. The pipeline reads them as one
frozen `OrderPreferences`; pages and the API use `described`, `read` and `write`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts import audit
from accounts.models import MarketplaceAccount, Merchant, Store
from accounts.preference_table import ACCOUNT, ALL, AWAITING_SHIPMENT, GENERAL, PREFERENCES, STORE, Preference

Scope = Merchant | Store | MarketplaceAccount


class InvalidSettings(ValueError):
    """Some values cannot be taken; `errors` is name → a sentence that says what to enter instead. Nothing was saved."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = dict(errors)


def scope_of(target: Scope) -> str:
    """Return general, store or account."""
    if isinstance(target, Merchant):
        return GENERAL
    return STORE if isinstance(target, Store) else ACCOUNT


def table(target: Scope) -> list[Preference]:
    """Return the settings that can be set for this merchant (General), store or account, in the order of the page."""
    return [preference for preference in ALL if _may_be_set(preference, target)]


def _may_be_set(preference: Preference, target: Scope) -> bool:
    if scope_of(target) not in preference.scopes:
        return False
    return isinstance(target, Merchant) or not preference.platforms or target.platform in preference.platforms


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting as a page shows it. `own`: chosen here; `inherited`: what it would be without that."""

    preference: Preference
    value: Any
    own: bool
    inherited: Any
    label: str
    help: str

    @property
    def differs(self) -> bool:
        """Say whether the value chosen here differs from what would be inherited."""
        return self.own and self.value != self.inherited

    @property
    def text(self) -> str:
        """Return the value as it stands in an input field."""
        if self.value is None:
            return ""
        if isinstance(self.value, list):
            return ", ".join(self.value)
        if isinstance(self.value, datetime):
            return self.value.strftime("%Y-%m-%dT%H:%M")
        return str(self.value)


def _inherited(target: Scope, preference: Preference) -> Any:
    if isinstance(target, MarketplaceAccount) and preference.name == "orders_from":
        return target.connected_at
    if not isinstance(target, Merchant) and GENERAL in preference.scopes:
        return target.merchant.settings.get(preference.name, preference.default)
    platform = "" if isinstance(target, Merchant) else target.platform
    return preference.platform_defaults.get(platform, preference.default)


def value(target: Scope, name: str) -> Any:
    """Return the value in force at the target. Raises KeyError for a setting that cannot be set there."""
    preference = PREFERENCES[name]
    if not _may_be_set(preference, target):
        raise KeyError(name)
    if isinstance(target, MarketplaceAccount) and name == "orders_from":
        return target.orders_from
    if name in target.settings:
        return target.settings[name]
    return _inherited(target, preference)


def read(target: Scope) -> dict[str, Any]:
    """Return every setting in force at a merchant (General), store or account, by name; moments are datetimes."""
    return {preference.name: value(target, preference.name) for preference in table(target)}


def described(target: Scope, *, words: Mapping[str, str] | None = None) -> list[Shown]:
    """Return every setting with its label, value and where it comes from, for the page.

    `words` fills {marketplace} and {storefront} in labels; see `words_for`.
    """
    filled = words or words_for("marketplace", "your store")
    shown = []
    for preference in table(target):
        own = preference.name in target.settings
        if preference.name == "orders_from" and isinstance(target, MarketplaceAccount):
            own = target.orders_from != target.connected_at
        shown.append(
            Shown(
                preference,
                value(target, preference.name),
                own,
                _inherited(target, preference),
                preference.label.format(**filled),
                preference.help.format(**filled),
            )
        )
    return shown


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def write(target: Scope, changes: Mapping[str, Any], *, actor: str) -> dict[str, Any]:
    """Save changes (None resets a setting) and return what really changed, name → new value in force.

    Call it inside the merchant's scope. All or nothing: raises `InvalidSettings` naming every field that is wrong.
    Writes an audit row, and emits `settings.changed` for the stores concerned, so that waiting orders are looked at.
    """
    scope = scope_of(target)
    # Two people may save at once: read again under a lock, so that neither takes the other's choice back.
    target = type(target)._default_manager.select_for_update(of=("self",)).get(pk=target.pk)
    before = read(target)
    wanted = _validated(target, scope, changes)
    chosen = dict(target.settings)
    for name, new in wanted.items():
        if name == "orders_from" and isinstance(target, MarketplaceAccount):
            target.orders_from = new if new is not None else target.connected_at
        elif new is None and changes[name] is None:
            chosen.pop(name, None)
        else:
            chosen[name] = new
    target.settings = chosen
    _check_together(target, scope, wanted)
    after = read(target)
    changed = {name: after[name] for name in after if after[name] != before[name]}
    target.save(update_fields=["settings", *(["orders_from"] if scope == ACCOUNT else [])])
    if changed:
        audit.note(
            actor=actor,
            action="settings.changed",
            subject=f"{scope} {target}" if scope != GENERAL else "general",
            before={name: _plain(before[name]) for name in changed},
            after={name: _plain(new) for name, new in changed.items()},
        )
        _tell(target)
    return changed


def _validated(target: Scope, scope: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    errors: dict[str, str] = {}
    wanted: dict[str, Any] = {}
    for name, given in changes.items():
        preference = PREFERENCES.get(name)
        if preference is None:
            errors[name] = "There is no such setting"
        elif scope not in preference.scopes:
            errors[name] = f"This is set for {' or '.join(preference.scopes)}, not for {scope}"
        elif not _may_be_set(preference, target):
            errors[name] = f"This is for {' and '.join(preference.platforms)} only"
        elif given is None:
            wanted[name] = None
        else:
            try:
                wanted[name] = preference.read(given)
            except ValueError as error:
                errors[name] = f"{error}."
    location = wanted.get("default_location")
    if location is not None and location not in dict(location_choices(target)):
        errors["default_location"] = "Use an active location of this store."
    status = wanted.get("order_status")
    if status is not None and status not in dict(status_choices(target)):
        errors["order_status"] = "Use one of the store's order statuses."
    if errors:
        raise InvalidSettings(errors)
    return wanted


def _check_together(target: Scope, scope: str, wanted: Mapping[str, Any]) -> None:
    """Refuse a mode without what it needs. Looks at what would be in force after saving."""
    taxed = "tax_mode" in wanted or "tax_percent" in wanted
    if taxed and value(target, "tax_mode") == "custom" and Decimal(value(target, "tax_percent")) == 0:
        raise InvalidSettings({"tax_percent": "Enter the percentage the prices hold."})
    mailed = "mail_account_expired" in wanted or "mail_account_expired_to" in wanted
    if mailed and value(target, "mail_account_expired") and not value(target, "mail_account_expired_to"):
        raise InvalidSettings({"mail_account_expired_to": "Enter the address the mails shall go to."})
    owned = "customer_mode" in wanted or "customer_id" in wanted
    if owned and value(target, "customer_mode") == "fixed" and not value(target, "customer_id"):
        raise InvalidSettings({"customer_id": "Enter the number of the customer the orders shall belong to."})
    if not any(name.startswith("customer_email") for name in wanted):
        return
    mode = value(target, "customer_email_mode")
    if mode == "selected" and not value(target, "customer_email_address"):
        raise InvalidSettings({"customer_email_address": "Enter the address the store orders shall get."})
    if mode in ("domain", "domain_and_order") and not value(target, "customer_email_domain"):
        raise InvalidSettings({"customer_email_domain": "Enter the domain the store orders' addresses shall get."})


def location_choices(target: Scope) -> list[tuple[int, str]]:
    """Return (id, name) of the store's active locations, by name; none for other targets."""
    if not isinstance(target, Store):
        return []
    # Not imported: inventory stands above accounts. The reverse relation is Django's own.
    found = target.locations.filter(active=True).order_by("name")
    return [(location.pk, location.name) for location in found]


def default_location(store: Store) -> int | None:
    """Return the default warehouse orders go by: the chosen one while the store has it, None for the store's own choice.

    A location that was closed or deleted in the store takes no orders there, so it must not take ours.
    """
    chosen: int | None = value(store, "default_location")
    if chosen is None or store.locations.filter(pk=chosen, active=True).exists():
        return chosen
    return None


def status_choices(target: Scope) -> list[tuple[str, str]]:
    """Return (id, the store's own label) of the statuses a new order may get; before they were read, the default."""
    if not isinstance(target, Store):
        return []
    told = [(str(code), str(label)) for code, label in target.facts.get("order_statuses", ())]
    return told or [(AWAITING_SHIPMENT, "Awaiting Shipment")]


def _plain(given: Any) -> Any:
    return given.isoformat() if isinstance(given, datetime) else given


def _tell(target: Scope) -> None:
    from salestio import routes

    if isinstance(target, MarketplaceAccount):
        stores = [target.store_id]
    elif isinstance(target, Store):
        stores = [target.pk]
    else:
        stores = list(Store.objects.values_list("pk", flat=True))
    for store_id in stores:
        routes.emit("settings.changed", store_id=store_id)


# ── what the pipeline reads ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CustomerEmail:
    """Which e-mail address a store order gets (F147); `orders.domain.buyer_email` applies it."""

    mode: str = "in_order"
    address: str = ""
    domain: str = ""


@dataclass(frozen=True, slots=True)
class OrderPreferences:
    """The settings an order of one account in one store goes by; read once a lane batch."""

    import_orders: bool = True
    order_type: str = "merchant"
    orders_from: datetime | None = None
    customer_email: CustomerEmail = field(default_factory=CustomerEmail)
    export_order_id: bool = True
    order_id_prefix: str = ""
    tags: tuple[str, ...] = ()
    tag_platform: bool = True
    tag_account: bool = True
    tag_fulfillment: bool = True
    default_location_id: int | None = None
    title_matching: bool = True
    barcode_matching: bool = False
    sku_case_sensitive: bool = True
    adopt_existing: bool = False
    conflict_guard: bool = True
    store_confirmations: bool = False
    create_unmatched: bool = False
    """Create orders with lines that no product has; such a line stands in the order without SKU and link (F39)."""
    include_hidden: bool = False
    """Products that shoppers cannot see may be ordered too (F71)."""
    withheld_address: str = "placeholder"
    """What becomes of an order whose address the marketplace never tells: placeholder or hold."""
    order_id_prefix_fba: str = ""
    order_id_prefix_prime: str = ""
    order_id_prefix_b2b: str = ""
    convert_currency: bool = False
    tax_mode: str = "included"
    tax_percent: Decimal = Decimal(0)
    customer_mode: str = "guest"
    customer_id: str = ""
    order_status: str = ""
    """The store's id of the status new orders get; empty where stores have no such choice."""
    fill_options: bool = False
    option_text: str = ""


def for_order(account: MarketplaceAccount, store: Store) -> OrderPreferences:
    """Return the settings in force for orders of this account in this store.

    Reads `account.merchant`; select it along to save the query.
    """
    of_account, of_store = read(account), read(store)
    return OrderPreferences(
        import_orders=of_account["import_orders"],
        # Where the marketplace ships nothing itself there is nothing to choose.
        order_type=of_account.get("order_type", "merchant"),
        orders_from=of_account["orders_from"],
        customer_email=CustomerEmail(
            of_account["customer_email_mode"],
            of_account["customer_email_address"],
            of_account["customer_email_domain"],
        ),
        export_order_id=of_account["export_order_id"],
        order_id_prefix=of_account["order_id_prefix"],
        tags=tuple(of_account["tags"]),
        tag_platform=of_account["tag_platform"],
        tag_account=of_account["tag_account"],
        tag_fulfillment=of_account.get("tag_fulfillment", False),
        default_location_id=default_location(store),
        title_matching=of_store["title_matching"],
        barcode_matching=of_store["barcode_matching"],
        sku_case_sensitive=of_store["sku_case_sensitive"],
        adopt_existing=of_account["adopt_existing"],
        conflict_guard=of_account["conflict_guard"],
        store_confirmations=of_account["store_confirmations"],
        create_unmatched=of_store["create_unmatched"],
        include_hidden=of_store.get("include_hidden", False),
        withheld_address=of_account.get("withheld_address", "placeholder"),
        order_id_prefix_fba=of_account.get("order_id_prefix_fba", ""),
        order_id_prefix_prime=of_account.get("order_id_prefix_prime", ""),
        order_id_prefix_b2b=of_account.get("order_id_prefix_b2b", ""),
        convert_currency=of_account["convert_currency"],
        tax_mode=of_account["tax_mode"],
        tax_percent=Decimal(of_account["tax_percent"]),
        customer_mode=of_account["customer_mode"],
        customer_id=of_account["customer_id"],
        order_status=of_store.get("order_status", ""),
        fill_options=of_store.get("fill_options", False),
        option_text=of_store.get("option_text", ""),
    )


def words_for(marketplace: str, storefront: str, *, ours: str = "", theirs: str = "") -> dict[str, str]:
    """Return the words that fill a label's {marketplace}, {storefront} and who ships.

    `ours` and `theirs` are the marketplace's own words for that, if it has any; General speaks of every marketplace.
    """
    return {
        "marketplace": marketplace,
        "storefront": storefront,
        "shipper": "the marketplace" if marketplace == "marketplace" else marketplace,
        "fba": f" ({theirs})" if theirs else "",
        "fbm": f" ({ours})" if ours else "",
    }
