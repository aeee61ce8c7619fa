"""What a graded notebook may see of the file system: Python and a copy of the package."""

from __future__ import annotations

import os
import shutil
import site
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from nas_course.data.files import cache_folder

_PACKAGE = Path(__file__).resolve().parent.parent
_STAND_IN = "from nas_course.grading.sandbox.recorder import check, exercises  # noqa: F401\n"
_SHARED_PARTS = ("transport.py", "answering.py", "sandbox")
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store")
_SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "fonts", "alternatives")


def copy_package(folder: Path) -> None:
    """Copy `nas_course` to `folder`, with `grading` reduced to what the notebook's side needs."""
    target = folder / "nas_course"
    without_checks = shutil.ignore_patterns("grading", "*.tmp", ".*")
    shutil.copytree(_PACKAGE, target, ignore=without_checks)
    (target / "grading").mkdir()
    for name in _SHARED_PARTS:
        source = _PACKAGE / "grading" / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, target / "grading" / name)
    (target / "grading/__init__.py").write_text(_STAND_IN, encoding="utf-8")
    copy_font_list(folder / "matplotlib")


def copy_font_list(folder: Path) -> None:
    """Take along matplotlib's list of fonts, which costs seconds to make."""
    for found in _font_lists():
        folder.mkdir(exist_ok=True)
        shutil.copy2(found, folder)


def _font_lists() -> Iterable[Path]:
    named = os.environ.get("MPLCONFIGDIR", "")
    for home in (Path(named), Path.home() / ".cache/matplotlib", Path.home() / ".matplotlib"):
        if home.name and home.is_dir():
            yield from home.glob("fontlist-*.json")


def import_paths(view: Path) -> list[str]:
    """`sys.path` of the notebook's process: the copy first, then the installed packages."""
    standard = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    dynamic = [path for path in sys.path if Path(path).name in ("lib-dynload", "DLLs")]
    installed = [path for path in (*site.getsitepackages(), *sys.path) if _is_installed(path)]
    paths: list[str | Path] = [view, *standard, *dynamic, *installed]
    return list(dict.fromkeys(str(Path(path).resolve()) for path in paths))


def _is_installed(path: str) -> bool:
    return Path(path).name in ("site-packages", "dist-packages") and Path(path).is_dir()


def readable_paths(paths: Iterable[str]) -> list[str]:
    """Python, its packages, the system's libraries and the data sets."""
    wanted = [*_SYSTEM, *(f"/etc/{name}" for name in _SETTINGS), *paths]
    wanted += [_real(path) for path in (sys.prefix, sys.base_prefix, str(cache_folder()))]
    return sorted({path for path in wanted if os.path.lexists(path)})


def hidden_paths(notebooks: Iterable[Path]) -> list[str]:
    """The installed package with its checks, the checkout it lies in, the submissions."""
    hidden = {str(_PACKAGE), *(str(path.resolve().parent) for path in notebooks)}
    if (_PACKAGE.parent / "source").is_dir():
        hidden.add(str(_PACKAGE.parent))
    return sorted(hidden)


def _real(path: str) -> str:
    return str(Path(path).resolve())


def environment(work: Path) -> dict[str, str]:
    """Environment variables of the notebook's process: none of the grader's secrets."""
    names = {"HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}
    folders = dict.fromkeys(names, str(work))
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    data = {"NAS_COURSE_DATA": str(cache_folder())} if cache_folder().is_dir() else {}
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "USER": "learner",
        "LOGNAME": "learner",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(work / "matplotlib"),
        "IPYTHONDIR": str(work / "ipython"),
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        **kept,
        **folders,
        **data,
    }


_KEPT = ("SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT")
