"""What every test shares: one thread, no network, no window, and the same random cases each run."""

import os

# Before torch is imported anywhere, and inherited by the kernels and programs that tests start:
# two threads on a busy two-core machine were ten times slower than one.
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", MPLBACKEND="Agg")

import ipaddress
import signal
import socket
import sys
from importlib.util import find_spec

import pytest
from absence import absent
from hypothesis import HealthCheck, settings

# Nothing here depends on time: on a slow machine an example may take as long as it must.
settings.register_profile(
    "course",
    derandomize=True,
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
settings.load_profile("course")

NO_BROWSER = "no Chromium found for the browser tests: install one, or set CHROMIUM to its path"


# A shell that starts the tests in the background lets them ignore Ctrl-C, and every program that
# they start as well; some of these are to be interrupted by a test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish():
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def pytest_runtest_setup(item):
    if item.get_closest_marker("posix") and os.name == "nt":
        pytest.skip("needs fork or POSIX signals, which Windows does not have")
    if item.get_closest_marker("cuda") and not gpu_found():
        pytest.skip("no NVIDIA GPU on this machine")


def gpu_found() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Path of a browser of Chromium's family; where there is none the test is skipped."""
    from nas_course.doctor import find_browser

    path = find_browser()
    if path is None:
        absent(NO_BROWSER)
    if find_spec("playwright") is None:
        absent('playwright is not installed: pip install -e ".[test]"')
    return path


@pytest.fixture(scope="session")
def digits():
    """A small digits data set on the processor: 60 images to train, 60 to validate, 60 to test."""
    from nas_course.data import load

    return load("digits", train_images=60, valid_images=60, test_images=60, device="cpu")


@pytest.fixture(autouse=True)
def same_numbers():
    """Let torch's own generator begin anew, so that no test depends on those before it."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


class Offline(OSError):
    """A test tried to leave this machine."""


def refuse_strangers(connect):
    """Wrap socket.connect so that only addresses on this machine are let through."""

    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_local(address[0]):
            raise Offline(f"tests run without network, but one tried to reach {address}")
        return connect(self, address)

    return guarded


def is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("localhost", "localhost.localdomain")


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """Keep every test of this process off the network."""
    monkeypatch.setattr(socket.socket, "connect", refuse_strangers(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", refuse_strangers(socket.socket.connect_ex))
