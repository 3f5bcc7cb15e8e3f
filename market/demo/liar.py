"""`demo --liar`: the aggregator lies in round 2; a watcher and a second aggregator with a bond are there too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from market.cli.output import amount
from market.demo.plan import AGGREGATOR_KEY, FIRST_TRAINER_KEY
from market.demo.processes import Family
from market.demo.report import LiarReport
from market.demo.stage import POLL, Stage
from market.devnet import dev_account
from market.events import Asked, Event, ResultConvicted, ResultPosted, ResultRefuted
from market.params import Windows

KINDS = ("paid", "weight", "gram", "sketch", "step", "delta", "model", "hidden", "silent")
"""What the aggregator can lie about (`aggregator/lies.py`): the last two serve less than they posted."""
ALL = "all"
LIE_ROUND = 2
FEWEST_ROUNDS = 3


def windows_with_asks(windows: Windows) -> Windows:
    """Longer windows to ask and to answer, for processes that share a small machine."""
    return replace(windows, challenge=42, answer=6, refute=6, dead=180)


def watcher_key(stage: Stage) -> int:
    """Number of the watcher's public test key."""
    return FIRST_TRAINER_KEY + len(stage.members)


def rival_key(stage: Stage) -> int:
    """Number of the second aggregator's public test key."""
    return watcher_key(stage) + 1


def start_watcher(stage: Stage, family: Family) -> None:
    """Starts `fairtrain watch`; it ends with the project."""
    key = str(watcher_key(stage))
    family.start(
        "watcher", "watch", str(stage.project), "--devnet-key", key, "--poll", POLL, "--chores", "30"
    )


@dataclass
class Trial:
    """Follows one liar. `news` gives lines for people, once each."""

    stage: Stage
    family: Family
    kind: str
    _events: list[Event] = field(default_factory=list)
    _block: int | None = None
    _gas: dict[str, int] = field(default_factory=dict)
    _times: dict[str, int] = field(default_factory=dict)

    def news(self) -> Iterator[str]:
        """Lines about what happened since the last call. Starts the rival when the liar has posted round 1."""
        gateway = self.stage.gateway
        latest = gateway.block_number()
        if self._block is not None and self._block >= latest:
            return
        first, self._block = (None if self._block is None else self._block + 1), latest
        for log in gateway.events(first, latest, self.stage.project):
            line = self._take(log.event, log.tx_hash, log.block)
            if line:
                yield line

    def report(self) -> LiarReport:
        """What became of the lie."""
        posts = [e for e in self._events if isinstance(e, ResultPosted) and e.round == LIE_ROUND]
        convicted = next((e for e in self._events if isinstance(e, ResultConvicted)), None)
        refuted = next((e for e in self._events if isinstance(e, ResultRefuted)), None)
        lost = 0 if convicted is None else convicted.to_refuter + convicted.to_pot + convicted.to_escrow
        return LiarReport(
            kind=self.kind,
            round=LIE_ROUND,
            poster=posts[0].poster if posts else "",
            convicted=convicted is not None,
            check=refuted.check.name if refuted else "",
            place=[refuted.a, refuted.b, refuted.c] if refuted else [],
            asks=sum(isinstance(event, Asked) for event in self._events),
            bond_lost_wei=str(lost),
            to_watcher_wei=str(convicted.to_refuter if convicted else 0),
            gas=self._gas.get("conviction", 0),
            seconds=self._times.get("conviction", 0) - self._times.get("lie", 0),
            repaired_by=posts[-1].poster if len(posts) > 1 else "",
        )

    def _take(self, event: Event, tx_hash: str, block: int) -> str:
        self._events.append(event)
        match event:
            case ResultPosted() if event.round == 1:
                self._start_rival()
            case ResultPosted() if event.round == LIE_ROUND and event.poster == self._liar():
                self._times.setdefault("lie", self._time(block))
                return f"round {event.round}: {event.poster} posts a lie ({self.kind})"
            case ResultPosted() if event.round == LIE_ROUND and "conviction" in self._times:
                return f"round {event.round}: repaired by {event.poster}, which recomputed it"
            case Asked():
                name = event.tree.name.lower()
                return f"round {event.round}: the watcher asks for {name}, level {event.level}, index {event.index}"
            case ResultRefuted():
                return f"round {event.round}: refuted: {event.check.name} ({event.a}, {event.b}, {event.c})"
            case ResultConvicted():
                receipt = self.stage.gateway.rpc.request("eth_getTransactionReceipt", [tx_hash])
                self._gas["conviction"] = int(receipt["gasUsed"], 16)
                self._times["conviction"] = self._time(block)
                return (
                    f"round {event.round}: {event.poster} was convicted with {self._gas['conviction']:,} gas and lost "
                    f"{amount(event.to_refuter + event.to_pot + event.to_escrow)}: a third to the watcher, a third to "
                    "this round's trainers, a third to the escrow"
                )
        return ""

    def _liar(self) -> str:
        return dev_account(AGGREGATOR_KEY).address

    def _time(self, block: int) -> int:
        found = self.stage.gateway.rpc.request("eth_getBlockByNumber", [hex(block), False])
        return int(found["timestamp"], 16)

    def _start_rival(self) -> None:
        if "rival" in self.family.children:
            return
        # Not before: who posts round 1 has the first right to post round 2, and the lie is to be seen.
        key = str(rival_key(self.stage))
        self.family.start(
            *("rival", "aggregator", "run", str(self.stage.project)),
            *("--devnet-key", key, "--unbond", "--poll", POLL, "--chores", "20"),
        )
