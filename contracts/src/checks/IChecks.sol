// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Roots} from "../types.sol";

// Ordinals are ABI: `market/refutation.py` mirrors them and a test compares both.
/// What is wrong with a posted result. In brackets: what the coordinates a, b, c of a refutation mean.
enum Check {
    Presence, // a leaf is there that should not be, or the reverse (tree, index, row of sketches: update tree only)
    Update, // an included file was not revealed, or its padding is not zero (row of sketches)
    Sketch, // a running sum (row, segment)
    Gram, // an inner product (i, j)
    Step, // an entry of a step of the rule (slot, i, j): vector (slot, seat, 0), scalar (0, number, 0)
    Account, // an account (seat)
    Column, // an entry of the columns (group, coefficient 0 .. 7 in it, seat)
    Delta, // a coefficient of the delta (leaf, coefficient 0 .. 1,023 in it)
    Model, // a coefficient of the model (leaf, coefficient 0 .. 1,023 in it)
    Paid // the posted sum of pay
}

enum Tree {
    Sketches,
    Gram,
    Steps,
    Accounts,
    Columns,
    Delta,
    Model,
    Update // of one row of sketches: its root is not part of the result
}

/// Everything about a result that a check may use, from storage and from preimages that hash to what is stored.
struct Facts {
    uint256 seats; // N
    uint256 coefficients; // d
    address poster;
    bytes32 seed;
    uint256 toPay; // pot less fee, smallest units
    uint256 unit; // of a penalty, smallest units
    uint256 paid; // posted sum of pay
    bool merged;
    bool start; // the result below is the start: its accounts and state are constants, nothing is read
    bool firstB; // seat b of the refutation (seat i of a step) had its first reveal in this round
    bool firstC; // the same of seat c (column j of a step)
    bool sealedB; // seat b sealed in this round
    Roots roots;
    Roots below; // of the result below; where that is the start, only `model` is set
    uint256[] included; // bitmaps as posted
    uint256[] rows;
    bytes32[] files; // roots of the update files that this check reads, in order (see `TreeChecks`)
}

/// A list of checks: pure, without storage. True = the posted number is wrong; reverts where the evidence does not
/// hash to what was posted, has another length than the check reads, or the coordinates name nothing.
interface IChecks {
    function wrong(Facts calldata facts, Check check, uint256 a, uint256 b, uint256 c, bytes calldata evidence)
        external
        pure
        returns (bool);
}
