"""Answers to 08.3 and 08.4: counting cells and mixing operations."""

import itertools
import math

import numpy as np
import torch

from answers_08 import right, wrong


def _answer(relaxed, kept):
    return {"relaxed": relaxed, "kept": kept, "pair": kept**2}


@wrong("08.3", "edges-without-inputs")
def only_edges_between_nodes(nodes, operations):
    edges = nodes * (nodes - 1) // 2
    kept = math.prod(math.comb(2 + i, 2) for i in range(nodes)) * (operations - 1) ** (2 * nodes)
    return _answer(operations**edges, kept)


@wrong("08.3", "none-can-be-chosen")
def none_is_an_operation_like_others(nodes, operations):
    edges = sum(range(2, 2 + nodes))
    kept = math.prod(math.comb(2 + i, 2) for i in range(nodes)) * operations ** (2 * nodes)
    return _answer(operations**edges, kept)


@wrong("08.3", "none-left-out-of-the-supernet")
def none_is_never_there(nodes, operations):
    useful = operations - 1
    edges = sum(range(2, 2 + nodes))
    kept = math.prod(math.comb(2 + i, 2) for i in range(nodes)) * useful ** (2 * nodes)
    return _answer(useful**edges, kept)


@wrong("08.3", "ordered-predecessors")
def predecessors_in_order(nodes, operations):
    edges = sum(2 + i for i in range(nodes))
    pairs = math.prod(math.perm(2 + i, 2) for i in range(nodes))
    return _answer(operations**edges, pairs * (operations - 1) ** (2 * nodes))


@wrong("08.3", "predecessors-with-repetition")
def predecessor_twice_allowed(nodes, operations):
    edges = sum(2 + i for i in range(nodes))
    return _answer(
        operations**edges,
        math.prod(((2 + i) * (operations - 1)) ** 2 for i in range(nodes)),
    )


@wrong("08.3", "lesson-count")
def the_lessons_product(nodes, operations):
    size = 1
    for n in range(2, 2 + nodes):
        size *= (n * operations) ** 2
    return _answer(operations ** sum(range(2, 2 + nodes)), size)


@wrong("08.3", "operations-on-all-edges")
def operations_on_every_edge(nodes, operations):
    edges = sum(2 + i for i in range(nodes))
    kept = math.prod(math.comb(2 + i, 2) for i in range(nodes)) * (operations - 1) ** edges
    return _answer(operations**edges, kept)


@wrong("08.3", "one-operation-per-node")
def one_operation_for_a_node(nodes, operations):
    edges = sum(2 + i for i in range(nodes))
    kept = 1
    for i in range(nodes):
        kept *= math.comb(2 + i, 2) * (operations - 1)
    return _answer(operations**edges, kept)


@wrong("08.3", "topologies-added")
def sum_over_nodes(nodes, operations):
    edges = sum(2 + i for i in range(nodes))
    topologies = sum(math.comb(2 + i, 2) for i in range(nodes))
    return _answer(operations**edges, topologies * (operations - 1) ** (2 * nodes))


@wrong("08.3", "topologies-forgotten")
def only_operations_counted(nodes, operations):
    return _answer(operations ** sum(range(2, 2 + nodes)), (operations - 1) ** (2 * nodes))


@wrong("08.3", "pair-doubled")
def two_cells_are_twice_one(nodes, operations):
    right_counts = formula(nodes, operations)
    return {**right_counts, "pair": 2 * right_counts["kept"]}


@wrong("08.3", "count-is-a-float")
def with_numpy_floats(nodes, operations):
    kept = np.prod([math.comb(2 + i, 2) * float(operations - 1) ** 2 for i in range(nodes)])
    return _answer(operations ** sum(range(2, 2 + nodes)), kept)


