// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Evidence, Reader} from "./Evidence.sol";
import {Check, Facts, IChecks, Tree} from "./IChecks.sol";
import {Layout} from "./Layout.sol";
import {RowsOf} from "./RowsOf.sol";
import {Segments} from "./Segments.sol";
import {Sketches} from "./Sketches.sol";
import {COEFFICIENT, PAID, PAY, PENALTY, REPUTATION, StepTree, Steps} from "./StepTree.sol";

/// All checks but those of the steps of the rule. The posted number is read first, then its inputs.
contract TreeChecks is IChecks {
    error MarketNoSuchLeaf(Tree tree, uint256 index);
    error MarketNoSuchNumber(Check check, uint256 a, uint256 b, uint256 c);
    error MarketNothingMerged();

    function wrong(Facts calldata f, Check check, uint256 a, uint256 b, uint256 c, bytes calldata evidence)
        external
        pure
        returns (bool isWrong)
    {
        Reader memory r = Evidence.open(evidence);
        isWrong = _wrong(f, r, check, a, b, c);
        Evidence.close(r);
    }

    function _wrong(Facts calldata f, Reader memory r, Check check, uint256 a, uint256 b, uint256 c)
        private
        pure
        returns (bool)
    {
        // Coordinates that a check has no use for must be zero, so that a refutation has one form.
        if (check == Check.Presence) return _presence(f, r, Tree(a), b, c);
        if (check == Check.Column) return _column(f, r, a, b, c);
        if (c != 0) revert MarketNoSuchNumber(check, a, b, c);
        if (check == Check.Sketch) return Segments.wrong(r, f, a, b);
        if (check == Check.Gram) return _gram(f, r, a, b);
        if (check == Check.Delta) return _delta(f, r, a, b);
        if (check == Check.Model) return _model(f, r, a, b);
        if (b != 0) revert MarketNoSuchNumber(check, a, b, c);
        if (check == Check.Update) return _update(f, r, a);
        if (check == Check.Account) return _account(f, r, a);
        if (a != 0 || check != Check.Paid) revert MarketNoSuchNumber(check, a, b, c);
        return StepTree.scalar(r, StepTree.tree(f.roots.steps, f.seats), PAID) != int256(f.paid);
    }

    // ----- which leaves there are -----

    /// A leaf is there that honest trees lack, or the reverse. Evidence: hash of the leaf, all siblings.
    function _presence(Facts calldata f, Reader memory r, Tree tree, uint256 index, uint256 row)
        private
        pure
        returns (bool)
    {
        uint256 depth = Layout.depth(tree, f.seats, f.coefficients);
        if (tree == Tree.Update ? !RowsOf.isPresent(f, row) : row != 0) {
            revert MarketNoSuchNumber(Check.Presence, uint256(tree), index, row);
        }
        // INVARIANT: an index past the tree is no leaf that could be missing.
        if (index >> depth != 0) revert MarketNoSuchLeaf(tree, index);
        bytes32 hash = Evidence.takeHash(r);
        _expect(Evidence.climb(r, hash, index, depth), _root(f, tree));
        return (hash != 0) != Layout.isPresent(f, tree, index);
    }

    function _root(Facts calldata f, Tree tree) private pure returns (bytes32) {
        if (tree == Tree.Sketches) return f.roots.sketches;
        if (tree == Tree.Gram) return f.roots.gram;
        if (tree == Tree.Steps) return f.roots.steps;
        if (tree == Tree.Accounts) return f.roots.accounts;
        if (tree == Tree.Columns) return f.roots.columns;
        if (tree == Tree.Delta) return f.roots.delta;
        return tree == Tree.Model ? f.roots.model : f.files[0];
    }

    // ----- files, sketches, inner products -----

    /// A file that counts goes on after its last coefficient. Evidence: its last leaf.
    function _update(Facts calldata f, Reader memory r, uint256 row) private pure returns (bool) {
        if (!RowsOf.isPresent(f, row)) revert RowsOf.MarketNoSuchRow(row, RowsOf.count(f.seats));
        uint256 last = Layout.leaves(f.coefficients) - 1;
        uint256 offset = _leaf(r, f.files[0], Tree.Update, f, last);
        for (uint256 k = f.coefficients - last * Layout.LEAF; k < Layout.LEAF; ++k) {
            if (_i16(offset, k) != 0) return true;
        }
        return false;
    }

    /// Evidence: the entry, the sketches of rows i and j.
    function _gram(Facts calldata f, Reader memory r, uint256 i, uint256 j) private pure returns (bool) {
        if (!RowsOf.isPresent(f, i) || !RowsOf.isPresent(f, j)) revert MarketNoSuchNumber(Check.Gram, i, j, 0);
        int256 posted = RowsOf.gramLeaf(r, f, i, j);
        (uint256 one, uint256 other) = Sketches.lastTwo(r, f, i, j);
        return posted != Sketches.inner(one, other);
    }

    // ----- accounts -----

    /// Evidence: the account, the one below unless this is the first result, entries of reputation, pay and penalty.
    function _account(Facts calldata f, Reader memory r, uint256 seat) private pure returns (bool) {
        uint256 offset = _account(r, f, f.roots.accounts, seat);
        // Pay and penalty run on for ever per seat, whoever holds it.
        uint256 below = f.start ? 0 : _account(r, f, f.below.accounts, seat);
        Steps memory t = StepTree.tree(f.roots.steps, f.seats);
        int256 reputation = StepTree.at(r, t, REPUTATION, seat);
        int256 pay = StepTree.at(r, t, PAY, seat);
        int256 penalty = StepTree.at(r, t, PENALTY, seat) * int256(f.unit);
        if (!f.start) {
            pay += _amount(below, 8);
            penalty += _amount(below, 24);
        }
        return Evidence.i64(offset, 0) != reputation || _amount(offset, 8) != pay || _amount(offset, 24) != penalty;
    }

    function _account(Reader memory r, Facts calldata f, bytes32 root, uint256 seat) private pure returns (uint256) {
        return _leaf(r, root, Tree.Accounts, f, seat);
    }

    /// uint128 `skip` bytes after the beginning of an account.
    function _amount(uint256 offset, uint256 skip) private pure returns (int256 value) {
        assembly ("memory-safe") {
            value := shr(128, calldataload(add(offset, skip)))
        }
    }

    // ----- aggregate -----

    /// Evidence: the leaf of columns; of an included seat, the leaf of its file.
    function _column(Facts calldata f, Reader memory r, uint256 group, uint256 lane, uint256 seat)
        private
        pure
        returns (bool)
    {
        if (f.seats <= Layout.COLUMN_SEATS || lane >= Layout.GROUP || seat >= f.seats) {
            revert MarketNoSuchNumber(Check.Column, group, lane, seat);
        }
        int256 posted = _i16(_leaf(r, f.roots.columns, Tree.Columns, f, group), lane * f.seats + seat);
        if (!RowsOf.isIncluded(f, seat)) return posted != 0;
        uint256 coefficient = group * Layout.GROUP + lane;
        uint256 offset = _leaf(r, f.files[0], Tree.Update, f, coefficient / Layout.LEAF);
        return posted != _i16(offset, coefficient % Layout.LEAF);
    }

    /// Evidence: the leaf of the delta; the leaf of columns, or with few seats the leaf of each included file; all factors.
    function _delta(Facts calldata f, Reader memory r, uint256 leaf, uint256 k) private pure returns (bool) {
        if (k >= Layout.LEAF) revert MarketNoSuchNumber(Check.Delta, leaf, k, 0);
        int256 posted = _i16(_leaf(r, f.roots.delta, Tree.Delta, f, leaf), k);
        int256 sum = f.seats > Layout.COLUMN_SEATS ? _sumOfColumns(f, r, leaf, k) : _sumOfFiles(f, r, leaf, k);
        return posted != (sum + 32768) >> 16;
    }

    function _sumOfColumns(Facts calldata f, Reader memory r, uint256 leaf, uint256 k) private pure returns (int256) {
        uint256 groups = Layout.LEAF / Layout.GROUP;
        uint256 n = f.seats;
        uint256 offset = _leaf(r, f.roots.columns, Tree.Columns, f, leaf * groups + k / Layout.GROUP);
        uint256 factors = StepTree.vector(r, StepTree.tree(f.roots.steps, n), COEFFICIENT);
        uint256 column = offset + 2 * n * (k % Layout.GROUP);
        int256 sum;
        // SAFETY: 1,024 products of 16 and 64 bits.
        for (uint256 seat; seat < n; ++seat) {
            unchecked {
                sum += Evidence.i64(factors, seat) * _i16(column, seat);
            }
        }
        return sum;
    }

    function _sumOfFiles(Facts calldata f, Reader memory r, uint256 leaf, uint256 k) private pure returns (int256 sum) {
        uint256[] memory seats = RowsOf.included(f);
        int256[] memory values = new int256[](seats.length);
        for (uint256 i; i < seats.length; ++i) {
            values[i] = _i16(_leaf(r, f.files[i], Tree.Update, f, leaf), k);
        }
        uint256 factors = StepTree.vector(r, StepTree.tree(f.roots.steps, f.seats), COEFFICIENT);
        for (uint256 i; i < seats.length; ++i) {
            sum += Evidence.i64(factors, seats[i]) * values[i];
        }
    }

    /// Evidence: the leaf of the model, of the model below, of the delta.
    function _model(Facts calldata f, Reader memory r, uint256 leaf, uint256 k) private pure returns (bool) {
        if (k >= Layout.LEAF) revert MarketNoSuchNumber(Check.Model, leaf, k, 0);
        // Where nothing is merged, `post` has compared the roots.
        if (!f.merged) revert MarketNothingMerged();
        int256 posted = Sketches.at(_leaf(r, f.roots.model, Tree.Model, f, leaf), k);
        int256 below = Sketches.at(_leaf(r, f.below.model, Tree.Model, f, leaf), k);
        int256 moved = below + _i16(_leaf(r, f.roots.delta, Tree.Delta, f, leaf), k);
        if (moved > type(int32).max) moved = type(int32).max;
        if (moved < type(int32).min) moved = type(int32).min;
        return posted != moved;
    }

    // ----- reading -----

    /// A leaf that honest trees have, and all its siblings; returns where its bytes begin in calldata.
    function _leaf(Reader memory r, bytes32 root, Tree tree, Facts calldata f, uint256 index)
        private
        pure
        returns (uint256 offset)
    {
        if (!Layout.isPresent(f, tree, index)) revert MarketNoSuchLeaf(tree, index);
        uint256 size = Layout.leafSize(tree, f.seats);
        offset = Evidence.take(r, size);
        bytes32 hash = Evidence.leafHash(index, offset, size);
        _expect(Evidence.climb(r, hash, index, Layout.depth(tree, f.seats, f.coefficients)), root);
    }

    function _expect(bytes32 computed, bytes32 root) private pure {
        if (computed != root) revert StepTree.MarketWrongLeaf(computed, root);
    }

    /// int16 number `i` of those at `offset` in calldata, big-endian.
    function _i16(uint256 offset, uint256 i) private pure returns (int256 value) {
        assembly ("memory-safe") {
            value := sar(240, calldataload(add(offset, shl(1, i))))
        }
    }
}
