// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Phase} from "../src/types.sol";
import {MarketTest} from "./utils/MarketTest.sol";

/// Whole lives of projects; each step is tested by itself in the file of its function.
contract FlowTest is MarketTest {
    function test_flow_threeRounds__paysEverybodyAndEmptiesTheMarket() public {
        uint256 first = _toFinal();
        assertEq(uint8(_phase(first)), uint8(Phase.Final));
        _assertEquation();
        uint256 second = _toStanding(aggregator);
        uint256 third = _toStanding(aggregator);
        vm.warp(block.timestamp + W);
        market.finalise(P, second);
        market.finalise(P, third);
        _assertEquation();

        vm.prank(owner);
        market.stop(P);
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _leave(seat);
        }
        market.refund(P);
        _assertEquation();
        address[3] memory bonded = [aggregator, rival, liar];
        for (uint256 i; i < 3; ++i) {
            vm.prank(bonded[i]);
            market.removeBond(P, BOND);
        }
        address[] memory all = _everybody();
        for (uint256 i; i < all.length; ++i) {
            if (market.creditOf(token, all[i]) == 0) continue;
            vm.prank(all[i]);
            market.withdraw(token, all[i]);
        }
        assertEq(market.held(token), market.projectOf(P).bucket, "only what rounding left of pay stays");
        assertEq(_balance(_payout(0)), STAKE + 3 * ((POT - FEE) / 2 / EXPECTED));
        assertEq(_balance(aggregator), BOND + 3 * FEE);
    }
}
