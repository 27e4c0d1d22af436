"""The demo merchants: made from the data directory's credentials and the sandbox's tokens. Never in production."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from django.conf import settings
from django.db import connection
from django.utils.timezone import now

from accounts import authentication, connect, merchants
from accounts.models import AccountRoute, ApiToken, Role, Store, StoreRoute, User
from connectors.contract.types import Grant
from salestio import tenancy
from salestio.lib.crypto import token_hash

ACTOR = "demo"


class DemoRefused(RuntimeError):
    """The demo cannot be made here; the text says why."""


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """A seller of the sandbox's world."""

    platform: str
    key: str
    name: str
    sites: tuple[str, ...]
    region: str = ""


@dataclass(frozen=True, slots=True)
class DemoMerchant:
    """A merchant of the demo: `slug` is its name in credentials.json, `store` its store in the sandbox."""

    slug: str
    name: str
    owner: str
    platform: str
    store: str
    accounts: tuple[DemoAccount, ...]


WORLD = (
    DemoMerchant(
        "northpine",
        "Northpine Supply",
        "Iris Oakley",
        "shopify",
        "northpine-supply.myshopify.com",
        (
            DemoAccount("amazon", "A1NORTHPINEUS", "Northpine US", ("US",), "na"),
            DemoAccount("amazon", "A2NORTHPINEUK", "Northpine UK", ("UK",), "eu"),
            DemoAccount("amazon", "A3NORTHPINEOUT", "Northpine Outlet", ("US", "CA"), "na"),
        ),
    ),
    DemoMerchant(
        "harbour",
        "Harbour & Kiln",
        "Tomas Reyes",
        "shopify",
        "harbour-and-kiln.myshopify.com",
        (
            DemoAccount("amazon", "A4HARBOURKILN", "Harbour & Kiln US", ("US",), "na"),
            DemoAccount("ebay", "EBHARBOUR7", "Harbour eBay", ("US", "DE")),
            DemoAccount("etsy", "48210055", "HarbourAndKiln", ("ETSY",)),
        ),
    ),
    DemoMerchant(
        "lumen",
        "Lumen & Loom",
        "Noor Ashdown",
        "bigcommerce",
        "lmnloom7k2",
        (
            DemoAccount("amazon", "A5LUMENLOOM", "Lumen & Loom US", ("US",), "na"),
            DemoAccount("ebay", "EBLUMEN5Q", "Lumen & Loom eBay", ("US", "UK")),
            DemoAccount("etsy", "51230077", "LumenAndLoom", ("ETSY",)),
        ),
    ),
)


