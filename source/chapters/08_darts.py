# %% [markdown]
# # 08 DARTS: search by gradient descent
#
# Random search and evolution train one network after another and learn one number from each.
# DARTS (differentiable architecture search) trains **one** network that contains all of them,
# and asks the gradient which parts it wants more of.
#
# After this chapter you can
#
# - write the mixed operation, the cell and the supernet, and say what a softmax has to do with it;
# - derive both DARTS updates, first and second order, and check them against automatic
#   differentiation;
# - read architecture parameters while they move, and turn them into a network;
# - judge what came out: against random cells and a hand-designed network, at equal recipe.
#
# Every step is written by hand first and then shown equal to `nas_course`, so that nothing in
# the package is magic afterwards. The chapter runs in about two minutes on two cores.

# %%
import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from nas_course import comparison, data, models, plots, search, widgets
from nas_course.operations import DARTS_OPERATIONS, build_operation
from nas_course.spaces import DARTSSpace
from nas_course.strategies import gradient

torch.set_num_threads(1)  # more threads than free cores make small steps slower

# %% [markdown]
# One variable sets the size of everything. `"digits"` needs no network and no GPU. The other two
# take the sizes of the paper, which want a GPU; how to get their images: `nas-course doctor`.

# %%
DATA = "digits"  # or "fashion-mnist", "cifar10"

protocol = comparison.PRESETS[DATA]
settings = protocol.search
images = protocol.load_data(seed=0, device="auto")
print(images)
print("supernet:", settings.cells, "cells,", settings.channels, "channels; searched for",
      protocol.search_epochs, "epochs")

# %% [markdown]
# Three parts, and the difference matters: **train** fits the weights, **valid** chooses the
# architecture, **test** is looked at once, at the end. There are few images and few epochs on
# purpose. `benchmarks/digits_spread.py` trained random cells of this size with several seeds
# each: with 200 images and 20 epochs the cells differ by no more than the luck of their seeds
# (F, the variance between cells over that expected from seeds alone, is 0.7), so there is nothing
# to choose; with 8 epochs they differ (F = 3.3).
#
# ## 1. From a choice to a mixture
#
# An edge of a cell must carry one operation out of eight. A choice has no gradient. So DARTS
# lets the edge carry all eight, weighted by a softmax over eight numbers $\alpha$:
#
# $$\bar o(x)=\sum_{o} \pi_o\, o(x),\qquad \pi_o=\frac{\exp \alpha_o}{\sum_{o'}\exp \alpha_{o'}}$$
#
# This is the *continuous relaxation*: the eight corners of a simplex are the choices, and
# $\alpha$ can move through its inside.

# %%
from nas_course.models.initialisation import initialise

operations = [build_operation(name, channels=4, stride=1, affine=False) for name in DARTS_OPERATIONS]
for operation in operations:
    initialise(operation, torch.Generator().manual_seed(0))
x = torch.randn(16, 4, 8, 8, generator=torch.Generator().manual_seed(0))


def mixed_operation(x, operations, pi):
    """Sum of all operations, weighted: (16, 4, 8, 8) in, (16, 4, 8, 8) out."""
    return sum(weight * operation(x) for weight, operation in zip(pi, operations, strict=True))


alpha = torch.zeros(8)
print("mixing weights of equal alphas:", alpha.softmax(0).tolist())

# %% [markdown]
# Push one $\alpha$ up and the mixture becomes that operation. So nothing was lost: every discrete
# edge is a limit of the relaxed one.

# %% nas_course={"tol": {"abs": 0.002}}
skip = DARTS_OPERATIONS.index("skip_connect")
for height in (0, 2, 5, 10):
    alpha = torch.zeros(8)
    alpha[skip] = height
    pi = alpha.softmax(0)
    distance = (mixed_operation(x, operations, pi) - x).abs().mean()
    print(f"alpha of skip_connect {height:2d}: weight {pi[skip]:.3f}, distance to a skip {distance:.3f}")

