// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {FINAL, FLAT, Project, Round, Tally} from "../state.sol";
import {Phase} from "../types.sol";
import {Facts} from "./Facts.sol";

/// The phase of a round, and what depends on nothing but its facts and the time. Phases are never stored.
library Phases {
    using Facts for Round;
    using Facts for Project;

    /// `t` is the round's own tally, read once by the caller.
    function derive(Project storage p, Round storage r, uint256 round, Tally memory t) internal view returns (Phase) {
        if (t.commitEnd == 0) return r.outcomeOf() == FINAL ? Phase.Final : Phase.None; // round 0 is the start
        // SAFETY: outcomes are recorded only after these times, so time may be asked first, which costs one word.
        if (block.timestamp < t.commitEnd) return Phase.Commit;
        if (t.sealCount < t.minSeals) return Phase.Void;
        if (block.timestamp < revealEnd(t)) return Phase.Reveal;
        if (t.revealCount == 0) return Phase.Void;
        uint256 outcome = r.outcomeOf();
        if (outcome == FINAL) return Phase.Final;
        if (outcome == FLAT) return Phase.Flat;
        // A result above the tip was cleared with one below it and does not count.
        if (round > p.progressOf().tip) return Phase.Aggregate;
        return block.timestamp < r.verdictOf().standsAt ? Phase.Proposed : Phase.Standing;
    }

    function revealEnd(Tally memory t) internal pure returns (uint256) {
        // SAFETY: 40 and 24 bits.
        unchecked {
            return t.commitEnd + t.revealSpan;
        }
    }

    /// Seals that cost their seats a unit once REVEAL has ended: none where fewer than half were revealed, since then
    /// the fault is likely the network's.
    function missedReveals(Tally memory t) internal pure returns (uint256) {
        // SAFETY: each reveal opens a seal.
        unchecked {
            return t.revealCount * 2 < t.sealCount ? 0 : t.sealCount - t.revealCount;
        }
    }
}
