"""Histories for tests of views: real gradient descent on mixtures whose losses are known."""

import numpy as np

from nas_course import spaces
from nas_course.history import History


def descent_header(space="darts", epochs=12):
    cells = {
        name: {"edges": [list(edge) for edge in cell.edges], "operations": list(cell.operations)}
        for name, cell in spaces.get(space).cells.items()
    }
    described = {"method": "darts-1st", "space": space, "data": "digits", "seed": 3}
    return described | {"epochs": epochs, "versions": {}, "cells": cells}


def descent_rows(header, rng, rate=0.5, steps=4):
    """Yield rows while sum_o softmax(alpha)_o * loss_o goes down, for random losses per edge."""
    shapes = {n: (len(c["edges"]), len(c["operations"])) for n, c in header["cells"].items()}
    alphas = {name: 1e-3 * rng.standard_normal(shape) for name, shape in shapes.items()}
    losses = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    for epoch in range(header["epochs"] + 1):
        yield {
            "epoch": epoch,
            "step": epoch * steps,
            "alphas": {name: values.tolist() for name, values in alphas.items()},
            "valid_accuracy": None if epoch == 0 else 1 - 0.9 / (1 + epoch),
            "seconds": 0.5 * epoch,
        }
        for _ in range(steps):
            for name, values in alphas.items():
                weights = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
                mean = (weights * losses[name]).sum(axis=1, keepdims=True)
                values -= rate * weights * (losses[name] - mean)


def descent_history(space="darts", epochs=12, seed=0, rate=0.5):
    history = History(descent_header(space, epochs))
    for row in descent_rows(history.header, np.random.default_rng(seed), rate):
        history.append(row)
    return history