# %% [markdown]
# One thing the formula does not show: the operations must be on one scale, or the loudest would
# win. That is why every operation ends in batch normalisation, the two pools too, and why it
# has no learned scale during the search: a learned scale would be a second, hidden $\alpha$.

# %% nas_course={"tol": {"abs": 0.011}}
for name, operation in zip(DARTS_OPERATIONS, operations, strict=True):
    print(f"{name:13s} spread of its output: {operation(x).std():.2f}")

# %% [markdown]
# The raw pools are quieter than the convolutions. The package normalises them inside its
# `MixedOperation`; with its operations in our sum, both agree.

# %%
from nas_course.models.supernet import MixedOperation

package = MixedOperation(DARTS_OPERATIONS, channels=4, stride=1)
pi = torch.tensor([0.05, 0.1, 0.1, 0.2, 0.25, 0.1, 0.1, 0.1])
assert torch.equal(mixed_operation(x, package.operations, pi), package(x, pi))
print("our mixed operation equals the package's: True")

# %% [markdown]
# ## 2. The cell
#
# A DARTS cell has two inputs (the outputs of the two cells before it) and four nodes. Each node
# adds up what comes from **all** nodes before it: $2+3+4+5=14$ edges, each a mixed operation.
# The output is the four nodes side by side.

# %%
template = DARTSSpace().cells["normal"]
print(len(template.edges), "edges:", template.edges)


def mixed_cell(edges, older, newer, pi):
    """Two inputs (B, C, H, W) and pi (14, 8) -> output (B, 4 C, H, W)."""
    nodes = [older, newer]
    for target in range(2, 6):
        rows = [row for row, (_, end) in enumerate(template.edges) if end == target]
        incoming = [edges[row](nodes[template.edges[row][0]], pi[row]) for row in rows]
        nodes.append(sum(incoming))
    return torch.cat(nodes[2:], dim=1)


# %%
from nas_course.models.supernet import DARTSCell

cell = DARTSCell(template, channels=4, input_stride=1)
pi = torch.randn(14, 8, generator=torch.Generator().manual_seed(1)).softmax(dim=1)
ours, theirs = mixed_cell(cell.edges, x, x, pi), cell(x, x, pi)
assert torch.equal(ours, theirs)
print("cell output", tuple(ours.shape), "equals the package's: True")

# %% [markdown]
# Two kinds of cells are searched: **normal** ones keep the resolution, **reduction** cells halve it
# (stride 2 on the edges from the inputs) and double the channels. All normal cells share one
# array of alphas, all reduction cells another, but every cell has weights of its own. So the
# whole architecture is $2\times14\times8=224$ numbers.
#
# ## 3. The supernet
#
# Stem, cells, average pooling, one linear layer; reductions at one third and two thirds. This
# is the network of the paper, with its 8 cells:

# %%
plots.draw_network(cells=8, channels=16)

# %%
paper = models.build_supernet(
    DARTSSpace(), channels=16, cells=8, classes=10, in_channels=3,
    generator=torch.Generator().manual_seed(0),
)
print("weights of the paper's supernet:", f"{sum(w.numel() for w in paper.weights()):,}")
print("alphas:", {kind: tuple(alpha.shape) for kind, alpha in paper.alphas.items()})

# %% [markdown]
# How many architectures are inside? Each node keeps 2 of its incoming edges, each with one of 7
# operations (`none` is never kept). Three counts that are often mixed up:

# %%
space = DARTSSpace()
print(f"one of 8 operations on all 14 edges of a cell: {8**14:,}")
print(f"cells after keeping two edges per node:        {space.cell_size:,}")
print(f"pairs of a normal and a reduction cell:        {space.size:.2e}")

# %% [markdown]
# Our own supernet is smaller. Its forward pass is short enough to write down:


# %%
def build(seed):
    """A fresh supernet of this chapter's size."""
    return models.build_supernet(
        space, channels=settings.channels, cells=settings.cells, classes=images.classes,
        in_channels=images.in_channels, generator=torch.Generator().manual_seed(seed),
    ).to(images.device)


