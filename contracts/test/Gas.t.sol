// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Check, Tree} from "../src/checks/IChecks.sol";
import {Ask, Params, Phase, Post, Refutation} from "../src/types.sol";
import {MarketTest} from "./utils/MarketTest.sol";
import {Paths} from "./utils/Paths.sol";
import {Trees} from "./utils/Trees.sol";

/// What whole transactions cost: every measured call below is a transaction of its own (`isolate`), so that its 21,000, its
/// calldata and its cold words are counted. Compared with `snapshots/*.json`; refuses a drift above 1 %.
/// Update: UPDATE_SNAPSHOTS=true forge test --mc 'Gas|Size'
abstract contract GasBase is MarketTest {
    uint96 private constant WIDE_POT = 1200 ether;
    uint256 internal trainers; // that take part in each round

    struct Figure {
        string name;
        uint256 gas;
        uint256 bound; // 0 = none promised
    }

    Figure[] internal figures;

    // External, so that each starts with empty memory; what they call is part of one transaction and not measured.

    function registerAll(uint96 stake) external {
        for (uint256 seat; seat < trainers - 1; ++seat) {
            _registerWith(seat, stake);
        }
    }

    function sealRange(uint256 round, uint256 from, uint256 to) external {
        for (uint256 seat = from; seat < to; ++seat) {
            _seal(round, seat);
        }
    }

    function revealRange(uint256 round, uint256 from, uint256 to) external {
        for (uint256 seat = from; seat < to; ++seat) {
            _reveal(round, seat);
        }
    }

    function postAs(address poster, uint256 round) external {
        _post(poster, round);
    }

    function prepare(address poster, uint256 round, Post memory draft) external returns (Post memory) {
        return _prepare(poster, round, draft);
    }

    function draftOf(uint256 round) external view returns (Post memory) {
        return _draft(round);
    }

    /// The market's `post` as a transaction of its own.
    function _postAlone(address poster, uint256 round, Post memory draft) internal {
        Post memory post = this.prepare(poster, round, draft);
        vm.prank(poster);
        market.post(P, round, post);
    }

    function _registerWith(uint256 seat, uint96 stake) internal {
        market.register{value: _ready(_trainer(seat), stake)}(P, uint16(seat), _payout(seat), stake, new bytes32[](0));
    }

    function _note(string memory name, uint256 bound) internal {
        figures.push(Figure(name, vm.lastCallGas().gasTotalUsed, bound));
    }

    function _params() internal view virtual override returns (Params memory p) {
        p = super._params();
        if (seats > 12) p.pot = WIDE_POT;
        p.expectedSeats = uint16(trainers);
        p.minSeals = 3;
        p.minStake = p.pot / 3;
    }

    function _start() internal override {
        Params memory p = _params();
        _create(p);
        _fundWith(10 * p.pot);
        this.registerAll(2 * p.minStake);
        _registerWith(trainers - 1, 2 * p.minStake);
        _note("register", 0);
        _bond(aggregator, 6 * p.pot);
        _bond(liar, 6 * p.pot);
    }

    function _fundWith(uint96 amount) private {
        market.fund{value: _ready(owner, amount)}(P, amount);
        _note("fund", 0);
    }

    /// Three rounds to fill everything that fills up, then one that is measured.
    function _measure() internal {
        for (uint256 i; i < 3; ++i) {
            uint256 earlier = _open();
            this.sealRange(earlier, 0, trainers);
            if (_phase(earlier) == Phase.Commit) vm.warp(market.roundOf(P, earlier).commitEnd);
            this.revealRange(earlier, 0, trainers);
            this.postAs(aggregator, earlier);
        }
        vm.warp(block.timestamp + W);
        market.finalise(P, 1);
        _note("finalise, first", 70_000);
        market.finalise(P, 2);
        market.finalise(P, 3);
        _note("finalise", 70_000);
        _claimHere(3, 0, "claim, first of a seat", 80_000);

        market.open(P);
        _note("open", 0);
        _seal(4, 0);
        _note("seal, first of a round", 75_000);
        this.sealRange(4, 1, trainers - 2);
        _seal(4, trainers - 2);
        _note("seal", 55_000);
        _seal(4, trainers - 1);
        _note("seal, last of a round", 55_000);
        _reveal(4, 0);
        _note("reveal, first of a round", 65_000);
        this.revealRange(4, 1, trainers - 2);
        _reveal(4, trainers - 2);
        _note("reveal", 45_000);
        _reveal(4, trainers - 1);
        _note("reveal, last of a round", 45_000);
        _postAlone(aggregator, 4, this.draftOf(4));
        _note("post", 150_000);
        vm.warp(block.timestamp + W);
        market.finalise(P, 4);
        _claimHere(4, 0, "claim", 80_000);
    }

    function proofOf(uint256 round, uint256 seat) external view returns (bytes32[] memory proof) {
        (, proof) = Trees.prove(accountsOf[round], seat);
    }

    function _claimHere(uint256 round, uint256 seat, string memory name, uint256 bound) internal {
        bytes32[] memory proof = this.proofOf(round, seat);
        market.claim(P, round, uint16(seat), accountsOf[round][seat], openings[round], proof);
        _note(name, bound);
    }

    function _compare(string memory file) internal {
        string memory path = string.concat("snapshots/", file);
        bool update = vm.envOr("UPDATE_SNAPSHOTS", false);
        string memory json;
        for (uint256 i; i < figures.length; ++i) {
            Figure memory f = figures[i];
            if (update) json = vm.serializeUint("gas", f.name, f.gas);
            else _compareOne(path, f);
        }
        if (update) vm.writeJson(json, path);
        for (uint256 i; i < figures.length; ++i) {
            if (figures[i].bound != 0) assertLe(figures[i].gas, figures[i].bound, figures[i].name);
        }
    }

    function _compareOne(string memory path, Figure memory f) private view {
        uint256 expected = vm.parseJsonUint(vm.readFile(path), string.concat("['", f.name, "']"));
        assertApproxEqRel(
            f.gas, expected, 0.01e18, string.concat(f.name, ": UPDATE_SNAPSHOTS=true forge test --mc 'Gas|Size'")
        );
    }
}

