// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Evidence, Reader} from "../Evidence.sol";
import {Numbers} from "../Numbers.sol";

/// Sum without the smallest and the largest terms, without sorting.
library Trimmed {
    error MarketWrongHint(int256 low, int256 high);

    /// Sum of `terms` without the `cut` smallest and the `cut` largest; 2 cut <= terms. Evidence, if anything is cut: the
    /// last of the smallest and the last of the largest, int64 each, that is where the sum begins and ends.
    function sum(Reader memory r, int256[] memory terms, uint256 cut) internal pure returns (int256) {
        if (cut == 0) return _inside(terms, type(int256).min, type(int256).max);
        uint256 hints = Evidence.take(r, 16);
        int256 low = Evidence.i64(hints, 0);
        int256 high = Evidence.i64(hints, 1);
        if (!Numbers.isKthLargest(terms, terms.length + 1 - cut, low) || !Numbers.isKthLargest(terms, cut, high)) {
            revert MarketWrongHint(low, high);
        }
        // What is cut counts as `low` or `high` so far.
        return _inside(terms, low, high) - int256(cut) * (low + high);
    }

    /// Sum of the terms, each moved into [low, high]. Unchecked: terms have 8 bytes.
    function _inside(int256[] memory terms, int256 low, int256 high) private pure returns (int256 total) {
        unchecked {
            for (uint256 k; k < terms.length; ++k) {
                total += Numbers.bound(terms[k], low, high);
            }
        }
    }
}
