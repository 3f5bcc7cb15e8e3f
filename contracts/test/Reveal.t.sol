// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Phase, RoundView} from "../src/types.sol";
import {MarketTest} from "./utils/MarketTest.sol";

/// REVEAL: what opens a seal.
contract RevealTest is MarketTest {
    uint256 private constant REVEAL_ONLY = 1 << uint256(Phase.Reveal);

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

    /// The least root: from it on a slot holds no seal.
    function test_reveal_twiceTheLeastRoot__refusesMarketNotSealed() public {
        uint256 round = _open();
        bytes32 root = bytes32(uint256(1 << 216));
        bytes32 value = _sealOf(P, round, _trainer(0), market.roundOf(P, round).baseRoot, root, _salt(round, 0));
        vm.prank(_trainer(0));
        market.seal(P, round, 0, value);
        for (uint256 seat = 1; seat < EXPECTED; ++seat) {
            _seal(round, seat);
        }
        vm.startPrank(_trainer(0));
        market.reveal(P, round, 0, root, _salt(round, 0), keccak256("file"));
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotSealed.selector, round, 0, root));
        market.reveal(P, round, 0, root, _salt(round, 0), keccak256("file"));
        vm.stopPrank();
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
}