/// forge-config: default.isolate = true
contract GasTenTest is GasBase {
    function setUp() public override {
        trainers = 10;
        super.setUp();
    }

    function test_gas_tenTrainers__staysWithinBounds() public {
        _measure();
        _exceptions();
        _compare("gas-10.json");
    }

    /// Calls that few rounds need.
    function _exceptions() private {
        uint256 round = _open(); // 5: seat 0 stays away, seat 1 seals and does not reveal
        for (uint256 seat = 1; seat < trainers; ++seat) {
            _seal(round, seat);
        }
        vm.warp(market.roundOf(P, round).commitEnd);
        for (uint256 seat = 2; seat < trainers; ++seat) {
            _reveal(round, seat);
        }
        vm.warp(market.roundOf(P, round).revealEnd);
        Post memory post = _draft(round);
        post.included[0] &= ~uint256(4);
        _postAlone(aggregator, round, post);
        _note("post with missed reveals", 0);
        _postAlone(liar, round, _draft(round));
        _note("post, replacement", 0);
        market.convict(P, round, watcher);
        _note("convict", 0);
        _postAlone(aggregator, round, _draft(round));
        _note("post again after a conviction", 0);

        _open();
        _seal(6, 2);
        _seal(6, 0);
        _note("seal after a pause", 0);
        _seal(6, 1);
        _note("seal after a missed reveal", 0);
        vm.warp(market.roundOf(P, 6).commitEnd);
        _reveal(6, 0);
        _reveal(6, 1);
        _reveal(6, 2);
        vm.warp(block.timestamp + DEAD + COMMIT + REVEAL);
        market.flatten(P, 6);
        _note("flatten", 0);
        market.claimFlat(P, 6, 0, 0);
        _note("claimFlat", 0);
        _open();
        vm.warp(market.roundOf(P, 7).commitEnd);
        market.voidRound(P, 7);
        _note("voidRound", 0);
        vm.warp(block.timestamp + W);
        market.finalise(P, 5);
        _leave(4);
        _note("leave", 0);
        vm.prank(_payout(4));
        market.withdraw(token, anyone);
        _note("withdraw", 0);
    }
}

