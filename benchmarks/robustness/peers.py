"""ByzFL's rules, as shipped, behind the bench's interface. Importing this module needs the package `byzfl`.

Every rule alone and after nearest-neighbour mixing (nnm), bucketing (buckets of 2), static clipping (at the
median norm) and ARC; each is told the true number of attackers. MoNNA trusts trainer 0, who is honest here.
Centred clipping keeps its centre, with three iterations at radius 1 (the library's default of 100 never clips).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import byzfl
import numpy as np

from benchmarks.robustness.rules import Floats, VectorRule

RULES: Final[dict[str, Callable[[int], Any]]] = {
    "median": lambda f: byzfl.Median(),
    "trmean": lambda f: byzfl.TrMean(f),
    "krum": lambda f: byzfl.Krum(f),
    "multikrum": lambda f: byzfl.MultiKrum(f),
    "geomed": lambda f: byzfl.GeometricMedian(),
    "meamed": lambda f: byzfl.Meamed(f),
    "cclip": lambda f: byzfl.CenteredClipping(L=3, tau=1.0),
    "caf": lambda f: byzfl.CAF(f),
    "monna": lambda f: byzfl.MoNNA(f),
}
BUCKET: Final = 2


def _clipping(f: int) -> Callable[[Floats], Any]:
    """Static clipping at the median norm of the round."""
    return lambda x: byzfl.Clipping(c=float(np.median(np.linalg.norm(x, axis=1))))(x)


BEFORE: Final[dict[str, Callable[[int], Any]]] = {
    "nnm": lambda f: byzfl.NNM(f),
    "bucket": lambda f: byzfl.Bucketing(BUCKET),
    "clip": _clipping,
    "arc": lambda f: byzfl.ARC(f),
    "arc+nnm": lambda f: _chain([byzfl.ARC(f), byzfl.NNM(f)]),
}


def _chain(parts: list[Any]) -> Callable[[Floats], Any]:
    def run(x: Any) -> Any:
        for part in parts:
            x = part(x)
        return x

    return run


def _maker(first: str, last: str) -> Callable[[int], Callable[[Floats], Any]]:
    # n must exceed 2 f in most rules; bucketing leaves half as many vectors, each attacker in one of them.
    return lambda f: _chain([*([BEFORE[first](f)] if first else []), RULES[last](f)])


def rules() -> Iterator[tuple[str, Callable[[], VectorRule]]]:
    """(name, factory) of every combination, `rule` or `before+rule`."""
    for last in RULES:
        for first in ("", *BEFORE):
            name = f"{first}+{last}" if first else last
            yield name, partial(VectorRule, name, _maker(first, last))
