"""Refutations: a number of a posted result is wrong, and anyone may show it.

Whether it is wrong, and which places trees have, is the rule's business and asked from outside (`Oracle`).
"""

from __future__ import annotations

from collections.abc import Sequence

from market.events import Event, ResultRefuted
from market.params import DELTA_ROWS
from market.records import Roots
from market.refutation import Below, Check, Refutation, Tree
from market.result_hash import commitment_of, context_hash, opening_of
from market.seals import is_revealed, seed_of
from market.spec.results import convict
from market.spec.state import Call, Project, Round, State, refuse, round_in_phase
from market.units import BITMAP_WORD, ZERO32, words


def process_refute(state: State, project: int, round_: int, it: Refutation, call: Call) -> list[Event]:
    """Anyone shows that a number of a result is wrong; nothing happens where it is right."""
    place, facts = refutable(state, project, round_, "refute", call.now)
    check_preimage(state, project, place, facts, it.included, it.rows, it.roots)
    check_below(place, facts, it.below)
    if not _is_hidden(place, facts, it):
        _check_files(place, it)
        if not state.oracle.is_wrong(it):
            raise refuse("MarketNotRefuted", check=int(it.check), a=it.a, b=it.b, c=it.c)
    elif it.evidence:
        raise refuse("MarketEvidenceNotEmpty", length=len(it.evidence))
    refuted = ResultRefuted(project, round_, call.caller, it.check, it.a, it.b, it.c)
    return [refuted, *convict(state, project, facts, call.caller, call.now)]


def refutable(state: State, project: int, round_: int, call: str, now: int) -> tuple[Project, Round]:
    """Project and round, if its result counts, is not FINAL, and its poster still has something to lose."""
    it, facts = round_in_phase(state, project, round_, call, now)
    poster = it.results[round_].poster
    if it.aggregator(poster).banned:
        raise refuse("MarketBanned", account=poster)
    return it, facts


def check_preimage(
    state: State,
    project: int,
    it: Project,
    facts: Round,
    included: Sequence[int],
    rows: Sequence[int],
    roots: Roots,
) -> None:
    """MarketWrongOpening unless this is, to the bit, what was posted."""
    result = it.results[facts.number]
    context = context_hash(
        state.chain_id,
        state.market,
        project,
        facts.number,
        it.results[result.prev].commitment,
        result.poster,
        included,
        rows,
        seed_of(facts.reveal_sum),
        result.paid,
    )
    _expect_commitment(commitment_of(opening_of(context, roots)), result.commitment)


def check_below(it: Project, facts: Round, below: Sequence[Below]) -> None:
    """The results below open, newest first; there are none below the start."""
    at = it.results[facts.number].prev
    for count, opened in enumerate(below):
        if at == 0:
            raise refuse("MarketBelowCount", given=len(below), results=count)
        result = it.results[at]
        _expect_commitment(commitment_of(opening_of(opened.context, opened.roots)), result.commitment)
        at = result.prev


def _expect_commitment(computed: bytes, commitment: bytes) -> None:
    if computed != commitment:
        raise refuse("MarketWrongOpening", computed=computed, commitment=commitment)


def is_row(seats: int, included: Sequence[int], rows: Sequence[int], row: int) -> bool:
    """Whether a result has a row of sketches: seats, reference, deltas, files of the rounds below."""
    if row < seats:
        return _bit(included, row)
    if row == seats:
        return bool(rows[0] >> DELTA_ROWS & 1)
    past = row - seats - 1 - DELTA_ROWS
    if past < 0:
        return bool(rows[0] >> (row - seats - 1) & 1)
    back, seat = divmod(past, seats)
    each = words(seats)
    bitmap = rows[1 + back * each : 1 + (back + 1) * each]
    return bool(bitmap) and _bit(bitmap, seat)


def _bit(bitmap: Sequence[int], seat: int) -> bool:
    return bool(bitmap[seat // BITMAP_WORD] >> seat % BITMAP_WORD & 1)


def slot_behind(it: Project, round_: int, row: int) -> bytes | None:
    """Slot of the seat, reference or past file that a row is about; None for a delta."""
    seats = it.params.seats
    if row == seats:
        return it.rounds[round_].reference
    if row < seats:
        back, seat = -1, row
    elif row > seats + DELTA_ROWS:
        back, seat = divmod(row - seats - 1 - DELTA_ROWS, seats)
    else:
        return None
    facts = it.rounds.get(round_ - 1 - back)
    return facts.slots.get(seat, ZERO32) if facts else ZERO32


def file_root(it: Project, round_: int, row: int, below: Sequence[Below]) -> bytes:
    """Root of the update file of a row that is there; MarketBelowCount if it is a delta whose result was not opened."""
    slot = slot_behind(it, round_, row)
    if slot is not None:
        return slot
    age = row - it.params.seats - 1
    if age >= len(below):
        raise refuse("MarketBelowCount", given=len(below), results=age + 1)
    return below[age].roots.delta


def _is_hidden(it: Project, facts: Round, refutation: Refutation) -> bool:
    """An included seat, a reference or a served past file that was never revealed: nobody has to open anything."""
    row = refutation.a
    if refutation.check is not Check.Update:
        return False
    if not is_row(it.params.seats, refutation.included, refutation.rows, row):
        return False
    slot = slot_behind(it, facts.number, row)
    return slot is not None and not is_revealed(slot)


def _check_files(it: Project, refutation: Refutation) -> None:
    """The contract finds the files that a check reads; a delta's is found only where its result was opened."""
    in_update = refutation.check is Check.Presence and refutation.a == Tree.Update
    row = refutation.c if in_update else refutation.a
    reads = in_update or refutation.check in (Check.Sketch, Check.Update)
    if reads and is_row(it.params.seats, refutation.included, refutation.rows, row):
        file_root(it, it.tip, row, refutation.below)