/// Refutations and asks at the depth of the largest models; what the checks themselves cost is measured in `benchmarks`.
/// forge-config: default.isolate = true
contract GasDisputesTest is GasBase {
    uint256 private constant DEPTH = 20; // 976,563 leaves of 1e9 coefficients

    function setUp() public override {
        trainers = 10;
        super.setUp();
    }

    function _params() internal view override returns (Params memory p) {
        p = super._params();
        p.coefficients = 1e9;
    }

    bytes32[] private nodes;
    bytes32[] private above;
    bytes32[] private path;
    bytes private leaf;

    function fill() external {
        nodes = Paths.siblings(256, "nodes");
        above = Paths.siblings(DEPTH - 8, "above");
        path = Paths.siblings(DEPTH, "path");
        leaf = abi.encodePacked(Paths.siblings(64, "leaf")); // 2 KiB without zeros, more or less
    }

    function answers() external view returns (bytes memory ofNodes, bytes memory ofLeaf) {
        ofNodes = abi.encodePacked(nodes, above);
        ofLeaf = abi.encodePacked(leaf, path);
    }

    function disputed(uint256 round) external view returns (Post memory post) {
        post = _draft(round);
        post.roots.steps = Paths.climb(Paths.reduce(nodes), 1, above); // as deep as a delta, but never opened here
        post.roots.delta = Paths.climb(Paths.leaf(5, leaf), 5, path);
    }

    function question(uint256 round, Tree tree, uint256 level, uint256 index) external view returns (Ask memory q) {
        (q.tree, q.level, q.index) = (tree, level, index);
        (q.included, q.rows, q.roots) = (posts[round].included, posts[round].rows, posts[round].roots);
    }

    function refutation(uint256 round) external view returns (Refutation memory x) {
        x.check = Check.Gram;
        (x.included, x.rows, x.roots) = (posts[round].included, posts[round].rows, posts[round].roots);
        x.evidence = hex"01";
    }

    /// EIP-7623, which the compiler's target does not know: at least 10 gas for each zero byte and 40 for each other.
    function _noteFloored(string memory name, uint256 bound, bytes memory data) private {
        uint256 least = 21_000;
        for (uint256 i; i < data.length; ++i) {
            least += data[i] == 0 ? 10 : 40;
        }
        uint256 used = vm.lastCallGas().gasTotalUsed;
        figures.push(Figure(name, used > least ? used : least, bound));
    }

    function _askFor(uint256 round, Tree tree, uint256 level, uint256 index) private {
        Ask memory q = this.question(round, tree, level, index);
        vm.deal(watcher, 1 ether);
        vm.prank(watcher);
        market.ask{value: 1 ether}(P, round, q);
    }

    function _answered(uint256 id, string memory name, uint256 bound, bytes memory data) private {
        vm.prank(aggregator);
        market.answer(id, data);
        _noteFloored(name, bound, data);
    }

    function test_gas_disputes__staysWithinBounds() public {
        delete figures;
        this.fill();
        uint256 round = _open();
        this.sealRange(round, 0, trainers);
        this.revealRange(round, 0, trainers);
        Post memory post = this.disputed(round);
        // The delta tree has 256 known nodes in one test and a known leaf in the next.
        (bytes memory ofNodes, bytes memory ofLeaf) = this.answers();
        _postAlone(liar, round, post);
        _askFor(round, Tree.Delta, 0, 5);
        _note("ask, first about a result", 0);
        _answered(1, "answer, leaf of 2 KiB", 150_000, ofLeaf);
        _askFor(round, Tree.Delta, 0, 5);
        _note("ask", 0);
        market.convict(P, round, watcher);
        market.settleAsk(2);
        _note("settleAsk", 0);
        post.roots.delta = post.roots.steps;
        vm.warp(block.timestamp + T1);
        _postAlone(aggregator, round, post);
        _askFor(round, Tree.Delta, 8, 1);
        _answered(3, "answer, 256 nodes", 390_000, ofNodes);
        _askFor(round, Tree.Delta, 8, 1);
        vm.warp(block.timestamp + T_ANS);
        market.convictSilent(4);
        _note("convictSilent", 0);
        _compare("gas-disputes.json");
    }

    function test_gas_refute__staysWithinBounds() public {
        delete figures;
        uint256 round = _open();
        this.sealRange(round, 0, trainers);
        this.revealRange(round, 0, trainers);
        _postAlone(liar, round, this.draftOf(round));
        Refutation memory x = this.refutation(round);
        vm.prank(watcher);
        market.refute(P, round, x);
        _note("refute, without its check", 150_000);
        _compare("gas-refute.json");
    }
}

/// forge-config: default.isolate = true
contract GasThousandTest is GasBase {
    function setUp() public override {
        trainers = 1000;
        seats = 1000;
        super.setUp();
    }

    function test_gas_thousandTrainers__staysWithinBounds() public {
        _measure();
        _compare("gas-1000.json");
    }
}

/// Bytes of code; the ceiling is that of Ethereum (EIP-170, EIP-3860).
contract SizeTest is GasBase {
    function setUp() public override {}

    function test_size_contracts__stayBelowTheCeiling() public {
        figures.push(Figure("Market runtime", vm.getDeployedCode("Market.sol:Market").length, 24_575));
        figures.push(Figure("Market creation", vm.getCode("Market.sol:Market").length, 49_152));
        figures.push(Figure("Registry runtime", vm.getDeployedCode("Registry.sol:Registry").length, 24_575));
        figures.push(Figure("Court runtime", vm.getDeployedCode("Court.sol:Court").length, 24_575));
        figures.push(Figure("TreeChecks runtime", vm.getDeployedCode("TreeChecks.sol:TreeChecks").length, 24_575));
        figures.push(Figure("RuleChecks runtime", vm.getDeployedCode("RuleChecks.sol:RuleChecks").length, 24_575));
        figures.push(Figure("PayChecks runtime", vm.getDeployedCode("PayChecks.sol:PayChecks").length, 24_575));
        _compare("sizes.json");
    }
}
