"""Customization archives (Amazon Custom): owed on import, fetched and kept sealed, erased with the buyer (F149, F150).

The row and its link exist from the moment the order is saved, so the store order carries the link without waiting for
the fetch. The marketplace's own link is short-lived and stays with the buyer's details; when it is refused, the order is
read again for a fresh one. What was fetched is a stranger's file: `connectors.fetch` says from where it may come,
`orders.domain.customization` what it may hold.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.db.models import F
from django.urls import reverse
from django.utils.timezone import now

from accounts import connections
from accounts.models import MarketplaceAccount
from connectors.contract.errors import (
    AuthorizationExpired,
    ConnectorError,
    NotFound,
    RateLimited,
    Rejected,
    TransientError,
)
from orders import personal
from orders.domain import customization
from orders.domain.customization import BadArchive, Customization
from orders.models import Archive, Buyer, Order, OrderEvent, OrderLine
from orders.reasons import MARKETPLACES
from salestio import routes, tenancy
from salestio.outbox import dispatch
from salestio.outbox.dispatch import NotYet

log = logging.getLogger(__name__)
HANDLER = "orders.archives.fetch"
TRIES = 10
"""Tries by itself; the waits between them double up to a quarter of an hour. Then only *Fetch again* tries."""
WARN_AFTER = 3
"""Failed tries after which the merchant is told: until then it may be a passing trouble of the marketplace."""
RECONNECT_SECONDS = 900.0
SALT = "orders.archives"

PROBLEMS: dict[str, str] = {
    "LINK_REFUSED": "{marketplace} refused the link to the file. It is asked for a fresh one.",
    "NO_LINK": "{marketplace} gives no link to the file any more.",
    "UNREACHABLE": "{marketplace} did not deliver the file.",
    "NOT_ALLOWED": "The link does not lead to {marketplace}'s file server, so it was not followed.",
    "TOO_LARGE": "The file is larger than 25 MB.",
    customization.NOT_A_ZIP: "The file is damaged or is no ZIP.",
    customization.TOO_MANY_FILES: "The ZIP holds more than 200 files.",
    customization.TOO_LARGE_INSIDE: "The ZIP is larger than 100 MB when unpacked.",
    customization.BAD_NAME: "The ZIP holds a file whose name leads out of its folder.",
    customization.LOCKED: "The ZIP is locked with a password.",
    customization.PROGRAM_INSIDE: "The ZIP holds a program or a web page, so it is not kept.",
}
"""Why a fetch failed → what the merchant reads."""

AGAIN = frozenset({"LINK_REFUSED", "NO_LINK", "UNREACHABLE", customization.NOT_A_ZIP})
"""Problems that may pass; with any other, trying again by itself would bring the same file."""

_CODES = {
    "link_refused": "LINK_REFUSED",
    "no_link": "NO_LINK",
    "not_a_file": "LINK_REFUSED",
    "not_allowed": "NOT_ALLOWED",
    "not_public": "NOT_ALLOWED",
    "too_large": "TOO_LARGE",
}


def sentence(problem: str, platform: str) -> str:
    """Return why a fetch failed, in words."""
    pattern = PROBLEMS.get(problem, PROBLEMS["UNREACHABLE"])
    return pattern.format(marketplace=MARKETPLACES.get(platform, "the marketplace"))


# ── owing ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def expect(order: Order, urls: Mapping[str, str]) -> None:
    """Make sure each customized line has its row, and owe the fetch of those not kept yet. In the intake's transaction.

    `urls` is line id → the marketplace's link, as it tells it now. A kept archive is not fetched again by itself: the
    link changes with every reading, the file does not.
    """
    wanted = [line_id for line_id, url in urls.items() if url]
    if not wanted:
        return
    Archive.objects.bulk_create(
        [Archive(merchant_id=order.merchant_id, order_id=order.pk, line_id=line_id) for line_id in wanted],
        ignore_conflicts=True,
    )
    for pk in Archive.objects.filter(
        order_id=order.pk, line_id__in=wanted, state=Archive.State.PENDING, attempts=0
    ).values_list("pk", flat=True):
        _owe(pk)


def _owe(archive_id: int) -> None:
    # In the merchant's own lane, not the store's: a slow file server must not keep a cancellation waiting.
    dispatch.owe(handler=HANDLER, key=str(archive_id), subject={"archive_id": archive_id})


def fetch_again(archive: Archive, *, actor: str) -> None:
    """Fetch an archive anew, with all its tries; a kept one stays until the new one has come. In a scope."""
    state = Archive.State.KEPT if archive.size else Archive.State.PENDING
    Archive.objects.filter(pk=archive.pk).update(state=state, problem="", attempts=0)
    _note(archive, "person", "CUSTOMIZATION_ASKED", actor=actor)
    _owe(archive.pk)


# ── fetching ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def fetch(merchant_id: int, archive_id: int) -> None:
    """Fetch one archive and keep it; the outbox's handler. Raises `TransientError` or `RateLimited` to be tried again.

    An order that was erased meanwhile brings nothing back: its row is gone, and nothing is written without it.
    """
    with tenancy.scope(merchant_id):
        archive = (
            Archive.objects.defer("sealed", "summary_sealed")
            .select_related("order__account__store")
            .filter(pk=archive_id)
            .first()
        )
        buyer = Buyer.objects.filter(order_id=archive.order_id).first() if archive else None
        if archive is None or buyer is None:
            return
        url = personal.unseal(buyer.sealed).customization_urls.get(archive.line_id, "")
    try:
        content = _content(archive, url)
        found = customization.read(content)
    except RateLimited:
        raise
    except AuthorizationExpired as error:
        # Only connecting again mends it; the account says so itself, and the tries are kept for afterwards.
        raise NotYet(RECONNECT_SECONDS) from error
    except BadArchive as error:
        _failed(merchant_id, archive, error.code)
    except Rejected as error:
        _failed(merchant_id, archive, _CODES.get(error.code, "LINK_REFUSED"))
    except ConnectorError:
        _failed(merchant_id, archive, "UNREACHABLE")
    else:
        _keep(merchant_id, archive, content, found)


def _content(archive: Archive, url: str) -> bytes:
    """Return the file; a link that is refused is asked for anew, once."""
    account = archive.order.account
    files = connections.files(account.platform)
    # A retry finds a link that may have expired while it waited.
    if url and archive.attempts == 0:
        try:
            return bytes(files.fetch(url))
        except Rejected as error:
            if error.code not in ("link_refused", "not_a_file"):
                raise
    return bytes(files.fetch(_fresh_link(account, archive)))


def _fresh_link(account: MarketplaceAccount, archive: Archive) -> str:
    """Read the order again for its link. Raises `NotFound` (code `NO_LINK`) when the marketplace gives none."""
    order = connections.marketplace(account).get_order(archive.order.marketplace_order_id)
    url = order.personal.customization_urls.get(archive.line_id, "")
    if not url:
        raise NotFound("The marketplace gives no link to the file", code="no_link", platform=account.platform)
    return url


def _keep(merchant_id: int, archive: Archive, content: bytes, found: Customization) -> None:
    sealed = settings.KEY_RING.seal_bytes(content)
    with tenancy.scope(merchant_id):
        kept = Archive.objects.filter(pk=archive.pk).update(
            state=Archive.State.KEPT, problem="", sealed=sealed, summary_sealed=settings.KEY_RING.seal(found.as_json()),
            size=len(content), tried_at=now(), fetched_at=now(),
        )  # fmt: skip
        if kept:
            _note(archive, "import", "CUSTOMIZATION_KEPT", files=found.files, bytes=len(content))
            routes.emit("alert.close", kind="customization", key=_alert_key(archive))


def _failed(merchant_id: int, archive: Archive, code: str) -> None:
    """Note a failed try; raise for the next one where there may be one."""
    with tenancy.scope(merchant_id):
        mine = Archive.objects.filter(pk=archive.pk)
        # One that was kept before stays readable: only this try failed.
        if not mine.update(attempts=F("attempts") + 1, tried_at=now(), problem=code):
            return
        mine.filter(size=0).update(state=Archive.State.FAILED)
        attempts = archive.attempts + 1
        last = code not in AGAIN or attempts >= TRIES
        if archive.problem != code or last:
            _note(archive, "import", "CUSTOMIZATION_FAILED", problem=code, attempt=attempts)
        if last or attempts == WARN_AFTER:
            order = archive.order
            routes.emit(
                "alert.open", kind="customization", key=_alert_key(archive),
                data={"order": order.marketplace_order_id, "order_id": order.pk, "platform": order.platform,
                      "line": _line_number(archive), "text": sentence(code, order.platform)},
            )  # fmt: skip
    if not last:
        raise TransientError(sentence(code, archive.order.platform), platform=archive.order.platform)


def _alert_key(archive: Archive) -> str:
    return f"{archive.order_id}:{archive.pk}"


def _line_number(archive: Archive) -> int:
    found = OrderLine.objects.filter(order_id=archive.order_id, remote_id=archive.line_id)
    return found.values_list("number", flat=True).first() or 0


def _note(archive: Archive, stage: str, code: str, *, actor: str = "", attempt: int = 0, **data: Any) -> None:
    OrderEvent.objects.create(
        merchant_id=archive.merchant_id, order_id=archive.order_id, stage=stage, code=code, actor=actor, attempt=attempt,
        data={"line": _line_number(archive), **data},
    )  # fmt: skip


# ── reading what is kept ─────────────────────────────────────────────────────────────────────────────────────────────


def summary(archive: Archive) -> Customization | None:
    """Return what can be read of a kept archive, None for one that is not kept. Raises `UnreadableSecret`."""
    if not archive.summary_sealed:
        return None
    return Customization.of_json(settings.KEY_RING.open(bytes(archive.summary_sealed)))


def content(archive_id: int) -> bytes | None:
    """Return the ZIP as it came, None when it is not kept. Needs an open scope. Raises `UnreadableSecret`."""
    sealed = Archive.objects.filter(pk=archive_id).values_list("sealed", flat=True).first()
    return settings.KEY_RING.open_bytes(bytes(sealed)) if sealed else None


def of_orders(order_ids: Iterable[int]) -> dict[int, list[Archive]]:
    """Return the archives of these orders without their files. One query; in a scope."""
    found: dict[int, list[Archive]] = {}
    for archive in Archive.objects.defer("sealed").filter(order_id__in=list(order_ids)).order_by("pk"):
        found.setdefault(archive.order_id, []).append(archive)
    return found


# ── the link in the store order ──────────────────────────────────────────────────────────────────────────────────────


def link(archive: Archive) -> str:
    """Return the address that shows this archive without signing in: signed, the same each time, until it is ended.

    Nobody can make or guess one without our key; it opens nothing once the archive is erased or the link was ended.
    """
    return f"{settings.WEB_URL}{reverse('orders:shared', args=[token(archive)])}"


def token(archive: Archive) -> str:
    """Return the part of the link that opens the archive."""
    said = [archive.merchant_id, archive.pk, archive.link_number]
    return signing.Signer(salt=SALT, sep=".").sign_object(said)


def whose(text: str) -> tuple[int, int, int] | None:
    """Return (merchant, archive, number of the link) of a genuine token, None for any other text. Asks no table."""
    try:
        said = signing.Signer(salt=SALT, sep=".").unsign_object(text)
    except (signing.BadSignature, ValueError):
        return None
    if not (isinstance(said, list) and len(said) == 3 and all(type(one) is int for one in said)):
        return None
    return said[0], said[1], said[2]


def shared(archive_id: int, number: int) -> Archive | None:
    """Return the archive a link opens, None when the link has ended: by hand, or with the buyer's clock. In a scope."""
    return (
        Archive.objects.defer("sealed")
        .select_related("order__account")
        .filter(pk=archive_id, link_number=number, link_open=True, order__buyer__delete_after__gt=now())
        .first()
    )


def end_link(archive: Archive, *, actor: str) -> None:
    """End the link: whoever has it sees nothing any more. In a scope."""
    Archive.objects.filter(pk=archive.pk).update(link_open=False, link_number=F("link_number") + 1)
    _note(archive, "person", "CUSTOMIZATION_LINK_ENDED", actor=actor)


def new_link(archive: Archive, *, actor: str) -> None:
    """Make a new link; one that was given out before stays ended. In a scope."""
    Archive.objects.filter(pk=archive.pk, link_open=False).update(link_open=True)
    _note(archive, "person", "CUSTOMIZATION_LINK_MADE", actor=actor)
