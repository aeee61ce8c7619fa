"""The few Linux system calls of the isolation that Python's `os` does not offer."""

from __future__ import annotations

import ctypes
import os
import platform
from pathlib import Path

_NUMBERS = {"x86_64": {"pivot_root": 155}, "aarch64": {"pivot_root": 41}}
_SAME_EVERYWHERE = {
    "mount_setattr": 442,
    "landlock_create_ruleset": 444,
    "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
}

NAMESPACES = {
    "user": 0x10000000,
    "files": 0x00020000,
    "processes": 0x20000000,
    "network": 0x40000000,
    "messages": 0x08000000,
}

MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
_MNT_DETACH = 2
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP = 1, 4, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 36, 38, 22

_libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> int:
    """Call a function of the C library; a negative result is raised as OSError."""
    result: int = getattr(_libc, name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def system_call(name: str, *arguments: object) -> int:
    """Make a system call that the C library has no function for."""
    number = _SAME_EVERYWHERE.get(name) or _NUMBERS.get(platform.machine(), {}).get(name)
    if number is None:
        raise OSError(38, f"{name}: its number on {platform.machine()} is not known")
    try:
        return call("syscall", ctypes.c_long(number), *arguments)
    except OSError as error:
        raise OSError(error.errno, f"{name}: {os.strerror(error.errno or 0)}") from None


def prctl(option: int, value: int) -> None:
    """Set one attribute of this process."""
    call("prctl", option, ctypes.c_ulong(value), 0, 0, 0)


def unshare(name: str) -> None:
    """Move this process (its next child, for ``processes``) into a new namespace."""
    call("unshare", NAMESPACES[name])


def mount(source: str, target: Path | str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount `source` on `target`."""
    texts = [str(part).encode() or None for part in (source, target, kind)]
    call("mount", *texts, ctypes.c_ulong(flags), data.encode() or None)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user")]


def make_read_only(target: Path | str) -> None:
    """Make a mount and all below it read-only, without set-uid programs and device files."""
    wanted = _MountAttributes(_ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV, 0, 0, 0)
    system_call(
        "mount_setattr",
        _AT_FDCWD,
        str(target).encode(),
        _AT_RECURSIVE,
        ctypes.byref(wanted),
        ctypes.c_size_t(ctypes.sizeof(wanted)),
    )


def enter_root(folder: Path) -> None:
    """Make `folder`, a mount point, the root of the file tree and let go of the old one."""
    os.chdir(folder)
    system_call("pivot_root", b".", b".")
    call("umount2", b".", _MNT_DETACH)
    os.chdir("/")


def drop_capabilities() -> None:
    """Give up every special right of root, also the right to get them back by a program."""
    for number in range(64):
        try:
            prctl(PR_CAPBSET_DROP, number)
        except OSError:
            break  # past the last capability this kernel has, or none left to drop with
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    call("capset", header, (ctypes.c_uint32 * 6)())
