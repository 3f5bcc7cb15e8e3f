// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Evidence, Reader} from "./Evidence.sol";
import {Facts} from "./IChecks.sol";
import {StepTree} from "./StepTree.sol";

/// Numbers of the rows of sketches and of the Gram matrix (`aggregator/rows.py`): seats 0 .. N-1, the reference N, deltas
/// N+1 .. N+3 (newest first), files of the last two rounds from N+4 on; which of them a result has, and the Gram tree.
library RowsOf {
    uint256 internal constant DELTAS = 3;
    uint256 internal constant MEMORY = 2;
    uint256 private constant WORD = 16;

    error MarketNoSuchRow(uint256 row, uint256 rows);
    error MarketNotIncluded(uint256 row, uint256 entry);

    // ----- numbers -----

    function count(uint256 seats) internal pure returns (uint256) {
        return seats + 1 + DELTAS + MEMORY * seats;
    }

    function delta(uint256 seats, uint256 age) internal pure returns (uint256) {
        return seats + 1 + age;
    }

    function past(uint256 seats, uint256 age, uint256 seat) internal pure returns (uint256) {
        return seats + 1 + DELTAS + age * seats + seat;
    }

    function firstPast(uint256 seats) internal pure returns (uint256) {
        return seats + 1 + DELTAS;
    }

    // ----- which are there -----

    function isIncluded(Facts calldata f, uint256 seat) internal pure returns (bool) {
        return seat < f.seats && f.included[seat >> 8] >> (seat & 255) & 1 != 0;
    }

    /// Numbers of the included seats, ascending.
    function included(Facts calldata f) internal pure returns (uint256[] memory seats) {
        seats = new uint256[](f.seats);
        uint256 found;
        for (uint256 seat; seat < f.seats; ++seat) {
            if (isIncluded(f, seat)) seats[found++] = seat;
        }
        assembly ("memory-safe") {
            mstore(seats, found)
        }
    }

    function isPresent(Facts calldata f, uint256 row) internal pure returns (bool) {
        return isPresent(f.seats, f.included, f.rows, row);
    }

    /// The same from bitmaps as posted, for `n` seats.
    function isPresent(uint256 n, uint256[] calldata included_, uint256[] calldata rows, uint256 row)
        internal
        pure
        returns (bool)
    {
        if (row < n) return included_[row >> 8] >> (row & 255) & 1 != 0;
        if (row == n) return rows[0] >> DELTAS & 1 != 0;
        if (row < n + 1 + DELTAS) return rows[0] >> (row - n - 1) & 1 != 0;
        if (row >= count(n)) return false;
        uint256 at = row - n - 1 - DELTAS;
        uint256 words = (n + 255) >> 8;
        uint256 seat = at % n;
        return rows[1 + at / n * words + (seat >> 8)] >> (seat & 255) & 1 != 0;
    }

    // ----- the Gram tree -----

    /// Inner product of two rows: evidence is its leaf of 16 bytes and all siblings; nothing is read where a row is absent,
    /// whose products are zero.
    function gram(Reader memory r, Facts calldata f, uint256 i, uint256 j) internal pure returns (int256) {
        if (!isPresent(f, i) || !isPresent(f, j)) return 0;
        return gramLeaf(r, f, i, j);
    }

    /// Squared length of the reference; 0 without one, and nothing is read where the bitmaps do not name it.
    function referenceSquare(Reader memory r, Facts calldata f) internal pure returns (int256) {
        return gram(r, f, f.seats, f.seats);
    }

    function gramLeaf(Reader memory r, Facts calldata f, uint256 i, uint256 j) internal pure returns (int256) {
        uint256 bits = Evidence.clog2(count(f.seats));
        if (i >= count(f.seats) || j >= count(f.seats)) revert MarketNoSuchRow(i > j ? i : j, count(f.seats));
        uint256 offset = Evidence.take(r, WORD);
        uint256 index = i << bits | j;
        bytes32 hash = Evidence.climb(r, Evidence.leafHash(index, offset, WORD), index, 2 * bits);
        if (hash != f.roots.gram) revert StepTree.MarketWrongLeaf(hash, f.roots.gram);
        return Evidence.i128(offset, 0);
    }

    /// Inner products of seat `i`, which is included, with all seats: N numbers of 16 bytes from the returned offset on.
    /// Evidence: those numbers (zeros where a seat is not included), right siblings up to the row's root where there is an
    /// odd number of nodes, then the siblings of the row.
    function gramRow(Reader memory r, Facts calldata f, uint256 i) internal pure returns (uint256 offset) {
        uint256 bits = Evidence.clog2(count(f.seats));
        offset = Evidence.take(r, f.seats * WORD);
        bytes32[] memory hashes = _gramLeaves(f, i << bits, offset);
        bytes32 hash = Evidence.climb(r, Evidence.reduce(r, hashes, bits, false), i, bits);
        if (hash != f.roots.gram) revert StepTree.MarketWrongLeaf(hash, f.roots.gram);
    }

    /// Hashes of leaves `first` + seat of the included seats, whose numbers stand in calldata; 0 for others, whose numbers
    /// must be 0.
    function _gramLeaves(Facts calldata f, uint256 first, uint256 offset)
        private
        pure
        returns (bytes32[] memory hashes)
    {
        uint256 seats = f.seats;
        hashes = new bytes32[](seats);
        uint256 extra;
        for (uint256 from; from < seats; from += 256) {
            uint256 bits = f.included[from >> 8];
            uint256 to = seats < from + 256 ? seats : from + 256;
            assembly ("memory-safe") {
                let at := add(offset, shl(4, from))
                let place := add(add(hashes, 32), shl(5, from))
                for { let index := add(first, from) } lt(index, add(first, to)) { index := add(index, 1) } {
                    let entry := shr(128, calldataload(at))
                    switch and(bits, 1)
                    case 0 { extra := or(extra, entry) }
                    default {
                        // 0x00 || uint64 index || int128: 25 bytes.
                        mstore(0, or(shl(184, index), shl(56, entry)))
                        mstore(place, keccak256(0, 25))
                    }
                    at := add(at, 16)
                    place := add(place, 32)
                    bits := shr(1, bits)
                }
            }
        }
        if (extra != 0) revert MarketNotIncluded(first >> Evidence.clog2(count(seats)), extra);
    }
}
