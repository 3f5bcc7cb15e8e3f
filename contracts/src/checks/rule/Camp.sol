// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Reader} from "../Evidence.sol";
import {Facts} from "../IChecks.sol";
import {Numbers} from "../Numbers.sol";
import {RowsOf} from "../RowsOf.sol";
import {Seats} from "../Seats.sol";
import {Rule} from "./Rule.sol";
import "../StepTree.sol";

/// Whom a majority agrees with, all or one camp: steps pull to voice of `aggregator/rule.py` but trust.
library Camp {
    int256 private constant F = 16384;
    uint256 private constant NOBODY = 0; // in place of where cosines begin

    function pull(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        uint256 cosines = StepTree.row(r, t, COSINE, i);
        return Seats.dot(cosines, StepTree.vector(r, t, STANDING), f.seats);
    }

    function isPullMedian(Reader memory r, Steps memory t, Facts calldata f, int256 posted)
        internal
        pure
        returns (bool)
    {
        uint256 echoes = StepTree.vector(r, t, PULL);
        uint256 standings = StepTree.vector(r, t, STANDING);
        return Numbers.isLowerMedian(_leanings(f, NOBODY, standings, echoes), posted);
    }

    function outlook(Reader memory r, Steps memory t, Facts calldata f, uint256 i, uint256 j)
        internal
        pure
        returns (int256)
    {
        if (!RowsOf.isIncluded(f, j)) return 0;
        uint256 cosines = StepTree.row(r, t, COSINE, i);
        uint256 standings = StepTree.vector(r, t, STANDING);
        uint256 others = i == j ? cosines : StepTree.row(r, t, COSINE, j);
        return _seenDot(cosines, standings, others, f.seats);
    }

    function isOutlookMedian(Reader memory r, Steps memory t, Facts calldata f, uint256 i, int256 posted)
        internal
        pure
        returns (bool)
    {
        uint256 cosines = StepTree.row(r, t, COSINE, i);
        uint256 standings = StepTree.vector(r, t, STANDING);
        uint256 echoes = StepTree.row(r, t, OUTLOOK, i);
        return Numbers.isLowerMedian(_leanings(f, cosines, standings, echoes), posted);
    }

    function voice(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        int256 own = StepTree.at(r, t, STANDING, i);
        if (RowsOf.referenceSquare(r, f) != 0) return Rule.SEATS_PART * own;
        int256 main = Numbers.max(StepTree.scalar(r, t, PULL_MEDIAN), 0);
        (uint256 leader, int256 median) = Seats.firstLargest(StepTree.vector(r, t, OUTLOOK_MEDIAN), f.seats);
        if (median <= main) return own;
        int256 heard = StepTree.entry(r, t, OUTLOOK, leader, i);
        int256 likeness = Numbers.max(StepTree.entry(r, t, COSINE, leader, i), 0);
        return heard > Numbers.div(likeness * own, F) * F ? own : int256(0);
    }

    // ----- loops -----

    /// Cosines of the included seats with a direction, each less its own part of it: from `echoes`, inner products with the
    /// direction, which is the sum of all by standing x the positive part of `cosines` (by standing alone for NOBODY).
    function _leanings(Facts calldata f, uint256 cosines, uint256 standings, uint256 echoes)
        private
        pure
        returns (int256[] memory values)
    {
        int256 square = _seenDot(cosines, standings, echoes, f.seats);
        int256 length = Numbers.max(Numbers.sqrt(square), 1);
        values = new int256[](f.seats);
        // 128 = sqrt(F): the root of a quantity in F is in sqrt(F). Quotients are floors.
        assembly ("memory-safe") {
            let likeness := F
            let at := add(values, 32)
            for { let end := add(at, shl(5, mload(values))) } lt(at, end) { at := add(at, 32) } {
                if cosines {
                    likeness := sar(192, calldataload(cosines))
                    likeness := mul(likeness, sgt(likeness, 0))
                    cosines := add(cosines, 8)
                }
                let seen := sar(14, mul(likeness, sar(192, calldataload(standings))))
                let rest := shl(7, sub(sar(192, calldataload(echoes)), shl(14, seen)))
                let leaning := sdiv(rest, length)
                mstore(at, sub(leaning, and(slt(rest, 0), iszero(eq(mul(leaning, length), rest)))))
                standings := add(standings, 8)
                echoes := add(echoes, 8)
            }
        }
        Seats.keep(f, values);
    }

    /// Inner product of a direction as in `_leanings` with a vector. SAFETY: N < 2^16 terms of 126 bits.
    function _seenDot(uint256 cosines, uint256 standings, uint256 y, uint256 seats) private pure returns (int256 sum) {
        assembly ("memory-safe") {
            let likeness := F
            for { let end := add(y, shl(3, seats)) } lt(y, end) { y := add(y, 8) } {
                if cosines {
                    likeness := sar(192, calldataload(cosines))
                    likeness := mul(likeness, sgt(likeness, 0))
                    cosines := add(cosines, 8)
                }
                let seen := sar(14, mul(likeness, sar(192, calldataload(standings))))
                sum := add(sum, mul(seen, sar(192, calldataload(y))))
                standings := add(standings, 8)
            }
        }
    }
}
