// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

import {Campaign} from "./Campaign.t.sol";

/// What a campaign can reach: a fixed one, played like those of `InvariantsTest`, takes every action and every refusal.
contract ReachedTest is Test {
    uint256 private constant STEPS = 400;
    string private constant ACTIONS = "fund stop refund poolJoins open reopen reopenOver register rejoin addStake leave evict penalty "
        "seal copySeal absent reveal withhold voidEmpty voidFew voidSilent addBond removeBond takeOver post postPartial "
        "replace unmerged convict convictSelf refuseConvicted clear release skipTip skipTerminal flatten finalise lieFinal "
        "claim claimFlat bucketTooLow withdraw burn forceToken forceNative before atDeadline after";

    mapping(string action => uint256) private reached;
    uint256 private refusals;

    function test_campaign_ofFixedSeeds__takesEveryActionAndEveryRefusal() public {
        string[] memory actions = vm.split(ACTIONS, " ");
        for (uint256 seed; seed < 6; ++seed) {
            Campaign handler = new Campaign(false);
            for (uint256 i; i < STEPS; ++i) {
                uint256 word = uint256(keccak256(abi.encode(seed, i)));
                handler.play(word >> 128, word & type(uint64).max);
            }
            handler.drain(seed);
            for (uint256 i; i < actions.length; ++i) {
                reached[actions[i]] += handler.reached(actions[i]);
            }
            refusals = handler.refusals();
            for (uint256 i; i < refusals; ++i) {
                reached[_refusal(i)] += handler.reached(_refusal(i));
            }
        }
        for (uint256 i; i < actions.length; ++i) {
            _assertReached(actions[i]);
        }
        for (uint256 i; i < refusals; ++i) {
            _assertReached(_refusal(i));
        }
    }

    function _assertReached(string memory action) private {
        emit log_named_uint(action, reached[action]);
        assertGt(reached[action], 0, action);
    }

    function _refusal(uint256 kind) private pure returns (string memory) {
        return string.concat("refuse", vm.toString(kind));
    }
}
