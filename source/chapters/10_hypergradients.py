# %% [markdown]
# # 10 Hypergradients
#
# Chapter 08 asked the validation loss which architecture parameters it wants. But the weights
# depend on them too: change $\alpha$, train again, and the weights come out different. The
# derivative that counts this in is the **hypergradient**, and nobody can afford it exactly. DARTS,
# iDARTS and hyperDARTS differ in how they estimate it.
#
# After this chapter you can
#
# - derive the hypergradient, and split it into a direct part and one through the weights;
# - write the estimators in a few lines each, and say what each costs and what it leaves out;
# - measure their error where the exact answer is known, in NAS and outside it;
# - put a hypergradient into a training loop of your own;
# - read what papers claim about them with the right questions.
#
# **Predict before you read on.** You stop training early, as every search does, and then solve the
# equation for the hypergradient *exactly*. Is the result exact? Nearly? Or can it be farther off
# than an estimate that only looks some steps ahead? Write your guess down; section 3 answers.
# (Where a later cell answers such a question, its stored output is folded: it opens when you run
# the cell, or with a click on the dots.)

# %%
import json
import warnings
from pathlib import Path

import numpy as np
import torch
from ipywidgets import FloatSlider, IntSlider, SelectionSlider
from scipy.stats import ttest_ind
from torch import nn

from nas_course import data, leaderboard, methods, models, plots, search, widgets
from nas_course.data import regression
from nas_course.spaces import DARTSSpace
from nas_course.strategies import gradient
from nas_course.strategies.gradient import bilevel_bench, bilevel_problems

torch.set_num_threads(1)
grad = torch.autograd.grad

# %% [markdown]
# ## 1. Two levels, by hand
#
# A *bilevel problem* has an inner and an outer level. The inner one trains weights $w$ for given
# $\alpha$; the outer one judges what came out:
#
# $$\min_\alpha\; L_{val}(w^*(\alpha),\alpha),\qquad w^*(\alpha)=\arg\min_w L_{train}(w,\alpha)$$
#
# To see everything, take two quadratics, with 20 weights and 5 parameters ($c$ is a target for the
# weights, $\rho$ a small number):
#
# $$L_{train}=\tfrac12 w^\top H w-w^\top B\alpha,\qquad
# L_{val}=\tfrac12\lVert w-c\rVert^2+\tfrac\rho2\lVert\alpha\rVert^2$$
#
# The inner solution is where $Hw=B\alpha$. The eigenvalues of $H$, the *curvatures*, lie between
# 0.01 and 1. Largest over smallest, here 100, is the *conditioning*: it says how much longer the
# flattest direction takes to train than the steepest.

# %%
problem = bilevel_problems.QuadraticBilevel(conditioning=100.0)
H, B, c, rho = problem.H, problem.B, problem.c, problem.rho
(w,), (alpha,) = problem.bilevel.weights, problem.bilevel.alphas


def train_loss(w, alpha):
    """What the weights descend."""
    return w @ H @ w / 2 - w @ B @ alpha


def valid_loss(w, alpha):
    """What the architecture parameters should descend, at the trained weights."""
    return ((w - c) ** 2).sum() / 2 + rho * (alpha**2).sum() / 2


def best_weights(alpha):
    """w*: where the gradient of the training loss vanishes."""
    return torch.linalg.solve(H, B @ alpha)


# %% [markdown]
# Here we can differentiate through the training itself, for it is one line. That is the exact
# hypergradient, and a finite difference agrees: move $\alpha$, train again, look at the loss.

# %%
trained = alpha.detach().clone().requires_grad_()
(exact,) = grad(valid_loss(best_weights(trained), trained), trained)

step = torch.zeros(5, dtype=torch.double)
step[2] = 1e-4
ends = [valid_loss(best_weights(a), a) for a in (alpha.detach() + step, alpha.detach() - step)]
assert torch.isclose((ends[0] - ends[1]) / 2e-4, exact[2])
assert torch.allclose(exact, problem.exact()[0])
print("hypergradient:", [round(x, 1) for x in exact.tolist()])

# %% [markdown]
# The chain rule splits it in two:
#
# $$\frac{dL_{val}}{d\alpha}=\underbrace{\frac{\partial L_{val}}{\partial\alpha}}_{\text{direct}}
# +\underbrace{\Big(\frac{\partial w^*}{\partial\alpha}\Big)^{\!\top}
# \frac{\partial L_{val}}{\partial w}}_{\text{response}}$$
#
# The *response Jacobian* $\partial w^*/\partial\alpha$ follows without differentiating any
# training: at the solution the inner gradient is zero and stays zero when $\alpha$ moves, so
# $\frac{\partial^2L_{train}}{\partial w^2}\,dw+\frac{\partial^2L_{train}}{\partial
# w\,\partial\alpha} \,d\alpha=0$. This is the *implicit function theorem*:
#
# $$\frac{\partial w^*}{\partial\alpha}=
# -\Big(\frac{\partial^2L_{train}}{\partial w^2}\Big)^{-1}
# \frac{\partial^2L_{train}}{\partial w\,\partial\alpha}$$

# %%
problem.solve()  # puts w at its solution
direct, v = grad(valid_loss(w, alpha), [alpha, w])
jacobian = torch.linalg.solve(H, B)  # the mixed second derivative is -B
assert torch.allclose(direct + jacobian.T @ v, exact)
print(f"direct part: {direct.norm() / exact.norm():.4%} of the hypergradient's length")

# %% [markdown]
# In this problem nearly everything is response. A supernet lies between: $\alpha$ enters its
# validation loss directly too, through every mixture.
#
# ## 2. The estimators
#
# ### First order: drop the response
#
# The direct part alone. First-order DARTS.

# %%
def first_order():
    """Return dL_val/dalpha at fixed weights."""
    return grad(valid_loss(w, alpha), alpha)[0]


def same(ours, estimator):
    """Hold our few lines against the package's estimator."""
    _, (theirs,) = estimator(problem.bilevel)
    assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-9)
    return f"equals the package's {type(estimator).__name__}: True"


print(same(first_order(), gradient.FirstOrder()))

# %% [markdown]
# ### T steps: differentiate through the training
#
# Train for $T$ steps of size $\gamma$ and keep the graph. With $T=1$ this is second-order DARTS;
# with $T\to\infty$ it is the hypergradient. Weights move only inside this function: it looks
# ahead.

# %%
def unrolled(gamma, steps):
    """Differentiate L_val after some inner steps from here."""
    x = w
    for _ in range(steps):
        (q,) = grad(train_loss(x, alpha), x, create_graph=True)
        x = x - gamma * q
    return grad(valid_loss(x, alpha), alpha)[0]


