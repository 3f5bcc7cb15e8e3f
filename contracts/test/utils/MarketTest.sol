// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts} from "../../src/interfaces/IMarket.sol";
import {
    Account as SeatAccount,
    Below,
    Opening,
    Phase,
    Post,
    ProjectView,
    ResultView,
    RoundView
} from "../../src/types.sol";
import {Actors} from "./Actors.sol";
import {Trees} from "./Trees.sol";

/// Results of a project's rounds, steps that lead to every phase, and what must hold of the money.
abstract contract MarketTest is Actors {
    bytes32 internal draftModel; // makes the model of the next drafts another one

    /// Accounts of each result by round, as its poster computed them, and the opening of its commitment.
    mapping(uint256 round => SeatAccount[]) internal accountsOf;
    mapping(uint256 round => Opening) internal openings;
    mapping(uint256 round => Post) internal posts;

    // ----- results -----

    /// A complete post of `round` that pays everybody who revealed the same.
    function _draft(uint256 round) internal view returns (Post memory post) {
        RoundView memory r = market.roundOf(P, round);
        uint256 prev = r.phase == Phase.Proposed ? market.resultOf(P, round).prev : market.projectOf(P).lastResult;
        ResultView memory below = market.resultOf(P, prev);
        post.prevCommitment = below.commitment;
        post.revealSum = r.revealSum;
        post.revealCount = r.revealCount;
        post.deltaDigest = keccak256("delta");
        post.modelDigest = keccak256("model");
        post.documentDigest = keccak256("document");
        post.roots.sketches = keccak256("sketches");
        post.roots.gram = keccak256("gram");
        post.roots.steps = keccak256("steps");
        post.roots.delta = keccak256("delta tree");
        post.roots.model =
            r.baseRoot == below.modelRoot ? keccak256(abi.encode("model", round, draftModel)) : below.modelRoot;
        post.paid = (POT - FEE) / 2;
        uint256 words = (uint256(seats) + 255) / 256;
        post.included = new uint256[](words);
        _revealedSeats(round, post.included, 0);
        post.rows = new uint256[](1 + 2 * words);
        uint256 deltas;
        for (uint256 at_ = prev; at_ != 0 && deltas < 3; at_ = market.resultOf(P, at_).prev) {
            ++deltas;
        }
        post.rows[0] = (1 << deltas) - 1;
        if (r.referenceRevealed) post.rows[0] |= 1 << 3;
        for (uint256 back = 1; back <= 2 && back < round; ++back) {
            _revealedSeats(round - back, post.rows, 1 + (back - 1) * words);
        }
        if (seats > 12) post.roots.columns = keccak256("columns");
        post.roots.accounts = keccak256("accounts");
    }

    /// Sets the bits of the seats that revealed in `round`, from word `from` on.
    function _revealedSeats(uint256 round, uint256[] memory words, uint256 from) internal view {
        for (uint256 seat; seat < seats; ++seat) {
            if (_revealed(round, seat)) words[from + seat / 256] |= 1 << (seat % 256);
        }
    }

    function _revealed(uint256 round, uint256 seat) internal view returns (bool) {
        return uint256(market.slotOf(P, round, seat)) >= 1 << 216;
    }

    /// Posts with accounts that carry the previous result's pay on.
    function _post(address poster, uint256 round) internal {
        _postWith(poster, round, _draft(round));
    }

    function _postWith(address poster, uint256 round, Post memory post) internal {
        post = _prepare(poster, round, post);
        vm.prank(poster);
        market.post(P, round, post);
    }

    /// Computes the accounts of a post and keeps what claims will need.
    function _prepare(address poster, uint256 round, Post memory post) internal returns (Post memory) {
        uint256 prev = market.phaseOf(P, round) == Phase.Proposed
            ? market.resultOf(P, round).prev
            : market.projectOf(P).lastResult;
        delete accountsOf[round];
        uint256 count;
        for (uint256 i; i < post.included.length; ++i) {
            count += _bits(post.included[i]);
        }
        for (uint256 seat; seat < seats; ++seat) {
            SeatAccount memory a = prev == 0 ? SeatAccount(8192, 0, 0) : accountsOf[prev][seat];
            if (post.included[seat / 256] >> (seat % 256) & 1 != 0) a.pay += uint128(post.paid / count);
            accountsOf[round].push(a);
        }
        (post.roots.accounts,) = Trees.prove(accountsOf[round], 0);
        openings[round] = Trees.opening(address(market), P, round, poster, post);
        posts[round] = post;
        return post;
    }

    /// Opens the results below `round`, newest first.
    function _below(uint256 round, uint256 count) internal view returns (Below[] memory below) {
        below = new Below[](count);
        for (uint256 k; k < count; ++k) {
            round = market.resultOf(P, round).prev;
            below[k] = Below(openings[round].context, posts[round].roots);
        }
    }

    function _bits(uint256 word) internal pure returns (uint256 count) {
        for (; word != 0; word &= word - 1) {
            ++count;
        }
    }

    /// A round with a complete result by `poster`.
    function _toStanding(address poster) internal returns (uint256 round) {
        round = _toAggregate(EXPECTED, EXPECTED);
        _warpPastFirstRight(poster, round);
        _post(poster, round);
    }

    function _warpPastFirstRight(address poster, uint256 round) internal {
        address first = market.resultOf(P, market.projectOf(P).lastResult).poster;
        uint256 until = market.roundOf(P, round).revealEnd + T1;
        if (first != address(0) && first != poster && block.timestamp < until) vm.warp(until);
    }

    /// A round whose result leaves out the last revealed seat.
    function _toProposed(address poster) internal returns (uint256 round) {
        round = _toAggregate(EXPECTED, EXPECTED);
        _warpPastFirstRight(poster, round);
        Post memory post = _draft(round);
        post.included[0] &= ~(uint256(1) << (EXPECTED - 1));
        _postWith(poster, round, post);
    }

    /// A FINAL round whose accounts name seat 0 malicious with `penalty`.
    function _withPenalty(uint128 penalty) internal returns (uint256 round) {
        round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _prepare(aggregator, round, _draft(round));
        accountsOf[round][0].penalty = penalty;
        (post.roots.accounts,) = Trees.prove(accountsOf[round], 0);
        openings[round] = Trees.opening(address(market), P, round, aggregator, post);
        vm.prank(aggregator);
        market.post(P, round, post);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
    }

    function _toFinal() internal returns (uint256 round) {
        round = _toStanding(aggregator);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
    }

    /// A head whose base was convicted away before anybody sealed; the round below stands again.
    function _staleHead() internal returns (uint256 below, uint256 head) {
        below = _toStanding(liar);
        head = _open();
        market.convict(P, below, watcher);
        vm.expectRevert(abi.encodeWithSelector(IMarketFacts.MarketOutOfOrder.selector, below, below - 1));
        market.open(P);
        vm.warp(block.timestamp + T1);
        draftModel = keccak256("another model");
        _post(aggregator, below);
        draftModel = 0;
    }

    /// A round that ends without a result: revealed by all, posted by nobody.
    function _toFlat() internal returns (uint256 round) {
        round = _toAggregate(EXPECTED, EXPECTED);
        vm.warp(block.timestamp + DEAD + 1000);
        market.flatten(P, round);
    }

    function _toVoid() internal returns (uint256 round) {
        round = _openAndSeal(MIN_SEALS - 1);
        market.voidRound(P, round);
    }

    function _claim(uint256 round, uint256 seat) internal {
        (, bytes32[] memory proof) = Trees.prove(accountsOf[round], seat);
        market.claim(P, round, uint16(seat), accountsOf[round][seat], openings[round], proof);
    }

    function _leave(uint256 seat) internal {
        (SeatAccount memory account, Opening memory opening, bytes32[] memory proof) = _departure(seat);
        vm.prank(_trainer(seat));
        market.leave(P, uint16(seat), account, opening, proof);
    }

    function _leaveRefused(uint256 seat, bytes memory error_) internal {
        (SeatAccount memory account, Opening memory opening, bytes32[] memory proof) = _departure(seat);
        vm.expectRevert(error_);
        vm.prank(_trainer(seat));
        market.leave(P, uint16(seat), account, opening, proof);
    }

    /// What a departure of `seat` must show now.
    function _departure(uint256 seat)
        internal
        view
        returns (SeatAccount memory account, Opening memory opening, bytes32[] memory proof)
    {
        uint256 last = market.projectOf(P).lastFinal;
        if (last == 0) return (SeatAccount(8192, 0, 0), opening, proof);
        (, proof) = Trees.prove(accountsOf[last], seat);
        return (accountsOf[last][seat], openings[last], proof);
    }

    // ----- expectations -----

    function _expectWrongPhase(uint256 round, Phase current, uint256 allowed) internal {
        vm.expectRevert(abi.encodeWithSelector(IMarketFacts.MarketWrongPhase.selector, P, round, current, allowed));
    }

    function _phase(uint256 round) internal view returns (Phase) {
        return market.phaseOf(P, round);
    }

    function _bit(Phase phase) internal pure returns (uint256) {
        return 1 << uint256(phase);
    }

    /// I-02, first half: what the market holds is exactly what it owes in this project and as credits.
    function _liabilities(address[] memory accounts) internal view returns (uint256 sum) {
        ProjectView memory v = market.projectOf(P);
        sum = uint256(v.escrow) + v.bucket + v.penaltyPool;
        for (uint256 round = 1; round <= v.head; ++round) {
            RoundView memory r = market.roundOf(P, round);
            sum += r.pot - r.uncharged;
        }
        for (uint256 seat; seat < SEATS; ++seat) {
            sum += market.seatOf(P, seat).stake;
        }
        sum -= v.missesOwed;
        for (uint256 id = 1; token == address(0) && id <= market.askCount(); ++id) {
            sum += market.askOf(id).price;
        }
        for (uint256 i; i < accounts.length; ++i) {
            sum += market.aggregatorOf(P, accounts[i]).bond + market.creditOf(token, accounts[i]);
        }
    }

    /// Everybody who may hold a bond or a credit in the tests.
    function _everybody() internal view returns (address[] memory list) {
        list = new address[](8 + 2 * SEATS);
        (list[0], list[1], list[2], list[3]) = (owner, aggregator, rival, liar);
        (list[4], list[5], list[6]) = (watcher, anyone, BURN);
        for (uint256 seat; seat < SEATS; ++seat) {
            list[7 + 2 * seat] = _payout(seat);
            list[8 + 2 * seat] = _trainer(seat);
        }
        list[7 + 2 * SEATS] = address(0xdead1);
    }

    function _assertEquation() internal view {
        assertEq(_liabilities(_everybody()), market.held(token), "liabilities == held");
        assertLe(market.held(token), _balance(address(market)), "held <= balance");
    }

    function _balance(address account) internal view virtual returns (uint256) {
        return account.balance;
    }
}
