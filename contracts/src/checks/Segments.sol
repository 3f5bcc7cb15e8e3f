// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Evidence, Reader} from "./Evidence.sol";
import {Facts} from "./IChecks.sol";
import {Layout} from "./Layout.sol";
import {RowsOf} from "./RowsOf.sol";
import {Sketches} from "./Sketches.sol";
import {StepTree} from "./StepTree.sol";

/// Running sums of signed, rotated rows of a file, as in `aggregator/sketch.py`: a segment of 16 leaves is 64 rows of 256
/// coefficients, 16 words of 16 lanes each.
///
/// A sum runs in 32-bit lanes of its own, odd and even columns apart. What is added is never negative: a coefficient x is
/// taken as x + 2^15, and -x as (-x - 1) + 2^15, which is x's bits inverted but for the sign bit; 64 of these stay below 2^22. The
/// bias and the ones are made good once, at the end, from the number of rows and of inversions.
library Segments {
    uint256 private constant ONES = 0x0001000100010001000100010001000100010001000100010001000100010001;
    uint256 private constant SIGNS = 0x8000800080008000800080008000800080008000800080008000800080008000;
    uint256 private constant LANES = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
    uint256 private constant ROTATIONS = 0x8000000000000000000000000000000000000000000000000000000000000000; // 2^255: apart from the numbers of rows, which seed the signs
    uint256 private constant ROWS = Layout.LEAF / Sketches.COLUMNS; // in a leaf of the file
    uint256 private constant SUMS = 1536; // bytes, 3 words each: for each of 16 words even columns, odd columns, inversions
    uint256 private constant LEAF_PREFIX = 29;

    /// Whether the posted leaf (row, segment) has another hash than the leaf before and the file say. Evidence: its hash;
    /// the 1,024 bytes of the leaf before, unless segment is 0; the siblings of both, a common one once, lowest first (left of
    /// the two paths first); the segment's leaves of the file; the siblings above their subtree.
    function wrong(Reader memory r, Facts calldata f, uint256 row, uint256 segment) internal pure returns (bool) {
        uint256 count = Layout.segments(f.coefficients);
        if (segment >= count || !RowsOf.isPresent(f, row)) revert RowsOf.MarketNoSuchRow(row, segment);
        uint256 index = row << Evidence.clog2(count) | segment;
        bytes32 posted = Evidence.takeHash(r);
        uint256 before;
        if (segment != 0) before = Evidence.take(r, Layout.SKETCH);
        bytes32 root = segment == 0
            ? Evidence.climb(r, posted, index, Sketches.depth(f))
            : Sketches.climbTwo(
                r, Sketches.leafHash(index - 1, f.poster, before), index - 1, posted, index, Sketches.depth(f)
            );
        if (root != f.roots.sketches) revert StepTree.MarketWrongLeaf(root, f.roots.sketches);
        (uint256 offset, uint256 leaves) = _file(r, f, segment);
        uint256 rows = leaves * ROWS;
        return posted != _leafHash(f, index, before, _sums(f.seed, segment * Layout.SEGMENT * ROWS, offset, rows), rows);
    }

    /// The leaves of a segment, up to 16; missing ones are absent and not read.
    function _file(Reader memory r, Facts calldata f, uint256 segment)
        private
        pure
        returns (uint256 offset, uint256 count)
    {
        uint256 all = Layout.leaves(f.coefficients);
        uint256 first = segment * Layout.SEGMENT;
        count = all - first < Layout.SEGMENT ? all - first : Layout.SEGMENT;
        offset = Evidence.take(r, count * Layout.UPDATE);
        bytes32[] memory hashes = new bytes32[](count);
        for (uint256 k; k < count; ++k) {
            hashes[k] = Evidence.leafHash(first + k, offset + k * Layout.UPDATE, Layout.UPDATE);
        }
        uint256 depth = Layout.depthFor(all);
        uint256 inside = depth < 4 ? depth : 4;
        bytes32 root = Evidence.climb(r, Evidence.reduce(r, hashes, inside, true), segment, depth - inside);
        if (root != f.files[0]) revert StepTree.MarketWrongLeaf(root, f.files[0]);
    }

    /// Biased sums of `rows` rows of calldata from row number `row` of the file on, which is a multiple of 32.
    function _sums(bytes32 seed, uint256 row, uint256 offset, uint256 rows) private pure returns (uint256 sums) {
        assembly ("memory-safe") {
            sums := mload(0x40)
            let twice := add(sums, SUMS) // a row two times, so that it can be read from its rotation on
            mstore(0x40, add(twice, 1024))
            calldatacopy(sums, calldatasize(), SUMS)
            mstore(0, seed)
            let turns
            for { let end := add(row, rows) } lt(row, end) { row := add(row, 1) } {
                if iszero(and(row, 31)) {
                    mstore(32, or(ROTATIONS, shr(5, row)))
                    turns := keccak256(0, 64)
                }
                mstore(32, row)
                let signs := keccak256(0, 64)
                calldatacopy(twice, offset, 512)
                calldatacopy(add(twice, 512), offset, 512)
                offset := add(offset, 512)
                let from := sub(add(twice, 512), shl(1, byte(and(row, 31), turns)))
                for { let to := sums } lt(to, twice) { to := add(to, 96) } {
                    let inverted := and(signs, ONES)
                    // 0x8000 or 0x7fff in each lane: bias, or bias and inversion
                    let word := xor(mload(from), sub(SIGNS, inverted))
                    mstore(to, add(mload(to), and(shr(16, word), LANES)))
                    mstore(add(to, 32), add(mload(add(to, 32)), and(word, LANES)))
                    mstore(add(to, 64), add(mload(add(to, 64)), inverted))
                    from := add(from, 32)
                    signs := shr(1, signs)
                }
            }
        }
    }

    /// Hash of the leaf of running sums: those before (in calldata, none if 0) plus sums of this segment, modulo 2^32.
    function _leafHash(Facts calldata f, uint256 index, uint256 before, uint256 sums, uint256 rows)
        private
        pure
        returns (bytes32 hash)
    {
        address poster = f.poster;
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore8(start, 0)
            mstore(add(start, 1), shl(192, index))
            mstore(add(start, 9), shl(96, poster))
            let bias := shl(15, rows)
            for { let k := 0 } lt(k, 256) { k := add(k, 1) } {
                let lane := and(k, 15)
                let words := add(sums, mul(96, shr(4, k)))
                // even columns stand in the first word, each in the 32 bits of its pair
                let sum := shr(shl(5, sub(7, shr(1, lane))), mload(add(words, shl(5, and(lane, 1)))))
                sum := add(and(sum, 0xffffffff), and(shr(shl(4, sub(15, lane)), mload(add(words, 64))), 0xffff))
                sum := sub(sum, bias)
                if before { sum := add(sum, shr(224, calldataload(add(before, shl(2, k))))) }
                // later numbers overwrite what spills over
                mstore(add(add(start, LEAF_PREFIX), shl(2, k)), shl(224, sum))
            }
            hash := keccak256(start, 1053)
        }
    }
}
