"""Landlock: the kernel refuses files outside a list to this process and its children."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable

from nas_course.grading.sandbox import kernel

_EXECUTE, _WRITE, _READ, _READ_FOLDER = 1, 2, 4, 8
_TRUNCATE, _DEVICE_CONTROL = 1 << 14, 1 << 15
_FILE_RIGHTS = _EXECUTE | _WRITE | _READ | _TRUNCATE | _DEVICE_CONTROL
_RIGHTS_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6
_BELOW_PATH = 1


class _Ruleset(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "network", "scopes")]


class _BelowPath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("rights", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def restrict(readable: Iterable[str], writable: Iterable[str]) -> int:
    """Allow only these paths from now on and return the kernel's Landlock version.

    From version 4 on TCP is refused too, from version 6 on signals and abstract sockets to
    processes outside. Needs `no_new_privs`.
    """
    version = kernel.system_call("landlock_create_ruleset", None, ctypes.c_size_t(0), 1)
    rights = _RIGHTS_BY_VERSION[max(v for v in _RIGHTS_BY_VERSION if v <= version)]
    rules = _Ruleset(
        rights, 3 if version >= _NETWORK_SINCE else 0, 3 if version >= _SCOPES_SINCE else 0
    )
    size = 8 if version < _NETWORK_SINCE else 16 if version < _SCOPES_SINCE else 24
    number = kernel.system_call(
        "landlock_create_ruleset", ctypes.byref(rules), ctypes.c_size_t(size), 0
    )
    for path in readable:
        _allow(number, path, rights & (_EXECUTE | _READ | _READ_FOLDER))
    for path in writable:
        _allow(number, path, rights)
    kernel.system_call("landlock_restrict_self", number, 0)
    os.close(number)
    return version


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not there, so nothing to allow
    if not os.path.isdir(path):
        rights &= _FILE_RIGHTS
    rule = _BelowPath(rights, folder)
    kernel.system_call("landlock_add_rule", ruleset, _BELOW_PATH, ctypes.byref(rule), 0)
    os.close(folder)
