// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Check, Tree} from "../checks/IChecks.sol";
import {
    Account,
    AggregatorView,
    Ask,
    AskView,
    Content,
    Limits,
    Opening,
    Params,
    Phase,
    Post,
    ProjectView,
    Refutation,
    ResultView,
    RoundView,
    SeatView
} from "../types.sol";

/// What every part of the market may emit or refuse with.
interface IMarketFacts {
    // ----- events: enough to rebuild every getter (I-47); one business event per call -----
    event ProjectCreated(uint256 indexed project, address indexed owner, Params params, Content content);
    event ProjectFunded(uint256 indexed project, address indexed from, uint96 amount);
    event ProjectStopped(uint256 indexed project);
    event ProjectRefunded(uint256 indexed project, address indexed owner, uint96 escrow, uint96 burned);
    event TrainerRegistered(
        uint256 indexed project, uint16 indexed seat, address indexed signer, address payout, uint96 stake
    );
    event StakeAdded(uint256 indexed project, uint16 indexed seat, uint96 amount);
    event TrainerLeft(
        uint256 indexed project,
        uint16 indexed seat,
        address indexed payout,
        bool evicted,
        uint96 pay,
        uint96 stakeReturned,
        uint96 penalty,
        uint128 claimed,
        uint96 penaltyTaken
    );
    event BondAdded(uint256 indexed project, address indexed aggregator, uint96 amount);
    event BondRemoved(uint256 indexed project, address indexed aggregator, uint96 amount);
    event RoundOpened(
        uint256 indexed project, uint256 indexed round, bytes32 baseRoot, uint96 pot, uint40 commitEnd, uint40 revealEnd
    );
    event Sealed(uint256 indexed project, uint256 roundSeat, bytes32 seal); // roundSeat = round << 16 | seat
    event Revealed(uint256 indexed project, uint256 roundSeat, bytes32 updateRoot, bytes32 salt, bytes32 fileDigest);
    event ReferenceSealed(uint256 indexed project, uint256 round, bytes32 seal);
    event ReferenceRevealed(
        uint256 indexed project, uint256 round, bytes32 updateRoot, bytes32 salt, bytes32 fileDigest
    );
    event ResultPosted(
        uint256 indexed project,
        uint256 indexed round,
        address indexed poster,
        bytes32 commitment,
        uint40 standsAt,
        bool merged,
        Post post
    );
    event RoundVoided(uint256 indexed project, uint256 indexed round, uint96 toEscrow);
    event RoundFlattened(uint256 indexed project, uint256 indexed round, uint96 share, uint16 revealed);
    event RoundSkipped(uint256 indexed project, uint256 tip, uint256 terminalUpTo);
    event RoundFinalised(
        uint256 indexed project, uint256 indexed round, address indexed poster, uint96 fee, uint96 paid, uint96 toEscrow
    );
    event ResultConvicted(
        uint256 indexed project,
        uint256 indexed round,
        address indexed poster,
        address refuter,
        uint96 toRefuter,
        uint96 toPot,
        uint96 toEscrow
    );
    event ResultRefuted(
        uint256 indexed project,
        uint256 indexed round,
        address indexed refuter,
        Check check,
        uint256 a,
        uint256 b,
        uint256 c
    ); // `ResultConvicted` follows
    event Asked(
        uint256 indexed project,
        uint256 indexed round,
        uint256 indexed id,
        address asker,
        Tree tree,
        uint16 row,
        uint8 level,
        uint40 index,
        bytes32 root,
        uint32 answerBytes,
        uint96 price, // for whoever answers
        uint96 burned,
        uint96 returned, // sent above the price: credit of the asker
        uint40 due
    );
    event Answered(
        uint256 indexed project, uint256 indexed round, uint256 indexed id, address answerer, uint96 price, bytes answer
    );
    event AskSettled(uint256 indexed project, uint256 indexed round, uint256 indexed id, address asker, uint96 price); // its price is the asker's credit
    event ResultCleared(uint256 indexed project, uint256 indexed round, address indexed poster);
    event BondReleased(uint256 indexed project, uint256 indexed round, address indexed poster);
    event MissDebited(uint256 indexed project, uint16 indexed seat, uint256 indexed round, uint96 unit);
    event Claimed(uint256 indexed project, uint16 indexed seat, address indexed payout, uint96 amount);
    event FlatClaimed(
        uint256 indexed project, uint256 indexed round, uint16 seat, address indexed payout, uint96 amount
    );
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
    error MarketUnknownDeltaRows(uint256 deltaRows, uint256 known);
    error MarketUnknownFileRounds(uint256 fileRounds, uint256 known);
    error MarketZeroHash(); // of Content in `create`, of Roots in `post`
    // Who and what
    error MarketCodeOnly(); // called at the address of a part of the market's code
    error MarketNoCode(address account); // a part of the market's code is not there
    error MarketUnknownProject(uint256 project, uint256 count);
    error MarketNotOwner(address caller, address owner);
    error MarketNotSigner(address caller, address signer);
    error MarketZeroAddress();
    error MarketSeatOutOfRange(uint256 seat, uint256 seats);
    error MarketSeatTaken(uint256 seat, address signer);
    error MarketSeatFree(uint256 seat);
    error MarketAlreadySeated(address signer, uint256 seat); // the reference key: at the seat limit
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
    error MarketTooLate(uint256 timestamp, uint256 end); // exclusive
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
    error MarketNobodySealed(uint256 round); // the reference seals after a trainer
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
    error MarketReferenceNotRevealed(uint256 round);
    error MarketTooManyFiles(uint256 roundsBack, uint256 files, uint256 revealed);
    error MarketNotBetter(uint256 included, uint256 rows, uint256 currentIncluded, uint256 currentRows);
    error MarketWrongOpening(bytes32 computed, bytes32 commitment);
    error MarketProofLength(uint256 length, uint256 depth);
    error MarketWrongProof(bytes32 computed, bytes32 accounts);
    error MarketNotStartAccount(int256 reputation, uint256 pay, uint256 penalty);
    // Refutations and asks
    error MarketNotRefuted(Check check, uint256 a, uint256 b, uint256 c); // the posted number is right
    error MarketBelowCount(uint256 given, uint256 results); // openings of results below: more than there are, or too few
    error MarketEvidenceNotEmpty(uint256 length);
    error MarketNoSuchPlace(Tree tree, uint256 level, uint256 index); // honest results have nothing there
    error MarketPriceTooLow(uint256 sent, uint256 price);
    error MarketAskClosed(uint256 id); // answered, settled, or never asked
    error MarketResultGone(uint256 id); // cleared or replaced: settle the ask
    error MarketResultCounts(uint256 id); // the ask waits for an answer
    error MarketAnswerLength(uint256 length, uint256 expected);
    error MarketWrongAnswer(bytes32 computed, bytes32 root);
    error MarketAsksOpen(uint256 open);
}

