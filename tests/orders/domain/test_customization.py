"""Reading a customization archive: what is shown of it, and which archives are not kept."""

from __future__ import annotations

import io
import json
import stat
import struct
import tracemalloc
import zipfile
import zlib
from typing import Any

import pytest

from orders.domain import customization
from orders.domain.customization import BadArchive, Customization, Wish, picture, read

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 20


def packed(**files: Any) -> bytes:
    """Return a ZIP of these files; a dict becomes JSON, `__` in a name a slash, `_dot_` a dot."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            name = name.replace("__", "/").replace("_dot_", ".")
            archive.writestr(name, json.dumps(body) if isinstance(body, dict) else body)
    return made.getvalue()


def zipped(*entries: tuple[str, bytes]) -> bytes:
    """Return a ZIP of (name, content)."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, body in entries:
            archive.writestr(name, body)
    return made.getvalue()


SURFACES = {
    "surfaces": [
        {
            "name": "Front",
            "areas": [
                {"customizationType": "TextPrinting", "label": "Engraving", "text": "For Ada\nlove", "fontFamily": "Georgia",
                 "colorName": "Gold", "fill": "#b8860b"},
                {"customizationType": "Options", "name": "Size", "optionValue": "Large"},
                {"customizationType": "TextPrinting", "label": "Second line", "text": ""},
            ],
        }
    ]
}  # fmt: skip
TREE = {
    "type": "PageContainerCustomization",
    "children": [
        {
            "type": "PreviewContainerCustomization", "label": "Back", "snapshot": {"imageName": "snap.jpg"},
            "children": [
                {"type": "FlatContainerCustomization", "children": [
                    {"type": "TextCustomization", "label": "Name", "inputValue": "Ben"},
                    {"type": "FontCustomization", "label": "Font", "fontSelection": {"family": "Arial"}},
                    {"type": "ColorCustomization", "label": "Color", "colorSelection": {"name": "Navy", "value": "#1f3a6e"}},
                    {"type": "OptionCustomization", "label": "Wood", "optionSelection": {"name": "Oak"}},
                    {"type": "ImageCustomization", "label": "Your picture",
                     "image": {"imageName": "abc.png", "buyerFilename": "dog.png"}},
                    {"type": "SomethingNew", "label": "?", "inputValue": "unknown"},
                ]},
            ],
        }
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    "document", [{"version3.0": {"customizationInfo": SURFACES}}, {"customizationInfo": {"version3.0": SURFACES}}]
)
def test_surfaces_tell_text_with_its_font_and_color_and_options(document: dict[str, Any]) -> None:
    found = read(packed(item_dot_json=document))

    assert found.wishes == (
        Wish("Engraving", "For Ada\nlove", "Georgia", "Gold", "#b8860b"),
        Wish("Size", "Large"),
    )


def test_without_surfaces_the_tree_is_read_and_names_the_pictures() -> None:
    found = read(
        packed(item_dot_json={"customizationData": TREE}, snap_dot_jpg=JPEG, abc_dot_png=PNG, print_dot_svg="<svg/>")
    )

    assert [(wish.label, wish.value, wish.swatch) for wish in found.wishes] == [
        ("Name", "Ben", ""), ("Font", "Arial", ""), ("Color", "Navy", "#1f3a6e"), ("Wood", "Oak", ""),
    ]  # fmt: skip
    assert [(row.label, row.kind) for row in found.pictures] == [
        ("Preview, Back", "image/jpeg"), ("Your picture: dog.png", "image/png"),
    ]  # fmt: skip
    assert found.files == 4


def test_two_sides_are_told_apart_and_one_is_not_named() -> None:
    two = {"surfaces": [SURFACES["surfaces"][0], {"name": "Back", "areas": [{"label": "Text", "text": "2026"}]}]}

    assert {wish.side for wish in read(packed(a_dot_json={"version3.0": {"customizationInfo": two}})).wishes} == {
        "Front",
        "Back",
    }


def test_what_was_read_can_be_kept_as_text() -> None:
    found = read(packed(item_dot_json={"customizationData": TREE}, abc_dot_png=PNG))

    assert Customization.of_json(found.as_json()) == found


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"[1]", b'{"customizationData": 5}', b'{"version3.0": {"customizationInfo": {"surfaces": {"a": 1}}}}',
     b'{"customizationData": ' + b'{"children": [' * 500 + b"]}" * 500 + b"}", b"[" * 100_000, b"\xff\xfe\x00",
     b'{"customizationInfo": {"surfaces": [{"areas": [null, 5, {"text": true}, {"text": {"a": 1}}]}]}}'],
)  # fmt: skip
def test_a_document_of_nonsense_leaves_an_archive_that_can_still_be_downloaded(document: bytes) -> None:
    found = read(zipped(("item.json", document)))

    assert (found.wishes, found.files) == ((), 1)


