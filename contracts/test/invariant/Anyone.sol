// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Phase, ProjectView, ResultView, RoundView} from "../../src/types.sol";
import {Disputes} from "./Disputes.sol";

/// What moves a project on and needs no role: opening, ending and settling rounds, and taking out what is one's own.
abstract contract Anyone is Disputes {
    // ----- owner -----

    function _fund(uint256 p, uint256 amount) internal returns (bool) {
        if (!_running(p)) return false;
        market.fund{value: _ready(p, _owner(p), amount)}(p, uint96(amount));

        _entered(p, amount);
        want[p].escrow += amount;
        ++reached["fund"];
        return true;
    }

    function _stop(uint256 p) internal returns (bool) {
        if (projects[p].stopped) return false;
        vm.prank(_owner(p));
        market.stop(p);

        projects[p].stopped = true;
        projects[p].headAtStop = projects[p].head;
        ++reached["stop"];
        return true;
    }

    function _refund(uint256 p) internal returns (bool) {
        if (_running(p) || projects[p].openRounds != 0 || want[p].escrow + want[p].pool == 0) return false;
        vm.prank(outsider);
        market.refund(p);

        _earn(p, _owner(p), want[p].escrow);
        _earn(p, BURN, want[p].pool);
        projects[p].ownerCredited += want[p].escrow;
        projects[p].refunded += want[p].escrow;
        (want[p].escrow, want[p].pool) = (0, 0);
        ++reached["refund"];
        return true;
    }

    // ----- opening -----

    function _builds(uint256 p, uint256 round) private view returns (bool) {
        Phase phase = _phase(p, round);
        return phase == Phase.Standing || phase == Phase.Final;
    }

    function _open(uint256 p) internal returns (bool) {
        ProjectView memory v = _view(p);
        if (!_running(p) || !_builds(p, v.lastResult)) return false;
        RoundGhost storage r = rounds[p][v.head];
        if (v.head != 0 && r.seals == 0 && !r.settled) return _reopen(p, v);
        bool ended = r.settled || v.head == 0 || _builds(p, v.head);
        if (!ended || v.tip != v.head || v.openCount == OPEN_ROUNDS || want[p].escrow < _pot(p)) return false;
        vm.prank(outsider);
        market.open(p);

        uint256 pot = _pot(p) + want[p].pool;
        if (want[p].pool != 0) ++reached["poolJoins"];
        want[p].escrow -= _pot(p);
        want[p].pool = 0;
        want[p].pots += pot;
        rounds[p][v.head + 1].pot = pot;
        rounds[p][v.head + 1].openedAt = time;
        projects[p].head = v.head + 1;
        ++projects[p].openRounds;
        ++reached["open"];
        _watch(p);
        return true;
    }

    /// Nobody has sealed, and the model below is another by now: COMMIT begins again.
    function _reopen(uint256 p, ProjectView memory v) private returns (bool) {
        bytes32 model = market.resultOf(p, v.lastResult).modelRoot;
        if (v.tip + 1 != v.head || market.roundOf(p, v.head).baseRoot == model) return false;
        market.open(p);

        rounds[p][v.head].openedAt = time;
        if (_referenceAwaited(p, v.head)) ++reached["reopenAwaited"];
        ++reached["reopen"];
        _watch(p);
        return true;
    }

    // ----- ending -----

    function _flatDue(uint256 p, uint256 round) internal view returns (uint256 due) {
        due = market.roundOf(p, round).revealEnd;
        uint256 last = _view(p).lastEventAt;
        return (last > due ? last : due) + DEAD;
    }

    function _void(uint256 p) internal returns (bool) {
        for (uint256 round = projects[p].low + 1; round <= projects[p].head; ++round) {
            RoundGhost storage r = rounds[p][round];
            if (r.seen != Phase.Void || r.settled) continue;
            vm.prank(outsider);
            market.voidRound(p, round);

            want[p].escrow += _pot(p);
            want[p].pool += r.pot - _pot(p);
            want[p].pots -= r.pot;
            r.pot = 0;
            _moved(p);
            _settle(p, round);
            ++reached[r.seals == 0 ? "voidEmpty" : r.seals < MIN_SEALS ? "voidFew" : "voidSilent"];
            _watch(p);
            return true;
        }
        return false;
    }

    function _flatten(uint256 p, bool wait) internal returns (bool) {
        (bool found, uint256 round) = _waiting(p);
        if (!found || (!wait && time < _flatDue(p, round))) return false;
        _at(_flatDue(p, round));
        vm.prank(outsider);
        market.flatten(p, round);

        _unstore(p, round);
        _charge(p, round);
        RoundGhost storage r = rounds[p][round];
        r.share = r.pot / r.reveals;
        uint256 left = r.pot - r.share * r.reveals;
        assertLt(left, r.reveals, "I-06: less than one unit for each seat is left");
        r.pot -= left;
        want[p].pots -= left;
        want[p].escrow += left;
        _moved(p);
        _settle(p, round);
        ++reached["flatten"];
        _watch(p);
        return true;
    }

    function _finalise(uint256 p, bool wait) internal returns (bool) {
        ProjectView memory v = _view(p);
        for (uint256 round = v.lastFinal + 1; round <= v.tip; ++round) {
            ResultView memory result = market.resultOf(p, round);
            if (_phase(p, round) != Phase.Standing || result.prev != v.lastFinal) continue;
            if (bonds[p][result.poster].banned || rounds[p][round].openAsks != 0) return false;
            if (!wait && time < _finalDue(p, round)) return false;
            _at(_finalDue(p, round));
            vm.prank(outsider);
            market.finalise(p, round);
            _finalised(p, round, result);
            return true;
        }
        return false;
    }

    function _finalised(uint256 p, uint256 round, ResultView memory result) private {
        RoundGhost storage r = rounds[p][round];
        uint256 paid = books[result.commitment].sum;
        if (paid != result.paid) ++reached["lieFinal"];
        paid = result.paid;
        uint256 rest = r.pot - _fee(p) - paid;
        want[p].pots -= r.pot;
        want[p].bucket += paid;
        want[p].escrow += rest;
        r.pot = 0;
        projects[p].paidFinal += paid;
        projects[p].lastFinal = round;
        _earn(p, result.poster, _fee(p));
        r.finalPoster = result.poster;
        _unstore(p, round);
        _settle(p, round);
        ++reached["finalise"];
        _watch(p);
    }

    function _skip(uint256 p) internal returns (bool) {
        ProjectView memory v = _view(p);
        if (!_endedEmpty(p, v.tip + 1) && !_endedEmpty(p, v.terminalUpTo + 1)) return false;
        if (_endedEmpty(p, v.tip + 1)) ++reached["skipTip"];
        else ++reached["skipTerminal"];
        vm.prank(outsider);
        market.skip(p);
        _moved(p);
        _watch(p);
        return true;
    }

    function _endedEmpty(uint256 p, uint256 round) private view returns (bool) {
        RoundGhost storage r = rounds[p][round];
        return r.settled && (r.seen == Phase.Flat || r.seen == Phase.Void);
    }

    /// The tip may have moved: the next round's deadline for a result may run from now.
    function _moved(uint256 p) private {
        projects[p].tipSince = time;
    }

    /// Whatever is due and needs nobody's consent. This alone must bring every round to its end (I-17).
    function _poke(uint256 p) internal returns (bool) {
        return _skip(p) || _clear(p) || _void(p) || _finalise(p, false) || _flatten(p, false) || _endAsks(p);
    }

    // ----- taking out -----

    function _withdraw(uint256 p) internal returns (bool) {
        uint256 start = _draw(accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            address account = accounts[(start + i) % accounts.length];
            if (credit[p][account] == 0) continue;
            _withdrawAs(p, account, _draw(2) == 0 ? account : _actor("cold", _draw(4)));
            return true;
        }
        return false;
    }

    function _withdrawAs(uint256 p, address account, address to) internal {
        if (account == BURN) to = BURN;
        uint256 amount = credit[p][account];
        uint256 before = _balance(p, to);
        uint256 stays = _balance(p, address(market)) - amount;
        vm.prank(account == BURN ? outsider : account);
        if (account == BURN) market.burn(_token(p));
        else market.withdraw(_token(p), to);

        assertEq(_balance(p, to) - before, amount, "I-05: exactly the credit arrives");
        assertEq(_balance(p, address(market)), stays, "I-05: exactly the credit leaves");
        credit[p][account] = 0;
        out[p] += amount;
        ++reached[account == BURN ? "burn" : "withdraw"];
    }

    // ----- the natural course -----

    /// The step that an ordinary project would take next, so that no call of the campaign is lost.
    function _proceed(uint256 p) internal {
        if (_poke(p)) return;
        ProjectView memory v = _view(p);
        Phase phase = _phase(p, v.head);
        if (phase == Phase.Commit && (_sealSome(p, 90) || _open(p))) {
            if (_draw(3) != 0) _referenceActs(p);
            return;
        }
        if (phase == Phase.Reveal && _draw(2) == 0) _referenceActs(p);
        if (phase == Phase.Reveal && _revealSome(p, 90)) return;
        if (_draw(4) != 0 && _referenceActs(p)) return;
        if (_postFirst(p, false) || _open(p)) return;
        if (want[p].escrow < _pot(p) && _fund(p, 2 * _pot(p))) return;
        if (v.openCount == OPEN_ROUNDS && (_finalise(p, true) || _convictSilent(p, true))) return;
        _at(_nextDeadline(p));
    }

    /// The next moment at which something of the project ends or becomes due; now if there is none.
    function _nextDeadline(uint256 p) internal view returns (uint256 next) {
        next = _askDeadline(p);
        ProjectView memory v = _view(p);
        for (uint256 round = projects[p].low + 1; round <= v.head; ++round) {
            RoundView memory r = market.roundOf(p, round);
            uint256 end;
            if (r.phase == Phase.Commit) end = r.commitEnd;
            else if (r.phase == Phase.Reveal) end = r.revealEnd;
            else if (r.phase == Phase.Aggregate && v.tip + 1 == round) end = _aggregateDeadline(p, round, v, r);
            else if (r.phase == Phase.Proposed) end = rounds[p][round].standsAt;
            else if (r.phase == Phase.Standing) end = _finalDue(p, round);
            if (end > time && end < next) next = end;
        }
        uint256 endDate = _endDate(p);
        if (next == type(uint256).max) next = time < endDate && endDate < time + 20_000 ? endDate : time;
    }

    function _aggregateDeadline(uint256 p, uint256 round, ProjectView memory v, RoundView memory r)
        private
        view
        returns (uint256)
    {
        uint256 first = (v.clearedAt > r.revealEnd ? v.clearedAt : r.revealEnd) + T1;
        return first > time ? first : _flatDue(p, round);
    }
}
