"""From sketches to every number of a round: weights, reputations, penalties, pay. Pure, no files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggregator.fixed import Ints, ints, products, spread
from aggregator.rows import Shape
from aggregator.rule import START_REPUTATION
from aggregator.state import STEPS, State, with_newcomers
from aggregator.steps import View, run


@dataclass(frozen=True)
class Seats:
    """Facts of a round about each of N seats, lists of bool.

    `sealed`: has sealed in this round. `included`: its update is counted (implies sealed). `first`: this is
    the round of its holder's first reveal.
    """

    sealed: Sequence[bool]
    included: Sequence[bool]
    first: Sequence[bool]

    def numbers(self) -> list[int]:
        """Numbers of the included seats."""
        return [seat for seat, is_in in enumerate(self.included) if is_in]


def gram_of(sketch: NDArray[np.int32]) -> Any:
    """Gram matrix of sketches: (W, 256) -> (W, W), kept as it fits. Zero rows cost nothing."""
    present = np.flatnonzero(sketch.any(axis=1)).tolist()
    lines = sketch[present].astype(np.int64)
    return spread(products(lines, lines), present, len(sketch))


def decide(
    shape: Shape,
    sketch: NDArray[np.int32],
    seats: Seats,
    state: State,
    reputation: Sequence[int],
    to_pay: int,
) -> View:
    """Run the whole program of a round; the view holds every step by name.

    `sketch`: int32 (W, 256), zero for missing rows and for seats not included. `state`, `reputation`: as the
    result below left them. `to_pay`: pot less fee, in smallest units, below 2^127.
    """
    return run(STEPS, view_of(shape, sketch, gram_of(sketch), seats, state, reputation, to_pay))


def view_of(
    shape: Shape,
    sketch: NDArray[np.int32],
    gram: Ints,
    seats: Seats,
    state: State,
    reputation: Sequence[int],
    to_pay: int,
) -> View:
    """The givens of a round, from which the program computes; arguments as in `decide`."""
    first = ints([int(x) for x in seats.first])
    before = with_newcomers(state, first)
    return View(
        shape=shape,
        included=seats.numbers(),
        n=sum(seats.included),
        is_included=ints([int(x) for x in seats.included]),
        is_sealed=ints([int(x) for x in seats.sealed]),
        is_first=first,
        sketch=sketch.astype(np.int64),
        gram=gram,
        root=ints([isqrt(square) for square in np.diagonal(gram).tolist()]),
        to_pay=to_pay,
        before_reputation=np.where(first == 1, START_REPUTATION, ints(list(reputation))),
        **{f"before_{name}": values for name, values in before.items()},
    )
