"""Finding, checking, reading and fetching the data sets' files."""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import struct
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nas_course.errors import CourseError, InvalidInput, one_of

FOLDER_VARIABLE = "NAS_COURSE_DATA"
DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")

FASHION_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
# SHA-256 of the idx content: the gz files around it differ between Zalando and Debian only in
# the gzip header (with Zalando's header, Debian's bodies have the MD5s that torchvision gives).
FASHION_FILES = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
CIFAR_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer",
    "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
# The MD5s that the authors' page and torchvision give.
CIFAR_FILES = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
FILES = {"fashion-mnist": tuple(FASHION_FILES), "cifar10": tuple(CIFAR_FILES)}
LAYOUTS = {  # where in a folder the files may lie
    "fashion-mnist": ("FashionMNIST/raw", "fashion-mnist", "."),
    "cifar10": ("cifar-10-batches-py", "."),
}
MEGABYTES = {"fashion-mnist": 31, "cifar10": 170}


class DataNotFound(CourseError, FileNotFoundError):
    """A data set is not on this machine, or not all of it."""


@dataclass(frozen=True)
class RawImages:
    """A data set as its files give it.

    Attributes
    ----------
    images : array (N, C, H, W) uint8
        The official test images stand last.
    labels : array (N,) int64
    test_start : int or None
        Index of the first test image; None if the set has no official test part.
    brightest : int
        The largest value that a pixel can have.
    class_names : tuple of str
    """

    images: np.ndarray
    labels: np.ndarray
    test_start: int | None
    brightest: int
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """Whether a data set is on this machine: `where` it is, and `how` to get it if it is not."""

    found: bool
    where: str
    how: str


def available() -> dict[str, Found]:
    """Look for every data set by name, without reading it."""
    report = {"digits": Found(True, "scikit-learn", "")}
    for name in FILES:
        try:
            report[name] = Found(True, str(find(name)), "")
        except CourseError as error:
            report[name] = Found(False, "", str(error))
    return report


def read(name: str) -> RawImages:
    """Read a data set whose files are on this machine, and check that they are genuine."""
    readers = {"digits": read_digits, "fashion-mnist": read_fashion_mnist, "cifar10": read_cifar10}
    if name not in readers:
        raise one_of("data", name, readers)
    return readers[name]()


def cache_folder() -> Path:
    """Where downloads go: `NAS_COURSE_DATA` if it is set, else the system's cache folder."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "nas-course"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/nas-course"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nas-course"


def find(name: str) -> Path:
    """Find the folder that holds all files of a data set.

    Raises
    ------
    DataNotFound
        No folder holds them, one holds only some of them, or `NAS_COURSE_DATA` is no folder.
    """
    roots = [cache_folder()]
    if os.environ.get(FOLDER_VARIABLE) and not roots[0].is_dir():
        raise DataNotFound(
            f"{FOLDER_VARIABLE} is {str(roots[0])!r}, which is no folder. {how_to_get(name)}"
        )
    if name == "fashion-mnist":
        roots.append(DEBIAN_FASHION)
    for folder in [root / inner for root in roots for inner in LAYOUTS[name]]:
        missing = [file for file in FILES[name] if _file(folder, file) is None]
        if not missing:
            return folder
        if len(missing) < len(FILES[name]):
            raise DataNotFound(
                f"{name}: {folder} lacks {', '.join(missing)}. Add them, or remove the other "
                f"files of this set. {how_to_get(name)}"
            )
    looked = ", ".join(str(root) for root in roots)
    raise DataNotFound(f"{name}: not found; looked in {looked}. {how_to_get(name)}")


def how_to_get(name: str) -> str:
    """List every way to get a data set, in one sentence."""
    ways = [
        f'fetch it ({MEGABYTES[name]} MB) with `python -c "from nas_course import data; '
        f"data.download('{name}')\"`",
        f"set {FOLDER_VARIABLE} to a folder that holds {LAYOUTS[name][0]}",
    ]
    if name == "fashion-mnist":
        ways.append("on Debian and Ubuntu `sudo apt-get install dataset-fashion-mnist`")
    ways.append("use 'digits', which needs no files")
    numbered = "; ".join(f"({number}) {way}" for number, way in enumerate(ways, start=1))
    return f"Choose one: {numbered}."


def download(name: str) -> Path:
    """Fetch a data set with torchvision into :func:`cache_folder`; return the folder it is in.

    Files that are already there and whole are not fetched again.

    Raises
    ------
    DataNotFound
        The network or the server did not give it; the message names the other ways.
    """
    if name not in FILES:
        raise one_of("data", name, FILES)
    from torchvision import datasets  # 2 s to import, and only a download needs it

    fetch = {"fashion-mnist": datasets.FashionMNIST, "cifar10": datasets.CIFAR10}[name]
    target = cache_folder()
    try:
        target.mkdir(parents=True, exist_ok=True)
        fetch(str(target), download=True)
    except (OSError, RuntimeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataNotFound(
            f"{name}: the download to {target} failed ({reason}). {how_to_get(name)}"
        ) from error
    return find(name)


def read_digits() -> RawImages:
    """Read scikit-learn's 1,797 handwritten digits, 8x8 pixels with values 0 to 16."""
    from sklearn.datasets import load_digits  # 1 s to import, and only this set needs it

    bunch = load_digits()
    images = bunch.images.astype(np.uint8)[:, None]
    names = tuple(str(name) for name in bunch.target_names)
    return RawImages(images, bunch.target.astype(np.int64), None, 16, names)


