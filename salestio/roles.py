"""The three database roles (MECHANISMS 12), in SQL that can be repeated. No Django here: `./run`, the tests and
`manage.py ensure_roles` all call it before a first migration.

- `salestio_owner` owns the tables, migrates and dumps; BYPASSRLS, or the superuser of a server of our own.
- `salestio_app` is what web, worker, beat, listener and pytest log in as. It owns nothing and inherits nothing: were it
  to inherit `salestio_ops`, every query would silently see every merchant.
- `salestio_ops` cannot log in; `tenancy.unscoped` takes it for one transaction.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote, urlsplit

import psycopg2
from psycopg2 import sql

OWNER = "salestio_owner"
APP = "salestio_app"
OPS = "salestio_ops"


def connect(url: str, *, database: str | None = None, timeout: int = 5) -> Any:
    """Return an autocommitting psycopg2 connection to a `postgresql://` URL. Raises psycopg2.OperationalError."""
    parts = urlsplit(url)
    connection = psycopg2.connect(
        host=parts.hostname,
        port=parts.port or 5432,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        dbname=database or parts.path.lstrip("/") or "postgres",
        connect_timeout=timeout,
    )
    connection.autocommit = True
    return connection


def url_for(user: str, password: str, port: int, database: str, host: str = "127.0.0.1") -> str:
    """Return a `postgresql://` URL; user and password may hold any sign."""
    return f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@{host}:{port}/{quote(database, safe='')}"


def ensure_roles(
    admin_url: str, *, app_password: str, owner_password: str | None = None, database: str = "salestio"
) -> None:
    """Make the roles and the database, or bring them to what they must be. Repeating it changes nothing.

    `admin_url` is a superuser's (it may be `salestio_owner` itself on a server of our own) or, on a managed server, a
    role that may create roles and databases. Raises psycopg2.Error when that role may not.
    """
    connection = connect(admin_url, database="postgres")
    try:
        with connection.cursor() as cursor:
            _ensure_owner(cursor, owner_password)
            _ensure_app(cursor, app_password)
            _ensure_ops(cursor, connection.server_version)
            _ensure_database(cursor, database)
    finally:
        connection.close()


def _exists(cursor: Any, role: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    return cursor.fetchone() is not None


def _ensure_owner(cursor: Any, password: str | None) -> None:
    if not _exists(cursor, OWNER):
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN BYPASSRLS NOCREATEROLE").format(sql.Identifier(OWNER)))
    if password is not None:
        cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(OWNER), sql.Literal(password)))


def _ensure_app(cursor: Any, password: str) -> None:
    verb = "ALTER" if _exists(cursor, APP) else "CREATE"
    cursor.execute(
        sql.SQL("{} ROLE {} LOGIN NOINHERIT NOCREATEDB NOCREATEROLE PASSWORD {}").format(
            sql.SQL(verb), sql.Identifier(APP), sql.Literal(password)
        )
    )
    cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", [APP])
    if cursor.fetchone()[0]:
        # Only said when it is so: on a managed server nobody may name these attributes at all.
        cursor.execute(sql.SQL("ALTER ROLE {} NOSUPERUSER NOBYPASSRLS").format(sql.Identifier(APP)))


def _ensure_ops(cursor: Any, server_version: int) -> None:
    if not _exists(cursor, OPS):
        cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN NOINHERIT").format(sql.Identifier(OPS)))
    grant = sql.SQL("GRANT {} TO {}").format(sql.Identifier(OPS), sql.Identifier(APP))
    if server_version >= 160000:
        # From 16 on inheritance belongs to the grant; the role's NOINHERIT is only the default of a new grant.
        grant += sql.SQL(" WITH INHERIT FALSE, SET TRUE")
    cursor.execute(grant)


def _ensure_database(cursor: Any, database: str) -> None:
    cursor.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [database])
    row = cursor.fetchone()
    name, owner = sql.Identifier(database), sql.Identifier(OWNER)
    if row is None:
        cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
    elif row[0] != OWNER:
        cursor.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, owner))
    cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    cursor.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(APP)))
