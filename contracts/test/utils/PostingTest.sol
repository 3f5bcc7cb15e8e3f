// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Phase, Post} from "../../src/types.sol";
import {MarketTest} from "./MarketTest.sol";

/// Posts that are refused, accepted, or less than complete.
abstract contract PostingTest is MarketTest {
    uint256 internal constant POSTABLE = 1 << uint256(Phase.Aggregate) | 1 << uint256(Phase.Proposed);

    function _refuses(address poster, uint256 round, Post memory post, bytes memory error_) internal {
        vm.expectRevert(error_);
        vm.prank(poster);
        market.post(P, round, post);
    }

    function _accepts(address poster, uint256 round, Post memory post) internal {
        uint256 state = vm.snapshotState();
        vm.prank(poster);
        market.post(P, round, post);
        vm.revertToState(state);
    }

    /// A draft that leaves out the seats of `mask`.
    function _without(uint256 round, uint256 mask) internal view returns (Post memory post) {
        post = _draft(round);
        post.included[0] &= ~mask;
    }
}
