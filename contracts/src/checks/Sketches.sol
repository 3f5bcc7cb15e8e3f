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

    /// The last running sums of a row: its sketch; returns where the numbers begin in calldata. Evidence: the 1,024 bytes,
    /// siblings over segments but for absent ones, siblings over rows.
    function last(Reader memory r, Facts calldata f, uint256 row) internal pure returns (uint256 offset) {
        bytes32 hash;
        (offset, hash) = _lastOfRow(r, f, row);
        _expectRoot(f, Evidence.climb(r, hash, row, _rowBits(f)));
    }

    /// The sketches of two rows. Evidence: both as above up to their rows, siblings of both over rows, common ones once.
    function lastTwo(Reader memory r, Facts calldata f, uint256 i, uint256 j)
        internal
        pure
        returns (uint256 one, uint256 other)
    {
        if (i == j) {
            one = last(r, f, i);
            return (one, one);
        }
        bytes32 first;
        bytes32 second;
        (one, first) = _lastOfRow(r, f, i);
        (other, second) = _lastOfRow(r, f, j);
        _expectRoot(f, climbTwo(r, first, i, second, j, _rowBits(f)));
    }

    /// Root above nodes `i` and `j` of one level, which differ. Level by level the sibling of the first is read, then that of
    /// the second, until the two meet.
    function climbTwo(Reader memory r, bytes32 first, uint256 i, bytes32 second, uint256 j, uint256 levels)
        internal
        pure
        returns (bytes32)
    {
        for (; i ^ j != 1; --levels) {
            first = Evidence.climb(r, first, i, 1);
            second = Evidence.climb(r, second, j, 1);
            i >>= 1;
            j >>= 1;
        }
        bytes32 hash = i & 1 == 0 ? Evidence.node(first, second) : Evidence.node(second, first);
        return Evidence.climb(r, hash, i >> 1, levels - 1);
    }

    function depth(Facts calldata f) internal pure returns (uint256) {
        return _rowBits(f) + Evidence.clog2(Layout.segments(f.coefficients));
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

    /// The last leaf of a row and the root of the row.
    function _lastOfRow(Reader memory r, Facts calldata f, uint256 row)
        private
        pure
        returns (uint256 offset, bytes32 hash)
    {
        uint256 rows = RowsOf.count(f.seats);
        if (row >= rows) revert RowsOf.MarketNoSuchRow(row, rows);
        uint256 place = Layout.segments(f.coefficients) - 1;
        uint256 levels = Evidence.clog2(place + 1);
        offset = Evidence.take(r, Layout.SKETCH);
        hash = leafHash(row << levels | place, f.poster, offset);
        for (uint256 level; level < levels; ++level) {
            hash = place >> level & 1 == 0
                ? Evidence.node(hash, r.absent[level])
                : Evidence.node(Evidence.takeHash(r), hash);
        }
    }

    function _rowBits(Facts calldata f) private pure returns (uint256) {
        return Evidence.clog2(RowsOf.count(f.seats));
    }

    function _expectRoot(Facts calldata f, bytes32 hash) private pure {
        if (hash != f.roots.sketches) revert StepTree.MarketWrongLeaf(hash, f.roots.sketches);
    }
}
