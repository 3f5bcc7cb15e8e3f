// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Check} from "../../src/checks/IChecks.sol";
import {Phase, Post, ProjectView, Refutation, RoundView} from "../../src/types.sol";
import {Trees} from "../utils/Trees.sol";
import {Reference} from "./Reference.sol";

/// What aggregators do, honest ones and liars, and what a conviction does to a liar.
abstract contract Aggregators is Reference {
    // ----- bonds -----

    /// What `who` needs for a result of `round`; one of its own that is still stored there gives its lock back first.
    function _needed(uint256 p, uint256 round, address who) internal view returns (uint256) {
        uint256 locked = (bonds[p][who].locks + (rounds[p][round].stored == who ? 0 : 1)) * _lock(p);
        return locked > _floor(p) ? locked : _floor(p);
    }

    function _addBond(uint256 p, address who, uint256 amount) internal {
        market.addBond{value: _ready(p, who, amount)}(p, uint96(amount));

        _entered(p, amount);
        want[p].bonds += amount;
        bonds[p][who].bond += amount;
        ++reached["addBond"];
    }

    /// Somebody takes out what no result needs, all of it or a part.
    function _removeBond(uint256 p) internal returns (bool) {
        uint256 start = _draw(aggregators.length);
        for (uint256 i; i < aggregators.length; ++i) {
            address who = aggregators[(start + i) % aggregators.length];
            AggregatorGhost storage a = bonds[p][who];
            uint256 kept = a.locks == 0 ? 0 : a.locks * _lock(p);
            if (a.locks != 0 && kept < _floor(p)) kept = _floor(p);
            if (a.bond <= kept) continue;
            _takeBond(p, who, a.bond - (_draw(2) == 0 ? kept : kept + _draw(a.bond - kept)));
            return true;
        }
        return false;
    }

    function _takeBond(uint256 p, address who, uint256 amount) internal {
        vm.prank(who);
        market.removeBond(p, uint96(amount));

        want[p].bonds -= amount;
        bonds[p][who].bond -= amount;
        _earn(p, who, amount);
        ++reached["removeBond"];
    }

    // ----- results -----

    /// The lowest round that waits for a result, if there is one.
    function _waiting(uint256 p) internal view returns (bool, uint256 round) {
        ProjectView memory v = _view(p);
        round = v.tip + 1;
        return (v.head >= round && _phase(p, round) == Phase.Aggregate, round);
    }

    /// Who may post now: for T1 only the poster of the result below, unless it cannot.
    function _choosePoster(uint256 p, uint256 round, bool first) internal returns (address who) {
        who = aggregators[_draw(3) == 0 ? _draw(HONEST) : _draw(aggregators.length)];
        if (first) {
            ProjectView memory v = _view(p);
            uint256 since = market.roundOf(p, round).revealEnd;
            if (v.clearedAt > since) since = v.clearedAt;
            address below = market.resultOf(p, v.lastResult).poster;
            if (tempted || _draw(2) == 0) _at(since + T1);
            bool able =
                below != address(0) && !bonds[p][below].banned && bonds[p][below].bond >= _needed(p, round, below);
            if (able && time < since + T1) return below;
            // A liar with two results, so that the conviction for one leaves the other.
            if (able && tempted && _liar(below) && _draw(2) == 0) return below;
            if (able && below != who) ++reached["takeOver"];
        }
        if (tempted) who = aggregators[HONEST + _draw(LIARS)];
        for (uint256 i = HONEST; tempted && bonds[p][who].banned && i < aggregators.length; ++i) {
            who = aggregators[i];
        }
        while (bonds[p][who].banned) who = aggregators[_draw(aggregators.length)];
        if (bonds[p][who].bond < _needed(p, round, who)) {
            _addBond(p, who, _needed(p, round, who) - bonds[p][who].bond + _draw(2));
        }
    }

    /// The first result of a round: complete, or with a seat or the rows left out where there is something to leave.
    function _postFirst(uint256 p, bool partial_) internal returns (bool) {
        (bool found, uint256 round) = _waiting(p);
        if (!found) return false;
        Plan memory plan = Plan({poster: address(0), included: _revealedSeats(p, round), rows: true, lie: false});
        uint256 revealed = _popcount(plan.included);
        if (partial_ && revealed > 1) plan.included = _dropOne(plan.included);
        if (partial_ && revealed > 3 && _draw(2) == 0) plan.included = _dropOne(plan.included);
        if (partial_ && (revealed == 1 || _draw(3) == 0)) plan.rows = false;
        plan.poster = _choosePoster(p, round, true);
        _postAs(p, round, plan, false);
        return true;
    }

    /// More seats, or the same with more rows, take the place of a PROPOSED result.
    function _replace(uint256 p) internal returns (bool) {
        uint256 round = _view(p).tip;
        if (_phase(p, round) != Phase.Proposed && !_postFirst(p, true)) return false;
        round = _view(p).tip;
        if (_phase(p, round) != Phase.Proposed) return true;
        Book storage book = books[market.resultOf(p, round).commitment];
        uint256 left = _revealedSeats(p, round) & ~book.included;
        Plan memory plan = Plan({poster: address(0), included: book.included, rows: true, lie: false});
        if (left != 0) {
            plan.included |= _draw(3) == 0 ? left & (~left + 1) : left;
            plan.rows = _draw(2) == 0;
        }
        plan.poster = _choosePoster(p, round, false);
        _postAs(p, round, plan, true);
        return true;
    }

    function _dropOne(uint256 bitmap) private returns (uint256) {
        uint256 seat = _draw(SEATS);
        while (bitmap >> seat & 1 == 0) seat = (seat + 1) % SEATS;
        return bitmap & ~(1 << seat);
    }

    function _postAs(uint256 p, uint256 round, Plan memory plan, bool again) internal {
        plan.lie = !truthful && _liar(plan.poster) && _draw(2) == 0;
        uint256 prev = _below(p, round);
        Post memory post = _draft(p, round, plan);
        vm.prank(plan.poster);
        market.post(p, round, post);

        _charge(p, round);
        _unstore(p, round);
        RoundGhost storage r = rounds[p][round];
        r.stored = plan.poster;
        (r.posting, r.asked, r.openAsks) = (++postings, false, 0);
        ++bonds[p][plan.poster].locks;
        bool complete = plan.included == _revealedSeats(p, round) && _rowCount(post.rows) == _rowCount(p, round, prev);
        if (!again) r.proposedAt = complete ? 0 : time;
        r.standsAt = complete ? time : r.proposedAt + TX;
        projects[p].tipSince = time;
        ++reached[again ? "replace" : complete ? "post" : "postPartial"];
        if (_referenceRevealed(p, round)) ++reached[post.rows[0] >> DELTA_ROWS == 0 ? "postWithout" : "postReference"];
        if (!market.resultOf(p, round).merged) ++reached["unmerged"];
        _watch(p);
    }

    function _liar(address who) internal view returns (bool) {
        for (uint256 i; i < HONEST; ++i) {
            if (aggregators[i] == who) return false;
        }
        return true;
    }

    // ----- conviction -----

    /// A refutation that checks: of a result that counts, whose poster is a liar and not yet banned.
    function _convict(uint256 p) internal returns (bool) {
        ProjectView memory v = _view(p);
        uint256 count = v.tip - v.terminalUpTo;
        bool down = _draw(2) == 0; // from the newest result down, so that `clear` has something left to do
        for (uint256 i; i < count; ++i) {
            uint256 round = down ? v.tip - i : v.terminalUpTo + 1 + i;
            Phase phase = _phase(p, round);
            address liar = rounds[p][round].stored;
            if (phase != Phase.Proposed && phase != Phase.Standing) continue;
            if (!_liar(liar) || bonds[p][liar].banned) continue;
            address[4] memory refuters = [watcher, liar, _owner(p), _payout(0)];
            _convictAt(p, round, liar, refuters[_draw(4)]);
            return true;
        }
        return false;
    }

    /// A refutation with the preimage of what is posted; the mock checks do as `evidence` says.
    function _refutation(uint256 p, uint256 round, bytes memory evidence) internal view returns (Refutation memory x) {
        Book storage book = books[market.resultOf(p, round).commitment];
        x.check = Check.Gram;
        x.included = new uint256[](1);
        x.included[0] = book.included;
        x.rows = book.rowWords;
        x.roots = book.roots;
        x.evidence = evidence;
    }

    function _convictAt(uint256 p, uint256 round, address liar, address refuter) private {
        bytes32 facts = _reveals(p);
        Refutation memory x = _refutation(p, round, hex"01");
        vm.prank(refuter);
        market.refute(p, round, x);
        _convicted(p, round, liar, refuter, facts);
    }

    /// What a conviction must have moved. `facts`: of `_reveals` before it.
    function _convicted(uint256 p, uint256 round, address liar, address refuter, bytes32 facts) internal {
        AggregatorGhost storage a = bonds[p][liar];
        RoundGhost storage r = rounds[p][round];
        // I-28, I-32: thirds, to the refuter, the pot and the escrow, which also gets what rounding leaves.
        uint256 third = a.bond / 3;
        want[p].bonds -= a.bond;
        want[p].pots += third;
        r.pot += third;
        want[p].escrow += a.bond - 2 * third;
        _earn(p, refuter, third);
        projects[p].bondLost += a.bond;
        assertGe(3 * (a.bond - third), 2 * a.bond, "I-32: who refutes itself loses two thirds");
        assertGe(3 * third + 2, a.bond, "I-32: an owner loses one");
        (a.bond, a.locks, a.banned) = (0, 0, true);
        r.stored = address(0);
        projects[p].convictedAt = time;
        projects[p].tipSince = time;
        if (refuter == liar) ++reached["convictSelf"];
        ++reached["convict"];
        _cleared(p, round, facts);
    }

    /// A convicted poster's other results go too; no money moves.
    function _clear(uint256 p) internal returns (bool) {
        ProjectView memory v = _view(p);
        for (uint256 round = v.terminalUpTo + 1; round <= v.tip; ++round) {
            Phase phase = _phase(p, round);
            if (phase != Phase.Proposed && phase != Phase.Standing) continue;
            if (!bonds[p][rounds[p][round].stored].banned) continue;
            bytes32 facts = _reveals(p);
            vm.prank(outsider);
            market.clear(p, round);
            rounds[p][round].stored = address(0);
            projects[p].convictedAt = time;
            projects[p].tipSince = time;
            ++reached["clear"];
            _cleared(p, round, facts);
            return true;
        }
        return false;
    }

    /// I-20, I-36: the round is back in AGGREGATE with every result above; what trainers did stays.
    function _cleared(uint256 p, uint256 round, bytes32 facts) private {
        uint256 head = _view(p).head;
        for (uint256 above = round; above <= head; ++above) {
            Phase phase = _phase(p, above);
            assertTrue(phase != Phase.Proposed && phase != Phase.Standing, "I-36: results at and above are cleared");
        }
        assertEq(uint8(_phase(p, round)), uint8(Phase.Aggregate), "I-36: back in AGGREGATE");
        assertEq(_reveals(p), facts, "I-36: seals and reveals stay");
        _watch(p);
    }

    /// Seals, reveals and their sums of all rounds that are open.
    function _reveals(uint256 p) internal view returns (bytes32 sum) {
        for (uint256 round = projects[p].low + 1; round <= projects[p].head; ++round) {
            RoundView memory r = market.roundOf(p, round);
            sum = keccak256(abi.encode(sum, r.sealCount, r.revealCount, r.revealSum, r.revealEnd, r.baseRoot));
            for (uint256 seat; seat <= SEATS; ++seat) {
                sum = keccak256(abi.encode(sum, market.slotOf(p, round, seat)));
            }
        }
    }

    /// The bond of a result that no longer counts is freed by anyone.
    function _release(uint256 p) internal returns (bool) {
        ProjectView memory v = _view(p);
        for (uint256 round = v.tip + 1; round <= v.head; ++round) {
            if (rounds[p][round].stored == address(0)) continue;
            vm.prank(outsider);
            market.release(p, round);
            _unstore(p, round);
            ++reached["release"];
            _watch(p);
            return true;
        }
        return false;
    }
}
