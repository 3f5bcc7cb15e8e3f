// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Evidence, Reader} from "./Evidence.sol";
import {Facts} from "./IChecks.sol";
import {Layout} from "./Layout.sol";
import {RowsOf} from "./RowsOf.sol";
import {StepTree} from "./StepTree.sol";

/// Leaves of the tree of running sums: 256 numbers of 4 bytes, hashed behind the poster's address, so that a copied tree
/// cannot be opened by the copier. Row (`RowsOf`) << clog2(segments) | segment is the index.
library Sketches {
    uint256 internal constant COLUMNS = 256;

    /// Running sums of row `row` up to and with `segment`; returns where the numbers begin in calldata. Evidence: the
    /// 1,024 bytes, then all siblings.
    function leaf(Reader memory r, Facts calldata f, uint256 row, uint256 segment)
        internal
        pure
        returns (uint256 offset)
    {
        uint256 count = Layout.segments(f.coefficients);
        if (row >= RowsOf.count(f.seats) || segment >= count) revert RowsOf.MarketNoSuchRow(row, segment);
        uint256 index = row << Evidence.clog2(count) | segment;
        offset = Evidence.take(r, Layout.SKETCH);
        bytes32 hash = Evidence.climb(r, leafHash(index, f.poster, offset), index, depth(f));
        if (hash != f.roots.sketches) revert StepTree.MarketWrongLeaf(hash, f.roots.sketches);
    }

    /// The last running sums of a row: its sketch.
    function last(Reader memory r, Facts calldata f, uint256 row) internal pure returns (uint256 offset) {
        return leaf(r, f, row, Layout.segments(f.coefficients) - 1);
    }

    function depth(Facts calldata f) internal pure returns (uint256) {
        return Evidence.clog2(RowsOf.count(f.seats)) + Evidence.clog2(Layout.segments(f.coefficients));
    }

    /// Number `k` of those at `offset` in calldata.
    function at(uint256 offset, uint256 k) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            value := sar(224, calldataload(add(offset, shl(2, k))))
        }
    }

    /// Inner product of two sketches in calldata: below 2^71, so nothing overflows.
    function inner(uint256 a, uint256 b) internal pure returns (int256 sum) {
        assembly ("memory-safe") {
            for { let end := add(a, 1024) } lt(a, end) { a := add(a, 4) } {
                sum := add(sum, mul(sar(224, calldataload(a)), sar(224, calldataload(b))))
                b := add(b, 4)
            }
        }
    }

    /// keccak(0x00 || uint64 index || poster || 1,024 bytes of calldata).
    function leafHash(uint256 index, address poster, uint256 offset) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore8(start, 0)
            mstore(add(start, 1), shl(192, index))
            mstore(add(start, 9), shl(96, poster))
            calldatacopy(add(start, 29), offset, 1024)
            hash := keccak256(start, 1053)
        }
    }
}
