// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Check, Tree} from "./checks/IChecks.sol";

// Ordinals are ABI: `market/phases.py` mirrors them and a test compares both.
// "warm" phases may end by time alone, "cold" ones only by a call.
enum Phase {
    None, // the round does not exist
    Commit, // warm: trainers seal; ends at commitEnd, or early when all active seats have sealed
    Reveal, // warm: sealed seats reveal; ends at revealEnd, or early when all have revealed
    Aggregate, // warm: waits for a result; ends by `post`, or by `flatten` after T_dead
    Proposed, // warm: a result with fewer seats or rows than possible; replaceable; stands after T_x
    Standing, // cold: the result others build on; ends by `finalise`, a conviction or `clear`
    Final, // terminal: pay is claimable
    Flat, // terminal: no result in time; each revealed seat may take pot / revealed
    Void // terminal: too few seals or no reveal; the pot is back in the escrow
}

/// Durations in seconds.
struct Windows {
    uint32 commit;
    uint32 reveal;
    uint32 firstRight; // T1: the poster of the last standing result goes first
    uint32 proposed; // T_x: a PROPOSED result stands after this long
    uint32 challenge; // W
    uint32 answer; // T_ans
    uint32 refute; // T_ref
    uint32 dead; // T_dead
}

/// Bounds that no owner can leave; constructor arguments of the market.
struct Limits {
    Windows min;
    Windows max;
    uint16 maxSeats; // <= 1,024
    uint32 maxCoefficients; // <= 2^30
    uint16 maxFeeBps; // of 10,000
    uint8 maxOpenRounds; // D
    uint32 maxLifetime; // seconds from creation to endDate
    uint64 askFloor; // least price of an answer in wei for each byte: the base fee does not cover data everywhere
}

/// Frozen at creation. Amounts in the token's smallest unit.
struct Params {
    address token; // 0 = native coin
    uint96 pot; // reserved for each round
    uint96 minStake; // a trainer's stake at registration; >= one unit
    uint96 bondFloor; // least bond of an aggregator
    uint16 feeBps; // aggregator's fee, of 10,000 of the pot
    uint16 seats; // seat limit
    uint16 minSeals; // fewer seals void a round
    uint16 expectedSeats; // seals that end round 1's COMMIT early
    uint8 openRounds; // D: rounds open at once
    uint8 rule; // number of the rule in the market's fixed list; 1 = default
    uint8 deltaRows; // K
    uint8 fileRounds; // V
    uint16 columns; // of a sketch: 256
    uint32 coefficients; // d
    uint40 endDate; // unix seconds, exclusive: no round opens from then on
    bytes32 admissionRoot; // 0 = open; else Merkle root of admitted signing addresses
    address referenceKey; // signs the owner's reference, 0 = there is none
    Windows windows;
}

/// Content of a project that is not a number: digests of CIDv1 (sha2-256) and the first model's Merkle root.
struct Content {
    bytes32 descriptionDigest;
    bytes32 modelDigest;
    bytes32 modelRoot;
}

/// Roots of a posted result. `columns` is zero iff the seat limit is at most 12, all others are never zero.
struct Roots {
    bytes32 sketches;
    bytes32 gram;
    bytes32 steps;
    bytes32 accounts;
    bytes32 columns;
    bytes32 delta;
    bytes32 model;
}

/// What a poster submits. `prevCommitment`, `revealSum` and `revealCount` must be current.
struct Post {
    bytes32 prevCommitment;
    uint128 revealSum;
    uint16 revealCount;
    uint96 paid; // sum of pay of this round
    bytes32 deltaDigest; // where delta and model can be fetched (event only)
    bytes32 modelDigest;
    bytes32 documentDigest; // the result document: all trees' leaves by CID (event only)
    Roots roots;
    uint256[] included; // bitmap of seats, ceil(seats / 256) words, bit s mod 256 of word s div 256
    uint256[] rows; // bitmap of public rows: word 0 = deltas (bit k = k-th newest) and the reference (bit deltaRows), then fileRounds bitmaps of seats
}

/// A leaf of the accounts tree.
struct Account {
    int64 reputation;
    uint128 pay; // cumulative, smallest units
    uint128 penalty; // cumulative, smallest units
}

/// Opens a result's commitment = keccak256(abi.encode(context, accounts, workings)).
struct Opening {
    bytes32 context; // keccak256(abi.encode(chainid, market, project, round, prevCommitment, poster, keccak(included), keccak(rows), seed, paid))
    bytes32 accounts;
    bytes32 workings; // keccak256(abi.encode(sketches, gram, steps, columns, delta, model))
}

