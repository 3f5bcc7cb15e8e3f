// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Account as SeatAccount, Opening, Phase, Post, ResultView, Roots, RoundView} from "../../src/types.sol";
import {Trees} from "../utils/Trees.sol";
import {Ledger} from "./Ledger.sol";

/// Results with genuine accounts: what posters compute, and what claims and departures open later.
abstract contract Books is Ledger {
    struct Book {
        Opening opening;
        SeatAccount[] accounts; // one for each seat
        uint256 ordinal; // results above the start, this one counted
        uint256 sum; // of this round's pay over all seats; an honest `paid`
        uint256 included; // bitmap
        uint256 rows; // how many
        uint256[] rowWords;
        Roots roots;
    }

    mapping(bytes32 commitment => Book) internal books;
    uint256 private posts; // makes the liars' models differ

    /// How a post is made.
    struct Plan {
        address poster;
        uint256 included; // bitmap of seats
        bool rows; // all public rows, else none
        bool lie; // names less than the accounts say, and another model
    }

    // ----- what can be posted -----

    function _revealedSeats(uint256 p, uint256 round) internal view returns (uint256 bitmap) {
        for (uint256 seat; seat < SEATS; ++seat) {
            if (uint256(slots[p][round][seat]) >= 1 << 216) bitmap |= 1 << seat;
        }
    }

    function _popcount(uint256 word) internal pure returns (uint256 count) {
        for (; word != 0; word &= word - 1) {
            ++count;
        }
    }

    /// Deltas, reference and files that a complete post of `round` has as rows: the three words of its bitmap.
    function _possibleRows(uint256 p, uint256 round, uint256 prev) internal view returns (uint256[] memory rows) {
        rows = new uint256[](3);
        uint256 results = prev == 0 ? 0 : books[market.resultOf(p, prev).commitment].ordinal;
        rows[0] = (1 << (results < DELTA_ROWS ? results : DELTA_ROWS)) - 1;
        if (_referenceRevealed(p, round)) rows[0] |= 1 << DELTA_ROWS;
        if (round > 1) rows[1] = _revealedSeats(p, round - 1);
        if (round > 2) rows[2] = _revealedSeats(p, round - 2);
    }

    function _rowCount(uint256 p, uint256 round, uint256 prev) internal view returns (uint256) {
        return _rowCount(_possibleRows(p, round, prev));
    }

    function _rowCount(uint256[] memory rows) internal pure returns (uint256) {
        return _popcount(rows[0]) + _popcount(rows[1]) + _popcount(rows[2]);
    }

    // ----- posting -----

    /// The result below the one that `round` has or is to get.
    function _below(uint256 p, uint256 round) internal view returns (uint256) {
        return _phase(p, round) == Phase.Proposed ? market.resultOf(p, round).prev : _view(p).lastResult;
    }

    function _draft(uint256 p, uint256 round, Plan memory plan) internal returns (Post memory post) {
        RoundView memory r = market.roundOf(p, round);
        uint256 prev = _below(p, round);
        ResultView memory below = market.resultOf(p, prev);
        post.prevCommitment = below.commitment;
        post.revealSum = r.revealSum;
        post.revealCount = r.revealCount;
        post.deltaDigest = keccak256("delta file");
        post.modelDigest = keccak256("model file");
        post.documentDigest = keccak256("document");
        post.roots.sketches = keccak256("sketches");
        post.roots.gram = keccak256("gram");
        post.roots.steps = keccak256("steps");
        post.roots.delta = keccak256("delta");
        bytes32 model = keccak256(abi.encode("model", p, round, plan.lie ? ++posts : 0));
        post.roots.model = r.baseRoot == below.modelRoot ? model : below.modelRoot;
        post.included = new uint256[](1);
        post.included[0] = plan.included;
        post.rows = plan.rows ? _possibleRows(p, round, prev) : new uint256[](3);
        _account(p, round, plan, post, below.commitment, r.pot - _fee(p));
    }

    /// Pays the included seats by chance and writes the book of the result that `post` will be.
    function _account(
        uint256 p,
        uint256 round,
        Plan memory plan,
        Post memory post,
        bytes32 prevCommitment,
        uint256 available
    ) private {
        SeatAccount[] memory list = _carried(prevCommitment);
        available = available * (50 + _draw(51)) / 100;
        uint256 weight;
        uint256[] memory weights = new uint256[](SEATS);
        for (uint256 seat; seat < SEATS; ++seat) {
            if (plan.included >> seat & 1 == 0) continue;
            weights[seat] = 1 + _draw(5);
            weight += weights[seat];
        }
        uint256 sum;
        for (uint256 seat; seat < SEATS; ++seat) {
            uint256 pay = available * weights[seat] / weight;
            sum += pay;
            list[seat].pay += uint128(pay);
            if (pay != 0 && _draw(10) == 0) list[seat].penalty += uint128((1 + _draw(3)) * _unit(p) / 2);
            if (pay != 0) list[seat].reputation += int64(int256(_draw(100))) - 50;
        }
        post.paid = uint96(plan.lie ? sum - sum / 4 : sum);
        (post.roots.accounts,) = Trees.prove(list, 0);

        Opening memory opening = Trees.opening(address(market), p, round, plan.poster, post);
        Book storage book = books[Trees.commitment(opening)];
        book.opening = opening;
        delete book.accounts;
        for (uint256 seat; seat < SEATS; ++seat) {
            book.accounts.push(list[seat]);
        }
        book.ordinal = books[prevCommitment].ordinal + 1;
        book.sum = sum;
        book.included = plan.included;
        book.rows = _rowCount(post.rows);
        book.rowWords = post.rows;
        book.roots = post.roots;
    }

    function _carried(bytes32 commitment) private view returns (SeatAccount[] memory list) {
        list = new SeatAccount[](SEATS);
        Book storage below = books[commitment];
        for (uint256 seat; seat < SEATS; ++seat) {
            list[seat] = below.ordinal == 0 ? SeatAccount(8192, 0, 0) : below.accounts[seat];
        }
    }

    // ----- opening -----

    /// The account of a seat in a FINAL round, or before the first one, with all that proves it.
    function _proof(uint256 p, uint256 round, uint256 seat)
        internal
        view
        returns (SeatAccount memory account, Opening memory opening, bytes32[] memory proof)
    {
        if (round == 0) return (SeatAccount(8192, 0, 0), opening, proof);
        Book storage book = books[market.resultOf(p, round).commitment];
        opening = book.opening;
        account = book.accounts[seat];
        (, proof) = Trees.prove(book.accounts, seat);
    }
}
