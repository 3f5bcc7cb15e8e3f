// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// Trees of which only one path, or the nodes below one node, are known: as deep as those of large models.
library Paths {
    function leaf(uint256 index, bytes memory data) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"00", bytes8(uint64(index)), data));
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"01", left, right));
    }

    /// `count` siblings that nobody has seen.
    function siblings(uint256 count, bytes32 salt) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            list[i] = keccak256(abi.encode(salt, i));
        }
    }

    /// Root above the node `index`, whose hash is `hash`.
    function climb(bytes32 hash, uint256 index, bytes32[] memory path) internal pure returns (bytes32) {
        for (uint256 i; i < path.length; ++i) {
            hash = index >> i & 1 == 0 ? node(hash, path[i]) : node(path[i], hash);
        }
        return hash;
    }

    /// Root above hashes, whose number is a power of two.
    function reduce(bytes32[] memory hashes) internal pure returns (bytes32) {
        while (hashes.length > 1) {
            bytes32[] memory above = new bytes32[](hashes.length / 2);
            for (uint256 i; i < above.length; ++i) {
                above[i] = node(hashes[2 * i], hashes[2 * i + 1]);
            }
            hashes = above;
        }
        return hashes[0];
    }
}
