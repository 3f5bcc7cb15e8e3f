// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Account as SeatAccount, Params, Post, SeatView} from "../src/types.sol";
import {MarketTest} from "./utils/MarketTest.sol";
import {Trees} from "./utils/Trees.sol";

contract SeatsTest is MarketTest {
    uint16 private constant FREE = EXPECTED; // the first seat that nobody holds

    function _try(uint16 seat, address payout, uint96 stake, bytes memory error_) private {
        uint256 value = stake;
        vm.deal(anyone, stake);
        if (error_.length != 0) vm.expectRevert(error_);
        vm.prank(anyone);
        market.register{value: value}(P, seat, payout, stake, new bytes32[](0));
    }

    // ----- register -----

    function test_register_aFreeSeat__seatsTheCaller() public {
        vm.expectEmit(address(market));
        emit M.TrainerRegistered(P, FREE, anyone, watcher, UNIT);
        _try(FREE, watcher, UNIT, "");

        SeatView memory s = market.seatOf(P, FREE);
        assertEq(s.signer, anyone);
        assertEq(s.payout, watcher);
        assertEq(s.stake, UNIT);
        assertEq(s.lastSealed, 0);
        (bool held, uint16 seat) = market.seatIndexOf(P, anyone);
        assertTrue(held);
        assertEq(seat, FREE);
        assertEq(market.projectOf(P).activeNext, EXPECTED + 1);
        _assertEquation();
    }

    function test_register_duringACommit__isActiveFromTheNextRoundOn() public {
        uint256 round = _open();
        _try(FREE, watcher, UNIT, "");

        assertEq(market.seatOf(P, FREE).joined, round);
        assertEq(market.roundOf(P, round).activeLeft, EXPECTED);
        assertEq(market.projectOf(P).activeNext, 1);
    }

    function test_register_aTakenSeat__refusesMarketSeatTaken() public {
        _try(0, watcher, UNIT, abi.encodeWithSelector(M.MarketSeatTaken.selector, 0, _trainer(0)));
    }

    function test_register_aroundTheSeatLimit__refusesMarketSeatOutOfRange() public {
        _try(SEATS, watcher, UNIT, abi.encodeWithSelector(M.MarketSeatOutOfRange.selector, SEATS, SEATS));
        _try(SEATS + 1, watcher, UNIT, abi.encodeWithSelector(M.MarketSeatOutOfRange.selector, SEATS + 1, SEATS));
        _try(SEATS - 1, watcher, UNIT, "");
    }

    function test_register_aSecondSeat__refusesMarketAlreadySeated() public {
        _try(FREE, watcher, UNIT, "");
        _try(FREE + 1, watcher, UNIT, abi.encodeWithSelector(M.MarketAlreadySeated.selector, anyone, FREE));
    }

    function test_register_aroundTheLeastStake__refusesMarketStakeTooLow() public {
        _try(FREE, watcher, UNIT - 1, abi.encodeWithSelector(M.MarketStakeTooLow.selector, UNIT - 1, UNIT));
        uint256 state = vm.snapshotState();
        _try(FREE, watcher, UNIT, "");
        vm.revertToState(state);
        _try(FREE, watcher, UNIT + 1, "");
    }

    function test_register_payoutToNobody__refusesMarketZeroAddress() public {
        _try(FREE, address(0), UNIT, abi.encodeWithSelector(M.MarketZeroAddress.selector));
    }

    function test_register_stopped__refusesMarketProjectStopped() public {
        vm.prank(owner);
        market.stop(P);
        _try(FREE, watcher, UNIT, abi.encodeWithSelector(M.MarketProjectStopped.selector, P));
    }

    function test_register_admitted__seatsTheCaller() public {
        (uint256 project, bytes32 sibling) = _closedProject();
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = sibling;
        vm.deal(anyone, UNIT);
        vm.prank(anyone);
        market.register{value: UNIT}(project, 0, watcher, UNIT, proof);

        assertEq(market.seatOf(project, 0).signer, anyone);
    }

    function test_register_notAdmitted__refusesMarketNotAdmitted() public {
        (uint256 project, bytes32 sibling) = _closedProject();
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = sibling;
        vm.deal(watcher, UNIT);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotAdmitted.selector, watcher));
        vm.prank(watcher);
        market.register{value: UNIT}(project, 0, watcher, UNIT, proof);
    }

    /// A project that admits `anyone` and one more; the other's leaf.
    function _closedProject() private returns (uint256 project, bytes32 sibling) {
        bytes32 mine = keccak256(abi.encode(keccak256(abi.encode(anyone))));
        sibling = keccak256(abi.encode(keccak256(abi.encode(owner))));
        Params memory params = _params();
        params.admissionRoot =
            mine < sibling ? keccak256(abi.encode(mine, sibling)) : keccak256(abi.encode(sibling, mine));
        project = _create(params);
    }

    // ----- addStake -----

    function test_addStake_toAHeldSeat__addsIt() public {
        vm.expectEmit(address(market));
        emit M.StakeAdded(P, 0, 1 ether);
        market.addStake{value: _ready(anyone, 1 ether)}(P, 0, 1 ether);

        assertEq(market.seatOf(P, 0).stake, STAKE + 1 ether);
        _assertEquation();
    }

    function test_addStake_toAFreeSeat__refusesMarketSeatFree() public {
        uint256 value = _ready(anyone, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(M.MarketSeatFree.selector, FREE));
        market.addStake{value: value}(P, FREE, 1 ether);
    }

    function test_addStake_beyondTheSeatLimit__refusesMarketSeatOutOfRange() public {
        vm.deal(address(this), 1 ether);
        vm.expectRevert(abi.encodeWithSelector(M.MarketSeatOutOfRange.selector, SEATS, SEATS));
        market.addStake{value: 1 ether}(P, SEATS, 1 ether);
    }

    // ----- leave -----

    function test_leave_neverSealed__returnsTheWholeStake() public {
        vm.expectEmit(address(market));
        emit M.TrainerLeft(P, 0, _payout(0), false, 0, STAKE, 0, 0, 0);
        _leave(0);

        assertEq(market.creditOf(token, _payout(0)), STAKE);
        assertEq(market.seatOf(P, 0).signer, address(0));
        assertEq(market.projectOf(P).activeNext, EXPECTED - 1);
        (bool held,) = market.seatIndexOf(P, _trainer(0));
        assertFalse(held);
        _assertEquation();
    }

    function test_leave_afterAFinalRound__paysOutPayAndStake() public {
        uint256 round = _toFinal();
        uint128 pay = accountsOf[round][0].pay;
        _leave(0);

        assertEq(market.creditOf(token, _payout(0)), STAKE + pay);
        assertEq(market.seatOf(P, 0).claimed, pay);
        assertEq(market.tenureCountOf(P, 0), 1);
        _assertEquation();
    }

    function test_leave_afterAClaim__paysOnlyWhatIsNew() public {
        uint256 round = _toFinal();
        _claim(round, 0);
        uint256 before = market.creditOf(token, _payout(0));
        _leave(0);

        assertEq(market.creditOf(token, _payout(0)), before + STAKE);
    }

    function test_leave_lastSealedRoundNotTerminal__refusesMarketStakeBound() public {
        uint256 round = _toStanding(aggregator);
        _leaveRefused(0, abi.encodeWithSelector(M.MarketStakeBound.selector, round, 0));
    }

    function test_leave_aRoundBelowNotTerminal__refusesMarketStakeBoundUntilSkipped() public {
        uint256 first = _toStanding(aggregator);
        uint256 second = _toVoid(); // terminal, but the round below is not
        _leaveRefused(0, abi.encodeWithSelector(M.MarketStakeBound.selector, second, 0));
        vm.warp(block.timestamp + W);
        market.finalise(P, first);
        _leaveRefused(0, abi.encodeWithSelector(M.MarketStakeBound.selector, second, first));
        market.skip(P);
        _leave(0);
    }

    function test_leave_byAnybodyElse__refusesMarketNotSigner() public {
        SeatAccount memory account = SeatAccount(8192, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotSigner.selector, anyone, _trainer(0)));
        vm.prank(anyone);
        market.leave(P, 0, account, openings[0], new bytes32[](0));
    }

    function test_leave_otherThanTheStartAccount__refusesMarketNotStartAccount() public {
        SeatAccount memory account = SeatAccount(8192, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotStartAccount.selector, 8192, 1, 0));
        vm.prank(_trainer(0));
        market.leave(P, 0, account, openings[0], new bytes32[](0));
    }

    function test_leave_accountOfAnotherSeat__refusesMarketWrongProof() public {
        uint256 round = _toFinal();
        (, bytes32[] memory proof) = Trees.prove(accountsOf[round], 1);
        SeatAccount memory account = accountsOf[round][1];
        vm.expectPartialRevert(M.MarketWrongProof.selector);
        vm.prank(_trainer(0));
        market.leave(P, 0, account, openings[round], proof);
    }

    function test_leave_missedReveal__losesOneUnit() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED - 1);
        _post(aggregator, round);
        assertEq(market.projectOf(P).missesOwed, UNIT);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
        vm.expectEmit(address(market));
        emit M.MissDebited(P, EXPECTED - 1, round, UNIT);
        _leave(EXPECTED - 1);

        assertEq(market.creditOf(token, _payout(EXPECTED - 1)), STAKE - UNIT);
        assertEq(market.projectOf(P).missesOwed, 0);
        _assertEquation();
    }

    function test_leave_fewerThanHalfRevealed__losesNothing() public {
        uint256 round = _toAggregate(EXPECTED, 1); // I-31: 1 of 4
        _post(aggregator, round);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
        _leave(EXPECTED - 1);

        assertEq(market.creditOf(token, _payout(EXPECTED - 1)), STAKE);
        _assertEquation();
    }

    function test_leave_exactlyHalfRevealed__losesOneUnit() public {
        uint256 round = _toAggregate(EXPECTED, 2);
        _post(aggregator, round);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
        _leave(EXPECTED - 1);

        assertEq(market.creditOf(token, _payout(EXPECTED - 1)), STAKE - UNIT);
    }

    function test_leave_malicious__losesThePenaltyToThePool() public {
        uint256 round = _withPenalty(UNIT);
        _leave(0);

        assertEq(market.creditOf(token, _payout(0)), STAKE - UNIT + accountsOf[round][0].pay);
        assertEq(market.projectOf(P).penaltyPool, UNIT);
        assertEq(market.seatOf(P, 0).penaltyTaken, UNIT);
        _assertEquation();
        _open();
        assertEq(market.roundOf(P, 2).pot, POT + UNIT, "joins the next opened pot");
    }

    function test_leave_penaltyAboveTheStake__losesTheStakeAndNoMore() public {
        _withPenalty(type(uint128).max);
        _leave(0);

        assertEq(market.projectOf(P).penaltyPool, STAKE);
        _assertEquation();
    }

    function test_leave_duringACommit__lowersTheActiveSeats() public {
        uint256 round = _open();
        _leave(EXPECTED - 1);
        assertEq(market.roundOf(P, round).activeLeft, EXPECTED - 1);
    }

    function test_leave_oldProofsOfTheSeat__giveANewHolderNothing() public {
        uint256 round = _toFinal();
        _leave(0);
        vm.deal(anyone, UNIT);
        vm.prank(anyone);
        market.register{value: UNIT}(P, 0, watcher, UNIT, new bytes32[](0));
        vm.expectRevert(M.MarketNothingDue.selector);
        _claim(round, 0);
    }

    function test_leave_lieAboveTheBucket__isNotBlocked() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _prepare(aggregator, round, _draft(round));
        accountsOf[round][0].pay = type(uint128).max; // became FINAL since nobody watched
        (post.roots.accounts,) = Trees.prove(accountsOf[round], 0);
        openings[round] = Trees.opening(address(market), P, round, aggregator, post);
        vm.prank(aggregator);
        market.post(P, round, post);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
        uint96 bucket = market.projectOf(P).bucket;
        _leave(0);

        assertEq(market.creditOf(token, _payout(0)), STAKE + bucket, "the bucket and no more");
        _assertEquation();
    }

    // ----- evict -----

    /// `count` rounds in which nobody seals and which end VOID.
    function _emptyRounds(uint256 count) private {
        for (uint256 i; i < count; ++i) {
            uint256 round = _open();
            vm.warp(market.roundOf(P, round).commitEnd);
            market.voidRound(P, round);
        }
    }

    function _evict(uint256 seat) private {
        vm.prank(anyone);
        market.evict(P, uint16(seat), SeatAccount(8192, 0, 0), openings[0], new bytes32[](0));
    }

    function test_evict_aroundSixteenRoundsWithoutASeal__refusesMarketNotEvictableBefore() public {
        _emptyRounds(15);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotEvictable.selector, 15, 16));
        _evict(0);
        _emptyRounds(1);
        vm.expectEmit(address(market));
        emit M.TrainerLeft(P, 0, _payout(0), true, 0, STAKE, 0, 0, 0);
        _evict(0);
        _emptyRounds(1);
        _evict(1);
        assertEq(market.creditOf(token, _payout(0)), STAKE);
        _assertEquation();
    }

    function test_evict_countsFromTheLastSeal__refusesMarketNotEvictableBefore() public {
        _toVoid(); // round 1, sealed by seats 0 and 1
        _emptyRounds(15);
        _evict(2);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotEvictable.selector, 16, 17));
        _evict(0);
        _emptyRounds(1);
        _evict(0);
    }

    function test_evict_aFreeSeat__refusesMarketSeatFree() public {
        vm.expectRevert(abi.encodeWithSelector(M.MarketSeatFree.selector, FREE));
        _evict(FREE);
    }

    function test_evict_beyondTheSeatLimit__refusesMarketSeatOutOfRange() public {
        vm.expectRevert(abi.encodeWithSelector(M.MarketSeatOutOfRange.selector, SEATS, SEATS));
        _evict(SEATS);
    }
}