def test_texts_are_cut_and_cleaned_before_they_are_shown() -> None:
    areas = [{"label": "A\u202eB\x00", "text": "x" * 5000, "fill": "red; background: url(//evil)"}]

    (wish,) = read(packed(a_dot_json={"version3.0": {"customizationInfo": {"surfaces": [{"areas": areas}]}}})).wishes

    assert (wish.label, len(wish.value), wish.swatch) == ("AB", customization.TEXT_LENGTH, "")


def test_half_an_emoji_where_a_shop_cut_the_text_does_not_keep_the_archive_away() -> None:
    document = (
        rb'{"version3.0": {"customizationInfo": {"surfaces": [{"areas": [{"label": "Name", "text": "Mia \ud83d"}]}]}}}'
    )

    (wish,) = read(zipped(("item.json", document))).wishes

    assert wish.value == "Mia \ufffd"
    assert wish.value.encode()


def test_a_picture_is_what_its_first_bytes_say_not_what_it_is_called() -> None:
    content = zipped(
        ("real.txt", JPEG), ("fake.png", b"<script>alert(1)</script>"), ("also.gif", b"<svg onload=alert(1)>")
    )

    assert [(row.entry, row.kind) for row in read(content).pictures] == [(0, "image/jpeg")]
    assert picture(content, 0) == (JPEG, "image/jpeg")
    for number in (1, 2, 3, -1, 10**9):
        with pytest.raises(LookupError):
            picture(content, number)


# ── what is not kept ─────────────────────────────────────────────────────────────────────────────────────────────────


def refused(content: bytes) -> str:
    """Return the code of an archive that is not kept."""
    with pytest.raises(BadArchive) as error:
        read(content)
    return error.value.code


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"<html>", b"PK\x03\x04" + b"\0" * 50, b"\x1f\x8b\x08", packed(a="b")[:-30]]
)
def test_what_is_no_zip_is_not_kept(content: bytes) -> None:
    assert refused(content) == customization.NOT_A_ZIP


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "..\\x", "C:\\x", "c:x", "a\x01b", "a\u202egnp"])
def test_names_that_lead_out_are_not_kept(name: str) -> None:
    assert refused(zipped((name, b"x"))) == customization.BAD_NAME


def test_a_link_inside_is_not_kept() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")

    assert refused(made.getvalue()) == customization.BAD_NAME


def test_more_than_200_files_are_not_kept() -> None:
    assert refused(zipped(*((f"{n}.txt", b"x") for n in range(201)))) == customization.TOO_MANY_FILES
    assert read(zipped(*((f"{n}.txt", b"x") for n in range(200)))).files == 200


def test_a_bomb_is_not_kept() -> None:
    big = b"\0" * (26 * 1024 * 1024)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{number}.bin", big)
    assert len(made.getvalue()) < 200_000, "small as it comes, 104 MB unpacked"

    assert refused(made.getvalue()) == customization.TOO_LARGE_INSIDE


def test_an_entry_that_lies_about_its_size_is_not_kept() -> None:
    content = bytearray(zipped(("x.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 5_000_000)))
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 100)  # "100 bytes unpacked", says the directory

    assert refused(bytes(content)) == customization.NOT_A_ZIP


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_entry_that_lies_and_is_packed_another_way_is_not_unpacked_beyond_what_it_declares(way: int) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", way) as archive:
        archive.writestr("x.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 30_000_000)
    content = bytearray(made.getvalue())
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 100)
    tracemalloc.start()

    try:
        assert refused(bytes(content)) == customization.NOT_A_ZIP
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_locked_archive_is_not_kept() -> None:
    content = bytearray(zipped(("x.png", PNG)))
    at = content.rindex(b"PK\x01\x02")
    content[at + 8] |= 1

    assert refused(bytes(content)) == customization.LOCKED


@pytest.mark.parametrize(
    ("name", "body"),
    [("print.exe", b"x"), ("photo.png.js", b"x"), ("page.HTML", b"x"), ("photo.png", b"MZ\x90\x00"), ("photo.jpg", b"\x7fELF\x02"),
     ("run", b"#!/bin/sh\n"), ("x.lnk ", b"x")],
)  # fmt: skip
def test_programs_are_not_kept(name: str, body: bytes) -> None:
    assert refused(zipped((name, body))) == customization.PROGRAM_INSIDE


def test_a_damaged_entry_is_no_archive() -> None:
    content = bytearray(packed(a_dot_png=PNG * 50))
    at = content.index(zlib.compress(PNG * 50)[2:6])
    content[at : at + 4] = b"\xff\xff\xff\xff"

    assert refused(bytes(content)) == customization.NOT_A_ZIP
