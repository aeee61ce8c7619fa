"""The whole mixed space, trained: look up what `benchmarks/mixed_space.py` measured.

table = MixedTable.read("../results/mixed_space.npz")
estimate = table.estimate(deal=0)
estimate(design).value                        # R² on the validation part, as if trained now
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from nas_course.data.regression import RegressionData, Rows
from nas_course.errors import InvalidInput
from nas_course.estimation.regression import EPOCHS
from nas_course.estimation.score import Score
from nas_course.models.mlp import weights_of
from nas_course.spaces.mixed import MixedDesign, MixedSpace

SPACE = MixedSpace()
UNIT = 1e-4  # errors are stored in whole units
DIVERGED = 2**16 - 1  # and this stands for all that are larger, infinity too


def deal(data: RegressionData, number: int) -> RegressionData:
    """Deal the rows that do not train anew into validation and test part.

    The trained networks stay valid, so one training of the space gives many pairs of parts. Deal 0
    is the data as they came; deal k shuffles by the seed k.
    """
    if number == 0:
        return data
    inputs = torch.cat([data.valid.inputs, data.test.inputs])
    targets = torch.cat([data.valid.targets, data.test.targets])
    order = torch.tensor(np.random.default_rng(number).permutation(len(targets)))
    valid, test = order.split([len(data.valid), len(data.test)])
    return RegressionData(
        f"{data.name}, deal {number}",
        data.train,
        Rows(inputs[valid], targets[valid]),
        Rows(inputs[test], targets[test]),
    )


def stored(errors: np.ndarray) -> np.ndarray:
    """Turn mean squared errors into 16-bit numbers of 0.0001 each; from 6.5535 on, one number."""
    finite = np.nan_to_num(errors, nan=np.inf, posinf=DIVERGED * UNIT)
    return np.minimum(np.rint(finite / UNIT), DIVERGED).astype(np.uint16)


@dataclass(frozen=True)
class MixedTable:
    """Errors of all 3,600 designs after a full training, for several deals of the other rows.

    Attributes
    ----------
    valid_mse, test_mse : array (deals, 3600)
        Mean squared errors; column = `MixedSpace.position`. Infinity from 6.5535 on.
    valid_variance, test_variance : array (deals,)
        Of the targets: an error as large is R² = 0.
    seconds : array (3600,)
        Processor time of a training.
    noise_designs, noise_test_r2 : array (n,), array (n, seeds)
        Positions of sampled designs, and their R² on the test part of deal 0, trained with
        several seeds.
    command : str
        What wrote the file.
    """

    valid_mse: np.ndarray
    test_mse: np.ndarray
    valid_variance: np.ndarray
    test_variance: np.ndarray
    seconds: np.ndarray
    noise_designs: np.ndarray
    noise_test_r2: np.ndarray
    command: str

    @classmethod
    def read(cls, path: str | Path) -> MixedTable:
        """Read a file.

        Raises
        ------
        InvalidInput
            The file is not there, or it does not hold the whole space.
        """
        if not Path(path).is_file():
            raise InvalidInput(
                f"mixed table: there is no file {path}; make it with "
                "`python benchmarks/mixed_space.py --out results/mixed_space.npz`."
            )
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if not arrays["trained"].all():
            raise InvalidInput(
                f"mixed table {path}: {int(arrays['trained'].sum()):,} of 3,600 designs are "
                "trained; run its command again, it goes on where it stopped."
            )
        return cls(
            valid_mse=_errors(arrays["valid"]),
            test_mse=_errors(arrays["test"]),
            valid_variance=arrays["valid_variance"],
            test_variance=arrays["test_variance"],
            seconds=arrays["seconds"],
            noise_designs=arrays["noise_designs"],
            noise_test_r2=arrays["noise_test_r2"],
            command=str(arrays["command"]),
        )

    @property
    def valid(self) -> np.ndarray:
        """R² on the validation parts, 0 to 1: (deals, 3600)."""
        return np.maximum(0, 1 - self.valid_mse / self.valid_variance[:, None])

    @property
    def test(self) -> np.ndarray:
        """R² on the test parts, 0 to 1: (deals, 3600)."""
        return np.maximum(0, 1 - self.test_mse / self.test_variance[:, None])

    def estimate(self, deal: int = 0) -> MixedTableEstimate:
        """Return the estimate that looks designs up, for one deal."""
        if deal not in range(len(self.valid_mse)):
            raise InvalidInput(f"deal: got {deal!r}; give 0 to {len(self.valid_mse) - 1}.")
        values = tuple(self.valid[deal].tolist())
        return MixedTableEstimate(values, tuple(self.seconds.tolist()), deal)


@dataclass(frozen=True)
class MixedTableEstimate:
    """Score a design by the table's R² on the validation part, as if it were trained now."""

    values: tuple[float, ...]
    seconds: tuple[float, ...]
    deal: int
    continues: ClassVar[bool] = False

    def __call__(self, architecture: MixedDesign) -> Score:
        """Look the design up."""
        position = SPACE.position(architecture)
        return Score(
            value=self.values[position],
            cost_seconds=self.seconds[position],
            fidelity=f"{EPOCHS} epochs, looked up in deal {self.deal}",
            measures={"parameters": weights_of(architecture.depth, architecture.width, inputs=10)},
        )


def _errors(numbers: np.ndarray) -> np.ndarray:
    return np.where(numbers == DIVERGED, np.inf, numbers * UNIT)
