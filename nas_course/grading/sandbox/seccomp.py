"""Seccomp: a filter that refuses system calls which no exercise needs."""

from __future__ import annotations

import ctypes
import errno
import platform
from collections.abc import Sequence

from nas_course.grading.sandbox import kernel

_REFUSED = {
    "x86_64": (
        *(101, 310, 311, 438),  # ptrace, process_vm_readv and _writev, pidfd_getfd
        *(272, 308, 165, 166, 155, 161, 428, 429, 430, 442),  # namespaces and mounts
        *(250, 248, 249, 321, 298, 323, 304, 425, 426, 427),  # keys, bpf, perf, io_uring
        *(246, 175, 313, 176),  # kernel modules, kexec
        41,  # socket; a pair of connected ones stays allowed
    ),
    "aarch64": (
        *(117, 270, 271, 438),
        *(97, 268, 40, 39, 41, 51, 428, 429, 430, 442),
        *(219, 217, 218, 280, 241, 282, 265, 425, 426, 427),
        *(104, 105, 273, 106),
        198,
    ),
}
# Changing rights, owners, times and attributes of files, which Landlock does not restrict.
_ATTRIBUTES = {
    "x86_64": (90, 91, 268, 92, 93, 94, 260, 132, 235, 261, 280, 188, 189, 190, 197, 198, 199, 452),
    "aarch64": (52, 53, 54, 55, 88, 5, 6, 7, 14, 15, 16, 452),
}
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_OTHER_CALLS_OF_X86 = 0x40000000
_NEW_NAMESPACES = 0x7E020080

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_FILTER_MODE = 2


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_uint16),
        ("then", ctypes.c_uint8),
        ("otherwise", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    ]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("code", ctypes.POINTER(_Instruction))]


def refuse_calls(own_files: bool) -> None:
    """Install the filter for this process and its children; needs `no_new_privs`.

    Parameters
    ----------
    own_files : bool
        Whether the process has a file tree of its own. Elsewhere calls that change the rights of
        files do nothing and report success, so that honest programs that copy files go on.

    Raises
    ------
    OSError
        Where the kernel or the processor is not supported.
    """
    machine = platform.machine()
    lines = _instructions(machine, () if own_files else _ATTRIBUTES.get(machine, ()))
    code = (_Instruction * len(lines))(*(_Instruction(*line) for line in lines))
    program = _Program(len(lines), code)
    kernel.call("prctl", kernel.PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(program), 0, 0)


def _instructions(machine: str, idle: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """The filter: each test that holds falls through to the return below it."""
    if machine not in _REFUSED:
        raise OSError(errno.ENOSYS, f"no list of system calls for {machine}")
    failing = [(_RETURN, 0, 0, _FAIL | errno.EPERM)]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, _ARCHITECTURE[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    if machine == "x86_64":
        lines += [(_AT_LEAST, 0, 1, _OTHER_CALLS_OF_X86), *failing]
    for number in _REFUSED[machine]:
        lines += [(_EQUAL, 0, 1, number), *failing]
    for number in idle:
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _FAIL)]
    # The C library falls back to clone, whose flags a filter can read, when clone3 is not there.
    lines += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _FAIL | errno.ENOSYS)]
    lines += [(_EQUAL, 0, 3, _CLONE[machine]), (_LOAD, 0, 0, _FIRST_ARGUMENT_AT)]
    lines += [(_ANY_BIT, 0, 1, _NEW_NAMESPACES), *failing]
    return [*lines, (_RETURN, 0, 0, _ALLOW)]
