# %% [markdown]
# # 02 Search spaces
#
# A search finds the best of what it may choose from. What it may choose from is decided by
# people, before any search begins: the *search space*.
#
# After this chapter you can
#
# - write an architecture as a value that is compared, stored and read back;
# - build the operations, cells and networks of the well-known spaces, and count their weights;
# - count a space, sample from it and mutate in it without the usual mistakes;
# - tell whether two descriptions are one network, and encode architectures as numbers;
# - say how much of a result is the space's, before crediting the search.

# %%
import itertools
import math
from collections import Counter
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import torch
from ipywidgets import Checkbox, Dropdown, IntSlider
from torch import nn

from nas_course import models, plots, spaces, tabular, widgets
from nas_course.errors import InvalidInput
from nas_course.models.initialisation import initialise
from nas_course.operations import DARTS_OPERATIONS, build_operation

torch.set_num_threads(1)  # more threads than free cores make small steps slower

# %% [markdown]
# ## 1. What is decided
#
# NAS has three parts (chapter 01): the space, the strategy that moves through it, and the
# estimation of how good an architecture is. (Accuracy, weights and latency are not kinds of
# estimation: they are *what* is estimated; training, a table, a predictor are *how*.) Whoever draws
# a network by hand makes these decisions, and a space says which of them are open:
#
# | decision | open in a macro space | open in a cell space |
# | --- | --- | --- |
# | depth | layers in each stage | no: the number of cells is set |
# | width | of each layer | no: doubled at each reduction |
# | kernel, operation | of each layer | of each edge |
# | connections | skipped around or not | the graph inside the cell |
# | downsampling | how to halve | no: reduction cells have their places |
# | normalisation, activation | no | no |
#
# A **macro** space searches layers and their connections: flexible and huge. A **micro** space
# searches a small *cell* that is stacked, so what is found for a short stack can be moved to a long
# one. "Cell-based" and "micro" are two words for one thing, not two of three kinds. The last
# row could be open as well: in chapter 01 the activation was.
#
# Fill in a design card. *Before you move `kernel` from 3 to 5: by which factor will the weights
# grow? And if `separable` is ticked?*

# %%
from nas_course.spaces.chain import HALVINGS, Chain, Layer


def card(layers, kernel, separable, width, skip, halving):
    """A chain of three equal stages, and what it costs."""
    name = f"{'sep' if separable else 'nor'}_conv_{kernel}x{kernel}"
    chain = Chain(((Layer(name, width, skip),) * layers,) * 3, (halving,) * 2)
    network = models.ChainNetwork(chain, channels=16, cells=1, classes=10, in_channels=3)
    figure = plots.draw_chain(chain)
    cost = models.multiply_adds(network, (3, 32, 32))
    figure.summary = (f"{chain}: {models.parameter_count(network):,} weights, "
                      f"{cost / 1e6:.1f} million multiply-adds for an image of 32x32.")
    return figure


widgets.FigurePanel(
    card,
    layers=IntSlider(value=2, min=1, max=3),
    kernel=Dropdown(options=[3, 5]),
    separable=Checkbox(value=False),
    width=Dropdown(options=[1, 2, 4], value=2),
    skip=Checkbox(value=True),
    halving=Dropdown(options=HALVINGS),
)

# %% [markdown]
# ## 2. An architecture is a value
#
# Strategies compare architectures, count them, put them in sets and write them into files. So an
# architecture must be a plain *value*, like a number or a text, and **not** a network. Here is one
# for NAS-Bench-201, a cell of four nodes with one operation on each of six edges:

# %%
EDGES = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]  # (source, target)


@dataclass(frozen=True)
class Cell:
    """One operation for each edge; node 0 is the input, node 3 the output."""

    operations: tuple

    def __str__(self):
        nodes = []
        for target in (1, 2, 3):
            pairs = zip(EDGES, self.operations, strict=True)
            terms = [f"{name}~{source}" for (source, end), name in pairs if end == target]
            nodes.append("|" + "|".join(terms) + "|")
        return "+".join(nodes)


def parse(text):
    """The cell that was written as this text."""
    tokens = [token for node in text.split("+") for token in node.strip("|").split("|")]
    return Cell(tuple(token.split("~")[0] for token in tokens))


cell = Cell(("nor_conv_3x3", "none", "skip_connect", "skip_connect", "none", "avg_pool_3x3"))
print(cell)
print("equal after writing and reading:", parse(str(cell)) == cell)
print("found in a set:", parse(str(cell)) in {cell})
print("two equal layers of torch are equal:", nn.ReLU() == nn.ReLU())

# %% [markdown]
# *Frozen* matters: a value that changes while it is a key of a dictionary is lost.

# %%
try:
    cell.operations = ("none",) * 6
except FrozenInstanceError as error:
    print(type(error).__name__ + ":", error)

# %% [markdown]
# The package's cells are written alike. Its reader also says what is wrong with a text.

# %%
bench = spaces.NASBench201Space()
every = list(bench)  # all cells
assert all(str(Cell(c.operations)) == str(c) and parse(str(c)).operations == c.operations
           for c in every)
