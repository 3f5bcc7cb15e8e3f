// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Reader} from "./Evidence.sol";
import {Facts} from "./IChecks.sol";
import {StepChecks} from "./StepChecks.sol";
import {Agreement} from "./pay/Agreement.sol";
import {Shares} from "./pay/Shares.sol";
import {Twins} from "./pay/Twins.sol";
import "./StepTree.sol";

/// Checks of the steps of pay (`aggregator/pay/`): slots 35 to 63 of the steps tree, scalars 8 to 15.
contract PayChecks is StepChecks {
    function _slots() internal pure override returns (uint256 first, uint256 last) {
        return (RESIDUAL_NORM & 255, LAST_SLOT);
    }

    function _hasScalar(uint256 number) internal pure override returns (bool) {
        return number >= TWIN_BAR && number <= PAID;
    }

    function _wrongScalar(Facts calldata f, Reader memory r, Steps memory t, uint256 number, int256 posted)
        internal
        pure
        override
        returns (bool)
    {
        if (number == TWIN_BAR) return !Twins.isTwinBar(r, t, f, posted);
        if (number == RESIDUAL_SHARE_MEDIAN) return !Shares.isResidualShareMedian(r, t, f, posted);
        if (number == DOUBT_MEDIAN) return !Shares.isDoubtMedian(r, t, f, posted);
        if (number == EARNED_MEDIAN) return !Shares.isEarnedMedian(r, t, f, posted);
        if (number == RATIO_BAR) return !Shares.isRatioBar(r, t, f, posted);
        if (number == WORTH) return posted != Shares.worth(r, t, f);
        if (number == POINTS_SUM) return posted != Shares.pointsSum(r, t, f);
        return posted != Shares.paid(r, t, f);
    }

    function _wrongEntry(
        Facts calldata f,
        Reader memory r,
        Steps memory t,
        uint256 slot,
        uint256 i,
        uint256 j,
        int256 posted
    ) internal pure override returns (bool) {
        if (slot == TWIN_TYPICAL & 255) return !Twins.isTwinTypical(r, t, f, i, posted);
        if (slot < PAY_VOICE & 255) return posted != _twins(f, r, t, slot, i, j);
        if (slot < RESIDUAL_SHARE & 255) return posted != _agreement(f, r, t, slot, i, j);
        return posted != (slot < GATE & 255 ? _sums(f, r, t, slot, i) : _shares(f, r, t, slot, i));
    }

    function _twins(Facts calldata f, Reader memory r, Steps memory t, uint256 slot, uint256 i, uint256 j)
        private
        pure
        returns (int256)
    {
        if (slot == RESIDUAL_NORM & 255) return Twins.residualNorm(r, t, i);
        if (slot == LIVE & 255) return Twins.live(r, t, i);
        if (slot == AGE & 255) return Twins.age(r, t, f, i);
        if (slot == TWIN & 255) return Twins.twin(r, t, f, i, j);
        if (slot == TWIN_MEAN & 255) return Twins.twinMean(r, t, f, i, j);
        if (slot == ALIKE & 255) return Twins.alike(r, t, f, i, j);
        return Twins.crowd(r, t, f, i);
    }

    function _agreement(Facts calldata f, Reader memory r, Steps memory t, uint256 slot, uint256 i, uint256 j)
        private
        pure
        returns (int256)
    {
        if (slot == PAY_VOICE & 255) return Agreement.payVoice(r, t, f, i);
        if (slot == PAY_ECHO & 255) return Agreement.payEcho(r, t, f, i);
        if (slot == OTHERS_NORM & 255) return Agreement.othersNorm(r, t, f, i);
        if (slot == AGREED & 255) return Agreement.agreed(r, t, f, i);
        if (slot == NEW_VOICE & 255) return Agreement.newVoice(r, t, i);
        if (slot == NEW_ECHO & 255) return Agreement.newEcho(r, t, f, i);
        if (slot == NEW_OTHERS_NORM & 255) return Agreement.newOthersNorm(r, t, f, i);
        return Agreement.newSum(r, t, f, i, j);
    }

    function _sums(Facts calldata f, Reader memory r, Steps memory t, uint256 slot, uint256 i)
        private
        pure
        returns (int256)
    {
        if (slot == RESIDUAL_SHARE & 255) return Shares.residualShare(r, t, i);
        if (slot == EARNED & 255) return Shares.earned(r, t, f, i);
        if (slot == AGREED_SUM & 255) return Shares.agreedSum(r, t, f, i);
        if (slot == NEWNESS & 255) return Shares.newness(r, t, f, i);
        if (slot == DOUBT & 255) return Shares.doubt(r, t, f, i);
        return slot == RATIO & 255 ? Shares.ratio(r, t, i) : Shares.ratioWeight(r, t, i);
    }

    function _shares(Facts calldata f, Reader memory r, Steps memory t, uint256 slot, uint256 i)
        private
        pure
        returns (int256)
    {
        if (slot == GATE & 255) return Shares.gate(r, t, f, i);
        if (slot == CLAIM & 255) return Shares.claim(r, t, i);
        if (slot == HAD & 255) return Shares.had(r, f, i);
        if (slot == POINTS & 255) return Shares.points(r, t, i);
        return slot == PAY & 255 ? Shares.pay(r, t, f, i) : Shares.received(r, t, f, i);
    }
}
