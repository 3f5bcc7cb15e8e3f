// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Phase, RoundView} from "../src/types.sol";
import {ReferenceTest} from "./utils/ReferenceTest.sol";

/// REVEAL of the owner's reference, and what it never touches.
contract ReferenceRevealTest is ReferenceTest {
    uint256 private constant REVEAL_ONLY = 1 << uint256(Phase.Reveal);

    function _refuses(uint256 round, bytes32 root, bytes32 salt, bytes memory error_) private {
        vm.expectRevert(error_);
        vm.prank(key);
        market.revealReference(P, round, root, salt, 0);
    }

    function _revealAll(uint256 round) private {
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _reveal(round, seat);
        }
    }

    function _term(address who, uint256 round, uint256 place) private pure returns (uint256) {
        return uint128(uint256(keccak256(abi.encode(who, _root(round, place), _salt(round, place)))));
    }

    // ----- revealReference -----

    function test_revealReference_aSealedReference__putsTheRootInItsSlotAndIsNotCounted() public {
        uint256 round = _toReveal();
        vm.expectEmit(address(market));
        emit M.ReferenceRevealed(P, round, _root(round, SEATS), _salt(round, SEATS), keccak256("file"));
        _revealReference(round);

        RoundView memory r = market.roundOf(P, round);
        assertEq(market.slotOf(P, round, SEATS), _root(round, SEATS));
        assertTrue(r.referenceSealed && r.referenceRevealed);
        assertEq(r.revealCount, 0);
        assertEq(r.revealSum, _term(key, round, SEATS));
        _assertEquation();
    }

    function test_revealReference_besideATrainer__addsItsTermToTheSeed() public {
        uint256 round = _toReveal();
        _reveal(round, 2);
        assertEq(market.roundOf(P, round).revealSum, _term(_trainer(2), round, 2));
        _revealReference(round);
        uint256 sum;
        unchecked {
            sum = uint128(_term(_trainer(2), round, 2) + _term(key, round, SEATS));
        }
        assertEq(market.roundOf(P, round).revealSum, sum);
    }

    function test_revealReference_eitherOrder__endsRevealWithTheLastAndGivesTheSameSum() public {
        uint256 round = _toReveal();
        uint256 state = vm.snapshotState();
        _revealAll(round);
        assertEq(uint8(_phase(round)), uint8(Phase.Reveal), "waits for the reference");
        vm.warp(block.timestamp + 11);
        _revealReference(round);
        assertEq(uint8(_phase(round)), uint8(Phase.Aggregate));
        assertEq(market.roundOf(P, round).revealEnd, block.timestamp);
        uint256 sum = market.roundOf(P, round).revealSum;
        vm.revertToState(state);
        _revealReference(round);
        assertEq(uint8(_phase(round)), uint8(Phase.Reveal), "waits for trainers");
        _revealAll(round);
        assertEq(uint8(_phase(round)), uint8(Phase.Aggregate));
        assertEq(market.roundOf(P, round).revealSum, sum, "I-26");
    }

    function test_revealReference_missing__waitsForTheDeadlineAndCostsNothing() public {
        uint256 round = _toReveal();
        _revealAll(round);
        uint256 end = market.roundOf(P, round).revealEnd;
        vm.warp(end - 1);
        assertEq(uint8(_phase(round)), uint8(Phase.Reveal));
        vm.warp(end);
        assertEq(uint8(_phase(round)), uint8(Phase.Aggregate));
        assertEq(market.roundOf(P, round).uncharged, 0, "no unit is missing");
        _post(aggregator, round);
        assertEq(uint8(_phase(round)), uint8(Phase.Standing), "complete without it");
        assertFalse(market.roundOf(P, _open()).referenceAwaited);
        _assertEquation();
    }

    function test_revealReference_withoutItsSeal__isNotWaitedFor() public {
        uint256 round = _openAndSeal(EXPECTED);
        _revealAll(round);
        assertEq(uint8(_phase(round)), uint8(Phase.Aggregate));
        assertEq(market.roundOf(P, round).revealEnd, block.timestamp);
    }

    function test_revealReference_alone__leavesTheRoundVoid() public {
        uint256 round = _toReveal();
        _revealReference(round);
        vm.warp(market.roundOf(P, round).revealEnd);
        assertEq(uint8(_phase(round)), uint8(Phase.Void));
        market.voidRound(P, round);
        assertEq(market.projectOf(P).escrow, FUNDS);
        assertTrue(market.roundOf(P, _open()).referenceAwaited, "it did its part");
    }

    function test_revealReference_flatRound__sharesAmongTrainersAlone() public {
        uint256 round = _toResult();
        vm.warp(block.timestamp + DEAD);
        vm.expectEmit(address(market));
        emit M.RoundFlattened(P, round, POT / EXPECTED, EXPECTED);
        market.flatten(P, round);
        vm.expectRevert(abi.encodeWithSelector(M.MarketSeatOutOfRange.selector, SEATS, SEATS));
        market.claimFlat(P, round, SEATS, 0);
        _assertEquation();
    }

    function test_revealReference_lastFinalRound__letsTrainersClaimAndLeave() public {
        uint256 round = _toStandingWith(aggregator);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
        _claim(round, 0);
        assertEq(market.creditOf(address(0), _payout(0)), posts[round].paid / EXPECTED);
        _leave(1);
        assertEq(market.seatOf(P, 1).signer, address(0));
        assertEq(market.creditOf(address(0), _payout(1)), STAKE + posts[round].paid / EXPECTED);
        _assertEquation();
    }

    function test_revealReference_aroundTheEndOfCommit__refusesMarketWrongPhaseBefore() public {
        uint256 round = _open();
        for (uint256 seat; seat < MIN_SEALS; ++seat) {
            _seal(round, seat);
        }
        _sealReference(round);
        uint256 end = market.roundOf(P, round).commitEnd;
        vm.warp(end - 1);
        _expectWrongPhase(round, Phase.Commit, REVEAL_ONLY);
        _revealReference(round);
        uint256 state = vm.snapshotState();
        for (uint256 after_; after_ < 2; ++after_) {
            vm.warp(end + after_);
            _revealReference(round);
            vm.revertToState(state);
            state = vm.snapshotState();
        }
    }

    function test_revealReference_aroundTheEndOfReveal__refusesMarketWrongPhaseFromThenOn() public {
        uint256 round = _toReveal();
        _reveal(round, 0);
        uint256 end = market.roundOf(P, round).revealEnd;
        for (uint256 after_; after_ < 2; ++after_) {
            vm.warp(end + after_);
            _expectWrongPhase(round, Phase.Aggregate, REVEAL_ONLY);
            _revealReference(round);
        }
        vm.warp(end - 1);
        _revealReference(round);
    }

    function test_revealReference_nothingSealed__refusesMarketNotSealed() public {
        uint256 round = _openAndSeal(EXPECTED);
        bytes memory error_ = abi.encodeWithSelector(M.MarketNotSealed.selector, round, SEATS, bytes32(0));
        _refuses(round, _root(round, SEATS), _salt(round, SEATS), error_);
    }

    function test_revealReference_twice__refusesMarketNotSealed() public {
        uint256 round = _toReveal();
        _revealReference(round);
        bytes memory error_ = abi.encodeWithSelector(M.MarketNotSealed.selector, round, SEATS, _root(round, SEATS));
        _refuses(round, _root(round, SEATS), _salt(round, SEATS), error_);
    }

    function test_revealReference_aroundTheLeastRoot__refusesMarketRootTooSmallBelow() public {
        uint256 round = _toReveal();
        bytes32 small = bytes32((uint256(1) << 216) - 1);
        _refuses(round, small, _salt(round, SEATS), abi.encodeWithSelector(M.MarketRootTooSmall.selector, small));
        for (uint256 over; over < 2; ++over) {
            vm.expectPartialRevert(M.MarketSealMismatch.selector);
            vm.prank(key);
            market.revealReference(P, round, bytes32((uint256(1) << 216) + over), _salt(round, SEATS), 0);
        }
    }

    function testFuzz_revealReference_anyOtherRootOrSalt__refusesMarketSealMismatch(bytes32 root, bytes32 salt) public {
        uint256 round = _toReveal();
        root |= bytes32(uint256(1) << 255);
        vm.assume(root != _root(round, SEATS) || salt != _salt(round, SEATS));
        vm.expectPartialRevert(M.MarketSealMismatch.selector);
        vm.prank(key);
        market.revealReference(P, round, root, salt, 0);
    }

    function test_revealReference_aCopiedSeal__refusesMarketSealMismatch() public {
        uint256 round = _open();
        bytes32 copied = _sealValue(round, 0);
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _seal(round, seat);
        }
        vm.prank(key);
        market.sealReference(P, round, copied);
        _reveal(round, 0);
        vm.expectPartialRevert(M.MarketSealMismatch.selector);
        vm.prank(key);
        market.revealReference(P, round, _root(round, 0), _salt(round, 0), 0);
    }

    function test_revealReference_byAnotherThanTheKey__refusesMarketNotSigner() public {
        uint256 round = _toReveal();
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotSigner.selector, owner, key));
        vm.prank(owner);
        market.revealReference(P, round, _root(round, SEATS), _salt(round, SEATS), 0);
    }
}
