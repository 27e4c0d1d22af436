"""Amazon Custom: the ZIP of what a buyer made of an item, behind a link that opens it for a while.

`customizedUrl` is made anew with every reading of the order, carries its own end and signature, and needs no token. The
ZIP holds a document in both forms sellers see (flat surfaces, and the tree of containers), a preview and, when the buyer
sent one, their picture. `customization` of the control API is `true`, a text, or
`{text, font?, color?, options?: {question: answer}, picture?: name, large?: bytes}`.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import struct
import zipfile
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from connectors.sandbox.amazon.common import AMAZON, Amazon
from connectors.sandbox.amazon.state import Doc
from connectors.sandbox.server import Operation, gate

LIFE = timedelta(minutes=10)
"""How long a link opens the archive. Amazon publishes no time; sellers report that old links are refused."""

COLORS = {"Black": "#111111", "Gold": "#b8860b", "Navy": "#1f3a6e", "White": "#ffffff"}
OPERATION = "downloadCustomization"


def setup(app: web.Application) -> None:
    """Add the route."""
    app.router.add_get("/amazon/customizations/{name}.zip", download)


def link(amazon: Amazon, base_url: str, order: Doc, line: Doc) -> str:
    """Return a fresh link to a line's archive; one the control API gave as an address stays as it is."""
    given = line["customization"]
    if isinstance(given, str) and "://" in given:
        return given
    name = f"{order['id']}-{line['item_id']}"
    ends = int((amazon.world.now() + LIFE).timestamp() * 1000)
    return f"{base_url}/amazon/customizations/{name}.zip?expires={ends}&signature={_signature(amazon, name, ends)}"


def _signature(amazon: Amazon, name: str, ends: int) -> str:
    secret = amazon.app["client_secret"].encode()
    return hmac.new(secret, f"{name}:{ends}".encode(), hashlib.sha256).hexdigest()


async def download(request: web.Request) -> web.Response:
    """The ZIP; 403 for a link that was changed or is over, as a file server says it: a short page, no JSON."""
    amazon = request.app[AMAZON]
    name = request.match_info["name"]
    order_id, _, item_id = name.rpartition("-")
    order = amazon.state.orders.get(order_id)
    await gate(request, Operation("amazon", order["seller"] if order else "", OPERATION))
    ends = request.query.get("expires", "")
    genuine = ends.isdigit() and hmac.compare_digest(
        _signature(amazon, name, int(ends)), request.query.get("signature", "")
    )
    if not genuine or datetime.fromtimestamp(int(ends) / 1000, UTC) < amazon.world.now():
        return web.Response(status=403, text="<html><body>Request has expired</body></html>", content_type="text/html")
    line = next((line for line in order["lines"] if line["item_id"] == item_id), None) if order else None
    if order is None or line is None or not line.get("customization"):
        raise web.HTTPNotFound
    return web.Response(body=archive(order, line), content_type="application/zip")


# ── the archive ──────────────────────────────────────────────────────────────────────────────────────────────────────


def wanted(given: Any) -> Doc:
    """Return what the buyer chose, with the usual where the control API said only that there is something."""
    said: Doc = {"text": given} if isinstance(given, str) else dict(given) if isinstance(given, dict) else {}
    color = str(said.get("color") or "Gold")
    return {
        "text": str(said.get("text") or "Your text here"),
        "font": str(said.get("font") or "Amazon Ember"),
        "color": color,
        "fill": COLORS.get(color, "#333333"),
        "options": {str(key): str(value) for key, value in (said.get("options") or {}).items()},
        "picture": str(said.get("picture") or ""),
        "large": int(said.get("large") or 0),
    }


def archive(order: Doc, line: Doc) -> bytes:
    """Return the ZIP: the document, the preview, and the buyer's own picture."""
    chosen = wanted(line["customization"])
    item = line["item_id"]
    stored = f"{hashlib.sha256(chosen['picture'].encode()).hexdigest()[:16]}.png" if chosen["picture"] else ""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr(f"{item}.json", json.dumps(_document(order, line, chosen, stored), ensure_ascii=False))
        files.writestr(f"{item}.png", _png(160, 100, chosen["fill"]))
        if stored:
            files.writestr(stored, _png(90, 90, "#2c3fae"))
        if chosen["large"]:
            files.writestr("print.svg", b"<svg/>" + b" " * chosen["large"], zipfile.ZIP_STORED)
    return packed.getvalue()


def _document(order: Doc, line: Doc, chosen: Doc, stored: str) -> Doc:
    areas: list[Doc] = [
        {
            "customizationType": "TextPrinting", "name": "Line 1", "label": "Engraving", "text": chosen["text"],
            "fontFamily": chosen["font"], "colorName": chosen["color"], "fill": chosen["fill"],
        }
    ]  # fmt: skip
    areas += [
        {"customizationType": "Options", "name": question, "label": question, "optionValue": answer}
        for question, answer in chosen["options"].items()
    ]
    return {
        "orderId": order["id"], "orderItemId": line["item_id"], "merchantId": order["seller"],
        "marketplaceId": order["marketplace_id"], "asin": line["asin"], "title": line["title"],
        "quantity": line["quantity"],
        "version3.0": {"customizationInfo": {"surfaces": [{"name": "Front", "areas": areas}]}},
        "customizationData": _tree(line, chosen, stored),
    }  # fmt: skip


def _tree(line: Doc, chosen: Doc, stored: str) -> Doc:
    parts: list[Doc] = [
        {"type": "TextCustomization", "identifier": "1", "label": "Engraving", "inputValue": chosen["text"]},
        {"type": "FontCustomization", "identifier": "2", "label": "Font", "fontSelection": {"family": chosen["font"]}},
        {
            "type": "ColorCustomization", "identifier": "3", "label": "Color",
            "colorSelection": {"name": chosen["color"], "value": chosen["fill"]},
        },
    ]  # fmt: skip
    parts += [
        {"type": "OptionCustomization", "label": question, "displayValue": answer, "optionSelection": {"name": answer}}
        for question, answer in chosen["options"].items()
    ]
    if stored:
        image = {"imageName": stored, "buyerFilename": chosen["picture"]}
        parts.append({"type": "ImageCustomization", "label": "Your picture", "image": image})
    surface = {
        "type": "PreviewContainerCustomization", "label": "Front", "snapshot": {"imageName": f"{line['item_id']}.png"},
        "children": [{"type": "FlatContainerCustomization", "children": parts}],
    }  # fmt: skip
    return {"type": "PageContainerCustomization", "children": [surface]}


def _png(width: int, height: int, color: str) -> bytes:
    """Return a picture of one color with a darker border."""
    full = bytes.fromhex(color[1:])
    dark = bytes(part * 2 // 3 for part in full)
    edge = b"\0" + dark * width
    row = b"\0" + dark * 4 + full * (width - 8) + dark * 4
    rows = edge * 4 + row * (height - 8) + edge * 4

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
