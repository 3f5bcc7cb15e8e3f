// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Params, Phase, ProjectView, RoundView, SeatView} from "../src/types.sol";
import {MarketTest} from "./utils/MarketTest.sol";

contract RoundsTest is MarketTest {
    uint256 private constant COMMIT_ONLY = 1 << uint256(Phase.Commit);
    uint256 private constant REVEAL_ONLY = 1 << uint256(Phase.Reveal);

    // ----- open -----

    function test_open_firstRound__reservesThePot() public {
        uint40 end = uint40(block.timestamp + COMMIT);
        vm.expectEmit(address(market));
        emit M.RoundOpened(P, 1, _content().modelRoot, POT, end, end + REVEAL);
        vm.prank(anyone);
        market.open(P);

        RoundView memory r = market.roundOf(P, 1);
        ProjectView memory p = market.projectOf(P);
        assertEq(uint8(r.phase), uint8(Phase.Commit));
        assertEq(r.pot, POT);
        assertEq(r.activeLeft, EXPECTED);
        assertEq(p.escrow, FUNDS - POT);
        assertEq(p.openCount, 1);
        assertEq(p.activeNext, 0);
        _assertEquation();
    }

    function test_open_headStanding__startsFromItsModel() public {
        uint256 round = _toStanding(aggregator);
        _open();
        assertEq(market.roundOf(P, 2).baseRoot, market.resultOf(P, round).modelRoot);
        assertEq(market.roundOf(P, 2).activeLeft, EXPECTED, "those that sealed the round before");
    }

    function test_open_headFlatOrVoid__startsFromTheModelBelow() public {
        _toFlat();
        _open();
        assertEq(market.roundOf(P, 2).baseRoot, _content().modelRoot);
        vm.warp(market.roundOf(P, 2).commitEnd);
        market.voidRound(P, 2);
        _open();
        assertEq(market.roundOf(P, 3).baseRoot, _content().modelRoot);
    }

    function test_open_headInAnyOtherPhase__refusesMarketWrongPhase() public {
        uint256 round = _openAndSeal(EXPECTED);
        uint256 allowed = _bit(Phase.Standing) | _bit(Phase.Final) | _bit(Phase.Flat) | _bit(Phase.Void);
        _expectWrongPhase(round, Phase.Reveal, allowed);
        market.open(P);
        vm.warp(market.roundOf(P, round).revealEnd - 1);
        _reveal(round, 0);
        vm.warp(market.roundOf(P, round).revealEnd);
        _expectWrongPhase(round, Phase.Aggregate, allowed);
        market.open(P);
    }

    function test_open_aroundTheEndOfProposed__refusesMarketWrongPhaseBefore() public {
        uint256 round = _toProposed(aggregator);
        uint256 stands = market.resultOf(P, round).standsAt;
        uint256 allowed = _bit(Phase.Standing) | _bit(Phase.Final) | _bit(Phase.Flat) | _bit(Phase.Void);
        vm.warp(stands - 1);
        _expectWrongPhase(round, Phase.Proposed, allowed);
        market.open(P);
        for (uint256 after_; after_ < 2; ++after_) {
            uint256 state = vm.snapshotState();
            vm.warp(stands + after_);
            market.open(P);
            vm.revertToState(state);
        }
    }

    function test_open_headVoidNotSettled__refusesMarketOutOfOrder() public {
        uint256 round = _openAndSeal(MIN_SEALS - 1);
        vm.expectRevert(abi.encodeWithSelector(M.MarketOutOfOrder.selector, round, 0));
        market.open(P);
    }

    function test_open_moreThanDRounds__refusesMarketTooManyOpenRounds() public {
        for (uint256 i; i < 3; ++i) {
            _toStanding(aggregator);
        }
        vm.expectRevert(abi.encodeWithSelector(M.MarketTooManyOpenRounds.selector, 3, 3));
        market.open(P);
        vm.warp(block.timestamp + W);
        market.finalise(P, 1);
        market.open(P);
    }

    function test_open_aroundTheEscrowOfOnePot__refusesMarketEscrowTooLow() public {
        Params memory params = _params();
        uint256 project = _create(params);
        vm.deal(address(this), 2 * POT);
        market.fund{value: POT - 1}(project, POT - 1);
        vm.expectRevert(abi.encodeWithSelector(M.MarketEscrowTooLow.selector, POT - 1, POT));
        market.open(project);
        market.fund{value: 1}(project, 1);
        market.open(project);
        assertEq(market.projectOf(project).escrow, 0);
    }

    function test_open_aroundTheEndDate__refusesMarketProjectEndedFromThenOn() public {
        (Params memory params,) = market.paramsOf(P);
        uint256 state = vm.snapshotState();
        vm.warp(params.endDate - 1);
        market.open(P);
        for (uint256 after_; after_ < 2; ++after_) {
            vm.revertToState(state);
            state = vm.snapshotState();
            vm.warp(params.endDate + after_);
            vm.expectRevert(abi.encodeWithSelector(M.MarketProjectEnded.selector, P, params.endDate));
            market.open(P);
        }
    }

    function test_open_unknownProject__refusesMarketUnknownProject() public {
        vm.expectRevert(abi.encodeWithSelector(M.MarketUnknownProject.selector, 9, 1));
        market.open(9);
    }

    function test_open_headWithoutSealsOnAStaleBase__restartsCommitOnTheNewOne() public {
        (uint256 below, uint256 head) = _staleHead();
        vm.warp(block.timestamp + 7);
        market.open(P);

        RoundView memory r = market.roundOf(P, head);
        assertEq(r.baseRoot, market.resultOf(P, below).modelRoot);
        assertEq(r.commitEnd, block.timestamp + COMMIT);
        assertEq(r.pot, POT);
        assertEq(r.activeLeft, EXPECTED, "leaves the active seats as they are");
        assertEq(market.projectOf(P).openCount, 2);
        _assertEquation();
    }

    function test_open_headWithoutSealsAfterItsCommit__restartsCommit() public {
        (, uint256 head) = _staleHead();
        vm.warp(market.roundOf(P, head).commitEnd + 5);
        assertEq(uint8(_phase(head)), uint8(Phase.Void));
        market.open(P);
        assertEq(uint8(_phase(head)), uint8(Phase.Commit));
    }

    function test_open_headWithoutSealsOnTheStandingBase__refusesMarketBaseUnchanged() public {
        _open();
        vm.expectRevert(abi.encodeWithSelector(M.MarketBaseUnchanged.selector, _content().modelRoot));
        market.open(P);
    }

    function test_open_headWithASealOnAStaleBase__refusesMarketWrongPhase() public {
        _toStanding(liar);
        uint256 head = _open();
        _seal(head, 0);
        market.convict(P, 1, watcher);
        uint256 allowed = _bit(Phase.Standing) | _bit(Phase.Final) | _bit(Phase.Flat) | _bit(Phase.Void);
        _expectWrongPhase(head, Phase.Commit, allowed);
        market.open(P);
    }

    /// A head whose base was convicted away before anybody sealed; the round below stands again.
    function _staleHead() private returns (uint256 below, uint256 head) {
        below = _toStanding(liar);
        head = _open();
        market.convict(P, below, watcher);
        vm.expectRevert(abi.encodeWithSelector(M.MarketOutOfOrder.selector, below, below - 1));
        market.open(P);
        vm.warp(block.timestamp + T1);
        draftModel = keccak256("another model");
        _post(aggregator, below);
        draftModel = 0;
    }

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

    // ----- reveal -----

    function test_reveal_aSealedSeat__putsTheRootInItsSlot() public {
        uint256 round = _openAndSeal(EXPECTED);
        vm.expectEmit(address(market));
        emit M.Revealed(P, round << 16, _root(round, 0), _salt(round, 0), keccak256("file"));
        _reveal(round, 0);

        RoundView memory r = market.roundOf(P, round);
        bytes32 term = keccak256(abi.encode(_trainer(0), _root(round, 0), _salt(round, 0)));
        assertEq(market.slotOf(P, round, 0), _root(round, 0));
        assertEq(r.revealCount, 1);
        assertEq(r.revealSum, uint128(uint256(term)));
        assertEq(market.seatOf(P, 0).firstRound, round);
        assertFalse(market.seatOf(P, 0).missed);
    }

    function test_reveal_lastSealedSeat__endsReveal() public {
        uint256 round = _openAndSeal(EXPECTED);
        vm.warp(block.timestamp + 11);
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _reveal(round, seat);
        }
        assertEq(uint8(_phase(round)), uint8(Phase.Aggregate));
        assertEq(market.roundOf(P, round).revealEnd, block.timestamp);
    }

    function test_reveal_laterRound__keepsTheFirstRoundOfTheHolder() public {
        _toStanding(aggregator);
        _toStanding(aggregator);
        assertEq(market.seatOf(P, 0).firstRound, 1);
    }

    function test_reveal_aroundTheEndOfCommit__refusesMarketWrongPhaseBefore() public {
        uint256 round = _open();
        for (uint256 seat; seat < MIN_SEALS; ++seat) {
            _seal(round, seat);
        }
        uint256 end = market.roundOf(P, round).commitEnd;
        vm.warp(end - 1);
        _expectWrongPhase(round, Phase.Commit, REVEAL_ONLY); // I-25
        _reveal(round, 0);
        vm.warp(end);
        _reveal(round, 0);
        vm.warp(end + 1);
        _reveal(round, 1);
    }

    function test_reveal_aroundTheEndOfReveal__refusesMarketWrongPhaseFromThenOn() public {
        uint256 round = _openAndSeal(EXPECTED);
        _reveal(round, 0);
        uint256 end = market.roundOf(P, round).revealEnd;
        vm.warp(end - 1);
        _reveal(round, 1);
        for (uint256 after_; after_ < 2; ++after_) {
            vm.warp(end + after_);
            _expectWrongPhase(round, Phase.Aggregate, REVEAL_ONLY);
            _reveal(round, 2);
        }
    }

    function test_reveal_aroundTheMinimumOfSeals__refusesMarketWrongPhaseBelow() public {
        uint256 state = vm.snapshotState();
        for (uint256 extra; extra < 2; ++extra) {
            uint256 round = _openAndSeal(MIN_SEALS + extra);
            _reveal(round, 0);
            vm.revertToState(state);
            state = vm.snapshotState();
        }
        uint256 short = _openAndSeal(MIN_SEALS - 1);
        _expectWrongPhase(short, Phase.Void, REVEAL_ONLY);
        _reveal(short, 0);
    }

    function test_reveal_nothingSealed__refusesMarketNotSealed() public {
        uint256 round = _openAndSeal(MIN_SEALS);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotSealed.selector, round, 3, bytes32(0)));
        _reveal(round, 3);
    }

    function test_reveal_twice__refusesMarketNotSealed() public {
        uint256 round = _openAndSeal(EXPECTED);
        _reveal(round, 0);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotSealed.selector, round, 0, _root(round, 0)));
        _reveal(round, 0);
    }

    function test_reveal_aroundTheLeastRoot__refusesMarketRootTooSmallBelow() public {
        uint256 round = _openAndSeal(EXPECTED);
        bytes32 small = bytes32((uint256(1) << 216) - 1);
        vm.expectRevert(abi.encodeWithSelector(M.MarketRootTooSmall.selector, small));
        vm.prank(_trainer(0));
        market.reveal(P, round, 0, small, _salt(round, 0), 0);
        for (uint256 over; over < 2; ++over) {
            vm.expectPartialRevert(M.MarketSealMismatch.selector);
            vm.prank(_trainer(0));
            market.reveal(P, round, 0, bytes32((uint256(1) << 216) + over), _salt(round, 0), 0);
        }
    }

    function testFuzz_reveal_anyOtherRootOrSalt__refusesMarketSealMismatch(bytes32 root, bytes32 salt) public {
        uint256 round = _openAndSeal(EXPECTED);
        root |= bytes32(uint256(1) << 255);
        vm.assume(root != _root(round, 0) || salt != _salt(round, 0));
        vm.expectPartialRevert(M.MarketSealMismatch.selector);
        vm.prank(_trainer(0));
        market.reveal(P, round, 0, root, salt, 0);
    }

    function test_reveal_aCopiedSeal__refusesMarketSealMismatch() public {
        uint256 round = _open();
        bytes32 copied = _sealValue(round, 0);
        for (uint256 seat; seat < EXPECTED; ++seat) {
            if (seat != 1) _seal(round, seat);
        }
        vm.prank(_trainer(1));
        market.seal(P, round, 1, copied); // I-22
        if (_phase(round) == Phase.Commit) vm.warp(market.roundOf(P, round).commitEnd);
        _reveal(round, 0);
        vm.expectPartialRevert(M.MarketSealMismatch.selector);
        vm.prank(_trainer(1));
        market.reveal(P, round, 1, _root(round, 0), _salt(round, 0), 0);
    }

    function test_reveal_aSealOfAnotherRound__refusesMarketSealMismatch() public {
        _toStanding(aggregator);
        uint256 round = _open();
        bytes32 old = _sealOf(P, 1, _trainer(0), market.roundOf(P, 1).baseRoot, _root(1, 0), _salt(1, 0));
        vm.prank(_trainer(0));
        market.seal(P, round, 0, old);
        for (uint256 seat = 1; seat < EXPECTED; ++seat) {
            _seal(round, seat);
        }
        vm.expectPartialRevert(M.MarketSealMismatch.selector);
        vm.prank(_trainer(0));
        market.reveal(P, round, 0, _root(1, 0), _salt(1, 0), 0);
    }

    function test_reveal_byAnotherThanTheSigner__refusesMarketNotSigner() public {
        uint256 round = _openAndSeal(EXPECTED);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotSigner.selector, anyone, _trainer(0)));
        vm.prank(anyone);
        market.reveal(P, round, 0, _root(round, 0), _salt(round, 0), 0);
    }

    function testFuzz_reveal_anyOrder__givesTheSameSum(uint256 shuffle) public {
        uint256 round = _openAndSeal(EXPECTED);
        uint256 state = vm.snapshotState();
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _reveal(round, seat);
        }
        uint128 sum = market.roundOf(P, round).revealSum;
        vm.revertToState(state);
        uint256[4] memory order = [uint256(0), 1, 2, 3];
        for (uint256 i = 3; i > 0; --i) {
            uint256 j = shuffle % (i + 1);
            shuffle /= i + 1;
            (order[i], order[j]) = (order[j], order[i]);
        }
        for (uint256 i; i < 4; ++i) {
            _reveal(round, order[i]);
        }
        assertEq(market.roundOf(P, round).revealSum, sum, "I-26");
    }

    // ----- voidRound -----

    function test_voidRound_fewerSealsThanTheMinimum__returnsThePot() public {
        uint256 round = _openAndSeal(MIN_SEALS - 1);
        vm.expectEmit(address(market));
        emit M.RoundVoided(P, round, POT);
        vm.prank(anyone);
        market.voidRound(P, round);

        ProjectView memory p = market.projectOf(P);
        assertEq(p.escrow, FUNDS);
        assertEq(p.openCount, 0);
        assertEq(p.tip, round);
        assertEq(p.terminalUpTo, round);
        assertEq(market.roundOf(P, round).pot, 0);
        _assertEquation();
    }

    function test_voidRound_nobodyRevealed__returnsThePotAndSlashesNobody() public {
        uint256 round = _openAndSeal(EXPECTED);
        vm.warp(market.roundOf(P, round).revealEnd);
        market.voidRound(P, round);
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _leave(seat);
            assertEq(market.creditOf(token, _payout(seat)), STAKE);
        }
        assertEq(market.projectOf(P).escrow, FUNDS);
        _assertEquation();
    }

    function test_voidRound_penaltiesInThePot__returnToThePool() public {
        _withPenalty(UNIT);
        _leave(0);
        uint256 round = _open();
        assertEq(market.roundOf(P, round).pot, POT + UNIT);
        vm.warp(market.roundOf(P, round).commitEnd);
        market.voidRound(P, round);
        assertEq(market.projectOf(P).penaltyPool, UNIT, "never the escrow");
        _assertEquation();
    }

    function test_voidRound_aroundTheEndOfReveal__refusesMarketWrongPhaseBefore() public {
        uint256 round = _openAndSeal(EXPECTED);
        uint256 end = market.roundOf(P, round).revealEnd;
        vm.warp(end - 1);
        _expectWrongPhase(round, Phase.Reveal, _bit(Phase.Void));
        market.voidRound(P, round);
        vm.warp(end);
        market.voidRound(P, round);
    }

    function test_voidRound_duringCommit__refusesMarketWrongPhase() public {
        uint256 round = _open();
        vm.warp(market.roundOf(P, round).commitEnd - 1);
        _expectWrongPhase(round, Phase.Commit, _bit(Phase.Void));
        market.voidRound(P, round);
    }

    function test_voidRound_oneRevealed__refusesMarketWrongPhase() public {
        uint256 round = _toAggregate(EXPECTED, 1);
        _expectWrongPhase(round, Phase.Aggregate, _bit(Phase.Void));
        market.voidRound(P, round);
    }

    function test_voidRound_twice__refusesMarketAlreadySettled() public {
        uint256 round = _toVoid();
        vm.expectRevert(abi.encodeWithSelector(M.MarketAlreadySettled.selector, P, round));
        market.voidRound(P, round);
    }
}
