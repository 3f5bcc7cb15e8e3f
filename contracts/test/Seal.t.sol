// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Phase, RoundView, SeatView} from "../src/types.sol";
import {MarketTest} from "./utils/MarketTest.sol";

/// COMMIT: who may seal what, and what a seal settles.
contract SealTest is MarketTest {
    uint256 private constant COMMIT_ONLY = 1 << uint256(Phase.Commit);

    // ----- seal -----

    function test_seal_anActiveSeat__storesTheSeal() public {
        uint256 round = _open();
        bytes32 value = _sealValue(round, 0);
        vm.expectEmit(address(market));
        emit M.Sealed(P, round << 16, value);
        _seal(round, 0);

        RoundView memory r = market.roundOf(P, round);
        SeatView memory s = market.seatOf(P, 0);
        assertEq(market.slotOf(P, round, 0), value);
        assertEq(r.sealCount, 1);
        assertEq(r.activeLeft, EXPECTED - 1);
        assertEq(s.lastSealed, round);
        assertTrue(s.missed, "until it is revealed");
        assertEq(market.projectOf(P).activeNext, 1);
    }

    function test_seal_firstRoundAtTheExpectedSeats__endsCommit() public {
        uint256 round = _open();
        for (uint256 seat; seat < EXPECTED; ++seat) {
            assertEq(uint8(_phase(round)), uint8(Phase.Commit));
            _seal(round, seat);
        }
        assertEq(uint8(_phase(round)), uint8(Phase.Reveal));
        assertEq(market.roundOf(P, round).commitEnd, block.timestamp);
        assertEq(market.roundOf(P, round).revealEnd, block.timestamp + REVEAL);
    }

    function test_seal_firstRoundBelowTheExpectedSeats__waitsForTheDeadline() public {
        uint256 round = _open();
        for (uint256 seat; seat < EXPECTED - 1; ++seat) {
            _seal(round, seat);
        }
        assertEq(uint8(_phase(round)), uint8(Phase.Commit));
    }

    function test_seal_lastActiveSeatOfALaterRound__endsCommit() public {
        _toStanding(aggregator);
        uint256 round = _open();
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _seal(round, seat);
        }
        assertEq(uint8(_phase(round)), uint8(Phase.Reveal));
    }

    function test_seal_allActiveButFewerThanTheMinimum__waits() public {
        _toVoid(); // sealed by two seats: they alone are active
        uint256 round = _open();
        assertEq(market.roundOf(P, round).activeLeft, 2);
        _seal(round, 0);
        _seal(round, 1);
        assertEq(uint8(_phase(round)), uint8(Phase.Commit));
        _seal(round, 2);
        assertEq(uint8(_phase(round)), uint8(Phase.Reveal));
    }

    function test_seal_byASeatThatJoinedInThisRound__isCountedOnceForTheNext() public {
        uint256 round = _open();
        vm.deal(anyone, UNIT);
        vm.prank(anyone);
        market.register{value: UNIT}(P, EXPECTED, watcher, UNIT, new bytes32[](0));
        vm.prank(anyone);
        market.seal(P, round, EXPECTED, bytes32(uint256(7)));

        assertEq(market.roundOf(P, round).activeLeft, EXPECTED);
        assertEq(market.projectOf(P).activeNext, 1);
    }

    function test_seal_aroundTheEndOfCommit__refusesMarketWrongPhaseFromThenOn() public {
        uint256 round = _open();
        for (uint256 seat; seat < MIN_SEALS - 1; ++seat) {
            _seal(round, seat);
        }
        uint256 end = market.roundOf(P, round).commitEnd;
        bytes32 value = _sealValue(round, 2);
        uint256 state = vm.snapshotState();
        vm.warp(end - 1);
        _seal(round, 2);
        vm.revertToState(state);
        vm.warp(end);
        _expectWrongPhase(round, Phase.Void, COMMIT_ONLY);
        vm.prank(_trainer(2));
        market.seal(P, round, 2, value);
        vm.warp(end + 1);
        _expectWrongPhase(round, Phase.Void, COMMIT_ONLY);
        vm.prank(_trainer(2));
        market.seal(P, round, 2, value);
    }

    function test_seal_roundThatDoesNotExist__refusesMarketWrongPhase() public {
        _expectWrongPhase(1, Phase.None, COMMIT_ONLY);
        vm.prank(_trainer(0));
        market.seal(P, 1, 0, bytes32(uint256(1)));
    }

    function test_seal_theStart__refusesMarketWrongPhase() public {
        _expectWrongPhase(0, Phase.Final, COMMIT_ONLY);
        vm.prank(_trainer(0));
        market.seal(P, 0, 0, bytes32(uint256(1)));
    }

    function test_seal_zero__refusesMarketBadSeal() public {
        uint256 round = _open();
        vm.expectRevert(abi.encodeWithSelector(M.MarketBadSeal.selector, bytes32(0)));
        vm.prank(_trainer(0));
        market.seal(P, round, 0, 0);
    }

    function test_seal_aroundTwoHundredAndSixteenBits__refusesMarketBadSealFromThereOn() public {
        uint256 round = _open();
        uint256 limit = 1 << 216;
        for (uint256 over; over < 2; ++over) {
            vm.expectRevert(abi.encodeWithSelector(M.MarketBadSeal.selector, bytes32(limit + over)));
            vm.prank(_trainer(0));
            market.seal(P, round, 0, bytes32(limit + over));
        }
        vm.prank(_trainer(0));
        market.seal(P, round, 0, bytes32(limit - 1));
    }

    function test_seal_byAnotherThanTheSigner__refusesMarketNotSigner() public {
        uint256 round = _open();
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotSigner.selector, _trainer(1), _trainer(0)));
        vm.prank(_trainer(1));
        market.seal(P, round, 0, bytes32(uint256(1)));
    }

    function test_seal_aSeatBeyondTheLimit__refusesMarketNotSigner() public {
        uint256 round = _open();
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotSigner.selector, anyone, address(0)));
        vm.prank(anyone);
        market.seal(P, round, 1 << 200, bytes32(uint256(1)));
    }

    function test_seal_twice__refusesMarketAlreadySealed() public {
        uint256 round = _open();
        _seal(round, 0);
        vm.expectRevert(abi.encodeWithSelector(M.MarketAlreadySealed.selector, round, 0));
        vm.prank(_trainer(0));
        market.seal(P, round, 0, bytes32(uint256(1)));
    }

    function test_seal_firstOnABaseThatNoLongerStands__refusesMarketStaleBase() public {
        (uint256 below, uint256 head) = _staleHead();
        bytes32 stale = market.roundOf(P, head).baseRoot;
        vm.expectRevert(abi.encodeWithSelector(M.MarketStaleBase.selector, stale, market.resultOf(P, below).modelRoot));
        vm.prank(_trainer(0));
        market.seal(P, head, 0, bytes32(uint256(1)));
    }

    function test_seal_firstWhileTheRoundBelowHasNoResult__refusesMarketOutOfOrder() public {
        uint256 below = _toStanding(liar);
        uint256 head = _open();
        market.convict(P, below, watcher);
        vm.expectRevert(abi.encodeWithSelector(M.MarketOutOfOrder.selector, head, below - 1));
        vm.prank(_trainer(0));
        market.seal(P, head, 0, bytes32(uint256(1)));
    }

    function test_seal_laterOnABaseThatNoLongerStands__isAccepted() public {
        _toStanding(liar);
        uint256 head = _open();
        _seal(head, 0);
        market.convict(P, 1, watcher);
        _seal(head, 1); // the base is a fact of the round now: paid, not merged
        assertEq(market.roundOf(P, head).sealCount, 2);
    }

    function test_seal_afterAMissedReveal__losesOneUnit() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED - 1);
        _post(aggregator, round);
        uint256 next = _open();
        vm.expectEmit(address(market));
        emit M.MissDebited(P, EXPECTED - 1, round, UNIT);
        _seal(next, EXPECTED - 1);

        assertEq(market.seatOf(P, EXPECTED - 1).stake, STAKE - UNIT);
        assertEq(market.seatOf(P, EXPECTED - 1).claimed, 0, "the other half of the word stays");
        assertEq(market.projectOf(P).missesOwed, 0);
        _assertEquation();
    }

    function test_seal_afterAMissedRevealInAVoidRound__losesNothing() public {
        uint256 round = _toVoid();
        uint256 next = _open();
        _seal(next, 0);
        assertEq(market.seatOf(P, 0).stake, STAKE);
        assertEq(round + 1, next);
    }

    function test_seal_missInAFastRound__isFoundRoundsLater() public {
        _toStanding(aggregator); // seat 0 sealed and revealed
        uint256 second = _openAndSeal(EXPECTED);
        for (uint256 seat = 1; seat < EXPECTED; ++seat) {
            _reveal(second, seat);
        }
        vm.warp(market.roundOf(P, second).revealEnd);
        _post(aggregator, second);
        assertEq(market.seatOf(P, 0).lastSealed, second);
        assertTrue(market.seatOf(P, 0).missed);
        uint256 third = _openAndSeal(0); // nobody
        market.voidRound(P, third);
        uint256 fourth = _open();
        vm.expectEmit(address(market));
        emit M.MissDebited(P, 0, second, UNIT);
        _seal(fourth, 0);
        assertEq(market.seatOf(P, 0).stake, STAKE - UNIT);
        _assertEquation();
    }

    function test_seal_aroundOneUnitOfStake__refusesMarketStakeTooLowBelow() public {
        // The last of the expected seats misses again and again: three units of stake.
        uint256 seat = EXPECTED - 1;
        for (uint256 i; i < 3; ++i) {
            uint256 round = _toAggregate(EXPECTED, EXPECTED - 1);
            _post(aggregator, round);
            vm.warp(block.timestamp + W);
            market.finalise(P, round);
        }
        assertEq(market.seatOf(P, seat).stake, UNIT, "two debited, one owed");
        uint256 fourth = _open();
        bytes32 value = _sealValue(fourth, seat);
        vm.expectRevert(abi.encodeWithSelector(M.MarketStakeTooLow.selector, 0, UNIT));
        vm.prank(_trainer(seat));
        market.seal(P, fourth, seat, value);
        market.addStake{value: _ready(anyone, UNIT - 1)}(P, uint16(seat), UNIT - 1);
        vm.expectRevert(abi.encodeWithSelector(M.MarketStakeTooLow.selector, UNIT - 1, UNIT));
        vm.prank(_trainer(seat));
        market.seal(P, fourth, seat, value);
        market.addStake{value: _ready(anyone, 1)}(P, uint16(seat), 1);
        _seal(fourth, seat);
        _assertEquation();
    }
}
