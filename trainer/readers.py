"""File formats -> raw arrays, one function each. Never unpickles, never follows what a file says blindly."""

from __future__ import annotations

import csv
import gzip
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from market.errors import InputError

Raw = tuple[NDArray[np.generic], NDArray[np.generic]]
BUNDLED = "sklearn:"
SETS = {
    "digits": "digits.csv.gz",
    "wine": "wine_data.csv",
    "breast_cancer": "breast_cancer.csv",
    "iris": "iris.csv",
}
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm"}


def read(source: str, options: dict[str, str], shape: tuple[int, ...]) -> Raw:
    """Inputs [n, ...] and labels [n] as the file holds them. Raises InputError E125, E126."""
    if source.startswith(BUNDLED):
        return read_bundled(source.removeprefix(BUNDLED))
    path = Path(source)
    try:
        if path.is_dir():
            return read_folder(path, shape)
        reader = {".npz": read_npz, ".npy": read_npy, ".csv": read_csv}.get(path.suffix.lower())
        if not path.is_file():
            raise InputError("E125", f"no such data: {source}; give a file, a folder or {BUNDLED}NAME")
        if reader is None:
            raise InputError("E125", f"{source}: not one of .npz, .npy, .csv or a folder of pictures")
        return reader(path, options)
    except OSError as error:
        raise InputError("E126", f"{source}: {error.strerror or error}") from None


def read_bundled(name: str) -> Raw:
    """One of scikit-learn's bundled sets; nothing is downloaded."""
    if name not in SETS:
        raise InputError("E125", f"no bundled set {name!r}; there are {', '.join(SETS)}")
    found = find_spec("sklearn")
    folders = found.submodule_search_locations if found else None
    if not folders:
        raise InputError("E125", f"{BUNDLED}{name} needs scikit-learn: pip install scikit-learn")
    # its files are read directly: importing scikit-learn takes seconds, and ten trainers may share two cores
    path = Path(folders[0]) / "datasets" / "data" / SETS[name]
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        table = np.loadtxt(file, delimiter=",", skiprows=0 if path.suffix == ".gz" else 1)
    return table[:, :-1], table[:, -1].astype(np.int64)


def read_npz(path: Path, _options: dict[str, str]) -> Raw:
    """Arrays `X` [n, ...] and `y` [n] of an .npz file."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if missing := {"X", "y"} - set(arrays.files):
                found = ", ".join(arrays.files[:8])
                raise InputError("E126", f"{path}: array {min(missing)} is missing; found {found or 'none'}")
            return arrays["X"], arrays["y"]
    except InputError:
        raise
    except Exception as error:  # zip and header errors come in many types
        raise InputError("E126", f"{path}: {_reason(error)}") from None


def read_npy(path: Path, options: dict[str, str]) -> Raw:
    """Inputs in `path`, labels in the file named by `labels=`, relative to the folder of `path`."""
    if "labels" not in options:
        raise InputError("E125", f"{path}: name the file of labels, {path.name}?labels=y.npy")
    pair = []
    for file in (path, path.parent / options["labels"]):
        try:
            pair.append(np.load(file, allow_pickle=False))
        except OSError:
            raise
        except Exception as error:
            raise InputError("E126", f"{file}: {_reason(error)}") from None
    if not all(isinstance(array, np.ndarray) for array in pair):
        raise InputError("E126", f"{path}: holds several arrays; name it .npz")
    return pair[0], pair[1]


def _reason(error: Exception) -> str:
    if "pickle" in str(error):
        return "holds Python objects, which are never loaded; save plain numbers"
    return f"cannot be read ({str(error)[:80]})"


def read_csv(path: Path, options: dict[str, str]) -> Raw:
    """Numbers and one label column: the last, or `label=` by name or number (from 1); header or not."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError("E126", f"{path}: not a CSV in UTF-8 ({str(error)[:60]})") from None
    if not rows:
        raise InputError("E126", f"{path}: empty file")
    width = len(rows[0])
    uneven = next((number for number, row in enumerate(rows, 1) if len(row) != width), None)
    if uneven is not None:
        raise InputError("E126", f"{path}: row {uneven} has {len(rows[uneven - 1])} cells, row 1 has {width}")
    column = _label_column(path, rows[0], options.get("label"))
    body = rows[1:] if _has_header(rows[0], column, options.get("label", "")) else rows
    inputs = np.empty((len(body), width - 1), dtype=np.float64)
    for number, row in enumerate(body):
        cells = [cell for index, cell in enumerate(row) if index != column]
        try:
            inputs[number] = [float(cell) for cell in cells]
        except ValueError:
            bad = next(cell for cell in cells if not _is_number(cell))
            line = number + 1 + len(rows) - len(body)
            raise InputError("E126", f"{path}: row {line}: {bad[:40]!r} is not a number") from None
    return inputs, _labels([row[column].strip() for row in body])


def _label_column(path: Path, header: list[str], label: str | None) -> int:
    names = [cell.strip() for cell in header]
    if len(names) < 2:
        raise InputError("E126", f"{path}: one column only; expected features and a label, with commas")
    if label is None:
        return len(names) - 1
    if label.isascii() and label.isdigit():  # a number always counts columns, whatever the cells say
        if 1 <= int(label[:9]) <= len(names):
            return int(label) - 1
    elif label in names:
        return names.index(label)
    raise InputError("E125", f"{path}: no column {label!r}; there are {', '.join(names[:12])}")


def _has_header(first: list[str], column: int, label: str) -> bool:
    """Names in all feature columns, or the label column found by its name. A mixed row is data."""
    named = not any(_is_number(cell) for index, cell in enumerate(first) if index != column)
    return named or (not label.isdigit() and first[column].strip() == label)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _labels(texts: list[str]) -> NDArray[np.generic]:
    """Text, but `3.0` and `3` are the same class."""
    if texts and all(_is_number(text) and float(text).is_integer() for text in texts):
        return np.array([int(float(text)) for text in texts], dtype=np.int64)
    return np.array(texts, dtype=np.str_)


def read_folder(path: Path, shape: tuple[int, ...]) -> Raw:
    """Pictures in one folder per class, converted to the project's channels and size; values 0 to 255."""
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise InputError(
            "E126", f"{path}: pictures are [1 or 3, height, width], the project takes {list(shape)}"
        )
    pictures = sorted(p for p in path.glob("*/*") if p.suffix.lower() in PICTURES and p.is_file())
    if not pictures:
        raise InputError("E126", f"{path}: no pictures; expected {path.name}/CLASS/picture.png")
    inputs = np.stack([_picture(picture, shape) for picture in pictures])
    return inputs, np.array([picture.parent.name for picture in pictures], dtype=np.str_)


def _picture(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    from PIL import Image

    channels, height, width = shape
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                sized = image.convert("L" if channels == 1 else "RGB").resize((width, height))
    except Exception as error:  # damaged pictures raise almost anything
        raise InputError("E126", f"{path}: not a readable picture ({type(error).__name__})") from None
    pixels = np.asarray(sized, dtype=np.uint8)
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)
