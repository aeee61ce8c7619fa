"""Put this process apart from the rest of a Linux system, as far as the system allows it."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from nas_course.grading.sandbox import kernel
from nas_course.grading.sandbox.landlock import restrict
from nas_course.grading.sandbox.pipe import Pipe
from nas_course.grading.sandbox.seccomp import refuse_calls
from nas_course.grading.sandbox.tree import enter_tree, visibility

_NOBODY = 65534
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


class Isolation:
    """Tries each protection in turn and notes why one is not in force."""

    def __init__(self, off: list[str]) -> None:
        self.off = off
        self.found: dict[str, str] = {}

    def attempt(self, name: str, action: Callable[[], object]) -> bool:
        """Put one protection in force; its entry in `found` is empty when that worked."""
        if name in self.off:
            self.found[name] = "switched off"
            return False
        try:
            action()
        except (OSError, ValueError) as error:
            self.found[name] = str(error)
            return False
        self.found[name] = ""
        return True


def enter(config: dict, pipe: Pipe) -> dict[str, str]:
    """Isolate the process; returns in a grandchild, while the two above it only wait.

    Returns
    -------
    dict
        For each protection an empty text when it is in force, else the reason why not.
    """
    isolation = Isolation(config["without"])
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    as_root = os.geteuid() == 0
    if not as_root:
        isolation.attempt("user", own_user_namespace)
    for name in ("files", "processes", "network", "messages"):
        isolation.attempt(name, partial(kernel.unshare, name))
    fork_and_wait(pipe)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if not isolation.found["files"]:
        isolation.attempt("files", lambda: enter_tree(config))
    fork_and_wait(pipe)
    if as_root:
        isolation.attempt("user", lambda: become_nobody(config))
    give_up_rights(isolation, config)
    os.chdir(config["work"])
    return isolation.found


def give_up_rights(isolation: Isolation, config: dict) -> None:
    """The protections that need no privilege, in the order in which they allow each other."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.drop_capabilities()
    found = isolation.found
    isolation.attempt("limits", lambda: set_limits(config["limits"], not found["user"]))
    isolation.attempt("landlock", lambda: restrict_files(config, found))
    isolation.attempt("seccomp", lambda: refuse_calls(own_files=not found["files"]))


def fork_and_wait(pipe: Pipe) -> None:
    """Go on in a child; this process only waits for it, then ends what it left behind."""
    child = os.fork()
    if child:
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # its memory stays closed to the child
        pipe.close()
        wait_for(child)


def wait_for(child: int) -> NoReturn:
    """Reap until `child` has ended, kill its remaining descendants and end with its status."""
    while True:
        done, status = os.wait()
        if done == child:
            break
    with contextlib.suppress(ChildProcessError):
        while True:
            kill_children()
            os.wait()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def kill_children() -> None:
    """Kill every process whose parent this is; orphans below come to it as it is a subreaper."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                os.kill(int(stat.parent.name), signal.SIGKILL)


def own_user_namespace() -> None:
    """Become the only user of a new user namespace, with rights that count only inside."""
    user, group = os.geteuid(), os.getegid()
    kernel.unshare("user")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"1000 {user} 1"),
        ("gid_map", f"1000 {group} 1"),
    ):
        Path("/proc/self", name).write_text(text)


def become_nobody(config: dict) -> None:
    """Stop being root, for good, and count processes apart from anybody else's."""
    refuse_unless_readable(config)
    os.chown(config["work"], _NOBODY, _NOBODY)
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    own_user_namespace()


def refuse_unless_readable(config: dict) -> None:
    """Raise OSError when nobody but root may read Python itself."""
    folders = [path for path in (*config["paths"], config["session"]) if os.path.isdir(path)]
    os.seteuid(_NOBODY)
    try:
        for path in folders:
            os.listdir(path)
    finally:
        os.seteuid(0)


def restrict_files(config: dict, found: dict[str, str]) -> None:
    """Allow reading the same paths that the file tree shows, writing only in the work folder."""
    steps = visibility(config["readable"], config["hidden"])
    readable = [path for top, hide in steps if not hide for path in carved(top, config["hidden"])]
    own_processes = not found["files"] and not found["processes"]
    system = ["/proc", "/sys"] if own_processes else ["/proc/cpuinfo", "/proc/meminfo"]
    # A process's own folder is found by its number, so that a child cannot read its parent's.
    readable += [*system, f"/proc/{os.getpid()}", "/proc/self", "/dev/fd", config["session"]]
    restrict(readable, [*_DEVICES, "/dev/shm", config["work"], *(["/tmp"] * (not found["files"]))])


def carved(path: str, hidden: list[str]) -> list[str]:
    """`path`, or when it holds something hidden, those of its parts that do not."""
    inside = [other for other in hidden if other == path or other.startswith(path + "/")]
    if not inside:
        return [path]
    if path in inside or not os.path.isdir(path):
        return []
    return [part for name in os.listdir(path) for part in carved(f"{path}/{name}", inside)]


def set_limits(limits: dict, own_user: bool) -> None:
    """Limit what one process may use; the grader watches the sum over all of them.

    The kernel counts processes by user, so where others share the user they are added.
    """
    others = 0 if own_user else sum(1 for _ in Path("/proc").glob("[0-9]*/task/*"))
    for name, value in (
        ("CPU", limits["processor_seconds"]),
        ("DATA", limits["memory"] + limits["memory_at_start"]),
        ("FSIZE", limits["file"]),
        ("NOFILE", limits["open_files"]),
        ("NPROC", limits["processes"] + others),
        ("CORE", 0),
    ):
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