def control(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Call the sandbox's control API. Raises `DemoRefused` when it does not answer as it should."""
    url = f"{settings.SANDBOX_URL}/_control{path}"
    if not url.startswith("http://"):
        raise DemoRefused("the sandbox's address is not known")
    data = json.dumps(body).encode() if body is not None else None
    request = Request(url, data=data, method=method, headers={"Content-Type": "application/json"})  # noqa: S310
    try:
        with urlopen(request, timeout=20) as answer:  # noqa: S310 - the scheme is checked above
            return json.load(answer)
    except (URLError, ValueError, TimeoutError) as error:
        raise DemoRefused(f"the sandbox did not answer {method} {path}: {error}") from error


def seed(*, traffic: bool) -> dict[str, Any]:
    """Make what is missing of the demo and return it as `./run --json` prints it. Repeating it changes nothing.

    Raises `DemoRefused` outside demo mode.
    """
    if not settings.DEMO:
        raise DemoRefused("the demo exists with SALESTIO_MODE=demo only")
    secrets = json.loads((settings.DATA_DIR / "credentials.json").read_text())
    with connection.cursor() as cursor:
        # Two starts at once must not make two of everything.
        cursor.execute("SELECT pg_advisory_lock(7071)")
        try:
            clients = control("GET", "/endpoints")["clients"]
            line = {
                "merchants": [_merchant(plan, secrets["merchants"][plan.slug], clients) for plan in WORLD],
                "admin": _admin(secrets["admin"]),
            }
        finally:
            cursor.execute("SELECT pg_advisory_unlock(7071)")
    if traffic:
        control("POST", "/traffic", {"start": True})
    return line


def _merchant(plan: DemoMerchant, secrets: dict[str, str], clients: dict[str, Any]) -> dict[str, Any]:
    merchant_id = _store(plan, clients[plan.platform])
    _people(merchant_id, plan, secrets)
    with tenancy.scope(merchant_id):
        store = Store.objects.get(platform=plan.platform, key=plan.store)
    for account in plan.accounts:
        _account(merchant_id, store.pk, account, clients[account.platform])
    return {
        "name": plan.name,
        "api_token": secrets["api_token"],
        "login": secrets["login"],
        "password": secrets["password"],
        "stores": [{"platform": plan.platform, "key": plan.store}],
        "accounts": [
            {"platform": a.platform, "key": a.key, "sites": list(a.sites), "region": a.region} for a in plan.accounts
        ],
    }


def _store(plan: DemoMerchant, clients: dict[str, Any]) -> int:
    """Install the app in the merchant's store if it never was; return the merchant's id."""
    route = StoreRoute.objects.filter(platform=plan.platform, key=plan.store).first()
    if route is not None:
        return route.merchant_ref
    found = clients["tokens"][plan.store]
    # A store platform whose tokens end hands out a refresh token with them; others' tokens do not end.
    lasts = found.get("expires_in")
    grant = Grant(
        key=plan.store,
        access_token=found["access_token"],
        access_expires_at=now() + timedelta(seconds=int(lasts)) if lasts else None,
        refresh_token=found.get("refresh_token", ""),
        refresh_expires_at=now() + timedelta(days=90) if lasts else None,
        scopes=tuple(str(found.get("scope", "")).replace(",", " ").split()),
    )
    info = connect.store_info(plan.platform, grant)
    merchant = merchants.create(plan.name, timezone=info.timezone)
    connect.keep_store(merchant.pk, plan.platform, grant, info, actor=ACTOR)
    return merchant.pk


def _account(merchant_id: int, store_id: int, plan: DemoAccount, clients: dict[str, Any]) -> None:
    if AccountRoute.objects.filter(platform=plan.platform, region=plan.region, key=plan.key).exists():
        return
    grant = Grant(
        key=plan.key,
        refresh_token=clients["refresh_tokens"][plan.key],
        refresh_expires_at=now() + timedelta(days=365),
    )
    wish = connect.AccountWish(plan.platform, plan.region, plan.name, plan.sites, store_id)
    connect.keep_account(merchant_id, wish, grant, granted_sites=plan.sites, actor=ACTOR)


def _people(merchant_id: int, plan: DemoMerchant, secrets: dict[str, str]) -> None:
    user = User.objects.filter(email=secrets["login"].lower()).first()
    if user is None:
        user = User.objects.create_user(secrets["login"], secrets["password"], name=plan.owner)
    merchants.join(user=user, merchant_id=merchant_id, role=Role.OWNER)
    if not ApiToken.objects.filter(token_hash=token_hash(secrets["api_token"])).exists():
        authentication.issue(merchant_id=merchant_id, name="Demo", role=Role.OWNER, text=secrets["api_token"])


def _admin(secrets: dict[str, str]) -> dict[str, str]:
    if not User.objects.filter(email=secrets["login"].lower()).exists():
        User.objects.create_superuser(secrets["login"], secrets["password"], name="Support")
    return {"login": secrets["login"], "password": secrets["password"]}


def demo_users() -> list[str]:
    """Return the demo's users in this database; production refuses to start while there is one."""
    return list(User.objects.filter(email__endswith=".example", is_active=True).values_list("email", flat=True)[:5])
