"""Data files: genuine ones are read, and wrong folders and damaged or foreign files refused."""

import gzip
import importlib.util
import os
import pickle
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from absence import absent

from nas_course import data
from nas_course.data import files
from nas_course.errors import CourseError, InvalidInput

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty data folder, and no Debian package, unless a test brings it back."""
    monkeypatch.setattr(files, "DEBIAN_FASHION", tmp_path / "no-debian")
    chosen = tmp_path / "data"
    chosen.mkdir()
    monkeypatch.setenv("NAS_COURSE_DATA", str(chosen))
    return chosen


@pytest.fixture
def debian(monkeypatch):
    genuine = Path("/usr/share/datasets/fashion-mnist")
    if not genuine.is_dir():
        absent("no Debian package dataset-fashion-mnist on this machine")
    monkeypatch.setattr(files, "DEBIAN_FASHION", genuine)
    return genuine


def write_idx(path, array):
    header = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header + array.tobytes())


def write_fake_fashion(folder):
    for name in files.FASHION_FILES:
        shape = (20, 28, 28) if "images" in name else (20,)
        write_idx(folder / f"{name}.gz", np.zeros(shape, np.uint8))


@pytest.mark.parametrize("name", ["fashion-mnist", "cifar10"])
def test_a_missing_set_names_where_it_looked_and_every_way_to_get_it(folder, name):
    with pytest.raises(data.DataNotFound) as caught:
        data.load(name)
    text = str(caught.value)
    assert str(folder) in text
    assert f"data.download('{name}')" in text
    assert "NAS_COURSE_DATA" in text and "'digits'" in text
    assert ("apt-get install dataset-fashion-mnist" in text) == (name == "fashion-mnist")


def test_a_folder_that_is_none_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("NAS_COURSE_DATA", str(tmp_path / "typo"))
    with pytest.raises(data.DataNotFound, match=r"NAS_COURSE_DATA is .*typo.*no folder"):
        data.load("cifar10")


def test_a_set_with_files_missing_names_them(folder):
    write_fake_fashion(folder / "FashionMNIST" / "raw")
    (folder / "FashionMNIST" / "raw" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(data.DataNotFound, match=r"raw lacks t10k-labels-idx1-ubyte\. "):
        data.load("fashion-mnist")


def test_files_of_another_set_with_the_same_names_are_refused(folder):
    write_fake_fashion(folder)
    with pytest.raises(InvalidInput, match=r"train-images-idx3-ubyte.gz has the form.*MNIST"):
        data.load("fashion-mnist")


def test_a_file_that_is_no_idx_is_refused(folder):
    write_fake_fashion(folder)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"<html>not found</html>"))
    with pytest.raises(InvalidInput, match=r"no idx file of bytes.*remove train-images"):
        data.load("fashion-mnist")


def test_a_shorter_file_than_its_header_says_is_refused_with_both_sizes(folder):
    write_fake_fashion(folder)
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-100]))
    with pytest.raises(InvalidInput, match=r"20x28x28, that is 15,696 bytes, but it has 15,596"):
        data.load("fashion-mnist")


def test_a_truncated_gz_file_is_refused(folder):
    write_fake_fashion(folder)
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InvalidInput, match=r"train-images-idx3-ubyte.gz cannot be unzipped"):
        data.load("fashion-mnist")


def test_fashion_mnist_is_read_from_the_debian_package(debian):
    loaded = data.load("fashion-mnist", train_images=500, valid_images=300, device="cpu")
    assert repr(loaded) == "ImageData(fashion-mnist: 500 / 300 / 10,000 images 1x28x28 on cpu)"
    assert loaded.test.labels.bincount().tolist() == [1000] * 10
    assert loaded.train.labels.bincount().tolist() == [50] * 10
    assert loaded.mean[0] == pytest.approx(0.286, abs=0.02)


def test_fashion_mnist_is_read_from_torchvisions_layout_unzipped(folder, debian):
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name in files.FASHION_FILES:
        with gzip.open(debian / f"{name}.gz") as source, open(raw / name, "wb") as target:
            shutil.copyfileobj(source, target)
    assert files.find("fashion-mnist") == raw
    assert len(data.load("fashion-mnist", device="cpu").train) == 30_000


def test_foreign_cifar_files_are_refused_before_anything_in_them_runs(folder, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "boom"),))

    batches = folder / "cifar-10-batches-py"
    batches.mkdir()
    for name in files.CIFAR_FILES:
        (batches / name).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InvalidInput, match=r"data_batch_1.*is not CIFAR-10's data_batch_1"):
        data.load("cifar10")
    assert not (tmp_path / "boom").exists()


@pytest.fixture(scope="module")
def genuine_cifar(tmp_path_factory):
    script = SHARED / "unpack_cifar10.py"
    if not script.is_file():
        pytest.skip("no CIFAR-10 in ../shared/data beside this checkout")
    pytest.importorskip("PIL", reason="Pillow unpacks the CIFAR-10 of ../shared/data")
    spec = importlib.util.spec_from_file_location("unpack_cifar10", script)
    unpack = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(unpack)
    root = tmp_path_factory.mktemp("cifar")
    unpack.write_batches(str(root))
    return root


def test_genuine_cifar10_is_read_and_a_truncated_batch_refused(genuine_cifar, monkeypatch):
    monkeypatch.setenv("NAS_COURSE_DATA", str(genuine_cifar))
    loaded = data.load("cifar10", train_images=1000, valid_images=1000, device="cpu")
    assert repr(loaded) == "ImageData(cifar10: 1,000 / 1,000 / 10,000 images 3x32x32 on cpu)"
    assert loaded.train.labels.bincount().tolist() == [100] * 10
    assert loaded.mean == pytest.approx((0.4914, 0.4822, 0.4465), abs=0.02)
    batch = genuine_cifar / "cifar-10-batches-py" / "data_batch_3"
    batch.write_bytes(batch.read_bytes()[:-1])
    with pytest.raises(InvalidInput, match=r"data_batch_3 .*its MD5 is not 54ebc095"):
        data.load("cifar10")


def test_available_says_for_each_set_where_it_is_or_how_to_get_it(folder):
    report = data.available()
    assert tuple(report) == data.NAMES
    assert report["digits"].found and report["digits"].how == ""
    assert not report["cifar10"].found and "data.download('cifar10')" in report["cifar10"].how
    write_fake_fashion(folder / "fashion-mnist")
    assert data.available()["fashion-mnist"].where == str(folder / "fashion-mnist")


def test_a_failed_download_names_the_reason_and_the_other_ways(monkeypatch, folder):
    from torchvision import datasets

    def refuse(root, download):
        raise OSError("[Errno 101] Network is unreachable")

    monkeypatch.setattr(datasets, "CIFAR10", refuse)
    with pytest.raises(data.DataNotFound, match=r"Network is unreachable.*\(2\) set NAS_COURSE"):
        data.download("cifar10")
    with pytest.raises(InvalidInput, match=r"data: got 'imagenet'"):
        data.download("imagenet")


def test_without_the_variable_downloads_go_to_the_users_cache(monkeypatch):
    monkeypatch.delenv("NAS_COURSE_DATA")
    assert files.cache_folder().name == "nas-course"
    assert files.cache_folder().is_absolute()


def test_data_errors_are_course_errors():
    assert issubclass(data.DataNotFound, CourseError)
    assert issubclass(data.DataNotFound, FileNotFoundError)


def test_a_download_is_found_where_torchvision_puts_it(monkeypatch, folder, debian):
    from torchvision import datasets

    def fetch(root, download):
        shutil.copytree(debian, Path(root) / "FashionMNIST" / "raw")

    monkeypatch.setattr(datasets, "FashionMNIST", fetch)
    assert data.download("fashion-mnist") == folder / "FashionMNIST" / "raw"
    assert data.available()["fashion-mnist"].where == str(folder / "FashionMNIST" / "raw")