/// What can be read. Amounts in smallest units, times in unix seconds.
interface IMarketViews is IMarketFacts {
    function limits() external view returns (Limits memory);
    function projectCount() external view returns (uint256);
    function paramsOf(uint256 project) external view returns (Params memory, Content memory);
    function projectOf(uint256 project) external view returns (ProjectView memory);
    function roundOf(uint256 project, uint256 round) external view returns (RoundView memory);
    /// The result of a round, all zero where none counts.
    function resultOf(uint256 project, uint256 round) external view returns (ResultView memory);
    function seatOf(uint256 project, uint256 seat) external view returns (SeatView memory);
    /// 0 empty, below 2^216 a seal, else the revealed root. At the seat limit the slot of the reference.
    function slotOf(uint256 project, uint256 round, uint256 seat) external view returns (bytes32);
    /// Past holders of a seat.
    function tenureCountOf(uint256 project, uint256 seat) external view returns (uint256);
    function seatIndexOf(uint256 project, address signer) external view returns (bool held, uint16 seat);
    /// An aggregator's pool in a project; zero after its conviction.
    function aggregatorOf(uint256 project, address account) external view returns (AggregatorView memory);
    /// The phase of a round now, derived from facts and time. Round 0, the start, is FINAL.
    function phaseOf(uint256 project, uint256 round) external view returns (Phase);
    /// What `account` may withdraw, smallest units.
    function creditOf(address token, address account) external view returns (uint256);
    /// What entered through the market's functions less what left: the sum of all liabilities in `token`.
    function held(address token) external view returns (uint256);
    /// Asks are numbered 1 .. askCount, over all projects.
    function askCount() external view returns (uint256);
    /// An ask without an answer; all zero for others.
    function askOf(uint256 id) external view returns (AskView memory);
}

