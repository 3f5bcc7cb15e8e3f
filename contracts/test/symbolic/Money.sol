// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Court} from "../../src/Court.sol";
import {Market} from "../../src/Market.sol";
import {Project, Round} from "../../src/state.sol";
import {Account, Limits, Opening, Windows} from "../../src/types.sol";
import {FINAL, HolderLib, Pair, Progress, TallyLib, TermsLib, Verdict, VerdictLib} from "../../src/words.sol";

/// The market with its storage in the open: one project, one round, amounts as the check likes.
contract MarketSymbolic is Market {
    constructor(Limits memory limits_, address court) Market(limits_, court) {}

    function convict(uint256, uint256, address) external {
        _inCourt();
    }

    function money(uint256 pot, uint256 feeBps, uint256 escrow, uint256 bucket) external {
        Project storage p = _projects[1];
        p.terms = TermsLib.frozen(pot, 0, 2, 1, feeBps, 3, 2);
        p.escrowAndBucket = Pair.wrap(0).plus(escrow, bucket);
    }

    /// Round 1, of `seals` seats that have all revealed; a result with `paid` stands if there is a poster.
    function round(uint256 pot, uint256 seals, address poster, uint256 paid) external {
        Project storage p = _projects[1];
        Round storage r = p.rounds[1];
        r.tally = TallyLib.opened(10, 10, 0, 1, false);
        for (uint256 i; i < seals; ++i) {
            r.tally = r.tally.withSeal(false).withReveal(i);
        }
        r.pot = uint96(pot);
        p.windows = Windows(1, 1, 1, 1, 1, 1, 1, 1);
        p.progress = Progress.wrap(0).withHead().withTip(poster == address(0) ? 0 : 1);
        r.verdict = VerdictLib.opened();
        if (poster == address(0)) return;
        r.poster = poster;
        r.verdict = VerdictLib.posted(paid, 0, 20, seals, 0, 0, 1, true).withCharged();
        p.aggregators[poster].locked = uint96(p.terms.lock());
    }

    function bond(address poster, uint256 amount) external {
        _projects[1].aggregators[poster].bond = uint96(amount);
    }

    function final_(bytes32 commitment) external {
        Round storage r = _projects[1].rounds[1];
        r.verdict = r.verdict.withOutcome(FINAL);
        r.commitment = commitment;
    }

    function seat(uint256 number, address payout, uint256 stake, uint256 claimed) external {
        Project storage p = _projects[1];
        p.seats[number].holder = HolderLib.seated(address(1), 0).withReveal(1);
        p.seats[number].payout = payout;
        p.seats[number].stakeAndClaimed = Pair.wrap(0).plus(stake, claimed);
        p.rounds[1].slots[number] = type(uint256).max;
    }

    function purses() external view returns (uint256 escrow, uint256 bucket, uint256 pot) {
        Project storage p = _projects[1];
        return (p.escrowAndBucket.first(), p.escrowAndBucket.second(), p.rounds[1].pot);
    }
}

contract CourtSymbolic is Court {
    constructor(address checks_) Court(checks_, checks_, checks_) {}

    function convict(uint256 project, uint256 round, address refuter) external {
        (Project storage p, Round storage r) = _refutable(project, round);
        _convict(p, r, project, round, refuter);
    }
}

