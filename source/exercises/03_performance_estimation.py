# %% [markdown]
# # 03 Performance estimation: exercises
#
# Five exercises for chapter 03, 23 points, about an hour and three quarters in all. They get harder
# from the first to the last; those with ●●● come back in every later chapter.
#
# | | exercise | difficulty | minutes | points | importance |
# | --- | --- | --- | --- | --- | --- |
# | 03.1 | What a proxy saves | ●●○○○ | 15 | 4 | ●●● |
# | 03.2 | Kendall's tau, with ties | ●●○○○ | 20 | 4 | ●●● |
# | 03.3 | Successive halving | ●●●○○ | 25 | 5 | ●●● |
# | 03.4 | The median stopping rule | ●●●○○ | 25 | 5 | ●●○ |
# | 03.5 | Three faults in a funnel | ●●●●○ | 20 | 5 | ●●● |
#
# **How it works.** Replace each `...` by your answer and run the cell below it. The check goes from
# easy to hard, stops at the first thing that is not right, and says what it gave your code, what
# came back and what it expected. Points of earlier stages stay yours. You may return lists, tuples
# or arrays, whatever is handy. Hints open one by one; the last one is the plan of the solution.
# Model answers stand in `solutions/03_performance_estimation.ipynb`.

# %%
import itertools
import math

import numpy as np

from nas_course.grading import check

# %% [markdown]
# ---
# ## 03.1 What a proxy saves
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●●*
#
# A dense convolution with a $k\times k$ kernel, $C_{\text{in}}$ input and $C_{\text{out}}$ output
# channels, whose output is $H\times W$, needs
#
# $$k^2\;C_{\text{in}}\;C_{\text{out}}\;H\;W$$
#
# multiply-adds for one image (He and Sun, *Convolutional Neural Networks at Constrained Time Cost*,
# CVPR 2015, section 2). A depthwise convolution filters each channel by itself and needs
# $k^2\,C\,H\,W$. Take the cost of a training to be epochs × images × multiply-adds for one image.
#
# The full training: 64 channels, images of 32 × 32, 50,000 images, 200 epochs. By what **factor**
# does it get cheaper? Write how many times cheaper: 2 for half the cost, 1 if nothing changes.
# Unless said otherwise all convolutions are dense, from 64 channels to 64.
#
# - `channels`: a quarter of the channels, 16, in every convolution;
# - `depthwise`: the same, if all convolutions were depthwise;
# - `first_layer`: the same, for the first convolution alone, which reads the 3 colours of the
#   image;
# - `side`: images of 16 × 16; everything inside shrinks along;
# - `images`: a tenth of the images, still 200 epochs;
# - `same_steps`: a tenth of the images, but so many epochs that the number of gradient steps stays
#   what it was (the batch is as large as before);
# - `epochs`: 25 epochs instead of 200.
#
# And together:
#
# - `combined`: `channels`, `side`, `images` and `epochs` at once;
# - `whole_network`: 90 % of the multiply-adds are dense convolutions, the other 10 % the first
#   convolution on 3 colours. A quarter of the channels makes the whole how many times cheaper?
# - `parameters`: by what factor do images of 16 × 16 reduce the number of **weights** of a
#   convolution?
# - `choice`: proxy A is 5,000 times cheaper than the full training, and Kendall's tau between its
#   ranking and the full one is 0.1. Proxy B is 10 times cheaper, and tau is 0.7. What follows?
#   - **a** A is better: for the same money one can look at 500 times as many
#   - **b** B is better: its tau is higher
#   - **c** not enough to decide: what counts is how good the network is that a funnel ends with at
#     equal total cost, so above all how each proxy ranks the *best* networks
#   - **d** both are useless, since tau is below 1
#
# <details><summary>Hint 1: twice</summary>
# In how many places of the formula do the channels stand? And the side of the image?
# </details>
# <details><summary>Hint 2: the whole network</summary>
# Factors of parts cannot be averaged. Add up what each part still costs: 0.9 divided by one factor,
# 0.1 divided by another.
# </details>
# <details><summary>Hint 3: plan</summary>
# Write the cost before and after for each line and divide. Independent savings multiply.
# </details>

