"""Economic properties P1 to P5: what free-riders, copies, split identities, new names and attackers bring.

    python -m benchmarks.properties [--seeds 5] [--rounds 12] [--report FILE]

Digits, an MLP, eight trainers (ten under attack) on Dirichlet 0.5 data, the real rule and pay. Each figure is what the
deviating seats earn over what they would have earned honestly, or over the median honest pay, in the whole run and in
its last third. P6 and P7 are
formulas: `docs/incentives.md` sections 5 and 8.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.federated import (
    FIRST_NOISE,
    POT,
    Attack,
    Federation,
    Ints16,
    Part,
    Training,
    digits,
    dirichlet,
    flip,
    noise,
    sized,
)

HONEST: Final = 8
TRAINING: Final = Training(hidden=32, batch=16, steps=20, rate=0.3)
Pay = NDArray[np.float64]
"""(2,): over the whole run, and over its last third, when histories have settled."""


class Arena(Federation):
    """A federation in which updates of a round are made once, whoever asks, and seats may change their holder.

    `renewed`: seats whose holder comes under a new name in every such round.
    """

    def __init__(self, seed: int, parts: list[Part], attacks: dict[int, Attack], renewed: int = 0) -> None:
        super().__init__(seed, parts, attacks, TRAINING, digits(seed))
        self.renewed = renewed
        self.kept: dict[int, Ints16] = {}
        self._made: dict[int, Ints16] = {}

    def train(self, seat: int) -> Ints16:
        """Honest update of a seat; the same again within a round."""
        if seat not in self._made:
            self._made[seat] = super().train(seat)
        return self._made[seat]

    def round(self) -> None:
        """One round of everybody."""
        self._made = {}
        super().round()

    def first(self) -> list[bool]:
        """The first round, and for cheats every `renewed`-th one."""
        again = bool(self.renewed) and len(self.past) % self.renewed == 0
        return [not self.past or (again and seat in self.attacks) for seat in range(len(self.parts))]

    def honest(self) -> list[Ints16]:
        """This round's updates of the seats that do not cheat."""
        return [self.train(seat) for seat in range(len(self.parts)) if seat not in self.attacks]


def narrow(x: Any) -> Ints16:
    """Rounded and saturated to int16."""
    return np.round(np.asarray(x, dtype=float)).clip(-32768, 32767).astype(np.int16)


def after_first(what: Callable[[Arena, int], Any]) -> Attack:
    """An attack that sends noise while nothing is public, and then what it is given."""

    def attack(arena: Any, seat: int, own: Ints16) -> Ints16:
        return narrow(what(arena, seat)) if arena.past else noise(arena, FIRST_NOISE)

    return attack


def noised(arena: Federation, update: Any, share: float) -> Any:
    """An update (d,) with noise of `share` times its standard deviation."""
    wide = np.asarray(update, dtype=float)
    return wide + noise(arena, max(share * float(wide.std()), 1e-3))


def _peer(arena: Arena, seat: int) -> Any:
    return arena.past[0][seat % HONEST]


def _first_own(arena: Arena, seat: int) -> Any:
    """Trains once and sends the same for ever."""
    if seat not in arena.kept:
        arena.kept[seat] = arena.train(seat)
    return arena.kept[seat]


FREE_RIDERS: Final[dict[str, Attack]] = {
    "zeros": lambda arena, seat, own: own,
    "noise": after_first(lambda arena, seat: noise(arena, 300.0)),
    "last delta": after_first(lambda arena, seat: arena.deltas[0]),
    "last delta x 3": after_first(lambda arena, seat: 3.0 * arena.deltas[0]),
    "last delta + 30 % noise": after_first(lambda arena, seat: noised(arena, arena.deltas[0], 0.3)),
    "last delta + 100 % noise": after_first(lambda arena, seat: noised(arena, arena.deltas[0], 1.0)),
    "older delta": after_first(lambda arena, seat: arena.deltas[min(2, len(arena.deltas) - 1)]),
    "peer's last file": after_first(_peer),
    "peer's last file + 30 % noise": after_first(lambda a, seat: noised(a, _peer(a, seat), 0.3)),
    "mean of last files": after_first(lambda a, seat: np.mean(np.stack(a.past[0][:HONEST]), axis=0)),
    "own first update": after_first(_first_own),
}


def parts_for(seed: int, seats: int = HONEST) -> list[Part]:
    """Dirichlet 0.5 parts of the training data."""
    return dirichlet(digits(seed)[1], seats, 0.5, np.random.default_rng([seed, 3]))


