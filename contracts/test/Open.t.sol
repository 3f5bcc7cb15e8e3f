// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Params, Phase, ProjectView, RoundView} from "../src/types.sol";
import {MarketTest} from "./utils/MarketTest.sol";

/// Opening rounds, and ending those that nobody sealed or revealed.
contract OpenTest is MarketTest {
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