print(f"our texts equal the package's, for all {len(every):,} cells: True")
try:
    bench.parse("|conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|")
except InvalidInput as error:
    print(error)

# %%
plots.draw_cell(bench.parse(str(cell)), "cell")

# %% [markdown]
# ## 3. Operations
#
# What can be on an edge? The sets of the spaces in this course:

# %%
for name in ("darts", "nas-bench-201", "eight-operations", "enas-micro"):
    print(f"{name:17s}", ", ".join(spaces.get(name).operations))

# %% [markdown]
# `eight-operations` is the list of the lesson this course grew from. There it was a list of words:
# no module stood behind them, so no architecture could be built. A space needs, for each word, a
# module, and the module's *order* is part of the definition: ReLU, convolution, batch
# normalisation. *Why not the other way round, with ReLU last? A node adds up what comes in.*

# %% nas_course={"tol": {"abs": 0.02}}
def fixed(module, seed=0):
    """The same module with weights drawn from a seed."""
    initialise(module, torch.Generator().manual_seed(seed))
    return module


x = torch.randn(16, 16, 8, 8, generator=torch.Generator().manual_seed(0))
relu_last = [fixed(nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, bias=False),
                                 nn.BatchNorm2d(16), nn.ReLU()), seed) for seed in range(4)]
norm_last = [fixed(build_operation("nor_conv_3x3", 16, 1, affine=True), seed)
             for seed in range(4)]
for name, incoming in (("ReLU last", relu_last), ("normalisation last", norm_last)):
    total = sum(operation(x) for operation in incoming)
    print(f"{name:19s} sum of four: mean {total.mean():.2f}, "
          f"{(total < 0).float().mean():.0%} of it negative")

# %% [markdown]
# With ReLU last, sums can only grow, and no operation can correct another downwards.
#
# ### Separable convolutions
#
# A $K\times K$ convolution from $C_{in}$ to $C_{out}$ channels has $C_{in}C_{out}K^2$ weights. A
# *separable* one filters each channel by itself, then mixes the channels by $1\times1$:
# $C_{in}K^2+C_{in}C_{out}=C_{in}(K^2+C_{out})$. DARTS and ENAS apply the pair **twice**; a
# *dilated* one applies it once, with holes between its taps. By hand:

