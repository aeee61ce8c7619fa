# %% [markdown]
# # 09 When DARTS fails: exercises
#
# Eight exercises for chapter 09, 35 points, about two and a half hours in all. Do them in any
# order; those with ●●● come back in later chapters.
#
# | | exercise | difficulty | minutes | points | importance |
# | --- | --- | --- | --- | --- | --- |
# | 09.1 | What collapses, and what does not? | ●○○○○ | 10 | 4 | ●●● |
# | 09.2 | Which skips count? | ●●○○○ | 15 | 4 | ●●● |
# | 09.3 | A second path for the skip | ●●○○○ | 15 | 4 | ●●○ |
# | 09.4 | When to stop, and where to go back | ●●●○○ | 20 | 5 | ●●○ |
# | 09.5 | The sharpest direction | ●●●○○ | 20 | 4 | ●●● |
# | 09.6 | Missed most | ●●●○○ | 20 | 4 | ●●○ |
# | 09.7 | Perturbed, but still a mixture | ●●●●○ | 25 | 5 | ●●○ |
# | 09.8 | Two arms that differ in one thing | ●●●●○ | 25 | 5 | ●●● |
#
# **How it works.** Replace each `...` by your answer and run the cell below it. The check goes from
# easy to hard, stops at the first thing that is not right, and says what it gave your code, what
# came back and what it expected. Points of earlier stages stay yours. You may return a list, a
# tuple, an array or a tensor, whatever is handy. Hints open one by one; the last one is the plan
# of the solution. Model answers stand in `solutions/09_when_darts_fails.ipynb`.

# %%
import math

import numpy as np
import torch

from nas_course.grading import check

torch.set_num_threads(1)

# %% [markdown]
# ---
# ## 09.1 What collapses, and what does not?
#
# *Difficulty ●○○○○ · 10 minutes · 4 points · importance ●●●*
#
# A DARTS search goes on for long, and in the end its cell is full of skip connections. Write
# letters, or numbers where a number is asked for.
#
# - `still_improves`: what often goes on improving while the derived cell gets worse?
#   - **a** the accuracy of the derived network, trained from scratch
#   - **b** the flatness of the validation loss as a function of the alphas
#   - **c** the validation loss of the supernet
#   - **d** nothing: all of them get worse together
# - `early_gain`: what speaks for the skip connection in the first epochs?
#   - **a** it has no weights that must first be learned, and lets gradients pass to all others
#   - **b** its alpha starts larger than the others
#   - **c** the weight decay of the alphas spares it
#   - **d** a network of skip connections alone has the best validation loss
# - `eigenvalue`: what does the largest eigenvalue of $\nabla^2_\alpha\mathcal L_{val}$ measure?
#   - **a** how many skip connections the cell has
#   - **b** how sharply the loss bends where the alphas move in the direction in which it bends
#     most, and so what rounding them to an architecture may cost
#   - **c** how far the weights are from their optimum
#   - **d** the best learning rate of the weights
# - `zeros`: the alphas of a DARTS cell are 14 rows of 8 logits, with a softmax over each row. How
#   many eigenvalues of this Hessian are certainly 0?
#
# Now the remedies. What do they change?
#
# - `darts_plus` (DARTS+) and `r_darts` (DARTS-ES, the stopping rule of the R-DARTS paper): what
#   ends the search?
#   - **a** the validation loss of the supernet rises
#   - **b** the derived normal cell has two or more skip connections
#   - **c** the averaged largest eigenvalue has grown by a factor
#   - **d** the alphas no longer change
# - `darts_minus` (DARTS-):
#   - **a** the loss gets a term that punishes skip connections
#   - **b** the skip connection is no candidate any more
#   - **c** every edge gets another path beside its mixture, $\beta x$, whose $\beta$ decays to 0
#   - **d** the skip connection's alpha is multiplied by a $\beta$ that decays to 0
# - `sdarts` (SDARTS): what is perturbed, and when?
#   - **a** the mixing weights, while the weights of the operations are trained
#   - **b** the mixing weights, while the alphas are trained
#   - **c** the images, while the weights of the operations are trained
#   - **d** the weights of the operations, while the alphas are trained
# - `skips_left` (P-DARTS): how many skip connections may the normal cell have in the end, at most?
#
# <details><summary>Hint 1: zeros</summary>
# What happens to a softmax when the same number is added to all its logits?
# </details>
# <details><summary>Hint 2: DARTS-</summary>
# Some texts call it a regularisation term. Look for a term in a loss; there is none.
# </details>

