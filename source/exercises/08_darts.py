# %% [markdown]
# # 08 DARTS: exercises
#
# Twelve exercises for chapter 08, 52 points, about four hours in all. Do them in any order; those
# with ●●● come back in every later chapter.
#
# | | exercise | difficulty | minutes | points | importance |
# | --- | --- | --- | --- | --- | --- |
# | 08.1 | Space, strategy or estimation? | ●○○○○ | 5 | 3 | ●●○ |
# | 08.2 | Why DARTS is faster than reinforcement learning | ●●○○○ | 15 | 4 | ●●● |
# | 08.3 | How many cells are there? | ●●○○○ | 10 | 3 | ●○○ |
# | 08.4 | The mixed operation | ●●○○○ | 15 | 4 | ●●● |
# | 08.5 | Why two halves of the data? | ●●○○○ | 15 | 4 | ●●● |
# | 08.6 | Second-order DARTS, one iteration | ●●●●○ | 35 | 6 | ●●○ |
# | 08.7 | From mixing weights to a cell | ●●●○○ | 25 | 5 | ●●● |
# | 08.8 | When has the search made up its mind? | ●●●○○ | 25 | 5 | ●●○ |
# | 08.9 | A price for skip connections | ●●●○○ | 20 | 4 | ●●○ |
# | 08.10 | Plan a comparison that can be believed | ●●○○○ | 15 | 5 | ●●● |
# | 08.11 | Better, worse or undecided? | ●●●○○ | 20 | 4 | ●●● |
# | 08.12 | Which operations does the search prefer? | ●●●○○ | 25 | 5 | ●●○ |
#
# **How it works.** Replace each `...` by your answer and run the cell below it. The check goes from
# easy to hard, stops at the first thing that is not right, and says what it gave your code, what
# came back and what it expected. Points of earlier stages stay yours. You may return a list, a
# tuple, an array or a tensor, whatever is handy. Hints open one by one; the last one is the plan
# of the solution. Model answers stand in `solutions/08_darts.ipynb`.

# %%
import math

import numpy as np
import torch

from nas_course import data, plots, search
from nas_course.grading import check
from nas_course.strategies.gradient import GradientSettings
from nas_course.strategies.gradient.small_problems import QuadraticProblem

torch.set_num_threads(1)

# %% [markdown]
# ---
# ## 08.1 Space, strategy or estimation?
#
# *Difficulty ●○○○○ · 5 minutes · 3 points · importance ●●○*
#
# Every method of neural architecture search has three parts: a **search space** (what may be
# built), a **search strategy** (what is tried next) and **performance estimation** (how good it
# is). Papers change one of them and speak of the whole, so it pays to be able to sort. Which part
# does each sentence describe? Answer with the words `"space"`, `"strategy"` or `"estimation"`.
#
# - **a** An edge of the cell carries one of eight operations.
# - **b** Adam moves the architecture parameters along the gradient of the validation loss.
# - **c** Each candidate is trained for five epochs on a quarter of the images.
# - **d** Every node adds exactly two inputs.
# - **e** The best of five randomly drawn cells is mutated.
# - **f** Reduction cells stand at one third and two thirds of the depth.
# - **g** A candidate inherits its weights from one big network that is trained for all.
# - **h** A tenth of a point is subtracted for every million multiplications.
#
# <details><summary>Hint 1: a question to ask</summary>
# Suppose the sentence were changed. Could other networks be built then (space)? Would other
# networks be looked at (strategy)? Or would the same network get another score (estimation)?
# </details>
# <details><summary>Hint 2: the hard ones</summary>
# For g and h, keep everything else fixed and imagine random search. Does the sentence still make
# sense? Then it is not about the strategy.
# </details>

# %% nbgrader={"grade_id": "ex-08-1-answer", "solution": true}
parts = {
    # "space", "strategy" or "estimation"
    "a": (
        ### BEGIN SOLUTION
        "space"
        ### END SOLUTION
    ),
    "b": (
        ### BEGIN SOLUTION
        "strategy"
        ### END SOLUTION
    ),
    "c": (
        ### BEGIN SOLUTION
        "estimation"
        ### END SOLUTION
    ),
    "d": (
        ### BEGIN SOLUTION
        "space"
        ### END SOLUTION
    ),
    "e": (
        ### BEGIN SOLUTION
        "strategy"
        ### END SOLUTION
    ),
    "f": (
        ### BEGIN SOLUTION
        "space"
        ### END SOLUTION
    ),
    "g": (
        ### BEGIN SOLUTION
        "estimation"
        ### END SOLUTION
    ),
    "h": (
        ### BEGIN SOLUTION
        "estimation"
        ### END SOLUTION
    ),
}

# %% nbgrader={"grade_id": "ex-08-1-check", "grade": true, "points": 3}
check("08.1", parts)

