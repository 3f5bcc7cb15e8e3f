// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts} from "../interfaces/IMarket.sol";
import {Content, Limits, Params, Windows} from "../types.sol";

/// What limits and parameters must satisfy among each other; one error for each relation.
library Relations {
    uint256 private constant SEAT_CEILING = 1024; // what counts and bitmaps are dimensioned for
    uint256 internal constant COLUMNS = 256;
    uint256 internal constant RULE = 1;
    uint256 private constant POT_PER_SEAT = 1000; // keeps the rounding of pay below 0.1 % of a mean share
    uint256 private constant ANSWERS_PER_CHALLENGE = 7; // five questions, one refutation, one spare
    uint256 private constant DELTA_ROWS = 3; // of rule 1: the checks know these rows and no others
    uint256 private constant FILE_ROUNDS = 2;

    function checkLimits(Limits memory bounds) internal pure {
        uint32[8] memory min = _list(bounds.min);
        uint32[8] memory max = _list(bounds.max);
        for (uint256 i; i < 8; ++i) {
            if (min[i] == 0 || min[i] > max[i]) revert IMarketFacts.MarketWindowLimits(i, min[i], max[i]);
        }
        // INVARIANT: the span of REVEAL fits the 24 bits that it has in a round's tally.
        if (bounds.max.reveal > type(uint24).max) {
            revert IMarketFacts.MarketWindowLimits(1, bounds.max.reveal, type(uint24).max);
        }
        if (bounds.maxSeats == 0 || bounds.maxSeats > SEAT_CEILING) {
            revert IMarketFacts.MarketLimitOutOfRange(bounds.maxSeats, SEAT_CEILING);
        }
        if (bounds.maxCoefficients == 0 || bounds.maxCoefficients > 1 << 30) {
            revert IMarketFacts.MarketLimitOutOfRange(bounds.maxCoefficients, 1 << 30);
        }
        if (bounds.maxFeeBps > 10_000) revert IMarketFacts.MarketLimitOutOfRange(bounds.maxFeeBps, 10_000);
        if (bounds.maxOpenRounds == 0) revert IMarketFacts.MarketLimitOutOfRange(0, type(uint8).max);
    }

    /// Reverts with the error of the first relation that does not hold.
    function check(Params calldata params, Content calldata content, Limits memory bounds) internal view {
        _checkWindows(params.windows, bounds);
        _checkSeats(params, bounds);
        if (params.token != address(0) && params.token.code.length == 0) {
            revert IMarketFacts.MarketTokenWithoutCode(params.token);
        }
        if (params.feeBps > bounds.maxFeeBps) revert IMarketFacts.MarketFeeTooHigh(params.feeBps, bounds.maxFeeBps);
        if (params.openRounds == 0 || params.openRounds > bounds.maxOpenRounds) {
            revert IMarketFacts.MarketOpenRoundsOutOfRange(params.openRounds, bounds.maxOpenRounds);
        }
        uint256 latest = block.timestamp + bounds.maxLifetime;
        if (params.endDate <= block.timestamp || params.endDate > latest) {
            revert IMarketFacts.MarketEndDateOutOfRange(params.endDate, block.timestamp + 1, latest);
        }
        if (params.coefficients == 0 || params.coefficients > bounds.maxCoefficients) {
            revert IMarketFacts.MarketCoefficientsOutOfRange(params.coefficients, bounds.maxCoefficients);
        }
        if (params.columns != COLUMNS) revert IMarketFacts.MarketUnknownColumns(params.columns, COLUMNS);
        if (params.rule != RULE) revert IMarketFacts.MarketUnknownRule(params.rule, RULE);
        // INVARIANT: every row of a result has a place in its trees, so that all of them can be refuted.
        if (params.deltaRows != DELTA_ROWS) {
            revert IMarketFacts.MarketUnknownDeltaRows(params.deltaRows, DELTA_ROWS);
        }
        if (params.fileRounds != FILE_ROUNDS) {
            revert IMarketFacts.MarketUnknownFileRounds(params.fileRounds, FILE_ROUNDS);
        }
        if (content.descriptionDigest == 0 || content.modelDigest == 0 || content.modelRoot == 0) {
            revert IMarketFacts.MarketZeroHash();
        }
    }

    function _checkWindows(Windows calldata windows, Limits memory bounds) private pure {
        uint32[8] memory value = _list(windows);
        uint32[8] memory min = _list(bounds.min);
        uint32[8] memory max = _list(bounds.max);
        for (uint256 i; i < 8; ++i) {
            if (value[i] < min[i] || value[i] > max[i]) {
                revert IMarketFacts.MarketWindowOutOfRange(i, value[i], min[i], max[i]);
            }
        }
        uint256 least = 2 * uint256(windows.firstRight);
        if (windows.proposed < least || windows.proposed > windows.reveal) {
            revert IMarketFacts.MarketProposedWindow(windows.proposed, least, windows.reveal);
        }
        least = ANSWERS_PER_CHALLENGE * uint256(windows.answer);
        if (windows.challenge < least) revert IMarketFacts.MarketChallengeTooShort(windows.challenge, least);
        if (windows.refute < windows.answer) revert IMarketFacts.MarketRefuteTooShort(windows.refute, windows.answer);
    }

    function _checkSeats(Params calldata params, Limits memory bounds) private pure {
        if (params.seats > bounds.maxSeats) revert IMarketFacts.MarketTooManySeats(params.seats, bounds.maxSeats);
        if (params.minSeals == 0 || params.minSeals > params.expectedSeats || params.expectedSeats > params.seats) {
            revert IMarketFacts.MarketSeatCounts(params.minSeals, params.expectedSeats, params.seats);
        }
        uint256 least = POT_PER_SEAT * params.seats;
        if (params.pot < least) revert IMarketFacts.MarketPotTooSmall(params.pot, least);
        uint256 unit = params.pot / params.minSeals;
        if (params.minStake < unit) revert IMarketFacts.MarketStakeTooLow(params.minStake, unit);
    }

    /// In the order of the struct, which is the order of `index` in the errors.
    function _list(Windows memory w) private pure returns (uint32[8] memory) {
        return [w.commit, w.reveal, w.firstRight, w.proposed, w.challenge, w.answer, w.refute, w.dead];
    }
}
