// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Before} from "../Before.sol";
import {Evidence, Reader} from "../Evidence.sol";
import {Facts} from "../IChecks.sol";
import {Numbers} from "../Numbers.sol";
import {RowsOf} from "../RowsOf.sol";
import {Seats} from "../Seats.sol";
import "../StepTree.sol";

/// The steps of `aggregator/rule.py` but those of `Camp`, by the same names: each reads the inputs of one entry and computes it. Medians and
/// k-th largest are not sought: `is...` says whether the posted number is it.
library Rule {
    int256 internal constant F = 16384;
    int256 private constant FULL_WEIGHT = 65535;
    uint256 private constant MIN_SEATS = 4;
    int256 private constant HOSTILE = 3277;
    int256 private constant STRIKES_LIMIT = 3;
    int256 private constant SLACK = 819;
    int256 private constant SCALE_FLOOR = 3277;
    int256 private constant LEAST_STANDING = 64;
    int256 private constant STRAIGHT = 10650;
    int256 private constant TURNING = 4915;
    uint256 private constant RATE = 1;
    uint256 private constant SERVER = 3;
    int256 internal constant SEATS_PART = 7; // of ten parts of the direction, where there is a reference
    int256 private constant REFERENCE_PART = 3;

    // ----- the matrix of cosines -----

    function norm(Reader memory r, Facts calldata f, uint256 i) internal pure returns (int256) {
        return Numbers.sqrt(RowsOf.gram(r, f, i, i));
    }

    function cosine(Reader memory r, Steps memory t, Facts calldata f, uint256 i, uint256 j)
        internal
        pure
        returns (int256)
    {
        if (!RowsOf.isIncluded(f, j)) return 0;
        if (i == j) return StepTree.at(r, t, NORM, i) == 0 ? int256(0) : F;
        int256 product = RowsOf.gram(r, f, i, j);
        int256 length = Numbers.max(StepTree.at(r, t, NORM, i), 1);
        length *= Numbers.max(StepTree.at(r, t, NORM, j), 1);
        return Numbers.bound(Numbers.div(product * F, length), -F, F);
    }

    function isNormMedian(Reader memory r, Steps memory t, Facts calldata f, int256 posted)
        internal
        pure
        returns (bool)
    {
        int256[] memory norms = Seats.gather(f, StepTree.vector(r, t, NORM), Seats.NONE);
        _dropZeros(norms);
        return Numbers.isLowerMedian(norms, posted);
    }

    function clipping(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 length = StepTree.at(r, t, NORM, i);
        if (length == 0) return 0;
        return Numbers.min(F, Numbers.div(StepTree.scalar(r, t, NORM_MEDIAN) * F, length));
    }

    // ----- coherence -----

    function kinship(Reader memory r, Steps memory t, Facts calldata f, uint256 i, uint256 j)
        internal
        pure
        returns (int256)
    {
        if (!_isJudged(f, i) || !RowsOf.isIncluded(f, j)) return Before.entry(r, f, KINSHIP, i, j);
        int256 now_ = StepTree.entry(r, t, COSINE, i, j);
        if (f.firstB || f.firstC) return now_;
        return Numbers.div(9 * Before.entry(r, f, KINSHIP, i, j) + now_, 10);
    }

    /// Of `matrix` KINSHIP or COSINE: the posted number is the k-th largest, k = (n - 1) div 2, negative ones as 0.
    function isBar(Reader memory r, Steps memory t, Facts calldata f, uint256 matrix, uint256 i, int256 posted)
        internal
        pure
        returns (bool)
    {
        uint256 k = (Seats.count(f) - 1) / 2;
        if (k == 0) return posted == 0;
        int256[] memory values = Seats.gather(f, StepTree.row(r, t, matrix, i), i);
        Numbers.raiseToZero(values);
        return Numbers.isKthLargest(values, k, posted);
    }

    /// Root mean square of the k largest: entries above the bar, and as many at it as are missing to k.
    function coherence(Reader memory r, Steps memory t, Facts calldata f, uint256 matrix, uint256 bar, uint256 i)
        internal
        pure
        returns (int256)
    {
        int256 k = int256((Seats.count(f) - 1) / 2);
        if (k == 0) return 0;
        int256[] memory values = Seats.gather(f, StepTree.row(r, t, matrix, i), i);
        int256 least = StepTree.at(r, t, bar, i);
        (int256 sum, int256 above) = _squaresAbove(values, least);
        return Numbers.sqrt(Numbers.div(sum + (k - above) * least * least, k));
    }

    function discount(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 past = 13 * StepTree.scalar(r, t, COHERENCE_PAST_MEDIAN) * F;
        past = Numbers.div(past, 10 * Numbers.max(StepTree.at(r, t, COHERENCE_PAST, i), 1));
        int256 now_ = 3 * StepTree.scalar(r, t, COHERENCE_NOW_MEDIAN) * F;
        now_ = Numbers.div(now_, 2 * Numbers.max(StepTree.at(r, t, COHERENCE_NOW, i), 1));
        int256 least = Numbers.min(F, Numbers.min(past, now_));
        return Numbers.div(least * least, F);
    }

    // ----- agreement -----

    function standing(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        int256 reputation_ = Numbers.max(Before.reputation(r, f, i), LEAST_STANDING);
        return Numbers.div(reputation_ * StepTree.at(r, t, DISCOUNT, i), F);
    }

    function trust(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        int256 square = RowsOf.referenceSquare(r, f);
        if (square == 0) return 0;
        int256 product = RowsOf.gram(r, f, i, f.seats);
        int256 length = Numbers.max(StepTree.at(r, t, NORM, i), 1) * Numbers.sqrt(square);
        return Numbers.bound(Numbers.div(product * F, length), -F, F);
    }

    function echo(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        uint256 cosines = StepTree.row(r, t, COSINE, i);
        uint256 voices = StepTree.vector(r, t, VOICE);
        int256 heard = Seats.dot(cosines, voices, f.seats);
        if (RowsOf.referenceSquare(r, f) == 0) return heard;
        return heard + StepTree.at(r, t, TRUST, i) * _referenceVoice(voices, f.seats);
    }

    function echoSum(Reader memory r, Steps memory t, Facts calldata f) internal pure returns (int256) {
        uint256 voices = StepTree.vector(r, t, VOICE);
        int256 square = Seats.dot(voices, StepTree.vector(r, t, ECHO), f.seats);
        if (RowsOf.referenceSquare(r, f) == 0) return square;
        int256 guide = _referenceVoice(voices, f.seats);
        return square + guide * (Seats.dot(voices, StepTree.vector(r, t, TRUST), f.seats) + F * guide);
    }

    function agreement(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        if (StepTree.at(r, t, NORM, i) == 0) return 0;
        int256 own = StepTree.at(r, t, VOICE, i);
        int256 heard = StepTree.at(r, t, ECHO, i);
        int256 rest = StepTree.scalar(r, t, ECHO_SUM) - 2 * own * heard + own * own * F;
        // 128 = sqrt(F): the root of a quantity in F is in sqrt(F).
        int256 cosine_ = Numbers.div((heard - own * F) * 128, Numbers.sqrt(Numbers.max(1, rest)));
        return Numbers.bound(cosine_, -F, F);
    }

    function presence(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        int256 typical = Numbers.max(StepTree.scalar(r, t, AGREEMENT_MEDIAN), 0) + SLACK;
        int256 present = Numbers.max(StepTree.at(r, t, AGREEMENT, i) + SLACK, 0);
        present = Numbers.min(F, Numbers.div(present * F * 10, 7 * typical));
        if (RowsOf.referenceSquare(r, f) == 0) return present;
        int256 trusted = Numbers.div(Numbers.max(StepTree.at(r, t, TRUST, i), 0) * F, typical);
        trusted = Numbers.min(F, trusted);
        return Numbers.div(Numbers.div(present * trusted, F) * trusted, F);
    }

    // ----- reputation, weight, penalty -----

    function reputation(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        int256 before = Before.reputation(r, f, i);
        if (!RowsOf.isIncluded(f, i)) return f.sealedB ? Numbers.div(19 * before, 20) : before;
        if (!_isJudged(f, i)) return before;
        int256 scale = Numbers.max(StepTree.scalar(r, t, AGREEMENT_MEDIAN), SCALE_FLOOR);
        int256 scaled = Numbers.div(StepTree.at(r, t, AGREEMENT, i) * F, scale);
        return Numbers.div(19 * before + Numbers.bound(scaled, -F, F), 20);
    }

    function merit(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        if (StepTree.at(r, t, NORM, i) == 0) return 0;
        if (!_isJudged(f, i)) return 1;
        int256 part = Numbers.max(StepTree.at(r, t, REPUTATION, i), 0);
        part = Numbers.div(part * StepTree.at(r, t, DISCOUNT, i), F);
        return Numbers.div(part * StepTree.at(r, t, PRESENCE, i), F);
    }

    function weight(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 merits = StepTree.scalar(r, t, MERIT_SUM);
        if (merits == 0) return 0;
        return Numbers.div(StepTree.at(r, t, MERIT, i) * FULL_WEIGHT, merits);
    }

    function coefficient(Reader memory r, Steps memory t, uint256 i) internal pure returns (int256) {
        int256 share = StepTree.at(r, t, WEIGHT, i);
        return Numbers.div(share * StepTree.at(r, t, CLIPPING, i), F);
    }

    function strikes(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        if (!_isJudged(f, i)) return Before.at(r, f, STRIKES, i);
        if (StepTree.at(r, t, AGREEMENT, i) > -HOSTILE) return 0;
        if (StepTree.scalar(r, t, AGREEMENT_MEDIAN) <= 0) return 0;
        int256[] memory likeness = Seats.gather(f, StepTree.row(r, t, KINSHIP, i), i);
        if (2 * _negative(likeness) <= Seats.count(f)) return 0;
        return Before.at(r, f, STRIKES, i) + 1;
    }

    function penalty(Reader memory r, Steps memory t, Facts calldata f, uint256 i) internal pure returns (int256) {
        if (!_isJudged(f, i)) return 0;
        return StepTree.at(r, t, STRIKES, i) >= STRIKES_LIMIT ? int256(1) : int256(0);
    }

    // ----- advice -----

    /// Entry k: 0 local steps, 1 learning rate, 2 clip bound, 3 server rate. Only the learning rate moves.
    function advice(Reader memory r, Facts calldata f, uint256 k) internal pure returns (int256) {
        int256 before = Before.ofRound(r, f, ADVICE, k, k == SERVER ? FULL_WEIGHT : F);
        if (k != RATE || Seats.count(f) < MIN_SEATS) return before;
        uint256 last = RowsOf.delta(f.seats, 0);
        uint256 older = RowsOf.delta(f.seats, 1);
        int256 length = Numbers.sqrt(RowsOf.gram(r, f, last, last));
        length *= Numbers.sqrt(RowsOf.gram(r, f, older, older));
        if (length == 0) return before;
        int256 cosine_ = Numbers.div(RowsOf.gram(r, f, last, older) * F, length);
        if (cosine_ > STRAIGHT) return Numbers.min(4 * F, before + Numbers.div(before, 8));
        return cosine_ < TURNING ? Numbers.max(F, before - Numbers.div(before, 16)) : before;
    }

    // ----- for several -----

    /// Sum of a vector.
    function total(Reader memory r, Steps memory t, Facts calldata f, uint256 id) internal pure returns (int256) {
        return Seats.sum(StepTree.vector(r, t, id), f.seats);
    }

    /// Whether the posted number is the lower median of a vector over included seats.
    function isMedian(Reader memory r, Steps memory t, Facts calldata f, uint256 id, int256 posted)
        internal
        pure
        returns (bool)
    {
        return Numbers.isLowerMedian(Seats.gather(f, StepTree.vector(r, t, id), Seats.NONE), posted);
    }

    /// Weight of the reference in the direction: that of all seats, 3 to 7.
    function _referenceVoice(uint256 voices, uint256 seats) private pure returns (int256) {
        return Numbers.div(REFERENCE_PART * Seats.sum(voices, seats), SEATS_PART);
    }

    // ----- loops -----

    /// How many values are below zero.
    function _negative(int256[] memory values) private pure returns (uint256 count) {
        assembly ("memory-safe") {
            let at := add(values, 32)
            for { let end := add(at, shl(5, mload(values))) } lt(at, end) { at := add(at, 32) } {
                count := add(count, slt(mload(at), 0))
            }
        }
    }

    /// Shortens `values` to those that are not zero.
    function _dropZeros(int256[] memory values) private pure {
        assembly ("memory-safe") {
            let from := add(values, 32)
            let to := from
            for { let end := add(from, shl(5, mload(values))) } lt(from, end) { from := add(from, 32) } {
                let value := mload(from)
                mstore(to, value)
                to := add(to, shl(5, iszero(iszero(value))))
            }
            mstore(values, shr(5, sub(sub(to, values), 32)))
        }
    }

    /// Sum of the squares of what is above `least`, and how many that are. SAFETY: N < 2^16 terms of 126 bits.
    function _squaresAbove(int256[] memory values, int256 least) private pure returns (int256 sum, int256 above) {
        assembly ("memory-safe") {
            let at := add(values, 32)
            for { let end := add(at, shl(5, mload(values))) } lt(at, end) { at := add(at, 32) } {
                let value := mload(at)
                let is := sgt(value, least)
                sum := add(sum, mul(is, mul(value, value)))
                above := add(above, is)
            }
        }
    }

    /// Whether this round says something about seat `i`: it is included, and medians of that many seats mean something.
    function _isJudged(Facts calldata f, uint256 i) private pure returns (bool) {
        return RowsOf.isIncluded(f, i) && Seats.count(f) >= MIN_SEATS;
    }
}
