# %% [markdown]
# # 01 What is NAS?: exercises
#
# Eight exercises for chapter 01, 30 points, about an hour and three quarters in all. Do them in any
# order; those with ●●● come back in every later chapter.
#
# | | exercise | difficulty | minutes | points | importance |
# | --- | --- | --- | --- | --- | --- |
# | 01.1 | What would it cost to try everything? | ●○○○○ | 10 | 3 | ●●○ |
# | 01.2 | Which level decides? | ●●○○○ | 10 | 4 | ●●● |
# | 01.3 | Three parts, shuffled | ●●○○○ | 15 | 4 | ●●● |
# | 01.4 | The best so far, when runs diverge | ●●○○○ | 15 | 4 | ●●○ |
# | 01.5 | Equal budgets | ●●○○○ | 10 | 4 | ●●● |
# | 01.6 | Choose here, report there | ●●○○○ | 15 | 4 | ●●● |
# | 01.7 | Which way does a reward push? | ●●●○○ | 20 | 4 | ●●○ |
# | 01.8 | Claims, with numerator and denominator | ●●○○○ | 10 | 3 | ●●○ |
#
# **How it works.** Replace each `...` by your answer and run the cell below it. The check goes from
# easy to hard, stops at the first thing that is not right, and says what it gave your code, what
# came back and what it expected. Points of earlier stages stay yours. You may return a list, a
# tuple, an array or a tensor, whatever is handy. Hints open one by one; the last one is the plan
# of the solution. Model answers stand in `solutions/01_what_is_nas.ipynb`.

# %%
import math

import numpy as np

from nas_course.grading import check

# %% [markdown]
# ---
# ## 01.1 What would it cost to try everything?
#
# *Difficulty ●○○○○ · 10 minutes · 3 points · importance ●●○*
#
# A space is described by its choices: `options` is a list with the number of options of each
# choice, and the choices are independent of each other. Training one design takes `hours`, and
# `machines` machines train at the same time, one design each. Return a dict
#
# - `"designs"`: how many designs there are, a Python int, exact however large;
# - `"years"`: how many years it takes to train all of them, with years of 365 days.
#
# <details><summary>Hint 1: two choices</summary>
# With 3 options here and 4 there: write all pairs down as a table. How many fields has it?
# </details>
# <details><summary>Hint 2: exact</summary>
# <code>math.prod</code> multiplies whole numbers exactly; <code>np.prod</code> overflows without a
# word.
# </details>
# <details><summary>Hint 3: plan</summary>
# designs = product of the options. Hours of work = designs times hours; divided by the machines;
# divided by the 24 · 365 hours of a year.
# </details>


# %% nbgrader={"grade_id": "ex-01-1-answer", "solution": true}
def cost_of_everything(options, hours, machines):
    """Return {"designs": ..., "years": ...}."""
    # Hint: what happens to the number of designs when one more choice comes in?
    ### BEGIN SOLUTION
    designs = math.prod(options)
    return {"designs": designs, "years": designs * hours / machines / (24 * 365)}
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-01-1-check", "grade": true, "points": 3}
check("01.1", cost_of_everything)

# %% [markdown]
# **What to take away.** Twenty choices of five options at one GPU hour each: $10^{10}$ GPU years. A
# lesson calls that "centuries"; with a hundred million GPUs it would be one.
#
# ---
# ## 01.2 Which level decides?
#
# *Difficulty ●●○○○ · 10 minutes · 4 points · importance ●●●*
#
# $$\min_{\alpha}\; L_{\text{outer}}\big(w^*(\alpha),\alpha\big)\qquad\text{with}\qquad
#   w^*(\alpha)=\arg\min_w L_{\text{inner}}(w,\alpha)$$
#
# For a search in the mixed space of the chapter: at which level is each of these decided? Write
# `"inner"` (found by training), `"outer"` (found by the search) or `"neither"` (no level may choose
# it).
#
# - `first_layer_weights`, `output_bias`, `depth`, `activation`, `dropout`, `learning_rate`
# - `seed`: the seed from which weights are drawn
# - `test_rows`: which rows are in the test part
#
# And further:
#
# - `inner_loss`, `outer_loss`: on which part of the data is each loss measured? `"train"`,
#   `"valid"` or `"test"`.
# - `kind`: what is a search in this space?
#   - **a** neural architecture search only
#   - **b** hyperparameter optimization only
#   - **c** both at once, since learning rate, optimizer and dropout are no part of the network that
#     is built
#   - **d** weight sharing
# - `one_level`: what happens if the outer loss is measured on the training part too?
#   - **a** nothing, the two are equal on average
#   - **b** the search is rewarded for fitting: it prefers designs that memorise, and dropout never
#     pays
#   - **c** the search gets slower
#   - **d** the search becomes random
#
# <details><summary>Hint 1: inner</summary>
# What does <code>optimizer.step()</code> change?
# </details>
# <details><summary>Hint 2: neither</summary>
# Imagine a paper that reports the best of 100 seeds, or the test part on which its network does
# best. Would you believe it?
# </details>

