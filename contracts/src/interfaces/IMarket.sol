// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {
    Account, AggregatorView, Content, Limits, Opening, Params, Phase, Post, ProjectView, ResultView, RoundView, SeatView
} from "../types.sol";

/// What every part of the market may emit or refuse with.
interface IMarketFacts {
    // ----- events: enough to rebuild every getter (I-47); one business event per call -----
    event ProjectCreated(uint256 indexed project, address indexed owner, Params params, Content content);
    event ProjectFunded(uint256 indexed project, address indexed from, uint96 amount);
    event ProjectStopped(uint256 indexed project);
    event ProjectRefunded(uint256 indexed project, address indexed owner, uint96 escrow, uint96 burned);
    event TrainerRegistered(uint256 indexed project, uint16 indexed seat, address indexed signer, address payout, uint96 stake);
    event StakeAdded(uint256 indexed project, uint16 indexed seat, uint96 amount);
    event TrainerLeft(uint256 indexed project, uint16 indexed seat, address indexed payout, bool evicted, uint96 pay, uint96 stakeReturned, uint96 penalty, uint128 claimed, uint96 penaltyTaken);
    event BondAdded(uint256 indexed project, address indexed aggregator, uint96 amount);
    event BondRemoved(uint256 indexed project, address indexed aggregator, uint96 amount);
    event RoundOpened(uint256 indexed project, uint256 indexed round, bytes32 baseRoot, uint96 pot, uint40 commitEnd, uint40 revealEnd);
    event Sealed(uint256 indexed project, uint256 roundSeat, bytes32 seal); // roundSeat = round << 16 | seat
    event Revealed(uint256 indexed project, uint256 roundSeat, bytes32 updateRoot, bytes32 salt, bytes32 fileDigest);
    event ResultPosted(uint256 indexed project, uint256 indexed round, address indexed poster, bytes32 commitment, uint40 standsAt, bool merged, Post post);
    event RoundVoided(uint256 indexed project, uint256 indexed round, uint96 toEscrow);
    event RoundFlattened(uint256 indexed project, uint256 indexed round, uint96 share, uint16 revealed);
    event RoundSkipped(uint256 indexed project, uint256 tip, uint256 terminalUpTo);
    event RoundFinalised(uint256 indexed project, uint256 indexed round, address indexed poster, uint96 fee, uint96 paid, uint96 toEscrow);
    event ResultConvicted(uint256 indexed project, uint256 indexed round, address indexed poster, address refuter, uint96 toRefuter, uint96 toPot, uint96 toEscrow);
    event ResultCleared(uint256 indexed project, uint256 indexed round, address indexed poster);
    event BondReleased(uint256 indexed project, uint256 indexed round, address indexed poster);
    event MissDebited(uint256 indexed project, uint16 indexed seat, uint256 indexed round, uint96 unit);
    event Claimed(uint256 indexed project, uint16 indexed seat, address indexed payout, uint96 amount);
    event FlatClaimed(uint256 indexed project, uint256 indexed round, uint16 seat, address indexed payout, uint96 amount);
    event Withdrawn(address indexed token, address indexed account, address to, uint256 amount);

