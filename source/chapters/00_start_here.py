# %% [markdown]
# # 00 Start here
#
# This notebook is the door to the course. It needs no GPU, no network and nothing but a first
# course in machine learning: you know what a convolutional network is and how it is trained.
#
# After it you can
#
# - name the three parts of every neural architecture search, and say what each decides;
# - say how many architectures a search space holds, and why nobody tries them all;
# - run a search, watch it decide, and read its result;
# - use the widgets, the exercises and their checks, and the same search from the command line.
#
# Reading takes about 25 minutes, computing about one. Run a cell with Shift + Enter; all cells in
# order with *Run > Run All Cells*.
#
# ## Is everything here?

# %%
from nas_course import doctor

faults = [finding for finding in doctor.examine() if finding.status == "FAIL"]
print(*faults or ["Everything the course needs is here."], sep="\n")

# %% [markdown]
# If a line says `FAIL`, it also says what to do. `nas-course doctor` in a terminal prints the
# whole list.
#
# ## 1. What is neural architecture search?
#
# Training finds the *weights* of a network. Somebody still has to choose the network: how many
# layers, which operations, what is connected with what. **Neural architecture search (NAS)** lets
# a program choose. Every method, from 2017 to today, has the same three parts:
#
# | part | question | examples in this course |
# | --- | --- | --- |
# | **search space** | What may be built? | chains of layers; cells that are stacked |
# | **search strategy** | What to try next? | random, evolution, reinforcement learning, gradients |
# | **performance estimation** | How good is it? | full training, short training, shared weights |
#
# The package has the same three words as folders: `nas_course/spaces`, `nas_course/strategies`,
# `nas_course/estimation`.
#
# One thing to keep in mind from the start: a search finds nothing outside its space, and people
# design the space. In a good space even random choices do well. So *is the search better than
# random?* is the question that this course asks of every method.
#
# ### The search space: a cell
#
# Searching a whole network edge by edge is too much. Most spaces search one small graph, the
# **cell**, and stack it. Normal cells (N) keep the resolution; reduction cells (R) halve it.

# %%
from nas_course import plots

plots.draw_network(cells=8, channels=16)

# %% [markdown]
# Below, one cell of the DARTS space, drawn at random. $c_{k-2}$ and $c_{k-1}$ are the outputs of
# the two cells before. Each node adds up two inputs, each through one of seven operations:
# separable (`sep`) and dilated (`dil`) convolutions, pooling, or `skip`, which passes its input on.
# An operation has the same colour and dash everywhere in the course.

# %%
import numpy as np

from nas_course import spaces

space = spaces.get("darts")
rng = np.random.default_rng(0)
genotype = space.sample(rng)
plots.draw_cell(genotype, "normal")

# %% [markdown]
# In this package an architecture is a plain value, not a network: you can print it, compare it,
# keep it in a set, send it to a colleague as text. The network is built from it when needed.
#
# In the text, numbers are places in the cell: 0 and 1 are the inputs $c_{k-2}$ and $c_{k-1}$, and 2
# to 5 the nodes that the picture calls 0 to 3.

# %%
print(genotype)
print("reads back to the same value:", space.parse(str(genotype)) == genotype)

# %% [markdown]
# **Predict:** a node may choose two of the nodes before it and one of seven operations for each.
# There are four nodes. Thousands of such cells? Millions? More? Decide before you run the cell.

# %%
minutes_in_a_year = 60 * 24 * 365
bench = spaces.get("nas-bench-201")

print(f"DARTS: {space.cell_size:,} cells")
print(f"DARTS: {space.size:.2e} networks (a normal and a reduction cell)")
print(f"NAS-Bench-201, a small space made for study: {bench.size:,} cells")
print(f"one minute for each DARTS cell: {space.cell_size / minutes_in_a_year:,.0f} years")

