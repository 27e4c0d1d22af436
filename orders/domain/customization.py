"""Read a customization archive (Amazon Custom): a ZIP of a stranger, so it is looked over before anything is read of it.

Inside stands a JSON document beside the pictures the buyer sent. Sellers see two forms of it, often both in one file:
`version3.0` → `customizationInfo` → surfaces with areas, short and flat, and `customizationData`, a tree of containers.
Amazon publishes no schema; a field that is not known is left out, and the whole archive can always be downloaded.
"""

from __future__ import annotations

import io
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from salestio.lib.text import cut, storable

ENTRIES = 200
TOTAL_BYTES = 100 * 1024 * 1024
DOCUMENT_BYTES = 2 * 1024 * 1024
PICTURE_BYTES = 10 * 1024 * 1024
PICTURES = 20
FIELDS = 100
DEPTH = 20
TEXT_LENGTH = 1000

NOT_A_ZIP = "NOT_A_ZIP"
TOO_MANY_FILES = "TOO_MANY_FILES"
TOO_LARGE_INSIDE = "TOO_LARGE_INSIDE"
BAD_NAME = "BAD_NAME"
LOCKED = "LOCKED"
PROGRAM_INSIDE = "PROGRAM_INSIDE"

_PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf")
_PROGRAM_NAMES = re.compile(
    r"\.(exe|dll|com|bat|cmd|ps1|vbs|vbe|js|jse|wsf|wsh|hta|scr|msi|msp|jar|lnk|pif|cpl|reg|sh|app|apk|html?)\s*$", re.I
)
_DAMAGE = (
    zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, ValueError, zlib.error, lzma.LZMAError,
)  # fmt: skip
"""What reading an entry of a broken or odd archive raises."""
_SYMLINK = 0o120000
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Ways of packing that unpack no more than is asked for: with the others 16 bytes cost what 4 KB of packed zeros hold."""
_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF87a", "image/gif"), (b"GIF89a", "image/gif"),
)  # fmt: skip
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


class BadArchive(ValueError):
    """The file is not an archive we keep; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing the buyer chose or wrote: the question, the answer, and how it shall look."""

    label: str
    value: str
    font: str = ""
    color: str = ""
    swatch: str = ""
    """The color as #rrggbb, where it is told."""
    side: str = ""
    """The surface of the product, where there are several."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the archive: which entry it is, and how it is called."""

    entry: int
    name: str
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Customization:
    """What can be read of an archive."""

    wishes: tuple[Wish, ...] = ()
    pictures: tuple[Picture, ...] = ()
    files: int = 0

    def as_json(self) -> str:
        """Return it as text, to be kept."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of_json(cls, text: str) -> Customization:
        """Return what `as_json` wrote."""
        data = json.loads(text)
        return cls(
            tuple(Wish(**row) for row in data["wishes"]),
            tuple(Picture(**row) for row in data["pictures"]),
            data["files"],
        )


# ── the archive ──────────────────────────────────────────────────────────────────────────────────────────────────────


def read(content: bytes) -> Customization:
    """Return what an archive says. Raises `BadArchive` for one that must not be kept.

    Refused: no ZIP, more than 200 entries, more than 100 MB unpacked, names that lead out of a folder, locked entries,
    links, programs. Entries are never unpacked to disk, and none is read beyond the size it declares.
    """
    with _opened(content) as archive:
        entries = _checked(archive)
        document = _document(archive, entries)
        labels = _picture_labels(document)
        pictures: list[Picture] = []
        for number, entry in enumerate(entries):
            kind = _kind_of(_start(archive, entry))
            if kind and entry.file_size <= PICTURE_BYTES and len(pictures) < PICTURES:
                name = entry.filename.rsplit("/", 1)[-1]
                pictures.append(Picture(number, _text(name)[:120], kind, labels.get(name.casefold(), "")))
        files = sum(1 for entry in entries if not entry.is_dir())
        return Customization(tuple(_wishes(document)), tuple(pictures), files)


def picture(content: bytes, number: int) -> tuple[bytes, str]:
    """Return a picture of the archive and its type, told by its first bytes. Raises LookupError when it is none."""
    with _opened(content) as archive:
        entries = archive.infolist()
        if not 0 <= number < len(entries) or entries[number].file_size > PICTURE_BYTES:
            raise LookupError("no such picture")
        try:
            with archive.open(entries[number]) as opened:
                body = opened.read(PICTURE_BYTES + 1)
        except _DAMAGE as error:
            raise LookupError("the picture is damaged") from error
    kind = _kind_of(body)
    if not kind or len(body) > PICTURE_BYTES:
        raise LookupError("not a picture")
    return body, kind


def _opened(content: bytes) -> zipfile.ZipFile:
    if not content.startswith(b"PK\x03\x04"):
        raise BadArchive(NOT_A_ZIP)
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise BadArchive(NOT_A_ZIP) from error


def _checked(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > ENTRIES:
        raise BadArchive(TOO_MANY_FILES)
    if sum(entry.file_size for entry in entries) > TOTAL_BYTES:
        raise BadArchive(TOO_LARGE_INSIDE)
    for entry in entries:
        name = entry.filename
        if _leads_out(name) or _CONTROLS.search(name) or (entry.external_attr >> 16) & 0o170000 == _SYMLINK:
            raise BadArchive(BAD_NAME)
        if entry.flag_bits & 0x1:
            raise BadArchive(LOCKED)
        if entry.compress_type not in _BOUNDED:
            raise BadArchive(NOT_A_ZIP)
        if _PROGRAM_NAMES.search(name) or _start(archive, entry).startswith(_PROGRAMS):
            raise BadArchive(PROGRAM_INSIDE)
    return entries


def _leads_out(name: str) -> bool:
    plain = name.replace("\\", "/")
    return plain.startswith("/") or ":" in plain.split("/")[0] or ".." in plain.split("/")


def _start(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return an entry's first bytes. A damaged archive raises `BadArchive`."""
    if entry.is_dir() or not entry.file_size:
        return b""
    try:
        with archive.open(entry) as opened:
            return opened.read(16)
    except _DAMAGE as error:
        raise BadArchive(NOT_A_ZIP) from error