    // ----- errors: what was given or found comes before what was expected -----
    // Creation and deployment; `index` counts the fields of Windows
    error MarketWindowLimits(uint256 index, uint256 min, uint256 max);
    error MarketLimitOutOfRange(uint256 value, uint256 most);
    error MarketWindowOutOfRange(uint256 index, uint256 value, uint256 min, uint256 max);
    error MarketProposedWindow(uint256 proposed, uint256 least, uint256 most);
    error MarketChallengeTooShort(uint256 challenge, uint256 least);
    error MarketRefuteTooShort(uint256 refute, uint256 least);
    error MarketTooManySeats(uint256 seats, uint256 most);
    error MarketSeatCounts(uint256 minSeals, uint256 expectedSeats, uint256 seats);
    error MarketPotTooSmall(uint256 pot, uint256 least);
    error MarketTokenWithoutCode(address token);
    error MarketFeeTooHigh(uint256 feeBps, uint256 most);
    error MarketOpenRoundsOutOfRange(uint256 openRounds, uint256 most);
    error MarketEndDateOutOfRange(uint256 endDate, uint256 earliest, uint256 latest);
    error MarketCoefficientsOutOfRange(uint256 coefficients, uint256 most);
    error MarketUnknownColumns(uint256 columns, uint256 known);
    error MarketUnknownRule(uint256 rule, uint256 known);
    error MarketTooManyDeltaRows(uint256 deltaRows, uint256 most);
    error MarketTooManyFileRounds(uint256 fileRounds, uint256 most);
    error MarketZeroHash(); // of Content in `create`, of Roots in `post`
    // Who and what
    error MarketCodeOnly(); // called at the address of a part of the market's code
    error MarketUnknownProject(uint256 project, uint256 count);
    error MarketNotOwner(address caller, address owner);
    error MarketNotSigner(address caller, address signer);
    error MarketZeroAddress();
    error MarketSeatOutOfRange(uint256 seat, uint256 seats);
    error MarketSeatTaken(uint256 seat, address signer);
    error MarketSeatFree(uint256 seat);
    error MarketAlreadySeated(address signer, uint256 seat);
    error MarketNotAdmitted(address signer);
    error MarketBanned(address account);
    // Money
    error MarketZeroAmount();
    error MarketWrongValue(uint256 sent, uint256 expected);
    error MarketWrongTokenDelta(uint256 received, uint256 expected);
    error MarketTooMuchHeld(uint256 total, uint256 most);
    error MarketTransferFailed(address to, uint256 amount);
    error MarketNothingDue();
    error MarketStakeTooLow(uint256 stake, uint256 least);
    error MarketBondTooLow(uint256 bond, uint256 needed);
    error MarketEscrowTooLow(uint256 escrow, uint256 pot);
    error MarketBucketTooLow(uint256 due, uint256 bucket);
    // Time and order; `allowed` has bit p set where phase p is allowed
    error MarketWrongPhase(uint256 project, uint256 round, Phase current, uint256 allowed);
    error MarketTooEarly(uint256 timestamp, uint256 earliest);
    error MarketOutOfOrder(uint256 round, uint256 tip); // needs tip = round - 1; `open`: tip = round
    error MarketProjectStopped(uint256 project);
    error MarketProjectEnded(uint256 project, uint256 endDate);
    error MarketStillRunning(uint256 project, uint256 endDate);
    error MarketRoundsOpen(uint256 openCount);
    error MarketTooManyOpenRounds(uint256 openCount, uint256 most);
    error MarketBaseUnchanged(bytes32 baseRoot);
    error MarketAlreadySettled(uint256 project, uint256 round);
    error MarketNothingToSkip(uint256 tip, uint256 terminalUpTo);
    error MarketNothingToRelease(uint256 round, uint256 tip);
    error MarketBelowNotFinal(uint256 prev, uint256 lastFinal);
    error MarketPosterNotConvicted(address poster);
    error MarketFirstRight(address poster, uint256 until);
    // Seals, reveals, seats
    error MarketBadSeal(bytes32 seal);
    error MarketAlreadySealed(uint256 round, uint256 seat);
    error MarketStaleBase(bytes32 baseRoot, bytes32 standingRoot);
    error MarketRootTooSmall(bytes32 updateRoot);
    error MarketNotSealed(uint256 round, uint256 seat, bytes32 slot);
    error MarketSealMismatch(bytes32 computed, bytes32 stored);
    error MarketNotRevealed(uint256 round, uint256 seat);
    error MarketAlreadyTaken(uint256 round, uint256 seat);
    error MarketWrongTenure(uint256 tenure, uint256 round);
    error MarketStakeBound(uint256 lastSealed, uint256 terminalUpTo);
    error MarketNotEvictable(uint256 head, uint256 earliestHead);
    // Results and proofs
    error MarketStalePrevious(bytes32 given, bytes32 current);
    error MarketStaleReveals(uint256 givenSum, uint256 givenCount, uint256 currentSum, uint256 currentCount);
    error MarketColumnsRoot(bytes32 columns, uint256 seats); // zero iff there are at most 12 seats
    error MarketNotMerged(bytes32 modelRoot, bytes32 standingRoot);
    error MarketPaidTooHigh(uint256 paid, uint256 available);
    error MarketBitmapLength(uint256 words, uint256 expected);
    error MarketBitmapRange(uint256 word, uint256 bits); // a bit at or above `bits` is set
    error MarketIncludedCount(uint256 included, uint256 revealed); // at least 1, at most the revealed
    error MarketTooManyFiles(uint256 roundsBack, uint256 files, uint256 revealed);
    error MarketNotBetter(uint256 included, uint256 rows, uint256 currentIncluded, uint256 currentRows);
    error MarketWrongOpening(bytes32 computed, bytes32 commitment);
    error MarketProofLength(uint256 length, uint256 depth);
    error MarketWrongProof(bytes32 computed, bytes32 accounts);
    error MarketNotStartAccount(int256 reputation, uint256 pay, uint256 penalty);
}

