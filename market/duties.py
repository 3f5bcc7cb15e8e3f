"""What each honest role should do now: pure functions of a snapshot, the same for every daemon.

A daemon loops: snapshot -> duties -> act. Every daemon moves rounds on (`advance_duties`), since whoever is
there may; trainers and aggregators add their own. Duties come in the order in which they should be tried;
doing one may make a later one fail, which the next snapshot shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from market.phases import Phase
from market.seals import is_sealed
from market.snapshot import ProjectSnapshot
from market.units import ZERO32, ZERO_ADDRESS

CLAIM_SHARES = 20
"""Pay is claimed once more mean shares than this are open: one unnoticed lie could take all of it."""
WARN_FRACTION = 4
"""A warning comes when a quarter of a window is left."""


class Kind(StrEnum):
    """Names of duties; those that anybody may do are the contract's functions."""

    CLEAR = "clear"
    VOID = "voidRound"
    FLATTEN = "flatten"
    SKIP = "skip"
    FINALISE = "finalise"
    CONVICT_SILENT = "convictSilent"
    SETTLE_ASK = "settleAsk"
    ANSWER = "answer"
    RELEASE = "release"
    OPEN = "open"
    TRAIN = "train"
    SEAL = "seal"
    REVEAL = "reveal"
    CLAIM = "claim"
    CLAIM_FLAT = "claimFlat"
    POST = "post"
    WARN = "warn"


@dataclass(frozen=True)
class Duty:
    """One thing to do. `deadline`: unix seconds, exclusive, 0 = none. `reason`: a few words for the log."""

    kind: Kind
    round: int = 0
    reason: str = ""
    deadline: int = 0
    ask: int = 0
    """number of the ask that it is about"""

    def arguments(self, project: int) -> tuple[int, ...]:
        """Arguments of the contract's function, for the duties that anybody may do."""
        if self.kind in (Kind.CONVICT_SILENT, Kind.SETTLE_ASK):
            return (self.ask,)
        return (project,) if self.kind in (Kind.OPEN, Kind.SKIP) else (project, self.round)


def advance_duties(now: ProjectSnapshot) -> list[Duty]:
    """Calls that are due for anyone. A due `clear` or conviction comes alone, since it changes what else is due."""
    cleared = _clear(now) or _convict_silent(now)
    if cleared:
        return cleared
    voided = _void(now)
    settling = [*voided, *_skip(now), *_flatten(now), *_finalise(now)]
    released = [Duty(Kind.RELEASE, number, "no longer counts") for number in sorted(now.stale)]
    return [*settling, *released, *_settle_asks(now), *_open(now, settling)]


def _clear(now: ProjectSnapshot) -> list[Duty]:
    for number in sorted(now.rounds):
        if now.phase(number) not in (Phase.PROPOSED, Phase.STANDING):
            continue
        poster = now.result(number).poster
        if now.aggregator(poster).banned:
            return [Duty(Kind.CLEAR, number, f"{poster} was convicted")]
    return []


def _convict_silent(now: ProjectSnapshot) -> list[Duty]:
    """The lowest result whose poster did not answer in time; asks of banned posters wait for `clear`."""
    silent = [
        Duty(Kind.CONVICT_SILENT, view.round, f"ask {id_} has no answer", ask=id_)
        for id_, view in sorted(now.asks.items())
        if view.counts and now.now >= view.due and now.phase(view.round) in (Phase.PROPOSED, Phase.STANDING)
    ]
    return sorted(silent, key=lambda duty: duty.round)[:1]


def _settle_asks(now: ProjectSnapshot) -> list[Duty]:
    """Prices of asks about results that no longer count go back."""
    gone = [(id_, view) for id_, view in sorted(now.asks.items()) if not view.counts]
    return [
        Duty(Kind.SETTLE_ASK, view.round, f"ask {id_}: its result is gone", ask=id_) for id_, view in gone
    ]


