"""The documents say what the code does: every reason, setting, route and job is in them."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

from orders.reasons import REASONS
from salestio import routes
from salestio.inbox.drain import TOPICS
from salestio.jobs import JOBS

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_every_reason_is_explained() -> None:
    text = (DOCS / "reasons.md").read_text()

    assert [code for code in REASONS if f"`{code}`" not in text] == []


def test_every_job_is_named() -> None:
    text = (DOCS / "operations.md").read_text()

    assert [name for name in JOBS if name not in text] == []


def test_every_setting_that_is_read_is_described() -> None:
    source = (DOCS.parent / "salestio" / "settings.py").read_text()
    names = {where.env for declared in settings.PLATFORM_SETTINGS.values() for where in declared.addresses.values()}
    names |= {value.env for declared in settings.PLATFORM_SETTINGS.values() for value in declared.app.values()}
    names |= set(re.findall(r'"((?:SALESTIO|DATABASE|REDIS|SHOPIFY|SECRET|BRAND|RECOVERY)[A-Z_]*)"', source))
    text = (DOCS / "configuration.md").read_text()

    assert sorted(name for name in names if name not in text) == []


def test_every_file_that_is_named_exists() -> None:
    named = {
        (document.name, path)
        for document in DOCS.glob("*.md")
        for path in re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|html|md))`", document.read_text())
    }

    # The guide's made-up platform has no files.
    assert sorted(one for one in named if "acorn" not in one[1] and not (DOCS.parent / one[1]).exists()) == []


def test_every_name_in_the_tables_of_routes_exists() -> None:
    names = [name for table in (routes.NOW, routes.LATER) for functions in table.values() for name in functions]
    names += [*routes.QUESTIONS.values(), *TOPICS.values(), *(job.function for job in JOBS.values())]

    assert [name for name in names if not callable(routes.resolve(name))] == []
