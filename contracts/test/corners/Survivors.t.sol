// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Check, Facts, Tree} from "../../src/checks/IChecks.sol";
import {IMarketFacts as M} from "../../src/interfaces/IMarket.sol";
import {Account as SeatAccount, Ask, Limits, Params, Phase, Post, Refutation} from "../../src/types.sol";
import {Creation} from "../utils/Creation.sol";
import {RefutationTest} from "../utils/RefutationTest.sol";
import {Trees} from "../utils/Trees.sol";

/// What mutants asked for that survived all other tests (`make mutants`): amounts of one unit, words that are written,
/// sizes at which something changes.
contract SurvivorsTest is RefutationTest {
    function test_constructor_ofTheCourt__refusesPartsWithoutCode() public {
        for (uint256 i; i < 3; ++i) {
            address[3] memory parts = [address(this), address(this), address(this)];
            parts[i] = anyone;
            (address made, bytes memory said) =
                Creation.attempt(vm.getCode("MarketHarness.sol:CourtHarness"), abi.encode(parts));
            assertEq(made, address(0));
            assertEq(said, abi.encodeWithSelector(M.MarketNoCode.selector, anyone));
        }
    }

    // ----- words that are written, or not -----

    /// The cheap way: the slot and the round's tally, not the seat.
    function test_seal_afterARevealInTheRoundBefore__writesTwoWords() public {
        _toStanding(aggregator);
        uint256 round = _open();
        vm.record();
        _seal(round, 0);
        (, bytes32[] memory writes) = vm.accesses(address(market));
        assertEq(writes.length, 2);
    }

    function _ones() private returns (uint256 count) {
        (, bytes32[] memory writes) = vm.accesses(address(market));
        for (uint256 i; i < writes.length; ++i) {
            if (uint256(vm.load(address(market), writes[i])) == 1) ++count;
        }
    }

    /// A credit's word is one above it, so that 1 opens it: later credits cost less.
    function test_addBond_firstOfAnAccount__opensItsCredit() public {
        vm.record();
        _bond(anyone, BOND);
        uint256 first = _ones();
        vm.record();
        _bond(anyone, BOND);
        assertEq(first, _ones() + 1);
        assertEq(market.creditOf(token, anyone), 0);
    }

    function test_register_firstOfAPayout__opensItsCredit() public {
        vm.record();
        _register(EXPECTED);
        assertEq(market.creditOf(token, _payout(EXPECTED)), 0);
        uint256 first = _ones();
        _leave(EXPECTED);
        vm.record();
        _register(EXPECTED);
        assertEq(first, _ones() + 1);
    }

    function test_seatOf_beyondTheSeatLimit__refusesMarketSeatOutOfRange() public {
        assertEq(market.seatOf(P, SEATS - 1).signer, address(0));
        vm.expectRevert(abi.encodeWithSelector(M.MarketSeatOutOfRange.selector, SEATS, SEATS));
        market.seatOf(P, SEATS);
    }

    function test_seatIndexOf_theLastSeat__isFound() public {
        _register(SEATS - 1);
        (bool found, uint16 seat) = market.seatIndexOf(P, _trainer(SEATS - 1));
        assertTrue(found);
        assertEq(seat, SEATS - 1);
    }

    /// One byte counts results; what stands beside it must not be touched by the 256th.
    function test_post_moreResultsThanAByteCounts__keepsTheNumbersBeside() public {
        _fund(260 * POT);
        for (uint256 k; k < 257; ++k) {
            uint256 round = _toStanding(aggregator);
            vm.warp(block.timestamp + W);
            market.finalise(P, round);
        }
        assertEq(market.resultOf(P, 257).prev, 256);
        assertEq(market.resultOf(P, 257).includedCount, EXPECTED);
        assertEq(market.resultOf(P, 257).rowCount, 3 + 2 * EXPECTED);
        assertEq(market.resultOf(P, 257).paid, (POT - FEE) / 2);
    }

    function test_leave__forgetsThePayoutAddress() public {
        _leave(0);
        assertEq(market.seatOf(P, 0).payout, address(0));
    }

    /// Whoever opens a round pays for the word of its verdict, and the poster only for changing it.
    function test_open__writesTheWordOfTheVerdict() public {
        vm.record();
        _open();
        (, bytes32[] memory writes) = vm.accesses(address(market));
        uint256 found;
        for (uint256 i; i < writes.length; ++i) {
            if (uint256(vm.load(address(market), writes[i])) == 1 << 253) ++found;
        }
        assertEq(found, 1);
    }

    function test_addStake__claimsNothing() public {
        market.addStake{value: _ready(anyone, 5)}(P, 0, 5);
        assertEq(market.seatOf(P, 0).stake, STAKE + 5);
        assertEq(market.seatOf(P, 0).claimed, 0);
    }

    // ----- who is debited, and by how much -----

    function test_leave_revealedWhereAnotherDidNot__losesNothing() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED - 1);
        _post(aggregator, round);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
        _leave(0);
        assertEq(market.creditOf(token, _payout(0)), STAKE + accountsOf[round][0].pay);
        _assertEquation();
    }

    /// Penalties run on with the seat: a later holder owes what came after the last one.
    function test_leave_penaltyOfALaterHolder__isTheDifference() public {
        _withPenalty(3);
        _leave(0);
        _register(0);
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _prepare(aggregator, round, _draft(round));
        accountsOf[round][0].penalty = 5;
        (post.roots.accounts,) = Trees.prove(accountsOf[round], 0);
        openings[round] = Trees.opening(address(market), P, round, aggregator, post);
        vm.prank(aggregator);
        market.post(P, round, post);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
        _leave(0);
        assertEq(market.projectOf(P).penaltyPool, 2);
        assertEq(market.seatOf(P, 0).penaltyTaken, 5);
    }

    // ----- amounts of one unit -----

    function test_ask_oneWeiTooMuch__givesItBack() public {
        uint256 round = _toStanding(aggregator);
        Ask memory q;
        (q.tree, q.index) = (Tree.Accounts, 1);
        (q.included, q.rows, q.roots) = (posts[round].included, posts[round].rows, posts[round].roots);
        vm.deal(watcher, 1 ether);
        vm.prank(watcher);
        market.ask{value: 1 ether}(P, round, q);
        assertEq(market.askOf(1).index, 1);
        uint256 price = 1 ether - market.creditOf(address(0), watcher);
        uint256 surplus = price / 64; // of the second: one is open
        vm.deal(anyone, 1 ether);
        vm.prank(anyone);
        market.ask{value: price + surplus + 1}(P, round, q);
        assertEq(market.creditOf(address(0), anyone), 1);
        assertEq(market.creditOf(address(0), BURN), surplus);
        (q.level, q.index) = (2, 3);
        vm.prank(anyone);
        market.ask{value: 0.9 ether}(P, round, q);
        assertEq(market.askOf(3).level, 2);
        assertEq(market.askOf(3).index, 3);
    }

    function test_refund_ofOneUnit__creditsIt() public {
        uint256 project = _create(_params());
        market.fund{value: _ready(owner, 1)}(project, 1);
        vm.prank(owner);
        market.stop(project);
        assertFalse(market.projectOf(project).refunded);
        market.refund(project);
        assertEq(market.creditOf(token, owner), 1);
        assertTrue(market.projectOf(project).refunded);
    }

    function test_refund_aPenaltyOfOneUnit__burnsIt() public {
        _withPenalty(1);
        _leave(0);
        vm.prank(owner);
        market.stop(P);
        market.refund(P);
        assertEq(market.creditOf(token, BURN), 1);
    }

    function test_open_aPenaltyPoolOfOneUnit__movesItToThePot() public {
        _withPenalty(1);
        _leave(0);
        uint256 round = _open();
        assertEq(market.roundOf(P, round).pot, POT + 1);
        assertEq(market.projectOf(P).penaltyPool, 0);
        _assertEquation();
    }

    // ----- order -----

    /// The head is VOID, and a result below it, posted again, does not stand yet.
    function test_open_aboveAResultThatIsProposed__refusesMarketWrongPhase() public {
        uint256 lower = _toStanding(liar);
        uint256 head = _toVoid();
        _refute(lower, _paid(lower, WRONG));
        vm.warp(block.timestamp + T1);
        Post memory post = _draft(lower);
        post.included[0] &= ~uint256(1);
        _postWith(rival, lower, post);
        market.skip(P);
        assertEq(market.projectOf(P).tip, head);
        _expectWrongPhase(lower, Phase.Proposed, _bit(Phase.Standing) | _bit(Phase.Final));
        market.open(P);
        vm.warp(block.timestamp + TX);
        market.open(P);
    }
}

