"""The check's side: `ask(...)` calls the learner's function and hands back plain values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nas_course.grading.exercise import Diagnosis, describe
from nas_course.grading.transport import Malformed, decode, encode

Deliver = Callable[[dict], dict]


class Ask:
    """Calls the learner's object wherever it lives.

    ``ask(x, y)`` calls it and returns the plain result; ``ask.value()`` reads a plain answer.
    Whatever goes wrong on the learner's side is raised as a `Diagnosis`.
    """

    def __init__(self, name: str, deliver: Deliver) -> None:
        self.name = name
        self.printed = ""
        self._deliver = deliver
        self._answered = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the learner's function; arguments are plain values, arrays or transport's kinds."""
        given = f"{self.name}({_shown(args, kwargs)})"
        request = {"args": encode(list(args)), "kwargs": encode(kwargs)}
        return self._read(self._deliver(request), given, "returned")

    def value(self) -> Any:
        """Read the learner's answer, for questions whose answer is a number, text or choice."""
        return self._read(self._deliver({"value": True}), self.name, "is")

    def _read(self, outcome: dict, given: str, verb: str) -> Any:
        self.printed = (self.printed + _text(outcome.get("printed", "")))[-2_000:]
        for name, explain in _TROUBLES.items():
            if name in outcome:
                raise explain(self, outcome[name], given, verb)
        try:
            value = decode(outcome["value"])
        except (Malformed, KeyError, RecursionError) as error:
            raise forged_reply(given) from error
        if not _is_answer(value):
            raise self._without_answer(value, given, verb)
        self._answered = True
        return value

    def _without_answer(self, value: Any, given: str, verb: str) -> Diagnosis:
        if not self._answered:
            return not_answered(self.name)
        return Diagnosis(
            given=given,
            got=f"it {verb} {value!r}",
            expected="a value",
            cause="One way through your code ends without a return statement.",
            next_step="Look for a branch or loop that is left without `return`.",
            code="returned-none",
        )

    def _missing(self, content: Any, given: str, verb: str) -> Diagnosis:
        return Diagnosis(
            expected=f"a name `{self.name}`",
            got="no such name after the notebook ran",
            cause="The cell that defines it is missing, renamed, or stopped with an error.",
            next_step=f"Define `{self.name}`, then restart the kernel and run all cells.",
            code="not-found",
        )

    def _uncallable(self, content: Any, given: str, verb: str) -> Diagnosis:
        return Diagnosis(
            expected=f"`{self.name}` to be a function",
            got=f"it is of type {_text(content)}",
            cause="The name was given a value, perhaps the result of calling the function.",
            next_step=f"Pass the function itself: `{self.name}`, without parentheses.",
            code="not-a-function",
        )

    def _unsendable(self, content: Any, given: str, verb: str) -> Diagnosis:
        return Diagnosis(
            given=given,
            got=f"it {verb} {_text(content)}",
            expected="numbers, text, lists, dicts, arrays or tensors",
            cause="The answer is of a type that the check does not know.",
            next_step="Convert it, for example with `list(...)`, `float(...)` or `.tolist()`.",
            code="unsupported-type",
        )

    def _raised(self, content: Any, given: str, verb: str) -> Diagnosis:
        parts = content if isinstance(content, dict) else {}
        kind, where = _text(parts.get("type", "")), _text(parts.get("where", ""))
        message = _text(parts.get("message", ""))
        if kind == "NotImplementedError" and not self._answered:
            return not_answered(self.name)
        return Diagnosis(
            given=given,
            got=f"{kind}: {message}" if message else kind,
            expected="a value, no exception",
            cause=f"Your code raised {kind}" + (f" at {where}" if where else "") + ".",
            next_step="Call it yourself with the input shown above and read the traceback.",
            code="interrupted" if kind == "KeyboardInterrupt" else "raised",
        )

    def _overflowed(self, content: Any, given: str, verb: str) -> Diagnosis:
        return Diagnosis(
            given=given,
            got="more than a million printed characters",
            expected="a value, little printing",
            cause="Your code prints in a loop that runs very often or never ends.",
            next_step="Remove the `print` or look at the condition that ends the loop.",
            code="output-limit",
        )


_TROUBLES: dict[str, Callable[[Ask, Any, str, str], Diagnosis]] = {
    "missing": Ask._missing,
    "uncallable": Ask._uncallable,
    "unsendable": Ask._unsendable,
    "raised": Ask._raised,
    "overflowed": Ask._overflowed,
}


def not_answered(name: str) -> Diagnosis:
    """The diagnosis of an untouched stub."""
    return Diagnosis(
        cause="Not answered yet.",
        next_step=f"Replace the `...` in the cell of `{name}`, run it, then run this cell again.",
        code="not-answered",
    )


def forged_reply(given: str) -> Diagnosis:
    """The diagnosis when a reply is not one that the course's own code writes."""
    return Diagnosis(
        given=given,
        got="a reply that is not valid",
        expected="one value",
        cause="The notebook's code interfered with the messages between it and the grader.",
        next_step="Return the answer from the function; do not write to the grader's files.",
        code="forged-reply",
    )


def _is_answer(value: Any) -> bool:
    """False for None, `...`, and containers in which nothing but `...` was filled in."""
    if value is None or value is ...:
        return False
    parts = list(value.values()) if isinstance(value, dict) else value
    if isinstance(parts, (list, tuple)) and parts:
        return not all(part is ... for part in parts)
    return True


def _text(value: Any) -> str:
    return value[:2_000] if isinstance(value, str) else ""


def _shown(args: tuple, kwargs: dict) -> str:
    parts = [repr(part) if isinstance(part, str) else describe(part, 300) for part in args]
    return ", ".join(parts + [f"{name}={describe(part, 300)}" for name, part in kwargs.items()])