/// What is wrong with results: the one place from which bonds are taken.
interface ICourt is IMarketFacts {
    /// Convicts the poster of a result in which a number is wrong. Anyone; needs no bond, and has no effect otherwise.
    /// Requires: PROPOSED or STANDING, poster not convicted, preimages that hash to what is stored; the check finds the number
    /// wrong (`MarketNotRefuted` if it is right, errors of `checks/` if evidence does not fit). Emits `ResultRefuted`,
    /// `ResultConvicted`.
    function refute(uint256 project, uint256 round, Refutation calldata refutation) external;
    /// Asks the poster of a result for a leaf or for nodes of one of its trees. Anyone, for the price of the answer: its bytes
    /// x max(60 x base fee, floor), and a 64th more for each ask of this result that is open, which is burned.
    /// Requires: PROPOSED or STANDING for less than W, poster not convicted, a place that honest trees have, value of at least
    /// the price (what is above becomes credit). Emits `Asked`.
    /// @return id Number of the ask.
    function ask(uint256 project, uint256 round, Ask calldata question) external payable returns (uint256 id);
    /// Answers an ask and earns its price. Anyone, until `convictSilent`. Emits `Answered` with the answer.
    /// @param answer_ The leaf (of sketches without the address before it), or hashes from left to right; then the siblings
    /// up to the root, lowest first.
    function answer(uint256 id, bytes calldata answer_) external;
    /// Convicts a poster who has not answered within T_ans; the asker is the refuter and gets the price back. Anyone. Emits
    /// `AskSettled`, `ResultConvicted`.
    function convictSilent(uint256 id) external;
    /// Gives the price of an ask back whose result was cleared or replaced. Anyone. Emits `AskSettled`.
    function settleAsk(uint256 id) external;
}

