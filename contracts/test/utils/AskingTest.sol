// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Tree} from "../../src/checks/IChecks.sol";
import {Ask, Phase, Post} from "../../src/types.sol";
import {MarketTest} from "./MarketTest.sol";
import {Paths} from "./Paths.sol";

/// Questions about results, and their answers.
abstract contract AskingTest is MarketTest {
    uint256 internal constant FILE_DEPTH = 10; // 977 leaves of a million coefficients
    uint256 internal constant SKETCH_DEPTH = 12; // 34 rows, 62 segments
    uint256 internal constant ACCOUNTS_DEPTH = 4; // 10 seats
    uint256 internal constant REFUTABLE = 1 << uint256(Phase.Proposed) | 1 << uint256(Phase.Standing);

    address internal asker = makeAddr("asker");
    bytes internal leafBytes; // of the delta, leaf 5; also of the sketches, behind the poster's address
    bytes32[] internal path;

    /// A result whose delta is the tree above `leafBytes`.
    function _withDelta(address poster) internal returns (uint256 round) {
        round = _toAggregate(EXPECTED, EXPECTED);
        _warpPastFirstRight(poster, round);
        Post memory post = _draft(round);
        leafBytes = new bytes(2048);
        leafBytes[7] = 0x2a;
        path = Paths.siblings(FILE_DEPTH, "delta");
        post.roots.delta = Paths.climb(Paths.leaf(5, leafBytes), 5, path);
        _postWith(poster, round, post);
    }

    function _question(uint256 round, Tree tree, uint256 level, uint256 index) internal view returns (Ask memory q) {
        Post storage post = posts[round];
        (q.tree, q.level, q.index) = (tree, level, index);
        (q.included, q.rows, q.roots) = (post.included, post.rows, post.roots);
    }

    function _ask(uint256 round, Ask memory q, uint256 value) internal returns (uint256) {
        vm.deal(asker, asker.balance + value);
        vm.prank(asker);
        return market.ask{value: value}(P, round, q);
    }

    function _price(uint256 size) internal pure returns (uint256) {
        return size * ASK_FLOOR;
    }

    uint256 internal constant LEAF_ANSWER = 2048 + 32 * FILE_DEPTH;

    function _askDelta(uint256 round) internal returns (uint256) {
        return _ask(round, _question(round, Tree.Delta, 0, 5), 1 ether);
    }

    function _pack(bytes memory head, bytes32[] memory siblings) internal pure returns (bytes memory) {
        return bytes.concat(head, abi.encodePacked(siblings));
    }

    function _leafAnswer() internal view returns (bytes memory) {
        return _pack(leafBytes, path);
    }

    function _answer(uint256 id, bytes memory data) internal {
        vm.prank(rival);
        market.answer(id, data);
    }

    function _assertAsked() internal view {
        address[] memory all = _everybody();
        assertEq(_liabilities(all) + market.creditOf(address(0), asker), market.held(address(0)));
    }
}