# %% nbgrader={"grade_id": "ex-03-1-answer", "solution": true}
savings = {
    # one at a time
    "channels": (
        ### BEGIN SOLUTION
        4 * 4
        ### END SOLUTION
    ),
    "depthwise": (
        ### BEGIN SOLUTION
        4
        ### END SOLUTION
    ),
    "first_layer": (
        ### BEGIN SOLUTION
        4
        ### END SOLUTION
    ),
    "side": (
        ### BEGIN SOLUTION
        4
        ### END SOLUTION
    ),
    "images": (
        ### BEGIN SOLUTION
        10
        ### END SOLUTION
    ),
    "same_steps": (
        ### BEGIN SOLUTION
        1
        ### END SOLUTION
    ),
    "epochs": (
        ### BEGIN SOLUTION
        200 / 25
        ### END SOLUTION
    ),
    # together
    "combined": (
        ### BEGIN SOLUTION
        16 * 4 * 10 * 8
        ### END SOLUTION
    ),
    "whole_network": (
        ### BEGIN SOLUTION
        1 / (0.9 / 16 + 0.1 / 4)
        ### END SOLUTION
    ),
    "parameters": (
        ### BEGIN SOLUTION
        1
        ### END SOLUTION
    ),
    # a letter
    "choice": (
        ### BEGIN SOLUTION
        "c"
        ### END SOLUTION
    ),
}

# %% nbgrader={"grade_id": "ex-03-1-check", "grade": true, "points": 4}
check("03.1", savings)

# %% [markdown]
# **What to take away.** A quarter of the channels saves a factor of 16 where convolutions are dense
# and 4 where they are depthwise; a lesson's table says "4 to 8" for all of them. These are
# multiply-adds: what a clock shows is less, because small arrays leave a processor idle. And how
# much is saved says nothing yet about how well the proxy ranks.
#
# ---
# ## 03.2 Kendall's tau, with ties
#
# *Difficulty ●●○○○ · 20 minutes · 4 points · importance ●●●*
#
# Does a cheap score rank the networks as the full one does? Kendall's tau asks it of every pair. A
# pair is **concordant** if both lists put the same one first, **discordant** if they put different
# ones first; if either list holds a tie there, it is neither. With $C$ concordant and $D$
# discordant pairs among the $n_0=n(n-1)/2$ pairs, of which $n_1$ are tied in the first list and
# $n_2$ in the second (a pair tied in both counts in both),
#
# $$\tau_b=\frac{C-D}{\sqrt{(n_0-n_1)\,(n_0-n_2)}}$$
#
# (Kendall, *The Treatment of Ties in Ranking Problems*, Biometrika 1945). `estimated` and `true`
# are lists of scores of the same networks, at least two. Return a dict with `"concordant"`,
# `"discordant"`, `"tied_estimated"`, `"tied_true"` (numbers of **pairs**, each pair counted once)
# and `"tau"`. If one of the lists is constant, nothing is ranked, and tau is `math.nan`.
#
# <details><summary>Hint 1: every pair once</summary>
# <code>itertools.combinations(range(n), 2)</code> gives every pair of positions once.
# </details>
# <details><summary>Hint 2: one product</summary>
# The two differences of a pair have the same sign exactly if their product is positive. What is the
# product if there is a tie?
# </details>
# <details><summary>Hint 3: plan</summary>
# For each pair: both differences; count a tie for each that is zero; count concordant if the
# product is above zero, discordant if below. Then the formula, unless a factor under the root is 0.
# </details>