def _kind_of(start: bytes) -> str:
    return next((kind for magic, kind in _KINDS if start.startswith(magic)), "")


# ── its document ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _document(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> Mapping[str, Any]:
    """Return the archive's document; empty when there is none that can be read."""
    for entry in entries:
        if not entry.filename.lower().endswith(".json") or entry.file_size > DOCUMENT_BYTES:
            continue
        try:
            with archive.open(entry) as opened:
                found = json.loads(opened.read(DOCUMENT_BYTES).decode("utf-8-sig"))
        except (*_DAMAGE, RecursionError):
            continue
        if isinstance(found, dict) and ({"customizationData", "customizationInfo", "version3.0"} & set(found)):
            return found
    return {}


def _wishes(document: Mapping[str, Any]) -> list[Wish]:
    """Return what the buyer chose: by the flat form where there is one, else by the tree."""
    found = list(_of_surfaces(document)) or list(_of_tree(document.get("customizationData")))
    seen: dict[Wish, None] = {}
    for wish in found:
        seen.setdefault(wish)
    sides = {wish.side for wish in seen}
    kept = seen if len(sides) > 1 else [replace(wish, side="") for wish in seen]
    return list(kept)[:FIELDS]


def _of_surfaces(document: Mapping[str, Any]) -> Iterator[Wish]:
    """Read `surfaces` with their `areas`; the two names around them stand either way round."""
    outer = _map(document.get("version3.0")).get("customizationInfo")
    inner = _map(document.get("customizationInfo")).get("version3.0")
    for surface in _list(_map(outer or inner or document.get("customizationInfo")).get("surfaces")):
        side = _text(_map(surface).get("name"))
        for row in _list(_map(surface).get("areas")):
            area = _map(row)
            value = _text(area.get("text")) or _text(area.get("optionValue"))
            if value:
                yield Wish(
                    label=_text(area.get("label")) or _text(area.get("name")), value=value,
                    font=_text(area.get("fontFamily")), color=_text(area.get("colorName")),
                    swatch=_swatch(area.get("fill")), side=side,
                )  # fmt: skip


def _of_tree(root: Any) -> Iterator[Wish]:
    """Read the tree of containers, in its order."""
    for node, side in _nodes(root):
        label = _text(node.get("label")) or _text(node.get("name"))
        kind = node.get("type")
        if kind == "TextCustomization":
            wish = Wish(label, _text(node.get("inputValue")), side=side)
        elif kind == "FontCustomization":
            wish = Wish(label or "Font", _text(_map(node.get("fontSelection")).get("family")), side=side)
        elif kind == "ColorCustomization":
            chosen = _map(node.get("colorSelection"))
            wish = Wish(label or "Color", _text(chosen.get("name")), swatch=_swatch(chosen.get("value")), side=side)
        elif kind == "OptionCustomization":
            chosen = _map(node.get("optionSelection"))
            words = (node.get("displayValue"), chosen.get("displayValue"), chosen.get("label"), chosen.get("name"))
            wish = Wish(label, next(filter(None, map(_text, words)), ""), side=side)
        else:
            continue
        if wish.value:
            yield wish


def _picture_labels(document: Mapping[str, Any]) -> dict[str, str]:
    """Return file name → what the picture is: the preview, or the question it answers with the buyer's own name for it."""
    labels: dict[str, str] = {}
    for node, side in _nodes(document.get("customizationData")):
        preview = _text(_map(node.get("snapshot")).get("imageName"))
        if preview:
            labels[_last(preview)] = f"Preview, {side}" if side else "Preview"
        if node.get("type") == "ImageCustomization":
            image = _map(node.get("image"))
            name, theirs = _text(image.get("imageName")), _text(image.get("buyerFilename"))
            label = _text(node.get("label")) or "Picture"
            if name:
                labels[_last(name)] = f"{label}: {theirs}" if theirs else label
    return labels


def _nodes(root: Any) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Return every node of the tree with the surface it belongs to, parents first, no deeper than 20 levels."""
    waiting: list[tuple[Any, str, int]] = [(root, "", 0)]
    for _ in range(5000):
        if not waiting:
            return
        node, side, depth = waiting.pop()
        if not isinstance(node, dict) or depth > DEPTH:
            continue
        if node.get("type") == "PreviewContainerCustomization":
            side = _text(node.get("label")) or _text(node.get("name"))
        yield node, side
        waiting += [(child, side, depth + 1) for child in reversed(_list(node.get("children")))]


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    """Return a text or number without control characters and turned writing, cut to a length that can be shown."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return cut(_CONTROLS.sub("", storable(str(value))).strip(), TEXT_LENGTH)


def _swatch(value: Any) -> str:
    return value if isinstance(value, str) and _COLOR.fullmatch(value) else ""


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1].casefold()
