"""A market of any size that no chain has: its logs are made when they are asked for, in the real market's encoding.

For the speed of index and pages; what else the two benchmarks share stands at the end.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from market import events as ev
from market.chain.artifacts import load_artifact
from market.chain.blocks import Header, RawLog, encode_event
from market.chain.deployment import Deployment
from market.keccak import keccak256
from market.params import DEMO, Content
from market.records import Post, ProjectView, Roots, RoundView
from market.tokens import TokenFacts
from market.units import address, bitmap_of

START, BLOCK_S, FIRST = 1_700_000_000, 2, 1
MARKET = address("0x" + "5a" * 20)
OPEN = 2
"""Rounds whose windows are open at the end."""
PARTS = ("open", "seal", "reveal", "post", "final")
INTERFACE = load_artifact("Market").interface


def word(*parts: object) -> bytes:
    """32 bytes that nothing else has."""
    return keccak256("/".join(map(str, parts)).encode())


def account(kind: str, project: int, seat: int) -> str:
    """An address."""
    return address("0x" + word(kind, project, seat)[:20].hex())


@dataclass(frozen=True)
class Synthetic:
    """Projects side by side, one block for each part of each round: openings, seals, reveals, posts, ends."""

    projects: int
    rounds: int
    trainers: int

    @property
    def deployment(self) -> Deployment:
        """Where the market would be."""
        return Deployment(
            chain_id=31337,
            genesis_hash="0x" + "01" * 32,
            market=MARKET,
            tx="0x" + "02" * 32,
            block=FIRST,
            code_hash="0x" + "03" * 32,
            limits=DEMO.limits,
            court=MARKET,
            court_tx="0x" + "04" * 32,
            checks=(),
        )

    @property
    def last(self) -> int:
        """Number of the last block: one for each creation, then one for each part."""
        return FIRST + self.projects * (1 + self.rounds * len(PARTS)) - 1

    @property
    def event_count(self) -> int:
        """Events in all blocks."""
        created = self.projects * (3 + self.trainers)
        return created + self.projects * (self.rounds * (3 + 2 * self.trainers) - min(OPEN, self.rounds))

    def check(self) -> None:
        """Always the same chain."""

    def head(self) -> int:
        """Latest block."""
        return self.last

    def now(self) -> int:
        """Time of the pending block."""
        return START + BLOCK_S * (self.last + 1)

    def header(self, number: int) -> Header | None:
        """Made from the number alone."""
        if not FIRST - 1 <= number <= self.last:
            return None
        return Header(number, word("block", number), word("block", number - 1), START + BLOCK_S * number)

    def logs(self, first: int, last: int) -> list[RawLog]:
        """Logs of a range."""
        return [log for number in range(first, last + 1) for log in self._block(number)]

    def project_count(self, block: int) -> int | None:
        """No state: there is no contract."""
        return None

    def project(self, project: int, block: int) -> ProjectView | None:
        """As above."""
        return None

    def round(self, project: int, round_: int, block: int) -> RoundView | None:
        """As above."""
        return None

    def token(self, address: str, block: int) -> TokenFacts:
        """None is used."""
        return TokenFacts(address, "SYN", 6)

    def _block(self, number: int) -> list[RawLog]:
        at, block_hash = START + BLOCK_S * number, word("block", number)
        tx = word("tx", number)
        place = number - FIRST
        if place < self.projects:
            made = [encode_event(INTERFACE, event) for event in self._creation(place + 1, at)]
        else:
            step, project = divmod(place - self.projects, self.projects)
            round_, part = divmod(step, len(PARTS))
            made = self._part(project + 1, round_ + 1, PARTS[part], at)
        return [RawLog(MARKET, *log, number, block_hash, index, tx) for index, log in enumerate(made)]

    def _creation(self, project: int, at: int) -> list[ev.Event]:
        params = DEMO.project(at, 10_000, seats=self.trainers, min_seals=3, open_rounds=8)
        content = Content(word("text", project), word("file", project), word("model", project, 0))
        poster = account("poster", project, 0)
        seats = range(self.trainers)
        return [
            ev.ProjectCreated(project, account("owner", project, 0), params, content),
            ev.ProjectFunded(project, account("owner", project, 0), params.pot * self.rounds),
            ev.BondAdded(project, poster, params.bond * 8),
            *(
                ev.TrainerRegistered(
                    project, s, account("t", project, s), account("t", project, s), params.min_stake
                )
                for s in seats
            ),
        ]

    def _part(self, project: int, round_: int, part: str, at: int) -> list[tuple[tuple[bytes, ...], bytes]]:
        topic = project.to_bytes(32, "big")
        if part in ("seal", "reveal"):
            name, words = ("Sealed", 1) if part == "seal" else ("Revealed", 3)
            topics = (_topic(name), topic)
            return [
                (
                    topics,
                    (round_ << 16 | seat).to_bytes(32, "big") + _words(part, project, round_, seat, words),
                )
                for seat in range(self.trainers)
            ]
        return [encode_event(INTERFACE, event) for event in self._other(project, round_, part, at)]

    def _other(self, project: int, round_: int, part: str, at: int) -> list[ev.Event]:
        pot, fee = DEMO.pot, DEMO.pot * DEMO.fee_bps // 10_000
        paid, poster = (pot - fee) // 10 * 9, account("poster", project, 0)
        if part == "open":
            base = word("model", project, round_ - 1)
            return [ev.RoundOpened(project, round_, base, pot, at + 60, at + 120)]
        if part == "final":
            final = round_ - OPEN
            done = ev.RoundFinalised(project, final, poster, fee, paid, pot - fee - paid)
            return [done] if final > 0 else []
        roots = Roots(
            *(word(n, project, round_) for n in ("s", "g", "t", "a")),
            bytes(32),
            word("d"),
            word("model", project, round_),
        )
        digests = (word("delta", project, round_), word("m", project, round_), word("doc", project, round_))
        included = bitmap_of(list(range(self.trainers)), self.trainers)
        post = Post(
            word("prev", project, round_), 1, self.trainers, paid, *digests, roots, included, (7, 0, 0)
        )
        return [ev.ResultPosted(project, round_, poster, word("c", project, round_), at, True, post)]


@lru_cache
def _topic(name: str) -> bytes:
    return next(entry.hash for entry in INTERFACE.events.values() if entry.name == name)


def _words(part: str, project: int, round_: int, seat: int, count: int) -> bytes:
    """Roots and salts: cheap, different, and roots not small."""
    tag = (
        (b"\x00" * 6 if part == "seal" else b"\xff" * 6)
        + bytes([count])
        + b"%d/%d/%d" % (project, round_, seat)
    )
    return b"".join((tag + bytes([n])).ljust(32, b".")[:32] for n in range(count))


def arguments(
    text: str, projects: int, rounds: int, more: Callable[[argparse.ArgumentParser], object]
) -> tuple[argparse.Namespace, Synthetic]:
    """The command line's sizes, with these defaults, and the market of that size."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--projects", type=int, default=projects)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--trainers", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=40, help="requests of each page")
    more(parser)
    options = parser.parse_args()
    return options, Synthetic(options.projects, options.rounds, options.trainers)


@dataclass
class Timer:
    """Times of one page, in milliseconds."""

    took: list[float]
    cpu_s: float = 0.0

    @classmethod
    def of(cls, repeats: int, ask: Callable[[int], object]) -> Timer:
        """`repeats` requests, each for another object."""
        timer = cls([])
        before = time.process_time()
        for n in range(repeats):
            start = time.perf_counter()
            ask(7 * n)
            timer.took.append((time.perf_counter() - start) * 1000)
        timer.cpu_s = time.process_time() - before
        return timer

    def figures(self) -> dict[str, float]:
        """Median, 95th percentile, and mean processor time."""
        p95 = statistics.quantiles(self.took, n=20)[-1]
        cpu = self.cpu_s / len(self.took) * 1000
        times = {"p50": statistics.median(self.took), "p95": p95, "cpu": cpu}
        return {name: round(value, 1) for name, value in times.items()}
