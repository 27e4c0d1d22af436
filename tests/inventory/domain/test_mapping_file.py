"""Files of SKU mappings: what merchants' spreadsheets really write, and the right words for what is no such file."""

from __future__ import annotations

import csv
import io
import re
import time
import zipfile

import pytest

from inventory.domain import mapping_file
from inventory.domain.mapping_file import BadFile, Row, cell_of, mapping_line, parts_of, read, safe_cell, words_of


def rows(text: str | bytes) -> list[tuple[str, str, int]]:
    data = text.encode() if isinstance(text, str) else text
    return [(row.target, row.seller_sku, row.quantity) for row in read(data).rows if row.good]


def only(text: str) -> Row:
    (row,) = read(text.encode()).rows
    return row


@pytest.mark.parametrize(
    "text",
    [
        "NP-1,AMZ-1\nNP-2,AMZ-2\n",
        "NP-1;AMZ-1\r\nNP-2;AMZ-2\r\n",
        "NP-1\tAMZ-1\rNP-2\tAMZ-2",
        "Store SKU,Marketplace SKU\nNP-1,AMZ-1\nNP-2,AMZ-2",
        "marketplace sku;STORE SKU\nAMZ-1;NP-1\nAMZ-2;NP-2",
        "Shopify SKU,Amazon SKU,Quantity\nNP-1,AMZ-1,\nNP-2,AMZ-2,1",
        "sep=;\nStore SKU;Marketplace SKU\nNP-1;AMZ-1\nNP-2;AMZ-2\n",
        "\ufeffNP-1,AMZ-1\n\n , \nNP-2,AMZ-2\n",
        '"Store\nSKU","Marketplace SKU"\r\n"NP-1"," AMZ-1 "\r\n"NP-2",AMZ-2,,\r\n',
        "Outcome,Marketplace SKU,Store SKU,Note\nadded,AMZ-1,NP-1,\nadded,AMZ-2,NP-2,x",
    ],
)
def test_every_usual_form_of_the_same_two_mappings_reads_alike(text: str) -> None:
    assert rows(text) == [("NP-1", "AMZ-1", 1), ("NP-2", "AMZ-2", 1)]


def test_a_comma_inside_a_sku_does_not_make_a_semicolon_file_a_comma_file() -> None:
    assert rows("NP,1;AMZ-1\nNP-2;AMZ-2\nNP-3;AMZ-3") == [
        ("NP,1", "AMZ-1", 1),
        ("NP-2", "AMZ-2", 1),
        ("NP-3", "AMZ-3", 1),
    ]


def _zip(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "words", "line", "column"),
    [
        (b"", "The file is empty", 0, 0),
        (b"\xef\xbb\xbf\r\n\r\n", "The file is empty", 0, 0),
        ("Store SKU,Marketplace SKU\n".encode("utf-16"), "UTF-16", 0, 0),
        ("NP-1,AMZ-1\nNP-2,AMZ-2\n".encode("utf-16-le"), "UTF-16", 0, 0),
        (_zip("xl/workbook.xml"), "This is an Excel workbook (.xlsx)", 0, 0),
        (_zip("[Content_Types].xml"), "This is an Excel workbook (.xlsx)", 0, 0),
        (_zip("mappings.csv"), "This is a ZIP archive", 0, 0),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more", "old Excel workbook (.xls)", 0, 0),
        (b"%PDF-1.7", "This is a PDF", 0, 0),
        (b"NP-1,AMZ-1\nNP-2,AM\x00Z-2\n", "a byte that no text has", 2, 0),
        ("NP-1,AMZ-1\nNP-2,Größe\n".encode("cp1252"), "not UTF-8", 2, 2),
        (b"NP-1\nNP-2\n", "There is one column", 1, 1),
        (b"a,b,c,d\n", "There are 4 columns", 1, 4),
        (b"Store SKU,Price\nNP-1,AMZ-1\n", "no column “Marketplace SKU”; “Price” is not known", 1, 2),
        (b"Store SKU,SKU,Marketplace SKU\na,b,c\n", "two columns for “Store SKU”", 1, 2),
        (b"Store SKU,Marketplace SKU\n", "a header but no rows", 0, 0),
        (b'NP-1,AMZ-1\nNP-2,"AMZ-2\nNP-3,AMZ-3\n', "A quote is opened and never closed", 2, 2),
        (b'NP-1,AMZ-1\n"NP"2,AMZ-2\n', "After the closing quote", 2, 1),
        (b"NP-1,AMZ-1\n" + b"x" * 140_000 + b",AMZ-2\n", "far longer than a SKU", 2, 2),
    ],
)  # fmt: skip
def test_what_is_no_file_of_mappings_is_told_in_its_own_words(data: bytes, words: str, line: int, column: int) -> None:
    with pytest.raises(BadFile) as error:
        read(data)

    assert words in str(error.value)
    assert (error.value.line, error.value.column) == (line, column)
    if line:
        assert str(error.value).startswith(f"Line {line}")


def test_a_file_that_is_too_large_or_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadFile, match="larger than 20 MB"):
        read(b"x" * (mapping_file.MOST_BYTES + 1))
    monkeypatch.setattr(mapping_file, "MOST_ROWS", 3)
    with pytest.raises(BadFile, match="more than 3 rows"):
        read(b"".join(b"NP-%d,AMZ-%d\n" % (i, i) for i in range(4)))


