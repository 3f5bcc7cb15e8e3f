// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Tree} from "../src/checks/IChecks.sol";
import {ICourt, IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Ask, AskView, Below, Phase} from "../src/types.sol";
import {AskingTest} from "./utils/AskingTest.sol";

/// What may be asked of a poster, until when, and what it costs.
contract AskTest is AskingTest {
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
        assertEq(a.project, P);
        assertEq(a.round, round);
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
        _somewhere(round, Tree.Steps, 0, 0, 0, 256 + 16 * 32); // 6 + 4 + 6
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
}
