// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarket} from "../../src/interfaces/IMarket.sol";
import {ProjectView, ResultView, RoundView} from "../../src/types.sol";

/// A project's money by class: what the escrow equation adds up.
struct Totals {
    uint256 escrow;
    uint256 bucket;
    uint256 pool;
    uint256 pots; // of the rounds looked at, without what is not yet in `misses`
    uint256 stakes;
    uint256 misses; // units owed by seats: in `pots` already, still in `stakes`
    uint256 bonds;
}

struct Look {
    ProjectView project;
    uint256 from; // the rounds above it are looked at
    RoundView[] rounds;
    ResultView[] results;
    Totals totals;
    uint256[] credits; // in the order of the accounts given
}

interface ILens {
    function look(
        IMarket market,
        uint256 project,
        uint256 from,
        uint256 seats,
        address[] calldata aggregators,
        address token,
        address[] calldata accounts
    ) external view returns (Look memory);
    function digest(IMarket market, uint256 project, uint256 round, uint256 seats) external view returns (bytes32);
}

/// Reads many getters in one call. Compiled with the optimiser, since a campaign calls it after every step.
contract Lens is ILens {
    function look(
        IMarket market,
        uint256 project,
        uint256 from,
        uint256 seats,
        address[] calldata aggregators,
        address token,
        address[] calldata accounts
    ) external view returns (Look memory l) {
        ProjectView memory v = market.projectOf(project);
        l.project = v;
        l.totals.escrow = v.escrow;
        l.totals.bucket = v.bucket;
        l.totals.pool = v.penaltyPool;
        l.totals.misses = v.missesOwed;
        l.from = from;
        l.rounds = new RoundView[](v.head - from);
        l.results = new ResultView[](v.head - from);
        for (uint256 i; i < v.head - from; ++i) {
            l.rounds[i] = market.roundOf(project, from + i + 1);
            l.results[i] = market.resultOf(project, from + i + 1);
            l.totals.pots += l.rounds[i].pot - l.rounds[i].uncharged;
        }
        for (uint256 seat; seat < seats; ++seat) {
            l.totals.stakes += market.seatOf(project, seat).stake;
        }
        for (uint256 i; i < aggregators.length; ++i) {
            l.totals.bonds += market.aggregatorOf(project, aggregators[i]).bond;
        }
        l.credits = new uint256[](accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            l.credits[i] = market.creditOf(token, accounts[i]);
        }
    }

    /// All that may be read of a round but its pot, which flat claims empty.
    function digest(IMarket market, uint256 project, uint256 round, uint256 seats) external view returns (bytes32 sum) {
        RoundView memory r = market.roundOf(project, round);
        r.pot = 0;
        r.activeLeft = 0; // of a round that is over, it says nothing
        sum = keccak256(abi.encode(r, market.resultOf(project, round)));
        for (uint256 seat; seat <= seats; ++seat) {
            sum = keccak256(abi.encode(sum, market.slotOf(project, round, seat)));
        }
    }
}
