"""Numbers of the rows of the sketch and Gram trees, and the other sizes that follow from a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from market.codec import leaves_of
from market.merkle import clog2

DELTAS: Final = 3
"""K: the last global deltas are public rows."""
MEMORY: Final = 2
"""V: the files of the last V opened rounds are public rows."""
COLUMNS: Final = 256
"""Values in a sketch."""
SEGMENT: Final = 16
"""Leaves (of 1,024 coefficients) in a segment of running sums."""
COLUMN_SEATS: Final = 12
"""Projects with more seats than this post the columns tree."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a project: `d` coefficients, `seats` = N, the seat limit.

    Rows of sketches and Gram matrix: seats 0 .. N-1, the owner's reference N (a zero row where there is none),
    deltas N+1 .. N+3 (newest first), then N+4 + v*N + seat for the file of `seat` in the v-th opened round back.
    """

    d: int
    seats: int

    @property
    def reference(self) -> int:
        """The reference row."""
        return self.seats

    def delta(self, age: int) -> int:
        """Row of a delta; age 0 is the newest."""
        if not 0 <= age < DELTAS:
            raise IndexError(f"delta {age} of {DELTAS}")
        return self.seats + 1 + age

    def past(self, age: int, seat: int) -> int:
        """Row of the file that `seat` revealed `age` + 1 opened rounds ago."""
        if not (0 <= age < MEMORY and 0 <= seat < self.seats):
            raise IndexError(
                f"file of seat {seat}, {age + 1} rounds back: {self.seats} seats, {MEMORY} rounds"
            )
        return self.first_past + age * self.seats + seat

    @property
    def first_past(self) -> int:
        """First row of past files; `seats * MEMORY` of them follow to the end."""
        return self.seats + 1 + DELTAS

    @property
    def rows(self) -> int:
        """W, the number of rows."""
        return self.first_past + MEMORY * self.seats

    @property
    def row_bits(self) -> int:
        """Levels of the Gram tree for one index."""
        return clog2(self.rows)

    @property
    def segments(self) -> int:
        """Segments of running sums in a file."""
        return -(-leaves_of(self.d) // SEGMENT)

    @property
    def segment_bits(self) -> int:
        """Levels of the sketch tree below a row."""
        return clog2(self.segments)

    @property
    def has_columns(self) -> bool:
        """Whether the columns tree is part of a result."""
        return self.seats > COLUMN_SEATS
