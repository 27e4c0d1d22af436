"""The two walls between merchants: a query without a scope raises, and PostgreSQL shows nothing anyway (MECHANISMS 12)."""

from __future__ import annotations

import os
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from inventory.models import Stock, Variant
from orders.models import Buyer, Order
from salestio import tenancy
from tests.factories import amazon_line, amazon_order, make_merchant, make_variant

ROOT = Path(__file__).resolve().parent.parent


def as_app(query: str, params: Any = None) -> list[tuple[Any, ...]]:
    """Run a query on a fresh connection of the app role, past every guard in Python."""
    with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as raw, raw.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchall()


def tenant_tables() -> list[str]:
    return sorted(model._meta.db_table for model in tenancy.tenant_models())


@pytest.mark.django_db(transaction=True)
def test_every_table_with_a_merchant_has_forced_row_level_security_and_its_policy(owner: Any) -> None:
    with owner.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
                      (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'merchant')
               FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
               WHERE a.attname = 'merchant_id' AND NOT a.attisdropped AND c.relkind = 'r'
                 AND c.relnamespace = 'public'::regnamespace"""
        )
        rows = cursor.fetchall()

    assert {row[0] for row in rows} | {"accounts_merchant"} == set(tenant_tables())
    assert [row for row in rows if row[1:] != (True, True, 1)] == []


@pytest.mark.django_db(transaction=True)
def test_the_app_role_reads_nothing_without_a_scope() -> None:
    cast = make_merchant()
    make_variant(cast, "NP-MUG")

    counts = {table: as_app(f"SELECT count(*) FROM {table}")[0][0] for table in tenant_tables()}

    assert {table for table, number in counts.items() if number} == set()


@pytest.mark.django_db(transaction=True)
def test_the_app_role_cannot_write_for_another_merchant() -> None:
    one, other = make_merchant(), make_merchant("Harbour & Kiln")

    with pytest.raises(ProgrammingError, match="row-level security"), tenancy.scope(one.id):
        Variant.objects.create(
            merchant_id=other.id, store=other.store, remote_id="x", product_id="x", item_id="x", product_title="x"
        )


@pytest.mark.django_db(transaction=True)
def test_a_row_cannot_point_to_another_merchants_row() -> None:
    one, other = make_merchant(), make_merchant("Harbour & Kiln")
    foreign = make_variant(other, "HK-1")

    with pytest.raises(IntegrityError), tenancy.scope(one.id):
        Stock.objects.create(merchant_id=one.id, variant_id=foreign.pk, location=None)


@pytest.mark.django_db(transaction=True)
def test_a_scope_shows_this_merchants_rows_only() -> None:
    one, other = make_merchant(), make_merchant("Harbour & Kiln")
    make_variant(one, "NP-MUG")
    make_variant(other, "HK-1")

    with tenancy.scope(one.id):
        seen = list(Variant.objects.values_list("sku", flat=True))

    assert seen == ["NP-MUG"]


@pytest.mark.django_db
def test_a_query_outside_any_scope_raises_instead_of_answering_nothing() -> None:
    with pytest.raises(tenancy.NoScope, match="orders_order"):
        Order.objects.count()


@pytest.mark.django_db(transaction=True)
def test_the_all_seeing_role_cannot_read_buyers() -> None:
    from orders import intake

    cast = make_merchant()
    with tenancy.scope(cast.id):
        intake.save_page(cast.account, [amazon_order(amazon_line("NP-MUG"))])

    with tenancy.unscoped("test"):
        assert Order.objects.count() == 1
    with pytest.raises(ProgrammingError, match="permission denied"), tenancy.unscoped("test"):
        Buyer.objects.count()


@pytest.mark.django_db(transaction=True)
def test_a_scope_of_another_merchant_inside_one_raises() -> None:
    one, other = make_merchant(), make_merchant("Harbour & Kiln")

    with pytest.raises(tenancy.WrongScope), tenancy.scope(one.id), tenancy.scope(other.id):
        pass


@pytest.mark.django_db
def test_what_was_active_before_is_active_again_after_a_nested_scope_and_after_an_error() -> None:
    cast = make_merchant()

    with tenancy.scope(cast.id):
        with tenancy.scope(cast.id):
            pass
        assert tenancy.current_merchant_id() == cast.id
    with pytest.raises(ZeroDivisionError), tenancy.scope(cast.id):
        raise ZeroDivisionError
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.merchant', true), current_user")
        assert cursor.fetchone() in [("", "salestio_app"), (None, "salestio_app")]


@pytest.mark.django_db(transaction=True)
def test_a_scope_rolls_back_what_it_wrote_when_it_fails() -> None:
    cast = make_merchant()

    with pytest.raises(ZeroDivisionError), tenancy.scope(cast.id):
        make_variant(cast, "GONE")
        raise ZeroDivisionError

    with tenancy.scope(cast.id):
        assert not Variant.objects.filter(sku="GONE").exists()


UNSCOPED = {
    "sweep": "salestio/sweep.py",
    "metrics": "salestio/metrics.py",
    "jobs": "salestio/jobs.py",
    "admin": "salestio/workbench.py",
    "rotate credentials": "accounts/credentials.py",
    "read-only": "accounts/read_only.py",
}
"""Who looks across merchants, and where. A new call site stands here with its reason, or the next test fails."""


def test_the_places_that_look_across_merchants_are_these_and_no_others() -> None:
    found: dict[str, str] = {}
    for path in sorted(ROOT.glob("*/**/*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(("tests/", ".venv/", "bench/")) or "/.venv/" in name:
            continue
        for reason in re.findall(r"unscoped\(\s*[\"']([^\"']+)[\"']", path.read_text()):
            found[reason] = name

    assert found == UNSCOPED


@pytest.mark.django_db(transaction=True)
def test_a_call_inside_a_transaction_is_refused() -> None:
    from salestio.calls import CallInsideTransaction, refuse_inside_transaction

    refuse_inside_transaction("shopify", "orderCreate")
    with pytest.raises(CallInsideTransaction), transaction.atomic():
        refuse_inside_transaction("shopify", "orderCreate")


def test_a_task_without_a_merchant_is_refused(settings: Any) -> None:
    from orders.tasks import drain

    with pytest.raises(TypeError, match="merchant"):
        drain("1", 2)
