"""The table of states."""

from __future__ import annotations

import pytest

from orders.domain.states import DUE_STATES, TABLE, ExportState, WrongTransition, check


def test_held_is_never_claimed_by_the_lane_and_created_never_again() -> None:
    assert set(DUE_STATES) == {"imported", "waiting", "sending", "unknown"}


def test_only_states_that_surely_have_no_store_order_can_be_canceled() -> None:
    can = {state for state, facts in TABLE.items() if "canceled" in facts.next}

    assert can == {
        ExportState.IMPORTED,
        ExportState.WAITING,
        ExportState.HELD,
        ExportState.SKIPPED,
        ExportState.UNKNOWN,
    }


@pytest.mark.parametrize(("before", "after"), [("sending", "canceled"), ("created", "held"), ("sending", "skipped")])
def test_a_change_the_table_does_not_allow_is_refused(before: str, after: str) -> None:
    with pytest.raises(WrongTransition):
        check(before, after)


def test_every_next_state_exists() -> None:
    assert all(ExportState(name) in TABLE for facts in TABLE.values() for name in facts.next)
