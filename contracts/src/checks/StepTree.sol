// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Evidence, Reader} from "./Evidence.sol";

// The steps of rule 1 in the steps tree. A step id is | columns 16 | carried 4 | matrix 4 | width 8 | slot 8 |: columns of a
// matrix row, 0xfff0 + k for k times the number of seats; a vector has an entry for each seat in row 0, or `columns`.
// `aggregator/trees.py` numbers them; a test compares both.

uint256 constant NORM = 0x801; // slot 1: vector, 8 bytes
uint256 constant COSINE = 0xfff1010802; // slot 2: matrix, 8 bytes, N columns
uint256 constant CLIPPING = 0x803; // slot 3: vector, 8 bytes
uint256 constant KINSHIP = 0xfff1110804; // slot 4: carried matrix, 8 bytes, N columns
uint256 constant KINSHIP_BAR = 0x805; // slot 5: vector, 8 bytes
uint256 constant COSINE_BAR = 0x806; // slot 6: vector, 8 bytes
uint256 constant COHERENCE_PAST = 0x807; // slot 7: vector, 8 bytes
uint256 constant COHERENCE_NOW = 0x808; // slot 8: vector, 8 bytes
uint256 constant DISCOUNT = 0x809; // slot 9: vector, 8 bytes
uint256 constant STANDING = 0x80a; // slot 10: vector, 8 bytes
uint256 constant PULL = 0x80b; // slot 11: vector, 8 bytes
uint256 constant OUTLOOK = 0xfff101080c; // slot 12: matrix, 8 bytes, N columns
uint256 constant OUTLOOK_MEDIAN = 0x80d; // slot 13: vector, 8 bytes
uint256 constant TRUST = 0x80e; // slot 14: vector, 8 bytes
uint256 constant VOICE = 0x80f; // slot 15: vector, 8 bytes
uint256 constant ECHO = 0x810; // slot 16: vector, 8 bytes
uint256 constant AGREEMENT = 0x811; // slot 17: vector, 8 bytes
uint256 constant PRESENCE = 0x812; // slot 18: vector, 8 bytes
uint256 constant REPUTATION = 0x100813; // slot 19: carried vector, 8 bytes
uint256 constant MERIT = 0x814; // slot 20: vector, 8 bytes
uint256 constant WEIGHT = 0x815; // slot 21: vector, 8 bytes
uint256 constant COEFFICIENT = 0x816; // slot 22: vector, 8 bytes
uint256 constant STRIKES = 0x100817; // slot 23: carried vector, 8 bytes
uint256 constant PENALTY = 0x818; // slot 24: vector, 8 bytes
uint256 constant ADVICE = 0x4100819; // slot 25: carried vector, 8 bytes, 4 entries of the round
uint256 constant OWN_SYSTEM = 0x1e01081a; // slot 26: matrix, 8 bytes, 30 columns
uint256 constant OWN_FIT = 0x501081b; // slot 27: matrix, 8 bytes, 5 columns
uint256 constant CANDIDATE = 0xfff201101c; // slot 28: matrix, 16 bytes, 2 N columns
uint256 constant PICKS = 0x301081d; // slot 29: matrix, 8 bytes, 3 columns
uint256 constant SYSTEM = 0x4801081e; // slot 30: matrix, 8 bytes, 72 columns
uint256 constant FIT = 0x801101f; // slot 31: matrix, 16 bytes, 8 columns
uint256 constant GATHERED = 0x900010420; // slot 32: matrix, 4 bytes, 2304 columns
uint256 constant RESIDUAL = 0x100010421; // slot 33: matrix, 4 bytes, 256 columns
uint256 constant RESIDUAL_GRAM = 0xfff1011022; // slot 34: matrix, 16 bytes, N columns
uint256 constant RESIDUAL_NORM = 0x823; // slot 35: vector, 8 bytes
uint256 constant LIVE = 0x824; // slot 36: vector, 8 bytes
uint256 constant AGE = 0x100825; // slot 37: carried vector, 8 bytes
uint256 constant TWIN = 0xfff1110826; // slot 38: carried matrix, 8 bytes, N columns
uint256 constant TWIN_MEAN = 0xfff1010827; // slot 39: matrix, 8 bytes, N columns
uint256 constant TWIN_TYPICAL = 0x828; // slot 40: vector, 8 bytes
uint256 constant ALIKE = 0xfff1010829; // slot 41: matrix, 8 bytes, N columns
uint256 constant CROWD = 0x82a; // slot 42: vector, 8 bytes
uint256 constant PAY_VOICE = 0x82b; // slot 43: vector, 8 bytes
uint256 constant PAY_ECHO = 0x102c; // slot 44: vector, 16 bytes
uint256 constant OTHERS_NORM = 0x82d; // slot 45: vector, 8 bytes
uint256 constant AGREED = 0x82e; // slot 46: vector, 8 bytes
uint256 constant NEW_VOICE = 0x82f; // slot 47: vector, 8 bytes
uint256 constant NEW_ECHO = 0x1030; // slot 48: vector, 16 bytes
uint256 constant NEW_OTHERS_NORM = 0x831; // slot 49: vector, 8 bytes
uint256 constant NEW_SUM = 0xfff1110832; // slot 50: carried matrix, 8 bytes, N columns
uint256 constant RESIDUAL_SHARE = 0x833; // slot 51: vector, 8 bytes
uint256 constant EARNED = 0x100834; // slot 52: carried vector, 8 bytes
uint256 constant AGREED_SUM = 0x100835; // slot 53: carried vector, 8 bytes
uint256 constant NEWNESS = 0x836; // slot 54: vector, 8 bytes
uint256 constant DOUBT = 0x837; // slot 55: vector, 8 bytes
uint256 constant RATIO = 0x838; // slot 56: vector, 8 bytes
uint256 constant RATIO_WEIGHT = 0x839; // slot 57: vector, 8 bytes
uint256 constant GATE = 0x83a; // slot 58: vector, 8 bytes
uint256 constant CLAIM = 0x83b; // slot 59: vector, 8 bytes
uint256 constant HAD = 0x83c; // slot 60: vector, 8 bytes
uint256 constant POINTS = 0x83d; // slot 61: vector, 8 bytes
uint256 constant PAY = 0x103e; // slot 62: vector, 16 bytes
uint256 constant RECEIVED = 0x10083f; // slot 63: carried vector, 8 bytes
uint256 constant LAST_SLOT = 63;

