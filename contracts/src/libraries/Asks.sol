// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Evidence, Reader} from "../checks/Evidence.sol";
import {Tree} from "../checks/IChecks.sol";
import {OpenAsk} from "../state.sol";
import {Verdict} from "../words.sol";

/// Questions about results: which result one is bound to, what an answer holds, what it costs.
library Asks {
    uint256 internal constant LEVELS = 8; // an ask for a node gives its descendants this far below: 256
    uint256 private constant GAS_PER_BYTE = 60; // of calldata, above the 40 that EIP-7623 asks for, and for hashing
    uint256 private constant CROWD = 64; // open asks that double the price
    uint256 private constant POSTER = 20; // bytes before the sums in a leaf of sketches, which the contract adds

    /// One posting of a result. INVARIANT: a result that is posted again after it was gone is another posting, so that its
    /// poster never fails to answer what was asked before: the same commitment stands from another time.
    function postingOf(bytes32 commitment, Verdict v) internal pure returns (bytes32) {
        return keccak256(abi.encode(commitment, v.standsAt()));
    }

    /// Exact length of an answer.
    function answerBytes(OpenAsk memory a) internal pure returns (uint256) {
        uint256 siblings = uint256(a.depth) - a.level;
        if (a.level == 0) return _sent(a) + 32 * siblings;
        return 32 * ((1 << _levels(a)) + siblings);
    }

    /// What an answer of `size` bytes costs: `base` for whoever answers, `surplus` above it is burned. Wei.
    function price(uint256 size, uint256 floor, uint256 open) internal view returns (uint256 base, uint256 surplus) {
        uint256 perByte = GAS_PER_BYTE * block.basefee;
        base = size * (perByte > floor ? perByte : floor);
        surplus = base * open / CROWD;
    }

    /// Root that an answer of the exact length hashes to.
    function rootOf(OpenAsk memory a, address poster, bytes calldata answer) internal pure returns (bytes32) {
        Reader memory r;
        assembly ("memory-safe") {
            mstore(r, answer.offset)
        }
        r.end = r.at + answer.length;
        bytes32 hash = a.level == 0 ? _leaf(a, poster, Evidence.take(r, _sent(a))) : _node(r, _levels(a));
        return Evidence.climb(r, hash, a.index, uint256(a.depth) - a.level);
    }

    /// INVARIANT: the poster's address is not taken from the answer, so a copied result cannot be opened.
    function _leaf(OpenAsk memory a, address poster, uint256 offset) private pure returns (bytes32 hash) {
        if (a.tree != Tree.Sketches) return Evidence.leafHash(a.index, offset, a.leafSize);
        uint256 index = a.index;
        uint256 size = _sent(a);
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore8(start, 0)
            mstore(add(start, 1), shl(192, index))
            mstore(add(start, 9), shl(96, poster))
            calldatacopy(add(start, 29), offset, size)
            hash := keccak256(start, add(29, size))
        }
    }

    /// Root above 2^levels hashes.
    function _node(Reader memory r, uint256 levels) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](1 << levels);
        uint256 offset = Evidence.take(r, 32 << levels);
        assembly ("memory-safe") {
            calldatacopy(add(hashes, 32), offset, shl(levels, 32))
        }
        return Evidence.reduce(r, hashes, levels, false);
    }

    function _levels(OpenAsk memory a) private pure returns (uint256) {
        return a.level < LEVELS ? a.level : LEVELS;
    }

    function _sent(OpenAsk memory a) private pure returns (uint256) {
        return a.tree == Tree.Sketches ? a.leafSize - POSTER : a.leafSize;
    }
}
