// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

import {Campaign} from "./Campaign.t.sol";

/// Nobody gains by being first.
contract OrderTest is Test {
    /// I-10: claims, departures and withdrawals in any order leave everybody with the same. (Where a lie about pay has
    /// become FINAL the bucket lacks what the lie left out, and who comes first is served first; `docs` say so.)
    /// forge-config: default.fuzz.runs = 12
    /// forge-config: deep.fuzz.runs = 200
    function testFuzz_drain_ordersOfClaims__sameForEverybody(uint256 seed, uint256 order) public {
        Campaign handler = new Campaign(true, 0);
        for (uint256 i; i < 100; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            handler.play(word >> 128, word & type(uint64).max);
        }
        uint256 before = vm.snapshotState();
        handler.drain(0);
        uint256[] memory first = handler.wealth();
        vm.revertToState(before);
        handler.drain(order);
        assertEq(handler.wealth(), first, "I-10");
    }
}
