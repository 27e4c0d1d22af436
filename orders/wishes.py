"""What the buyer asked for on each line, as the order page and the shared page show it: read only, text and pictures.

Customization archives (Amazon), questions the buyer answered (Etsy's personalization) and messages on gift cards. All of
it is personal data: it goes with the buyer, and support sees that it is there, not what it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from connectors.contract.types import PersonalDetails
from orders import archives
from orders.domain.customization import Picture, Wish
from orders.models import Archive, Order
from orders.personal import MASK
from salestio.lib.crypto import UnreadableSecret


@dataclass(frozen=True, slots=True)
class PictureShown:
    """A picture of an archive and where we serve it."""

    url: str
    name: str


@dataclass(frozen=True, slots=True)
class ArchiveShown:
    """A customization archive on a page. `problem` is a sentence; a kept one may have one too, of a later try."""

    pk: int
    state: str
    wishes: tuple[Wish, ...]
    pictures: tuple[PictureShown, ...]
    size: str
    files: int
    problem: str
    trying: bool
    """It is tried again by itself."""
    download: str
    link: str
    """The shared link, empty when it was ended."""
    masked: bool = False
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class LineWishes:
    """What the buyer asked for on one line."""

    answers: tuple[tuple[str, str], ...] = ()
    gift_message: str = ""
    archive: ArchiveShown | None = None


def of_order(
    order: Order, details: PersonalDetails | None, *, masked: bool = False, framed: bool = False
) -> dict[str, LineWishes]:
    """Return line id → what was asked for, for the lines that have something. At most one query; in a scope.

    `masked` shows support that there is something, not what. `framed`: the page stands in a store's admin, where a
    picture is asked for without our session, so it comes by the shared link.
    """
    if details is None:
        return {}
    kept: Mapping[str, Archive] = {}
    if any(details.customization_urls.values()):
        kept = {archive.line_id: archive for archive in archives.of_orders([order.pk]).get(order.pk, [])}
    found: dict[str, LineWishes] = {}
    for line_id in {*details.line_notes, *details.gift_messages, *kept}:
        answers = tuple(
            (pair[0] or "Personalization", MASK if masked else pair[1])
            for pair in details.line_notes.get(line_id, ())
            if len(pair) == 2 and pair[1]
        )
        gift = details.gift_messages.get(line_id, "")
        archive = None
        if line_id in kept:
            archive = shown(kept[line_id], order, masked=masked, by_link=framed and kept[line_id].link_open)
        if answers or gift or archive:
            found[line_id] = LineWishes(answers, MASK if masked and gift else gift, archive)
    return found


def shown(archive: Archive, order: Order, *, masked: bool = False, by_link: bool = False) -> ArchiveShown:
    """Return an archive as a page shows it; `by_link`: its files are asked for by the shared link."""
    unreadable = False
    try:
        found = None if masked else archives.summary(archive)
    except UnreadableSecret:
        found, unreadable = None, True
    token = archives.token(archive) if by_link else ""

    def url(picture: Picture) -> str:
        if token:
            return reverse("orders:shared_picture", args=[token, picture.entry])
        return reverse("orders:archive_picture", args=[order.pk, archive.pk, picture.entry])

    download = (
        reverse("orders:shared_download", args=[token])
        if token
        else reverse("orders:archive", args=[order.pk, archive.pk])
    )
    return ArchiveShown(
        pk=archive.pk,
        state=archive.state,
        wishes=found.wishes if found else (),
        pictures=tuple(PictureShown(url(row), row.label or row.name) for row in found.pictures) if found else (),
        size=filesizeformat(archive.size) if archive.size else "",
        files=found.files if found else 0,
        problem=archives.sentence(archive.problem, order.platform) if archive.problem else "",
        trying=archive.problem in archives.AGAIN and 0 < archive.attempts < archives.TRIES,
        download="" if masked or not archive.size else download,
        link="" if masked or not archive.link_open else archives.link(archive),
        masked=masked,
        unreadable=unreadable,
    )
