"""What gangs without data earn: several seats that send the last delta or files of peers, with noise of their own or
noise that they share, so that what is new in one agrees with what is new in the others.

    python -m benchmarks.collusion [--seeds 4] [--rounds 12]

Digits, an MLP, the real rule and pay, as in `benchmarks.properties`. Figures are the mean pay of a gang's seats over an
even share, in the whole run: mean over seeds (most of any seed).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from benchmarks.federated import Attack
from benchmarks.properties import FREE_RIDERS, Arena, after_first, even_parts, noised, parts_for, played

GANGS: Final = ((9, 2), (20, 3), (20, 6), (20, 8))
"""(seats, of them the gang)."""
SPREADS: Final = {"equal parts": even_parts, "Dirichlet 0.5": parts_for}


def shared(part: float, size: float = 0.6) -> Attack:
    """The last delta with noise of `size` times its length, of whose energy `part` is the same for the whole gang."""

    def send(arena: Arena, seat: int) -> Any:
        delta = arena.deltas[0].astype(float)
        common = np.random.default_rng([arena.seed, 77, len(arena.past)]).normal(0, 1, len(delta))
        own = arena.rng.normal(0, 1, len(delta))
        return delta + size * float(delta.std()) * (np.sqrt(part) * common + np.sqrt(1 - part) * own)

    return after_first(send)


def _three_deltas(arena: Arena, seat: int) -> Any:
    return noised(arena, np.mean([delta.astype(float) for delta in arena.deltas[:3]], axis=0), 0.5)


def _peers(arena: Arena, seat: int) -> Any:
    """Each takes another honest peer."""
    honest = len(arena.parts) - len(arena.attacks)
    return noised(arena, arena.past[0][3 * seat % honest], 0.3)


KINDS: Final[dict[str, Attack]] = {
    "last delta + 30 % noise": FREE_RIDERS["last delta + 30 % noise"],
    "last delta + 100 % noise": FREE_RIDERS["last delta + 100 % noise"],
    "mean of three deltas + 50 % noise": after_first(_three_deltas),
    "files of peers + 30 % noise": after_first(_peers),
    "last delta + 60 % noise, 15 % of it shared": shared(0.15),
    "last delta + 60 % noise, 30 % of it shared": shared(0.3),
}


def gang(
    kind: str, spread: Callable[[int, int], Any], seats: int, count: int, seed: int, rounds: int
) -> float:
    """Mean pay of the last `count` of `seats` seats over an even share."""
    arena = Arena(seed, spread(seed, seats), dict.fromkeys(range(seats - count, seats), KINDS[kind]))
    pay = played(arena, rounds)[0]
    return float(pay[seats - count :].mean() / pay.mean())


def main() -> None:
    """Print one line for each kind, distribution and gang."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()
    for name, spread in SPREADS.items():
        for kind in KINDS:
            cells = []
            for seats, count in GANGS:
                x = [gang(kind, spread, seats, count, s, options.rounds) for s in range(options.seeds)]
                cells.append(f"{count} of {seats}: {np.mean(x):.2f} ({max(x):.2f})")
            print(f"{name}, {kind:44} {'   '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