// Scalars: entries of 16 bytes in slot 0.
uint256 constant NORM_MEDIAN = 0;
uint256 constant COHERENCE_PAST_MEDIAN = 1;
uint256 constant COHERENCE_NOW_MEDIAN = 2;
uint256 constant PULL_MEDIAN = 3;
uint256 constant ECHO_SUM = 4;
uint256 constant AGREEMENT_MEDIAN = 5;
uint256 constant MERIT_SUM = 6;
uint256 constant HAS_PUBLIC = 7;
uint256 constant TWIN_BAR = 8;
uint256 constant RESIDUAL_SHARE_MEDIAN = 9;
uint256 constant DOUBT_MEDIAN = 10;
uint256 constant EARNED_MEDIAN = 11;
uint256 constant RATIO_BAR = 12;
uint256 constant WORTH = 13;
uint256 constant POINTS_SUM = 14;
uint256 constant PAID = 15;
uint256 constant SCALARS = 16;

/// Where the steps of a result stand. `rowBits`, `chunkBits`: levels of the tree over rows and over chunks of a row.
/// `known`: nodes from the root (number 1) to the slots (64 + slot; the children of k are 2 k and 2 k + 1) that have been
/// opened, 0 for others.
struct Steps {
    bytes32[] known;
    uint256 seats;
    uint256 rowBits;
    uint256 chunkBits;
}

