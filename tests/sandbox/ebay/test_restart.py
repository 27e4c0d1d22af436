"""What the pretend eBay answered is on disk: a new process knows it all."""

from __future__ import annotations

from pathlib import Path

from tests.sandbox.ebay.conftest import LUMEN, Ear, Seller, Served
from tests.sandbox.ebay.official import Official


def test_orders_ids_tokens_and_waiting_refunds_outlive_the_process(
    tmp_path: Path, ear: Ear, contracts: Official | None
) -> None:
    before = Served(tmp_path, ear.url)
    before.run(before.core.limits.set, ("ebay",), "off", None)
    seller = Seller(before, LUMEN, contracts)
    seller.sign_in()
    (first,) = seller.place(status="pending")
    now = seller.patch(first, status="paid")["id"]
    seller.action("settings", refund_seconds=30)
    refund = seller.refund(now, value="1.00").json()["refundId"]
    public_key = before.run(lambda: before.control.ebay.world.table("ebay_keys")["signing"]["kid"])  # type: ignore[attr-defined]
    before.close()

    after = Served(tmp_path, ear.url)
    again = Seller(after, LUMEN, contracts, token=seller.token)
    pending = again.order(now)["paymentSummary"]["refunds"][0]
    after.advance(seconds=31)
    done = again.order(now)["paymentSummary"]["refunds"][0]

    assert again.ids() == [now] and again.view(first)["id"] == now
    assert (pending["refundId"], pending["refundStatus"], done["refundStatus"]) == (refund, "PENDING", "REFUNDED")
    kept = after.run(lambda: after.control.ebay.world.table("ebay_keys")["signing"]["kid"])  # type: ignore[attr-defined]
    assert kept == public_key
    assert set(again.place()) & {now, first} == set()
    after.close()


def test_a_seller_who_withdrew_has_not_agreed_again_after_a_restart(tmp_path: Path, ear: Ear) -> None:
    before = Served(tmp_path, ear.url)
    before.run(before.control.revoke, LUMEN)
    before.close()

    after = Served(tmp_path, ear.url)
    connected = after.run(after.control.seller, LUMEN)["connected"]
    after.close()

    assert connected is False
