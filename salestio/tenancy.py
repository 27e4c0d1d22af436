"""The active merchant. One door, `scope()`, and one for the few who look across merchants, `unscoped()`.

Two walls (MECHANISMS 12). In Python a query on a tenant table outside any scope raises `NoScope`, it never returns an
empty list. In PostgreSQL every tenant table has row-level security: the app role sees the rows of `app.merchant` only,
and the ops role (taken inside `unscoped`) sees everything but buyers' personal data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, ClassVar

import structlog
from celery import Task
from django.apps import apps
from django.db import connection, models, transaction

APP_ROLE = "salestio_app"
OPS_ROLE = "salestio_ops"
OWNER = "owner"

_active: ContextVar[int | str | None] = ContextVar("merchant", default=None)
"""A merchant's id, or the reason of an unscoped block, or None."""


class NoScope(RuntimeError):
    """A tenant table was asked without saying for whom. A programming error, never to be caught."""


class WrongScope(RuntimeError):
    """A scope of one merchant was opened inside a scope of another."""


def current_merchant_id() -> int:
    """Return the active merchant's id. Raises `NoScope` outside a scope."""
    active = _active.get()
    if not isinstance(active, int):
        raise NoScope("no merchant is active here; open tenancy.scope(merchant_id)")
    return active


def active() -> bool:
    """Say whether a scope or an unscoped block is open."""
    return _active.get() is not None


@contextmanager
def scope(merchant_id: int) -> Iterator[None]:
    """Open a transaction in which this merchant's rows, and no others, can be seen and written.

    A nested scope of the same merchant joins the open one. Raises `WrongScope` inside another merchant's scope or
    inside `unscoped`.
    """
    if not isinstance(merchant_id, int):
        raise TypeError("scope() takes a merchant's id")
    outer = _active.get()
    if outer == merchant_id and connection.in_atomic_block:
        with transaction.atomic(savepoint=False):
            yield
        return
    if outer is not None:
        raise WrongScope(f"scope({merchant_id}) inside {outer!r}")
    nested = connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.merchant', %s, true)", [str(merchant_id)])
        token = _active.set(merchant_id)
        structlog.contextvars.bind_contextvars(merchant=merchant_id)
        try:
            yield
            # The transaction's end forgets the setting; inside an outer transaction (a test's) we put it back.
            # After an error the savepoint's rollback does it.
            if nested and not connection.needs_rollback:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('app.merchant', '', true)")
        finally:
            _active.reset(token)
            structlog.contextvars.unbind_contextvars("merchant")


@contextmanager
def unscoped(reason: str) -> Iterator[None]:
    """Open a transaction that sees every merchant's rows, but for personal data. `reason` stands in a test's list."""
    if _active.get() is not None:
        raise WrongScope(f"unscoped({reason!r}) inside {_active.get()!r}")
    nested = connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {OPS_ROLE}")
        token = _active.set(reason)
        try:
            yield
            if nested and not connection.needs_rollback:
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL ROLE NONE")
        finally:
            _active.reset(token)


# ── models ───────────────────────────────────────────────────────────────────────────────────────────────────────────


EMPTY_LIST = models.Value([], output_field=models.JSONField())
EMPTY_OBJECT = models.Value({}, output_field=models.JSONField())
"""Database defaults of JSON columns that came with a later version: the version before goes on writing its rows."""


class MerchantModel(models.Model):
    """A row of one merchant. `personal_data = True` keeps it from the ops role too."""

    personal_data: ClassVar[bool] = False

    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        given: int | None = self.merchant_id
        if given is None:
            self.merchant_id = current_merchant_id()
        super().save(*args, **kwargs)


def tenant_models() -> list[type[models.Model]]:
    """Return every model whose rows belong to a merchant, `Merchant` itself included."""
    found: list[type[models.Model]] = [apps.get_model("accounts", "Merchant")]
    found += [model for model in apps.get_models() if issubclass(model, MerchantModel)]
    return found


@lru_cache(maxsize=1)
def _tenant_tables() -> re.Pattern[str]:
    names = "|".join(sorted((model._meta.db_table for model in tenant_models()), key=len, reverse=True))
    return re.compile(rf"(?<![\w.'])\"?({names})\"?(?!\w)")


def guard(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Refuse a query on a tenant table outside any scope; a database execute wrapper, on in every environment."""
    if _active.get() is None and isinstance(sql, str) and context["connection"].alias != OWNER:
        found = _tenant_tables().search(sql)
        if found:
            raise NoScope(f"a query on {found.group(1)} outside tenancy.scope()")
    return execute(sql, params, many, context)


def install_guard(sender: object, connection: Any, **kwargs: Any) -> None:
    """Put the guard on a new database connection; connected to Django's `connection_created`."""
    if guard not in connection.execute_wrappers:
        connection.execute_wrappers.append(guard)


# ── PostgreSQL's wall ────────────────────────────────────────────────────────────────────────────────────────────────


def secure_tables(using: str = OWNER) -> None:
    """Give every table its grants and every tenant table its policies; run by the owner after each migrate.

    Repeating it changes nothing. A meta test reads the catalog, so a table that slipped through fails the suite.
    """
    from django.db import connections

    tenants = {model._meta.db_table: model for model in tenant_models()}
    with connections[using].cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}, {OPS_ROLE}")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}, {OPS_ROLE}")
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            model = tenants.get(table)
            if model is None:
                cursor.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO {OPS_ROLE}')
                continue
            column = "id" if table == "accounts_merchant" else "merchant_id"
            _protect(cursor, table, column, personal=bool(getattr(model, "personal_data", False)))


def _protect(cursor: Any, table: str, column: str, *, personal: bool) -> None:
    mine = f"{column} = nullif(current_setting('app.merchant', true), '')::bigint"
    cursor.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    cursor.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
    cursor.execute(f'DROP POLICY IF EXISTS merchant ON "{table}"')
    cursor.execute(f'CREATE POLICY merchant ON "{table}" TO {APP_ROLE} USING ({mine}) WITH CHECK ({mine})')
    cursor.execute(f'DROP POLICY IF EXISTS ops ON "{table}"')
    if personal:
        cursor.execute(f'REVOKE ALL ON "{table}" FROM {OPS_ROLE}')
    else:
        cursor.execute(f'CREATE POLICY ops ON "{table}" TO {OPS_ROLE} USING (true) WITH CHECK (true)')
        cursor.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO {OPS_ROLE}')


# ── tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class MerchantTask(Task):
    """A task whose first argument is the merchant's id. It carries ids only and opens no scope by itself: the code it
    calls opens short ones around its database work, because it may call a platform in between."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not args or not isinstance(args[0], int):
            raise TypeError(f"{self.name} takes a merchant's id as its first argument")
        with structlog.contextvars.bound_contextvars(task=self.name, lane_merchant=args[0]):
            return super().__call__(*args, **kwargs)
