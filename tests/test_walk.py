"""The tenant walk: every address of the product asked by people it does not belong to (RELIABILITY 3.1, DESIGN 10).

A merchant's data is planted with words that occur nowhere else (tests/canaries.py). Then every pattern of the resolver is
asked with that merchant's ids, by every method, by another merchant's owner and viewer, by nobody, by another merchant's
API token and from inside another merchant's shop. No answer may hold a planted word, none may be a server error, and no row
of the merchant may change. A pattern that is not in `WALK` fails the suite.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.core import signing
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.encoding import force_bytes
from django.utils.http import urlencode, urlsafe_base64_encode

from accounts import authentication, credentials
from accounts.models import Membership, User
from connectors.contract.types import Grant
from inventory import mappings
from orders import archives
from salestio import tenancy
from salestio.celery import app as celery
from tests import canaries
from tests.accounts.conftest import session_token, shopify_query
from tests.canaries import Planted
from tests.factories import Cast, make_merchant

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True)
class Way:
    """How a pattern is asked: the address with {names} of the planted ids, what is sent along, and what it may answer.

    `mine`: the pattern names something of a merchant, so that a stranger's answer must be 404 (405 for a method it does
    not offer). `open`: nobody needs to sign in for it.
    """

    path: str
    body: dict[str, Any] | None = None
    mine: bool = False
    open: bool = False


def ours(path: str, **body: Any) -> Way:
    """Return the way of a page that names one thing of a merchant."""
    return Way(path, body, mine=True)


ORDER = "/orders/{order}/"
API = "/api/v1"
WALK: dict[str, Way] = {
    # dashboard, orders
    "": Way("/"),
    "dashboard/live/": Way("/dashboard/live/"),
    "alerts/<int:pk>/done/": ours("/alerts/{alert}/done/"),
    "orders/": Way("/orders/?account={account}&placed=all"),
    "orders/live/": Way("/orders/live/?ids={order}.{stored}"),
    "orders/export/": Way("/orders/export/", {"order": ["{order}", "{stored}"]}),
    "orders/export/<int:pk>/close/": ours("/orders/export/{run}/close/", query=""),
    "orders/fetch/": Way(
        "/orders/fetch/", {"account": "{account}", "marketplace_order_id": canaries.WORDS["order id"]}
    ),
    "orders/check/": Way("/orders/check/", {"account": "{account}"}),
    "orders/preview/": Way("/orders/preview/?account={account}&tax_percent=19", mine=True),
    "orders/<int:pk>/": ours(ORDER),
    "orders/<int:pk>/live/": ours(ORDER + "live/"),
    "orders/<int:pk>/export/": ours(ORDER + "export/", create_anyway="1", confirmed="on"),
    "orders/<int:pk>/confirm/<str:what>/": ours(ORDER + "confirm/anyway/"),
    "orders/<int:pk>/adopt/": ours(ORDER + "adopt/", store_order=canaries.WORDS["store order id"]),
    "orders/<int:pk>/lines/<int:number>/change/": ours(ORDER + "lines/1/change/", variant="{variant}", remember="all"),
    "orders/<int:pk>/address/": ours(ORDER + "address/", name="N", line1="L", city="C", country="US"),
    "settings/stores/<int:pk>/routing/": ours(
        "/settings/stores/{store}/routing/", name="R", location="store", save="1"
    ),
    "settings/stores/<int:pk>/routing/<int:rule>/": ours("/settings/stores/{store}/routing/{rule}/", do="up"),
    "orders/<int:pk>/customization/<int:archive>/": ours(ORDER + "customization/{archive}/"),
    "orders/<int:pk>/customization/<int:archive>/picture/<int:number>/": ours(
        ORDER + "customization/{archive}/picture/1/"
    ),
    "orders/<int:pk>/customization/<int:archive>/again/": ours(ORDER + "customization/{archive}/again/"),
    "orders/<int:pk>/customization/<int:archive>/link/": ours(ORDER + "customization/{archive}/link/", do="end"),
    # the shared link of a customization: open to whoever has it, so it is asked with a made-up signature here
    "customization/<str:link>/": Way("/customization/{forged}/", open=True),
    "customization/<str:link>/picture/<int:number>/": Way("/customization/{forged}/picture/1/", open=True),
    "customization/<str:link>/download/": Way("/customization/{forged}/download/", open=True),
    "orders/views/": Way("/orders/views/", {"name": "Mine", "query": "account={account}"}),
    "orders/views/<int:pk>/delete/": ours("/orders/views/{view}/delete/"),
    "accounts/<int:pk>/older-orders/": ours("/accounts/{account}/older-orders/", do="cancel"),
    "read-only/": Way("/read-only/"),
    "read-only/lift/": Way("/read-only/lift/", {"sure": "on"}),
    # SKU mapping
    "settings/sku-mapping/": Way("/settings/sku-mapping/"),
    "settings/sku-mapping/add/": Way(
        "/settings/sku-mapping/add/", {"seller_sku": "A", "sku": "B", "target": "account-{account}"}
    ),
    "settings/sku-mapping/delete/": Way("/settings/sku-mapping/delete/", {"mapping": ["{mapping}"], "confirmed": "on"}),
    "settings/sku-mapping/<int:pk>/": ours(
        "/settings/sku-mapping/{mapping}/", seller_sku="A", sku="B", target="store-{store}"
    ),
    "settings/sku-mapping/download/": ours("/settings/sku-mapping/download/?target=store-{store}"),
    "settings/sku-mapping/upload/": Way("/settings/sku-mapping/upload/", {"target": "account-{account}"}),
    "settings/sku-mapping/uploads/<int:pk>/": ours("/settings/sku-mapping/uploads/{upload}/"),
    "settings/sku-mapping/uploads/<int:pk>/live/": ours("/settings/sku-mapping/uploads/{upload}/live/"),
    "settings/sku-mapping/uploads/<int:pk>/apply/": ours("/settings/sku-mapping/uploads/{upload}/apply/", do="apply"),
    "settings/sku-mapping/uploads/<int:pk>/discard/": ours(
        "/settings/sku-mapping/uploads/{upload}/discard/", do="discard"
    ),
    "settings/sku-mapping/uploads/<int:pk>/report.csv": ours("/settings/sku-mapping/uploads/{upload}/report.csv"),
    "settings/sku-mapping/unmatched/": Way("/settings/sku-mapping/unmatched/"),
    "settings/sku-mapping/unmatched/accept/": Way(
        "/settings/sku-mapping/unmatched/accept/",
        {"account": "{account}", "seller_sku": canaries.WORDS["seller SKU"], "sku": canaries.WORDS["store SKU"]},
    ),
    # signing in
    "sign-in/": Way("/sign-in/", {"email": canaries.WORDS["member"], "password": "guess guess guess"}, open=True),
    "sign-out/": Way("/sign-out/", {}, open=True),
    "forgot-password/": Way("/forgot-password/", {"email": "nobody@canary.example"}, open=True),
    "set-password/<uidb64>/<token>/": Way("/set-password/{uid}/c0ffee-0123456789/", {"new_password1": "x"}, open=True),
    "invitations/<str:token>/": Way("/invitations/inv_wrong/", {"name": "N", "password": "P"}, open=True),
    "merchants/": Way("/merchants/", {"merchant": "{merchant}"}, open=True),
    "no-merchant/": Way("/no-merchant/", open=True),
    # connections
    "accounts/": Way("/accounts/"),
    "accounts/add/": Way(
        "/accounts/add/",
        {"platform": "amazon", "name": "X", "region": "na", "sites": ["US"], "store": "{store}", "policies": "on"},
    ),
    "accounts/<int:pk>/": ours("/accounts/{account}/", name="Taken", sites=["US"]),
    "accounts/<int:pk>/check/": ours("/accounts/{account}/check/"),
    "stores/<int:pk>/check/": ours("/stores/{store}/check/"),
    "accounts/<int:pk>/disconnect/": ours("/accounts/{account}/disconnect/", sure="on"),
    "stores/add/": Way("/stores/add/", {}),
    "connect/leave-frame/": Way("/connect/leave-frame/?state=wrong", open=True),
    "connect/amazon/login": Way(
        "/connect/amazon/login?amazon_callback_uri=https://amazon.com/apps/authorize/confirm/x&amazon_state=s"
        f"&selling_partner_id={canaries.WORDS['seller']}"
    ),
    "connect/<str:platform>/callback": Way(
        "/connect/amazon/callback?state=wrong&spapi_oauth_code=x&selling_partner_id=y", open=True
    ),
    "shopify/install": Way("/shopify/install?{signed}", open=True),
    "shopify/callback": Way("/shopify/callback?{signed}&code=x&state=wrong", open=True),
    "shopify/app": Way("/shopify/app?shop={shop}", open=True),
    "bigcommerce/auth": Way("/bigcommerce/auth?code=wrong&context=nobody", open=True),
    "bigcommerce/alone": Way("/bigcommerce/alone?offer=wrong", open=True),
    "stores/join/": Way("/stores/join/?offer=wrong", {}, open=True),
    "bigcommerce/load": Way("/bigcommerce/load?signed_payload_jwt=wrong", open=True),
    "bigcommerce/uninstall": Way("/bigcommerce/uninstall?signed_payload_jwt=wrong", open=True),
    "bigcommerce/remove-user": Way("/bigcommerce/remove-user?signed_payload_jwt=wrong", open=True),
    # settings
    "settings/": Way("/settings/", {"field": ["tag_account"]}),
    "settings/stores/<int:pk>/": ours("/settings/stores/{store}/", field="title_matching"),
    "settings/accounts/<int:pk>/": ours("/settings/accounts/{account}/", field="import_orders"),
    "settings/members/": Way("/settings/members/", {"email": "new@stranger.example", "role": "viewer"}),
    "settings/members/<int:pk>/": ours("/settings/members/{member}/", remove="1"),
    "settings/invitations/<int:pk>/withdraw/": ours("/settings/invitations/{invitation}/withdraw/"),
    "settings/tokens/": Way("/settings/tokens/", {"name": "T", "role": "viewer"}),
    "settings/tokens/<int:pk>/revoke/": ours("/settings/tokens/{token}/revoke/"),
    # programs
    "webhooks/<str:platform>": Way("/webhooks/shopify", {"id": 1}, open=True),
    "api/v1/orders": Way(f"{API}/orders"),
    "api/v1/orders/<id:pk>": ours(API + "/orders/{order}"),
    "api/v1/orders/<id:pk>/export": ours(API + "/orders/{order}/export", create_anyway=True),
    "api/v1/orders/<id:pk>/events": ours(API + "/orders/{order}/events"),
    "api/v1/orders/<id:pk>/lines/<id:number>/match": ours(
        API + "/orders/{order}/lines/1/match", sku=canaries.WORDS["store SKU"]
    ),
    "api/v1/accounts": Way(f"{API}/accounts"),
    "api/v1/accounts/<id:pk>/pull": ours(API + "/accounts/{account}/pull"),
    "api/v1/accounts/<id:pk>/settings": ours(API + "/accounts/{account}/settings", import_orders=False),
    "api/v1/stores": Way(f"{API}/stores"),
    "api/v1/stores/<id:pk>/settings": ours(API + "/stores/{store}/settings", title_matching=False),
    "api/v1/settings": Way(f"{API}/settings", {"tag_account": False}),
    "api/v1/summary": Way(f"{API}/summary"),
    "api/v1/sku-mappings": Way(
        API + "/sku-mappings?id={mapping}&account={account}", {"seller_sku": "A", "sku": "B", "account": "{account}"}
    ),
    "api/v1/sku-mappings/<id:pk>": ours(API + "/sku-mappings/{mapping}"),
    "api/schema/": Way("/api/schema/", open=True),
    # operations
    "healthz": Way("/healthz", open=True),
    "readyz": Way("/readyz", open=True),
    "metrics": Way("/metrics", open=True),
    # the workbench: for support staff only
    "admin/": Way("/admin/"),
    "admin/login/": Way("/admin/login/?next=/admin/"),
    "admin/logout/": Way("/admin/logout/", {}),
    "admin/password_change/": Way("/admin/password_change/", {}),
    "admin/password_change/done/": Way("/admin/password_change/done/"),
    "admin/autocomplete/": Way("/admin/autocomplete/?app_label=accounts&model_name=merchant&field_name=x&term=V"),
    "admin/jsi18n/": Way("/admin/jsi18n/"),
    "admin/r/<path:content_type_id>/<path:object_id>/": Way("/admin/r/1/{merchant}/"),
    "admin/accounts/merchant/<int:pk>/open/": Way("/admin/accounts/merchant/{merchant}/open/", {"reason": "curious"}),
    "admin/accounts/merchant/leave/": Way("/admin/accounts/merchant/leave/"),
    "admin/accounts/user/<id>/password/": Way(
        "/admin/accounts/user/{user}/password/", {"password1": "x", "password2": "x"}
    ),
    "admin/(?P<url>.*)$": Way("/admin/no/such/page/"),
}
"""Every pattern of the resolver; the lists and forms of the workbench's models follow from what is registered."""