supernet = build(seed=0)
print("cells:", supernet.network.kinds, " weights:", f"{sum(w.numel() for w in supernet.weights()):,}")

# %%
def forward(supernet, batch):
    """Logits (B, classes) of the mixture of all architectures."""
    pi = {kind: alpha.softmax(dim=1) for kind, alpha in supernet.alphas.items()}
    net = supernet.network
    older = newer = net.stem(batch)
    for kind, inputs, cell in zip(net.kinds, net.inputs, net.cells, strict=True):
        older, newer = newer, cell(*inputs(older, newer), pi[kind])
    return net.classifier(newer.mean(dim=(2, 3)))


batch = images.train.images[:32]
assert torch.allclose(forward(supernet, batch), supernet(batch), atol=1e-6)
print("our forward pass equals the package's: True")

# %% [markdown]
# `inputs` is the piece that many re-implementations forget: before a cell, 1x1 convolutions bring
# both inputs to the same channels, and after a reduction the older input is halved as well.
# Without it the network breaks at its first reduction cell.
#
# ## 4. Two levels, two data sets
#
# What do we want? Architecture parameters whose **best weights** do well on data that those
# weights have not seen:
#
# $$\min_\alpha\; L_{val}\big(w^*(\alpha),\alpha\big)\qquad\text{with}\qquad
# w^*(\alpha)=\arg\min_w L_{train}(w,\alpha)$$
#
# That is a *bilevel* problem, like choosing a weight decay. Its gradient, the *hypergradient*, has
# two parts: $\alpha$ acts directly, and $\alpha$ acts through the weights it leads to.
#
# $$\frac{d L_{val}}{d\alpha}=\underbrace{\frac{\partial L_{val}}{\partial \alpha}}_{\text{direct}}
# +\underbrace{\Big(\frac{\partial w^*}{\partial \alpha}\Big)^{\!\top}\frac{\partial L_{val}}{\partial w}}_{\text{through the weights}}$$
#
# Training to $w^*$ at every step is out of the question. DARTS offers two short cuts:
#
# - **first order**: pretend that the current $w$ is already $w^*$ and does not depend on $\alpha$.
#   Only the direct part is left.
# - **second order**: let $w$ take *one* training step, $w'=w-\xi\nabla_w L_{train}(w,\alpha)$, and
#   differentiate through it.
#
# ### A toy where the difference is everything
#
# One weight, one alpha. Training pulls $w$ to $\alpha$, validation wants $w=2$:
# $L_{train}=\tfrac12(w-\alpha)^2$, $L_{val}=\tfrac12(w-2)^2$. So $w^*(\alpha)=\alpha$, the best
# alpha is 2, and the exact hypergradient is $\alpha-2$. There is **no** direct part.
#
# *Before you run it: where will first order take alpha, starting from 0?*


# %%
def toy(make_hypergradient, steps=60):
    """Alternate alpha steps and weight steps; return the path of alpha."""
    w, alpha = (torch.zeros(1, dtype=torch.double, requires_grad=True) for _ in range(2))
    sgd = torch.optim.SGD([w], lr=0.5)
    hypergradient, path = make_hypergradient(sgd), []
    problem = gradient.Bilevel(
        outer=lambda: ((w - 2) ** 2 / 2 + 0 * alpha).sum(),
        inner=lambda: ((w - alpha) ** 2 / 2).sum(),
        alphas=[alpha], weights=[w],
    )
    for _ in range(steps):
        _, (g,) = hypergradient(problem)
        alpha.data -= 0.2 * g
        w.data -= 0.5 * torch.autograd.grad(problem.inner(), w)[0]
        path.append(alpha.item())
    return path


first, second = toy(lambda sgd: gradient.FirstOrder()), toy(gradient.Unrolled)
print(f"first order ends at alpha = {first[-1]:.2f}, second order at {second[-1]:.2f}; best is 2")

