# %% [markdown]
# # 09 When DARTS fails
#
# Chapter 08 built a search by gradient descent. It was short. What if it runs for longer?
#
# **Predict before you read on.** A search goes on and on, and the validation loss of its supernet
# falls in the long run. What happens to the accuracy of the cell that you would derive from it?
# Does it rise too, stay, or fall? And which operation will most of its edges have? Write your guess
# down; section 1 answers.
#
# After this chapter you can
#
# - recognise, while a search runs, that it goes wrong;
# - compute the largest eigenvalue of a Hessian that you never write down;
# - say what discretization costs, and why the curvature is only a part of the answer;
# - say what nine remedies change, write the core of some, and say which of them helped here;
# - tell what a search found from what its space would have given anybody;
# - see through five mistakes that make a remedy look good.

# %%
import json
import warnings
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from nas_course import comparison, data, leaderboard, methods, mixing, plots, search, widgets
from nas_course.models import build_supernet
from nas_course.spaces import NASBench201Space
from nas_course.strategies.gradient import GradientSettings, discretize
from nas_course.strategies.gradient.curvature import Hessian, WatchCurvature, one_hot
from nas_course.strategies.gradient.stopping import NeverStops, WatchSkips, skips
from nas_course.tabular.supernet import tabular_supernet

torch.set_num_threads(1)

# %% [markdown]
# ## 1. A long search
#
# Searches of this kind have been seen to end in cells that hardly compute. It is called
# **collapse**. Here it is produced, measured, explained as far as measurements go, and treated with
# nine remedies from the literature, all with the same data, at most as many steps, and the same
# seeds.
#
# We need a place where every derived cell can be judged at once: the NAS-Bench-201 space, six edges
# with five operations, on CIFAR-10 at 16×16 pixels. The table of chapter 03 has trained each of
# its cells alone. The supernet is the table's own small network, but with **five** mixed cells in a
# row. Half an hour of one processor core measured what follows. To run it again you need CIFAR-10
# (the README says where it is looked for) and a terminal in the repository's main folder, one above
# JupyterLab's `work/`:
#
# ```
# python benchmarks/collapse.py --out results/collapse.json
# ```
#
# This setting was **looked for**. We wanted a collapse to study, varied the depth, the rate of the
# alphas and the number of images, and kept a setting where plain DARTS fails. So it shows what can
# happen, not what happens always; how much the choice matters is shown below.

# %%
report = json.loads(Path("../results/collapse.json").read_text(encoding="utf-8"))
rows = [row for row in report["rows"] if row["cells"] == report["cells"]]
plain = [row["course"] for row in rows if row["method"] == "darts-1st"]
table = report["table"]
print(report["epochs"], "epochs,", len(plain), "seeds,", 2 * report["images"], "images")
plots.draw_collapse(plain, table)

# %% [markdown]
# Read the four panels together. Thin lines are seeds, the thick one is their mean.


# %%
def ends(name):
    """First and last value of a column, one row per seed."""
    return np.array([[course[name][0], course[name][-1]] for course in plain])


for name in ("skip_share", "eigenvalue", "valid_loss", "test_accuracy"):
    first, last = ends(name).mean(axis=0)
    rose = int((ends(name)[:, 1] > ends(name)[:, 0]).sum())
    print(f"{name:14s} {first:.3f} -> {last:.3f}; rose in {rose} of {len(plain)} seeds")
risen = [int((np.diff(course["valid_loss"]) > 0).sum()) for course in plain]
print(f"times that valid_loss rose from an epoch to the next, by seed: {risen}")
lowest = np.mean([min(course["test_accuracy"]) for course in plain])
print(f"lowest accuracy on the way, mean over the seeds: {lowest:.3f}")
print(f"median of random cells: {table['quantiles'][2]:.3f}")

# %%
losses, accuracy = ends("valid_loss"), ends("test_accuracy")[:, 1]
assert (losses[:, 1] < losses[:, 0]).all()
assert (ends("eigenvalue")[:, 1] > ends("eigenvalue")[:, 0]).all()
assert accuracy.mean() < table["quantiles"][2]
print(
    "the validation loss ends lower in every seed; the mean derived cell ends below the median of "
    "random cells"
)
last_skips = [int(course["skips"][-1]) for course in plain]
print("skips among the six edges of the last derived cells:", last_skips)
assert sorted(last_skips)[0] == 0 and sum(count >= 5 for count in last_skips) == 2

# %% [markdown]
# That answers the question. The supernet gets better in the long run, and the cell does **not get
# better with it**. In the mean it falls for a while, comes back to about where it began, and ends
# below the median of cells drawn by chance. Two of the four searches end with **skip connections**,
# operations that compute nothing, on nearly all edges, one with some, and one with none at all. So
# the validation loss cannot warn you: it is the loss of the mixture, and nobody wants the mixture.
# It wavers from epoch to epoch, but a rule that waits for a lasting rise would never stop.
#
# The seeds differ a lot, and in one of them the skips even lose weight. Whoever runs one seed may
# see no collapse, or nothing else.
#
# ### How deep must it be?
#
# The same search with fewer cells in the supernet:

# %%
for cells in (1, 3, 5):
    runs = [row for row in report["rows"] if (row["method"], row["cells"]) == ("darts-1st", cells)]
    share = np.mean([row["course"]["skip_share"][-1] for row in runs])
    accuracy = [row["test_accuracy"] for row in runs]
    print(f"{cells} cell(s): skip share {share:.2f} in the end, accuracy {np.mean(accuracy):.3f}")

# %% [markdown]
# The deeper, the more weight on skips and the worse the mean cell (four seeds each). The table's
# own network has one cell, and there *this* search is fine; a longer and faster one: section 6.
# Keep the depth in mind for P-DARTS, which is about it.
#
# ### How typical is it?
#
# Whoever chooses a setting should show what else there was. Here are the same choices, tried again
# with seeds that are not those above. (The trials by which it was found were not kept; `python
# benchmarks/collapse_pilot.py --out results/collapse_pilot.json` made these, a column for a seed.)

