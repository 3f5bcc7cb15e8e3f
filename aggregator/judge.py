"""Judge a round: files and facts in, every posted number and root out. No chain, no store, no clock.

Two streaming passes over the update files: one checks roots and takes sketches (with the public rows), one
aggregates. Between them everything follows from sketches (`aggregator.decide`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from aggregator.accounts import next_accounts
from aggregator.aggregate import Aggregate, aggregate
from aggregator.decide import Seats, decide
from aggregator.rows import COLUMNS, SEGMENT, Shape
from aggregator.sketch import Sketcher, SketchRow
from aggregator.state import State, empty_state, state_of
from aggregator.steps import View
from aggregator.trees import climb, gram_root, start_step_roots, step_roots, steps_root
from aggregator.verdicts import reason, verdict
from market.codec import UPDATE, RootBuilder, blocks, check_root
from market.merkle import Hash, Tree, absent_root
from market.records import Account, Roots
from market.result_document import SeatResult, accounts_tree

_PASS_LEAVES: Final = 16 * SEGMENT
"""Leaves read at once in the first pass: whole segments, and a power of two."""

Progress = Callable[[str, int, int], None]
"""Called with (step, done, of)."""


@dataclass(frozen=True)
class File:
    """A file with the Merkle root that the chain names for it."""

    path: Path
    root: Hash


@dataclass(frozen=True)
class RoundInputs:
    """Everything a result is a function of.

    `updates`: included seat -> file. `public`: row number (see `rows.Shape`) -> file, served rows only, the owner's
    reference among them.
    `poster`: 20 bytes. `pot`, `fee`, `unit`: smallest units. `state`, `accounts`: of the result below
    (`prev`); `merged`: the round's base is the model that stands below it. `base`: the model under `prev`.
    """

    shape: Shape
    seed: bytes
    seats: Seats
    updates: Mapping[int, File]
    public: Mapping[int, File]
    base: File
    state: State
    accounts: Sequence[Account]
    pot: int
    fee: int
    unit: int
    merged: bool
    poster: bytes


@dataclass(frozen=True)
class Judgement:
    """All that a poster publishes. `view` holds every step by name, for single entries and reports."""

    seats: Sequence[SeatResult]
    coefficients: Mapping[int, int]
    state: State
    accounts: Sequence[Account]
    accounts_tree: Tree
    paid: int
    delta: Path
    model: Path
    roots: Roots
    step_roots: Sequence[Hash]
    view: View
    seconds: Mapping[str, float] = field(compare=False)
    sums: Path | None = None
    """running sums of the present rows, ascending: int32 (rows, segments, 256), big-endian"""


class Engine(Protocol):
    """How the two passes over the files are run: here (`Local`), or in shards (`aggregator.shards`). Any engine gives
    the same bytes."""

    def sketches(
        self, inputs: RoundInputs, progress: Progress, sums_out: Path
    ) -> tuple[NDArray[np.int32], Hash]: ...

    def aggregate(
        self, inputs: RoundInputs, coefficients: Mapping[int, int], delta_out: Path, model_out: Path
    ) -> Aggregate: ...


class Local:
    """Both passes in threads of this process."""

    def sketches(
        self, inputs: RoundInputs, progress: Progress, sums_out: Path
    ) -> tuple[NDArray[np.int32], Hash]:
        """First pass: see `take_sketches`."""
        return take_sketches(inputs, progress, sums_out)

    def aggregate(
        self, inputs: RoundInputs, coefficients: Mapping[int, int], delta_out: Path, model_out: Path
    ) -> Aggregate:
        """Second pass: see `aggregator.aggregate`."""
        files = {seat: file.path for seat, file in inputs.updates.items()}
        return aggregate(
            inputs.shape, files, coefficients, inputs.base.path, inputs.merged, delta_out, model_out
        )


LOCAL: Final[Engine] = Local()


def judge(
    inputs: RoundInputs, out_dir: Path, progress: Progress = lambda *_: None, engine: Engine = LOCAL
) -> Judgement:
    """Judge a round. Writes `delta.bin`, `model.bin` and `sums.bin` into `out_dir` (which exists).

    Raises UpdateError (E101, E110, E111, E130, E131) for a file that is not what the chain names: check
    files with `market.codec.check_update_file` first and leave wrong ones out.
    """
    _check(inputs)
    clock = _Clock()
    sums_file = out_dir / "sums.bin"
    sketch, sketches_root = engine.sketches(inputs, progress, sums_file)
    clock.lap("check and sketch")
    view = decide(
        inputs.shape,
        sketch,
        inputs.seats,
        inputs.state,
        [account.reputation for account in inputs.accounts],
        inputs.pot - inputs.fee,
    )
    clock.lap("decide")
    slots = step_roots(view)
    gram = gram_root(view.gram, sorted([*inputs.updates, *inputs.public]), inputs.shape)
    accounts = next_accounts(inputs.accounts, view, inputs.unit)
    tree = accounts_tree(accounts)
    clock.lap("trees")
    coefficients = {seat: int(view.coefficient[seat]) for seat in inputs.updates}
    delta, model = out_dir / "delta.bin", out_dir / "model.bin"
    sums = engine.aggregate(inputs, coefficients, delta, model)
    if not inputs.merged:
        check_root(sums.model, inputs.base.root)
    clock.lap("aggregate")
    return Judgement(
        seats=seat_results(view, inputs.unit),
        coefficients=coefficients,
        state=state_of(view),
        accounts=accounts,
        accounts_tree=tree,
        paid=view.paid,
        delta=delta,
        model=model,
        roots=Roots(sketches_root, gram, steps_root(slots), tree.root, sums.columns, sums.delta, sums.model),
        step_roots=slots,
        view=view,
        seconds=clock.laps,
        sums=sums_file,
    )


def judgement_on(
    inputs: RoundInputs, view: View, delta: Path, model: Path, seats: Sequence[SeatResult] = ()
) -> Judgement:
    """What follows from computed steps, for whoever did not get there by `judge`; roots are the caller's to fill in."""
    accounts = next_accounts(inputs.accounts, view, inputs.unit)
    roots: Any = None
    return Judgement(
        seats=seats,
        coefficients={seat: int(view.coefficient[seat]) for seat in inputs.updates},
        state=state_of(view),
        accounts=accounts,
        accounts_tree=accounts_tree(accounts),
        paid=view.paid,
        delta=delta,
        model=model,
        roots=roots,
        step_roots=step_roots(view),
        view=view,
        seconds={},
    )


