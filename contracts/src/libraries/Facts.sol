// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Holder, Progress, Project, Round, Seat, Tally, Terms, Verdict} from "../state.sol";

/// Unpacks and packs the words that `state.sol` draws: one read and one write for each, whatever changes.
///
/// SAFETY: packing does not mask. Every field stays within its width, because
/// - round numbers count opened rounds, one transaction each, and stay below 2^24;
/// - seats and counts of them are at most 1,024, open rounds at most 255, ordinals are capped at 255;
/// - times are `block.timestamp` plus at most 2^32 seconds, below 2^40 for 34,000 years; REVEAL's span is limited at
///   deployment, and only shortened;
/// - every amount is part of `held`, which is kept below 2^96;
/// - the sum of reveals is masked where it is added to.
library Facts {
    function tallyOf(Round storage r) internal view returns (Tally memory) {
        uint256 word = r.tally;
        return Tally({
            commitEnd: uint40(word),
            revealSpan: uint24(word >> 40),
            sealCount: uint16(word >> 64),
            revealCount: uint16(word >> 80),
            activeLeft: uint16(word >> 96),
            minSeals: uint16(word >> 112),
            revealSum: word >> 128
        });
    }

    function save(Round storage r, Tally memory t) internal {
        r.tally = t.commitEnd | t.revealSpan << 40 | t.sealCount << 64 | t.revealCount << 80 | t.activeLeft << 96
            | t.minSeals << 112 | t.revealSum << 128;
    }

    function verdictOf(Round storage r) internal view returns (Verdict memory) {
        uint256 word = r.verdict;
        return Verdict({
            paid: uint96(word),
            proposedAt: uint40(word >> 96),
            standsAt: uint40(word >> 136),
            included: uint16(word >> 176),
            rows: uint16(word >> 192),
            prev: uint24(word >> 208),
            ordinal: uint8(word >> 232),
            outcome: uint8(word >> 240) & 63,
            merged: word >> 254 & 1 != 0,
            charged: word >> 255 != 0
        });
    }

    function save(Round storage r, Verdict memory v) internal {
        r.verdict = v.paid | v.proposedAt << 96 | v.standsAt << 136 | v.included << 176 | v.rows << 192 | v.prev << 208
            | v.ordinal << 232 | v.outcome << 240 | (v.merged ? 1 << 254 : 0) | (v.charged ? 1 << 255 : 0);
    }

    /// The outcome alone, which many calls ask for.
    function outcomeOf(Round storage r) internal view returns (uint256) {
        return uint8(r.verdict >> 240) & 63;
    }

    function holderOf(Seat storage s) internal view returns (Holder memory) {
        uint256 word = s.holder;
        return Holder({
            signer: address(uint160(word)),
            last: uint24(word >> 160),
            joined: uint24(word >> 184),
            firstRound: uint24(word >> 208),
            revealed: word >> 232 != 0
        });
    }

    function save(Seat storage s, Holder memory h) internal {
        s.holder = uint256(uint160(h.signer)) | h.last << 160 | h.joined << 184 | h.firstRound << 208
            | (h.revealed ? 1 << 232 : 0);
    }

    function progressOf(Project storage p) internal view returns (Progress memory) {
        uint256 word = p.progress;
        return Progress({
            head: uint24(word),
            tip: uint24(word >> 24),
            lastResult: uint24(word >> 48),
            lastFinal: uint24(word >> 72),
            terminalUpTo: uint24(word >> 96),
            openCount: uint16(word >> 120),
            activeDelta: int16(uint16(word >> 136)),
            clearedAt: uint40(word >> 152),
            lastEventAt: uint40(word >> 192),
            stopped: word >> 232 & 1 != 0,
            refunded: word >> 240 != 0
        });
    }

    function save(Project storage p, Progress memory g) internal {
        p.progress = g.head | g.tip << 24 | g.lastResult << 48 | g.lastFinal << 72 | g.terminalUpTo << 96
            | g.openCount << 120 | uint256(uint16(int16(g.activeDelta))) << 136 | g.clearedAt << 152
            | g.lastEventAt << 192 | (g.stopped ? 1 << 232 : 0) | (g.refunded ? 1 << 240 : 0);
    }

    function termsOf(Project storage p) internal view returns (Terms memory) {
        uint256 word = p.terms;
        return Terms({
            pot: uint96(word),
            bondFloor: uint96(word >> 96),
            seats: uint16(word >> 192),
            minSeals: uint16(word >> 208),
            feeBps: uint16(word >> 224),
            deltaRows: uint8(word >> 240),
            fileRounds: uint8(word >> 248)
        });
    }

    function save(Project storage p, Terms memory terms) internal {
        p.terms = terms.pot | terms.bondFloor << 96 | terms.seats << 192 | terms.minSeals << 208 | terms.feeBps << 224
            | terms.deltaRows << 240 | terms.fileRounds << 248;
    }

    // Two amounts in one word, each below 2^96: adding to or taking from either never reaches the other.

    function escrowOf(Project storage p) internal view returns (uint256) {
        return uint128(p.purse.escrowAndBucket);
    }

    function bucketOf(Project storage p) internal view returns (uint256) {
        return p.purse.escrowAndBucket >> 128;
    }

    function poolOf(Project storage p) internal view returns (uint256) {
        return uint128(p.purse.poolAndMisses);
    }

    function missesOwedOf(Project storage p) internal view returns (uint256) {
        return p.purse.poolAndMisses >> 128;
    }

    function put(Project storage p, uint256 toEscrow, uint256 toBucket) internal {
        p.purse.escrowAndBucket += toEscrow | toBucket << 128;
    }

    /// The caller has checked that so much is there.
    function take(Project storage p, uint256 fromEscrow, uint256 fromBucket) internal {
        p.purse.escrowAndBucket -= fromEscrow | fromBucket << 128;
    }

    function putPool(Project storage p, uint256 toPool, uint256 toMisses) internal {
        p.purse.poolAndMisses += toPool | toMisses << 128;
    }

    function takePool(Project storage p, uint256 fromPool, uint256 fromMisses) internal {
        p.purse.poolAndMisses -= fromPool | fromMisses << 128;
    }

    /// What a missed reveal costs, in smallest units, rounded down.
    function unitOf(Project storage p) internal view returns (uint256) {
        Terms memory terms = termsOf(p);
        return terms.pot / terms.minSeals;
    }

    function seatsOf(Project storage p) internal view returns (uint256) {
        return uint16(p.terms >> 192);
    }
}