# %% nbgrader={"grade_id": "ex-01-2-answer", "solution": true}
levels = {
    # "inner", "outer" or "neither"
    "first_layer_weights": (
        ### BEGIN SOLUTION
        "inner"
        ### END SOLUTION
    ),
    "output_bias": (
        ### BEGIN SOLUTION
        "inner"
        ### END SOLUTION
    ),
    "depth": (
        ### BEGIN SOLUTION
        "outer"
        ### END SOLUTION
    ),
    "activation": (
        ### BEGIN SOLUTION
        "outer"
        ### END SOLUTION
    ),
    "dropout": (
        ### BEGIN SOLUTION
        "outer"
        ### END SOLUTION
    ),
    "learning_rate": (
        ### BEGIN SOLUTION
        "outer"
        ### END SOLUTION
    ),
    "seed": (
        ### BEGIN SOLUTION
        "neither"
        ### END SOLUTION
    ),
    "test_rows": (
        ### BEGIN SOLUTION
        "neither"
        ### END SOLUTION
    ),
    # "train", "valid" or "test"
    "inner_loss": (
        ### BEGIN SOLUTION
        "train"
        ### END SOLUTION
    ),
    "outer_loss": (
        ### BEGIN SOLUTION
        "valid"
        ### END SOLUTION
    ),
    # a letter
    "kind": (
        ### BEGIN SOLUTION
        "c"
        ### END SOLUTION
    ),
    "one_level": (
        ### BEGIN SOLUTION
        "b"
        ### END SOLUTION
    ),
}

# %% nbgrader={"grade_id": "ex-01-2-check", "grade": true, "points": 4}
check("01.2", levels)

# %% [markdown]
# **What to take away.** The two levels are nested: every step of the outer one asks for a whole
# training of the inner one. Most of this course is about asking for less than that.
#
# ---
# ## 01.3 Three parts, shuffled
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●●*
#
# Write the split that every search needs. There are `count` rows, numbered from 0. Return three
# collections of row numbers: `train`, `valid`, `test`, where `valid` and `test` say how many rows
# those parts get and train gets the rest. The rows may be sorted by something, so shuffle them
# first, by the seed: the same seed gives the same split, another seed another one.
#
# <details><summary>Hint 1: an order</summary>
# <code>np.random.default_rng(seed).permutation(count)</code> is every row number once, shuffled.
# </details>
# <details><summary>Hint 2: plan</summary>
# Cut that order in three: the first <code>valid</code> of it, the next <code>test</code>, the rest.
# Return train first.
# </details>


# %% nbgrader={"grade_id": "ex-01-3-answer", "solution": true}
def three_parts(count, valid, test, seed):
    """Return the row numbers of train, valid and test."""
    # Hint: shuffle once, then cut.
    ### BEGIN SOLUTION
    order = np.random.default_rng(seed).permutation(count)
    return order[valid + test :], order[:valid], order[valid : valid + test]
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-01-3-check", "grade": true, "points": 4}
check("01.3", three_parts)

# %% [markdown]
# **What to take away.** Cutting a file as it stands, 80 % and 20 %, is the commonest silent mistake
# in published code. If the rows are sorted, the validation part asks for extrapolation and the
# search answers a question that nobody asked.
#
# ---
# ## 01.4 The best so far, when runs diverge
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●○*
#
# A search keeps the best design so far, the *incumbent*. Write the book-keeping: `scores` is a list
# of scores in the order of evaluation, the larger the better. Return a list as long as `scores`:
# after each evaluation, the **position** of the incumbent.
#
# - A run that diverged has the score `nan`, `inf` or `-inf`. It is never the incumbent.
# - As long as there is no finite score, the position is `-1`.
# - Scores may be negative (a negative loss, for example).
# - Of equal scores the earlier one stays.
#
# <details><summary>Hint 1: nan</summary>
# Every comparison with <code>nan</code> is false, <code>nan &gt; 3</code> and
# <code>nan &lt; 3</code> too. So a rule like "keep it unless the new one is larger" keeps a
# <code>nan</code> for ever. Ask <code>math.isfinite(score)</code> first.
# </details>
# <details><summary>Hint 2: plan</summary>
# best = -1. For each position: if the score is finite, and best is -1 or the score is larger than
# scores[best], then best = position. Append best.
# </details>


