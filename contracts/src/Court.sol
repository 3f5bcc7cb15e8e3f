// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {MarketBase} from "./MarketBase.sol";
import {Check, Facts, IChecks, Tree} from "./checks/IChecks.sol";
import {Layout} from "./checks/Layout.sol";
import {RowsOf} from "./checks/RowsOf.sol";
import {SCALARS} from "./checks/StepTree.sol";
import {ICourt} from "./interfaces/IMarket.sol";
import {Asks} from "./libraries/Asks.sol";
import {Hashes} from "./libraries/Hashes.sol";
import {Results} from "./libraries/Results.sol";
import {Aggregator, BURN_ADDRESS, OpenAsk, Project, ROOT_FLOOR, Round} from "./state.sol";
import {Ask, Below, Refutation, Roots} from "./types.sol";
import {Verdict} from "./words.sol";

/// Refutations and asks: the market runs this code in its own storage, like that of `Registry`. Which contracts check numbers
/// is fixed by the constructor; they are pure, and see nothing but the facts that this contract has verified.
contract Court is ICourt, MarketBase {
    uint256 private constant RULE_SLOTS = 34; // slots 1 .. 34 of the steps are the rule's and novelty's, the others pay's
    uint256 private constant RULE_SCALARS = 8; // scalars 0 .. 7 likewise
    IChecks private immutable TREE_CHECKS;
    IChecks private immutable RULE_CHECKS;
    IChecks private immutable PAY_CHECKS;
    address private immutable SELF = address(this);

    constructor(address tree, address rule, address pay) {
        _expectCode(tree);
        _expectCode(rule);
        _expectCode(pay);
        TREE_CHECKS = IChecks(tree);
        RULE_CHECKS = IChecks(rule);
        PAY_CHECKS = IChecks(pay);
    }

    modifier onlyInMarket() {
        if (address(this) == SELF) revert MarketCodeOnly();
        _;
    }

    /// The contracts that check numbers: trees, rule, pay.
    function checks() external view returns (address tree, address rule, address pay) {
        return (address(TREE_CHECKS), address(RULE_CHECKS), address(PAY_CHECKS));
    }

    // ----- refutations -----

    function refute(uint256 project, uint256 round, Refutation calldata x) external onlyInMarket {
        (Project storage p, Round storage r) = _refutable(project, round);
        if (!_isWrong(p, r, project, round, x)) revert MarketNotRefuted(x.check, x.a, x.b, x.c);

        emit ResultRefuted(project, round, msg.sender, x.check, x.a, x.b, x.c);
        _convict(p, r, project, round, msg.sender);
    }

    // ----- asks -----

    function ask(uint256 project, uint256 round, Ask calldata q)
        external
        payable
        onlyInMarket
        nonReentrant
        returns (uint256 id)
    {
        if (msg.value != 0) _pull(address(0), uint96(msg.value));
        (Project storage p, Round storage r) = _refutable(project, round);
        Verdict v = r.verdict;
        uint256 end = v.standsAt() + p.windows.challenge;
        if (block.timestamp >= end) revert MarketTooLate(block.timestamp, end);
        OpenAsk memory a = _draft(p, r, project, round, q);
        a.posting = Asks.postingOf(r.commitment, v);
        uint256 size = Asks.answerBytes(a);
        uint256 open = _openAsks[a.posting];
        (uint256 base, uint256 surplus) = Asks.price(size, _limits.askFloor, open);
        if (msg.value < base + surplus) revert MarketPriceTooLow(msg.value, base + surplus);
        // SAFETY: not above the value, which has 96 bits since it is held.
        a.price = uint96(base);
        uint256 rest = msg.value - base - surplus;

        id = ++askCount;
        _asks[id] = a;
        _openAsks[a.posting] = open + 1;
        if (!v.asked()) r.verdict = v.withAsked();
        if (surplus != 0) _credit(address(0), BURN_ADDRESS, surplus);
        if (rest != 0) _credit(address(0), msg.sender, rest);

        emit Asked(
            project,
            round,
            id,
            msg.sender,
            a.tree,
            a.row,
            a.level,
            a.index,
            a.root,
            uint32(size),
            a.price,
            uint96(surplus),
            uint96(rest),
            a.due
        );
    }

    function answer(uint256 id, bytes calldata answer_) external onlyInMarket {
        OpenAsk memory a = _openAsk(id);
        if (!_counts(a)) revert MarketResultGone(id);
        uint256 expected = Asks.answerBytes(a);
        if (answer_.length != expected) revert MarketAnswerLength(answer_.length, expected);
        bytes32 root = Asks.rootOf(a, _projects[a.project].rounds[a.round].poster, answer_);
        if (root != a.root) revert MarketWrongAnswer(root, a.root);

        _close(id, a, msg.sender);

        emit Answered(a.project, a.round, id, msg.sender, a.price, answer_);
    }

    function convictSilent(uint256 id) external onlyInMarket {
        OpenAsk memory a = _openAsk(id);
        if (!_counts(a)) revert MarketResultGone(id);
        if (block.timestamp < a.due) revert MarketTooEarly(block.timestamp, a.due);
        (Project storage p, Round storage r) = _refutable(a.project, a.round);

        _close(id, a, a.asker);
        emit AskSettled(a.project, a.round, id, a.asker, a.price);
        _convict(p, r, a.project, a.round, a.asker);
    }

    function settleAsk(uint256 id) external onlyInMarket {
        OpenAsk memory a = _openAsk(id);
        if (_counts(a)) revert MarketResultCounts(id);

        _close(id, a, a.asker);

        emit AskSettled(a.project, a.round, id, a.asker, a.price);
    }

    // ----- conviction -----

    /// What a refutation that checks, or an ask without an answer, does. INVARIANT: no other way takes a bond.
    function _convict(Project storage p, Round storage r, uint256 project, uint256 round, address refuter) internal {
        address poster = r.poster;
        uint96 bond = p.aggregators[poster].bond;
        uint96 third = bond / 3; // the escrow gets what rounding leaves
        p.aggregators[poster] = Aggregator({bond: 0, locked: 0, banned: true});
        r.pot += third;
        p.escrowAndBucket = p.escrowAndBucket.plus(bond - 2 * third, 0);
        _credit(p.frozen.token, refuter, third);
        Results.remove(p, r, round);

        emit ResultConvicted(project, round, poster, refuter, third, third, bond - 2 * third);
    }

    /// A result that counts, is not FINAL, and whose poster still has something to lose.
    function _refutable(uint256 project, uint256 round) internal view returns (Project storage p, Round storage r) {
        _expect(project, round, phaseOf(project, round), IN_PROPOSED | IN_STANDING);
        p = _projects[project];
        r = p.rounds[round];
        if (p.aggregators[r.poster].banned) revert MarketBanned(r.poster);
    }

    // ----- steps of refutations -----

    function _isWrong(Project storage p, Round storage r, uint256 project, uint256 round, Refutation calldata x)
        private
        view
        returns (bool)
    {
        _expectPreimage(p, r, project, round, x.included, x.rows, x.roots);
        _expectBelow(p, r, x.below);
        if (x.check == Check.Update && _isHidden(p, round, x.included, x.rows, x.a)) {
            if (x.evidence.length != 0) revert MarketEvidenceNotEmpty(x.evidence.length);
            return true;
        }
        Facts memory f = _facts(p, r, round, x);
        return _checksFor(x.check, x.a, x.b).wrong(f, x.check, x.a, x.b, x.c, x.evidence);
    }

    function _checksFor(Check check, uint256 a, uint256 b) private view returns (IChecks) {
        if (check != Check.Step) return TREE_CHECKS;
        bool isRule = a == 0 ? b < RULE_SCALARS : a <= RULE_SLOTS;
        return isRule ? RULE_CHECKS : PAY_CHECKS;
    }

    /// Whether an included seat, a reference or a served past file was never revealed: then nobody can open it, and nobody has to.
    function _isHidden(
        Project storage p,
        uint256 round,
        uint256[] calldata included,
        uint256[] calldata rows,
        uint256 row
    ) private view returns (bool) {
        uint256 seats = p.terms.seats();
        if (!RowsOf.isPresent(seats, included, rows, row)) return false;
        return (row <= seats || row >= RowsOf.firstPast(seats)) && _slotOf(p, seats, round, row) < ROOT_FLOOR;
    }

    function _facts(Project storage p, Round storage r, uint256 round, Refutation calldata x)
        private
        view
        returns (Facts memory f)
    {
        Verdict v = r.verdict;
        f.seats = p.terms.seats();
        f.coefficients = p.frozen.coefficients;
        f.poster = r.poster;
        f.seed = Hashes.seedOf(r.tally.revealSum());
        // SAFETY: a pot does not change while a result counts, and it was this one when `paid` was compared with it.
        f.toPay = r.pot - p.terms.fee();
        f.unit = p.terms.unit();
        f.paid = v.paid();
        f.merged = v.merged();
        f.start = v.prev() == 0;
        if (x.b < f.seats) {
            f.firstB = p.seats[x.b].holder.firstRound() == round;
            f.sealedB = r.slots[x.b] != 0;
        }
        if (x.c < f.seats) f.firstC = p.seats[x.c].holder.firstRound() == round;
        f.roots = x.roots;
        if (x.below.length != 0) f.below = x.below[0].roots;
        f.below.model = p.rounds[v.prev()].modelRoot;
        f.included = x.included;
        f.rows = x.rows;
        f.files = _files(p, round, x);
    }

    /// Roots of the files that a check reads.
    function _files(Project storage p, uint256 round, Refutation calldata x) private view returns (bytes32[] memory) {
        uint256 seats = p.terms.seats();
        bool inUpdate = x.check == Check.Presence && x.a == uint256(Tree.Update);
        if (inUpdate || x.check == Check.Sketch || x.check == Check.Update) {
            uint256 row = inUpdate ? x.c : x.a;
            if (!RowsOf.isPresent(seats, x.included, x.rows, row)) return new bytes32[](0);
            return _one(_fileOf(p, seats, round, row, x.below));
        }
        if (x.check == Check.Column && x.c < seats && RowsOf.isPresent(seats, x.included, x.rows, x.c)) {
            return _one(bytes32(p.rounds[round].slots[x.c]));
        }
        if (x.check == Check.Delta && seats <= Layout.COLUMN_SEATS) return _included(p, seats, round, x);
        return new bytes32[](0);
    }

    function _included(Project storage p, uint256 seats, uint256 round, Refutation calldata x)
        private
        view
        returns (bytes32[] memory files)
    {
        files = new bytes32[](seats);
        uint256 count;
        for (uint256 seat; seat < seats; ++seat) {
            if (!RowsOf.isPresent(seats, x.included, x.rows, seat)) continue;
            files[count++] = bytes32(p.rounds[round].slots[seat]);
        }
        assembly ("memory-safe") {
            mstore(files, count)
        }
    }

    function _one(bytes32 root) private pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = root;
    }

    /// Root of the update file of a row of sketches that is present.
    function _fileOf(Project storage p, uint256 seats, uint256 round, uint256 row, Below[] calldata below)
        private
        view
        returns (bytes32)
    {
        if (row <= seats || row >= RowsOf.firstPast(seats)) return bytes32(_slotOf(p, seats, round, row));
        uint256 age = row - RowsOf.delta(seats, 0);
        if (age >= below.length) revert MarketBelowCount(below.length, age + 1);
        return below[age].roots.delta;
    }

    /// Slot behind the row of a seat, of the reference or of a past file.
    function _slotOf(Project storage p, uint256 seats, uint256 round, uint256 row) private view returns (uint256) {
        if (row <= seats) return p.rounds[round].slots[row];
        uint256 at = row - RowsOf.firstPast(seats);
        // SAFETY: `post` refuses files of rounds that do not exist.
        return p.rounds[round - 1 - at / seats].slots[at % seats];
    }

    /// INVARIANT: what a check sees is what was posted, to the bit.
    function _expectPreimage(
        Project storage p,
        Round storage r,
        uint256 project,
        uint256 round,
        uint256[] calldata included,
        uint256[] calldata rows,
        Roots calldata roots
    ) private view {
        Verdict v = r.verdict;
        bytes32 context = Hashes.contextOf(
            project,
            round,
            p.rounds[v.prev()].commitment,
            r.poster,
            keccak256(abi.encodePacked(included)),
            keccak256(abi.encodePacked(rows)),
            Hashes.seedOf(r.tally.revealSum()),
            uint96(v.paid())
        );
        bytes32 commitment = Hashes.commitmentOf(context, roots.accounts, Hashes.workingsOf(roots));
        if (commitment != r.commitment) revert MarketWrongOpening(commitment, r.commitment);
    }

    /// The results below, newest first.
    function _expectBelow(Project storage p, Round storage r, Below[] calldata below) private view {
        uint256 at = r.verdict.prev();
        for (uint256 k; k < below.length; ++k) {
            if (at == 0) revert MarketBelowCount(below.length, k);
            Round storage lower = p.rounds[at];
            Roots calldata roots = below[k].roots;
            bytes32 commitment = Hashes.commitmentOf(below[k].context, roots.accounts, Hashes.workingsOf(roots));
            if (commitment != lower.commitment) revert MarketWrongOpening(commitment, lower.commitment);
            at = lower.verdict.prev();
        }
    }

    // ----- steps of asks -----

    /// An ask for a place that every honest result has, without posting and price.
    function _draft(Project storage p, Round storage r, uint256 project, uint256 round, Ask calldata q)
        private
        view
        returns (OpenAsk memory a)
    {
        _expectPreimage(p, r, project, round, q.included, q.rows, q.roots);
        _expectBelow(p, r, q.below);
        uint256 seats = p.terms.seats();
        uint256 coefficients = p.frozen.coefficients;
        uint256 depth = Layout.depth(q.tree, seats, coefficients);
        bytes32 root = _rootOf(p, seats, round, q);
        bool isThere = q.level <= depth && q.index >> (depth - q.level) == 0 && root != 0;
        if (isThere && q.level == 0) {
            isThere = Layout.isPresent(seats, coefficients, q.included, q.rows, q.tree, q.index);
        }
        // INVARIANT: whoever has the honest trees can answer every ask.
        if (!isThere) revert MarketNoSuchPlace(q.tree, q.level, q.index);
        // SAFETY: trees have at most 33 levels, rows are below 2^12, and leaves below 2^15 bytes.
        return OpenAsk({
            posting: 0,
            root: root,
            asker: msg.sender,
            price: 0,
            project: uint48(project),
            round: uint24(round),
            due: uint40(block.timestamp + p.windows.answer),
            index: uint40(q.index),
            row: uint16(q.row),
            leafSize: uint16(Layout.leafSize(q.tree, seats)),
            depth: uint8(depth),
            level: uint8(q.level),
            tree: q.tree
        });
    }

    /// Root of the tree that is asked about, zero where there is none.
    function _rootOf(Project storage p, uint256 seats, uint256 round, Ask calldata q) private view returns (bytes32) {
        if (q.tree == Tree.Update) {
            if (!RowsOf.isPresent(seats, q.included, q.rows, q.row)) return 0;
            return _fileOf(p, seats, round, q.row, q.below);
        }
        if (q.row != 0) return 0;
        if (q.tree == Tree.Sketches) return q.roots.sketches;
        if (q.tree == Tree.Gram) return q.roots.gram;
        if (q.tree == Tree.Steps) return q.roots.steps;
        if (q.tree == Tree.Accounts) return q.roots.accounts;
        if (q.tree == Tree.Columns) return q.roots.columns;
        return q.tree == Tree.Delta ? q.roots.delta : q.roots.model;
    }

    function _openAsk(uint256 id) private view returns (OpenAsk memory a) {
        a = _asks[id];
        if (a.posting == 0) revert MarketAskClosed(id);
    }

    function _close(uint256 id, OpenAsk memory a, address receiver) private {
        delete _asks[id];
        --_openAsks[a.posting];
        if (a.price != 0) _credit(address(0), receiver, a.price);
    }
}
