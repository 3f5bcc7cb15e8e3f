// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// A place in calldata from which evidence is read on; `absent[l]` is the root of 2^l absent leaves.
struct Reader {
    uint256 at;
    uint256 end;
    bytes32[] absent;
}

/// Reads leaves and sibling hashes in order. A check reads exactly what it needs, at places that it computes itself:
/// evidence carries no lengths and no indices, so none can be forged, and what is missing or left over reverts.
library Evidence {
    uint256 private constant LEVELS = 33;

    error MarketEvidenceLength(uint256 read, uint256 given);

    function open(bytes calldata evidence) internal pure returns (Reader memory r) {
        uint256 start;
        assembly ("memory-safe") {
            start := evidence.offset
        }
        r.at = start;
        r.end = start + evidence.length;
        bytes32[] memory absent = new bytes32[](LEVELS);
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore8(input, 1)
            let last := add(absent, shl(5, LEVELS))
            for { let at := add(absent, 32) } lt(at, last) { at := add(at, 32) } {
                mstore(add(input, 1), mload(at))
                mstore(add(input, 33), mload(at))
                mstore(add(at, 32), keccak256(input, 65))
            }
        }
        r.absent = absent;
    }

    /// INVARIANT: every byte has been read, so evidence cannot be extended, nor read at a shifted place.
    function close(Reader memory r) internal pure {
        if (r.at != r.end) revert MarketEvidenceLength(r.at, r.end);
    }

    /// The next `size` bytes; returns where they begin in calldata.
    function take(Reader memory r, uint256 size) internal pure returns (uint256 offset) {
        offset = r.at;
        unchecked {
            r.at = offset + size;
        }
        if (r.at > r.end) revert MarketEvidenceLength(r.at, r.end);
    }

    function takeHash(Reader memory r) internal pure returns (bytes32 hash) {
        uint256 offset = take(r, 32);
        assembly ("memory-safe") {
            hash := calldataload(offset)
        }
    }

    /// keccak(0x00 || uint64 index || bytes), of bytes in calldata.
    function leafHash(uint256 index, uint256 offset, uint256 size) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore8(start, 0)
            mstore(add(start, 1), shl(192, index))
            calldatacopy(add(start, 9), offset, size)
            hash := keccak256(start, add(9, size))
        }
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore8(start, 1)
            mstore(add(start, 1), left)
            mstore(add(start, 33), right)
            hash := keccak256(start, 65)
        }
    }

    /// Climbs `levels` levels from node number `index` of its level; every sibling is read.
    function climb(Reader memory r, bytes32 hash, uint256 index, uint256 levels) internal pure returns (bytes32) {
        uint256 offset = take(r, 32 * levels);
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore8(input, 1)
            for { let end := add(offset, shl(5, levels)) } lt(offset, end) { offset := add(offset, 32) } {
                // 0 on the left, 32 on the right.
                let side := shl(5, and(index, 1))
                mstore(add(add(input, 1), side), hash)
                mstore(sub(add(input, 33), side), calldataload(offset))
                hash := keccak256(input, 65)
                index := shr(1, index)
            }
        }
        return hash;
    }

    /// Climbs from level `from` to level `to` along leftmost places; every sibling is absent and not read.
    function climbAbsent(Reader memory r, bytes32 hash, uint256 from, uint256 to) internal pure returns (bytes32) {
        bytes32[] memory absent = r.absent;
        // SAFETY: no tree is deeper than `absent` is long.
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore8(input, 1)
            let right := add(absent, shl(5, add(from, 1)))
            for { let end := add(absent, shl(5, add(to, 1))) } lt(right, end) { right := add(right, 32) } {
                mstore(add(input, 1), hash)
                mstore(add(input, 33), mload(right))
                hash := keccak256(input, 65)
            }
        }
        return hash;
    }

    /// Root of `levels` levels above hashes 0 .. length-1, which it overwrites. Right siblings that are missing are
    /// absent, or read from the evidence: `siblings` of them at most one a level, lowest first.
    function reduce(Reader memory r, bytes32[] memory hashes, uint256 levels, bool absentRight)
        internal
        pure
        returns (bytes32)
    {
        uint256 count = hashes.length;
        for (uint256 level; level < levels; ++level) {
            if (count == 1 && absentRight) return climbAbsent(r, hashes[0], level, levels);
            _pairs(hashes, count / 2);
            if (count & 1 == 1) {
                bytes32 right = absentRight ? r.absent[level] : takeHash(r);
                hashes[count / 2] = node(hashes[count - 1], right);
            }
            count = (count + 1) / 2;
        }
        return hashes[0];
    }

    /// Nodes above the first 2 `count` hashes, in their place. The tag is written over the last byte before a pair: it is
    /// part of a hash that has been used, or of the length, which is put back.
    function _pairs(bytes32[] memory hashes, uint256 count) private pure {
        assembly ("memory-safe") {
            let length := mload(hashes)
            let tagged := add(hashes, 31)
            let to := add(hashes, 32)
            for { let end := add(to, shl(5, count)) } lt(to, end) { to := add(to, 32) } {
                mstore8(tagged, 1)
                mstore(to, keccak256(tagged, 65))
                tagged := add(tagged, 64)
            }
            mstore(hashes, length)
        }
    }

    /// Levels of a tree over `x` >= 1 places: ceil(log2(x)); 0 for one place.
    function clog2(uint256 x) internal pure returns (uint256 levels) {
        while (1 << levels < x) ++levels;
    }

    /// int64 number `i` of those at `offset` in calldata, big-endian.
    function i64(uint256 offset, uint256 i) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            value := sar(192, calldataload(add(offset, shl(3, i))))
        }
    }

    /// int128 number `i` of those at `offset` in calldata, big-endian.
    function i128(uint256 offset, uint256 i) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            value := sar(128, calldataload(add(offset, shl(4, i))))
        }
    }
}
