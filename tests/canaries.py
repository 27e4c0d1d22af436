"""A merchant whose every datum can be recognized: words that occur nowhere else, planted through the same doors as real data.

`plant` fills a merchant's tables; `SEEN` lists words a stranger's answer must not hold, `BUYER` those that identify the
buyer (and may stand in one table only, sealed), `SECRETS` those that open something (and may stand nowhere readable).
"""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.db import connection
from django.utils.timezone import now

from accounts import audit, authentication, credentials, merchants
from accounts.models import ApiToken, Invitation, Membership, User
from connectors.contract.types import Address, Grant, PersonalDetails
from inventory import mapping_files, mappings
from notifications import alerts
from orders import archives, bulk, intake
from orders.domain import customization
from orders.models import Archive, Buyer, DirtyOrder, Order, OrderEvent, RoutingRule, SavedView
from salestio import tenancy
from salestio.inbox import drain
from salestio.outbox import dispatch
from tests.factories import Cast, amazon_line, amazon_order, make_variant

BUYER: dict[str, str] = {
    "buyer name": "Zebulonia Quetzalby",
    "buyer e-mail": "zq7k2canary@marketplace.example",
    "company": "Quetzalby Kitewerks",
    "recipient": "Thaddeus Wumbleforth",
    "street": "17 Canarywhistle Crescent",
    "second line": "Flat Umberplonk 9",
    "city": "Snorkelbury",
    "postal code": "ZQ9 7XW",
    "phone": "+44 7700 900417",
    "purchase order": "PO-CANARY-5512",
    "delivery note": "behind the vermilion hydrangeas",
    "gift message": "happy umptieth dearest Plumbago",
    "customization link": "https://custom.example/canary-archive-9917",
    "buyer note": "kindly wrap it in periwinkle foolscap",
    "personalization": "engrave Bartholomew Quillfeather",
    "user name": "quetzalby_canary_417",
    "customization": "carve Umberto Pennyfarthing upon it",
}
"""What identifies the buyer; MECHANISMS 13 lets it stand, sealed, in one table."""

SECRETS: dict[str, str] = {
    "store access token": "shpat_canary00accesstokenofthestore",
    "store refresh token": "shprt_canary00refreshtokenofstore",
    "seller access token": "Atza|canary00accesstokenoftheseller",
    "seller refresh token": "Atzr|canary00refreshtokenofseller",
}
"""What opens the merchant's store and seller account. API token, password and keys are added as they are made."""

WORDS: dict[str, str] = {
    "merchant": "Vexillology Supply",
    "store": "Vexillum Storefront",
    "store domain": "vexillum-canary.myshopify.com",
    "account": "Vexillum Seller US",
    "seller": "A0CANARYSELLER",
    "location": "Gonfalon Depot",
    "order id": "701-9174100-0000417",
    "other order id": "701-9174100-0000418",
    "seller SKU": "CANARY-SELLER-SKU",
    "title": "Heraldic Bunting Set",
    "store SKU": "CANARY-STORE-SKU",
    "product": "Bunting of the Canary Isles",
    "store order": "#CNRY1041",
    "store order id": "gid://shopify/Order/914100417",
    "mapping": "CANARY-MAPPED-SKU",
    "view": "Gonfalon view",
    "rule": "Gonfalon rule",
    "alert": "gonfalon trouble 417",
    "member": "wilhelmina.vexille@canary.example",
    "member name": "Wilhelmina Vexille",
    "invited": "invited.vexille@canary.example",
    "API token name": "gonfalon warehouse robot",
    "audit": "gonfalon audit reason",
    "event actor": "gonfalon operator",
}
"""What only this merchant may see."""


@dataclass
class Planted:
    """What was planted: the cast, and the ids that addresses name."""

    cast: Cast
    order: int
    stored_order: int
    ids: dict[str, Any]
    secrets: dict[str, str]

    @property
    def all_words(self) -> dict[str, str]:
        """Return everything a stranger must not read."""
        return WORDS | BUYER | self.secrets | {"store key": self.cast.store.key}