# %% nbgrader={"grade_id": "ex-09-1-answer", "solution": true}
reasons = {
    # letters
    "still_improves": (
        ### BEGIN SOLUTION
        "c"
        ### END SOLUTION
    ),
    "early_gain": (
        ### BEGIN SOLUTION
        "a"
        ### END SOLUTION
    ),
    "eigenvalue": (
        ### BEGIN SOLUTION
        "b"
        ### END SOLUTION
    ),
    # a number
    "zeros": (
        ### BEGIN SOLUTION
        14
        ### END SOLUTION
    ),
    # letters
    "darts_plus": (
        ### BEGIN SOLUTION
        "b"
        ### END SOLUTION
    ),
    "r_darts": (
        ### BEGIN SOLUTION
        "c"
        ### END SOLUTION
    ),
    "darts_minus": (
        ### BEGIN SOLUTION
        "c"
        ### END SOLUTION
    ),
    "sdarts": (
        ### BEGIN SOLUTION
        "a"
        ### END SOLUTION
    ),
    # a number
    "skips_left": (
        ### BEGIN SOLUTION
        2
        ### END SOLUTION
    ),
}

# %% nbgrader={"grade_id": "ex-09-1-check", "grade": true, "points": 4}
check("09.1", reasons)

# %% [markdown]
# **What to take away.** The curve that everybody watches, the validation loss of the supernet, is
# blind to the collapse: early stopping on it never stops. Each remedy looks at something else: the
# cell, the curvature, or the mixture itself.
#
# ---
# ## 09.2 Which skips count?
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●●*
#
# "The share of skip connections" can mean three things. `alpha` holds the logits of one DARTS cell,
# a NumPy array of shape (14, 8) (in the chapter it is a tensor): row $e$ belongs to `EDGES[e]`,
# column $o$ to `OPERATIONS[o]`; $\pi$ is the softmax of each row. Return a dict with
#
# - `"weight"`: the mean of $\pi_{e,\text{skip}}$ over the 14 edges;
# - `"argmax"`: the share of the 14 edges whose largest weight, `none` included, is the skip
#   connection. Many scripts count this;
# - `"derived"`: the share of skip connections among the 8 edges of the derived cell.
#
# The derived cell (DARTS, section 2.4): every edge takes its best operation that is not `none`, and
# that operation's $\pi$ is its strength; each of the nodes 2 to 5 keeps its two strongest incoming
# edges.
#
# <details><summary>Hint 1: none</summary>
# <code>none</code> cannot be chosen, but it is in the softmax: an edge that wants <code>none</code>
# is weak.
# </details>
# <details><summary>Hint 2: plan</summary>
# pi = softmax over dim 1. best = argmax of pi[:, 1:], plus 1, since none is column 0. For each
# node: its rows, sorted by strength, the first two. Then the share of skip among best[kept].
# </details>

# %%
OPERATIONS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
EDGES = tuple((source, target) for target in range(2, 6) for source in range(target))


