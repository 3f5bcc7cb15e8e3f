// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarket, IMarketFacts, IRegistry} from "../../src/interfaces/IMarket.sol";
import {MarketTest} from "../utils/MarketTest.sol";
import {BurnsGas, Receiver, Reenters, ReturnsBomb, Reverts} from "./Mocks.sol";

/// I-42: a receiver of native coin that misbehaves hurts its own withdrawal at most.
contract ReceiversTest is MarketTest {
    Receiver private _receiver;

    function setUp() public override {
        super.setUp();
        vm.deal(address(this), 10 * uint256(BOND));
    }

    /// An aggregator that is a contract, with the fee of a FINAL round as its credit.
    function _earner(Receiver receiver) internal returns (uint256 round) {
        vm.deal(address(receiver), 0);
        receiver.act{value: BOND}(address(market), abi.encodeCall(IMarket.addBond, (P, BOND)));
        round = _toAggregate(EXPECTED, EXPECTED);
        _post(address(receiver), round);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
        assertEq(market.creditOf(address(0), address(receiver)), FEE);
    }

    function _withdrawAs(Receiver receiver, address to) internal {
        receiver.act(address(market), abi.encodeCall(IMarket.withdraw, (address(0), to)));
    }

    /// Everybody else is paid, and the rounds go on.
    function _othersGoOn(uint256 round) internal {
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _claim(round, seat);
            vm.prank(_payout(seat));
            market.withdraw(address(0), _payout(seat));
            assertEq(_payout(seat).balance, (POT - FEE) / 2 / EXPECTED);
        }
        _toFinal();
        assertEq(market.projectOf(P).lastFinal, 2);
        assertEq(_owed(), market.held(address(0)));
    }

    function _owed() internal view returns (uint256) {
        address[] memory all = _everybody();
        all[all.length - 1] = address(_receiver);
        return _liabilities(all);
    }

    function test_withdraw_receiverReverts__transferFailedAndTheCreditStays() public {
        _receiver = new Reverts();
        uint256 round = _earner(_receiver);
        vm.expectRevert(
            abi.encodeWithSelector(IMarketFacts.MarketTransferFailed.selector, address(_receiver), uint256(FEE))
        );
        _withdrawAs(_receiver, address(_receiver));
        assertEq(market.creditOf(address(0), address(_receiver)), FEE);
        _othersGoOn(round);

        _withdrawAs(_receiver, watcher);
        assertEq(watcher.balance, FEE, "another receiver may be named");
    }

    function test_withdraw_receiverBurnsGas__transferFailedForItAlone() public {
        _receiver = new BurnsGas();
        uint256 round = _earner(_receiver);
        vm.expectRevert();
        _receiver.act{gas: 500_000}(address(market), abi.encodeCall(IMarket.withdraw, (address(0), address(_receiver))));
        assertEq(market.creditOf(address(0), address(_receiver)), FEE);
        _othersGoOn(round);
    }

    /// The megabyte is the receiver's own memory; the market copies none of it.
    function test_withdraw_receiverReturnsAMegabyte__paysNothingForIt() public {
        _receiver = new ReturnsBomb();
        uint256 round = _earner(_receiver);
        uint256 before = gasleft();
        _withdrawAs(_receiver, address(_receiver));
        uint256 used = before - gasleft();
        // Memory of 31,250 words costs its user 2.0 M gas; to copy it would cost the market as much again.
        assertLt(used, 2_300_000);
        assertEq(address(_receiver).balance, FEE);
        _othersGoOn(round);
    }

    function test_withdraw_receiverRevertsWithAMegabyte__transferFailed() public {
        _receiver = new ReturnsBomb();
        ReturnsBomb(payable(address(_receiver))).set(true);
        uint256 round = _earner(_receiver);
        vm.expectRevert(
            abi.encodeWithSelector(IMarketFacts.MarketTransferFailed.selector, address(_receiver), uint256(FEE))
        );
        _withdrawAs(_receiver, address(_receiver));
        _othersGoOn(round);
    }

    /// What it tries within the payment: each door that moves money is shut, and the credit is already gone.
    function test_withdraw_receiverReenters__gainsNothing() public {
        Reenters greedy = new Reenters();
        _receiver = greedy;
        uint256 round = _earner(greedy);
        greedy.plan(address(market), abi.encodeCall(IMarket.withdraw, (address(0), address(greedy))));
        greedy.plan(address(market), abi.encodeCall(IMarket.burn, (address(0))));
        greedy.plan(address(market), abi.encodeCall(IMarket.fund, (P, 1)));
        greedy.plan(address(market), abi.encodeCall(IMarket.addBond, (P, 1)));
        greedy.plan(address(market), abi.encodeCall(IRegistry.addStake, (P, 0, 1)));
        _withdrawAs(greedy, address(greedy));
        assertEq(greedy.tries(), 5);
        assertEq(greedy.entered(), 0);
        assertEq(address(greedy).balance, FEE);
        _othersGoOn(round);
    }

    /// Taking out a bond within the payment is allowed, and books what it should.
    function test_withdraw_receiverTakesItsBondMeanwhile__bookedAsEver() public {
        Reenters greedy = new Reenters();
        _receiver = greedy;
        _earner(greedy);
        greedy.plan(address(market), abi.encodeCall(IMarket.removeBond, (P, BOND)));
        _withdrawAs(greedy, address(greedy));
        assertEq(greedy.entered(), 1);
        assertEq(address(greedy).balance, FEE);
        assertEq(market.creditOf(address(0), address(greedy)), BOND);
        assertEq(_owed(), market.held(address(0)));
    }

    function test_withdraw_toNobody__zeroAddress() public {
        vm.prank(aggregator);
        vm.expectRevert(IMarketFacts.MarketZeroAddress.selector);
        market.withdraw(address(0), address(0));
    }

    function test_market_sentCoinByAPlainTransfer__refuses() public {
        (bool done,) = address(market).call{value: 1}("");
        assertFalse(done);
        (done,) = address(market).call{value: 1}(hex"12345678");
        assertFalse(done);
    }

    /// I-45: coin that is forced upon the market changes no getter and opens nothing.
    function test_market_forcedCoin__changesNothing() public {
        bytes32 before = keccak256(abi.encode(market.projectOf(P), market.seatOf(P, 0), market.held(address(0))));
        vm.deal(address(market), address(market).balance + 5 ether);
        assertEq(keccak256(abi.encode(market.projectOf(P), market.seatOf(P, 0), market.held(address(0)))), before);
        vm.expectRevert(IMarketFacts.MarketNothingDue.selector);
        market.withdraw(address(0), anyone);
        assertEq(_liabilities(_everybody()), market.held(address(0)));
    }
}