# %% [markdown]
# **What to take away.** The three parts can be exchanged one by one, and a fair comparison
# exchanges one at a time. DARTS binds two of them together: its strategy needs the gradient of the
# score with respect to the architecture, which only a supernet with shared weights can give.
#
# ---
# ## 08.2 Why DARTS is faster than reinforcement learning
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●●*
#
# These are search costs on CIFAR-10 as the DARTS paper reports them (Liu, Simonyan and Yang, ICLR
# 2019, Table 1). Its note says that they do not contain the selection of the cell (1 GPU day) and
# the training of the final network (1.5 GPU days). The figures of DARTS are for four runs, of which
# the best cell is taken.
#
# | search | GPU days | how candidates get a score | who decides |
# | --- | --- | --- | --- |
# | NASNet-A | 2000 | each child is trained by itself | RL controller |
# | AmoebaNet | 3150 | each child is trained by itself | evolution |
# | ENAS | 0.5 | all children share one set of weights | RL controller |
# | DARTS, first order | 1.5 | all share one set of weights | gradient |
# | DARTS, second order | 4 | all share one set of weights | gradient |
#
# Two ideas are mixed up when people say "DARTS is fast because it is differentiable": **weight
# sharing** and the **continuous relaxation**. Take them apart, with numbers.
#
# - `search_factor`: how many times more GPU days did NASNet's search take than second-order DARTS?
# - `whole_factor`: the same, when selection and final training are added to DARTS (and nothing to
#   NASNet, whose final training is not in the table)?
# - `sharing_factor`: how many times more GPU days did NASNet's search take than a search that shares
#   weights **without** relaxing?
# - `relaxation_buys`, `sharing_buys`: what does each idea buy *by itself*? A letter for each:
#   - **a** no candidate has to be trained from scratch to get its score
#   - **b** one backward pass says, for every operation on every edge, which way the loss falls
#   - **c** less memory than training one candidate
#   - **d** the final network needs no training
# - `numbers_per_step`: how many numbers does one backward pass deliver for the architecture of a
#   search with 8 cells, 2 kinds of cell, 14 edges per cell and 8 operations?
# - `passes_first_order`, `passes_second_order`: forward-and-backward passes per iteration, the
#   weight step included.
# - `not_a_price`: which of these does DARTS **not** pay?
#   - **a** memory for all operations of all edges
#   - **b** a gap between the mixture that was trained and the cell that is kept
#   - **c** searches that end in cells full of skip connections
#   - **d** candidates ranked by weights that were not trained for them alone
#   - **e** a trained controller network
#
# <details><summary>Hint 1: factors</summary>
# A factor is (cost of the slow one) / (cost of the fast one). Costs of one method add up first.
# </details>
# <details><summary>Hint 2: logits</summary>
# All normal cells share one set of architecture parameters, all reduction cells another.
# </details>
# <details><summary>Hint 3: the passes of second order</summary>
# List them: training gradient for the look-ahead step, validation gradient there, the training
# gradients at both ends of a finite difference, and the weight step.
# </details>

# %% nbgrader={"grade_id": "ex-08-2-answer", "solution": true}
why_fast = {
    # numbers (7 / 2 is as good as 3.5) and letters in quotes
    "search_factor": (
        ### BEGIN SOLUTION
        2000 / 4
        ### END SOLUTION
    ),
    "whole_factor": (
        ### BEGIN SOLUTION
        2000 / (4 + 1 + 1.5)
        ### END SOLUTION
    ),
    "sharing_factor": (
        ### BEGIN SOLUTION
        2000 / 0.5
        ### END SOLUTION
    ),
    "relaxation_buys": (
        ### BEGIN SOLUTION
        "b"
        ### END SOLUTION
    ),
    "sharing_buys": (
        ### BEGIN SOLUTION
        "a"
        ### END SOLUTION
    ),
    "numbers_per_step": (
        ### BEGIN SOLUTION
        2 * 14 * 8
        ### END SOLUTION
    ),
    "passes_first_order": (
        ### BEGIN SOLUTION
        2
        ### END SOLUTION
    ),
    "passes_second_order": (
        ### BEGIN SOLUTION
        5
        ### END SOLUTION
    ),
    "not_a_price": (
        ### BEGIN SOLUTION
        "e"
        ### END SOLUTION
    ),
}

# %% nbgrader={"grade_id": "ex-08-2-check", "grade": true, "points": 4}
check("08.2", why_fast)

# %% [markdown]
# **What to take away.** Most of the factor belongs to weight sharing: ENAS has it without any
# relaxation. What the relaxation adds is the kind of information: a few hundred directions per
# step instead of one reward per child. Always say which costs a factor contains: with selection
# and final training it shrinks by more than a third.
#
# ---
# ## 08.3 How many cells are there?
#
# *Difficulty ●●○○○ · 10 minutes · 3 points · importance ●○○*
#
# Three different numbers are quoted as "the size of the DARTS space". Write a function that returns
# all three for a cell with two input nodes, `nodes` intermediate nodes and `operations` candidate
# operations, `none` among them:
#
# - `"relaxed"`: the supernet's corners. Every edge is there and carries any one of the operations.
# - `"kept"`: derived cells. Each intermediate node keeps two **different** predecessors, in no
#   particular order, and on each of these two edges one operation that is **not** `none`.
# - `"pair"`: pairs of a normal and a reduction cell, both derived.
#
# The first intermediate node has 2 predecessors (the inputs of the cell), the next has 3, and so
# on. Return a dict of three Python ints. They must be exact, so stay away from floats.
#
# <details><summary>Hint 1: edges</summary>
# Node i (counted from 0) has 2 + i predecessors. With 4 nodes that makes 14 edges.
# </details>
# <details><summary>Hint 2: two out of n</summary>
# <code>math.comb(n, 2)</code>. The nodes choose independently of each other.
# </details>
# <details><summary>Hint 3: plan</summary>
# relaxed = operations to the power of the number of edges. kept = (product over the nodes of the
# ways to choose two predecessors) times (operations - 1) to the power of the number of kept edges.
# pair = kept squared.
# </details>


# %% nbgrader={"grade_id": "ex-08-3-answer", "solution": true}
def count_cells(nodes, operations):
    """Return {"relaxed": ..., "kept": ..., "pair": ...}, all int."""
    # Hint: how many predecessors does node i have?
    ### BEGIN SOLUTION
    predecessors = [2 + node for node in range(nodes)]
    choices_of_edges = math.prod(math.comb(count, 2) for count in predecessors)
    kept = choices_of_edges * (operations - 1) ** (2 * nodes)
    return {"relaxed": operations ** sum(predecessors), "kept": kept, "pair": kept**2}
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-08-3-check", "grade": true, "points": 3}
check("08.3", count_cells)

