# %% [markdown]
# # 01 What is NAS?
#
# Every work on neural architecture search (NAS) answers three questions: **what may be built**,
# **what is tried next**, and **how good is it**. In this chapter you write an answer to each, a few
# lines long, put them together, and then use them to take a published experiment apart.
#
# After it you can
#
# - write a search space, a performance estimation and a search strategy, and exchange each alone;
# - say what is nested in what (the bilevel form), and why the data are cut in three parts;
# - find the usual mistakes of an experiment, and show what each of them does by running it;
# - read claims such as "1000 times faster" or "found automatically".
#
# Every step is written by hand first and then shown equal to `nas_course`. The chapter runs in
# about two minutes on two cores, without GPU or network. Sentences in italics that end in a
# question mark want your guess **before** you run the cell below them.

# %%
import functools
import math

import numpy as np
import torch
from ipywidgets import Dropdown, IntSlider, SelectionSlider
from torch import nn

from nas_course import models, plots, search, widgets
from nas_course.data import regression
from nas_course.estimation import regression as estimation
from nas_course.estimation.mixed_table import MixedTable
from nas_course.models.mlp import RelaxedMLP, weights_of
from nas_course.spaces import MixedDesign, MixedSpace

torch.set_num_threads(1)  # small networks run faster so, and leave the other core to you

# %% [markdown]
# One variable makes the chapter larger: how many networks our searches really train.

# %%
EVALUATIONS = 12

# %% [markdown]
# ## 0. A task
#
# 442 diabetes patients: ten numbers of each (age, sex, body mass index, blood pressure, six blood
# values), and how far the disease progressed in a year. The data are real and part of scikit-learn.
# They are cut in three parts, and each has one job: **train** fits weights, **valid** compares
# designs, **test** is looked at once, at the end.

# %%
patients = regression.diabetes(seed=0)
print(patients)

# %% [markdown]
# We measure $R^2$, the share of the variance that a prediction explains: $R^2=1-\text{mean squared
# error}/\text{variance}$. 1 is perfect, 0 is what you get for predicting the mean for everybody.
# What is worse than the mean counts as 0 too: by how much a training diverged says nothing about a
# design.
#
# ## 1. The search space: what may be built
#
# Whoever designs a network decides many things: how deep, how wide, which operations, what is
# connected with what, which activation, where to shrink the image. A space is a list of such
# choices with their options. This one is from a tutorial article, whose experiment we shall meet
# below.

# %%
OPTIONS = {
    "depth": (1, 2, 3, 4, 5),
    "width": (32, 64, 128, 256, 512),
    "activation": ("relu", "leaky_relu", "tanh"),
    "learning_rate": (0.1, 0.01, 0.001, 0.0001),
    "optimizer": ("adam", "sgd", "rmsprop"),
    "dropout": (0.0, 0.2, 0.4, 0.6),
}

# %% [markdown]
# *How many designs are there: hundreds, thousands, millions? And how many different networks?*

# %%
counts = {name: len(options) for name, options in OPTIONS.items()}
networks = math.prod(counts[name] for name in ("depth", "width", "activation"))
print(f"{math.prod(counts.values()):,} designs of {networks} networks")

# %% [markdown]
# Only the first three choices say which network is built. The other three say how it is
# **trained**: that is hyperparameter optimization (HPO). The article calls the whole a NAS space;
# plainly, it is *both at once*. That is fine as long as one says so.
#
# A design is a plain value with six entries, not a network. To draw one, draw each entry.

# %%
def sample(rng):
    """Draw a design, uniformly."""
    drawn = {name: options[rng.integers(len(options))] for name, options in OPTIONS.items()}
    return MixedDesign(**drawn)


rng = np.random.default_rng(0)
print(sample(rng))

# %% [markdown]
# The package's `MixedSpace` is the same list with conveniences. With 40,000 draws we find all of
# it.

# %%
space = MixedSpace()
assert {sample(rng) for _ in range(40_000)} == set(space)
print(f"our designs are the package's {space.size:,}: True")

# %% [markdown]
# ### Is that large?
#
# 3,600 designs at a fraction of a second each: we could train them all, and we did (section 4).
# Real spaces are different. *A lesson counts 20 decisions with 5 options each and says that trying
# everything takes "centuries of GPU time". Is that about right, at one GPU hour for a design?*

# %%
designs = 5**20
years = designs / (24 * 365)
print(f"{designs:.1e} designs, {years:.0e} GPU years")
print(f"to be done in a century: {years / 100:,.0f} GPUs")

# %% [markdown]
# Not centuries: ten billion years, or a century on a hundred million GPUs. Hence the two other
# questions.
#
# ### Macro and micro
#
# Spaces differ in what is left open. A **macro** space leaves the whole network open, layer by
# layer, like ours: flexible, and soon huge. A **micro** or *cell-based* space (two words for one
# thing) leaves a small graph open, the cell, and stacks it: smaller, and a found cell can be
# stacked higher for harder data, but all that cells cannot express is lost. The frame is fixed:
# normal cells keep the resolution; reduction cells, at one third and two thirds of the depth, halve
# it and double the channels.

