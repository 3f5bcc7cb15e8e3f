// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {AggregatorView, Phase, Post, ProjectView, ResultView} from "../src/types.sol";
import {MarketTest} from "./utils/MarketTest.sol";
import {Trees} from "./utils/Trees.sol";

contract ResultsTest is MarketTest {
    uint256 private constant POSTABLE = 1 << uint256(Phase.Aggregate) | 1 << uint256(Phase.Proposed);

    function _refuses(address poster, uint256 round, Post memory post, bytes memory error_) private {
        vm.expectRevert(error_);
        vm.prank(poster);
        market.post(P, round, post);
    }

    function _accepts(address poster, uint256 round, Post memory post) private {
        uint256 state = vm.snapshotState();
        vm.prank(poster);
        market.post(P, round, post);
        vm.revertToState(state);
    }

    /// A draft that leaves out the seats of `mask`.
    function _without(uint256 round, uint256 mask) private view returns (Post memory post) {
        post = _draft(round);
        post.included[0] &= ~mask;
    }

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

    // ----- replacing a proposed result -----

    function test_post_moreSeatsThanProposed__replacesItAndFreesTheOtherBond() public {
        uint256 round = _toProposed(aggregator);
        uint256 stands = market.resultOf(P, round).standsAt;
        _post(rival, round);

        assertEq(market.resultOf(P, round).poster, rival);
        assertEq(uint8(_phase(round)), uint8(Phase.Standing), "complete");
        assertLt(market.resultOf(P, round).standsAt, stands);
        assertEq(market.aggregatorOf(P, aggregator).locked, 0);
        assertEq(market.aggregatorOf(P, rival).locked, LOCK);
    }

    function test_post_moreSeatsButNotAll__doesNotRestartTheWindow() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        _postWith(aggregator, round, _without(round, 12));
        uint256 stands = market.resultOf(P, round).standsAt;
        vm.warp(stands - 1);
        _postWith(rival, round, _without(round, 8));

        assertEq(market.resultOf(P, round).poster, rival);
        assertEq(market.resultOf(P, round).standsAt, stands);
        vm.warp(stands);
        assertEq(uint8(_phase(round)), uint8(Phase.Standing));
    }

    function test_post_equalSeatsAndMoreRows__replaces() public {
        _toStanding(aggregator);
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _without(round, 8);
        post.rows[1] = 1;
        _postWith(aggregator, round, post);
        post = _without(round, 8);
        post.rows[1] = 3;
        _postWith(rival, round, post);
        assertEq(market.resultOf(P, round).poster, rival);
        assertEq(market.resultOf(P, round).prev, 1);
    }

    function test_post_asManySeatsAndRows__refusesMarketNotBetter() public {
        uint256 round = _toProposed(aggregator);
        Post memory post = _without(round, 1);
        _refuses(rival, round, post, abi.encodeWithSelector(M.MarketNotBetter.selector, 3, 0, 3, 0));
    }

    function test_post_fewerSeatsAndMoreRows__refusesMarketNotBetter() public {
        _toStanding(aggregator);
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _without(round, 8);
        post.rows[0] = 0;
        post.rows[1] = 0;
        _postWith(aggregator, round, post);
        _refuses(rival, round, _without(round, 12), abi.encodeWithSelector(M.MarketNotBetter.selector, 2, 5, 3, 0));
    }

    function test_post_replacementAroundTheEndOfProposed__refusesMarketWrongPhaseFromThenOn() public {
        uint256 round = _toProposed(aggregator);
        uint256 stands = market.resultOf(P, round).standsAt;
        Post memory post = _draft(round);
        vm.warp(stands - 1);
        _accepts(rival, round, post);
        for (uint256 after_; after_ < 2; ++after_) {
            vm.warp(stands + after_);
            _refuses(
                rival,
                round,
                post,
                abi.encodeWithSelector(M.MarketWrongPhase.selector, P, round, Phase.Standing, POSTABLE)
            );
        }
    }

    function test_post_ownReplacement__locksOneBond() public {
        uint256 round = _toProposed(aggregator);
        _post(aggregator, round);
        assertEq(market.aggregatorOf(P, aggregator).locked, LOCK);
    }

    // ----- finalise -----

    function test_finalise_windowOver__movesFeePayAndRest() public {
        uint256 round = _toStanding(aggregator);
        vm.warp(block.timestamp + W);
        uint96 paid = (POT - FEE) / 2;
        vm.expectEmit(address(market));
        emit M.RoundFinalised(P, round, aggregator, FEE, paid, POT - FEE - paid);
        vm.prank(anyone);
        market.finalise(P, round);

        ProjectView memory p = market.projectOf(P);
        assertEq(uint8(_phase(round)), uint8(Phase.Final));
        assertEq(market.creditOf(token, aggregator), FEE);
        assertEq(p.bucket, paid);
        assertEq(p.escrow, FUNDS - FEE - paid);
        assertEq(p.lastFinal, round);
        assertEq(p.terminalUpTo, round);
        assertEq(p.openCount, 0);
        assertEq(market.aggregatorOf(P, aggregator).locked, 0);
        assertEq(market.roundOf(P, round).pot, 0);
        _assertEquation();
    }

    function test_finalise_aroundTheEndOfTheWindow__refusesMarketTooEarlyBefore() public {
        uint256 round = _toStanding(aggregator);
        uint256 due = market.resultOf(P, round).standsAt + W;
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(M.MarketTooEarly.selector, due - 1, due));
        market.finalise(P, round);
        for (uint256 after_; after_ < 2; ++after_) {
            uint256 state = vm.snapshotState();
            vm.warp(due + after_);
            market.finalise(P, round);
            vm.revertToState(state);
        }
    }

    function test_finalise_aProposedResult__countsTheWindowFromStanding() public {
        uint256 round = _toProposed(aggregator);
        uint256 stands = market.resultOf(P, round).standsAt;
        vm.warp(stands - 1);
        _expectWrongPhase(round, Phase.Proposed, _bit(Phase.Standing));
        market.finalise(P, round);
        vm.warp(stands + W - 1);
        vm.expectRevert(abi.encodeWithSelector(M.MarketTooEarly.selector, stands + W - 1, stands + W));
        market.finalise(P, round);
        vm.warp(stands + W);
        market.finalise(P, round);
    }

    function test_finalise_theResultBelowNotFinal__refusesMarketBelowNotFinal() public {
        _toStanding(aggregator);
        uint256 second = _toStanding(aggregator);
        vm.warp(block.timestamp + W);
        vm.expectRevert(abi.encodeWithSelector(M.MarketBelowNotFinal.selector, 1, 0));
        market.finalise(P, second);
        market.finalise(P, 1);
        market.finalise(P, second);
    }

    function test_finalise_overFlatAndVoidRounds__isInOrder() public {
        _toFlat();
        _toVoid();
        uint256 third = _toAggregate(MIN_SEALS, MIN_SEALS); // the two that sealed are active, and one more
        _post(aggregator, third);
        vm.warp(block.timestamp + W);
        market.finalise(P, third);
        assertEq(market.projectOf(P).terminalUpTo, third);
    }

    function test_finalise_aResultBelowAFlatRoundNotFinal__refusesMarketBelowNotFinal() public {
        uint256 first = _toStanding(aggregator);
        _toFlat(); // terminal, and directly below the third
        uint256 third = _toStanding(aggregator);
        vm.warp(block.timestamp + W);
        vm.expectRevert(abi.encodeWithSelector(M.MarketBelowNotFinal.selector, first, 0));
        market.finalise(P, third);
    }

    function test_finalise_ofAConvictedPoster__refusesMarketBanned() public {
        uint256 first = _toStanding(liar);
        uint256 second = _toStanding(liar);
        market.convict(P, second, watcher);
        vm.warp(block.timestamp + W);
        vm.expectRevert(abi.encodeWithSelector(M.MarketBanned.selector, liar));
        market.finalise(P, first);
    }

    function test_finalise_twice__refusesMarketWrongPhase() public {
        uint256 round = _toFinal();
        _expectWrongPhase(round, Phase.Final, _bit(Phase.Standing));
        market.finalise(P, round);
    }

    function testFuzz_finalise_anyPaid__splitsThePotExactly(uint96 paid) public {
        paid = uint96(bound(paid, 0, POT - FEE));
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        post.paid = paid;
        _postWith(aggregator, round, post);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);

        ProjectView memory p = market.projectOf(P);
        assertEq(uint256(p.bucket) + p.escrow + market.creditOf(token, aggregator), FUNDS, "I-12");
        _assertEquation();
    }

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

    // ----- flatten -----

    function test_flatten_noResultInTime__sharesThePotAmongTheRevealed() public {
        uint256 round = _toAggregate(EXPECTED, 3);
        vm.warp(block.timestamp + DEAD);
        uint96 share = (POT + UNIT) / 3;
        vm.expectEmit(address(market));
        emit M.RoundFlattened(P, round, share, 3);
        vm.prank(anyone);
        market.flatten(P, round);

        ProjectView memory p = market.projectOf(P);
        assertEq(uint8(_phase(round)), uint8(Phase.Flat));
        assertEq(market.roundOf(P, round).pot, 3 * share);
        assertEq(p.escrow, FUNDS - POT + (POT + UNIT - 3 * share));
        assertEq(p.tip, round);
        assertEq(p.openCount, 0);
        assertEq(market.creditOf(token, aggregator), 0, "no fee");
        _assertEquation();
    }

    function test_flatten_aroundTheEndOfTheWait__refusesMarketTooEarlyBefore() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        uint256 due = market.roundOf(P, round).revealEnd + DEAD;
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(M.MarketTooEarly.selector, due - 1, due));
        market.flatten(P, round);
        for (uint256 after_; after_ < 2; ++after_) {
            uint256 state = vm.snapshotState();
            vm.warp(due + after_);
            market.flatten(P, round);
            vm.revertToState(state);
        }
    }

    function test_flatten_afterAConviction__waitsFromTheConviction() public {
        uint256 round = _toStanding(liar);
        vm.warp(block.timestamp + 400);
        market.convict(P, round, watcher);
        uint256 due = block.timestamp + DEAD;
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(M.MarketTooEarly.selector, due - 1, due));
        market.flatten(P, round);
        vm.warp(due);
        market.flatten(P, round);
        _assertEquation();
    }

    function test_flatten_aClearedResultAbove__freesItsBond() public {
        _toStanding(liar);
        uint256 second = _toStanding(aggregator);
        market.convict(P, 1, watcher);
        vm.warp(block.timestamp + DEAD);
        market.flatten(P, 1);
        market.flatten(P, second); // FLAT does not restart the wait
        assertEq(market.aggregatorOf(P, aggregator).locked, 0);
        _assertEquation();
    }

    function test_flatten_whileTheRoundBelowHasNoResult__refusesMarketOutOfOrder() public {
        _toStanding(liar);
        uint256 second = _toAggregate(EXPECTED, EXPECTED);
        market.convict(P, 1, watcher);
        vm.warp(block.timestamp + DEAD);
        vm.expectRevert(abi.encodeWithSelector(M.MarketOutOfOrder.selector, second, 0));
        market.flatten(P, second);
    }

    function test_flatten_aProposedResult__refusesMarketWrongPhase() public {
        uint256 round = _toProposed(aggregator);
        _expectWrongPhase(round, Phase.Proposed, _bit(Phase.Aggregate));
        market.flatten(P, round);
    }

    // ----- skip -----

    function test_skip_aFlatRoundAboveAClearedOne__movesTheTip() public {
        _toStanding(liar);
        uint256 second = _toFlat();
        market.convict(P, 1, watcher);
        _post(aggregator, 1);
        assertEq(market.projectOf(P).tip, 1);
        vm.expectEmit(address(market));
        emit M.RoundSkipped(P, second, 0);
        market.skip(P);

        assertEq(market.projectOf(P).tip, second);
        assertEq(market.projectOf(P).lastResult, 1);
    }

    function test_skip_aVoidRoundAboveANewlyFinalOne__movesTheTerminalMark() public {
        uint256 first = _toStanding(aggregator);
        uint256 second = _toVoid();
        vm.warp(block.timestamp + W);
        market.finalise(P, first);
        assertEq(market.projectOf(P).terminalUpTo, first);
        market.skip(P);
        assertEq(market.projectOf(P).terminalUpTo, second);
    }

    function test_skip_nothingAbove__refusesMarketNothingToSkip() public {
        _toStanding(aggregator);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNothingToSkip.selector, 1, 0));
        market.skip(P);
    }
}
