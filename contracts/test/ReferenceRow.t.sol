// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Check, Facts, Tree} from "../src/checks/IChecks.sol";
import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Ask, Phase, Post, Refutation} from "../src/types.sol";
import {ChecksMock} from "./mocks/ChecksMock.sol";
import {Actors} from "./utils/Actors.sol";
import {Paths} from "./utils/Paths.sol";
import {ReferenceTest} from "./utils/ReferenceTest.sol";
import {RefutationTest} from "./utils/RefutationTest.sol";

/// The reference as a row of results: posted, refuted, asked for.
contract ReferenceRowTest is ReferenceTest, RefutationTest {
    uint256 private constant ROW = 1 << 3; // of the first word of rows
    uint256 private constant FILE_DEPTH = 10; // 977 leaves of a million coefficients
    uint256 private constant ANSWER = 2048 + 32 * FILE_DEPTH;

    function setUp() public override(Actors, ReferenceTest) {
        ReferenceTest.setUp();
    }

    // ----- post -----

    function test_post_theReference__standsAtOnceAndIsOneRow() public {
        uint256 round = _toResult();
        _post(aggregator, round);
        assertEq(posts[round].rows[0], ROW);
        assertEq(uint8(_phase(round)), uint8(Phase.Standing));
        assertEq(market.resultOf(P, round).rowCount, 1);
        assertEq(market.resultOf(P, round).includedCount, EXPECTED);
    }

    function test_post_theReferenceBesideAllRows__standsAtOnce() public {
        for (uint256 i; i < 3; ++i) {
            _toStandingWith(aggregator);
        }
        vm.warp(block.timestamp + W);
        market.finalise(P, 1); // three rounds are open
        _toStandingWith(aggregator);
        assertEq(posts[4].rows[0], 15);
        assertEq(market.resultOf(P, 4).rowCount, 4 + 2 * EXPECTED);
        assertEq(uint8(_phase(4)), uint8(Phase.Standing));
    }

    function test_post_aRevealedReferenceLeftOut__isProposedAndReplaceable() public {
        uint256 round = _toResult();
        Post memory post = _draft(round);
        post.rows[0] = 0;
        _postWith(aggregator, round, post);
        assertEq(uint8(_phase(round)), uint8(Phase.Proposed));
        assertEq(market.resultOf(P, round).rowCount, 0);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotBetter.selector, EXPECTED, 0, EXPECTED, 0));
        vm.prank(rival);
        market.post(P, round, post);
        _post(rival, round);
        assertEq(uint8(_phase(round)), uint8(Phase.Standing));
        assertEq(market.resultOf(P, round).poster, rival);
    }

    function test_post_aReferenceThatDidNotReveal__refusesMarketReferenceNotRevealed() public {
        uint256 round = _toReveal();
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _reveal(round, seat);
        }
        vm.warp(market.roundOf(P, round).revealEnd);
        Post memory post = _draft(round);
        post.rows[0] |= ROW;
        vm.expectRevert(abi.encodeWithSelector(M.MarketReferenceNotRevealed.selector, round));
        vm.prank(aggregator);
        market.post(P, round, post);
    }

    function test_post_aReferenceOfTheRoundBelow__refusesMarketReferenceNotRevealed() public {
        _toStandingWith(aggregator);
        uint256 round = _openAndSeal(EXPECTED); // to the end of COMMIT, without it
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _reveal(round, seat);
        }
        Post memory post = _draft(round);
        assertEq(post.rows[0], 1);
        post.rows[0] |= ROW;
        vm.expectRevert(abi.encodeWithSelector(M.MarketReferenceNotRevealed.selector, round));
        vm.prank(aggregator);
        market.post(P, round, post);
    }

    function test_post_bitsAroundTheReference__refusesMarketBitmapRange() public {
        uint256 round = _toResult();
        for (uint256 i; i < 2; ++i) {
            uint256 bit = i == 0 ? 1 << 2 : 1 << 4;
            Post memory post = _draft(round);
            post.rows[0] |= bit;
            vm.expectRevert(abi.encodeWithSelector(M.MarketBitmapRange.selector, bit, 0));
            vm.prank(aggregator);
            market.post(P, round, post);
        }
    }

    // ----- refute -----

    function test_refute_theReference__tellsTheCheckItsFile() public {
        uint256 round = _toStandingWith(liar);
        Facts memory f = _facts(round, 0);
        f.files = _files(_root(round, SEATS));
        Refutation memory x = _refutation(round, Check.Sketch, SEATS, SEATS, SEATS, "");
        _expectTold(round, "tree", x, f);
        x.check = Check.Update;
        _expectTold(round, "tree", x, f);
        x.check = Check.Presence;
        (x.a, x.b, x.c) = (uint256(Tree.Update), 11, SEATS);
        _expectTold(round, "tree", x, f);
    }

    function test_refute_aDeltaBesideTheReference__isMadeOfTrainersAlone() public {
        uint256 round = _toStandingWith(liar);
        Facts memory f = _facts(round, 0);
        f.files = new bytes32[](EXPECTED);
        for (uint256 seat; seat < EXPECTED; ++seat) {
            f.files[seat] = _root(round, seat);
        }
        _expectTold(round, "tree", _refutation(round, Check.Delta, 1, SEATS, SEATS, ""), f);
    }

    function test_refute_aReferenceThatNobodyCanOpen__convictsWithoutEvidence() public {
        uint256 round = _toStandingWith(liar);
        Refutation memory x = _refutation(round, Check.Update, SEATS, 0, 0, "");
        _refused(round, x, abi.encodeWithSelector(ChecksMock.MarketEvidenceLength.selector, 0, 0));
        _forgetReference(round);
        x.evidence = WRONG;
        _refused(round, x, abi.encodeWithSelector(M.MarketEvidenceNotEmpty.selector, 1));
        x.evidence = "";
        _refute(round, x);
        assertTrue(market.aggregatorOf(P, liar).banned);
    }

    function test_refute_aReferenceThatIsNoRow__readsNoFile() public {
        uint256 round = _toResult();
        Post memory post = _draft(round);
        post.rows[0] = 0;
        _postWith(liar, round, post);
        _expectTold(round, "tree", _refutation(round, Check.Update, SEATS, 0, 0, ""), _firstB(_facts(round, 0)));
    }

    /// Seat 0 had its first reveal in this round.
    function _firstB(Facts memory f) private pure returns (Facts memory) {
        (f.firstB, f.firstC, f.sealedB) = (true, true, true);
        return f;
    }

    // ----- ask -----

    function _question(uint256 round, uint256 level, uint256 index) private view returns (Ask memory q) {
        (q.tree, q.row, q.level, q.index) = (Tree.Update, SEATS, level, index);
        (q.included, q.rows, q.roots) = (posts[round].included, posts[round].rows, posts[round].roots);
    }

    function _askAnyone(uint256 round, Ask memory q) private returns (uint256) {
        vm.deal(anyone, 1 ether);
        vm.prank(anyone);
        return market.ask{value: 1 ether}(P, round, q);
    }

    function test_ask_theFileOfTheReference__isAboutItsRoot() public {
        uint256 round = _toStandingWith(aggregator);
        uint256 id = _askAnyone(round, _question(round, 0, 976));
        assertEq(market.askOf(id).root, _root(round, SEATS));
        assertEq(market.askOf(id).row, SEATS);
        assertEq(market.askOf(id).answerBytes, ANSWER);
    }

    function test_ask_theFileOfALeftOutReference__refusesMarketNoSuchPlace() public {
        uint256 round = _toResult();
        Post memory post = _draft(round);
        post.rows[0] = 0;
        _postWith(aggregator, round, post);
        Ask memory q = _question(round, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNoSuchPlace.selector, Tree.Update, 0, 0));
        market.ask(P, round, q);
    }

    function test_answer_theFileOfTheReference__earnsThePrice() public {
        bytes memory leaf = new bytes(2048);
        leaf[7] = 0x2a;
        bytes32[] memory path = Paths.siblings(FILE_DEPTH, "reference");
        bytes32 root = Paths.climb(Paths.leaf(5, leaf), 5, path);
        if (uint256(root) < 1 << 216) revert("one in 2^40");
        uint256 round = _openAndSealWith(root);
        uint256 id = _askAnyone(round, _question(round, 0, 5));
        vm.prank(rival);
        market.answer(id, bytes.concat(leaf, abi.encodePacked(path)));
        assertEq(market.creditOf(address(0), rival), ANSWER * ASK_FLOOR);
        assertEq(market.resultOf(P, round).openAsks, 0);
    }

    /// A result whose reference has the update `root`.
    function _openAndSealWith(bytes32 root) private returns (uint256 round) {
        round = _open();
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _seal(round, seat);
        }
        bytes32 value = _sealOf(P, round, key, market.roundOf(P, round).baseRoot, root, 0);
        vm.prank(key);
        market.sealReference(P, round, value);
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _reveal(round, seat);
        }
        vm.prank(key);
        market.revealReference(P, round, root, 0, 0);
        _post(aggregator, round);
    }

    function test_convictSilent_anAskForTheReference__convicts() public {
        uint256 round = _toStandingWith(liar);
        uint256 id = _askAnyone(round, _question(round, 0, 0));
        vm.warp(block.timestamp + T_ANS);
        market.convictSilent(id);
        assertTrue(market.aggregatorOf(P, liar).banned);
        assertEq(uint8(_phase(round)), uint8(Phase.Aggregate));
        assertTrue(market.roundOf(P, round).referenceRevealed, "a fact of the round");
        vm.warp(block.timestamp + T1);
        _post(aggregator, round);
        assertEq(posts[round].rows[0], ROW);
    }
}
