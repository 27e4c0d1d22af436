"""What benches must do from inside a running demo: connect more merchants than it has, ask what we think is free.

    python -m bench.inside merchants 10
    python -m bench.inside free-units northpine-supply.myshopify.com

(with the environment of the run; `environment_of` gives it).

The bench process itself never imports the product; it starts this module as a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.outside import ROOT, Failed


def environment_of(directory: Path) -> dict[str, str]:
    """Return the environment of the processes of the run that goes on in this data directory."""
    from salestio.launch.environment import credentials_of, environment
    from salestio.launch.state import RunState

    return environment(credentials_of(directory), mode="demo", data=directory, **RunState(directory).addresses())


def run_inside(directory: Path, *arguments: str, module: str = "bench.inside") -> Any:
    """Run this module (or another) with the run's environment and return the JSON of its last line."""
    answer = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT, env={**environment_of(directory), "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if answer.returncode and not answer.stdout.strip():
        raise Failed(f"{module} {' '.join(arguments)} failed:\n{answer.stderr[-2000:]}")
    return json.loads(answer.stdout.strip().splitlines()[-1])


def more_merchants(wanted: int) -> list[dict[str, Any]]:
    """Make merchants with a Plus store and an Amazon account each; return them as `./run --json` says it."""
    from django.utils.timezone import now

    from accounts import authentication, connect, merchants
    from accounts.demo import ACTOR, control
    from accounts.models import Role
    from connectors.contract.types import Grant

    made = []
    for number in range(1, wanted + 1):
        shop, seller = f"bench-{number}.myshopify.com", f"ABENCH{number:06d}"
        found = control("PUT", f"/stores/{shop}", {"name": f"Bench {number}", "plan": "plus"})["tokens"]
        refresh = control("PUT", f"/accounts/amazon/{seller}", {"name": f"Bench {number}"})["refresh_token"]
        grant = Grant(
            key=shop, access_token=found["access_token"], access_expires_at=now() + timedelta(seconds=int(found["expires_in"])),
            refresh_token=found["refresh_token"], refresh_expires_at=now() + timedelta(days=90),
            scopes=tuple(part for part in str(found.get("scope", "")).split(",") if part),
        )  # fmt: skip
        info = connect.store_info("shopify", grant)
        merchant = merchants.create(f"Bench {number}", timezone=info.timezone)
        store, _ = connect.keep_store(merchant.pk, "shopify", grant, info, actor=ACTOR)
        account = Grant(key=seller, refresh_token=refresh, refresh_expires_at=now() + timedelta(days=365))
        wish = connect.AccountWish("amazon", "na", f"Bench {number}", ("US",), store.pk)
        connect.keep_account(merchant.pk, wish, account, granted_sites=("US",), actor=ACTOR)
        _, text = authentication.issue(merchant_id=merchant.pk, name="Bench", role=Role.OWNER)
        made.append(
            {
                "name": f"Bench {number}", "id": merchant.pk, "store_id": store.pk, "api_token": text,
                "stores": [{"platform": "shopify", "key": shop}],
                "accounts": [{"platform": "amazon", "key": seller, "sites": ["US"], "region": "na"}],
            }
        )  # fmt: skip
    return made


def further_seller(store_key: str, platform: str, key: str, name: str, region: str, site: str) -> dict[str, Any]:
    """Connect a further seller to the merchant of a store; return the account as `./run --json` says it."""
    from django.utils.timezone import now

    from accounts import connect
    from accounts.demo import ACTOR, control
    from accounts.models import StoreRoute
    from connectors.contract.types import Grant

    route = StoreRoute.objects.get(key=store_key)
    more = {"region": region} if region else {}
    made = control("PUT", f"/accounts/{platform}/{key}", {"name": name, "sites": [site], **more})
    grant = Grant(key=key, refresh_token=made["refresh_token"], refresh_expires_at=now() + timedelta(days=365))
    wish = connect.AccountWish(platform, region, name, (site,), route.store_ref)
    connect.keep_account(route.merchant_ref, wish, grant, granted_sites=(site,), actor=ACTOR)
    return {"platform": platform, "key": key, "sites": [site], "region": region}


def free_units(shop: str) -> dict[str, int]:
    """Return SKU → units we think are free in a store: the figures read less what is reserved. As the owner."""
    import psycopg2

    with psycopg2.connect(os.environ["DATABASE_OWNER_URL"]) as wire, wire.cursor() as cursor:
        cursor.execute(
            """SELECT v.sku, sum(s.figure) - sum(s.reserved) FROM inventory_variant v
               JOIN inventory_stock s ON s.variant_id = v.id JOIN accounts_store t ON t.id = v.store_id
               WHERE t.key = %s AND v.deleted_at IS NULL GROUP BY v.id, v.sku""",
            [shop],
        )
        return {sku: int(units) for sku, units in cursor.fetchall()}


def main(given: list[str]) -> int:
    """Do one thing and print what came of it as one line of JSON."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salestio.settings")
    import django

    django.setup()
    actions: dict[str, Callable[..., Any]] = {
        "merchants": lambda count: more_merchants(int(count)),
        "seller": further_seller,
        "free-units": free_units,
    }
    print(json.dumps(actions[given[0]](*given[1:])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
