// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../../src/interfaces/IMarket.sol";
import {Bitmaps} from "../../src/libraries/Bitmaps.sol";
import {Limits, Post} from "../../src/types.sol";
import {Creation} from "../utils/Creation.sol";
import {MarketTest} from "../utils/MarketTest.sol";

interface ICourtChecks {
    function checks() external view returns (address tree, address rule, address pay);
    function refute(uint256, uint256, bytes calldata) external;
}

/// Lines that no other test reaches, found by `forge coverage`: limits of a market at -1, 0 and +1, full words, views.
contract CornersTest is MarketTest {
    // ----- what a market may be made with -----

    function _attempt(Limits memory limits) private returns (address made, bytes memory said) {
        bytes memory code = vm.getCode("MarketHarness.sol:MarketHarness");
        return Creation.attempt(code, abi.encode(limits, market.courtOf()));
    }

    function _make(Limits memory limits) private returns (address made) {
        (made,) = _attempt(limits);
    }

    function _refuses(Limits memory limits, uint256 value, uint256 most) private {
        (address made, bytes memory said) = _attempt(limits);
        assertEq(made, address(0), "made");
        assertEq(said, abi.encodeWithSelector(M.MarketLimitOutOfRange.selector, value, most));
    }

    function test_constructor_seats__oneToOneThousandTwentyFour() public {
        Limits memory limits = _limits();
        limits.maxSeats = 0;
        _refuses(limits, 0, 1024);
        limits.maxSeats = 1;
        assertTrue(_make(limits) != address(0));
        limits.maxSeats = 1024;
        assertTrue(_make(limits) != address(0));
        limits.maxSeats = 1025;
        _refuses(limits, 1025, 1024);
    }

    function test_constructor_coefficients__oneToTwoToTheThirtieth() public {
        Limits memory limits = _limits();
        limits.maxCoefficients = 0;
        _refuses(limits, 0, 1 << 30);
        limits.maxCoefficients = 1;
        assertTrue(_make(limits) != address(0));
        limits.maxCoefficients = (1 << 30) + 1;
        _refuses(limits, (1 << 30) + 1, 1 << 30);
    }

    function test_constructor_openRounds__atLeastOne() public {
        Limits memory limits = _limits();
        limits.maxOpenRounds = 0;
        _refuses(limits, 0, 255);
        limits.maxOpenRounds = 1;
        assertTrue(_make(limits) != address(0));
    }

    function test_constructor_fee__upToTheWholePot() public {
        Limits memory limits = _limits();
        limits.maxFeeBps = 10_000;
        assertTrue(_make(limits) != address(0));
        limits.maxFeeBps = 10_001;
        _refuses(limits, 10_001, 10_000);
    }

    // ----- first right: found by a mutant that survived -----

    /// The last poster goes first while its bond covers one result more, to the unit.
    function test_post_bondOfTheFirstIsJustEnough__othersWait() public {
        _toStanding(aggregator);
        vm.prank(aggregator);
        market.removeBond(P, BOND - 2 * LOCK);
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        uint256 until = market.roundOf(P, round).revealEnd + T1;
        Post memory post = _prepare(rival, round, _draft(round));
        vm.expectRevert(abi.encodeWithSelector(M.MarketFirstRight.selector, aggregator, until));
        vm.prank(rival);
        market.post(P, round, post);
    }

    function test_post_bondOfTheFirstIsOneShort__othersMayPost() public {
        _toStanding(aggregator);
        vm.prank(aggregator);
        market.removeBond(P, BOND - 2 * LOCK + 1);
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        assertLt(block.timestamp, market.roundOf(P, round).revealEnd + T1);
        _postWith(rival, round, _draft(round));
        assertEq(market.resultOf(P, round).poster, rival);
    }

    // ----- views that clients compare before they do anything -----

    function test_limits__asDeployed() public view {
        assertEq(abi.encode(market.limits()), abi.encode(_limits()));
    }

    function test_checks__theThreeOfTheConstructor() public view {
        (address tree, address rule, address pay) = ICourtChecks(market.courtOf()).checks();
        assertTrue(tree.code.length != 0 && rule.code.length != 0 && pay.code.length != 0);
        assertTrue(tree != rule && rule != pay && pay != tree);
    }

    // ----- bitmaps -----

    function test_popcount_fullWord__256() public pure {
        assertEq(Bitmaps.popcount(type(uint256).max), 256);
        assertEq(Bitmaps.popcount(type(uint256).max - 1), 255);
        assertEq(Bitmaps.popcount(type(uint256).max >> 1), 255);
    }

    function testFuzz_popcount__countsOneByOne(uint256 word) public pure {
        uint256 count;
        for (uint256 rest = word; rest != 0; rest &= rest - 1) {
            ++count;
        }
        assertEq(Bitmaps.popcount(word), count);
    }

    /// Seats 0 .. 511 fill two words exactly: no bit is beyond the last seat.
    function countOf(uint256[] calldata words, uint256 seats_) external pure returns (uint256) {
        return Bitmaps.countSeats(words, 0, seats_);
    }

    function test_countSeats_lastSeatOfAWord__countsAndRefusesTheNext() public {
        uint256[] memory words = new uint256[](2);
        (words[0], words[1]) = (type(uint256).max, type(uint256).max);
        assertEq(this.countOf(words, 512), 512);
        words[1] = 1 << 254;
        assertEq(this.countOf(words, 511), 257);
        words[1] = 1 << 255;
        vm.expectRevert(abi.encodeWithSelector(M.MarketBitmapRange.selector, words[1], 255));
        this.countOf(words, 511);
    }
}
