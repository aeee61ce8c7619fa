# %% [markdown]
# # 03 Performance estimation
#
# A search proposes architectures; something has to say how good each one is. That something is
# nearly the whole price of a search, and every shortcut in it may change who wins.
#
# After this chapter you can
#
# - say what a score is, what it costs, and what a table of trainings is worth;
# - measure whether a cheap score *ranks*: Kendall's tau, Spearman's rho, top-k overlap, intervals;
# - train less in six ways (fewer epochs, smaller networks, halving, stopping, extrapolating, not at
#   all) and say for each what it saves and what it loses;
# - tell a measured shortcut from one that is only claimed.
#
# Everything that ranks here was measured: on a table of all NAS-Bench-201 cells, or by trainings
# stored in `results/` with the command that made them.

# %%
import json
from collections import defaultdict
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from nas_course import data, estimation, models, plots, tabular, widgets
from nas_course.errors import InvalidInput
from nas_course.estimation import TableEstimate, kendall, spearman
from nas_course.spaces import NASBench201Space
from nas_course.strategies.black_box import SuccessiveHalving
from nas_course.training import Recipe, cosine, evaluate

torch.set_num_threads(1)  # more threads than free cores make small steps slower
space = NASBench201Space()
table = tabular.load()
valid, test = table.valid.astype(float), table.test.astype(float)  # (cells, epochs) and (cells,)
n, EPOCHS = valid.shape

# %% [markdown]
# ## 1. The honest score: train it
#
# Search code is often printed without the function that scores an architecture ("left to the
# reader"), or with one that draws a random number. Here it is, complete: build the network, train
# it on the **train** images, measure its accuracy on the **valid** images after every epoch. The
# **test** images are not touched: they are for what the search reports at its end.