interface IMarketViews is IMarketFacts {
    function limits() external view returns (Limits memory);
    function projectCount() external view returns (uint256);
    function paramsOf(uint256 project) external view returns (Params memory, Content memory);
    function projectOf(uint256 project) external view returns (ProjectView memory);
    function roundOf(uint256 project, uint256 round) external view returns (RoundView memory);
    function resultOf(uint256 project, uint256 round) external view returns (ResultView memory); // zero when there is none that counts
    function seatOf(uint256 project, uint256 seat) external view returns (SeatView memory);
    function slotOf(uint256 project, uint256 round, uint256 seat) external view returns (bytes32); // 0 empty, < 2^216 sealed, else the revealed root
    function tenureCountOf(uint256 project, uint256 seat) external view returns (uint256); // past holders of the seat
    function seatIndexOf(uint256 project, address signer) external view returns (bool held, uint16 seat);
    function aggregatorOf(uint256 project, address account) external view returns (AggregatorView memory);
    function phaseOf(uint256 project, uint256 round) external view returns (Phase);
    function creditOf(address token, address account) external view returns (uint256);
    function held(address token) external view returns (uint256); // what entered less what left through the market
}

/// Projects and seats: what happens outside of rounds.
interface IRegistry is IMarketFacts {
    function create(Params calldata params, Content calldata content) external returns (uint256 project);
    function stop(uint256 project) external;
    function refund(uint256 project) external; // anyone, once no further round can open and none is open
    function register(uint256 project, uint16 seat, address payout, uint96 stake, bytes32[] calldata admission) external payable;
    function addStake(uint256 project, uint16 seat, uint96 amount) external payable;
    function leave(uint256 project, uint16 seat, Account calldata account, Opening calldata opening, bytes32[] calldata proof) external;
    function evict(uint256 project, uint16 seat, Account calldata account, Opening calldata opening, bytes32[] calldata proof) external; // anyone
}

interface IMarket is IRegistry, IMarketViews {
    // ----- owner -----
    function fund(uint256 project, uint96 amount) external payable;

    // ----- trainers -----
    function seal(uint256 project, uint256 round, uint256 seat, bytes32 seal_) external;
    function reveal(uint256 project, uint256 round, uint256 seat, bytes32 updateRoot, bytes32 salt, bytes32 fileDigest) external;
    function claim(uint256 project, uint256 round, uint16 seat, Account calldata account, Opening calldata opening, bytes32[] calldata proof) external; // anyone
    function claimFlat(uint256 project, uint256 round, uint16 seat, uint256 tenure) external; // anyone

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
}
