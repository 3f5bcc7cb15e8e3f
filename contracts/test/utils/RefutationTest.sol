// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Check, Facts} from "../../src/checks/IChecks.sol";
import {Phase, Post, Refutation, ResultView} from "../../src/types.sol";
import {MarketTest} from "./MarketTest.sol";

/// Refutations of what was posted, and what the court must tell the checks about it.
abstract contract RefutationTest is MarketTest {
    bytes internal constant WRONG = hex"01";
    bytes internal constant RIGHT = hex"00";
    uint256 internal constant REFUTABLE = 1 << uint256(Phase.Proposed) | 1 << uint256(Phase.Standing);

    function _refutation(uint256 round, Check check, uint256 a, uint256 b, uint256 c, bytes memory evidence)
        internal
        view
        returns (Refutation memory x)
    {
        Post storage post = posts[round];
        (x.check, x.a, x.b, x.c) = (check, a, b, c);
        (x.included, x.rows, x.roots) = (post.included, post.rows, post.roots);
        x.evidence = evidence;
    }

    function _paid(uint256 round, bytes memory evidence) internal view returns (Refutation memory) {
        return _refutation(round, Check.Paid, 0, 0, 0, evidence);
    }

    function _refute(uint256 round, Refutation memory x) internal {
        vm.prank(watcher);
        market.refute(P, round, x);
    }

    function _refused(uint256 round, Refutation memory x, bytes memory error_) internal {
        vm.expectRevert(error_);
        _refute(round, x);
    }

    function _facts(uint256 round, uint256 prev) internal view returns (Facts memory f) {
        Post storage post = posts[round];
        ResultView memory result = market.resultOf(P, round);
        f.seats = seats;
        f.coefficients = 1_000_000;
        f.poster = result.poster;
        f.seed = keccak256(abi.encode(uint256(market.roundOf(P, round).revealSum)));
        f.toPay = POT - FEE;
        f.unit = UNIT;
        f.paid = post.paid;
        f.merged = true;
        f.start = prev == 0;
        f.roots = post.roots;
        f.below.model = market.resultOf(P, prev).modelRoot;
        (f.included, f.rows) = (post.included, post.rows);
        f.files = new bytes32[](0);
    }

    /// The check is told exactly `f`: only then does it find the number wrong.
    function _expectTold(uint256 round, string memory kind, Refutation memory x, Facts memory f) internal {
        x.evidence = bytes.concat(keccak256(abi.encode(kind, f, x.check, x.a, x.b, x.c)));
        uint256 state = vm.snapshotState();
        _refute(round, x);
        vm.revertToState(state);
    }

    function _files(bytes32 one) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = one;
    }
}