# %% nbgrader={"grade_id": "ex-01-4-answer", "solution": true}
def incumbents(scores):
    """Return the position of the best finite score so far, after each evaluation."""
    # Hint: which score does the first one have to beat?
    ### BEGIN SOLUTION
    best, kept = -1, []
    for position, score in enumerate(scores):
        if math.isfinite(score) and (best < 0 or score > scores[best]):
            best = position
        kept.append(best)
    return kept
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-01-4-check", "grade": true, "points": 4}
check("01.4", incumbents)

# %% [markdown]
# **What to take away.** `best = 0.0` at the start looks harmless, and returns nothing at all when
# the score is a negative loss. Sorting a list with a `nan` in it gives an order without meaning.
#
# ---
# ## 01.5 Equal budgets
#
# *Difficulty ●●○○○ · 10 minutes · 4 points · importance ●●●*
#
# The article of the chapter compares three searches:
#
# - **evolution**: a population of 10, for 5 generations; in each generation every member is trained
#   anew, for 10 epochs;
# - **reinforcement learning**: 5 episodes, in each of which one design is trained for 10 epochs;
# - **gradient**: 50 epochs of the mixed network, then its choice is trained for 50 epochs.
#
# Count, in epochs of training:
#
# - `evolution`, `reinforcement`, `gradient`: what each of them spent;
# - `random_draws`: how many random designs could be trained for 10 epochs with the budget of
#   evolution?
# - `episodes`: how many episodes would give reinforcement learning the budget of evolution?
# - `mixed_epochs`: the gradient search is to have the budget of evolution too, and its choice is to
#   be trained for 10 epochs, like everybody else's. How many are left for the mixed network?
# - `conclusion`: evolution ended with the lowest validation error. What follows?
#   - **a** evolution is the best of the three strategies
#   - **b** evolution is better than reinforcement learning, the gradient search is undecided
#   - **c** nothing about the strategies: the smallest of 50 noisy numbers tends to be smaller than
#     the smallest of 5, whoever draws them
#   - **d** nothing, because evolution used crossover
#
# <details><summary>Hint 1: evolution</summary>
# How many trainings are there in one generation? How many generations?
# </details>
# <details><summary>Hint 2: gradient</summary>
# Its second 50 epochs count as well: without them there is no trained network.
# </details>

# %% nbgrader={"grade_id": "ex-01-5-answer", "solution": true}
budgets = {
    # numbers, and a letter for the last
    "evolution": (
        ### BEGIN SOLUTION
        10 * 5 * 10
        ### END SOLUTION
    ),
    "reinforcement": (
        ### BEGIN SOLUTION
        5 * 10
        ### END SOLUTION
    ),
    "gradient": (
        ### BEGIN SOLUTION
        50 + 50
        ### END SOLUTION
    ),
    "random_draws": (
        ### BEGIN SOLUTION
        500 / 10
        ### END SOLUTION
    ),
    "episodes": (
        ### BEGIN SOLUTION
        500 / 10
        ### END SOLUTION
    ),
    "mixed_epochs": (
        ### BEGIN SOLUTION
        500 - 10
        ### END SOLUTION
    ),
    "conclusion": (
        ### BEGIN SOLUTION
        "c"
        ### END SOLUTION
    ),
}

# %% nbgrader={"grade_id": "ex-01-5-check", "grade": true, "points": 4}
check("01.5", budgets)

# %% [markdown]
# **What to take away.** A budget has a unit. Epochs are one; but an epoch of a mixture of three
# activations costs more than an epoch of one network, so serious papers state seconds on a named
# machine as well.
#
# ---
# ## 01.6 Choose here, report there
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●●*
#
# A search evaluated some designs: `valid` holds their scores on the validation part, `test` those
# on the test part (arrays, the larger the better). Return a dict:
#
# - `"chosen"`: position of the design that the search may choose;
# - `"reported"`: the score that may be reported for it;
# - `"optimism"`: by how much the score that made us choose it is too good, compared with the
#   reported one;
# - `"regret"`: how much better than the reported score the best design **on the test part** is.
#   Only somebody who knows all test scores can compute it; it says what was lost.
#
# <details><summary>Hint 1: who may see what</summary>
# The choice may use <code>valid</code> only. The report may use <code>test</code>, at one place.
# </details>
# <details><summary>Hint 2: plan</summary>
# chosen = argmax of valid; reported = test[chosen]; optimism = valid[chosen] - reported;
# regret = max of test - reported.
# </details>


