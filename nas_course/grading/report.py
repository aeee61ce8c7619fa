"""What a check found, as points, as text, as HTML and as JSON."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from nas_course.grading.exercise import Diagnosis, Exercise

_LINES = (
    ("given", "Given"),
    ("got", "Your code gave"),
    ("expected", "Expected"),
    ("cause", "Likely cause"),
    ("next_step", "Next step"),
)


@dataclass(frozen=True)
class StageResult:
    """One stage: `verdict` is ``"passed"``, ``"failed"`` or ``"not run"``."""

    name: str
    points: float
    possible: float
    verdict: str


@dataclass(frozen=True)
class Report:
    """The result of checking one exercise.

    ``repr(report)`` is the points alone, which nbgrader reads as partial credit; ``str(report)``
    and the notebook's display explain them.
    """

    exercise: str
    title: str
    stages: tuple[StageResult, ...]
    diagnosis: Diagnosis | None = None
    printed: str = field(default="", compare=False)
    reasons: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """Points earned."""
        return sum(stage.points for stage in self.stages)

    @property
    def possible(self) -> float:
        """Points that can be earned."""
        return sum(stage.possible for stage in self.stages)

    @property
    def passed(self) -> bool:
        """True when every stage passed."""
        return self.diagnosis is None

    @property
    def verdict(self) -> str:
        """``right``, ``not answered`` or ``not right yet``."""
        if self.diagnosis is None:
            return "right"
        return "not answered" if self.diagnosis.code == "not-answered" else "not right yet"

    def __repr__(self) -> str:
        return f"{self.points:g}"

    def __str__(self) -> str:
        lines = [f"Exercise {self.exercise}: {self.verdict}, {self._score()}. {self.title}"]
        lines += [f"  {_mark(s)} {s.name}{_points(s)}" for s in self.stages]
        lines += [f"  {label}: {text}" for label, text in self._explanation()]
        lines += [f"  Why: {visible(reason)}" for reason in self.reasons]
        if self.printed.strip():
            lines.append("  Your code printed: " + visible(self.printed.strip()))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The same for the notebook; the verdict is a word and a sign, never only a colour."""
        sign = {"right": "✓", "not answered": "…"}.get(self.verdict, "✗")
        edge = {"right": "#1a7f37", "not answered": "#6e7781"}.get(self.verdict, "#b35900")
        stages = "".join(f"<li>{_escaped(_stage_line(stage))}</li>" for stage in self.stages)
        return (
            f'<div style="border-left:4px solid {edge};padding:0.4em 0.8em;margin:0.4em 0">'
            f"<strong>{sign} Exercise {_escaped(self.exercise)}: {self.verdict}, "
            f"{self._score()}</strong><br>{_escaped(self.title)}"
            f'<ul style="margin:0.4em 0">{stages}</ul>{self._explanation_html()}</div>'
        )

    def _explanation_html(self) -> str:
        rows = "".join(
            f"<dt><strong>{label}</strong></dt>"
            f'<dd style="white-space:pre-wrap;margin:0 0 0.3em 1em">{_explained(text)}</dd>'
            for label, text in self._explanation()
        )
        shown = f'<dl style="margin:0.4em 0">{rows}</dl>' if rows else ""
        if self.reasons:
            items = "".join(f"<li>{_explained(reason)}</li>" for reason in self.reasons)
            shown += f'<strong>Why</strong><ul style="margin:0.2em 0">{items}</ul>'
        if self.printed.strip():
            text = _escaped(self.printed.strip())
            shown += f"<details><summary>Your code printed</summary><pre>{text}</pre></details>"
        return shown

    def _explanation(self) -> list[tuple[str, str]]:
        found = [(label, getattr(self.diagnosis, name, None)) for name, label in _LINES]
        return [(label, visible(text)) for label, text in found if text]

    def _score(self) -> str:
        return f"{self.points:g} of {self.possible:g} points"

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON types."""
        parts = ("code", "given", "got", "expected", "cause", "next_step")
        return {
            "exercise": self.exercise,
            "title": self.title,
            "points": self.points,
            "possible": self.possible,
            "verdict": self.verdict,
            "stages": [vars(stage) for stage in self.stages],
            "diagnosis": self.diagnosis and {part: getattr(self.diagnosis, part) for part in parts},
        }


def without_points(exercise: Exercise, diagnosis: Diagnosis) -> Report:
    """The report of an exercise of which no stage could be run."""
    return report_of(exercise, (), diagnosis)


def report_of(
    exercise: Exercise, passed: tuple[str, ...], diagnosis: Diagnosis | None, printed: str = ""
) -> Report:
    """Make the report when the stages named in `passed` passed and the next one failed."""
    results = []
    failed = None if diagnosis and diagnosis.code == "not-answered" else len(passed)
    for number, stage in enumerate(exercise.stages):
        right = number < len(passed)
        verdict = "passed" if right else "failed" if number == failed else "not run"
        earned = float(stage.points) if right else 0.0
        results.append(StageResult(stage.name, earned, float(stage.points), verdict))
    reasons = exercise.reasons if diagnosis is None else ()
    return Report(exercise.id, exercise.title, tuple(results), diagnosis, printed, reasons)


def visible(text: str) -> str:
    """Replace characters that could steer a terminal or a page, keeping line ends and tabs."""
    return "".join(
        ch if ch in "\n\t" or unicodedata.category(ch) not in ("Cc", "Cf", "Cs", "Co") else "�"
        for ch in text
    )


def _escaped(text: str) -> str:
    return html.escape(visible(text), quote=True)


def _explained(text: str) -> str:
    """Escape a text, and write what stands between backticks as code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", _escaped(text))


def _mark(stage: StageResult) -> str:
    return {"passed": "[ok]  ", "failed": "[fail]"}.get(stage.verdict, "[    ]")


def _stage_line(stage: StageResult) -> str:
    sign = {"passed": "✓", "failed": "✗"}.get(stage.verdict, "–")
    return f"{sign} {stage.name}: {stage.verdict}{_points(stage)}"


def _points(stage: StageResult) -> str:
    """Write the points of a stage; one that looks at the form only has none."""
    return f" ({stage.points:g}/{stage.possible:g})" if stage.possible else ""