def admin_ways() -> dict[str, Way]:
    """Return the ways of Django admin's own patterns, for every model that is registered there."""
    found: dict[str, Way] = {}
    apps = sorted({model._meta.app_label for model in admin.site._registry})
    for model in admin.site._registry:
        base = f"admin/{model._meta.app_label}/{model._meta.model_name}/"
        here = f"/{base}{{{model.__name__}}}/"
        found |= {
            base: Way(f"/{base}?q=V"), f"{base}add/": Way(f"/{base}add/", {"name": "x"}),
            f"{base}<path:object_id>/history/": Way(here + "history/"), f"{base}<path:object_id>/": Way(here),
            f"{base}<path:object_id>/delete/": Way(here + "delete/", {"post": "yes"}),
            f"{base}<path:object_id>/change/": Way(here + "change/", {"name": "x"}),
        }  # fmt: skip
    found[f"admin/^(?P<app_label>{'|'.join(apps)})/$"] = Way(f"/admin/{apps[0]}/")
    return found


def patterns() -> Iterator[str]:
    """Return every pattern of the resolver as text."""

    def walk(level: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
        for one in level:
            text = prefix + str(one.pattern)
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns, text)
            else:
                yield text

    yield from walk(get_resolver().url_patterns, "")


def ways() -> dict[str, Way]:
    """Return every pattern's way. The order of apps in admin's own pattern is Django's, not ours."""
    return WALK | admin_ways()


