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

/// From agreement to pay: steps residual_share to paid of `aggregator/pay.py`.
library Shares {
    int256 private constant ONE = Twins.ONE;
    int256 private constant ENERGY_START = 19660;
    int256 private constant ENERGY_WIDTH = 19660;
    int256 private constant GATE_START = 16384;
    int256 private constant GATE_WIDTH = 9830;
    int256 private constant FLOOR = 3276;
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

    function energy(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        if (Seats.count(f) < MIN_SEATS || StepTree.scalar(r, t, HAS_PUBLIC) == 0) return ONE;
        int256 median = StepTree.scalar(r, t, RESIDUAL_SHARE_MEDIAN);
        if (median == 0) return ONE;
        int256 share = StepTree.at(r, t, RESIDUAL_SHARE, i);
        return Numbers.ramp(Numbers.div(share * ONE, median), ENERGY_START, ENERGY_WIDTH);
    }

    function earned(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256 sum) {
        sum = Numbers.decayed(Before.at(r, f, EARNED, i));
        if (!RowsOf.isIncluded(f, i)) return sum;
        int256 agreed = StepTree.at(r, t, AGREED, i);
        sum += Numbers.div(agreed * StepTree.at(r, t, ENERGY, i), ONE);
    }

    function agreedSum(Reader memory r, Steps memory t, Facts calldata f, uint256 i)
        internal
        pure
        returns (int256 sum)
    {
        sum = Numbers.decayed(Before.at(r, f, AGREED_SUM, i));
        if (RowsOf.isIncluded(f, i) && StepTree.scalar(r, t, HAS_PUBLIC) != 0) sum += StepTree.at(r, t, AGREED, i);
    }

    function age(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256 rounds) {
        rounds = Numbers.decayed(Before.at(r, f, AGE, i));
        if (RowsOf.isIncluded(f, i) && StepTree.scalar(r, t, HAS_PUBLIC) != 0) rounds += ONE;
    }

    function newness(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        uint256 cut = 3 * Seats.count(f) / 20;
        return Trimmed.sum(r, Seats.gather(f, StepTree.row(r, t, NEW_SUM, i), i), cut) >> 16;
    }

    function judged(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 sum = StepTree.at(r, t, AGREED_SUM, i);
        return sum * ONE > FLOOR * StepTree.at(r, t, AGE, i) ? int256(1) : int256(0);
    }

    function ratio(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 new_ = StepTree.at(r, t, NEWNESS, i);
        int256 sum = StepTree.at(r, t, AGREED_SUM, i);
        int256 least = Numbers.div(FLOOR * StepTree.at(r, t, AGE, i), ONE);
        return Numbers.div(new_ * ONE, Numbers.max(Numbers.max(sum, least), 1));
    }

    function isEarnedMedian(Reader memory r, Steps memory t, Facts calldata f, int256 posted)
        internal
        pure
        returns (bool)
    {
        uint256 isJudged = StepTree.vector(r, t, JUDGED);
        uint256 sums = StepTree.vector(r, t, EARNED);
        int256[] memory values = new int256[](f.seats);
        uint256 found;
        // Who is not included is not judged.
        for (uint256 i; i < f.seats; ++i) {
            if (Evidence.i64(isJudged, i) != 0) values[found++] = Numbers.max(Evidence.i64(sums, i), 0);
        }
        assembly ("memory-safe") {
            mstore(values, found)
        }
        return Numbers.isLowerMedian(values, posted);
    }

    function ratioWeight(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        if (StepTree.at(r, t, JUDGED, i) == 0) return 0;
        int256 sum = Numbers.max(StepTree.at(r, t, EARNED, i), 0);
        int256 most = StepTree.scalar(r, t, EARNED_MEDIAN);
        return Numbers.div(Numbers.min(sum, most) * ONE, StepTree.at(r, t, CROWD, i));
    }

    /// Whether less than half of the weight lies below `posted` and at least half up to it; without weight, whether it is 0.
    function isRatioMedian(Reader memory r, Steps memory t, Facts calldata f, int256 posted)
        internal
        pure
        returns (bool)
    {
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
        return total == 0 ? posted == 0 : 2 * below < total && 2 * upTo >= total;
    }

    function gate(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        if (Seats.count(f) < MIN_SEATS || StepTree.at(r, t, AGE, i) == 0) return ONE;
        if (StepTree.at(r, t, JUDGED, i) == 0) return 0;
        int256 median = StepTree.scalar(r, t, RATIO_MEDIAN);
        if (median <= 0) return ONE;
        int256 own = StepTree.at(r, t, RATIO, i);
        return Numbers.ramp(Numbers.div(own * ONE, median), GATE_START, GATE_WIDTH);
    }

    function points(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 sum = Numbers.max(StepTree.at(r, t, EARNED, i), 0);
        int256 part = sum * StepTree.at(r, t, GATE, i);
        return Numbers.div(part, StepTree.at(r, t, CROWD, i));
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
}
