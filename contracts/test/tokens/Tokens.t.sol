// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

import {IMarket, IMarketFacts, IRegistry} from "../../src/interfaces/IMarket.sol";
import {Params} from "../../src/types.sol";
import {MarketTest} from "../utils/MarketTest.sol";
import {
    Blocks,
    CallsBack,
    GivesMore,
    MovesNothing,
    Plain,
    Rebases,
    ReturnsFalse,
    ReturnsNothing,
    RevertsOnZero,
    SixDecimals,
    TakesFee
} from "./Mocks.sol";

/// A project's token is its owner's choice. The ordinary work, whatever they return; the odd are refused where money
/// enters, or harm nobody but their own projects.
contract TokensTest is MarketTest {
    /// Each test makes its own project, with its own token.
    function _start() internal override {}

    function _project(address token_) internal {
        token = token_;
        _create(_params());
    }

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

    /// A whole life: funds, stakes, bonds, a FINAL round, pay, departures, refund, withdrawals. Nothing stays.
    function _live() internal {
        super._start();
        uint256 round = _toFinal();
        _assertEquation();
        _claim(round, 0);
        vm.prank(owner);
        market.stop(P);
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _leave(seat);
        }
        market.refund(P);
        address[3] memory bonded = [aggregator, rival, liar];
        for (uint256 i; i < 3; ++i) {
            vm.prank(bonded[i]);
            market.removeBond(P, BOND);
        }
        _assertEquation();
        address[] memory all = _everybody();
        for (uint256 i; i < all.length; ++i) {
            if (market.creditOf(token, all[i]) == 0) continue;
            vm.prank(all[i]);
            market.withdraw(token, all[i]);
        }
        assertEq(market.held(token), market.projectOf(P).bucket, "only what rounding left of pay stays");
        assertEq(_balance(aggregator), BOND + FEE);
        assertEq(_balance(_payout(0)), STAKE + (POT - FEE) / 2 / EXPECTED);
        assertEq(_balance(owner), FUNDS - FEE - (POT - FEE) / 2);
    }

    /// Owner, trainer and aggregator each try to bring money in; nothing of it is booked.
    function _nobodyGetsIn(bytes memory error_) internal {
        _ready(owner, POT);
        vm.expectRevert(error_);
        market.fund(P, POT);
        _ready(_trainer(0), POT);
        vm.expectRevert(error_);
        market.register(P, 0, _payout(0), POT, new bytes32[](0));
        _ready(aggregator, POT);
        vm.expectRevert(error_);
        market.addBond(P, POT);
        assertEq(market.held(token), 0);
        assertEq(market.projectOf(P).escrow, 0);
        assertEq(market.seatOf(P, 0).signer, address(0));
        assertEq(market.aggregatorOf(P, aggregator).bond, 0);
    }

    function _wrongDelta(uint256 received) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IMarketFacts.MarketWrongTokenDelta.selector, received, POT);
    }

    // ----- works -----

    function test_life_plainToken__emptiesTheMarket() public {
        token = address(new Plain());
        _live();
    }

    function test_life_noReturnValue__emptiesTheMarket() public {
        token = address(new ReturnsNothing());
        _live();
    }

    function test_life_sixDecimals__emptiesTheMarket() public {
        token = address(new SixDecimals());
        assertEq(SixDecimals(token).decimals(), 6);
        _live();
    }

    /// The market never moves nothing: 0 is refused where money enters, and who has no credit cannot withdraw.
    function test_life_revertsOnZero__emptiesTheMarket() public {
        token = address(new RevertsOnZero());
        _live();
    }

    // ----- refused where money enters (I-41) -----

    function test_pull_feeOnTransfer__wrongTokenDelta() public {
        _project(address(new TakesFee()));
        _nobodyGetsIn(_wrongDelta(POT - POT / 100));
    }

    function test_pull_givesMore__wrongTokenDelta() public {
        _project(address(new GivesMore()));
        _nobodyGetsIn(_wrongDelta(POT + 1));
    }

    function test_pull_movesNothing__wrongTokenDelta() public {
        _project(address(new MovesNothing()));
        _nobodyGetsIn(_wrongDelta(0));
    }

    function test_pull_returnsFalse__safeERC20FailedOperation() public {
        _project(address(new ReturnsFalse()));
        ReturnsFalse(token).refuse(true);
        _nobodyGetsIn(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token));
    }

    function test_pull_paused__itsOwnError() public {
        _project(address(new Blocks()));
        Blocks(token).pause(true);
        vm.prank(owner); // minting is a transfer too, so that the allowance alone is set
        Plain(token).approve(address(market), POT);
        vm.prank(owner);
        vm.expectRevert(Blocks.Paused.selector);
        market.fund(P, POT);
    }

    function test_pull_coinSentWithAToken__wrongValue() public {
        _project(address(new Plain()));
        _ready(owner, POT);
        vm.deal(owner, 1);
        vm.expectRevert(abi.encodeWithSelector(IMarketFacts.MarketWrongValue.selector, 1, 0));
        market.fund{value: 1}(P, POT);
    }

    function test_pull_zero__zeroAmount() public {
        _project(address(new Plain()));
        vm.prank(owner);
        vm.expectRevert(IMarketFacts.MarketZeroAmount.selector);
        market.fund(P, 0);
    }

    function test_pull_tokenBeyondTheMost__tooMuchHeld() public {
        _project(address(new Plain()));
        uint96 most = type(uint96).max;
        _fund(most - 1);
        _ready(owner, 2);
        vm.expectRevert(abi.encodeWithSelector(IMarketFacts.MarketTooMuchHeld.selector, uint256(most) + 1, most));
        market.fund(P, 2);
        _fund(1);
        assertEq(market.held(token), most);
    }

    function test_create_tokenWithoutCode__tokenWithoutCode() public {
        token = makeAddr("no code");
        Params memory p = _params();
        vm.expectRevert(abi.encodeWithSelector(IMarketFacts.MarketTokenWithoutCode.selector, token));
        market.create(p, _content());
    }

    // ----- odd where money leaves: only that withdrawal fails (I-42) -----

    function test_withdraw_returnsFalse__failsAloneAndKeepsTheCredit() public {
        token = address(new ReturnsFalse());
        super._start();
        _toFinal();
        ReturnsFalse(token).refuse(true);
        vm.prank(aggregator);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token));
        market.withdraw(token, aggregator);
        assertEq(market.creditOf(token, aggregator), FEE);

        ReturnsFalse(token).refuse(false);
        vm.prank(aggregator);
        market.withdraw(token, aggregator);
        assertEq(_balance(aggregator), FEE);
    }

    function test_withdraw_blockedPayee__othersGoOnAndItMayNameAnotherReceiver() public {
        token = address(new Blocks());
        super._start();
        Blocks(token).block_(_payout(0), true);
        Blocks(token).block_(_trainer(0), true); // has its seat already and needs no transfer any more
        uint256 round = _toFinal();
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _claim(round, seat);
        }
        uint256 pay = market.creditOf(token, _payout(0));

        vm.prank(_payout(0));
        vm.expectRevert(abi.encodeWithSelector(Blocks.Blocked.selector, _payout(0)));
        market.withdraw(token, _payout(0));
        vm.prank(_payout(1));
        market.withdraw(token, _payout(1));
        assertEq(_balance(_payout(1)), pay);
        vm.prank(_payout(0));
        market.withdraw(token, watcher);
        assertEq(_balance(watcher), pay);
        _assertEquation();
    }

    function test_rounds_tokenPaused__goOnAndPayLater() public {
        token = address(new Blocks());
        super._start();
        Blocks(token).pause(true);
        uint256 round = _toFinal(); // no step of a round moves tokens
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _claim(round, seat);
            _leave(seat);
        }
        vm.prank(_payout(0));
        vm.expectRevert(Blocks.Paused.selector);
        market.withdraw(token, _payout(0));
        _assertEquation();

        Blocks(token).pause(false);
        vm.prank(_payout(0));
        market.withdraw(token, _payout(0));
        assertEq(_balance(_payout(0)), STAKE + (POT - FEE) / 2 / EXPECTED);
    }

    function test_market_blockedItself__nothingElseStops() public {
        token = address(new Blocks());
        super._start();
        Blocks(token).block_(address(market), true);
        uint256 round = _toFinal();
        _claim(round, 0);
        vm.prank(aggregator);
        vm.expectRevert(abi.encodeWithSelector(Blocks.Blocked.selector, address(market)));
        market.withdraw(token, aggregator);
        assertEq(market.creditOf(token, aggregator), FEE);
    }

    // ----- balances that change by themselves: not supported, and what that means -----

    /// Documented: after a fall the last to withdraw find nothing; what is booked does not change, and no other token's
    /// projects notice.
    function test_rebase_down__lastWithdrawalsFailUntilMadeGood() public {
        token = address(new Rebases());
        super._start();
        uint256 round = _toFinal();
        _claim(round, 0);
        uint256 held = market.held(token);
        Rebases(token).rebase(address(market), FEE - 1);
        assertEq(market.held(token), held, "nothing booked changes");

        vm.prank(aggregator);
        vm.expectRevert();
        market.withdraw(token, aggregator);
        assertEq(market.creditOf(token, aggregator), FEE, "the claim stays");
        Plain(token).mint(address(market), 1);
        vm.prank(aggregator);
        market.withdraw(token, aggregator);
        assertEq(_balance(aggregator), FEE);
    }

    /// Documented: what a rise adds belongs to nobody and stays.
    function test_rebase_up__surplusBelongsToNobody() public {
        token = address(new Rebases());
        super._start();
        uint256 held = market.held(token);
        Rebases(token).rebase(address(market), 2 * held);
        assertEq(market.held(token), held);
        assertEq(_liabilities(_everybody()), held);
        vm.prank(owner);
        vm.expectRevert(IMarketFacts.MarketNothingDue.selector);
        market.withdraw(token, owner);
    }

    /// A token that rises while it comes in is refused like one that takes a fee.
    function test_pull_afterARise__countsOnlyWhatCame() public {
        _project(address(new Rebases()));
        _fund(POT);
        Rebases(token).rebase(address(market), 3 * uint256(POT));
        _fund(POT);
        assertEq(market.held(token), 2 * uint256(POT));
        assertEq(market.projectOf(P).escrow, 2 * uint256(POT));
    }

    // ----- callbacks (I-40) -----

    function _callback(bytes memory data) internal returns (CallsBack) {
        CallsBack(token).plan(address(market), data);
        return CallsBack(token);
    }

    function _expectShutOut(CallsBack mock) internal view {
        assertTrue(mock.tried(), "it has called");
        assertFalse(mock.done(), "and was not let in");
        assertEq(bytes4(mock.answer()), ReentrancyGuard.ReentrancyGuardReentrantCall.selector);
    }

    /// Whatever moves tokens is shut while a token is being moved, in either direction.
    function test_callback_whileMoneyEnters__everyDoorIsShut() public {
        token = address(new CallsBack());
        super._start();
        bytes[6] memory doors = [
            abi.encodeCall(IMarket.fund, (P, 1)),
            abi.encodeCall(IMarket.addBond, (P, 1)),
            abi.encodeCall(IRegistry.register, (P, 9, watcher, STAKE, new bytes32[](0))),
            abi.encodeCall(IRegistry.addStake, (P, 0, 1)),
            abi.encodeCall(IMarket.withdraw, (token, watcher)),
            abi.encodeCall(IMarket.burn, (token))
        ];
        for (uint256 i; i < doors.length; ++i) {
            uint256 held = market.held(token);
            Plain(token).mint(owner, POT);
            vm.prank(owner);
            Plain(token).approve(address(market), POT);
            CallsBack mock = _callback(doors[i]);
            vm.prank(owner);
            market.fund(P, POT);
            _expectShutOut(mock);
            mock.plan(address(0), "");
            assertEq(market.held(token), held + POT, "entered once");
            _assertEquation();
        }
    }

    function test_callback_whileMoneyLeaves__everyDoorIsShut() public {
        token = address(new CallsBack());
        super._start();
        _toFinal();
        CallsBack mock = _callback(abi.encodeCall(IMarket.withdraw, (token, aggregator)));
        vm.prank(aggregator);
        market.withdraw(token, aggregator);
        _expectShutOut(mock);
        assertEq(_balance(aggregator), FEE);
        mock.plan(address(0), "");
        _assertEquation();
    }

    /// Views read within a callback never count money that is not there.
    function test_callback_views__neverMoreThanSolvent() public {
        token = address(new CallsBack());
        super._start();
        _toFinal();
        _callback(abi.encodeCall(this.assertSolvent, ()));
        CallsBack(token).plan(address(this), abi.encodeCall(this.assertSolvent, ()));
        vm.prank(aggregator);
        market.withdraw(token, aggregator);
        assertTrue(CallsBack(token).done(), "solvent while money leaves");
        Plain(token).mint(owner, POT);
        CallsBack(token).plan(address(0), "");
        vm.prank(owner);
        Plain(token).approve(address(market), POT);
        CallsBack(token).plan(address(this), abi.encodeCall(this.assertSolvent, ()));
        vm.prank(owner);
        market.fund(P, POT);
        assertTrue(CallsBack(token).done(), "solvent while money enters");
    }

    /// Calls that move no token may run within a callback: they are whole calls of their own, and cannot pass for
    /// what the outer call does.
    function test_callback_openWithinFund__isACallOfItsOwn() public {
        token = address(new CallsBack());
        super._start();
        Plain(token).mint(owner, POT);
        vm.prank(owner);
        Plain(token).approve(address(market), POT);
        _callback(abi.encodeCall(IMarket.open, (P)));
        vm.prank(owner);
        market.fund(P, POT);
        assertTrue(CallsBack(token).done());
        CallsBack(token).plan(address(0), "");
        assertEq(market.projectOf(P).head, 1);
        assertEq(market.projectOf(P).escrow, FUNDS, "one pot entered, one was reserved");
        _assertEquation();
    }

    function assertSolvent() external view {
        assertLe(market.held(token), _balance(address(market)));
        assertLe(_liabilities(_everybody()), _balance(address(market)));
    }
}