/// Projects, seats, and the owner's reference in rounds.
interface IRegistry is IMarketFacts {
    /// Creates a project with a frozen parameter set; the caller is its owner. Projects count from 1.
    /// Requires every relation that `libraries/Relations.sol` names, each with its own error. Emits `ProjectCreated`.
    /// @param params Amounts in smallest units of the token, durations in seconds, rates of 10,000.
    /// @param content Digests of CIDs and the root of the first model; none may be zero.
    /// @return project The new project's number.
    function create(Params calldata params, Content calldata content) external returns (uint256 project);
    /// No further round opens; open ones end as always. Owner only, once. Emits `ProjectStopped`.
    function stop(uint256 project) external;
    /// Credits the escrow to the owner and what is left of penalties to the burn address. Anyone.
    /// Requires: stopped or past the end date, no round open, something there. Emits `ProjectRefunded`.
    function refund(uint256 project) external;
    /// Takes a free seat with a stake. The caller signs seals and reveals; `payout` receives all money and never changes.
    /// Requires: running project, free seat below the limit, caller without a seat here and not the reference key, stake >=
    /// minStake, `payout` not zero, and, unless admission is open, a proof of the caller in the admission tree. Emits
    /// `TrainerRegistered`.
    /// @param stake Smallest units, taken from the caller: as value in native projects, else from its allowance.
    /// @param admission Sibling hashes of the caller's leaf; empty where admission is open.
    function register(uint256 project, uint16 seat, address payout, uint96 stake, bytes32[] calldata admission)
        external
        payable;
    /// Adds to the stake of a held seat. Anyone. Emits `StakeAdded`.
    function addStake(uint256 project, uint16 seat, uint96 amount) external payable;
    /// Frees the caller's seat and credits stake and open pay, less a due unit and penalty, to its payout address.
    /// Requires: the last round that the seat sealed, and all below, are terminal. Emits `TrainerLeft`, `MissDebited` if due.
    /// @param account The seat's account in result `lastFinal`; before the first FINAL round (8192, 0, 0), and the rest empty.
    /// @param opening Opens that result's commitment.
    /// @param proof Sibling hashes of the account, exactly as many as the accounts tree is deep.
    function leave(
        uint256 project,
        uint16 seat,
        Account calldata account,
        Opening calldata opening,
        bytes32[] calldata proof
    ) external;
    /// `leave` for a seat whose holder has neither sealed nor joined in the last 16 opened rounds. Anyone.
    function evict(
        uint256 project,
        uint16 seat,
        Account calldata account,
        Opening calldata opening,
        bytes32[] calldata proof
    ) external;
    /// Commits the project's reference to one update of this round. Emits `ReferenceSealed`.
    /// Requires: COMMIT; the caller is the reference key; at least one seat has sealed, so that the base is a fact; the
    /// reference has not sealed yet.
    /// @param seal_ As for `seal`.
    function sealReference(uint256 project, uint256 round, bytes32 seal_) external;
    /// Opens the reference's seal. No money hangs on it: it is in the seed's sum and may be a row of the result. Emits
    /// `ReferenceRevealed`. Requires: REVEAL; the caller is the reference key; sealed and not revealed; the preimage matches.
    /// @param updateRoot, salt, fileDigest As for `reveal`.
    function revealReference(uint256 project, uint256 round, bytes32 updateRoot, bytes32 salt, bytes32 fileDigest)
        external;
}

/// The market: projects, rounds, results and all money. Immutable, without admin, proxy or pause.
///
/// Assumed for correctness:
/// - an ERC-20 moves exactly what it is told and changes no balance by itself (what is received is measured, so a token
///   that takes a fee on the way in is refused; one that rebases would break the equation of its own projects only);
/// - for each result somebody honest recomputes it within W (refutations);
/// - block time is off by less than the shortest window.
/// Assumed for liveness only:
/// - somebody calls what is due: every step after funding may be sent by anyone;
/// - an honest aggregator with a bond; without one, rounds end FLAT;
/// - the token lets the market pay out; what it refuses stays as a credit and blocks nobody else.
///
/// Every call refuses with a typed error of `IMarketFacts`; wrong project numbers with `MarketUnknownProject` or, where
/// a phase is asked first, with `MarketWrongPhase(.., None, ..)`.
interface IMarket is IRegistry, ICourt, IMarketViews {
    /// Where the code of `ICourt` is.
    function courtOf() external view returns (address);

    // ----- owner -----
    /// Adds to a running project's escrow. Anyone. Emits `ProjectFunded`.
    /// @param amount Smallest units, not zero; equals the value sent in native projects.
    function fund(uint256 project, uint96 amount) external payable;

