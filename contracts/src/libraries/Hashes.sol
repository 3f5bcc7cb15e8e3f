// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Account, Opening, Roots} from "../types.sol";

/// Every hash of the protocol. `market/seals.py`, `market/merkle.py` and `market/result_hash.py` are byte-equal.
library Hashes {
    bytes32 internal constant SEAL_TAG = keccak256("fairtrain/seal/1");
    bytes32 internal constant START_TAG = keccak256("fairtrain/start/1");

    /// INVARIANT: a seal binds chain, market, project, round, sender and base, so that nobody else can open it,
    /// nor its author in another place. Its low 216 bits are what the slot holds.
    function sealOf(uint256 project, uint256 round, address trainer, bytes32 baseRoot, bytes32 updateRoot, bytes32 salt)
        internal
        view
        returns (uint256)
    {
        bytes32 full = keccak256(
            abi.encode(SEAL_TAG, block.chainid, address(this), project, round, trainer, baseRoot, updateRoot, salt)
        );
        return uint216(uint256(full));
    }

    /// One reveal's part of the sum that the seed is made of.
    function seedTerm(address trainer, bytes32 updateRoot, bytes32 salt) internal pure returns (uint256) {
        // SAFETY: the sum is modulo 2^128; one term that nobody can foresee makes it unforeseeable.
        return uint128(uint256(keccak256(abi.encode(trainer, updateRoot, salt))));
    }

    function seedOf(uint256 revealSum) internal pure returns (bytes32) {
        return keccak256(abi.encode(revealSum));
    }

    function startCommitment(uint256 project, bytes32 modelRoot) internal view returns (bytes32) {
        return keccak256(abi.encode(START_TAG, block.chainid, address(this), project, modelRoot));
    }

    function contextOf(
        uint256 project,
        uint256 round,
        bytes32 prevCommitment,
        address poster,
        bytes32 included,
        bytes32 rows,
        bytes32 seed,
        uint96 paid
    ) internal view returns (bytes32) {
        return keccak256(
            abi.encode(block.chainid, address(this), project, round, prevCommitment, poster, included, rows, seed, paid)
        );
    }

    function workingsOf(Roots calldata roots) internal pure returns (bytes32) {
        return keccak256(abi.encode(roots.sketches, roots.gram, roots.steps, roots.columns, roots.delta, roots.model));
    }

    function commitmentOf(bytes32 context, bytes32 accounts, bytes32 workings) internal pure returns (bytes32) {
        return keccak256(abi.encode(context, accounts, workings));
    }

    function commitmentOf(Opening calldata opening) internal pure returns (bytes32) {
        return keccak256(abi.encode(opening.context, opening.accounts, opening.workings));
    }

    /// Leaf of a seat in the accounts tree. The index inside it ties a proof to its seat.
    function accountLeaf(uint256 seat, Account calldata account) internal pure returns (bytes32) {
        // SAFETY: seat < 1,024.
        return keccak256(abi.encodePacked(uint8(0), uint64(seat), account.reputation, account.pay, account.penalty));
    }

    /// Root above `leaf`, which lies at `index`; the caller has checked the proof's length against the depth.
    function merkleRoot(bytes32 leaf, uint256 index, bytes32[] calldata proof) internal pure returns (bytes32 node) {
        node = leaf;
        for (uint256 level; level < proof.length; ++level) {
            bytes32 sibling = proof[level];
            node = index & 1 == 0 ? _node(node, sibling) : _node(sibling, node);
            index >>= 1;
        }
    }

    /// Levels of a tree over `seats` leaves: ceil(log2(seats)), at least 1.
    function depthOf(uint256 seats) internal pure returns (uint256 depth) {
        depth = 1;
        while (1 << depth < seats) ++depth;
    }

    function admissionLeaf(address signer) internal pure returns (bytes32) {
        // Hashed twice, so that no inner node of the tree can pass for a leaf.
        return keccak256(abi.encode(keccak256(abi.encode(signer))));
    }

    function _node(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(1), left, right));
    }
}
