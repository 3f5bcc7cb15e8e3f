// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Phase, Post, ProjectView} from "../src/types.sol";
import {PostingTest} from "./utils/PostingTest.sol";

/// How rounds end: FINAL, FLAT, and what steps over those that ended before the one below.
contract EndsTest is PostingTest {
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
