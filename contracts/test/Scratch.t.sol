// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {GasTenTest} from "./Gas.t.sol";
import {Post} from "../src/types.sol";
import {VmSafe} from "forge-std/Vm.sol";
import {console} from "forge-std/console.sol";

contract ScratchTest is GasTenTest {
    function test_trace() public {
        for (uint256 i; i < 3; ++i) {
            uint256 earlier = _open();
            this.sealRange(earlier, 0, trainers);
            this.revealRange(earlier, 0, trainers);
            this.postAs(aggregator, earlier);
        }
        vm.warp(block.timestamp + W); market.finalise(P, 1); uint256 r = _open();
        this.sealRange(r, 0, trainers);
        this.revealRange(r, 0, trainers);
        Post memory post = this.prepare(aggregator, r, this.draftOf(r));
        vm.prank(aggregator);
        vm.startDebugTraceRecording();
        market.post(P, r, post);
        VmSafe.DebugStep[] memory steps = vm.stopAndReturnDebugTraceRecording();
        uint256[256] memory n;
        for (uint256 i; i < steps.length; ++i) {
            if (steps[i].contractAddr == address(market)) ++n[steps[i].opcode];
        }
        for (uint256 i; i < 256; ++i) if (n[i] != 0) console.log(vm.toString(abi.encodePacked(uint8(i))), n[i]);
        console.log("steps", steps.length);
    }
}