# %% [markdown]
# And a minute would be little: the 600 epochs on CIFAR-10 that the papers give to one network take
# more than a day on the GPUs of their time. Hence the other two parts: a **strategy** that looks at
# few candidates, and an **estimation** that costs less than full training.
#
# ### The smallest complete search
#
# All three parts in a dozen lines. First the data: handwritten digits, 8 by 8 pixels, part of
# scikit-learn. Three parts again: *train* fits weights, *valid* compares architectures, *test* is
# looked at once at the end. We take few images on purpose: with all of them every network is
# nearly perfect, and there is nothing to search for.

# %%
import torch

from nas_course import data

torch.set_num_threads(1)  # small networks run faster so, and leave the other core to you
images = data.load("digits", train_images=128, valid_images=128)
print(len(images.train), "train,", len(images.valid), "valid,", len(images.test), "test")
plots.draw_images(images.train, images.class_names)

# %% [markdown]
# **Performance estimation** here: build the network, train it for ten epochs, measure it on the
# validation part. With the small NAS-Bench-201 cell that takes about a second.

# %%
from nas_course import models
from nas_course.training import Recipe, evaluate, fit


def estimate(cell):
    """Validation accuracy after a short training."""
    generator = torch.Generator().manual_seed(0)
    network = models.build_network(
        cell, channels=8, cells=1, classes=10, in_channels=1, generator=generator
    )
    fit(network, images.train, Recipe(epochs=10, batch_size=32), seed=0)
    return evaluate(network, images.valid)["accuracy"]


# %% [markdown]
# **Search space:** `bench`. **Search strategy:** draw six cells at random, keep the best. This is
# *random search*. Do not smile at it: it is the opponent that every method must beat. In 2019 it
# turned out that, with early stopping, it does at least as well as ENAS (reference 5), one of the
# best known methods.

# %% nas_course={"tol": {"abs": 0.12}}
candidates = [bench.sample(rng) for _ in range(6)]
scores = [estimate(cell) for cell in candidates]
best = candidates[int(np.argmax(scores))]
print(f"validation accuracy from {min(scores):.2f} to {max(scores):.2f}")

# %% [markdown]
# The worst is no better than guessing one of ten digits. Its text shows why: in this space an edge
# may be `none`, no connection, and here no path leads from node 0 to the output, node 3. The best
# of the six:

# %% tags=["nbval-ignore-output"]
print("worst:", candidates[int(np.argmin(scores))])
plots.draw_cell(best, "cell")

# %% [markdown]
# That was neural architecture search. Everything else in this course improves one of the three
# parts. How much that matters (a GPU-day is a day on one graphics card of the time):
#
# | method | strategy | estimation | GPU-days |
# | --- | --- | --- | --- |
# | Zoph and Le, 2017 | reinforcement learning | full training | 22,400 (reported) |
# | NASNet, 2018 | reinforcement learning | short training | 1,800 or 2,000 (both in print) |
# | AmoebaNet, 2019 | evolution | short training | 3,150 |
# | ENAS, 2018 | reinforcement learning | shared weights | about 0.5 (reported) |
# | DARTS, 2019 | gradients | shared weights | 1.5 or 4 (reported; 1st or 2nd order) |
#
# *Reported* marks figures that are usually quoted but that we have not read in the source. All
# are for CIFAR-10 and without the final training of the network that was found. The large step is
# in the third column, not in the second: **shared weights**, one large network that contains all
# candidates, in place of thousands of trainings.
#
# ## 2. How the exercises work
#
# Each chapter has a notebook of exercises, with hints in steps. You write a function, then a
# `check` looks at it. A check does not only say *wrong*: it shows what it gave your function,
# what came back, what was expected, and what you probably did.
#
# Try it. The function below is **wrong on purpose**. Run the cell and read what the check says,
# then mend the function and run it again.
#
# *A chain network has `layers` layers, one after the other, and each can be any one of
# `operations` operations. How many different chains are there?*

# %%
from nas_course.grading import check


