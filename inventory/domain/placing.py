"""Where the store really put an order's units, against where we reserved them. Pure (MECHANISMS 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hold:
    """A handed-over reservation of one order and variant; `location_id` None is *any*."""

    reservation_id: int
    quantity: int
    location_id: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """Units of that order and variant at a location; `part` is the store's id of that part of the order."""

    location_id: int
    quantity: int
    part: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """A piece of a reservation after the placing is known."""

    reservation_id: int
    quantity: int
    location_id: int | None
    """Where the units are reserved from now on."""
    placed: bool
    """They are surely taken from there; False where the store has not told, or put them elsewhere."""
    elsewhere: Place | None = None
    """Where the store put them instead, though the merchant's default warehouse is `location_id`."""


def distribute(holds: Sequence[Hold], places: Sequence[Place]) -> list[Share]:
    """Return the holds cut into shares, one a location. The quantities of each hold's shares add up to it.

    A hold at a location takes what was placed there first; what is left of it is *elsewhere*. A hold at *any* goes
    where the store put the units. Units the store told no place for stay as they are.
    """
    free = {n: place.quantity for n, place in enumerate(places)}
    shares: list[Share] = []
    for hold in sorted(holds, key=lambda hold: (hold.location_id is None, hold.reservation_id)):
        rest = hold.quantity
        for n in sorted(free, key=lambda n: places[n].location_id != hold.location_id):
            place, units = places[n], min(rest, free[n])
            if units <= 0:
                continue
            free[n] -= units
            rest -= units
            if hold.location_id in (None, place.location_id):
                shares.append(Share(hold.reservation_id, units, place.location_id, True))
            else:
                shares.append(Share(hold.reservation_id, units, hold.location_id, False, place))
        if rest:
            shares.append(Share(hold.reservation_id, rest, hold.location_id, False))
    return shares
