"""A file of SKU mappings, read and written (F37, F45, F46). Pure: bytes in, rows or the right words out.

Two columns, `Store SKU` and `Marketplace SKU`, and an optional third, `Quantity` (units of the store SKU in one unit sold).
With a header the columns may come in any order; without one they come in this order. UTF-8 with or without a byte order
mark; comma, semicolon or tab. A bundle stands in the Store SKU cell: `SKU-A x2 + SKU-B`; a SKU that looks like this itself
stands in double quotes there.

Spreadsheets run cells that begin with = or @ as formulas. Nothing is ever evaluated here; such cells are written with an
apostrophe before them, which is taken off again when the file is read.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from salestio.lib.text import counted

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 100_000
MOST_UNITS = 9_999
MOST_PARTS = 20
LONGEST_SKU = 255

STORE, MARKETPLACE, QUANTITY = "Store SKU", "Marketplace SKU", "Quantity"
HEADER = (STORE, MARKETPLACE, QUANTITY)
NAMES: dict[str, str] = {
    "store sku": STORE, "product sku": STORE, "sku": STORE,
    "marketplace sku": MARKETPLACE, "seller sku": MARKETPLACE, "channel sku": MARKETPLACE, "custom label": MARKETPLACE,
    "quantity": QUANTITY, "qty": QUANTITY, "units": QUANTITY, "factor": QUANTITY,
}  # fmt: skip
"""How a header may name a column, in small letters, besides `<platform> sku` (`headings`)."""
NO_MORE: Mapping[str, str] = {}

_BINARY: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "This is an old Excel workbook (.xls). In Excel choose Save as, CSV UTF-8, and upload that file"),
    (b"%PDF", "This is a PDF. Upload a CSV file"),
    (b"\x1f\x8b", "This is a compressed file (gzip). Unpack it and upload the CSV file inside"),
    (b"\x89PNG", "This is a picture. Upload a CSV file"),
    (b"\xff\xd8\xff", "This is a picture. Upload a CSV file"),
)  # fmt: skip
_FORMULA = re.compile(r"'*(?:[=@\t\r]|[+-](?!\d+$))")
"""What a spreadsheet would run: a sign before anything but a whole number begins a formula, too."""
_UNITS = re.compile(r"^(.*\S)\s+[xX×](\d{1,9})$", re.DOTALL)
_PLUS = re.compile(r"\s\+\s")
_BREAK = re.compile(r"[\r\n\v\f\x00\x85\u2028\u2029]")
_MARKS = re.compile(r"(^|[\r\n])\ufeff+")
"""Byte order marks before a line: the first of the file's, and those of files that were put behind it."""

Parts = tuple[tuple[str, int], ...]
"""(store SKU, units in one unit sold); several for a bundle."""


class BadFile(ValueError):
    """A file that cannot be read as mappings. The text tells the merchant what to do; line and column count from 1."""

    def __init__(self, text: str, *, line: int = 0, column: int = 0) -> None:
        where = f"Line {line}, column {column}: " if line and column else f"Line {line}: " if line else ""
        super().__init__(where + text)
        self.line = line
        self.column = column


@dataclass(slots=True)
class Row:
    """One row of the file. With `problem` it is not saved; `column` says in which cell the problem is."""

    line: int
    """The line of the file the row begins on, from 1."""
    seller_sku: str
    target: str
    """The Store SKU cell as text, trimmed."""
    quantity: int = 1
    problem: str = ""
    column: int = 0
    duplicate: bool = False
    """A later row has the same marketplace SKU, and wins."""
    notes: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.problem and not self.duplicate

    def parts(self, *, literal: bool = False) -> Parts:
        """Return what the row means; `literal` takes the whole cell as one SKU. Raises ValueError with the words."""
        found: Parts = ((self.target, 1),) if literal else parts_of(self.target)
        return tuple((sku, units * self.quantity) for sku, units in found)


@dataclass(slots=True)
class MappingFile:
    """A file that could be read."""

    rows: list[Row]
    header: bool
    notes: list[str]


# ── the cell of parts ────────────────────────────────────────────────────────────────────────────────────────────────


def looks_special(text: str) -> bool:
    """Say whether a Store SKU cell reads as a bundle, a multipack or a quoted SKU rather than as one SKU."""
    return bool(text.startswith('"') or _PLUS.search(text) or _UNITS.match(text))


