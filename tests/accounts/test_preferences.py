"""Settings: typed, validated, inherited, audited."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from accounts import preferences
from accounts.models import AuditEntry, MarketplaceAccount, Merchant, Store
from accounts.preferences import InvalidSettings
from salestio import tenancy
from tests.factories import Cast

pytestmark = pytest.mark.django_db


def write(cast: Cast, target: object, **changes: object) -> dict[str, object]:
    with tenancy.scope(cast.id):
        return preferences.write(target, changes, actor="ines")  # type: ignore[arg-type]


def account_of(cast: Cast) -> MarketplaceAccount:
    return MarketplaceAccount.objects.select_related("merchant", "store").get(pk=cast.account.pk)


def test_every_default_is_a_value_its_own_reader_takes() -> None:
    for preference in preferences.PREFERENCES.values():
        if preference.default is None:
            continue
        assert preference.read(preference.default) == preference.default, preference.name


def test_the_defaults_are_what_the_features_ask_for(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        found = preferences.for_order(account_of(merchant), merchant.store)

    assert (found.import_orders, found.order_type, found.export_order_id) == (True, "merchant", True)
    assert (found.customer_email.mode, found.store_confirmations) == ("in_order", False)
    assert (found.conflict_guard, found.adopt_existing) == (True, False)
    assert (found.title_matching, found.sku_case_sensitive, found.default_location_id) == (True, True, None)
    assert (found.tag_platform, found.tag_account, found.tag_fulfillment, found.tags) == (True, True, True, ())


def test_an_account_wins_over_general_and_follows_it_again_after_a_reset(merchant: Cast) -> None:
    write(merchant, merchant.merchant, order_id_prefix="AMZ-")
    write(merchant, merchant.account, order_id_prefix="US-")
    with tenancy.scope(merchant.id):
        assert preferences.for_order(account_of(merchant), merchant.store).order_id_prefix == "US-"
        shown = {s.preference.name: s for s in preferences.described(account_of(merchant))}
        assert shown["order_id_prefix"].differs
        assert not shown["tag_account"].differs

    write(merchant, merchant.account, order_id_prefix=None)

    with tenancy.scope(merchant.id):
        assert preferences.for_order(account_of(merchant), merchant.store).order_id_prefix == "AMZ-"


def test_orders_from_is_the_connection_date_until_it_is_chosen(merchant: Cast) -> None:
    write(merchant, merchant.account, orders_from="2026-10-01")
    with tenancy.scope(merchant.id):
        assert account_of(merchant).orders_from == datetime(2026, 10, 1, tzinfo=UTC)

    write(merchant, merchant.account, orders_from=None)

    with tenancy.scope(merchant.id):
        assert account_of(merchant).orders_from == account_of(merchant).connected_at


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("import_orders", "perhaps", "true or false"),
        ("import_orders", 1, "true or false"),
        ("order_type", "all", "merchant, marketplace, both"),
        ("order_type", None, ""),
        ("order_id_prefix", "x" * 21, "20 characters"),
        ("order_id_prefix", "a\nb", "one line"),
        ("order_id_prefix", 7, "a text"),
        ("tags", ["y" * 40], "39 characters"),
        ("tags", "a,b," + "z" * 40, "39 characters"),
        ("tags", [1, 2], "list of texts"),
        ("tags", [f"t{n}" for n in range(21)], "20 tags"),
        ("customer_email_address", "not-an-address", "orders@example.com"),
        ("customer_email_domain", "localhost", "orders.example.com"),
        ("customer_email_domain", "exa mple.com", "orders.example.com"),
        ("customer_email_domain", "example.com\nBcc: x", "one line"),
        ("customer_email_mode", "selected", "address"),
        ("customer_email_mode", "domain", "domain"),
        ("customer_email_mode", "domain_and_order", "domain"),
        ("orders_from", "yesterday", "2026-11-21"),
        ("orders_from", "2026-13-40", "2026-11-21"),
        ("orders_from", "2099-01-01", "next year"),
        ("default_location", 1, "store, not for account"),
        ("shoe_size", 43, "no such setting"),
    ],
)
def test_a_wrong_value_names_its_field_and_saves_nothing(merchant: Cast, name: str, value: object, words: str) -> None:
    if value is None:
        assert write(merchant, merchant.account, **{name: value}) == {}
        return

    with pytest.raises(InvalidSettings) as wrong:
        write(merchant, merchant.account, **{name: value, "tag_account": False})

    assert words in " ".join(wrong.value.errors.values())
    with tenancy.scope(merchant.id):
        assert account_of(merchant).settings == {}


def test_a_mode_with_its_address_is_taken(merchant: Cast) -> None:
    changed = write(
        merchant, merchant.account, customer_email_mode="selected", customer_email_address="orders@example.com"
    )

    assert changed == {"customer_email_mode": "selected", "customer_email_address": "orders@example.com"}


def test_the_address_a_mode_needs_cannot_be_taken_away(merchant: Cast) -> None:
    write(merchant, merchant.account, customer_email_mode="domain", customer_email_domain="@Orders.Example.com")

    with pytest.raises(InvalidSettings) as wrong:
        write(merchant, merchant.account, customer_email_domain="")

    assert "customer_email_domain" in wrong.value.errors


def test_a_default_warehouse_is_a_location_of_that_store(merchant: Cast, stranger: Cast) -> None:
    assert write(merchant, merchant.store, default_location=merchant.location.pk) == {
        "default_location": merchant.location.pk
    }
    with pytest.raises(InvalidSettings) as wrong:
        write(merchant, merchant.store, default_location=stranger.location.pk)

    assert "location of this store" in wrong.value.errors["default_location"]


def test_a_change_is_audited_with_before_and_after(merchant: Cast) -> None:
    write(merchant, merchant.account, import_orders=False)

    with tenancy.scope(merchant.id):
        entry = AuditEntry.objects.get()
        assert (entry.actor, entry.action) == ("ines", "settings.changed")
        assert (entry.before, entry.after) == ({"import_orders": True}, {"import_orders": False})


def test_saving_what_is_there_already_changes_and_audits_nothing(merchant: Cast) -> None:
    assert write(merchant, merchant.account, import_orders=True) == {}

    with tenancy.scope(merchant.id):
        assert not AuditEntry.objects.exists()


def test_two_settings_saved_from_two_old_copies_both_stay(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        one, two = account_of(merchant), account_of(merchant)

    write(merchant, one, import_orders=False)
    write(merchant, two, tag_account=False)

    with tenancy.scope(merchant.id):
        assert account_of(merchant).settings == {"import_orders": False, "tag_account": False}


GENERAL_ONLY = {"token_warning_days", "mail_account_expired", "mail_account_expired_to"}
"""What concerns the merchant's people, not one account."""