# %% [markdown]
# First order does not move at all. In a supernet it does, because there the alphas also act
# directly: they scale the operations. So first-order DARTS is not wrong, it is *blind to one of
# two reasons* for liking an operation: it sees what an operation does with today's weights, not
# what training would make of it.
#
# ### First order, by hand
#
# On the supernet, with one batch from each part:

# %%
supernet = build(seed=0).double()
train_batch = images.train.images[:32].double(), images.train.labels[:32]
valid_batch = images.valid.images[:32].double(), images.valid.labels[:32]
alphas, weights = list(supernet.alphas.values()), supernet.weights()


def loss(batch):
    """Cross-entropy of the supernet on a batch of (images, labels)."""
    return cross_entropy(supernet(batch[0]), batch[1])


by_hand = torch.autograd.grad(loss(valid_batch), alphas)

# %%
problem = gradient.Bilevel(lambda: loss(valid_batch), lambda: loss(train_batch), alphas, weights)
_, package = gradient.FirstOrder()(problem)
assert all(torch.equal(a, b) for a, b in zip(by_hand, package, strict=True))
print("first-order hypergradient equals the package's: True")
print("sum over each edge is zero:", bool(max(g.sum(1).abs().max() for g in by_hand) < 1e-12))

# %% [markdown]
# Why is the sum over an edge zero? Adding a constant to a row of logits changes nothing, so the
# gradient has no component in that direction: operations compete, one's gain is another's loss.
#
# ### Second order, by hand
#
# Let automatic differentiation go through the inner step. `create_graph=True` keeps the training
# gradient differentiable, and `functional_call` evaluates the supernet at other weights.

# %%
from torch.func import functional_call

xi = 0.025
names = {id(p): name for name, p in supernet.named_parameters()}
inner = torch.autograd.grad(loss(train_batch), weights, create_graph=True)
stepped = {names[id(w)]: w - xi * g for w, g in zip(weights, inner, strict=True)}
logits = functional_call(supernet, stepped, valid_batch[0], strict=False)
exact = torch.autograd.grad(cross_entropy(logits, valid_batch[1]), alphas)

# %% [markdown]
# That graph holds two backward passes at once: too much memory for a real supernet. DARTS takes
# the Hessian-vector product from a difference instead, with $v=\nabla_{w'}L_{val}(w',\alpha)$ and
# $w^\pm=w\pm\epsilon v$:
#
# $$\nabla_\alpha L_{val}(w',\alpha)-\xi\,
# \frac{\nabla_\alpha L_{train}(w^+,\alpha)-\nabla_\alpha L_{train}(w^-,\alpha)}{2\epsilon},
# \qquad \epsilon=\frac{0.01}{\lVert v\rVert}$$


# %%
def relative_error(got, expected):
    """Distance of two lists of arrays, as a share of the second's length."""
    got, expected = (torch.cat([g.flatten() for g in gs]) for gs in (got, expected))
    return ((got - expected).norm() / expected.norm()).item()


sgd = torch.optim.SGD(weights, lr=xi)
_, unrolled = gradient.Unrolled(sgd, epsilon=1e-7)(problem)
assert relative_error(unrolled, exact) < 1e-6
print("second-order hypergradient equals the package's: True")
print(f"first order is off by {relative_error(by_hand, exact):.0%} of the gradient")

# %% [markdown]
# We used a much shorter difference than the paper's 0.01. *Predict: does the error fall or rise
# when the paper's is made shorter?*

# %% nas_course={"tol": {"abs": 0.05, "rel": 0.05}}
for epsilon in (1e-2, 1e-3, 1e-4, 1e-7):
    error = relative_error(gradient.Unrolled(sgd, epsilon)(problem)[1], exact)
    print(f"length of the difference {epsilon:.0e}: error {error:.2f}")

