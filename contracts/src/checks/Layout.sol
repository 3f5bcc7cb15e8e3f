// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Evidence} from "./Evidence.sol";
import {Facts, Tree} from "./IChecks.sol";
import {RowsOf} from "./RowsOf.sol";
import "./StepTree.sol" as Id;
import {LAST_SLOT, StepTree, Steps} from "./StepTree.sol";

/// Depth of each tree of a result, bytes of its leaves, and which leaves an honest one has. The layout of every leaf is in
/// `market/merkle.py`, its mirror in `aggregator/refute/layout.py`. `n` seats, `d` coefficients.
library Layout {
    uint256 internal constant LEAF = 1024; // coefficients in a leaf of a file
    uint256 internal constant SEGMENT = 16; // leaves of a file in a segment of running sums
    uint256 internal constant GROUP = 8; // coefficients in a leaf of the columns
    uint256 internal constant COLUMN_SEATS = 12; // with more seats there is a tree of columns
    uint256 internal constant SKETCH = 1024; // bytes of running sums; the poster's address stands before them
    uint256 internal constant ACCOUNT = 40;
    uint256 internal constant UPDATE = 2048; // bytes of a leaf of an update or the delta
    uint256 internal constant MODEL = 4096;
    uint256 private constant GRAM = 16;
    uint256 private constant SLOT_BITS = 6;

    // ----- sizes -----

    /// Leaves of a file.
    function leaves(uint256 d) internal pure returns (uint256) {
        return (d + LEAF - 1) / LEAF;
    }

    /// Segments of running sums of a file.
    function segments(uint256 d) internal pure returns (uint256) {
        return (leaves(d) + SEGMENT - 1) / SEGMENT;
    }

    function groups(uint256 d) internal pure returns (uint256) {
        return leaves(d) * (LEAF / GROUP);
    }

    /// Depth of a tree for `capacity` leaves; at least 1.
    function depthFor(uint256 capacity) internal pure returns (uint256) {
        return capacity < 3 ? 1 : Evidence.clog2(capacity);
    }

    function depth(Tree tree, uint256 n, uint256 d) internal pure returns (uint256) {
        if (tree == Tree.Sketches) return Evidence.clog2(RowsOf.count(n)) + Evidence.clog2(segments(d));
        if (tree == Tree.Gram) return 2 * Evidence.clog2(RowsOf.count(n));
        if (tree == Tree.Steps) {
            Steps memory t = StepTree.tree(0, n);
            return SLOT_BITS + t.rowBits + t.chunkBits;
        }
        if (tree == Tree.Accounts) return depthFor(n);
        if (tree == Tree.Columns) return depthFor(groups(d));
        return depthFor(leaves(d));
    }

    /// Bytes of a leaf as they are hashed behind its index.
    function leafSize(Tree tree, uint256 n) internal pure returns (uint256) {
        if (tree == Tree.Sketches) return 20 + SKETCH;
        if (tree == Tree.Gram) return GRAM;
        if (tree == Tree.Steps) return StepTree.LEAF;
        if (tree == Tree.Accounts) return ACCOUNT;
        if (tree == Tree.Columns) return 2 * GROUP * n;
        return tree == Tree.Model ? MODEL : UPDATE;
    }

    // ----- presence -----

    function isPresent(Facts calldata f, Tree tree, uint256 index) internal pure returns (bool) {
        return isPresent(f.seats, f.coefficients, f.included, f.rows, tree, index);
    }

    /// Whether honest trees have leaf `index`, from bitmaps as posted. (Every file that counts has the same leaves.)
    function isPresent(
        uint256 n,
        uint256 d,
        uint256[] calldata included,
        uint256[] calldata rows,
        Tree tree,
        uint256 index
    ) internal pure returns (bool) {
        if (tree == Tree.Sketches) {
            uint256 bits = Evidence.clog2(segments(d));
            return index & ((1 << bits) - 1) < segments(d) && RowsOf.isPresent(n, included, rows, index >> bits);
        }
        if (tree == Tree.Gram) {
            uint256 bits = Evidence.clog2(RowsOf.count(n));
            return RowsOf.isPresent(n, included, rows, index >> bits)
                && RowsOf.isPresent(n, included, rows, index & ((1 << bits) - 1));
        }
        if (tree == Tree.Steps) return _hasStep(n, included, rows, index);
        if (tree == Tree.Accounts) return index < n;
        if (tree == Tree.Columns) return n > COLUMN_SEATS && index < groups(d);
        return index < leaves(d);
    }

    function _hasStep(uint256 n, uint256[] calldata included, uint256[] calldata rows, uint256 index)
        private
        pure
        returns (bool)
    {
        Steps memory t = StepTree.tree(0, n);
        uint256 slot = index >> (t.rowBits + t.chunkBits);
        uint256 row = index >> t.chunkBits & ((1 << t.rowBits) - 1);
        uint256 chunk = index & ((1 << t.chunkBits) - 1);
        if (slot == 0) return row == 0 && chunk == 0;
        if (slot > LAST_SLOT) return false;
        uint256 id = stepId(slot);
        if (chunk >= StepTree.chunks(id, n)) return false;
        if (!StepTree.isMatrix(id)) return row == 0;
        return row < n && (StepTree.isCarried(id) || RowsOf.isPresent(n, included, rows, row));
    }

    /// Id of a slot from 1 on, see `StepTree`.
    function stepId(uint256 slot) internal pure returns (uint256) {
        uint256[64] memory ids = [
            uint256(0),
            Id.NORM,
            Id.COSINE,
            Id.CLIPPING,
            Id.KINSHIP,
            Id.KINSHIP_BAR,
            Id.COSINE_BAR,
            Id.COHERENCE_PAST,
            Id.COHERENCE_NOW,
            Id.DISCOUNT,
            Id.STANDING,
            Id.PULL,
            Id.OUTLOOK,
            Id.OUTLOOK_MEDIAN,
            Id.TRUST,
            Id.VOICE,
            Id.ECHO,
            Id.AGREEMENT,
            Id.PRESENCE,
            Id.REPUTATION,
            Id.MERIT,
            Id.WEIGHT,
            Id.COEFFICIENT,
            Id.STRIKES,
            Id.PENALTY,
            Id.ADVICE,
            Id.OWN_SYSTEM,
            Id.OWN_FIT,
            Id.CANDIDATE,
            Id.PICKS,
            Id.SYSTEM,
            Id.FIT,
            Id.GATHERED,
            Id.RESIDUAL,
            Id.RESIDUAL_GRAM,
            Id.RESIDUAL_NORM,
            Id.LIVE,
            Id.AGE,
            Id.TWIN,
            Id.TWIN_MEAN,
            Id.TWIN_TYPICAL,
            Id.ALIKE,
            Id.CROWD,
            Id.PAY_VOICE,
            Id.PAY_ECHO,
            Id.OTHERS_NORM,
            Id.AGREED,
            Id.NEW_VOICE,
            Id.NEW_ECHO,
            Id.NEW_OTHERS_NORM,
            Id.NEW_SUM,
            Id.RESIDUAL_SHARE,
            Id.EARNED,
            Id.AGREED_SUM,
            Id.NEWNESS,
            Id.DOUBT,
            Id.RATIO,
            Id.RATIO_WEIGHT,
            Id.GATE,
            Id.CLAIM,
            Id.HAD,
            Id.POINTS,
            Id.PAY,
            Id.RECEIVED
        ];
        return ids[slot];
    }
}
