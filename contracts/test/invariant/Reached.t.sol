// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Test, console} from "forge-std/Test.sol";

import {Handler} from "./Handler.sol";
import {Campaign} from "./Invariants.t.sol";

contract ReachedTest is Test {
    function _run(uint256 seed, uint256 steps) internal {
        Campaign handler = new Campaign(false);
        uint256 a; uint256 b;
        for (uint256 i; i < steps; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            uint256 g = gasleft();
            handler.play(word >> 128, word & type(uint64).max);
            a += g - gasleft();
            g = gasleft();
            handler.check();
            b += g - gasleft();
        }
        console.log(a / steps, b / steps);
            uint256 g = gasleft();
        handler.drain(seed);
        console.log(g-gasleft());
        string[53] memory names = ["register","addStake","leave","evict","rejoin","penalty","copySeal","seal","reveal","withhold","absent","claim","claimFlat","addBond","removeBond","takeOver","post","postPartial","replace","unmerged","convictSelf","convict","clear","release","fund","stop","refund","poolJoins","open","reopen","voidEmpty","voidFew","voidSilent","flatten","lieFinal","finalise","skipTip","skipTerminal","withdraw","burn","forceToken","forceNative","before","atDeadline","after","","","","","","","",""];
        for (uint256 i; i < names.length; ++i) if (bytes(names[i]).length != 0) console.log(names[i], handler.reached(names[i]));
        for (uint256 i; i < 22; ++i) console.log("refuse", i, handler.reached(string.concat("refuse", vm.toString(i))));
    }

    function test_c() public {
        _run(3, 300);
    }

    function testFuzz_runs(uint256 seed) public {
        _run(seed, 64);
    }
}
