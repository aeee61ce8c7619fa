"""The one place that decides which device computes, and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from nas_course.errors import InvalidInput, one_of

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def available_devices() -> list[str]:
    """Names of the devices this machine has, the preferred one first; "cpu" is always last."""
    names = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, "cpu"]


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """Turn a device's name into a device that is really there.

    Parameters
    ----------
    device : str or torch.device
        "auto" (the best one found), "cpu", "cuda", "cuda:1", "mps", or a device.

    Returns
    -------
    torch.device
        With its number where there can be several, so that two names of one device compare equal.

    Raises
    ------
    InvalidInput
        The name is unknown, or this machine has no such device.
    """
    found = available_devices()
    if device == "auto":
        return torch.device(found[0])
    try:
        wanted = torch.device(device)
    except (RuntimeError, TypeError):
        raise one_of("device", device, ["auto", *found]) from None
    if wanted.type == "cuda" and wanted.index is None:
        wanted = torch.device("cuda:0")
    if wanted.type in ("cpu", "mps"):
        wanted = torch.device(wanted.type)
    if str(wanted) in found:
        return wanted
    raise InvalidInput(
        f"device: {str(device)!r} is not on this machine; it has {', '.join(found)}. "
        "Choose one of these, or 'auto' for the best of them."
    )


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Run the forward pass inside this context in the named precision.

    "float32" changes nothing. "bfloat16" and "float16" let torch run convolutions and matrix
    products in 16 bits; parameters stay in float32. float16 needs :func:`grad_scaler` as well.

    Raises
    ------
    InvalidInput
        The precision is unknown, or float16 was asked of the processor, where its small range
        brings no speed in return.
    """
    if precision not in PRECISIONS:
        raise one_of("precision", precision, PRECISIONS)
    if precision == "float32":
        return nullcontext()
    if precision == "float16" and device.type == "cpu":
        raise InvalidInput(
            "precision: 'float16' needs a GPU, and the device is 'cpu'; "
            "choose 'float32', or 'bfloat16', which a processor can compute."
        )
    return torch.autocast(device.type, dtype=PRECISIONS[precision])


def grad_scaler(device: torch.device, precision: str) -> torch.amp.GradScaler:
    """Scale losses so that float16 gradients do not vanish; does nothing in other precisions."""
    if precision not in PRECISIONS:
        raise one_of("precision", precision, PRECISIONS)
    return torch.amp.GradScaler(device.type, enabled=precision == "float16")


def synchronize(device: torch.device) -> None:
    """Wait until the device has done its queued work, so that a clock read after it is true."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
