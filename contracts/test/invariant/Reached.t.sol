// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

import {Campaign} from "./Campaign.t.sol";

/// What a campaign can reach: a fixed one, played like those of `InvariantsTest`, takes every action and every refusal.
contract ReachedTest is Test {
    uint256 private constant STEPS = 400;
    string private constant ACTIONS =
        "register addStake leave evict rejoin penalty copySeal seal reveal withhold absent claim claimFlat addBond removeBond takeOver post postPartial replace unmerged convictSelf convict clear release fund stop refund poolJoins open reopen voidEmpty voidFew voidSilent flatten lieFinal finalise skipTip skipTerminal withdraw burn forceToken forceNative ask askHidden askCrowd answer answerLate convictSilent settleAsk before atDeadline after refuseConvicted sealReference revealReference referenceBack referenceSilent referenceEndsCommit referenceEndsReveal reopenAwaited postReference postWithout";

    mapping(string action => uint256) private reached;

    function test_campaign_ofFixedSeeds__takesEveryActionAndEveryRefusal() public {
        string[] memory actions = vm.split(ACTIONS, " ");
        for (uint256 seed; seed < 20; ++seed) {
            Campaign handler = new Campaign(false, 0);
            for (uint256 i; i < STEPS; ++i) {
                uint256 word = uint256(keccak256(abi.encode(seed, i)));
                handler.play(word >> 128, word & type(uint64).max);
            }
            handler.drain(seed);
            for (uint256 i; i < actions.length; ++i) {
                reached[actions[i]] += handler.reached(actions[i]);
            }
            for (uint256 i; i < handler.refusals(); ++i) {
                reached[_refusal(i)] += handler.reached(_refusal(i));
            }
        }
        for (uint256 i; i < actions.length; ++i) {
            emit log_named_uint(actions[i], reached[actions[i]]);
        }
        for (uint256 i; i < 31; ++i) {
            emit log_named_uint(_refusal(i), reached[_refusal(i)]);
        }
        for (uint256 i; i < actions.length; ++i) {
            assertGt(reached[actions[i]], 0, actions[i]);
        }
        for (uint256 i; i < 31; ++i) {
            assertGt(reached[_refusal(i)], 0, _refusal(i));
        }
    }

    function _refusal(uint256 kind) private pure returns (string memory) {
        return string.concat("refuse", vm.toString(kind));
    }
}
