"""What the buyer asked for, on the order's page and on the shared page: readable, safe to show, and only as long as it may be."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from connectors.contract.types import Address, PersonalDetails
from orders import archive_views, archives, personal
from orders.domain import customization
from orders.models import Archive, Buyer, Order, OrderEvent
from salestio import tenancy
from salestio.outbox.models import OutboxRow
from tests.factories import Cast, amazon_line
from tests.pages.conftest import save_order
from tests.pages.test_orders_page import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

LINE = "L-7"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
AREA = {"label": "Engraving", "text": "For <b>Ada</b>", "fontFamily": "Georgia", "colorName": "Navy", "fill": "#1f3a6e"}
TREE = {
    "type": "PreviewContainerCustomization",
    "label": "Front",
    "snapshot": {"imageName": "preview.png"},
    "children": [],
}
DOCUMENT = {
    "version3.0": {"customizationInfo": {"surfaces": [{"name": "Front", "areas": [AREA]}]}},
    "customizationData": TREE,
}
HOME = Address(name="Ada", line1="1 A St", city="C", country="US")


def zipped() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as files:
        # An entry's own info carries no time of day: the same bytes whenever it is made.
        files.writestr(zipfile.ZipInfo("item.json"), json.dumps(DOCUMENT))
        files.writestr(zipfile.ZipInfo("preview.png"), PNG)
        files.writestr(zipfile.ZipInfo("evil.svg"), "<svg onload='alert(1)'/>")
    return made.getvalue()


def customized(cast: Cast, *, kept: bool = True, **more: Any) -> tuple[Order, Archive]:
    """Import an order with a customized line; its archive is kept, or still to be fetched."""
    details = PersonalDetails(
        buyer_name="Ada", shipping=HOME, customization_urls={LINE: "https://zme-caps.amazon.com/t/a/b/1"}, **more
    )
    order = save_order(cast, amazon_line("NP-MUG", line_id=LINE), personal=details)
    return order, keep(cast, order, zipped()) if kept else row_of(cast, order)


def row_of(cast: Cast, order: Order) -> Archive:
    with tenancy.scope(cast.id):
        return Archive.objects.select_related("order__account").get(order_id=order.pk)


def keep(cast: Cast, order: Order, content: bytes) -> Archive:
    archives._keep(cast.id, row_of(cast, order), content, customization.read(content))
    return row_of(cast, order)


def link_of(cast: Cast, archive: Archive) -> str:
    """Return the path of the shared link."""
    with tenancy.scope(cast.id):
        link = archives.link(archive)
    return link[link.index("/customization/") :]


def changed(cast: Cast, archive: Archive, **fields: Any) -> None:
    with tenancy.scope(cast.id):
        Archive.objects.filter(pk=archive.pk).update(**fields)


# ── the order's page ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_line_shows_what_the_buyer_wrote_with_font_color_picture_and_download(
    pages: Client, merchant: Cast
) -> None:
    order, archive = customized(merchant)

    answer = pages.get(f"/orders/{order.pk}/")
    html, text = answer.content.decode(), text_of(answer)

    assert "Engraving For <b>Ada</b> Georgia, Navy" in text or "Engraving For &lt;b&gt;Ada" in text
    assert "For &lt;b&gt;Ada&lt;/b&gt;" in html and "For <b>Ada</b>" not in html
    assert 'fill="#1f3a6e"' in html and "Preview, Front" in html
    assert f'src="/orders/{order.pk}/customization/{archive.pk}/picture/1/"' in html
    assert "Download ZIP" in text and "zme-caps" not in html


def test_a_picture_is_sent_as_a_picture_and_nothing_else_is(pages: Client, merchant: Cast) -> None:
    order, archive = customized(merchant)
    base = f"/orders/{order.pk}/customization/{archive.pk}"

    picture = pages.get(f"{base}/picture/1/")

    assert (picture.content, picture["Content-Type"]) == (PNG, "image/png")
    assert picture["X-Content-Type-Options"] == "nosniff"
    assert picture["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert picture["Content-Disposition"] == f'inline; filename="customization-{archive.pk}-1.png"'
    assert picture["Cache-Control"] == "private, no-store"
    assert [pages.get(f"{base}/picture/{number}/").status_code for number in (0, 2, 3)] == [404, 404, 404]


def test_the_zip_is_given_as_it_came_to_be_saved(pages: Client, merchant: Cast) -> None:
    order, archive = customized(merchant)

    answer = pages.get(f"/orders/{order.pk}/customization/{archive.pk}/")

    assert (answer.content, answer["Content-Type"]) == (zipped(), "application/zip")
    assert answer["Content-Disposition"] == f'attachment; filename="customization-{order.marketplace_order_id}-1.zip"'


def test_an_archive_that_is_not_there_yet_says_so(pages: Client, merchant: Cast) -> None:
    order, archive = customized(merchant, kept=False)

    assert "Its file is being fetched from Amazon" in text_of(pages.get(f"/orders/{order.pk}/"))
    assert pages.get(f"/orders/{order.pk}/customization/{archive.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("problem", "attempts", "words"),
    [("UNREACHABLE", 2, "Amazon did not deliver the file. It is tried again by itself."),
     ("UNREACHABLE", archives.TRIES, "Amazon did not deliver the file."), ("TOO_LARGE", 1, "The file is larger than 25 MB."),
     (customization.PROGRAM_INSIDE, 1, "The ZIP holds a program or a web page, so it is not kept.")],
)  # fmt: skip
def test_a_failed_fetch_says_why_and_offers_to_fetch_again(
    pages: Client, merchant: Cast, problem: str, attempts: int, words: str
) -> None:
    order, archive = customized(merchant, kept=False)
    changed(merchant, archive, state="failed", problem=problem, attempts=attempts)

    text = text_of(pages.get(f"/orders/{order.pk}/"))
    assert words in text and "Fetch again" in text
    assert ("tried again by itself" in text) is (problem == "UNREACHABLE" and attempts < archives.TRIES)

    with tenancy.scope(merchant.id):
        OutboxRow.objects.update(state="done")
    answer = pages.post(f"/orders/{order.pk}/customization/{archive.pk}/again/")

    assert answer.status_code == 302
    assert (row_of(merchant, order).state, row_of(merchant, order).attempts) == ("pending", 0)
    with tenancy.scope(merchant.id):
        assert OutboxRow.objects.filter(handler=archives.HANDLER, state="pending").count() == 1
        assert OrderEvent.objects.get(code="CUSTOMIZATION_ASKED").actor


def test_every_problem_has_its_sentence() -> None:
    codes = {value for name, value in vars(customization).items() if name.isupper() and isinstance(value, str)}

    assert codes <= set(archives.PROBLEMS) and set(archives.PROBLEMS) >= archives.AGAIN
    assert all("{" not in archives.sentence(code, "amazon") for code in archives.PROBLEMS)


def test_a_viewer_reads_and_changes_nothing(as_role: Callable[[str], Client], merchant: Cast) -> None:
    order, archive = customized(merchant)
    viewer = as_role("viewer")
    base = f"/orders/{order.pk}/customization/{archive.pk}"

    assert "Engraving" in text_of(viewer.get(f"/orders/{order.pk}/"))
    assert viewer.get(f"{base}/").status_code == 200
    assert [viewer.post(f"{base}/{what}/", {"do": "end"}).status_code for what in ("again", "link")] == [403, 403]


def test_answers_gift_message_and_the_buyers_note_are_read_as_text(pages: Client, merchant: Cast) -> None:
    details = PersonalDetails(
        buyer_name="Ada", shipping=HOME, buyer_notes="Ring twice\n<i>please</i>", gift_messages={LINE: "With love"},
        line_notes={LINE: (("Text to engrave", "Ada & Ben"), ("", "M & R 2019"))},
    )  # fmt: skip
    order = save_order(merchant, amazon_line("NP-MUG", line_id=LINE), personal=details)

    answer = pages.get(f"/orders/{order.pk}/")
    html, text = answer.content.decode(), text_of(answer)

    assert "Text to engrave Ada & Ben Personalization M & R 2019" in text.replace("&amp;", "&")
    assert "Gift message With love" in text and "Note from the buyer Ring twice" in text
    assert "<i>please</i>" not in html


def test_support_sees_that_there_is_something_and_not_what(client: Client, merchant: Cast) -> None:
    from accounts.models import User

    order, archive = customized(
        merchant,
        buyer_notes="Ring twice",
        gift_messages={LINE: "With love"},
        line_notes={LINE: (("Text", "Ada & Ben"),)},
    )
    staff = User.objects.create_user(
        "s@support.example", "a long password of support", is_staff=True, is_superuser=True
    )
    client.force_login(staff)
    assert client.post(f"/admin/accounts/merchant/{merchant.id}/open/", {"reason": "asked for help"}).status_code == 302

    page = client.get(f"/orders/{order.pk}/")
    html = page.content.decode()

    assert page.status_code == 200 and "Support does not see how" in html
    assert not any(word in html for word in ("Engraving", "Ring twice", "With love", "Ada &amp; Ben", "/picture/"))
    base = f"/orders/{order.pk}/customization/{archive.pk}"
    assert [client.get(f"{base}/{what}").status_code for what in ("", "picture/1/")] == [403, 403]


def test_an_erased_buyer_leaves_nothing_of_it(pages: Client, merchant: Cast) -> None:
    order, archive = customized(merchant, line_notes={LINE: (("Text", "Ada & Ben"),)})
    link = link_of(merchant, archive)

    with tenancy.scope(merchant.id):
        personal.erase([order.pk], why="test")

    html = pages.get(f"/orders/{order.pk}/").content.decode()
    assert "Engraving" not in html and "Ada &amp; Ben" not in html and "customization/" not in html
    assert pages.get(f"/orders/{order.pk}/customization/{archive.pk}/").status_code == 404
    assert Client().get(link).status_code == 410


# ── the shared link ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_has_the_link_sees_it_and_nobody_is_told_of_it(merchant: Cast) -> None:
    order, archive = customized(merchant)
    link = link_of(merchant, archive)
    nobody = Client()

    page = nobody.get(link)
    html = page.content.decode()

    assert page.status_code == 200 and order.marketplace_order_id in html and "Engraving" in html
    assert "1 A St" not in html, "only what is needed to make the item"
    for answer in (page, nobody.get(f"{link}picture/1/"), nobody.get(f"{link}download/")):
        assert answer.status_code == 200
        assert answer["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Cache-Control"] == "private, no-store"
    assert f"{link}picture/1/" in html and f"{link}download/" in html
    assert nobody.get(f"{link}download/").content == zipped()
    assert nobody.head(link).status_code == 200
    assert [nobody.post(path).status_code for path in (link, f"{link}download/")] == [405, 405]


def test_the_link_is_the_same_each_time_and_another_for_each_archive(merchant: Cast) -> None:
    _, one = customized(merchant)
    _, other = customized(merchant, kept=False)

    assert link_of(merchant, one) == link_of(merchant, one) != link_of(merchant, other)


def test_a_link_with_any_letter_changed_opens_nothing(merchant: Cast) -> None:
    _, archive = customized(merchant)
    token = link_of(merchant, archive).split("/")[2]

    for at in range(0, len(token) - 1, 5):
        changed_token = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert archives.whose(changed_token) is None, at


def test_an_ended_link_shows_nothing_and_a_new_one_is_another(pages: Client, merchant: Cast) -> None:
    order, archive = customized(merchant)
    old = link_of(merchant, archive)
    base = f"/orders/{order.pk}/customization/{archive.pk}"

    assert pages.post(f"{base}/link/", {"do": "end"}).status_code == 302
    assert [Client().get(f"{old}{rest}").status_code for rest in ("", "picture/1/", "download/")] == [410, 410, 410]
    assert pages.get(f"{base}/").status_code == 200, "the merchant's own page goes on"
    assert "Make a shared link" in text_of(pages.get(f"/orders/{order.pk}/"))

    pages.post(f"{base}/link/", {"do": "new"})
    new = link_of(merchant, row_of(merchant, order))
    assert (Client().get(old).status_code, Client().get(new).status_code) == (410, 200)
    assert pages.post(f"{base}/link/", {"do": "x"}).status_code == 400


def test_the_link_ends_with_the_buyers_clock_even_before_the_purge_has_run(merchant: Cast) -> None:
    order, archive = customized(merchant)
    with tenancy.scope(merchant.id):
        Buyer.objects.filter(order_id=order.pk).update(delete_after=now() - timedelta(seconds=1))

    assert Client().get(link_of(merchant, archive)).status_code == 410


def test_a_link_whose_file_is_on_its_way_says_so(merchant: Cast) -> None:
    _, archive = customized(merchant, kept=False)

    page = Client().get(link_of(merchant, archive))

    assert page.status_code == 200 and "is being fetched" in page.content.decode()
    assert Client().get(link_of(merchant, archive) + "download/").status_code == 404


def test_asking_too_often_is_429_for_that_address_only(merchant: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    _, archive = customized(merchant)
    link = link_of(merchant, archive)
    monkeypatch.setattr(archive_views, "BURST", 4.0)
    monkeypatch.setattr(archive_views, "A_SECOND", 0.01)

    answers = [Client().get(link) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    assert int(answers[-1]["Retry-After"]) >= 1
    assert Client().get(link, REMOTE_ADDR="203.0.113.9").status_code == 200


def test_an_archive_nobody_can_open_any_more_breaks_no_page(pages: Client, merchant: Cast) -> None:
    order, archive = customized(merchant)
    changed(merchant, archive, sealed=b"other key", summary_sealed=b"other key")

    assert "cannot be opened" in text_of(pages.get(f"/orders/{order.pk}/"))
    assert Client().get(link_of(merchant, archive)).status_code == 200
    assert pages.get(f"/orders/{order.pk}/customization/{archive.pk}/").status_code == 404


def test_an_archive_without_words_or_pictures_can_be_downloaded(pages: Client, merchant: Cast) -> None:
    order, _ = customized(merchant, kept=False)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as files:
        files.writestr("print.svg", "<svg/>")
    keep(merchant, order, made.getvalue())

    text = text_of(pages.get(f"/orders/{order.pk}/"))

    assert "holds nothing that can be shown here" in text and "Download ZIP" in text


def test_two_customized_lines_have_two_links(merchant: Cast) -> None:
    details = PersonalDetails(
        buyer_name="Ada", shipping=HOME, customization_urls={"L-1": "https://a", "L-2": "https://b"}
    )
    order = save_order(
        merchant, amazon_line("NP-MUG", line_id="L-1"), amazon_line("NP-MUG", line_id="L-2"), personal=details
    )

    with tenancy.scope(merchant.id):
        found = archives.of_orders([order.pk])[order.pk]

    assert sorted(archive.line_id for archive in found) == ["L-1", "L-2"]
