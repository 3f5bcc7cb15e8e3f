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

/// From agreement to pay: steps earned to received of `aggregator/pay.py`.
library Shares {
    int256 private constant ONE = Twins.ONE;
    int256 private constant GATE_START = 16384;
    int256 private constant GATE_WIDTH = 16384;
    int256 private constant FLOOR = 3276;
    int256 private constant SHARE = 1 << 32;
    uint256 private constant WORTH_BITS = 32;
    uint256 private constant SEATS_ABOVE_BAR = 8;
    uint256 private constant MIN_SEATS = 4;

    function earned(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256 sum) {
        sum = Numbers.decayed(Before.at(r, f, EARNED, i));
        if (!RowsOf.isIncluded(f, i)) return sum;
        if (StepTree.scalar(r, t, HAS_PUBLIC) == 0 || StepTree.at(r, t, LIVE, i) != 0) {
            sum += StepTree.at(r, t, AGREED, i);
        }
    }

    function newness(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        uint256 cut = 3 * Seats.count(f) / 20;
        return Trimmed.sum(r, Seats.gather(f, StepTree.row(r, t, NEW_SUM, i), i), cut) >> 16;
    }

    function judged(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 sum = StepTree.at(r, t, EARNED, i);
        return sum * ONE > FLOOR * StepTree.at(r, t, AGE, i) ? int256(1) : int256(0);
    }

    function isNewnessMedian(Reader memory r, Steps memory t, Facts calldata f, int256 posted)
        internal
        pure
        returns (bool)
    {
        uint256 isJudged = StepTree.vector(r, t, JUDGED);
        uint256 sums = StepTree.vector(r, t, NEWNESS);
        int256[] memory values = new int256[](f.seats);
        uint256 found;
        // Who is not included is not judged.
        for (uint256 i; i < f.seats; ++i) {
            if (Evidence.i64(isJudged, i) != 0) values[found++] = Evidence.i64(sums, i);
        }
        assembly ("memory-safe") {
            mstore(values, found)
        }
        return Numbers.isLowerMedian(values, posted);
    }

    function ratio(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 median = StepTree.scalar(r, t, NEWNESS_MEDIAN);
        return median > 0 ? Numbers.div(StepTree.at(r, t, NEWNESS, i) * ONE, median) : int256(0);
    }

    function gate(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        if (Seats.count(f) < MIN_SEATS || StepTree.at(r, t, AGE, i) == 0) return ONE;
        if (StepTree.at(r, t, JUDGED, i) == 0) return 0;
        if (StepTree.scalar(r, t, NEWNESS_MEDIAN) <= 0) return ONE;
        return Numbers.ramp(StepTree.at(r, t, RATIO, i), GATE_START, GATE_WIDTH);
    }

    function isEarnedBar(Reader memory r, Steps memory t, Facts calldata f, int256 posted)
        internal
        pure
        returns (bool)
    {
        int256[] memory sums = Seats.gather(f, StepTree.vector(r, t, EARNED), Seats.NONE);
        if (sums.length == 0) return posted == 0;
        for (uint256 k; k < sums.length; ++k) {
            if (sums[k] < 0) sums[k] = 0;
        }
        return Numbers.isKthLargest(sums, 1 + sums.length / SEATS_ABOVE_BAR, posted);
    }

    function claim(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 sum = Numbers.max(StepTree.at(r, t, EARNED, i), 0);
        sum = Numbers.min(sum, StepTree.scalar(r, t, EARNED_BAR));
        sum *= StepTree.at(r, t, GATE, i);
        return Numbers.div(sum, StepTree.at(r, t, CROWD, i));
    }

    function had(Reader memory r, Facts calldata f, uint256 i) internal pure returns (int256) {
        return Numbers.decayed(Before.at(r, f, RECEIVED, i));
    }

    function worth(Reader memory r, Steps memory t, Facts calldata f) internal pure returns (int256) {
        int256 claims = Seats.sum(StepTree.vector(r, t, CLAIM), f.seats);
        int256 given = Seats.sum(StepTree.vector(r, t, HAD), f.seats) + SHARE;
        return claims == 0 ? int256(0) : Numbers.div(given << WORTH_BITS, claims);
    }

    function points(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 claim_ = StepTree.at(r, t, CLAIM, i);
        int256 whole = claim_ * StepTree.scalar(r, t, WORTH) >> WORTH_BITS;
        int256 now_ = whole >> 4;
        return Numbers.max(now_ + (whole - now_ - StepTree.at(r, t, HAD, i) >> 3), now_ >> 1);
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

    function received(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256 sum) {
        sum = Numbers.decayed(Before.at(r, f, RECEIVED, i));
        if (!RowsOf.isIncluded(f, i)) return sum;
        int256 all = StepTree.scalar(r, t, POINTS_SUM);
        // Safe: a small number.
        if (all == 0) return sum + SHARE / int256(Seats.count(f));
        return sum + Numbers.div(SHARE * StepTree.at(r, t, POINTS, i), all);
    }

    function paid(Reader memory r, Steps memory t, Facts calldata f) internal pure returns (int256 sum) {
        uint256 values = StepTree.vector(r, t, PAY);
        for (uint256 i; i < f.seats; ++i) {
            sum += Evidence.i128(values, i);
        }
    }
}
