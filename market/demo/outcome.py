"""The end of a demonstration: everything read back from chain and store, and turned into a report."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from market.chain.events import Log
from market.cid import cid_from_digest
from market.claims import document_of
from market.codec import MODEL
from market.demo.live import Show, reference_in
from market.demo.report import ProjectReport, Report, RoundReport, TrainerReport
from market.demo.stage import Stage
from market.devnet import dev_account
from market.events import (
    Claimed,
    Event,
    FlatClaimed,
    MissDebited,
    ProjectFunded,
    ProjectRefunded,
    ResultConvicted,
    ResultPosted,
    Revealed,
    RoundFinalised,
    RoundOpened,
    Sealed,
    TrainerLeft,
    split_round_seat,
)
from market.result_document import ResultDocument

KINDS: dict[type[Event], str] = {
    RoundOpened: "open",
    Sealed: "seal",
    Revealed: "reveal",
    ResultPosted: "post_result",
    RoundFinalised: "finalise",
}


@dataclass
class Facts:
    """Sums over the events of a project."""

    gas: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    times: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    pay: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    stake: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    penalty: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    funded: int = 0
    forfeited: int = 0
    slashed: int = 0
    fees: int = 0
    refunded: int = 0
    claim_gas: int = 0


def gather(stage: Stage) -> Facts:
    """Reads all events, their transactions' gas and their blocks' times."""
    facts, gas_of, time_of = Facts(), {}, {}
    rpc = stage.gateway.rpc
    for log in stage.gateway.events(project=stage.project):
        if log.tx_hash not in gas_of:
            receipt = rpc.request("eth_getTransactionReceipt", [log.tx_hash])
            gas_of[log.tx_hash] = int(receipt["gasUsed"], 16)
        if log.block not in time_of:
            block = rpc.request("eth_getBlockByNumber", [hex(log.block), False])
            time_of[log.block] = int(block["timestamp"], 16)
        _place(facts, log, gas_of[log.tx_hash], time_of[log.block])
        _count(facts, log.event, gas_of[log.tx_hash])
    return facts


def _place(facts: Facts, log: Log, gas: int, at: int) -> None:
    """Gas of the dearest transaction of each kind, and the time of the last, by round."""
    event = log.event
    kind = KINDS.get(type(event))
    if kind is None:
        return
    packed = getattr(event, "round_seat", None)
    round_ = split_round_seat(packed)[0] if packed is not None else getattr(event, "round")  # noqa: B009
    facts.gas[round_][kind] = max(gas, facts.gas[round_].get(kind, 0))
    facts.times[round_][kind] = at


def _count(facts: Facts, event: Event, gas: int) -> None:
    match event:
        case ProjectFunded():
            facts.funded += event.amount
        case ProjectRefunded():
            facts.refunded += event.escrow
        case RoundFinalised():
            facts.fees += event.fee
        case ResultConvicted():
            facts.slashed += event.to_pot + event.to_escrow
        case MissDebited():
            facts.forfeited += event.unit
        case Claimed():
            facts.pay[event.seat] += event.amount
            facts.claim_gas = max(gas, facts.claim_gas)
        case FlatClaimed():
            facts.pay[event.seat] += event.amount
        case TrainerLeft():
            facts.pay[event.seat] += event.pay
            facts.stake[event.seat] += event.stake_returned
            facts.penalty[event.seat] += event.penalty


def report_of(stage: Stage, show: Show, seed: int, node: str, seconds: float) -> Report:
    """The report. Call it when everybody has left and the owner is refunded."""
    facts, show_history = gather(stage), show.observer
    show_history.refresh()
    standing = {
        number: posted
        for number, round_ in sorted(show_history.history.rounds.items())
        if (posted := round_.posted(stage.gateway.result(stage.project, number).commitment))
    }
    documents = {number: document_of(stage.store, posted) for number, posted in standing.items()}
    last = standing[max(standing)]
    project = stage.gateway.project(stage.project)
    paid = sum(facts.pay.values())
    return Report(
        seed=seed,
        node=node,
        store=(stage.app.store_url or "folder").partition(":")[0],
        rounds=[_round(show, facts, number, posted) for number, posted in standing.items()],
        trainers=[_trainer(stage, facts, documents, member.seat) for member in stage.members],
        project=ProjectReport(
            funded_wei=str(facts.funded),
            forfeited_wei=str(facts.forfeited),
            slashed_wei=str(facts.slashed),
            paid_wei=str(paid),
            fees_wei=str(facts.fees),
            refunded_wei=str(facts.refunded),
            dust_wei=str(project.bucket + project.escrow),
        ),
        model_cid=cid_from_digest(last.post.model_digest, MODEL.file_bytes(stage.description.d)),
        final_accuracy=show.accuracies[max(standing)],
        claim_gas=facts.claim_gas,
        seconds=seconds,
    )


def _round(show: Show, facts: Facts, number: int, posted: ResultPosted) -> RoundReport:
    round_, times = show.observer.history.rounds[number], facts.times[number]
    steps = [("commit", "open", "seal"), ("reveal", "seal", "reveal"), ("aggregate", "reveal", "post_result")]
    steps.append(("challenge", "post_result", "finalise"))
    return RoundReport(
        round=number,
        accuracy=show.accuracies[number],
        sealed=len(round_.seals),
        revealed=len(round_.reveals),
        included=sum(word.bit_count() for word in posted.post.included),
        reference=reference_in(round_, posted) if show.has_reference else None,
        gas=facts.gas[number],
        seconds={name: float(times[end] - times[start]) for name, start, end in steps if end in times},
    )


def _trainer(stage: Stage, facts: Facts, documents: dict[int, ResultDocument], seat: int) -> TrainerReport:
    member = stage.members[seat]
    verdicts = []
    for _, document in sorted(documents.items()):
        found = next((entry.verdict for entry in document.seats if entry.seat == seat), "absent")
        verdicts.append(str(found))
    return TrainerReport(
        seat=seat,
        address=dev_account(member.key).address,
        kind=member.kind,
        paid_wei=str(facts.pay[seat]),
        stake_wei=str(facts.stake[seat]),
        penalty_wei=str(facts.penalty[seat]),
        reputation=documents[max(documents)].accounts[seat].reputation,
        verdicts=verdicts,
    )