# %%
from nas_course.models.skeleton import reduction_positions

for cells in (5, 8, 20):
    kinds = ["R" if place in reduction_positions(cells) else "N" for place in range(cells)]
    print(f"{cells:2d} cells:", " ".join(kinds))

# %%
from nas_course.spaces import DARTSSpace

small = models.build_network(
    DARTSSpace().sample(rng), channels=8, cells=5, classes=10, in_channels=1,
    generator=torch.Generator().manual_seed(0),
)
images = torch.zeros(2, 1, 16, 16)
outputs = small.network.run_cells(images, {"normal": 0.0, "reduce": 0.0})
for kind, output in zip(small.network.kinds, outputs, strict=True):
    print(f"{kind:6s} cell -> {output.shape[1]:3d} channels, {output.shape[2]}x{output.shape[3]}")

# %% [markdown]
# (A cell's output is its four nodes side by side, hence four times its channels.) Chapter 02 is
# about spaces. One thing in advance: *people* draw them, so every space holds what its authors
# already knew. No search finds what is not in its space, and in a good space a random draw is good
# too.
#
# ## 2. Performance estimation: how good is it?
#
# The plainest answer: build the network, train it, measure it on the validation part. First build.


# %%
ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh}
OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD, "rmsprop": torch.optim.RMSprop}


def build(design, features, seed):
    """The network of a design; its weights are drawn from the seed."""
    layers, size = [], features
    for _ in range(design.depth):
        linear, size = nn.Linear(size, design.width), design.width
        layers += [linear, ACTIVATIONS[design.activation](), nn.Dropout(design.dropout)]
    network = nn.Sequential(*layers, nn.Linear(size, 1))
    models.initialise(network, torch.Generator().manual_seed(seed))
    return network


# %% [markdown]
# Then train: ten epochs, batches of 32 patients, the design's own optimizer.


# %%
def train(network, design, rows, seed, epochs=10):
    """Fit the weights on rows, in place."""
    optimizer = OPTIMIZERS[design.optimizer](network.parameters(), lr=design.learning_rate)
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for batch in torch.randperm(len(rows), generator=order).split(32):
            difference = network(rows.inputs[batch]).squeeze(1) - rows.targets[batch]
            optimizer.zero_grad()
            (difference**2).mean().backward()
            optimizer.step()


# %% [markdown]
# Then measure, on rows that fitted no weight. `eval()` switches dropout off.


# %%
@torch.no_grad()
def r_squared(network, rows):
    """Share of the variance that is explained, 0 to 1; 0 for a network that diverged."""
    network.eval()
    error = ((network(rows.inputs).squeeze(1) - rows.targets) ** 2).mean()
    return max(0.0, 1 - (error / rows.targets.var(unbiased=False)).item())


# %% nas_course={"tol": {"abs": 0.02}}
design = MixedDesign(2, 64, "tanh", 0.01, "adam", 0.0)
network = build(design, patients.features, seed=0)
train(network, design, patients.train, seed=0)
ours = r_squared(network, patients.valid)
print(f"validation R²: {ours:.2f}")

# %% [markdown]
# The package's estimate is these three functions in one object: it takes a design and returns a
# `Score`, with the cost beside the value. (Its dropout draws from a generator of its own, so that
# the same seed gives the same score in any process. That is why we compared a design without.)

# %%
estimate = estimation.RegressionEstimate(patients, seed=0)
score = estimate(design)
assert abs(score.value - ours) < 1e-3
print("our estimate equals the package's:", True)
print(score.fidelity, "-", f"{score.measures['parameters']:,} weights")

# %% [markdown]
# How a score is *obtained* (full training, short training, shared weights, a predictor, a table) is
# one question. *What* is scored is another: accuracy, size, multiplications, latency, or several of
# them. Lists of "evaluation metrics" mix the two up. Chapter 03 is about the first.
#
# ## 3. Search strategy: what is tried next?
#
# The plainest answer: anything. Draw designs at random, keep the best. Two details are easy to get
# wrong: the first best is *nothing*, not 0 (a negative loss would never beat 0), and a design that
# was drawn before is not trained again.


# %%
known = functools.cache(estimate)  # the same design is trained only once


def random_search(draws, seed):
    """Return the designs drawn, in order, and the best of them."""
    rng = np.random.default_rng(seed)
    drawn = [space.sample(rng) for _ in range(draws)]
    best, best_value = None, -math.inf
    for design in drawn:
        if known(design).value > best_value:
            best, best_value = design, known(design).value
    return drawn, best


drawn, best = random_search(EVALUATIONS, seed=0)

# %% [markdown]
# The package's loop, `search`, takes any strategy, any estimate and any space, counts the budget
# and keeps a history. With random draws it does what we did.

# %% nas_course={"tol": {"abs": 0.05}}
result = search.search(
    "random", known, space=space, evaluations=EVALUATIONS, seed=0, progress=False
)
asked = [row["architecture"] for row in result.history.rows]
assert asked[: len(drawn)] == [str(design) for design in drawn]  # a repeat is free: then it asks on
assert result.score.value >= known(best).value
print("our search equals the package's: True")
print(f"best of {EVALUATIONS}: validation R² {result.score.value:.2f}")
print(f"worst: {min(known(design).value for design in drawn):.2f}")

