// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Tree} from "../../src/checks/IChecks.sol";
import {Account as SeatAccount, Ask, Phase, ProjectView, ResultView} from "../../src/types.sol";
import {Trees} from "../utils/Trees.sol";
import {Aggregators} from "./Aggregators.sol";

/// Asks: about accounts, which are genuine and can be answered, and about trees that liars do not have. The honest always
/// answer; nobody else has to.
abstract contract Disputes is Aggregators {
    uint256 private constant DEPTH = 3; // of the accounts of six seats
    uint256 private constant GRAM_DEPTH = 10; // 22 rows

    // ----- asking -----

    function _askable(uint256 p, uint256 round) private view returns (bool) {
        Phase phase = _phase(p, round);
        if (phase != Phase.Proposed && phase != Phase.Standing) return false;
        RoundGhost storage r = rounds[p][round];
        return !bonds[p][r.stored].banned && time < r.standsAt + W;
    }

    /// Somebody asks about a result, sometimes in the last second in which that is possible.
    function _ask(uint256 p) internal returns (bool) {
        ProjectView memory v = _view(p);
        for (uint256 round = v.tip; round > v.terminalUpTo; --round) {
            if (!_askable(p, round)) continue;
            if (_draw(6) == 0) _at(rounds[p][round].standsAt + W - 1);
            if (!_askable(p, round)) return true;
            _askAbout(p, round, !_liar(rounds[p][round].stored) || _draw(2) == 0);
            return true;
        }
        return false;
    }

    function _askAbout(uint256 p, uint256 round, bool genuine) private {
        Ask memory q = _question(p, round, genuine ? Tree.Accounts : Tree.Gram);
        if (genuine) {
            q.level = _draw(DEPTH + 1);
            q.index = _draw(q.level == 0 ? SEATS : 1 << (DEPTH - q.level));
        } else {
            q.level = GRAM_DEPTH;
        }
        AskGhost storage a = asks.push();
        (a.p, a.round) = (p, round);
        (a.level, a.index) = (q.level, q.index);
        (a.genuine, a.open) = (genuine, true);
        a.asker = _draw(3) == 0 ? _payout(0) : watcher;
        a.commitment = market.resultOf(p, round).commitment;
        a.posting = rounds[p][round].posting;
        a.price = (genuine ? _answerBytes(q.level) : 256 * 32) * ASK_FLOOR;
        a.due = time + T_ANS;
        _sendAsk(a, q);
    }

    function _sendAsk(AskGhost storage a, Ask memory q) private {
        RoundGhost storage r = rounds[a.p][a.round];
        uint256 surplus = a.price * r.openAsks / 64;
        uint256 extra = _draw(2) == 0 ? 0 : _draw(1000);
        uint256 value = a.price + surplus + extra;
        vm.deal(a.asker, a.asker.balance + value);
        vm.prank(a.asker);
        uint256 id = market.ask{value: value}(a.p, a.round, q);

        assertEq(id, asks.length, "asks are counted");
        ++r.openAsks;
        r.asked = true;
        _entered(1, value);
        openPrices += a.price;
        _earn(1, BURN, surplus);
        _earn(1, a.asker, extra);
        ++reached[a.genuine ? "ask" : "askHidden"];
        if (surplus != 0) ++reached["askCrowd"];
    }

    function _question(uint256 p, uint256 round, Tree tree) private view returns (Ask memory q) {
        Book storage book = books[market.resultOf(p, round).commitment];
        q.tree = tree;
        q.included = new uint256[](1);
        q.included[0] = book.included;
        q.rows = book.rowWords;
        q.roots = book.roots;
    }

    // ----- answering -----

    function _answerBytes(uint256 level) private pure returns (uint256) {
        return level == 0 ? 40 + 32 * DEPTH : 32 * (1 << level) + 32 * (DEPTH - level);
    }

    function _answerTo(AskGhost storage a) internal view returns (bytes memory data) {
        SeatAccount[] memory list = books[a.commitment].accounts;
        (, bytes32[] memory path) = Trees.prove(list, a.level == 0 ? a.index : a.index << a.level);
        if (a.level == 0) {
            SeatAccount memory seat = list[a.index];
            data = bytes.concat(bytes8(uint64(seat.reputation)), bytes16(seat.pay), bytes16(seat.penalty));
        }
        for (uint256 i; a.level != 0 && i < 1 << a.level; ++i) {
            uint256 seat = (a.index << a.level) + i;
            data = bytes.concat(data, seat < SEATS ? Trees.leaf(uint64(seat), list[seat]) : bytes32(0));
        }
        for (uint256 i = a.level; i < DEPTH; ++i) {
            data = bytes.concat(data, path[i]);
        }
        assertEq(data.length, _answerBytes(a.level));
    }

    /// Whether the result that an ask is about still counts, as it was posted then.
    function _stillCounts(AskGhost storage a) internal view returns (bool) {
        Phase phase = _phase(a.p, a.round);
        bool counting = phase == Phase.Proposed || phase == Phase.Standing;
        return counting && rounds[a.p][a.round].posting == a.posting;
    }

    /// An open ask of the project, from a random one on; `genuine`: one that can be answered.
    function _openAskOf(uint256 p, bool counting, bool genuine) internal returns (bool, uint256) {
        uint256 start = asks.length == 0 ? 0 : _draw(asks.length);
        for (uint256 i; i < asks.length; ++i) {
            uint256 at = (start + i) % asks.length;
            AskGhost storage a = asks[at];
            if (!a.open || a.p != p || _stillCounts(a) != counting) continue;
            if (counting && a.genuine != genuine) continue;
            return (true, at);
        }
        return (false, 0);
    }

    function _answer(uint256 p) internal returns (bool) {
        (bool found, uint256 at) = _openAskOf(p, true, true);
        if (!found) return false;
        AskGhost storage a = asks[at];
        if (_draw(4) == 0 && time < a.due) _at(a.due - 1 + _draw(3)); // just in time, or late and before anybody convicts
        if (!_stillCounts(a)) return true;
        // Where orders are compared, prices go to the same accounts in each.
        address who = truthful || _draw(2) == 0 ? rounds[p][a.round].stored : outsider;
        bytes memory data = _answerTo(a);
        vm.prank(who);
        market.answer(at + 1, data);
        if (time >= a.due) ++reached["answerLate"];
        _closeAsk(a, who);
        ++reached["answer"];
        return true;
    }

    function _closeAsk(AskGhost storage a, address receiver) private {
        a.open = false;
        RoundGhost storage r = rounds[a.p][a.round];
        if (r.posting == a.posting) --r.openAsks;
        openPrices -= a.price;
        _earn(1, receiver, a.price);
    }

    // ----- without an answer -----

    /// A liar who does not answer in time.
    function _convictSilent(uint256 p, bool wait) internal returns (bool) {
        for (uint256 at; at < asks.length; ++at) {
            AskGhost storage a = asks[at];
            if (!a.open || a.p != p || !_stillCounts(a) || (!wait && time < a.due)) continue;
            address liar = rounds[p][a.round].stored;
            if (!_liar(liar) || bonds[p][liar].banned) continue;
            _at(a.due);
            if (!_stillCounts(a)) return true;
            bytes32 facts = _reveals(p);
            vm.prank(outsider);
            market.convictSilent(at + 1);
            _closeAsk(a, a.asker);
            ++reached["convictSilent"];
            _convicted(p, a.round, liar, a.asker, facts);
            return true;
        }
        return false;
    }

    function _settleAsk(uint256 p) internal returns (bool) {
        (bool found, uint256 at) = _openAskOf(p, false, true);
        if (!found) return false;
        vm.prank(outsider);
        market.settleAsk(at + 1);
        _closeAsk(asks[at], asks[at].asker);
        ++reached["settleAsk"];
        return true;
    }

    /// Whatever asks need so that the project goes on: answers of the honest, convictions of the silent, prices back.
    function _endAsks(uint256 p) internal returns (bool) {
        return _settleAsk(p) || _answer(p) || _convictSilent(p, false);
    }

    /// When an asked result may be FINAL.
    function _finalDue(uint256 p, uint256 round) internal view returns (uint256) {
        RoundGhost storage r = rounds[p][round];
        return r.standsAt + W + (r.asked ? T_ANS + T_REF : 0);
    }

    /// The next moment at which silence convicts.
    function _askDeadline(uint256 p) internal view returns (uint256 next) {
        next = type(uint256).max;
        for (uint256 at; at < asks.length; ++at) {
            AskGhost storage a = asks[at];
            if (a.open && a.p == p && a.due > time && a.due < next && _stillCounts(a)) next = a.due;
        }
    }

    /// Asks of a result that counts are what the ledger says; the market waits for them.
    function _checkAsks(uint256 p, uint256 round, ResultView memory result) internal view {
        RoundGhost storage r = rounds[p][round];
        assertEq(result.asked, r.asked, "I-35: asked");
        assertEq(result.openAsks, r.openAsks, "I-35: open asks");
    }
}
