"""Fill a database with a merchant's years of orders by COPY, as the owner: what the pages are measured against.

    python -m bench.seed_orders --orders 1000000

Made-up people and goods. It adds one merchant with a store and three accounts (and prints its id); run it against a
database of your own (`DATABASE_OWNER_URL`).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salestio.settings")

FIRST = ("Margaret", "Étienne", "Rosa", "Hanneke", "Tom", "Aiyana", "Jürgen", "Dale", "Sofía", "Priya", "Ola", "Bart",
         "Grace", "Kenji", "Amara", "Lucas", "Ingrid", "Noor", "Mateo", "Fiona")  # fmt: skip
LAST = ("Okonkwo", "Beauchamp", "Castellanos", "Bijl", "Whitfield", "Redfeather", "Straßburger", "Whitcombe", "Peñalver",
        "Raghunathan", "Nordmann", "Featherstone", "Tanaka", "Diallo", "Silva", "Lindqvist", "Haddad", "Romero", "Byrne",
        "Kowalska")  # fmt: skip
GOODS = ("Merino Wool Base Layer Crew", "Titanium Stove 2, 48 g", "Trail Runner Vest 8 L", "Down Hood Camp Parka 800 fp",
         "Enamel Mug 350 ml, Spruce", "Wool Blanket 140 × 200", "Headlamp 400 lm, USB-C", "Trekking Poles, Carbon, Pair",
         "Waxed Canvas Tool Roll, Olive", "Wool Sock 2-pack")  # fmt: skip
PERSONAS = 2_000
SKUS = 1_200


def _state(rng: random.Random, age_days: float, number: int) -> tuple[str, str, dict[str, Any], str, str]:
    """Return (export state, reason code, reason data, status, fulfilled by) as a long-running shop has them."""
    fulfilled = "marketplace" if rng.random() < 0.17 else "merchant"
    if fulfilled == "marketplace":
        return "skipped", "FBA_FILTERED", {}, "shipped", fulfilled
    roll = rng.random()
    if roll < 0.012:
        return "canceled", "CANCELED", {}, "canceled", fulfilled
    if age_days < 2 and roll < 0.03:
        item = {"seller_sku": "NP-MBL-200-W-XL-FOR", "sku": "NP-MBL-200-W-XL-FOR", "wanted": 2, "available": 1,
                "location": "Portland Warehouse"}  # fmt: skip
        return "held", "OUT_OF_STOCK", {"items": [item]}, "paid", fulfilled
    if age_days < 2 and roll < 0.035:
        return "held", "NO_MATCH", {"skus": ["STV-TI-2-CA"], "order": str(number)}, "paid", fulfilled
    if age_days < 1 and roll < 0.05:
        return "waiting", "THROTTLED", {}, "paid", fulfilled
    if age_days < 1 and roll < 0.055:
        return "imported", "NOT_PAID_YET", {}, "incomplete", fulfilled
    status = "paid" if age_days < 1.5 else "refunded" if roll > 0.985 else "shipped"
    return "created", "", {}, status, fulfilled


class Seeder:
    """Writes one merchant and its orders in chunks of rows."""

    def __init__(self, cursor: Any, total: int, days: int, seed: int) -> None:
        self.cursor, self.total, self.days = cursor, total, days
        self.rng = random.Random(seed)
        self.now = datetime.now(UTC)

    def merchant(self) -> tuple[int, int, list[int]]:
        """Make the merchant, its store and three accounts; return their ids."""
        run = self.cursor.execute
        stamp = f"{self.now:%H%M%S%f}"
        run(
            "INSERT INTO accounts_merchant (name, settings, timezone, created_at)"
            " VALUES ('Northpine Supply', '{}', 'UTC', now()) RETURNING id"
        )
        merchant = self.cursor.fetchone()[0]
        from accounts.models import MarketplaceAccount, Store

        store = Store(merchant_id=merchant, platform="shopify", key=f"bench-{stamp}.myshopify.com", name="Northpine Supply",
                      domain="northpine.example")  # fmt: skip
        store.save(using="owner")
        accounts = []
        for name, region, sites in (
            ("Northpine US", "na", ["US"]),
            ("Northpine UK", "eu", ["UK"]),
            ("Northpine Outlet", "na", ["US", "CA"]),
        ):
            account = MarketplaceAccount(merchant_id=merchant, store=store, platform="amazon", key=f"A{stamp}{name[-2:]}",
                                         name=name, region=region, sites=sites, newest_order_at=self.now)  # fmt: skip
            account.save(using="owner")
            accounts.append(account.pk)
        return merchant, store.pk, accounts

    def people(self, merchant: int) -> list[tuple[str, str]]:
        """Return sealed buyers with their search words, as COPY texts."""
        from connectors.contract.types import Address, PersonalDetails
        from orders import personal

        found = []
        for number in range(PERSONAS):
            name = f"{FIRST[number % 20]} {LAST[number // 20 % 20]}{'' if number < 400 else f' {number}'}"
            address = Address(
                name=name,
                line1=f"{number} Larch Hollow Rd",
                city="Bend",
                region="OR",
                postal_code="97702",
                country="US",
            )
            details = PersonalDetails(buyer_name=name, buyer_email=f"k{number}@marketplace.example", shipping=address)
            words = ",".join(map(str, personal.tokens(merchant, details)))
            found.append(("\\\\x" + personal.seal(details).hex(), "{" + words + "}"))
        return found

    def orders(
        self, merchant: int, store: int, accounts: list[int], first_id: int, start: int, count: int
    ) -> Iterator[str]:
        """Yield COPY lines of orders; ids are ours, so that lines and buyers can name them."""
        for i in range(start, start + count):
            age = self.days * (1 - i / self.total) ** 1.2
            at = self.now - timedelta(days=age, seconds=self.rng.random() * 40)
            state, reason, data, status, fulfilled = _state(self.rng, age, i)
            account = accounts[0 if i % 10 < 6 else 1 if i % 10 < 9 else 2]
            currency, site = ("GBP", "UK") if account == accounts[1] else ("USD", "US")
            name = f"#{1000 + i}" if state == "created" else ""
            ship_by = at + timedelta(days=2)
            next_at = (self.now + timedelta(minutes=5)).isoformat() if state == "waiting" else "\\N"
            quantity = 1 + i % 4 // 3
            yield "\t".join(
                str(value)
                for value in (
                    first_id + i, merchant, account, store, "amazon", f"{112 + i % 3}-{i // 10**6:07d}-{i:07d}", site, status,
                    "Shipped" if status == "shipped" else "Unshipped", fulfilled, at.isoformat(), at.isoformat(), at.isoformat(),
                    hashlib.md5(str(i).encode(), usedforsecurity=False).hexdigest(), 1, currency,
                    f"{9 + i * 7 % 29000 / 100:.2f}",
                    "Standard", ship_by.isoformat(), (at + timedelta(days=6)).isoformat(), "US", "t", "", "[]", "f", "f",
                    f"{quantity} × {GOODS[i % 10]}", quantity, state, reason, json.dumps(data), at.isoformat(), next_at, 0,
                    "", "", f"gid://shopify/Order/{5_000_000_000 + first_id + i}" if name else "", name, at.isoformat(),
                    (at + timedelta(seconds=1)).isoformat() if name else "\\N", "",
                )
            )  # fmt: skip

    def copy(self, table: str, columns: str, lines: Iterator[str]) -> None:
        """COPY text lines into a table."""
        self.cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", io.StringIO("\n".join(lines) + "\n"))


ORDER_COLUMNS = (
    "id, merchant_id, account_id, store_id, platform, marketplace_order_id, site, status, raw_status, fulfilled_by,"
    " purchased_at, paid_at, source_updated_at, content_hash, revision, currency, total, service_level, ship_by, deliver_by,"
    " country, has_address, replacement_of, programs, cancel_requested, shipped_when_seen, item_summary, units, export_state,"
    " reason_code, reason_data, state_since, next_attempt_at, attempts, force, asked_by, store_order_id, store_order_name,"
    " imported_at, exported_at, tracking_state"
)
LINE_COLUMNS = (
    "merchant_id, order_id, number, remote_id, seller_sku, item_id, title, variation, quantity, quantity_shipped, item_total,"
    " discount, shipping, shipping_discount, gift_wrap, other, tax, shipping_tax, tax_collected_by_marketplace, total,"
    " matched_by, matched_sku, match_note"
)


def fill(total: int, *, days: int = 900, seed: int = 7) -> int:
    """Write the merchant with `total` orders over `days` days; return the merchant's id."""
    from django.db import connections

    connection = connections["owner"]
    connection.ensure_connection()
    cursor = connection.connection.cursor()
    seeder = Seeder(cursor, total, days, seed)
    merchant, store, accounts = seeder.merchant()
    people = seeder.people(merchant)
    cursor.execute("SELECT coalesce(max(id), 0) + 1 FROM orders_order")
    first = cursor.fetchone()[0]
    # The trigger that counts would add a row an order; the counts are written once at the end instead.
    cursor.execute("SET session_replication_role = replica")
    for start in range(0, total, 50_000):
        count = min(50_000, total - start)
        span = range(start, start + count)
        seeder.copy("orders_order", ORDER_COLUMNS, seeder.orders(merchant, store, accounts, first, start, count))
        seeder.copy("orders_orderline", LINE_COLUMNS, (
            f"{merchant}\t{first + i}\t1\tL{i}\tNP-{min(i * 31 % SKUS, i * 17 % SKUS):04d}\t\t{GOODS[i % 10]}\t[]\t1\t0\t10.00"
            "\t0\t0\t0\t0\t0\t0\t0\tf\t10.00\tsku\t\t" for i in span
        ))  # fmt: skip
        seeder.copy("orders_buyer", "merchant_id, order_id, sealed, raw_sealed, tokens, delete_after", (
            f"{merchant}\t{first + i}\t{people[i * 13 % PERSONAS][0]}\t\t{people[i * 13 % PERSONAS][1]}\t2030-01-01" for i in span
        ))  # fmt: skip
    cursor.execute("SET session_replication_role = origin")
    cursor.execute(
        """INSERT INTO orders_ordertally (merchant_id, account_ref, export_state, reason_code, fulfilled_by, change)
           SELECT merchant_id, account_id, export_state, reason_code, fulfilled_by, count(*) FROM orders_order
           WHERE merchant_id = %s GROUP BY 1, 2, 3, 4, 5""",
        [merchant],
    )
    for table in ("orders_order", "orders_orderline", "orders_buyer"):
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
    cursor.execute("VACUUM ANALYZE orders_order, orders_orderline, orders_buyer, orders_ordertally")
    return int(merchant)


def main() -> None:
    """Read the arguments, fill, say what was made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=900)
    arguments = parser.parse_args()
    django.setup()
    merchant = fill(arguments.orders, days=arguments.days)
    sys.stdout.write(f"merchant {merchant} with {arguments.orders:,} orders\n")


if __name__ == "__main__":
    main()
