"""The sandbox's own pages in a real browser: what it sends along with a form is not what a test's client sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def mended(sandbox: Any) -> Iterator[Any]:
    """The sandbox, with nothing broken in it afterwards."""
    yield sandbox
    sandbox.control("DELETE", "/faults")


@pytest.mark.parametrize(
    "path",
    ["/", "/buyer", "/break", "/written", "/mail", "/bigcommerce/apps", "/shopify/app-store", "/_control/limits"],
)
def test_a_page_opens_without_a_complaint(browser: Any, sandbox: Any, path: str) -> None:
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(f"{said.text} {said.location['url']}"))
    page.on("response", lambda reply: complaints.append(reply.url) if reply.status >= 400 else None)

    page.goto(sandbox.url + path)
    page.wait_for_load_state("networkidle")

    assert complaints == []


def test_a_visitor_places_an_order_and_breaks_something(browser: Any, mended: Any) -> None:
    page = browser.new_page()
    page.set_default_timeout(15_000)

    page.goto(f"{mended.url}/buyer")
    page.locator("input.buy").first.fill("1")
    page.get_by_role("button", name="Place orders").click()
    page.wait_for_load_state()
    assert "another site" not in page.inner_text("body")
    placed = mended.control("GET", "/accounts/amazon/A1NORTHPINEUS/orders", limit=1)["results"]
    page.goto(f"{mended.url}/break")
    page.get_by_role("button", name="Break it").click()
    page.wait_for_url("**/break?said=**")

    assert len(placed) == 1
    assert len(mended.control("GET", "/faults")) == 1


def test_a_seller_who_approves_is_sent_back_with_a_code(browser: Any, sandbox: Any) -> None:
    ends = sandbox.control("GET", "/endpoints")
    application = ends["clients"]["amazon"]["application_id"]
    page = browser.new_page()
    page.set_default_timeout(15_000)
    back: list[str] = []
    page.on("request", lambda request: back.append(request.url) if "spapi_oauth_code=" in request.url else None)

    page.goto(
        f"{sandbox.url}/amazon/sellercentral/eu/apps/authorize/consent?application_id={application}&state=a-state"
    )
    page.get_by_text("Northpine UK").click()
    page.get_by_role("button", name="Approve").click(no_wait_after=True)
    page.wait_for_timeout(1500)

    # Nothing listens there in this test; the browser tries the address twice.
    assert len(set(back)) == 1
    assert "selling_partner_id=A2NORTHPINEUK" in back[0] and "state=a-state" in back[0]
