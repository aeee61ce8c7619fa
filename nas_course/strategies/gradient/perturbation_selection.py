"""DARTS+PT: choose the operation whose removal hurts most, not the largest alpha.

    parts = Parts(make_relaxation=DecidedMix, make_schedules=(PerturbationSelection,))

Wang, Cheng, Chen, Tang, Hsieh, "Rethinking Architecture Selection in Differentiable NAS",
ICLR 2021, algorithm 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from nas_course.errors import InvalidInput, require_whole
from nas_course.models import MixedSupernet
from nas_course.models.supernet import softmax_mix
from nas_course.spaces import Cell201, CellTemplate, DARTSSpace, Genotype, NASBench201Space
from nas_course.strategies.gradient.discretization import best_operations
from nas_course.strategies.gradient.parts import Batch, Relaxation, Schedule

if TYPE_CHECKING:
    from nas_course.strategies.gradient.search import GradientSearch

Score = tuple[float, float]  # accuracy, and minus the loss: of two equal accuracies the larger


class DecidedMix(Relaxation):
    """The softmax mix, except on edges that are decided: they have fixed mixing weights.

    Attributes
    ----------
    decided : dict of cell kind -> dict of row -> Tensor (operations,)
        One-hot for a chosen operation, zeros for an edge that was removed. It belongs to the
        schedule, which saves it.
    """

    def __init__(self) -> None:
        self.decided: dict[str, dict[int, Tensor]] = {}

    def __call__(self, supernet: MixedSupernet) -> dict[str, Tensor]:
        """Return the mixing weights by cell kind."""
        pi = softmax_mix(supernet)
        for kind, rows in self.decided.items():
            if rows:
                fixed = {row: weights.to(pi[kind]) for row, weights in rows.items()}
                pi[kind] = torch.stack([fixed.get(row, w) for row, w in enumerate(pi[kind])])
        return pi


class Trial:
    """Judges what a supernet loses without an operation or without edges, on given images.

    Parameters
    ----------
    supernet : MixedSupernet
    kind : str
        The cell in which something is removed.
    images, labels : Tensor (count, channels, H, W), (count,)
        Judged as one batch, over which batch normalisation takes its statistics.
    """

    def __init__(self, supernet: MixedSupernet, kind: str, images: Tensor, labels: Tensor) -> None:
        self.supernet, self.kind, self.images, self.labels = supernet, kind, images, labels
        with torch.no_grad():
            self.pi = supernet.mixing_weights()

    def without_operation(self, row: int, column: int) -> Score:
        """Return the score with pi = 0 for one operation of one edge."""
        changed = self.pi[self.kind].clone()
        changed[row, column] = 0.0
        return self._score(changed)

    def without_edges(self, rows: list[int]) -> Score:
        """Return the score with pi = 0 on whole edges."""
        changed = self.pi[self.kind].clone()
        changed[rows] = 0.0
        return self._score(changed)

    @torch.no_grad()
    def _score(self, changed: Tensor) -> Score:
        logits = self.supernet(self.images, {**self.pi, self.kind: changed}).float()
        accuracy = (logits.argmax(dim=1) == self.labels).float().mean()
        return accuracy.item(), -cross_entropy(logits, self.labels).item()


class PerturbationSelection(Schedule):
    """The last part of the search decides edge by edge, and trains the weights in between.

    Every decision takes an edge in random order, and there the operation o that is needed most:

        o* = argmin_o ACC_val(supernet without o on this edge)

    "Without" sets pi_o to 0 and leaves the other weights of the edge, as the released code does.
    The edge then carries o* alone. On the DARTS space, when all operations are decided, each node
    loses its input edges one by one, always the one whose removal leaves the best accuracy, until
    two are left. Of equal accuracies the loss decides.

    Differences from the paper. It searches 50 epochs and then trains 5 further ones after every
    decision; here the decisions share the last steps of the same budget, so that all methods cost
    the same number of steps (not the same time: the trials are extra). Its code trains the alphas
    on between decisions; algorithm 1 speaks of the weights, and so the alphas rest here. It
    judges on the whole validation part; here on `images` of them, drawn anew for every decision.
    On the DARTS space `none` is no candidate, since a genotype cannot have it.

    Algorithm 1 decides operations only; the topology is in an appendix (A.3 of the submission),
    known here from memory: remove each input edge once, and keep the two without which the
    accuracy is lowest. The released code removes edges one by one, but every trial puts those
    removed before back in: apart from the noise between two trials that comes to the same. Here
    an edge that is removed stays away while the others are judged. Of two edges that can stand
    in for each other both seem dispensable alone; once one is gone, the other is missed.

    Parameters
    ----------
    share : float
        Of the steps that the decisions get, above 0 and at most 1.
    images : int
        Validation images on which a removal is judged, from 1 on; all where there are fewer.

    Raises
    ------
    InvalidInput
        If a value is outside its range; in a search whose relaxation is not `DecidedMix`.
    """

    def __init__(self, *, share: float = 0.4, images: int = 256) -> None:
        if not 0 < share <= 1:
            raise InvalidInput(f"share: got {share!r}; allowed: above 0, at most 1.")
        require_whole("images", images, least=1)
        self.share, self.images = share, images
        self.order: dict[str, list[int]] = {}  # edges, then nodes, as they will be decided
        self.done = 0  # decisions taken in each cell kind
        self.operations: dict[str, dict[int, int]] = {}  # row -> column
        self.kept: dict[str, dict[int, list[int]]] = {}  # node -> rows
        self.mix = DecidedMix()

    def begin(self, search: GradientSearch) -> None:
        """Draw the order of the decisions."""
        if not isinstance(search.relaxation, DecidedMix):
            raise InvalidInput(
                f"relaxation: got {type(search.relaxation).__name__}; perturbation-based selection "
                "fixes mixing weights of decided edges: give Parts make_relaxation=DecidedMix."
            )
        self.mix = search.relaxation
        for kind, template in search.supernet.space.cells.items():
            self.order[kind] = _order(search, template)
            self.operations[kind], self.kept[kind], self.mix.decided[kind] = {}, {}, {}

    def before_step(self, search: GradientSearch, train_batch: Batch, valid_batch: Batch) -> None:
        """Take the decisions that are due before this step, one in every cell kind at a time."""
        while self.done < self._due(search):
            images, labels = self._validation(search, valid_batch)
            for kind, template in search.supernet.space.cells.items():
                trial = Trial(search.supernet, kind, images, labels)
                place = self.order[kind][self.done]
                if self.done < len(template.edges):
                    self._decide_operation(trial, template, place)
                else:
                    self._decide_inputs(trial, template, place)
            self.done += 1

    def trains_alphas(self, search: GradientSearch) -> bool:
        """Whether the decisions have not begun."""
        return search.steps < self._first(search)

    def after_epoch(self, search: GradientSearch) -> dict[str, Any]:
        """Return how many edges of each cell kind are decided."""
        return {"decided_edges": min(self.done, len(next(iter(search.supernet.alphas.values()))))}

    def architecture(self, search: GradientSearch) -> Genotype | Cell201:
        """Return what is decided, completed by the choice of the alphas."""
        space = search.supernet.space
        if isinstance(space, DARTSSpace):
            cells = (self._genotype_cell(search.supernet, kind) for kind in space.cells)
            return Genotype(*cells)
        columns = search.supernet.alphas["cell"].detach().argmax(dim=1).tolist()
        for row, column in self.operations["cell"].items():
            columns[row] = column
        return Cell201(tuple(space.operations[column] for column in columns))

    def state_dict(self) -> dict[str, Any]:
        """Return the order, and all decisions."""
        return {
            "order": self.order,
            "done": self.done,
            "operations": {kind: dict(chosen) for kind, chosen in self.operations.items()},
            "kept": {kind: dict(chosen) for kind, chosen in self.kept.items()},
        }

    def load_state_dict(self, state: dict[str, Any], search: GradientSearch) -> None:
        """Take over the decisions."""
        self.order, self.done = state["order"], state["done"]
        self.operations, self.kept = state["operations"], state["kept"]
        for kind, template in search.supernet.space.cells.items():
            self.mix.decided[kind] = {}
            for row, column in self.operations[kind].items():
                self._fix(kind, template, row, column)
            for node, rows in self.kept[kind].items():
                self._remove(kind, template, node, rows)

    def _first(self, search: GradientSearch) -> int:
        """Return the step before which the first decision is taken."""
        return min(round((1 - self.share) * search.steps_total), search.steps_total - 1)

    def _due(self, search: GradientSearch) -> int:
        """Return how many decisions are taken before this step; the last before the last step."""
        total = len(next(iter(self.order.values())))
        passed, span = (
            search.steps - self._first(search),
            search.steps_total - 1 - self._first(search),
        )
        if passed < 0:
            return 0
        return total if passed >= span else 1 + passed * (total - 1) // span

    def _validation(self, search: GradientSearch, valid_batch: Batch) -> Batch:
        if search.data is None:
            return valid_batch
        valid = search.data.valid
        chosen = torch.randperm(len(valid), generator=search.generator)[: self.images]
        chosen = chosen.to(valid.images.device)
        return valid.images[chosen], valid.labels[chosen]

    def _decide_operation(self, trial: Trial, template: CellTemplate, row: int) -> None:
        """Keep the operation without which the accuracy is lowest."""
        scores = {o: trial.without_operation(row, o) for o in candidates(trial.supernet.space)}
        chosen = min(scores, key=lambda o: scores[o])
        self.operations[trial.kind][row] = chosen
        self._fix(trial.kind, template, row, chosen)

    def _decide_inputs(self, trial: Trial, template: CellTemplate, node: int) -> None:
        """Remove the edge that is missed least, until two lead into the node."""
        rows = template.incoming(node)
        removed: list[int] = []
        while len(rows) > 2:
            scores = {row: trial.without_edges([*removed, row]) for row in rows}
            removed.append(max(rows, key=lambda row: scores[row]))
            rows.remove(removed[-1])
        self.kept[trial.kind][node] = rows
        self._remove(trial.kind, template, node, rows)

    def _fix(self, kind: str, template: CellTemplate, row: int, column: int) -> None:
        self.mix.decided[kind][row] = torch.eye(len(template.operations))[column]

    def _remove(self, kind: str, template: CellTemplate, node: int, kept: list[int]) -> None:
        for row in template.incoming(node):
            if row not in kept:
                self.mix.decided[kind][row] = torch.zeros(len(template.operations))

    def _genotype_cell(self, supernet: MixedSupernet, kind: str) -> tuple:
        template = supernet.space.cells[kind]
        names, strengths = best_operations(supernet.alphas[kind], template)
        for row, column in self.operations[kind].items():
            names[row] = template.operations[column]
        nodes = []
        for node in _nodes(template):
            by_strength = sorted(template.incoming(node), key=lambda row: -strengths[row].item())
            rows = sorted(self.kept[kind].get(node, by_strength[:2]))
            nodes.append(tuple((names[row], template.edges[row][0]) for row in rows))
        return tuple(nodes)


def candidates(space: DARTSSpace | NASBench201Space) -> list[int]:
    """Return the columns of the operations that an architecture of the space can have."""
    template = next(iter(space.cells.values()))
    without_none = isinstance(space, DARTSSpace)
    return [o for o, name in enumerate(template.operations) if name != "none" or not without_none]


def _order(search: GradientSearch, template: CellTemplate) -> list[int]:
    """Draw the order of the edges, and on the DARTS space that of the nodes with a choice."""
    edges = torch.randperm(len(template.edges), generator=search.generator).tolist()
    if not isinstance(search.supernet.space, DARTSSpace):
        return edges
    nodes = [node for node in _nodes(template) if len(template.incoming(node)) > 2]
    shuffled = torch.randperm(len(nodes), generator=search.generator).tolist()
    return edges + [nodes[place] for place in shuffled]


def _nodes(template: CellTemplate) -> range:
    return range(template.inputs, template.inputs + template.nodes)
