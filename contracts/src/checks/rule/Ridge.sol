// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Numbers} from "../Numbers.sol";

/// The fixed elimination of `aggregator/novelty.py`: no pivoting, every quotient a floor, numbers in Q48. SAFETY: entries of
/// honest systems are below 2^51, factors below 2^56, solutions below 2^60, so that only wrong ones could overflow.
library Ridge {
    uint256 internal constant BITS = 48;
    int256 internal constant ONE = int256(1 << BITS);
    int256 private constant RIDGE = ONE / 10_000;
    int256 private constant LIMIT = ONE << 7;

    /// Unknown `wanted` of the `size` equations whose matrix, row by row, and right side are the int64 entries at `offset`,
    /// with the ridge on the diagonal; bounded. Pivots of honest systems are about RIDGE at least.
    function solve(uint256 offset, uint256 size, uint256 wanted) internal pure returns (int256) {
        int256[] memory a = _read(offset, size);
        for (uint256 k; k < size; ++k) {
            for (uint256 row = k + 1; row < size; ++row) {
                _eliminate(a, size + 1, k, row);
            }
        }
        int256[] memory x = new int256[](size);
        for (uint256 left = size; left > wanted; --left) {
            uint256 k = left - 1;
            uint256 first = k * (size + 1);
            x[k] = _floor((a[first + size] - _known(a, x, first, k)) << BITS, a[first + k]);
        }
        return Numbers.bound(x[wanted], -LIMIT, LIMIT);
    }

    /// Rows of `size` entries, the ridge on the diagonal, and the right side at the end of each.
    function _read(uint256 offset, uint256 size) private pure returns (int256[] memory a) {
        a = new int256[](size * (size + 1));
        int256 ridge = RIDGE;
        assembly ("memory-safe") {
            let to := add(a, 32)
            let right := add(offset, shl(3, mul(size, size)))
            for { let k := 0 } lt(k, size) { k := add(k, 1) } {
                let diagonal := add(to, shl(5, k))
                for { let end := add(offset, shl(3, size)) } lt(offset, end) { offset := add(offset, 8) } {
                    mstore(to, sar(192, calldataload(offset)))
                    to := add(to, 32)
                }
                mstore(diagonal, add(mload(diagonal), ridge))
                mstore(to, sar(192, calldataload(add(right, shl(3, k)))))
                to := add(to, 32)
            }
        }
    }

    /// Takes row `k` from a later row, so that its column `k` does not count any more.
    function _eliminate(int256[] memory a, uint256 width, uint256 k, uint256 row) private pure {
        int256 factor = _floor(a[row * width + k] << BITS, a[k * width + k]);
        assembly ("memory-safe") {
            let from := add(add(a, 32), shl(5, add(mul(k, width), k)))
            let to := add(from, shl(5, mul(sub(row, k), width)))
            for { let end := add(from, shl(5, sub(width, k))) } lt(from, end) { from := add(from, 32) } {
                mstore(to, sub(mload(to), sar(BITS, mul(factor, mload(from)))))
                to := add(to, 32)
            }
        }
    }

    /// What the unknowns after `k` add to equation `k`, whose row begins at `first`.
    function _known(int256[] memory a, int256[] memory x, uint256 first, uint256 k) private pure returns (int256 sum) {
        assembly ("memory-safe") {
            let at := add(x, shl(5, add(k, 2)))
            let factor := add(a, shl(5, add(add(first, k), 2)))
            for { let end := add(x, shl(5, add(mload(x), 1))) } lt(at, end) { at := add(at, 32) } {
                sum := add(sum, sar(BITS, mul(mload(factor), mload(at))))
                factor := add(factor, 32)
            }
        }
    }

    /// Quotient rounded towards minus infinity; `b` > 0.
    function _floor(int256 a, int256 b) private pure returns (int256 q) {
        assembly ("memory-safe") {
            q := sub(sdiv(a, b), slt(smod(a, b), 0))
        }
    }
}
