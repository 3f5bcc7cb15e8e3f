// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarket} from "../interfaces/IMarket.sol";
import {Holder, Outcome, Progress, Project, ROOT_FLOOR, Round, Seat, Tally, Tenure} from "../state.sol";
import {Phases} from "./Phases.sol";

/// Participation of seats: which rounds a holder sealed and revealed, and who is active.
library Seats {
    function checkIndex(Project storage p, uint256 seat) internal view {
        if (seat >= p.terms.seats) revert IMarket.MarketSeatOutOfRange(seat, p.terms.seats);
    }

    /// The newest round that the holder sealed, 0 = none.
    /// A seal in the round after a revealed one leaves no trace but its slot, which saves the word of the seat.
    function lastSealed(Project storage p, uint256 seat, Holder memory h) internal view returns (uint256) {
        uint256 next = uint256(h.last) + 1;
        return h.revealed && p.rounds[next].slots[seat] != 0 ? next : h.last;
    }

    function revealedIn(Project storage p, uint256 round, uint256 seat) internal view returns (bool) {
        return uint256(p.rounds[round].slots[seat]) >= ROOT_FLOOR;
    }

    /// Whether a holder that sealed `last` last counts among the active seats of `round`: it sealed the round before,
    /// or joined in it and has not sealed yet.
    function isActive(Holder memory h, uint256 last, uint256 round) internal pure returns (bool) {
        return (last == 0 ? h.joined : last) + 1 == round;
    }

    function activeNext(Project storage p) internal view returns (uint16) {
        int256 sealed_ = int256(uint256(p.rounds[p.progress.head].tally.sealCount));
        // SAFETY: departures of seats that sealed in `head` or registered since never outnumber them.
        return uint16(uint256(sealed_ + p.progress.activeDelta));
    }

    /// Takes the unit of the holder's last seal, if it is due, from its stake to the pot that already counts it.
    /// Called only when that round's REVEAL has ended and, since a result or a FLAT round followed, the pot was charged.
    function debitMiss(Project storage p, uint256 project, uint256 seat, uint256 last) internal {
        if (last == 0 || revealedIn(p, last, seat)) return;
        Round storage r = p.rounds[last];
        if (r.verdict.outcome == Outcome.Void || Phases.missedReveals(r.tally) == 0) return;

        uint96 unit = p.terms.pot / p.terms.minSeals;
        // SAFETY: a seat seals only with a unit of stake, and nothing but this takes from it before it seals again.
        p.seats[seat].stake -= unit;
        p.purse.missesOwed -= unit;
        // SAFETY: seats and rounds are below 2^16 and 2^24.
        emit IMarket.MissDebited(project, uint16(seat), last, unit);
    }

    /// Takes a departing holder out of the counts of active seats.
    function uncount(Project storage p, Holder memory h, uint256 last) internal {
        Progress storage g = p.progress;
        uint256 head = g.head;
        if (isActive(h, last, head + 1)) {
            --g.activeDelta;
        } else if (isActive(h, last, head) && p.rounds[head].verdict.outcome == Outcome.None) {
            --p.rounds[head].tally.activeLeft;
        }
    }

    /// Payout address of whoever held the seat in `round`: past holder number `tenure`, or with the number of past
    /// holders the present one.
    function payoutIn(Project storage p, uint256 round, uint256 seat, uint256 tenure) internal view returns (address) {
        Tenure[] storage past = p.tenures[seat];
        if (tenure < past.length) {
            Tenure memory t = past[tenure];
            if (t.firstRound != 0 && t.firstRound <= round && round <= t.lastRound) return t.payout;
        } else if (tenure == past.length) {
            Seat storage s = p.seats[seat];
            if (s.holder.firstRound != 0 && s.holder.firstRound <= round) return s.payout;
        }
        revert IMarket.MarketWrongTenure(tenure, round);
    }
}
