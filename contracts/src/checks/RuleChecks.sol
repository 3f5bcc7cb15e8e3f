// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Reader} from "./Evidence.sol";
import {Facts} from "./IChecks.sol";
import {StepChecks} from "./StepChecks.sol";
import {Camp} from "./rule/Camp.sol";
import {Novelty} from "./rule/Novelty.sol";
import {Rule} from "./rule/Rule.sol";
import "./StepTree.sol";

/// Checks of the steps that lead to weights, reputations and residuals (`aggregator/rule.py` and `aggregator/novelty.py`):
/// slots 1 to 34 of the steps tree, scalars 0 to 7.
contract RuleChecks is StepChecks {
    function _slots() internal pure override returns (uint256 first, uint256 last) {
        return (NORM & 255, RESIDUAL_GRAM & 255);
    }

    function _hasScalar(uint256 number) internal pure override returns (bool) {
        return number <= HAS_PUBLIC;
    }

    function _wrongScalar(Facts calldata f, Reader memory r, Steps memory t, uint256 number, int256 posted)
        internal
        pure
        override
        returns (bool)
    {
        if (number == NORM_MEDIAN) return !Rule.isNormMedian(r, t, f, posted);
        if (number == COHERENCE_PAST_MEDIAN) return !Rule.isMedian(r, t, f, COHERENCE_PAST, posted);
        if (number == COHERENCE_NOW_MEDIAN) return !Rule.isMedian(r, t, f, COHERENCE_NOW, posted);
        if (number == PULL_MEDIAN) return !Camp.isPullMedian(r, t, f, posted);
        if (number == ECHO_SUM) return posted != Rule.echoSum(r, t, f);
        if (number == AGREEMENT_MEDIAN) return !Rule.isMedian(r, t, f, AGREEMENT, posted);
        if (number == MERIT_SUM) return posted != Rule.total(r, t, f, MERIT);
        return posted != Novelty.hasPublic(r, f);
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
        if (slot == KINSHIP_BAR & 255) return !Rule.isBar(r, t, f, KINSHIP, i, posted);
        if (slot == COSINE_BAR & 255) return !Rule.isBar(r, t, f, COSINE, i, posted);
        if (slot == OUTLOOK_MEDIAN & 255) return !Camp.isOutlookMedian(r, t, f, i, posted);
        if (slot == PICKS & 255) return !Novelty.isPick(r, t, f, i, j, posted);
        if (slot > ADVICE & 255) return posted != _novelty(f, r, t, slot, i, j);
        return posted != (slot < AGREEMENT & 255 ? _voices(f, r, t, slot, i, j) : _weights(f, r, t, slot, i));
    }

    /// Steps norm to echo, but bars and medians.
    function _voices(Facts calldata f, Reader memory r, Steps memory t, uint256 slot, uint256 i, uint256 j)
        private
        pure
        returns (int256)
    {
        if (slot == NORM & 255) return Rule.norm(r, f, i);
        if (slot == COSINE & 255) return Rule.cosine(r, t, f, i, j);
        if (slot == CLIPPING & 255) return Rule.clipping(r, t, i);
        if (slot == KINSHIP & 255) return Rule.kinship(r, t, f, i, j);
        if (slot == COHERENCE_PAST & 255) return Rule.coherence(r, t, f, KINSHIP, KINSHIP_BAR, i);
        if (slot == COHERENCE_NOW & 255) return Rule.coherence(r, t, f, COSINE, COSINE_BAR, i);
        if (slot == DISCOUNT & 255) return Rule.discount(r, t, i);
        if (slot == STANDING & 255) return Rule.standing(r, t, f, i);
        if (slot == PULL & 255) return Camp.pull(r, t, f, i);
        if (slot == OUTLOOK & 255) return Camp.outlook(r, t, f, i, j);
        if (slot == TRUST & 255) return Rule.trust(r, t, f, i);
        return slot == VOICE & 255 ? Camp.voice(r, t, f, i) : Rule.echo(r, t, f, i);
    }

    /// Steps agreement to advice.
    function _weights(Facts calldata f, Reader memory r, Steps memory t, uint256 slot, uint256 i)
        private
        pure
        returns (int256)
    {
        if (slot == AGREEMENT & 255) return Rule.agreement(r, t, i);
        if (slot == PRESENCE & 255) return Rule.presence(r, t, f, i);
        if (slot == REPUTATION & 255) return Rule.reputation(r, t, f, i);
        if (slot == MERIT & 255) return Rule.merit(r, t, f, i);
        if (slot == WEIGHT & 255) return Rule.weight(r, t, i);
        if (slot == COEFFICIENT & 255) return Rule.coefficient(r, t, i);
        if (slot == STRIKES & 255) return Rule.strikes(r, t, f, i);
        return slot == PENALTY & 255 ? Rule.penalty(r, t, f, i) : Rule.advice(r, f, i);
    }

    /// Steps own_system to residual_gram, but picks.
    function _novelty(Facts calldata f, Reader memory r, Steps memory t, uint256 slot, uint256 i, uint256 j)
        private
        pure
        returns (int256)
    {
        if (slot == OWN_SYSTEM & 255) return Novelty.ownSystem(r, f, i, j);
        if (slot == OWN_FIT & 255) return Novelty.ownFit(r, t, f, i, j);
        if (slot == CANDIDATE & 255) return Novelty.candidate(r, t, f, i, j);
        if (slot == SYSTEM & 255) return Novelty.system(r, t, f, i, j);
        if (slot == FIT & 255) return Novelty.fit(r, t, f, i, j);
        if (slot == GATHERED & 255) return Novelty.gathered(r, t, f, i, j);
        return slot == RESIDUAL & 255 ? Novelty.residual(r, t, i, j) : Novelty.residualGram(r, t, f, i, j);
    }
}
