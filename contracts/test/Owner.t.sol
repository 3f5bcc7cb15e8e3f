// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarket, IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Account as SeatAccount, Params, Phase} from "../src/types.sol";
import {Bombing, Greedy, Refusing} from "./mocks/Receivers.sol";
import {MarketTest} from "./utils/MarketTest.sol";

contract OwnerTest is MarketTest {
    function _end() private view returns (uint256) {
        (Params memory p,) = market.paramsOf(P);
        return p.endDate;
    }

    // ----- fund -----

    function test_fund_byAnybody__addsToTheEscrow() public {
        vm.expectEmit(address(market));
        emit M.ProjectFunded(P, anyone, 5 ether);
        market.fund{value: _ready(anyone, 5 ether)}(P, 5 ether);

        assertEq(market.projectOf(P).escrow, FUNDS + 5 ether);
        _assertEquation();
    }

    function test_fund_valueDiffersFromAmount__refusesMarketWrongValue() public {
        uint256 value = _ready(owner, 5 ether);
        vm.expectRevert(abi.encodeWithSelector(M.MarketWrongValue.selector, 5 ether, 5 ether - 1));
        market.fund{value: value}(P, 5 ether - 1);
    }

    function test_fund_nothing__refusesMarketZeroAmount() public {
        vm.expectRevert(M.MarketZeroAmount.selector);
        market.fund(P, 0);
    }

    function test_fund_unknownProject__refusesMarketUnknownProject() public {
        vm.expectRevert(abi.encodeWithSelector(M.MarketUnknownProject.selector, 2, 1));
        market.fund{value: 1 ether}(2, 1 ether);
    }

    function test_fund_stopped__refusesMarketProjectStopped() public {
        vm.prank(owner);
        market.stop(P);
        vm.expectRevert(abi.encodeWithSelector(M.MarketProjectStopped.selector, P));
        market.fund{value: 1 ether}(P, 1 ether);
    }

    function test_fund_aroundTheEndDate__refusesMarketProjectEndedFromThenOn() public {
        vm.warp(_end() - 1);
        market.fund{value: 1 ether}(P, 1 ether);
        for (uint256 after_; after_ < 2; ++after_) {
            vm.warp(_end() + after_);
            vm.expectRevert(abi.encodeWithSelector(M.MarketProjectEnded.selector, P, _end()));
            market.fund{value: 1 ether}(P, 1 ether);
        }
    }

    function test_fund_moreThanNinetySixBitsInAll__refusesMarketTooMuchHeld() public {
        uint96 room = type(uint96).max - uint96(market.held(address(0)));
        vm.deal(address(this), uint256(room) + 1);
        market.fund{value: room}(P, room);
        vm.expectRevert(
            abi.encodeWithSelector(M.MarketTooMuchHeld.selector, uint256(type(uint96).max) + 1, type(uint96).max)
        );
        market.fund{value: 1}(P, 1);
    }

    // ----- stop -----

    function test_stop_byTheOwner__opensNoFurtherRound() public {
        vm.expectEmit(address(market));
        emit M.ProjectStopped(P);
        vm.prank(owner);
        market.stop(P);

        assertTrue(market.projectOf(P).stopped);
        vm.expectRevert(abi.encodeWithSelector(M.MarketProjectStopped.selector, P));
        market.open(P);
    }

    function test_stop_roundsOpen__touchesNoneOfThem() public {
        uint256 round = _openAndSeal(EXPECTED);
        bytes32 before = keccak256(abi.encode(market.roundOf(P, round)));
        vm.prank(owner);
        market.stop(P);

        assertEq(keccak256(abi.encode(market.roundOf(P, round))), before);
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _reveal(round, seat);
        }
        _post(aggregator, round);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
        assertEq(uint8(_phase(round)), uint8(Phase.Final));
    }

    function test_stop_byAnybodyElse__refusesMarketNotOwner() public {
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotOwner.selector, anyone, owner));
        vm.prank(anyone);
        market.stop(P);
    }

    function test_stop_twice__refusesMarketProjectStopped() public {
        vm.startPrank(owner);
        market.stop(P);
        vm.expectRevert(abi.encodeWithSelector(M.MarketProjectStopped.selector, P));
        market.stop(P);
    }

    // ----- refund -----

    function test_refund_stoppedAndNothingOpen__creditsTheOwnerWhoeverSendsIt() public {
        vm.prank(owner);
        market.stop(P);
        vm.expectEmit(address(market));
        emit M.ProjectRefunded(P, owner, FUNDS, 0);
        vm.prank(anyone);
        market.refund(P);

        assertEq(market.creditOf(address(0), owner), FUNDS);
        assertEq(market.projectOf(P).escrow, 0);
        _assertEquation();
    }

    function test_refund_aroundTheEndDate__refusesMarketStillRunningUntilThen() public {
        vm.warp(_end() - 1);
        vm.expectRevert(abi.encodeWithSelector(M.MarketStillRunning.selector, P, _end()));
        market.refund(P);
        vm.warp(_end());
        market.refund(P);
        assertEq(market.creditOf(address(0), owner), FUNDS);
    }

    function test_refund_aRoundOpen__refusesMarketRoundsOpen() public {
        _open();
        vm.prank(owner);
        market.stop(P);
        vm.expectRevert(abi.encodeWithSelector(M.MarketRoundsOpen.selector, 1));
        market.refund(P);
    }

    function test_refund_nothingLeft__refusesMarketNothingDue() public {
        vm.prank(owner);
        market.stop(P);
        market.refund(P);
        vm.expectRevert(M.MarketNothingDue.selector);
        market.refund(P);
    }

    function test_refund_penaltiesLeft__burnsThem() public {
        uint256 round = _withPenalty(UNIT);
        assertEq(uint8(_phase(round)), uint8(Phase.Final));
        _leave(0);
        assertEq(market.projectOf(P).penaltyPool, UNIT);
        vm.prank(owner);
        market.stop(P);
        uint96 escrow = market.projectOf(P).escrow;
        vm.expectEmit(address(market));
        emit M.ProjectRefunded(P, owner, escrow, UNIT);
        market.refund(P);

        assertEq(market.creditOf(address(0), BURN), UNIT, "never the owner");
        _assertEquation();
    }

    // ----- the part of the code that has its own address -----

    function test_registry_calledByItself__refusesMarketCodeOnly() public {
        IMarket registry = IMarket(vm.computeCreateAddress(address(market), 1)); // what the constructor made
        Params memory params = _params();
        vm.expectRevert(M.MarketCodeOnly.selector);
        registry.create(params, _content());
        vm.expectRevert(M.MarketCodeOnly.selector);
        registry.stop(1);
        vm.expectRevert(M.MarketCodeOnly.selector);
        registry.refund(1);
        vm.expectRevert(M.MarketCodeOnly.selector);
        registry.register(1, 0, anyone, 1, new bytes32[](0));
        vm.expectRevert(M.MarketCodeOnly.selector);
        registry.addStake(1, 0, 1);
        vm.expectRevert(M.MarketCodeOnly.selector);
        registry.leave(1, 0, SeatAccount(0, 0, 0), openings[0], new bytes32[](0));
        vm.expectRevert(M.MarketCodeOnly.selector);
        registry.evict(1, 0, SeatAccount(0, 0, 0), openings[0], new bytes32[](0));
        vm.expectRevert(M.MarketCodeOnly.selector);
        registry.sealReference(1, 1, bytes32(uint256(1)));
        vm.expectRevert(M.MarketCodeOnly.selector);
        registry.revealReference(1, 1, 0, 0, 0);
    }

    // ----- withdraw and burn -----

    function test_withdraw_aCredit__sendsAllOfItToTheNamedAddress() public {
        vm.prank(aggregator);
        market.removeBond(P, BOND);
        vm.expectEmit(address(market));
        emit M.Withdrawn(address(0), aggregator, watcher, BOND);
        vm.prank(aggregator);
        market.withdraw(address(0), watcher);

        assertEq(watcher.balance, BOND);
        assertEq(market.creditOf(address(0), aggregator), 0);
        _assertEquation();
    }

    function test_withdraw_nothing__refusesMarketNothingDue() public {
        vm.expectRevert(M.MarketNothingDue.selector);
        vm.prank(anyone);
        market.withdraw(address(0), anyone);
    }

    function test_withdraw_twice__refusesMarketNothingDue() public {
        vm.startPrank(aggregator);
        market.removeBond(P, BOND);
        market.withdraw(address(0), aggregator);
        vm.expectRevert(M.MarketNothingDue.selector);
        market.withdraw(address(0), aggregator);
    }

    function test_withdraw_toNobody__refusesMarketZeroAddress() public {
        vm.expectRevert(M.MarketZeroAddress.selector);
        market.withdraw(address(0), address(0));
    }

    function test_withdraw_toARefusingReceiver__refusesMarketTransferFailed() public {
        address refusing = address(new Refusing());
        vm.startPrank(aggregator);
        market.removeBond(P, BOND);
        vm.expectRevert(abi.encodeWithSelector(M.MarketTransferFailed.selector, refusing, BOND));
        market.withdraw(address(0), refusing);
        market.withdraw(address(0), aggregator); // nothing was lost: I-42
        assertEq(aggregator.balance, BOND);
    }

    function test_withdraw_toAReceiverThatReturnsMuch__doesNotCopyIt() public {
        address bombing = address(new Bombing());
        vm.startPrank(aggregator);
        market.removeBond(P, BOND);
        uint256 before = gasleft();
        market.withdraw{gas: 6_000_000}(address(0), bombing);
        assertLt(before - gasleft(), 2_500_000, "the receiver's memory, not a copy of it");
    }

    function test_withdraw_byAReceiverThatComesAgain__paysOnce() public {
        Greedy greedy = new Greedy(market);
        vm.deal(address(this), 5 ether);
        greedy.bond{value: 5 ether}(P, 5 ether);
        greedy.take();
        assertEq(address(greedy).balance, 5 ether);
        assertEq(greedy.refusal(), bytes4(keccak256("ReentrancyGuardReentrantCall()")));
        _assertEquation();
    }

    function test_burn_thePenalties__sendsThemToTheBurnAddress() public {
        _withPenalty(UNIT);
        _leave(0);
        vm.prank(owner);
        market.stop(P);
        market.refund(P);
        vm.prank(anyone);
        market.burn(address(0));

        assertEq(BURN.balance, UNIT);
        _assertEquation();
    }

    function test_burn_nothing__refusesMarketNothingDue() public {
        vm.expectRevert(M.MarketNothingDue.selector);
        market.burn(address(0));
    }
}
