// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Tree} from "./checks/IChecks.sol";
import {Windows} from "./types.sol";
import {Holder, Pair, Progress, Tally, Terms, Verdict} from "./words.sol";

/// Rounds are mapped by number. Number 0 is the start, which has only a commitment, a model root and its outcome.
struct Round {
    Tally tally;
    Verdict verdict;
    uint96 pot; // what this round holds now
    address poster; // of the stored result, 0 = none; holds a lock unless the round is FINAL or the poster is banned
    bytes32 baseRoot; // what its trainers start from
    bytes32 commitment; // of the stored result
    bytes32 modelRoot; // of the stored result
    mapping(uint256 seat => bool) taken; // flat shares
    mapping(uint256 seat => uint256) slots; // 0 empty, below 2^216 a seal, else the revealed root; at the seat limit the reference's
}

struct Seat {
    Holder holder;
    Pair stakeAndClaimed; // one word, so that a first claim costs no fresh word; claimed is cumulative over all holders
    address payout;
    uint96 penaltyTaken; // cumulative over all holders
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
    address referenceKey;
}

struct Project {
    Progress progress;
    Pair escrowAndBucket;
    Pair poolAndMisses; // penaltyPool and missesOwed
    Terms terms;
    Windows windows;
    Frozen frozen;
    mapping(uint256 round => Round) rounds;
    mapping(address signer => uint256 seatPlusOne) seatOf; // of the reference key: the seat limit + 1
    mapping(address account => Aggregator) aggregators;
    mapping(uint256 seat => Tenure[]) tenures;
    mapping(uint256 seat => Seat) seats;
}

/// A question to the poster of a result that nobody has answered yet.
struct OpenAsk {
    bytes32 posting; // the result that it is about, see `Asks.postingOf`; 0 = there is no such ask, or it is closed
    bytes32 root; // of the tree
    address asker;
    uint96 price; // for whoever answers, wei
    uint48 project;
    uint24 round;
    uint40 due; // from then on no answer convicts
    uint40 index; // of the node in its level
    uint16 row; // of sketches, where an update file is asked for
    uint16 leafSize; // bytes
    uint8 depth; // of the tree
    uint8 level; // of the node, 0 = a leaf
    Tree tree;
}

uint256 constant ROOT_FLOOR = 1 << 216; // an update root is at least this, a seal is below: one word holds either
address constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;
