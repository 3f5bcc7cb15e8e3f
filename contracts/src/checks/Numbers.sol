// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// Fixed-point helpers, equal to `aggregator/fixed.py`.
library Numbers {
    /// Quotient rounded towards minus infinity; `b` > 0.
    function div(int256 a, int256 b) internal pure returns (int256 q) {
        q = a / b;
        if (a < 0 && q * b != a) --q;
    }

    /// Floor of the square root of max(x, 0).
    function sqrt(int256 x) internal pure returns (int256) {
        return x <= 0 ? int256(0) : int256(Math.sqrt(uint256(x)));
    }

    function max(int256 a, int256 b) internal pure returns (int256) {
        return a > b ? a : b;
    }

    function min(int256 a, int256 b) internal pure returns (int256) {
        return a < b ? a : b;
    }

    function bound(int256 x, int256 low, int256 high) internal pure returns (int256) {
        return x < low ? low : x > high ? high : x;
    }

    /// 0 below `start`, 2^16 from `start + width` on, linear between; all in Q16.
    function ramp(int256 x, int256 start, int256 width) internal pure returns (int256) {
        return bound(div((x - start) * 65536, width), 0, 65536);
    }

    /// `x` less a sixteenth, rounded up.
    function decayed(int256 x) internal pure returns (int256) {
        return x - (x >> 4);
    }

    /// Whether `value` is number (n - 1) div 2 of the sorted values, counted from 0; of nothing, 0.
    function isLowerMedian(int256[] memory values, int256 value) internal pure returns (bool) {
        uint256 n = values.length;
        if (n == 0) return value == 0;
        (uint256 below, uint256 upTo) = _counts(values, value);
        uint256 k = (n - 1) / 2;
        return below <= k && k < upTo;
    }

    /// Whether `value` is the k-th largest, k >= 1.
    function isKthLargest(int256[] memory values, uint256 k, int256 value) internal pure returns (bool) {
        (uint256 below, uint256 upTo) = _counts(values, value);
        uint256 larger = values.length - upTo;
        return larger < k && k <= values.length - below;
    }

    /// How many values are less than `value`, and how many at most that.
    function _counts(int256[] memory values, int256 value) private pure returns (uint256 below, uint256 upTo) {
        assembly ("memory-safe") {
            let at := add(values, 32)
            for { let end := add(at, shl(5, mload(values))) } lt(at, end) { at := add(at, 32) } {
                below := add(below, slt(mload(at), value))
                upTo := add(upTo, iszero(sgt(mload(at), value)))
            }
        }
    }

    /// Negative values become 0.
    function raiseToZero(int256[] memory values) internal pure {
        assembly ("memory-safe") {
            let at := add(values, 32)
            for { let end := add(at, shl(5, mload(values))) } lt(at, end) { at := add(at, 32) } {
                mstore(at, mul(mload(at), sgt(mload(at), 0)))
            }
        }
    }
}