/// Opens the commitment of a result below.
struct Below {
    bytes32 context; // see `Opening`
    Roots roots;
}

/// What is wrong with a result, the preimage of its commitment and the evidence, see `checks/`.
struct Refutation {
    Check check;
    uint256 a; // coordinates, see `Check`
    uint256 b;
    uint256 c;
    uint256[] included; // as posted
    uint256[] rows;
    Roots roots;
    Below[] below; // newest first: one for steps and accounts, age + 1 for a delta row; none below the start
    bytes evidence;
}

/// A question about a result: one leaf, or what is below one node, of one of its trees.
struct Ask {
    Tree tree;
    uint256 row; // of sketches: whose update file, for `Tree.Update`; else 0
    uint256 level; // 0 = the leaf; else the 256 nodes eight levels below that node, or all leaf hashes below it
    uint256 index; // of the node in its level
    uint256[] included; // as posted
    uint256[] rows;
    Roots roots;
    Below[] below; // age + 1 for the file of a delta row
}

/// Facts of a project that change. View type; storage is packed differently.
struct ProjectView {
    address owner;
    bool stopped;
    bool refunded;
    uint24 head; // newest round; 0 = none yet
    uint24 tip; // all rounds up to here have a result or are FLAT or VOID
    uint24 lastResult; // newest standing or proposed result at or below tip; 0 = the start
    uint24 lastFinal; // newest FINAL result; 0 = the start
    uint24 terminalUpTo; // this round and all below are FINAL, FLAT or VOID
    uint16 openCount; // rounds that are not terminal
    uint16 activeNext; // seats that are active for the next round
    uint40 clearedAt; // last conviction or clear; 0 = never
    uint40 lastEventAt; // last post or conviction, for T_dead
    uint96 escrow;
    uint96 bucket; // claimable pay of FINAL rounds
    uint96 penaltyPool; // joins the next opened pot
    uint96 missesOwed; // units already given to pots, not yet debited from seats
}

struct RoundView {
    Phase phase;
    uint40 commitEnd; // unix seconds, exclusive
    uint40 revealEnd; // unix seconds, exclusive; after an early end, that moment
    uint16 sealCount;
    uint16 revealCount;
    uint16 activeLeft; // active seats that have not sealed
    uint128 revealSum; // modulo 2^128
    uint96 pot; // held for the round now, with the units of missed reveals once REVEAL has ended; 0 when FINAL or VOID
    uint96 uncharged; // the part of `pot` that is not yet in `missesOwed`: the first post (or `flatten`) moves it
    bytes32 baseRoot;
    uint40 proposedAt; // first PROPOSED post of this AGGREGATE, 0 = none or no result counts
    bool referenceAwaited; // COMMIT does not end early before the reference has sealed
    bool referenceSealed; // and perhaps revealed: see `slotOf`, whose last place is the reference's
    bool referenceRevealed;
}

struct ResultView {
    bytes32 commitment;
    bytes32 modelRoot;
    address poster;
    uint40 standsAt; // unix seconds from which it is STANDING
    uint16 includedCount;
    uint16 rowCount;
    uint96 paid;
    uint24 prev; // round of the previous result, 0 = the start
    bool merged;
    bool asked; // FINAL waits for T_ans + T_ref more
    uint32 openAsks; // without an answer; FINAL waits for them
}

struct SeatView {
    address signer; // 0 = free
    address payout;
    uint96 stake;
    uint24 joined; // head when registered
    uint24 lastSealed; // 0 = never
    uint24 firstRound; // round of the holder's first reveal, 0 = none yet
    bool missed; // sealed in lastSealed and did not reveal it (yet)
    uint128 claimed; // cumulative pay taken out by this seat, all holders
    uint128 penaltyTaken; // cumulative penalty taken from this seat, all holders
}

struct AggregatorView {
    uint96 bond;
    uint96 locked; // 1.5 x pot for each open result
    bool banned;
}

/// An ask without an answer; all zero once it is closed.
struct AskView {
    uint48 project;
    uint24 round;
    bool counts; // its result still counts; else the price goes back to the asker
    bytes32 root; // of the tree
    Tree tree;
    uint16 row;
    uint8 level;
    uint40 index;
    address asker;
    uint96 price; // for whoever answers, wei
    uint40 due; // from then on anyone may convict
    uint32 answerBytes; // exact length of the answer
}
