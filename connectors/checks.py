"""What every platform's check after connecting (F9) looks at."""

from __future__ import annotations

from datetime import timedelta

from connectors.contract.types import Finding

CLOCK_LIMIT = timedelta(seconds=30)


def clock(label: str, offset: timedelta) -> Finding:
    """Compare our clock with a platform's, which is ahead of ours by `offset` (`Caller.clock_offset`)."""
    if abs(offset) <= CLOCK_LIMIT:
        return Finding("clock", True, f"Our clock and {label}'s agree.")
    seconds, ahead = round(abs(offset).total_seconds()), "behind" if offset > timedelta(0) else "ahead of"
    return Finding(
        "clock", False, f"Our clock is {seconds} s {ahead} {label}'s.", "Tell support: our server's clock must be set."
    )


def not_now(code: str, message: str) -> Finding:
    """Say that a point could not be looked at, in the platform's words."""
    return Finding(code, None, f"This could not be looked at now: {message.rstrip('.')}.")