gamma = 0.9  # the largest curvature is 1: shorter than 1 / 1
print(same(unrolled(gamma, 1), gradient.ExactUnrolled(gamma)))
print(same(unrolled(gamma, 7), gradient.ReverseMode(gamma, steps=7)))
print(same(unrolled(gamma, 1), gradient.Unrolled(gamma)), "(by differences; exact on a quadratic)")

# %% [markdown]
# Our graph grows with $T$. The package keeps only the weights $w_0,\dots,w_T$ and goes back through
# them one by one, with one graph at a time. It starts with $g=\partial L_{val}/\partial\alpha$ at
# $w_T$, and ends with the hypergradient in $g$:
#
# $$v_T=\frac{\partial L_{val}}{\partial w_T},\qquad
# g\leftarrow g-\gamma\frac{\partial^2L_{train}(w_t)}{\partial\alpha\,\partial w}v_{t+1},\qquad
# v_t=v_{t+1}-\gamma\frac{\partial^2L_{train}(w_t)}{\partial w^2}v_{t+1}$$
#
# **Truncated** reverse mode stops after the last $K$ of the $T$ steps: the contributions of earlier
# steps have passed through more factors $I-\gamma H$, so they are the small ones.
#
# What it needs is $Hv$, never $H$: a *Hessian-vector product*, the gradient of $q^\top v$ where
# $q$ is the training gradient. With a million weights $H$ would have $10^{12}$ entries.

# %%
(q,) = grad(train_loss(w, alpha), w, create_graph=True)  # keeps q differentiable
(product,) = grad(q, w, v, retain_graph=True)
assert torch.allclose(product, H @ v)
print("Hessian-vector product without a Hessian: True")

# %% [markdown]
# ### Neumann series: iDARTS
#
# Where $w$ is trained already, unrolling from there repeats the same step $T$ times. Then
# $H^{-1}$ can be written as a geometric series, and cut. $K$ counts the *products* with $H$ (the
# package's option is called `terms`); with the first, $v$ itself, there are $K+1$ terms:
#
# $$H^{-1}v=\gamma\sum_{k=0}^{\infty}(I-\gamma H)^k\,v\qquad\text{if } 0<\gamma H<2$$


# %%
def neumann(gamma, terms):
    """Return direct - gamma (mixed derivative) (v_0 + ... + v_K), v_k = (I - gamma H) v_(k-1)."""
    direct, v = grad(valid_loss(w, alpha), [alpha, w])
    (q,) = grad(train_loss(w, alpha), w, create_graph=True)
    p = v
    for _ in range(terms):
        v = v - gamma * grad(q, w, v, retain_graph=True)[0]
        p = p + v
    return direct - gamma * grad(q, alpha, p)[0]


print(same(neumann(gamma, 5), gradient.Neumann(gamma, terms=5)))

# %% [markdown]
# At the solution, $K$ steps of reverse mode are a series with $K-1$ products, that is of $K$ terms:

# %%
assert torch.allclose(unrolled(gamma, 6), neumann(gamma, 5))
assert not torch.allclose(unrolled(gamma, 5), neumann(gamma, 5))
print(same(neumann(gamma, 3), gradient.ReverseMode(gamma, steps=50, kept=4)), "with 4 of 50 steps")

# %% [markdown]
# ### Conjugate gradients: the same products, used better
#
# A series adds up $v, Hv, H^2v,\dots$ with fixed weights. Conjugate gradients combine the same
# vectors so that the error $e$ of the solution has the smallest possible $e^\top He$, and need no
# step size.


# %%
def conjugate_gradient(iterations):
    """Return direct - (mixed derivative) x, where H x = v is solved approximately."""
    direct, v = grad(valid_loss(w, alpha), [alpha, w])
    (q,) = grad(train_loss(w, alpha), w, create_graph=True)
    x, r, d = torch.zeros_like(v), v, v
    for _ in range(iterations):
        (Hd,) = grad(q, w, d, retain_graph=True)
        length = (r @ r) / (d @ Hd)
        x, rest = x + length * d, r - length * Hd
        r, d = rest, rest + (rest @ rest) / (r @ r) * d
    return direct - grad(q, alpha, x)[0]


print(same(conjugate_gradient(5), gradient.ConjugateGradient(iterations=5)))

# %% [markdown]
# And for small problems, the whole Hessian and a linear solver: the reference for the bench.

# %%
print(same(exact, gradient.DenseImplicit()))

# %% [markdown]
# ## 3. The bench
#
# Three problems with a known answer, and every estimator on each, at two points:
#
# | problem | weights | exact hypergradient from |
# | --- | --- | --- |
# | quadratic (above) | 20 | a formula |
# | ridge regression, one regularization for each feature (10 real, 10 noise; section 5 takes 20 of noise) | 20 | a formula |
# | a tiny supernet: two mixed edges over none, linear, tanh, softplus; digits | 288 | training to the last digit by Newton's method, then the dense Hessian |
#
# *Solved*: the weights are at $w^*(\alpha)$. *Early*: 30 steps after their start, as in a search.
# The truth is the same in both: the hypergradient at $w^*(\alpha)$. The step size is 1 over the
# largest curvature everywhere. `benchmarks/hypergradients.py` measured it, and the file is read
# here. (The command printed below needs a copy of the course's repository; the results come with
# the notebooks.)

# %%
bench = json.loads(Path("../results/hypergradients.json").read_text(encoding="utf-8"))
print(bench["command"])
plots.draw_bench(bench["rows"], "tiny supernet")

# %% [markdown]
# Read the left column first, then the right one, and compare with your prediction. The same in
# numbers: how many passes of automatic differentiation until the error is below 10 %?


# %%
def first_below(problem, point, estimator, limit=0.1):
    """Passes of the cheapest setting whose error is below a limit; "-" if none."""
    rows = [row for row in bench["rows"] if row["error"] < limit
            and (row["problem"], row["point"], row["estimator"]) == (problem, point, estimator)]
    return min((row["gradients"] + row["products"] for row in rows), default="-")


columns = [(row["problem"], point) for row in bench["problems"] for point in bilevel_bench.POINTS]
print(" " * 22, *(f"{name.split()[-1]:>10}" for name, _ in columns))
print(" " * 22, *(f"{point:>10}" for _, point in columns))
for name in plots.hypergradients.ESTIMATORS:
    print(f"{name:22}", *(f"{first_below(*column, name):>10}" for column in columns))

# %% [markdown]
# Four things follow from this table and the figure; the cells check what the text says.

# %%
def passes(row):
    """Gradients and products of one estimate."""
    return row["gradients"] + row["products"]


def by_amount(problem, point, estimator):
    """Rows by T, K or the number of iterations."""
    return {row["amount"]: row for row in bench["rows"]
            if (row["problem"], row["point"], row["estimator"]) == (problem, point, estimator)}


def errors(*which):
    """Errors by amount."""
    return {amount: row["error"] for amount, row in by_amount(*which).items()}


