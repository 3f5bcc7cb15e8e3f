// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Params, Phase, RoundView} from "../src/types.sol";
import {ReferenceTest} from "./utils/ReferenceTest.sol";

/// COMMIT and REVEAL of the owner's reference: what it may do when, and when rounds wait for it.
contract ReferenceSealTest is ReferenceTest {
    uint256 private constant COMMIT_ONLY = 1 << uint256(Phase.Commit);

    function _refuses(uint256 round, bytes32 value, bytes memory error_) private {
        vm.expectRevert(error_);
        vm.prank(key);
        market.sealReference(P, round, value);
    }

    // ----- sealReference -----

    function test_sealReference_afterATrainer__storesTheSealAndIsNotCounted() public {
        uint256 round = _open();
        assertTrue(market.roundOf(P, round).referenceAwaited);
        _seal(round, 0);
        bytes32 value = _referenceSeal(round);
        vm.expectEmit(address(market));
        emit M.ReferenceSealed(P, round, value);
        _sealReference(round);

        RoundView memory r = market.roundOf(P, round);
        assertEq(market.slotOf(P, round, SEATS), value);
        assertTrue(r.referenceSealed);
        assertFalse(r.referenceAwaited || r.referenceRevealed);
        assertEq(r.sealCount, 1);
        assertEq(r.activeLeft, EXPECTED - 1);
        assertEq(market.projectOf(P).activeNext, 1);
        _assertEquation();
    }

    function test_sealReference_beforeAnyTrainer__refusesMarketNobodySealed() public {
        uint256 round = _open();
        bytes memory error_ = abi.encodeWithSelector(M.MarketNobodySealed.selector, round);
        _refuses(round, bytes32(uint256(1)), error_);
        _seal(round, 0);
        _sealReference(round);
    }

    function test_sealReference_aRestartedCommit__isAwaitedAsBefore() public {
        uint256 state = vm.snapshotState();
        (, uint256 head) = _staleHead();
        assertFalse(market.roundOf(P, head).referenceAwaited, "it did not reveal in the round below");
        market.open(P);
        assertFalse(market.roundOf(P, head).referenceAwaited);

        vm.revertToState(state);
        uint256 below = _toStandingWith(liar);
        head = _open();
        market.convict(P, below, watcher);
        vm.warp(block.timestamp + T1);
        draftModel = keccak256("another model");
        _post(aggregator, below);
        _refuses(head, bytes32(uint256(1)), abi.encodeWithSelector(M.MarketNobodySealed.selector, head));
        market.open(P);
        assertTrue(market.roundOf(P, head).referenceAwaited);
        _seal(head, 0);
        _sealReference(head);
    }

    function test_sealReference_afterAllExpectedTrainers__endsCommit() public {
        uint256 round = _open();
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _seal(round, seat);
        }
        assertEq(uint8(_phase(round)), uint8(Phase.Commit), "waits for the reference");
        vm.warp(block.timestamp + 9);
        _sealReference(round);
        assertEq(uint8(_phase(round)), uint8(Phase.Reveal));
        assertEq(market.roundOf(P, round).commitEnd, block.timestamp);
        assertEq(market.roundOf(P, round).revealEnd, block.timestamp + REVEAL);
    }

    function test_sealReference_afterMoreTrainersThanExpected__endsCommit() public {
        _register(EXPECTED);
        uint256 round = _open();
        for (uint256 seat; seat <= EXPECTED; ++seat) {
            _seal(round, seat);
        }
        assertEq(uint8(_phase(round)), uint8(Phase.Commit));
        _sealReference(round);
        assertEq(uint8(_phase(round)), uint8(Phase.Reveal));
    }

    function test_sealReference_beforeTheLastTrainer__leavesTheEndToIt() public {
        uint256 round = _open();
        for (uint256 seat; seat < EXPECTED - 1; ++seat) {
            _seal(round, seat);
        }
        _sealReference(round);
        assertEq(uint8(_phase(round)), uint8(Phase.Commit));
        _seal(round, EXPECTED - 1);
        assertEq(uint8(_phase(round)), uint8(Phase.Reveal));
    }

    function test_sealReference_laterRoundInEitherOrder__endsCommitWithTheLast() public {
        _toStandingWith(aggregator);
        uint256 round = _open();
        uint256 state = vm.snapshotState();
        _toLast(round, EXPECTED);
        assertEq(uint8(_phase(round)), uint8(Phase.Commit));
        _sealReference(round);
        assertEq(uint8(_phase(round)), uint8(Phase.Reveal));
        vm.revertToState(state);
        _toLast(round, EXPECTED - 1);
        _sealReference(round);
        assertEq(uint8(_phase(round)), uint8(Phase.Commit));
        _seal(round, EXPECTED - 1);
        assertEq(uint8(_phase(round)), uint8(Phase.Reveal));
    }

    function _toLast(uint256 round, uint256 count) private {
        for (uint256 seat; seat < count; ++seat) {
            _seal(round, seat);
        }
    }

    function test_sealReference_withFewerTrainersThanTheMinimum__leavesTheRoundVoid() public {
        uint256 round = _open();
        _seal(round, 0);
        _seal(round, 1);
        _sealReference(round);
        assertEq(uint8(_phase(round)), uint8(Phase.Commit), "two of three");
        vm.warp(market.roundOf(P, round).commitEnd);
        assertEq(uint8(_phase(round)), uint8(Phase.Void), "the reference is none of them");
        market.voidRound(P, round);
        assertEq(market.projectOf(P).escrow, FUNDS);
        _assertEquation();
        assertFalse(market.roundOf(P, _open()).referenceAwaited, "sealed and not revealed");
    }

    function test_sealReference_notAfterARoundWithoutIt__delaysNobody() public {
        uint256 round = _openAndSeal(EXPECTED);
        assertEq(market.roundOf(P, round).commitEnd, block.timestamp, "round 1 waits to the end of the window");
        _toLastReveal(round);
        _post(aggregator, round);
        round = _open();
        assertFalse(market.roundOf(P, round).referenceAwaited);
        _toLast(round, EXPECTED);
        assertEq(uint8(_phase(round)), uint8(Phase.Reveal), "the second does not");
    }

    function _toLastReveal(uint256 round) private {
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _reveal(round, seat);
        }
    }

    function test_sealReference_againAfterARoundWithoutIt__isAwaitedOnceItRevealed() public {
        uint256 round = _openAndSeal(EXPECTED);
        _toLastReveal(round);
        _post(aggregator, round);
        _toStandingBack();
        assertTrue(market.roundOf(P, _open()).referenceAwaited);
    }

    /// A round that does not wait for the reference, which comes in time all the same.
    function _toStandingBack() private {
        uint256 round = _open();
        _seal(round, 0);
        _sealReference(round);
        for (uint256 seat = 1; seat < EXPECTED; ++seat) {
            _seal(round, seat);
        }
        _toLastReveal(round);
        assertEq(uint8(_phase(round)), uint8(Phase.Reveal), "what is sealed is waited for");
        _revealReference(round);
        _post(aggregator, round);
    }

    function test_sealReference_aroundTheEndOfCommit__refusesMarketWrongPhaseFromThenOn() public {
        uint256 round = _open();
        _seal(round, 0);
        uint256 end = market.roundOf(P, round).commitEnd;
        bytes32 value = _referenceSeal(round);
        uint256 state = vm.snapshotState();
        vm.warp(end - 1);
        _sealReference(round);
        vm.revertToState(state);
        for (uint256 after_; after_ < 2; ++after_) {
            vm.warp(end + after_);
            bytes memory error_ = abi.encodeWithSelector(M.MarketWrongPhase.selector, P, round, Phase.Void, COMMIT_ONLY);
            _refuses(round, value, error_);
        }
    }

    function test_sealReference_roundThatDoesNotExist__refusesMarketWrongPhase() public {
        bytes memory error_ = abi.encodeWithSelector(M.MarketWrongPhase.selector, P, 1, Phase.None, COMMIT_ONLY);
        _refuses(1, bytes32(uint256(1)), error_);
    }

    function test_sealReference_twice__refusesMarketAlreadySealed() public {
        uint256 round = _open();
        _seal(round, 0);
        _sealReference(round);
        bytes memory error_ = abi.encodeWithSelector(M.MarketAlreadySealed.selector, round, SEATS);
        _refuses(round, bytes32(uint256(1)), error_);
    }

    function test_sealReference_zero__refusesMarketBadSeal() public {
        uint256 round = _open();
        _seal(round, 0);
        _refuses(round, 0, abi.encodeWithSelector(M.MarketBadSeal.selector, bytes32(0)));
    }

    function test_sealReference_aroundTwoHundredAndSixteenBits__refusesMarketBadSealFromThereOn() public {
        uint256 round = _open();
        _seal(round, 0);
        uint256 limit = 1 << 216;
        for (uint256 over; over < 2; ++over) {
            _refuses(
                round, bytes32(limit + over), abi.encodeWithSelector(M.MarketBadSeal.selector, bytes32(limit + over))
            );
        }
        vm.prank(key);
        market.sealReference(P, round, bytes32(limit - 1));
    }

    function test_sealReference_byAnotherThanTheKey__refusesMarketNotSigner() public {
        uint256 round = _open();
        _seal(round, 0);
        for (uint256 i; i < 2; ++i) {
            address who = i == 0 ? owner : _trainer(0);
            vm.expectRevert(abi.encodeWithSelector(M.MarketNotSigner.selector, who, key));
            vm.prank(who);
            market.sealReference(P, round, bytes32(uint256(1)));
        }
    }

    function test_sealReference_noKey__refusesMarketNotSigner() public {
        Params memory params = _params();
        params.referenceKey = address(0);
        uint256 project = _create(params);
        market.fund{value: _ready(owner, POT)}(project, POT);
        market.open(project);
        assertFalse(market.roundOf(project, 1).referenceAwaited);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotSigner.selector, key, address(0)));
        vm.prank(key);
        market.sealReference(project, 1, bytes32(uint256(1)));
    }

    // ----- the key holds no seat -----

    function test_register_theReferenceKey__refusesMarketAlreadySeated() public {
        vm.deal(key, UNIT);
        vm.expectRevert(abi.encodeWithSelector(M.MarketAlreadySeated.selector, key, SEATS));
        vm.prank(key);
        market.register{value: UNIT}(P, EXPECTED, watcher, UNIT, new bytes32[](0));
        (bool held,) = market.seatIndexOf(P, key);
        assertFalse(held);
    }

    function test_create_theOwnersOwnKeyAsReference__isStored() public {
        Params memory params = _params();
        params.referenceKey = owner;
        (Params memory stored,) = market.paramsOf(_create(params));
        assertEq(stored.referenceKey, owner);
    }

    function test_seal_theSeatBehindTheLast__refusesMarketNotSigner() public {
        uint256 round = _open();
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotSigner.selector, key, address(0)));
        vm.prank(key);
        market.seal(P, round, SEATS, bytes32(uint256(1)));
        vm.expectRevert(abi.encodeWithSelector(M.MarketSeatOutOfRange.selector, SEATS + 1, SEATS));
        market.slotOf(P, round, SEATS + 1);
    }
}
