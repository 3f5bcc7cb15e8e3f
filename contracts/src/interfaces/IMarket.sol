// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {
    Account, AggregatorView, Content, Limits, Opening, Params, Phase, Post, ProjectView, ResultView, RoundView, SeatView
} from "../types.sol";

interface IMarket {
    // ----- events: enough to rebuild every getter (I-47); one business event per call -----
    event ProjectCreated(uint256 indexed project, address indexed owner, Params params, Content content);
    event ProjectFunded(uint256 indexed project, address indexed from, uint96 amount);
    event ProjectStopped(uint256 indexed project);
    event ProjectRefunded(uint256 indexed project, address indexed owner, uint96 escrow, uint96 burned);
    event TrainerRegistered(uint256 indexed project, uint16 indexed seat, address indexed signer, address payout, uint96 stake);
    event StakeAdded(uint256 indexed project, uint16 indexed seat, uint96 amount);
    event TrainerLeft(uint256 indexed project, uint16 indexed seat, address indexed payout, bool evicted, uint96 pay, uint96 stakeReturned, uint96 penalty);
    event BondAdded(uint256 indexed project, address indexed aggregator, uint96 amount);
    event BondRemoved(uint256 indexed project, address indexed aggregator, uint96 amount);
    event RoundOpened(uint256 indexed project, uint256 indexed round, bytes32 baseRoot, uint96 pot, uint40 commitEnd, uint40 revealEnd);
    event Sealed(uint256 indexed project, uint256 roundSeat, bytes32 seal); // roundSeat = round << 16 | seat
    event Revealed(uint256 indexed project, uint256 roundSeat, bytes32 updateRoot, bytes32 salt, bytes32 fileDigest);
    event ResultPosted(uint256 indexed project, uint256 indexed round, address indexed poster, bytes32 commitment, uint40 standsAt, bool merged, Post post);
    event RoundVoided(uint256 indexed project, uint256 indexed round, uint96 toEscrow);
    event RoundFlattened(uint256 indexed project, uint256 indexed round, uint96 share, uint16 revealed);
    event RoundSkipped(uint256 indexed project, uint256 indexed round);
    event RoundFinalised(uint256 indexed project, uint256 indexed round, address indexed poster, uint96 fee, uint96 paid, uint96 toEscrow);
    event ResultConvicted(uint256 indexed project, uint256 indexed round, address indexed poster, address refuter, uint96 toRefuter, uint96 toPot, uint96 toEscrow);
    event ResultCleared(uint256 indexed project, uint256 indexed round, address indexed poster);
    event BondReleased(uint256 indexed project, uint256 indexed round, address indexed poster);
    event MissDebited(uint256 indexed project, uint16 indexed seat, uint256 indexed round, uint96 unit);
    event Claimed(uint256 indexed project, uint16 indexed seat, address indexed payout, uint96 amount);
    event FlatClaimed(uint256 indexed project, uint256 indexed round, uint16 seat, address indexed payout, uint96 amount);
    event Withdrawn(address indexed token, address indexed account, address to, uint256 amount);

    // ----- owner -----
    function create(Params calldata params, Content calldata content) external returns (uint256 project);
    function fund(uint256 project, uint96 amount) external payable;
    function stop(uint256 project) external;
    function refund(uint256 project) external; // anyone, once no further round can open and none is open

    // ----- trainers -----
    function register(uint256 project, uint16 seat, address payout, uint96 stake, bytes32[] calldata admission) external payable;
    function addStake(uint256 project, uint16 seat, uint96 amount) external payable;
    function seal(uint256 project, uint256 round, uint256 seat, bytes32 seal_) external;
    function reveal(uint256 project, uint256 round, uint256 seat, bytes32 updateRoot, bytes32 salt, bytes32 fileDigest) external;
    function claim(uint256 project, uint256 round, uint16 seat, Account calldata account, Opening calldata opening, bytes32[] calldata proof) external; // anyone
    function claimFlat(uint256 project, uint256 round, uint16 seat, uint256 tenure) external; // anyone
    function leave(uint256 project, uint16 seat, Account calldata account, Opening calldata opening, bytes32[] calldata proof) external;
    function evict(uint256 project, uint16 seat, Account calldata account, Opening calldata opening, bytes32[] calldata proof) external; // anyone

    // ----- aggregators -----
    function addBond(uint256 project, uint96 amount) external payable;
    function removeBond(uint256 project, uint96 amount) external;
    function post(uint256 project, uint256 round, Post calldata post_) external;

    // ----- anyone, when due -----
    function open(uint256 project) external;
    function voidRound(uint256 project, uint256 round) external;
    function flatten(uint256 project, uint256 round) external;
    function skip(uint256 project) external;
    function clear(uint256 project, uint256 round) external;
    function release(uint256 project, uint256 round) external;
    function finalise(uint256 project, uint256 round) external;
    function withdraw(address token, address to) external; // own credit
    function burn(address token) external; // sends the credit of 0x...dEaD there

    // ----- views -----
    function limits() external view returns (Limits memory);
    function projectCount() external view returns (uint256);
    function paramsOf(uint256 project) external view returns (Params memory, Content memory);
    function projectOf(uint256 project) external view returns (ProjectView memory);
    function roundOf(uint256 project, uint256 round) external view returns (RoundView memory);
    function resultOf(uint256 project, uint256 round) external view returns (ResultView memory); // zero when there is none that counts
    function seatOf(uint256 project, uint256 seat) external view returns (SeatView memory);
    function slotOf(uint256 project, uint256 round, uint256 seat) external view returns (bytes32); // 0 empty, < 2^216 sealed, else the revealed root
    function seatIndexOf(uint256 project, address signer) external view returns (bool held, uint16 seat);
    function aggregatorOf(uint256 project, address account) external view returns (AggregatorView memory);
    function phaseOf(uint256 project, uint256 round) external view returns (Phase);
    function creditOf(address token, address account) external view returns (uint256);
    function held(address token) external view returns (uint256); // what entered less what left through the market
}