def even_parts(seed: int, seats: int = HONEST) -> list[Part]:
    """Equal parts of one distribution."""
    y = digits(seed)[1]
    return sized(y, [len(y) // seats] * seats, np.random.default_rng([seed, 3]))


def played(arena: Arena, rounds: int) -> NDArray[np.float64]:
    """Pay (2, n) of each seat in pots: over all rounds, and over the last third."""
    for _ in range(rounds):
        arena.round()
        arena.run.views.clear()
    pay = np.array(arena.run.pay, dtype=float) / POT
    return np.stack([pay.sum(axis=0), pay[-(rounds // 3) :].sum(axis=0)])


@cache
def undisturbed(seed: int, rounds: int) -> NDArray[np.float64]:
    """Pay (2, n) of eight honest trainers with equal parts."""
    return played(Arena(seed, even_parts(seed), {}), rounds)


@cache
def clean_accuracy(seed: int, honest: int, rounds: int) -> float:
    """Accuracy over the last two rounds of so many of ten honest trainers alone."""
    return _accuracy(Arena(seed, parts_for(seed, 10)[:honest], {}), rounds)


def _accuracy(arena: Arena, rounds: int) -> float:
    played(arena, rounds)
    return float(np.mean(arena.run.accuracy[-2:]))


def over_median(pay: NDArray[np.float64]) -> Pay:
    """Pay of the last seat over the median of the others: (2,)."""
    return pay[:, -1] / np.median(pay[:, :-1], axis=1)


def free_rider(kind: str, seed: int, rounds: int) -> Pay:
    """P1: pay of one free-rider beside eight honest trainers, over their median."""
    parts = parts_for(seed)
    pay = played(Arena(seed, [*parts, parts[0]], {HONEST: FREE_RIDERS[kind]}), rounds)
    return over_median(pay)


def copies(share: float, identities: int, seed: int, rounds: int) -> Pay:
    """P2: pay of one update sent by several identities with own noise, over what it earns once."""
    parts, alone = even_parts(seed), HONEST - 1
    once = undisturbed(seed, rounds)

    def clone(arena: Any, seat: int, own: Ints16) -> Ints16:
        return narrow(noised(arena, arena.train(alone), share))

    seats = range(HONEST, HONEST + identities - 1)
    many = played(Arena(seed, [*parts, *(parts[alone] for _ in seats)], dict.fromkeys(seats, clone)), rounds)
    return many[:, alone:].sum(axis=1) / once[:, alone]


def copied(seed: int, rounds: int) -> Pay:
    """P2: pay of a trainer whose last file is sent again by another, over its pay without that."""
    parts = even_parts(seed)
    attack = after_first(lambda arena, seat: arena.past[0][0])
    with_copier = played(Arena(seed, [*parts, parts[1]], {HONEST: attack}), rounds)
    return with_copier[:, 0] / undisturbed(seed, rounds)[:, 0]


def split_data(identities: int, seed: int, rounds: int) -> Pay:
    """P3: pay of one part of the data divided over several identities, over what it earns in one."""
    parts = even_parts(seed)
    once = undisturbed(seed, rounds)
    pieces = np.array_split(parts[-1], identities)
    many = played(Arena(seed, [*parts[:-1], *pieces], {}), rounds)
    return many[:, HONEST - 1 :].sum(axis=1) / once[:, -1]


def lazy(work: float, seed: int, rounds: int, deltas: float = 1.0) -> Pay:
    """Pay of who trains `work` of the steps and adds `deltas` times as much of the last delta, over the median
    honest pay."""

    def attack(arena: Any, seat: int, own: Ints16) -> Ints16:
        few = Training(TRAINING.hidden, TRAINING.batch, max(1, round(work * TRAINING.steps)), TRAINING.rate)
        arena.training, full = few, arena.training
        update = arena.train(seat).astype(float)
        arena.training = full
        if not arena.deltas:
            return narrow(update)
        last = arena.deltas[0].astype(float)
        scale = deltas * float(np.linalg.norm(update)) / max(float(np.linalg.norm(last)), 1.0)
        return narrow(update + scale * last)

    parts = even_parts(seed, HONEST + 1)
    return over_median(played(Arena(seed, parts, {HONEST: attack}), rounds))


def part_time(every: int, seed: int, rounds: int) -> Pay:
    """Pay of who trains in one round of so many and sends that file again in the others, over the median honest pay."""

    def attack(arena: Any, seat: int, own: Ints16) -> Ints16:
        return arena.past[0][seat] if len(arena.past) % every else arena.train(seat)

    parts = even_parts(seed, HONEST + 1)
    return over_median(played(Arena(seed, parts, {HONEST: attack}), rounds))


def whitewash(kind: str, every: int, seed: int, rounds: int) -> tuple[float, float]:
    """P4: pay of a cheat (`honest`: of an honest trainer) that stays, and that takes a new name every so many rounds,
    over the median honest pay."""
    parts = parts_for(seed)
    attack: Attack = (lambda a, seat, own: a.train(seat)) if kind == "honest" else _CHEATS[kind]

    def one(renewed: int) -> float:
        pay = played(Arena(seed, parts, {HONEST - 1: attack}, renewed), rounds)
        return float(over_median(pay)[0])

    return one(0), one(every)


def _flipped(arena: Any, seat: int, own: Ints16) -> Ints16:
    return flip(arena, seat, arena.train(seat))


def _against(factor: float) -> Attack:
    """Inner-product manipulation: minus `factor` times the honest mean (Xie, Koyejo, Gupta 2020)."""

    def attack(arena: Any, seat: int, own: Ints16) -> Ints16:
        return narrow(-factor * np.mean(np.stack(arena.honest()), axis=0))

    return attack


def _little(arena: Any, seat: int, own: Ints16) -> Ints16:
    """A little is enough: 1.5 deviations from the honest mean (Baruch, Baruch, Goldberg 2019)."""
    honest = np.stack(arena.honest()).astype(float)
    return narrow(honest.mean(axis=0) - 1.5 * honest.std(axis=0))


def _mimic(arena: Any, seat: int, own: Ints16) -> Ints16:
    """All send what one honest trainer sends (Karimireddy, He, Jaggi 2022)."""
    return narrow(arena.honest()[0])


ATTACKERS: Final[dict[str, Attack]] = {
    "sign flip": _flipped,
    "IPM 0.5": _against(0.5),
    "FOE 10": _against(10.0),
    "ALIE 1.5": _little,
    "mimic": _mimic,
    "noise": lambda arena, seat, own: noise(arena, 300.0),
}
_CHEATS: Final[dict[str, Attack]] = {
    "flip": _flipped,
    **{k: FREE_RIDERS[k] for k in ("last delta", "noise", "peer's last file")},
}


def attacked(kind: str, attackers: int, seed: int, rounds: int) -> float:
    """P5: points of accuracy that attackers among ten cost, beside the same run with the honest ones alone."""
    seats = range(10 - attackers, 10)
    bad = Arena(seed, parts_for(seed, 10), dict.fromkeys(seats, ATTACKERS[kind]))
    return 100 * (clean_accuracy(seed, 10 - attackers, rounds) - _accuracy(bad, rounds))


def measured(seeds: Sequence[int], rounds: int) -> dict[str, dict[str, list[Any]]]:
    """All figures: property -> case -> one value a seed."""

    def each(work: Callable[[int], Any]) -> list[Any]:
        return [np.asarray(work(seed), dtype=float).tolist() for seed in seeds]

    return {
        "P1 pay over the median": {k: each(lambda s, k=k: free_rider(k, s, rounds)) for k in FREE_RIDERS},
        "P2 copies over one": {
            f"{n} identities, {share:.0%} noise": each(
                lambda s, n=n, share=share: copies(share, n, s, rounds)
            )
            for n in (2, 5)
            for share in (0.0, 0.01, 0.1, 0.3)
        },
        "P2 the copied": {"pay with over without a copier": each(lambda s: copied(s, rounds))},
        "P3 split data over one": {
            f"{n} identities": each(lambda s, n=n: split_data(n, s, rounds)) for n in (2, 3, 5)
        },
        "lazy over the median": {
            f"{work:.0%} of the steps + last delta": each(lambda s, work=work: lazy(work, s, rounds))
            for work in (0.1, 0.2, 0.5)
        }
        | {"20% of the steps + 3 x last delta": each(lambda s: lazy(0.2, s, rounds, 3.0))}
        | {f"one round of {k}": each(lambda s, k=k: part_time(k, s, rounds)) for k in (2, 3)},
        "P4 stays, new name every 2 or 4 rounds": {
            f"{k}, every {n}": each(lambda s, k=k, n=n: whitewash(k, n, s, rounds))
            for k in ("honest", *_CHEATS)
            for n in (2, 4)
        },
        "P5 points lost": {
            f"{k}, {f} of 10": each(lambda s, k=k, f=f: attacked(k, f, s, rounds))
            for k in ATTACKERS
            for f in (1, 2, 3)
        },
    }


def main() -> None:
    """Print mean and worst of every figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    report = measured(range(options.seeds), options.rounds)
    for name, cases in report.items():
        print(name)
        for case, values in cases.items():
            x = np.array(values, dtype=float).reshape(options.seeds, -1)
            shown = "   ".join(
                f"{mean:.3f} (most {most:.3f})" for mean, most in zip(x.mean(0), x.max(0), strict=True)
            )
            print(f"  {case:34} {shown}")
    if options.report:
        options.report.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