def personal() -> PersonalDetails:
    """Return the buyer."""
    line = "L-1"
    return PersonalDetails(
        buyer_name=BUYER["buyer name"],
        buyer_email=BUYER["buyer e-mail"],
        buyer_company=BUYER["company"],
        purchase_order_number=BUYER["purchase order"],
        shipping=Address(
            name=BUYER["recipient"], company=BUYER["company"], line1=BUYER["street"], line2=BUYER["second line"],
            city=BUYER["city"], region="Kent", postal_code=BUYER["postal code"], country="GB", phone=BUYER["phone"],
        ),
        delivery_notes=BUYER["delivery note"],
        gift_messages={line: BUYER["gift message"]},
        customization_urls={line: BUYER["customization link"]},
        line_notes={line: (("Engraving", BUYER["personalization"]),)},
        buyer_notes=BUYER["buyer note"],
        buyer_ids=(BUYER["user name"],),
    )  # fmt: skip


def raw() -> dict[str, Any]:
    """Return a raw answer of the marketplace that holds every personal word."""
    return {"orderId": WORDS["order id"], "buyer": dict(BUYER)}


def customized() -> bytes:
    """Return the archive of what the buyer made of a line."""
    areas = [{"customizationType": "TextPrinting", "label": "Carving", "text": BUYER["customization"]}]
    document = {"version3.0": {"customizationInfo": {"surfaces": [{"name": "Front", "areas": areas}]}}}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as files:
        files.writestr("item.json", json.dumps(document))
        files.writestr("preview.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 16)
    return made.getvalue()


def keep_archive(cast: Cast, order_id: int) -> int:
    """Keep an archive for the order's line as if it had been fetched; return its id."""
    with tenancy.scope(cast.id):
        archive = Archive.objects.select_related("order").get(order_id=order_id)
    archives._keep(cast.id, archive, customized(), customization.read(customized()))
    return int(archive.pk)


def save_order(cast: Cast, order_id: str = WORDS["order id"], **more: Any) -> int:
    """Import an order of the canary buyer and return its id."""
    line = amazon_line(WORDS["seller SKU"], 2, title=WORDS["title"], line_id="L-1")
    made = amazon_order(line, **{"order_id": order_id, "personal": personal(), "raw": raw(), **more})
    with tenancy.scope(cast.id):
        account = type(cast.account).objects.select_related("store").get(pk=cast.account.pk)
        intake.save_page(account, [made])
        return int(Order.objects.get(marketplace_order_id=order_id).pk)


def _rename(cast: Cast) -> None:
    with tenancy.scope(cast.id):
        cast.merchant.name = WORDS["merchant"]
        cast.merchant.save()
        cast.store.name, cast.store.domain = WORDS["store"], WORDS["store domain"]
        cast.store.save()
        cast.account.name, cast.account.key = WORDS["account"], WORDS["seller"]
        cast.account.save()
        cast.location.name = WORDS["location"]
        cast.location.save()


def _people(cast: Cast) -> dict[str, Any]:
    with tenancy.scope(cast.id):
        user = User.objects.create_user(WORDS["member"], "gonfalon canary password 417", name=WORDS["member name"])
        member = Membership.objects.create(user=user, merchant_ref=cast.id, role="manager")
        merchants.invite(
            merchant_id=cast.id,
            merchant_name=WORDS["merchant"],
            email=WORDS["invited"],
            role="viewer",
            by=cast.user,
            actor="canary",
        )
        link = re.search(r"/invitations/(inv_[\w-]+)/", str(mail.outbox[-1].body))
        assert link, "an invitation is mailed with its link"
        token, text = authentication.issue(merchant_id=cast.id, name=WORDS["API token name"])
        invitation = Invitation.objects.get(merchant_ref=cast.id, accepted_at=None)
    return {
        "user": user.pk,
        "member": member.pk,
        "invitation": invitation.pk,
        "token": token.pk,
        "token_text": text,
        "link": link.group(1),
    }


def _grants(cast: Cast) -> None:
    with tenancy.scope(cast.id):
        for target, who in ((cast.store, "store"), (cast.account, "seller")):
            credentials.store_grant(
                target,
                Grant(
                    key=target.key, access_token=SECRETS[f"{who} access token"], refresh_token=SECRETS[f"{who} refresh token"],
                    access_expires_at=now() + timedelta(hours=1),
                ),
            )  # fmt: skip


def plant(cast: Cast) -> Planted:
    """Give the merchant an order that is held, one that is in the store, and a row in every table pages are made from."""
    _rename(cast)
    _grants(cast)
    people = _people(cast)
    variant = make_variant(cast, WORDS["store SKU"], title=WORDS["product"])
    held = save_order(cast)
    stored = save_order(cast, WORDS["other order id"])
    reason = {"items": [{"seller_sku": WORDS["seller SKU"], "sku": WORDS["store SKU"], "wanted": 2, "available": 1,
                         "location": WORDS["location"]}], "ids": [WORDS["store order id"]]}  # fmt: skip
    archive = keep_archive(cast, held)
    with tenancy.scope(cast.id):
        Order.objects.filter(pk=held).update(
            export_state="held", reason_code="OUT_OF_STOCK", reason_data=reason, next_attempt_at=None
        )
        Order.objects.filter(pk=stored).update(
            export_state="created", reason_code="", store_order_id=WORDS["store order id"], store_order_name=WORDS["store order"],
            next_attempt_at=None, exported_at=datetime.now(UTC),
        )  # fmt: skip
        OrderEvent.objects.create(
            merchant_id=cast.id, order_id=held, stage="person", code="EXPORT_ASKED", actor=WORDS["event actor"]
        )
        mapping = mappings.save(
            store=cast.store, account=None, seller_sku=WORDS["mapping"], sku=WORDS["store SKU"], actor="canary"
        )
        upload = mapping_files.take(
            store=cast.store, account=cast.account, name="canary.csv", actor="canary",
            data=f"{WORDS['store SKU']},{WORDS['mapping']}\n".encode(),
        )  # fmt: skip
        run = bulk.note(order_ids=[held, stored], left=0, actor="canary")
        view = SavedView.objects.create(merchant_id=cast.id, name=WORDS["view"], query="view=needs")
        rule = RoutingRule.objects.create(
            merchant_id=cast.id,
            store=cast.store,
            position=1,
            name=WORDS["rule"],
            location=cast.location,
            conditions={"skus": [WORDS["store SKU"]]},
        )
        alerts.raise_alert(kind="misplaced", key=str(held), data={"order": WORDS["order id"], "text": WORDS["alert"]})
        alert = alerts.Alert.objects.get(key=str(held))
        audit.note(actor="canary", action="support.opened", subject=WORDS["merchant"], reason=WORDS["audit"])
        DirtyOrder.objects.create(
            merchant_id=cast.id, account=cast.account, marketplace_order_id=WORDS["other order id"]
        )
        drain.receive(
            platform="shopify",
            topic="stock",
            event_id="canary-event",
            store_id=cast.store.pk,
            object_ids=["1"],
            triggered_at=now(),
        )
        dispatch.owe(
            handler="accounts.connect.set_up_store",
            subject={"store_id": cast.store.pk},
            key="canary",
            store_id=cast.store.pk,
        )
    ids = {
        "order": held, "stored": stored, "account": cast.account.pk, "store": cast.store.pk, "mapping": mapping.mapping.pk,
        "upload": upload.pk, "run": run.pk, "archive": archive, "view": view.pk, "rule": rule.pk, "alert": alert.pk, "variant": variant.pk, "merchant": cast.id, "owner": cast.user.pk,
        **{name: people[name] for name in ("user", "member", "invitation", "token")},
    }  # fmt: skip
    return Planted(
        cast, held, stored, ids, SECRETS | {"API token": people["token_text"], "invitation link": people["link"]}
    )


def found_in(text: str, words: dict[str, str] | Iterable[str]) -> list[str]:
    """Return the names of the words that stand in a text (compared without case), as they are or escaped for HTML."""
    named = words if isinstance(words, dict) else {word: word for word in words}
    low = text.casefold()
    return [
        name for name, word in named.items() if word.casefold() in low or word.replace("'", "&#x27;").casefold() in low
    ]


def rows_of(merchant_id: int) -> dict[str, list[str]]:
    """Return every row of a merchant, table by table, as text: to compare before and after."""
    found: dict[str, list[str]] = {}
    with tenancy.scope(merchant_id), connection.cursor() as cursor:
        for model in tenancy.tenant_models():
            table = model._meta.db_table
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY id')
            found[table] = [text for (text,) in cursor.fetchall()]
        for kind in (Membership, Invitation, ApiToken):
            cursor.execute(
                f'SELECT t::text FROM "{kind._meta.db_table}" t WHERE merchant_ref = %s ORDER BY id', [merchant_id]
            )
            found[kind._meta.db_table] = [text for (text,) in cursor.fetchall()]
    assert found[Buyer._meta.db_table] is not None
    return found


def changed(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """Return what differs between two looks at a merchant's rows, in words."""
    told = []
    for table in before:
        for text in sorted(set(before[table]) ^ set(after[table])):
            told.append(f"{table} {'-' if text in before[table] else '+'} {text[:200]}")
    return told


def everything(merchant_id: int) -> dict[str, str]:
    """Return every table of the database as text, table → rows: the merchant's own in its scope, the rest as they are.

    Bytes come as text where they are text, so a value that was stored without being sealed is seen; sessions are opened.
    """
    found: dict[str, str] = {}
    tenants = {model._meta.db_table for model in tenancy.tenant_models()}
    with tenancy.scope(merchant_id), connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
        )
        columns: dict[str, list[str]] = {}
        for table, column, kind in cursor.fetchall():
            columns.setdefault(table, []).append(
                f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            )
        assert tenants <= set(columns)
        for table, names in columns.items():
            cursor.execute(f"SELECT concat_ws(' | ', {', '.join(names)}) FROM \"{table}\"")
            found[table] = "\n".join(text for (text,) in cursor.fetchall())
        cursor.execute("SELECT session_data FROM django_session")
        store = SessionStore()
        found["django_session"] += "\n".join(str(store.decode(data)) for (data,) in cursor.fetchall())
    return found


def in_tables(merchant_id: int, words: dict[str, str]) -> list[str]:
    """Return "table: word" for every word that stands readable in a table."""
    return [f"{table}: {name}" for table, text in everything(merchant_id).items() for name in found_in(text, words)]


def in_redis(url: str, words: dict[str, str]) -> list[str]:
    """Return the words that stand in a key or value of this Redis."""
    with closing(redis.Redis.from_url(url)) as client:
        texts = []
        for key in client.scan_iter(count=1000):
            kind = client.type(key)
            value: Any = b""
            if kind == b"string":
                value = client.get(key)
            elif kind == b"hash":
                value = client.hgetall(key)
            elif kind == b"list":
                value = client.lrange(key, 0, -1)
            elif kind == b"set":
                value = client.smembers(key)
            elif kind == b"zset":
                value = client.zrange(key, 0, -1, withscores=True)
            texts.append(f"{key!r} {value!r}")
    text = "\n".join(texts)
    opened = [
        base64.b64decode(part).decode(errors="replace")
        for part in re.findall(r"[A-Za-z0-9+/]{24,}={0,2}", text)
        if len(part) % 4 == 0
    ]
    return found_in("\n".join([text, *opened]), words)
