// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Account as SeatAccount, Opening, Params, Phase, Post} from "../src/types.sol";
import {MarketTest} from "./utils/MarketTest.sol";
import {Trees} from "./utils/Trees.sol";

contract ClaimsTest is MarketTest {
    function _refuses(
        uint256 round,
        uint16 seat,
        SeatAccount memory account,
        Opening memory opening,
        bytes32[] memory proof,
        bytes4 error_
    ) private {
        vm.expectPartialRevert(error_);
        market.claim(P, round, seat, account, opening, proof);
    }

    uint96 private bondFloor = BOND_FLOOR;

    function _params() internal view override returns (Params memory p) {
        p = super._params();
        p.bondFloor = bondFloor;
    }

    /// The same project again in a market of its own, with changed parameters.
    function _restart() private {
        setUp();
    }

    function _proof(uint256 round, uint256 seat) private view returns (bytes32[] memory proof) {
        (, proof) = Trees.prove(accountsOf[round], seat);
    }

    // ----- claim -----

    function test_claim_aFinalRound__creditsThePayoutWhoeverSendsIt() public {
        uint256 round = _toFinal();
        uint96 pay = uint96(accountsOf[round][0].pay);
        bytes32[] memory proof = _proof(round, 0);
        vm.expectEmit(address(market));
        emit M.Claimed(P, 0, _payout(0), pay);
        vm.prank(anyone);
        market.claim(P, round, 0, accountsOf[round][0], openings[round], proof);

        assertEq(market.creditOf(token, _payout(0)), pay);
        assertEq(market.seatOf(P, 0).claimed, pay);
        _assertEquation();
    }

    function test_claim_manyRounds__isOneClaim() public {
        for (uint256 i; i < 4; ++i) {
            _toFinal();
        }
        _claim(4, 0);
        assertEq(market.creditOf(token, _payout(0)), 4 * ((POT - FEE) / 2 / EXPECTED));
    }

    function test_claim_anOldFinalRound__staysValid() public {
        _toFinal();
        _toFinal();
        _claim(1, 0);
        _claim(2, 0);
        assertEq(market.creditOf(token, _payout(0)), 2 * ((POT - FEE) / 2 / EXPECTED));
    }

    function test_claim_twice__refusesMarketNothingDue() public {
        uint256 round = _toFinal();
        _claim(round, 0);
        _refuses(round, 0, accountsOf[round][0], openings[round], _proof(round, 0), M.MarketNothingDue.selector); // I-07
    }

    function test_claim_anOlderRoundAfterANewer__refusesMarketNothingDue() public {
        _toFinal();
        _toFinal();
        _claim(2, 0);
        _refuses(1, 0, accountsOf[1][0], openings[1], _proof(1, 0), M.MarketNothingDue.selector);
    }

    function test_claim_beforeFinal__refusesMarketWrongPhase() public {
        uint256 round = _toStanding(aggregator);
        bytes32[] memory proof = _proof(round, 0);
        _expectWrongPhase(round, Phase.Standing, _bit(Phase.Final));
        market.claim(P, round, 0, accountsOf[round][0], openings[round], proof);
    }

    function test_claim_theStart__refusesMarketWrongOpening() public {
        uint256 round = _toFinal();
        _refuses(0, 0, accountsOf[round][0], openings[round], _proof(round, 0), M.MarketWrongOpening.selector);
    }

    function testFuzz_claim_oneBitOfTheOpening__refusesMarketWrongOpening(uint8 bit, uint8 field) public {
        uint256 round = _toFinal();
        Opening memory opening = openings[round];
        bytes32 flip = bytes32(uint256(1) << bit);
        if (field % 3 == 0) opening.context ^= flip;
        else if (field % 3 == 1) opening.accounts ^= flip;
        else opening.workings ^= flip;
        _refuses(round, 0, accountsOf[round][0], opening, _proof(round, 0), M.MarketWrongOpening.selector);
    }

    function testFuzz_claim_oneBitOfTheProof__refusesMarketWrongProof(uint8 bit, uint8 level) public {
        uint256 round = _toFinal();
        bytes32[] memory proof = _proof(round, 0);
        proof[level % proof.length] ^= bytes32(uint256(1) << bit);
        _refuses(round, 0, accountsOf[round][0], openings[round], proof, M.MarketWrongProof.selector);
    }

    function testFuzz_claim_anotherAmount__refusesMarketWrongProof(uint128 pay) public {
        uint256 round = _toFinal();
        SeatAccount memory account = accountsOf[round][0];
        vm.assume(pay != account.pay);
        account.pay = pay;
        _refuses(round, 0, account, openings[round], _proof(round, 0), M.MarketWrongProof.selector);
    }

    function test_claim_theAccountOfAnotherSeat__refusesMarketWrongProof() public {
        uint256 round = _toFinal();
        _refuses(round, 1, accountsOf[round][0], openings[round], _proof(round, 0), M.MarketWrongProof.selector);
    }

    function test_claim_aProofOfAnotherDepth__refusesMarketProofLength() public {
        uint256 round = _toFinal();
        bytes32[] memory proof = _proof(round, 0);
        bytes32[] memory short = new bytes32[](3);
        bytes32[] memory long = new bytes32[](5);
        for (uint256 i; i < 3; ++i) {
            short[i] = proof[i];
        }
        for (uint256 i; i < 4; ++i) {
            long[i] = proof[i];
        }
        _refuses(round, 0, accountsOf[round][0], openings[round], short, M.MarketProofLength.selector); // I-37
        _refuses(round, 0, accountsOf[round][0], openings[round], long, M.MarketProofLength.selector);
    }

    function test_claim_aFreeSeat__refusesMarketSeatFree() public {
        uint256 round = _toFinal();
        _refuses(round, 5, accountsOf[round][5], openings[round], _proof(round, 5), M.MarketSeatFree.selector);
    }

    function test_claim_beyondTheSeatLimit__refusesMarketSeatOutOfRange() public {
        uint256 round = _toFinal();
        _refuses(round, SEATS, accountsOf[round][0], openings[round], _proof(round, 0), M.MarketSeatOutOfRange.selector);
    }

    function test_claim_aroundTheBucket__refusesMarketBucketTooLowAbove() public {
        for (uint256 over; over < 3; ++over) {
            uint256 state = vm.snapshotState();
            uint256 round = _toAggregate(EXPECTED, EXPECTED);
            Post memory post = _prepare(aggregator, round, _draft(round));
            accountsOf[round][0].pay = post.paid + uint128(over) - 1; // a lie that became FINAL
            (post.roots.accounts,) = Trees.prove(accountsOf[round], 0);
            openings[round] = Trees.opening(address(market), P, round, aggregator, post);
            vm.prank(aggregator);
            market.post(P, round, post);
            vm.warp(block.timestamp + W);
            market.finalise(P, round);
            bytes32[] memory proof = _proof(round, 0);
            if (over == 2) {
                vm.expectRevert(abi.encodeWithSelector(M.MarketBucketTooLow.selector, post.paid + 1, post.paid));
            }
            market.claim(P, round, 0, accountsOf[round][0], openings[round], proof);
            vm.revertToState(state);
        }
    }

    // ----- claimFlat -----

    function test_claimFlat_aRevealedSeat__creditsItsShare() public {
        uint256 round = _toFlat();
        uint96 share = POT / EXPECTED;
        vm.expectEmit(address(market));
        emit M.FlatClaimed(P, round, 0, _payout(0), share);
        vm.prank(anyone);
        market.claimFlat(P, round, 0, 0);

        assertEq(market.creditOf(token, _payout(0)), share);
        assertEq(market.roundOf(P, round).pot, POT - share);
        _assertEquation();
    }

    function test_claimFlat_afterLeaving__creditsThePastHolder() public {
        uint256 round = _toFlat();
        _leave(0);
        vm.deal(anyone, UNIT);
        vm.prank(anyone);
        market.register{value: UNIT}(P, 0, watcher, UNIT, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(M.MarketWrongTenure.selector, 1, round));
        market.claimFlat(P, round, 0, 1); // the new holder was not there
        market.claimFlat(P, round, 0, 0);
        assertEq(market.creditOf(token, _payout(0)), STAKE + POT / EXPECTED);
    }

    function test_claimFlat_twice__refusesMarketAlreadyTaken() public {
        uint256 round = _toFlat();
        market.claimFlat(P, round, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(M.MarketAlreadyTaken.selector, round, 0));
        market.claimFlat(P, round, 0, 0);
    }

    function test_claimFlat_notRevealed__refusesMarketNotRevealed() public {
        uint256 round = _toAggregate(EXPECTED, 3);
        vm.warp(block.timestamp + DEAD);
        market.flatten(P, round);
        vm.expectRevert(abi.encodeWithSelector(M.MarketNotRevealed.selector, round, 3));
        market.claimFlat(P, round, 3, 0);
    }

    function test_claimFlat_aTenureThatDoesNotExist__refusesMarketWrongTenure() public {
        uint256 round = _toFlat();
        vm.expectRevert(abi.encodeWithSelector(M.MarketWrongTenure.selector, 1, round));
        market.claimFlat(P, round, 0, 1);
    }

    function test_claimFlat_aRoundThatIsNotFlat__refusesMarketWrongPhase() public {
        uint256 round = _toFinal();
        _expectWrongPhase(round, Phase.Final, _bit(Phase.Flat));
        market.claimFlat(P, round, 0, 0);
    }

    function test_claimFlat_beyondTheSeatLimit__refusesMarketSeatOutOfRange() public {
        uint256 round = _toFlat();
        vm.expectRevert(abi.encodeWithSelector(M.MarketSeatOutOfRange.selector, SEATS, SEATS));
        market.claimFlat(P, round, SEATS, 0);
    }

    // ----- addBond -----

    function test_addBond_byAnybody__addsToItsPool() public {
        vm.expectEmit(address(market));
        emit M.BondAdded(P, anyone, 3 ether);
        market.addBond{value: _ready(anyone, 3 ether)}(P, 3 ether);
        assertEq(market.aggregatorOf(P, anyone).bond, 3 ether);
        _assertEquation();
    }

    function test_addBond_convicted__refusesMarketBanned() public {
        uint256 round = _toStanding(liar);
        market.convict(P, round, watcher);
        uint256 value = _ready(liar, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(M.MarketBanned.selector, liar));
        market.addBond{value: value}(P, 1 ether);
    }

    // ----- removeBond -----

    function test_removeBond_nothingLocked__creditsIt() public {
        vm.expectEmit(address(market));
        emit M.BondRemoved(P, aggregator, BOND);
        vm.prank(aggregator);
        market.removeBond(P, BOND);
        assertEq(market.creditOf(token, aggregator), BOND);
        _assertEquation();
    }

    function test_removeBond_aroundTheLock__refusesMarketBondTooLowBelow() public {
        _toStanding(aggregator);
        vm.startPrank(aggregator);
        vm.expectRevert(abi.encodeWithSelector(M.MarketBondTooLow.selector, BOND, BOND + 1));
        market.removeBond(P, BOND - LOCK + 1);
        market.removeBond(P, BOND - LOCK - 1);
        market.removeBond(P, 1);
        assertEq(market.aggregatorOf(P, aggregator).bond, LOCK);
    }

    function test_removeBond_aroundAFloorAboveTheLock__refusesMarketBondTooLowBelow() public {
        bondFloor = LOCK + 5 ether;
        _restart();
        _toStanding(aggregator);
        vm.startPrank(aggregator);
        market.removeBond(P, BOND - bondFloor - 1);
        vm.expectRevert(abi.encodeWithSelector(M.MarketBondTooLow.selector, bondFloor + 1, bondFloor + 2));
        market.removeBond(P, 2);
        market.removeBond(P, 1);
    }

    function test_removeBond_nothing__refusesMarketZeroAmount() public {
        vm.expectRevert(M.MarketZeroAmount.selector);
        vm.prank(aggregator);
        market.removeBond(P, 0);
    }

    function test_removeBond_moreThanThereIs__refusesMarketBondTooLow() public {
        vm.expectRevert(abi.encodeWithSelector(M.MarketBondTooLow.selector, 0, 1));
        vm.prank(anyone);
        market.removeBond(P, 1);
    }
}