# %%
images = data.load("digits", train_images=300, valid_images=600)
recipe = Recipe(epochs=6, batch_size=32, learning_rate=0.05, gradient_clip=None)
build = estimation.NetworkBuilder.fitting(images, channels=8, cells=1)
batches = -(-len(images.train) // recipe.batch_size)  # of an epoch
cell = space.parse(
    "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
)


# %%
def train_and_measure(cell, seed=0):
    """Validation accuracy after each epoch."""
    network = build(cell, torch.Generator().manual_seed(seed))  # weights drawn by the seed
    optimizer = torch.optim.SGD(network.parameters(), momentum=recipe.momentum, lr=1.0,
                                weight_decay=recipe.weight_decay)
    order, step, curve = torch.Generator().manual_seed(seed), 0, []
    for _ in range(recipe.epochs):
        for batch in data.epoch_order(len(images.train), order).tensor_split(batches):
            rate = cosine(step, recipe.epochs * batches, recipe.learning_rate, 0.0)
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
            logits = network(images.train.images[batch])
            cross_entropy(logits, images.train.labels[batch]).backward()
            optimizer.step()
            step += 1
        curve.append(evaluate(network, images.valid)["accuracy"])
    return tuple(curve)


curve = train_and_measure(cell)

# %% [markdown]
# The package's `TrainingEstimate` is the same loop. What it returns is a **score**: a value, what
# it cost, how it was made (its *fidelity*), and the *learning curve* so far.

# %% nas_course={"tol": {"abs": 0.03}}
full = estimation.TrainingEstimate(images, recipe, build)
score = full(cell)
assert score.curve == curve and score.value == curve[-1] and score.cost_seconds > 0
print("our curve equals the package's: True")
print("value:", f"{score.value:.3f}", "| fidelity:", score.fidelity)
print("curve:", [round(value, 3) for value in score.curve])

# %% [markdown]
# What it costs can be counted without a clock. A *multiply-add* is one multiplication with its
# addition. One image forward costs so many; the backward pass about twice that; times images,
# times epochs.

# %%
per_image = score.measures["multiply_adds"]
one = 3 * per_image * len(images.train) * recipe.epochs
print(f"{per_image:,.0f} multiply-adds an image, about {one:.1e} for this small training")
print(f"all {space.size:,} cells: {one * space.size:.1e}")

# %% [markdown]
# ## 2. A table of trainings
#
# Many searches ask for the same architectures. So train each one **once** and write down what came
# out: a *tabular benchmark*. From then on a score is a look-up, and a search of 300 trainings
# takes milliseconds, so that it can be repeated with hundreds of seeds (chapters 04 and 05 do).
#
# ### A benchmark of random numbers
#
# A widely copied lesson fills its "benchmark" with 100 uniform random numbers, validation and test
# accuracy drawn apart. *Predict: how much test accuracy does a search on it gain by choosing the
# best validation accuracy?*

# %% nas_course={"tol": {"abs": 0.06}}
rng = np.random.default_rng(0)
fake_valid, fake_test = rng.uniform(0.88, 0.95, (2000, 100)), rng.uniform(0.87, 0.94, (2000, 100))
draws = rng.integers(n, size=(2000, 100))  # 100 random cells of the real table


def gain(valid_accuracy, test_accuracy):
    """Test accuracy of the best by validation, less the mean, in points: mean of 2,000 searches."""
    chosen = valid_accuracy.argmax(axis=1)
    return 100 * (test_accuracy[np.arange(2000), chosen] - test_accuracy.mean(axis=1)).mean()


print(f"gained by choosing the best of 100: random numbers {gain(fake_valid, fake_test):+.2f} "
      f"points, real table {gain(valid[draws, -1], test[draws]):+.2f}")

# %% [markdown]
# Nothing: there is nothing to find. Whatever "wins" on such a table is luck, and a look-up in it
# is an instant random number, however impressive its speed.
#
# ### A key that always hits
#
# The same lesson finds the row of an architecture by adding up its character codes, modulo 100.
# A sum does not see order.

# %%
texts = [str(cell) for cell in space]
accuracy = test[table.index(texts)]
groups = defaultdict(list)
for number, text in enumerate(texts):
    groups[sum(map(ord, text)) % 100].append(number)
print(f"{len(texts):,} cells fall on {len(groups)} keys")
print("key of something that is no architecture at all:", sum(map(ord, "good morning")) % 100)

# %% [markdown]
# Some of those that share a key do not even differ in their letters:

# %%
same_letters = defaultdict(list)
for number, text in enumerate(texts):
    same_letters["".join(sorted(text))].append(number)
pair = max(same_letters.values(), key=lambda group: np.ptp(accuracy[group]))
low, high = min(pair, key=lambda i: accuracy[i]), max(pair, key=lambda i: accuracy[i])
for number in (low, high):
    print(f"key {sum(map(ord, texts[number])) % 100}, test accuracy {accuracy[number]:.0%}:")
    print(texts[number])
assert accuracy[high] - accuracy[low] > 0.2

# %% [markdown]
# The same operations in other places: one network learns, in the other no path leads to the output.
# One key for both. And since every sum modulo 100 is a key, nothing is ever unknown.
#
# A key must do two things. **Different networks get different keys, and the same network the same
# key**, however its text is written: numbering the inner nodes otherwise, or adding edges that
# compute nothing, changes the text, not the network. `space.canonical` is such a key.

# %%
classes = defaultdict(list)
for architecture in space:
    classes[space.canonical(architecture)].append(architecture)
twins = next(group for group in classes.values() if len(group) == 2)
print(f"{len(texts):,} texts, {len(classes):,} different networks. Two texts of one network:")
print(twins[0], twins[1], sep="\n")
assert table.query(twins[0]) == table.query(twins[1])
try:
    table.query("good morning")
except InvalidInput as error:
    print("unknown:", str(error)[:60], "...")

# %% [markdown]
# ### The real one
#
# `nas-course build-table` trained every network of the space, by the protocol below. It is a small
# training on purpose: one cell between a linear map of image patches and a linear classifier, so
# that the cell has to do the work, and all of it is affordable.

# %%
protocol = table.about["protocol"]
for name in ("data", "image_size", "train_images", "valid_images", "test_images", "channels",
             "epochs", "batch_size", "learning_rate"):
    print(f"{name}: {protocol[name]}")
print(f"{len(table):,} networks, {table.about['trainings']:,} trainings, "
      f"{table.seconds.sum() / 3600:.1f} processor hours for the first of each")
row = table.query(cell)
print(f"our cell: validation {row.valid_accuracy[-1]:.1%}, test {row.test_accuracy:.1%}, "
      f"{row.parameters:,} weights, {row.multiply_adds:,} multiply-adds")

# %% [markdown]
# ### How much of it is luck?
#
# Another seed (other initial weights, other order of images) gives another accuracy. Some cells
# were trained with three seeds. *Predict: do two seeds agree better on all cells, or on the
# best tenth?*
#
# The best tenth is chosen by the **third** seed. Chosen by one of the two, it would hold those that
# were lucky there.

# %% nas_course={"tol": {"abs": 0.02}}
first, second, third = table.repeated_test.astype(float)  # each (cells,)
noise = np.sqrt(table.repeated_test.astype(float).var(axis=0, ddof=1).mean())
best_tenth = np.argsort(-third)[: len(third) // 10]
print(f"{len(first)} cells, three seeds. Standard deviation in a cell {100 * noise:.2f} points, "
      f"between cells {100 * table.repeated_test.mean(axis=0).std(ddof=1):.2f}")
by_seed = table.repeated_test.mean(axis=1)
print("mean of these cells by seed:", ", ".join(f"{mean:.1%}" for mean in by_seed))
plots.draw_agreement(
    {"all cells": (first, second), "best tenth": (first[best_tenth], second[best_tenth])},
    xlabel="test accuracy, seed 0", ylabel="seed 1",
)

# %%
from nas_course.tabular import quality

assert np.isclose(quality.noise(table)["sd_seeds"], 100 * noise)
luck = kendall(first, second)
assert luck > kendall(first[best_tenth], second[best_tenth])
print("our noise equals the package's: True; two seeds agree less among the best: True")

# %% [markdown]
# Part of the luck is common to all: a seed fixes the order of the images, and a bad order lowers
# every cell. That changes no rank, as long as all cells are compared under the same seed.
#
# Remember both correlations. No estimate can rank better than a second training does, and *who
# exactly is best* is not even decided by full training. A search that is 0.1 points better than
# another on one seed has shown nothing.
#
# ### Every row can be checked
#
# The table is not a thing to believe in: any row can be trained again, here and now.

# %% tags=["nbval-ignore-output"]
from nas_course.tabular.protocol import Protocol, train_cell

cifar = data.available()["cifar10"]
if cifar.found:
    rules = Protocol()
    again = train_cell(cell, rules, seed=0, images=rules.load())
    difference = abs(again.test_accuracy - table.query(cell).test_accuracy)
    print("trained again, within the noise of seeds (3 standard deviations):",
          "yes" if difference <= 3 * noise else "no")
else:
    print("This cell needs the images of CIFAR-10.", cifar.how)

# %% [markdown]
# ## 3. Does a cheap score rank?
#
# A search never asks how accurate an architecture is. It asks which of two is better. So a cheap
# score may be wrong by any amount, if the **order** is right. Take two architectures: if both
# scores order them alike the pair is *concordant* ($C$), else *discordant* ($D$). Kendall's tau
# counts:
#
# $$\tau_b=\frac{C-D}{\sqrt{(n_0-n_1)(n_0-n_2)}},\qquad n_0=\tfrac{n(n-1)}2$$
#
# $n_1$ and $n_2$ are the pairs that are tied in one or the other score. Accuracies are counts of
# images, so ties do occur.


# %%
def kendall_by_hand(x, y):
    """Kendall's tau-b, pair by pair."""
    agreement = n0 = n1 = n2 = 0
    for i, j in combinations(range(len(x)), 2):
        a, b = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
        agreement += a * b  # +1 concordant, -1 discordant, 0 tied
        n0, n1, n2 = n0 + 1, n1 + (a == 0), n2 + (b == 0)
    return agreement / np.sqrt((n0 - n1) * (n0 - n2))

# %% [markdown]
# Spearman's rho is the ordinary correlation of the *ranks*. And the top-k overlap asks only what a
# search asks: are the best few among those that look best?


# %%
def mean_ranks(x):
    """Rank of each value from 1; tied ones share the mean of their ranks."""
    return np.array([(x < value).sum() + ((x == value).sum() + 1) / 2 for value in x])


def spearman_by_hand(x, y):
    """Pearson's correlation of the ranks."""
    return np.corrcoef(mean_ranks(x), mean_ranks(y))[0, 1]


def overlap_by_hand(x, y, k):
    """Share of the best k by y that are among the best k by x (no ties)."""
    return len(set(np.argsort(-x)[:k]) & set(np.argsort(-y)[:k])) / k

# %% nas_course={"tol": {"abs": 0.03}}
few = np.random.default_rng(0).choice(n, size=60, replace=False)
cheap, final = valid[few, 2].round(2), test[few].round(2)  # rounded, so that there are ties
assert np.isclose(kendall_by_hand(cheap, final), kendall(cheap, final))
assert np.isclose(spearman_by_hand(cheap, final), spearman(cheap, final))
unrounded = valid[few, 2] + 1e-9 * np.arange(60), test[few] + 1e-9 * np.arange(60)
assert overlap_by_hand(*unrounded, 6) == estimation.top_overlap(*unrounded, 6)
print("ours equal the package's: True")
print(f"3 epochs against final accuracy, 60 cells: tau {kendall(cheap, final):.2f}, "
      f"rho {spearman(cheap, final):.2f}, best 6: {estimation.top_overlap(*unrounded, 6):.0%}")
assert np.isclose(kendall(cheap**3 - 7, final), kendall(cheap, final))  # any rising function

# %% [markdown]
# $\tau$ has a plain meaning: without ties, $(1+\tau)/2$ is the probability that a random pair is
# ordered rightly. $\rho$ is larger for the same data; never compare one's $\tau$ with another's
# $\rho$. The last line shows why ranks: a wrong scale costs nothing.
#
# With few architectures the number itself is luck. The *bootstrap* draws architectures again with
# replacement and looks how much $\tau$ varies:

# %% nas_course={"tol": {"abs": 0.04}}
shuffled = np.random.default_rng(1).permutation(n)
widths = []
for count in (15, 60, 240, 960):
    some = shuffled[:count]
    tau = estimation.bootstrap(kendall, valid[some, 2], test[some], np.random.default_rng(0),
                               resamples=300)
    widths.append(tau.high - tau.low)
    print(f"tau of 3 epochs on {count:3d} cells: {tau}")
assert widths[0] > 3 * widths[-1]

# %% [markdown]
# A study with 15 architectures can say nearly anything.
#
# ## 4. Train less: fewer epochs, smaller everything
#
# The cheapest idea: stop all trainings early. Play the film (▶), then choose "truly best tenth".
# *Predict: after which epoch is the order as good as it will get? And among the best?*

# %% nas_course={"tol": {"rel": 0.05}}
widgets.FidelityExplorer(valid, test, epochs=3)

# %% nas_course={"tol": {"abs": 0.03}}
top = np.argsort(-test)[: n // 10]
taus = np.array([kendall(column, test) for column in valid.T])
taus_top = np.array([kendall(column, test[top]) for column in valid[top].T])
share = np.arange(1, EPOCHS + 1) / EPOCHS
ceiling = kendall(table.repeated_valid[1, :, -1], first)  # another seed, fully trained
assert (taus > taus_top).all() and taus[-1] > taus[0]
plots.draw_quality(
    {"all cells": (share, taus), "truly best tenth": (share, taus_top)},
    xlabel="share of the cost", ylabel="Kendall's tau with test accuracy",
    levels={"another seed, all epochs, all cells": ceiling},
)

# %% [markdown]
# This is the **fidelity gap**: a short training tells bad from good, and hardly good from best. A
# proxy's correlation "on the whole space" is an easy exam, because bad cells are easy to see.
# What a search needs is the lower line. (The upper one ends above the level of another seed:
# validation and test accuracy of *one* training share its luck.)
#
# Epochs are not all that can be made smaller. `benchmarks/proxies.py` trained random cells on
# digits in full and with each reduction, another seed each time:

# %%
RESULTS = Path("../results")


def measured(name):
    """What a command of `benchmarks/` found."""
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


proxies = measured("proxies_digits.json")
print("measured by:", proxies["command"])
print(f"{len(proxies['cells'])} cells")
print(f"{'proxy':<44}{'fewer multiply-adds':>20}{'faster':>8}   tau with full training")
for entry in proxies["rows"]:
    tau = estimation.Interval(**entry["kendall"])
    print(f"{entry['name']:<44}{entry['fewer_multiply_adds']:>18.1f} x{entry['speed_up']:>6.1f} x"
          f"   {tau}")

# %% [markdown]
# The first row is the full training itself with another seed: what luck leaves over. Judge every
# proxy against that row, not against 1. Read two columns: what is *saved* and what is *kept*; a
# speed-up alone is half a result.
#
# ### A quarter of the channels
#
# Tables of shortcuts often say that a quarter of the channels is "4 to 8 times" cheaper. Count: a
# dense $k\times k$ convolution from $C$ to $C$ channels costs $k^2C^2$ for each pixel. So it is
# $4^2=16$ times, and 4 only for a depthwise one, which costs $k^2C$.


# %%
def cost(channels, groups):
    """Multiply-adds of one 3x3 convolution on a 16x16 map."""
    layer = torch.nn.Conv2d(channels, channels, 3, padding=1, groups=groups, bias=False)
    return models.multiply_adds(layer, (channels, 16, 16))


print("dense 3x3, 64 to 16 channels:", cost(64, 1) / cost(16, 1), "times cheaper")
print("depthwise 3x3:", cost(64, 64) / cost(16, 16), "times cheaper")
wide, narrow = (models.multiply_adds(
    estimation.NetworkBuilder.fitting(images, channels=c, cells=5)(cell, torch.Generator()),
    (1, 8, 8)) for c in (64, 16))
print(f"a whole network of dense cells: {wide / narrow:.2f} times cheaper")
assert 14 < wide / narrow < 16

# %% [markdown]
# In the whole network slightly less, because the first convolution reads the image, whose channels
# stay. And a clock shows still less: small tensors keep a processor waiting (the column "faster"
# above). Half the side of the images is 4 times cheaper, a tenth of the images 10 times.
#
# ## 5. Spend where it pays: successive halving
#
# A short training cannot find the best, but it can find the *bad*. So train many for 1 epoch, keep
# the best third, train these on to 3 epochs, keep the best third, train these to 9.


# %%
def halve(cells, rungs=(1, 3, 9), eta=3):
    """Return those that reach the last rung, best first, and the epochs spent."""
    alive, spent, before = list(cells), 0, 0
    for epochs in rungs:
        spent += len(alive) * (epochs - before)  # each goes on from where it was
        alive.sort(key=lambda cell: -table.value(cell, epochs))
        if epochs < rungs[-1]:
            alive = alive[: len(alive) // eta]
        before = epochs
    return alive, spent


rng = np.random.default_rng(0)
began = [space.sample(rng) for _ in range(27)]
finalists, spent = halve(began)
print(f"27 cells, {spent} epochs instead of {27 * EPOCHS}; reached the end: {len(finalists)}")

# %% [markdown]
# The package's strategy asks one question after the other, so that trainings can run in parallel:

# %%
estimate = TableEstimate(table)
strategy = SuccessiveHalving(space, seed=0, eta=3, max_epochs=EPOCHS, architectures=27)
(bracket,) = widgets.halving.finished_brackets(strategy, estimate, 1)
ends = sorted(bracket.rungs[-1].entries, key=lambda entry: -entry.score)
assert [entry.architecture for entry in bracket.rungs[0].entries] == began
assert [entry.architecture for entry in ends] == finalists
print("our halving equals the package's: True")

# %% [markdown]
# Play with it. As it begins, the truly best of 81 (dark line) is thrown out after one epoch: it
# starts slowly. Find a setting in which it survives, and look what that costs. Draw anew a few
# times. Then take Hyperband: how early to throw out cannot be known beforehand, so it runs
# several brackets, from "many, stopped early" to "few, trained in full".

# %% nas_course={"tol": {"rel": 0.05}}
widgets.HalvingExplorer(space, estimate, seed=0)

# %% [markdown]
# Is it worth it? Compare at **equal cost**: 63 epochs are 27 cells halved, or 7 cells trained
# in full. Regret is the best test accuracy of the table minus that of the chosen cell.

# %% nas_course={"tol": {"abs": 0.15}}
def regret(cells):
    """Points of test accuracy lost by the best by validation of these cells."""
    chosen = max(cells, key=table.value)
    return 100 * (table.best_test - table.query(chosen).test_accuracy)


halved, random = [], []
for seed in range(300):
    rng = np.random.default_rng(seed)
    drawn = [space.sample(rng) for _ in range(27)]
    halved.append(regret(halve(drawn)[0]))
    random.append(regret(drawn[: spent // EPOCHS]))
print(f"300 searches of {spent} epochs, median regret: 27 cells halved {np.median(halved):.2f}, "
      f"{spent // EPOCHS} cells in full {np.median(random):.2f} points")
assert np.median(halved) < np.median(random)

# %% [markdown]
# ### One at a time: the median rule
#
# Halving wants many at once. If trainings come one after the other, compare each with those before
# it: stop when its best value so far is below the median of the others' running averages (Google
# Vizier's rule). Never by a coin, as in the lesson mentioned above.


# %%
def train_by_median_rule(curves, completed_first=5):
    """Epochs that each training gets, in this order."""
    completed, trained = [], []
    for curve in curves:
        epoch = len(curve)
        if len(completed) >= completed_first:
            for t in range(2, len(curve)):
                averages = [np.mean(other[:t]) for other in completed]
                if max(curve[:t]) < np.median(averages):
                    epoch = t
                    break
        if epoch == len(curve):
            completed.append(curve)
        trained.append(epoch)
    return np.array(trained)


# %% nas_course={"tol": {"abs": 0.03}}
from nas_course.estimation import stopping

hundred = np.random.default_rng(0).permutation(n)[:100]
trained = train_by_median_rule(valid[hundred])
assert (trained == stopping.replay(estimation.MedianRule(), valid[hundred])).all()
strict = stopping.replay(estimation.PointwiseMedianRule(), valid[hundred])
for name, epochs in (("running averages", trained), ("values (stricter)", strict)):
    kept = hundred[epochs == EPOCHS]
    lost = valid[hundred, -1].max() - valid[kept, -1].max()
    print(f"median of {name}: stopped {(epochs < EPOCHS).sum()} of 100, saved "
          f"{1 - epochs.mean() / EPOCHS:.0%} of the epochs, lost {100 * lost:.2f} points")
print("our median rule equals the package's: True")

# %% [markdown]
# ## 6. The funnel
#
# Score many cheaply, train the best few in full, take the best of these. In the lesson every
# training, *also the full one of a finalist*, is broken off when a coin falls so, and the cheap
# scores are random numbers. How many of its five finalists are stopped early?

# %% nas_course={"tol": {"abs": 0.12}}
rng = np.random.default_rng(0)
stopped = (rng.random((10_000, 5)) < 0.5).sum(axis=1)
print(f"stopped among 5 finalists: {stopped.mean():.1f} on average; all five in "
      f"{(stopped == 5).mean():.0%} of the searches")

# %% [markdown]
# A real funnel, in five lines, is equal to the package's:

# %%
candidates = [space.sample(np.random.default_rng([7, i])) for i in range(100)]
by_cheap = sorted(candidates, key=lambda cell: -estimate(cell, 3).value)[:10]
winner = max(by_cheap, key=lambda cell: estimate(cell).value)
found = estimation.funnel(lambda cell: estimate(cell, 3), estimate, candidates, keep=10)
assert [architecture for architecture, _ in found.finalists] == by_cheap
assert found.best == winner
in_full = sum(estimate(cell).cost_seconds for cell in candidates)
print(f"our funnel equals the package's: True; cost {found.cost_seconds / in_full:.0%} of training "
      "all in full")

# %% [markdown]
# Its quality is its **recall**: how many of the truly best get through? *Predict: you keep 10 of
# 100 after 1 epoch. How many of the true top 5 are among them?*

# %% nas_course={"tol": {"abs": 0.03}}
from nas_course.estimation.ranking import recall

keeps, samples = (5, 10, 20, 40, 80), np.random.default_rng(0).integers(n, size=(200, 100))


def mean_recall(epochs, keep):
    """Share of the true top 5 (by the last epoch) among the kept, mean of 200 funnels."""
    return np.mean([recall(valid[s, epochs - 1], valid[s, -1], keep, 5) for s in samples])


recalls = {f"{epochs} epoch{'s' * (epochs > 1)}": (keeps, [mean_recall(epochs, k) for k in keeps])
           for epochs in (1, 3, 5, 7)}
assert recalls["7 epochs"][1][1] > recalls["1 epoch"][1][1]
plots.draw_quality(recalls, xlabel="kept of 100", ylabel="recall of the true top 5", log=keeps)

# %% [markdown]
# Two dials, one price: a longer first stage or a wider second one. Measure the recall on a sample
# before you trust a funnel.
#
# ## 7. Guess the rest of the curve
#
# Why not *extrapolate*: fit families of rising curves to the first epochs and read off the last?
# The rival costs nothing: the last value seen.

# %% nas_course={"tol": {"abs": 0.03}}
some = np.random.default_rng(0).choice(n, size=300, replace=False)
end, wins = valid[some, -1], 0
for epochs in (4, 5, 6, 7, 8):
    seen = valid[some, :epochs]
    forecast, last = estimation.extrapolate(seen, EPOCHS).mean, estimation.last_value(seen, EPOCHS)
    taus_here = kendall(forecast, end), kendall(last, end)
    wins += taus_here[0] > taus_here[1]
    assert epochs < 5 or taus_here[0] < taus_here[1]
    print(f"from {epochs} epochs: tau with the last epoch {taus_here[0]:.2f} extrapolated, "
          f"{taus_here[1]:.2f} last value")
print(f"extrapolation ranks better in {wins} of 5")

# %% [markdown]
# From five epochs on it does not beat the rival that costs nothing. The curves of one schedule
# bend alike, so extrapolating mostly moves all of them up together, which changes no rank, and
# adds the noise of a fit. And no family of curves knows that the learning rate falls to zero at
# the end. (`benchmarks/fidelity_on_table.py` is the long version, with errors
# and a regression that *learns* from completed curves.) Extrapolation pays where it says "this
# one cannot reach the best any more", not as a score.
#
# ## 8. Train nothing: zero-cost proxies
#
# Can an untrained network tell? Several scores look at one batch and one backward pass. The
# simplest is the size of the gradient:
#
# $$\text{gradient norm}=\sum_{\text{layers } l}\Big\lVert\frac{\partial
# L}{\partial\theta_l}\Big\rVert_2$$


# %%
from nas_course.estimation import zero_cost


def gradient_norm_by_hand(network, batch, labels):
    """Sum over convolutions and linear layers of the norm of their weights' gradient."""
    network.train()
    cross_entropy(network(batch), labels).backward()
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    return sum(layer.weight.grad.norm().item() for layer in layers if layer.weight.grad is not None)


batch, labels = images.train.images[:64], images.train.labels[:64]
theirs = zero_cost.gradient_norm(build(cell, torch.Generator().manual_seed(0)), batch, labels)
ours = gradient_norm_by_hand(build(cell, torch.Generator().manual_seed(0)), batch, labels)
assert np.isclose(ours, theirs, rtol=1e-5)
print("our gradient norm equals the package's: True")

# %% [markdown]
# Two rivals need not even a batch: **count the weights**, or the multiply-adds. A proxy that
# does not beat them has discovered that bigger networks are better.
# `benchmarks/zero_cost_on_table.py` asked all of them about the same cells:

# %%
zero = measured("zero_cost.json")
print(f"{zero['cells']} cells against {zero['against']}; {zero['interval']}")
for name, entry in sorted(zero["proxies"].items(), key=lambda item: -item[1]["spearman"][0]):
    verdict = "baseline" if name in zero_cost.BASELINES else (
        "beats the parameters" if entry["beats_parameters"] else "does not beat the parameters")
    value, low, high = entry["spearman"]
    print(f"{name:<20} rho {value:+.2f} [{low:+.2f}, {high:+.2f}]   {verdict}")

# %% [markdown]
# The verdict is strict: the whole interval of the *difference* to counting parameters, on the same
# cells, has to be above zero. Believe a zero-cost proxy only in the space and at the size where it
# was shown beside these two baselines.
#
# ## 9. Learn to predict
#
# A *predictor* learns from some trained cells what the others would reach. The plainest: a linear
# model on the one-hot code (6 edges × 5 operations = 30 numbers) with a penalty,
#
# $$w=(X^\top X+\lambda I)^{-1}X^\top(y-\bar y)$$
#
# An ensemble of such models, each on its own bootstrap sample, also says how sure it is: by how
# much its members differ.


# %%
def ridge_by_hand(X, y, penalty=1.0):
    """Weights and bias of the penalised linear model."""
    centred = X - X.mean(axis=0)
    w = np.linalg.solve(centred.T @ centred + penalty * np.eye(X.shape[1]),
                        centred.T @ (y - y.mean()))
    return w, y.mean() - X.mean(axis=0) @ w


# %%
cells = table.architectures
codes = np.array([space.encode(architecture) for architecture in cells])
order = np.random.default_rng(0).permutation(n)
learned, asked = order[:100], order[-1000:]
ridge = estimation.RidgeEnsemble(space.encode, seed=0, members=3)
ridge.fit([cells[i] for i in learned], valid[learned, -1])
draws = np.random.default_rng(0).integers(100, size=(3, 100))  # the members' bootstrap samples
members = [ridge_by_hand(codes[learned][d], valid[learned, -1][d]) for d in draws]
ours = np.mean([codes[asked] @ w + bias for w, bias in members], axis=0)
assert np.allclose(ours, ridge.predict([cells[i] for i in asked])[0])
print("our ridge ensemble equals the package's: True")

# %% [markdown]
# How many trainings does it need? *Predict: more or fewer than 300 to beat 3 epochs of every cell?*

# %% nas_course={"tol": {"abs": 0.05}}
counts = (10, 30, 100, 300)


def predictor_tau(make, count, repetitions=3):
    """Mean tau with test accuracy on 1,000 other cells."""
    found = []
    for seed in range(repetitions):
        order = np.random.default_rng(seed).permutation(n)
        learned, asked = order[:count], order[-1000:]
        predictor = make(space.encode, seed=seed)
        predictor.fit([cells[i] for i in learned], valid[learned, -1])
        found.append(kendall(predictor.predict([cells[i] for i in asked])[0], test[asked]))
    return np.mean(found)


lines = {name: (counts, [predictor_tau(make, count) for count in counts])
         for name, make in (("ridge", estimation.RidgeEnsemble), ("MLP", estimation.MLPEnsemble))}
print(f"tau of the number of parameters: {kendall(table.parameters, test):.2f}")
assert all(taus_of[-1] > taus_of[0] for _, taus_of in lines.values())
plots.draw_quality(lines, xlabel="cells trained", ylabel="tau with test accuracy", log=counts,
                   levels={"3 epochs of every cell": taus[2], "5 epochs of every cell": taus[4]})

# %% [markdown]
# Compare the prices. The dotted lines took 3 or 5 epochs of **every** cell that is asked about;
# the predictor took some full trainings once, and then answers for all.
# `benchmarks/predictors_on_table.py` is the long version, with other encodings.
#
# Is its uncertainty worth something? Sort the asked cells by the ensemble's spread:

# %% nas_course={"tol": {"abs": 0.3}}
mlp = estimation.MLPEnsemble(space.encode, seed=0)
mlp.fit([cells[i] for i in learned], valid[learned, -1])
mean, spread = mlp.predict([cells[i] for i in asked])
errors = 100 * np.abs(mean - valid[asked, -1])
for name, third in zip(("sure", "middle", "unsure"), np.array_split(np.argsort(spread), 3),
                       strict=True):
    print(f"{name:<7} third: mean error {errors[third].mean():.2f} points")
assert errors[np.argsort(spread)[:333]].mean() < errors[np.argsort(spread)[-333:]].mean()

# %% [markdown]
# That is what Bayesian optimisation lives on (BANANAS, TPE): ask where the prediction is high *or*
# the doubt is large.
#
# ## 10. Weights that are already there
#
# The other way not to train: start from weights that exist. *Weight sharing* trains one
# supernet for all architectures (chapter 08 has one; its fidelity is measured in chapter 07,
# planned). *Network morphisms* grow a trained parent without changing its function (chapter 06,
# planned), and *transfer* starts a search from what another data set taught (chapter 14,
# planned).
#
# ## 11. All of it in one table
#
# Tables of NAS shortcuts usually list a speed-up ("1000×, small loss") without a source. This
# one was measured above, on one benchmark, in one currency: trainings that are saved and order
# that is kept.

# %% nas_course={"tol": {"abs": 0.05}}
def among_best(scores):
    """Tau among the truly best tenth."""
    return kendall(np.asarray(scores)[top], test[top])


order = np.random.default_rng(0).permutation(n)[:100]
ridge = estimation.RidgeEnsemble(space.encode, seed=0)
ridge.fit([cells[i] for i in order], valid[order, -1])
ranked = {
    "full training, validation": (1.0, valid[:, -1]),
    "5 of 9 epochs": (5 / 9, valid[:, 4]),
    "1 of 9 epochs": (1 / 9, valid[:, 0]),
    "ridge on 100 trainings": (100 / n, ridge.predict(cells)[0]),
    "number of parameters": (0.0, table.parameters),
}
print(f"{'estimate':<28}{'cost':>6}  {'tau, all':>9}  {'tau, best tenth':>15}")
for name, (price, scores) in ranked.items():
    print(f"{name:<28}{price:>6.1%}  {kendall(scores, test):>9.2f}  {among_best(scores):>15.2f}")
assert among_best(table.parameters) > among_best(valid[:, -1])

# %% [markdown]
# Look at the last column. Among the best tenth *one full training*, judged on 2,500 validation
# images, ranks worse than counting weights, which is free: at the top, the luck of a seed and of
# a small validation set is as large as the differences. That says nothing against training; it
# says that the last step of a search, choosing among good candidates, needs several seeds and
# more images.
#
# ## 12. What goes wrong in practice
#
# - **The fidelity gap.** The winner of a short training is not the winner. How far down is it?

# %% nas_course={"tol": {"rel": 0.1}}
ranks = (test > test[valid[:, 0].argmax()]).sum(), (test > test[valid[:, -1].argmax()]).sum()
print(f"of {n:,} cells, better on the test images than the winner after 1 epoch: {ranks[0]}, "
      f"than the winner after {EPOCHS}: {ranks[1]}")

# %% [markdown]
# - **Unequal cost.** "Halving beats random search" with 27 cells against 27 full trainings, or with
#   27 against 3, says nothing. Fix the epochs, then compare, over many seeds (section 5).
# - **Selecting on the set that is reported.** Choose by test accuracy and report it: it is too
#   good. #   Three seeds show by how much: choose by the test accuracy of one, look at another,
#   over all pairs of seeds (so that a seed that is good to all cells counts as often for as
#   against).

# %% nas_course={"tol": {"abs": 0.1}}
picks = np.random.default_rng(0).integers(len(first), size=(2000, 100))
reported, again = [], []
for one, other in permutations(table.repeated_test.astype(float), 2):
    chosen = picks[np.arange(2000), one[picks].argmax(axis=1)]
    reported.append(one[chosen].mean())
    again.append(other[chosen].mean())
print(f"best of 100 by its own test accuracy: reported {np.mean(reported):.2%}, trained again "
      f"{np.mean(again):.2%}; too good by {100 * (np.mean(reported) - np.mean(again)):.2f} points")
assert np.mean(reported) > np.mean(again)

# %% [markdown]
# - **One seed.** Everything above has a noise floor; a difference below it is no difference. The
#   lesson that warns of this sets no seed and runs once.
# - **A proxy from another space.** Correlations do not travel: other cells, other sizes, other
#   images, another number. Measure again, with an interval.
#
# ## Recap
#
# - A score is a value *and* a cost, a fidelity, a curve. Only its order matters to a search.
# - A table makes searches cheap and repeatable, if its rows are trainings and its key is canonical.
# - Measure a shortcut by tau among the *best*, beside a second seed and beside counting parameters.
# - Cheap scores throw out the bad; halving and funnels use them for that and nothing else.
# - A predictor needs few trainings; extrapolation and zero-cost scores have to beat free rivals
#   first.
#
# Exercises: `exercises/03_performance_estimation.ipynb`. Next: chapter 04, strategies on this
# table.
#
# ## References
#
# - Dong, Yang, *NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search*,
#   ICLR 2020. Ying and others, *NAS-Bench-101*, ICML 2019.
# - Kendall, *The Treatment of Ties in Ranking Problems*, Biometrika 1945.
# - Jamieson, Talwalkar, *Non-stochastic Best Arm Identification and Hyperparameter Optimization*,
#   AISTATS 2016. Li and others, *Hyperband*, JMLR 2018.
# - Golovin and others, *Google Vizier: A Service for Black-Box Optimization*, KDD 2017.
# - Domhan, Springenberg, Hutter, *Speeding Up Automatic Hyperparameter Optimization of Deep Neural
#   Networks by Extrapolation of Learning Curves*, IJCAI 2015.
# - Abdelfattah, Mehrotra, Dudziak, Lane, *Zero-Cost Proxies for Lightweight NAS*, ICLR 2021.
# - White, Zela, Ru, Liu, Hutter, *How Powerful are Performance Predictors in Neural Architecture
#   Search?*, NeurIPS 2021.
