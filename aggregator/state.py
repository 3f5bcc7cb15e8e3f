"""What a result carries to the next: the named vectors and matrices of the rule.

The document is their entries in the order of `CARRIED`, int64 big-endian, vectors of N (`advice`: of 4) and
matrices of N x N row by row, nothing else. Reputations are carried in the accounts instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from aggregator import novelty, pay, rule
from aggregator.fixed import Ints, ints
from aggregator.steps import Step, View
from market.errors import DocumentError

STEPS: Final[list[Step]] = rule.STEPS + novelty.STEPS + pay.STEPS
"""The whole program of version 1, in order."""
CARRIED: Final[list[Step]] = [step for step in STEPS if step.carried and step is not rule.reputation]

State = Mapping[str, Ints]
"""Name of a carried step -> Ints (N,) or (N, N)."""


def empty_state(seats: int) -> State:
    """The start values: zero, but for advice."""
    return {step.name: step.start(seats) for step in CARRIED}


def state_of(view: View) -> State:
    """The carried steps of a computed round."""
    return {step.name: getattr(view, step.name) for step in CARRIED}


def with_newcomers(state: State, first: Ints) -> dict[str, Ints]:
    """The state that a round starts from: rows and columns of seats in their first round are start values."""
    fresh = first == 1
    out = {}
    for step in CARRIED:
        values = state[step.name].copy()
        if not step.begin:
            values[fresh] = 0
        if step.kind == "matrix":
            values[:, fresh] = 0
        out[step.name] = values
    return out


def state_bytes(state: State) -> bytes:
    """The state document."""
    return b"".join(state[step.name].ravel().astype(np.int64).astype(">i8").tobytes() for step in CARRIED)


def read_state(data: bytes, seats: int) -> State:
    """State from its document; the caller checks its root. Raises DocumentError E183 for a wrong length."""
    sizes = [step.rows(seats) if step.kind == "vector" else seats * seats for step in CARRIED]
    if len(data) != 8 * sum(sizes):
        raise DocumentError("E183", f"state: got {len(data)} bytes, expected {8 * sum(sizes)}")
    values, out, at = np.frombuffer(data, ">i8"), {}, 0
    for step, size in zip(CARRIED, sizes, strict=True):
        shape = (size,) if step.kind == "vector" else (seats, seats)
        out[step.name] = ints(values[at : at + size]).reshape(shape)
        at += size
    return out
