// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Evidence, Reader} from "../../src/checks/Evidence.sol";
import {Hashes} from "../../src/libraries/Hashes.sol";
import {Account} from "../../src/types.sol";

/// For Halmos (`make security`), which takes keccak as a function without collisions: what a root cannot be opened as.
contract MerkleCheck {
    // ----- leaves are not nodes -----

    function leafOfAccount(uint256 seat, Account calldata account) external pure returns (bytes32) {
        return Hashes.accountLeaf(seat, account);
    }

    function check_accountLeaf_isNoNode(uint16 seat, Account calldata account, bytes32 left, bytes32 right)
        external
        view
    {
        assert(this.leafOfAccount(seat, account) != Evidence.node(left, right));
    }

    /// The index is in the leaf: one account has different leaves on different seats, different accounts on each.
    function check_accountLeaf_tiesSeatAndNumbers(uint16 seat, uint16 other, Account calldata a, Account calldata b)
        external
        view
    {
        bytes32 x = this.leafOfAccount(seat, a);
        bytes32 y = this.leafOfAccount(other, b);
        bool same = seat == other && a.reputation == b.reputation && a.pay == b.pay && a.penalty == b.penalty;
        assert((x == y) == same);
    }

    function leafOf(uint256 index, bytes calldata data) external pure returns (bytes32) {
        uint256 offset;
        assembly {
            offset := data.offset
        }
        return Evidence.leafHash(index, offset, data.length);
    }

    /// A leaf of 56 bytes is hashed over as many bytes as a node: the tag keeps them apart.
    /// @custom:halmos --default-bytes-lengths 56
    function check_leafHash_ofANodesLength__isNoNode(uint64 index, bytes calldata data, bytes32 left, bytes32 right)
        external
        view
    {
        if (data.length != 56) return;
        assert(this.leafOf(index, data) != Evidence.node(left, right));
    }

    /// @custom:halmos --default-bytes-lengths 32,33
    function check_leafHash_otherBytesOrIndex__otherLeaf(
        uint64 index,
        uint64 other,
        bytes calldata data,
        bytes calldata more
    ) external view {
        bytes32 x = this.leafOf(index, data);
        bytes32 y = this.leafOf(other, more);
        bool same = index == other && keccak256(data) == keccak256(more);
        assert((x == y) == same);
    }

    // ----- one place, one leaf -----

    function climb(bytes calldata evidence, bytes32 leaf, uint256 index, uint256 levels)
        external
        pure
        returns (bytes32)
    {
        Reader memory r = Evidence.open(evidence);
        bytes32 root = Evidence.climb(r, leaf, index, levels);
        Evidence.close(r);
        return root;
    }

    /// Two openings of one place under one root have the same leaf and the same siblings.
    function check_climb_sameRootAndPlace__sameLeaf(bytes32 a, bytes32 b, bytes32[2] calldata p, bytes32[2] calldata q)
        external
        view
    {
        for (uint256 index; index < 4; ++index) {
            bytes32 x = this.climb(abi.encodePacked(p), a, index, 2);
            bytes32 y = this.climb(abi.encodePacked(q), b, index, 2);
            if (x == y) assert(a == b && p[0] == q[0] && p[1] == q[1]);
        }
    }

    /// The two ways of climbing, that of claims and that of refutations, agree.
    function merkleRoot(bytes32 leaf, uint256 index, bytes32[] calldata proof) external pure returns (bytes32) {
        return Hashes.merkleRoot(leaf, index, proof);
    }

    function check_climb_agreesWithClaims(bytes32 leaf, bytes32[2] calldata p) external view {
        bytes32[] memory proof = new bytes32[](2);
        (proof[0], proof[1]) = (p[0], p[1]);
        for (uint256 index; index < 4; ++index) {
            assert(this.climb(abi.encodePacked(p), leaf, index, 2) == this.merkleRoot(leaf, index, proof));
        }
    }

    /// Evidence that is longer or shorter than what is read reverts.
    /// @custom:halmos --default-bytes-lengths 0,31,32,33,63,64,65
    function check_climb_otherLength__reverts(bytes calldata evidence, bytes32 leaf) external view {
        if (evidence.length == 64) return;
        try this.climb(evidence, leaf, 0, 2) {
            assert(false);
        } catch {}
    }
}