# %% [markdown]
# Three parts, and each can be exchanged alone. Another strategy, the same estimate and space:

# %% nas_course={"tol": {"abs": 0.05}}
other = search.search(
    "regularized-evolution", known, space=space, evaluations=EVALUATIONS, seed=0, progress=False,
    options={"population_size": 4, "sample_size": 2},
)
print(f"evolution, best of {EVALUATIONS}: validation R² {other.score.value:.2f}")

# %% [markdown]
# Better, worse? You cannot know: one seed each, twelve draws. To compare strategies we need many
# runs, and so an estimate that costs nothing.
#
# ## 4. The whole space, trained
#
# `benchmarks/mixed_space.py` trained all 3,600 designs and wrote their errors in a file of less
# than 300 kB. A look-up is one more performance estimation: the last kind above, a **table**. To
# have more than one pair of validation and test part, the 177 patients that do not train were dealt
# anew 20 times; the networks stay the same.

# %% nas_course={"tol": {"abs": 0.01}}
table = MixedTable.read("../results/mixed_space.npz")
print(table.command)
calm = [design for design in drawn if design.learning_rate <= 0.001]
gaps = [abs(known(design).value - table.estimate()(design).value) for design in calm]
print(f"trained now and in the table, largest difference of {len(calm)} designs: {max(gaps):.3f}")

# %% [markdown]
# (Only designs with small learning rates are compared. At large ones a difference in the last digit
# grows step by step, until two runs of the same design have little in common.)
#
# *Guess: which share of the 3,600 designs is better than predicting the mean for everybody? And how
# good is the best?*

# %%
average = table.valid.mean(axis=0)  # over the 20 deals
print(f"explains something (R² above 0.05): {(average > 0.05).mean():.0%}")
print(f"median {np.median(average):.2f}, best {average.max():.2f}")

# %% [markdown]
# Build a design and see where it stands. *Can you beat the best?* Notice which controls matter.

# %%
ranks = (-table.valid[0]).argsort().argsort() + 1


def card(**choices):
    """The design card: a network, its score, its place among all."""
    design = MixedDesign(**choices)
    position = space.position(design)
    return plots.draw_design(
        design,
        weights=weights_of(design.depth, design.width, inputs=patients.features),
        score=table.valid[0, position],
        rank=int(ranks[position]),
        designs=space.size,
    )


controls = {name: Dropdown(options=options, value=options[1]) for name, options in OPTIONS.items()}
widgets.FigurePanel(card, **controls)

# %% [markdown]
# ### What matters?
#
# How much of the differences between designs does a choice explain? Replace each design by the mean
# of all designs that agree with it in that choice, and see which share of the variance is left.
# *Which choice explains most: depth, width, learning rate? And all three choices about the network
# together: more or less than those about training?*


# %%
columns = {name: [str(getattr(design, name)) for design in space] for name in OPTIONS}


def explained(*names):
    """Share of the variance between designs that these choices explain together."""
    keys = [" ".join(values) for values in zip(*(columns[name] for name in names), strict=True)]
    group = np.unique(keys, return_inverse=True)[1]
    means = np.bincount(group, weights=average) / np.bincount(group)
    return means[group].var() / average.var()


for name in OPTIONS:
    print(f"{name:14s} alone {explained(name):4.0%}")
print(f"what is built  {explained('depth', 'width', 'activation'):5.0%}")
print(f"how it trains  {explained('learning_rate', 'optimizer', 'dropout'):5.0%}")

# %% [markdown]
# So what a "neural architecture search" mostly finds in this space is **how to train**, not what to
# build: the training alone explains several times what the network alone does. What is missing to
# 100 % needs both: the right rate depends on depth and width.
#
# And chance? Forty designs were trained with five seeds each. Among those that learned something:

# %%
learned = table.noise_test_r2[table.noise_test_r2.mean(axis=1) > 0.3]
print(f"{len(learned)} designs; standard deviation")
print(f"of one design over seeds:      {learned.std(axis=1, ddof=1).mean():.3f}")
print(f"of the means between designs:  {learned.mean(axis=1).std(ddof=1):.3f}")

# %% [markdown]
# Among designs that work at all, another seed changes as much as another design.
#
# ## 5. Two levels
#
# Now the formula. A design $\alpha$ is good if its network does well on the validation part with
# the **best weights** that training can give it:
#
# $$\min_{\alpha\in A}\; L_{valid}\big(w^*(\alpha),\alpha\big)\qquad\text{with}\qquad
# w^*(\alpha)=\arg\min_w L_{train}(w,\alpha)$$
#
# | part of the formula | who decides | our code |
# | --- | --- | --- |
# | $A$ | the search space | `space` |
# | $\min_\alpha$ (outer level) | the search strategy | `random_search` |
# | $L_{valid}(w^*(\alpha),\alpha)$ | performance estimation | `r_squared` on valid |
# | $\arg\min_w$ (inner level) | training, a part of the estimation | `train` |
#
# The levels are *nested*, not simultaneous: every outer step asks for a whole training. (DARTS,
# chapter 08, takes turns on both levels. That is an approximation of this, a good or a bad one.)
#
# Why two losses? *Suppose the strategy compared designs on the training part: which dropout would
# it choose?*