@wrong("08.3", "inputs-forgotten")
def no_input_nodes(nodes, operations):
    edges = sum(range(nodes))
    pairs = 1
    for n in range(nodes):
        pairs *= max(1, n * (n - 1) // 2)
    return _answer(operations**edges, pairs * (operations - 1) ** (2 * nodes))


@wrong("08.3", "wrong-keys")
def a_tuple(nodes, operations):
    return tuple(formula(nodes, operations).values())


@right("08.3")
def formula(nodes, operations):
    """Closed formulas for edges and topologies."""
    edges = nodes * (nodes + 3) // 2
    topologies = math.factorial(nodes) * math.factorial(nodes + 1) // 2**nodes
    return _answer(operations**edges, topologies * (operations - 1) ** (2 * nodes))


@right("08.3")
def enumeration(nodes, operations):
    """Counts pairs of predecessors by listing them, in numpy integers."""
    kept = np.int64(1)
    for node in range(2, 2 + nodes):
        pairs = list(itertools.combinations(range(node), 2))
        kept = kept * len(pairs) * (operations - 1) ** 2
    relaxed = 1
    for node in range(2, 2 + nodes):
        for _ in range(node):
            relaxed = relaxed * operations
    return {"pair": kept * kept, "kept": kept, "relaxed": np.int64(relaxed)}


@wrong("08.4", "softmax-over-edges")
def axis_zero(alpha, outputs):
    pi = alpha.softmax(0)
    return torch.einsum("eo,eoif->eif", pi, outputs)


@wrong("08.4", "softmax-over-everything")
def flattened(alpha, outputs):
    pi = alpha.flatten().softmax(0).view_as(alpha)
    return torch.einsum("eo,eoif->eif", pi, outputs)


@wrong("08.4", "softmax-twice")
def softmax_of_softmax(alpha, outputs):
    pi = torch.softmax(alpha, dim=-1)
    return torch.einsum("eo,eoif->eif", torch.softmax(pi, dim=-1), outputs)


@wrong("08.4", "logits-as-weights")
def no_softmax(alpha, outputs):
    return (alpha[..., None, None] * outputs).sum(1)


@wrong("08.4", "log-softmax")
def logarithms(alpha, outputs):
    return (alpha.log_softmax(1)[..., None, None] * outputs).sum(1)


@wrong("08.4", "sigmoid-weights")
def independent_gates(alpha, outputs):
    return (torch.sigmoid(alpha)[..., None, None] * outputs).sum(1)


@wrong("08.4", "weights-ignored")
def plain_mean(alpha, outputs):
    return outputs.mean(1)


@wrong("08.4", "hard-choice")
def strongest_only(alpha, outputs):
    return torch.stack([edge[row.argmax()] for row, edge in zip(alpha, outputs, strict=True)])


@wrong("08.4", "not-normalised")
def exponentials(alpha, outputs):
    return (alpha.exp()[..., None, None] * outputs).sum(1)


@wrong("08.4", "divided-by-operations")
def weighted_mean(alpha, outputs):
    return (alpha.softmax(1)[..., None, None] * outputs).mean(1)


@wrong("08.4", "softmax-overflows")
def naive_softmax(alpha, outputs):
    powers = alpha.exp()
    return ((powers / powers.sum(1, keepdim=True))[..., None, None] * outputs).sum(1)


@wrong("08.4", "wrong-shape")
def all_edges_added(alpha, outputs):
    return torch.einsum("eo,eoif->if", alpha.softmax(1), outputs)


@right("08.4")
def loops(alpha, outputs):
    """Loops over edges and operations, returns a list of arrays."""
    mixed = []
    for row, edge in zip(alpha.numpy(), outputs.numpy(), strict=True):
        weights = np.exp(row - row.max())
        weights = weights / weights.sum()
        mixed.append(sum(weight * output for weight, output in zip(weights, edge, strict=True)))
    return mixed


@right("08.4")
def matrix_product(alpha, outputs):
    """One batched matrix product in float32."""
    edges, operations, images, features = outputs.shape
    weights = torch.softmax(alpha, 1).float().unsqueeze(1)
    flat = outputs.float().reshape(edges, operations, -1)
    return torch.bmm(weights, flat).reshape(edges, images, features)