def parts_of(text: str) -> Parts:
    """Return the parts of `A x2 + "B + C"`; a plain SKU is one part of one unit. Raises ValueError with the words."""
    found: dict[str, int] = {}
    for piece in _pieces(text.strip()):
        sku, units = _part(piece)
        if not sku:
            raise ValueError("A part of the bundle has no SKU")
        if len(sku) > LONGEST_SKU:
            raise ValueError(f"A SKU has at most {LONGEST_SKU} letters")
        if not 1 <= units <= MOST_UNITS:
            raise ValueError(f"A quantity is a whole number from 1 to {MOST_UNITS:,}")
        found[sku] = found.get(sku, 0) + units
    if len(found) > MOST_PARTS:
        raise ValueError(f"A bundle has at most {MOST_PARTS} parts")
    return tuple(found.items())


def _pieces(text: str) -> list[str]:
    """Cut at ` + ` outside double quotes."""
    pieces, start, quoted = [], 0, False
    for place, letter in enumerate(text):
        if letter == '"' and (quoted or not text[start:place].strip()):
            quoted = not quoted
        elif (
            letter == "+" and not quoted and text[place - 1 : place].isspace() and text[place + 1 : place + 2].isspace()
        ):
            pieces.append(text[start:place])
            start = place + 1
    return [piece.strip() for piece in (*pieces, text[start:])]


def _part(piece: str) -> tuple[str, int]:
    counted = _UNITS.match(piece)
    sku, units = (counted[1], int(counted[2])) if counted else (piece, 1)
    if len(sku) > 1 and sku.startswith('"') and sku.endswith('"'):
        return sku[1:-1].replace('""', '"').strip(), units
    return sku, units


def cell_of(parts: Parts) -> tuple[str, int]:
    """Return (Store SKU cell, quantity) as a file has them; reading it gives the same parts again."""
    if len(parts) == 1:
        return _quoted(parts[0][0]), parts[0][1]
    return " + ".join(_quoted(sku) + (f" x{units}" if units != 1 else "") for sku, units in parts), 1


def _quoted(sku: str) -> str:
    return '"' + sku.replace('"', '""') + '"' if looks_special(sku) else sku


def words_of(parts: Sequence[tuple[str, int]]) -> str:
    """Return the parts as a page shows them: `2 × A + 1 × B`, and just the SKU for one unit of one."""
    if len(parts) == 1 and parts[0][1] == 1:
        return parts[0][0]
    return " + ".join(f"{units} × {sku}" for sku, units in parts)


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def safe_cell(text: str) -> str:
    """Return the cell so that no spreadsheet runs it."""
    return f"'{text}" if _FORMULA.match(text) else text