# %% [markdown]
# It rises, until no kink is crossed any more; and on this batch the paper's estimate is farther off
# than first order. ReLU and max pooling have kinks, where the gradient jumps. A difference that crosses one
# adds *jump / length*, and among a million activations some kink is always near. A long
# difference crosses many and averages them out, a shorter one has fewer and larger errors, and
# only one that crosses none is exact. On a smooth network the error falls with the square of the
# length, as it should (`tests/test_hypergradients.py` shows both). So "second order" in a real
# search is a noisy estimate; chapter 10 compares it with better ones.
#
# ### One whole step, by hand
#
# Adam moves the alphas on the validation batch, then SGD moves the weights on the training batch,
# with the gradient clipped. Nothing else happens in DARTS.

# %%
ours, theirs = build(seed=0), build(seed=0)
train_batch = images.train.images[:32], images.train.labels[:32]
valid_batch = images.valid.images[:32], images.valid.labels[:32]
adam = torch.optim.Adam(
    ours.alphas.values(), lr=settings.alpha_learning_rate, betas=(0.5, 0.999), weight_decay=1e-3
)
sgd = torch.optim.SGD(ours.weights(), lr=0.025, momentum=0.9, weight_decay=3e-4)

# %%
def step(optimizer, parameters, batch, clip=None):
    """One update of `parameters` on a batch."""
    parameters = list(parameters)
    value = cross_entropy(ours(batch[0]), batch[1])
    for p, g in zip(parameters, torch.autograd.grad(value, parameters), strict=True):
        p.grad = g
    if clip is not None:
        nn.utils.clip_grad_norm_(parameters, clip)
    optimizer.step()


step(adam, ours.alphas.values(), valid_batch)
step(sgd, ours.weights(), train_batch, clip=5.0)

# %%
package = gradient.GradientSearch(theirs, lambda sgd: gradient.FirstOrder(), settings, steps_total=100)
package.step(train_batch, valid_batch)
pairs = zip(ours.parameters(), theirs.parameters(), strict=True)
assert all(torch.allclose(a, b, atol=1e-7) for a, b in pairs)
print("after one step, every weight and every alpha equals the package's: True")

# %% [markdown]
# ## 5. The search, live
#
# Now many such steps. The view below listens to the search and lives in your browser, so it stays
# usable while the kernel trains. It first asks for **your guess**: which operation will lead on
# the edge that is shown? Decide before the curves move; the view keeps your guess and shows how
# far it is from the leader. Then
#
# - drag the **epoch** slider, or press play, to see the mixture harden (or not);
# - pick other **edges**; look for those that never decide;
# - watch **entropy** (1 = nothing decided) and the **skip share**.

# %%
explorers = []


def watch(history):
    """Show the history while it grows."""
    explorers.append(widgets.AlphaExplorer(history))
    display(explorers[-1])


found = search.search_gradient(
    "darts-1st", images, settings=settings, epochs=protocol.search_epochs, seed=0, on_history=watch
)

# %% [markdown]
# We set Adam's rate on the alphas to 0.02, not to the paper's 0.0003, and that is no detail. Adam
# moves a parameter by at most about its rate per step. The paper takes some 20,000 steps; we take
# fewer than a hundred. With the paper's rate ours would end where they began: at random.

# %%
history = found.history
steps = history.rows[-1]["step"]
moved = np.abs(history.alphas("normal")[-1] - history.alphas("normal")[0]).max()
reach = settings.alpha_learning_rate * steps
print(f"{steps} steps of {settings.alpha_learning_rate}: an alpha can move about {reach:.2f}")
print("the farthest moved at most that far:", bool(moved < reach))
print("and at least a hundred times its initial spread:", bool(moved > 100 * settings.alpha_scale))

# %% nas_course={"tol": {"abs": 10}}
plots.learning_curves(history)

# %% [markdown]
# ## 6. From the mixture back to an architecture
#
# The mixture is not a network anyone wants: it computes all eight operations on every edge.
# *Discretization* keeps, per node, the two strongest incoming edges, each with its best operation.
# The strength of an edge is its largest mixing weight **apart from `none`**: `none` takes part
# in the softmax, so it can make an edge weak, but it is never selected.


