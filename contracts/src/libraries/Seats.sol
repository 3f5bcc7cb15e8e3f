// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts} from "../interfaces/IMarket.sol";
import {Holder, NONE, VOID, Progress, Project, ROOT_FLOOR, Round, Seat, Tally, Tenure} from "../state.sol";
import {Facts} from "./Facts.sol";
import {Phases} from "./Phases.sol";

/// Participation of seats: which rounds a holder sealed and revealed, and who is active.
library Seats {
    using Facts for Project;
    using Facts for Round;
    using Facts for Seat;

    function checkIndex(Project storage p, uint256 seat) internal view {
        if (seat >= p.seatsOf()) revert IMarketFacts.MarketSeatOutOfRange(seat, p.seatsOf());
    }

    /// The newest round that the holder sealed, 0 = none.
    /// A seal in the round after a revealed one leaves no trace but its slot, which saves a write of the seat.
    function lastSealed(Project storage p, uint256 seat, Holder memory h) internal view returns (uint256) {
        // SAFETY: 24 bits.
        unchecked {
            return h.revealed && p.rounds[h.last + 1].slots[seat] != 0 ? h.last + 1 : h.last;
        }
    }

    function revealedIn(Project storage p, uint256 round, uint256 seat) internal view returns (bool) {
        return p.rounds[round].slots[seat] >= ROOT_FLOOR;
    }

    /// Whether a holder that sealed `last` last counts among the active seats of `round`: it sealed the round before,
    /// or joined in it and has not sealed yet.
    function isActive(Holder memory h, uint256 last, uint256 round) internal pure returns (bool) {
        // SAFETY: 24 bits.
        unchecked {
            return (last == 0 ? h.joined : last) + 1 == round;
        }
    }

    function activeNext(Project storage p, Progress memory g) internal view returns (uint256) {
        // SAFETY: departures of seats that sealed in `head` or registered since never outnumber them.
        unchecked {
            return uint256(int256(p.rounds[g.head].tallyOf().sealCount) + g.activeDelta);
        }
    }

    /// Takes the unit of the holder's last seal, if it is due, from its stake to the pot that already counts it.
    /// SAFETY: called only when another round has opened or that one is terminal, so a result or FLAT has charged it.
    function debitMiss(Project storage p, uint256 project, uint256 seat, uint256 last) internal {
        if (last == 0 || revealedIn(p, last, seat)) return;
        Round storage r = p.rounds[last];
        if (r.outcomeOf() == VOID || Phases.missedReveals(r.tallyOf()) == 0) return;

        // SAFETY: a seat seals only with a unit of stake, and nothing but this takes from it before it seals again.
        uint96 unit = uint96(p.unitOf());
        p.seats[seat].stake -= unit;
        p.takePool(0, unit);
        emit IMarketFacts.MissDebited(project, uint16(seat), last, unit);
    }

    /// Takes a departing holder out of the counts of active seats.
    function uncount(Project storage p, Holder memory h, uint256 last) internal {
        Progress memory g = p.progressOf();
        Round storage r = p.rounds[g.head];
        if (isActive(h, last, g.head + 1)) {
            --g.activeDelta;
            p.save(g);
        } else if (isActive(h, last, g.head) && r.outcomeOf() == NONE) {
            Tally memory t = r.tallyOf();
            --t.activeLeft;
            r.save(t);
        }
    }

    /// Payout address of whoever held the seat in `round`: past holder number `tenure`, or with the number of past
    /// holders the present one.
    function payoutIn(Project storage p, uint256 round, uint256 seat, uint256 tenure) internal view returns (address) {
        Tenure[] storage past = p.tenures[seat];
        if (tenure < past.length) {
            Tenure storage t = past[tenure];
            if (t.firstRound != 0 && t.firstRound <= round && round <= t.lastRound) return t.payout;
        } else if (tenure == past.length) {
            Holder memory h = p.seats[seat].holderOf();
            if (h.firstRound != 0 && h.firstRound <= round) return p.seats[seat].payout;
        }
        revert IMarketFacts.MarketWrongTenure(tenure, round);
    }
}
