"""The form of a named rule: Gram matrix and state in, weights and new state out. No files, no clock, no floats."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, Protocol

import numpy as np

from aggregator.fixed import F, Ints, ints
from market.errors import InputError

FULL_WEIGHT: Final = 65535
"""Weights sum to at most this."""

Label = Literal["honest", "unreliable", "malicious"]
State = Mapping[str, Ints]
"""Name -> Ints; what a rule carries from round to round."""


@dataclass(frozen=True)
class Params:
    """What a Gram matrix holds beside the n trainers, and what a rule is told.

    Rows are the n trainers of this round, then the reference if `reference`, then `deltas` last global deltas
    (newest first), then `past` times n rows with the trainers' files of the rounds before (newest first; a
    missing file is a zero row). `faulty`: the number of attackers f, for rules that must know it.
    """

    faulty: int = 0
    reference: bool = False
    deltas: int = 0
    past: int = 0


@dataclass(frozen=True)
class Verdict:
    """Of n trainers: weights (Ints (n,), >= 0, sum <= 65535), clip factors in F = 2^14 (Ints (n,), 0 to F), the
    state for the next round, and a label each. A rule that names nobody calls all honest."""

    weights: Ints
    factors: Ints
    state: State
    labels: Sequence[Label]

    def coefficients(self) -> Ints:
        """Factor of each update in the aggregate, in 1/65536: weight x clip factor (floor)."""
        return np.asarray(self.weights * self.factors // F, dtype=object)


class Judge(Protocol):
    """A named rule. `paper`: where it comes from. `uses_f`: reads `Params.faulty`."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def paper(self) -> str: ...
    @property
    def uses_reference(self) -> bool: ...
    @property
    def uses_f(self) -> bool: ...

    def start(self, n: int) -> State: ...
    def weigh(self, gram: Any, state: State, params: Params) -> Verdict: ...


@dataclass(frozen=True)
class Rows:
    """A checked Gram matrix with its rows by meaning: Ints (rows, rows)."""

    gram: Ints
    n: int
    params: Params

    @property
    def trainers(self) -> Ints:
        """Inner products of the n updates of this round."""
        return self.gram[: self.n, : self.n]

    @property
    def reference(self) -> int:
        """Row of the reference."""
        return self.n

    def between(self, age: int, other: int) -> Ints:
        """Inner products (n, n) of the updates `age` rounds back with those `other` rounds back; 0 is now."""
        return self.gram[self._block(age), self._block(other)]

    def _block(self, age: int) -> slice:
        first = self.n + self.params.reference + self.params.deltas + (age - 1) * self.n if age else 0
        return slice(first, first + self.n)


def rows_of(gram: Any, params: Params) -> Rows:
    """The rows of an integer matrix. Raises InputError E190 for one that is no Gram matrix of such rows."""
    table = np.asarray(gram)
    if table.dtype.kind not in "iuO" or table.ndim != 2 or table.shape[0] != table.shape[1]:
        got = f"{table.dtype} of shape {table.shape}"
        raise InputError("E190", f"Gram matrix: got {got}, expected a square matrix of integers")
    exact = ints(table).reshape(table.shape)
    others = int(params.reference) + params.deltas
    n, rest = divmod(len(exact) - others, 1 + params.past)
    if n < 1 or rest:
        want = f"n (1 + {params.past}) + {others} with n >= 1"
        raise InputError("E190", f"Gram matrix: got {len(exact)} rows, expected {want}")
    _check(exact)
    return Rows(exact, n, params)


def _check(gram: Ints) -> None:
    uneven = np.argwhere(gram != gram.T)
    if len(uneven):
        i, j = map(int, uneven[0])
        raise InputError(
            "E190", f"Gram matrix: got {gram[i, j]} at ({i}, {j}), expected {gram[j, i]} as at ({j}, {i})"
        )
    squares = gram.diagonal()
    if (squares < 0).any():
        i = int(np.argmax(squares < 0))
        raise InputError(
            "E190", f"Gram matrix: got a squared length of {squares[i]} in row {i}, expected >= 0"
        )


class Rule(ABC):
    """What all rules share: the checks of their input. A rule writes `judge`."""

    name: ClassVar[str]
    paper: ClassVar[str]
    version: ClassVar[int] = 1
    uses_reference: ClassVar[bool] = False
    uses_f: ClassVar[bool] = False

    def start(self, n: int) -> State:
        """State before the first round of n trainers."""
        return {}

    def least(self, params: Params) -> int:
        """The fewest trainers that the rule is defined for."""
        return params.faulty + 1 if self.uses_f else 1

    def weigh(self, gram: Any, state: State, params: Params) -> Verdict:
        """Weights of a round. Raises InputError E190 for a matrix that is none, E191 for what the rule lacks."""
        rows = rows_of(gram, params)
        if self.uses_reference and not params.reference:
            raise InputError(
                "E191", f"rule {self.name}: got no reference row, expected one after the trainers"
            )
        if params.faulty < 0 or rows.n < self.least(params):
            got = f"{rows.n} trainers with f = {params.faulty}"
            raise InputError("E191", f"rule {self.name}: got {got}, expected at least {self.least(params)}")
        for name, value in state.items():
            if len(value) not in (1, rows.n):
                raise InputError("E191", f"state {name}: got {len(value)} seats, expected {rows.n}")
        return self.judge(rows, state)

    @abstractmethod
    def judge(self, rows: Rows, state: State) -> Verdict:
        """The rule itself, on checked rows."""


def verdict(
    weights: Ints, factors: Ints | None = None, state: State | None = None, labels: Sequence[Label] = ()
) -> Verdict:
    """A verdict whose missing parts say: not clipped, no state, all honest."""
    n = len(weights)
    whole = ints([F] * n) if factors is None else factors
    return Verdict(weights, whole, state or {}, labels or ["honest"] * n)