# %%
pilot = json.loads(Path("../results/collapse_pilot.json").read_text(encoding="utf-8"))
assert not set(pilot["seeds"]) & set(pilot["taken_seeds"])


def tried(**changes):
    """Pilots of a setting that differs so from the one that was taken, a row for each seed."""
    wanted = pilot["taken"] | changes
    return [row for row in pilot["rows"] if wanted.items() <= row.items()]


def last_skips_of(runs):
    """Skips in the cells that these searches derived in the end."""
    return [int(row["course"]["skips"][-1]) for row in runs]


def tell(name, runs):
    """Print the accuracies of the derived cells, and how many of their six edges are skips."""
    accuracy = "  ".join(f"{100 * row['test_accuracy']:.1f}" for row in runs)
    print(f"{name:27s}{accuracy}   skips", *last_skips_of(runs))


for cells in (1, 3, 5):
    for rate in (0.0003, 0.003, 0.015, 0.03):
        tell(f"{cells} cell(s), rate {rate}", tried(cells=cells, alpha_rate=rate))
for number in (256, 1024):
    tell(f"5 cells, {2 * number} images", tried(images=number))
for cells in (1, 5):
    tell(f"{cells} cell(s), 40 epochs", tried(cells=cells, epochs=40))

# %%
shallow = [row for row in pilot["rows"] if row["cells"] == 1]
grid = [row for row in pilot["rows"] if row["cells"] > 1
        and (row["images"], row["epochs"]) == (report["images"], report["epochs"])]
print("most skips with one cell in a row:", max(last_skips_of(shallow)))
print("three or more with several:", sum(n >= 3 for n in last_skips_of(grid)), "of", len(grid))
first, second, _ = ([row for row in grid if row["seed"] == seed] for seed in pilot["seeds"])
assert max(last_skips_of(shallow)) == 1
assert max(last_skips_of(first)) == 2 and min(last_skips_of(second)) == 3
assert min(row["test_accuracy"] for row in tried(images=1024)) > table["quantiles"][2]

# %% [markdown]
# With one cell in a row no search has more than one skip in the end, at any rate. With several,
# about half have three or more. Which ones, the seed decides more than the rate: the first column
# never has them at 1024 images, the second always, even at the rate 0.0003, where the mixing
# weights hardly move and an argmax follows small leads. And with twice as many images all three
# deep cells are better than the median random cell. So our setting is no extreme, its depth
# matters, and with one seed we could have told either story.
#
# ## 2. Two instruments, by hand
#
# ### Skips
#
# The **skip share** is the mean mixing weight of the skip connection; the number of **skips**
# counts them in the derived cell. The first moves smoothly, the second jumps when the order
# changes.

# %%
images = data.load("digits", train_images=320, valid_images=320, test_images=300, device="cpu")
space = NASBench201Space()
SKIP = space.operations.index("skip_connect")


def new_supernet(cells, seed=0):
    """The table's network for digits, with so many mixed cells in a row."""
    return tabular_supernet(
        space,
        channels=8,
        cells=cells,
        classes=10,
        in_channels=1,
        generator=torch.Generator().manual_seed(seed),
    )


def skip_share(alpha):
    """(edges, operations) logits -> mean weight of the skip connection."""
    return alpha.softmax(dim=1)[:, SKIP].mean().item()


# %%
supernet = new_supernet(cells=2).double()
alpha = supernet.alphas["cell"]
cell = discretize(space, {"cell": alpha})
print("operations of the derived cell:", cell.operations)
print("skips in it:", skips(cell))
weights = alpha.softmax(dim=1).detach().numpy()
assert np.isclose(skip_share(alpha), mixing.share(weights, space.operations, "skip_connect"))
print("our skip share equals the package's: True")

# %% [markdown]
# ### Curvature
#
# At a minimum $\alpha^*$ of the validation loss there is no slope, and with the Hessian
# $H=\nabla^2_\alpha L_{val}$
#
# $$L_{val}(\alpha)\approx L_{val}(\alpha^*)+\tfrac12(\alpha-\alpha^*)^\top H\,(\alpha-\alpha^*)$$
#
# Discretization is a step away from $\alpha^*$. In a sharp valley a step costs much. So Zela et al.
# (2020) watch the **largest eigenvalue** of $H$, the curvature in the direction where it is
# largest.
#
# $H$ need not be computed. $Hv$ is the derivative of the number $g\cdot v$, where $g$ is the
# gradient: one more backward pass.

# %%
batch = images.valid.images[:32].double(), images.valid.labels[:32]
loss = cross_entropy(supernet(batch[0]), batch[1])
(gradient,) = torch.autograd.grad(loss, alpha, create_graph=True)


def product(v):
    """H v for a vector of as many numbers as there are alphas."""
    (result,) = torch.autograd.grad(gradient.flatten() @ v, alpha, retain_graph=True)
    return result.flatten()


shift = torch.zeros(6, 5, dtype=torch.float64)
shift[2] = 1.0  # the same number added to all logits of one edge
print("H times a shift of one edge is zero:", bool(product(shift.flatten()).abs().max() < 1e-14))

# %% [markdown]
# A good first test. A softmax does not see shifts, so $H$ has a zero eigenvalue for every edge. It
# follows that the largest eigenvalue is never negative.
#
# **Power iteration.** Multiply a random vector by $H$ again and again: the part with the largest
# $|\lambda|$ grows fastest and in the end is all that is left.


