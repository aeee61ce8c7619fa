# %% [markdown]
# # 12 Distributions over architectures: exercises
#
# Eight exercises for the first half of chapter 12, 36 points, about two and a half hours in all. Do
# them in any order; those with ●●● come back in later chapters.
#
# | | exercise | difficulty | minutes | points | importance |
# | --- | --- | --- | --- | --- | --- |
# | 12.1 | What is random, and what for? | ●○○○○ | 15 | 4 | ●●● |
# | 12.2 | Draw operations with Gumbel noise | ●●○○○ | 15 | 4 | ●●● |
# | 12.3 | A soft sample and its limits | ●●○○○ | 15 | 4 | ●●● |
# | 12.4 | Hard forward, soft backward | ●●●○○ | 20 | 5 | ●●● |
# | 12.5 | A gate that can be shut | ●●●○○ | 20 | 4 | ●●○ |
# | 12.6 | One step of VAdam | ●●●●○ | 25 | 5 | ●●○ |
# | 12.7 | Two posteriors of one loss | ●●●●○ | 25 | 5 | ●●○ |
# | 12.8 | Three faults on one edge | ●●●●○ | 25 | 5 | ●●● |
#
# **How it works.** Replace each `...` by your answer and run the cell below it. The check goes from
# easy to hard, stops at the first thing that is not right, and says what it gave your code, what
# came back and what it expected. Points of earlier stages stay yours. You may return a list, a
# tuple, an array or a tensor, whatever is handy. Hints open one by one; the last one is the plan
# of the solution. Model answers stand in `solutions/12_distributions.ipynb`.

# %%
import numpy as np
import torch

from nas_course.grading import check

torch.set_num_threads(1)

# %% [markdown]
# ---
# ## 12.1 What is random, and what for?
#
# *Difficulty ●○○○○ · 15 minutes · 4 points · importance ●●●*
#
# Four methods take an architecture step. What is drawn anew for it? Write `"nothing"`, `"one-hot"`
# (one operation per edge), `"mixture"` (positive weights for all operations, with noise in them) or
# `"logits"` (noise on the alphas themselves, followed by the plain softmax), for `darts`, `gdas`,
# `snas` and `balenas`. The noise of the Gumbel trick counts as what it makes of the mixture.
#
# GDAS and SNAS have a temperature $\tau$ and the noisy logits $(\alpha_k+g_k)/\tau$.
#
# - `frequency`: how often has operation $k$ the largest of them?
#   - **a** as softmax$(\alpha/\tau)$ says
#   - **b** as softmax$(\alpha)$ says, whatever $\tau$ is
#   - **c** always, at low $\tau$, if $\alpha_k$ is the largest
#   - **d** as often as every other, at high $\tau$
# - `sharp`: what does one soft sample tend to as $\tau\to0$?
#   - **a** all operations with equal weight
#   - **b** one-hot, always at the largest $\alpha_k$
#   - **c** one-hot, at an operation that is another one in the next draw
#   - **d** softmax$(\alpha)$
#
# BaLeNAS believes that the logits are spread with $\sigma=1/\sqrt{Ns+\delta}$ around their mean,
# where $s$ is a running mean of the squared gradient.
#
# - `sigma`: the number, to two decimals, for $N=25{,}000$, $s=0.0001$, $\delta=1$.
# - `too_wide`: near a minimum of the validation loss this $\sigma$ is larger than that of the true
#   posterior, whose precision is $N$ times the curvature plus $\delta$. Why?
#   - **a** the gradient of a mean over many images is small there, whatever the curvature is
#   - **b** the running mean forgets too fast
#   - **c** the prior widens the posterior
#   - **d** the bias correction of $s$ is missing
#
# Averaging a loss over the noise adds something to it: with $\sigma=(0.5,\,1)$ and the Hessian
# $\mathrm{diag}(4,-2)$ at the mean,
#
# - `added`: how much, to second order?
# - `favours`: what does the average over the noise favour, then?
#   - **a** places where the loss curves little, or downwards
#   - **b** small alphas
#   - **c** deep cells
#   - **d** nothing: the mean of the noise is 0
#
# <details><summary>Hint 1: added</summary>
# Write the loss as its value plus slope times noise plus half of curvature times noise squared, and
# take the mean of each part. The mean of the squared noise is the variance.
# </details>
# <details><summary>Hint 2: too wide</summary>
# Take a quadratic loss whose minimum all images agree on. What is the gradient there, for each of
# them and in the mean? What is the curvature?
# </details>