def count_chains(layers, operations):
    """How many chains of `layers` layers are there?"""
    return layers * operations


check("00.1", count_chains)

# %% [markdown]
# <details><summary>Hint 1</summary>Write down all chains of two layers with the operations a and
# b.</details>
# <details><summary>Hint 2</summary>One layer more: by which factor does the number
# grow?</details>
#
# The same exercise stands in `exercises/00_start_here.ipynb`. When you have solved some, a terminal
# tells your points: `nas-course grade exercises/00_start_here.ipynb`. Your work never leaves your
# computer.
#
# ## 3. Your first gradient search
#
# Random search trains one network after another and learns one number from each. **DARTS** trains a
# single network, the *supernet*, in which every edge carries **all** operations at once, mixed:
#
# $$\text{edge}(x)=\sum_o \pi_o\,o(x),\qquad \pi=\mathrm{softmax}(\alpha)$$
#
# The *architecture parameters* $\alpha$ say how much of each operation is in the mixture. They are
# plain numbers, so a gradient can move them: a step on *train* for the weights, a step on *valid*
# for $\alpha$, and so on. In the end each edge keeps its strongest operation, and each node its two
# strongest edges. Chapter 08 builds all of this by hand; here we only watch.
#
# We make it tiny: 3 cells, 4 channels, 10 epochs. The step of $\alpha$ is larger than in the paper,
# because 40 steps of the paper's size would hardly move anything.

# %%
from nas_course.strategies.gradient import GradientSettings

settings = GradientSettings(channels=4, cells=3, batch_size=32, alpha_learning_rate=0.05)
operations = space.cells["normal"].operations
print(len(space.cells["normal"].edges), "edges with", len(operations), "operations each:")
print(", ".join(operations))

# %% [markdown]
# **Predict:** take the edge from $c_{k-2}$ to node 0. Which operation will be strongest after ten
# epochs? And will it have *most* of the weight, or just a little more than the others? Enter your
# guess in the view below; it keeps it and shows the gap afterwards.

# %%
from nas_course.widgets import AlphaExplorer

explorer = AlphaExplorer()
explorer

# %% [markdown]
# Now start the search and scroll back up: the curves move while it runs, and you can use the view
# at the same time. Pick another edge, replay the epochs with the play button, press *Derive cell*
# to see the mixture become a cell. All of it works with the keyboard too.

# %%
from nas_course.search import search_gradient

result = search_gradient(
    "darts-1st", images, settings=settings, epochs=10, seed=0, on_history=explorer.watch
)
history = result.history

# %% [markdown]
# ### What it learnt
#
# The supernet as a whole learnt to read digits, on the training part and on the validation part:

# %% nas_course={"tol": {"abs": 8}}
plots.learning_curves(history)

# %% [markdown]
# And these are the mixing weights of one edge. The dotted line is where all began: eight
# operations, 12.5 % each. Was your guess right?

# %% tags=["nbval-ignore-output"]
plots.alpha_curves(history, "normal", (0, 2))

# %% [markdown]
# ### How sure is it?
#
# Entropy says how undecided an edge is: 1 when all operations are equal, 0 when one has
# everything. **Predict:** after this search, is it nearer to 0 or to 1?

# %% nas_course={"tol": {"abs": 0.05}}
from nas_course import mixing

weights = history.weights("normal")[-1]
print(f"mean entropy at the end: {mixing.entropy(weights).mean():.2f}")
decided = (weights.max(axis=1) > 0.5).mean()
print("one operation has most of the weight on at least half of the edges:", decided >= 0.5)

# %% [markdown]
# Nearer to 1: after ten epochs every edge still is a mixture with a favourite. Picking the
# favourite throws most of the mixture away. Remember this when you read that a method *found* an
# architecture; chapter 09 is about what can go wrong here.
#
# ### What is the result?
#
# Not a trained network: a description. Here is its normal cell.