# %% nas_course={"tol": {"abs": 0.06}}
losses = {}
for dropout in OPTIONS["dropout"]:
    candidate = MixedDesign(2, 128, "relu", 0.01, "adam", dropout)
    trained = estimation.train(candidate, patients.train, seed=0, epochs=60)
    losses[dropout] = [
        estimation.mean_squared_error(trained, part) for part in (patients.train, patients.valid)
    ]
    on_train, on_valid = losses[dropout]
    print(f"dropout {dropout}: error on train {on_train:.2f}, on valid {on_valid:.2f}")

# %%
for place, part in enumerate(("train", "valid")):
    print("chosen on", part, "- no dropout:", min(losses, key=lambda d: losses[d][place]) == 0)

# %% [markdown]
# On the training part no regularisation ever pays, so that search would prefer whatever memorises.
# And the validation part, used to choose, is used up: only a third part tells what the choice is
# worth.
#
# ## 6. An experiment, and what is wrong with it
#
# Back to the article. It searches the space above with three strategies on a regression problem
# with one feature that it does not describe, and reports these validation errors:
#
# | strategy | error | design |
# | --- | --- | --- |
# | evolution, 10 designs for 5 generations | 0.15 | 5 x 512, tanh, SGD 0.1, dropout 0.2 |
# | reinforcement learning, 5 episodes | 0.27 | 4 x 64, tanh, RMSprop 0.1, dropout 0.2 |
# | gradient (in the manner of DARTS) | 3.67 | 5 x 32, leaky ReLU, Adam 0.001, no dropout |
#
# It concludes that evolution searches best and that the gradient method is sensitive. The function
# that trains a design is not in the listing (which has lost its indentation, too), so nobody can
# run it as it stands. We look at its parts one by one. *Before you read on: what would you want to
# know before you believe the table?*
#
# ### 6.1 The split: first 80 % of the rows
#
# The rows are not shuffled. If they are sorted by the feature, as a file of measurements often is,
# the validation part lies **outside** of the training part. We do not have the article's data; here
# is a problem of its kind, $y=\sin x$ plus noise on an even grid. One design, the same rows, two
# splits.

# %% nas_course={"tol": {"abs": 0.1, "rel": 0.25}}
x, y = regression.sine(rows=200, noise=0.1, seed=0)
splits = {
    "cut as it stands": regression.split_in_order("sine", x, y),
    "shuffled, then cut": regression.split_shuffled("sine", x, y, seed=0),
}
curve = MixedDesign(2, 64, "tanh", 0.01, "adam", 0.0)
fits = {
    name: (data, estimation.train(curve, data.train, seed=0, epochs=60))
    for name, data in splits.items()
}
plots.draw_fits(fits)

# %% [markdown]
# The article reports 0.011 on train and 3.67 on valid for the same network. That is the signature
# of the left picture: interpolation is easy, extrapolation is another question, which nobody asked.
# And it decides *which design wins*:

# %% nas_course={"tol": {"abs": 0.2, "rel": 0.6}}
def valid_error(activation, data, seed):
    """Validation error of the curve's design with another activation."""
    design = MixedDesign(2, 64, activation, 0.01, "adam", 0.0)
    trained = estimation.train(design, data.train, seed=seed, epochs=30)
    return estimation.mean_squared_error(trained, data.valid)


for name, data in splits.items():
    for activation in OPTIONS["activation"]:
        error = np.mean([valid_error(activation, data, seed) for seed in range(3)])
        print(f"{name:18s} {activation:10s} {error:.1f}")

# %% [markdown]
# Shuffled, the three are alike. Cut as it stands, tanh wins by far: it goes flat outside the data,
# ReLU goes on in a straight line. Both winners of the article's table use tanh. Its search may have
# found nothing else than that.
#
# ### 6.2 The budgets: 500, 50 and 100 epochs
#
# Evolution trained 10 designs in each of 5 generations: 50 trainings of 10 epochs. Reinforcement
# learning trained 5. The gradient method trained for 50 epochs, and its choice for 50 more. *Let a
# purely random search draw 5 designs, and another one 50. How often do 50 draws look better?*

# %%
def best_of(draws, seed, deal):
    """Position of the best of some random draws, by validation."""
    drawn = np.random.default_rng(seed).integers(space.size, size=draws)
    return drawn[table.valid[deal, drawn].argmax()]


wins = [
    table.valid[deal, best_of(50, seed, deal)] > table.valid[deal, best_of(5, seed + 1000, deal)]
    for deal in range(20)
    for seed in range(50)
]
print(f"50 random draws look better than 5 random draws: {np.mean(wins):.0%} of the time")

