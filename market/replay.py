"""The market's getters from its events alone (I-47): a read model for indexers, and a check of the events.

It folds events into the state of `market.spec` without checking anything, so `market.spec.views` answers from it
what the contract answers. Money moves, seats and rounds follow from the events; times from their blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from market import events as ev
from market.params import Limits
from market.result_hash import start_commitment
from market.seals import add_reveal
from market.spec.asks import close_ask, record_ask
from market.spec.exits import free_seat
from market.spec.results import remove_result
from market.spec.rounds import end_without_result, release_stored, unlock
from market.spec.state import Aggregator, Project, Result, Round, State, charge
from market.spec.trainers import end_commit_early, end_reveal_early
from market.units import BURNED, popcount


class Replay:
    """Fold of one market's events, in the order of the chain, each with its block's time in unix seconds."""

    def __init__(self, chain_id: int, market: str, limits: Limits) -> None:
        self.state = State(chain_id, market, limits)

    def apply(self, event: ev.Event, at: int) -> None:
        """Folds one event in. Unknown kinds raise KeyError: a read model must not skip what it cannot read."""
        if isinstance(event, ev.Withdrawn):
            self._withdrawn(event)
        elif isinstance(event, ev.ProjectCreated):
            self._created(event)
        else:
            project: Project = self.state.projects[getattr(event, "project") - 1]  # noqa: B009
            HANDLERS[type(event)](self, project, event, at)

    def _created(self, event: ev.ProjectCreated) -> None:
        root = event.content.model_root
        commitment = start_commitment(self.state.chain_id, self.state.market, event.project, root)
        start = {0: Result(commitment, root)}
        self.state.projects.append(Project(event.owner, event.params, event.content, start))

    def _withdrawn(self, event: ev.Withdrawn) -> None:
        self.state.credits.pop((event.token, event.account))
        self.state.held[event.token] -= event.amount

    def _entered(self, it: Project, amount: int) -> None:
        token = it.params.token
        self.state.held[token] = self.state.held.get(token, 0) + amount

    def _credit(self, it: Project, account: str, amount: int) -> None:
        self.state.add_credit(it.params.token, account, amount)

    # ----- money -----

    def _funded(self, it: Project, event: ev.ProjectFunded, at: int) -> None:
        self._entered(it, event.amount)
        it.escrow += event.amount

    def _stopped(self, it: Project, event: ev.ProjectStopped, at: int) -> None:
        it.stopped = True

    def _refunded(self, it: Project, event: ev.ProjectRefunded, at: int) -> None:
        it.refunded = True
        it.escrow -= event.escrow
        it.penalty_pool -= event.burned
        self._credit(it, event.owner, event.escrow)
        self._credit(it, BURNED, event.burned)

    def _bond_added(self, it: Project, event: ev.BondAdded, at: int) -> None:
        self._entered(it, event.amount)
        it.aggregators.setdefault(event.aggregator, Aggregator()).bond += event.amount

    def _bond_removed(self, it: Project, event: ev.BondRemoved, at: int) -> None:
        it.aggregators[event.aggregator].bond -= event.amount
        self._credit(it, event.aggregator, event.amount)

    # ----- seats -----

    def _registered(self, it: Project, event: ev.TrainerRegistered, at: int) -> None:
        self._entered(it, event.stake)
        seat = it.seat(event.seat)
        seat.signer, seat.payout, seat.stake = event.signer, event.payout, event.stake
        seat.joined, seat.last_sealed, seat.first_round = it.head, 0, 0

    def _stake_added(self, it: Project, event: ev.StakeAdded, at: int) -> None:
        self._entered(it, event.amount)
        it.seat(event.seat).stake += event.amount

    def _miss_debited(self, it: Project, event: ev.MissDebited, at: int) -> None:
        it.seat(event.seat).stake -= event.unit

    def _left(self, it: Project, event: ev.TrainerLeft, at: int) -> None:
        seat = it.seat(event.seat)
        it.bucket -= event.pay
        it.penalty_pool += event.penalty
        self._credit(it, event.payout, event.pay + event.stake_returned)
        seat.claimed = event.claimed
        seat.penalty_taken = event.penalty_taken
        free_seat(it, seat)

    def _claimed(self, it: Project, event: ev.Claimed, at: int) -> None:
        it.bucket -= event.amount
        it.seat(event.seat).claimed += event.amount
        self._credit(it, event.payout, event.amount)

    def _flat_claimed(self, it: Project, event: ev.FlatClaimed, at: int) -> None:
        facts = it.rounds[event.round]
        facts.pot -= event.amount
        facts.flat_taken.add(event.seat)
        self._credit(it, event.payout, event.amount)

    # ----- rounds -----

    def _opened(self, it: Project, event: ev.RoundOpened, at: int) -> None:
        if event.round > it.head:
            it.rounds[event.round] = Round(
                event.round, event.base_root, event.pot, event.commit_end, event.reveal_end, it.active_next
            )
            it.head = event.round
            it.escrow -= it.params.pot
            it.penalty_pool = 0
            return
        head = it.rounds[event.round]
        head.base_root, head.commit_end, head.reveal_end = event.base_root, event.commit_end, event.reveal_end

    def _sealed(self, it: Project, event: ev.Sealed, at: int) -> None:
        number, seat = ev.split_round_seat(event.round_seat)
        facts, place = it.rounds[number], it.seat(seat)
        facts.active_left -= place.active_for(number)
        facts.slots[seat] = event.seal
        facts.seal_count += 1
        place.last_sealed = number
        end_commit_early(it, facts, at)

    def _revealed(self, it: Project, event: ev.Revealed, at: int) -> None:
        number, seat = ev.split_round_seat(event.round_seat)
        facts, place = it.rounds[number], it.seat(seat)
        place.first_round = place.first_round or number
        facts.slots[seat] = event.update_root
        facts.reveal_count += 1
        facts.reveal_sum = add_reveal(facts.reveal_sum, place.signer, event.update_root, event.salt)
        end_reveal_early(facts, at)

    def _reference_sealed(self, it: Project, event: ev.ReferenceSealed, at: int) -> None:
        facts = it.rounds[event.round]
        facts.reference = event.seal
        end_commit_early(it, facts, at)

    def _reference_revealed(self, it: Project, event: ev.ReferenceRevealed, at: int) -> None:
        facts, key = it.rounds[event.round], it.params.reference_key
        facts.reference = event.update_root
        facts.reveal_sum = add_reveal(facts.reveal_sum, key, event.update_root, event.salt)
        end_reveal_early(facts, at)

    def _voided(self, it: Project, event: ev.RoundVoided, at: int) -> None:
        facts = it.rounds[event.round]
        it.escrow += event.to_escrow
        it.penalty_pool += facts.pot - event.to_escrow
        facts.pot, facts.voided = 0, True
        end_without_result(it, event.round)

    def _flattened(self, it: Project, event: ev.RoundFlattened, at: int) -> None:
        facts = it.rounds[event.round]
        release_stored(it, event.round)
        charge(it, facts, at)
        kept = event.share * event.revealed
        it.escrow += facts.pot - kept
        facts.pot, facts.flat, facts.flat_share = kept, True, event.share
        end_without_result(it, event.round)

    def _skipped(self, it: Project, event: ev.RoundSkipped, at: int) -> None:
        it.tip, it.terminal_up_to = event.tip, event.terminal_up_to

    # ----- results -----

    def _posted(self, it: Project, event: ev.ResultPosted, at: int) -> None:
        facts, post = it.rounds[event.round], event.post
        replaced = it.results.get(event.round) if event.round <= it.tip else None
        prev = replaced.prev if replaced else it.last_result
        release_stored(it, event.round)
        charge(it, facts, at)
        if not replaced:
            facts.proposed_at = 0 if event.stands_at == at else at
        it.aggregators[event.poster].locked += it.params.bond
        it.results[event.round] = Result(
            commitment=event.commitment,
            model_root=post.roots.model,
            poster=event.poster,
            stands_at=event.stands_at,
            included_count=popcount(post.included),
            row_count=popcount(post.rows),
            paid=post.paid,
            prev=prev,
            merged=event.merged,
            depth=it.results[prev].depth + 1,
        )
        it.tip = it.last_result = event.round
        it.last_event_at = at

    def _finalised(self, it: Project, event: ev.RoundFinalised, at: int) -> None:
        facts = it.rounds[event.round]
        facts.pot, facts.final = 0, True
        it.last_final = it.terminal_up_to = event.round
        it.bucket += event.paid
        it.escrow += event.to_escrow
        unlock(it, event.poster)
        self._credit(it, event.poster, event.fee)

    def _convicted(self, it: Project, event: ev.ResultConvicted, at: int) -> None:
        pool = it.aggregators[event.poster]
        pool.bond, pool.locked, pool.banned = 0, 0, True
        self._credit(it, event.refuter, event.to_refuter)
        it.rounds[event.round].pot += event.to_pot
        it.escrow += event.to_escrow
        remove_result(it, it.rounds[event.round], at)

    def _refuted(self, it: Project, event: ev.ResultRefuted, at: int) -> None:
        """The conviction that follows has all the consequences."""

    def _asked(self, it: Project, event: ev.Asked, at: int) -> None:
        record_ask(self.state, it, event)

    def _answered(self, it: Project, event: ev.Answered, at: int) -> None:
        close_ask(self.state, event.id, event.answerer)

    def _ask_settled(self, it: Project, event: ev.AskSettled, at: int) -> None:
        close_ask(self.state, event.id, event.asker)

    def _cleared(self, it: Project, event: ev.ResultCleared, at: int) -> None:
        remove_result(it, it.rounds[event.round], at)

    def _released(self, it: Project, event: ev.BondReleased, at: int) -> None:
        release_stored(it, event.round)


HANDLERS: dict[type[ev.Event], Callable[[Replay, Project, Any, int], None]] = {
    ev.ProjectFunded: Replay._funded,
    ev.ProjectStopped: Replay._stopped,
    ev.ProjectRefunded: Replay._refunded,
    ev.TrainerRegistered: Replay._registered,
    ev.StakeAdded: Replay._stake_added,
    ev.TrainerLeft: Replay._left,
    ev.BondAdded: Replay._bond_added,
    ev.BondRemoved: Replay._bond_removed,
    ev.RoundOpened: Replay._opened,
    ev.Sealed: Replay._sealed,
    ev.Revealed: Replay._revealed,
    ev.ReferenceSealed: Replay._reference_sealed,
    ev.ReferenceRevealed: Replay._reference_revealed,
    ev.ResultPosted: Replay._posted,
    ev.RoundVoided: Replay._voided,
    ev.RoundFlattened: Replay._flattened,
    ev.RoundSkipped: Replay._skipped,
    ev.RoundFinalised: Replay._finalised,
    ev.ResultConvicted: Replay._convicted,
    ev.ResultRefuted: Replay._refuted,
    ev.Asked: Replay._asked,
    ev.Answered: Replay._answered,
    ev.AskSettled: Replay._ask_settled,
    ev.ResultCleared: Replay._cleared,
    ev.BondReleased: Replay._released,
    ev.MissDebited: Replay._miss_debited,
    ev.Claimed: Replay._claimed,
    ev.FlatClaimed: Replay._flat_claimed,
}
"""What each event does; `ProjectCreated` and `Withdrawn` are handled by `apply`."""
