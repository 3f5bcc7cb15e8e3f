"""Rounds for tests: from sketches alone, or with real files in a folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aggregator.accounts import start_accounts
from aggregator.decide import Seats, decide
from aggregator.judge import File, Judgement, RoundInputs, judge
from aggregator.rows import COLUMNS, DELTAS, MEMORY, Shape
from aggregator.state import State, empty_state
from aggregator.steps import View
from market.codec import MODEL, UPDATE, encode, model_root, update_root
from market.keccak import keccak256
from market.records import START_REPUTATION, Account

POT, FEE, UNIT = 10**18, 10**16, 10**17
POSTER = bytes(range(20))


def random_sketch(shape: Shape, rng: np.random.Generator, scale: float = 1000) -> NDArray[np.int32]:
    """Rows that partly agree, public rows among them."""
    common = rng.normal(0, scale, COLUMNS)
    rows = 0.5 * common + rng.normal(0, scale, (shape.rows, COLUMNS))
    rows[shape.reference] = 0
    return rows.astype(np.int32)


def decided(
    sketch: NDArray[np.int32],
    shape: Shape,
    state: State | None = None,
    reputation: Sequence[int] | None = None,
    included: Sequence[int] | None = None,
    sealed: Sequence[int] | None = None,
    first: Sequence[int] = (),
) -> View:
    """The numbers of a round; seats outside `included` lose their rows."""
    seats = range(shape.seats)
    inside = set(seats if included is None else included)
    sketch = sketch.copy()
    sketch[[seat for seat in seats if seat not in inside]] = 0
    return decide(
        shape,
        sketch,
        Seats(
            sealed=[seat in (seats if sealed is None else sealed) for seat in seats],
            included=[seat in inside for seat in seats],
            first=[seat in first for seat in seats],
        ),
        empty_state(shape.seats) if state is None else state,
        [START_REPUTATION] * shape.seats if reputation is None else reputation,
        POT - FEE,
    )


@dataclass
class Project:
    """A project with real files: each call of `round` judges updates on what stands."""

    folder: Path
    d: int
    seats: int
    number: int = 0
    poster: bytes = POSTER
    deltas: list[File] = field(default_factory=list)
    past: list[Mapping[int, File]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shape = Shape(self.d, self.seats)
        self.state: State = empty_state(self.seats)
        self.accounts: Sequence[Account] = start_accounts(self.seats)
        self.base = self.keep_model(np.zeros(self.d, np.int32))

    def keep_model(self, values: NDArray[np.int32]) -> File:
        data = encode(values, MODEL)
        path = self.folder / "model0"
        path.write_bytes(data)
        return File(path, model_root(data))

    def inputs(self, updates: Mapping[int, NDArray[np.int16]], merged: bool = True) -> RoundInputs:
        """What the next round would be judged from. The update of slot `seats` is the owner's reference."""
        files = {}
        for seat, values in updates.items():
            path, data = self.folder / f"update-{self.number}-{seat}", encode(values, UPDATE)
            path.write_bytes(data)
            files[seat] = File(path, update_root(data))
        public = {self.shape.delta(age): file for age, file in enumerate(self.deltas[:DELTAS])}
        for age, revealed in enumerate(self.past[:MEMORY]):
            public |= {self.shape.past(age, seat): file for seat, file in revealed.items()}
        if self.shape.reference in files:
            public[self.shape.reference] = files.pop(self.shape.reference)
        included = [seat in updates for seat in range(self.seats)]
        return RoundInputs(
            shape=self.shape,
            seed=keccak256(bytes([self.number])),
            seats=Seats(included, included, [self.number == 0] * self.seats),
            updates=files,
            public=public,
            base=self.base,
            state=self.state,
            accounts=self.accounts,
            pot=POT,
            fee=FEE,
            unit=UNIT,
            merged=merged,
            poster=self.poster,
        )

    def round(self, updates: Mapping[int, NDArray[np.int16]], merged: bool = True) -> Judgement:
        """Judge, and stand on the result."""
        inputs = self.inputs(updates, merged)
        out = self.folder / f"out-{self.number}"
        out.mkdir()
        judgement = judge(inputs, out)
        self.number += 1
        self.state, self.accounts = judgement.state, judgement.accounts
        self.base = File(judgement.model, judgement.roots.model)
        self.deltas.insert(0, File(judgement.delta, judgement.roots.delta))
        self.past.insert(0, inputs.updates)
        return judgement


def honest_updates(d: int, seats: Sequence[int], rng: np.random.Generator) -> dict[int, NDArray[np.int16]]:
    """Updates with a common part and as much noise."""
    common = rng.normal(0, 300, d)
    return {seat: (common + rng.normal(0, 300, d)).astype(np.int16) for seat in seats}
