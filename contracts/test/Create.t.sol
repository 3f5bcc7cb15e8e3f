// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Content, Limits, Params, Phase, ResultView} from "../src/types.sol";
import {Creation} from "./utils/Creation.sol";
import {MarketTest} from "./utils/MarketTest.sol";

contract CreateTest is MarketTest {
    Params internal params;

    function setUp() public override {
        super.setUp();
        params = _params();
    }

    function _refuses(bytes memory error_) private {
        vm.expectRevert(error_);
        market.create(params, _content());
    }

    function _accepts() private {
        market.create(params, _content());
    }

    // ----- what creation does -----

    function test_create_allRelationsHold__storesEverything() public {
        uint256 project = _create(params);

        (Params memory stored, Content memory content) = market.paramsOf(project);
        assertEq(project, 2);
        assertEq(market.projectCount(), 2);
        assertEq(keccak256(abi.encode(stored)), keccak256(abi.encode(params)), "params");
        assertEq(keccak256(abi.encode(content)), keccak256(abi.encode(_content())), "content");
        assertEq(market.projectOf(project).owner, owner);
    }

    function test_create_allRelationsHold__makesTheStartTheFinalResultZero() public {
        ResultView memory start = market.resultOf(P, 0);

        assertEq(uint8(_phase(0)), uint8(Phase.Final));
        assertEq(start.modelRoot, _content().modelRoot);
        assertEq(
            start.commitment,
            keccak256(
                abi.encode(keccak256("fairtrain/start/1"), block.chainid, address(market), P, _content().modelRoot)
            )
        );
        assertEq(start.poster, address(0));
    }

    function test_create_allRelationsHold__emitsProjectCreated() public {
        vm.expectEmit(address(market));
        emit M.ProjectCreated(2, owner, params, _content());
        _create(params);
    }

    function testFuzz_create_anyFrozenNumbers__areReadBackUnchanged(uint96 pot, uint96 floor_, uint16 fee, uint40 end)
        public
    {
        params.pot = uint96(bound(pot, 10_000, 1e27));
        params.minStake = params.pot / params.minSeals;
        params.bondFloor = floor_;
        params.feeBps = uint16(bound(fee, 0, 2000));
        params.endDate = uint40(bound(end, block.timestamp + 1, block.timestamp + 365 days));
        uint256 project = _create(params);

        (Params memory stored,) = market.paramsOf(project);
        assertEq(keccak256(abi.encode(stored)), keccak256(abi.encode(params)));
    }

    // ----- windows: I-16 -----

    function test_create_aWindowBelowItsMinimum__refusesMarketWindowOutOfRange() public {
        params.windows.dead = 0;
        _refuses(abi.encodeWithSelector(M.MarketWindowOutOfRange.selector, 7, 0, 1, 1e6));
        params.windows.dead = 1;
        _accepts();
        params.windows.dead = 2;
        _accepts();
    }

    function test_create_aWindowAboveItsMaximum__refusesMarketWindowOutOfRange() public {
        params.windows.commit = 1e6 - 1;
        _accepts();
        params.windows.commit = 1e6;
        _accepts();
        params.windows.commit = 1e6 + 1;
        _refuses(abi.encodeWithSelector(M.MarketWindowOutOfRange.selector, 0, 1e6 + 1, 1, 1e6));
    }

    function test_create_proposedWindowBelowTwiceTheFirstRight__refusesMarketProposedWindow() public {
        params.windows.proposed = 2 * T1 - 1;
        _refuses(abi.encodeWithSelector(M.MarketProposedWindow.selector, 2 * T1 - 1, 2 * T1, REVEAL));
        params.windows.proposed = 2 * T1;
        _accepts();
        params.windows.proposed = 2 * T1 + 1;
        _accepts();
    }

    function test_create_proposedWindowAboveReveal__refusesMarketProposedWindow() public {
        params.windows.proposed = REVEAL - 1;
        _accepts();
        params.windows.proposed = REVEAL;
        _accepts();
        params.windows.proposed = REVEAL + 1;
        _refuses(abi.encodeWithSelector(M.MarketProposedWindow.selector, REVEAL + 1, 2 * T1, REVEAL));
    }

    function test_create_challengeBelowSevenAnswers__refusesMarketChallengeTooShort() public {
        params.windows.challenge = 699;
        _refuses(abi.encodeWithSelector(M.MarketChallengeTooShort.selector, 699, 700));
        params.windows.challenge = 700;
        _accepts();
        params.windows.challenge = 701;
        _accepts();
    }

    function test_create_refuteBelowAnswer__refusesMarketRefuteTooShort() public {
        params.windows.refute = 99;
        _refuses(abi.encodeWithSelector(M.MarketRefuteTooShort.selector, 99, 100));
        params.windows.refute = 100;
        _accepts();
        params.windows.refute = 101;
        _accepts();
    }

    // ----- seats, pot, stake -----

    function test_create_moreSeatsThanTheLimit__refusesMarketTooManySeats() public {
        params.pot = 100 ether;
        params.minStake = 100 ether;
        params.seats = 1023;
        _accepts();
        params.seats = 1024;
        _accepts();
        params.seats = 1025;
        _refuses(abi.encodeWithSelector(M.MarketTooManySeats.selector, 1025, 1024));
    }

    function test_create_noMinimumOfSeals__refusesMarketSeatCounts() public {
        params.minStake = POT;
        params.minSeals = 0;
        _refuses(abi.encodeWithSelector(M.MarketSeatCounts.selector, 0, EXPECTED, SEATS));
        params.minSeals = 1;
        _accepts();
        params.minSeals = 2;
        _accepts();
    }

    function test_create_fewerExpectedThanTheMinimum__refusesMarketSeatCounts() public {
        params.expectedSeats = MIN_SEALS - 1;
        _refuses(abi.encodeWithSelector(M.MarketSeatCounts.selector, MIN_SEALS, MIN_SEALS - 1, SEATS));
        params.expectedSeats = MIN_SEALS;
        _accepts();
    }

    function test_create_moreExpectedThanSeats__refusesMarketSeatCounts() public {
        params.expectedSeats = SEATS;
        _accepts();
        params.expectedSeats = SEATS + 1;
        _refuses(abi.encodeWithSelector(M.MarketSeatCounts.selector, MIN_SEALS, SEATS + 1, SEATS));
    }

    function test_create_potBelowAThousandPerSeat__refusesMarketPotTooSmall() public {
        params.pot = 9999;
        _refuses(abi.encodeWithSelector(M.MarketPotTooSmall.selector, 9999, 10_000));
        params.pot = 10_000;
        _accepts();
        params.pot = 10_001;
        _accepts();
    }

    function test_create_stakeBelowOneUnit__refusesMarketStakeTooLow() public {
        params.minStake = UNIT - 1;
        _refuses(abi.encodeWithSelector(M.MarketStakeTooLow.selector, UNIT - 1, UNIT));
        params.minStake = UNIT;
        _accepts();
        params.minStake = UNIT + 1;
        _accepts();
    }

    // ----- the other limits -----

    function test_create_feeAboveTheLimit__refusesMarketFeeTooHigh() public {
        params.feeBps = 1999;
        _accepts();
        params.feeBps = 2000;
        _accepts();
        params.feeBps = 2001;
        _refuses(abi.encodeWithSelector(M.MarketFeeTooHigh.selector, 2001, 2000));
    }

    function test_create_noOpenRound__refusesMarketOpenRoundsOutOfRange() public {
        params.openRounds = 0;
        _refuses(abi.encodeWithSelector(M.MarketOpenRoundsOutOfRange.selector, 0, 32));
        params.openRounds = 1;
        _accepts();
    }

    function test_create_moreOpenRoundsThanTheLimit__refusesMarketOpenRoundsOutOfRange() public {
        params.openRounds = 32;
        _accepts();
        params.openRounds = 33;
        _refuses(abi.encodeWithSelector(M.MarketOpenRoundsOutOfRange.selector, 33, 32));
    }

    function test_create_endDateNotInTheFuture__refusesMarketEndDateOutOfRange() public {
        uint256 now_ = block.timestamp;
        params.endDate = uint40(now_);
        _refuses(abi.encodeWithSelector(M.MarketEndDateOutOfRange.selector, now_, now_ + 1, now_ + 365 days));
        params.endDate = uint40(now_ + 1);
        _accepts();
    }

    function test_create_endDateBeyondTheLifetime__refusesMarketEndDateOutOfRange() public {
        uint256 latest = block.timestamp + 365 days;
        params.endDate = uint40(latest);
        _accepts();
        params.endDate = uint40(latest + 1);
        _refuses(abi.encodeWithSelector(M.MarketEndDateOutOfRange.selector, latest + 1, block.timestamp + 1, latest));
    }

    function test_create_coefficientsOutOfRange__refusesMarketCoefficientsOutOfRange() public {
        params.coefficients = 0;
        _refuses(abi.encodeWithSelector(M.MarketCoefficientsOutOfRange.selector, 0, 1 << 30));
        params.coefficients = 1;
        _accepts();
        params.coefficients = 1 << 30;
        _accepts();
        params.coefficients = (1 << 30) + 1;
        _refuses(abi.encodeWithSelector(M.MarketCoefficientsOutOfRange.selector, (1 << 30) + 1, 1 << 30));
    }

    function test_create_unknownColumns__refusesMarketUnknownColumns() public {
        params.columns = 255;
        _refuses(abi.encodeWithSelector(M.MarketUnknownColumns.selector, 255, 256));
        params.columns = 257;
        _refuses(abi.encodeWithSelector(M.MarketUnknownColumns.selector, 257, 256));
    }

    function test_create_unknownRule__refusesMarketUnknownRule() public {
        params.rule = 0;
        _refuses(abi.encodeWithSelector(M.MarketUnknownRule.selector, 0, 1));
        params.rule = 2;
        _refuses(abi.encodeWithSelector(M.MarketUnknownRule.selector, 2, 1));
    }

    function test_create_deltaRowsThatTheChecksDoNotKnow__refusesMarketUnknownDeltaRows() public {
        params.deltaRows = 2;
        _refuses(abi.encodeWithSelector(M.MarketUnknownDeltaRows.selector, 2, 3));
        params.deltaRows = 3;
        _accepts();
        params.deltaRows = 4;
        _refuses(abi.encodeWithSelector(M.MarketUnknownDeltaRows.selector, 4, 3));
    }

    function test_create_fileRoundsThatTheChecksDoNotKnow__refusesMarketUnknownFileRounds() public {
        params.fileRounds = 1;
        _refuses(abi.encodeWithSelector(M.MarketUnknownFileRounds.selector, 1, 2));
        params.fileRounds = 2;
        _accepts();
        params.fileRounds = 3;
        _refuses(abi.encodeWithSelector(M.MarketUnknownFileRounds.selector, 3, 2));
    }

    function test_create_tokenWithoutCode__refusesMarketTokenWithoutCode() public {
        params.token = anyone;
        _refuses(abi.encodeWithSelector(M.MarketTokenWithoutCode.selector, anyone));
    }

    function test_create_aZeroHashInTheContent__refusesMarketZeroHash() public {
        Content memory content = _content();
        content.modelRoot = 0;
        vm.expectRevert(M.MarketZeroHash.selector);
        market.create(params, content);
        content = _content();
        content.modelDigest = 0;
        vm.expectRevert(M.MarketZeroHash.selector);
        market.create(params, content);
        content = _content();
        content.descriptionDigest = 0;
        vm.expectRevert(M.MarketZeroHash.selector);
        market.create(params, content);
    }

    // ----- the market's own limits -----

    function _deploy(Limits memory limits, bytes memory error_) private {
        _deployAt(abi.encode(limits, market.courtOf()), error_);
    }

    function _deployAt(bytes memory args, bytes memory error_) private {
        (address made, bytes memory said) = Creation.attempt(vm.getCode("MarketHarness.sol:MarketHarness"), args);
        assertEq(made, address(0), "made");
        assertEq(said, error_, "refused with another error");
    }

    function test_constructor_minimumAboveMaximum__refusesMarketWindowLimits() public {
        Limits memory limits = _limits();
        limits.min.proposed = 1e6 + 1;
        _deploy(limits, abi.encodeWithSelector(M.MarketWindowLimits.selector, 3, 1e6 + 1, 1e6));
    }

    function test_constructor_revealLongerThanItsField__refusesMarketWindowLimits() public {
        Limits memory limits = _limits();
        limits.max.reveal = 1 << 24;
        _deploy(limits, abi.encodeWithSelector(M.MarketWindowLimits.selector, 1, 1 << 24, (1 << 24) - 1));
    }

    function test_constructor_moreSeatsThanABitmapHolds__refusesMarketLimitOutOfRange() public {
        Limits memory limits = _limits();
        limits.maxSeats = 1025;
        _deploy(limits, abi.encodeWithSelector(M.MarketLimitOutOfRange.selector, 1025, 1024));
    }

    function test_constructor_feeAboveThePot__refusesMarketLimitOutOfRange() public {
        Limits memory limits = _limits();
        limits.maxFeeBps = 10_001;
        _deploy(limits, abi.encodeWithSelector(M.MarketLimitOutOfRange.selector, 10_001, 10_000));
    }

    function test_constructor_courtWithoutCode__refusesMarketNoCode() public {
        _deployAt(abi.encode(_limits(), anyone), abi.encodeWithSelector(M.MarketNoCode.selector, anyone));
    }
}
