"""The form of a rule: a fixed list of named steps, each entry a pure function of few earlier entries.

A step is a scalar, a vector with an entry for each seat, or a matrix with a row for each seat. Its function
gives *one* entry (or one row) from the view, never the whole, so any posted entry can be recomputed alone;
computing a round is running all of them in order. Steps of this round are zero for a seat that is not
included; carried steps (state) have an entry for every seat and are read by the next round as `before`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from aggregator.fixed import Ints, ints, kept, zeros

Width = Literal[4, 8, 16]
Kind = Literal["scalar", "vector", "matrix"]

_STRIP: Final = 64
"""Seats whose rows are computed at once: Python integers take memory."""
SCALAR_WIDTH: Final = 16
"""All scalars together are the vector in slot 0 of the steps tree."""


class View:
    """What a step may read: the round's givens and the entries of the steps before it, by name.

    Givens, set by `aggregator.decide`: `shape`, `n` (number of included seats), `included` (their numbers),
    `is_included`, `is_sealed`, `is_first` (Ints (N,) of 0 and 1), `sketch` (int64 (W, 256)), `gram`
    (Ints (W, W)), `root` (Ints (W,): floor square roots of its diagonal), `to_pay` (pot less fee), and
    `before_<name>` for each carried step, with the start values in place for seats in their first round.
    """

    def __init__(self, **givens: Any) -> None:
        self.__dict__.update(givens)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"step or given {name!r} is not known yet: is the order of steps wrong?")

    def others(self, seat: int) -> list[int]:
        """The included seats but this one."""
        return [other for other in self.included if other != seat]

    def of_others(self, row: Ints, seat: int) -> list[int]:
        """Entries of a row at the other included seats."""
        entries = row.tolist()
        return [entries[other] for other in self.included if other != seat]


@dataclass(frozen=True)
class Step:
    """One step. `width`: bytes of an entry in the tree. `columns`: length of a matrix row, or of a vector, from N.

    `entry(view, seat)` gives the entry or row (`entry(view)` of a scalar); `whole(view)` is an optional
    faster way to all rows of included seats, equal by test. `begin`: start values of a vector that is not of
    seats but of the round, a carried one whose entries have numbers of their own.
    """

    name: str
    kind: Kind
    width: Width
    entry: Callable[..., Any]
    carried: bool = False
    columns: Callable[[int], int] = lambda seats: seats
    whole: Callable[[View], Ints] | None = None
    begin: tuple[int, ...] = ()

    def length(self, seats: int) -> int:
        """Entries in a vector or in a row."""
        return 1 if self.kind == "scalar" else self.columns(seats)

    def compute(self, view: View) -> Any:
        """All entries: an int, Ints (N,), or (N, length) of `Words` where they fit, else Ints."""
        if self.kind == "scalar":
            return self.entry(view)
        if self.whole is not None:
            return self.whole(view)
        n = view.shape.seats
        out = zeros(n, self.length(n)) if self.kind == "matrix" else zeros(self.rows(n))
        for seat in range(len(out)) if self.carried else view.included:
            out[seat] = self.entry(view, seat)
        return out

    def rows(self, seats: int) -> int:
        """Entries of a vector, rows of a matrix."""
        return len(self.begin) or seats

    def start(self, seats: int) -> Ints:
        """Value of a carried step before round 1."""
        if self.begin:
            return ints(self.begin)
        return zeros(seats) if self.kind == "vector" else zeros(seats, self.length(seats))


def scalar(entry: Callable[[View], int]) -> Step:
    """A step with one entry for the round."""
    return Step(_name(entry), "scalar", SCALAR_WIDTH, entry)


def vector(width: Width = 8, carried: bool = False) -> Callable[[Callable[[View, int], int]], Step]:
    """A step with one entry for each seat."""
    return lambda entry: Step(_name(entry), "vector", width, entry, carried)


def of_round(*begin: int) -> Callable[[Callable[[View, int], int]], Step]:
    """A carried vector with as many entries as start values, whatever the seats."""
    return lambda entry: Step(
        _name(entry), "vector", 8, entry, carried=True, columns=lambda _: len(begin), begin=begin
    )


def matrix(
    width: Width = 8,
    carried: bool = False,
    columns: Callable[[int], int] = lambda seats: seats,
    whole: Callable[[View], Ints] | None = None,
) -> Callable[[Callable[[View, int], Any]], Step]:
    """A step with one row for each seat."""
    return lambda entry: Step(_name(entry), "matrix", width, entry, carried, columns, whole)


def rows(
    width: Width = 8, columns: Callable[[int], int] = lambda seats: seats, dtype: type = object
) -> Callable[[Callable[[View, Sequence[int]], Any]], Step]:
    """A matrix step whose function gives the rows of several seats at once, as an array (seats, length): worth it
    where a row is so short that calls cost more than numbers. `dtype`: int64 of entries that always fit."""

    def step(of_seats: Callable[[View, Sequence[int]], Any]) -> Step:
        def whole(v: View) -> Any:
            out = np.zeros((v.shape.seats, columns(v.shape.seats)), dtype)
            for start in range(0, len(v.included), _STRIP):
                seats = v.included[start : start + _STRIP]
                out[seats] = of_seats(v, seats)
            return kept(out)

        return Step(
            _name(of_seats), "matrix", width, lambda v, i: ints(of_seats(v, [i])[0]), False, columns, whole
        )

    return step


def run(steps: Sequence[Step], view: View) -> View:
    """Compute all steps in order; the view holds them by name afterwards."""
    for step in steps:
        setattr(view, step.name, step.compute(view))
    return view


def recompute(steps: Sequence[Step], view: View, name: str, seat: int = 0) -> int | Ints:
    """One entry (or row) alone, from the entries before it that the view holds."""
    step = next(step for step in steps if step.name == name)
    return (
        ints(step.entry(view, seat))
        if step.kind == "matrix"
        else int(step.entry(view) if step.kind == "scalar" else step.entry(view, seat))
    )


def fits(values: Any, width: Width) -> bool:
    """Whether all integers fit `width` bytes, two's complement."""
    limit = 1 << (8 * width - 1)
    flat = (values if isinstance(values, np.ndarray) else np.asarray(values, dtype=object)).ravel()
    return not flat.size or bool(flat.min() >= -limit and flat.max() < limit)


def _name(entry: Callable[..., Any]) -> str:
    return str(getattr(entry, "__name__")).rstrip("_")  # noqa: B009 - typed as any callable