def _plain(pattern: str) -> str:
    found = re.fullmatch(r"(admin/\^\(\?P<app_label>)([\w|]+)(\)/\$)", pattern)
    return f"{found[1]}{'|'.join(sorted(found[2].split('|')))}{found[3]}" if found else pattern


def test_every_address_has_an_entry_and_every_entry_an_address() -> None:
    known, there = set(ways()), {_plain(pattern) for pattern in patterns()}

    assert there - known == set(), "new addresses: say in WALK how a stranger would ask them"
    assert known - there == set(), "addresses that are gone: take them out of WALK"


def test_the_walk_looks_for_twenty_words_and_more() -> None:
    words = canaries.WORDS | canaries.BUYER | canaries.SECRETS

    assert len(words) >= 20
    assert len({word.casefold() for word in words.values()}) == len(words)


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Asker:
    """Somebody who asks: a browser or a program, and what it sends along."""

    who: str
    client: Client
    headers: dict[str, str]
    programs: bool = False

    def ask(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        """Return the answer to one request; forms from browsers, JSON from programs and to the API."""
        if method in ("GET", "HEAD"):
            return self.client.generic(method, path, headers=self.headers)
        if self.programs or path.startswith((API, "/webhooks/")):
            return getattr(self.client, method.lower())(
                path, body or {}, content_type="application/json", headers=self.headers
            )
        if method == "POST":
            return self.client.post(path, body or {}, headers=self.headers)
        return self.client.generic(
            method, path, b"x=1", content_type="application/x-www-form-urlencoded", headers=self.headers
        )


def names_of(planted: Planted) -> dict[str, str]:
    """Return what stands for the {names} of the ways: the planted ids, and a row of each model of the workbench."""
    first = {model.__name__: _first_id(model, planted) for model in admin.site._registry}
    return first | {name: str(value) for name, value in planted.ids.items()} | {
        "uid": urlsafe_base64_encode(force_bytes(planted.ids["user"])), "shop": planted.cast.store.key,
        "signed": urlencode(shopify_query(shop=planted.cast.store.key)),
        "forged": _forged(planted),
    }  # fmt: skip


def _forged(planted: Planted) -> str:
    """Return a link to the planted customization that names it rightly and is signed with another key."""
    said = [planted.cast.id, planted.ids["archive"], 1]
    return signing.Signer(key="not ours", salt=archives.SALT, sep=".").sign_object(said)


def filled(way: Way, names: dict[str, str]) -> tuple[str, dict[str, Any] | None]:
    """Return the address and body of a way with the planted ids in it."""

    def put(value: Any) -> Any:
        if isinstance(value, list):
            return [put(one) for one in value]
        return re.sub(r"\{(\w+)\}", lambda found: names[found[1]], value) if isinstance(value, str) else value

    return put(way.path), {name: put(value) for name, value in way.body.items()} if way.body is not None else None


def _first_id(model: Any, planted: Planted) -> str:
    if model is User:
        return str(planted.ids["user"])
    with tenancy.scope(planted.cast.id):
        return str(getattr(model._default_manager.first(), "pk", 1))


@pytest.fixture
def planted(db: None, redis_url: str) -> Planted:
    """The merchant whose data nobody else may see."""
    return canaries.plant(make_merchant())


def _browser(cast: Cast, role: str) -> Client:
    Membership.objects.filter(user=cast.user, merchant_ref=cast.id).update(role=role)
    client = Client(raise_request_exception=False)
    client.force_login(cast.user)
    return client


def _nobody(stranger: Cast) -> Asker:
    return Asker("nobody", Client(raise_request_exception=False), {})


def _owner(stranger: Cast) -> Asker:
    return Asker("another merchant's owner", _browser(stranger, "owner"), {})


def _viewer(stranger: Cast) -> Asker:
    return Asker("another merchant's viewer", _browser(stranger, "viewer"), {})


def _token(stranger: Cast) -> Asker:
    _, text = authentication.issue(merchant_id=stranger.id, name="theirs", role="owner")
    return Asker(
        "another merchant's program",
        Client(raise_request_exception=False),
        {"Authorization": f"Bearer {text}"},
        programs=True,
    )


def _framed(stranger: Cast) -> Asker:
    Membership.objects.filter(user=stranger.user).update(platform_user="42")
    with tenancy.scope(stranger.id):
        credentials.store_grant(
            stranger.store, Grant(key=stranger.store.key, access_token="theirs", refresh_token="theirs")
        )
    headers = {"Authorization": f"Bearer {session_token(stranger.store.key)}"}
    return Asker("another merchant's shop", Client(raise_request_exception=False), headers)


ASKERS: dict[str, Callable[[Cast], Asker]] = {
    "nobody": _nobody, "owner": _owner, "viewer": _viewer, "program": _token, "shop": _framed,
}  # fmt: skip

REFUSED = {
    "nobody": {302, 400, 401, 403, 404, 405, 409, 410, 415},
    "owner": {404, 405},
    "viewer": {403, 404, 405},
    "program": {401, 404, 405},
    "shop": {401, 404, 405},
}
"""What an address that names a thing of another merchant may answer."""


def wrong(asker: str, way: Way, method: str, answer: Any, planted: Planted) -> list[str]:
    """Return what is wrong with one answer."""
    told = []
    status = answer.status_code
    where = f"{asker} {method} {way.path}"
    text = b"".join(answer.streaming_content if answer.streaming else [answer.content]).decode(errors="replace")
    leaked = canaries.found_in(text + str(dict(answer.headers)), planted.all_words)
    # What the address itself said comes back in a redirect to signing in, or in a form that is shown again.
    asked = canaries.found_in(f"{way.path} {way.body}", planted.all_words)
    if way.path.startswith("/shopify/"):
        asked.append("store key")
    if set(leaked) - set(asked):
        told.append(f"{where} → {status} shows {sorted(set(leaked) - set(asked))}")
    if status >= 500 and not (status == 503 and way.path == "/readyz"):  # no worker runs beside these tests
        told.append(f"{where} → {status}")
    refused = REFUSED[asker] | ({401} if way.path.startswith(API) else set())  # a browser's session opens nothing there
    if way.mine and status not in refused and method != "OPTIONS":
        told.append(f"{where} → {status}, not refused")
    if asker == "nobody" and not way.open and status < 300 and method != "OPTIONS":
        told.append(f"{where} → {status} without signing in")
    return told


def methods_of(way: Way) -> tuple[str, ...]:
    """Return the methods to ask with; the workbench turns strangers away before it looks at the method."""
    return ("GET", "POST") if way.path.startswith("/admin/") else METHODS


@pytest.mark.parametrize("asker", sorted(ASKERS))
def test_no_address_shows_or_changes_another_merchants_data(planted: Planted, stranger: Cast, asker: str) -> None:
    before = canaries.rows_of(planted.cast.id)
    names = names_of(planted)
    someone = ASKERS[asker](stranger)
    found: list[str] = []

    for way in ways().values():
        path, body = filled(way, names)
        for method in methods_of(way):
            answer = someone.ask(method, path, body)
            found += wrong(asker, way, method, answer, planted)
            if path.endswith(("/sign-out/", "/logout/")):
                someone = ASKERS[asker](stranger)

    assert not found, "\n".join(found)
    assert canaries.changed(before, canaries.rows_of(planted.cast.id)) == []


# ── asking for it by its name ────────────────────────────────────────────────────────────────────────────────────────


def _search_addresses() -> Iterator[tuple[str, str]]:
    """Return (address, the words it names) of every search, filter and cursor parameter there is."""
    for word in (canaries.WORDS | canaries.BUYER).values():
        for name in ("q", "order", "buyer", "sku"):
            yield "/orders/?" + urlencode({name: word, "placed": "all"}), word
        yield "/settings/sku-mapping/?" + urlencode({"q": word}), word
        yield f"{API}/orders?" + urlencode({"marketplace_order_id": word}), word
        yield f"{API}/sku-mappings?" + urlencode({"q": word}), word


def test_searching_for_another_merchants_words_finds_nothing(planted: Planted, stranger: Cast) -> None:
    browser, program = _owner(stranger), _token(stranger)

    for address, word in _search_addresses():
        answer = (program if address.startswith(API) else browser).ask("GET", address, None)
        text = answer.content.decode()
        assert answer.status_code == 200, address
        # The words searched for stand in the search box; whatever stands beside them would be a row.
        others = {name: other for name, other in planted.all_words.items() if other.casefold() not in word.casefold()}
        assert canaries.found_in(text, others) == [], address
        if address.startswith(API):
            assert answer.json()["results"] == [], address


def test_searching_for_ones_own_words_finds_them(planted: Planted) -> None:
    browser = _owner(planted.cast)

    for name in ("order id", "seller SKU", "store order"):
        text = browser.ask(
            "GET", "/orders/?" + urlencode({"q": canaries.WORDS[name], "placed": "all"}), None
        ).content.decode()
        assert f"/orders/{planted.ids['stored' if name == 'store order' else 'order']}/" in text, name


def test_filters_by_another_merchants_ids_find_nothing(planted: Planted, stranger: Cast) -> None:
    browser, program = _owner(stranger), _token(stranger)
    ids = planted.ids

    for address in (
        f"/orders/?account={ids['account']}&placed=all", f"/orders/live/?ids={ids['order']}.{ids['stored']}",
        "/orders/?platform=amazon&placed=all&state=held", "/orders/?reason=OUT_OF_STOCK&placed=all", "/orders/?view=needs&placed=all",
        f"/settings/sku-mapping/?after={ids['mapping'] + 1}", f"{API}/orders?export_state=held", f"{API}/orders?updated_since=2020-01-01",
        f"{API}/sku-mappings?account={ids['account']}",
    ):  # fmt: skip
        answer = (program if address.startswith(API) else browser).ask("GET", address, None)
        assert answer.status_code == 200, address
        assert canaries.found_in(answer.content.decode(), planted.all_words) == [], address


@pytest.mark.parametrize(
    "path", ["/orders", "/orders?updated_since=2020-01-01", "/sku-mappings", "/orders/{order}/events"]
)
def test_a_cursor_of_another_merchant_opens_nothing_of_theirs(planted: Planted, stranger: Cast, path: str) -> None:
    mine, theirs = _token(planted.cast), _token(stranger)
    canaries.save_order(planted.cast, "701-9174100-0000419")
    with tenancy.scope(planted.cast.id):
        mappings.save(store=planted.cast.store, account=None, seller_sku="CANARY-SECOND", sku="X", actor="canary")
    path, _ = filled(Way(f"{API}{path}"), names_of(planted))
    sign = "&" if "?" in path else "?"
    cursor = mine.ask("GET", f"{path}{sign}limit=1", None).json()["next"]
    assert cursor, "there is a second page to point at"

    answer = theirs.ask("GET", f"{path}{sign}limit=1&cursor={cursor}", None)

    assert canaries.found_in(answer.content.decode(), planted.all_words) == []
    assert answer.status_code == 404 if "/events" in path else answer.json()["results"] == []


def test_an_idempotency_key_of_another_merchant_replays_nothing(planted: Planted, stranger: Cast) -> None:
    mine, theirs = _token(planted.cast), _token(stranger)
    body = {"seller_sku": "SAME", "sku": "SAME-IN-STORE"}
    for someone in (mine, theirs):
        someone.headers["Idempotency-Key"] = "the-very-same-key"

    first = mine.ask("POST", f"{API}/sku-mappings", body)
    second = theirs.ask("POST", f"{API}/sku-mappings", body)
    again = theirs.ask("POST", f"{API}/sku-mappings", body)

    assert (first.status_code, second.status_code, again.status_code) == (201, 201, 201)
    assert first.json()["store"] == planted.cast.store.pk and second.json()["store"] == stranger.store.pk
    assert "Idempotent-Replayed" not in second and again["Idempotent-Replayed"] == "true"


def test_a_body_that_names_another_merchants_store_or_account_is_refused(planted: Planted, stranger: Cast) -> None:
    theirs = _token(stranger)
    before = canaries.rows_of(planted.cast.id)

    for wish in ({"account": planted.ids["account"]}, {"store": planted.ids["store"]}):
        answer = theirs.ask("POST", f"{API}/sku-mappings", {"seller_sku": "A", "sku": "B"} | wish)
        assert answer.status_code == 422 and list(answer.json()["errors"]) == list(wish)
    answer = theirs.ask(
        "PATCH", f"{API}/stores/{stranger.store.pk}/settings", {"default_location": planted.cast.location.pk}
    )

    assert answer.status_code == 422
    assert canaries.changed(before, canaries.rows_of(planted.cast.id)) == []


# ── the way in for workers ───────────────────────────────────────────────────────────────────────────────────────────

TASKS = {
    "orders.tasks.drain": "store", "orders.tasks.pull": "account", "orders.tasks.back_fill": "account", "orders.tasks.read_hinted": "account",
    "inventory.tasks.refresh": "store", "inventory.tasks.sync_catalog": "store", "inventory.tasks.save_mappings": "upload",
    "salestio.inbox.tasks.drain": "store", "salestio.outbox.tasks.drain": "store",
}  # fmt: skip
"""Every task of a merchant, and what its second argument is an id of."""


def merchants_tasks() -> dict[str, Any]:
    """Return every registered task whose first argument is a merchant."""
    celery.loader.import_default_modules()
    return {name: task for name, task in celery.tasks.items() if isinstance(task, tenancy.MerchantTask)}


def test_every_task_of_a_merchant_is_in_the_table() -> None:
    assert set(merchants_tasks()) == set(TASKS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_given_another_merchants_id_does_nothing(transactional_db: None, redis_url: str, name: str) -> None:
    planted, stranger = canaries.plant(make_merchant()), make_merchant("Stranger & Sons")
    before = canaries.rows_of(planted.cast.id)
    own = canaries.rows_of(stranger.id)

    # A call to a platform would fail here: none answers.
    merchants_tasks()[name](stranger.id, planted.ids[TASKS[name]])

    assert canaries.changed(before, canaries.rows_of(planted.cast.id)) == []
    assert canaries.changed(own, canaries.rows_of(stranger.id)) == []