def _void(now: ProjectSnapshot) -> list[Duty]:
    """Rounds that ended as VOID, but for a head without seals that `open` can use again."""
    void = [n for n in sorted(now.rounds) if now.phase(n) is Phase.VOID and now.rounds[n].pot > 0]
    return [Duty(Kind.VOID, n, "too few seals or reveals") for n in void if not may_reopen(now, n)]


def _skip(now: ProjectSnapshot) -> list[Duty]:
    """The tip, or the mark below which all is terminal (it binds stakes), waits below a FLAT or VOID round."""
    for above in (now.project.tip + 1, now.project.terminal_up_to + 1):
        if above in now.rounds and now.phase(above) in (Phase.FLAT, Phase.VOID) and now.settled(above):
            return [Duty(Kind.SKIP, above, "settled without a result")]
    return []


def flat_from(now: ProjectSnapshot, round_: int) -> int:
    """First second at which a round in AGGREGATE may be flattened."""
    return max(now.rounds[round_].reveal_end, now.project.last_event_at) + now.params.windows.dead


def _flatten(now: ProjectSnapshot) -> list[Duty]:
    above = now.project.tip + 1
    if now.phase(above) is not Phase.AGGREGATE or now.now < flat_from(now, above):
        return []
    return [Duty(Kind.FLATTEN, above, "no result in time")]


def final_from(now: ProjectSnapshot, round_: int) -> int:
    """First second at which a standing result may become FINAL, once all asks about it are answered."""
    result, windows = now.result(round_), now.params.windows
    asked = windows.answer + windows.refute if result.asked else 0
    return result.stands_at + windows.challenge + asked


def _finalise(now: ProjectSnapshot) -> list[Duty]:
    """Standing results in order, as far as results below are FINAL (or will be by the duty before)."""
    out: list[Duty] = []
    below = now.project.last_final
    for number in sorted(now.rounds):
        due = now.phase(number) is Phase.STANDING and now.now >= final_from(now, number)
        result = now.result(number)
        if due and result.prev == below and not result.open_asks:
            out.append(Duty(Kind.FINALISE, number, "challenge window over"))
            below = number
    return out


def base_now(now: ProjectSnapshot) -> bytes:
    """Root of the model on which the next round opens."""
    return now.result(now.project.last_result).model_root


def may_reopen(now: ProjectSnapshot, round_: int) -> bool:
    """Whether `open` would start COMMIT of this head again on another base."""
    view = now.rounds[round_]
    unsealed = (
        not is_over(now)
        and view.seal_count == 0
        and view.pot > 0
        and view.phase in (Phase.COMMIT, Phase.VOID)
    )
    in_place = round_ == now.project.head and now.project.tip == round_ - 1
    return unsealed and in_place and now.stands(now.project.last_result) and view.base_root != base_now(now)


def is_over(now: ProjectSnapshot) -> bool:
    """Whether no further round opens."""
    return now.project.stopped or now.now >= now.params.end_date


def _open(now: ProjectSnapshot, settling: list[Duty]) -> list[Duty]:
    """Open, counting what duties before it free. Round 1 waits for trainers: it would only be VOID."""
    head, params = now.project.head, now.params
    if is_over(now) or (head == 0 and now.project.active_next < params.min_seals):
        return []
    if head in now.rounds and may_reopen(now, head):
        return [Duty(Kind.OPEN, head, "base changed before anybody sealed")]
    freed = [duty for duty in settling if duty.kind is not Kind.SKIP]
    returned = params.pot * sum(duty.kind is Kind.VOID for duty in freed)
    full = now.project.open_count - len(freed) >= params.open_rounds
    ready = now.stands(now.project.last_result) and _head_done(now, settling)
    if full or now.project.escrow + returned < params.pot or not ready:
        return []
    return [Duty(Kind.OPEN, head + 1, "the round below stands")]