/// Trees of a size that is a power of two, and bits in the higher half of a byte.
contract EightSeatsTest is RefutationTest {
    function _params() internal view override returns (Params memory p) {
        p = super._params();
        p.expectedSeats = 8;
    }

    function setUp() public override {
        seats = 8;
        super.setUp();
        for (uint256 seat = EXPECTED; seat < 8; ++seat) {
            _register(seat);
        }
    }

    function test_post_eightSeats__countsEveryBit() public {
        uint256 round = _toAggregate(8, 8);
        _post(aggregator, round);
        assertEq(market.resultOf(P, round).includedCount, 8);
        assertEq(uint8(_phase(round)), uint8(Phase.Standing));
    }

    function test_claim_eightSeats__takesAProofOfThree() public {
        uint256 round = _toAggregate(8, 8);
        _post(aggregator, round);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
        (, bytes32[] memory proof) = Trees.prove(accountsOf[round], 7);
        assertEq(proof.length, 3);
        _claim(round, 7);
        assertEq(market.creditOf(token, _payout(7)), accountsOf[round][7].pay);
    }
}

/// The largest project without a tree of columns.
contract TwelveSeatsTest is RefutationTest {
    function setUp() public override {
        seats = 12;
        super.setUp();
    }

    function test_post_twelveSeats__hasNoColumns() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        post.roots.columns = keccak256("columns");
        vm.expectRevert(abi.encodeWithSelector(M.MarketColumnsRoot.selector, post.roots.columns, 12));
        vm.prank(liar);
        market.post(P, round, post);
        _post(liar, round);
        Facts memory f = _facts(round, 0);
        Refutation memory x = _refutation(round, Check.Delta, 1, seats, seats, "");
        f.files = new bytes32[](EXPECTED);
        for (uint256 seat; seat < EXPECTED; ++seat) {
            f.files[seat] = _root(round, seat);
        }
        _expectTold(round, "tree", x, f);
    }
}