    // ----- trainers -----
    /// Commits the caller to one update of this round. Emits `Sealed`, and `MissDebited` if a unit was due.
    /// Requires: COMMIT; the caller holds the seat; nothing sealed there yet; one unit of stake; for the first seal of a round
    /// also that its base is the model that stands below.
    /// @param seal_ Low 216 bits of the hash that `Hashes.sealOf` defines, not zero.
    function seal(uint256 project, uint256 round, uint256 seat, bytes32 seal_) external;
    /// Opens the caller's seal; the update is public from here on. Emits `Revealed`.
    /// Requires: REVEAL; the seat is sealed and not revealed; the preimage matches.
    /// @param updateRoot Merkle root of the update, at least 2^216 (an honest root is smaller once in 2^40).
    /// @param fileDigest Digest of the CID under which the update can be fetched; in the event only.
    function reveal(uint256 project, uint256 round, uint256 seat, bytes32 updateRoot, bytes32 salt, bytes32 fileDigest)
        external;
    /// Credits to a seat's payout address what its cumulative pay exceeds what was taken out. Anyone.
    /// Requires: a FINAL round (any: a proof once kept is good for ever), a held seat, the account's proof, and a bucket that
    /// covers it. Emits `Claimed`.
    function claim(
        uint256 project,
        uint256 round,
        uint16 seat,
        Account calldata account,
        Opening calldata opening,
        bytes32[] calldata proof
    ) external;
    /// Credits a revealed seat's share of a FLAT round to who held the seat then. Anyone, once. Emits `FlatClaimed`.
    /// @param tenure Number of the past holder, or `tenureCountOf` for the present one.
    function claimFlat(uint256 project, uint256 round, uint16 seat, uint256 tenure) external;

    // ----- aggregators -----
    /// Adds to the caller's pool of bonds in a project. Requires: not convicted there. Emits `BondAdded`.
    function addBond(uint256 project, uint96 amount) external payable;
    /// Credits a part of the caller's bond to it. What stays covers all open results: max(bondFloor, locked) while anything
    /// is locked. Emits `BondRemoved`.
    function removeBond(uint256 project, uint96 amount) external;
    /// Posts the result of the lowest round without one, or replaces a PROPOSED result by strictly more seats, then rows.
    /// Requires: current previous commitment, reveal sum and count; no zero root; the model below kept unless merged; `paid` at
    /// most pot - fee; exact bitmaps; the first right of the last result's poster for T1; a free bond of max(bondFloor - locked,
    /// 1.5 pots). A post that includes every revealed seat and every possible row stands at once, any other after T_x.
    /// Emits `ResultPosted`.
    function post(uint256 project, uint256 round, Post calldata post_) external;

    // ----- anyone, when due -----
    /// Opens the next round and reserves its pot, or restarts a COMMIT without seals whose base no longer stands. Anyone.
    /// Requires: running project; the newest result stands; every round below has ended; fewer than D rounds open; escrow of
    /// one pot. Emits `RoundOpened`.
    function open(uint256 project) external;
    /// Settles a round with fewer seals than the minimum, or without a reveal: the pot returns. Anyone, once. Emits
    /// `RoundVoided`.
    function voidRound(uint256 project, uint256 round) external;
    /// Ends a round that got no result within T_dead of its REVEAL and of the project's last post or conviction: every
    /// revealed seat may take an equal share, rounded down. Anyone. Emits `RoundFlattened`.
    function flatten(uint256 project, uint256 round) external;
    /// Moves `tip`, `terminalUpTo` or both over the next round, if that is FLAT or VOID: needed only where it had ended before
    /// the one below. Anyone. Emits `RoundSkipped`.
    function skip(uint256 project) external;
    /// Takes away a result of a convicted poster, with every result above. Anyone. No money moves. Emits `ResultCleared`.
    function clear(uint256 project, uint256 round) external;
    /// Frees the bond behind a result that was cleared with one below it. Anyone. Emits `BondReleased`.
    function release(uint256 project, uint256 round) external;
    /// Makes a result FINAL: fee to the poster, `paid` to the bucket, the rest to the escrow. Anyone.
    /// Requires: STANDING for W, or for W + T_ans + T_ref and no ask open where anything was asked; the result below FINAL; the
    /// poster not convicted. Emits `RoundFinalised`.
    function finalise(uint256 project, uint256 round) external;
    /// Sends the caller's whole credit to `to`. Emits `Withdrawn`.
    /// @param token 0 = native coin.
    function withdraw(address token, address to) external;
    /// Sends the credit of 0x...dEaD there. Anyone. Emits `Withdrawn`.
    function burn(address token) external;
}
