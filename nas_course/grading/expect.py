"""Comparisons for checks: each passes silently or raises a `Diagnosis` with the numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nas_course.grading.exercise import Diagnosis, describe


def expect_number(value: Any, *, given: Any = None, whole: bool = False) -> float:
    """Return `value` as a number, or say what came instead.

    With `whole`, only an int or a float without fraction passes.
    """
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    # an int is finite and whole, and may be larger than numpy and float can hold
    if isinstance(value, int) and plain:
        return value
    if plain and np.isfinite(value) and (not whole or float(value).is_integer()):
        return value
    raise Diagnosis(
        given=given,
        got=f"{describe(value)} ({type(value).__name__})",
        expected="a whole number" if whole else "a finite number",
        cause="The answer is not a number of the kind asked for.",
        next_step="Return one plain number, not text, a list, nan or infinity.",
        code="not-a-number",
    )


def expect_array(value: Any, shape: tuple[int | None, ...], *, given: Any = None) -> np.ndarray:
    """Return `value` as a float array of the shape, where None stands for any size.

    Lists of numbers are taken too; nan and infinity are refused.
    """
    array = _as_array(value, given)
    fits = len(array.shape) == len(shape) and all(
        want is None or want == have for want, have in zip(shape, array.shape, strict=True)
    )
    if not fits:
        wanted = tuple("any" if size is None else size for size in shape)
        raise Diagnosis(
            given=given,
            got=f"shape {array.shape}",
            expected=f"shape {wanted}".replace("'", ""),
            cause="The result has another shape than asked for.",
            next_step="Print `.shape` of each step and compare it with what you meant.",
            code="wrong-shape",
        )
    if not np.isfinite(array).all():
        raise Diagnosis(
            given=given,
            got=array,
            expected="finite numbers",
            cause="The result holds nan or infinity: a division by zero or an overflow.",
            next_step="Look for a logarithm of 0, a division, or an exponential of large numbers.",
            code="not-finite",
        )
    return array


def _as_array(value: Any, given: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind in "biuf" and not isinstance(value, (str, dict)):
        return array.astype(np.float64)
    raise Diagnosis(
        given=given,
        got=f"{describe(value)} ({type(value).__name__})",
        expected="an array, tensor or list of numbers",
        cause="The result is not made of numbers, or its rows differ in length.",
        next_step="Return a tensor or array, for example with `torch.stack(rows)`.",
        code="not-an-array",
    )


def expect_close(
    got: Any,
    expected: Any,
    *,
    cause: str,
    next_step: str,
    code: str,
    given: Any = None,
    tolerance: float = 1e-5,
) -> None:
    """Pass when `got` equals `expected` within `tolerance` (absolute, and relative to expected).

    The right shape is the caller's business (`expect_array`), a wrong one fails here too. The
    diagnosis shows where the first difference lies.
    """
    left, right = _as_array(got, given), np.asarray(expected, dtype=np.float64)
    if left.shape == right.shape and np.allclose(left, right, rtol=tolerance, atol=tolerance):
        return
    where = _first_difference(left, right, tolerance)
    raise Diagnosis(
        given=given,
        got=f"{describe(got)}{where}",
        expected=expected,
        cause=cause,
        next_step=next_step,
        code=code,
    )


def _first_difference(left: np.ndarray, right: np.ndarray, tolerance: float) -> str:
    if left.shape != right.shape or left.ndim == 0:
        return ""
    wrong = ~np.isclose(left, right, rtol=tolerance, atol=tolerance)
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = ", ".join(map(str, index))
    return f" (first difference at [{place}]: {left[index]:.6g}, expected {right[index]:.6g})"


def expect_equal(
    got: Any, expected: Any, *, cause: str, next_step: str, code: str, given: Any = None
) -> None:
    """Pass when `got` is the expected plain value; a list and a tuple of equal parts are equal."""
    if _plain(got) == _plain(expected):
        return
    raise Diagnosis(
        given=given, got=got, expected=expected, cause=cause, next_step=next_step, code=code
    )


def _plain(value: Any) -> Any:
    """Lists as tuples, True apart from 1, all the way down."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return ("sequence", *(_plain(part) for part in value))
    if isinstance(value, dict):
        return ("dict", frozenset((key, _plain(part)) for key, part in value.items()))
    return ("bool", value) if isinstance(value, bool) else value


def expect_choice(value: Any, allowed: Iterable[Any], *, given: Any = None) -> Any:
    """Return `value` when it is one of the allowed answers, or list them."""
    options = list(allowed)
    if any(_plain(value) == _plain(option) for option in options):
        return value
    raise Diagnosis(
        given=given,
        got=value,
        expected="one of " + ", ".join(map(repr, options)),
        cause="The answer is none of the choices.",
        next_step="Copy one of the choices exactly as it is written.",
        code="not-a-choice",
    )


def expect_keys(value: Any, keys: Iterable[Any], *, given: Any = None) -> dict:
    """Return `value` when it is a dict with exactly these keys, each filled in."""
    wanted = list(keys)
    if isinstance(value, dict) and set(value) == set(wanted):
        if not any(part is ... or part is None for part in value.values()):
            return value
        blank = [key for key in wanted if value[key] is ... or value[key] is None]
        got, cause = f"no answer for {blank}", "Some parts are not answered yet."
    elif isinstance(value, dict):
        missing = [key for key in wanted if key not in value]
        extra = [key for key in value if key not in wanted]
        got, cause = f"missing {missing}, not asked for {extra}", "The dict has other keys."
    else:
        got, cause = f"{describe(value)} ({type(value).__name__})", "The answer is not a dict."
    raise Diagnosis(
        given=given,
        got=got,
        expected=f"a dict with the keys {wanted}",
        cause=cause,
        next_step="Keep the keys of the stub and fill in each value.",
        code="wrong-keys",
    )