for name, _ in columns[::2]:
    for k, row in by_amount(name, "solved", "reverse mode").items():
        assert passes(row) == 4 * k
        series = by_amount(name, "solved", "Neumann")[k]
        assert passes(series) == k + 3
        assert row["products"] == 2 * k - 1 and series["products"] == k + 1
    solved = {e: errors(name, "solved", e) for e in plots.hypergradients.ESTIMATORS}
    assert solved["unrolled, exact"][None] > 0.7 * solved["first order"][None]
    assert solved["reverse mode"][128] > solved["Neumann"][128] > solved["reverse mode"][256]
    assert solved["conjugate gradient"][16] < solved["Neumann"][16]
    assert np.isclose(solved["truncated to 4"][256], solved["truncated to 4"][4])
    dense = errors(name, "early", "implicit, dense")[None]
    ahead = errors(name, "early", "reverse mode")
    steps = min(amount for amount, error in ahead.items() if error < dense)
    print(f"{name}, early: solved exactly, off by {dense:.0%}; {steps} steps ahead, "
          f"{ahead[steps]:.0%}; 256 steps ahead, {ahead[256]:.0%}")


# %%
def best(name, estimator, limit):
    """Smallest error, early, of the measured settings with at most so many passes."""
    rows = by_amount(name, "early", estimator).values()
    return min((row["error"] for row in rows if passes(row) <= limit), default=np.inf)


others = ("unrolled, exact", "reverse mode", "truncated to 4", "Neumann")
for name, _ in columns[::2]:
    for limit in range(5, 65):
        mine = best(name, "conjugate gradient", limit)
        assert mine < min(best(name, other, limit) for other in others)
for limit in (64, 128):
    print(f"tiny supernet, early, at most {limit} passes:",
          ", ".join(f"{e} {best('tiny supernet', e, limit):.0%}"
                    for e in ("conjugate gradient", "reverse mode")))
cg = errors("tiny supernet", "early", "conjugate gradient")
assert cg[4] < dense < cg[256] and min(cg, key=cg.get) == 4

# %% [markdown]
# 1. **One step is little better than none.** DARTS' second order recovers the response only in
#    directions of large curvature: in one with curvature $\lambda$ a share $\gamma\lambda$ of it.
# 2. **At the solution** reverse mode and the Neumann series have nearly the same error for equal
#    $T$ and $K$, and the series takes half of the products and about a quarter of the passes, $K+3$
#    against $4T$: each step of reverse mode needs its gradient on the way forward, the same once
#    more on the way back, and two products there; each term of the series one product. Conjugate
#    gradients need fewer than both.
# 3. **Truncation saves memory, not error.** At the solution four terms are four terms, after
#    however many steps.
# 4. **Early in training implicit estimators answer for the weights they stand at.** Solved better
#    and better, they come to the answer of the exact solve, which is *farther off* than an estimate
#    that walks towards the solution. That walk is long: as many steps as printed above, of four
#    passes each. From 5 to 64 passes conjugate gradients are ahead of steps and series even here,
#    on all three problems. On the supernet that ends at 128 passes; and they have to be stopped in
#    time there: after 4 iterations they are nearer than the exact solve, later they are not.
#    Without the truth beside it nobody sees when.
#
# On the tiny supernet, early, there is more: its Hessian has **negative** eigenvalues there. The
# theorems assume it positive. Conjugate gradients have to stop, the series grows.

# %%
rows = [row for row in bench["rows"] if row["stopped"]]
assert {(row["problem"], row["point"]) for row in rows} == {("tiny supernet", "early")}
for name in ("Neumann", "conjugate gradient"):
    (after,) = {row["products"] - 1 for row in rows if row["estimator"] == name}
    print(f"tiny supernet, early: {name} stopped after {after} products, however many it may take")

# %% [markdown]
# ### Which part of the inverse is recovered?
#
# In the direction of an eigenvector with curvature $\lambda$ the exact estimate takes $1/\lambda$;
# $T$ steps take the share $1-(1-\gamma\lambda)^T$ of that, and a series of $K$ products the share
# $1-(1-\gamma\lambda)^{K+1}$. *Before you move the sliders: which directions come last, and what
# does a worse conditioned Hessian do to conjugate gradients? And a step size above 2?*

# %%
def recovered(steps, products, step_size, conditioning):
    """Shares by curvature, and the error of the estimators, on a quadratic at its solution."""
    quadratic = bilevel_problems.QuadraticBilevel(weights=60, conditioning=conditioning)
    quadratic.solve()
    curvatures = torch.linalg.eigvalsh(quadratic.H).numpy()
    left = 1 - step_size * curvatures
    estimators = {
        "one step": gradient.ExactUnrolled(step_size),
        f"reverse mode (T = {steps})": gradient.ReverseMode(step_size, steps),
        f"Neumann (K = {products})": gradient.Neumann(step_size, products, growth_limit=np.inf),
    }
    shares = [1 - left**power for power in (1, steps, products + 1)]
    every = estimators | {f"conj. gradient ({products})": gradient.ConjugateGradient(products)}
    truth = quadratic.exact()
    off = {name: bilevel_bench.error_and_angle(e(quadratic.bilevel)[1], truth)[0]
           for name, e in every.items()}
    return plots.draw_recovered(curvatures, dict(zip(estimators, shares, strict=True)), off)


widgets.FigurePanel(
    recovered,
    steps=IntSlider(value=5, min=1, max=60, description="steps T"),
    products=IntSlider(value=20, min=0, max=60, description="products K"),
    step_size=FloatSlider(value=1.0, min=0.1, max=2.2, step=0.1),
    conditioning=SelectionSlider(options=[1, 3, 10, 30, 100, 1000], value=30),
)

# %% [markdown]
# Flat directions come last, and most of the error sits there. Above 2 the share of the *steepest*
# direction runs away (arrows: outside the picture). A longer step helps the flat directions all the
# same, so the error may fall first; with more products it explodes:

# %%
quadratic = bilevel_problems.QuadraticBilevel(weights=60, conditioning=30)
quadratic.solve()
for step_size, products in ((1.0, 20), (2.1, 20), (2.2, 20), (2.2, 60)):
    series = gradient.Neumann(step_size, products, growth_limit=np.inf)(quadratic.bilevel)[1]
    error, _ = bilevel_bench.error_and_angle(series, quadratic.exact())
    steepest = 1 - (1 - step_size) ** (products + 1)  # its curvature is 1
    print(f"step size {step_size}, K = {products}: share of the steepest direction "
          f"{steepest:.3g}, error {error:.0%}")

# %% [markdown]
# That is what a learning rate above 2 over the curvature does. The package's `Neumann` watches
# $\lVert v_k\rVert$ and ends the sum before a term that grows:

# %%
guarded = gradient.Neumann(2.1, terms=300)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    guarded(problem.bilevel)
print(type(caught[0].message).__name__, str(caught[0].message).split(". ")[0], sep=": \n")
print(f"stopped after {len(guarded.norms) - 1} of 300 products")

# %% [markdown]
# ### What a pass costs on a real supernet
#
# In operations a Hessian-vector product is one to two gradients. The same command timed both on a
# DARTS supernet for digits, with 4 channels (processor time, relative to first order):

# %%
for row in bench["supernet"]:
    print(f"{row['estimator']:24} {row['gradients']} gradients, {row['products']} products: "
          f"{row['over_first_order']:5.1f} times first order")
cost = {row["estimator"]: row["over_first_order"] for row in bench["supernet"]}
per_gradient = cost["unrolled, differences"] / 4
per_product = (cost["Neumann, K = 2"] - cost["Neumann, K = 0"]) / 2
print(f"so one product costs {per_product / per_gradient:.0f} gradients here")

# %% [markdown]
# That is a reason for DARTS' finite differences, which need no products. If only they were
# exact.
#
# ## 4. Kinks and finite differences
#
# DARTS replaces the product by a difference of two gradients, at weights $w\pm\epsilon v$, moved
# by a length of 0.01 to either side. The error is $O(\epsilon^2)$, *if the loss is smooth*. ReLU
# and max pooling have kinks. *Predict the three curves: a network with kinks, the same one with
# softplus and average pooling instead, and the one with kinks in single precision.*

# %%
def make_smooth(module):
    """Replace what has kinks."""
    for name, child in module.named_children():
        if isinstance(child, nn.ReLU):
            setattr(module, name, nn.Softplus())
        elif isinstance(child, nn.MaxPool2d):
            setattr(module, name, nn.AvgPool2d(3, child.stride, 1))
        else:
            make_smooth(child)


images = data.load("digits", train_images=64, valid_images=64, test_images=64, device="cpu")


def supernet_problem(change=lambda network: None, dtype=torch.double):
    """A small DARTS supernet and two batches as a bilevel problem."""
    network = models.build_supernet(
        DARTSSpace(), channels=2, cells=3, classes=10, in_channels=1,
        generator=torch.Generator().manual_seed(0), alpha_scale=0.5,
    )
    change(network)
    network.to(dtype)

    def loss(part):
        x = part.images[:16].to(dtype)
        return nn.functional.cross_entropy(network(x), part.labels[:16])

    alphas = list(network.alphas.values())
    return gradient.Bilevel(lambda: loss(images.valid), lambda: loss(images.train), alphas,
                            network.weights())


# %% tags=["nbval-ignore-output"] jupyter={"outputs_hidden": true}
lengths = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
curves, first_order_error = {}, {}
for name, options in {
    "ReLU and max pooling": {},
    "softplus and average pooling": {"change": make_smooth},
    "ReLU, single precision": {"dtype": torch.float32},
}.items():
    point = supernet_problem(**options)
    truth = gradient.ExactUnrolled(0.025)(point)[1]
    methods_tried = [gradient.FirstOrder(), *(gradient.Unrolled(0.025, x) for x in lengths)]
    first_order_error[name], *curves[name] = (
        bilevel_bench.error_and_angle(method(point)[1], truth)[0] for method in methods_tried
    )
kinks, smooth, single = curves
plots.draw_differences(lengths, curves, first_order_error[kinks])

# %% jupyter={"outputs_hidden": true}
at = {name: dict(zip(lengths, errors, strict=True)) for name, errors in curves.items()}
print(f"at DARTS' length of 0.01: error {at[single][1e-2]:.0%}; "
      f"with the response left out: {first_order_error[single]:.0%}")
assert at[kinks][1e-2] > 1 > first_order_error[kinks]
assert np.allclose(curves[kinks][:5], curves[single][:5], rtol=0.2)  # kinks, not rounding
assert at[kinks][1e-6] < 1e-6 and at[single][1e-6] > 10
ratios = np.array(curves[smooth][:3]) / curves[smooth][1:4]
assert ((ratios > 80) & (ratios < 125)).all()

# %% [markdown]
# On the smooth network the error falls a hundredfold for every tenth of the length. With kinks a
# difference that crosses one adds *jump / length*: down to $10^{-5}$ the shorter it is, the worse,
# in both precisions alike. **At DARTS' own length the error is larger than the gradient itself, and
# larger than that of leaving the response out** (dashed). Only a difference too short to cross any
# kink is exact; in single precision, in which every search runs, rounding has taken over by then.
# (The last point of that curve is luck: the one before it is a thousand times higher.) Apart from
# that point only the length 0.1 does better there than first order. All this is one network at one
# point, at its random start. And what would it buy? The *exact* one-step gradient is itself only a
# small part of the response.
#
# ## 5. The same outside NAS: a regularization for every feature
#
# Nothing above knows about architectures. Take ridge regression on 442 patients (chapter 01's
# data), with 20 columns of pure noise beside the 10 real ones, and let each feature have its own
# regularization:
#
# $$L_{train}=\frac1{2n}\lVert Xw-y\rVert^2+\tfrac12\sum_j e^{\alpha_j}w_j^2,\qquad
# L_{val}=\frac1{2m}\lVert Zw-z\rVert^2$$
#
# Thirty hyperparameters are too many for a grid. $\alpha$ does not enter $L_{val}$ directly: *what
# does first order see?* And *will learning them lower the test error?*

# %% jupyter={"outputs_hidden": true}
def tuned_ridge(seed):
    """Validation and test error with one regularization for all (grid), and with one for each."""
    ridge = bilevel_problems.RidgeBilevel(regression.diabetes(seed), noise_features=20, seed=seed)
    (alpha,) = ridge.bilevel.alphas
    grid = []
    for log_decay in np.arange(-8, 3, 0.5):
        alpha.data.fill_(log_decay)
        ridge.solve()
        grid.append((2 * ridge.bilevel.outer().item(), ridge.test_error(), log_decay))
    alpha.data.fill_(min(grid)[2])  # start from the best
    adam = torch.optim.Adam([alpha], lr=0.1)
    for _ in range(100):
        ridge.solve()
        alpha.grad = gradient.ConjugateGradient(iterations=15)(ridge.bilevel)[1][0]
        adam.step()
    ridge.solve()
    return ridge, min(grid)[:2], (2 * ridge.bilevel.outer().item(), ridge.test_error())


ridges = [tuned_ridge(seed) for seed in range(8)]
_, (nothing,) = gradient.FirstOrder()(ridges[0][0].bilevel)
print("largest entry of the first-order estimate:", nothing.abs().max().item())

# %%
values = ridges[0][0].bilevel.alphas[0].detach().exp().numpy()
names = ["age", "sex", "bmi", "pressure", *(f"blood {k}" for k in range(1, 7))]
plots.draw_regularization(
    dict(zip(names, values[:10], strict=True)),
    {f"noise {k + 1}": value for k, value in enumerate(values[10:])},
)