def test_each_scope_reads_the_settings_that_belong_there(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        general = preferences.read(Merchant.objects.get(pk=merchant.id))
        store = preferences.read(Store.objects.get(pk=merchant.store.pk))
        account = preferences.read(account_of(merchant))

    assert set(store) == {
        "default_location",
        "title_matching",
        "barcode_matching",
        "sku_case_sensitive",
        "create_unmatched",
        "read_only",
    }
    assert set(account) == (set(general) | {"orders_from"}) - GENERAL_ONLY


def test_a_setting_of_one_platform_is_neither_shown_nor_taken_elsewhere(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        names = {shown.preference.name for shown in preferences.described(merchant.store)}
    assert "order_status" not in names

    with pytest.raises(InvalidSettings) as wrong:
        write(merchant, merchant.store, order_status="9")

    assert wrong.value.errors == {"order_status": "This is for bigcommerce only"}


def test_unknown_products_hold_an_order_on_shopify_and_become_custom_lines_on_bigcommerce(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        held = preferences.for_order(account_of(merchant), merchant.store)
        merchant.store.platform = "bigcommerce"
        made = preferences.for_order(account_of(merchant), merchant.store)

    assert (held.create_unmatched, held.order_status) == (False, "")
    assert (made.create_unmatched, made.order_status, made.include_hidden) == (True, "9", False)


def test_a_status_is_one_the_store_told_of(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        facts = {"order_statuses": [["9", "Awaiting Shipment"], ["11", "Awaiting Fulfillment"]]}
        Store.objects.filter(pk=merchant.store.pk).update(platform="bigcommerce", facts=facts)
        store = Store.objects.get(pk=merchant.store.pk)

    assert write(merchant, store, order_status="11") == {"order_status": "11"}
    with pytest.raises(InvalidSettings) as wrong:
        write(merchant, store, order_status="12")

    assert wrong.value.errors == {"order_status": "Use one of the store's order statuses."}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tax_mode": "custom"}, "tax_percent"),
        ({"tax_percent": "101"}, "tax_percent"),
        ({"tax_percent": "19.12345"}, "tax_percent"),
        ({"tax_percent": "NaN"}, "tax_percent"),
        ({"customer_mode": "fixed"}, "customer_id"),
        ({"customer_mode": "fixed", "customer_id": "ada@example.com"}, "customer_id"),
    ],
)
def test_a_money_or_customer_mode_without_what_it_needs_is_refused(
    merchant: Cast, changes: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidSettings) as wrong:
        write(merchant, merchant.account, **changes)

    assert list(wrong.value.errors) == [field]


def test_a_percentage_and_a_customer_are_taken_as_people_write_them(merchant: Cast) -> None:
    changed = write(
        merchant, merchant.account, tax_mode="custom", tax_percent=" 7.50 %", customer_mode="fixed",
        customer_id="https://admin.example.com/store/northpine/customers/7012345",
    )  # fmt: skip

    assert (changed["tax_percent"], changed["customer_id"]) == ("7.5", "7012345")
