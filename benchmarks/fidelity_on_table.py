"""Measure on the tabular benchmark what early epochs, extrapolation and stopping are worth.

    python benchmarks/fidelity_on_table.py --out results/fidelity_on_table.json     # two minutes

1. epochs: how the validation accuracy after e epochs ranks the cells by their final test accuracy.
2. extrapolation: whether forecasts from e epochs rank better, and come nearer, than the last value.
3. stopping: which share of the epochs the median rules save in a random search, and what the
   search then loses, beside a random search that gets the same epochs and stops nothing.
"""

import argparse
import json
import platform
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch

from nas_course import tabular
from nas_course.estimation import (
    CurveRegression,
    MedianRule,
    PointwiseMedianRule,
    bootstrap,
    extrapolate,
    kendall,
    last_value,
    spearman,
    top_overlap,
)
from nas_course.estimation.extrapolation import FEWEST_EPOCHS
from nas_course.estimation.ranking import regret
from nas_course.estimation.stopping import replay
from nas_course.storage import write_file

RESAMPLES = 200
EXTRAPOLATED, LEARNED_FROM = 1_000, 100  # cells; completed trainings that the regression sees
SEARCHES, EVALUATIONS = 200, 100
RULES = {
    "median of running averages (Vizier)": MedianRule,
    "median of values (Optuna)": PointwiseMedianRule,
}
WARMUPS = (1, 2, 4)


def interval(statistic, estimated, true):
    rng = np.random.default_rng(0)
    return asdict(bootstrap(statistic, estimated, true, rng, resamples=RESAMPLES))


def epoch_rows(valid, test):
    """One row for every epoch: rank correlations, the same among the best tenth, regret, cost."""
    n, epochs = valid.shape
    best = np.argsort(-test)[: max(2, n // 10)]
    return [
        {
            "epochs": e,
            "cost_share": e / epochs,
            "kendall": interval(kendall, valid[:, e - 1], test),
            "spearman": interval(spearman, valid[:, e - 1], test),
            "spearman_in_best_tenth": interval(spearman, valid[best, e - 1], test[best]),
            "overlap_of_best_tenth": interval(
                partial(top_overlap, k=len(best)), valid[:, e - 1], test
            ),
            "regret_of_the_first": regret(valid[:, e - 1], test),
        }
        for e in range(1, epochs + 1)
    ]


def extrapolation_rows(valid, test):
    """Forecasts of the last validation accuracy, ranked against it and against the test accuracy.

    The cells from which the regression learns are not among those that are ranked.
    """
    rng, epochs = np.random.default_rng(0), valid.shape[1]
    chosen = rng.permutation(len(valid))[: EXTRAPOLATED + LEARNED_FROM]
    known, new = chosen[:LEARNED_FROM], chosen[LEARNED_FROM:]
    rows = []
    for e in range(FEWEST_EPOCHS, epochs):
        seen, end = valid[new, :e], valid[new, -1]
        forecast = extrapolate(seen, epochs)
        learned = CurveRegression().fit(valid[known, :e], valid[known, -1])
        candidates = {
            "last value": last_value(seen, epochs),
            "best so far": seen.max(axis=1),
            "parametric curves": forecast.mean,
            "regression on 100 full trainings": learned.predict(seen),
        }
        covered = np.abs(end - forecast.mean) < 1.96 * forecast.sd
        for name, values in candidates.items():
            rows.append(
                {
                    "epochs": e,
                    "forecast": name,
                    "kendall_with_test": interval(kendall, values, test[new]),
                    "kendall_with_last_epoch": interval(kendall, values, end),
                    "mean_absolute_error": float(np.abs(values - end).mean()),
                }
            )
        rows[-2]["share_in_95_percent_interval"] = float(covered.mean())
    return rows


def stopping_rows(valid, test):
    """Random searches of 100 cells with each rule; regret against their best without stopping."""
    epochs, count = valid.shape[1], min(EVALUATIONS, len(valid))
    rows = []
    for name, rule in RULES.items():
        for warmup in WARMUPS:
            saved, lost, lost_unstopped = [], [], []
            for seed in range(SEARCHES):
                order = np.random.default_rng(seed).permutation(len(valid))[:count]
                trained = replay(rule(warmup), valid[order])
                saved.append(1 - trained.mean() / epochs)
                best = chosen_test(valid, test, order)
                lost.append(best - chosen_test(valid, test, order[trained == epochs]))
                affordable = max(1, int(trained.sum() // epochs))
                lost_unstopped.append(best - chosen_test(valid, test, order[:affordable]))
            rows.append(
                {
                    "rule": name,
                    "warmup": warmup,
                    "epochs_saved": quartiles(saved),
                    "test_accuracy_lost": quartiles(lost) | {"mean": float(np.mean(lost))},
                    "lost_by_fewer_full_trainings": quartiles(lost_unstopped)
                    | {"mean": float(np.mean(lost_unstopped))},
                }
            )
    return rows


def chosen_test(valid, test, cells):
    """Test accuracy of the cell with the best last validation accuracy."""
    return test[cells[np.argmax(valid[cells, -1])]]


def quartiles(values):
    names = ("low", "median", "high")
    return dict(zip(names, np.quantile(values, [0.25, 0.5, 0.75]).tolist(), strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", type=Path, help="default: the shipped one")
    given = parser.parse_args()
    torch.set_num_threads(1)
    table = tabular.load(given.table) if given.table else tabular.load()
    valid, test = table.valid.astype(float), table.test.astype(float)
    report = {
        "command": f"python benchmarks/fidelity_on_table.py --out {given.out.as_posix()}",
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "cells": len(valid),
        "complete": bool(table.complete),
        "searches": SEARCHES,
        "evaluations": EVALUATIONS,
        "epochs": epoch_rows(valid, test),
        "extrapolation": extrapolation_rows(valid, test),
        "stopping": stopping_rows(valid, test),
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    write_file(given.out, json.dumps(report, indent=1).encode() + b"\n")
    show(report)


def show(report):
    def text(found):
        return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"

    print(f"{report['cells']:,} cells")
    for row in report["epochs"]:
        print(
            f"epoch {row['epochs']}: tau {text(row['kendall'])}, rho {text(row['spearman'])}, "
            f"rho in the best tenth {text(row['spearman_in_best_tenth'])}, "
            f"regret {100 * row['regret_of_the_first']:.2f} points"
        )
    for row in report["extrapolation"]:
        print(
            f"from {row['epochs']} epochs, {row['forecast']:<33} "
            f"tau {text(row['kendall_with_test'])}, "
            f"error {100 * row['mean_absolute_error']:.2f} points"
        )
    for row in report["stopping"]:
        print(
            f"{row['rule']:<36} warmup {row['warmup']}: saves {row['epochs_saved']['median']:.0%}, "
            f"loses {100 * row['test_accuracy_lost']['mean']:.3f} points; fewer full trainings "
            f"{100 * row['lost_by_fewer_full_trainings']['mean']:.3f}"
        )


if __name__ == "__main__":
    main()
