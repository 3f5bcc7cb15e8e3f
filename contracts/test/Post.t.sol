// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Phase, Post, ProjectView, ResultView} from "../src/types.sol";
import {PostingTest} from "./utils/PostingTest.sol";
import {Trees} from "./utils/Trees.sol";

/// What a first post of a round must bring, and what it makes of the round.
contract PostTest is PostingTest {
    // ----- post -----

    function test_post_everythingIncluded__standsAtOnce() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _prepare(aggregator, round, _draft(round));
        bytes32 commitment = Trees.commitment(openings[round]);
        vm.expectEmit(address(market));
        emit M.ResultPosted(P, round, aggregator, commitment, uint40(block.timestamp), true, post);
        vm.prank(aggregator);
        market.post(P, round, post);

        ResultView memory result = market.resultOf(P, round);
        ProjectView memory p = market.projectOf(P);
        assertEq(uint8(_phase(round)), uint8(Phase.Standing));
        assertEq(result.commitment, commitment);
        assertEq(result.modelRoot, post.roots.model);
        assertEq(result.poster, aggregator);
        assertEq(result.includedCount, EXPECTED);
        assertEq(result.paid, post.paid);
        assertEq(result.prev, 0);
        assertTrue(result.merged);
        assertEq(p.tip, round);
        assertEq(p.lastResult, round);
        assertEq(p.lastEventAt, block.timestamp);
        assertEq(market.aggregatorOf(P, aggregator).locked, LOCK);
    }

    function test_post_aSeatLeftOut__isProposedForTheWindow() public {
        uint256 round = _toProposed(aggregator);
        assertEq(uint8(_phase(round)), uint8(Phase.Proposed));
        assertEq(market.resultOf(P, round).standsAt, block.timestamp + TX);
        assertEq(market.roundOf(P, round).proposedAt, block.timestamp);
        vm.warp(block.timestamp + TX - 1);
        assertEq(uint8(_phase(round)), uint8(Phase.Proposed));
        vm.warp(block.timestamp + 1);
        assertEq(uint8(_phase(round)), uint8(Phase.Standing));
    }

    function test_post_aPublicRowLeftOut__isProposed() public {
        _toStanding(aggregator);
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        post.rows[1] &= ~uint256(1);
        _postWith(aggregator, round, post);
        assertEq(uint8(_phase(round)), uint8(Phase.Proposed));
    }

    function test_post_fifthRound__countsThreeDeltasAndTwoRoundsOfFiles() public {
        for (uint256 i; i < 4; ++i) {
            uint256 earlier = _toStanding(aggregator);
            vm.warp(block.timestamp + W);
            market.finalise(P, earlier);
        }
        uint256 round = _toStanding(aggregator);
        assertEq(market.resultOf(P, round).rowCount, 3 + 2 * EXPECTED);
        assertEq(uint8(_phase(round)), uint8(Phase.Standing));
    }

    function test_post_missedReveals__addsTheirUnitsToThePotOnce() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED - 1);
        assertEq(market.roundOf(P, round).pot, POT + UNIT);
        assertEq(market.roundOf(P, round).uncharged, UNIT);
        _assertEquation();
        _post(liar, round);
        assertEq(market.roundOf(P, round).pot, POT + UNIT);
        assertEq(market.roundOf(P, round).uncharged, 0);
        assertEq(market.projectOf(P).missesOwed, UNIT);
        _assertEquation();
        market.convict(P, round, watcher);
        _post(aggregator, round);
        assertEq(market.projectOf(P).missesOwed, UNIT, "not again");
        _assertEquation();
    }

    function test_post_baseNoLongerStands__isPaidAndNotMerged() public {
        _toStanding(liar);
        uint256 second = _openAndSeal(EXPECTED);
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _reveal(second, seat);
        }
        market.convict(P, 1, watcher);
        draftModel = keccak256("honest model");
        vm.warp(block.timestamp + T1);
        _post(aggregator, 1);
        vm.warp(block.timestamp + T1);
        _post(aggregator, second);

        assertFalse(market.resultOf(P, second).merged);
        assertEq(market.resultOf(P, second).modelRoot, market.resultOf(P, 1).modelRoot);
        vm.warp(block.timestamp + W);
        market.finalise(P, 1);
        market.finalise(P, second);
        _claim(second, 0);
        _assertEquation();
    }

    function test_post_notMergedWithAnotherModel__refusesMarketNotMerged() public {
        _toStanding(liar);
        uint256 second = _openAndSeal(EXPECTED);
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _reveal(second, seat);
        }
        market.convict(P, 1, watcher);
        draftModel = keccak256("honest model");
        _post(aggregator, 1);
        Post memory post = _draft(second);
        bytes32 standing = market.resultOf(P, 1).modelRoot;
        post.roots.model = keccak256("moved all the same");
        _refuses(
            aggregator, second, post, abi.encodeWithSelector(M.MarketNotMerged.selector, post.roots.model, standing)
        );
    }

    function test_post_byTheRivalAroundTheFirstRight__refusesMarketFirstRightBefore() public {
        _toStanding(aggregator);
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        uint256 until = market.roundOf(P, round).revealEnd + T1;
        Post memory post = _draft(round);
        _accepts(aggregator, round, post);
        vm.warp(until - 1);
        _refuses(rival, round, post, abi.encodeWithSelector(M.MarketFirstRight.selector, aggregator, until));
        vm.warp(until);
        _accepts(rival, round, post);
        vm.warp(until + 1);
        _accepts(rival, round, post);
    }

    function test_post_firstRightAfterAConviction__runsFromTheConviction() public {
        _toStanding(aggregator);
        uint256 second = _toStanding(liar);
        vm.warp(block.timestamp + 500);
        market.convict(P, second, watcher);
        Post memory post = _draft(second);
        uint256 until = block.timestamp + T1;
        _refuses(rival, second, post, abi.encodeWithSelector(M.MarketFirstRight.selector, aggregator, until));
        vm.warp(until);
        _accepts(rival, second, post);
    }

    function test_post_firstPosterWithoutTheBond__leavesTheRightToAnybody() public {
        _toStanding(aggregator);
        vm.prank(aggregator);
        market.removeBond(P, BOND - LOCK - 1);
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        _accepts(rival, round, _draft(round));
    }

    function test_post_firstPosterConvicted__leavesTheRightToAnybody() public {
        _toStanding(liar);
        uint256 second = _toStanding(liar);
        market.convict(P, second, watcher);
        _accepts(rival, second, _draft(second)); // the poster of round 1 is banned
    }

    function test_post_aroundTheEndOfReveal__refusesMarketWrongPhaseBefore() public {
        uint256 round = _openAndSeal(EXPECTED);
        _reveal(round, 0);
        uint256 end = market.roundOf(P, round).revealEnd;
        vm.warp(end);
        Post memory post = _draft(round);
        _accepts(aggregator, round, post);
        vm.warp(end + 1);
        _accepts(aggregator, round, post);
        vm.warp(end - 1);
        _refuses(
            aggregator,
            round,
            post,
            abi.encodeWithSelector(M.MarketWrongPhase.selector, P, round, Phase.Reveal, POSTABLE)
        );
    }

    function test_post_onAStandingResult__refusesMarketWrongPhase() public {
        uint256 round = _toStanding(aggregator);
        Post memory post = _draft(round);
        _refuses(
            rival, round, post, abi.encodeWithSelector(M.MarketWrongPhase.selector, P, round, Phase.Standing, POSTABLE)
        );
    }

    function test_post_whileTheRoundBelowHasNoResult__refusesMarketOutOfOrder() public {
        _toStanding(liar);
        uint256 second = _toAggregate(EXPECTED, EXPECTED);
        market.convict(P, 1, watcher);
        _refuses(aggregator, second, _draft(second), abi.encodeWithSelector(M.MarketOutOfOrder.selector, second, 0));
    }

    function test_post_onAnotherPreviousResult__refusesMarketStalePrevious() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        bytes32 current = post.prevCommitment;
        post.prevCommitment = keccak256("raced by a conviction");
        _refuses(
            aggregator,
            round,
            post,
            abi.encodeWithSelector(M.MarketStalePrevious.selector, post.prevCommitment, current)
        );
    }

    function test_post_onAnotherSumOrCount__refusesMarketStaleReveals() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        (uint128 sum, uint16 count) = (post.revealSum, post.revealCount);
        post.revealSum = sum ^ 1;
        _refuses(
            aggregator, round, post, abi.encodeWithSelector(M.MarketStaleReveals.selector, sum ^ 1, count, sum, count)
        );
        post.revealSum = sum;
        post.revealCount = count - 1;
        _refuses(
            aggregator, round, post, abi.encodeWithSelector(M.MarketStaleReveals.selector, sum, count - 1, sum, count)
        );
    }

    function test_post_aZeroRoot__refusesMarketZeroHash() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        bytes memory zero = abi.encodeWithSelector(M.MarketZeroHash.selector);
        Post memory post = _draft(round);
        post.roots.sketches = 0;
        _refuses(aggregator, round, post, zero);
        post = _draft(round);
        post.roots.gram = 0;
        _refuses(aggregator, round, post, zero);
        post = _draft(round);
        post.roots.steps = 0;
        _refuses(aggregator, round, post, zero);
        post = _draft(round);
        post.roots.accounts = 0;
        _refuses(aggregator, round, post, zero);
        post = _draft(round);
        post.roots.delta = 0;
        _refuses(aggregator, round, post, zero);
        post = _draft(round);
        post.roots.model = 0;
        _refuses(aggregator, round, post, zero);
    }

    function test_post_columnsInASmallProject__refusesMarketColumnsRoot() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        post.roots.columns = keccak256("columns");
        _refuses(
            aggregator, round, post, abi.encodeWithSelector(M.MarketColumnsRoot.selector, post.roots.columns, SEATS)
        );
    }

    function test_post_aroundThePotLessTheFee__refusesMarketPaidTooHighAbove() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        post.paid = POT - FEE - 1;
        _accepts(aggregator, round, post);
        post.paid = POT - FEE;
        _accepts(aggregator, round, post);
        post.paid = POT - FEE + 1;
        _refuses(
            aggregator, round, post, abi.encodeWithSelector(M.MarketPaidTooHigh.selector, POT - FEE + 1, POT - FEE)
        );
    }

    function test_post_missedUnits__mayBePaidToo() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED - 1);
        Post memory post = _draft(round);
        post.paid = POT - FEE + UNIT;
        _accepts(aggregator, round, post);
        post.paid += 1;
        _refuses(
            aggregator, round, post, abi.encodeWithSelector(M.MarketPaidTooHigh.selector, post.paid, POT - FEE + UNIT)
        );
    }

    function test_post_bitmapsOfAnotherLength__refusesMarketBitmapLength() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        post.included = new uint256[](2);
        _refuses(aggregator, round, post, abi.encodeWithSelector(M.MarketBitmapLength.selector, 2, 1));
        post.included = new uint256[](0);
        _refuses(aggregator, round, post, abi.encodeWithSelector(M.MarketBitmapLength.selector, 0, 1));
        post = _draft(round);
        post.rows = new uint256[](2);
        _refuses(aggregator, round, post, abi.encodeWithSelector(M.MarketBitmapLength.selector, 2, 3));
        post.rows = new uint256[](4);
        _refuses(aggregator, round, post, abi.encodeWithSelector(M.MarketBitmapLength.selector, 4, 3));
    }

    function test_post_aBitBeyondTheSeats__refusesMarketBitmapRange() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        post.included[0] = 1 << (SEATS - 1);
        _accepts(aggregator, round, post); // counts as one seat; that it did not reveal is for a refutation
        for (uint256 over; over < 2; ++over) {
            post.included[0] = 1 << (SEATS + over);
            _refuses(
                aggregator,
                round,
                post,
                abi.encodeWithSelector(M.MarketBitmapRange.selector, 1 << (SEATS + over), SEATS)
            );
        }
    }

    function test_post_aDeltaThatDoesNotExist__refusesMarketBitmapRange() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        post.rows[0] = 1;
        _refuses(aggregator, round, post, abi.encodeWithSelector(M.MarketBitmapRange.selector, 1, 0));
    }

    function test_post_aFileOfARoundThatDoesNotExist__refusesMarketTooManyFiles() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        post.rows[2] = 1;
        _refuses(aggregator, round, post, abi.encodeWithSelector(M.MarketTooManyFiles.selector, 1, 1, 0));
    }

    function test_post_moreFilesThanReveals__refusesMarketTooManyFiles() public {
        uint256 first = _toAggregate(EXPECTED, EXPECTED - 1);
        _post(aggregator, first);
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        post.rows[1] = 15;
        _refuses(
            aggregator, round, post, abi.encodeWithSelector(M.MarketTooManyFiles.selector, 0, EXPECTED, EXPECTED - 1)
        );
    }

    function test_post_aroundTheCountOfReveals__refusesMarketIncludedCountOutside() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED - 1);
        Post memory post = _draft(round);
        post.included[0] = 0;
        _refuses(aggregator, round, post, abi.encodeWithSelector(M.MarketIncludedCount.selector, 0, EXPECTED - 1));
        post.included[0] = 1;
        _accepts(aggregator, round, post);
        post.included[0] = 15;
        _refuses(
            aggregator, round, post, abi.encodeWithSelector(M.MarketIncludedCount.selector, EXPECTED, EXPECTED - 1)
        );
    }

    function test_post_aroundTheBondOfOneAndAHalfPots__refusesMarketBondTooLowBelow() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        _bond(anyone, LOCK - 1);
        _refuses(anyone, round, post, abi.encodeWithSelector(M.MarketBondTooLow.selector, LOCK - 1, LOCK));
        _bond(anyone, 1);
        _accepts(anyone, round, post);
        _bond(anyone, 1);
        _accepts(anyone, round, post);
    }

    function test_post_aSecondOpenResult__needsASecondBond() public {
        _bond(anyone, 2 * LOCK - 1);
        uint256 first = _toAggregate(EXPECTED, EXPECTED);
        _post(anyone, first);
        uint256 second = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(second);
        _refuses(anyone, second, post, abi.encodeWithSelector(M.MarketBondTooLow.selector, 2 * LOCK - 1, 2 * LOCK));
    }

    function test_post_byAConvictedPoster__refusesMarketBanned() public {
        uint256 round = _toStanding(liar);
        market.convict(P, round, watcher);
        _refuses(liar, round, _draft(round), abi.encodeWithSelector(M.MarketBanned.selector, liar));
    }
}