# %% nbgrader={"grade_id": "ex-09-2-answer", "solution": true}
def skip_shares(alpha):
    """Return {"weight": ..., "argmax": ..., "derived": ...}, each from 0 to 1."""
    # Hint: which edges are left, and is `none` in the softmax?
    ### BEGIN SOLUTION
    pi = torch.as_tensor(alpha).softmax(dim=1).numpy()
    best, strength = 1 + pi[:, 1:].argmax(axis=1), pi[:, 1:].max(axis=1)
    kept = []
    for node in range(2, 6):
        rows = [row for row, (_, target) in enumerate(EDGES) if target == node]
        kept += sorted(rows, key=lambda row: -strength[row])[:2]
    return {
        "weight": pi[:, 3].mean(),
        "argmax": (pi.argmax(axis=1) == 3).mean(),
        "derived": (best[kept] == 3).mean(),
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-09-2-check", "grade": true, "points": 4}
check("09.2", skip_shares)

# %% [markdown]
# **What to take away.** Six of the 14 edges are thrown away, so a count over all of them describes
# a cell that nobody trains. It can say "no skip wins anywhere" about a cell of skips, since `none`
# wins its edges and cannot be chosen.
#
# ---
# ## 09.3 A second path for the skip
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●○*
#
# The skip connection has two jobs in a supernet: it is a candidate, and it lets gradients pass,
# whichever candidate wins. DARTS- (Chu et al., ICLR 2021) gives the second job to a path of its
# own, outside of the softmax, and takes that path away in the course of the search:
#
# $$\bar o(x)=\beta_t\,x+\sum_o\pi_o\,o(x),\qquad \pi=\operatorname{softmax}(\alpha),\qquad
#   \beta_t=1-\frac tT$$
#
# - `x`: array (features,), the input of the edge;
# - `outputs`: array (operations, features), row $o$ is $o(x)$; the skip connection is among them;
# - `alpha`: array (operations,), logits, as large as 1,000 in size;
# - `step`: $t$, from 0; `steps`: $T$.
#
# Return $\bar o(x)$, shape (features,).
#
# <details><summary>Hint: plan</summary>
# Softmax of alpha (subtract the maximum first), beta from the two numbers of steps, and the sum of
# two terms. pi @ outputs is the mixture.
# </details>


# %% nbgrader={"grade_id": "ex-09-3-answer", "solution": true}
def auxiliary_mixture(x, outputs, alpha, step, steps):
    """Return what an edge of DARTS- carries in step `step` of `steps`."""
    # Hint: is beta in the softmax?
    ### BEGIN SOLUTION
    powers = np.exp(alpha - alpha.max())
    beta = 1 - step / steps
    return beta * x + powers / powers.sum() @ outputs
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-09-3-check", "grade": true, "points": 4}
check("09.3", auxiliary_mixture)

# %% [markdown]
# **What to take away.** Nothing was added to a loss: while $\beta$ is large, the candidates compete
# on what they can do beyond passing their input on. At the end $\beta$ is 0 and the edge is that of
# DARTS, so the alphas may be read as always. Whether the skip candidates stay away when the path
# is withdrawn is another question, and one to measure: chapter 09 does.
#
# ---
# ## 09.4 When to stop, and where to go back
#
# *Difficulty ●●●○○ · 20 minutes · 5 points · importance ●●○*
#
# After each epoch, from 0 on, the largest eigenvalue and the number of skip connections of the
# derived cell are written down. DARTS-ES (the stopping rule of the R-DARTS paper, Zela et al., ICLR
# 2020) smooths the eigenvalues and looks for growth:
#
# $$m_i=\text{mean of }\lambda_{i-h}\ldots\lambda_{i+h},\qquad h=\frac{\texttt{window}-1}2,\qquad
#   \text{stop if } m_i>\texttt{ratio}\cdot m_{i-\texttt{back}}$$
#
# - Before epoch 0 there is nothing: $m_0$ is the mean of $\lambda_0\ldots\lambda_h$, and so on.
# - $m_i$ is known only when $\lambda_{i+h}$ is measured: the search then stops after epoch $i+h$.
# - The first $i$ at which the condition holds counts, and the architecture of epoch
#   $i-\texttt{back}$ is returned: the one from before the growth.
#
# DARTS+ (Liang et al., 2019) stops after the first epoch with `limit` or more skip connections and
# returns the architecture of that epoch.
#
# Return a dict: `"stop"` and `"returned"`, the epochs after which DARTS-ES stops and whose
# architecture it returns; `"darts_plus"`, the epoch at which DARTS+ stops. Where a rule never
# applies, the search goes to its end: the last epoch stands for all of it.
#
# <details><summary>Hint 1: an example</summary>
# Window 3, back 2, ratio 2, eigenvalues 1, 1, 1, 1, 4, 7, 7: the means are 1, 1, 1, 2, 4, 6
# and (not yet known) one more. At i = 4, 4 &gt; 2 · 1. Epoch 5 was needed to know it; the
# architecture of epoch 2 is returned.
# </details>
# <details><summary>Hint 2: plan</summary>
# A list of means with slices <code>[max(0, i - h): i + h + 1]</code>. Loop i from back to the last
# i with i + h measured; at the first that holds: stop = i + h, returned = i - back.
# </details>


# %% nbgrader={"grade_id": "ex-09-4-answer", "solution": true}
def early_stops(eigenvalues, skips, window, back, ratio, limit):
    """Return {"stop": ..., "returned": ..., "darts_plus": ...}, epochs from 0."""
    # Hint: which epoch must be over before m_i is known?
    ### BEGIN SOLUTION
    half, last = window // 2, len(eigenvalues) - 1
    means = [
        np.mean(eigenvalues[max(0, i - half) : i + half + 1]) for i in range(last - half + 1)
    ]
    grown = [i for i in range(back, len(means)) if means[i] > ratio * means[i - back]]
    too_many = [epoch for epoch, count in enumerate(skips) if count >= limit]
    return {
        "stop": grown[0] + half if grown else last,
        "returned": grown[0] - back if grown else last,
        "darts_plus": too_many[0] if too_many else last,
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-09-4-check", "grade": true, "points": 5}
check("09.4", early_stops)

# %% [markdown]
# **What to take away.** A rule of stopping is two rules: when to stop, and what to return. One
# that stops by growth has seen the growth, so it must go back. The means make it slow by $h$ epochs
# and deaf to a single outlier.
#
# ---
# ## 09.5 The sharpest direction
#
# *Difficulty ●●●○○ · 20 minutes · 4 points · importance ●●●*
#
# The Hessian of the validation loss by all alphas need not be written down: `product(v)` gives
# $Hv$ at the price of one more backward pass (in time, some gradients: chapter 10). *Power
# iteration* finds the eigenvalue of largest *size*, also called dominant, from such products alone
# (the chapter's shift, which leads to the largest one, is not asked for):
#
# $$v_0=\frac s{\lVert s\rVert},\qquad v_{k+1}=\frac{Hv_k}{\lVert Hv_k\rVert},\qquad
#   \lambda=v_K^\top Hv_K$$
#
# (Golub, Van Loan, *Matrix Computations*, section 7.3; the last is the *Rayleigh quotient* of a
# vector of length 1.)
#
# - `product`: a function from a tensor (n,) to the tensor $Hv$, both of float64;
# - `start`: tensor $s$, not zero; `steps`: $K$, from 0 on.
#
# Return $\lambda$ as a number, after exactly $K$ steps. If some $Hv_k$ is exactly zero, return 0.
# The entries of $H$ may be as large as $10^{6}$ and the steps as many as 200.
#
# <details><summary>Hint 1: the sign</summary>
# A loss may bend downwards most. The length of Hv is never negative; the Rayleigh quotient is.
# </details>
# <details><summary>Hint 2: plan</summary>
# v = start over its norm. K times: w = product(v); if its norm is 0, return 0; v = w over its
# norm. In the end v @ product(v).
# </details>


# %% nbgrader={"grade_id": "ex-09-5-answer", "solution": true}
def dominant_eigenvalue(product, start, steps):
    """Return the Rayleigh quotient after `steps` steps of power iteration."""
    # Hint: what has length 1 when the quotient is taken?
    ### BEGIN SOLUTION
    v = start / start.norm()
    for _ in range(steps):
        w = product(v)
        if w.norm() == 0:
            return 0.0
        v = w / w.norm()
    return v @ product(v)
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-09-5-check", "grade": true, "points": 4}
check("09.5", dominant_eigenvalue)

# %% [markdown]
# **What to take away.** A Hessian of 224 alphas has 50,176 entries; some tens of products find
# what is asked. "Dominant" means largest in size: if the loss bends down more sharply than up, the
# number is negative, and a program that returns a length would not notice.
#
# ---
# ## 09.6 Missed most
#
# *Difficulty ●●●○○ · 20 minutes · 4 points · importance ●●○*
#
# Is the operation with the largest $\pi$ the one that the supernet needs most? DARTS+PT (Wang et
# al., ICLR 2021) asks the supernet: it takes operations away. For each edge, in the order given:
#
# $$o^*=\arg\min_o\ \text{accuracy}(\pi\text{ with }\pi_{e,o}=0),\qquad
#   \pi_e\leftarrow\text{one-hot}(o^*)$$
#
# The other weights of the edge stay as they are in a trial (they are not normalised again), and a
# decided edge carries its operation alone, in all later trials. (The paper also trains the weights
# on between two decisions. Here the supernet stands still.)
#
# - `accuracy`: a function from an array $\pi$ (edges, operations) to a number;
# - `pi`: array (edges, operations); `order`: list of all edges.
#
# Return the list of the chosen operations (columns), edge 0 first.
#
# <details><summary>Hint: plan</summary>
# Copy pi. For each edge of the order: for each operation, a copy with one entry set to 0, and its
# accuracy; the smallest wins; set the row of the (not of the trial's) pi.
# </details>


# %% nbgrader={"grade_id": "ex-09-6-answer", "solution": true}
def choose_by_removal(accuracy, pi, order):
    """Return the operation of each edge, as a list of columns."""
    # Hint: what do later trials see of earlier decisions?
    ### BEGIN SOLUTION
    pi = pi.copy()
    for edge in order:
        scores = []
        for operation in range(pi.shape[1]):
            without = pi.copy()
            without[edge, operation] = 0
            scores.append(accuracy(without))
        pi[edge] = np.eye(pi.shape[1])[np.argmin(scores)]
    return pi.argmax(axis=1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-09-6-check", "grade": true, "points": 4}
check("09.6", choose_by_removal)

# %% [markdown]
# **What to take away.** A weight says how loud an operation is, a removal says whether anybody
# would miss it. The price: one validation run for each operation of each edge.
#
# ---
# ## 09.7 Perturbed, but still a mixture
#
# *Difficulty ●●●●○ · 25 minutes · 5 points · importance ●●○*
#
# SDARTS (Chen, Hsieh, ICML 2020) trains the weights of the operations under the worst mixing
# weights near $\pi$, so that the loss becomes flat in them. They are found by projected gradient
# ascent:
#
# $$p=S(\pi+\delta),\qquad
#   \delta\leftarrow\operatorname{clip}\Big(\delta+\frac{2\varepsilon}K
#   \operatorname{sign}\frac{\partial\mathcal L}{\partial p}(p),\,-\varepsilon,\,\varepsilon\Big)$$
#
# $K$ times, from a given start. $S$ makes a mixture again: it raises every entry to at least
# $10^{-7}$ and divides each row by its sum. The result is $S(\pi+\delta)$, but only if its loss is
# larger than the one at $\pi$; otherwise it is $\pi$ itself.
#
# - `pi`: tensor (edges, operations), each row a mixture; `start`: tensor $\delta$ of the same
#   shape, inside the ball; both float64;
# - `loss`: a function from such a tensor to a scalar tensor;
# - `epsilon`: $\varepsilon$; `steps`: $K$, at least 1.
#
# Return the mixing weights under which the operations are to be trained.
#
# <details><summary>Hint 1: the gradient</summary>
# <code>p = S(pi + delta).requires_grad_()</code>, then
# <code>torch.autograd.grad(loss(p), p)</code>: the gradient is the one by p, S is not
# differentiated.
# </details>
# <details><summary>Hint 2: plan</summary>
# A function for S. A loop with the two lines of the formula. Then compare two losses.
# </details>


# %% nbgrader={"grade_id": "ex-09-7-answer", "solution": true}
def worst_mixture(pi, start, loss, epsilon, steps):
    """Return the perturbed mixing weights, or pi if they are not worse."""
    # Hint: which of p and delta is clipped to the ball, and which is put on the simplex?
    ### BEGIN SOLUTION
    def mixture(weights):
        positive = weights.clamp(min=1e-7)
        return positive / positive.sum(dim=1, keepdim=True)

    delta = start
    for _ in range(steps):
        p = mixture(pi + delta).requires_grad_()
        (gradient,) = torch.autograd.grad(loss(p), p)
        delta = (delta + 2 * epsilon / steps * gradient.sign()).clamp(-epsilon, epsilon)
    worst = mixture(pi + delta)
    return worst if loss(worst) > loss(pi) else pi
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-09-7-check", "grade": true, "points": 5}
check("09.7", worst_mixture)

# %% [markdown]
# **What to take away.** Two sets must hold at once: the ball is about $\delta$, the simplex about
# $\pi+\delta$. And an attack that failed must not be used, or the training would be easier than
# without it.
#
# ---
# ## 09.8 Two arms that differ in one thing
#
# *Difficulty ●●●●○ · 25 minutes · 5 points · importance ●●●*
#
# Does a price on skip connections help? Somebody compares two arms: the search as it is, and the
# search with the price. `search(settings, seed)` gives the accuracy of the derived network.


# %%
def faulty_comparison(search, settings, price, seeds):
    """Compare a search with the same search with a price on skip connections."""
    treated_settings = {"epochs": settings["epochs"], "skip_price": price}
    baseline = np.array([search(settings, seed) for seed in seeds])
    treated = np.array([search(treated_settings, seed) for seed in range(len(seeds))])
    differences = treated - baseline
    return {
        "baseline": baseline.mean(),
        "treated": treated.max(),
        "difference": treated.max() - baseline.mean(),
        "error": differences.std(ddof=1) / math.sqrt(len(seeds)),
    }


# %% [markdown]
# Try it on a search in which the price has **no effect at all**, but the weight decay of the alphas
# has one, and seeds differ as they do:


# %% nas_course={"tol": {"abs": 0.01}}
def pretended_search(settings, seed):
    """Accuracy in per cent, without any effect of the skip price."""
    luck = np.random.default_rng(seed).normal()
    return 90 - 400 * settings.get("alpha_weight_decay", 0) + luck


SETTINGS = {"epochs": 50, "alpha_weight_decay": 1e-3, "minimum_rate": 1e-3}
found = faulty_comparison(pretended_search, SETTINGS, 0.1, [11, 12, 13, 14])
print(f"difference {found['difference']:.1f}, its standard error {found['error']:.1f}")

# %% [markdown]
# It is not small, and it is not the price. Three faults are in `faulty_comparison`. Write the
# repaired one: copy the body and change as little as possible. Arguments: `search`, a function;
# `settings`, a dict, which must stay as it is; `price`, a number, which goes to the key
# `"skip_price"`; `seeds`, a list of two or more ints. The dict to return:
#
# - `"baseline"`, `"treated"`: the mean accuracy of each arm;
# - `"difference"`: the mean of the paired differences, treated minus baseline, seed by seed;
# - `"error"`: the standard error of that mean, $s/\sqrt n$, with the standard deviation $s$ of the
#   paired differences ($n-1$ in its denominator).
#
# <details><summary>Hint 1: confounded</summary>
# Write the settings of both arms below each other. In how many entries do they differ?
# </details>
# <details><summary>Hint 2: pairs</summary>
# Seed 11 of one arm should be compared with seed 11 of the other.
# </details>
# <details><summary>Hint 3: the best of</summary>
# The best of four runs is better than the mean of four runs, whatever was done to them.
# </details>


# %% nbgrader={"grade_id": "ex-09-8-answer", "solution": true}
def fair_comparison(search, settings, price, seeds):
    """Return {"baseline": ..., "treated": ..., "difference": ..., "error": ...}."""
    # Hint: what differs between the arms besides the price?
    ### BEGIN SOLUTION
    treated_settings = {**settings, "skip_price": price}
    baseline = np.array([search(settings, seed) for seed in seeds])
    treated = np.array([search(treated_settings, seed) for seed in seeds])
    differences = treated - baseline
    return {
        "baseline": baseline.mean(),
        "treated": treated.mean(),
        "difference": differences.mean(),
        "error": differences.std(ddof=1) / math.sqrt(len(seeds)),
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-09-8-check", "grade": true, "points": 5}
check("09.8", fair_comparison)

# %% [markdown]
# **What to take away.** Two of the faults flatter the treatment, the third takes the pairs apart so
# that luck does not cancel; none raises an error. A published
# exercise on this very question had the first one: its baseline ran with weight decay on the alphas
# and a floor under the learning rate, its regularised run with neither. Whatever came out, it could
# not say why.