# %% jupyter={"outputs_hidden": true} nas_course={"tol": {"abs": 0.02}}
print("             one for all       one for each")
print("split      valid    test      valid    test")
for seed, (_, one, each) in enumerate(ridges):
    print(f"{seed:5d}  {one[0]:9.3f} {one[1]:7.3f}  {each[0]:9.3f} {each[1]:7.3f}")
gains = np.array([np.subtract(one, each) for _, one, each in ridges])
assert (gains[:, 0] > 0).all() and gains[:, 0].mean() > 3 * gains[:, 1].mean()
assert all(len(ridge.z) == 89 for ridge, _, _ in ridges)  # patients of the validation part
print(f"mean gain on the validation part {gains[:, 0].mean():.3f}, on the test part "
      f"{gains[:, 1].mean():.3f}; lower test error in {(gains[:, 1] > 0).sum()} of "
      f"{len(gains)} splits")
little = dict(zip(names, values[:10], strict=True))
assert min(little, key=little.get) == "age" and (values[10:] < 0.1).sum() == 5
assert gains[0, 1] < 0 < gains[0, 0]  # the split of the picture: overfitted

# %% [markdown]
# The hypergradient did its work: the validation error fell in every split. In the picture (split 0)
# half of the noise is pressed down hard. But "age" has the least regularization of all, and five
# columns of noise have less than 0.1: they happen to fit this validation part. There the test error
# even rose. On average little of the gain is left on the test part: thirty numbers were fitted to
# the 89 patients of the validation part. **A correct hypergradient does not keep you from
# overfitting the validation part**, and the 224 logits of a supernet are fitted in the same way.
# (Chapter 01's winner's curse, with a gradient.)
#
# ### A whole loop: which labels can be trusted?
#
# The ridge problem has a formula for its solution. Mostly there is none, and one does as a search
# does: some steps of the weights, one of the alphas, and again. Here is such a loop, complete, for
# a classifier of digits. About 40 % of its 300 training labels are wrong, and nobody says which;
# 100 more images have labels that can be trusted. Every training image gets a weight, and the
# trusted ones judge what came out ($\ell$ is the cross-entropy of one image):
#
# $$L_{train}=\frac1n\sum_i\mathrm{sigmoid}(\alpha_i)\,\ell_i(w)+0.005\,\lVert w\rVert^2,\qquad
# L_{val}=\frac1m\sum_{\text{trusted}}\ell_j(w)$$


# %%
def spoilt_digits(seed):
    """Training part with wrong labels, trusted part, test part; and which labels are wrong."""
    parts = data.load("digits", seed=seed, train_images=300, valid_images=100, device="cpu")
    (x, labels), trusted, test = (
        (part.images.flatten(1), part.labels) for part in (parts.train, parts.valid, parts.test)
    )
    generator = torch.Generator().manual_seed(seed)
    wrong = torch.rand(300, generator=generator) < 0.4
    others = (labels + torch.randint(1, 10, (300,), generator=generator)) % 10
    return (x, torch.where(wrong, others, labels)), trusted, test, wrong


# %%
def learn(train, trusted, estimator):
    """Train a linear classifier, and how far to trust each of its training images."""
    model, cross_entropy = nn.Linear(64, 10), nn.functional.cross_entropy
    for weight in model.parameters():
        nn.init.zeros_(weight)
    alpha = torch.zeros(len(train[1]), requires_grad=True)

    def train_loss():
        losses = cross_entropy(model(train[0]), train[1], reduction="none")
        decay = sum((weight**2).sum() for weight in model.parameters())
        return (alpha.sigmoid() * losses).mean() + 0.005 * decay

    task = gradient.Bilevel(lambda: cross_entropy(model(trusted[0]), trusted[1]), train_loss,
                            alphas=[alpha], weights=list(model.parameters()))
    inner, outer = torch.optim.SGD(model.parameters(), lr=0.5), torch.optim.Adam([alpha], lr=0.1)
    for step in range(500):
        inner.zero_grad()
        train_loss().backward()
        inner.step()
        if step % 5 == 4:  # and now the alphas
            _, (alpha.grad,) = estimator(task)
            outer.step()
    return model, alpha.detach().sigmoid()


# %% [markdown]
# The two lines under the last comment are all that a hypergradient adds to a training. $\gamma$ of
# the Neumann series is the learning rate of the weights. First order sees nothing here, so with it
# the same loop is ordinary training. *Predict two things: will the weights tell right labels from
# wrong ones? And will the classifier beat one that trains on the 100 trusted images alone?*

# %% jupyter={"outputs_hidden": true} nas_course={"tol": {"abs": 0.011}}
def compare(seed):
    """Test accuracy of three ordinary trainings and of the learnt weights; mean weights."""
    train, trusted, test, wrong = spoilt_digits(seed)
    both = tuple(torch.cat(pair) for pair in zip(train, trusted, strict=True))
    trained = [learn(part, trusted, gradient.FirstOrder()) for part in (train, both, trusted)]
    trained.append(learn(train, trusted, gradient.Neumann(0.5, terms=5)))
    trust = trained[-1][1]
    right = [(model(test[0]).argmax(1) == test[1]).double().mean().item() for model, _ in trained]
    return *right, trust[~wrong].mean().item(), trust[wrong].mean().item()


print("       test accuracy, trained on             mean weight of labels")
print("split  all   all + trusted  trusted  learnt  right  wrong")
results = np.array([compare(seed) for seed in range(4)])
for seed, (alone, both, trusted, learnt, right, wrong) in enumerate(results):
    print(f"{seed:5d}  {alone:.2f}  {both:13.2f}  {trusted:7.2f}  {learnt:6.2f}  "
          f"{right:5.2f}  {wrong:5.2f}")
assert (results[:, 4] > 5 * results[:, 5]).all()
assert (results[:, 3] > results[:, :2].max(1)).all()
assert abs(results[:, 3] - results[:, 2]).max() < 0.04

# %% [markdown]
# The weights find the wrong labels, and the spoilt images do no harm any more: without weights they
# pull the classifier below the trusted ones, also when both are put together. But look at the
# column beside: 100 trusted images *alone* do about as well. For the classifier the 300 others have
# hardly been worth the trouble; for a list of labels to look at again they have. **The rival of a
# bilevel method is the one that trains on the validation part.** In NAS it is the same: the images
# that judge a search could have trained the network.
#
# ## 6. iDARTS
#
# iDARTS puts the Neumann series into DARTS: $T$ steps of the weights, each on its own batch, for
# one step of $\alpha$, with all $K$ products on one training batch. In the registry it is a row.
# Among its options, `terms` is $K$ and `weight_steps` is $T$. `growth_limit` cuts the series before
# $\lVert v_k\rVert$ exceeds so many times its smallest value so far; `power_iterations`, if not
# 0, estimates the largest curvature in so many products and shortens $\gamma$ to fit it:

# %%
row = methods.get("idarts")
print(row.parts["hypergradient"], row.options())

# %% [markdown]
# "With $T=1$ and $K=0$ iDARTS is DARTS": the formula is, the point is not. DARTS takes $\partial
# L_{val}/\partial w$ at weights one virtual step ahead, which it then throws away; iDARTS at the
# real ones. They agree where a step leads nowhere:

# %%
for place in (problem.start, problem.solve):
    place()
    print(f"{place.__name__}: equal {torch.allclose(unrolled(gamma, 1), neumann(gamma, 0))}")

# %% [markdown]
# Its theorem 1 bounds what is cut off, if $L_{train}$ is $\mu$-strongly convex: $\text{error}\le
# C\,\frac1\mu(1-\gamma\mu)^{K+1}$, where $C$ is the norm of the mixed derivative times that of
# $\partial L_{val}/\partial w$. It holds on our quadratic. *How large must $K$ be to get the bound
# below 10 % of the hypergradient, with $\mu=0.01$?*

# %% jupyter={"outputs_hidden": true}
mu = 0.01
constant = torch.linalg.matrix_norm(B, 2) * v.norm()
for terms in (0, 2, 10, 100, 1000):
    error = (neumann(gamma, terms) - exact).norm() / exact.norm()
    bound = constant / mu * (1 - gamma * mu) ** (terms + 1) / exact.norm()
    assert error <= bound
    print(f"K = {terms:4d}: error {error:6.1%}, bound {bound:7.1%}")

# %% [markdown]
# Some hundreds of products are needed. With the $K=2$ of the paper the bound allows three times the
# gradient itself, and the error is nearly all of it. Networks are worse conditioned than this. So
# the theorem is not a reason why iDARTS should work.
#
# (Two slips to know when you read on. A corollary says that the last $K$ steps of reverse mode are
# $K$ products of the series; the cell in section 2 found $K-1$. And the report of hyperDARTS,
# section 7, keeps the first steps where it truncates, by a slip of its indices: the small ones.)
#
# ### What theorem 2 does not say
#
# It says that the search converges to a stationary point, for fixed $K$. Its proof needs a factor
# $P\propto(1-\gamma\mu)^{K+1}/\lVert g\rVert$ below 1. But $P$ grows without limit as the gradient
# vanishes: what is shown is convergence to a *neighbourhood*. Let us look: descend with $K$ terms
# until the estimate is zero, then ask the exact gradient.

# %%
def end_of_descent(terms):
    """Follow the K-term estimate to where it vanishes; return the exact gradient left there."""
    descent = bilevel_problems.QuadraticBilevel(conditioning=5.0, rho=1.0)
    (a,) = descent.bilevel.alphas
    estimate = gradient.Neumann(0.9, terms)
    before = descent.exact()[0].norm()
    for _ in range(600):
        descent.solve()
        _, (g,) = estimate(descent.bilevel)
        with torch.no_grad():
            a -= 0.002 * g
    return (g.norm() / before).item(), (descent.exact()[0].norm() / before).item()


for terms in (0, 2, 8, 16):
    left, truth = end_of_descent(terms)
    assert left < 1e-8 * truth
    print(f"K = {terms:2d}: estimate zero, exact hypergradient {truth:.1e} of the first one")

# %% [markdown]
# The estimate is zero and the gradient is not; more terms, less is left. The theorem's other
# assumptions do not hold for networks either: strong convexity, and that *all training batches have
# the same Hessian* (its fourth).
#
# ### Traps in the released code
#
# Three, and each is a lesson. **(a)** After the finite difference the weights are "restored" by
# subtracting, partly even another vector than the one that was added. Even with the right vector,
# adding and subtracting is not the identity in floating point:

# %%
generator = torch.Generator().manual_seed(0)
weights, shift = torch.randn(2, 10_000, generator=generator)
changed = weights.clone()
changed += 0.01 * shift
changed -= 0.02 * shift
changed += 0.01 * shift
print("weights changed by adding and subtracting:", bool((changed != weights).any()))

# %% [markdown]
# (`gradient.hypergradients` copies back, also when a loss raises an error; a test compares bit by
# bit.) **(b)** A notebook for NAS-Bench-201 steps a *deep copy* of the optimizer. *What does its
# step move?*

# %% jupyter={"outputs_hidden": true}
import copy

layer = nn.Linear(3, 2)
optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
layer(torch.ones(1, 3)).sum().backward()
before = layer.weight.detach().clone()
copy.deepcopy(optimizer).step()
print("the layer's weights moved:", not torch.equal(before, layer.weight))

# %% [markdown]
# A copy owns copied parameters. The supernet is not trained at all by that line. **(c)** A variant
# puts the gradient of $\lVert\nabla L_{train}\rVert$ in the place of the Hessian's diagonal; they
# have nothing to do with each other. So take printed results of that code as claims about *it*.
#
# Here is the search itself, tiny. The alphas move once in four steps:

# %%
small = gradient.GradientSettings(channels=2, cells=1, batch_size=16, alpha_learning_rate=0.05)


def tiny_search(name, **options):
    """Two epochs on 64 digits: enough to see it run, not to learn anything."""
    method = methods.get(name).with_options(**options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gradient.hypergradients.SeriesGrows)
        return search.search_gradient(method, images, space="nas-bench-201", settings=small,
                                      epochs=2, progress=False)


found = tiny_search("idarts")
print(f"a cell with {len(found.architecture.operations)} edges after "
      f"{found.history.rows[-1]['step']} steps of the weights")

# %% [markdown]
# ## 7. Hypernetworks
#
# A third way to the response: *learn* it. A **hypernetwork** computes the weights from the
# architecture parameters, $w=h(\alpha;\phi)$, and is trained on $L_{train}$ in their place. If it
# becomes $w^*(\alpha)$, one backward pass through it gives the whole hypergradient. hyperDARTS-1
# takes one linear layer for each kind of cell, hyperDARTS-2 one hidden layer with a sigmoid.
#
# The price is parameters: every kernel in the cells is an output. *Guess how many, for the paper's
# supernet with 1.9 million weights.* On the `meta` device tensors have shapes and no memory:

# %% jupyter={"outputs_hidden": true}
from nas_course.models.hyper_supernet import HYPERNETWORKS, with_hypernetworks


def count(make=None):
    """Weights of the supernet of the report, with or without hypernetworks."""
    with torch.device("meta"):
        network = models.build_supernet(DARTSSpace(), channels=16, cells=8, classes=10,
                                        in_channels=3, generator=torch.Generator())
        if make is not None:
            network = with_hypernetworks(network, make, torch.Generator())
    return sum(weight.numel() for weight in network.weights())


