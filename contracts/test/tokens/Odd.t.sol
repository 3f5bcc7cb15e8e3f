// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {Tree} from "../../src/checks/IChecks.sol";
import {IMarketFacts} from "../../src/interfaces/IMarket.sol";
import {Ask, Phase, Post} from "../../src/types.sol";
import {IMarketHarness} from "../utils/Actors.sol";
import {MarketTest} from "../utils/MarketTest.sol";
import {Blocks, CallsBack, Doubled, ManyDecimals, MovesAndReturnsFalse, Plain, TakesFeeLater} from "./Mocks.sol";

/// More of the odd: decimals at the limit, tokens that change, tokens with two addresses; and convictions and asks in projects
/// that pay in tokens, since bonds are tokens there and prices of asks are coins.
contract OddTokensTest is MarketTest {
    function _start() internal override {}

    function _ready(address from, uint256 amount) internal override returns (uint256) {
        Plain(token).mint(from, amount);
        vm.prank(from);
        Plain(token).approve(address(market), amount);
        vm.prank(from);
        return 0;
    }

    function _balance(address account) internal view override returns (uint256) {
        return Plain(token).balanceOf(account);
    }

    function _with(address token_) internal {
        token = token_;
        super._start();
    }

    function _take(address account) internal returns (uint256 credit) {
        credit = market.creditOf(token, account);
        vm.prank(account);
        market.withdraw(token, account);
    }

    // ----- decimals -----

    function test_decimals_eighteenAndTwentyFour__theSameUnits() public {
        assertEq(new Plain().decimals(), 18);
        _with(address(new ManyDecimals()));
        _claim(_toFinal(), 0);
        assertEq(_take(_payout(0)), (POT - FEE) / 2 / EXPECTED, "smallest units, whatever a coin is called");
        _assertEquation();
    }

    // ----- what a token says and does -----

    function test_pull_movesAndReturnsFalse__refusedAndUndone() public {
        token = address(new MovesAndReturnsFalse());
        _create(_params());
        _ready(owner, POT);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token));
        market.fund(P, POT);
        assertEq(_balance(address(market)), 0, "what it moved was undone");
        assertEq(_balance(owner), POT);
        assertEq(market.held(token), 0);
    }

    /// The receiver bears the fee, deposits stop, and the books stay exact.
    function test_feeTurnedOnLater__payeeGetsLessAndNobodyElseLoses() public {
        _with(address(new TakesFeeLater()));
        uint256 round = _toFinal();
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _claim(round, seat);
        }
        TakesFeeLater(token).setFee(1);
        uint256 pay = _take(_payout(0));
        assertEq(_balance(_payout(0)), pay - pay / 100);
        _assertEquation();
        _ready(owner, POT);
        vm.expectRevert(
            abi.encodeWithSelector(IMarketFacts.MarketWrongTokenDelta.selector, uint256(POT) - POT / 100, uint256(POT))
        );
        market.fund(P, POT);
        TakesFeeLater(token).setFee(0);
        assertEq(_take(_payout(1)), pay, "the others get all of theirs");
        _assertEquation();
    }

    /// Two addresses, one balance: the books are kept apart, and both can be paid in full.
    function test_twoAddresses_oneBalance__bothAreSolvent() public {
        Doubled doubled = new Doubled();
        _with(address(doubled));
        uint256 first = market.held(token);
        address door = address(doubled.door());
        vm.deal(owner, 1);
        token = door;
        assertEq(_create(_params()), P + 1);
        _ready(owner, POT);
        market.fund(P + 1, POT);
        assertEq(market.held(address(doubled)), first);
        assertEq(market.held(door), POT);
        assertEq(doubled.balanceOf(address(market)), first + POT);

        vm.prank(owner);
        market.stop(P + 1);
        market.refund(P + 1);
        assertEq(_take(owner), POT);
        assertEq(doubled.balanceOf(address(market)), first, "nothing of the other project's");
    }

    // ----- convictions and asks where bonds are tokens -----

    /// Who may not receive the token convicts all the same.
    function test_convict_blockedRefuter__conviction_goesThroughAndTheThirdWaits() public {
        _with(address(new Blocks()));
        uint256 round = _toStanding(liar);
        Blocks(token).block_(watcher, true);
        Blocks(token).block_(liar, true);
        market.convict(P, round, watcher);
        assertTrue(market.aggregatorOf(P, liar).banned);
        assertEq(market.creditOf(token, watcher), BOND / 3);
        _assertEquation();
        vm.prank(watcher);
        vm.expectRevert(abi.encodeWithSelector(Blocks.Blocked.selector, watcher));
        market.withdraw(token, watcher);
        vm.prank(watcher);
        market.withdraw(token, anyone);
        assertEq(_balance(anyone), BOND / 3);
    }

    function test_convict_pausedToken__conviction_goesThrough() public {
        _with(address(new Blocks()));
        uint256 round = _toStanding(liar);
        Blocks(token).pause(true);
        market.convict(P, round, watcher);
        assertEq(uint8(_phase(round)), uint8(Phase.Aggregate));
        _assertEquation();
    }

    /// A conviction within a deposit is a call of its own: both are booked, neither twice.
    function test_callback_convictWithinFund__bothAreBookedOnce() public {
        _with(address(new CallsBack()));
        uint256 round = _toStanding(liar);
        uint256 escrow = market.projectOf(P).escrow;
        Plain(token).mint(owner, POT);
        vm.prank(owner);
        Plain(token).approve(address(market), POT);
        CallsBack(token).plan(address(market), abi.encodeCall(IMarketHarness.convict, (P, round, watcher)));
        vm.prank(owner);
        market.fund(P, POT);
        assertTrue(CallsBack(token).done());
        CallsBack(token).plan(address(0), "");
        assertEq(market.projectOf(P).escrow, escrow + POT + (BOND - 2 * (BOND / 3)));
        assertEq(market.creditOf(token, watcher), BOND / 3);
        assertEq(market.aggregatorOf(P, liar).bond, 0);
        _assertEquation();
    }

    /// An ask is paid in coin whatever the project pays in; the token's books do not notice.
    function test_ask_inATokenProject__pricedInCoin() public {
        _with(address(new Plain()));
        uint256 round = _toStanding(aggregator);
        uint256 tokens = market.held(token);
        Post storage post = posts[round];
        Ask memory q;
        (q.tree, q.level, q.index) = (Tree.Delta, 0, 5);
        (q.included, q.rows, q.roots) = (post.included, post.rows, post.roots);
        vm.deal(watcher, 1 ether);
        vm.prank(watcher);
        uint256 id = market.ask{value: 1 ether}(P, round, q);
        uint256 price = market.askOf(id).price;
        assertGt(price, 0);
        assertEq(market.held(token), tokens);
        assertEq(market.held(address(0)), 1 ether);
        assertEq(market.creditOf(address(0), watcher), 1 ether - price);

        vm.warp(block.timestamp + T_ANS);
        market.convictSilent(id);
        assertEq(market.creditOf(address(0), watcher), 1 ether, "the price comes back in coin");
        assertEq(market.creditOf(token, watcher), BOND / 3, "the third of the bond in tokens");
        _assertEquation();
    }
}
