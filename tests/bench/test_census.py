"""The checker finds what it is there to find: it is asked over HTTP about worlds with one fault each."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bench import census
from bench.census import Placed
from bench.outside import Failed, Merchant, Sandbox

SHOP = "north.myshopify.com"
Pages = dict[str, Any]


@pytest.fixture
def world() -> Iterator[tuple[str, Pages]]:
    """A server that answers what the pages say: one order placed, created once, one unit gone."""
    pages: Pages = {
        "/api/v1/orders": {"results": [order()], "next": None},
        f"/_control/stores/{SHOP}/orders": {"results": [store_order("#1001")], "next": None},
        f"/_control/stores/{SHOP}/variants": {"results": [variant(9)], "next": None},
        "/_control/writes": [],
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            answer = pages[asked.path]
            if asked.path == "/_control/writes":
                since = int(parse_qs(asked.query)["since"][0])
                answer = [row for row in answer if row["n"] > since]
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()
    thread.join()
    server.server_close()


def order(**changes: Any) -> dict[str, Any]:
    return {
        "id": 1, "marketplace_order_id": "111-1", "export_state": "created", "reason": None, "next_attempt_at": None,
        "store_order_name": "#1001", **changes,
    }  # fmt: skip


def store_order(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name, "reference": "111-1", "total": "10.00", "currency": "USD", "canceled": False,
        "lines": [{"sku": "MUG", "quantity": 1}], **changes,
    }  # fmt: skip


def variant(units: int) -> dict[str, Any]:
    return {"sku": "MUG", "tracked": True, "locations": [{"available": units}]}


def count(address: str) -> census.Count:
    merchant = Merchant(address, {"api_token": "t", "stores": [{"key": SHOP}], "accounts": []})
    placed = [Placed("111-1", "A1", "plain", [("MUG", 1)], frozenset({"created"}), total=Decimal("10.00"))]
    return census.count(Sandbox(address), merchant, placed, {"MUG": 10})


def test_an_order_created_once_with_its_stock_gone_is_clean(world: tuple[str, Pages]) -> None:
    address, _ = world

    result = count(address)

    assert result.clean
    assert result.states == {"created": 1}


def _unknown_to_us(pages: Pages) -> None:
    pages["/api/v1/orders"]["results"] = []


def _not_in_the_store(pages: Pages) -> None:
    pages[f"/_control/stores/{SHOP}/orders"]["results"] = []
    pages[f"/_control/stores/{SHOP}/variants"]["results"] = [variant(10)]


def _twice(pages: Pages) -> None:
    pages[f"/_control/stores/{SHOP}/orders"]["results"].append(store_order("#1002"))
    pages[f"/_control/stores/{SHOP}/variants"]["results"] = [variant(8)]


def _oversold(pages: Pages) -> None:
    pages["/_control/writes"] = [{"n": 1, "reference": "111-1", "body": {"sku": "MUG"}}]


def _other_stock(pages: Pages) -> None:
    pages[f"/_control/stores/{SHOP}/variants"]["results"] = [variant(7)]


def _other_total(pages: Pages) -> None:
    pages[f"/_control/stores/{SHOP}/orders"]["results"] = [store_order("#1001", total="9.99")]


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (_unknown_to_us, "lost"),
        (_not_in_the_store, "lost"),
        (_twice, "duplicates"),
        (_oversold, "oversold"),
        (_other_stock, "wrong_stock"),
        (_other_total, "wrong_total"),
    ],
)
def test_one_fault_is_found_under_its_name(
    world: tuple[str, Pages], fault: Callable[[Pages], None], named: str
) -> None:
    address, pages = world
    fault(pages)

    found = count(address).findings

    assert [name for name, rows in found.items() if rows] == [named]


@pytest.mark.parametrize(
    ("changes", "silent"),
    [
        ({"export_state": "sending"}, True),
        ({"export_state": "held", "reason": None}, True),
        ({"export_state": "held", "reason": {"code": "NO_MATCH", "message": "SKU X is missing"}}, False),
        ({"export_state": "unknown", "reason": {"code": "NO_ANSWER", "message": "Asked"}}, True),
        (
            {
                "export_state": "unknown", "reason": {"code": "NO_ANSWER", "message": "Asked"},
                "next_attempt_at": "2026-11-21T10:00:00Z",
            },
            False,
        ),
    ],
)  # fmt: skip
def test_an_order_that_says_too_little_is_silent(
    world: tuple[str, Pages], changes: dict[str, Any], silent: bool
) -> None:
    address, pages = world
    pages["/api/v1/orders"]["results"] = [order(**changes)]

    assert bool(count(address).silent) is silent


def test_an_answer_of_400_is_told_with_its_text(world: tuple[str, Pages]) -> None:
    address, _ = world

    with pytest.raises(Failed, match="PUT /stores/x answered 501"):
        Sandbox(address).call("PUT", "/stores/x", {})