/// For Halmos (`make security`): where the market splits money, nothing is lost and nothing comes into being. Amounts are of 96
/// bits unless solvers need less.
contract MoneyCheck {
    MarketSymbolic private market;
    address private constant POSTER = address(0xa66);
    address private constant OTHER = address(0x0de);
    address private constant PAYOUT = address(0xbeef);

    function setUp() public {
        Limits memory limits;
        limits.min = Windows(1, 1, 1, 1, 1, 1, 1, 1);
        limits.max = Windows(9, 9, 9, 9, 9, 9, 9, 9);
        (limits.maxSeats, limits.maxCoefficients, limits.maxFeeBps, limits.maxOpenRounds) = (2, 1, 2000, 1);
        market = new MarketSymbolic(limits, address(new CourtSymbolic(address(this))));
        _time(1000);
    }

    function _time(uint256 time) private {
        (bool done,) =
            address(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D).call(abi.encodeWithSignature("warp(uint256)", time));
        require(done);
    }

    /// fee + paid + rest == pot of the round, for every `paid` that `post` lets in.
    function check_finalise_splitsThePot(uint96 pot, uint96 held, uint96 paid, uint96 escrow, uint96 bucket) external {
        uint256 fee = uint256(pot) * 500 / 10_000;
        if (fee + paid > held || uint256(escrow) + bucket + held > type(uint96).max) return;
        market.money(pot, 500, escrow, bucket);
        market.round(held, 2, POSTER, paid);
        market.finalise(1, 1);
        (uint256 escrowAfter, uint256 bucketAfter, uint256 potAfter) = market.purses();
        assert(potAfter == 0);
        assert(market.creditOf(address(0), POSTER) == fee);
        assert(bucketAfter == uint256(bucket) + paid);
        assert(escrowAfter == uint256(escrow) + held - fee - paid);
    }

    /// Thirds of the bond: what the refuter gets, what joins the pot and what the escrow gets are the bond, to the wei.
    function check_convict_splitsTheBond(uint16 bond, uint96 held, uint96 escrow, uint96 bucket) external {
        if (uint256(escrow) + bucket + held + bond > type(uint96).max) return;
        market.money(0, 0, escrow, bucket);
        market.round(held, 2, POSTER, 0);
        market.bond(POSTER, bond);
        market.convict(1, 1, OTHER);
        (uint256 escrowAfter, uint256 bucketAfter, uint256 potAfter) = market.purses();
        uint256 third = market.creditOf(address(0), OTHER);
        assert(3 * third <= bond && bond - 3 * third < 3);
        assert(potAfter == uint256(held) + third && bucketAfter == bucket);
        assert(escrowAfter == uint256(escrow) + bond - 2 * third);
        assert(market.aggregatorOf(1, POSTER).bond == 0 && market.aggregatorOf(1, POSTER).banned);
        assert(market.creditOf(address(0), POSTER) == 0);
    }

    /// A flat round: equal shares and a remainder of less than one unit a share.
    function _flatten(uint256 seals, uint96 held, uint96 escrow) private {
        if (uint256(escrow) + held > type(uint96).max) return;
        market.money(held, 0, escrow, 0);
        market.round(held, seals, address(0), 0);
        market.flatten(1, 1);
        (uint256 escrowAfter,, uint256 potAfter) = market.purses();
        assert(escrowAfter + potAfter == uint256(escrow) + held);
        assert(escrowAfter - escrow < seals);
    }

    function check_flatten_oneSeat(uint96 held, uint96 escrow) external {
        _flatten(1, held, escrow);
    }

    function check_flatten_twoSeats(uint96 held, uint96 escrow) external {
        _flatten(2, held, escrow);
    }

    function check_flatten_threeSeats(uint16 held, uint96 escrow) external {
        _flatten(3, held, escrow);
    }

    /// A claim moves what is due from the bucket to the payout, once.
    function check_claim_movesWhatIsDue(uint96 pay, uint96 claimed, uint96 stake, uint96 bucket, bytes32 sibling)
        external
    {
        if (pay <= claimed || uint256(pay) - claimed > bucket) return;
        Account memory account = Account(8192, pay, 0);
        Opening memory opening;
        bytes32 leaf = keccak256(abi.encodePacked(uint8(0), uint64(0), int64(8192), uint128(pay), uint128(0)));
        opening.accounts = keccak256(abi.encodePacked(uint8(1), leaf, sibling));
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = sibling;
        market.money(1000, 0, 0, bucket);
        market.round(0, 1, POSTER, 0);
        market.final_(keccak256(abi.encode(opening.context, opening.accounts, opening.workings)));
        market.seat(0, PAYOUT, stake, claimed);
        market.claim(1, 1, 0, account, opening, proof);
        (, uint256 bucketAfter,) = market.purses();
        assert(market.creditOf(address(0), PAYOUT) == uint256(pay) - claimed);
        assert(bucketAfter == uint256(bucket) - (uint256(pay) - claimed));
        assert(market.seatOf(1, 0).claimed == pay && market.seatOf(1, 0).stake == stake);
        try market.claim(1, 1, 0, account, opening, proof) {
            assert(false);
        } catch {}
    }

    /// Whatever is claimed beyond the bucket reverts: no lie reaches other money.
    function check_claim_beyondTheBucket__reverts(uint96 pay, uint96 bucket, bytes32 sibling) external {
        if (pay <= bucket) return;
        Account memory account = Account(8192, pay, 0);
        Opening memory opening;
        bytes32 leaf = keccak256(abi.encodePacked(uint8(0), uint64(0), int64(8192), uint128(pay), uint128(0)));
        opening.accounts = keccak256(abi.encodePacked(uint8(1), leaf, sibling));
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = sibling;
        market.money(1000, 0, type(uint96).max, bucket);
        market.round(0, 1, POSTER, 0);
        market.final_(keccak256(abi.encode(opening.context, opening.accounts, opening.workings)));
        market.seat(0, PAYOUT, 0, 0);
        try market.claim(1, 1, 0, account, opening, proof) {
            assert(false);
        } catch {}
    }
}
