// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts} from "../interfaces/IMarket.sol";
import {Project, ROOT_FLOOR, Round, Seat, Tenure} from "../state.sol";
import {Holder, NONE, Progress, Tally, VOID} from "../words.sol";

/// Participation of seats: which rounds a holder sealed and revealed, and who is active.
library Seats {
    function checkIndex(Project storage p, uint256 seat) internal view {
        uint256 seats = p.terms.seats();
        if (seat >= seats) revert IMarketFacts.MarketSeatOutOfRange(seat, seats);
    }

    /// The newest round that the holder sealed, 0 = none.
    /// A seal in the round after a revealed one leaves no trace but its slot, which saves a write of the seat.
    function lastSealed(Project storage p, uint256 seat, Holder h) internal view returns (uint256 last) {
        last = h.last();
        if (h.revealed() && p.rounds[last + 1].slots[seat] != 0) ++last;
    }

    function revealedIn(Project storage p, uint256 round, uint256 seat) internal view returns (bool) {
        return p.rounds[round].slots[seat] >= ROOT_FLOOR;
    }

    /// Whether a holder that sealed `last` last counts among the active seats of `round`: it sealed the round before,
    /// or joined in it and has not sealed yet.
    function isActive(Holder h, uint256 last, uint256 round) internal pure returns (bool) {
        // SAFETY: 24 bits.
        unchecked {
            return (last == 0 ? h.joined() : last) + 1 == round;
        }
    }

    /// Active seats of the round after the head, whose tally is `t`.
    function activeNext(Progress g, Tally t) internal pure returns (uint256) {
        // SAFETY: departures of seats that sealed in `head` or registered since never outnumber them.
        unchecked {
            return uint256(int256(t.sealCount()) + g.activeDelta());
        }
    }

    /// Whether COMMIT of the round after `head` waits for the reference: in round 1, and as long as it reveals, so that an
    /// owner who is gone delays one round by one window.
    function awaitsReference(Project storage p, uint256 head, Tally last) internal view returns (bool) {
        return head == 0 ? p.frozen.referenceKey != address(0) : last.referenceRevealed();
    }

    /// Ends COMMIT if a seal was the last that it waited for: of the active seats (in round 1 of as many as are expected),
    /// of the minimum, and of the reference. More than expected may seal while the reference is awaited.
    function endCommit(Project storage p, uint256 round, Tally t) internal view returns (Tally) {
        if (t.sealCount() < t.minSeals() || t.referenceAwaited()) return t;
        bool all = round == 1 ? t.sealCount() >= p.frozen.expectedSeats : t.activeLeft() == 0;
        return all ? t.withCommitEnd(block.timestamp) : t;
    }

    /// Ends REVEAL if a reveal was the last that it waited for.
    function endReveal(Tally t) internal view returns (Tally) {
        if (t.revealCount() != t.sealCount() || t.referenceClosed()) return t;
        return t.withRevealEnd(block.timestamp);
    }

    /// Takes the unit of the holder's last seal, if it is due, from its stake to the pot that already counts it.
    /// SAFETY: called only when another round has opened or that one is terminal, so a result or FLAT has charged it.
    function debitMiss(Project storage p, uint256 project, uint256 seat, uint256 last) internal {
        if (last == 0 || revealedIn(p, last, seat)) return;
        Round storage r = p.rounds[last];
        if (r.verdict.outcome() == VOID || r.tally.missedReveals() == 0) return;

        // SAFETY: a seat seals only with a unit of stake, and nothing but this takes from it before it seals again.
        uint256 unit = p.terms.unit();
        p.seats[seat].stakeAndClaimed = p.seats[seat].stakeAndClaimed.minus(unit, 0);
        p.poolAndMisses = p.poolAndMisses.minus(0, unit);
        emit IMarketFacts.MissDebited(project, uint16(seat), last, uint96(unit));
    }

    /// Takes a departing holder out of the counts of active seats.
    function uncount(Project storage p, Holder h, uint256 last) internal {
        Progress g = p.progress;
        Round storage r = p.rounds[g.head()];
        if (isActive(h, last, g.head() + 1)) p.progress = g.withActive(-1);
        else if (isActive(h, last, g.head()) && r.verdict.outcome() == NONE) r.tally = r.tally.withoutActive();
    }

    /// Payout address of whoever held the seat in `round`: past holder number `tenure`, or with the number of past
    /// holders the present one.
    function payoutIn(Project storage p, uint256 round, uint256 seat, uint256 tenure) internal view returns (address) {
        Tenure[] storage past = p.tenures[seat];
        if (tenure < past.length) {
            Tenure storage t = past[tenure];
            if (t.firstRound != 0 && t.firstRound <= round && round <= t.lastRound) return t.payout;
        } else if (tenure == past.length) {
            Seat storage s = p.seats[seat];
            uint256 first = s.holder.firstRound();
            if (first != 0 && first <= round) return s.payout;
        }
        revert IMarketFacts.MarketWrongTenure(tenure, round);
    }
}
