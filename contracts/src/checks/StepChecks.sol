// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Evidence, Reader} from "./Evidence.sol";
import {Check, Facts, IChecks} from "./IChecks.sol";
import {Layout} from "./Layout.sol";
import {RowsOf} from "./RowsOf.sol";
import {StepTree, Steps} from "./StepTree.sol";

/// What all steps of the rule have in common: which coordinates are entries, and which entries are zero by definition.
/// The posted number is read first, then the function of its step reads the inputs.
abstract contract StepChecks is IChecks {
    error MarketNotHere(Check check, uint256 slot);

    function wrong(Facts calldata f, Check check, uint256 a, uint256 b, uint256 c, bytes calldata evidence)
        external
        pure
        returns (bool isWrong)
    {
        if (check != Check.Step) revert MarketNotHere(check, a);
        Reader memory r = Evidence.open(evidence);
        Steps memory t = StepTree.tree(f.roots.steps, f.seats);
        isWrong = a == 0 ? _scalar(f, r, t, b, c) : _entry(f, r, t, a, b, c);
        Evidence.close(r);
    }

    function _scalar(Facts calldata f, Reader memory r, Steps memory t, uint256 number, uint256 zero)
        private
        pure
        returns (bool)
    {
        if (zero != 0 || !_hasScalar(number)) revert StepTree.MarketNoSuchEntry(0, number, zero);
        return _wrongScalar(f, r, t, number, StepTree.scalar(r, t, number));
    }

    function _entry(Facts calldata f, Reader memory r, Steps memory t, uint256 slot, uint256 i, uint256 j)
        private
        pure
        returns (bool)
    {
        (uint256 first, uint256 last) = _slots();
        if (slot < first || slot > last) revert StepTree.MarketNoSuchEntry(slot, i, j);
        uint256 id = Layout.stepId(slot);
        bool isMatrix = StepTree.isMatrix(id);
        bool isThere = RowsOf.isIncluded(f, i) || StepTree.isCarried(id);
        // Rows of other seats, and whatever else honest trees do not have, are for `Check.Presence`.
        if (isMatrix ? !isThere : j != 0) revert StepTree.MarketNoSuchEntry(slot, i, j);
        int256 posted = isMatrix ? StepTree.entry(r, t, id, i, j) : StepTree.at(r, t, id, i);
        bool isPadding = (isMatrix ? j : i) >= StepTree.length(id, f.seats);
        if (isPadding || !isThere) return posted != 0;
        return _wrongEntry(f, r, t, slot, i, j, posted);
    }

    /// First and last slot of this contract's steps.
    function _slots() internal pure virtual returns (uint256 first, uint256 last);

    function _hasScalar(uint256 number) internal pure virtual returns (bool);

    function _wrongScalar(Facts calldata f, Reader memory r, Steps memory t, uint256 number, int256 posted)
        internal
        pure
        virtual
        returns (bool);

    /// Whether an entry of seat `i` (and column `j`) is wrong. Seat `i` is included, unless the step is carried.
    function _wrongEntry(
        Facts calldata f,
        Reader memory r,
        Steps memory t,
        uint256 slot,
        uint256 i,
        uint256 j,
        int256 posted
    ) internal pure virtual returns (bool);
}