counts = {"DARTS": count(), **{name: count(make) for name, make in HYPERNETWORKS.items()}}
assert list(counts.values()) == [1_930_618, 207_021_434, 104_488_682]
for name, number in counts.items():
    print(f"{name:8} {number:>12,}")

# %% [markdown]
# The report prints "207 million" for the first and "113 million" for a net of the second shape; the
# second cannot be had with any whole number of hidden units.
#
# ### Direct and response
#
# The report keeps only the response and says that the direct part is zero. For a weight decay that
# would be so (section 5). For $\alpha$ in a mixture it is all of first-order DARTS. The package's
# gradient through a hypernetwork is the *total* one, and can give each part:

# %%
from nas_course.strategies.gradient.hypernetwork import ThroughHypernetwork


def parts_through(make):
    """Total, direct and response part of the gradient at the first step, as flat vectors."""
    through = {part: ThroughHypernetwork(part) for part in ("total", "direct", "response")}
    vectors = {}
    for part, estimator in through.items():
        ordinary = models.build_supernet(DARTSSpace(), channels=2, cells=3, classes=10,
                                         in_channels=1, generator=torch.Generator().manual_seed(0))
        network = with_hypernetworks(ordinary, make, torch.Generator().manual_seed(1),
                                     read=estimator.read).double()
        def loss(network=network):
            part = images.valid
            return nn.functional.cross_entropy(network(part.images.double()), part.labels)
        point = gradient.Bilevel(loss, loss, list(network.alphas.values()), network.weights())
        vectors[part] = torch.cat([g.flatten() for g in estimator(point)[1]])
    return vectors


for name, make in HYPERNETWORKS.items():
    found = parts_through(make)
    assert torch.allclose(found["total"], found["direct"] + found["response"])
    lengths = {part: vector.norm().item() for part, vector in found.items()}
    angle = torch.cosine_similarity(found["total"], found["direct"], dim=0).arccos().rad2deg()
    print(f"{name}: direct {lengths['direct']:.2f}, response {lengths['response']:.2f}, "
          f"angle between total and first order {angle:.0f} degrees")

# %% [markdown]
# The linear hypernetwork's gradient points nowhere near first order, that of the one with a hidden
# layer much nearer to it. Neither is a virtue by itself: $h$ has just been drawn at random, and
# its response is a random projection of $\partial L_{val}/\partial w$. Does training make it the
# right one?
#
# ### What a hypernetwork learns without sampling
#
# Lorraine and Duvenaud train the hypernetwork at $\alpha+\sigma\varepsilon$, with standard normal
# $\varepsilon$ drawn anew at every step; hyperDARTS leaves that out ("gradient updates are the
# noise"). *Predict: how far is the learnt Jacobian from the true one with $\sigma=0$, and with
# $\sigma=0.3$?*

# %% jupyter={"outputs_hidden": true}
from nas_course.strategies.gradient.hypernetwork_response import LinearHypernetwork, learn_response

toy = bilevel_problems.QuadraticBilevel(weights=6, parameters=3, conditioning=4.0, seed=3)
toy.solve()
at = toy.bilevel.alphas[0].detach()
true_jacobian = torch.linalg.solve(toy.H, toy.B)
learnt = {}
for sigma in (0.0, 0.3):
    network = LinearHypernetwork.drawn(6, 3, torch.Generator().manual_seed(0))
    learn_response(
        network, lambda w, a: w @ toy.H @ w / 2 - w @ toy.B @ a, at,
        sigma=sigma, steps=4000, learning_rate=0.15, generator=torch.Generator().manual_seed(1),
    )
    best = toy.bilevel.weights[0].detach()
    off = bilevel_bench.error_and_angle([network(at)], [best])[0]
    g = rho * at + network.matrix.T @ (network(at) - toy.c)
    angle = bilevel_bench.error_and_angle([g], toy.exact())[1]
    print(f"sigma {sigma}: weights off by {off:.1%}, hypergradient by {angle:.0f} degrees")
    learnt[f"sigma = {sigma}"] = network.matrix.numpy()

# %% jupyter={"outputs_hidden": true}
plots.draw_jacobians(true_jacobian.numpy(), learnt)

# %% [markdown]
# Without sampling the weights are perfect and their Jacobian is mostly the random start. For one
# step of a linear hypernetwork at $\alpha$ changes its matrix by $-\eta\,g\,\alpha^\top$ ($\eta$:
# learning rate, $g$: gradient by the weights), and all steps at one $\alpha$ change it in that one
# direction: they fit the weights *there* and say nothing about their slope. With sampling the
# method does what its theory says. In the registry: `sigma` is an option, 0 as in the report.

# %%
for name in ("hyperdarts-1", "hyperdarts-2"):
    found = tiny_search(name, sigma=0.1)
    print(f"{name}: a cell with {len(found.architecture.operations)} edges after "
          f"{found.history.rows[-1]['step']} steps")

# %% [markdown]
# ## 8. Does any of it find better cells?
#
# Claimed elsewhere, **under other conditions** (test accuracy in %, CIFAR-10):
#
# | source | setting | figures |
# | --- | --- | --- |
# | iDARTS, NAS-Bench-201 (table 6.1 of the thesis) | mean ± s.d., as printed | DARTS 54.30 ± 0.00, iDARTS 93.58 ± 0.32, GDAS 93.40 ± 0.49, best cell 94.37 |
# | iDARTS, its ablation (table 6.3) | same | T=1 K=1: 89.67, T=4 K=0: 90.36, K=1: 92.44, K=2: 93.58, K=3: 92.29 |
# | hyperDARTS, DARTS space (table 22 of the report) | one cell for each method, trained 5 to 10 times | DARTS 97.24 ± 0.10, hyperDARTS-1 97.40 ± 0.08, hyperDARTS-2 97.46 ± 0.09 |
#
# Look at what they leave open. The 54.30 ± 0.00 is the *published* collapse of DARTS, not a rerun
# in the same code; already $T=4$ with $K=0$, no product of the series at all, escapes it. So most
# of the gain over DARTS is not the series. The report's ± is the spread of trainings of *one* cell:
# its five hyperDARTS cells lie between 97.02 and 97.46, wider than the difference that is claimed;
# and only hyperDARTS got its learning rates, batch size and selection rule tuned.
#
# Nor is every ± the same quantity. The report divides by the number $n$ of trainings; over $n-1$,
# as in this course, DARTS' five would give 0.12 where it prints 0.10. The thesis says neither how
# many searches are behind its ± nor by what it divides.
#
# Ours: the table's own images and networks, every search with the same number of weight steps, four
# seeds each. *Regret* is the best test accuracy of the table minus that of the derived cell, in
# points. All variants that were run are shown.

