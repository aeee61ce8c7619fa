"""What the board of the gradient methods shows: against chance, beside what was claimed.

board = read_gradient("results/leaderboard_gradient.json")
print(gradient_table(board))
print(gradient_statement(board, "darts-1st"))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nas_course.errors import one_of
from nas_course.leaderboard.statistics import entry_of

RIVALS = {
    "random_cell": "a cell drawn by chance",
    "random_search": "random search at equal cost",
}
NOTES = (
    "Regrets in points; s: processor seconds of a search, counted as when the table was made.",
    "Settings are the same for all and were chosen on one seed of darts-1st outside the board",
    "(results/gradient_pilot.json): methods that need others are at a disadvantage. A derived",
    "cell is still to be trained; the winner of a random search is trained already.",
)
KNOWN_CELLS = {
    "best_by_valid": "best by validation accuracy",
    "most_weights": "the cell with the most weights",
}
ACCURACIES = {"final": "test", "final_valid": "validation"}
# Accuracy in percent on the test images of CIFAR-10 with NAS-Bench-201, mean and deviation of a
# few searches. Another table (200 epochs, full images), other settings: no figures to compare with
# ours, only what was said elsewhere. M. Zhang, thesis, UTS 2021, with its errata.
CLAIMED: dict[str, tuple[float, float, str]] = {
    "darts-1st": (54.30, 0.00, "table 4.1"),
    "darts-2nd": (54.30, 0.00, "table 4.1"),
    "gdas": (93.40, 0.49, "table 6.1"),
    "idarts": (93.58, 0.32, "table 6.1"),
    "balenas-2nd": (94.33, 0.04, "table 5.2, one sample"),
}


def gradient_statement(board: Mapping[str, Any], name: str, against: str = "random_cell") -> str:
    """Say what the runs of a method show against a rival.

    Parameters
    ----------
    board : mapping
    name : str
        An entry.
    against : "random_cell" or "random_search"

    Raises
    ------
    InvalidInput
        There is no such entry or rival.
    """
    if against not in RIVALS:
        raise one_of("against", against, RIVALS)
    entry = entry_of(board, name)
    lines = [f"{name} against {RIVALS[against]}, {_cost(entry)}:"]
    for key, part in ACCURACIES.items():
        compared = entry[f"{key}_against_{against}"]
        mean = float(np.mean(entry[key]))
        lines.append(
            f"  mean regret in {part} accuracy {mean:.2f} points, difference "
            f"{compared['difference']:+.2f} (95 % interval {compared['low']:+.2f} to "
            f"{compared['high']:+.2f}): {compared['verdict']}"
        )
    lines += _remarks(board, entry)
    return "\n".join(lines)


def _cost(entry: Mapping[str, Any]) -> str:
    return (
        f"{len(entry['seeds'])} seeds, {np.median(entry['table_seconds']):.0f} s and "
        f"{np.median(entry['passes']):.0f} passes of the supernet each"
    )


def _remarks(board: Mapping[str, Any], entry: Mapping[str, Any]) -> list[str]:
    """Say what one must know to read the figures."""
    remarks = []
    ended = [epochs for epochs in entry["epochs"] if epochs < board["epochs"]]
    broken = [why for why in entry["diverged"] if why]
    if len(ended) > len(broken):
        listed = ", ".join(map(str, entry["epochs"]))
        remarks.append(f"  ended early: after {listed} of {board['epochs']} epochs")
    if broken:
        remarks.append(f"  diverged in {len(broken)} of {len(entry['seeds'])} runs: {broken[0]}")
    if len(set(entry["final"])) == 1:
        remarks.append("  all runs ended in cells of one accuracy, so the interval has no width")
    return remarks


def gradient_table(board: Mapping[str, Any], names: Sequence[str] | None = None) -> str:
    """Lay the entries out as text, the smallest mean regret first, in the frame of chance."""
    entries = [entry_of(board, name) for name in names] if names else list(board["entries"])
    lines = [
        f"{'':<34}{'regret in test accuracy':>30}{'beats':>9}{'':>8}{'steps of':>18}",
        f"{'method':<34}{'mean':>8}{'median':>8}{'worst':>7}{'best':>7}{'chance':>9}{'s':>8}"
        f"{'weights':>9}{'alphas':>9}{'passes':>8}   against a random cell",
    ]
    lines += [_line(entry) for entry in sorted(entries, key=lambda e: np.mean(e["final"]))]
    chance = board["frame"]["random_cell"]["final"]
    lines.append(
        f"{'a cell drawn by chance':<34}{chance['mean']:>8.2f}{chance['0.5']:>8.2f}"
        f"   (5 % to 95 %: {chance['0.05']:.2f} to {chance['0.95']:.2f})"
    )
    for key, text in KNOWN_CELLS.items():
        lines.append(f"{text:<34}{board['frame'][key]['final']:>8.2f}")
    lines += NOTES
    return "\n".join(lines)


def _line(entry: Mapping[str, Any]) -> str:
    final, compared = entry["final"], entry["final_against_random_cell"]
    return (
        f"{entry['name']:<34}{np.mean(final):>8.2f}{np.median(final):>8.2f}{max(final):>7.2f}"
        f"{min(final):>7.2f}{100 * np.mean(entry['beats_random_cells']):>8.0f}%"
        f"{np.median(entry['table_seconds']):>8.1f}{np.median(entry['weight_steps']):>9.0f}"
        f"{np.median(entry['alpha_steps']):>9.0f}{np.median(entry['passes']):>8.0f}   "
        f"{compared['difference']:+.2f} "
        f"({compared['low']:+.2f} to {compared['high']:+.2f}) {compared['verdict']}"
    )


def verdicts(
    board: Mapping[str, Any], against: str = "random_search", *, accuracy: str = "final"
) -> dict[str, list[str]]:
    """Sort the entries into better, worse and undecided by their 95 % intervals.

    With this many entries one in twenty decides by chance, whatever it is worth.

    Raises
    ------
    InvalidInput
        There is no such rival or accuracy.
    """
    if against not in RIVALS:
        raise one_of("against", against, RIVALS)
    if accuracy not in ACCURACIES:
        raise one_of("accuracy", accuracy, ACCURACIES)
    sorted_names: dict[str, list[str]] = {"better": [], "worse": [], "undecided": []}
    for entry in board["entries"]:
        sorted_names[entry[f"{accuracy}_against_{against}"]["verdict"]].append(entry["name"])
    return sorted_names


def verdicts_text(board: Mapping[str, Any]) -> str:
    """Say who is better and worse than chance, in both forms, by test accuracy."""
    lines = []
    for against, rival in RIVALS.items():
        for verdict, names in verdicts(board, against).items():
            lines.append(f"{verdict} than {rival}: {', '.join(names) or 'none'}")
    return "\n".join(lines).replace("undecided than", "undecided against")


def claims_table(board: Mapping[str, Any]) -> str:
    """Set what the papers claimed, elsewhere and under other conditions, beside our figures."""
    lines = [f"{'method':<16}{'claimed, %':>16}   {'ours: test accuracy, %':<24}where claimed"]
    for name, (mean, deviation, where) in CLAIMED.items():
        ours = [entry for entry in board["entries"] if entry["name"] == name]
        if ours:
            found = 100 * np.array(ours[0]["test_accuracy"])
            text = f"{found.mean():.2f} ± {found.std(ddof=1):.2f} of {100 * _best(board):.2f}"
            lines.append(f"{name:<16}{f'{mean:.2f} ± {deviation:.2f}':>16}   {text:<24}{where}")
    return "\n".join(lines)


def _best(board: Mapping[str, Any]) -> float:
    return float(board["table"]["best_test"])