def take_sketches(
    inputs: RoundInputs, progress: Progress, sums_out: Path | None = None
) -> tuple[NDArray[np.int32], Hash]:
    """First pass: int32 (W, 256) sketches of checked files, and the root of their running sums, which go to
    `sums_out`, some 3 % of the files."""
    shape, files = inputs.shape, sorted({**inputs.updates, **inputs.public}.items())
    sketch = np.zeros((shape.rows, COLUMNS), np.int32)
    rows = np.tile(np.frombuffer(absent_root(shape.segment_bits), np.uint8), (shape.rows, 1))
    # Hashing and summing are compiled and hold no lock; a worker holds one block.
    with ThreadPoolExecutor(os.cpu_count()) as pool, _opened(sums_out) as out:
        work = [(row, file, out, number) for number, (row, file) in enumerate(files)]
        taken = pool.map(lambda entry: _sketch_file(inputs, *entry), work)
        for done, ((row, _), (sums, root)) in enumerate(zip(files, taken, strict=True), start=1):
            sketch[row] = sums
            rows[row] = np.frombuffer(root, np.uint8)
            progress("check and sketch", done, len(files))
    return sketch, climb(rows, shape.segment_bits, shape.row_bits)


@contextmanager
def _opened(path: Path | None) -> Iterator[int | None]:
    """A new file that several threads write to, each at its own place."""
    if path is None:
        yield None
        return
    with path.open("wb") as file:
        yield file.fileno()


def _sketch_file(
    inputs: RoundInputs, row: int, file: File, out: int | None, number: int
) -> tuple[NDArray[np.int32], Hash]:
    """Sketch of one file whose root is checked on the way, and the root of its running sums, which go to the
    descriptor `out` as those of present row `number`."""
    shape = inputs.shape
    at = number * shape.segments * 4 * COLUMNS
    sums, tree = Sketcher(inputs.seed), SketchRow(inputs.poster, row, shape.segment_bits)
    root = RootBuilder(shape.d, UPDATE)
    for block in blocks(file.path, shape.d, UPDATE, _PASS_LEAVES):
        root.push(block)
        running = sums.push(block)
        tree.push(running)
        if out is not None:
            at += os.pwrite(out, running.astype(">i4").tobytes(), at)
    check_root(root.root(), file.root)
    return sums.sums, tree.root()


def seat_results(view: View, unit: int) -> list[SeatResult]:
    """One line for each seat that sealed: Q14 agreement, Q16 novelty (ratio), points as score."""
    return [
        SeatResult(
            seat=seat,
            verdict=verdict(view, seat),
            reason=reason(view, seat),
            weight=int(view.coefficient[seat]),
            agreement=int(view.agreement[seat]),
            novelty=int(view.ratio[seat]),
            score=str(view.points[seat]),
            pay=str(view.pay[seat]),
            penalty=str(view.penalty[seat] * unit),
        )
        for seat in range(view.shape.seats)
        if view.is_sealed[seat]
    ]


def start_steps_root(shape: Shape) -> Hash:
    """Root of the steps tree under result 0: carried steps at their start values."""
    return steps_root(start_step_roots(shape, empty_state(shape.seats)))


class _Clock:
    """Seconds of each part, for reports."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self._last = now - self._last, now


def _check(inputs: RoundInputs) -> None:
    """Callers' mistakes, not users': the facts must be of one round of one project."""
    shape, seats = inputs.shape, inputs.seats
    if sorted(inputs.updates) != seats.numbers():
        raise ValueError(f"updates of seats {sorted(inputs.updates)}, included are {seats.numbers()}")
    lengths = {len(seats.sealed), len(seats.included), len(seats.first), len(inputs.accounts)}
    if lengths != {shape.seats}:
        raise ValueError(f"lists of {sorted(lengths)} entries for {shape.seats} seats")
    if any(is_in and not sealed for is_in, sealed in zip(seats.included, seats.sealed, strict=True)):
        raise ValueError("an included seat has not sealed")
    if any(not shape.reference <= row < shape.rows for row in inputs.public):
        raise ValueError(
            f"public rows {sorted(inputs.public)}, allowed {shape.reference} .. {shape.rows - 1}"
        )
    if len(inputs.poster) != 20 or len(inputs.seed) != 32:
        raise ValueError("poster has 20 bytes, seed 32")
