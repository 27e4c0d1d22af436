"""Every setting of a merchant in one typed table, and the only code that reads or writes them.

A value is looked up at the account, then at the store (for what belongs to a store), then in General, then the default.
Only what was chosen is stored; resetting a value means that it follows General again. The pipeline reads them as one
frozen `OrderPreferences`; pages and the API use `described`, `read` and `write`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import now

from accounts import audit
from accounts.models import MarketplaceAccount, Merchant, Store

GENERAL, STORE, ACCOUNT = "general", "store", "account"

Scope = Merchant | Store | MarketplaceAccount

ORDER_TYPES = (
    ("merchant", "Orders you ship (FBM)"),
    ("marketplace", "Orders Amazon ships (FBA)"),
    ("both", "Both"),
)
EMAIL_MODES = (
    ("in_order", "In the order"),
    ("none", "No email"),
    ("selected", "With selected email"),
    ("domain", "With selected custom domain"),
    ("domain_and_order", "With selected custom domain and order id"),
)
TAG_LENGTH = 39
"""Shopify refuses tags of 40 characters and more (stores.md 1.2)."""


class InvalidSettings(ValueError):
    """Some values cannot be taken; `errors` is name → a sentence that says what to enter instead. Nothing was saved."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = dict(errors)


# ── reading a value somebody typed or sent ───────────────────────────────────────────────────────────────────────────

_DOMAIN = re.compile(r"(?=.{4,190}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE)
_EMAIL = EmailValidator()


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("on", "true", "1", "yes"):
        return True
    if isinstance(value, str) and value.lower() in ("off", "false", "0", "no", ""):
        return False
    raise ValueError("Use true or false")


def _one_of(choices: Sequence[tuple[str, str]]) -> Callable[[Any], str]:
    allowed = [code for code, _ in choices]

    def read_choice(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"Use one of {', '.join(allowed)}")
        return str(value)

    return read_choice


def _text(limit: int) -> Callable[[Any], str]:
    def read_text(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("Use a text")
        text = value.strip()
        if len(text) > limit:
            raise ValueError(f"Use {limit} characters or fewer")
        if any(ord(sign) < 32 for sign in text):
            raise ValueError("Use one line without control characters")
        return text

    return read_text


def _email(value: Any) -> str:
    text = _text(254)(value)
    if text:
        try:
            _EMAIL(text)
        except ValidationError:
            raise ValueError("Use an e-mail address such as orders@example.com") from None
    return text


def _domain(value: Any) -> str:
    text = _text(190)(value).removeprefix("@").lower()
    if text and not _DOMAIN.fullmatch(text):
        raise ValueError("Use a domain such as orders.example.com")
    return text


def _tags(value: Any) -> list[str]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise ValueError("Use a list of texts")
    tags = list(dict.fromkeys(tag.strip() for tag in value if tag.strip()))
    if any(ord(sign) < 32 for tag in tags for sign in tag):
        raise ValueError("Use tags without control characters")
    too_long = [tag for tag in tags if len(tag) > TAG_LENGTH]
    if too_long:
        raise ValueError(f"Use {TAG_LENGTH} characters or fewer a tag: {too_long[0]}")
    if any("," in tag for tag in tags):
        raise ValueError("A tag cannot hold a comma")
    if len(tags) > 20:
        raise ValueError("Use 20 tags or fewer")
    return tags


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        moment: datetime | None = value
    elif isinstance(value, str):
        try:
            moment = parse_datetime(value)
            day = parse_date(value) if moment is None else None
        except ValueError:
            moment = day = None
        if moment is None and day is not None:
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    else:
        moment = None
    if moment is None:
        raise ValueError("Use a date such as 2026-11-21, or a time such as 2026-11-21T09:00:00Z")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if moment > now() + timedelta(days=366):
        raise ValueError("Use a date within the next year")
    return moment.astimezone(UTC)


def _location(value: Any) -> int | None:
    if value in (None, "", "none"):
        return None
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, str) and value.isdigit())):
        raise ValueError("Use the id of a location, or nothing")
    return int(value)


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Preference:
    """One setting: where it may be set, what it may be, and how it reads on the page. `feature` is its F number."""

    name: str
    kind: str
    """switch, choice, text, email, domain, tags, moment or location."""
    default: Any
    scopes: tuple[str, ...]
    label: str
    help: str
    read: Callable[[Any], Any]
    group: str
    feature: str
    choices: tuple[tuple[str, str], ...] = ()


_BOTH = (GENERAL, ACCOUNT)

