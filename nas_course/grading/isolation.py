"""Say in a report which protections were in force, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping

_MEANING = {
    "files": "own file tree",
    "processes": "own process space",
    "network": "no network",
    "messages": "own shared memory",
    "user": "unprivileged user of its own",
    "landlock": "Landlock",
    "seccomp": "system call filter",
    "limits": "limits per process",
}


def in_force(isolation: Mapping[str, str]) -> list[str]:
    """The protections that worked."""
    return [name for name in _MEANING if isolation.get(name) == ""]


def missing(isolation: Mapping[str, str]) -> dict[str, str]:
    """The protections that did not, each with its reason."""
    return {
        name: isolation.get(name) or "not offered by this operating system"
        for name in _MEANING
        if isolation.get(name) != ""
    }


def summary(isolation: Mapping[str, str]) -> str:
    """One line: what held the notebook apart."""
    parts = ["separate process, watched", *(_MEANING[name] for name in in_force(isolation))]
    lacking = [f"{_MEANING[name]} ({reason})" for name, reason in missing(isolation).items()]
    ending = f"; not in force: {', '.join(lacking)}" if lacking else ""
    return ", ".join(parts) + ending


def warning(isolation: Mapping[str, str]) -> str:
    """What to know before grading strangers' notebooks here; empty at full strength."""
    lacking = missing(isolation)
    risks = []
    if "files" in lacking and "landlock" in lacking:
        risks.append("read your files and the course's checks, and write where you may write")
    elif "files" in lacking:
        risks.append("write more to the disk than allowed before it is noticed")
    if "network" in lacking and "seccomp" in lacking:
        risks.append("use the network")
    if "processes" in lacking and "user" in lacking:
        risks.append("leave a process behind or end one of yours")
    if not lacking:
        return ""
    able = "; a hostile notebook could " + ", ".join(risks) if risks else ""
    return f"below full strength{able}. Points stay safe: they are compared outside its process."
