"""Whether this database still belongs to this installation (MECHANISMS 15).

A copy of the database that is started elsewhere must not send orders to real stores. So the database remembers where it
is used: the host name of the web address (no port, no scheme; all loopback names are one) and an instance id that lies in
the data directory, or in `SALESTIO_INSTANCE_ID` where several machines share one database.
"""

from __future__ import annotations

import logging
import os
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.timezone import now

from salestio.models import SystemNote

log = logging.getLogger(__name__)
NOTE = "fingerprint"
FILE = "instance-id"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", ""})


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Where an installation runs. An instance that could not be read is empty, and then only the host counts."""

    host: str
    instance: str

    @property
    def text(self) -> str:
        """Return both as one text, to remember what was said about this place."""
        return f"{self.host}|{self.instance}"

    def same_as(self, value: dict[str, Any]) -> bool:
        """Say whether a stored fingerprint is this one."""
        known = str(value.get("instance", ""))
        return value.get("host") == self.host and (known == self.instance or not known or not self.instance)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The database was last used at another place; `lifted` are the merchants who said that this is the right one."""

    host: str
    lifted: frozenset[int]


def host_of(url: str) -> str:
    """Return the host name an address leads to, `loopback` for this machine's own names."""
    host = (urlsplit(url).hostname or "").lower()
    return "loopback" if host in LOOPBACK or host.startswith("127.") else host


@cache
def _instance_of(directory: Path) -> str:
    """Return the id that lies in the data directory, making it at the first start; "" when that cannot be."""
    place = directory / FILE
    try:
        if not place.exists():
            directory.mkdir(parents=True, exist_ok=True)
            # Several processes start at once: the link is made by one of them, whole, and the others read it.
            draft = directory / f"{FILE}.{os.getpid()}.{uuid.uuid4().hex}"
            draft.write_text(uuid.uuid4().hex)
            try:
                os.link(draft, place)
            except FileExistsError:
                log.debug("another process made the instance id")
            finally:
                draft.unlink()
        return place.read_text().strip()
    except OSError as error:
        log.error("the instance id cannot be kept; only the host name is compared", extra={"error": error.strerror})
        return ""


def own() -> Fingerprint:
    """Return this installation's fingerprint."""
    return Fingerprint(host_of(settings.WEB_URL), settings.INSTANCE_ID or _instance_of(Path(settings.DATA_DIR)))


def elsewhere() -> Elsewhere | None:
    """Return where the database was last used, if that is another place and nobody said that this is the right one.

    At the first start the place is remembered. Outside production a change is only noted: a demo moves about.
    """
    mine = own()
    value = SystemNote.objects.filter(name=NOTE).values_list("value", flat=True).first()
    if value is None:
        _remember(mine)
        return None
    if mine.same_as(value):
        return None
    if settings.MODE != "production":
        log.info("this database was last used elsewhere", extra={"host": value.get("host")})
        _remember(mine)
        return None
    lifted = value.get("lifted", {}).get(mine.text, [])
    return Elsewhere(str(value.get("host", "")), frozenset(int(one) for one in lifted))


def accept() -> None:
    """Remember this installation as the right one, for every merchant."""
    _remember(own())


def lift(merchant_id: int) -> None:
    """Remember that a merchant said this installation is the right one for them; the others' word is still wanted."""
    note = SystemNote.objects.select_for_update().get(name=NOTE)
    lifted = note.value.setdefault("lifted", {})
    lifted[own().text] = sorted({*lifted.get(own().text, []), merchant_id})
    note.save(update_fields=["value", "updated_at"])


def _remember(mine: Fingerprint) -> None:
    value = {"host": mine.host, "instance": mine.instance, "since": now().isoformat()}
    SystemNote.objects.update_or_create(name=NOTE, defaults={"value": value})
