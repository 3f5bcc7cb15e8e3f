// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Tree} from "../src/checks/IChecks.sol";
import {ICourt, IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Account as SeatAccount, Ask, AskView, Below, Phase, Post} from "../src/types.sol";
import {MarketTest} from "./utils/MarketTest.sol";
import {Paths} from "./utils/Paths.sol";

/// Questions to posters: what may be asked, what it costs, what answers it, and what silence does.
contract AsksTest is MarketTest {
    uint256 private constant FILE_DEPTH = 10; // 977 leaves of a million coefficients
    uint256 private constant SKETCH_DEPTH = 12; // 34 rows, 62 segments
    uint256 private constant ACCOUNTS_DEPTH = 4; // 10 seats
    uint256 private constant REFUTABLE = 1 << uint256(Phase.Proposed) | 1 << uint256(Phase.Standing);

    address private asker = makeAddr("asker");
    bytes private leafBytes; // of the delta, leaf 5; also of the sketches, behind the poster's address
    bytes32[] private path;

    /// A result whose delta is the tree above `leafBytes`.
    function _withDelta(address poster) private returns (uint256 round) {
        round = _toAggregate(EXPECTED, EXPECTED);
        _warpPastFirstRight(poster, round);
        Post memory post = _draft(round);
        leafBytes = new bytes(2048);
        leafBytes[7] = 0x2a;
        path = Paths.siblings(FILE_DEPTH, "delta");
        post.roots.delta = Paths.climb(Paths.leaf(5, leafBytes), 5, path);
        _postWith(poster, round, post);
    }

    function _question(uint256 round, Tree tree, uint256 level, uint256 index) private view returns (Ask memory q) {
        Post storage post = posts[round];
        (q.tree, q.level, q.index) = (tree, level, index);
        (q.included, q.rows, q.roots) = (post.included, post.rows, post.roots);
    }

    function _ask(uint256 round, Ask memory q, uint256 value) private returns (uint256) {
        vm.deal(asker, asker.balance + value);
        vm.prank(asker);
        return market.ask{value: value}(P, round, q);
    }

    function _price(uint256 size) private pure returns (uint256) {
        return size * ASK_FLOOR;
    }

    uint256 private constant LEAF_ANSWER = 2048 + 32 * FILE_DEPTH;

    function _askDelta(uint256 round) private returns (uint256) {
        return _ask(round, _question(round, Tree.Delta, 0, 5), 1 ether);
    }

    function _pack(bytes memory head, bytes32[] memory siblings) private pure returns (bytes memory) {
        return bytes.concat(head, abi.encodePacked(siblings));
    }

    function _leafAnswer() private view returns (bytes memory) {
        return _pack(leafBytes, path);
    }

    function _answer(uint256 id, bytes memory data) private {
        vm.prank(rival);
        market.answer(id, data);
    }

    // ----- ask -----

    function test_ask_aLeaf__waitsForItsAnswer() public {
        uint256 round = _withDelta(aggregator);
        uint96 price = uint96(_price(LEAF_ANSWER));
        vm.expectEmit(address(market));
        emit M.Asked(
            P,
            round,
            1,
            asker,
            Tree.Delta,
            0,
            0,
            5,
            posts[round].roots.delta,
            uint32(LEAF_ANSWER),
            price,
            0,
            9,
            uint40(block.timestamp + T_ANS)
        );
        assertEq(_ask(round, _question(round, Tree.Delta, 0, 5), price + 9), 1);

        AskView memory a = market.askOf(1);
        assertEq(a.asker, asker);
        assertEq(a.price, price);
        assertEq(a.due, block.timestamp + T_ANS);
        assertEq(a.answerBytes, LEAF_ANSWER);
        assertTrue(a.counts);
        assertEq(market.askCount(), 1);
        assertTrue(market.resultOf(P, round).asked);
        assertEq(market.resultOf(P, round).openAsks, 1);
        assertEq(market.creditOf(address(0), asker), 9, "what is above the price comes back");
        assertEq(market.askOf(2).due, 0);
        _assertAsked();
    }

    function _assertAsked() private view {
        address[] memory all = _everybody();
        assertEq(_liabilities(all) + market.creditOf(address(0), asker), market.held(address(0)));
    }

    function test_ask_aProposedResult__isPossible() public {
        uint256 round = _toProposed(aggregator);
        _ask(round, _question(round, Tree.Accounts, 0, 9), 1 ether);
        assertEq(market.resultOf(P, round).openAsks, 1);
    }

    function test_ask_manyOpen__burnsWhatTheCrowdAdds() public {
        uint256 round = _withDelta(aggregator);
        uint256 base = _price(LEAF_ANSWER);
        for (uint256 open; open < 5; ++open) {
            uint256 burned = market.creditOf(address(0), BURN);
            uint256 price = base + base * open / 64;
            Ask memory q = _question(round, Tree.Delta, 0, 5);
            vm.deal(asker, 1 ether);
            vm.expectRevert(abi.encodeWithSelector(M.MarketPriceTooLow.selector, price - 1, price));
            vm.prank(asker);
            market.ask{value: price - 1}(P, round, q);
            _ask(round, q, price);
            assertEq(market.creditOf(address(0), BURN) - burned, base * open / 64);
        }
        _answer(3, _leafAnswer());
        uint256 now_ = base + base * 4 / 64;
        _ask(round, _question(round, Tree.Delta, 0, 5), now_);
        assertEq(market.creditOf(address(0), asker), 0, "an answer lowers the price");
        _assertAsked();
    }

    function test_ask_aHighBaseFee__costsSixtyGasForEachByte() public {
        uint256 round = _withDelta(aggregator);
        vm.fee(100 gwei);
        uint256 price = LEAF_ANSWER * 60 * 100 gwei;
        Ask memory q = _question(round, Tree.Delta, 0, 5);
        vm.deal(asker, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(M.MarketPriceTooLow.selector, price - 1, price));
        vm.prank(asker);
        market.ask{value: price - 1}(P, round, q);
        _ask(round, q, price);
    }

    function test_ask_nothingSent__refusesMarketPriceTooLow() public {
        uint256 round = _withDelta(aggregator);
        Ask memory q = _question(round, Tree.Delta, 0, 5);
        vm.expectRevert(abi.encodeWithSelector(M.MarketPriceTooLow.selector, 0, _price(LEAF_ANSWER)));
        market.ask(P, round, q);
    }

    function test_ask_aroundTheEndOfTheWindow__refusesMarketTooLateFromThen() public {
        uint256 round = _withDelta(aggregator);
        uint256 end = block.timestamp + W;
        vm.warp(end - 1);
        _askDelta(round);
        Ask memory q = _question(round, Tree.Delta, 0, 5);
        vm.deal(asker, 2 ether);
        for (uint256 at_ = end; at_ <= end + 1; ++at_) {
            vm.warp(at_);
            vm.expectRevert(abi.encodeWithSelector(M.MarketTooLate.selector, at_, end));
            vm.prank(asker);
            market.ask{value: 1 ether}(P, round, q);
        }
    }

    function test_ask_noResult__refusesMarketWrongPhase() public {
        uint256 round = _withDelta(liar);
        Ask memory q = _question(round, Tree.Delta, 0, 5);
        market.convict(P, round, watcher);
        _expectWrongPhase(round, Phase.Aggregate, REFUTABLE);
        market.ask(P, round, q);
    }

    function test_ask_aConvictedPoster__refusesMarketBanned() public {
        uint256 lower = _toStanding(liar);
        uint256 upper = _toStanding(liar);
        market.convict(P, upper, watcher);
        Ask memory q = _question(lower, Tree.Accounts, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(M.MarketBanned.selector, liar));
        market.ask(P, lower, q);
    }

    function test_ask_anythingButWhatWasPosted__refusesMarketWrongOpening() public {
        uint256 round = _withDelta(aggregator);
        Ask memory q = _question(round, Tree.Delta, 0, 5);
        q.roots.delta ^= bytes32(uint256(1));
        vm.expectPartialRevert(M.MarketWrongOpening.selector);
        market.ask(P, round, q);
        q = _question(round, Tree.Delta, 0, 5);
        q.included[0] ^= 1;
        vm.expectPartialRevert(M.MarketWrongOpening.selector);
        market.ask(P, round, q);
    }

    function test_ask_placesThatHonestTreesLack__refusesMarketNoSuchPlace() public {
        uint256 round = _withDelta(aggregator);
        _nowhere(round, Tree.Delta, 0, 977, 0);
        _nowhere(round, Tree.Delta, 0, 1 << FILE_DEPTH, 0);
        _nowhere(round, Tree.Delta, FILE_DEPTH, 1, 0);
        _nowhere(round, Tree.Delta, FILE_DEPTH + 1, 0, 0);
        _nowhere(round, Tree.Delta, type(uint256).max, 0, 0);
        _nowhere(round, Tree.Delta, 0, type(uint256).max, 0);
        _nowhere(round, Tree.Delta, 0, 5, 1); // a row where there are none
        _nowhere(round, Tree.Accounts, 0, SEATS, 0);
        _nowhere(round, Tree.Columns, 0, 0, 0); // ten seats need no columns
        _nowhere(round, Tree.Columns, 8, 0, 0);
        _nowhere(round, Tree.Sketches, 0, 4 << 6, 0); // seat 4 is not included
        _nowhere(round, Tree.Sketches, 0, 62, 0); // 62 segments
        _nowhere(round, Tree.Gram, 0, 4, 0);
        _nowhere(round, Tree.Steps, 0, 1, 0); // scalars have one leaf
        _nowhere(round, Tree.Update, 0, 0, 4);
        _nowhere(round, Tree.Update, 0, 0, SEATS);
        _nowhere(round, Tree.Update, 0, 977, 3);
        _nowhere(round, Tree.Update, 0, 0, 3 * SEATS + 4);
    }

    function _nowhere(uint256 round, Tree tree, uint256 level, uint256 index, uint256 row) private {
        Ask memory q = _question(round, tree, level, index);
        q.row = row;
        vm.expectRevert(abi.encodeWithSelector(M.MarketNoSuchPlace.selector, tree, level, index));
        market.ask(P, round, q);
    }

    function test_ask_theLastPlacesThatHonestTreesHave__isPossible() public {
        uint256 round = _withDelta(aggregator);
        _somewhere(round, Tree.Delta, 0, 976, 0, 2048 + 320);
        _somewhere(round, Tree.Model, 0, 976, 0, 4096 + 320);
        _somewhere(round, Tree.Delta, FILE_DEPTH, 0, 0, 256 * 32);
        _somewhere(round, Tree.Delta, FILE_DEPTH - 1, 1, 0, 256 * 32 + 32);
        _somewhere(round, Tree.Delta, 1, (1 << (FILE_DEPTH - 1)) - 1, 0, 2 * 32 + 9 * 32);
        _somewhere(round, Tree.Accounts, 0, SEATS - 1, 0, 40 + 4 * 32);
        _somewhere(round, Tree.Accounts, ACCOUNTS_DEPTH, 0, 0, 16 * 32);
        _somewhere(round, Tree.Sketches, 0, 3 << 6 | 61, 0, 1024 + 12 * 32);
        _somewhere(round, Tree.Sketches, SKETCH_DEPTH, 0, 0, 256 * 32);
        _somewhere(round, Tree.Gram, 0, 3 << 6 | 3, 0, 16 + 12 * 32);
        _somewhere(round, Tree.Steps, 0, 0, 0, 256 + 13 * 32); // 6 + 4 + 3
        _somewhere(round, Tree.Update, 0, 976, 3, 2048 + 320);
    }

    function _somewhere(uint256 round, Tree tree, uint256 level, uint256 index, uint256 row, uint256 size) private {
        Ask memory q = _question(round, tree, level, index);
        q.row = row;
        uint256 id = _ask(round, q, 1 ether);
        assertEq(market.askOf(id).answerBytes, size);
    }

    function test_ask_anUpdateFile__isAboutTheFileOfThatRow() public {
        uint256 first = _withDelta(aggregator);
        uint256 second = _toStanding(aggregator);
        uint256 round = _toStanding(aggregator);
        assertEq(_rootOfRow(round, 2, 0), _root(round, 2));
        assertEq(_rootOfRow(round, SEATS + 4 + 1, 0), _root(second, 1));
        assertEq(_rootOfRow(round, SEATS + 4 + SEATS + 1, 0), _root(first, 1));
        assertEq(_rootOfRow(round, SEATS + 1, 1), posts[second].roots.delta);
        assertEq(_rootOfRow(round, SEATS + 2, 2), posts[first].roots.delta);
    }

    function _rootOfRow(uint256 round, uint256 row, uint256 below) private returns (bytes32) {
        Ask memory q = _question(round, Tree.Update, 0, 0);
        (q.row, q.below) = (row, _below(round, below));
        return market.askOf(_ask(round, q, 1 ether)).root;
    }

    function test_ask_aDeltaRowWhoseResultIsNotOpened__refusesMarketBelowCount() public {
        _toStanding(aggregator);
        uint256 round = _toStanding(aggregator);
        Ask memory q = _question(round, Tree.Update, 0, 0);
        q.row = SEATS + 1;
        vm.expectRevert(abi.encodeWithSelector(M.MarketBelowCount.selector, 0, 1));
        market.ask(P, round, q);
        q.below = new Below[](2);
        q.below[0] = _below(round, 1)[0];
        vm.expectRevert(abi.encodeWithSelector(M.MarketBelowCount.selector, 2, 1));
        market.ask(P, round, q);
    }

    function test_ask_atTheCourtItself__refusesMarketCodeOnly() public {
        uint256 round = _withDelta(aggregator);
        ICourt court = ICourt(market.courtOf());
        Ask memory q = _question(round, Tree.Delta, 0, 5);
        vm.expectRevert(M.MarketCodeOnly.selector);
        court.ask(P, round, q);
        vm.expectRevert(M.MarketCodeOnly.selector);
        court.answer(1, "");
        vm.expectRevert(M.MarketCodeOnly.selector);
        court.convictSilent(1);
        vm.expectRevert(M.MarketCodeOnly.selector);
        court.settleAsk(1);
    }

    function test_ask_moreThanTheMarketMayHold__refusesMarketTooMuchHeld() public {
        uint256 round = _withDelta(aggregator);
        Ask memory q = _question(round, Tree.Delta, 0, 5);
        uint256 room = type(uint96).max - market.held(address(0));
        vm.deal(asker, room + 1);
        vm.expectRevert(
            abi.encodeWithSelector(M.MarketTooMuchHeld.selector, uint256(type(uint96).max) + 1, type(uint96).max)
        );
        vm.prank(asker);
        market.ask{value: room + 1}(P, round, q);
        vm.prank(asker);
        market.ask{value: room}(P, round, q);
    }

    // ----- answer -----

    function test_answer_aLeaf__earnsThePrice() public {
        uint256 round = _withDelta(aggregator);
        uint256 id = _askDelta(round);
        uint96 price = uint96(_price(LEAF_ANSWER));
        vm.expectEmit(address(market));
        emit M.Answered(P, round, id, rival, price, _leafAnswer());
        _answer(id, _leafAnswer());

        assertEq(market.creditOf(address(0), rival), price);
        assertEq(market.askOf(id).due, 0);
        assertEq(market.resultOf(P, round).openAsks, 0);
        assertTrue(market.resultOf(P, round).asked);
        _assertAsked();
    }

    function test_answer_aLeafOfSketches__takesThePostersAddressFromTheChain() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        bytes memory sums = new bytes(1024);
        sums[3] = 0x11;
        path = Paths.siblings(SKETCH_DEPTH, "sketches");
        uint256 index = 2 << 6 | 7;
        post.roots.sketches = Paths.climb(Paths.leaf(index, bytes.concat(bytes20(aggregator), sums)), index, path);
        _postWith(liar, round, post); // copied
        uint256 copy = _ask(round, _question(round, Tree.Sketches, 0, index), 1 ether);
        vm.expectPartialRevert(M.MarketWrongAnswer.selector);
        _answer(copy, _pack(sums, path));
        market.convict(P, round, watcher);
        vm.warp(block.timestamp + T1);
        _postWith(aggregator, round, post);
        uint256 id = _ask(round, _question(round, Tree.Sketches, 0, index), 1 ether);
        _answer(id, _pack(sums, path));
    }

    function test_answer_nodes__showsThoseEightLevelsBelow() public {
        bytes32[] memory nodes = Paths.siblings(256, "nodes");
        bytes32[] memory above = Paths.siblings(FILE_DEPTH - 9, "above");
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        post.roots.delta = Paths.climb(Paths.reduce(nodes), 1, above);
        _postWith(aggregator, round, post);
        uint256 id = _ask(round, _question(round, Tree.Delta, 9, 1), 1 ether);
        bytes memory data = _pack(abi.encodePacked(nodes), above);
        data[40] ^= 0x01;
        vm.expectPartialRevert(M.MarketWrongAnswer.selector);
        _answer(id, data);
        data[40] ^= 0x01;
        _answer(id, data);
    }

    function test_answer_nodesAboveTheLeaves__showsAllLeafHashesBelow() public {
        uint256 round = _withDelta(aggregator);
        bytes32[] memory hashes = _accountLeaves(round);
        uint256 root = _ask(round, _question(round, Tree.Accounts, 4, 0), 1 ether);
        _answer(root, abi.encodePacked(hashes));
        uint256 id = _ask(round, _question(round, Tree.Accounts, 2, 1), 1 ether);
        bytes32[] memory siblings = new bytes32[](2);
        siblings[0] = _above(hashes, 0);
        siblings[1] = Paths.node(_above(hashes, 8), _above(hashes, 12));
        _answer(id, abi.encodePacked(hashes[4], hashes[5], hashes[6], hashes[7], siblings));
    }

    function _accountLeaves(uint256 round) private view returns (bytes32[] memory hashes) {
        hashes = new bytes32[](16);
        for (uint256 seat; seat < SEATS; ++seat) {
            SeatAccount memory a = accountsOf[round][seat];
            hashes[seat] =
                Paths.leaf(seat, bytes.concat(bytes8(uint64(a.reputation)), bytes16(a.pay), bytes16(a.penalty)));
        }
    }

    function _above(bytes32[] memory hashes, uint256 from) private pure returns (bytes32) {
        return Paths.node(Paths.node(hashes[from], hashes[from + 1]), Paths.node(hashes[from + 2], hashes[from + 3]));
    }

    function test_answer_inTheLastSecondAndLater__countsUntilSomebodyConvicts() public {
        uint256 round = _withDelta(aggregator);
        uint256 due = block.timestamp + T_ANS;
        uint256 id = _askDelta(round);
        uint256 state = vm.snapshotState();
        for (uint256 at_ = due - 1; at_ <= due + 1; ++at_) {
            vm.warp(at_);
            _answer(id, _leafAnswer());
            vm.expectRevert(abi.encodeWithSelector(M.MarketAskClosed.selector, id));
            market.convictSilent(id);
            vm.revertToState(state);
        }
    }

    function test_answer_twice__refusesMarketAskClosed() public {
        uint256 id = _askDelta(_withDelta(aggregator));
        _answer(id, _leafAnswer());
        bytes memory data = _leafAnswer();
        vm.expectRevert(abi.encodeWithSelector(M.MarketAskClosed.selector, id));
        _answer(id, data);
        vm.expectRevert(abi.encodeWithSelector(M.MarketAskClosed.selector, 99));
        _answer(99, data);
        vm.expectRevert(abi.encodeWithSelector(M.MarketAskClosed.selector, 0));
        _answer(0, data);
    }

    function test_answer_anotherLength__refusesMarketAnswerLength() public {
        uint256 id = _askDelta(_withDelta(aggregator));
        bytes memory data = bytes.concat(_leafAnswer(), hex"00");
        vm.expectRevert(abi.encodeWithSelector(M.MarketAnswerLength.selector, LEAF_ANSWER + 1, LEAF_ANSWER));
        _answer(id, data);
        assembly {
            mstore(data, sub(mload(data), 2))
        }
        vm.expectRevert(abi.encodeWithSelector(M.MarketAnswerLength.selector, LEAF_ANSWER - 1, LEAF_ANSWER));
        _answer(id, data);
        vm.expectRevert(abi.encodeWithSelector(M.MarketAnswerLength.selector, 0, LEAF_ANSWER));
        _answer(id, "");
    }

    function testFuzz_answer_anyByteChanged__refusesMarketWrongAnswer(uint256 at_, bytes1 change) public {
        vm.assume(change != 0);
        uint256 id = _askDelta(_withDelta(aggregator));
        bytes memory data = _leafAnswer();
        data[at_ % data.length] ^= change;
        vm.expectPartialRevert(M.MarketWrongAnswer.selector);
        _answer(id, data);
    }

    function test_answer_aReplacedResult__refusesMarketResultGone() public {
        uint256 round = _toProposed(liar);
        uint256 id = _ask(round, _question(round, Tree.Accounts, 0, 0), 1 ether);
        _post(rival, round);
        assertFalse(market.askOf(id).counts);
        vm.expectRevert(abi.encodeWithSelector(M.MarketResultGone.selector, id));
        _answer(id, "");
    }

    // ----- convictSilent -----

    function test_convictSilent_afterTheTimeToAnswer__paysTheAsker() public {
        uint256 round = _withDelta(liar);
        uint256 id = _askDelta(round);
        uint96 price = uint96(_price(LEAF_ANSWER));
        uint256 credit = market.creditOf(address(0), asker);
        vm.warp(block.timestamp + T_ANS);
        vm.expectEmit(address(market));
        emit M.AskSettled(P, round, id, asker, price);
        vm.expectEmit(address(market));
        emit M.ResultConvicted(P, round, liar, asker, BOND / 3, BOND / 3, BOND / 3);
        vm.prank(anyone);
        market.convictSilent(id);

        assertEq(market.creditOf(address(0), asker) - credit, price + BOND / 3);
        assertEq(uint8(_phase(round)), uint8(Phase.Aggregate));
        _assertAsked();
    }

    function test_convictSilent_aroundTheTimeToAnswer__refusesMarketTooEarlyBefore() public {
        uint256 round = _withDelta(liar);
        uint256 due = block.timestamp + T_ANS;
        uint256 id = _askDelta(round);
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(M.MarketTooEarly.selector, due - 1, due));
        market.convictSilent(id);
        uint256 state = vm.snapshotState();
        for (uint256 at_ = due; at_ <= due + 1; ++at_) {
            vm.warp(at_);
            market.convictSilent(id);
            vm.revertToState(state);
        }
    }

    function test_convictSilent_anAnsweredAsk__refusesMarketAskClosed() public {
        uint256 id = _askDelta(_withDelta(aggregator));
        _answer(id, _leafAnswer());
        vm.warp(block.timestamp + T_ANS);
        vm.expectRevert(abi.encodeWithSelector(M.MarketAskClosed.selector, id));
        market.convictSilent(id);
    }

    function test_convictSilent_anAskAboutAReplacedResult__refusesMarketResultGone() public {
        uint256 round = _toProposed(aggregator);
        uint256 id = _ask(round, _question(round, Tree.Accounts, 0, 0), 1 ether);
        _post(rival, round);
        vm.warp(block.timestamp + T_ANS);
        vm.expectRevert(abi.encodeWithSelector(M.MarketResultGone.selector, id));
        market.convictSilent(id);
    }

    /// A result that was gone for a while must not answer for the time in which nobody could: the same commitment, posted
    /// again, is another posting.
    function test_convictSilent_theSameResultPostedAgain__refusesMarketResultGone() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _draft(round);
        post.included[0] &= ~(uint256(1) << (EXPECTED - 1));
        _postWith(aggregator, round, post);
        bytes32 commitment = market.resultOf(P, round).commitment;
        uint256 id = _ask(round, _question(round, Tree.Accounts, 0, 0), 1 ether);
        vm.warp(block.timestamp + 10);
        _post(liar, round); // replaced by a complete one, which is a lie
        vm.warp(block.timestamp + T_ANS);
        market.convict(P, round, watcher);
        vm.warp(block.timestamp + T1);
        _postWith(aggregator, round, post);
        assertEq(market.resultOf(P, round).commitment, commitment, "the same result");
        assertFalse(market.askOf(id).counts);
        assertFalse(market.resultOf(P, round).asked);
        vm.expectRevert(abi.encodeWithSelector(M.MarketResultGone.selector, id));
        market.convictSilent(id);
        market.settleAsk(id);
        assertEq(market.aggregatorOf(P, aggregator).bond, BOND);
        _assertAsked();
    }

    function test_convictSilent_anotherResultOfAConvictedPoster__refusesMarketBanned() public {
        uint256 lower = _withDelta(liar);
        uint256 id = _askDelta(lower);
        uint256 upper = _toStanding(liar);
        market.convict(P, upper, watcher);
        vm.warp(block.timestamp + T_ANS);
        vm.expectRevert(abi.encodeWithSelector(M.MarketBanned.selector, liar));
        market.convictSilent(id);
        market.clear(P, lower);
        market.settleAsk(id);
        _assertAsked();
    }

    // ----- settleAsk -----

    function test_settleAsk_afterAConviction__givesThePriceBack() public {
        uint256 round = _withDelta(liar);
        uint256 id = _askDelta(round);
        uint256 credit = market.creditOf(address(0), asker);
        uint96 price = uint96(_price(LEAF_ANSWER));
        market.convict(P, round, watcher);
        vm.expectEmit(address(market));
        emit M.AskSettled(P, round, id, asker, price);
        market.settleAsk(id);
        assertEq(market.creditOf(address(0), asker) - credit, price);
        vm.expectRevert(abi.encodeWithSelector(M.MarketAskClosed.selector, id));
        market.settleAsk(id);
        _assertAsked();
    }

    function test_settleAsk_aResultAboveOneThatFell__givesThePriceBack() public {
        uint256 lower = _toStanding(liar);
        uint256 upper = _withDelta(rival);
        uint256 id = _askDelta(upper);
        vm.expectRevert(abi.encodeWithSelector(M.MarketResultCounts.selector, id));
        market.settleAsk(id);
        market.convict(P, lower, watcher);
        market.settleAsk(id);
        _assertAsked();
    }

    function test_settleAsk_aResultThatCounts__refusesMarketResultCounts() public {
        uint256 id = _askDelta(_withDelta(aggregator));
        vm.expectRevert(abi.encodeWithSelector(M.MarketResultCounts.selector, id));
        market.settleAsk(id);
        vm.warp(block.timestamp + W);
        vm.expectRevert(abi.encodeWithSelector(M.MarketResultCounts.selector, id));
        market.settleAsk(id);
    }

    function test_settleAsk_noSuchAsk__refusesMarketAskClosed() public {
        vm.expectRevert(abi.encodeWithSelector(M.MarketAskClosed.selector, 1));
        market.settleAsk(1);
    }

    // ----- finalise -----

    function test_finalise_anAnsweredAsk__waitsForARefutationOfWhatItShowed() public {
        uint256 round = _withDelta(aggregator);
        uint256 due = block.timestamp + W + T_ANS + T_REF;
        _answer(_askDelta(round), _leafAnswer());
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(M.MarketTooEarly.selector, due - 1, due));
        market.finalise(P, round);
        uint256 state = vm.snapshotState();
        for (uint256 at_ = due; at_ <= due + 1; ++at_) {
            vm.warp(at_);
            market.finalise(P, round);
            vm.revertToState(state);
        }
    }

    function test_finalise_anOpenAsk__refusesMarketAsksOpen() public {
        uint256 round = _withDelta(aggregator);
        uint256 due = block.timestamp + W + T_ANS + T_REF;
        vm.warp(block.timestamp + W - 1);
        uint256 first = _askDelta(round);
        uint256 second = _askDelta(round);
        vm.warp(due);
        vm.expectRevert(abi.encodeWithSelector(M.MarketAsksOpen.selector, 2));
        market.finalise(P, round);
        _answer(first, _leafAnswer());
        vm.expectRevert(abi.encodeWithSelector(M.MarketAsksOpen.selector, 1));
        market.finalise(P, round);
        _answer(second, _leafAnswer());
        market.finalise(P, round);
        _assertAsked();
    }

    function test_finalise_anAskAboutTheResultBefore__doesNotDelay() public {
        uint256 round = _toProposed(liar);
        uint256 id = _ask(round, _question(round, Tree.Accounts, 0, 0), 1 ether);
        _post(rival, round);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
        market.settleAsk(id);
        _assertAsked();
    }
}
