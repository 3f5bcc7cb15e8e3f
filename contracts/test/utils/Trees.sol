// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Account, Opening, Post, Roots} from "../../src/types.sol";

/// Hashes and trees written again from the design, apart from `src/libraries/Hashes.sol`, so that both must agree.
library Trees {
    function leaf(uint64 index, Account memory account) internal pure returns (bytes32) {
        return keccak256(
            bytes.concat(
                hex"00",
                bytes8(index),
                bytes8(uint64(account.reputation)),
                bytes16(account.pay),
                bytes16(account.penalty)
            )
        );
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"01", left, right));
    }

    /// Root and proof of `index` in the tree over `accounts`, filled up with absent leaves to 2^depth.
    function prove(Account[] memory accounts, uint256 index)
        internal
        pure
        returns (bytes32 root, bytes32[] memory proof)
    {
        uint256 depth = 1;
        while (2 ** depth < accounts.length) ++depth;
        bytes32[] memory level = new bytes32[](2 ** depth);
        for (uint256 i; i < accounts.length; ++i) {
            level[i] = leaf(uint64(i), accounts[i]);
        }
        proof = new bytes32[](depth);
        for (uint256 d; d < depth; ++d) {
            proof[d] = level[index ^ 1];
            bytes32[] memory above = new bytes32[](level.length / 2);
            for (uint256 i; i < above.length; ++i) {
                above[i] = node(level[2 * i], level[2 * i + 1]);
            }
            level = above;
            index /= 2;
        }
        root = level[0];
    }

    function opening(address market, uint256 project, uint256 round, address poster, Post memory post)
        internal
        view
        returns (Opening memory)
    {
        Roots memory roots = post.roots;
        bytes32 seed = keccak256(abi.encode(uint256(post.revealSum)));
        return Opening({
            context: keccak256(
                abi.encode(
                    block.chainid,
                    market,
                    project,
                    round,
                    post.prevCommitment,
                    poster,
                    keccak256(abi.encodePacked(post.included)),
                    keccak256(abi.encodePacked(post.rows)),
                    seed,
                    post.paid
                )
            ),
            accounts: roots.accounts,
            workings: keccak256(
                abi.encode(roots.sketches, roots.gram, roots.steps, roots.columns, roots.delta, roots.model)
            )
        });
    }

    function commitment(Opening memory o) internal pure returns (bytes32) {
        return keccak256(abi.encode(o.context, o.accounts, o.workings));
    }
}
