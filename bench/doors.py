"""How many signed webhooks a second are stored for good, and how fast each is acknowledged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import threading
import time
import uuid
from urllib.parse import urlsplit

from bench.figures import Figure, percentile
from bench.outside import Failed, Running

TOPIC = "inventory_levels/update"


def measure(running: Running, *, clients: int = 8, seconds: float = 8.0) -> list[Figure]:
    """Send webhooks from several clients at once, then the same number of requests to /healthz."""
    secret = running.sandbox.get("/endpoints")["clients"]["shopify"]["client_secret"]
    merchant = running.merchants[1]
    variant = running.sandbox.variants(merchant.store)[0]
    body = json.dumps(
        {"inventory_item_id": 1, "location_id": int(variant["locations"][0]["id"].rpartition("/")[2]), "available": 5,
         "updated_at": "2026-11-21T10:00:00Z"}
    ).encode()  # fmt: skip
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()

    def webhook() -> tuple[str, str, bytes, dict[str, str]]:
        headers = {
            "Content-Type": "application/json", "X-Shopify-Topic": TOPIC, "X-Shopify-Hmac-Sha256": signature,
            "X-Shopify-Shop-Domain": merchant.store, "X-Shopify-Event-Id": str(uuid.uuid4()),
            "X-Shopify-Webhook-Id": str(uuid.uuid4()), "X-Shopify-API-Version": "2026-10",
            "X-Shopify-Triggered-At": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }  # fmt: skip
        return "POST", "/webhooks/shopify", body, headers

    bare = _hammer(running, lambda: ("GET", "/healthz", b"", {}), clients, seconds / 2)
    stored = _hammer(running, webhook, clients, seconds)
    rate, p99 = len(stored) / seconds, percentile(stored, 0.99) * 1000
    beside = f"bare HTTP loop on /healthz {len(bare) / seconds * 2:.0f}/s; {clients} clients on the same cores"
    return [
        Figure("durable webhooks/s", f"{rate:.0f}", ">= 300", rate >= 300, beside, "one web process"),
        Figure(
            "webhook ack p99",
            f"{p99:.0f} ms",
            "<= 200 ms",
            p99 <= 200,
            f"median {percentile(stored, 0.5) * 1000:.0f} ms",
        ),
    ]


def _hammer(running: Running, request, clients: int, seconds: float) -> list[float]:  # type: ignore[no-untyped-def]
    """Send requests from several threads for so long; return the seconds each took. Raises `Failed` for a wrong answer."""
    parts = urlsplit(running.web)
    taken: list[float] = []
    wrong: list[str] = []
    end = time.monotonic() + seconds

    def client() -> None:
        wire = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=30)
        mine: list[float] = []
        while time.monotonic() < end and not wrong:
            method, path, body, headers = request()
            began = time.monotonic()
            wire.request(method, path, body, headers)
            answer = wire.getresponse()
            text = answer.read()
            mine.append(time.monotonic() - began)
            if answer.status != 200:
                wrong.append(f"{path} answered {answer.status}: {text[:200]!r}")
        taken.extend(mine)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise Failed(wrong[0])
    return taken
