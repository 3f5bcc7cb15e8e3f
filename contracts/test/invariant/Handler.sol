// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Phase} from "../../src/types.sol";
import {Drain} from "./Drain.sol";

/// The steps of a campaign. Each is built to be valid; where its action is not possible now, the project takes its
/// natural next step, so that no call is lost and any revert is a finding.
abstract contract Handler is Drain {
    uint256 private immutable SALT; // makes the same draws of a driver another campaign

    constructor(bool honest_, uint256 salt) {
        SALT = salt;
        truthful = honest_;
        _stage();
        for (uint256 p = 1; p <= PROJECTS; ++p) {
            projects[p].params = _paramsHash(p);
            _fund(p, 6 * uint256(_pot(p)));
            for (uint256 i; i < EXPECTED; ++i) {
                _register(p);
            }
        }
        market.fund{value: _ready(BYSTANDER, outsider, 5 ether)}(BYSTANDER, 5 ether);
        market.register{value: _ready(BYSTANDER, _signer(0), 6 ether)}(
            BYSTANDER, 0, _payout(0), 6 ether, new bytes32[](0)
        );
        market.addBond{value: _ready(BYSTANDER, aggregators[0], 7 ether)}(BYSTANDER, 7 ether);
        bystanderHeld = 18 ether;
        bystanderState = _bystander();
    }

    /// Every step draws its choices from `seed`; half of them are about the first project.
    modifier step(uint256 seed) {
        vm.warp(time);
        entropy = seed ^ SALT;
        _;
        for (uint256 p = 1; p <= PROJECTS; ++p) {
            _watch(p);
        }
    }

    function _try(uint256 seed, function(uint256) internal returns (bool) act) private step(seed) {
        uint256 p = 1 + _draw(PROJECTS);
        if (_draw(4) == 0 || !act(p)) _proceed(p);
    }

    function refusals() external pure returns (uint256) {
        return REFUSALS;
    }

    // ----- owner -----

    function fund(uint256 seed) external {
        _try(seed, _fundSome);
    }

    function _fundSome(uint256 p) private returns (bool) {
        return _fund(p, 1 + _draw(3 * uint256(_pot(p))));
    }

    function stop(uint256 seed) external {
        _try(seed, _stopRarely);
    }

    function _stopRarely(uint256 p) private returns (bool) {
        return _draw(12) == 0 && _stop(p);
    }

    // ----- trainers -----

    function register(uint256 seed) external {
        _try(seed, _register);
    }

    function seal(uint256 seed) external {
        _try(seed, _sealMost);
    }

    function _sealMost(uint256 p) private returns (bool) {
        bool any = _sealSome(p, 70);
        return (_draw(3) != 0 && _referenceActs(p)) || any;
    }

    function reveal(uint256 seed) external {
        _try(seed, _revealMost);
    }

    function _revealMost(uint256 p) private returns (bool) {
        bool any = _draw(2) == 0 && _referenceActs(p);
        return _revealSome(p, 70) || any;
    }

    function withhold(uint256 seed) external {
        _try(seed, _withhold);
    }

    function skipRound(uint256 seed) external {
        _try(seed, _absentSometimes);
    }

    function _absentSometimes(uint256 p) private returns (bool) {
        return _draw(2) == 0 && _absent(p);
    }

    function referenceActs(uint256 seed) external {
        _try(seed, _referenceActsOrTrainers);
    }

    /// Where it can do nothing yet, trainers go first.
    function _referenceActsOrTrainers(uint256 p) private returns (bool) {
        return _referenceActs(p) || _sealSome(p, 60) || _revealSome(p, 60);
    }

    function referenceSilent(uint256 seed) external {
        _try(seed, _referenceSilentSometimes);
    }

    function _referenceSilentSometimes(uint256 p) private returns (bool) {
        return _draw(2) == 0 && _referenceSilent(p);
    }

    function leave(uint256 seed) external {
        _try(seed, _leaveNow);
    }

    function _leaveNow(uint256 p) private returns (bool) {
        return _leave(p, false);
    }

    function claim(uint256 seed) external {
        _try(seed, _claim);
    }

    function claimFlat(uint256 seed) external {
        _try(seed, _claimFlat);
    }

    function addStake(uint256 seed) external {
        _try(seed, _addStake);
    }

    // ----- aggregators -----

    function addBond(uint256 seed) external {
        _try(seed, _addBondSome);
    }

    function _addBondSome(uint256 p) private returns (bool) {
        address who = aggregators[_draw(aggregators.length)];
        if (bonds[p][who].banned) return false;
        _addBond(p, who, 1 + _draw(3 * uint256(_lock(p))));
        return true;
    }

    function removeBond(uint256 seed) external {
        _try(seed, _removeBond);
    }

    function post(uint256 seed) external {
        _try(seed, _postWhole);
    }

    function _postWhole(uint256 p) private returns (bool) {
        return _postFirst(p, false);
    }

    function postPartial(uint256 seed) external {
        _try(seed, _postPart);
    }

    function _postPart(uint256 p) private returns (bool) {
        return _postFirst(p, true);
    }

    function replace(uint256 seed) external {
        _try(seed, _replace);
    }

    function convict(uint256 seed) external {
        _try(seed, _convictOrTempt);
    }

    /// Where no liar's result counts, what follows may bring one: a post, or a round above that a conviction will orphan.
    function _convictOrTempt(uint256 p) private returns (bool) {
        if (_draw(3) == 0 && _open(p)) return true;
        return _convictAndAfter(p) || _postFirst(p, false);
    }

    /// What a conviction leaves behind is often gone a step later: results without effect, a head on a model that fell.
    function _convictAndAfter(uint256 p) private returns (bool) {
        if (!_convict(p)) return false;
        uint256 then_ = _draw(4);
        if (then_ == 0) _release(p);
        if (then_ == 1 && _refuse(p, 3)) ++reached["refuse3"];
        if (then_ > 1) _refuseConvicted(p);
        return true;
    }

    /// Liars get two results to stand, more or less; then one of them is convicted.
    function trap(uint256 seed) external {
        _try(seed, _trap);
    }

    function _trap(uint256 p) private returns (bool) {
        tempted = true;
        for (uint256 i; i < 16 && market.projectOf(p).openCount < OPEN_ROUNDS; ++i) {
            _proceed(p);
        }
        tempted = false;
        if (_draw(3) == 0) _open(p);
        return _convictAndAfter(p);
    }

    // ----- disputes -----

    function ask(uint256 seed) external {
        _try(seed, _askOrPost);
    }

    function _askOrPost(uint256 p) private returns (bool) {
        return _ask(p) || _postFirst(p, _draw(2) == 0);
    }

    function answer(uint256 seed) external {
        _try(seed, _answerOrAsk);
    }

    function _answerOrAsk(uint256 p) private returns (bool) {
        return _answer(p) || _ask(p);
    }

    function silence(uint256 seed) external {
        _try(seed, _silence);
    }

    function _silence(uint256 p) private returns (bool) {
        return _convictSilent(p, true) || _settleAsk(p) || _ask(p);
    }

    // ----- anyone -----

    function open(uint256 seed) external {
        _try(seed, _open);
    }

    function poke(uint256 seed) external {
        _try(seed, _poke);
    }

    function release(uint256 seed) external {
        _try(seed, _release);
    }

    function finalise(uint256 seed) external {
        _try(seed, _finaliseWaiting);
    }

    function _finaliseWaiting(uint256 p) private returns (bool) {
        return _finalise(p, _draw(3) == 0);
    }

    function flatten(uint256 seed) external {
        _try(seed, _flattenWaiting);
    }

    function _flattenWaiting(uint256 p) private returns (bool) {
        return _flatten(p, _draw(3) == 0);
    }

    function refund(uint256 seed) external {
        _try(seed, _refund);
    }

    function withdraw(uint256 seed) external {
        _try(seed, _withdraw);
    }

    /// Sixteen rounds that nobody seals; then an absent seat may be sent away.
    function evict(uint256 seed) external {
        _try(seed, _evictAfterSilence);
    }

    function _evictAfterSilence(uint256 p) private returns (bool) {
        if (_leave(p, true)) return true;
        if (_draw(8) != 0) return false;
        for (uint256 i; i < 24; ++i) {
            if (_phase(p, _view(p).head) == Phase.Commit && rounds[p][_view(p).head].seals == 0) {
                _at(market.roundOf(p, _view(p).head).commitEnd);
            }
            _poke(p);
            if (!_open(p) && !_postFirst(p, false) && !_finalise(p, true) && !_convictSilent(p, true)) break;
        }
        return _leave(p, true);
    }

    // ----- the world -----

    function outsiderCalls(uint256 seed) external step(seed) {
        uint256 p = 1 + _draw(PROJECTS);
        uint256 kind = _draw(REFUSALS);
        for (uint256 done; done < 5; kind = (kind + 1) % REFUSALS) {
            if (_refuse(p, kind)) {
                ++reached[string.concat("refuse", vm.toString(kind))];
                ++done;
            }
        }
        if (_draw(3) == 0) _force(p);
    }

    /// To one second before the next deadline, to it, or to one second after.
    function warp(uint256 seed) external step(seed) {
        uint256 p = 1 + _draw(PROJECTS);
        uint256 next = _nextDeadline(p);
        uint256 side = _draw(3);
        if (next > time) _at(next + side - 1);
        ++reached[side == 0 ? "before" : side == 1 ? "atDeadline" : "after"];
    }

    function proceed(uint256 seed) external step(seed) {
        _proceed(1 + _draw(PROJECTS));
    }

    /// Step number `kind`, for drivers that draw by themselves.
    function play(uint256 kind, uint256 seed) external {
        bytes4[34] memory selectors = [
            this.fund.selector,
            this.stop.selector,
            this.register.selector,
            this.seal.selector,
            this.reveal.selector,
            this.withhold.selector,
            this.skipRound.selector,
            this.leave.selector,
            this.claim.selector,
            this.claimFlat.selector,
            this.addStake.selector,
            this.addBond.selector,
            this.removeBond.selector,
            this.post.selector,
            this.postPartial.selector,
            this.replace.selector,
            this.convict.selector,
            this.trap.selector,
            this.open.selector,
            this.poke.selector,
            this.release.selector,
            this.finalise.selector,
            this.flatten.selector,
            this.refund.selector,
            this.withdraw.selector,
            this.evict.selector,
            this.outsiderCalls.selector,
            this.warp.selector,
            this.proceed.selector,
            this.ask.selector,
            this.answer.selector,
            this.silence.selector,
            this.referenceActs.selector,
            this.referenceSilent.selector
        ];
        (bool done, bytes memory data) = address(this).call(abi.encodeWithSelector(selectors[kind % 34], seed));
        if (done) return;
        assembly {
            revert(add(data, 32), mload(data))
        }
    }
}