# %% nbgrader={"grade_id": "ex-03-2-answer", "solution": true}
def kendall_tau_b(estimated, true):
    """Return the four counts of pairs and tau."""
    # Hint: a pair tied in both lists is counted in both.
    ### BEGIN SOLUTION
    concordant = discordant = tied_estimated = tied_true = 0
    pairs = list(itertools.combinations(range(len(true)), 2))
    for i, j in pairs:
        first, second = estimated[i] - estimated[j], true[i] - true[j]
        tied_estimated += first == 0
        tied_true += second == 0
        concordant += first * second > 0
        discordant += first * second < 0
    ranked = (len(pairs) - tied_estimated) * (len(pairs) - tied_true)
    return {
        "concordant": concordant,
        "discordant": discordant,
        "tied_estimated": tied_estimated,
        "tied_true": tied_true,
        "tau": (concordant - discordant) / math.sqrt(ranked) if ranked else math.nan,
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-03-2-check", "grade": true, "points": 4}
check("03.2", kendall_tau_b)

# %% [markdown]
# **What to take away.** Accuracies on a few hundred images have few different values, so ties are
# common. Counted as agreement they flatter a proxy; a proxy that says the same of all networks
# would look perfect.
#
# ---
# ## 03.3 Successive halving
#
# *Difficulty ●●●○○ · 25 minutes · 5 points · importance ●●●*
#
# Train all networks a little, keep the best, train those longer, and so on (Jamieson and Talwalkar,
# *Non-stochastic Best Arm Identification and Hyperparameter Optimization*, AISTATS 2016; with a
# largest budget: Li et al., *Hyperband*, JMLR 2018).
#
# `curves` is an array (networks, epochs): the validation accuracy of each network after 1, 2, ...,
# $R$ epochs of training, the larger the better. You know the whole curves; a search knows a curve
# only as far as it has trained. `eta` is a whole number from 2 on, `rungs` the number of stages.
# With $n$ networks, rung $i=0,1,\dots,\texttt{rungs}-1$ has
#
# - a budget of $r_i=R\,/\,\eta^{\,\texttt{rungs}-1-i}$ epochs, so the last one is $R$ (always whole
#   here);
# - $n_i=\lfloor n/\eta^i\rfloor$ places, at least 1.
#
# All networks are on rung 0. On each rung a network is judged by its accuracy after exactly $r_i$
# epochs, and the best $n_{i+1}$ go on. Of equal accuracies the network with the smaller number goes
# on. `nan` is a run that diverged: it never goes on, even if places stay empty. Return a dict:
#
# - `"epochs"`: the budgets $r_0, r_1, \dots$ of all rungs;
# - `"networks"`: a list for each rung, with the numbers (rows of `curves`) of the networks on it,
#   in any order; an empty list if nobody got there;
# - `"continued"`: how many epochs were trained in all, if a network that goes on continues from
#   where it stopped;
# - `"from_scratch"`: the same, if it is trained anew on each rung;
# - `"winner"`: the best network of the last rung, -1 if there is none that is not `nan`.
#
# A run that diverged has used its rung's epochs like any other.
#
# <details><summary>Hint 1: which column</summary>
# The accuracy after r epochs stands in column r - 1.
# </details>
# <details><summary>Hint 2: an order without surprises</summary>
# Leave out what is not finite, then <code>sorted(..., key=lambda k: (-score[k], k))</code>: of
# equal scores the smaller number comes first.
# </details>
# <details><summary>Hint 3: plan</summary>
# running = all numbers; before = 0. For each rung: its budget; note running; add
# len(running) · (budget - before) to continued and len(running) · budget to from_scratch; rank the
# finite ones of running by column budget - 1; running = the first max(1, n // eta**(rung + 1)) of
# them; before = budget. The winner is the first of the last ranking, if there is one.
# </details>


# %% nbgrader={"grade_id": "ex-03-3-answer", "solution": true}
def successive_halving(curves, eta, rungs):
    """Return {"epochs", "networks", "continued", "from_scratch", "winner"}."""
    # Hint: a loop over the rungs, with the networks that are still running.
    ### BEGIN SOLUTION
    count, longest = curves.shape
    epochs = [longest // eta ** (rungs - 1 - rung) for rung in range(rungs)]
    running, networks = list(range(count)), []
    continued = from_scratch = before = 0
    for rung, budget in enumerate(epochs):
        networks.append(running)
        continued += len(running) * (budget - before)
        from_scratch += len(running) * budget
        before = budget
        score = curves[:, budget - 1]
        finite = [k for k in running if not np.isnan(score[k])]
        ranked = sorted(finite, key=lambda k: (-score[k], k))
        running = ranked[: max(1, count // eta ** (rung + 1))]
    return {
        "epochs": epochs,
        "networks": networks,
        "continued": continued,
        "from_scratch": from_scratch,
        "winner": ranked[0] if ranked else -1,
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-03-3-check", "grade": true, "points": 5}
check("03.3", successive_halving)

# %% [markdown]
# **What to take away.** With whole divisions each rung costs about the same, $n\,r_0$ epochs, if it
# is trained from scratch; continuing saves a part of that. The method can only be as good as the
# short trainings rank: a network that learns slowly at first is gone before it gets good.
#
# ---
# ## 03.4 The median stopping rule
#
# *Difficulty ●●●○○ · 25 minutes · 5 points · importance ●●○*
#
# Networks are trained one after the other, each for at most $R$ epochs. The rule of Golovin et al.
# (*Google Vizier: A Service for Black-Box Optimization*, KDD 2017, section 3.2.2) gives a training
# up after epoch $t$ if its best value so far is below the median of the **completed** trainings'
# running averages:
#
# $$\max(y_1,\dots,y_t)\;<\;\operatorname{median}_{c\ \text{completed}}\;
#   \frac{c_1+\dots+c_t}{t}$$
#
# - `curves` is an array (networks, $R$) of validation accuracies after each epoch, in the order in
#   which the networks are trained. Of a training that was stopped, nothing after the stop is known,
#   and it is not completed.
# - In its first `warmup` epochs (1 or more) no training is stopped.
# - As long as fewer than `needed` trainings (1 or more) have been completed, none is stopped.
# - After epoch $R$ the training is over: it is completed, however bad it was.
#
# Return for each network the number of epochs that it was trained.
#
# <details><summary>Hint 1: running averages</summary>
# <code>np.cumsum(curves, axis=1) / np.arange(1, R + 1)</code> has the average of the first t values
# in column t - 1.
# </details>
# <details><summary>Hint 2: who is remembered</summary>
# Keep a list of completed curves. A curve joins it only if it reached R.
# </details>
# <details><summary>Hint 3: plan</summary>
# For each curve: epochs = R. If enough are completed: the median over them of their running
# averages, for every epoch; for t from warmup + 1 to R - 1: if the largest of the first t values is
# below the median of epoch t, epochs = t, and leave the loop. If epochs is R, remember the curve.
# Append epochs.
# </details>


# %% nbgrader={"grade_id": "ex-03-4-answer", "solution": true}
def median_stopping(curves, warmup, needed):
    """Return for each network how many epochs it was trained."""
    # Hint: what does the rule know when network k begins?
    ### BEGIN SOLUTION
    longest = curves.shape[1]
    completed, trained = [], []
    for curve in curves:
        epochs = longest
        if len(completed) >= needed:
            averages = np.cumsum(completed, axis=1) / np.arange(1, longest + 1)
            median = np.median(averages, axis=0)
            for t in range(warmup + 1, longest):
                if max(curve[:t]) < median[t - 1]:
                    epochs = t
                    break
        if epochs == longest:
            completed.append(curve)
        trained.append(epochs)
    return trained
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-03-4-check", "grade": true, "points": 5}
check("03.4", median_stopping)

# %% [markdown]
# **What to take away.** A curve that rises lies above its own running average, so the rule is mild:
# it ends what does not learn. It looks at measured values only. A lesson's code stopped trainings
# by `random() < 0.5`, its five "finalists" included.
#
# ---
# ## 03.5 Three faults in a funnel
#
# *Difficulty ●●●●○ · 20 minutes · 5 points · importance ●●●*
#
# A funnel of two stages: many cells are trained a little, the best of them in full. The function
# below looks right, and three things in it are wrong. What it should do:
#
# - `measure(cell, epochs, part)` gives the accuracy of the cell after 1, 5 or 50 epochs of
#   training, measured on `part`, which is `"valid"` or `"test"`.
# - **First stage.** Every cell of the list `cells` is trained for 5 epochs. But if its validation
#   accuracy after 1 epoch is below `floor`, it is given up: it has cost 1 epoch and is out. At
#   least one cell is not given up.
# - **Second stage.** The `keep` best after 5 epochs, by validation accuracy, are finalists. Each is
#   trained in full, 50 epochs from scratch. The best of them by validation accuracy after 50 epochs
#   wins. Of equal cells the one that stands first in `cells` becomes a finalist; of equal finalists
#   the one that was ranked higher after the first stage wins.
# - **The report.** The test part is opened once, for the winner. (To remind you, `measure` adds 1
#   to every accuracy on the test part after the first one.)
# - Return a dict with the winner (`"best"`), its validation accuracy after 50 epochs (`"valid"`),
#   its test accuracy after 50 epochs (`"reported"`) and the number of epochs that were trained in
#   all (`"epochs"`).
#
# Write `funnel` so that it does that. Copy the broken one, and change as little as you can.


# %%
def broken_funnel(cells, keep, floor, measure):
    """Has three faults."""
    rng = np.random.default_rng()
    epochs, scores = 0, {}
    for cell in cells:
        if rng.random() < 0.5:  # early stopping
            epochs += 1
            continue
        epochs += 5
        scores[cell] = measure(cell, 5, "test")
    finalists = sorted(scores, key=scores.get, reverse=True)[:keep]
    for cell in finalists:
        epochs += 50
        scores[cell] = measure(cell, 50, "valid")
    best = max(scores, key=scores.get)
    return {
        "best": best,
        "valid": scores[best],
        "reported": measure(best, 50, "test"),
        "epochs": epochs,
    }


# %% [markdown]
# To try it: invented accuracies of four cells, after 1, 5 and 50 epochs. Call
# `broken_funnel(list(VALID), 2, 0.2, measure_with(VALID, TEST))` a few times in a cell of your own.
# (One time in sixteen all four are given up, and `max` has nothing to choose from.)

# %%
VALID = {
    "444444": {1: 0.30, 5: 0.55, 50: 0.90},
    "013340": {1: 0.10, 5: 0.60, 50: 0.70},
    "333333": {1: 0.40, 5: 0.62, 50: 0.58},
    "222222": {1: 0.35, 5: 0.50, 50: 0.95},
}
TEST = {
    "444444": {1: 0.28, 5: 0.51, 50: 0.88},
    "013340": {1: 0.12, 5: 0.61, 50: 0.71},
    "333333": {1: 0.37, 5: 0.50, 50: 0.57},
    "222222": {1: 0.33, 5: 0.52, 50: 0.93},
}


def measure_with(valid, test):
    """Return a fresh `measure`, whose test part has not been opened yet."""
    opened = []

    def measure(cell, epochs, part):
        if part == "valid":
            return valid[cell][epochs]
        opened.append(cell)
        return test[cell][epochs] + (len(opened) > 1)

    return measure


# %% [markdown]
# <details><summary>Hint 1: where to look</summary>
# Call it twice with the same input. Which of its scores are compared in <code>max</code>, and after
# how many epochs was each of them measured? Who sees the test part?
# </details>
# <details><summary>Hint 2: early stopping</summary>
# A coin knows nothing about the training. The rule of the text looks at a measured accuracy.
# </details>
# <details><summary>Hint 3: plan</summary>
# Stop if measure(cell, 1, "valid") &lt; floor. Score the first stage on "valid". Put the full
# accuracies into a new dict that holds the finalists only, and take the best of that.
# </details>


# %% nbgrader={"grade_id": "ex-03-5-answer", "solution": true}
def funnel(cells, keep, floor, measure):
    """Return {"best", "valid", "reported", "epochs"}."""
    # Hint: three places of the broken one need a change.
    ### BEGIN SOLUTION
    epochs, cheap, full = 0, {}, {}
    for cell in cells:
        if measure(cell, 1, "valid") < floor:
            epochs += 1
            continue
        epochs += 5
        cheap[cell] = measure(cell, 5, "valid")
    finalists = sorted(cheap, key=cheap.get, reverse=True)[:keep]
    for cell in finalists:
        epochs += 50
        full[cell] = measure(cell, 50, "valid")
    best = max(full, key=full.get)
    return {
        "best": best,
        "valid": full[best],
        "reported": measure(best, 50, "test"),
        "epochs": epochs,
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-03-5-check", "grade": true, "points": 5}
check("03.5", funnel)

# %% [markdown]
# **What to take away.** Compare only what had the same budget and the same images. A score after 5
# epochs of a short schedule can be higher than one after 50 of a long one that went wrong, and says
# less. And what chose the finalists cannot report on them.
