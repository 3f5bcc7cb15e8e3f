"""Raw logs: what can be read is, what cannot is kept; blocks and filters of synthetic chains are like real ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from market.chain.blocks import Header, RawLog, bloom_of, encode_event, header_of, log_of, may_have_logs
from market.chain.rpc import Rpc
from market.errors import ChainError
from market.events import EVENTS
from market.index.following import MovedError, PartialError, read_recent, read_settled
from market.index.logs import ORDINARY, UNREADABLE, decode, read_log, split_topics
from tests.index.simulator import INTERFACE, MARKET, SimChain, script
from tests.stateful.world import someone


def chain() -> SimChain:
    """A short chain."""
    made = SimChain()
    made.play(script("final"))
    return made


def logs() -> list[RawLog]:
    """All its logs."""
    return [log for block in chain().blocks for log in block.logs]


def test_read_log_every_kind__gives_the_event_back() -> None:
    for raw in logs():
        read = read_log(raw)
        assert read.event is not None
        assert encode_event(INTERFACE, read.event) == (raw.topics, raw.data)
        assert split_topics(read.row(folded=True)["topics"]) == raw.topics


def test_read_log_seals_and_reveals__are_what_the_decoder_reads() -> None:
    bulk = [raw for raw in logs() if read_log(raw).name in ("Sealed", "Revealed")]
    assert len(bulk) == 12
    for raw in bulk:
        name, args = decode(raw.topics, raw.data)
        assert read_log(raw).event == EVENTS[name].from_abi(list(args.values()))
        assert read_log(raw).project == args["project"]


@pytest.mark.parametrize("size", [0, 31, 63, 65, 96])
def test_read_log_seal_of_wrong_length__is_left_to_the_decoder(size: int) -> None:
    raw = next(raw for raw in logs() if read_log(raw).name == "Sealed")
    read = read_log(replace(raw, data=(raw.data * 2)[:size]))

    assert (read.event is None) == (size < 64)


def test_row__lists_all_but_seals_and_reveals() -> None:
    rows = [read_log(raw).row(folded=True) for raw in logs()]

    assert {row["listed"] for row in rows if row["name"] in ("Sealed", "Revealed")} == {None}
    assert {row["listed"] for row in rows if row["name"] not in ("Sealed", "Revealed")} == {ORDINARY}
    assert {(row["project"], row["round"]) for row in rows if row["name"] == "Revealed"} == {(1, 1), (1, 2)}


@pytest.mark.parametrize(
    "damage",
    [
        {"topics": ()},
        {"topics": (b"\x77" * 32,)},
        {"data": b""},
        {"data": b"\xff" * 31},
    ],
    ids=str,
)
def test_read_log_damaged__is_unreadable_and_no_error(damage: dict[str, object]) -> None:
    raw = next(raw for raw in logs() if read_log(raw).name == "RoundOpened")
    read = read_log(replace(raw, **damage))  # type: ignore[arg-type]

    assert read.event is None
    assert read.row(folded=False)["listed"] == UNREADABLE


def test_decode_number_beyond_64_bits__is_left_out_of_the_row() -> None:
    raw = next(raw for raw in logs() if read_log(raw).name == "ProjectFunded")
    huge = replace(raw, topics=(raw.topics[0], b"\xff" * 32, raw.topics[2]))

    assert read_log(huge).project is None
    assert decode(huge.topics, huge.data)[0] in ("", "ProjectFunded")


# ----- stretches -----


def test_read_recent__every_header_and_only_blocks_with_logs() -> None:
    made = chain()
    first = made.first_block
    stretch = read_recent(made, first, first + 9, None)

    assert list(stretch.headers) == list(range(first, first + 10))
    assert set(stretch.logs) == {b.header.number for b in made.blocks[:10] if b.logs}


@pytest.mark.parametrize("name", ["hash", "parent"])
def test_read_recent_links_broken__moved(name: str) -> None:
    made = chain()
    block = made.blocks[4]
    made.blocks[4] = replace(block, header=replace(block.header, **{name: b"\0" * 32}))

    with pytest.raises(MovedError):
        read_recent(made, made.first_block, made.first_block + 9, None)


def test_read_recent_other_parent_below__moved() -> None:
    with pytest.raises(MovedError, match="has parent"):
        read_recent(chain(), chain().first_block, chain().first_block, b"\1" * 32)


@pytest.mark.parametrize("read", [read_recent, read_settled])
def test_read_logs_of_another_branch__moved(read: object) -> None:
    made = chain()
    at = next(n for n, block in enumerate(made.blocks) if block.logs)
    block = made.blocks[at]
    made.blocks[at] = replace(block, logs=tuple(replace(log, block_hash=b"\2" * 32) for log in block.logs))
    first = made.first_block

    with pytest.raises(MovedError, match="another branch"):
        read_recent(made, first, first + at, None) if read is read_recent else read_settled(
            made, first, first + at
        )


def test_read_settled_log_outside_the_range__partial() -> None:
    made = chain()
    at = next(n for n, block in enumerate(made.blocks) if block.logs)
    block = made.blocks[at]
    made.blocks[at] = replace(block, logs=tuple(replace(log, block=999) for log in block.logs))

    with pytest.raises(PartialError, match="got one of block 999"):
        read_settled(made, made.first_block, made.first_block + at)


def test_read_recent_no_such_block__moved() -> None:
    made = chain()
    with pytest.raises(MovedError, match="no block"):
        read_recent(made, made.head(), made.head() + 1, None)


# ----- blooms and node answers -----


def test_bloom__admits_its_addresses_and_hardly_others() -> None:
    bloom = bloom_of([MARKET])

    assert may_have_logs(bloom, MARKET)
    assert may_have_logs(bloom, MARKET.lower())
    assert not any(may_have_logs(bloom, someone(number)) for number in range(1, 50))
    assert not may_have_logs(bytes(256), MARKET)


def test_header_of__reads_a_nodes_block() -> None:
    raw = {"number": "0x10", "hash": "0x" + "01" * 32, "parentHash": "0x" + "02" * 32, "timestamp": "0x5"}

    assert header_of(raw) == Header(16, b"\1" * 32, b"\2" * 32, 5)
    assert header_of({**raw, "logsBloom": "0x" + "00" * 256}).bloom == bytes(256)


def test_log_of__reads_a_nodes_log() -> None:
    raw = {
        "address": MARKET,
        "topics": ["0x" + "03" * 32],
        "data": "0x0405",
        "blockNumber": "0x10",
        "blockHash": "0x" + "01" * 32,
        "logIndex": "0x2",
        "transactionHash": "0x" + "06" * 32,
    }

    assert log_of(raw) == RawLog(MARKET, (b"\3" * 32,), b"\4\5", 16, b"\1" * 32, 2, b"\6" * 32)


class Refusing:
    """A node that gives logs of at most so many blocks."""

    url = "http://node"

    def __init__(self, most: int) -> None:
        self.most = most
        self.asked: list[tuple[int, int]] = []

    def request(self, method: str, params: list[dict[str, str]]) -> list[object]:
        from market.chain.errors import RpcError

        first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
        self.asked.append((first, last))
        if last - first >= self.most:
            raise RpcError.of({"code": -32000, "message": "too many blocks"})
        return []


@pytest.mark.parametrize(("most", "questions"), [(8, 1), (4, 3), (1, 15)])
def test_logs_range_refused__is_halved(most: int, questions: int) -> None:
    source, node = blocks_of(most)

    assert source.logs(1, 8) == []
    assert len(node.asked) == questions


def test_logs_one_block_refused__ends() -> None:
    source, _ = blocks_of(0)

    with pytest.raises(ChainError, match=r"E206 .*gives no logs of block 1"):
        source.logs(1, 2)


def blocks_of(most: int) -> tuple[object, Refusing]:
    from market.chain.blocks import ChainBlocks

    node = Refusing(most)

    class Gateway:
        rpc: Rpc | Refusing = node
        deployment = chain().deployment

    return ChainBlocks(Gateway()), node  # type: ignore[arg-type]