# %% [markdown]
# The same strategy wins against itself. A table with unequal budgets compares budgets, and this one
# has no row for 50 random draws.
#
# ### 6.3 Reinforcement learning without learning
#
# A *controller* has a probability for each option of each choice, draws a design and gets a reward.
# Its weights move so that rewarded draws become likelier (REINFORCE):
#
# $$\nabla_\theta J=\mathbb E\Big[(R-b)\,\nabla_\theta
# \sum_t\log p_\theta(a_t\,|\,a_1\dots a_{t-1})\Big]$$
#
# In the article's version the previous choice $a_{t-1}$ is never fed back, so $p$ is just one
# distribution for each choice; there is no baseline $b$; and $R$ is minus the validation error, so
# it is **always negative**. Five episodes of Adam at rate 0.01:

# %%
errors = table.valid_mse[0].clip(max=6.5)  # what diverged is stored as infinity
logits = [torch.zeros(len(options), requires_grad=True) for options in OPTIONS.values()]
optimizer = torch.optim.Adam(logits, lr=0.01)
coin, fell = torch.Generator().manual_seed(0), []
for _ in range(5):
    policies = [torch.distributions.Categorical(logits=choice) for choice in logits]
    chosen = [torch.multinomial(p.probs, 1, generator=coin).squeeze() for p in policies]
    reward = -errors[space.position(space.from_indices([int(c) for c in chosen]))]
    gain = reward * sum(p.log_prob(c) for p, c in zip(policies, chosen, strict=True))
    gradients = torch.autograd.grad(-gain, logits)
    for choice, gradient in zip(logits, gradients, strict=True):
        choice.grad = gradient
    fell += [bool(g[c] > 0) for g, c in zip(gradients, chosen, strict=True)]  # a step is along -g
    optimizer.step()

# %%
print(f"options drawn: {len(fell)}; pushed down: {sum(fell)}")
shift = max((p.softmax(0) - 1 / len(p)).abs().max().item() for p in logits)
print(f"largest change of a probability after five episodes: {shift:.3f}")

# %% [markdown]
# *Every* option that was drawn was pushed down, the good ones too, only less. And after five
# episodes no probability has moved by more than two hundredths: these are five random draws.
#
# Given enough episodes, is the missing baseline fatal? On average the push is right: whatever is
# drawn is pushed down, and bad draws harder. So the noise decides. We let 100 controllers learn for
# 300 episodes at once, and then once more with 10 subtracted from all rewards, which changes
# nothing about which design is better. *What will happen with and without a baseline?*


# %%
def learn(reward, with_baseline, episodes=300, rate=0.2, controllers=100):
    """Mean validation R² of the designs drawn in the last 50 episodes."""
    rng, sizes = np.random.default_rng(0), [len(options) for options in OPTIONS.values()]
    theta = [np.zeros((controllers, size)) for size in sizes]
    baseline, seen = None, []
    for _ in range(episodes):
        chosen = [(t + rng.gumbel(size=t.shape)).argmax(axis=1) for t in theta]  # a draw each
        position = np.ravel_multi_index(chosen, sizes)
        if baseline is None:
            baseline = reward[position] * with_baseline  # the first reward, or 0 for ever
        for t, c in zip(theta, chosen, strict=True):
            p = np.exp(t) / np.exp(t).sum(axis=1, keepdims=True)
            t += rate * (reward[position] - baseline)[:, None] * (np.eye(t.shape[1])[c] - p)
        baseline += 0.1 * (reward[position] - baseline) * with_baseline
        seen.append(table.valid[0, position].mean())
    return np.mean(seen[-50:])


# %%
print(f"no learning at all:       {table.valid[0].mean():.2f}")
for minus in (0, 10):
    for with_baseline in (False, True):
        value = learn(table.valid[0] - 1 - minus, with_baseline)
        words = "with a baseline" if with_baseline else "without       "
        print(f"rewards lowered by {minus:2d}, {words}: {value:.2f}")

# %% [markdown]
# With rewards between -1 and 0 the baseline hardly matters here, and 300 episodes do learn. Lower
# all rewards by 10, and the controller without a baseline is lost, while the other does not notice.
# Minus a squared error has no lower bound at all. (The package's `Reinforce`, chapter 05, has an
# LSTM that reads the previous choice, a baseline and an entropy term.)
#
# ### 6.4 A gradient search that does not move
#
# A gradient needs a mixture. The relaxed network below mixes three activations in each layer, and
# the outputs of one to five layers, by two softmaxes; with all the weight on one of each it *is*
# the MLP of that depth. Fifteen architectures share its weights.

# %%
relaxed = RelaxedMLP(patients.features, 32, torch.Generator().manual_seed(0))
print({name: tuple(alpha.shape) for name, alpha in relaxed.alphas.items()})
try:
    [weight for weight in relaxed.parameters() if weight not in list(relaxed.alphas.values())]
except RuntimeError as error:
    print(type(error).__name__ + ":", str(error).split(" at ")[0])

