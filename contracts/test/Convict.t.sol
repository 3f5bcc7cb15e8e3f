// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {AggregatorView, Phase, Post, ProjectView} from "../src/types.sol";
import {PostingTest} from "./utils/PostingTest.sol";

/// What a conviction takes and clears, and what may be cleared and released after it.
contract ConvictTest is PostingTest {
    // ----- convict -----

    function test_convict_aStandingResult__splitsTheBondInThirds() public {
        uint256 round = _toStanding(liar);
        vm.expectEmit(address(market));
        emit M.ResultConvicted(P, round, liar, watcher, BOND / 3, BOND / 3, BOND / 3);
        market.convict(P, round, watcher);

        ProjectView memory p = market.projectOf(P);
        AggregatorView memory a = market.aggregatorOf(P, liar);
        assertEq(uint8(_phase(round)), uint8(Phase.Aggregate));
        assertEq(market.creditOf(token, watcher), BOND / 3);
        assertEq(market.roundOf(P, round).pot, POT + BOND / 3);
        assertEq(p.escrow, FUNDS - POT + BOND / 3);
        assertEq(p.tip, round - 1);
        assertEq(p.clearedAt, block.timestamp);
        assertTrue(a.banned);
        assertEq(a.bond, 0);
        assertEq(a.locked, 0);
        assertEq(market.resultOf(P, round).poster, address(0));
        _assertEquation();
    }

    function testFuzz_convict_anyBond__isSplitToTheUnit(uint96 extra) public {
        extra = uint96(bound(extra, 1, 1e24));
        _bond(liar, extra);
        uint256 round = _toStanding(liar);
        uint96 escrow = market.projectOf(P).escrow;
        market.convict(P, round, watcher);
        uint256 bond = uint256(BOND) + extra;
        assertEq(
            market.creditOf(token, watcher) + (market.roundOf(P, round).pot - POT)
                + (market.projectOf(P).escrow - escrow),
            bond,
            "I-28"
        );
        assertLe(market.creditOf(token, watcher), bond / 3, "I-32");
        _assertEquation();
    }

    function test_convict_aResultWithOthersAbove__clearsAllOfThem() public {
        _toStanding(liar);
        uint256 second = _toStanding(aggregator);
        uint256 third = _toStanding(aggregator);
        bytes32 seals = keccak256(abi.encode(market.roundOf(P, third).revealSum, market.slotOf(P, third, 0)));
        market.convict(P, 1, watcher);

        for (uint256 round = 1; round <= third; ++round) {
            assertEq(uint8(_phase(round)), uint8(Phase.Aggregate));
            assertEq(market.resultOf(P, round).commitment, 0);
        }
        assertEq(market.projectOf(P).lastResult, 0);
        assertEq(keccak256(abi.encode(market.roundOf(P, third).revealSum, market.slotOf(P, third, 0))), seals, "I-36");
        assertEq(market.aggregatorOf(P, aggregator).locked, 2 * LOCK, "until posted again or released");
        _post(aggregator, 1);
        _post(aggregator, second);
        _post(aggregator, third);
        assertEq(market.aggregatorOf(P, aggregator).locked, 3 * LOCK);
        assertEq(uint8(_phase(third)), uint8(Phase.Standing));
        _assertEquation();
    }

    function test_convict_aProposedResult__returnsToAggregate() public {
        uint256 round = _toProposed(liar);
        market.convict(P, round, watcher);
        assertEq(uint8(_phase(round)), uint8(Phase.Aggregate));
        assertEq(market.roundOf(P, round).proposedAt, 0);
        Post memory post = _draft(round);
        post.included[0] = 1;
        _postWith(aggregator, round, post);
        assertEq(market.roundOf(P, round).proposedAt, block.timestamp, "a new AGGREGATE, a new window");
    }

    function test_convict_aFinalResult__refusesMarketWrongPhase() public {
        uint256 round = _toFinal();
        _expectWrongPhase(round, Phase.Final, _bit(Phase.Proposed) | _bit(Phase.Standing));
        market.convict(P, round, watcher);
    }

    function test_convict_aPosterTwice__refusesMarketBanned() public {
        uint256 first = _toStanding(liar);
        uint256 second = _toStanding(liar);
        market.convict(P, second, watcher);
        vm.expectRevert(abi.encodeWithSelector(M.MarketBanned.selector, liar));
        market.convict(P, first, watcher);
    }

    // ----- clear -----

    function test_clear_aResultOfAConvictedPoster__movesNoMoney() public {
        uint256 first = _toStanding(liar);
        uint256 second = _toStanding(liar);
        market.convict(P, second, watcher);
        uint256 before = _liabilities(_everybody());
        vm.warp(block.timestamp + 3);
        vm.expectEmit(address(market));
        emit M.ResultCleared(P, first, liar);
        vm.prank(anyone);
        market.clear(P, first);

        assertEq(uint8(_phase(first)), uint8(Phase.Aggregate));
        assertEq(market.projectOf(P).clearedAt, block.timestamp);
        assertEq(_liabilities(_everybody()), before);
        _assertEquation();
    }

    function test_clear_aResultOfAnybodyElse__refusesMarketPosterNotConvicted() public {
        uint256 round = _toStanding(aggregator);
        vm.expectRevert(abi.encodeWithSelector(M.MarketPosterNotConvicted.selector, aggregator));
        market.clear(P, round);
    }

    function test_clear_aRoundWithoutAResult__refusesMarketWrongPhase() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        _expectWrongPhase(round, Phase.Aggregate, _bit(Phase.Proposed) | _bit(Phase.Standing));
        market.clear(P, round);
    }

    // ----- release -----

    function test_release_aResultClearedFromBelow__freesItsBond() public {
        _toStanding(liar);
        uint256 second = _toStanding(aggregator);
        market.convict(P, 1, watcher);
        vm.expectEmit(address(market));
        emit M.BondReleased(P, second, aggregator);
        vm.prank(anyone);
        market.release(P, second);

        assertEq(market.aggregatorOf(P, aggregator).locked, 0);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNothingToRelease.selector, second, 0));
        market.release(P, second);
    }

    function test_release_aResultThatCounts__refusesMarketNothingToRelease() public {
        uint256 round = _toStanding(aggregator);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNothingToRelease.selector, round, round));
        market.release(P, round);
    }

    function test_release_aRoundWithoutAResult__refusesMarketNothingToRelease() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNothingToRelease.selector, round, round - 1));
        market.release(P, round);
    }
}