# %% tags=["nbval-ignore-output"]
plots.draw_cell(result.architecture, "normal")

# %% [markdown]
# The weights of the supernet were trained for the mixture, so they are thrown away. The network
# that the description stands for is built and trained from scratch, and *now* the test part is
# used, once.

# %% nas_course={"tol": {"abs": 0.12}}
generator = torch.Generator().manual_seed(0)
network = models.build_network(
    result.architecture, channels=4, cells=3, classes=10, in_channels=1, generator=generator
)
fit(network, images.train, Recipe(epochs=25, batch_size=32), seed=0)

weights = sum(weight.numel() for weight in result.supernet.weights())
print(f"weights of the supernet: {weights:,}")
print(f"test accuracy of the network: {evaluate(network, images.test)['accuracy']:.2f}")

# %% [markdown]
# Is that good? **You cannot know**: one seed, and nothing to compare with. A fair answer needs
# random cells of the same space, a network designed by hand, equal training for all, and several
# seeds. Chapter 08 does exactly that and reports what came out, whatever it says about DARTS.
#
# ## 4. The same from the command line
#
# What a notebook does, a terminal does too, for searches that take hours. The folder keeps the
# history as it grows, so nothing is lost when the machine stops; add `--resume` to go on.
#
# ```
# nas-course search darts-1st --data digits --train-images 128 --valid-images 128 \
#     --channels 4 --cells 3 --batch-size 32 --alpha-learning-rate 0.05 \
#     --epochs 10 --seed 0 --out runs/first
# ```
#
# Then look at it in a notebook, also while it runs: `AlphaExplorer.from_file("../runs/first")`.
# The gradient methods that can be named there (`nas-course methods` lists the others as well):

# %%
from nas_course import methods

for method in methods.GRADIENT:
    print(f"{method.name}: {method.family}, {method.parts['hypergradient']}")

# %% [markdown]
# ## 5. How chapters work, and where to go next
#
# - Every chapter asks you to **predict** before you run. Do it, even silently: a wrong guess is
#   what makes the answer stick.
# - Steps are written **by hand first**, then shown equal to the package (`assert`).
# - Figures carry a sentence that says what they show; views have a still twin for paper and screen
#   readers.
# - Numbers are measured in the notebook, or come from `results/`, where the command that made
#   them is written down.
# - One variable at the top of a chapter makes it larger: more images, Fashion-MNIST, CIFAR-10, a
#   GPU if you have one.
#
# **Next:** `08_darts`, the complete story of what you have just seen.
#
# ## Recap
#
# - NAS = search space + search strategy + performance estimation.
# - Spaces are huge: about $10^9$ DARTS cells. Estimation is what costs, and sharing weights is what
#   made it cheap.
# - The result of a search is a description; the network is trained from scratch afterwards.
# - An accuracy without random search beside it says nothing about the search.
#
# ## References
#
# 1. B. Zoph, Q. V. Le: Neural Architecture Search with Reinforcement Learning. ICLR 2017.
# 2. B. Zoph, V. Vasudevan, J. Shlens, Q. V. Le: Learning Transferable Architectures for Scalable
#    Image Recognition (NASNet). CVPR 2018.
# 3. E. Real, A. Aggarwal, Y. Huang, Q. V. Le: Regularized Evolution for Image Classifier
#    Architecture Search (AmoebaNet). AAAI 2019.
# 4. H. Pham, M. Guan, B. Zoph, Q. Le, J. Dean: Efficient Neural Architecture Search via Parameter
#    Sharing (ENAS). ICML 2018.
# 5. L. Li, A. Talwalkar: Random Search and Reproducibility for Neural Architecture Search.
#    UAI 2019.
# 6. H. Liu, K. Simonyan, Y. Yang: DARTS: Differentiable Architecture Search. ICLR 2019.
# 7. X. Dong, Y. Yang: NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture
#    Search. ICLR 2020.