# %% [markdown]
# That crash is the article's: `in` compares tensors element by element. Tell weights and alphas
# apart by *identity*, as `relaxed.weights()` does.
#
# And note what is missing. A mixture of learning rates or of widths cannot be computed this way, so
# width, rate, optimizer and dropout stand fixed: **15 of 3,600** designs can come out. (In the
# article it is 3: depth is fixed too; each layer has alphas of its own, but only the first row is
# read; and there is a row more than there are layers, which no gradient ever reaches.)
#
# Its numbers: alphas drawn with deviation 1, then moved by Adam at the rate 0.001 for 50 steps.
# *How far can an alpha get? How far are two alphas apart at the start?*


# %%
def relaxed_search(seed, spread, rate, steps):
    """Alternate weight steps on train and alpha steps on valid; return choices and movement."""
    generator = torch.Generator().manual_seed(seed)
    network = RelaxedMLP(patients.features, 32, generator)
    for alpha in network.alphas.values():
        alpha.data = spread * torch.randn(alpha.shape, generator=generator)
    first, start = network.choice(), [alpha.detach().clone() for alpha in network.alphas.values()]
    on_train = torch.optim.Adam(network.weights(), lr=0.01), patients.train
    on_valid = torch.optim.Adam(network.alphas.values(), lr=rate), patients.valid
    for _ in range(steps):
        for adam, rows in (on_train, on_valid):
            network.zero_grad()
            nn.functional.mse_loss(network(rows.inputs), rows.targets).backward()
            adam.step()
    pairs = zip(network.alphas.values(), start, strict=True)
    return first, network.choice(), max((now - then).abs().max().item() for now, then in pairs)


# %% nas_course={"tol": {"abs": 0.3}}
runs = [relaxed_search(seed, spread=1.0, rate=0.001, steps=50) for seed in range(10)]
print("as in the article: the choice changed in", sum(a != b for a, b, _ in runs), "of 10 runs;",
      f"an alpha moved {max(moved for *_, moved in runs):.2f} at most")
print("different choices:", len({choice for _, choice, _ in runs}))

# %% nas_course={"tol": {"abs": 1.5}}
runs = [relaxed_search(seed, spread=0.001, rate=0.02, steps=150) for seed in range(4)]
print("small start, larger rate: an alpha moved", f"{min(moved for *_, moved in runs):.0f} or more")
print("choices:", {choice for _, choice, _ in runs})

# %% [markdown]
# Adam moves a parameter by about its rate per step: 50 times 0.001 is 0.05, and the start was
# spread over 1. What came out was the random start. With a small start and a larger rate the runs
# agree. *Rate times steps must exceed the initial spread by far*; chapter 08 uses that rule.
#
# ### 6.5 The winner's curse
#
# The last one is the most important, because it is in nearly every table. A validation score is the
# design's quality **plus luck**: 89 patients, one seed. The best of many scores is one with much
# luck, and luck does not come along to the test part. (The article's evolution adds to it:
# survivors are trained anew in each generation, and keep the best of several draws.)
#
# Random search again, 200 runs for each picture. *Move `draws` up: will the test score of the
# winner go on rising?*

# %%
def curse(draws, runs):
    """Best of n random draws, for the mean of many searches over all deals."""
    generator = np.random.default_rng(1)
    deals = np.arange(runs) % len(table.valid)
    drawn = generator.integers(space.size, size=(runs, draws))
    return plots.draw_winners_curse(
        table.valid[deals[:, None], drawn], table.test[deals[:, None], drawn]
    )


widgets.FigurePanel(
    curse,
    draws=SelectionSlider(options=[5, 10, 20, 50, 100, 300, 1000], value=300),
    runs=IntSlider(value=200, min=20, max=400, step=20),
)

# %% [markdown]
# The dashed line rises for ever; it is a maximum. The solid one, what the winner is worth, stops
# rising after some ten draws and then **falls**. Search on, and you overfit the validation part,
# with nobody noticing who does not look at a third part. Try everything:

# %%
winners = table.valid.argmax(axis=1)
reported = table.test[np.arange(20), winners]
print(f"best of all 3,600 by validation, mean of 20 deals: {table.valid.max(axis=1).mean():.2f}")
print(f"the same designs on the test part:                 {reported.mean():.2f}")

# %% [markdown]
# ### 6.6 Small things that break a search
#
# A training that diverges scores `nan`, and every comparison with `nan` is false. *What does
# `sorted` do with it?*

# %%
nan = float("nan")
print(sorted([3.0, nan, 1.0, 2.0]), max([nan, 5.0]), max([5.0, nan]))

# %% [markdown]
# It sorts nothing, and says nothing. `fitness` in `nas_course.strategies.black_box` turns what is
# not finite into minus infinity before anything is compared. Two more of that kind in the article's
# evolution: a mutation may draw the value that was there before, so that nothing changes and a
# training is wasted; and `random.sample(elites, 2)` fails when there is one elite.
#
# ## 7. The same, soundly
#
# Equal budgets for all, a row for random search, designs chosen by validation and judged on test,
# 100 seeds over 20 deals. The three black-box strategies are the package's, untuned; chapters 04
# and 05 take them apart. *At 50 evaluations: how far ahead of random will evolution be?*
#
# ```
# python benchmarks/mixed_space_search.py --out results/mixed_space_search.json
# ```