# %%
def power_iteration(product, size, steps):
    """Eigenvalue of largest size."""
    v = torch.randn(size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for _ in range(steps):
        v = product(v / v.norm())
    v = v / v.norm()
    return (v @ product(v)).item()


outermost = power_iteration(product, 30, steps=60)
assert outermost < 0
print("the eigenvalue of largest size is negative: True")

# %% [markdown]
# A surprise: a search at its beginning is at no minimum, its Hessian has negative eigenvalues too,
# and here one of them is the largest in size. Move all of them up by $|\lambda|$, and the one we
# want leads. The package uses the method of Lanczos, which keeps all directions it has seen, and
# where the matrix is small computes all of it. Three ways, one number:

# %%
by_hand = power_iteration(lambda v: product(v) - outermost * v, 30, steps=100) + outermost
package = Hessian(lambda: cross_entropy(supernet(batch[0]), batch[1]), [alpha])
lanczos = package.largest_eigenvalue(torch.Generator().manual_seed(0), products=12)
dense = torch.linalg.eigvalsh(package.dense())
assert np.allclose([by_hand, lanczos], dense[-1].item(), rtol=1e-3)
print("power iteration, Lanczos and all eigenvalues agree: True")
print("eigenvalues that are zero:", int((dense.abs() < 1e-12).sum()), "of", len(dense))

# %% [markdown]
# ## 3. Watch it live
#
# A *schedule* is told when an epoch ends, and may add columns to the history. Two of them are our
# instruments. A row of the registry makes its exchangeable parts anew for every search, by
# `make_parts`; `make_schedules` among them lists what makes a schedule. So any method can be
# watched:


# %%
def watched(name, *schedules, make_supernet=tabular_supernet):
    """A row of the registry with further schedules, in the table's network."""
    row = methods.get(name)

    def make_parts(**options):
        parts = row.make_parts(**options)
        return replace(parts, make_schedules=(*parts.make_schedules, *schedules))

    return replace(row, make_parts=make_parts, make_supernet=make_supernet)


deep = GradientSettings(
    channels=8, cells=8, batch_size=32, weight_learning_rate=0.05, alpha_learning_rate=0.03
)

# %% [markdown]
# Eight cells in a row on digits, 80 steps, no more: with $2\times2$ patches left of each image, it
# is a toy, but it shows the skips gain weight; the eigenvalue still jumps about. The view asks for
# your guess first. Then watch the fourth panel, **skip weight** (orange) against **eigenvalue**
# (which is scaled to its largest value; its label has the number), and look in the heat map where
# the skips are. (In the picture that stands here without a kernel the two share the last panel.)

# %%
explorers = []


def watch(history):
    """Show the history while it grows."""
    explorers.append(widgets.AlphaExplorer(history))
    display(explorers[-1])


found = search.search_gradient(
    watched("darts-1st", WatchSkips, lambda: WatchCurvature(images=64, products=10)),
    images,
    settings=deep,
    space="nas-bench-201",
    epochs=8,
    seed=0,
    progress=False,
    on_history=watch,
)

# %%
history = found.history
course = plots.course_of(history)
assert course["skip_share"][-1] > course["skip_share"][0]
print("the skips gained weight: True")

# %% [markdown]
# ## 4. Why?
#
# ### Which operation learns fastest?
#
# The usual explanation: a convolution is a random filter in the first steps, and a random filter
# behind a random filter is noise; a skip has nothing to learn and lets the signal, and the
# gradient, through. Let us test it. Fix the mixing weights, no alphas, no search: one operation has
# 40 % on every edge, the others 15 %. Train the weights for 30 steps, from six initialisations.
# *Predict: with which of the five favourites does the mixture learn fastest, in one cell and in
# eight? And if the explanation is right, where should pooling come in, which learns nothing
# either?*


# %%
def loss_after(steps, cells, favourite, seed):
    """Validation loss of a mixture with fixed mixing weights, after some steps of training."""
    network = new_supernet(cells, seed)
    pi = {"cell": torch.full((6, 5), 0.15)}
    pi["cell"][:, space.operations.index(favourite)] = 0.4
    optimizer = torch.optim.SGD(network.weights(), lr=0.05, momentum=0.9)
    order = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        chosen = torch.randint(len(images.train), (32,), generator=order)
        logits = network(images.train.images[chosen], pi)
        optimizer.zero_grad()
        cross_entropy(logits, images.train.labels[chosen]).backward()
        optimizer.step()
    with torch.no_grad():
        return cross_entropy(network(images.valid.images, pi), images.valid.labels).item()


# %% nas_course={"tol": {"abs": 0.15}}
early = {
    cells: {
        name: np.array([loss_after(30, cells, name, seed) for seed in range(6)])
        for name in space.operations
    }
    for cells in (1, 8)
}
for cells, losses in early.items():
    print(f"{cells} cell(s): validation loss, mean and standard deviation over six seeds")
    for name, values in losses.items():
        print(f"    {name:14s}{values.mean():.2f}  {values.std(ddof=1):.2f}")

# %%
means = {cells: {name: v.mean() for name, v in losses.items()} for cells, losses in early.items()}
assert min(means[1], key=means[1].get) == "nor_conv_3x3"
assert means[1]["skip_connect"] > 1.1 * means[1]["nor_conv_3x3"]
weightless, convolutions = ("skip_connect", "avg_pool_3x3"), ("nor_conv_1x1", "nor_conv_3x3")
assert max(means[8][w] for w in weightless) < min(means[8][c] for c in convolutions)
assert weightless[1] == min(set(means[8]) - {"skip_connect"}, key=means[8].get)
print("one cell: the 3x3 convolution leads, skips are far behind")
print("eight cells: skips and pooling are both ahead of both convolutions")

# %% [markdown]
# So depth turns the order round, in the mean of six seeds. Pooling, which has no weights and blurs
# the signal, gains like the skip: that speaks for "nothing to learn", and less for "lets the signal
# through". `none` has no weights either, but lets nothing through at all, and stays behind both.
#
# The alphas, then, are not wrong. They follow the validation loss of the **mixture as it is now**,
# and in a deep mixture that is hardly trained, more skip *is* better, now. A search that is asked
# "what helps at this moment?" is read as if it had answered "what will be best when trained
# alone?". (Why the convolutions do not catch up later is often told so: behind strong skips they
# get less of the gradient. Plausible, and a conjecture: we have not measured it.)
#
# (Some texts say that skips win because they cost no computation. Cost is not in the loss.)
#
# ### Sharpness and the cost of rounding
#
# Now the other half: the mixture is good, the derived cell is not. With the supernet's weights, the
# gap can be measured. `one_hot` turns an architecture into mixing weights.

# %%
supernet = found.supernet
valid = images.valid.images[:128], images.valid.labels[:128]


def loss_at(pi):
    """Validation loss of the searched supernet at other mixing weights (6, 5)."""
    return cross_entropy(supernet(valid[0], {"cell": pi}), valid[1])


pi = supernet.alphas["cell"].detach().softmax(dim=1).requires_grad_()
corner = one_hot(space, found.architecture)["cell"]
step = (corner - pi).detach()
gap = (loss_at(corner) - loss_at(pi)).item()
print("the derived cell is worse than the mixture, with the same weights:", gap > 0)

# %% [markdown]
# A search is at no minimum, so the slope counts too. Is the gap $g\cdot s+\frac12 s^\top Hs$, with
# the step $s$ from the mixture to the corner? We take $g$ and $H$ by the mixing weights
# themselves, because the logits of a corner are infinite. Go a part $t$ of the way:

# %% nas_course={"tol": {"abs": 0.2, "rel": 0.5}}
curvature = Hessian(lambda: loss_at(pi), [pi])
slope = (curvature.gradient @ step.flatten()).item()
bend = (step.flatten() @ (curvature @ step.flatten())).item()
start = loss_at(pi).item()
for t in (0.005, 0.01, 0.1, 0.25, 0.5, 1.0):
    expansion = slope * t + bend * t**2 / 2
    rise = loss_at(pi.detach() + t * step).item() - start
    print(f"{100 * t:5.1f} % of the way: rise {rise:+.5f}, expansion {expansion:+.5f}")

# %% [markdown]
# Up to a hundredth of the way they about agree; the farther from the mixture, the more the
# expansion overstates. Rounding is no small step. So the eigenvalue is a *symptom* to watch, not a
# formula for the loss. In the recorded searches:

# %%
plots.draw_gap([row for row in rows if row["method"] == "darts-1st"])


# %%
def ranks(values):
    """Place of each value in the order of size."""
    return np.argsort(np.argsort(values))


for seed, course in enumerate(plain):
    gaps = np.subtract(course["derived_loss"], course["mixture_loss"])
    together = np.corrcoef(ranks(course["eigenvalue"]), ranks(gaps))[0, 1]
    alike = np.corrcoef(ranks(course["epoch"]), ranks(gaps))[0, 1]
    print(
        f"seed {seed}: rank correlation of the gap with the eigenvalue {together:+.2f}, "
        f"with the epoch {alike:+.2f}"
    )

# %% [markdown]
# Within a search the two grow together. But both also grow with time, and then everything
# correlates with everything. Compare searches instead:

# %%
sharpness = [course["eigenvalue"][-1] for course in plain]
gaps = [course["derived_loss"][-1] - course["mixture_loss"][-1] for course in plain]
sharpest, widest = np.argmax(sharpness), np.argmax(gaps)
print("the sharpest search is also the one with the largest gap:", bool(sharpest == widest))

# %% [markdown]
# Two curves that both grow with time are poor evidence for a cause.
#
# ## 5. Nine remedies in a few lines each
#
# | remedy | what it changes | core |
# | --- | --- | --- |
# | skip penalty | validation loss of the alphas | $+\lambda\sum_e\pi_{e,skip}$ |
# | DARTS+ (`darts-early-stop`) | when to stop | two skips in the normal cell |
# | DARTS-ES (registry: `r-darts`) | when to stop | smoothed eigenvalue above 1.3 times that of 4 epochs ago: go back |
# | DARTS- | the edge | $\beta x+\sum_o\pi_o\,o(x)$, $\beta$ from 1 to 0 |
# | SDARTS-RS, -ADV | the step of the weights | train at $\pi+\delta$, random or the worst |
# | PC-DARTS | the edge | a part of the channels is mixed, edges have weights |
# | P-DARTS | depth, operations, result | three deeper stages with fewer operations; 2 skips at most |
# | DARTS+PT | discretization | keep the operation that is missed most |
#
# (PC-DARTS sends only a part of the channels through the operations and lets the rest pass, which
# saves memory and weakens the skip's lead; a second softmax weighs the edges into each node.)
#
# Three of them by hand. The penalty first:

# %%
from nas_course.strategies.gradient.regularizers import SkipPenalty

ours = 0.1 * supernet.alphas["cell"].softmax(dim=1)[:, SKIP].sum()
assert torch.equal(ours, SkipPenalty(0.1)(supernet, progress=0.5))
print("our penalty equals the package's: True")

# %% [markdown]
# DARTS- is often described as "a regularization term". It is none: nothing is added to the loss. It
# adds a **path** beside the mixture, whose weight $\beta$ is not learned but decays to zero. While
# it is there, the network can train whatever the alphas say, so the skip among the candidates is
# *meant* not to grow for that. Whether it does, section 6 and the leaderboard tell.

# %%
from nas_course.models.auxiliary_skip import AuxiliarySkip

edge = AuxiliarySkip(space.operations, channels=4, stride=1)
x = torch.randn(8, 4, 4, 4, generator=torch.Generator().manual_seed(0))
mix, beta = torch.full((5,), 0.2), torch.tensor([0.7])
mixture = sum(w * operation(x) for w, operation in zip(mix, edge.operations, strict=True))
assert torch.allclose(beta * x + mixture, edge(x, torch.cat([mix, beta])), atol=1e-6)
print("beta x + mixture equals the package's edge: True")

# %% [markdown]
# `r-darts` smooths the eigenvalue over five epochs and compares with four epochs before. If it grew
# by more than 1.3, it stops **and goes back** to the architecture of that earlier epoch. (The paper
# calls this DARTS-ES. What it calls R-DARTS is another thing: several searches with stronger
# regularization of the weights, of which validation picks one. The registry has the rule only.)

# %%
from nas_course.strategies.gradient.stopping import EigenvalueRule


def go_back_to(eigenvalues, ratio=1.3):
    """Place to go back to, or None: five values in a mean, fewer at the beginning."""
    newest = len(eigenvalues) - 3
    mean = [np.mean(eigenvalues[max(0, i - 2) : i + 3]) for i in range(newest + 1)]
    grown = newest >= 4 and mean[newest] > ratio * mean[newest - 4]
    return newest - 4 if grown else None


for course in plain:
    series = course["eigenvalue"]
    for seen in range(3, len(series) + 1):
        assert go_back_to(series[:seen]) == EigenvalueRule().before_growth(series[:seen])
print("our rule equals the package's on every recorded search: True")

# %% [markdown]
# All of them run by name. Tiny, to see that they do and what they add to the history. (Three epochs
# are too few for the rule of `r-darts`, which cannot fire before its seventh measurement. Here, and
# in every search so short, it is plain DARTS with measurements, and it warns of that.)

# %%
REMEDIES = (
    "pc-darts", "p-darts", "darts-minus", "darts-skip-penalty", "darts-early-stop", "r-darts",
    "sdarts-rs", "sdarts-adv", "darts-pt",
)
tiny = GradientSettings(channels=4, cells=1, batch_size=32, alpha_learning_rate=0.03)
few = data.load("digits", train_images=64, valid_images=64, test_images=50, device="cpu")
usual = set(history.rows[-1]) - {"eigenvalue", "skip_share", "skips"}
for name in REMEDIES:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", NeverStops)
        run = search.search_gradient(
            replace(methods.get(name), make_supernet=tabular_supernet),
            few,
            settings=tiny,
            space="nas-bench-201",
            epochs=3,
            progress=False,
        )
    assert bool(warned) == (name == "r-darts")
    more = sorted(set(run.history.rows[-1]) - usual)
    print(
        f"{name:19s} {run.history.rows[-1]['step']} steps; also recorded: {', '.join(more) or '-'}"
    )

# %% [markdown]
# ## 6. Do they help?
#
# *Predict: order the nine by the accuracy of the cells they derive. Which one will be worse than no
# remedy at all?* (`darts-2nd` stands there for comparison; it was not made against collapse.)

# %% jupyter={"outputs_hidden": true}
plots.draw_remedies(rows, table)

# %% jupyter={"outputs_hidden": true}
plots.draw_remedy_courses([row for row in rows if row["method"] != "darts-2nd"], table)

# %% [markdown]
# (A mean ends where the first of its searches stopped.) Against plain DARTS, seed by seed, in
# points:

# %% jupyter={"outputs_hidden": true}
against = {
    name: comparison.paired(rows, name, "darts-1st") for name in plots.collapse.methods_of(rows)[1:]
}
for name, pair in sorted(against.items(), key=lambda item: -item[1].mean):
    sure = "better" if pair.low > 0 else "worse" if pair.high < 0 else "undecided"
    print(
        f"{name:20s}wins {pair.wins} of {len(plain)}   mean {100 * pair.mean:+5.1f}"
        f"   95 % interval {100 * pair.low:+6.1f} to {100 * pair.high:+5.1f}   {sure}"
    )

# %% [markdown]
# Four seeds, wide intervals: nearly all of these comparisons are undecided, and an honest table
# says so. What can be said is what happened *inside* the searches:

# %%
summary = {}
for name in plots.collapse.methods_of(rows):
    runs = [row for row in rows if row["method"] == name]
    summary[name] = {
        "skip share": np.mean([row["course"]["skip_share"][-1] for row in runs]),
        "eigenvalue": np.mean([row["course"]["eigenvalue"][-1] for row in runs]),
        "accuracy": np.mean([row["test_accuracy"] for row in runs]),
        "seconds": np.mean([row["seconds_with_measuring"] for row in runs]),
    }
cost = summary["darts-1st"].pop("seconds")
print(f"{'':20s}skip share  eigenvalue  accuracy  time")
for name, ended in summary.items():
    print(
        f"{name:20s}{ended['skip share']:10.2f}{ended['eigenvalue']:12.2f}{ended['accuracy']:10.3f}"
        f"{ended.get('seconds', cost) / cost:6.1f}"
    )

# %% [markdown]
# (Eigenvalues of `darts-pt` end at zero because its edges are decided then: nothing depends on the
# alphas any more. Time is in multiples of plain DARTS and includes our measuring.)


# %%
def final(name, column="accuracy"):
    return summary[name][column]


assert final("darts-skip-penalty", "skip share") < 0.1 < final("darts-1st", "skip share")
assert final("darts-skip-penalty") < final("darts-1st")
assert final("sdarts-rs", "eigenvalue") < final("darts-1st", "eigenvalue")
assert final("sdarts-adv", "eigenvalue") < final("sdarts-rs", "eigenvalue")
assert against["darts-pt"].wins == len(plain) and against["darts-pt"].low < 0
for name in ("darts-early-stop", "r-darts"):
    assert against[name].wins == 3 and against[name].low < 0 < against[name].high
assert final("darts-minus") == max(ended["accuracy"] for ended in summary.values())
penalised = [row["architecture"] for row in rows if row["method"] == "darts-skip-penalty"]
print("edges without an operation in its cells:", [text.count("none") for text in penalised])
decaying = [row["course"]["skips"] for row in rows if row["method"] == "darts-minus"]
half, end = ([int(run[at]) for run in decaying] for at in (len(decaying[0]) // 2 - 1, -1))
print("skips in the cells of darts-minus, half-way:", half, "and in the end:", end)
assert sum(half) < sum(end)

# %% [markdown]
# - **The penalty did what it says and it was the worst.** The skips are gone. Their place was taken
#   by `none`, which has no weights either. A penalty names one symptom; the pressure goes
#   to the next. (With $\lambda=0.1$, the strength in the lesson this course grew from;
#   `nas-course search darts-skip-penalty --set weight=0.01` takes another.)
# - **SDARTS made the valley flatter**, as promised, the adversarial kind by far the most; the cells
#   were hardly better. At this scale flatness and accuracy are two things.
# - **DARTS- was best by mean**, and it is no cure: as $\beta$ goes to zero, skips come back into
#   its cells. Its best cells are in the *middle* of the search.
# - **DARTS+PT** has the very same alphas as plain DARTS for 60 % of the steps; in the rest it
#   decides edge by edge, by another question: what is missed when it is removed? Its cells are
#   better on all four seeds, and the interval still includes zero.
# - **Early stopping**: each of the two rules wins on three seeds and loses on the fourth. No
#   difference that four seeds show. Did they stop at the wrong moment?
#
# ### What could a stopping rule gain at best?
#
# Stopping early changes nothing about the search, so the recorded plain searches tell exactly what
# every rule would have given, up to an oracle that sees the test accuracy.

# %%
curves = np.array([course["test_accuracy"] for course in plain])
print(f"stop at the last epoch:            {curves[:, -1].mean():.3f}")
print(f"at a random epoch:                 {curves.mean():.3f}")
print(f"at the best single epoch for all:  {curves.mean(axis=0).max():.3f}")
print(f"oracle, best epoch of each seed:   {curves.max(axis=1).mean():.3f}")
print(f"median random cell:                {table['quantiles'][2]:.3f}")
for name in ("darts-early-stop", "r-darts"):
    print(f"{name + ':':34s} {final(name):.3f}")
back_to_4 = [course["architecture"][3] for course in plain]
r_darts = [row["architecture"] for row in rows if row["method"] == "r-darts"]
print("r-darts returned the cell of epoch 4 on", sum(map(str.__eq__, back_to_4, r_darts)), "seeds")
assert curves.max(axis=1).mean() < table["quantiles"][2]

# %% [markdown]
# In the mean even the oracle stays below the median random cell: most of these searches had no good
# cell to return at any moment. A stopping rule cannot give back what did not come by. And `r-darts`
# was nearly a clock: within 20 epochs its rule cannot fire before epoch 10, which goes back to
# epoch 4, and on three seeds it fired right then. Compare a rule with a random epoch, with a fixed
# one and with the oracle before you praise or blame it.
#
# ### And on the leaderboard?
#
# There all gradient methods search with the table's own network, one cell deep, with more images
# and a larger rate of the alphas. Regret: points of test accuracy below the best cell. "Beats
# chance": the share of all cells that are worse. Last column: mean regret minus that of a random
# cell, with its 95 % interval; below zero is better. *Predict:
# will the order be the same?*

# %%
from nas_course.comparison.statistics import mean_interval
from nas_course.leaderboard.statistics import entry_of

board = leaderboard.read_gradient("../results/leaderboard_gradient.json")
print(board["command"], "\n")
entries = [entry_of(board, name) for name in ("darts-1st", "darts-2nd", *REMEDIES)]
print(f"{'regret':18s}  mean  best  worst  beats chance   minus that of a random cell")
for entry in sorted(entries, key=lambda entry: np.mean(entry["final"])):
    final_regret, chance = entry["final"], entry["final_against_random_cell"]
    print(
        f"{entry['name']:18s}{np.mean(final_regret):6.2f}{min(final_regret):6.2f}"
        f"{max(final_regret):7.2f}{100 * np.mean(entry['beats_random_cells']):10.0f} %"
        f"{chance['difference']:+10.1f} ({chance['low']:+.1f} to {chance['high']:+.1f})"
    )
print(f"{'random cell':18s}{board['frame']['random_cell']['final']['mean']:6.2f}")

# %%
for name in ("darts-1st", "darts-minus"):
    texts = entry_of(board, name)["architecture"]
    counts = [(text.count("skip_connect"), text.count("none")) for text in texts]
    print(f"{name}: (skips, nones) of its {len(texts)} cells:", *counts)
regret = {name: np.mean(entry_of(board, name)["final"]) for name in REMEDIES}
assert max(regret, key=regret.get) == "darts-minus"

# %%
by_epoch = np.array(entry_of(board, "darts-1st")["by_epoch"]["runs"])  # (seeds, epochs from 0)
print("mean regret of darts-1st, stopped blindly after epoch")
for epoch in (1, 2, 3, 4, 5, 6, 8, 10, 20):
    print(f"{epoch:6d}: {by_epoch[:, epoch].mean():.2f}")
stopped, other_rule = entry_of(board, "r-darts"), entry_of(board, "darts-early-stop")
print(f"r-darts: {regret['r-darts']:.2f}, after epochs {stopped['epochs']}")
assert stopped["final"] == by_epoch[:, 4].tolist()
for entry in (stopped, other_rule):
    difference, low, high = mean_interval(np.subtract(entry["final"], by_epoch[:, -1]))
    assert low < 0 < high
    print(f"{entry['name']} minus darts-1st: {difference:+.1f} (95 % {low:+.1f} to {high:+.1f})")

# %% [markdown]
# The order is another one. The best remedy of the deep supernet is the worst here, and it ends in
# skips on every seed; a guess that fits both settings: when $\beta$ has gone, the network misses
# the path, and the alphas bring it back. Plain DARTS is ill in another way here: it goes wrong by
# `none` as well, and late. These searches *do* pass through good cells, so stopping early can help
# here. Does the *rule* of `r-darts`? It fired on every seed at the first moment it could and
# returned exactly the cells of epoch 4. A clock that stops at epoch 3 or 5 does better, and the
# intervals of both rules' gains include zero. That they know more than a clock is not shown. A
# remedy belongs to an illness. "Method X prevents collapse", measured in one setting, says little
# about the next.

# %% [markdown]
# ## 7. The space decides first
#
# All searches so far chose among the same five operations. Who chose those? A search finds only
# what its space holds, and in a space of good cells whatever it finds is good. Take a part of
# NAS-Bench-201 that keeps some of the operations: the table knows every cell of it.

# %%
from nas_course import tabular
from nas_course.leaderboard.random_cells import RandomCells

bias = json.loads(Path("../results/space_bias.json").read_text(encoding="utf-8"))
print(bias["command"], "\n")
everything = tabular.load()
parts = {
    name: RandomCells(everything, NASBench201Space(operations))
    for name, operations in bias["parts"].items()
}
for name, part in parts.items():
    print(f"{name:24s}{part.space.size:7,d} cells:", ", ".join(part.space.operations))

# %% [markdown]
# The two with a name in brackets follow Zela et al. (2020), who made four small spaces in which
# DARTS fails. Their S2 offers a separable 3×3 convolution or a skip, S3 also `none`; ours have the
# ordinary 3×3 convolution of this table. Every search by name takes such a part too; here is one,
# tiny:

# %%
run = search.search_gradient(
    replace(methods.get("darts-1st"), make_supernet=tabular_supernet),
    few,
    settings=tiny,
    space="nas-bench-201:skip_connect,nor_conv_3x3",
    epochs=1,
    progress=False,
)
assert set(run.architecture.operations) <= {"skip_connect", "nor_conv_3x3"}
print("alphas of the cell:", tuple(run.supernet.alphas["cell"].shape))

# %% [markdown]
# *Predict, before you look.* (a) In how many of the five smaller parts is a cell drawn blindly, the
# median, better than the median of the whole? (b) Is there a part whose **best** cell is worse than
# that? (c) The deep search of section 1 likes skips. In which part is that the right answer, and in
# which the worst of all? Images, steps and seeds are those of section 1, with one cell in the
# supernet and with five:


# %%
def derived(part, cells):
    """Test accuracy of the cells that plain DARTS derived in a part, one a seed."""
    runs = [row for row in bias["rows"] if (row["part"], row["cells"]) == (part, cells)]
    return [everything.query(row["architecture"]).test_accuracy for row in runs]


def by_chance(part, cells):
    """Mean accuracy of random search in a part, for as many seconds of training."""
    runs = [row for row in bias["rows"] if (row["part"], row["cells"]) == (part, cells)]
    seconds = np.median([row["table_seconds"] for row in runs])
    return everything.best_test - parts[part].search(seconds)["final"]["mean"] / 100


searches = {"DARTS, 1 cell": 1, "DARTS, 5 cells": 5}
found_in = {title: {name: derived(name, n) for name in parts} for title, n in searches.items()}
chance_in = {title: {name: by_chance(name, n) for name in parts} for title, n in searches.items()}
plots.draw_parts({name: part.accuracy for name, part in parts.items()}, found_in, chance_in)

# %%
median = {name: np.median(part.accuracy) for name, part in parts.items()}
best = {name: part.accuracy.max() for name, part in parts.items()}
mean_found = {title: {name: np.mean(found_in[title][name]) for name in parts} for title in searches}
print(f"{'':24s}   cells:          1 cell in a row: 5 cells in a row:")
print(f"{'':24s}  median    best   DARTS  random   DARTS  random")
for name in parts:
    columns = [median[name], best[name]]
    for title in searches:
        columns += [mean_found[title][name], chance_in[title][name]]
    print(f"{name:24s}" + "".join(f"{100 * number:8.1f}" for number in columns))

# %%
whole, s2, good = median["all five"], "3×3 or skip (S2)", "convolutions only"
print("parts whose median is above that of the whole:", sum(median[n] > whole for n in parts))
print("parts whose best cell is below it:", sum(best[n] < whole for n in parts))
deep_mean, only_skips = mean_found["DARTS, 5 cells"], str(space.from_indices([SKIP] * 6))
worth = everything.query(only_skips).test_accuracy
assert best["nothing to learn"] - worth < 1.5 / 8000  # one test image
assert np.isclose(worth, parts[s2].accuracy.min())
for name in ("nothing to learn", s2):
    deep_runs = [row for row in bias["rows"] if (row["part"], row["cells"]) == (name, 5)]
    count = sum(row["architecture"] == only_skips for row in deep_runs)
    print(f"{name}: {count} of {len(deep_runs)} deep searches end in six skips")
print("mean of the deep search minus the median of its part, in points:")
for name in parts:
    print(f"    {name:24s}{100 * (deep_mean[name] - median[name]):+5.1f}")

# %%
assert 0.045 < deep_mean[good] - deep_mean["all five"] < 0.05
assert all(mean_found[title][good] < median[good] for title in searches)
assert np.ptp(np.quantile(parts[good].accuracy, (0.05, 0.95))) < 0.033
for name in set(parts) - {"nothing to learn"}:
    assert deep_mean[name] < chance_in["DARTS, 5 cells"][name]
print("the deep search is behind random search wherever there is something to learn: True")

# %% [markdown]
# (a) Three of five; the best of them has only 64 cells. (b) Two: where the 3×3 convolution is
# missing, no search of any kind can reach what a random cell of the whole space is worth. The space
# is floor and ceiling.
#
# (c) The cell of six skips is the *best* one where nothing is to learn (but for one test image in
# 8,000) and the *worst* one of S2. The deep search derives it on every seed there and on half of
# them here. The method did the same; whether that is a success or a collapse, the space decided.
#
# Now read the row "convolutions only" as a paper might print it. Deep DARTS comes to almost five
# points more than in the whole space. Were they *found*? Its mean is below the median of that part,
# a cell drawn blindly, and random search of the same cost is ahead of it, as wherever there is
# something to learn. Whoever compares two methods in two spaces compares the spaces. Yang et al.
# (2020) therefore give a method's improvement over the average random architecture of its *own*
# space, and report that many hardly beat it; Yu et al. (2020) found that on average they do about
# as well as a random policy. And a narrow space hides that: nine of ten of these cells lie within
# about three points, so every search looks good, and none can show what it is worth.
#
# The search has a bias too, not only the space: S2 is a fine space for chance, and deep DARTS makes
# the least of it. A space can flatter a method, and it can be laid out to break it. (Four seeds,
# this table, this setting.)

# %% [markdown]
# ## 8. Mistakes that make a remedy look good
#
# The five come from one place, the lesson this course grew from; they are common elsewhere too.
#
# **Two changes at once.** It compares a penalised search with a baseline. The baseline has weight
# decay on the alphas and a learning rate that ends at 0.001; the penalised run has neither.
# Whatever comes out cannot be put down to the penalty. Let the machine look for such differences:

# %%
arm = {
    "baseline": asdict(tiny),
    "penalised": asdict(replace(tiny, alpha_weight_decay=0.0, minimum_learning_rate=0.0)),
}
different = [name for name in arm["baseline"] if arm["baseline"][name] != arm["penalised"][name]]
print("besides the penalty, the arms differ in:", ", ".join(different))

# %% [markdown]
# **Counting what is not kept.** In the DARTS space 14 edges are trained and 8 are kept. Take the
# argmax of all 14, as the lesson does, and you count operations of a cell that will never
# exist, `none` among them. A short search on the DARTS space:

# %%
short = GradientSettings(channels=4, cells=3, batch_size=32, alpha_learning_rate=0.03)
darts = search.search_gradient(
    "darts-1st", images, settings=short, epochs=2, seed=0, progress=False
)
template = darts.supernet.space.cells["normal"]
weights = darts.history.weights("normal")[-1]
everywhere = [template.operations[best] for best in weights.argmax(axis=1)]
kept = [name for _, _, name in darts.architecture.wires("normal")]
print("edges counted:", len(everywhere), "against", len(kept), "kept")
assert "none" not in kept

# %% [markdown]
# **The taste of a search that never took place.** An untrained supernet has frequencies too. Its
# "preferences" are the noise of the first alphas:

# %%
untrained = build_supernet(
    darts.supernet.space,
    channels=4,
    cells=3,
    classes=10,
    in_channels=1,
    generator=torch.Generator().manual_seed(5),
)
noise = discretize(darts.supernet.space, dict(untrained.alphas.items()))
names = [name for _, _, name in noise.wires("normal")]
print("the 'favourite' of a search that never took place:", max(sorted(names), key=names.count))

# %% [markdown]
# A sentence like "the search prefers separable convolutions" that is typed into the program, as it
# is there, is printed for this cell as well. Every conclusion in this chapter is computed or
# asserted above it.
#
# **"Stabilised when a weight crosses 0.6."** A weight can cross a line and come back, and an edge
# can be settled without ever coming near it. What counts is when the *winner* changed for the last
# time:

# %%
weights = history.weights("cell")
last = mixing.last_change(mixing.winners(weights, space.operations, excluded=()))
crossed = (weights.max(axis=2) > 0.6).any(axis=0)
print("edges whose winner stood in the second half of the live search:", bool((last <= 4).any()))
print("and of those, some that never crossed 0.6:", bool(((last <= 4) & ~crossed).any()))

# %% [markdown]
# **Accuracy of the mixture, or number of parameters, as evidence.** A penalty on skips leaves more
# convolutions, so more parameters; that is what it was told to do and no result. The search
# accuracy belongs to the mixture. Only the derived network, trained alone, on the test part, over
# several seeds, beside random cells, can show that a remedy helps.
#
# ## Recap
#
# - Collapse: skip share and curvature rise, the mixture improves, the derived cell does not.
# - It grows with the depth of the supernet: skips help a deep, untrained mixture at once.
# - $Hv$ costs one backward pass; power iteration finds the eigenvalue of largest size, and a shift
#   the largest.
# - Rounding is no small step: the curvature warns, but it does not tell the loss.
# - A penalty moves the problem to the next free operation; a flat valley need not be a good cell;
#   stopping early returns only what the search has passed through; DARTS- helps while its path is
#   there; another question (DARTS+PT) won on all four seeds, by an interval that includes zero.
# - A rule that stops early has to beat a clock.
# - A space sets floor and ceiling of all searches in it: compare with its own random cells.
# - Change one thing at a time, count what is kept, several seeds, and chance as a rival.
#
# **Exercises:** [exercises/09_when_darts_fails.ipynb](../exercises/09_when_darts_fails.ipynb).
# **Next:** [10 Hypergradients](10_hypergradients.ipynb).
#
# ## References
#
# - Zela et al.: *Understanding and Robustifying Differentiable Architecture Search*, ICLR 2020,
#   arXiv:1909.09656 (R-DARTS, DARTS-ES, the spaces S1 to S4).
# - Liang et al.: *DARTS+: Improved Differentiable Architecture Search with Early Stopping*,
#   arXiv:1909.06035.
# - Chu et al.: *DARTS-: Robustly Stepping out of Performance Collapse Without Indicators*, ICLR
#   2021, arXiv:2009.01027.
# - Chen, Hsieh: *Stabilizing Differentiable Architecture Search via Perturbation-based
#   Regularization*, ICML 2020, arXiv:2002.05283 (SDARTS).
# - Xu et al.: *PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture Search*,
#   ICLR 2020, arXiv:1907.05737.
# - Chen et al.: *Progressive Differentiable Architecture Search*, ICCV 2019, arXiv:1904.12760
#   (P-DARTS).
# - Wang et al.: *Rethinking Architecture Selection in Differentiable NAS*, ICLR 2021,
#   arXiv:2108.04392 (DARTS+PT).
# - Dong, Yang: *NAS-Bench-201*, ICLR 2020, arXiv:2001.00326.
# - Yang, Esperança, Carlucci: *NAS evaluation is frustratingly hard*, ICLR 2020, arXiv:1912.12522.
# - Yu, Sciuto, Jaggi, Musat, Salzmann: *Evaluating the Search Phase of Neural Architecture Search*,
#   ICLR 2020, arXiv:1902.08142.