def read_fashion_mnist() -> RawImages:
    """Read Fashion-MNIST (Xiao et al. 2017): 60,000 + 10,000 grey images, 28x28 pixels."""
    folder = find("fashion-mnist")
    content = [_idx_array(folder, name, digest) for name, digest in FASHION_FILES.items()]
    images = np.concatenate([content[0], content[2]])[:, None]
    labels = np.concatenate([content[1], content[3]]).astype(np.int64)
    return RawImages(images, labels, len(content[1]), 255, FASHION_CLASSES)


def read_cifar10() -> RawImages:
    """Read CIFAR-10 (Krizhevsky 2009): 50,000 + 10,000 colour images, 32x32 pixels."""
    folder = find("cifar10")
    batches = [_cifar_batch(folder / name, digest) for name, digest in CIFAR_FILES.items()]
    images = np.concatenate([images for images, _ in batches])
    labels = np.concatenate([labels for _, labels in batches])
    return RawImages(images, labels, len(labels) - len(batches[-1][1]), 255, CIFAR_CLASSES)


def _file(folder: Path, name: str) -> Path | None:
    """The file, plain or gzipped, or None."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    return None


def _idx_array(folder: Path, name: str, digest: str) -> np.ndarray:
    """Read one idx file: two zero bytes, type 8, number of axes, sizes (big endian), bytes."""
    path = _file(folder, name)
    if path is None:
        raise DataNotFound(f"{folder / name} has just disappeared. {how_to_get('fashion-mnist')}")
    content = _unzipped(path)
    if content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        raise InvalidInput(f"{path} is no idx file of bytes. {_replace(path, 'fashion-mnist')}")
    shape = struct.unpack(f">{content[3]}I", content[4 : 4 + 4 * content[3]])
    expected = 4 + 4 * len(shape) + int(np.prod(shape))
    if len(content) != expected:
        raise InvalidInput(
            f"{path}: its header says {'x'.join(map(str, shape))}, that is {expected:,} bytes, "
            f"but it has {len(content):,}. {_replace(path, 'fashion-mnist')}"
        )
    if hashlib.sha256(content).hexdigest() != digest:
        raise InvalidInput(
            f"{path} has the form of Fashion-MNIST's {name} but another content (MNIST's files "
            f"have the same names). {_replace(path, 'fashion-mnist')}"
        )
    return np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def _unzipped(path: Path) -> bytes:
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            return file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput(
            f"{path} cannot be unzipped ({error}). {_replace(path, 'fashion-mnist')}"
        ) from error


def _cifar_batch(path: Path, digest: str) -> tuple[np.ndarray, np.ndarray]:
    """Read one file of 10,000 images (N, 3, 32, 32) and labels (N,)."""
    content = path.read_bytes()
    # Before unpickling, not after: a pickle that is not the genuine one could run anything.
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != digest:
        raise InvalidInput(
            f"{path} ({len(content):,} bytes) is not CIFAR-10's {path.name}: its MD5 is not "
            f"{digest}. {_replace(path, 'cifar10')}"
        )
    batch = pickle.loads(content, encoding="latin1")
    return batch["data"].reshape(-1, 3, 32, 32), np.array(batch["labels"], dtype=np.int64)


def _replace(path: Path, name: str) -> str:
    return f"It is damaged or belongs to something else: remove {path.name}. {how_to_get(name)}"