# %%
import json
from pathlib import Path

report = json.loads(Path("../results/mixed_space_search.json").read_text(encoding="utf-8"))
grid = np.array(report["grid"])
tests = {name: np.array(found["test"]) for name, found in report["strategies"].items()}
linear = float(np.mean(report["linear_test"]))
plots.draw_searches(grid, tests, limits={"linear regression": linear})

# %%
at = report["grid"].index(report["article_budget"])
print(f"after {report['article_budget']} evaluations:   valid    test   minus random (95 %)")
for name, found in report["strategies"].items():
    valid, test = (np.array(found[part])[:, at] for part in ("valid", "test"))
    gap = test - tests["random"][:, at]
    half = 1.98 * gap.std(ddof=1) / len(gap) ** 0.5  # 1.98: Student's t for 100 seeds
    print(f"{name:22s}  {valid.mean():.3f}  {test.mean():.3f}   {gap.mean():+.3f} ± {half:.3f}")
print(f"linear regression             {linear:.3f}")

# %%
for name, found in report["strategies"].items():
    fresh = np.array(found["fresh_test"])
    same = np.array(found["test"])[: len(fresh), at]
    print(f"{name:22s} winners 1 to {len(fresh)}: {same.mean():.3f}, anew {fresh.mean():.3f}")

# %% [markdown]
# *Trained anew* means with two other seeds: luck with the seed goes, luck with the rows stays.
#
# The gradient search got the same 500 epochs: 490 for the mixture, with a small start and a rate
# that moves (section 6.4), 10 for its choice. It ran on the first six deals; random search and
# linear regression on the same deals beside it.

# %%
gradient = report["gradient"]
n = len(gradient)
print("chosen:", sorted({(row["depth"], row["activation"]) for row in gradient}))
for rate in ("0.001", "0.01"):
    value = np.mean([row[f"test_at_{rate}"] for row in gradient])
    print(f"gradient, rate fixed at {rate:5s} {value:.3f}")
same_deals = [tests["random"][number::20, at] for number in range(n)]
print(f"random, 50 evaluations        {np.mean(same_deals):.3f}")
print(f"linear regression             {np.mean(report['linear_test'][:n]):.3f}")

# %% [markdown]
# What came out, plainly:
#
# - **No strategy differs from random search.** All three intervals contain zero, with 100 seeds.
#   To explain the article's order, its budgets, its split and one seed are enough.
# - **Nothing here beats linear regression by much**, and after 50 evaluations the searches are, if
#   anything, below it. A question to ask before any search.
# - **More evaluations raise the validation score and lower the test score**: the winner's curse
#   again. Ten evaluations would have done.
# - The gradient search, once it moves, always chooses *one hidden layer*, and is not behind. It
#   could choose among fifteen designs only: whoever has little to choose overfits little. Six runs
#   are too few to say that it is ahead.
#
# None of this says that evolution or reinforcement learning are useless. It says that this
# experiment, with 89 patients to choose by and a space in which the learning rate decides, cannot
# tell. Chapters 04 and 05 compare them where architectures differ by more than chance.
#
# ### And on other data?
#
# A search overfits its data set in a second sense: its winner may be right for these patients only.
# The same 40 random designs, scored on the sine curve as well (shuffled). *How alike will the two
# rankings be, 0 for not at all, 1 for the same?*

# %% nas_course={"tol": {"abs": 0.15}}
from nas_course.estimation.ranking import spearman

some = [space.sample(rng) for _ in range(40)]
sine = estimation.RegressionEstimate(splits["shuffled, then cut"], seed=0)
here = np.array([table.valid[0, space.position(design)] for design in some])
there = np.array([sine(design).value for design in some])
print(f"rank correlation of the two: {spearman(here, there):.2f}")
print(f"R² on the sine of the best here: {there[here.argmax()]:.2f}; best there: {there.max():.2f}")

# %% [markdown]
# ## 8. Claims, and what stands behind them
#
# The costs that everybody quotes, on CIFAR-10, without the final training of what was found. A *GPU
# day* is a day on one graphics card of the time.
#
# | year | method | strategy | estimation | GPU days |
# | --- | --- | --- | --- | --- |
# | 2017 | Zoph and Le | RL | each trained by itself | 22,400 (reported; 800 GPUs, 28 days) |
# | 2018 | NASNet | RL | each trained, shortly | 1,800 or 2,000 (both in print) |
# | 2019 | AmoebaNet | evolution | each trained, shortly | 3,150 (450 GPUs, 7 days) |
# | 2018 | ENAS | RL | **shared weights** | about 0.5 (reported) |
# | 2019 | DARTS | gradients | **shared weights** | 1.5 first order, 4 second (reported) |
#
# *Reported* marks figures that are usually quoted and that we have not read in the source. Two
# columns, because they are two questions: "one-shot" is no strategy beside evolution and gradients;
# it is an estimation, and any strategy can use it.