def _head_done(now: ProjectSnapshot, settling: list[Duty]) -> bool:
    """Whether the head has a standing result, or ended without one (perhaps by a duty before)."""
    head, tip = now.project.head, now.project.tip
    if head == 0 or (tip == head and (now.settled(head) or now.stands(head))):
        return True
    ends = {Kind.VOID, Kind.FLATTEN, Kind.SKIP}
    return tip == head - 1 and any(duty.round == head and duty.kind in ends for duty in settling)


def trainer_duties(now: ProjectSnapshot) -> list[Duty]:
    """What the holder of a seat does: reveal first (a miss costs a unit), then seal, then claim."""
    if now.seat is None or now.seat_number is None:
        return []
    return [*_reveal(now), *_seal(now), *_claim(now)]


def reference_duties(now: ProjectSnapshot) -> list[Duty]:
    """What the key of the owner's reference does: reveal, then seal, once a trainer has sealed and the base is a fact;
    before that it trains, to be ready."""
    if now.me == ZERO_ADDRESS or now.me != now.params.reference_key:
        return []
    return [*_reveal(now, "reveal missing, the result goes without the reference"), *_seal_reference(now)]


def _seal_reference(now: ProjectSnapshot) -> list[Duty]:
    number, head = now.project.head, now.rounds.get(now.project.head)
    if head is None or head.phase is not Phase.COMMIT or now.slots.get(number, ZERO32) != ZERO32:
        return []
    if head.seal_count == 0:
        waits = Duty(Kind.TRAIN, number, "seals after the first trainer", head.commit_end)
        return [] if _is_stale(now, number) else [waits]
    out = [Duty(Kind.SEAL, number, "a trainer has sealed", head.commit_end)]
    if _nearly_over(now, head.commit_end, now.params.windows.commit):
        out.append(Duty(Kind.WARN, number, "not sealed yet", head.commit_end))
    return out


def _reveal(now: ProjectSnapshot, missing: str = "reveal missing, it costs one unit") -> list[Duty]:
    out: list[Duty] = []
    for number, view in sorted(now.rounds.items()):
        if view.phase is Phase.REVEAL and is_sealed(now.slots.get(number, ZERO32)):
            out.append(Duty(Kind.REVEAL, number, "sealed", view.reveal_end))
            if _nearly_over(now, view.reveal_end, now.params.windows.reveal):
                out.append(Duty(Kind.WARN, number, missing, view.reveal_end))
    return out


def _is_stale(now: ProjectSnapshot, number: int) -> bool:
    """Whether this COMMIT, while nobody has sealed, would be opened again on another base."""
    return now.project.tip != number - 1 or now.rounds[number].base_root != base_now(now)


def _nearly_over(now: ProjectSnapshot, end: int, window: int) -> bool:
    return WARN_FRACTION * (end - now.now) <= window


def _seal(now: ProjectSnapshot) -> list[Duty]:
    head = now.rounds.get(now.project.head)
    if now.seat is None or head is None or head.phase is not Phase.COMMIT:
        return []
    number = now.project.head
    if now.slots.get(number, ZERO32) != ZERO32:
        return []
    if head.seal_count == 0 and _is_stale(now, number):
        return []
    owed = now.params.unit if now.seat.missed else 0
    if now.seat.stake - owed < now.params.unit:
        return [Duty(Kind.WARN, number, "stake below one unit, add stake to go on", head.commit_end)]
    out = [Duty(Kind.SEAL, number, "commit runs", head.commit_end)]
    if _nearly_over(now, head.commit_end, now.params.windows.commit):
        out.append(Duty(Kind.WARN, number, "not sealed yet", head.commit_end))
    return out


def _claim(now: ProjectSnapshot) -> list[Duty]:
    """Flat shares at once; pay when enough is open, or when nothing more will come."""
    flat = [Duty(Kind.CLAIM_FLAT, number, "share of a flat round") for number in sorted(now.flat_due)]
    due = now.earned - (now.seat.claimed if now.seat else 0)
    ended = is_over(now) and now.project.open_count == 0
    mean_share = (now.params.pot - now.params.fee) // now.params.seats
    if due > 0 and due <= now.project.bucket and (ended or due > CLAIM_SHARES * mean_share):
        return [*flat, Duty(Kind.CLAIM, now.project.last_final, f"{due} open")]
    return flat