# %% nbgrader={"grade_id": "ex-12-1-answer", "solution": true}
reasons = {
    # "nothing", "one-hot", "mixture" or "logits"
    "darts": (
        ### BEGIN SOLUTION
        "nothing"
        ### END SOLUTION
    ),
    "gdas": (
        ### BEGIN SOLUTION
        "one-hot"
        ### END SOLUTION
    ),
    "snas": (
        ### BEGIN SOLUTION
        "mixture"
        ### END SOLUTION
    ),
    "balenas": (
        ### BEGIN SOLUTION
        "logits"
        ### END SOLUTION
    ),
    # letters
    "frequency": (
        ### BEGIN SOLUTION
        "b"
        ### END SOLUTION
    ),
    "sharp": (
        ### BEGIN SOLUTION
        "c"
        ### END SOLUTION
    ),
    # a number
    "sigma": (
        ### BEGIN SOLUTION
        1 / (25000 * 0.0001 + 1) ** 0.5
        ### END SOLUTION
    ),
    # a letter
    "too_wide": (
        ### BEGIN SOLUTION
        "a"
        ### END SOLUTION
    ),
    # a number
    "added": (
        ### BEGIN SOLUTION
        (0.5**2 * 4 + 1**2 * -2) / 2
        ### END SOLUTION
    ),
    # a letter
    "favours": (
        ### BEGIN SOLUTION
        "a"
        ### END SOLUTION
    ),
}

# %% nbgrader={"grade_id": "ex-12-1-check", "grade": true, "points": 4}
check("12.1", reasons)

# %% [markdown]
# **What to take away.** Sampled in front, or sampled in the logits: both look at architectures that
# the alphas do not favour yet. And noise is a regularizer: it adds
# $\frac12\sum_j\sigma_j^2H_{jj}$ to the loss, so that sharp places look worse than they are. Where
# the loss curves downwards, it looks *better*.
#
# ---
# ## 12.2 Draw operations with Gumbel noise
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●●*
#
# An operation is to be drawn for each edge, with the probabilities $\mathrm{softmax}(\alpha_e)$.
# The Gumbel-max trick (Gumbel 1954; Maddison et al. 2014) gives each operation noise of its own:
#
# $$k_e=\arg\max_o\,(\alpha_{eo}+g_{eo}),\qquad g_{eo}=-\log(-\log u_{eo}),\qquad
#   u_{eo}\sim\text{uniform}(0,1)$$
#
# - `logits`: array $\alpha$, shape (edges, operations);
# - `uniform`: array $u$, shape (draws, edges, operations).
#
# Return the numbers of the operations, counted from 0, shape (draws, edges).
#
# <details><summary>Hint 1: shapes</summary>
# <code>logits + noise</code> has the shape (draws, edges, operations): numpy repeats the logits
# for every draw.
# </details>
# <details><summary>Hint 2: plan</summary>
# Two logarithms, two minus signs; add; argmax over the last axis.
# </details>


# %% nbgrader={"grade_id": "ex-12-2-answer", "solution": true}
def draw_operations(logits, uniform):
    """Return the drawn operations, shape (draws, edges)."""
    # Hint: is there a softmax in the formula?
    ### BEGIN SOLUTION
    gumbel = -np.log(-np.log(uniform))
    return (logits + gumbel).argmax(axis=2)
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-12-2-check", "grade": true, "points": 4}
check("12.2", draw_operations)

