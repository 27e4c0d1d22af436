"""docs/features.md tells the truth that a program can check: every row once, every test, file and page named exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.urls import Resolver404, resolve

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "features.md").read_text()
STATES = ("done", "partly", "not")
PROOF = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)")


class Row(NamedTuple):
    """One line of the tables."""

    number: int
    feature: str
    state: str
    where: str
    proof: str
    remark: str


def rows() -> list[Row]:
    """Return the rows of all tables, in the order of the document."""
    found = []
    for line in TEXT.splitlines():
        if re.match(r"\| F\d+ \|", line):
            number, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            found.append(Row(int(number.removeprefix("F")), *cells))
    return found


@cache
def functions_in(path: str) -> frozenset[str]:
    """Return the names of the test functions of a file, those of classes included; empty when it is not there."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    nodes = ast.walk(ast.parse(file.read_text()))
    return frozenset(node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def test_every_row_of_the_list_stands_here_once_and_in_order() -> None:
    assert [row.number for row in rows()] == list(range(1, 189))


def test_every_row_has_one_of_three_states_and_the_sum_on_top_is_right() -> None:
    states = [row.state for row in rows()]

    assert [row for row in rows() if row.state not in STATES] == []
    assert ", ".join(f"{states.count(state)} {state}" for state in STATES) in TEXT


def test_what_works_names_a_place_and_a_proof_and_what_is_partly_there_says_what_is_missing() -> None:
    works = [row for row in rows() if row.state != "not"]

    assert [row.number for row in works if not row.where or not PROOF.search(row.proof)] == []
    assert [row.number for row in rows() if row.state == "partly" and not row.remark] == []
    assert [row.number for row in rows() if row.state == "not" and row.proof] == []


def test_every_test_named_exists() -> None:
    named = [(row.number, path, name) for row in rows() for path, name in PROOF.findall(row.proof)]

    assert len(named) > 100
    assert [one for one in named if one[2] not in functions_in(one[1])] == []


def test_every_file_and_page_named_exists() -> None:
    missing = []
    for row in rows():
        for word in re.findall(r"`([^`]+)`", f"{row.where} {row.remark}"):
            if re.fullmatch(r"[\w/]+\.\w+", word) and "/" in word:
                there = (ROOT / word).is_file()
            elif word.startswith("/"):
                there = leads_somewhere(word)
            else:
                continue
            if not there:
                missing.append((row.number, word))

    assert missing == []


def leads_somewhere(page: str) -> bool:
    """Say whether the app has a page at this address; <id> stands for any number."""
    try:
        resolve(page.replace("<id>", "1"))
    except Resolver404:
        return False
    return True


def test_every_link_and_picture_of_the_documents_leads_to_a_file() -> None:
    missing = []
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
            if "://" not in target and not (document.parent / target).exists():
                missing.append(f"{document.name}: {target}")

    assert missing == []