# %%
rivals = {"Zoph and Le": 22_400, "NASNet (preprint)": 1_800, "NASNet": 2_000, "AmoebaNet": 3_150}
for name, days in rivals.items():
    print(f"{name:18s} / DARTS: {days / 4:6,.0f} (second order) to {days / 1.5:6,.0f} (first)")
print(f"ENAS, also reinforcement learning, / DARTS: {0.5 / 4:.2f} to {0.5 / 1.5:.2f}")

# %% [markdown]
# And claims, as lessons and articles make them:
#
# - *"NAS can beat human experts."* Inside a space that experts drew, and often by little. Random
#   search of the same space is the fair opponent (Li and Talwalkar 2019).
# - *"Gradient methods are over 1000 times faster than RL and evolution."* Between 450 (1,800 / 4)
#   and 15,000 (22,400 / 1.5), by what you divide. And ENAS, which is RL, was cheaper than DARTS:
#   what the two share are shared weights.
# - *"Evolution costs less than RL."* AmoebaNet took 3,150 GPU days, NASNet 1,800 to 2,000. The
#   paper's claim is faster progress in runs of equal size.
# - *"MnasNet discovered the inverted bottleneck, which MobileNetV2 took over."* The other way
#   round: people drew it for MobileNetV2 (January 2018), and MnasNet's space (July 2018) was given
#   it as a block. Spaces hold what people know.
# - *"EfficientNet was found by NAS."* Its smallest member, B0, by a search like MnasNet's; B1 to B7
#   by scaling B0 up by a rule.
# - *"Evolution avoids local minima; RL can weigh several goals but needs many samples; gradients
#   are fast but need a fitting space."* Rules of thumb. Section 7 is how one finds out.
#
# In order: 2017 a search took 800 GPUs for four weeks; 2018 and 2019 weight sharing, one-shot
# models and DARTS made it a thousand times cheaper than "standard NAS" (ENAS' words); since then
# searches go for the hardware, and for parts of very large models. Two of 2025, known to us by name
# only: LangVision-LoRA-NAS searches the ranks of adapters of vision-language models; Jet-Nemotron
# searches attention blocks after the training of a language model.
#
# ## 9. What goes wrong in practice
#
# | what you see | why | what to do |
# | --- | --- | --- |
# | error 0.01 on train, 4 on valid | rows cut as they stand | shuffle by a seed, then cut |
# | who trains most, wins | best of many noisy scores | equal budgets, random draws beside |
# | good on valid, poor on test | winner's curse | report test; train the winner anew |
# | the "searched" network is its start | rate times steps too small | print how far it moved |
# | the best is `None` | the first best was 0 | start with minus infinity |
# | one diverged run wins | `nan` in comparisons | make it minus infinity |
# | other results at each start | global random state | one generator per run |
# | "our search beats theirs" | other space, other recipe | change one part at a time |
# | nobody can run it | the listing lacks the evaluation | publish what made the table |
#
# ## Recap
#
# - NAS = space x strategy x estimation. They can be exchanged one by one, and a fair comparison
#   exchanges one.
# - Two levels: training finds $w^*(\alpha)$ on train, the strategy compares $\alpha$ on valid, and
#   test is for the report.
# - Learning rate, optimizer, dropout are hyperparameters: a search over them too is HPO and NAS.
# - Equal budgets, random search beside, several seeds, test once, winner trained anew.
# - A factor needs its numerator and its denominator.
#
# **Exercises:** [exercises/01_what_is_nas.ipynb](../exercises/01_what_is_nas.ipynb). **Next:** 02,
# search spaces.
#
# ## References
#
# - Zoph, Le: *Neural Architecture Search with Reinforcement Learning*, ICLR 2017.
# - Zoph, Vasudevan, Shlens, Le: *Learning Transferable Architectures for Scalable Image
#   Recognition* (NASNet), CVPR 2018.
# - Real, Aggarwal, Huang, Le: *Regularized Evolution for Image Classifier Architecture Search*
#   (AmoebaNet), AAAI 2019.
# - Pham, Guan, Zoph, Le, Dean: *Efficient Neural Architecture Search via Parameter Sharing* (ENAS),
#   ICML 2018.
# - Liu, Simonyan, Yang: *DARTS: Differentiable Architecture Search*, ICLR 2019.
# - Li, Talwalkar: *Random Search and Reproducibility for Neural Architecture Search*, UAI 2019.
# - Sandler, Howard, Zhu, Zhmoginov, Chen: *MobileNetV2*, CVPR 2018 (arXiv January). Tan, Chen,
#   Pang, Vasudevan, Sandler, Howard, Le: *MnasNet*, CVPR 2019 (arXiv July 2018).
# - Tan, Le: *EfficientNet*, ICML 2019.
# - Williams: *Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement
#   Learning* (REINFORCE), Machine Learning 1992.
# - Elsken, Metzen, Hutter: *Neural Architecture Search: A Survey*, JMLR 2019.
# - Efron, Hastie, Johnstone, Tibshirani: *Least Angle Regression*, Annals of Statistics 2004 (the
#   diabetes data).
