"""Signing in and out, passwords, invitations."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils.timezone import now

from accounts import merchants, signing
from accounts.models import Invitation, Membership, SignInAttempt, User
from tests.accounts.conftest import PASSWORD
from tests.factories import Cast

pytestmark = pytest.mark.django_db


def try_to_sign_in(client: Client, email: str, password: str, **more: Any) -> Any:
    return client.post("/sign-in/", {"email": email, "password": password, **more})


def link_in_mail() -> str:
    found = re.search(r"https?://[^/\s]+(/\S+)", mail.outbox[-1].body)
    assert found
    return found.group(1)


def test_the_right_password_signs_in_under_a_new_session(client: Client, merchant: Cast) -> None:
    client.get("/sign-in/")
    session = client.session
    session["before"] = 1
    session.save()
    before = session.session_key

    answer = try_to_sign_in(client, merchant.user.email.upper(), PASSWORD, next="/accounts/")

    assert (answer.status_code, answer["Location"]) == (302, "/accounts/")
    assert client.session.session_key != before
    assert client.get("/accounts/").status_code == 200


def test_a_wrong_password_and_an_unknown_address_answer_alike(client: Client, merchant: Cast) -> None:
    wrong = try_to_sign_in(client, merchant.user.email, "wrong")
    unknown = try_to_sign_in(client, "nobody@example.com", "wrong")

    assert wrong.status_code == unknown.status_code == 400
    assert signing.WRONG in wrong.content.decode()
    assert signing.WRONG in unknown.content.decode()


def test_five_failures_a_minute_close_an_account_even_for_the_right_password(client: Client, merchant: Cast) -> None:
    for _ in range(5):
        assert try_to_sign_in(client, merchant.user.email, "wrong").status_code == 400

    assert try_to_sign_in(client, merchant.user.email, PASSWORD).status_code == 429
    SignInAttempt.objects.update(at=now() - timedelta(seconds=61))
    assert try_to_sign_in(client, merchant.user.email, PASSWORD).status_code == 302


def test_fifty_failures_a_minute_close_an_address_for_all_accounts(client: Client, merchant: Cast) -> None:
    for number in range(50):
        try_to_sign_in(client, f"guess{number}@example.com", "wrong")

    assert try_to_sign_in(client, merchant.user.email, PASSWORD).status_code == 429
    elsewhere = Client(REMOTE_ADDR="203.0.113.9")
    assert try_to_sign_in(elsewhere, merchant.user.email, PASSWORD).status_code == 302


def test_behind_a_proxy_the_callers_own_address_counts_and_cannot_be_forged(rf: Any, settings: Any) -> None:
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="6.6.6.6, 203.0.113.9")

    assert signing.client_address(request) == "10.0.0.1"
    settings.PROXY_HOPS = 1
    assert signing.client_address(request) == "203.0.113.9"


def test_attempts_hold_no_address_and_no_mail(client: Client, merchant: Cast) -> None:
    try_to_sign_in(client, merchant.user.email, "wrong")

    rows = str(list(SignInAttempt.objects.values_list("kind", "subject_hash")))
    assert merchant.user.email not in rows
    assert "127.0.0.1" not in rows


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"]
)
def test_signing_in_never_leads_to_another_site(client: Client, merchant: Cast, target: str) -> None:
    assert try_to_sign_in(client, merchant.user.email, PASSWORD, next=target)["Location"] == "/"


def test_signing_out_ends_the_session_on_the_server(client: Client, merchant: Cast) -> None:
    try_to_sign_in(client, merchant.user.email, PASSWORD)
    stolen = client.cookies["sessionid"].value

    client.post("/sign-out/")

    thief = Client()
    thief.cookies["sessionid"] = stolen
    assert thief.get("/accounts/").status_code == 302


def test_a_page_asks_a_visitor_to_sign_in_and_comes_back(client: Client) -> None:
    answer = client.get("/settings/?a=1")

    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?next=/settings/%3Fa%3D1")


def test_an_htmx_request_of_a_visitor_is_led_to_the_sign_in_page_as_a_whole(client: Client) -> None:
    answer = client.get("/settings/", headers={"HX-Request": "true"})

    assert answer.status_code == 401
    assert answer["HX-Redirect"].startswith("/sign-in/")


# ── passwords ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_forgotten_password_is_set_by_a_link_that_works_once(client: Client, merchant: Cast) -> None:
    client.post("/forgot-password/", {"email": merchant.user.email})
    link = link_in_mail()
    form = client.get(link, follow=True)
    place = form.redirect_chain[-1][0]

    done = client.post(place, {"new_password1": "a much longer secret", "new_password2": "a much longer secret"})

    assert done.status_code == 302
    assert client.get("/accounts/").status_code == 200
    other = Client()
    assert "expired" in other.get(link, follow=True).content.decode()
    assert try_to_sign_in(other, merchant.user.email, "a much longer secret").status_code == 302


def test_asking_for_an_unknown_address_answers_the_same_and_sends_nothing(client: Client, merchant: Cast) -> None:
    known = client.post("/forgot-password/", {"email": merchant.user.email})
    unknown = client.post("/forgot-password/", {"email": "nobody@example.com"})

    assert known.status_code == unknown.status_code == 200
    text = known.content.decode().replace(merchant.user.email, "nobody@example.com")
    assert re.sub(r'csrf\S+|value="[^"]*"|X-CSRFToken": "[^"]*', "", text) == re.sub(
        r'csrf\S+|value="[^"]*"|X-CSRFToken": "[^"]*', "", unknown.content.decode()
    )
    assert len(mail.outbox) == 1


def test_asking_for_mails_is_limited(client: Client, merchant: Cast) -> None:
    answers = [client.post("/forgot-password/", {"email": merchant.user.email}).status_code for _ in range(7)]

    assert answers == [200] * 5 + [429] * 2


def test_a_short_password_is_refused_with_its_reason(client: Client, merchant: Cast) -> None:
    place = client.get(merchants.set_password_link(merchant.user).partition("//")[2].partition("/")[2].join(["/", ""]))

    answer = client.post(place["Location"], {"new_password1": "short", "new_password2": "short"})

    assert "at least 12 characters" in answer.content.decode()


# ── invitations ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def invited(merchant: Cast) -> str:
    merchants.invite(
        merchant_id=merchant.id, merchant_name="Northpine Supply", email="Bo@Example.com", role="viewer",
        by=merchant.user, actor="ines",
    )  # fmt: skip
    return link_in_mail()


def test_a_new_person_joins_by_choosing_a_name_and_a_password(client: Client, merchant: Cast, invited: str) -> None:
    assert "Northpine Supply" in client.get(invited).content.decode()

    answer = client.post(invited, {"name": "Bo", "password": "a long enough one"})

    assert (answer.status_code, answer["Location"]) == (302, "/")
    member = Membership.objects.get(user__email="bo@example.com")
    assert (member.merchant_ref, member.role) == (merchant.id, "viewer")
    assert client.get("/accounts/").status_code == 200


def test_an_invitation_works_once(client: Client, invited: str) -> None:
    client.post(invited, {"name": "Bo", "password": "a long enough one"})

    assert Client().get(invited).status_code == 410


def test_an_old_invitation_does_not_work(client: Client, invited: str) -> None:
    Invitation.objects.update(expires_at=now() - timedelta(seconds=1))

    assert client.post(invited, {"name": "Bo", "password": "a long enough one"}).status_code == 410
    assert not User.objects.filter(email="bo@example.com").exists()


def test_an_invitation_for_another_address_is_refused(client: Client, stranger: Cast, invited: str) -> None:
    User.objects.create_user("bo@example.com", "a long enough one")
    client.force_login(stranger.user)

    answer = client.post(invited)

    assert answer.status_code == 409
    assert "bo@example.com" in answer.content.decode()
    assert not Membership.objects.filter(user__email="bo@example.com").exists()


def test_a_known_person_signs_in_first(client: Client, merchant: Cast, invited: str) -> None:
    bo = User.objects.create_user("bo@example.com", "a long enough one")
    assert client.post(invited)["Location"] == f"/sign-in/?next={invited}"

    client.force_login(bo)

    assert client.post(invited)["Location"] == "/"
    assert Membership.objects.filter(user=bo, merchant_ref=merchant.id, role="viewer").exists()


def test_a_weak_password_makes_nobody(client: Client, invited: str) -> None:
    assert client.post(invited, {"name": "Bo", "password": "password1234"}).status_code == 400
    assert not User.objects.filter(email="bo@example.com").exists()


def test_a_guessed_invitation_opens_nothing(client: Client) -> None:
    assert client.get("/invitations/inv_guess/").status_code == 410