# %%
def derive(alpha):
    """(14, 8) logits -> the nodes of one cell, each two (operation, source)."""
    pi = alpha.softmax(dim=1)[:, 1:]  # `none` is column 0: in the softmax, not in the choice
    strength, best = pi.max(dim=1)
    nodes = []
    for target in range(2, 6):
        rows = [row for row, (_, end) in enumerate(template.edges) if end == target]
        kept = sorted(sorted(rows, key=lambda row: -strength[row])[:2])
        nodes.append(tuple((DARTS_OPERATIONS[1 + best[row]], template.edges[row][0]) for row in kept))
    return tuple(nodes)


genotype = found.architecture
alphas = {kind: torch.tensor(history.alphas(kind)[-1]) for kind in ("normal", "reduce")}
assert derive(alphas["normal"]) == genotype.normal and derive(alphas["reduce"]) == genotype.reduce
print("our genotype equals the package's: True")

# %% tags=["nbval-ignore-output"]
display(plots.draw_cell(genotype, "normal"), plots.draw_cell(genotype, "reduce"))
print(genotype)

# %% [markdown]
# In the text, numbers are places in the cell: 0 and 1 are the inputs $c_{k-2}$ and $c_{k-1}$, and 2
# to 5 the nodes that the picture calls 0 to 3.
#
# How sure was the search? Look at the margin between the best and the second-best operation. Where
# it is close to zero, discretization was a toss of a coin.

# %%
from nas_course import mixing

pi = history.weights("normal")[-1]
print("largest weight on any edge below one half:", bool(pi.max() < 0.5))
print("mean entropy above 0.8 of the maximum:", bool(mixing.entropy(pi).mean() > 0.8))

# %% [markdown]
# So the eight curves have parted, but the mixture is still a mixture. What we cut away had more
# than half of the weight on every edge. That gap between the trained mixture and the derived
# network is one of DARTS' real problems; chapter 09 is about it.
#
# ## 7. Build it, train it from scratch
#
# The weights of the supernet were trained for the mixture. The derived network starts afresh, on
# both parts together: the alphas are fixed now, so the validation images may train weights.

# %%
from nas_course.training import evaluate, fit

network = protocol.network(genotype, images, torch.Generator().manual_seed(1))
fit(network, images.train_and_valid, protocol.recipe, seed=1)
smaller = models.parameter_count(network) < sum(w.numel() for w in supernet.weights())
print("fewer weights than the supernet:", smaller)
print("test accuracy above one half:", evaluate(network, images.test)["accuracy"] > 0.5)

# %% [markdown]
# ## 8. Was the search worth it?
#
# *Predict first: by how many points will the searched cell beat a random cell of the same space?*
#
# A number alone says nothing. A fair answer needs
#
# - **random cells** of the same space, same channels and depth: they show what the *space* gives;
# - a **hand-designed network** with as many weights as the first-order cell's (within 10 %);
# - the **same recipe** for all: images, epochs, learning rate, batch size;
# - several **seeds**, of the search too, since one search is one sample;
# - the **test** part, used once.

# %% [markdown]
# Five seeds of that take longer than a notebook should, so this command measured it, and the
# file it wrote is read here. Run it yourself; it can be interrupted and resumed.
#
# ```
# nas-course compare --methods darts-1st,darts-2nd,random,hand-designed --out runs/digits.json
# ```

# %%
results = comparison.read("../results/darts_digits.json")
print(comparison.table(results["rows"]))

# %%
plots.draw_comparison(results["rows"])

# %%
for rival in ("random", "hand-designed"):
    print("-", comparison.statement(results["rows"], "darts-1st", rival))

