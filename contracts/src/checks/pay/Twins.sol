// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Before} from "../Before.sol";
import {Evidence, Reader} from "../Evidence.sol";
import {Facts} from "../IChecks.sol";
import {Numbers} from "../Numbers.sol";
import {RowsOf} from "../RowsOf.sol";
import {Seats} from "../Seats.sol";
import "../StepTree.sol";

/// Who counts as one: steps residual_norm to crowd of `aggregator/pay/twins.py`. Each function gives the entry of seat `i` (or
/// pair) from what it reads; a median instead says whether `posted` is it.
library Twins {
    int256 internal constant ONE = 65536;
    int256 private constant TWIN_START = 9830;
    int256 private constant TWIN_WIDTH = 9830;
    int256 private constant TWIN_PRIOR = 1;

    function residualNorm(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        return Numbers.sqrt(StepTree.entry(r, t, RESIDUAL_GRAM, i, i));
    }

    function live(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 norm = length(r, t, i);
        int256 median = StepTree.scalar(r, t, NORM_MEDIAN);
        int256 rest = StepTree.at(r, t, RESIDUAL_NORM, i);
        return 1000 * norm > median && 100 * rest > 3 * norm ? int256(1) : int256(0);
    }

    function age(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256 rounds) {
        rounds = Numbers.decayed(Before.at(r, f, AGE, i));
        if (RowsOf.isIncluded(f, i) && StepTree.scalar(r, t, HAS_PUBLIC) != 0) rounds += ONE;
    }

    function twin(Reader memory r, Steps memory t, Facts calldata f, uint256 i, uint256 j)
        internal
        pure
        returns (int256 sum)
    {
        sum = Numbers.decayed(Before.entry(r, f, TWIN, i, j));
        if (i == j || !RowsOf.isIncluded(f, i) || !RowsOf.isIncluded(f, j)) return sum;
        if (
            StepTree.scalar(r, t, HAS_PUBLIC) == 0 || StepTree.at(r, t, LIVE, i) == 0 || StepTree.at(r, t, LIVE, j) == 0
        ) return sum;
        int256 product = StepTree.entry(r, t, RESIDUAL_GRAM, i, j);
        int256 scale = Numbers.max(StepTree.at(r, t, RESIDUAL_NORM, i), 1);
        scale *= Numbers.max(StepTree.at(r, t, RESIDUAL_NORM, j), 1);
        return sum + Numbers.bound(Numbers.div(ONE * product, scale), -ONE, ONE);
    }

    function twinMean(Reader memory r, Steps memory t, Facts calldata f, uint256 i, uint256 j)
        internal
        pure
        returns (int256)
    {
        if (!RowsOf.isIncluded(f, j)) return 0;
        int256 sum = StepTree.entry(r, t, TWIN, i, j);
        int256 rounds = StepTree.at(r, t, AGE, i);
        rounds = Numbers.min(rounds, StepTree.at(r, t, AGE, j));
        return Numbers.div(sum * ONE, rounds + TWIN_PRIOR * ONE);
    }

    function isTwinTypical(Reader memory r, Steps memory t, Facts calldata f, uint256 i, int256 posted)
        internal
        pure
        returns (bool)
    {
        return Numbers.isLowerMedian(Seats.gather(f, StepTree.row(r, t, TWIN_MEAN, i), i), posted);
    }

    function isTwinBar(Reader memory r, Steps memory t, Facts calldata f, int256 posted) internal pure returns (bool) {
        int256[] memory typical = Seats.gather(f, StepTree.vector(r, t, TWIN_TYPICAL), Seats.NONE);
        // The median of numbers moved up to at least 0 is the median moved up to at least 0.
        Numbers.raiseToZero(typical);
        return Numbers.isLowerMedian(typical, posted - TWIN_START);
    }

    function alike(Reader memory r, Steps memory t, Facts calldata f, uint256 i, uint256 j)
        internal
        pure
        returns (int256)
    {
        if (i == j || !RowsOf.isIncluded(f, j)) return 0;
        int256 mean = StepTree.entry(r, t, TWIN_MEAN, i, j);
        return Numbers.ramp(mean, StepTree.scalar(r, t, TWIN_BAR), TWIN_WIDTH);
    }

    function crowd(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        return ONE + Seats.sum(StepTree.row(r, t, ALIKE, i), f.seats);
    }

    /// Norm of seat `i`, at least 1.
    function length(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        return Numbers.max(StepTree.at(r, t, NORM, i), 1);
    }
}
