// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Before} from "../Before.sol";
import {Evidence, Reader} from "../Evidence.sol";
import {Facts} from "../IChecks.sol";
import {Numbers} from "../Numbers.sol";
import {RowsOf} from "../RowsOf.sol";
import {Seats} from "../Seats.sol";
import {Twins} from "./Twins.sol";
import {Trimmed} from "./Trimmed.sol";
import "../StepTree.sol";

/// From agreement to pay: steps residual_share to received of `aggregator/pay/shares.py`.
library Shares {
    int256 private constant ONE = Twins.ONE;
    int256 private constant ENERGY_START = 16384;
    int256 private constant ENERGY_WIDTH = 16384;
    int256 private constant GATE_START = 40632;
    int256 private constant GATE_WIDTH = 6553;
    int256 private constant FLOOR = 3276;
    int256 private constant SHARE = 1 << 32;
    uint256 private constant WORTH_BITS = 32;
    uint256 private constant MIN_SEATS = 4;

    function residualShare(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 rest = StepTree.at(r, t, RESIDUAL_NORM, i);
        return Numbers.div(rest * ONE, Twins.length(r, t, i));
    }

    function isResidualShareMedian(Reader memory r, Steps memory t, Facts calldata f, int256 posted)
        internal
        pure
        returns (bool)
    {
        return Numbers.isLowerMedian(Seats.gather(f, StepTree.vector(r, t, RESIDUAL_SHARE), Seats.NONE), posted);
    }

    function earned(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256 sum) {
        sum = Numbers.decayed(Before.at(r, f, EARNED, i));
        if (!RowsOf.isIncluded(f, i)) return sum;
        int256 agreed = StepTree.at(r, t, AGREED, i);
        sum += Numbers.div(agreed * _energy(r, t, f, i), ONE);
    }

    function agreedSum(Reader memory r, Steps memory t, Facts calldata f, uint256 i)
        internal
        pure
        returns (int256 sum)
    {
        sum = Numbers.decayed(Before.at(r, f, AGREED_SUM, i));
        if (RowsOf.isIncluded(f, i) && StepTree.scalar(r, t, HAS_PUBLIC) != 0) sum += StepTree.at(r, t, AGREED, i);
    }

    function newness(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        uint256 cut = 3 * Seats.count(f) / 20;
        return Trimmed.sum(r, Seats.gather(f, StepTree.row(r, t, NEW_SUM, i), i), cut) >> 16;
    }

    /// Standard error of a sum of so many terms, from their spread.
    function doubt(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        int256[] memory terms = Seats.gather(f, StepTree.row(r, t, NEW_SUM, i), i);
        int256 sum;
        int256 squares;
        // SAFETY: entries of 64 bits, fewer than 2^16.
        unchecked {
            for (uint256 k; k < terms.length; ++k) {
                sum += terms[k];
                squares += terms[k] * terms[k];
            }
        }
        int256 n = terms.length == 0 ? int256(1) : int256(terms.length);
        return Numbers.sqrt(squares - sum * sum / n) >> 16;
    }

    /// Whether `posted` is the upper median of doubts.
    function isDoubtMedian(Reader memory r, Steps memory t, Facts calldata f, int256 posted)
        internal
        pure
        returns (bool)
    {
        int256[] memory doubts = Seats.gather(f, StepTree.vector(r, t, DOUBT), Seats.NONE);
        if (doubts.length == 0) return posted == 0;
        return Numbers.isKthLargest(doubts, (doubts.length + 1) / 2, posted);
    }

    function ratio(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 best = StepTree.at(r, t, NEWNESS, i);
        int256 own = StepTree.at(r, t, DOUBT, i);
        best += Numbers.min(own, Numbers.div(StepTree.scalar(r, t, DOUBT_MEDIAN) * 5, 4));
        int256 sum = StepTree.at(r, t, AGREED_SUM, i);
        return Numbers.div(best * ONE, _agreement(sum, StepTree.at(r, t, AGE, i)));
    }

    /// Whether `posted` is the lower median of what judged seats earned.
    function isEarnedMedian(Reader memory r, Steps memory t, Facts calldata f, int256 posted)
        internal
        pure
        returns (bool)
    {
        int256[] memory agreements = Seats.gather(f, StepTree.vector(r, t, AGREED_SUM), Seats.NONE);
        int256[] memory rounds = Seats.gather(f, StepTree.vector(r, t, AGE), Seats.NONE);
        int256[] memory sums = Seats.gather(f, StepTree.vector(r, t, EARNED), Seats.NONE);
        _keepJudged(sums, agreements, rounds);
        Numbers.raiseToZero(sums);
        return Numbers.isLowerMedian(sums, posted);
    }

    function ratioWeight(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 sum = StepTree.at(r, t, AGREED_SUM, i);
        if (!_isJudged(sum, StepTree.at(r, t, AGE, i))) return 0;
        int256 said = Numbers.max(StepTree.at(r, t, EARNED, i), 0);
        said = Numbers.min(said, StepTree.scalar(r, t, EARNED_MEDIAN));
        return Numbers.div(said * ONE, StepTree.at(r, t, CROWD, i));
    }

    /// Whether less than three fifths of the weight lie below `posted` and at least as much up to it; without weight,
    /// whether it is 0.
    function isRatioBar(Reader memory r, Steps memory t, Facts calldata f, int256 posted) internal pure returns (bool) {
        uint256 ratios = StepTree.vector(r, t, RATIO);
        uint256 weights = StepTree.vector(r, t, RATIO_WEIGHT);
        int256 below;
        int256 upTo;
        int256 total;
        // Who is not included or not judged has no weight.
        for (uint256 i; i < f.seats; ++i) {
            int256 weight = Evidence.i64(weights, i);
            int256 value = Evidence.i64(ratios, i);
            total += weight;
            if (value < posted) below += weight;
            if (value <= posted) upTo += weight;
        }
        return total == 0 ? posted == 0 : 5 * below < 3 * total && 5 * upTo >= 3 * total;
    }

    function gate(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        if (Seats.count(f) < MIN_SEATS) return ONE;
        int256 rounds = StepTree.at(r, t, AGE, i);
        if (rounds == 0) return ONE;
        int256 sum = StepTree.at(r, t, AGREED_SUM, i);
        if (!_isJudged(sum, rounds)) return 0;
        int256 bar = StepTree.scalar(r, t, RATIO_BAR);
        if (bar <= 0) return ONE;
        int256 best = StepTree.at(r, t, NEWNESS, i);
        int256 own = StepTree.at(r, t, DOUBT, i);
        best += 2 * Numbers.min(own, StepTree.scalar(r, t, DOUBT_MEDIAN));
        best = Numbers.div(best * ONE, _agreement(sum, rounds));
        return Numbers.ramp(Numbers.div(best * ONE, bar), GATE_START, GATE_WIDTH);
    }

    function claim(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 part = Numbers.max(StepTree.at(r, t, EARNED, i), 0);
        part *= StepTree.at(r, t, GATE, i);
        return Numbers.div(part, StepTree.at(r, t, CROWD, i));
    }

    function had(Reader memory r, Facts calldata f, uint256 i) internal pure returns (int256) {
        return Numbers.decayed(Before.at(r, f, RECEIVED, i));
    }

    function worth(Reader memory r, Steps memory t, Facts calldata f) internal pure returns (int256) {
        int256 claims = Seats.sum(StepTree.vector(r, t, CLAIM), f.seats);
        if (claims == 0) return 0;
        int256 all = Seats.sum(StepTree.vector(r, t, HAD), f.seats) + SHARE;
        return Numbers.div(all << WORTH_BITS, claims);
    }

    function points(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 whole = StepTree.at(r, t, CLAIM, i);
        whole = whole * StepTree.scalar(r, t, WORTH) >> WORTH_BITS;
        int256 now_ = Numbers.div(whole, 16);
        int256 missing = Numbers.div(whole - now_ - StepTree.at(r, t, HAD, i), 12);
        return Numbers.max(now_ + missing, Numbers.div(now_, 2));
    }

    function pointsSum(Reader memory r, Steps memory t, Facts calldata f) internal pure returns (int256) {
        return Seats.sum(StepTree.vector(r, t, POINTS), f.seats);
    }

    function pay(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        int256 sum = StepTree.scalar(r, t, POINTS_SUM);
        // Safe: the pot is below 2^96.
        int256 toPay = int256(f.toPay);
        if (sum == 0) return toPay / int256(Seats.count(f));
        return Numbers.div(toPay * StepTree.at(r, t, POINTS, i), sum);
    }

    function paid(Reader memory r, Steps memory t, Facts calldata f) internal pure returns (int256 sum) {
        uint256 values = StepTree.vector(r, t, PAY);
        for (uint256 i; i < f.seats; ++i) {
            sum += Evidence.i128(values, i);
        }
    }

    function received(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256 sum) {
        sum = Numbers.decayed(Before.at(r, f, RECEIVED, i));
        if (!RowsOf.isIncluded(f, i)) return sum;
        int256 all = StepTree.scalar(r, t, POINTS_SUM);
        if (all == 0) return sum + SHARE / int256(Seats.count(f));
        return sum + Numbers.div(SHARE * StepTree.at(r, t, POINTS, i), all);
    }

    /// Gate on the residual share, against updates that public vectors explain.
    function _energy(Reader memory r, Steps memory t, Facts calldata f, uint256 i) private pure returns (int256) {
        if (Seats.count(f) < MIN_SEATS || StepTree.scalar(r, t, HAS_PUBLIC) == 0) return ONE;
        int256 median = StepTree.scalar(r, t, RESIDUAL_SHARE_MEDIAN);
        if (median == 0) return ONE;
        int256 share = StepTree.at(r, t, RESIDUAL_SHARE, i);
        return Numbers.ramp(Numbers.div(share * ONE, median), ENERGY_START, ENERGY_WIDTH);
    }

    /// Whether a seat that agreed so much in so many rounds agrees enough for its ratio to mean anything.
    function _isJudged(int256 sum, int256 rounds) private pure returns (bool) {
        return sum * ONE > FLOOR * rounds;
    }

    /// Shortens `sums` to those of judged seats; all three are of the same seats. SAFETY: factors of 64 bits.
    function _keepJudged(int256[] memory sums, int256[] memory agreements, int256[] memory rounds) private pure {
        int256 one = ONE;
        int256 least = FLOOR;
        assembly ("memory-safe") {
            let to := add(sums, 32)
            let end := add(to, shl(5, mload(sums)))
            for { let from := to } lt(from, end) { from := add(from, 32) } {
                let past := sub(from, sums)
                mstore(to, mload(from))
                to := add(to, shl(5, sgt(mul(mload(add(agreements, past)), one), mul(least, mload(add(rounds, past))))))
            }
            mstore(sums, shr(5, sub(sub(to, sums), 32)))
        }
    }

    /// Summed agreement that new agreement is compared with: at least the floor, and 1.
    function _agreement(int256 sum, int256 rounds) private pure returns (int256) {
        return Numbers.max(Numbers.max(sum, Numbers.div(FLOOR * rounds, ONE)), 1);
    }
}