@pytest.mark.parametrize(
    ("text", "problem", "column"),
    [
        ("NP-1,AMZ-1\n,AMZ-2\n", "The Store SKU is empty", 1),
        ("NP-1,AMZ-1\nNP-2, \n", "The Marketplace SKU is empty", 2),
        ("NP-1,AMZ-1\nNP-2\n", "Only 1 column, 2 are needed", 1),
        ("NP-1,AMZ-1\nNP-2,AMZ-2,1,x\n", "There are 4 columns", 4),
        (f"NP-1,AMZ-1\nNP-2,{'x' * 256}\n", "has 256 letters", 2),
        ('NP-1,AMZ-1\nNP-2,"AM\nZ"\n', "a line break", 2),
        ("NP-1,AMZ-1\nNP-2,AMZ-2,0\n", "from 1 to 9,999", 3),
        ("NP-1,AMZ-1\nNP-2,AMZ-2,two\n", "not “two”", 3),
        ("NP-1,AMZ-1\nNP-2 x99999,AMZ-2\n", "from 1 to 9,999", 1),
        ("NP-1,AMZ-1\nNP-2 x5000 + B,AMZ-2,2\n", "Quantity times", 3),
        (f"NP-1,AMZ-1\n{' + '.join(f'P{i}' for i in range(21))},AMZ-2\n", "at most 20 parts", 1),
    ],
)
def test_a_bad_row_is_named_by_line_and_column_and_the_good_ones_are_kept(text: str, problem: str, column: int) -> None:
    good, bad = read(text.encode()).rows

    assert good.good and not bad.good
    assert problem in bad.problem
    assert (bad.line, bad.column) == (2, column)


def test_of_two_rows_with_one_marketplace_sku_the_last_counts_and_both_are_named() -> None:
    first, other, last = read(b"NP-1,AMZ-1\nNP-2,AMZ-2\nNP-3,AMZ-1\n").rows

    assert (first.duplicate, other.duplicate, last.duplicate) == (True, False, False)
    assert "Line 3" in first.notes[0] and "Line 1" in last.notes[0]


@pytest.mark.parametrize("sku", ["=cmd|'/c calc'!A0", "@SUM(A1)", "-5", "+49", "'=kept", "''@kept", "'plain", "+cmd|'/c calc'!A0",
                                 "-2+3+cmd|'/c calc'!A0", "-ABC", "'-ABC", "+5 x"])  # fmt: skip
def test_what_looks_like_a_formula_is_text_and_comes_back_the_same_from_a_download(sku: str) -> None:
    line = mapping_line(sku, ((sku, 1),))

    (row,) = read(("Store SKU,Marketplace SKU,Quantity\r\n" + line).encode()).rows
    assert (row.target, row.seller_sku) == (sku, sku)
    for cell in next(csv.reader([line])):
        assert not re.match(r"[=@\t\r]|[+-](?!\d+$)", cell)


def test_a_cell_like_a_formula_is_told_as_a_note() -> None:
    assert only("=1+1,AMZ-1").notes == ["The Store SKU begins with = and was taken as text"]
    assert only("-5,AMZ-1").good
    assert safe_cell("=1") == "'=1" and safe_cell("-5") == "-5"


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("NP-1", (("NP-1", 1),)),
        ("NP-1 x6", (("NP-1", 6),)),
        ("NP-1 x2 + NP-2", (("NP-1", 2), ("NP-2", 1))),
        ("NP-1 X2  +  NP-2 ×3 + NP-1", (("NP-1", 3), ("NP-2", 3))),
        ("A+B", (("A+B", 1),)),
        ("Cable x2m", (("Cable x2m", 1),)),
        ('"A + B" x2 + C', (("A + B", 2), ("C", 1))),
        ('19" rack', (('19" rack', 1),)),
    ],
)
def test_bundles_stand_in_the_cell_of_the_store_sku(cell: str, parts: mapping_file.Parts) -> None:
    assert parts_of(cell) == parts


@pytest.mark.parametrize(
    "parts",
    [
        (("NP-1", 1),), (("NP-1", 6),), (("NP-1", 2), ("NP-2", 1)), (("A + B", 1),), (("A x2", 3),),
        (('"quoted"', 1), ("B", 2)), (("A + B", 2), ("C x9", 1)),
    ],
)  # fmt: skip
def test_parts_that_are_written_read_the_same(parts: mapping_file.Parts) -> None:
    cell, quantity = cell_of(parts)

    assert Row(1, "S", cell, quantity).parts() == parts


def test_quantity_multiplies_what_the_cell_says() -> None:
    assert only("NP-1,PACK6,6").parts() == (("NP-1", 6),)
    assert only("NP-1 x2 + NP-2,TWICE,2").parts() == (("NP-1", 4), ("NP-2", 2))
    assert only("A + B,AB").parts(literal=True) == (("A + B", 1),)
    assert words_of((("A", 2), ("B", 1))) == "2 × A + 1 × B" and words_of((("A", 1),)) == "A"


def test_a_hundred_thousand_rows_are_read_in_a_moment() -> None:
    data = "".join(f"NP-{i},AMZ-{i}\n" for i in range(100_000)).encode()
    begun = time.process_time()

    found = read(data)

    assert len(found.rows) == 100_000 and found.rows[-1].line == 100_000
    assert time.process_time() - begun < 5


def test_a_byte_order_mark_is_no_part_of_a_sku_wherever_files_were_put_together() -> None:
    mark = b"\xef\xbb\xbf"

    twice = read(mark + mark + b"Store SKU,Marketplace SKU\nA,M1\n")
    joined = read(b"A,M1\n" + mark + b"B,M2\r" + mark + b'"C","M3"\n')

    assert [(row.target, row.seller_sku) for row in twice.rows] == [("A", "M1")]
    assert [(row.target, row.seller_sku) for row in joined.rows] == [("A", "M1"), ("B", "M2"), ("C", "M3")]