# %% [markdown]
# **What to take away.** No probability is ever computed, and nothing is looked up in cumulative
# sums: all randomness stands in $g$, apart from $\alpha$. That is what lets a gradient reach the
# logits once the argmax is softened.
#
# ---
# ## 12.3 A soft sample and its limits
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●●*
#
# Softmax instead of argmax gives a *soft* sample (Jang et al. 2017, equation 2; Maddison et al.
# 2017):
#
# $$y_e=\mathrm{softmax}\Big(\frac{\alpha_e+g_e}{\tau}\Big)$$
#
# - `logits`, `uniform`: arrays of the shape (edges, operations), as above;
# - `temperature`: $\tau>0$.
#
# Return $y$, shape (edges, operations). It must be right for $\tau=10^{-4}$ as well (nearly
# one-hot), for $\tau=10^6$ (nearly even), and for logits of 2,000.
#
# <details><summary>Hint 1: large numbers</summary>
# e<sup>2000</sup> is infinite for a computer. A softmax does not change when a number is subtracted
# from all its inputs.
# </details>
# <details><summary>Hint 2: plan</summary>
# noisy = (logits + gumbel) / temperature. Subtract the largest entry of each row, exp, divide by
# the sum of the row.
# </details>


# %% nbgrader={"grade_id": "ex-12-3-answer", "solution": true}
def soft_sample(logits, uniform, temperature):
    """Return the soft sample, shape (edges, operations)."""
    # Hint: what is divided by the temperature, the logits or the sum?
    ### BEGIN SOLUTION
    noisy = (logits - np.log(-np.log(uniform))) / temperature
    powers = np.exp(noisy - noisy.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-12-3-check", "grade": true, "points": 4}
check("12.3", soft_sample)

# %% [markdown]
# **What to take away.** The temperature never changes *who* wins, only by how much. Hot samples are
# smooth and say little about the one-hot architecture that will be derived; cold ones look like it,
# and their gradients are nearly 0 except where two operations are close. Hence the annealing.
#
# ---
# ## 12.4 Hard forward, soft backward
#
# *Difficulty ●●●○○ · 20 minutes · 5 points · importance ●●●*
#
# The *straight-through* sample passes on one operation and gives every logit a gradient. (That
# gradient needs what *all* operations gave; GDAS does without them and puts ones in their place.)
# Forward it is the one-hot $z_e$ of the winner; on the way back it behaves as if it had been the
# soft sample $y_e$. With $v=\partial L/\partial z$, the gradient by the logits is therefore
#
# $$\frac{\partial L}{\partial\alpha_{eo}}\;:=\;\sum_k v_{ek}\,\frac{\partial y_{ek}}{\partial\alpha_{eo}}
#   ,\qquad\frac{\partial\,\mathrm{softmax}(x)_k}{\partial x_o}=y_k(\delta_{ko}-y_o)$$
#
# - `logits`, `uniform`, `temperature`: as above;
# - `upstream`: array $v$, shape (edges, operations).
#
# Return a dict of two arrays of the shape (edges, operations): `"forward"`, $z$, and `"gradient"`.
# Work it out by hand, in numpy; no automatic differentiation is needed.
#
# <details><summary>Hint 1: one row</summary>
# Put the derivative of the softmax into the sum over k. Two terms are left: y_o v_o, and y_o times
# a number that is the same for the whole row.
# </details>
# <details><summary>Hint 2: the inner derivative</summary>
# x = (logits + g) / temperature. What is dx / dlogits?
# </details>
# <details><summary>Hint 3: plan</summary>
# y as in 12.3. Forward: ones at the argmax of the noisy logits
# (<code>np.eye(operations)[winners]</code>). Gradient: y (v - row sum of y v) / temperature.
# </details>


# %% nbgrader={"grade_id": "ex-12-4-answer", "solution": true}
def straight_through(logits, uniform, temperature, upstream):
    """Return {"forward": one-hot sample, "gradient": that of the soft one}."""
    # Hint: each row of the gradient sums to 0. Why?
    ### BEGIN SOLUTION
    noisy = (logits - np.log(-np.log(uniform))) / temperature
    powers = np.exp(noisy - noisy.max(axis=1, keepdims=True))
    y = powers / powers.sum(axis=1, keepdims=True)
    mean = (y * upstream).sum(axis=1, keepdims=True)
    return {
        "forward": np.eye(logits.shape[1])[noisy.argmax(axis=1)],
        "gradient": y * (upstream - mean) / temperature,
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-12-4-check", "grade": true, "points": 5}
check("12.4", straight_through)

# %% [markdown]
# **What to take away.** The gradient is that of another function than the value: it is biased, and
# no finite difference will ever confirm it. It is used because the exact one is 0 nearly
# everywhere.
#
# ---
# ## 12.5 A gate that can be shut
#
# *Difficulty ●●●○○ · 20 minutes · 4 points · importance ●●○*
#
# BaLeNAS takes `none` out of the softmax and gives each connection a random gate. A sigmoid never
# is 0; the *hard-concrete* gate (Louizos et al. 2018, equations 10 to 12) stretches it beyond both
# ends and cuts:
#
# $$s=\mathrm{sigmoid}\Big(\frac{\log u-\log(1-u)+a}{\tau}\Big),\qquad
#   \text{gate}=\min(1,\max(0,\ \gamma+(\zeta-\gamma)\,s))$$
#
# with $\gamma<0$ and $\zeta>1$. (The thesis of BaLeNAS prints $\zeta>0$; then no gate would be 1.)
#
# - `logits`: array $a$, shape (edges,);
# - `uniform`: array $u$, shape (edges,);
# - `temperature`, `low`, `high`: $\tau$, $\gamma$, $\zeta$.
#
# Return a dict of three arrays of the shape (edges,): `"gate"`; `"p_open"`, the probability over
# $u$ that the gate is not 0; `"p_full"`, the probability that it is exactly 1. The last two do not
# depend on the $u$ that was drawn. Derive them; they are one line each.
#
# <details><summary>Hint 1: the noise</summary>
# log u - log(1 - u) has the logistic distribution: it is above x with the probability sigmoid(-x).
# </details>
# <details><summary>Hint 2: solve it</summary>
# gate &gt; 0 means s &gt; -low / (high - low), that is noise + logit &gt; temperature * log(odds),
# where the odds of p are p / (1 - p).
# </details>
# <details><summary>Hint 3: plan</summary>
# p_open = sigmoid(logit - temperature * log(-low / high)). p_full: the same with the odds of
# (1 - low) / (high - low).
# </details>


# %% nbgrader={"grade_id": "ex-12-5-answer", "solution": true}
def hard_concrete(logits, uniform, temperature, low, high):
    """Return {"gate": ..., "p_open": P(gate > 0), "p_full": P(gate = 1)}."""
    # Hint: count a million gates if you are not sure of a probability.
    ### BEGIN SOLUTION
    noise = np.log(uniform) - np.log(1 - uniform)
    s = 1 / (1 + np.exp(-(noise + logits) / temperature))
    shift_open = temperature * np.log(-low / high)
    shift_full = temperature * np.log((1 - low) / (high - 1))
    return {
        "gate": np.clip(low + (high - low) * s, 0, 1),
        "p_open": 1 / (1 + np.exp(shift_open - logits)),
        "p_full": 1 / (1 + np.exp(shift_full - logits)),
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-12-5-check", "grade": true, "points": 4}
check("12.5", hard_concrete)

# %% [markdown]
# **What to take away.** The number of open gates cannot be differentiated, its expectation can: it
# is the sum of the `p_open`. BaLeNAS *rewards* the open gates between neighbouring nodes, to get
# deeper cells.
#
# ---
# ## 12.6 One step of VAdam
#
# *Difficulty ●●●●○ · 25 minutes · 5 points · importance ●●○*
#
# VAdam (Khan et al. 2018) is Adam with noise on the parameters, and approximates a Gaussian
# posterior with mean $\mu$. One step, with $\tilde\delta=\delta/N$ and $t=$ `steps` $+1$:
#
# $$\theta=\mu+\frac{\epsilon}{\sqrt{Ns+\delta}},\qquad g=\text{gradient}(\theta)$$
# $$m\leftarrow\beta_1m+(1-\beta_1)(g+\tilde\delta\mu),\qquad s\leftarrow\beta_2s+(1-\beta_2)\,g^2$$
# $$\mu\leftarrow\mu-\text{rate}\;\frac{m/(1-\beta_1^t)}{\sqrt{s/(1-\beta_2^t)}+\tilde\delta}$$
#
# all of it element by element. The first line uses the $s$ of **before** the step, without
# correction.
#
# - `state`: dict with the arrays `"mu"`, `"m"`, `"s"` and the number `"steps"` of steps so far;
# - `noise`: array $\epsilon$;
# - `gradient`: function of an array, gives an array;
# - `settings`: dict with `"N"`, `"delta"`, `"rate"`, `"beta_1"`, `"beta_2"`.
#
# Return a dict of four arrays: `"theta"`, and the new `"m"`, `"s"`, `"mu"`.
#
# <details><summary>Hint 1: order</summary>
# Line by line, as printed. Only the last line corrects, and it corrects the new m and s.
# </details>
# <details><summary>Hint 2: three places of delta</summary>
# As it is in the precision; divided by N in the pull on mu and below the last fraction.
# </details>
# <details><summary>Hint 3: plan</summary>
# Unpack both dicts into variables named as in the formulas; then five lines, one for each arrow or
# equals sign.
# </details>


# %% nbgrader={"grade_id": "ex-12-6-answer", "solution": true}
def vadam_step(state, noise, gradient, settings):
    """Return {"theta": ..., "m": ..., "s": ..., "mu": ...}."""
    # Hint: which of the letters have a hat in the paper?
    ### BEGIN SOLUTION
    mu, t = state["mu"], state["steps"] + 1
    beta_1, beta_2 = settings["beta_1"], settings["beta_2"]
    d = settings["delta"] / settings["N"]
    theta = mu + noise / np.sqrt(settings["N"] * state["s"] + settings["delta"])
    g = gradient(theta)
    m = beta_1 * state["m"] + (1 - beta_1) * (g + d * mu)
    s = beta_2 * state["s"] + (1 - beta_2) * g**2
    step = m / (1 - beta_1**t) / (np.sqrt(s / (1 - beta_2**t)) + d)
    return {"theta": theta, "m": m, "s": s, "mu": mu - settings["rate"] * step}
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-12-6-check", "grade": true, "points": 5}
check("12.6", vadam_step)

# %% [markdown]
# **What to take away.** Without noise and with $\delta=0$ this is Adam, to the last digit
# (`tests/test_variational.py` checks it). What it costs is one vector of noise; what it gives is a
# standard deviation for each logit.
#
# ---
# ## 12.7 Two posteriors of one loss
#
# *Difficulty ●●●●○ · 25 minutes · 5 points · importance ●●○*
#
# Where does $g^2$ come from? *Variational online Newton* (VON) has the curvature in its place. For
# a quadratic mean loss $\frac12\sum_j h_j(\theta_j-c_j)^2$ of $N$ examples, with gradient
# $g=h(\theta-c)$, a step is (thesis of BaLeNAS, equations 5.12 to 5.14)
#
# $$\sigma=\frac1{\sqrt{N(s+\tilde\delta)}},\quad\theta=\mu+\sigma\epsilon_t,\quad
#   s\leftarrow(1-\rho)s+\rho\,\kappa,\quad
#   \mu\leftarrow\mu-\rho\,\frac{g+\tilde\delta\mu}{s+\tilde\delta}$$
#
# with $\tilde\delta=\delta/N$ and the **new** $s$ in the last formula. Run it twice from $\mu=0$,
# $s=0$ with the same noise: once with $\kappa=h$, once with $\kappa=g^2$.
#
# - `curvature`, `target`: arrays $h$, $c$;
# - `noise`: array, shape (steps, parameters): one row for each step;
# - `N`, `delta`, `rate`: $N$, $\delta$, $\rho$.
#
# Return a dict of four arrays, what holds after the last step: `"newton_mean"`, `"newton_sigma"`,
# `"square_mean"`, `"square_sigma"`. ($\sigma$ from the final $s$.)
#
# <details><summary>Hint 1: one loop for both</summary>
# Write a function of <code>kappa</code>, which takes g and returns what s follows, and call it
# twice.
# </details>
# <details><summary>Hint 2: plan</summary>
# For each row of the noise: sigma from the present s; theta; g; s; mu. After the loop sigma once
# more.
# </details>


# %% nbgrader={"grade_id": "ex-12-7-answer", "solution": true}
def two_posteriors(curvature, target, noise, N, delta, rate):
    """Return the means and standard deviations of both runs."""
    # Hint: what changes between the runs is one expression.
    ### BEGIN SOLUTION
    d = delta / N

    def run(kappa):
        mu, s = np.zeros_like(target), np.zeros_like(target)
        for e in noise:
            g = curvature * (mu + e / np.sqrt(N * (s + d)) - target)
            s = (1 - rate) * s + rate * kappa(g)
            mu = mu - rate * (g + d * mu) / (s + d)
        return mu, 1 / np.sqrt(N * (s + d))

    newton, square = run(lambda g: curvature), run(lambda g: g**2)
    return {
        "newton_mean": newton[0],
        "newton_sigma": newton[1],
        "square_mean": square[0],
        "square_sigma": square[1],
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-12-7-check", "grade": true, "points": 5}
check("12.7", two_posteriors)

# %% [markdown]
# **What to take away.** With the curvature, $\sigma$ ends at that of the true posterior. With the
# square it stays far wider, and the mean is the same but for more noise. A search that uses $g^2$
# explores more than its own theory asks for. That may be good, but it is not Bayes' rule.
#
# ---
# ## 12.8 Three faults on one edge
#
# *Difficulty ●●●●○ · 25 minutes · 5 points · importance ●●●*
#
# Here is somebody's edge in the style of GDAS. It gets what each operation gives, the logits of the
# edge, the numbers of a random generator, the temperature, and the gradient that comes from above.
# It returns what the edge passes on, and the gradient by the logits.
# Unlike GDAS, it may use what all operations give, also those that were not drawn.
#
# - `outputs`: tensor, shape (operations, features): row $o$ is what operation $o$ gives;
# - `logits`: tensor, shape (operations,);
# - `draws`: tensor, shape (operations, operations): row after row what the generator gives, uniform
#   numbers. Each fresh draw of the noise takes the next row;
# - `temperature`: a number; `upstream`: tensor, shape (features,).


# %%
def faulty_edge(outputs, logits, draws, temperature, upstream):
    """Return {"value": (features,), "gradient": (operations,)}."""
    logits = logits.clone().requires_grad_()
    value = torch.zeros_like(upstream)
    for number, output in enumerate(outputs):
        gumbel = -torch.log(-torch.log(draws[number]))
        soft = (logits / temperature + gumbel).softmax(dim=0)
        hard = torch.nn.functional.one_hot(soft.argmax(), len(logits)).to(soft)
        gate = hard * (1 + soft - soft.detach())  # the value of hard, the gradient of soft
        value = value + gate[number] * output
    (gradient,) = torch.autograd.grad((value * upstream).sum(), logits)
    return {"value": value.detach(), "gradient": gradient}


# %% [markdown]
# It runs, the shapes are right, and nothing is `nan`. Try it with operations that give one-hot
# rows, so that the value shows which of them were let through, and with probabilities 0.5, 0.3,
# 0.2.


# %%
def look(edge, count=500):
    """Print, for three temperatures, what passes the edge, and who hears of it."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.tensor([0.5, 0.3, 0.2], dtype=torch.double).log()
    one_hot, last = torch.eye(3).double(), torch.tensor([0.0, 0.0, 1.0]).double()
    for temperature in (0.2, 1.0, 5.0):
        passed, heard = [], []
        for _ in range(count):
            draws = torch.rand(3, 3, generator=generator, dtype=torch.double)
            result = edge(one_hot, logits, draws, temperature, last)
            passed.append(result["value"])
            heard.append(result["value"][2] == 0 and result["gradient"].abs().max() > 1e-9)
        values = torch.stack(passed)
        shares = ", ".join(f"{share:.1f}" for share in values.mean(dim=0))
        single = (values.sum(dim=1) - 1).abs().lt(1e-9).double().mean()
        quiet = sum(heard) / max(1, int((values[:, 2] == 0).sum()))
        print(f"temperature {temperature}: shares {shares}; exactly one passes {single:.1f};")
        print(f"    not drawn, yet the gradient hears of operation 2: {quiet:.1f}")


look(faulty_edge)

# %% [markdown]
# The shares should be about 0.5, 0.3, 0.2 at every temperature (500 draws: give or take 0.05),
# exactly one operation should pass, and
# the gradient should hear of an operation that would have been useful although it was not drawn.
#
# Three faults are in `faulty_edge`; each sits in one or two lines. Find them, and write the
# repaired edge: copy the function's body and change as little as possible. When it passes, run
# `look(gdas_edge)`. (At temperature 0.2 the last figure may stay below 1: cold soft samples are
# nearly one-hot, and the gradient is nearly 0.)
#
# <details><summary>Hint 1: one edge, one decision</summary>
# How often is <code>gumbel</code> drawn while the edge is computed once? Suppose that the noise of
# operation 0 lets operation 1 win, and that of operation 1 lets operation 0 win.
# </details>
# <details><summary>Hint 2: hot and cold</summary>
# Compare the line of <code>soft</code> with the formula of 12.3.
# </details>
# <details><summary>Hint 3: who hears?</summary>
# What is the derivative of <code>gate[2]</code> by <code>soft[2]</code> when <code>hard[2]</code>
# is 0?
# </details>
# <details><summary>Hint 4: plan</summary>
# Move gumbel, soft, hard and gate in front of the loop, with <code>draws[0]</code>. Divide the sum.
# The gate is <code>hard - soft.detach() + soft</code>.
# </details>


# %% nbgrader={"grade_id": "ex-12-8-answer", "solution": true}
def gdas_edge(outputs, logits, draws, temperature, upstream):
    """Return {"value": (features,), "gradient": (operations,)}."""
    # Hint: the shapes are right in every line; ask what each line means.
    ### BEGIN SOLUTION
    logits = logits.clone().requires_grad_()
    gumbel = -torch.log(-torch.log(draws[0]))
    soft = ((logits + gumbel) / temperature).softmax(dim=0)
    hard = torch.nn.functional.one_hot(soft.argmax(), len(logits)).to(soft)
    gate = hard - soft.detach() + soft
    value = torch.zeros_like(upstream)
    for number, output in enumerate(outputs):
        value = value + gate[number] * output
    (gradient,) = torch.autograd.grad((value * upstream).sum(), logits)
    return {"value": value.detach(), "gradient": gradient}
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-12-8-check", "grade": true, "points": 5}
check("12.8", gdas_edge)

# %% [markdown]
# **What to take away.** Each fault has its own symptom, and a falling loss shows none of them: the
# noise drawn anew lets no operation or several pass; the temperature in the wrong place freezes or
# levels the choice; the lost gradient keeps an operation from being found that was not drawn. The
# real GDAS does not compute the operations that were not drawn. Its logits get a gradient all the
# same, but one made with ones in the place of their outputs: it moves them and knows nothing of
# what they would have given. That is the price of its speed.