/// Opens entries and rows of a steps tree. Evidence of an entry: its leaf of 256 bytes, then the siblings; of a row: all its
/// leaves, then the siblings. Siblings that are absent in every honest tree are not part of the evidence: chunks past the end
/// of a row, and rows beside the one row of a vector (who posts something there is refuted by `Check.Presence`). Nor are
/// siblings above a slot from the first node on that an earlier reading has opened.
library StepTree {
    uint256 internal constant LEAF = 256;
    uint256 private constant SLOTS = 64;

    error MarketWrongLeaf(bytes32 computed, bytes32 root);
    error MarketNoSuchEntry(uint256 slot, uint256 i, uint256 j);

    function tree(bytes32 root, uint256 seats) internal pure returns (Steps memory) {
        // The longest rows: candidates (2 N entries of 16 bytes) and gathered sums.
        uint256 widest = (32 * seats + LEAF - 1) / LEAF;
        uint256 least = chunks(GATHERED, seats);
        bytes32[] memory known = new bytes32[](2 * SLOTS);
        known[1] = root;
        return Steps(known, seats, Evidence.clog2(seats), Evidence.clog2(widest > least ? widest : least));
    }

    function isMatrix(uint256 id) internal pure returns (bool) {
        return id >> 16 & 1 != 0;
    }

    function isCarried(uint256 id) internal pure returns (bool) {
        return id >> 20 & 1 != 0;
    }

    function width(uint256 id) internal pure returns (uint256) {
        return id >> 8 & 255;
    }

    /// Entries of a row (of the one row of a vector).
    function length(uint256 id, uint256 seats) internal pure returns (uint256) {
        uint256 columns = id >> 24;
        if (columns == 0) return seats;
        return columns > 0xfff0 ? (columns - 0xfff0) * seats : columns;
    }

    /// Leaves of a row.
    function chunks(uint256 id, uint256 seats) internal pure returns (uint256) {
        return (length(id, seats) * width(id) + LEAF - 1) / LEAF;
    }

    /// Entry of a vector.
    function at(Reader memory r, Steps memory t, uint256 id, uint256 seat) internal pure returns (int256) {
        return entry(r, t, id, 0, seat);
    }

    /// Entry `column` of row `row`: also of the zeros that fill the last leaf of a row.
    function entry(Reader memory r, Steps memory t, uint256 id, uint256 row_, uint256 column)
        internal
        pure
        returns (int256)
    {
        return _number(_leafOf(r, t, id, row_, column), id, column);
    }

    /// `count` entries of row `row` from entry `first` on: each leaf that holds some is read once.
    function entries(Reader memory r, Steps memory t, uint256 id, uint256 row_, uint256 first, uint256 count)
        internal
        pure
        returns (int256[] memory values)
    {
        values = new int256[](count);
        uint256 perLeaf = LEAF / width(id);
        uint256 offset;
        for (uint256 k; k < count; ++k) {
            uint256 column = first + k;
            if (k == 0 || column % perLeaf == 0) offset = _leafOf(r, t, id, row_, column);
            values[k] = _number(offset, id, column);
        }
    }

    /// A whole vector; returns where its entries begin in calldata.
    function vector(Reader memory r, Steps memory t, uint256 id) internal pure returns (uint256 offset) {
        return row(r, t, id, 0);
    }

    /// A whole row of a matrix; returns where its entries begin in calldata.
    function row(Reader memory r, Steps memory t, uint256 id, uint256 row_) internal pure returns (uint256 offset) {
        uint256 count = chunks(id, t.seats);
        if (row_ >= t.seats) revert MarketNoSuchEntry(id & 255, row_, 0);
        offset = Evidence.take(r, count * LEAF);
        uint256 first = ((id & 255) << t.rowBits | row_) << t.chunkBits;
        bytes32[] memory hashes = new bytes32[](count);
        for (uint256 k; k < count; ++k) {
            hashes[k] = Evidence.leafHash(first | k, offset + k * LEAF, LEAF);
        }
        _expectRoot(r, t, id, row_, Evidence.reduce(r, hashes, t.chunkBits, true));
    }

    function scalar(Reader memory r, Steps memory t, uint256 number) internal pure returns (int256) {
        uint256 offset = Evidence.take(r, LEAF);
        bytes32 hash = Evidence.leafHash(0, offset, LEAF);
        _expectRoot(r, t, 0, 0, Evidence.climbAbsent(r, hash, 0, t.chunkBits));
        return Evidence.i128(offset, number);
    }

    /// The leaf that holds entry `column` of row `row`; returns where it begins in calldata.
    function _leafOf(Reader memory r, Steps memory t, uint256 id, uint256 row_, uint256 column)
        private
        pure
        returns (uint256 offset)
    {
        uint256 count = chunks(id, t.seats);
        uint256 chunk = column / (LEAF / width(id));
        if (chunk >= count || row_ >= t.seats) revert MarketNoSuchEntry(id & 255, row_, column);
        offset = Evidence.take(r, LEAF);
        uint256 first = ((id & 255) << t.rowBits | row_) << t.chunkBits;
        bytes32 hash = Evidence.leafHash(first | chunk, offset, LEAF);
        uint256 real = Evidence.clog2(count);
        hash = Evidence.climb(r, hash, chunk, real);
        _expectRoot(r, t, id, row_, Evidence.climbAbsent(r, hash, real, t.chunkBits));
    }

    /// Entry `column` of a row, in its leaf at `offset`.
    function _number(uint256 offset, uint256 id, uint256 column) private pure returns (int256 value) {
        uint256 bytes_ = width(id);
        uint256 place = offset + column * bytes_ % LEAF;
        assembly ("memory-safe") {
            value := sar(sub(256, shl(3, bytes_)), calldataload(place))
        }
    }

    /// Climbs from the root of a row to a node that is known; at first that is the root of the tree alone.
    function _expectRoot(Reader memory r, Steps memory t, uint256 id, uint256 row_, bytes32 hash) private pure {
        hash = isMatrix(id)
            ? Evidence.climb(r, hash, row_, t.rowBits)
            : Evidence.climbAbsent(r, hash, t.chunkBits, t.chunkBits + t.rowBits);
        bytes32[] memory known = t.known;
        uint256 place = SLOTS | id & 255;
        while (known[place] == 0) {
            bytes32 sibling = Evidence.takeHash(r);
            (known[place], known[place ^ 1]) = (hash, sibling);
            hash = place & 1 == 0 ? Evidence.node(hash, sibling) : Evidence.node(sibling, hash);
            place >>= 1;
        }
        if (hash != known[place]) revert MarketWrongLeaf(hash, known[place]);
    }
}
