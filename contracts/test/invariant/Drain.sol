// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ProjectView} from "../../src/types.sol";
import {Checks} from "./Checks.sol";
import {Totals} from "./Lens.sol";

/// The end of every run, from whatever state it reached: nobody posts, seals, reveals or opens any more, and yet every
/// round ends, everybody gets out what is theirs and nothing stays.
abstract contract Drain is Checks {
    /// `order` shuffles claims, departures and withdrawals among each other.
    function drain(uint256 order) external {
        vm.warp(time);
        entropy = order;
        _endRounds();
        for (uint256 p = 1; p <= PROJECTS; ++p) {
            _takePay(p);
        }
        for (uint256 p = 1; p <= PROJECTS; ++p) {
            _at(_endDate(p));
        }
        for (uint256 p = 1; p <= PROJECTS; ++p) {
            _refund(p);
            for (uint256 i; i < aggregators.length; ++i) {
                uint256 bond = bonds[p][aggregators[i]].bond;
                if (bond != 0) _takeBond(p, aggregators[i], bond);
            }
            this.check();
            _I14_everybodyWithdraws(p);
            _I18_nothingStays(p);
        }
        for (uint256 p = 1; p <= PROJECTS; ++p) {
            for (uint256 round = 1; round <= projects[p].head; ++round) {
                _checkOneRound(p, round);
            }
        }
    }

    /// I-17: from every state, anybody's calls and the clock alone bring every round to an end. I-35: within what D
    /// rounds may take one after the other.
    function _endRounds() private {
        uint256 start = time;
        while (projects[1].openRounds + projects[2].openRounds != 0) {
            bool moved = _poke(1);
            moved = _poke(2) || moved;
            if (moved) continue;
            uint256 next = _nextEnd(1);
            uint256 other = _nextEnd(2);
            if (other < next) next = other;
            assertTrue(next != type(uint256).max, "I-17: nothing is due and nothing will be");
            _at(next);
        }
        uint256 longest = COMMIT + REVEAL + DEAD + TX + W + T_ANS + T_REF;
        assertLe(time - start, OPEN_ROUNDS * longest, "I-35: later than promised");
        while (_poke(1) || _poke(2)) {}
        for (uint256 p = 1; p <= PROJECTS; ++p) {
            ProjectView memory v = _view(p);
            assertEq(v.terminalUpTo, v.head, "I-17: all rounds are terminal");
            assertEq(v.tip, v.head, "I-17: the tip is the head");
        }
    }

    /// Like `_nextDeadline`, but without the first right of posters, since nobody posts.
    function _nextEnd(uint256 p) private view returns (uint256 next) {
        if (projects[p].openRounds == 0) return type(uint256).max;
        next = _nextDeadline(p);
        (bool waits, uint256 round) = _waiting(p);
        if (waits && _flatDue(p, round) < next) next = _flatDue(p, round);
        if (next <= time) next = type(uint256).max;
    }

    /// I-10: pay, flat shares and departures in any order. I-29: no stake is bound any more.
    function _takePay(uint256 p) private {
        uint256 final_ = _view(p).lastFinal;
        bool more = true;
        while (more) {
            more = _draw(2) == 0 ? _claim(p) || _claimFlat(p) : _claimFlat(p) || _claim(p);
            (bool found, uint256 seat) = _heldSeat(p);
            if (found && _draw(3) == 0) _depart(p, seat, final_, false);
        }
        for (uint256 seat; seat < SEATS; ++seat) {
            if (seats[p][seat].signer != address(0)) _depart(p, seat, final_, false);
        }
    }

    /// I-14: a withdrawal to a working receiver never fails, whoever has withdrawn before.
    function _I14_everybodyWithdraws(uint256 p) private {
        while (_withdraw(p)) {}
        for (uint256 i; i < accounts.length; ++i) {
            assertEq(market.creditOf(_token(p), accounts[i]), 0, "I-14");
        }
    }

    /// I-18: nothing is left of any class, and of the balance only what was forced on the market.
    function _I18_nothingStays(uint256 p) private view {
        Totals memory t = _look(p).totals;
        uint256 left = t.escrow + t.bucket + t.pool + t.pots + t.stakes + t.misses + t.bonds;
        assertEq(left, 0, "I-18: classes");
        assertEq(openPrices, 0, "I-18: asks");
        uint256 other = p == 1 ? bystanderHeld : 0;
        assertEq(market.held(_token(p)), other, "I-18: held");
        assertEq(_balance(p, address(market)), other + forced[p], "I-18: balance");
    }

    /// What everybody has in hand, whoever paid it: for comparing two orders.
    function wealth() external view returns (uint256[] memory list) {
        list = new uint256[](PROJECTS * accounts.length);
        for (uint256 p = 1; p <= PROJECTS; ++p) {
            for (uint256 i; i < accounts.length; ++i) {
                list[(p - 1) * accounts.length + i] = earned[p][accounts[i]];
            }
        }
    }
}