def aggregator_duties(now: ProjectSnapshot) -> list[Duty]:
    """What a bonded aggregator does: post where it may, or say why it cannot."""
    pool = now.aggregator(now.me)
    if pool.banned:
        return [Duty(Kind.WARN, 0, "this address was convicted here and cannot post")]
    posts = [*_replace(now), *_first_post(now)]
    if posts and not has_bond(now, now.me, own_lock=posts[0].round in now.results):
        return [Duty(Kind.WARN, posts[0].round, "bond too low for one more result", posts[0].deadline)]
    return posts


def answer_duties(now: ProjectSnapshot) -> list[Duty]:
    """Asks about my results: the most urgent first. Silence costs the whole bond, so a warning comes early."""
    out: list[Duty] = []
    for id_, view in sorted(now.asks.items(), key=lambda item: item[1].due):
        if not view.counts or now.result(view.round).poster != now.me:
            continue
        out.append(Duty(Kind.ANSWER, view.round, f"ask {id_}", view.due, ask=id_))
        if _nearly_over(now, view.due, now.params.windows.answer):
            reason = f"ask {id_} not answered, it costs the bond"
            out.append(Duty(Kind.WARN, view.round, reason, view.due, ask=id_))
    return out


def has_bond(now: ProjectSnapshot, account: str, own_lock: bool = False) -> bool:
    """Whether a pool covers one more result; `own_lock`: one that would be replaced counts as free."""
    pool = now.aggregator(account)
    locked = pool.locked - (now.params.bond if own_lock and pool.locked else 0)
    return not pool.banned and pool.bond >= max(now.params.bond_floor, locked + now.params.bond)


def _first_post(now: ProjectSnapshot) -> list[Duty]:
    """AGGREGATE right above the tip. Posting above a PROPOSED result would end its replacing: wait."""
    number = now.project.tip + 1
    if now.phase(number) is not Phase.AGGREGATE or not now.stands(now.project.last_result):
        return []
    view, below = now.rounds[number], now.result(now.project.last_result)
    deadline = flat_from(now, number)
    again = now.project.cleared_at >= view.reveal_end
    until = max(view.reveal_end, now.project.cleared_at) + now.params.windows.first_right
    first = below.poster if below.poster != ZERO_ADDRESS and has_bond(now, below.poster) else ZERO_ADDRESS
    if first == now.me:
        return [Duty(Kind.POST, number, "first right, again" if again else "first right", deadline)]
    if first == ZERO_ADDRESS or now.now >= until:
        reason = "again, after a conviction" if again else "anyone" if first == ZERO_ADDRESS else "after T1"
        return [Duty(Kind.POST, number, reason, deadline)]
    return []


def possible_rows(now: ProjectSnapshot, round_: int, deltas_below: int) -> int:
    """Public rows of a complete result: the last K deltas, the reference, the revealed files of the last V rounds."""
    files = range(max(round_ - now.params.file_rounds, 1), round_)
    own = min(now.params.delta_rows, deltas_below) + now.rounds[round_].reference_revealed
    return own + sum(now.rounds[n].reveal_count for n in files)


def _replace(now: ProjectSnapshot) -> list[Duty]:
    """A PROPOSED result at the tip: post if more can be fetched than it has, which the caller finds out."""
    number = now.project.tip
    if now.phase(number) is not Phase.PROPOSED:
        return []
    return [Duty(Kind.POST, number, "replacement with more seats or rows", now.result(number).stands_at)]


def may_leave(now: ProjectSnapshot) -> bool:
    """Whether my stake is free: the last round that my seat sealed, and all below, are terminal."""
    return now.seat is not None and now.seat.last_sealed <= now.project.terminal_up_to