# %% nbgrader={"grade_id": "ex-01-6-answer", "solution": true}
def choose_and_report(valid, test):
    """Return {"chosen": ..., "reported": ..., "optimism": ..., "regret": ...}."""
    # Hint: one argmax, on the right array.
    ### BEGIN SOLUTION
    chosen = int(np.argmax(valid))
    reported = test[chosen]
    return {
        "chosen": chosen,
        "reported": reported,
        "optimism": valid[chosen] - reported,
        "regret": max(test) - reported,
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-01-6-check", "grade": true, "points": 4}
check("01.6", choose_and_report)

# %% [markdown]
# **What to take away.** The winner of many noisy comparisons is partly good and partly lucky; the
# luck does not come along to the test part. The more candidates, the more luck.
#
# ---
# ## 01.7 Which way does a reward push?
#
# *Difficulty ●●●○○ · 20 minutes · 4 points · importance ●●○*
#
# A controller has one choice to make. Its logits $\theta$ give the probabilities
# $p=\mathrm{softmax}(\theta)$; it draws option $c$ and gets the reward $R$. REINFORCE moves the
# logits along
#
# $$(R-b)\;\nabla_\theta \log p_c,\qquad
#   \frac{\partial \log p_c}{\partial\theta_k}=\delta_{kc}-p_k$$
#
# with a baseline $b$. Return that direction, one number per option: `probabilities` is the array
# $p$, `chosen` the position $c$.
#
# Then look at three cases. The reward is the negative validation error, as in the article, so it is
# always below zero: what happens to the probability of the option that was drawn when $b=0$? When
# $b$ is the mean reward so far, and this draw was better than that?
#
# <details><summary>Hint 1: what must hold</summary>
# The numbers of the direction sum to zero: probability is only moved from option to option.
# </details>
# <details><summary>Hint 2: plan</summary>
# direction = -probabilities (a new array); add 1 at the chosen position; multiply by
# reward - baseline.
# </details>


# %% nbgrader={"grade_id": "ex-01-7-answer", "solution": true}
def push(probabilities, chosen, reward, baseline):
    """Return the direction in which the logits move, as many numbers as options."""
    # Hint: start with minus p.
    ### BEGIN SOLUTION
    direction = -np.array(probabilities)
    direction[chosen] += 1
    return (reward - baseline) * direction
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-01-7-check", "grade": true, "points": 4}
check("01.7", push)

# %% [markdown]
# **What to take away.** Without a baseline and with rewards below zero, whatever is drawn becomes
# less likely, the best option too. On average the update is still right, because bad options are
# pushed down harder; but five samples are no average. The baseline takes that noise away.
#
# ---
# ## 01.8 Claims, with numerator and denominator
#
# *Difficulty ●●○○○ · 10 minutes · 3 points · importance ●●○*
#
# "Gradient methods are more than 1000 times faster than reinforcement learning and evolution." Take
# the table of the chapter (GPU days of search, CIFAR-10): Zoph and Le 22,400; NASNet 1,800 or
# 2,000, both in print; AmoebaNet 3,150; ENAS 0.5; DARTS 1.5 (first order) or 4 (second).
#
# - `smallest`, `largest`: the smallest and the largest ratio that you can form with an RL search
#   **without** weight sharing above and DARTS below;
# - `evolution_smallest`: the smallest with evolution above;
# - `same_trick`: which RL search shares weights, as DARTS does: `"zoph-le"`, `"nasnet"`, `"enas"`?
# - `enas_ratio`: its cost over that of first-order DARTS;
# - `inverted_bottleneck`: where does this block come from?
#   - **a** the MnasNet search found it, MobileNetV2 took it over
#   - **b** people designed it for MobileNetV2 (January 2018), and MnasNet's space (July 2018) was
#     given it as a building block
#   - **c** evolution found it in AmoebaNet
#   - **d** it follows from the bilevel form
#
# <details><summary>Hint: ratios</summary>
# The smallest ratio has the smallest number above and the largest below.
# </details>

# %% nbgrader={"grade_id": "ex-01-8-answer", "solution": true}
claims = {
    # numbers (7 / 2 is as good as 3.5), names and letters in quotes
    "smallest": (
        ### BEGIN SOLUTION
        1800 / 4
        ### END SOLUTION
    ),
    "largest": (
        ### BEGIN SOLUTION
        22400 / 1.5
        ### END SOLUTION
    ),
    "evolution_smallest": (
        ### BEGIN SOLUTION
        3150 / 4
        ### END SOLUTION
    ),
    "same_trick": (
        ### BEGIN SOLUTION
        "enas"
        ### END SOLUTION
    ),
    "enas_ratio": (
        ### BEGIN SOLUTION
        0.5 / 1.5
        ### END SOLUTION
    ),
    "inverted_bottleneck": (
        ### BEGIN SOLUTION
        "b"
        ### END SOLUTION
    ),
}

# %% nbgrader={"grade_id": "ex-01-8-check", "grade": true, "points": 3}
check("01.8", claims)

# %% [markdown]
# **What to take away.** "1000 times" is true for some pairs and false for others: 450 to 15,000.
# And the one RL search that shares weights is *cheaper* than DARTS. So the factor belongs to the
# estimation, not to the strategy.
