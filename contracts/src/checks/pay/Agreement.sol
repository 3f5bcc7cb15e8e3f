// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Before} from "../Before.sol";
import {Evidence, Reader} from "../Evidence.sol";
import {Facts} from "../IChecks.sol";
import {Numbers} from "../Numbers.sol";
import {RowsOf} from "../RowsOf.sol";
import {Rule} from "../rule/Rule.sol";
import {Twins} from "./Twins.sol";
import "../StepTree.sol";

/// Agreement and new agreement: steps pay_voice to new_sum of `aggregator/pay/agreement.py`.
library Agreement {
    int256 private constant ONE = 65536;
    int256 private constant LEAST_HEARD = 4096;
    int256 private constant FULL_SAY = 13107;
    int256 private constant TERM_LIMIT = 0x400000000; // 4 in Q32

    function payVoice(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        int256 clipping = StepTree.at(r, t, CLIPPING, i) * (ONE / Rule.F);
        int256 crowd = StepTree.at(r, t, CROWD, i);
        return Numbers.div(clipping * _heard(r, f, i), crowd);
    }

    function payEcho(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        uint256 products = RowsOf.gramRow(r, f, i);
        return _dot(products, StepTree.vector(r, t, PAY_VOICE), f.seats);
    }

    function othersNorm(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        uint256 voices = StepTree.vector(r, t, PAY_VOICE);
        uint256 echoes = StepTree.vector(r, t, PAY_ECHO);
        return _others(voices, echoes, RowsOf.gram(r, f, i, i), f.seats, i);
    }

    function agreed(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        int256 scale = Twins.length(r, t, i);
        scale *= StepTree.at(r, t, OTHERS_NORM, i);
        uint256 alike = StepTree.row(r, t, ALIKE, i);
        uint256 voices = StepTree.vector(r, t, PAY_VOICE);
        uint256 products = RowsOf.gramRow(r, f, i);
        return _terms(alike, voices, products, scale, f.seats, i) >> 16;
    }

    function newVoice(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 voice = StepTree.at(r, t, PAY_VOICE, i);
        return Numbers.div(voice * Numbers.max(StepTree.at(r, t, AGREED, i), 0), ONE);
    }

    function newEcho(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        uint256 products = StepTree.row(r, t, RESIDUAL_GRAM, i);
        return _dot(products, StepTree.vector(r, t, NEW_VOICE), f.seats);
    }

    function newOthersNorm(Reader memory r, Steps memory t, Facts calldata f, uint256 i)
        internal
        pure
        returns (int256)
    {
        uint256 voices = StepTree.vector(r, t, NEW_VOICE);
        uint256 echoes = StepTree.vector(r, t, NEW_ECHO);
        return _others(voices, echoes, StepTree.entry(r, t, RESIDUAL_GRAM, i, i), f.seats, i);
    }

    function newSum(Reader memory r, Steps memory t, Facts calldata f, uint256 i, uint256 j)
        internal
        pure
        returns (int256 sum)
    {
        sum = Numbers.decayed(Before.entry(r, f, NEW_SUM, i, j));
        if (i == j || !RowsOf.isIncluded(f, i) || !RowsOf.isIncluded(f, j)) return sum;
        if (StepTree.scalar(r, t, HAS_PUBLIC) == 0) return sum;
        int256 scale = Twins.length(r, t, i);
        scale *= StepTree.at(r, t, NEW_OTHERS_NORM, i);
        int256 alike = StepTree.entry(r, t, ALIKE, i, j);
        int256 voice = StepTree.at(r, t, NEW_VOICE, j);
        return sum + _term(alike, voice, StepTree.entry(r, t, RESIDUAL_GRAM, i, j), scale);
    }

    /// Share (Q32) of another seat in the cosine with the weighted sum of the others. Unchecked: in an honest result the
    /// product stays below 2^17 x 2^17 x 2^71 x 2^16 and `scale` is positive; in others a number that it is made of is
    /// wrong, too.
    function _term(int256 alike, int256 voice, int256 product, int256 scale) private pure returns (int256 term) {
        assembly ("memory-safe") {
            let share := shl(16, mul(mul(sub(ONE, alike), voice), product))
            term := sub(sdiv(share, scale), slt(smod(share, scale), 0))
            if sgt(term, TERM_LIMIT) { term := TERM_LIMIT }
            if slt(term, sub(0, TERM_LIMIT)) { term := sub(0, TERM_LIMIT) }
        }
    }

    /// Sum of such terms over all seats but `i`. The numbers stand in calldata: 8, 8 and 16 bytes each.
    /// Unchecked: a term is at most 2^34.
    function _terms(uint256 alike, uint256 voices, uint256 products, int256 scale, uint256 seats, uint256 i)
        private
        pure
        returns (int256 sum)
    {
        int256 own = _term(Evidence.i64(alike, i), Evidence.i64(voices, i), Evidence.i128(products, i), scale);
        unchecked {
            sum = -own;
            for (uint256 end = alike + 8 * seats; alike < end; alike += 8) {
                sum += _term(Evidence.i64(alike, 0), Evidence.i64(voices, 0), Evidence.i128(products, 0), scale);
                voices += 8;
                products += 16;
            }
        }
    }

    /// Part of a full say, by average agreement before this round.
    function _heard(Reader memory r, Facts calldata f, uint256 i) private pure returns (int256) {
        int256 rounds = Before.at(r, f, AGE, i);
        if (rounds == 0) return ONE;
        int256 full = Numbers.max(Numbers.div(FULL_SAY * rounds, ONE), 1);
        int256 agreement = Numbers.bound(Before.at(r, f, AGREED_SUM, i), 0, full);
        return LEAST_HEARD + Numbers.div((ONE - LEAST_HEARD) * agreement, full);
    }

    /// Length of a weighted sum of vectors without the i-th, whose squared length is `square`.
    function _others(uint256 voices, uint256 echoes, int256 square, uint256 seats, uint256 i)
        private
        pure
        returns (int256)
    {
        int256 voice = Evidence.i64(voices, i);
        int256 rest = _dot(echoes, voices, seats) - 2 * voice * Evidence.i128(echoes, i) + voice * voice * square;
        return Numbers.sqrt(Numbers.max(rest, 1));
    }

    /// Sum of `count` products of numbers of 16 and of 8 bytes. Unchecked: below 2^127 x 2^63 x 2^16.
    function _dot(uint256 wide, uint256 narrow, uint256 count) private pure returns (int256 sum) {
        assembly ("memory-safe") {
            for { let end := add(narrow, shl(3, count)) } lt(narrow, end) { narrow := add(narrow, 8) } {
                sum := add(sum, mul(sar(128, calldataload(wide)), sar(192, calldataload(narrow))))
                wide := add(wide, 16)
            }
        }
    }
}
