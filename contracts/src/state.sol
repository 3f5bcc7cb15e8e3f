// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Windows} from "./types.sol";

// How facts lie in storage. One line per word; what the gas-bounded calls touch together lies together.

/// What a round's COMMIT and REVEAL count: the only word of the round that `seal` and `reveal` read and write.
///   | commitEnd 40 | revealSpan 24 | sealCount 16 | revealCount 16 | activeLeft 16 | minSeals 16 | revealSum 128 |
struct Tally {
    uint40 commitEnd; // unix seconds, exclusive; 0 = the round does not exist
    uint24 revealSpan; // seconds from commitEnd to the end of REVEAL
    uint16 sealCount;
    uint16 revealCount;
    uint16 activeLeft;
    uint16 minSeals; // copy of the project's, so that no phase of a round needs a second word
    uint128 revealSum; // modulo 2^128
}

/// Irreversible outcomes, the only part of a phase that is stored.
enum Outcome {
    None,
    Final,
    Flat,
    Void
}

/// How a round was judged.
///   | paid 96 | proposedAt 40 | standsAt 40 | included 16 | rows 16 | prev 24 | ordinal 8 | outcome 8 | bits 8 |
struct Verdict {
    uint96 paid; // of the stored result; in a FLAT round the share of each revealed seat
    uint40 proposedAt;
    uint40 standsAt;
    uint16 included;
    uint16 rows;
    uint24 prev;
    uint8 ordinal; // results above the start in this chain, at most 255; limits the deltas among the rows
    Outcome outcome;
    uint8 bits; // MERGED, CHARGED
}

uint8 constant MERGED = 1; // the model has moved by this result's delta
uint8 constant CHARGED = 2; // the units of missed reveals are in the pot

/// Rounds are mapped by number; number 0 is the start, which has only a commitment and a model root.
struct Round {
    Tally tally;
    Verdict verdict;
    uint96 pot; // what this round holds now
    address poster; // of the stored result, 0 = none; holds a lock unless the round is FINAL or the poster is banned
    bytes32 baseRoot; // what its trainers start from
    bytes32 commitment; // of the stored result
    bytes32 modelRoot; // of the stored result
    uint256[4] taken; // bitmap of seats whose flat share is taken
    bytes32[1024] slots; // by seat: 0 empty, below 2^216 a seal, else the revealed root
}

/// Identity and participation of a seat's holder: the only word of the seat that `seal` and `reveal` touch.
///   | signer 160 | last 24 | joined 24 | firstRound 24 | revealed 8 |
/// A seal in the round after a revealed `last` is not written here: `Seats.lastSealed` finds it in the slots.
struct Holder {
    address signer;
    uint24 last;
    uint24 joined;
    uint24 firstRound;
    bool revealed; // `last` was revealed
}

struct Seat {
    Holder holder;
    uint96 stake;
    uint128 claimed; // shares its word with the stake, so that a first claim costs no fresh word
    address payout;
    uint96 penaltyTaken;
}

/// A past holder's claim to flat shares of its rounds.
struct Tenure {
    address payout;
    uint24 firstRound;
    uint24 lastRound;
}

struct Aggregator {
    uint96 bond;
    uint96 locked;
    bool banned;
}

/// Where a project stands.
///   | head 24 | tip 24 | lastResult 24 | lastFinal 24 | terminalUpTo 24 | openCount 16 | activeDelta 16 | clearedAt 40 | lastEventAt 40 | stopped 8 | refunded 8 |
struct Progress {
    uint24 head;
    uint24 tip;
    uint24 lastResult;
    uint24 lastFinal;
    uint24 terminalUpTo; // this round and all below are terminal
    uint16 openCount;
    int16 activeDelta; // activeNext - sealCount(head): registrations less departures since head opened
    uint40 clearedAt;
    uint40 lastEventAt;
    bool stopped;
    bool refunded;
}

struct Purse {
    uint96 escrow;
    uint96 bucket;
    uint96 penaltyPool; // second word
    uint96 missesOwed;
}

/// The frozen numbers that calls need; one word.
struct Terms {
    uint96 pot;
    uint96 bondFloor;
    uint16 seats;
    uint16 minSeals;
    uint16 feeBps;
    uint8 deltaRows;
    uint8 fileRounds;
}

/// The frozen numbers that few calls need.
struct Frozen {
    address token;
    uint96 minStake;
    address owner;
    uint40 endDate;
    uint32 coefficients;
    uint16 expectedSeats;
    uint8 openRounds;
    bytes32 admissionRoot;
    bytes32 descriptionDigest;
    bytes32 modelDigest;
}

struct Project {
    Progress progress;
    Purse purse;
    Terms terms;
    Windows windows;
    Frozen frozen;
    mapping(uint256 round => Round) rounds;
    mapping(address signer => uint256 seatPlusOne) seatOf;
    mapping(address account => Aggregator) aggregators;
    mapping(uint256 seat => Tenure[]) tenures;
    Seat[1024] seats;
}

uint256 constant SEAT_CEILING = 1024;
uint256 constant ROOT_FLOOR = 1 << 216; // an update root is at least this, a seal is below: one word holds either
address constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;
