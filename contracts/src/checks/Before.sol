// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Evidence, Reader} from "./Evidence.sol";
import {Facts} from "./IChecks.sol";
import {StepTree} from "./StepTree.sol";

/// What the result below carries to this one. At the start, and for seats in their first round, these are constants and
/// nothing is read.
library Before {
    int256 internal constant START_REPUTATION = 8192;
    uint256 private constant ACCOUNT = 40;

    /// Entry of seat b of the refutation in a carried vector.
    function at(Reader memory r, Facts calldata f, uint256 id, uint256 seat) internal pure returns (int256) {
        if (f.start || f.firstB) return 0;
        return StepTree.at(r, StepTree.tree(f.below.steps, f.seats), id, seat);
    }

    /// Entry of a carried vector that is not of seats, which begins at `first`.
    function ofRound(Reader memory r, Facts calldata f, uint256 id, uint256 k, int256 first)
        internal
        pure
        returns (int256)
    {
        return f.start ? first : StepTree.at(r, StepTree.tree(f.below.steps, f.seats), id, k);
    }

    /// Entry of seats b and c of the refutation in a carried matrix.
    function entry(Reader memory r, Facts calldata f, uint256 id, uint256 i, uint256 j) internal pure returns (int256) {
        if (f.start || f.firstB || f.firstC) return 0;
        return StepTree.entry(r, StepTree.tree(f.below.steps, f.seats), id, i, j);
    }

    /// Reputation of seat b of the refutation, from its account.
    function reputation(Reader memory r, Facts calldata f, uint256 seat) internal pure returns (int256) {
        if (f.start || f.firstB) return START_REPUTATION;
        uint256 depth = Evidence.clog2(f.seats);
        uint256 offset = Evidence.take(r, ACCOUNT);
        bytes32 hash = Evidence.leafHash(seat, offset, ACCOUNT);
        hash = Evidence.climb(r, hash, seat, depth == 0 ? 1 : depth);
        if (hash != f.below.accounts) revert StepTree.MarketWrongLeaf(hash, f.below.accounts);
        return Evidence.i64(offset, 0);
    }
}
