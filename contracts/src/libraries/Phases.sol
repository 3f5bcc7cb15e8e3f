// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Project, Round} from "../state.sol";
import {Phase} from "../types.sol";
import {FINAL, FLAT, Tally, Verdict} from "../words.sol";

/// The phase of a round: a view over its facts and the time. Phases are never stored.
library Phases {
    /// `t` is the round's own tally, read once by the caller.
    function derive(Project storage p, Round storage r, uint256 round, Tally t) internal view returns (Phase) {
        uint256 commitEnd = t.commitEnd();
        // SAFETY: outcomes are recorded only after these times, so time may be asked first, which costs one word.
        if (block.timestamp < commitEnd) return Phase.Commit;
        if (commitEnd == 0) return r.verdict.outcome() == FINAL ? Phase.Final : Phase.None; // round 0 is the start
        if (t.sealCount() < t.minSeals()) return Phase.Void;
        if (block.timestamp < t.revealEnd()) return Phase.Reveal;
        if (t.revealCount() == 0) return Phase.Void;
        Verdict v = r.verdict;
        if (v.outcome() == FINAL) return Phase.Final;
        if (v.outcome() == FLAT) return Phase.Flat;
        // A result above the tip was cleared with one below it and does not count.
        if (round > p.progress.tip()) return Phase.Aggregate;
        return block.timestamp < v.standsAt() ? Phase.Proposed : Phase.Standing;
    }
}