# %%
def depthwise_then_pointwise(channels, kernel):
    """ReLU, one filter per channel, 1x1 over all channels, normalisation."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
    )


ours = nn.Sequential(depthwise_then_pointwise(16, 3), depthwise_then_pointwise(16, 3))
theirs = fixed(build_operation("sep_conv_3x3", 16, 1, affine=True))
ours.load_state_dict(theirs.state_dict())
assert torch.equal(ours(x), theirs(x))
print("our separable convolution equals the package's: True")

# %% [markdown]
# *With 16 channels: which has more weights, a 5x5 separable convolution (twice!) or a plain 3x3?*

# %%
C = 16
for K in (3, 5):
    formulas = {
        f"nor_conv_{K}x{K}": C * C * K**2,
        f"dil_conv_{K}x{K}": C * (K**2 + C),
        f"sep_conv_{K}x{K}": 2 * C * (K**2 + C),
    }
    for name, formula in formulas.items():
        assert models.parameter_count(build_operation(name, C, 1, affine=False)) == formula
        print(f"{name}: {formula:5,} weights")

# %% [markdown]
# ### What an operation sees
#
# The *receptive field* of an output pixel: the input pixels that can change it. No need to believe
# a formula: ask the gradient which inputs it reaches. *What is the field of `sep_conv_3x3`?*


# %%
def field(operation, size=11):
    """Input pixels (size, size) on which the middle output pixel depends."""
    # eval: with statistics of the batch every pixel would depend on every other one
    operation = fixed(operation).eval()
    x = torch.rand(64, 4, size, size, generator=torch.Generator().manual_seed(0)) + 0.1
    middle = operation(x.requires_grad_())[:, :, size // 2, size // 2]
    (gradient,) = torch.autograd.grad(middle.sum(), x)
    return gradient.abs().amax(dim=(0, 1)) > 0


names = ("nor_conv_3x3", "max_pool_3x3", "dil_conv_3x3", "sep_conv_3x3", "dil_conv_5x5",
         "sep_conv_5x5")
fields = {name: field(build_operation(name, 4, 1, affine=True)) for name in names}
wide = {name: int(np.ptp(np.flatnonzero(seen.any(dim=0)))) + 1 for name, seen in fields.items()}
assert [wide[name] for name in ("dil_conv_3x3", "sep_conv_3x3")] == [5, 5]

# %%
words = "; ".join(f"{name} {seen.sum()} pixels, {wide[name]} wide"
                  for name, seen in fields.items())
figure = plots.new_figure(f"Receptive fields by gradient: {words}.", (9.0, 2.0))
for axes, (name, seen) in zip(figure.subplots(1, len(names)), fields.items(), strict=True):
    axes.imshow(~seen, cmap="gray", vmin=0, vmax=1)
    axes.set_title(f"{name}\n{seen.sum()} pixels", fontsize=8)
    axes.set(xticks=[], yticks=[])
figure

# %% [markdown]
# Dilation widens the 3x3 convolution's field to 5x5, with holes. The separable one is applied
# twice, so it sees 5x5 without holes: a "3x3" in the name is not a 3x3 in the network.
#
# ### Halving the resolution
#
# A $1\times1$ convolution with stride 2 reads one pixel of four. `FactorizedReduce` (what
# `skip_connect` becomes where the resolution is halved) has two of them, the second one shifted by
# one pixel. As tutorials write it:


# %%
class CarelessReduce(nn.Module):
    """Two strided 1x1 convolutions, the second on shifted pixels."""

    def __init__(self, channels):
        super().__init__()
        self.even = nn.Conv2d(channels, channels // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(channels, channels // 2, 1, stride=2, bias=False)

    def forward(self, x):
        return torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], dim=1)


def pixels_read(operation):
    """Share of the pixels of an 8x8 image on which the output depends."""
    x = torch.rand(8, 4, 8, 8, generator=torch.Generator().manual_seed(0)) + 0.1
    (gradient,) = torch.autograd.grad(fixed(operation).eval()(x.requires_grad_()).sum(), x)
    return (gradient.abs().amax(dim=(0, 1)) > 0).float().mean().item()


print("strided 1x1 reads", pixels_read(nn.Conv2d(4, 4, 1, stride=2, bias=False)))
print("two, shifted, read", pixels_read(CarelessReduce(4)))
print("the package's reads", pixels_read(build_operation("skip_connect", 4, 2, affine=True)))

# %% [markdown]
# Half of the pixels still are lost; but twice as many are read. Two things were careless: there is
# no ReLU and normalisation as in the other operations, and it works on even sizes only.

# %%
for operation in (CarelessReduce(4), build_operation("skip_connect", 4, 2, affine=True)):
    try:
        operation(torch.zeros(1, 4, 7, 7))
    except (RuntimeError, InvalidInput) as error:
        print(f"{type(error).__name__}: {error}\n")

# %% [markdown]
# ### Nothing, and the border
#
# `none` is *no connection*: zeros. Written as $0\cdot x$ it passes on what it should stop. And a
# mean over a window that hangs over the border must not count the padding.

# %%
broken = torch.tensor([[[[1.0, float("inf")], [float("nan"), 2.0]]]])
print("0 * x:    ", (0 * broken).flatten().tolist())
print("none of x:", build_operation("none", 1, 1, affine=True)(broken).flatten().tolist())

ones = torch.ones(1, 1, 4, 4)
for name, pool in (("with padding", nn.AvgPool2d(3, 1, 1)),
                   ("in the package", build_operation("avg_pool_3x3", 1, 1, affine=True))):
    print(f"corner of an average over ones {name}: {pool(ones)[0, 0, 0, 0]:.2f}")

# %% [markdown]
# `none` costs nothing, but it is no free choice in a mixture (chapter 08). There an edge carries
# all operations at once with weights $\pi$ that sum to 1. *Let `none` get 90 % of the weight. What
# is left of the edge after the normalisation that follows?*

# %% nas_course={"tol": {"abs": 0.005}}
others = [fixed(build_operation(name, 16, 1, affine=False))(x).detach()
          for name in DARTS_OPERATIONS if name != "none"]
normalise = nn.BatchNorm2d(16, affine=False, track_running_stats=False)
reference = normalise(sum(others))
for none in (0.125, 0.5, 0.9):
    node = (1 - none) * sum(others) / len(others)
    change = (normalise(node) - reference).abs().max()
    print(f"weight of none {none:5.3f}: spread {node.std():.3f}, after normalisation it differs by "
          f"{change:.3f} at most")

# %% [markdown]
# All of it, but for the small constant in the normalisation's denominator. `none` only makes the
# node smaller, and normalisation makes it larger again. So a
# large weight of `none` is not "learned sparsity", and a small one does not mean that the edge
# matters. DARTS' rule for the final choice leaves `none` out altogether. In NAS-Bench-201 it is a
# real choice: the edge is not there.
#
# ## 4. From a value to a network
#
# A node is the sum of its incoming edges. With one module for each edge:


# %%
def forward(modules, x):
    """Run a NAS-Bench-201 cell: (B, C, H, W) to the same shape."""
    nodes = [x]
    for target in (1, 2, 3):
        pairs = zip(EDGES, modules, strict=True)
        nodes.append(sum(module(nodes[source]) for (source, end), module in pairs if end == target))
    return nodes[3]


from nas_course.models.nas_bench_201 import DiscreteCell201

package = fixed(DiscreteCell201(bench.parse(str(cell)), channels=16))
assert torch.allclose(forward(package.operations, x), package(x), atol=1e-6)
print("our cell computes what the package's does: True")

# %% [markdown]
# NAS-Bench-201 searches one cell, and reductions are fixed. DARTS, ENAS and the lesson's space have
# cells with **two** inputs, the two cells before, and search two kinds: a *normal* cell keeps the
# resolution; a *reduction* cell halves it (its edges from the inputs have stride 2) and doubles the
# channels. Reductions stand at one third and two thirds of the depth:

# %%
from nas_course.models.skeleton import reduction_positions


def strip(cells):
    """N and R of a network of so many cells."""
    return "".join("R" if k in (cells // 3, 2 * cells // 3) else "N" for k in range(cells))


for cells in range(3, 21):
    assert {k for k, kind in enumerate(strip(cells)) if kind == "R"} == reduction_positions(cells)
print("  ".join(strip(cells) for cells in (3, 7, 8, 20)))
print("depths at which the rule gives the lesson's drawing:",
      [cells for cells in range(3, 21) if strip(cells) == "NNRNNRN"])

# %% [markdown]
# The lesson draws `NNRNNRN`, which the rule gives for no depth: a normal cell was lost at the end.
# DARTS searches with 8 cells and trains 20.

# %%
plots.draw_network(cells=8, channels=16)

# %% [markdown]
# *The four nodes of a DARTS cell are laid side by side. How many channels has the output of each
# of these eight cells, if the first nodes have 16?*

# %%
genotype = spaces.DARTSSpace().sample(np.random.default_rng(0))
network = models.CellNetwork(genotype, channels=16, cells=8, classes=10, in_channels=3)
outputs = network.network.run_cells(torch.zeros(2, 3, 32, 32), {"normal": 0.0, "reduce": 0.0})
shapes = [tuple(output.shape[1:]) for output in outputs]
print(*zip(strip(8), shapes, strict=True), sep="\n")
assert [shape[0] for shape in shapes] == [4 * 16 * 2 ** strip(8)[: k + 1].count("R")
                                          for k in range(8)]

# %% [markdown]
# Two inputs of other channels, or after a reduction of another resolution, cannot be added; before
# each cell 1x1 convolutions bring them together. Many re-implementations lack it and
# break at their first reduction.
#
# One function builds any architecture of any space:

# %%
rng = np.random.default_rng(1)
for name in ("darts", "nas-bench-201", "eight-operations", "enas-micro", "chain"):
    architecture = spaces.get(name).sample(rng)
    network = models.build_network(
        architecture, channels=16, cells=3, classes=10, in_channels=3,
        generator=torch.Generator().manual_seed(0),
    )
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    print(f"{name:17s} {models.parameter_count(network):9,} weights, "
          f"{models.multiply_adds(network, (3, 32, 32)) / 1e6:6.1f} million multiply-adds")

# %% [markdown]
# And a small macro space with an estimate that trains, on digits. Three chains of two stages, the
# same recipe for each: a first search by hand.

# %% nas_course={"tol": {"abs": 0.2}}
from nas_course import data
from nas_course.estimation import NetworkBuilder, TrainingEstimate
from nas_course.training import Recipe

images = data.load("digits", seed=0, train_images=600, device="cpu")
macro = spaces.ChainSpace(stages=2, layers=2, widths=(1, 2))
build = NetworkBuilder.fitting(images, channels=8, cells=1)
estimate = TrainingEstimate(images, Recipe(epochs=6, batch_size=32, learning_rate=0.1), build)
for _ in range(3):
    chain = macro.sample(rng)
    print(f"{estimate(chain).value:.2f}  {chain}")

# %% [markdown]
# ## 5. How large is a space?
#
# The lesson's cell: four nodes; node $i$ has $n=2,\dots,5$ predecessors and takes two inputs, each
# a predecessor with one of eight operations. It gives two sizes, $8^{14}$ in the text, and below
# its code $\prod_n(8n)^2$ with the printed output 17,179,869,184. *They cannot all be right. Which
# would you believe?*

# %%
lesson = math.prod((8 * n) ** 2 for n in range(2, 6))
print(f"one operation on each of all 14 edges: {8**14:>17,}")
print(f"the lesson's code, run:                {lesson:>17,}")
print(f"printed in the lesson, 2 to the 34th:  {2**34:>17,}")

# %% [markdown]
# The printed number was never computed by that code. Output that is pasted instead of run is the
# oldest mistake in notebooks. The other two count different things:
#
# - $8^{14}$ counts **relaxed** cells: all edges are kept, each with one operation.
# - $\prod(8n)^2$ counts how **two draws** can come out, in order, and equal ones too.
#
# The order of two inputs does not matter for a sum, and reading one predecessor twice is not meant.
# So a node chooses $\binom n2$ pairs, and an operation for each. DARTS has seven to choose from:

# %%
def pairs_times_operations(operations):
    """Cells of four nodes that each read two different predecessors."""
    return math.prod(math.comb(n, 2) * operations**2 for n in range(2, 6))


eight, darts = spaces.EightOperationsSpace(), spaces.DARTSSpace()
assert (lesson, 8**14) == (eight.size_with_repetition, eight.relaxed_size)
assert (pairs_times_operations(8), pairs_times_operations(7)) == (eight.size, darts.cell_size)
print(f"eight operations, two different inputs: {eight.size:>15,}")
print(f"DARTS, one cell:                        {darts.cell_size:>15,}")
print(f"DARTS, a normal and a reduction cell:   {darts.size:>15.2e}")

# %% [markdown]
# Do we trust the formulas? With two nodes everything can be listed. And listing shows what no
# formula above knows: how many of these cells are different *networks* (section 7).

# %%
small = spaces.EightOperationsSpace(nodes=2)
two_nodes = list(small)
draws = [[(o, p) for o in range(8) for p in range(n)] for n in (2, 3)]
ordered = [list(itertools.product(node, repeat=2)) for node in draws]
unordered = {tuple(tuple(sorted(pair)) for pair in nodes)
             for nodes in itertools.product(*ordered)}
m = [8 * n for n in (2, 3)]
assert math.prod(map(len, ordered)) == math.prod(k**2 for k in m) == small.size_with_repetition
assert len(unordered) == math.prod(k * (k + 1) // 2 for k in m)
assert len(set(two_nodes)) == small.size
print(f"two nodes: {small.size_with_repetition:,} draws in order, {len(unordered):,} without,")
print(f"           {small.size:,} with two different inputs,",
      f"{len({small.canonical(cell) for cell in two_nodes}):,} networks")

# %% [markdown]
# And all spaces of this course. A search tries some hundreds.

# %%
for name in spaces.SPACES:
    space = spaces.get(name)
    size = f"{space.size:,}" if space.size < 1e7 else f"{space.size:.2e}"
    print(f"{name:17s} {len(space.choices):3d} choices, {size:>9s} architectures")

# %% [markdown]
# ## 6. Sampling
#
# The lesson's sampler draws the two inputs of a node one after the other, from numpy's global
# state. *Roughly, in how many of its cells does some node read one predecessor twice?*

# %%
def careless_sample(rng):
    """Four nodes, two inputs each: (predecessor, operation); operation 7 is none."""
    return [[(rng.integers(n), rng.integers(8)) for _ in range(2)] for n in range(2, 6)]


rng = np.random.default_rng(0)
drawn = [careless_sample(rng) for _ in range(20_000)]
flaws = {
    "some node reads one predecessor twice": (
        lambda node: node[0][0] == node[1][0], [1 / n for n in range(2, 6)]),
    "some node has the same input twice": (
        lambda node: node[0] == node[1], [1 / (8 * n) for n in range(2, 6)]),
    "some node has two times none": (
        lambda node: node[0][1] == node[1][1] == 7, [1 / 64] * 4),
}

# %% nas_course={"tol": {"abs": 0.01}}
for flaw, (found, chances) in flaws.items():
    measured = np.mean([any(map(found, cell)) for cell in drawn])
    exact = 1 - math.prod(1 - chance for chance in chances)
    print(f"{flaw:38s} measured {measured:.3f}, exact {exact:.3f}")

# %% [markdown]
# Four of five cells are not what was meant, and every seventh adds an operation's output to that of
# its twin. A node with two times `none` is *dead*: zero for every image, and so is what reads only
# it.
#
# Draw the predecessors **without** replacement, and from a generator that is passed in, so that a
# seed fixes the result whatever else the program draws:

# %%
CHOICES = [name for name in DARTS_OPERATIONS if name != "none"]


def sample_cell(rng):
    """A DARTS cell: four nodes of two different predecessors."""
    nodes = []
    for n in range(2, 6):
        sources = sorted(rng.choice(n, size=2, replace=False).tolist())
        nodes.append(tuple((CHOICES[rng.integers(7)], source) for source in sources))
    return tuple(nodes)


rng = np.random.default_rng(5)
ours = sample_cell(rng), sample_cell(rng)
genotype = darts.sample(np.random.default_rng(5))
assert ours == (genotype.normal, genotype.reduce)
print("our sample equals the package's:", str(genotype)[:66], "...")

# %% [markdown]
# What about `none`? It stays in the lesson's space, but is handled: the space knows its dead nodes,
# and the network leaves them out.

# %% nas_course={"tol": {"abs": 0.01}}
rng = np.random.default_rng(0)
dead = np.mean([bool(eight.sample(rng).dead_nodes()) for _ in range(5000)])
print(f"with two different inputs, cells with a dead node: {dead:.3f}")
print(f"choices without two times none: {eight.size_without_dead_nodes:,} of {eight.size:,}")

# %% [markdown]
# "Draw uniformly" needs an answer to *uniformly over what?* For chains, a fair die for each
# decision and a fair draw from all chains are far apart:

# %%
chains = spaces.ChainSpace()
kinds = len(chains.kinds_of_layer)
longest = kinds**3 / (kinds + kinds**2 + kinds**3)
print(f"stages of three layers: {1 / 3:.0%} if depths are drawn fairly,",
      f"{longest:.0%} if all stages are")

# %% [markdown]
# ## 7. One network in other words
#
# These two cells look different. *Are they different networks?*

# %%
a = Cell(("nor_conv_3x3", "none", "none", "none", "skip_connect", "none"))
b = Cell(("skip_connect", "none", "none", "none", "nor_conv_3x3", "none"))
conv = fixed(build_operation("nor_conv_3x3", 16, 1, affine=True))


def run(cell, x):
    """Run a cell of which all 3x3 convolutions are `conv`."""
    return forward([conv if name == "nor_conv_3x3" else build_operation(name, 16, 1, affine=True)
                    for name in cell.operations], x)


print(a, b, sep="\n")
print("they compute the same:", torch.equal(run(a, x), run(b, x)))

# %% [markdown]
# A skip connection hands its input on, so "convolve, then skip" is "skip, then convolve". Numbers
# of nodes are names, and names do not matter. We need a *canonical form*: a text that is equal for
# cells that are one network. Write each node as what it computes from the input:


# %%
def term(operation, source):
    """What an edge contributes; "#" is nothing."""
    if operation == "none" or source == "#":
        return "#"
    return source if operation == "skip_connect" else f"({source})@{operation}"


def canonical(operations):
    """The output as a formula of the input 0; the order in a sum does not matter."""
    node = {0: "0"}
    for target in (1, 2, 3):
        pairs = zip(EDGES, operations, strict=True)
        terms = [term(name, node[source]) for (source, end), name in pairs if end == target]
        node[target] = "+".join(sorted(terms))
    return node[3]


assert canonical(a.operations) == canonical(b.operations)
forms = [canonical(cell.operations) for cell in every]
assert forms == [bench.canonical(cell) for cell in every]
print(canonical(a.operations))
print(f"{len(every):,} texts, {len(set(forms)):,} canonical forms, equal to the package's: True")

# %% [markdown]
# That is the benchmark's own rule, and 6,466 its published number. Look at the form printed above:
# it still carries `#`, terms that are nothing. And a node's sum that is passed on by a skip is not
# merged with the sum it enters. Do both, with tuples in place of texts:


# %%
def function(operations):
    """What a cell computes: a sorted tuple of terms; () is nothing."""
    node = {0: ("x",)}
    for target in (1, 2, 3):
        terms = ()
        for (source, end), name in zip(EDGES, operations, strict=True):
            if end == target and name != "none" and node[source]:
                terms += node[source] if name == "skip_connect" else ((name, node[source]),)
        node[target] = tuple(sorted(terms, key=str))
    return node[3]


functions = [function(cell.operations) for cell in every]
print(f"{len(every):,} texts, {len(set(forms)):,} forms, {len(set(functions)):,} functions")
print("cells that compute nothing:", functions.count(()))

# %% [markdown]
# *15,625, 6,466 or 4,930?* All three are right, for three questions. How many texts can a strategy
# propose? How many does the benchmark tell apart? How many networks are there? The course's table
# (chapter 03) trains each of the 6,466 forms once.
#
# ### Uniform over texts is not uniform over networks
#
# Some networks can be written in many ways. A sampler of texts draws them more often.

# %%
texts = Counter(functions)
common = texts.most_common(4)
once = sum(count == 1 for count in texts.values())
names = {"x": "the input itself"}  # and (name, terms) for an operation
for (what,), count in common:
    print(f"{count:5,} texts: {names.get(what) or what[0] + ' of the input'}")
print(f"{texts[()]:5,} texts: nothing")
print(f"{once:,} networks can be written in one way only")
share = sum(sorted(texts.values(), reverse=True)[:49]) / len(every)
print(f"the 49 commonest networks (1 %) get {share:.0%} of the draws")

# %% [markdown]
# The commonest networks apply one operation, or nothing. So a random *text* is simpler than a
# random *network*, and the average of 100 "random cells" depends on which of the two you meant:

# %% nas_course={"tol": {"abs": 0.002}}
table = tabular.load()
accuracy = table.test[table.index(every)]
first = {what: number for number, what in enumerate(functions)}  # one text for each function
by_network = accuracy[list(first.values())]
print(f"mean test accuracy, uniform over texts:    {accuracy.mean():.1%}")
print(f"mean test accuracy, uniform over networks: {by_network.mean():.1%}")
assert by_network.mean() > accuracy.mean()

# %% [markdown]
# For graphs with more nodes the same idea needs care: nodes may be renumbered, and two that compute
# alike may be read by others. `space.canonical` does it for every space; a search uses it so that
# no network is trained twice.
#
# ## 8. Neighbours
#
# A strategy that improves an architecture needs to know what is *near*. Two cells are neighbours if
# they differ in one choice:

# %%
def neighbours(operations):
    """All cells with one other operation."""
    for edge, old in enumerate(operations):
        for new in bench.operations:
            if new != old:
                yield (*operations[:edge], new, *operations[edge + 1 :])


assert set(neighbours(cell.operations)) == {
    other.operations for other in bench.neighbors(bench.parse(str(cell)))
}
print("neighbours of a NAS-Bench-201 cell:", len(list(neighbours(cell.operations))))
rng = np.random.default_rng(0)
for name in ("darts", "eight-operations", "enas-micro", "chain"):
    space = spaces.get(name)
    print(f"neighbours in {name}:", sum(1 for _ in space.neighbors(space.sample(rng))))

# %% [markdown]
# A *mutation* is a step to a random neighbour. It always changes the text (a careless one redraws
# an operation and gets the old one now and then: chapter 04). It does not always change the
# network. *In how many of the steps does nothing really happen?*

# %%
position = {cell.operations: number for number, cell in enumerate(every)}
steps = [(number, position[other]) for number, cell in enumerate(every)
         for other in neighbours(cell.operations)]
idle = np.mean([functions[here] == functions[there] for here, there in steps])
print(f"of {len(steps):,} steps {idle:.1%} lead to the same network")

# %% [markdown]
# Look for such a step. Sample a cell, mutate it, and read what it says: what changed is on the
# yellow band. *Can you find a mutation that changes nothing? Which operation is nearly always
# near it?* Then try the other spaces.

# %%
widgets.CellMutator(table)

# %% [markdown]
# ## 9. Encodings
#
# A model that predicts accuracy (chapter 03) wants numbers. Three encodings:
#
# - **one-hot**: for each choice a one at the option taken;
# - **adjacency**: for each pair of nodes and each operation, is it there? (`none` is not written);
# - **paths** (White and others, 2021): for each possible sequence of operations from input to
#   output, is there such a path?

# %%
from nas_course.spaces import encodings


def one_hot(operations):
    """30 numbers: 6 edges x 5 operations."""
    return np.array([name == other for name in operations for other in bench.operations], float)


def paths(operations):
    """The set of operation sequences from input to output; a skip is no step."""
    node = {0: {()}, 1: set(), 2: set(), 3: set()}
    for (source, end), name in zip(EDGES, operations, strict=True):
        if name != "none":
            step = () if name == "skip_connect" else (name,)
            node[end] = node[end] | {(*way, *step) for way in node[source]}
    return node[3]


for architecture in every[::50]:
    assert (one_hot(architecture.operations) == bench.encode(architecture)).all()
    assert len(paths(architecture.operations)) == encodings.paths(bench, architecture).sum()
print("numbers in a code:", len(bench.encode(every[0])), "one-hot,",
      len(encodings.adjacency(bench, every[0])), "adjacency,",
      encodings.path_count(bench), "paths")
print("paths of our cell:", sorted(paths(cell.operations)))

# %% [markdown]
# How far apart are the two cells of section 7, which are one network? And two DARTS cells of
# which the nodes were only renumbered?

# %%
codes = {
    "one-hot": lambda space, architecture: space.encode(architecture),
    "adjacency": encodings.adjacency,
    "paths": encodings.paths,
}
twins = [bench.parse(str(c)) for c in (a, b)]
head = "normal: sep_conv_3x3(0) sep_conv_3x3(1) | "
tails = ("max_pool_3x3(0) dil_conv_3x3(1) | skip_connect(0) skip_connect(2) | ",
         "skip_connect(0) skip_connect(2) | max_pool_3x3(0) dil_conv_3x3(1) | ")
rest = ("dil_conv_5x5(0) dil_conv_5x5(1); reduce: sep_conv_3x3(0) sep_conv_3x3(1) | "
        "sep_conv_3x3(0) sep_conv_3x3(1) | sep_conv_3x3(0) sep_conv_3x3(1) | "
        "sep_conv_3x3(0) sep_conv_3x3(1)")
renumbered = [darts.parse(head + tail + rest) for tail in tails]
assert darts.canonical(renumbered[0]) == darts.canonical(renumbered[1])
for name, code in codes.items():
    gaps = [int(np.abs(code(space, pair[0]) - code(space, pair[1])).sum())
            for space, pair in ((bench, twins), (darts, renumbered))]
    print(f"{name:9s} distance of the NAS-Bench-201 twins {gaps[0]}, of the DARTS cells {gaps[1]}")

# %% [markdown]
# Only paths see that nothing but names changed. The price: they forget where paths branch and join.

# %%
as_paths = {frozenset(paths(cell.operations)) for cell in every}
print(f"{len(set(functions)):,} different networks have {len(as_paths):,} different path codes")

# %% [markdown]
# Which code is nearest to accuracy? Guess that of a cell by the mean of the five nearest of 200
# known ones, and compare the guesses with the table by rank correlation.

# %% nas_course={"tol": {"abs": 0.02}}
from nas_course.estimation import spearman

rng = np.random.default_rng(0)
known, new = np.split(rng.permutation(len(every))[:1000], [200])
for name, code in codes.items():
    here, there = (np.array([code(bench, every[i]) for i in rows]) for rows in (known, new))
    distance = np.abs(there[:, None] - here[None]).sum(axis=2)  # (800, 200)
    nearest = distance.argsort(axis=1, kind="stable")[:, :5]
    guess = accuracy[known[nearest]].mean(axis=1)
    print(f"{name:9s} rank correlation of guess and accuracy {spearman(guess, accuracy[new]):.2f}")

# %% [markdown]
# No training, no model: neighbours alone order the cells, and better or worse by the code that says
# who is a neighbour. Chapter 03 learns from these codes.
#
# ## 10. The space decides much
#
# Back to the first sentence. Take operations away from NAS-Bench-201, and look at what is left to
# choose from, by the table:

# %% nas_course={"tol": {"abs": 0.002}}
names_of = np.array([cell.operations for cell in every])
has = {name: (names_of == name).any(axis=1) for name in bench.operations}
convolutions = np.isin(names_of, ["nor_conv_1x1", "nor_conv_3x3"])
kept = {
    "all": np.ones(len(every), bool),
    "without none": ~has["none"],
    "without pooling": ~has["avg_pool_3x3"],
    "without 3x3 convolutions": ~has["nor_conv_3x3"],
    "without convolutions": ~convolutions.any(axis=1),
    "convolutions only": convolutions.all(axis=1),
}
groups = {name: accuracy[rows] for name, rows in kept.items()}
plots.draw_spread(groups, label="test accuracy")

# %% [markdown]
# *Two teams. One searches the cells without convolutions and is so clever that it finds the very
# best one. The other takes a random cell of convolutions. Who wins?*

# %% nas_course={"tol": {"abs": 0.002}}
clever = groups["without convolutions"].max()
lucky = np.mean(groups["convolutions only"] > clever)
print(f"best cell without convolutions: {clever:.1%}")
for word, value in (("median", np.median), ("worst ", np.min)):
    print(f"{word} cell of convolutions:    {value(groups['convolutions only']):.1%}")
print(f"the random cell wins in {lucky:.0%} of the draws")
assert lucky > 0.5

# %% [markdown]
# That is *search-space bias*. A space made of good parts gives good random cells, so a good result
# says little about the search that found it, until random search in the **same** space stands
# beside it, as Li and Talwalkar (2019) demanded. (DARTS' random cell is usually quoted with 3.29 %
# errors on CIFAR-10, its best search with 2.76 %.) And the other way round: what is not in the
# space is never found.

# %% nas_course={"tol": {"abs": 0.003}}
rng = np.random.default_rng(0)
valid = table.valid[table.index(every), -1]
for name in ("all", "without convolutions", "without none", "convolutions only"):
    rows = np.flatnonzero(kept[name])
    tried = rng.choice(rows, size=(500, 10))  # 500 searches of 10 random cells
    chosen = tried[np.arange(500), valid[tried].argmax(axis=1)]
    print(f"10 random cells, {name:21s} median test accuracy {np.median(accuracy[chosen]):.1%}")

# %% [markdown]
# Why not make every space small and good, then? Because "good" was known beforehand only here. A
# narrow space repeats what people know; a wide one can surprise, and costs more to search. The
# table tells you what you gain or lose by narrowing, *after* everything was trained.
#
# ## 11. What goes wrong in practice
#
# | what you see | why | what to do |
# | --- | --- | --- |
# | the "size" differs from text to text | other things are counted | say what is one element |
# | printed size fits no formula | output pasted, not run | run it; compare with a listing |
# | nodes that read one input twice | drawn with replacement | draw without |
# | constant output, no error | dead nodes | exclude `none` twice, or handle it |
# | other cells at each start | global random state | pass a generator |
# | the same network trained again | equal only up to names | compare canonical forms |
# | `nan` behind an absent edge | zero times infinity | zeros, not products |
# | crash at the first reduction | odd sizes, unequal inputs | check; preprocess inputs |
# | "learned sparsity" by `none` | normalisation undoes scale | do not read weights of `none` |
# | a great search result | a great space | random search in the same space |
#
# ## Recap
#
# - The space says which decisions are open; people make the others before the search.
# - An architecture is an immutable value with a text form; one function turns it into a network.
# - An operation is its name **and** its order, repetitions, strides and borders.
# - Count with a formula, check by listing; texts, canonical forms and functions are three counts.
# - Sampling and mutating belong to the space, which knows its rules.
# - Judge a search only beside random search in the same space.
#
# **Exercises:** [exercises/02_search_spaces.ipynb](../exercises/02_search_spaces.ipynb).
# **Next:** 03, performance estimation.
#
# ## References
#
# - Zoph, Vasudevan, Shlens, Le: *Learning Transferable Architectures for Scalable Image
#   Recognition* (NASNet), CVPR 2018: cells, normal and reduction.
# - Pham, Guan, Zoph, Le, Dean: *Efficient Neural Architecture Search via Parameter Sharing* (ENAS),
#   ICML 2018.
# - Liu, Simonyan, Yang: *DARTS: Differentiable Architecture Search*, ICLR 2019.
# - Dong, Yang: *NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search*,
#   ICLR 2020.
# - White, Neiswanger, Savani: *BANANAS: Bayesian Optimization with Neural Architectures for Neural
#   Architecture Search*, AAAI 2021: path encoding.
# - Li, Talwalkar: *Random Search and Reproducibility for Neural Architecture Search*, UAI 2019.
