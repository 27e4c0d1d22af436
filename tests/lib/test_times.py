"""The waits hang together, whatever they are divided by."""

from __future__ import annotations

import pytest

from salestio.lib.times import scaled


@pytest.mark.parametrize("divisor", [1, 5, 100])
def test_a_lease_outlives_the_longest_call_it_covers(divisor: float) -> None:
    times = scaled(divisor)

    assert times.lease > times.call_total > times.call_read


@pytest.mark.parametrize("divisor", [1, 5, 100])
def test_nothing_is_sent_again_before_the_last_look(divisor: float) -> None:
    times = scaled(divisor)

    assert times.resend_after <= times.lookup_waits[-1] < times.unknown_for


def test_a_divisor_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        scaled(0)