/// Bitmaps of two words.
contract ManySeatsTest is RefutationTest {
    function setUp() public override {
        seats = 257;
        super.setUp();
    }

    /// The files of two rounds back begin after both words of those of one round back, which hold one more.
    function test_post_filesOfBothRoundsBefore__areCountedApart() public {
        uint256[3] memory revealed = [uint256(EXPECTED - 1), EXPECTED, EXPECTED];
        for (uint256 k; k < 3; ++k) {
            uint256 round = _toAggregate(EXPECTED, revealed[k]);
            _post(aggregator, round);
            assertEq(uint8(_phase(round)), uint8(Phase.Standing));
        }
        assertEq(market.resultOf(P, 3).rowCount, revealed[1] + revealed[0] + 2);
    }
}

/// A tree of one account has a depth of one.
contract OneSeatTest is RefutationTest {
    function _params() internal view override returns (Params memory p) {
        p = super._params();
        (p.seats, p.minSeals, p.expectedSeats) = (1, 1, 1);
        p.minStake = POT;
    }

    function _limits() internal pure override returns (Limits memory limits) {
        limits = super._limits();
        limits.askFloor = 1;
    }

    function _start() internal override {
        seats = 1;
        _create(_params());
        _fund(FUNDS);
        market.register{value: _ready(_trainer(0), POT)}(P, 0, _payout(0), POT, new bytes32[](0));
        _bond(aggregator, BOND);
    }

    /// 72 bytes at a wei each, a 64th of it for the one that is open: a surplus of one.
    function test_ask_aSurplusOfOne__isBurned() public {
        uint256 round = _toAggregate(1, 1);
        _post(aggregator, round);
        Ask memory q;
        q.tree = Tree.Accounts;
        (q.included, q.rows, q.roots) = (posts[round].included, posts[round].rows, posts[round].roots);
        vm.fee(0);
        market.ask{value: 72}(P, round, q);
        assertEq(market.creditOf(address(0), BURN), 0);
        market.ask{value: 73}(P, round, q);
        assertEq(market.creditOf(address(0), BURN), 1);
    }

    function test_claim_oneSeat__takesAProofOfOne() public {
        uint256 round = _toAggregate(1, 1);
        Post memory post = _prepare(aggregator, round, _draft(round));
        vm.prank(aggregator);
        market.post(P, round, post);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
        SeatAccount memory account = accountsOf[round][0];
        vm.expectRevert(abi.encodeWithSelector(M.MarketProofLength.selector, 0, 1));
        market.claim(P, round, 0, account, openings[round], new bytes32[](0));
        _claim(round, 0);
        assertEq(market.creditOf(token, _payout(0)), account.pay);
    }
}
