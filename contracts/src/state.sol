// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Windows} from "./types.sol";

// What the market stores. Facts that change together share one word, drawn above the struct that `libraries/Facts.sol`
// unpacks it into: in memory all numbers are 256 bits wide, in storage they have the width that is drawn.

/// What a round's COMMIT and REVEAL count: the only word of the round that `seal` and `reveal` touch besides the slot.
///   | revealSum 128 | minSeals 16 | activeLeft 16 | revealCount 16 | sealCount 16 | revealSpan 24 | commitEnd 40 |
struct Tally {
    uint256 commitEnd; // unix seconds, exclusive; 0 = the round does not exist
    uint256 revealSpan; // seconds from commitEnd to the end of REVEAL
    uint256 sealCount;
    uint256 revealCount;
    uint256 activeLeft;
    uint256 minSeals; // copy of the project's, so that a round's phase needs no other word
    uint256 revealSum; // modulo 2^128
}

// Irreversible outcomes: the only part of a phase that is stored. Plain numbers, since every use of an enum is checked.
uint256 constant NONE = 0;
uint256 constant FINAL = 1;
uint256 constant FLAT = 2;
uint256 constant VOID = 3;

/// How a round was judged.
///   | charged 1 | merged 1 | outcome 6 | ordinal 8 | prev 24 | rows 16 | included 16 | standsAt 40 | proposedAt 40 | paid 96 |
struct Verdict {
    uint256 paid; // of the stored result; in a FLAT round the share of each revealed seat
    uint256 proposedAt;
    uint256 standsAt;
    uint256 included;
    uint256 rows;
    uint256 prev;
    uint256 ordinal; // results above the start in this chain, at most 255; limits the deltas among the rows
    uint256 outcome;
    bool merged; // the model has moved by this result's delta
    bool charged; // the units of missed reveals are in the pot
}

/// Rounds are mapped by number. Number 0 is the start, which has only a commitment, a model root and its outcome.
struct Round {
    uint256 tally;
    uint256 verdict;
    uint96 pot; // what this round holds now
    address poster; // of the stored result, 0 = none; holds a lock unless the round is FINAL or the poster is banned
    bytes32 baseRoot; // what its trainers start from
    bytes32 commitment; // of the stored result
    bytes32 modelRoot; // of the stored result
    mapping(uint256 seat => bool) taken; // flat shares
    mapping(uint256 seat => uint256) slots; // 0 empty, below 2^216 a seal, else the revealed root
}

/// A seat's holder: the only word of the seat that `seal` reads and `reveal` writes.
///   | revealed 8 | firstRound 24 | joined 24 | last 24 | signer 160 |
/// A seal in the round after a revealed `last` is not noted here: `Seats.lastSealed` finds it in the slots.
struct Holder {
    address signer;
    uint256 last;
    uint256 joined;
    uint256 firstRound;
    bool revealed; // `last` was revealed
}

struct Seat {
    uint256 holder;
    uint128 stake;
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
///   | refunded 8 | stopped 8 | lastEventAt 40 | clearedAt 40 | activeDelta 16 | openCount 16 |
///   | terminalUpTo 24 | lastFinal 24 | lastResult 24 | tip 24 | head 24 |
struct Progress {
    uint256 head;
    uint256 tip;
    uint256 lastResult;
    uint256 lastFinal;
    uint256 terminalUpTo; // this round and all below are terminal
    uint256 openCount;
    int256 activeDelta; // activeNext - sealCount(head): registrations less departures since head opened
    uint256 clearedAt;
    uint256 lastEventAt;
    bool stopped;
    bool refunded;
}

/// What belongs to the project and to nobody yet.
///   | bucket 128 | escrow 128 |     | missesOwed 128 | penaltyPool 128 |
struct Purse {
    uint256 escrowAndBucket;
    uint256 poolAndMisses;
}

/// The frozen numbers that calls need most.
///   | fileRounds 8 | deltaRows 8 | feeBps 16 | minSeals 16 | seats 16 | bondFloor 96 | pot 96 |
struct Terms {
    uint256 pot;
    uint256 bondFloor;
    uint256 seats;
    uint256 minSeals;
    uint256 feeBps;
    uint256 deltaRows;
    uint256 fileRounds;
}

/// The other frozen numbers.
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
    uint256 progress;
    Purse purse;
    uint256 terms;
    Windows windows;
    Frozen frozen;
    mapping(uint256 round => Round) rounds;
    mapping(address signer => uint256 seatPlusOne) seatOf;
    mapping(address account => Aggregator) aggregators;
    mapping(uint256 seat => Tenure[]) tenures;
    mapping(uint256 seat => Seat) seats;
}

uint256 constant SEAT_CEILING = 1024;
uint256 constant ROOT_FLOOR = 1 << 216; // an update root is at least this, a seal is below: one word holds either
address constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;
