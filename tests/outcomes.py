"""What a search leaves behind in its folder, and where two such outcomes differ by a bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from nas_course.history import History
from nas_course.storage import Generation, newest_generation, unpack_state


def outcome(out: Path) -> dict[str, Any]:
    """Everything a search leaves behind: last state, history, result."""

    def unpack(generation: Generation) -> dict[str, Any]:
        return unpack_state(generation.files["state.pt"])

    return {
        "state": newest_generation(out / "checkpoints", accept=unpack),
        "history": [History.load(out).header, *History.load(out).rows],
        "result": json.loads((out / "result.json").read_bytes()),
    }


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """List where two nested values differ, bit by bit, but for the clock."""
    if path.endswith("/seconds"):
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        return [d for key in ours for d in differences(ours[key], theirs[key], f"{path}/{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [d for at, (a, b) in pairs for d in differences(a, b, f"{path}/{at}")]
    if isinstance(ours, torch.Tensor) and isinstance(theirs, torch.Tensor):
        same = ours.dtype == theirs.dtype and torch.equal(ours, theirs)
    else:
        same = type(ours) is type(theirs) and ours == theirs
    return [] if same else [path]
