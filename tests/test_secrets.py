"""What opens something is nowhere to be read: tables, Redis, logs, pages, error pages (RELIABILITY 3.2). And who may frame a page."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from orders import archives
from orders.models import Archive
from salestio import tenancy
from tests import canaries
from tests.accounts.conftest import session_token
from tests.canaries import Planted
from tests.factories import make_merchant
from tests.test_personal_data import browser_of, logged
from tests.test_walk import filled, names_of, ways

pytestmark = pytest.mark.django_db

PASSWORD = "gonfalon canary password 417"


@pytest.fixture
def planted(db: None, redis_url: str) -> Planted:
    return canaries.plant(make_merchant())


def secrets_of(planted: Planted) -> dict[str, str]:
    """Return everything that opens something: of the merchant, of its people, of the application."""
    keys = {f"encryption key {number}": key for number, key in enumerate(settings.CREDENTIAL_KEYS)}
    return planted.secrets | keys | {
        "member's password": PASSWORD, "secret key": settings.SECRET_KEY, "search key": settings.SEARCH_KEY,
        "Shopify's secret": settings.PLATFORM_APPS["shopify"]["client_secret"], "Amazon's secret": settings.PLATFORM_APPS["amazon"]["client_secret"],
        "database password": str(settings.DATABASES["default"]["PASSWORD"]),
    }  # fmt: skip


def asked_everything(planted: Planted, client: Client, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the answer to a GET of every address, asked by somebody who may."""
    names = names_of(planted)
    answers = {}
    for pattern, way in ways().items():
        path, _ = filled(way, names)
        if not path.endswith(("/sign-out/", "/logout/")):
            answers[pattern] = client.get(path, headers=headers or {})
    return answers


def body_of(answer: Any) -> bytes:
    """Return an answer's body, of a streamed one too."""
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


def test_no_table_holds_a_secret_that_can_be_read(planted: Planted) -> None:
    assert canaries.in_tables(planted.cast.id, secrets_of(planted)) == []


def test_no_page_no_log_and_no_redis_key_shows_a_secret_to_anybody(
    planted: Planted, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = secrets_of(planted)

    answers = asked_everything(planted, browser_of(planted.cast))

    shown = {
        name: canaries.found_in(body_of(answer).decode(errors="replace"), secrets) for name, answer in answers.items()
    }
    assert {name: found for name, found in shown.items() if found} == {}
    assert canaries.found_in(logged(caplog), secrets) == []
    assert canaries.in_redis(redis_url, secrets) == []


def test_errors_show_and_log_no_secret_that_was_sent(planted: Planted, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = secrets_of(planted)
    nobody = Client(raise_request_exception=False)
    link, token = planted.secrets["invitation link"], planted.secrets["API token"]

    answers = [
        nobody.post(f"/invitations/{link}/", {"name": "", "password": PASSWORD}),
        nobody.post("/sign-in/", {"email": canaries.WORDS["member"], "password": PASSWORD[:-1]}),
        nobody.get("/api/v1/orders/0", headers={"Authorization": f"Bearer {token}"}),
        nobody.post(
            "/api/v1/orders/0/export",
            "{",
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        ),
        nobody.get("/connect/amazon/callback", {"state": "x", "spapi_oauth_code": "canary-code-4471"}),
        nobody.get("/no/such/page", {"token": token}),
    ]

    text = "\n".join(
        str(message) for record in caplog.records for message in (record.getMessage(), record.args, record.exc_text)
    )
    assert all(400 <= answer.status_code < 500 for answer in answers), [answer.status_code for answer in answers]
    assert (
        canaries.found_in("".join(a.content.decode() for a in answers[1:]), secrets | {"code": "canary-code-4471"})
        == []
    )
    assert canaries.found_in(text, secrets | {"code": "canary-code-4471"}) == []


def test_a_shared_link_that_is_asked_for_too_often_or_has_no_such_picture_is_not_logged(
    planted: Planted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with tenancy.scope(planted.cast.id):
        link = archives.token(Archive.objects.get(pk=names_of(planted)["archive"]))
    nobody, path = Client(raise_request_exception=False), f"/customization/{link}/"

    codes = {nobody.get(path).status_code, nobody.get(f"{path}picture/99/").status_code}
    for _ in range(70):
        codes.add(nobody.get(path).status_code)

    text = "\n".join(str(part) for record in caplog.records for part in (record.getMessage(), record.args))
    assert codes == {200, 404, 429}
    assert "/customization/" in text
    assert link not in text


# ── framing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def html_of(answers: dict[str, Any]) -> dict[str, Any]:
    """Return the answers that are pages."""
    return {
        name: answer
        for name, answer in answers.items()
        if not answer.streaming and answer.content and answer.get("Content-Type", "").startswith("text/html")
    }


def policy_of(answer: Any) -> dict[str, str]:
    """Return a page's content security policy, directive → value."""
    parts = [part.strip().partition(" ") for part in answer.get("Content-Security-Policy", "").split(";")]
    return {name: value for name, _, value in parts}


def test_every_page_stands_alone_and_nobody_may_frame_it(planted: Planted) -> None:
    pages = html_of(asked_everything(planted, browser_of(planted.cast))) | html_of(asked_everything(planted, Client()))

    assert len(pages) >= 25
    for name, answer in pages.items():
        policy = policy_of(answer)
        assert policy.get("frame-ancestors") == "'none'", name
        assert "unsafe" not in policy["script-src"], name
        inline = re.findall(
            r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>|\son\w+=\"|javascript:",
            answer.content.decode(),
        )
        assert inline == [] or name.startswith("admin/"), (name, inline)


def test_every_page_inside_a_shop_may_be_framed_by_that_shop_only(planted: Planted) -> None:

    from accounts import connections

    headers = {"Authorization": f"Bearer {session_token(planted.cast.store.key)}"}
    expected = " ".join(connections.frame_ancestors("shopify", planted.cast.store.key))

    pages = html_of(asked_everything(planted, Client(), headers))
    inside = {name: answer for name, answer in pages.items() if not name.startswith("admin/")}

    assert len(inside) > 20
    for name, answer in inside.items():
        assert policy_of(answer).get("frame-ancestors") == expected, name
        assert "X-Frame-Options" not in answer, name


def test_error_pages_have_a_policy_too(db: None) -> None:
    for answer in (
        Client().get("/no/such/page"),
        Client().post("/shopify/install"),
        Client(enforce_csrf_checks=True).post("/sign-in/"),
    ):
        assert answer.status_code >= 400
        assert answer["Content-Type"].startswith("text/html") is ("Content-Security-Policy" in answer)
