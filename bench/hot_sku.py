"""How many units of one hot SKU are reserved a second, next to the plainest statement that could do it.

    python -m bench.hot_sku [--clients 16] [--seconds 6]

All measures run in one process on one database, in turns: a bare conditional UPDATE that commits by itself, then
`inventory.reservations.reserve` with its lock, reservation and ledger rows, twenty orders a transaction, which is how
orders move (a lane), and one order a transaction, which is the Export button. The promise: lanes reach half of the bare
rate. With DATABASE_URL it uses that (migrated) database, makes a merchant of its own and removes it; without, it starts
a server of its own whose commits wait for the disk, as in production.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg2

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salestio.settings")

GOAL = 0.5


def main() -> int:
    """Measure, print one JSON line, and return 0 when the promise holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=6.0, help="for each of the measures, in two turns")
    options = parser.parse_args()
    prepare()
    bench = Bench(options.clients, options.seconds / 2)
    try:
        raw, alone, lane = 0.0, 0.0, 0.0
        for _turn in range(2):
            raw += bench.rate(bench.raw_update) / 2
            alone += bench.rate(bench.reserve_one) / 2
            lane += bench.rate(bench.reserve_twenty) * 20 / 2
    finally:
        bench.remove()
    found = {
        "clients": options.clients,
        "raw_updates_per_second": round(raw),
        "reservations_per_second": round(lane),
        "share_of_raw": round(lane / raw, 2),
        "goal": GOAL,
        "one_order_a_transaction_per_second": round(alone),
        "cores": os.cpu_count(),
    }
    print(json.dumps(found))
    return 0 if lane >= GOAL * raw else 1


def prepare() -> None:
    """Set Django up, on the database of the environment or on a new one."""
    import django

    if "DATABASE_URL" in os.environ:
        django.setup()
        return
    from contextlib import closing

    from tests.environment import RUN

    RUN.postgres.durable = True  # a commit waits for the disk, as in production
    RUN.start()
    django.setup()
    from django.core.management import call_command

    from salestio import roles

    name = os.environ["DATABASE_URL"].rpartition("/")[2]
    with (
        closing(roles.connect(os.environ["DATABASE_OWNER_URL"], database="postgres")) as admin,
        admin.cursor() as cursor,
    ):
        cursor.execute(f"CREATE DATABASE {name} OWNER {roles.OWNER}")
    call_command("migrate", database="owner", verbosity=0)


class Bench:
    """A merchant with one variant that never runs out."""

    def __init__(self, clients: int, seconds: float) -> None:
        from accounts import merchants
        from accounts.models import Store
        from inventory.models import Location, Stock, Variant
        from inventory.stock import set_from_store
        from salestio import tenancy

        self.clients, self.seconds = clients, seconds
        self.local = threading.local()
        self.orders = itertools.count(1)
        self.merchant_id = merchants.create("Bench").pk
        self.scope = lambda: tenancy.scope(self.merchant_id)
        with self.scope():
            store = Store.objects.create(platform="shopify", key=f"bench-{self.merchant_id}", name="Bench")
            Location.objects.create(store=store, remote_id="1", name="Here")
            variant = Variant.objects.create(
                store=store, remote_id="1", product_id="1", item_id="1", sku="HOT", product_title="Hot"
            )
            set_from_store(store_id=store.pk, readings=[("1", "1", 2_000_000_000)], as_of=datetime.now(UTC))
            self.store_id, self.variant_id = store.pk, variant.pk
            self.stock_id = Stock.objects.get(variant=variant).pk

    def rate(self, work: Callable[[], None]) -> float:
        """Return how often a second all clients together did the work."""
        from django.db import connection

        start, counts = threading.Barrier(self.clients + 1), [0] * self.clients
        end = [0.0]

        def client(n: int) -> None:
            try:
                work()  # the connection is open before the clock runs
                start.wait(30)
                while time.monotonic() < end[0]:
                    work()
                    counts[n] += 1
            finally:
                connection.close()

        threads = [threading.Thread(target=client, args=(n,)) for n in range(self.clients)]
        for thread in threads:
            thread.start()
        end[0] = time.monotonic() + self.seconds + 1.0
        start.wait(30)
        began = time.monotonic()
        end[0] = began + self.seconds
        for thread in threads:
            thread.join()
        return sum(counts) / (time.monotonic() - began)

    def raw_update(self) -> None:
        """One statement that commits by itself, on a bare connection: nothing could be shorter."""
        raw = getattr(self.local, "connection", None)
        if raw is None:
            raw = self.local.connection = psycopg2.connect(os.environ["DATABASE_URL"])
            raw.autocommit = True
            with raw.cursor() as cursor:
                cursor.execute("SELECT set_config('app.merchant', %s, false)", [str(self.merchant_id)])
        with raw.cursor() as cursor:
            cursor.execute(
                "UPDATE inventory_stock SET version = version + 1 WHERE id = %s AND figure - reserved >= 1",
                [self.stock_id],
            )

    def reserve_one(self) -> None:
        self._reserve(1)

    def reserve_twenty(self) -> None:
        self._reserve(20)

    def _reserve(self, orders: int) -> None:
        from inventory import reservations
        from inventory.domain.stock import Ask, AskLine

        paid = datetime(2026, 11, 1, tzinfo=UTC)
        ids = [next(self.orders) for _ in range(orders)]
        asks = [Ask(n, paid, (AskLine(n, self.variant_id, 1),), None) for n in ids]
        with self.scope():
            found = reservations.reserve(store_id=self.store_id, asks=asks)
        assert len(found.granted) == orders

    def remove(self) -> None:
        from accounts.models import Merchant
        from inventory import ledger
        from inventory.models import LedgerEntry, Reservation, Stock, Variant

        with self.scope():
            drift = ledger.check()
            for model in (LedgerEntry, Reservation, Stock, Variant):
                model.objects.all().delete()
            Merchant.objects.all().delete()
        assert not drift, drift


if __name__ == "__main__":
    raise SystemExit(main())