# %% [markdown]
# **What to take away.** For 4 nodes and 8 operations: $8^{14}\approx 4.4\cdot 10^{12}$ corners,
# $180\cdot 7^8\approx 1.04\cdot 10^9$ derived cells, $1.08\cdot 10^{18}$ pairs. All three are right
# answers to different questions; a paper that gives one number should say which. None of them
# counts different *functions*: renaming nodes gives the same cell again.
#
# ---
# ## 08.4 The mixed operation
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●●*
#
# On each edge $e$ the supernet computes all operations and adds them, weighted by a softmax over
# the architecture parameters of that edge:
#
# $$\bar o_e(x)=\sum_{o} \pi_{e,o}\; o(x),\qquad
#   \pi_{e,o}=\frac{\exp \alpha_{e,o}}{\sum_{o'}\exp\alpha_{e,o'}}$$
#
# The outputs of the operations are given. Write the mixing, for all edges at once:
#
# - `alpha`: tensor (edges, operations), the logits;
# - `outputs`: tensor (edges, operations, images, features), what each operation computed;
# - return: (edges, images, features).
#
# <details><summary>Hint 1: the axis</summary>
# The operations of <em>one</em> edge compete with each other. They stand in one row of
# <code>alpha</code>; each row must give weights that sum to 1.
# </details>
# <details><summary>Hint 2: shapes</summary>
# The weights have shape (edges, operations). To multiply them with the outputs they need two more
# axes: <code>weights[:, :, None, None]</code>.
# </details>
# <details><summary>Hint 3: plan</summary>
# Softmax along the last axis, multiply with broadcasting, sum over axis 1. Or one
# <code>torch.einsum</code>. Large logits (1000) must not overflow: <code>torch.softmax</code> takes
# care of that.
# </details>