_ALL = (
    Preference(
        "import_orders", "switch", True, _BOTH, "Import {marketplace} orders to {storefront}",
        "Off: orders are still imported into Orders, but not created in your store. Export by hand works.",
        _switch, "Orders", "F17",
    ),
    Preference(
        "order_type", "choice", "merchant", _BOTH, "Import {marketplace} orders type",
        "Which orders are created in your store. All are shown under Orders. FBA orders never touch your stock.",
        _one_of(ORDER_TYPES), "Orders", "F18", ORDER_TYPES,
    ),
    Preference(
        "orders_from", "moment", None, (ACCOUNT,), "Create orders from",
        "Orders bought before this moment (UTC) are not imported by themselves. At first the time you connected.",
        _moment, "Orders", "F10",
    ),
    Preference(
        "export_order_id", "switch", True, _BOTH, "Export order id to {storefront}",
        "On: the marketplace's order id is the store order's name. Off: your store numbers it; the id is in its note.",
        _switch, "Store orders", "F67",
    ),
    Preference(
        "order_id_prefix", "text", "", _BOTH, "Order name prefix",
        "Put before the marketplace's order id, for example AMZ-.", _text(20), "Store orders", "F67",
    ),
    Preference(
        "tags", "tags", [], _BOTH, "Order tags",
        f"Separated by commas, up to {TAG_LENGTH} characters each.", _tags, "Store orders", "F68",
    ),
    Preference(
        "tag_platform", "switch", True, _BOTH, "Tag with the marketplace", "For example Amazon.",
        _switch, "Store orders", "F68",
    ),
    Preference(
        "tag_account", "switch", True, _BOTH, "Tag with the account's name", "For example Northpine US.",
        _switch, "Store orders", "F68",
    ),
    Preference(
        "tag_fulfillment", "switch", True, _BOTH, "Tag with who ships", "FBA or FBM.", _switch, "Store orders", "F68",
    ),
    Preference(
        "store_confirmations", "switch", False, _BOTH, "Let {storefront} mail the buyer",
        "Off: {storefront} sends no order confirmation to marketplace buyers; the marketplace has sent one already.",
        _switch, "Store orders", "F73",
    ),
    Preference(
        "customer_email_mode", "choice", "in_order", _BOTH, "Customer e-mail",
        "Which address the store order gets.", _one_of(EMAIL_MODES), "Customer e-mail", "F147", EMAIL_MODES,
    ),
    Preference(
        "customer_email_address", "email", "", _BOTH, "Selected email",
        "Used with “With selected email”.", _email, "Customer e-mail", "F147",
    ),
    Preference(
        "customer_email_domain", "domain", "", _BOTH, "Custom domain",
        "Used with the two custom domain choices.", _domain, "Customer e-mail", "F147",
    ),
    Preference(
        "conflict_guard", "switch", True, _BOTH, "Look for orders another app made",
        "Before the first orders are created, your store is searched for the same marketplace order ids.",
        _switch, "Safety", "F11",
    ),
    Preference(
        "adopt_existing", "switch", False, _BOTH, "Adopt existing order",
        "On: an order another app made is taken over instead of held. No second one is created either way.",
        _switch, "Safety", "F11",
    ),
    Preference(
        "default_location", "location", None, (STORE,), "Default warehouse",
        "Stock is tested and taken there only. Nothing chosen: all locations that ship online orders together.",
        _location, "Stock", "F53",
    ),
    Preference(
        "title_matching", "switch", True, (STORE,), "Match by title and variation",
        "Tried only when no product and no SKU mapping has the line's SKU, and only if exactly one product fits.",
        _switch, "Matching", "F34",
    ),
    Preference(
        "sku_case_sensitive", "switch", True, (STORE,), "SKUs differ by upper and lower case",
        "Off: ABC-1 and abc-1 are the same SKU.", _switch, "Matching", "F33",
    ),
)  # fmt: skip

PREFERENCES: dict[str, Preference] = {preference.name: preference for preference in _ALL}


def scope_of(target: Scope) -> str:
    """Return general, store or account."""
    if isinstance(target, Merchant):
        return GENERAL
    return STORE if isinstance(target, Store) else ACCOUNT


def table(scope: str) -> list[Preference]:
    """Return the settings that can be set at this scope, in the order of the page."""
    return [preference for preference in _ALL if scope in preference.scopes]


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
    return preference.default


def value(target: Scope, name: str) -> Any:
    """Return the value in force at the target. Raises KeyError for a setting that cannot be set there."""
    preference = PREFERENCES[name]
    if scope_of(target) not in preference.scopes:
        raise KeyError(name)
    if isinstance(target, MarketplaceAccount) and name == "orders_from":
        return target.orders_from
    if name in target.settings:
        return target.settings[name]
    return _inherited(target, preference)


def read(target: Scope) -> dict[str, Any]:
    """Return every setting in force at a merchant (General), store or account, by name; moments are datetimes."""
    return {preference.name: value(target, preference.name) for preference in table(scope_of(target))}


def described(target: Scope, *, words: Mapping[str, str] | None = None) -> list[Shown]:
    """Return every setting with its label, value and where it comes from, for the page.

    `words` fills {marketplace} and {storefront} in labels; see `words_for`.
    """
    filled = dict(words or {"marketplace": "marketplace", "storefront": "your store"})
    shown = []
    for preference in table(scope_of(target)):
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
    if errors:
        raise InvalidSettings(errors)
    return wanted


def _check_together(target: Scope, scope: str, wanted: Mapping[str, Any]) -> None:
    """Refuse a mode without the address or domain it needs. Looks at what would be in force after saving."""
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


def for_order(account: MarketplaceAccount, store: Store) -> OrderPreferences:
    """Return the settings in force for orders of this account in this store.

    Reads `account.merchant`; select it along to save the query.
    """
    of_account, of_store = read(account), read(store)
    return OrderPreferences(
        import_orders=of_account["import_orders"],
        order_type=of_account["order_type"],
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
        tag_fulfillment=of_account["tag_fulfillment"],
        default_location_id=of_store["default_location"],
        title_matching=of_store["title_matching"],
        sku_case_sensitive=of_store["sku_case_sensitive"],
        adopt_existing=of_account["adopt_existing"],
        conflict_guard=of_account["conflict_guard"],
        store_confirmations=of_account["store_confirmations"],
    )


def words_for(marketplace: str, storefront: str) -> dict[str, str]:
    """Return the words that fill a label's {marketplace} and {storefront}."""
    return {"marketplace": marketplace, "storefront": storefront}
