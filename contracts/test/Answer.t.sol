// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Tree} from "../src/checks/IChecks.sol";
import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Account as SeatAccount, Phase, Post} from "../src/types.sol";
import {AskingTest} from "./utils/AskingTest.sol";
import {Paths} from "./utils/Paths.sol";

/// What answers a question, what silence does, and what becomes of prices and of FINAL.
contract AnswerTest is AskingTest {
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
        assertEq(market.resultOf(P, round).paid, 0, "nothing is left of the result");
        assertEq(market.resultOf(P, round).rowCount, 0);
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
