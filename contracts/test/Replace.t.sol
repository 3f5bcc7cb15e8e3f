// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts as M} from "../src/interfaces/IMarket.sol";
import {Phase, Post} from "../src/types.sol";
import {PostingTest} from "./utils/PostingTest.sol";

/// Who may replace a result that is PROPOSED, with what, and until when.
contract ReplaceTest is PostingTest {
    // ----- replacing a proposed result -----

    function test_post_moreSeatsThanProposed__replacesItAndFreesTheOtherBond() public {
        uint256 round = _toProposed(aggregator);
        uint256 stands = market.resultOf(P, round).standsAt;
        _post(rival, round);

        assertEq(market.resultOf(P, round).poster, rival);
        assertEq(uint8(_phase(round)), uint8(Phase.Standing), "complete");
        assertLt(market.resultOf(P, round).standsAt, stands);
        assertEq(market.aggregatorOf(P, aggregator).locked, 0);
        assertEq(market.aggregatorOf(P, rival).locked, LOCK);
    }

    function test_post_moreSeatsButNotAll__doesNotRestartTheWindow() public {
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        _postWith(aggregator, round, _without(round, 12));
        uint256 stands = market.resultOf(P, round).standsAt;
        vm.warp(stands - 1);
        _postWith(rival, round, _without(round, 8));

        assertEq(market.resultOf(P, round).poster, rival);
        assertEq(market.resultOf(P, round).standsAt, stands);
        vm.warp(stands);
        assertEq(uint8(_phase(round)), uint8(Phase.Standing));
    }

    function test_post_equalSeatsAndMoreRows__replaces() public {
        _toStanding(aggregator);
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _without(round, 8);
        post.rows[1] = 1;
        _postWith(aggregator, round, post);
        post = _without(round, 8);
        post.rows[1] = 3;
        _postWith(rival, round, post);
        assertEq(market.resultOf(P, round).poster, rival);
        assertEq(market.resultOf(P, round).prev, 1);
    }

    function test_post_asManySeatsAndRows__refusesMarketNotBetter() public {
        uint256 round = _toProposed(aggregator);
        Post memory post = _without(round, 1);
        _refuses(rival, round, post, abi.encodeWithSelector(M.MarketNotBetter.selector, 3, 0, 3, 0));
    }

    function test_post_fewerSeatsAndMoreRows__refusesMarketNotBetter() public {
        _toStanding(aggregator);
        uint256 round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _without(round, 8);
        post.rows[0] = 0;
        post.rows[1] = 0;
        _postWith(aggregator, round, post);
        _refuses(rival, round, _without(round, 12), abi.encodeWithSelector(M.MarketNotBetter.selector, 2, 5, 3, 0));
    }

    function test_post_replacementAroundTheEndOfProposed__refusesMarketWrongPhaseFromThenOn() public {
        uint256 round = _toProposed(aggregator);
        uint256 stands = market.resultOf(P, round).standsAt;
        Post memory post = _draft(round);
        vm.warp(stands - 1);
        _accepts(rival, round, post);
        for (uint256 after_; after_ < 2; ++after_) {
            vm.warp(stands + after_);
            _refuses(
                rival,
                round,
                post,
                abi.encodeWithSelector(M.MarketWrongPhase.selector, P, round, Phase.Standing, POSTABLE)
            );
        }
    }

    function test_post_ownReplacement__locksOneBond() public {
        uint256 round = _toProposed(aggregator);
        _post(aggregator, round);
        assertEq(market.aggregatorOf(P, aggregator).locked, LOCK);
    }
}
