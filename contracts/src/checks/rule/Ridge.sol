// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Evidence} from "../Evidence.sol";
import {Numbers} from "../Numbers.sol";

/// The fixed elimination of `aggregator/novelty.py`: no pivoting, every quotient a floor, numbers in Q48.
library Ridge {
    uint256 internal constant BITS = 48;
    int256 internal constant ONE = int256(1 << BITS);
    int256 private constant RIDGE = ONE / 10_000;
    int256 private constant LIMIT = ONE << 7;

    /// Solution of the `size` equations whose matrix, row by row, and right side are the int64 entries at `offset`, with
    /// the ridge on the diagonal; bounded. Pivots of honest systems are about RIDGE at least.
    function solve(uint256 offset, uint256 size) internal pure returns (int256[] memory x) {
        int256[] memory a = _read(offset, size);
        for (uint256 k; k < size; ++k) {
            for (uint256 row = k + 1; row < size; ++row) {
                _eliminate(a, size + 1, k, row);
            }
        }
        x = new int256[](size);
        for (uint256 left = size; left > 0; --left) {
            uint256 k = left - 1;
            int256 known;
            for (uint256 column = k + 1; column < size; ++column) {
                known += a[k * (size + 1) + column] * x[column] >> BITS;
            }
            x[k] = Numbers.div((a[k * (size + 1) + size] - known) << BITS, a[k * (size + 1) + k]);
        }
        // The system is solved without bounds, as in Python.
        for (uint256 k; k < size; ++k) {
            x[k] = Numbers.bound(x[k], -LIMIT, LIMIT);
        }
    }

    /// Rows of `size` entries and the right side.
    function _read(uint256 offset, uint256 size) private pure returns (int256[] memory a) {
        a = new int256[](size * (size + 1));
        for (uint256 k; k < size; ++k) {
            for (uint256 column; column < size; ++column) {
                a[k * (size + 1) + column] = Evidence.i64(offset, k * size + column);
            }
            a[k * (size + 1) + size] = Evidence.i64(offset, size * size + k);
            a[k * (size + 1) + k] += RIDGE;
        }
    }

    /// Takes row `k` from a later row, so that its column `k` does not count any more.
    function _eliminate(int256[] memory a, uint256 width, uint256 k, uint256 row) private pure {
        int256 factor = Numbers.div(a[row * width + k] << BITS, a[k * width + k]);
        for (uint256 column = k; column < width; ++column) {
            a[row * width + column] -= factor * a[k * width + column] >> BITS;
        }
    }
}
