"""The file tree that a graded notebook sees: Python, system libraries, a small disk."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from nas_course.grading.sandbox import kernel

_DEVICES = ("null", "zero", "full", "random", "urandom")


def enter_tree(config: dict) -> None:
    """Build the tree in `config["session"]`/root and make it this process's root.

    Only the paths in `config["readable"]` appear, read-only; those in `config["hidden"]` are empty
    even if they lie below a readable one. Needs its own mount namespace.
    """
    root = Path(config["session"], "root")
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", root, "tmpfs", data="size=4m,nr_inodes=4096,mode=755")
    for path, hide in visibility(config["readable"], config["hidden"]):
        (cover if hide else show)(root, Path(path))
    for folder in ("tmp", "dev", "proc", "sys/devices/system/cpu"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    kernel.make_read_only(root)
    add_scratch(root, config)
    add_devices(root)
    add_system(root)
    kernel.enter_root(root)


def visibility(readable: Iterable[str], hidden: Iterable[str]) -> list[tuple[str, bool]]:
    """Which paths to show and which to hide, outermost first, leaving out what changes nothing.

    A path is as visible as its nearest named folder says, so a readable folder may hold a hidden
    one, and that a readable one again.
    """
    steps: dict[str, bool] = {}
    hide_these = set(hidden)
    for path in sorted({*readable, *hide_these}, key=lambda p: (p.count("/"), p)):
        above = [parent for parent in map(str, Path(path).parents) if parent in steps]
        invisible = steps[above[0]] if above else True
        if invisible != (path in hide_these):
            steps[path] = path in hide_these
    return list(steps.items())


def show(root: Path, path: Path) -> None:
    """Bind one file or folder of the system into the tree."""
    target = root / path.relative_to("/")
    if not path.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        target.symlink_to(os.readlink(path))
        return
    if path.is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    kernel.mount(str(path), target, flags=kernel.MS_BIND | kernel.MS_REC)


def cover(root: Path, path: Path) -> None:
    """Put an empty folder over one that must not be seen."""
    target = root / path.relative_to("/")
    if target.is_dir():
        kernel.mount("tmpfs", target, "tmpfs", data="size=1m,nr_inodes=256,mode=755")


def add_scratch(root: Path, config: dict) -> None:
    """Put the only writable place, of limited size, at /tmp, and the course's package into it."""
    files, kilobytes = config["limits"]["files"], config["limits"]["disk"] // 1024
    options = f"size={kilobytes}k,nr_inodes={files},mode=1777"
    kernel.mount("tmpfs", root / "tmp", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, options)
    session = Path(config["session"])
    view, work = (root / (session / name).relative_to("/") for name in ("view", "work"))
    view.mkdir(parents=True)
    kernel.mount(str(session / "view"), view, flags=kernel.MS_BIND)
    kernel.make_read_only(view)
    if not work.exists():
        work.mkdir(parents=True)
    work.chmod(0o777)


def add_devices(root: Path) -> None:
    """Show the five harmless device files."""
    kernel.mount("tmpfs", root / "dev", "tmpfs", data="size=64k,nr_inodes=64,mode=755")
    for name in _DEVICES:
        (root / "dev" / name).touch()
        kernel.mount(f"/dev/{name}", root / "dev" / name, flags=kernel.MS_BIND)
    (root / "dev/shm").symlink_to("/tmp")
    (root / "dev/fd").symlink_to("/proc/self/fd")


def add_system(root: Path) -> None:
    """Show the processor's description, and the processes of this namespace if it has its own."""
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    cpus = "sys/devices/system/cpu"
    kernel.mount(f"/{cpus}", root / cpus, flags=kernel.MS_BIND)
    kernel.make_read_only(root / cpus)
    if os.getpid() == 1:
        kernel.mount("proc", root / "proc", "proc", flags)
