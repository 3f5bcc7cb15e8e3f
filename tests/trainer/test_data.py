"""Adapters, options and splits; every refusal says what to change."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sample_projects import described
from sklearn import datasets

from market.errors import InputError
from trainer.data import dirichlet_partition, load, parse_specification, sized_partition, train_test_split
from trainer.readers import SETS, read_bundled

SEED = bytes(32)
PETS = {"shape": [2], "labels": ["cat", "dog"], "subtract": ["10", "-1"], "divide_by": ["2", "0.5"]}


@pytest.fixture
def pets():
    return described(data=PETS)


@pytest.fixture
def csv(tmp_path: Path):
    def write(content: str, name: str = "data.csv") -> str:
        (tmp_path / name).write_text(content)
        return str(tmp_path / name)

    return write


def test_load_bundled_digits__is_scaled_and_without_the_held_out_part(digits):
    rest, held_out = load("sklearn:digits", digits), load("sklearn:digits?test=1", digits)
    assert (len(rest), len(held_out)) == (1_438, 359)
    assert rest.inputs.dtype == np.float32
    assert rest.labels.dtype == np.int64
    assert (rest.inputs.min(), rest.inputs.max()) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("name", "features", "classes", "count"),
    [("wine", 13, 3, 142), ("breast_cancer", 30, 2, 455), ("iris", 4, 3, 120)],
)
def test_load_other_bundled_sets__takes_class_numbers(name, features, classes, count):
    description = described(data={"shape": [features], "labels": [f"class {i}" for i in range(classes)]})
    dataset = load(f"sklearn:{name}", description)
    assert dataset.inputs.shape == (count, features)
    assert set(dataset.labels) == set(range(classes))


@pytest.mark.parametrize("name", list(SETS))
def test_read_bundled__is_what_scikit_learn_loads(name):
    inputs, labels = read_bundled(name)
    expected = getattr(datasets, f"load_{name}")()
    assert np.array_equal(inputs, expected.data)
    assert np.array_equal(labels, expected.target)


def test_load_shards__are_disjoint_and_complete_and_repeat(digits):
    shards = [load(f"sklearn:digits?part={i}&parts=10&alpha=0.5&seed=3", digits) for i in range(10)]
    rest = load("sklearn:digits?seed=3", digits)
    rows = sorted(row.tobytes() for shard in shards for row in shard.inputs)
    assert rows == sorted(row.tobytes() for row in rest.inputs)
    again = load("sklearn:digits?part=4&parts=10&alpha=0.5&seed=3", digits)
    assert np.array_equal(again.inputs, shards[4].inputs)
    assert not np.array_equal(shards[4].labels, load("sklearn:digits?part=4&parts=10&seed=4", digits).labels)


def test_load_sized_shards__grow_in_proportion(digits):
    sizes = [len(load(f"sklearn:digits?part={i}&sizes=1:2:4:8", digits)) for i in range(4)]
    assert sizes == [95, 191, 383, 769]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("12,0,cat\n8,1.5,dog\n", ""),
        ("weight,length,kind\n12,0,cat\n8,1.5,dog\n", ""),
        ("kind,weight,length\ncat,12,0\ndog,8,1.5\n", "?label=kind"),
        ("cat,12,0\ndog,8,1.5\n", "?label=1"),
        ("\ufeffweight,length,kind\r\n 12 , 0,cat \r\n\r\n8,1.5,dog", ""),
        ('"weight","length","kind"\n"12","0","cat"\n"8","1.5","dog"\n', "?label=kind"),
        ("weight,length,kind\n12,0,0\n8,1.5,1.0\n", ""),
    ],
)
def test_load_csv__finds_header_and_label(csv, pets, content, options):
    dataset = load(csv(content) + options, pets)
    assert dataset.inputs.tolist() == [[1.0, 2.0], [-1.0, 5.0]]
    assert dataset.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", "", "E126 .*empty file"),
        ("a,b,kind\n", "", "E126 .*(no samples|sample)"),
        ("1,2,cat\n1,cat\n", "", "E126 .*row 2 has 2 cells, row 1 has 3"),
        ("a,b,kind\n1,2,cat\n1,x,dog\n", "", "E126 .*row 3: 'x' is not a number"),
        ("a,1,kind\n1,2,cat\n", "", "E126 .*row 1: 'a' is not a number"),
        ("1,2,cow\n", "", "E126 label 'cow' is not one of the project's: cat, dog"),
        ("1,2,2\n", "", "E126 label '2' is not one of the project's"),
        ("1,nan,cat\n", "", "E126 sample 0 holds a value that is not finite"),
        ("1,2,3,cat\n", "", r"E126 a sample has shape \[3\], the project takes \[2\]"),
        ("1;2;cat\n", "", "E126 .*one column only"),
        ("a,b,kind\n1,2,cat\n", "?label=sort", "E125 .*no column 'sort'; there are a, b, kind"),
        ("a,b,kind\n1,2,cat\n", "?label=4", "E125 .*no column '4'"),
        ("a,b,kind\n1,2,cat\n", "?label=0", "E125 .*no column '0'"),
        ("1,2,cat\n", "?colour=3", "E125 unknown option 'colour'; known: alpha"),
        ("1,2,cat\n", "?test", "E125 options 'test' are not key=value"),
        ("1,2,cat\n", "?test=0&test=1", "E125 an option stands twice"),
        ("1,2,cat\n", "?part=0", "E125 option part needs parts=N"),
        ("1,2,cat\n", "?part=1&parts=1", "E125 part must be a whole number from 0 to 0, got '1'"),
        ("1,2,cat\n", "?parts=1", "E125 part must be a whole number from 0 to 0, got ''"),
        ("1,2,cat\n", "?part=0&parts=1025", "E125 parts must be a whole number from 1 to 1024"),
        ("1,2,cat\n", "?test=2", "E125 test must be a whole number from 0 to 1, got '2'"),
        ("1,2,cat\n", "?limit=0", "E125 limit"),
        ("1,2,cat\n", "?part=0&parts=2", "E126 1 samples are too few for sizes"),
        ("1,2,cat\n", "?part=0&parts=2&alpha=0", "E125 alpha must be a number from 0.001"),
        ("1,2,cat\n", "?part=0&parts=2&alpha=nan", "E125 alpha"),
        ("1,2,cat\n", "?part=0&sizes=1:-2", "E125 sizes must be like 1:2:4:8, got '1:-2'"),
        ("1,2,cat\n", "?part=0&sizes=1:2&parts=2", "E125 sizes fixes the parts"),
        ("1,2,cat\n", "?test=1", "E126 .*no samples; check"),
    ],
)
def test_load_csv_wrong__says_what_and_where(csv, pets, content, options, message):
    with pytest.raises(InputError, match=message):
        load(csv(content) + options, pets)


def test_load_csv_latin1__refuses(tmp_path, pets):
    (tmp_path / "x.csv").write_bytes("1,2,Käfer\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"E126 .*not a CSV in UTF-8"):
        load(str(tmp_path / "x.csv"), pets)


@pytest.mark.parametrize(
    "labels", [np.array([1, 0, 1]), np.array([1.0, 0.0, 1.0]), np.array(["dog", "cat", "dog"])]
)
def test_load_npz_and_npy_pair__give_the_same(tmp_path, pets, labels):
    inputs = np.array([[12, 0], [8, 1], [10, -1]], dtype=np.int64)
    np.savez(tmp_path / "both.npz", X=inputs, y=labels)
    np.save(tmp_path / "X.npy", inputs)
    np.save(tmp_path / "y.npy", labels)
    for source in ("both.npz", "X.npy?labels=y.npy"):
        dataset = load(str(tmp_path / source), pets)
        assert dataset.inputs.tolist() == [[1, 2], [-1, 4], [0, 0]]
        assert dataset.labels.tolist() == [1, 0, 1]


class Exploding:
    def __reduce__(self):
        return (pytest.fail, ("data was unpickled",))


def test_load_pickled_objects__never_runs_them(tmp_path, pets):
    objects = np.array([Exploding()], dtype=object)
    np.savez(tmp_path / "a.npz", X=objects, y=np.zeros(1))
    np.save(tmp_path / "a.npy", objects)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Exploding()))
    for source in ("a.npz", "a.npy?labels=a.npy", "b.npy?labels=a.npy"):
        with pytest.raises(InputError, match=r"E126 .*Python objects, which are never loaded"):
            load(str(tmp_path / source), pets)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": np.zeros((2, 2))}, "E126 .*array y is missing; found X"),
        ({"X": np.zeros((2, 2)), "y": np.zeros(3, int)}, "E126 .*2 samples but 3 labels"),
        ({"X": np.zeros((2, 2)), "y": np.zeros((2, 1), int)}, "E126 labels have shape"),
        ({"X": np.zeros((2, 3)), "y": np.zeros(2, int)}, "E126 a sample has shape"),
        ({"X": np.zeros((2, 2), complex), "y": np.zeros(2, int)}, "E126 inputs are complex128"),
        ({"X": np.array([["1", "2"]]), "y": np.zeros(1, int)}, "E126 inputs are <U1, expected numbers"),
        ({"X": np.zeros((0, 2)), "y": np.zeros(0, int)}, "E126 .*"),
        ({"X": np.float64(3), "y": np.zeros(1, int)}, "E126 .*"),
        ({"X": np.zeros((1, 2)), "y": np.array([-1])}, "E126 label '-1'"),
        ({"X": np.full((1, 2), 1e300), "y": np.array([0])}, "E126 sample 0 holds a value that is not finite"),
    ],
)
def test_load_npz_wrong__refuses(tmp_path, pets, arrays, message):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(InputError, match=message):
        load(str(tmp_path / "x.npz"), pets)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("absent.csv", "E125 no such data: absent.csv; give a file, a folder or sklearn:NAME"),
        ("sklearn:mnist", "E125 no bundled set 'mnist'; there are digits"),
        ("sklearn:../digits", "E125 no bundled set"),
        ("", "E12[56]"),
        ("X\0.csv", "E12[56]"),
    ],
)
def test_load_unknown_source__refuses(pets, source, message):
    with pytest.raises(InputError, match=message):
        load(source, pets)


def test_load_unknown_kinds_of_file__refuses(tmp_path, pets):
    for name, content, message in [
        ("model.pt", b"PK", "E125 .*not one of"),
        ("x.npz", b"PK\x03\x04 damaged", "E126 .*cannot be read"),
        ("x.npz", b"", "E126"),
        ("x.npy", b"\x93NUMPY\x01\x00", "E126|E125"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message):
            load(str(tmp_path / name), pets)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("P", 3), ("RGBA", 1)])
def test_load_folder_of_pictures__resizes_and_names_classes(tmp_path, mode, channels):
    for name, value in (("cat", 0), ("dog", 255)):
        (tmp_path / name).mkdir()
        picture = Image.new("L", (5, 7), value).convert(mode)
        picture.save(tmp_path / name / "1.png")
    (tmp_path / "notes.txt").touch()
    shape = [channels, 4, 3]
    description = described(data={"shape": shape, "labels": ["cat", "dog"], "divide_by": "255"})
    dataset = load(str(tmp_path), description)
    assert dataset.inputs.shape == (2, *shape)
    assert [(image.min(), image.max()) for image in dataset.inputs] == [(0, 0), (1, 1)]
    assert dataset.labels.tolist() == [0, 1]


def test_load_folder_wrong__refuses(tmp_path, pets):
    pictures = described(data={"shape": [1, 2, 2], "labels": ["cat", "dog"]})
    with pytest.raises(InputError, match=r"E126 .*pictures are \[1 or 3, height, width\]"):
        load(str(tmp_path), pets)
    with pytest.raises(InputError, match=r"E126 .*no pictures; expected .*CLASS/picture.png"):
        load(str(tmp_path), pictures)
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "x.png").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"E126 .*not a readable picture"):
        load(str(tmp_path), pictures)


def test_parse_specification_of_a_file_with_question_mark__takes_it_whole(csv, pets):
    path = csv("1,2,cat\n", "odd?name=1.csv")
    assert parse_specification(path) == (path, {})
    assert len(load(path, pets)) == 1


@pytest.mark.parametrize(("count", "held_out"), [(1, 0), (2, 0), (3, 1), (5, 1), (1_797, 359)])
def test_train_test_split__covers_all_rows_once(count, held_out):
    kept, out = train_test_split(count, SEED)
    assert len(out) == held_out
    assert sorted([*kept, *out]) == list(range(count))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 12), st.floats(0.001, 100), st.integers(0, 300), st.binary(max_size=4))
def test_dirichlet_partition__covers_all_rows_with_a_minimum(parts, alpha, extra, seed):
    count = parts * 8 + extra
    labels = np.random.default_rng(extra).integers(0, 5, count)
    shards = dirichlet_partition(labels, parts, alpha, seed)
    assert sorted(np.concatenate(shards)) == list(range(count))
    assert min(map(len, shards)) >= 8


def test_dirichlet_partition_too_few__refuses():
    with pytest.raises(InputError, match="E126 79 samples are too few for 10 parts of at least 8"):
        dirichlet_partition(np.zeros(79, dtype=np.int64), 10, 0.5, SEED)
    assert len(dirichlet_partition(np.zeros(80, dtype=np.int64), 10, 0.5, SEED)) == 10


def test_dirichlet_partition_small_alpha__is_less_even_than_large():
    labels = np.repeat(np.arange(10), 100)

    def spread(alpha: float) -> float:
        return float(np.std([len(shard) for shard in dirichlet_partition(labels, 10, alpha, SEED)]))

    assert spread(0.1) > 2 * spread(100.0)


def test_sized_partition_too_few__refuses():
    with pytest.raises(InputError, match="E126 14 samples are too few"):
        sized_partition(14, [1, 2, 4, 8], SEED)
    assert [len(part) for part in sized_partition(15, [1, 2, 4, 8], SEED)] == [1, 2, 4, 8]