# %%
board = leaderboard.read_gradient("../results/leaderboard_gradient.json")
print(board["command"], "\n")
ours = ("darts-1st", "darts-2nd", "idarts", "hyperdarts-1", "hyperdarts-2")
entries = {e["name"]: e for e in board["entries"] if e["method"] in ours}
print(f"{'':26} seeds  alpha steps  seconds   mean regret (best, worst)")
for name, e in entries.items():
    final = np.array(e["final"])
    print(f"{name:26} {len(final):5d}  {np.median(e['alpha_steps']):11.0f}  "
          f"{np.median(e['table_seconds']):7.0f}   {final.mean():11.1f} "
          f"({final.min():.1f}, {final.max():.1f})")
frame = board["frame"]
chance = frame["random_cell"]["final"]
equal_cost = entries["darts-1st"]["random_search"]["final"]["mean"]
print(f"{'random search, as long as darts-1st':54} {equal_cost:12.1f}")
print(f"{'a cell drawn by chance':54} {chance['mean']:12.1f} (median {chance['0.5']:.1f})")
print(f"{'the cell with most weights':54} {frame['most_weights']['final']:12.1f}")

# %% [markdown]
# *Seconds* are processor seconds. Three things to mind. With four weight steps to one of the
# alphas, iDARTS moves its alphas a quarter as often. Length and learning rates were tuned for
# darts-1st only. And random search trains what it tries, so its winner is a
# trained network; a derived cell still has to be trained.
#
# What do so few seeds show? 95 % intervals for the differences of the mean regrets (Student's and
# Welch's t):


# %%
def verdict(difference, low, high):
    """One line; negative is better."""
    word = "better" if high < 0 else "worse" if low > 0 else "undecided"
    return f"{difference:+5.1f} ({low:+.1f} to {high:+.1f}): {word}"


for rival in ("random_cell", "random_search"):
    for name in entries:
        against = entries[name][f"final_against_{rival}"]
        interval = (against[key] for key in ("difference", "low", "high"))
        print(f"{name:26} against a {rival.replace('_', ' '):14} {verdict(*interval)}")
for name in entries:
    if name != "darts-1st":
        groups = entries[name]["final"], entries["darts-1st"]["final"]
        low, high = ttest_ind(*groups, equal_var=False).confidence_interval()
        difference = np.mean(groups[0]) - np.mean(groups[1])
        print(f"{name:26} against {'darts-1st':16} {verdict(difference, low, high)}")

# %%
better = [name for name in entries if entries[name]["final_against_random_search"]["high"] < 0]
print("better than random search of the same cost:", ", ".join(better) or "none of them")
used = [k for seed in entries["idarts"]["columns"] for k in seed["terms_used"] if k is not None]
print(f"of the K = {entries['idarts']['options']['terms']} terms that it asked for iDARTS used "
      f"{np.mean(used):.1f} on average; a series that grows is cut")

# %% [markdown]
# "Undecided" means that these seeds cannot tell the two apart, not that they are equal. And where
# two methods differ, the hypergradient need not be the reason. hyperDARTS also draws its kernels at
# another scale than DARTS, and with batch normalisation behind them that is another learning rate
# of the weights; its response begins as a random projection, as section 7 showed. An ablation would
# separate the two; it was not run for this chapter:
#
# ```
# nas-course leaderboard --family gradient --methods darts-1st --variant hyperdarts-1:part=direct \
#     --variant hyperdarts-1:initial=matched --out runs/parts.json
# ```
#
# Nor is a better *gradient* a better *search*: what is descended is the loss of a mixture, and the
# cell is cut out of it afterwards (chapter 09).
#
# ## 9. What goes wrong in practice
#
# | what you see | why | what to do |
# | --- | --- | --- |
# | second order is no better than first | one step recovers a share $\gamma\lambda$ of the response; differences cross kinks | compare on a case with a known answer before you pay for it |
# | the series gives huge alphas | $\gamma$ above 2 / curvature, or negative curvature | guard on $\lVert v_k\rVert$; weight decay in the inner loss; `power_iterations` |
# | differences change with their length | they cross kinks, or drown in rounding | compare lengths; exact products |
# | conjugate gradients stop or explode | negative curvature, far from the solution | damping; few iterations |
# | an exact solve gives a wrong gradient | the weights are not at their solution | more weight steps between alpha steps |
# | the loss rises after each alpha step | the weights were not put back | copy them back; compare bit by bit |
# | validation falls, test does not | as many parameters as the validation part can be fitted with | a third part; fewer parameters; stop early |
# | a hypernetwork's gradient is noise | trained at one alpha only | sample around it |
#
# ## Recap
#
# - Hypergradient = direct + response; the response needs $H^{-1}$, or a way around it.
# - Unrolling looks $T$ steps ahead; a Neumann series and conjugate gradients invert where they
#   stand; a hypernetwork learns the response, if it is shown more than one point.
# - At the solution, conjugate gradients are the cheapest; away from it the exact implicit answer is
#   itself off, and many unrolled steps get below it.
# - A finite difference over kinks can be farther off than no response at all, and short ones drown
#   in rounding.
# - A theorem's constants decide whether it says anything: put the numbers in.
# - Small gradient error is not the goal of a search. The derived cell, against random cells, is.
#
# **Exercises:** [exercises/10_hypergradients.ipynb](../exercises/10_hypergradients.ipynb).
# **Next:** [12 Distributions over architectures](12_distributions.ipynb) (11 is planned).
#
# ## References
#
# - Liu, Simonyan, Yang: *DARTS: Differentiable Architecture Search*, ICLR 2019, arXiv:1806.09055.
# - Zhang, Su, Pan, Chang, Abbasnejad, Haffari: *iDARTS: Differentiable Architecture Search with
#   Stochastic Implicit Gradients*, ICML 2021, arXiv:2106.10784; chapter 6 of M. Zhang's thesis,
#   UTS 2021.
# - Lorraine, Duvenaud: *Stochastic Hyperparameter Optimization through Hypernetworks*, 2018,
#   arXiv:1802.09419.
# - Mah: *Differentiable Neural Architecture Search through Hypernetworks for Image Recognition*,
#   final report, Monash University 2023.
# - Franceschi, Donini, Frasconi, Pontil: *Forward and Reverse Gradient-Based Hyperparameter
#   Optimization*, ICML 2017. Shaban, Cheng, Hatch, Boots: *Truncated Back-propagation for Bilevel
#   Optimization*, AISTATS 2019.
# - Pedregosa: *Hyperparameter optimization with approximate gradient*, ICML 2016.
# - Bengio: *Gradient-Based Optimization of Hyperparameters*, Neural Computation 2000.
# - Ren, Zeng, Yang, Urtasun: *Learning to Reweight Examples for Robust Deep Learning*, ICML 2018
#   (weights of examples, with one inner step).
