// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Check, Tree} from "../src/checks/IChecks.sol";
import "../src/checks/StepTree.sol" as Id;
import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Account as SeatAccount, Post, Refutation} from "../src/types.sol";
import {MarketTest} from "./utils/MarketTest.sol";
import {Paths} from "./utils/Paths.sol";

/// Refutations by the real checks of trees, of results that are easy to build here. All other checks, over thousands of
/// rounds: `tests/refute`.
contract RealChecksTest is MarketTest {
    uint256 private constant ROW_BITS = 4; // ten seats
    uint256 private constant CHUNK_BITS = 6; // 36 leaves of gathered sums, the longest row of few seats
    uint256 private constant LAST_LEAF = 976; // of a million coefficients
    uint256 private constant REPUTATION = Id.REPUTATION & 255;
    uint256 private constant PENALTY = Id.PENALTY & 255;
    uint256 private constant PAY = Id.PAY & 255;

    bytes32[] private slots = new bytes32[](64); // of the steps tree
    bytes32 private fileRoot; // of what seat 0 reveals, if not zero

    function _court() internal override returns (address) {
        address tree = deployCode("TreeChecks.sol:TreeChecks");
        return deployCode("MarketHarness.sol:CourtHarness", abi.encode(tree, tree, tree));
    }

    // ----- trees -----

    /// Root of slot `slot`, which has one leaf.
    function _slotRoot(uint256 slot, bytes memory leaf) private pure returns (bytes32 hash) {
        hash = Paths.leaf(slot << (ROW_BITS + CHUNK_BITS), leaf);
        bytes32 absent;
        for (uint256 level; level < ROW_BITS + CHUNK_BITS; ++level) {
            hash = Paths.node(hash, absent);
            absent = Paths.node(absent, absent);
        }
    }

    /// Siblings of a slot up to the first node that an earlier reading of the same evidence has opened.
    function _slotPath(uint256 slot, uint256 levels) private view returns (bytes32[] memory path) {
        path = new bytes32[](levels);
        bytes32[] memory level = slots;
        for (uint256 i; i < levels; ++i) {
            path[i] = level[slot >> i ^ 1];
            bytes32[] memory above = new bytes32[](level.length / 2);
            for (uint256 k; k < above.length; ++k) {
                above[k] = Paths.node(level[2 * k], level[2 * k + 1]);
            }
            level = above;
        }
    }

    function _opened(uint256 slot, bytes memory leaf) private view returns (bytes memory) {
        return abi.encodePacked(leaf, _slotPath(slot, 6));
    }

    /// A leaf of 16 numbers of 16 bytes, or 32 of 8, with one that is not zero.
    function _leafWith(uint256 width, uint256 at_, uint256 value) private pure returns (bytes memory leaf) {
        leaf = new bytes(256);
        for (uint256 i; i < width; ++i) {
            leaf[at_ * width + width - 1 - i] = bytes1(uint8(value >> 8 * i));
        }
    }

    // ----- results -----

    /// A round in which seat 0 reveals `fileRoot`.
    function _revealedRound() private returns (uint256 round) {
        round = _open();
        bytes32 root = fileRoot == 0 ? _root(round, 0) : fileRoot;
        bytes32 base = market.roundOf(P, round).baseRoot;
        bytes32 sealed_ = _sealOf(P, round, _trainer(0), base, root, _salt(round, 0));
        vm.prank(_trainer(0));
        market.seal(P, round, 0, sealed_);
        for (uint256 seat = 1; seat < EXPECTED; ++seat) {
            _seal(round, seat);
        }
        vm.prank(_trainer(0));
        market.reveal(P, round, 0, root, _salt(round, 0), 0);
        for (uint256 seat = 1; seat < EXPECTED; ++seat) {
            _reveal(round, seat);
        }
    }

    function _postSteps(uint256 round) private {
        Post memory post = _draft(round);
        post.roots.steps = Paths.reduce(slots);
        _postWith(liar, round, post);
    }

    function _refutation(uint256 round, Check check, uint256 a, uint256 b, bytes memory evidence)
        private
        view
        returns (Refutation memory x)
    {
        (x.check, x.a, x.b) = (check, a, b);
        (x.included, x.rows, x.roots) = (posts[round].included, posts[round].rows, posts[round].roots);
        x.evidence = evidence;
    }

    function _convicts(uint256 round, Refutation memory x) private {
        uint256 state = vm.snapshotState();
        market.refute(P, round, x);
        assertTrue(market.aggregatorOf(P, liar).banned);
        vm.revertToState(state);
    }

    function _stands(uint256 round, Refutation memory x) private {
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotRefuted.selector, x.check, x.a, x.b, x.c));
        market.refute(P, round, x);
    }

    // ----- paid -----

    function test_refute_aSumOfPayThatTheStepsDoNotSay__convicts() public {
        uint256 round = _revealedRound();
        bytes memory leaf = _leafWith(16, 15, (POT - FEE) / 2 + 1);
        slots[0] = _slotRoot(0, leaf);
        _postSteps(round);
        _convicts(round, _refutation(round, Check.Paid, 0, 0, _opened(0, leaf)));
    }

    function test_refute_theSumOfPayThatTheStepsSay__refusesMarketNotRefuted() public {
        uint256 round = _revealedRound();
        bytes memory leaf = _leafWith(16, 15, (POT - FEE) / 2);
        slots[0] = _slotRoot(0, leaf);
        _postSteps(round);
        _stands(round, _refutation(round, Check.Paid, 0, 0, _opened(0, leaf)));
        leaf[255] ^= 0x01;
        vm.expectPartialRevert(Id.StepTree.MarketWrongLeaf.selector);
        market.refute(P, round, _refutation(round, Check.Paid, 0, 0, _opened(0, leaf)));
    }

    // ----- presence -----

    function test_refute_leavesThatHonestTreesLackOrHave__convictsExactlyThen() public {
        uint256 round = _revealedRound();
        Post memory post = _draft(round);
        bytes32[] memory leaves = new bytes32[](16);
        for (uint256 seat; seat < 11; ++seat) {
            leaves[seat] = keccak256(abi.encode("account", seat)); // also of seat 10, which there is not
        }
        leaves[4] = 0;
        post.roots.accounts = Paths.reduce(leaves);
        posts[round] = post;
        vm.prank(liar);
        market.post(P, round, post);

        for (uint256 index; index < 16; ++index) {
            Refutation memory x =
                _refutation(round, Check.Presence, uint256(Tree.Accounts), index, _presence(leaves, index));
            if (index == 4 || index == 10) _convicts(round, x);
            else _stands(round, x);
        }
    }

    function _presence(bytes32[] memory leaves, uint256 index) private pure returns (bytes memory) {
        bytes32[] memory path = new bytes32[](4);
        bytes32[] memory level = leaves;
        for (uint256 i; i < 4; ++i) {
            path[i] = level[index >> i ^ 1];
            bytes32[] memory above = new bytes32[](level.length / 2);
            for (uint256 k; k < above.length; ++k) {
                above[k] = Paths.node(level[2 * k], level[2 * k + 1]);
            }
            level = above;
        }
        return abi.encodePacked(leaves[index], path);
    }

    // ----- files -----

    function test_refute_aFileThatGoesOnAfterItsEnd__convicts() public {
        bytes memory leaf = new bytes(2048);
        bytes32[] memory path = Paths.siblings(10, "file");
        leaf[2 * 576 + 1] = 0x01; // coefficient 1,000,000, the first that is not there
        fileRoot = Paths.climb(Paths.leaf(LAST_LEAF, leaf), LAST_LEAF, path);
        uint256 round = _revealedRound();
        _postWith(liar, round, _draft(round));
        _convicts(round, _refutation(round, Check.Update, 0, 0, abi.encodePacked(leaf, path)));
    }

    function test_refute_aFileThatEndsWithItsLastCoefficient__refusesMarketNotRefuted() public {
        bytes memory leaf = new bytes(2048);
        bytes32[] memory path = Paths.siblings(10, "file");
        leaf[2 * 576 - 1] = 0x01;
        fileRoot = Paths.climb(Paths.leaf(LAST_LEAF, leaf), LAST_LEAF, path);
        uint256 round = _revealedRound();
        _postWith(liar, round, _draft(round));
        _stands(round, _refutation(round, Check.Update, 0, 0, abi.encodePacked(leaf, path)));
    }

    // ----- accounts -----

    /// Steps that give seat 3 reputation 9,000, pay 7 and a penalty of two units; a result whose accounts say `account`.
    function _account(SeatAccount memory account) private returns (uint256 round, Refutation memory x) {
        round = _revealedRound();
        bytes memory reputation = _leafWith(8, 3, 9000);
        bytes memory pay = _leafWith(16, 3, 7);
        bytes memory penalty = _leafWith(8, 3, 2);
        slots[REPUTATION] = _slotRoot(REPUTATION, reputation);
        slots[PAY] = _slotRoot(PAY, pay);
        slots[PENALTY] = _slotRoot(PENALTY, penalty);
        Post memory post = _draft(round);
        post.roots.steps = Paths.reduce(slots);
        bytes memory leaf =
            bytes.concat(bytes8(uint64(account.reputation)), bytes16(account.pay), bytes16(account.penalty));
        bytes32[] memory path = Paths.siblings(4, "accounts");
        post.roots.accounts = Paths.climb(Paths.leaf(3, leaf), 3, path);
        posts[round] = post;
        vm.prank(liar);
        market.post(P, round, post);
        // The paths of two slots meet where their numbers begin to differ: above, siblings have been opened.
        bytes memory steps = bytes.concat(
            _opened(REPUTATION, reputation),
            abi.encodePacked(pay, _slotPath(PAY, Math.log2(PAY ^ REPUTATION))),
            abi.encodePacked(penalty, _slotPath(PENALTY, Math.log2(PENALTY ^ REPUTATION)))
        );
        x = _refutation(round, Check.Account, 3, 0, bytes.concat(abi.encodePacked(leaf, path), steps));
    }

    function test_refute_anAccountThatIsWrongByOne__convicts() public {
        SeatAccount[3] memory wrong = [
            SeatAccount(9001, 7, 2 * uint128(UNIT)),
            SeatAccount(9000, 8, 2 * uint128(UNIT)),
            SeatAccount(9000, 7, 2 * uint128(UNIT) - 1)
        ];
        uint256 state = vm.snapshotState();
        for (uint256 i; i < 3; ++i) {
            (uint256 round, Refutation memory x) = _account(wrong[i]);
            _convicts(round, x);
            vm.revertToState(state);
        }
    }

    function test_refute_anAccountThatIsRight__refusesMarketNotRefuted() public {
        (uint256 round, Refutation memory x) = _account(SeatAccount(9000, 7, 2 * uint128(UNIT)));
        _stands(round, x);
    }
}