def _own_text(cell: str) -> str:
    """Take off the apostrophe that `safe_cell` put on."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def csv_line(cells: Sequence[object]) -> str:
    """Return one line of a CSV file, every cell safe to open in a spreadsheet."""
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(str(cell)) for cell in cells])
    return out.getvalue()


def mapping_line(seller_sku: str, parts: Parts) -> str:
    """Return the line of one mapping, in the order of `HEADER`."""
    cell, quantity = cell_of(parts)
    return csv_line((cell, seller_sku, quantity))


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def headings(stores: Iterable[str], marketplaces: Iterable[str]) -> dict[str, str]:
    """Return how headers may name the columns after these platforms: `Shopify SKU`, `eBay SKU`."""
    columns = {STORE: stores, MARKETPLACE: marketplaces}
    return {f"{label.casefold()} sku": column for column, labels in columns.items() for label in labels}


def read(data: bytes, *, more: Mapping[str, str] = NO_MORE) -> MappingFile:
    """Return the rows of a file, each judged by itself. Raises `BadFile` when it is no file of mappings at all.

    `more` are further names of columns, as `headings` gives them.
    """
    names = {**NAMES, **more}
    text = _text(data)
    if not text.strip():
        raise BadFile("The file is empty")
    told = re.match(r"sep=([,;\t])\r?\n", text)
    delimiter = told[1] if told else _delimiter(text, names)
    start = 1 if told else 0
    records = _records(text, delimiter, start)
    head = next(records, None)
    if head is None:
        raise BadFile("The file has no rows")
    columns = _columns(*head, names)
    result = MappingFile([], columns is not None, [])
    if columns is None:
        _no_header(*head)
        _add(result, head, {STORE: 0, MARKETPLACE: 1, QUANTITY: 2}, strict=True)
    else:
        extra = [cell.strip() for place, cell in enumerate(head[1]) if place not in columns.values() and cell.strip()]
        result.notes += [f"Column “{name[:60]}” is not used" for name in extra]
    known = columns or {STORE: 0, MARKETPLACE: 1, QUANTITY: 2}
    for record in records:
        _add(result, record, known, strict=columns is None)
        if len(result.rows) > MOST_ROWS:
            raise BadFile(f"The file has more than {MOST_ROWS:,} rows. Upload it in parts", line=record[0])
    if not result.rows:
        raise BadFile("The file has a header but no rows")
    _mark_duplicates(result.rows)
    return result


def _text(data: bytes) -> str:
    """Return the file's text, or say what the file is instead."""
    if len(data) > MOST_BYTES:
        raise BadFile("The file is larger than 20 MB. Upload it in parts")
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        if b"[Content_Types].xml" in data[:4096] or b"xl/" in data:
            raise BadFile("This is an Excel workbook (.xlsx). In Excel choose Save as, CSV UTF-8, and upload that file")
        raise BadFile("This is a ZIP archive. Unpack it and upload the CSV file inside")
    for start, words in _BINARY:
        if data.startswith(start):
            raise BadFile(words)
    head = data[:4096]
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff"))
    if wide or (head.count(0) > len(head) // 3 and head.count(0) < len(head)):
        raise BadFile("The file is saved as UTF-16 (“Unicode text”). Save it as CSV UTF-8 and upload that file")
    zero = data.find(b"\x00")
    if zero >= 0:
        line = data.count(b"\n", 0, zero) + 1
        raise BadFile("There is a byte that no text has; this is not a CSV file", line=line)
    try:
        return _MARKS.sub(r"\1", data.decode("utf-8"))
    except UnicodeDecodeError as error:
        begun = data.rfind(b"\n", 0, error.start) + 1
        line = data.count(b"\n", 0, error.start) + 1
        before = data[begun : error.start].decode("utf-8", "replace")
        column = before.count(_delimiter(before)) + 1
        raise BadFile(
            "This letter is not UTF-8; the file may be saved as “Windows” or “ANSI”. Save it as CSV UTF-8 and upload that file",
            line=line, column=column,
        ) from None  # fmt: skip


def _delimiter(text: str, names: Mapping[str, str] = NAMES) -> str:
    """Return what sets the columns apart: what gives a known header, else what gives two or three columns most often."""
    lines = [line for line in text[:65536].splitlines() if line.strip()][:40]
    best, most = ",", -1
    for candidate in ("\t", ";", ","):
        cells = [next(csv.reader([line], delimiter=candidate), []) for line in lines]
        named = bool(cells) and sum(cell.strip().casefold() in names for cell in cells[0]) >= 2
        fits = sum(3 * (len(row) in (2, 3)) + (len(row) > 1) for row in cells) + (1000 if named else 0)
        if fits > most:
            best, most = candidate, fits
    return best


def _records(text: str, delimiter: str, skip: int) -> Iterator[tuple[int, list[str]]]:
    """Return (line it begins on, cells) of every record that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    csv.field_size_limit(131_072)
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            raise _unbalanced(text, delimiter, line) from None
        if cells is None:
            return
        if line > skip and any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1


def _unbalanced(text: str, delimiter: str, line: int) -> BadFile:
    """Return the words for the record that begins on this line: which of its cells has the wrong quotes."""
    rest = io.StringIO(text, newline="")
    for _ in range(line - 1):
        rest.readline()
    column, quoted, after, at_start = 1, False, False, True
    for letter in rest.read(200_000):
        if quoted:
            quoted, after = letter != '"', letter == '"'
        elif after and letter == '"':
            quoted, after = True, False
        elif letter == delimiter:
            column, at_start, after = column + 1, True, False
            continue
        elif letter in "\r\n":
            break
        elif after:
            return BadFile(
                "After the closing quote comes something else. Double the quotes inside a cell",
                line=line,
                column=column,
            )
        elif letter == '"' and at_start:
            quoted = True
        at_start = False
    if not quoted:
        return BadFile(
            f"A cell is far longer than a SKU, which has at most {LONGEST_SKU} letters", line=line, column=column
        )
    return BadFile("A quote is opened and never closed", line=line, column=column)


def _columns(line: int, cells: list[str], names: Mapping[str, str]) -> dict[str, int] | None:
    """Return where the columns are when this record is a header, None when it is a row of data."""
    named = [names.get(" ".join(cell.split()).casefold(), "") for cell in cells]
    found = {name for name in named if name}
    if not found & {STORE, MARKETPLACE}:
        return None
    for name in (STORE, MARKETPLACE):
        if name not in found:
            if len(found) == 1 and len(cells) in (2, 3) and all(cell.strip() for cell in cells[:2]):
                other = next(cell for cell, known in zip(cells, named, strict=True) if not known)
                where = named.index("") + 1
                raise BadFile(
                    f"The header has no column “{name}”; “{other.strip()[:60]}” is not known", line=line, column=where
                )
            raise BadFile(f"The header has no column “{name}”", line=line)
    for name in HEADER:
        if named.count(name) > 1:
            again = len(named) - named[::-1].index(name)
            raise BadFile(f"The header has two columns for “{name}”", line=line, column=again)
    return {name: named.index(name) for name in HEADER if name in found}


def _no_header(line: int, cells: list[str]) -> None:
    """Refuse a file without a header whose first row has another shape."""
    count = len(_trimmed(cells))
    if count == 1:
        raise BadFile(
            "There is one column. Two are needed: Store SKU and Marketplace SKU, set apart by comma, semicolon or tab",
            line=line, column=1,
        )  # fmt: skip
    if count > 3:
        raise BadFile(
            f"There are {count} columns. Without a header there are two, Store SKU and Marketplace SKU, or three with Quantity",
            line=line, column=4,
        )  # fmt: skip


def _trimmed(cells: list[str]) -> list[str]:
    """Return the cells without the empty ones a spreadsheet leaves at the end, two at the least."""
    cells = list(cells)
    while len(cells) > 2 and not cells[-1].strip():
        cells.pop()
    return cells


def _add(result: MappingFile, record: tuple[int, list[str]], columns: dict[str, int], *, strict: bool) -> None:
    line, cells = record

    def cell(name: str) -> str:
        place = columns.get(name, -1)
        return _own_text(cells[place].strip()) if 0 <= place < len(cells) else ""

    row = Row(line, cell(MARKETPLACE), cell(STORE))
    result.rows.append(row)
    width = len(_trimmed(cells))
    needed = max(columns[STORE], columns[MARKETPLACE]) + 1
    if len(cells) < needed:
        row.problem, row.column = f"Only {counted(len(cells), 'column')}, {needed} are needed", len(cells)
    elif strict and width > 3:
        row.problem, row.column = f"There are {width} columns, two or three are expected", 4
    else:
        _check(row, cell(QUANTITY), columns)


def _check(row: Row, quantity: str, columns: dict[str, int]) -> None:
    for name, text in ((STORE, row.target), (MARKETPLACE, row.seller_sku)):
        problem = ""
        if not text:
            problem = f"The {name} is empty"
        elif _BREAK.search(text):
            problem = f"The {name} has a line break in it; is a quote missing?"
        elif len(text) > LONGEST_SKU and (name == MARKETPLACE or not looks_special(text)):
            problem = f"The {name} has {len(text)} letters; a SKU has at most {LONGEST_SKU}"
        if problem:
            row.problem, row.column = problem, columns[name] + 1
            return
        if text[0] in "=+-@":
            row.notes.append(f"The {name} begins with {text[0]} and was taken as text")
    if quantity:
        whole = quantity.isascii() and quantity.isdecimal() and len(quantity) < 9
        if not whole or not 1 <= int(quantity) <= MOST_UNITS:
            row.problem = f"The Quantity is a whole number from 1 to {MOST_UNITS:,}, not “{quantity[:20]}”"
            row.column = columns[QUANTITY] + 1
            return
        row.quantity = int(quantity)
    _check_parts(row, columns)


def _check_parts(row: Row, columns: dict[str, int]) -> None:
    if not looks_special(row.target) and row.quantity == 1:
        return
    try:
        parts = row.parts()
    except ValueError as error:
        row.problem, row.column = str(error), columns[STORE] + 1
        return
    if any(units > MOST_UNITS for _, units in parts):
        row.problem = f"Quantity times the bundle's own is more than {MOST_UNITS:,}"
        row.column = columns.get(QUANTITY, columns[STORE]) + 1


def _mark_duplicates(rows: list[Row]) -> None:
    """Of rows with the same marketplace SKU the last that can be saved wins; each names the other."""
    last: dict[str, Row] = {}
    for row in rows:
        if row.problem:
            continue
        before = last.get(row.seller_sku)
        if before is not None:
            before.duplicate = True
            before.notes.append(f"Line {row.line} has the same Marketplace SKU and is the one that counts")
            row.notes.append(f"Line {before.line} has the same Marketplace SKU; this one counts")
        last[row.seller_sku] = row
