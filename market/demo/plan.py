"""Who takes part in a demonstration, decided by the options and the seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass

from market.errors import InputError

HONEST = "honest"
DEFAULT_ATTACKERS = "sign-flip=1,free-rider=1,copier=1"
OWNER_KEY, AGGREGATOR_KEY, FIRST_TRAINER_KEY = 0, 1, 2
"""Numbers of the devnet's public test keys."""


@dataclass(frozen=True)
class Member:
    """One trainer of a demonstration: a seat, a key, a behaviour and its own data."""

    seat: int
    kind: str
    data: str

    @property
    def key(self) -> int:
        """Number of its public test key."""
        return FIRST_TRAINER_KEY + self.seat


def attackers(text: str) -> dict[str, int]:
    """`KIND=N,KIND=N` or `none`. Raises InputError E187."""
    if text in ("", "none"):
        return {}
    found: dict[str, int] = {}
    for part in text.split(","):
        kind, equals, count = part.strip().partition("=")
        if not kind or (equals and not count.isdecimal()):
            raise InputError("E187", f"attackers: got {part!r}, expected KIND=N, for example copier=1")
        found[kind] = found.get(kind, 0) + (int(count) if equals else 1)
    return found


def sizes(text: str) -> list[int]:
    """Relative data sizes `1:2:4:8`. Raises InputError E187."""
    parts = text.split(":")
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError("E187", f"sizes: got {text!r}, expected positive numbers like 1:2:4:8")
    return [int(part) for part in parts]


def held_out_data(seed: int) -> str:
    """The held-out fifth of the digits, which no trainer has."""
    return f"sklearn:digits?test=1&seed={seed}"


def reference_key(people: list[Member]) -> int:
    """Number of the test key that signs the owner's reference: behind trainers, watcher and second aggregator."""
    return FIRST_TRAINER_KEY + len(people) + 2


@dataclass(frozen=True)
class OwnData:
    """The owner's forty samples, of the half of the held-out fifth that the model is not tested on then."""

    reference: str
    test: str


def own_data(seed: int) -> OwnData:
    """What the owner's reference trains on, and what is left to test on."""
    half = held_out_data(seed) + "&parts=2&part="
    return OwnData(reference=half + "0&limit=40", test=half + "1")


def members(
    trainers: int, wanted: dict[str, int], seed: int, alpha: float, size_text: str = ""
) -> list[Member]:
    """Seats 0 .. trainers - 1 with kinds shuffled by the seed; each has its own part of the digits.

    Attackers hold data like everybody (a sign-flipper trains). `size_text` gives relative sizes of equally
    distributed parts instead of a Dirichlet split. Raises InputError E187.
    """
    total = sum(wanted.values())
    if not 2 <= trainers <= 50:
        raise InputError("E187", f"trainers: got {trainers}, expected 2 to 50")
    if total * 2 >= trainers:
        raise InputError(
            "E187", f"attackers: {total} of {trainers} are a majority; what most agree on is what is paid"
        )
    kinds = [kind for kind, count in wanted.items() for _ in range(count)]
    kinds += [HONEST] * (trainers - total)
    random.Random(f"fairtrain demo {seed}").shuffle(kinds)
    if size_text and len(sizes(size_text)) != trainers:
        raise InputError(
            "E187", f"sizes: got {size_text!r} for {trainers} trainers, expected one number for each"
        )
    spread = f"sizes={size_text}" if size_text else f"parts={trainers}&alpha={alpha}"
    return [
        Member(seat, kind, f"sklearn:digits?part={seat}&{spread}&seed={seed}")
        for seat, kind in enumerate(kinds)
    ]
