// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Check, Facts, Tree} from "../src/checks/IChecks.sol";
import {LAST_SLOT, RESIDUAL_GRAM, RESIDUAL_NORM} from "../src/checks/StepTree.sol";
import {ICourt, IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {AggregatorView, Below, Phase, Post, Refutation} from "../src/types.sol";
import {ChecksMock} from "./mocks/ChecksMock.sol";
import {RefutationTest} from "./utils/RefutationTest.sol";

/// What the market does with refutations. Checks answer as the evidence tells them; what they find in real results is tested
/// in `tests/refute`.
contract RefuteTest is RefutationTest {
    // ----- consequences -----

    function test_refute_aWrongNumber__convictsThePoster() public {
        uint256 round = _toStanding(liar);
        vm.expectEmit(address(market));
        emit M.ResultRefuted(P, round, watcher, Check.Gram, 2, 3, 4);
        vm.expectEmit(address(market));
        emit M.ResultConvicted(P, round, liar, watcher, BOND / 3, BOND / 3, BOND / 3);
        _refute(round, _refutation(round, Check.Gram, 2, 3, 4, WRONG));

        AggregatorView memory a = market.aggregatorOf(P, liar);
        assertEq(a.bond, 0);
        assertTrue(a.banned);
        assertEq(market.creditOf(token, watcher), BOND / 3);
        assertEq(uint8(_phase(round)), uint8(Phase.Aggregate));
        _assertEquation();
    }

    function test_refute_aRightNumber__refusesMarketNotRefuted() public {
        uint256 round = _toStanding(aggregator);
        bytes memory error_ = abi.encodeWithSelector(M.MarketNotRefuted.selector, Check.Model, 5, 6, 7);
        _refused(round, _refutation(round, Check.Model, 5, 6, 7, RIGHT), error_);
        assertEq(market.aggregatorOf(P, aggregator).bond, BOND);
    }

    function test_refute_evidenceThatDoesNotFit__refusesAsTheCheckDoes() public {
        uint256 round = _toStanding(aggregator);
        bytes memory error_ = abi.encodeWithSelector(ChecksMock.MarketEvidenceLength.selector, 0, 2);
        _refused(round, _paid(round, hex"0101"), error_);
    }

    function test_refute_aProposedResult__convicts() public {
        uint256 round = _toProposed(liar);
        _refute(round, _paid(round, WRONG));
        assertTrue(market.aggregatorOf(P, liar).banned);
        assertEq(uint8(_phase(round)), uint8(Phase.Aggregate));
    }

    function test_refute_aroundTheEndOfTheWindow__isPossibleUntilFinal() public {
        uint256 round = _toStanding(liar);
        uint256 start = block.timestamp;
        uint256 state = vm.snapshotState();
        for (uint256 at_ = start + W - 1; at_ <= start + W + 1; ++at_) {
            vm.warp(at_);
            _refute(round, _paid(round, WRONG));
            vm.revertToState(state);
        }
        vm.warp(start + W);
        market.finalise(P, round);
        Refutation memory late = _paid(round, WRONG);
        _expectWrongPhase(round, Phase.Final, REFUTABLE);
        _refute(round, late);
    }

    function test_refute_noResult__refusesMarketWrongPhase() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Refutation memory x = _paid(round, WRONG);
        _expectWrongPhase(round, Phase.Aggregate, REFUTABLE);
        _refute(round, x);
    }

    function test_refute_anotherResultOfAConvictedPoster__refusesMarketBanned() public {
        uint256 lower = _toStanding(liar);
        uint256 upper = _toStanding(liar);
        _refute(upper, _paid(upper, WRONG));
        _refused(lower, _paid(lower, WRONG), abi.encodeWithSelector(M.MarketBanned.selector, liar));
        market.clear(P, lower);
        assertEq(uint8(_phase(lower)), uint8(Phase.Aggregate));
    }

    function test_refute_twoLiarsTheLowerFirst__keepsTheUpperOnesBond() public {
        uint256 lower = _toStanding(liar);
        uint256 upper = _toStanding(rival);
        _refute(lower, _paid(lower, WRONG));
        Refutation memory x = _paid(upper, WRONG);
        _expectWrongPhase(upper, Phase.Aggregate, REFUTABLE);
        _refute(upper, x);
        assertEq(market.aggregatorOf(P, rival).bond, BOND);
        _assertEquation();
    }

    function test_refute_twoLiarsTheUpperFirst__convictsBoth() public {
        uint256 lower = _toStanding(liar);
        uint256 upper = _toStanding(rival);
        _refute(upper, _paid(upper, WRONG));
        _refute(lower, _paid(lower, WRONG));
        assertEq(market.creditOf(token, watcher), BOND / 3 * 2);
        assertTrue(market.aggregatorOf(P, rival).banned);
        _assertEquation();
    }

    function test_refute_aPostThatRacesIt__isRefusedAndLosesNothing() public {
        uint256 lower = _toStanding(liar);
        uint256 upper = _toAggregate(EXPECTED, EXPECTED);
        Post memory late = _prepare(liar, upper, _draft(upper));
        _refute(lower, _paid(lower, WRONG));
        vm.expectRevert(abi.encodeWithSelector(M.MarketOutOfOrder.selector, upper, lower - 1));
        vm.prank(rival);
        market.post(P, upper, late);
        assertEq(market.aggregatorOf(P, rival).bond, BOND);
    }

    function test_refute_aReplacedResult__refusesMarketWrongOpening() public {
        uint256 round = _toProposed(liar);
        Refutation memory x = _paid(round, WRONG);
        bytes32 old = market.resultOf(P, round).commitment;
        _post(rival, round);
        bytes32 now_ = market.resultOf(P, round).commitment;
        assertNotEq(old, now_);
        vm.expectPartialRevert(M.MarketWrongOpening.selector);
        _refute(round, x);
    }

    function test_refute_atTheCourtItself__refusesMarketCodeOnly() public {
        uint256 round = _toStanding(liar);
        Refutation memory x = _paid(round, WRONG);
        ICourt court = ICourt(market.courtOf());
        vm.expectRevert(M.MarketCodeOnly.selector);
        court.refute(P, round, x);
    }

    // ----- preimages -----

    function test_refute_anythingButWhatWasPosted__refusesMarketWrongOpening() public {
        uint256 round = _toStanding(aggregator);
        Refutation memory x = _paid(round, WRONG);
        x.included[0] ^= 1;
        _refusedOpening(round, x);
        x = _paid(round, WRONG);
        x.rows[0] ^= 1;
        _refusedOpening(round, x);
        x = _paid(round, WRONG);
        x.rows = x.included;
        _refusedOpening(round, x);
        for (uint256 i; i < 7; ++i) {
            x = _paid(round, WRONG);
            bytes32[7] memory roots = abi.decode(abi.encode(x.roots), (bytes32[7]));
            roots[i] ^= bytes32(uint256(1));
            Refutation memory y = _paid(round, WRONG);
            (y.roots.sketches, y.roots.gram, y.roots.steps) = (roots[0], roots[1], roots[2]);
            (y.roots.accounts, y.roots.columns, y.roots.delta) = (roots[3], roots[4], roots[5]);
            y.roots.model = roots[6];
            _refusedOpening(round, y);
        }
    }

    function _refusedOpening(uint256 round, Refutation memory x) private {
        vm.expectPartialRevert(M.MarketWrongOpening.selector);
        _refute(round, x);
    }

    function test_refute_aForgedResultBelow__refusesMarketWrongOpening() public {
        _toStanding(aggregator);
        uint256 round = _toStanding(aggregator);
        Refutation memory x = _paid(round, WRONG);
        x.below = _below(round, 1);
        x.below[0].roots.steps ^= bytes32(uint256(1));
        _refusedOpening(round, x);
        x.below = _below(round, 1);
        x.below[0].context ^= bytes32(uint256(1));
        _refusedOpening(round, x);
    }

    function test_refute_moreResultsBelowThanThereAre__refusesMarketBelowCount() public {
        _toStanding(aggregator);
        uint256 round = _toStanding(aggregator);
        Refutation memory x = _paid(round, WRONG);
        x.below = new Below[](2);
        x.below[0] = _below(round, 1)[0];
        _refused(round, x, abi.encodeWithSelector(M.MarketBelowCount.selector, 2, 1));
    }

    function test_refute_aDeltaRowWhoseResultIsNotOpened__refusesMarketBelowCount() public {
        _toStanding(aggregator);
        _toStanding(aggregator);
        uint256 round = _toStanding(aggregator);
        Refutation memory x = _refutation(round, Check.Sketch, SEATS + 2, 0, 0, WRONG);
        x.below = _below(round, 1);
        _refused(round, x, abi.encodeWithSelector(M.MarketBelowCount.selector, 1, 2));
        x.below = _below(round, 2);
        _refute(round, x);
    }

    // ----- what checks are told -----

    function test_refute_theFirstRound__tellsTheCheckItsFacts() public {
        uint256 round = _toStanding(liar);
        Facts memory f = _facts(round, 0);
        _expectTold(round, "tree", _refutation(round, Check.Paid, 0, SEATS, SEATS, ""), f);
        (f.firstB, f.sealedB) = (true, true);
        _expectTold(round, "rule", _refutation(round, Check.Step, 1, 0, SEATS, ""), f);
        _expectTold(round, "rule", _refutation(round, Check.Step, RESIDUAL_GRAM & 255, 3, SEATS, ""), f);
        _expectTold(round, "pay", _refutation(round, Check.Step, RESIDUAL_NORM & 255, 3, SEATS, ""), f);
        f.firstC = true;
        _expectTold(round, "pay", _refutation(round, Check.Step, LAST_SLOT, 0, 1, ""), f);
        (f.firstB, f.sealedB) = (false, false); // nobody sits on seat 9
        _expectTold(round, "rule", _refutation(round, Check.Step, 2, 9, 1, ""), f);
    }

    function test_refute_scalars__asksTheContractThatHasThem() public {
        uint256 round = _toStanding(liar);
        Facts memory f = _facts(round, 0);
        (f.firstB, f.sealedB) = (true, true);
        for (uint256 number; number < 4; ++number) {
            f.firstC = true;
            _expectTold(round, "rule", _refutation(round, Check.Step, 0, number, 0, ""), f);
        }
        (f.firstB, f.sealedB) = (false, false);
        _expectTold(round, "rule", _refutation(round, Check.Step, 0, 7, 0, ""), f);
        _expectTold(round, "pay", _refutation(round, Check.Step, 0, 8, 0, ""), f);
        _expectTold(round, "pay", _refutation(round, Check.Step, 0, 15, 0, ""), f);
    }

    function test_refute_aLaterRound__tellsTheCheckWhatIsBelow() public {
        uint256 lower = _toStanding(aggregator);
        uint256 round = _toStanding(liar);
        Facts memory f = _facts(round, lower);
        _expectTold(round, "tree", _refutation(round, Check.Model, 0, SEATS, SEATS, ""), f);
        Refutation memory x = _refutation(round, Check.Account, 1, SEATS, SEATS, "");
        x.below = _below(round, 1);
        f.below = posts[lower].roots;
        _expectTold(round, "tree", x, f);
        (x.b, x.c) = (0, 9);
        f.sealedB = true; // sealed here, but first in the round before
        _expectTold(round, "tree", x, f);
    }

    function test_refute_missedReveals__countInWhatIsToPay() public {
        uint256 round = _toAggregate(EXPECTED, 3);
        _post(liar, round);
        Facts memory f = _facts(round, 0);
        f.toPay = POT + UNIT - FEE;
        f.sealedB = true; // sealed, but never revealed
        _expectTold(round, "rule", _refutation(round, Check.Step, 1, 3, SEATS, ""), f);
    }

    function test_refute_aRoundThatIsNotMerged__tellsTheCheckSo() public {
        uint256 lower = _toStanding(liar);
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        _refute(lower, _paid(lower, WRONG));
        draftModel = keccak256("truth");
        vm.warp(block.timestamp + T1);
        _post(rival, lower);
        _post(rival, round);
        Facts memory f = _facts(round, lower);
        f.merged = false;
        _expectTold(round, "tree", _refutation(round, Check.Model, 0, SEATS, SEATS, ""), f);
    }

    function test_refute_rowsOfSketches__tellsTheCheckTheirFiles() public {
        uint256 first = _toStanding(aggregator);
        uint256 second = _toStanding(aggregator);
        uint256 round = _toStanding(liar);
        Facts memory f = _facts(round, second);
        Refutation memory x = _refutation(round, Check.Sketch, 2, SEATS, SEATS, "");
        f.files = _files(_root(round, 2));
        _expectTold(round, "tree", x, f);
        x.check = Check.Update;
        _expectTold(round, "tree", x, f);
        x.a = SEATS + 4 + 3; // the file of seat 3, a round ago
        f.files = _files(_root(second, 3));
        _expectTold(round, "tree", x, f);
        x.a = SEATS + 4 + SEATS + 1; // of seat 1, two rounds ago
        f.files = _files(_root(first, 1));
        _expectTold(round, "tree", x, f);
        x.check = Check.Presence;
        (x.a, x.b, x.c) = (uint256(Tree.Update), 11, SEATS + 4 + SEATS + 1);
        _expectTold(round, "tree", x, f);
        x.below = _below(round, 2);
        x.check = Check.Sketch;
        (x.a, x.b) = (SEATS + 1 + 1, SEATS); // the delta before the last
        f.files = _files(posts[first].roots.delta);
        f.below = posts[second].roots;
        _expectTold(round, "tree", x, f);
        // No such row: nobody's seat, the reference, beyond all.
        for (uint256 i; i < 3; ++i) {
            x.a = [uint256(9), SEATS, 3 * SEATS + 4][i];
            f.files = new bytes32[](0);
            _expectTold(round, "tree", x, f);
        }
    }

    function test_refute_aggregates__tellsTheCheckTheFilesItReads() public {
        uint256 round = _toStanding(liar);
        Facts memory f = _facts(round, 0);
        Refutation memory x = _refutation(round, Check.Column, SEATS, SEATS, 9, "");
        _expectTold(round, "tree", x, f);
        x.c = 2;
        f.files = _files(_root(round, 2));
        f.firstC = true;
        _expectTold(round, "tree", x, f);
        x = _refutation(round, Check.Delta, 1, SEATS, SEATS, "");
        f.firstC = false;
        f.files = new bytes32[](EXPECTED);
        for (uint256 seat; seat < EXPECTED; ++seat) {
            f.files[seat] = _root(round, seat);
        }
        _expectTold(round, "tree", x, f);
    }

    // ----- files that nobody revealed -----

    /// Four seal, three reveal; the result vouches for the seat that did not in place of one that did.
    function _vouchForHidden() private returns (uint256 round) {
        round = _toAggregate(EXPECTED, 3);
        Post memory post = _draft(round);
        post.included[0] = 0xb; // 0, 1 and 3
        _postWith(liar, round, post);
    }

    function test_refute_anIncludedSeatThatNeverRevealed__convictsWithoutEvidence() public {
        uint256 round = _vouchForHidden();
        _refute(round, _refutation(round, Check.Update, 3, 0, 0, ""));
        assertTrue(market.aggregatorOf(P, liar).banned);
    }

    function test_refute_anIncludedSeatThatNeverRevealed__refusesEvidence() public {
        uint256 round = _vouchForHidden();
        bytes memory error_ = abi.encodeWithSelector(M.MarketEvidenceNotEmpty.selector, 1);
        _refused(round, _refutation(round, Check.Update, 3, 0, 0, WRONG), error_);
        error_ = abi.encodeWithSelector(ChecksMock.MarketEvidenceLength.selector, 0, 0);
        _refused(round, _refutation(round, Check.Update, 1, 0, 0, ""), error_);
        _refused(round, _refutation(round, Check.Update, 2, 0, 0, ""), error_);
    }

    function test_refute_aServedFileThatWasNeverRevealed__convictsWithoutEvidence() public {
        uint256 lower = _toAggregate(EXPECTED, 3);
        _post(aggregator, lower);
        uint256 round = _toAggregate(3, 3);
        Post memory post = _draft(round);
        post.rows[1] = 0x9; // files of 0 and 3
        _warpPastFirstRight(liar, round);
        _postWith(liar, round, post);
        bytes memory error_ = abi.encodeWithSelector(ChecksMock.MarketEvidenceLength.selector, 0, 0);
        _refused(round, _refutation(round, Check.Update, SEATS + 4, 0, 0, ""), error_);
        _refute(round, _refutation(round, Check.Update, SEATS + 4 + 3, 0, 0, ""));
        assertTrue(market.aggregatorOf(P, liar).banned);
    }
}
