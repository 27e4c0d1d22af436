"""What buyers write into a listing's questions: since 2026 answers with a question's id, before that property 54."""

from __future__ import annotations

from typing import Any

from connectors.sandbox.etsy.state import Doc, number
from connectors.sandbox.platforms import Refusal

PROPERTY = 54
"""The property under which Etsy shows a buyer's personalization among a transaction's variations."""
_SAMPLES = ("For Ada, with love", "M & R", "Home sweet home")


def question_id(item_id: str, question: str) -> int:
    """Return the id of a listing's question, the same at every start."""
    return number(f"question:{item_id}:{question}", 1_000_000_000_000, 900_000_000_000)


def answers(given: Any, line: Doc, field: str) -> list[Doc]:
    """Read `customization`: {question: answer}, true (the listing's own questions answered) or a text (as before 2026).

    Returns rows with `question`, `answer` and `question_id`, None for the old form. Raises Refusal.
    """
    if given is True:
        asked = [str(row["question"]) for row in line["questions"]] or ["Personalization"]
        given = {question: _SAMPLES[place % len(_SAMPLES)] for place, question in enumerate(asked)}
    if isinstance(given, str):
        return [{"question": "Personalization", "answer": given, "question_id": None}]
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Refusal(field, "an object of question and answer, a text, or true is wanted")
    return [
        {"question": str(question), "answer": answer, "question_id": question_id(line["item_id"], str(question))}
        for question, answer in given.items()
    ]
