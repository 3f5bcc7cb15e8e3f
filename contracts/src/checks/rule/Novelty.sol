// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Evidence, Reader} from "../Evidence.sol";
import {Facts} from "../IChecks.sol";
import {Numbers} from "../Numbers.sol";
import {RowsOf} from "../RowsOf.sol";
import {Sketches} from "../Sketches.sol";
import {Ridge} from "./Ridge.sol";
import "../StepTree.sol";

/// The steps of `aggregator/novelty.py`, by the same names: each reads the inputs of one entry and computes it. Public rows
/// of a fit are numbered 0 .. 2 deltas, 3, 4 own files, 5 .. 7 picks.
library Novelty {
    uint256 private constant OWN = RowsOf.DELTAS + RowsOf.MEMORY;
    uint256 private constant ALL = OWN + 3;
    uint256 private constant GATHERED_ROWS = 1 + ALL;
    uint256 private constant GRAM_LEAF = 16;
    uint256 private constant REST_BITS = 2; // of a residual behind the point
    uint256 private constant REST_SHIFT = 20 - REST_BITS; // from the fraction of a fit

    function hasPublic(Reader memory r, Facts calldata f) internal pure returns (int256 has) {
        for (uint256 age; age < RowsOf.DELTAS; ++age) {
            uint256 row = RowsOf.delta(f.seats, age);
            if (RowsOf.gram(r, f, row, row) > 0) has = 1;
        }
    }

    // ----- the two fits -----

    function ownSystem(Reader memory r, Facts calldata f, uint256 i, uint256 j) internal pure returns (int256) {
        if (j >= OWN * OWN) return _cosine(r, f, _ownRow(f, i, j - OWN * OWN), i);
        return _cosine(r, f, _ownRow(f, i, j / OWN), _ownRow(f, i, j % OWN));
    }

    function ownFit(Reader memory r, Steps memory t, Facts calldata f, uint256 i, uint256 k)
        internal
        pure
        returns (int256)
    {
        uint256 row = _ownRow(f, i, k);
        if (!RowsOf.isPresent(f, row)) return 0;
        return _unscaled(r, f, Ridge.solve(StepTree.row(r, t, OWN_SYSTEM, i), OWN, k), row, i);
    }

    function system(Reader memory r, Steps memory t, Facts calldata f, uint256 i, uint256 j)
        internal
        pure
        returns (int256)
    {
        bool isRight = j >= ALL * ALL;
        uint256 a = isRight ? j - ALL * ALL : j / ALL;
        uint256 b = j % ALL; // a on the right side, where there is no second row
        uint256 picked = a < OWN && b < OWN ? 0 : StepTree.row(r, t, PICKS, i);
        return _cosine(r, f, _row(f, picked, i, a), isRight ? i : _row(f, picked, i, b));
    }

    function fit(Reader memory r, Steps memory t, Facts calldata f, uint256 i, uint256 k)
        internal
        pure
        returns (int256)
    {
        uint256 row = _row(f, k < OWN ? 0 : StepTree.row(r, t, PICKS, i), i, k);
        if (!RowsOf.isPresent(f, row)) return 0;
        return _unscaled(r, f, Ridge.solve(StepTree.row(r, t, SYSTEM, i), ALL, k), row, i);
    }

    // ----- candidates and picks -----

    /// Reads entries of one row of the Gram matrix: each with the siblings up to that row, at last those of the row.
    function candidate(Reader memory r, Steps memory t, Facts calldata f, uint256 i, uint256 j)
        internal
        pure
        returns (int256)
    {
        uint256 row = RowsOf.firstPast(f.seats) + j;
        if (j % f.seats == i || !RowsOf.isPresent(f, row)) return 0;
        (int256 square, bytes32 hash) = _inRow(r, f, row, row);
        if (square <= 0) {
            _expectRow(r, f, row, hash);
            return 0;
        }
        int256 rest = _entryOf(r, f, row, i, hash) << 20;
        uint256 fitted = StepTree.row(r, t, OWN_FIT, i);
        for (uint256 k; k < OWN; ++k) {
            uint256 own = _ownRow(f, i, k);
            if (RowsOf.isPresent(f, own)) rest -= Evidence.i64(fitted, k) * _entryOf(r, f, row, own, hash);
        }
        _expectRow(r, f, row, hash);
        return (rest < 0 ? -rest : rest) / Numbers.sqrt(square);
    }

    /// Whether the posted number is the candidate of rank `k` (by size, then by row), or -1 if fewer are above zero.
    function isPick(Reader memory r, Steps memory t, Facts calldata f, uint256 i, uint256 k, int256 posted)
        internal
        pure
        returns (bool)
    {
        uint256 candidates = StepTree.row(r, t, CANDIDATE, i);
        uint256 count = RowsOf.MEMORY * f.seats;
        if (posted == -1) return _larger(candidates, count, 0, 0) <= k;
        int256 place = posted - int256(RowsOf.firstPast(f.seats));
        if (place < 0 || place >= int256(count)) return false;
        int256 score = Evidence.i128(candidates, uint256(place));
        return score > 0 && _larger(candidates, count, score, uint256(place)) == k;
    }

    // ----- residuals -----

    /// Number j mod 9 of column j div 9: of seat `i` itself, then of the rows of its second fit.
    function gathered(Reader memory r, Steps memory t, Facts calldata f, uint256 i, uint256 j)
        internal
        pure
        returns (int256)
    {
        uint256 k = j % GATHERED_ROWS;
        uint256 row = k == 0 ? i : _row(f, k > OWN ? StepTree.row(r, t, PICKS, i) : 0, i, k - 1);
        if (!RowsOf.isPresent(f, row)) return 0;
        return Sketches.at(Sketches.last(r, f, row), j / GATHERED_ROWS);
    }

    function residual(Reader memory r, Steps memory t, uint256 i, uint256 column) internal pure returns (int256 rest) {
        uint256 fitted = StepTree.row(r, t, FIT, i);
        int256[] memory sums = StepTree.entries(r, t, GATHERED, i, column * GATHERED_ROWS, GATHERED_ROWS);
        rest = sums[0] << 20;
        for (uint256 k; k < ALL; ++k) {
            rest -= Evidence.i128(fitted, k) * sums[k + 1];
        }
        rest = (rest + int256(1 << REST_SHIFT - 1)) >> REST_SHIFT;
        rest = Numbers.bound(rest, type(int32).min, type(int32).max);
    }

    function residualGram(Reader memory r, Steps memory t, Facts calldata f, uint256 i, uint256 j)
        internal
        pure
        returns (int256)
    {
        if (!RowsOf.isIncluded(f, j)) return 0;
        uint256 x = StepTree.row(r, t, RESIDUAL, i);
        uint256 y = i == j ? x : StepTree.row(r, t, RESIDUAL, j);
        return Sketches.inner(x, y) >> 2 * REST_BITS;
    }

    // ----- rows -----

    function _ownRow(Facts calldata f, uint256 i, uint256 k) private pure returns (uint256) {
        return k < RowsOf.DELTAS ? RowsOf.delta(f.seats, k) : RowsOf.past(f.seats, k - RowsOf.DELTAS, i);
    }

    /// Row `k` of the second fit of seat `i`; picks stand at `picked`. What names no row is a row that is absent.
    function _row(Facts calldata f, uint256 picked, uint256 i, uint256 k) private pure returns (uint256) {
        return k < OWN ? _ownRow(f, i, k) : uint256(Evidence.i64(picked, k - OWN));
    }

    // ----- Gram entries -----

    /// Cosine of two rows in Q48; 0, and nothing is read, where one is absent.
    function _cosine(Reader memory r, Facts calldata f, uint256 p, uint256 q) private pure returns (int256) {
        if (!RowsOf.isPresent(f, p) || !RowsOf.isPresent(f, q)) return 0;
        int256 product = RowsOf.gramLeaf(r, f, p, q);
        int256 lengths = _length(p == q ? product : RowsOf.gramLeaf(r, f, p, p));
        lengths *= _length(p == q ? product : RowsOf.gramLeaf(r, f, q, q));
        return Numbers.div(product << Ridge.BITS, lengths);
    }

    /// From a fit between unit vectors to one between the vectors themselves, Q20.
    function _unscaled(Reader memory r, Facts calldata f, int256 x, uint256 row, uint256 i)
        private
        pure
        returns (int256)
    {
        int256 other = _length(RowsOf.gramLeaf(r, f, row, row));
        return Numbers.div(x * _length(RowsOf.gramLeaf(r, f, i, i)), other << 28);
    }

    /// Length of a row in the units of its coefficients, at least 1.
    function _length(int256 square) private pure returns (int256) {
        return Numbers.max(Numbers.sqrt(square), 1);
    }

    /// Entry of a present row of the Gram matrix, and the root of the row that it hashes to.
    function _inRow(Reader memory r, Facts calldata f, uint256 row, uint256 column)
        private
        pure
        returns (int256, bytes32)
    {
        uint256 bits = Evidence.clog2(RowsOf.count(f.seats));
        uint256 offset = Evidence.take(r, GRAM_LEAF);
        bytes32 hash = Evidence.leafHash(row << bits | column, offset, GRAM_LEAF);
        return (Evidence.i128(offset, 0), Evidence.climb(r, hash, column, bits));
    }

    /// A further entry of the same row.
    function _entryOf(Reader memory r, Facts calldata f, uint256 row, uint256 column, bytes32 expected)
        private
        pure
        returns (int256)
    {
        (int256 value, bytes32 hash) = _inRow(r, f, row, column);
        if (hash != expected) revert StepTree.MarketWrongLeaf(hash, expected);
        return value;
    }

    function _expectRow(Reader memory r, Facts calldata f, uint256 row, bytes32 hash) private pure {
        hash = Evidence.climb(r, hash, row, Evidence.clog2(RowsOf.count(f.seats)));
        if (hash != f.roots.gram) revert StepTree.MarketWrongLeaf(hash, f.roots.gram);
    }

    // ----- ranks -----

    /// How many of `count` candidates are larger than `score`, or equal and before `place`.
    function _larger(uint256 offset, uint256 count, int256 score, uint256 place) private pure returns (uint256 larger) {
        // SAFETY: counters below 2^16.
        unchecked {
            for (uint256 p; p < count; ++p) {
                int256 other = Evidence.i128(offset, p);
                if (other > score || (other == score && p < place)) ++larger;
            }
        }
    }
}