# %% nbgrader={"grade_id": "ex-08-4-answer", "solution": true}
def mix_operations(alpha, outputs):
    """(edges, operations), (edges, operations, images, features) -> (edges, images, features)."""
    # Hint: which axis holds the operations of one edge?
    ### BEGIN SOLUTION
    weights = torch.softmax(alpha, dim=1)
    return (weights[:, :, None, None] * outputs).sum(dim=1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-08-4-check", "grade": true, "points": 4}
check("08.4", mix_operations)

# %% [markdown]
# **What to take away.** Two limits hold the whole idea together. When one logit of a row is far
# above the others, the mixture *is* that operation: every discrete cell is a corner of the relaxed
# space. And adding a constant to a row changes nothing: only differences within a row mean
# anything, so logits of two edges cannot be compared. Exercise 08.7 needs that.
#
# ---
# ## 08.5 Why two halves of the data?
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●●*
#
# DARTS trains the weights $w$ on one half of the training images and the architecture parameters
# $\alpha$ on the other. Why not both on all of them? First a smaller case of the same question:
# ridge regression on 40 digits. Its coefficients are fitted on the training images for a given
# *strength* of the penalty. Run the next cell and read the table.

# %%
STRENGTHS = (0, 0.1, 1, 10, 100)


def ridge_losses(strength, images):
    """Fit coefficients on the training images; return squared errors on training, validation."""
    x, y = images.train.images.flatten(1).double(), torch.eye(10).double()[images.train.labels]
    penalty = torch.eye(x.shape[1]).double() * strength**0.5
    rows, targets = torch.cat([x, penalty]), torch.cat([y, torch.zeros(x.shape[1], 10).double()])
    coefficients = torch.linalg.lstsq(rows, targets, driver="gelsd").solution
    xv, yv = images.valid.images.flatten(1).double(), torch.eye(10).double()[images.valid.labels]
    return [float(((a @ coefficients - b) ** 2).sum(1).mean()) for a, b in ((x, y), (xv, yv))]


digits = data.load("digits", seed=0, train_images=40, valid_images=300, device="cpu")
print("strength   training loss   validation loss")
for strength in STRENGTHS:
    train_loss, valid_loss = ridge_losses(strength, digits)
    print(f"{strength:8}   {train_loss:13.3f}   {valid_loss:15.3f}")

# %% [markdown]
# And this is what the DARTS paper reports when $\alpha$ and $w$ are both trained on all images
# (section 3.3; test error on CIFAR-10, random cells 3.29 %):
#
# | how | data of $w$ | data of $\alpha$ | test error in % |
# | --- | --- | --- | --- |
# | single level, in turns | all | all | 4.16 |
# | single level, both in one step | all | all | 3.56 |
# | bilevel, first order | first half | second half | 3.00 |
# | bilevel, second order | first half | second half | 2.76 |
#
# Questions:
#
# - `picked_on_train`, `picked_on_valid`: which strength has the smallest training loss, which the
#   smallest validation loss? (a number of the table)
# - `alpha_is_like`: $\alpha$ plays the part of **a** the coefficients, **b** the strength,
#   **c** the images of the ridge example.
# - `images_for_weights`: CIFAR-10 has 50,000 training and 10,000 test images. How many train $w$
#   in a DARTS search? `test_images_in_search`: how many of the test images does the search see?
# - `worse_than_random`: how many of the four rows are worse than random cells? `smallest_gain`: by
#   how many percentage points does the *worse* bilevel row beat the *better* single-level row?
# - `why_skips_win`: in long searches skip connections gain weight. The likeliest reason:
#   **a** they cost no multiplications, **b** they let the gradient through, so losses fall faster
#   with them early in training, **c** they fit the images best.
# - `splitting_prevents_collapse`: do two halves prevent that? (`True` or `False`)
# - `third_part_needed`: is a third part of the data needed to report how good the result is?
#
# <details><summary>Hint 1: levels</summary>
# A number that limits how well one can fit must not be chosen by how well one fits.
# </details>
# <details><summary>Hint 2: skips</summary>
# Write down the loss whose gradient moves alpha. Is the number of multiplications in it?
# </details>
# <details><summary>Hint 3: honest numbers</summary>
# A set that was used to choose something gives an optimistic number for what was chosen.
# </details>

# %% nbgrader={"grade_id": "ex-08-5-answer", "solution": true}
two_halves = {
    # numbers, letters in quotes, True or False
    "picked_on_train": (
        ### BEGIN SOLUTION
        0
        ### END SOLUTION
    ),
    "picked_on_valid": (
        ### BEGIN SOLUTION
        10
        ### END SOLUTION
    ),
    "alpha_is_like": (
        ### BEGIN SOLUTION
        "b"
        ### END SOLUTION
    ),
    "images_for_weights": (
        ### BEGIN SOLUTION
        25_000
        ### END SOLUTION
    ),
    "test_images_in_search": (
        ### BEGIN SOLUTION
        0
        ### END SOLUTION
    ),
    "worse_than_random": (
        ### BEGIN SOLUTION
        2
        ### END SOLUTION
    ),
    "smallest_gain": (
        ### BEGIN SOLUTION
        3.56 - 3.00
        ### END SOLUTION
    ),
    "why_skips_win": (
        ### BEGIN SOLUTION
        "b"
        ### END SOLUTION
    ),
    "splitting_prevents_collapse": (
        ### BEGIN SOLUTION
        False
        ### END SOLUTION
    ),
    "third_part_needed": (
        ### BEGIN SOLUTION
        True
        ### END SOLUTION
    ),
}

# %% nbgrader={"grade_id": "ex-08-5-check", "grade": true, "points": 4}
check("08.5", two_halves)

# %% [markdown]
# **What to take away.** On one set the problem becomes single-level, $\min_{\alpha,w} L_{train}$:
# $\alpha$ is rewarded for fitting, as the strength 0 is. Two halves make $\alpha$ answer for
# generalisation. They are no cure for everything: each half is smaller, $\alpha$ can still overfit
# the validation half (hence the third part), and collapse to skips happens with two halves too.
#
# ---
# ## 08.6 Second-order DARTS, one iteration
#
# *Difficulty ●●●●○ · 35 minutes · 6 points · importance ●●○*
#
# The architecture step asks: how will the validation loss change **after the weights have
# reacted**? DARTS lets them react by one training step of size $\xi$ and differentiates through it:
#
# $$w' = w-\xi\,\nabla_w L_{train}(w,\alpha),\qquad
#   g=\nabla_\alpha L_{valid}(w',\alpha)-\xi\;\nabla^2_{\alpha,w}L_{train}(w,\alpha)\;v,\qquad
#   v=\nabla_{w'}L_{valid}(w',\alpha)$$
#
# The second derivative is never formed; two more gradients are enough:
#
# $$\nabla^2_{\alpha,w}L_{train}\;v\approx
#   \frac{\nabla_\alpha L_{train}(w+\epsilon v,\alpha)-\nabla_\alpha L_{train}(w-\epsilon v,\alpha)}
#   {2\,\epsilon},\qquad \epsilon=\frac{0.01}{\lVert v\rVert_2}$$
#
# Write one iteration: first the architecture step $\alpha\leftarrow\alpha-\eta\,g$ (plain gradient
# descent in place of Adam), then the weight step with the **new** parameters, from the original
# weights: $w\leftarrow w-\xi\,\nabla_w L_{train}(w,\alpha)$. Here $\xi$ is `step_size` and
# $\eta$ is `alpha_rate`.
#
# `problem` stands for a supernet with its two data sets. It has two methods, and each returns two
# arrays, (gradient with respect to the weights, gradient with respect to alpha):
# `problem.train_gradients(weights, alpha)` and `problem.valid_gradients(weights, alpha)`.
# Return three numpy arrays: `gradient` ($g$), the new `alpha`, the new `weights`.
#
# The cell below shows a problem with one weight and one parameter,
# $L_{train}=w^2-3w\alpha$, $L_{valid}=\frac12(w-\alpha-\frac12)^2$. Do one iteration by hand
# from $w=1$, $\alpha=1$ with $\xi=0.1$ before you program: the check asks for it.

# %%
one_weight = QuadraticProblem(hessian=[[2.0]], mixed=[[3.0]], direct=[[1.0]], target=[0.5])
here = np.array([1.0]), np.array([1.0])
print("training gradients:  ", *one_weight.train_gradients(*here))
print("validation gradients:", *one_weight.valid_gradients(*here))

# %% [markdown]
# <details><summary>Hint 1: order of work</summary>
# w', then one call of valid_gradients at w' (it gives both v and the direct term), then two calls
# of train_gradients, then the two updates.
# </details>
# <details><summary>Hint 2: two traps</summary>
# <code>a / 2 * e</code> is <code>(a / 2) * e</code> in Python. And
# <code>weights += epsilon * v</code> changes the array you were given.
# </details>
# <details><summary>Hint 3: the case by hand</summary>
# w' = 1.1, v = -0.4, direct term 0.4; the mixed second derivative is -3, so
# g = 0.4 - 0.1 * (-3) * (-0.4) = 0.28.
# </details>
# <details><summary>Hint 4: plan</summary>
# ahead = weights - step_size * (training gradient along weights); v and direct from
# valid_gradients(ahead, alpha); epsilon; plus and minus = training gradients along alpha at weights
# +- epsilon * v; gradient = direct - step_size * (plus - minus) / (2 * epsilon); new alpha; new
# weights with a fresh training gradient.
# </details>


# %% nbgrader={"grade_id": "ex-08-6-answer", "solution": true}
def darts_iteration(problem, weights, alpha, step_size, alpha_rate):
    """Return gradient, new alpha, new weights."""
    # Hint: work on copies; the weights that you were given are needed until the end.
    ### BEGIN SOLUTION
    ahead = weights - step_size * problem.train_gradients(weights, alpha)[0]
    v, direct = problem.valid_gradients(ahead, alpha)
    epsilon = 0.01 / np.linalg.norm(v)
    plus = problem.train_gradients(weights + epsilon * v, alpha)[1]
    minus = problem.train_gradients(weights - epsilon * v, alpha)[1]
    gradient = direct - step_size * (plus - minus) / (2 * epsilon)
    new_alpha = alpha - alpha_rate * gradient
    new_weights = weights - step_size * problem.train_gradients(weights, new_alpha)[0]
    return gradient, new_alpha, new_weights
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-08-6-check", "grade": true, "points": 6}
check("08.6", darts_iteration)

# %% [markdown]
# **What to take away.** The second term is where the bilevel problem shows: it carries how the
# weights will follow $\alpha$. It costs three more passes. A factor $\epsilon^2$ lost in it went
# unnoticed in two public implementations, because the first term alone also finds cells: test
# gradients against a case that you can do on paper.
#
# ---
# ## 08.7 From mixing weights to a cell
#
# *Difficulty ●●●○○ · 25 minutes · 5 points · importance ●●●*
#
# After the search one cell must be chosen. The rule of the paper (section 2.4):
#
# 1. softmax over **all** operations of each edge, `none` included;
# 2. strength of an edge = its largest weight among the operations **other than** `none`;
# 3. each intermediate node keeps its two strongest incoming edges (two different predecessors);
# 4. a kept edge carries its best operation, **never** `none`.
#
# Input:
#
# - `alpha`: tensor (edges, operations), logits;
# - `edges`: list of (source, target), one for each row of `alpha`. Nodes 0 and 1 are the inputs of
#   the cell, 2, 3, ... the intermediate nodes;
# - `operations`: list of names, one for each column; `none` can stand anywhere.
#
# Return a list with one entry per intermediate node, in order; each entry is a list of two pairs
# `(operation name, predecessor)`, in any order. For example
# `[[("sep_conv_3x3", 0), ("skip_connect", 1)], ...]`.
#
# Derive this cell on paper first; the check begins with it (mixing weights, two nodes):
#
# | edge | skip_connect | sep_conv_3x3 | avg_pool_3x3 | none |
# | --- | --- | --- | --- | --- |
# | 0 → 2 | 0.50 | 0.20 | 0.20 | 0.10 |
# | 1 → 2 | 0.10 | 0.10 | 0.30 | 0.50 |
# | 0 → 3 | 0.10 | 0.50 | 0.25 | 0.15 |
# | 1 → 3 | 0.30 | 0.10 | 0.02 | 0.58 |
# | 2 → 3 | 0.45 | 0.35 | 0.10 | 0.10 |
#
# <details><summary>Hint 1: none</summary>
# <code>none</code> takes part in the softmax (it makes weak edges weak) but not in any maximum.
# </details>
# <details><summary>Hint 2: one node</summary>
# Collect the rows whose target is this node, sort them by strength, keep two.
# </details>
# <details><summary>Hint 3: plan</summary>
# weights = softmax; selectable = the columns whose name is not none; best value and best position
# among weights[:, selectable]; translate the position back with selectable[position]; then loop
# over the nodes.
# </details>


# %% nbgrader={"grade_id": "ex-08-7-answer", "solution": true}
def derive_cell(alpha, edges, operations):
    """Return [[(operation, predecessor), (operation, predecessor)], ...], one entry per node."""
    # Hint: first the best operation and the strength of every edge, then the choice per node.
    ### BEGIN SOLUTION
    weights = torch.softmax(alpha, dim=1)
    selectable = [i for i, name in enumerate(operations) if name != "none"]
    strengths, positions = weights[:, selectable].max(dim=1)
    cell = []
    for node in sorted({target for _, target in edges}):
        rows = [row for row, (_, target) in enumerate(edges) if target == node]
        kept = sorted(rows, key=lambda row: float(strengths[row]), reverse=True)[:2]
        cell.append([(operations[selectable[positions[row]]], edges[row][0]) for row in kept])
    return cell
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-08-7-check", "grade": true, "points": 5}
check("08.7", derive_cell)

# %% [markdown]
# **What to take away.** The rule throws away most of what was trained: 6 of 14 edges, and 7 of 8
# operations on the others. If the kept weight was 0.16 and the next 0.15, the choice was close to
# a coin toss: look at the margin before you interpret a cell.
#
# ---
# ## 08.8 When has the search made up its mind?
#
# *Difficulty ●●●○○ · 25 minutes · 5 points · importance ●●○*
#
# "The weights stabilise after 20 to 30 epochs" is easily said. Define it, then measure it.
# You are given the mixing weights of one cell over a search: `weights`, tensor (epochs, edges,
# operations), already softmaxed, row 0 before the first step. Return a dict:
#
# - `"entropy"`: array (epochs, edges), $H=-\sum_o \pi_o\log\pi_o\,/\log K$ with $K$ operations. It
#   is 1 for even weights and 0 when one operation has all; $0\log 0$ counts as 0.
# - `"changes"`: array (epochs - 1,), entry $t$ = number of edges whose strongest operation differs
#   between epochs $t$ and $t+1$.
# - `"stable_from"`: list with one entry per edge: the first epoch $t$ such that
#   (1) the strongest operation of epoch $t$ stays the strongest **to the end** of the run, and
#   (2) in each of the **five steps** $t\to t+1,\dots,t+4\to t+5$ the entropy changes by at most 1 %
#   of its value before the step. All five steps must have been recorded.
#   `None` if there is no such epoch: not stable.
#
# <details><summary>Hint 1: entropy</summary>
# Sum over the last axis. For zeros: <code>torch.special.entr(p)</code> is -p log p and knows the
# limit; so does <code>torch.xlogy(p, p)</code>.
# </details>
# <details><summary>Hint 2: condition 2</summary>
# Five steps need six epochs, so the last candidate is epoch T - 6 of T epochs. The change is
# absolute (it may fall or rise) and relative to H before the step.
# </details>
# <details><summary>Hint 3: plan</summary>
# winners = argmax over operations. changes = (winners[1:] != winners[:-1]) summed over edges. For
# each edge loop over t; test winners[t:] == winners[t] and the five differences; append the first t
# that passes both, or None.
# </details>


# %% nbgrader={"grade_id": "ex-08-8-answer", "solution": true}
def track_edges(weights):
    """Return {"entropy": ..., "changes": ..., "stable_from": ...}."""
    # Hint: a small function for one edge makes the loop easy to read.
    ### BEGIN SOLUTION
    winners = weights.argmax(dim=2)
    entropy = torch.special.entr(weights).sum(dim=2) / math.log(weights.shape[2])
    calm = (entropy[1:] - entropy[:-1]).abs() <= 0.01 * entropy[:-1]

    def first_stable_epoch(edge):
        for epoch in range(len(weights) - 5):
            same = (winners[epoch:, edge] == winners[epoch, edge]).all()
            if same and calm[epoch : epoch + 5, edge].all():
                return epoch
        return None

    return {
        "entropy": entropy,
        "changes": (winners[1:] != winners[:-1]).sum(dim=1),
        "stable_from": [first_stable_epoch(edge) for edge in range(weights.shape[1])],
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-08-8-check", "grade": true, "points": 5}
check("08.8", track_edges)

# %% [markdown]
# **What to take away.** "The largest weight passed 0.6" is not stability: an edge may pass it and
# go on, or be calm at 0.2. And stable does not mean decided: an entropy that stays at 0.99 is
# stable, and its winner is arbitrary. Report entropy and margin together, and "not stable" when
# that is what you see.
#
# ---
# ## 08.9 A price for skip connections
#
# *Difficulty ●●●○○ · 20 minutes · 4 points · importance ●●○*
#
# A search that drifts towards skip connections can be charged for them. Add to the validation loss
#
# $$R(\alpha)=\rho\sum_{e}\pi_{e,\text{skip}},\qquad \pi_e=\mathrm{softmax}(\alpha_e)$$
#
# in the architecture step only. Return two things: the penalty, one number, and its gradient with
# respect to the logits, of the shape of `alpha`. By the chain rule through the softmax
#
# $$\frac{\partial R}{\partial\alpha_{e,k}}=\rho\;\pi_{e,\text{skip}}\,
#   (\delta_{k,\text{skip}}-\pi_{e,k}).$$
#
# Derive that line on paper before you use it. `alpha`: tensor (edges, operations), the edges of
# both kinds of cell one below the other; `skip`: column of `skip_connect`; `strength`: $\rho$.
#
# <details><summary>Hint 1: a number to compare with</summary>
# 28 edges with even weights over 5 operations: the sum is 28 / 5 = 5.6.
# </details>
# <details><summary>Hint 2: what the gradient must look like</summary>
# Each row sums to 0 (adding a constant to a row changes nothing), the skip column is not negative,
# and rows that are decided have almost no gradient.
# </details>
# <details><summary>Hint 3: two ways</summary>
# The formula, or <code>torch.autograd.grad</code> of the penalty with respect to a copy of alpha
# that requires a gradient.
# </details>


# %% nbgrader={"grade_id": "ex-08-9-answer", "solution": true}
def skip_penalty(alpha, skip, strength):
    """Return penalty (a number) and gradient (edges, operations)."""
    # Hint: the mixing weights come first.
    ### BEGIN SOLUTION
    weights = torch.softmax(alpha, dim=1)
    chosen = weights[:, skip]
    gradient = -chosen[:, None] * weights
    gradient[:, skip] += chosen
    return strength * chosen.sum(), strength * gradient
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-08-9-check", "grade": true, "points": 4}
check("08.9", skip_penalty)

# %% [markdown]
# **What to take away.** The size of the penalty says little; its gradient decides. It is largest
# where the skip weight is near one half and fades on edges that are already decided, so the
# penalty comes too late for a search that has collapsed.
#
# ---
# ## 08.10 Plan a comparison that can be believed
#
# *Difficulty ●●○○○ · 15 minutes · 5 points · importance ●●●*
#
# Does the penalty help? A lesson on the web "showed" it with the two searches below, one run each,
# and compared the number of parameters. Between them **three** settings differ, so nobody can say
# which one made the difference.

# %%
lesson_baseline = {
    "epochs": 50,
    "weight_learning_rate": 0.025,
    "minimum_learning_rate": 0.001,
    "alpha_learning_rate": 0.0003,
    "alpha_weight_decay": 0.001,
    "skip_strength": 0.0,
}
lesson_regularised = {
    "epochs": 50,
    "weight_learning_rate": 0.025,
    "minimum_learning_rate": 0.0,
    "alpha_learning_rate": 0.0003,
    "alpha_weight_decay": 0.0,
    "skip_strength": 0.1,
}
retraining_recipe = {"epochs": 100, "learning_rate": 0.025, "weight_decay": 0.0003, "cutout": 16}
for name in lesson_baseline:
    print(f"{name:24}{lesson_baseline[name]:8}{lesson_regularised[name]:8}")

# %% [markdown]
# Write a plan in which the penalty is the only thing that can explain a difference:
#
# - `baseline`, `regularised`: settings with the six fields above. The baseline has no penalty, and
#   the two differ in **exactly one** field.
# - `seeds`: the list of seeds. Every group uses all of them.
# - `retraining`: a dict with the recipe for `"baseline"`, `"regularised"` and `"random"`: how the
#   derived cells (and random cells) are trained from scratch.
# - `random_cells`: which random cells are trained as a control?
#   - **a** none, the baseline is control enough
#   - **b** any random cells of the space
#   - **c** random cells with as many skip connections as the regularised search's cell of that seed
#   - **d** random cells without skip connections
# - `outcome`: what is compared at the end?
#   - **a** validation accuracy of the supernet
#   - **b** number of skip connections in the derived cell
#   - **c** test accuracy of the retrained cell after its last epoch
#   - **d** number of parameters of the derived cell
#   - **e** best test accuracy over all epochs of retraining
#
# <details><summary>Hint 1: one field</summary>
# <code>{**lesson_baseline, "skip_strength": 0.1}</code> copies a dict and changes one field.
# </details>
# <details><summary>Hint 2: seeds</summary>
# How many runs do you need to see how much runs scatter?
# </details>
# <details><summary>Hint 3: the control</summary>
# A penalty surely lowers the number of skips. If the cells get better, was it the search, or would
# any cell with so few skips have been better?
# </details>

# %% nbgrader={"grade_id": "ex-08-10-answer", "solution": true}
plan = {
    "baseline": (
        ### BEGIN SOLUTION
        lesson_baseline
        ### END SOLUTION
    ),
    "regularised": (
        ### BEGIN SOLUTION
        {**lesson_baseline, "skip_strength": 0.1}
        ### END SOLUTION
    ),
    "seeds": (
        ### BEGIN SOLUTION
        [0, 1, 2, 3, 4]
        ### END SOLUTION
    ),
    "retraining": (
        ### BEGIN SOLUTION
        {group: retraining_recipe for group in ("baseline", "regularised", "random")}
        ### END SOLUTION
    ),
    "random_cells": (
        ### BEGIN SOLUTION
        "c"
        ### END SOLUTION
    ),
    "outcome": (
        ### BEGIN SOLUTION
        "c"
        ### END SOLUTION
    ),
}

# %% nbgrader={"grade_id": "ex-08-10-check", "grade": true, "points": 5}
check("08.10", plan)

# %% [markdown]
# **What to take away.** Weight decay on $\alpha$ pulls logits together just as a penalty does, and
# a schedule that ends at 0 freezes the weights: either alone could have produced the lesson's
# picture. The random control asks the question that most papers leave open: did the search find
# something, or does the space contain it everywhere?
#
# ---
# ## 08.11 Better, worse or undecided?
#
# *Difficulty ●●●○○ · 20 minutes · 4 points · importance ●●●*
#
# The plan has run, and there is a table: `rows`, a list of dicts, one per retrained cell,
#
# `{"setting": "baseline", "seed": 3, "accuracy": 0.8731, "search_accuracy": 0.8012}`
#
# with `accuracy` = test accuracy after retraining and `search_accuracy` = validation accuracy of
# the supernet. Rows stand in any order; a run may be missing. Write a function that compares
# setting `second` with setting `first` and lets the data speak:
#
# - `"seeds"`: number $n$ of seeds that **both** settings have; only these count;
# - `"difference"`: mean over these seeds of accuracy(second) - accuracy(first);
# - `"low"`, `"high"`: 95 % interval of that mean, difference $\pm\; t_{n-1}\, s/\sqrt n$, with $s$
#   the standard deviation of the differences (divided by $n-1$) and $t_{n-1}$ = `t_values[n - 1]`;
# - `"verdict"`: `"better"` if the whole interval lies above 0, `"worse"` if it lies below,
#   otherwise `"undecided"`.
#
# <details><summary>Hint 1: pairs</summary>
# For each setting a dict from seed to accuracy; then the seeds that are keys of both.
# </details>
# <details><summary>Hint 2: why pairs</summary>
# The same seed means the same split and order of images for both. What makes a seed easy makes it
# easy for both, and cancels in the difference.
# </details>
# <details><summary>Hint 3: plan</summary>
# differences = second - first for the shared seeds; mean; <code>std(ddof=1)</code>; half width =
# t_values[n - 1] * std / sqrt(n); compare low and high with 0.
# </details>

# %%
T_VALUES = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365}  # by n - 1


# %% nbgrader={"grade_id": "ex-08-11-answer", "solution": true}
def compare_settings(rows, first, second, t_values):
    """Return {"seeds": ..., "difference": ..., "low": ..., "high": ..., "verdict": ...}."""
    # Hint: pair by seed, not by position.
    ### BEGIN SOLUTION
    accuracy = {(row["setting"], row["seed"]): row["accuracy"] for row in rows}
    seeds = [seed for name, seed in accuracy if name == first and (second, seed) in accuracy]
    differences = np.array([accuracy[second, seed] - accuracy[first, seed] for seed in seeds])
    error = differences.std(ddof=1) / math.sqrt(len(seeds))
    low = differences.mean() - t_values[len(seeds) - 1] * error
    high = differences.mean() + t_values[len(seeds) - 1] * error
    verdict = "better" if low > 0 else "worse" if high < 0 else "undecided"
    return {
        "seeds": len(seeds),
        "difference": differences.mean(),
        "low": low,
        "high": high,
        "verdict": verdict,
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-08-11-check", "grade": true, "points": 4}
check("08.11", compare_settings)

# %% [markdown]
# **What to take away.** With three seeds the interval is 4.3 standard errors wide on each side, so
# small differences read "undecided". That is a result too: it tells you how many more seeds the
# question costs.
#
# ---
# ## 08.12 Which operations does the search prefer?
#
# *Difficulty ●●●○○ · 25 minutes · 5 points · importance ●●○*
#
# "DARTS prefers separable convolutions" should be a sentence that the data write, not the author.
# You have the architecture parameters of several search runs and know which edges the derived
# cells keep. Count, and compare with chance:
#
# - `alphas`: tensor (runs, edges, operations), logits at the end of each run;
# - `kept`: boolean tensor (runs, edges), `True` for the edges of the derived cell (8 of 14 for a
#   DARTS cell);
# - `operations`: list of names, `none` among them.
#
# Return a dict:
#
# - `"counts"`: dict from each operation but `none` to the number of kept edges, over all runs, that
#   carry it (the best operation of the edge other than `none`);
# - `"expected"`: the count that each operation would have on average if all were equally likely;
# - `"low"`, `"high"`: the range that chance gives. With $n$ kept edges in all and chance $p$ per
#   operation, the smallest counts $k$ with $P(X\le k)\ge 0.025$ and $P(X\le k)\ge 0.975$ for a
#   binomial $X$;
# - `"verdicts"`: dict from each operation to `"more"` (count above `high`), `"less"` (below `low`)
#   or `"chance"`.
#
# <details><summary>Hint 1: kept edges</summary>
# <code>alphas[kept]</code> has one row per kept edge, over all runs.
# </details>
# <details><summary>Hint 2: chance</summary>
# An edge carries one of (operations - 1): none is never chosen.
# </details>
# <details><summary>Hint 3: binomial</summary>
# P(X = k) = comb(n, k) p^k (1-p)^(n-k). Add them up from k = 0 and note where the sum first reaches
# 0.025 and 0.975.
# </details>
# <details><summary>Hint 4: plan</summary>
# rows = alphas[kept] without the column of none; argmax per row; count; cumulative sum of the
# binomial; first index that reaches each bound; compare.
# </details>


# %% nbgrader={"grade_id": "ex-08-12-answer", "solution": true}
def operation_frequency(alphas, kept, operations):
    """Return {"counts": ..., "expected": ..., "low": ..., "high": ..., "verdicts": ...}."""
    # Hint: select the kept edges first.
    ### BEGIN SOLUTION
    names = [name for name in operations if name != "none"]
    columns = [operations.index(name) for name in names]
    winners = alphas[kept][:, columns].argmax(dim=1).tolist()
    counts = {name: winners.count(position) for position, name in enumerate(names)}
    n, p = len(winners), 1 / len(names)
    likely = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    cumulative = np.cumsum(likely)
    low, high = (int((cumulative < bound).sum()) for bound in (0.025, 0.975))
    verdicts = {
        name: "more" if count > high else "less" if count < low else "chance"
        for name, count in counts.items()
    }
    return {"counts": counts, "expected": n * p, "low": low, "high": high, "verdicts": verdicts}
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-08-12-check", "grade": true, "points": 5}
check("08.12", operation_frequency)

# %% [markdown]
# **What to take away.** Seven operations are seven looks: with the 40 kept edges of five runs and
# no preference at all, 23 % of such tables show some operation outside its 95 % range. And frequent
# is not important: to know what an operation does, take it out and measure.
#
# ---
# ## Experiment: your functions on a real search (not graded)
#
# Run a small search on digits: 8 steps, 3 cells, 4 channels, some ten seconds. `history.alphas`
# and `history.weights` give arrays (epochs, 14, 8) for `"normal"` and `"reduce"`; the lists of
# edges and operations stand in `history.header["cells"]`. Then use what you wrote:
#
# 1. How many edges are stable after 8 steps (08.8)? What is their entropy? Are they *decided*?
# 2. Which cell would be derived (08.7)? By what margin did its operations win?
# 3. Open question, no model answer: add `skip_penalty` to the architecture step of
#    `nas_course.strategies.gradient` and carry out your plan from 08.10.


# %% tags=["nbval-ignore-output"] nbgrader={"grade_id": "ex-08-experiment", "solution": true}
def small_search(seed):
    """Search for 8 steps on digits and return the history."""
    images = data.load("digits", seed=seed, train_images=48, valid_images=48, device="cpu")
    settings = GradientSettings(channels=4, cells=3, batch_size=48, alpha_learning_rate=0.1)
    result = search.search_gradient(
        "darts-1st", images, settings=settings, epochs=8, seed=seed, progress=False
    )
    return result.history


# Your experiment: history = small_search(seed=0), then your own functions.
### BEGIN SOLUTION
history = small_search(seed=0)
template = history.header["cells"]["normal"]
tracks = track_edges(torch.tensor(history.weights("normal")))
stable = sum(epoch is not None for epoch in tracks["stable_from"])
print(f"stable edges: {stable} of 14; mean entropy at the end: {tracks['entropy'][-1].mean():.2f}")
cell = derive_cell(
    torch.tensor(history.alphas("normal")[-1]), template["edges"], template["operations"]
)
for node, pairs in enumerate(cell, start=2):
    print(f"node {node}: " + ", ".join(f"{name} from {source}" for name, source in pairs))
plots.weight_bars(history, "normal")  # how close was the choice?
### END SOLUTION