# %% [markdown]
# So, on digits: the mean searched cell is no better than the mean random cell, the interval says
# "undecided", and the plain network is far behind both. (± is the standard deviation; the 95 %
# interval is that of the mean difference, seed by seed.)
#
# Read the table with the noise in mind. Each point is one network, trained once. Where the points
# of two methods overlap, a few seeds cannot tell them apart, and an honest paper says so. Li and
# Talwalkar (2019) asked this of the methods of their time, and found random search competitive. And
# look for what is *not* equal: the cells of the methods differ in their
# number of weights, because pools and skips have none, and a plain network may simply need more
# epochs than this recipe gives. "Equal recipe" is fair in cost,
# not in comfort.
#
# The same on Fashion-MNIST, with a subset as large as we could afford without a GPU. Every results
# file names its command.

# %%
larger = comparison.read("../results/darts_fashion_mnist.json")
print(larger["command"], "\n")
print(comparison.table(larger["rows"]))
for rival in ("random", "hand-designed"):
    print("-", comparison.statement(larger["rows"], "darts-1st", rival))

# %%
plots.draw_comparison(larger["rows"])

# %% [markdown]
# With more images the noise is smaller, and the answer clearer: **this DARTS search, as short as it
# is, chose worse cells than chance**. Against the plain network it won on every seed, and three
# seeds still leave that undecided. Do not conclude that DARTS never works: it had some 280 steps, on
# a small supernet. Do conclude that a paper without the row "random" has not shown that its search
# does anything.

# %% [markdown]
# ## 9. What goes wrong in practice
#
# | what you see | why | what to do |
# | --- | --- | --- |
# | another cell for every seed | the margins between operations are small | several seeds, and random cells as baseline |
# | more and more `skip_connect` | a skip helps every other operation to train, early on | stop in time, penalise, chapter 09 |
# | the mixture is good, the derived network is not | discretization cuts most of the weight away | look at entropy and margins before you cut |
# | alphas hardly move | few steps, small Adam rate | rate times steps must exceed the initial spread by far |
# | `none` wins everywhere | its logit only rescales a node, normalisation undoes it | never select it, do not read it as sparsity |
# | crash at the first reduction cell | inputs of different size | preprocess both inputs of each cell |
# | search accuracy looks great | that is the **mixture** on data that chose the alphas | report the derived network on the test part |
#
# Why two halves of the data? Train the alphas on the training images and they are rewarded for
# fitting, not for generalising, as if you chose the weight decay on the training loss. The
# exercises let you argue that with numbers.
#
# ## 10. The full thing
#
# The same search outside the notebook, resumable after a crash or a closed lid, bit for bit:
#
# ```
# nas-course search darts-2nd --data cifar10 --epochs 50 --seed 0 --out runs/cifar10 --resume
# ```
#
# Its `history.jsonl` feeds the same view, also while it is still running:
# `widgets.AlphaExplorer.from_file("runs/cifar10")`. On a GPU add `--precision bfloat16
# --channels-last`. The published figures for the full setting are 3.00 % (first order) and 2.76 %
# (second order) test error on CIFAR-10 for 1.5 and 4 GPU-days of search, and random cells of the
# same space reach 3.29 % (Liu et al. 2019, table 1; not measured here).
#
# ## Recap
#
# - A softmax over operations turns a choice into something with a gradient.
# - One supernet holds $10^{18}$ architectures and 224 numbers choose among them.
# - The hypergradient has a direct part and one through the weights; first order drops the second.
# - One step is Adam on the alphas with validation data, then SGD on the weights with training data.
# - Two edges per node are kept, `none` never; then the network is trained from scratch.
# - A search has earned its name when it beats random cells under the same recipe, over seeds.
#
# **Exercises:** [exercises/08_darts.ipynb](../exercises/08_darts.ipynb). **Next:** [09 When DARTS
# fails](09_when_darts_fails.ipynb).
#
# ## References
#
# - Liu, Simonyan, Yang: *DARTS: Differentiable Architecture Search*, ICLR 2019, arXiv:1806.09055.
# - Li, Talwalkar: *Random Search and Reproducibility for Neural Architecture Search*, UAI 2019.
# - Zela et al.: *Understanding and Robustifying Differentiable Architecture Search*, ICLR 2020.
