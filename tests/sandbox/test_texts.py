"""Kept JSON texts: one is good until its document changes, and only for those who would see the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.texts import Texts, page_of
from connectors.sandbox.world import World


class Shelf:
    """A world with one order, and how often it was written out."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.order: dict[str, Any] = {"id": "1", "status": "new"}
        self.world.put("orders", "1", self.order)
        self.made = 0

    def read(self, view: str = "") -> Any:
        return json.loads(self.world.texts.text("orders", "1", view, self._show))

    def _show(self) -> dict[str, Any]:
        self.made += 1
        return dict(self.order)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_an_unchanged_document_is_written_out_once(shelf: Shelf) -> None:
    assert [shelf.read(), shelf.read()] == [shelf.order] * 2
    assert shelf.made == 1


def test_a_stored_document_is_written_out_anew(shelf: Shelf) -> None:
    shelf.read()
    shelf.order["status"] = "shipped"
    shelf.world.put("orders", "1", shelf.order)

    assert shelf.read() == {"id": "1", "status": "shipped"}


def test_a_document_dropped_and_made_again_is_not_the_old_one(shelf: Shelf) -> None:
    shelf.read()
    shelf.world.drop("orders", "1")
    shelf.order = {"id": "1", "status": "another"}

    assert shelf.read()["status"] == "another"


def test_a_reset_forgets_every_text(shelf: Shelf) -> None:
    shelf.read()
    shelf.world.reset()
    shelf.order = {"id": "1", "status": "another"}

    assert shelf.read()["status"] == "another"


def test_another_view_has_a_text_of_its_own(shelf: Shelf) -> None:
    shelf.read("with address")
    shelf.order["address"] = "seen by the next view only"

    assert "address" in shelf.read("without")
    assert shelf.made == 2


def test_no_more_texts_are_kept_than_allowed() -> None:
    texts = Texts(most=2)
    for key in ("a", "b", "b", "c"):
        texts.text("orders", key, "", lambda: {"made": 1})

    def again(key: str) -> Any:
        return json.loads(texts.text("orders", key, "", lambda: {"made": 2}))["made"]

    assert [again("c"), again("b"), again("a")] == [1, 1, 2], "the oldest went"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_page_is_the_body_with_its_rows(count: int) -> None:
    rows = [{"id": str(n), "name": "Žofie"} for n in range(count)]
    text = page_of({"total": count, "next": None}, "orders", [json.dumps(row).encode() for row in rows])

    assert json.loads(text) == {"total": count, "next": None, "orders": rows}
