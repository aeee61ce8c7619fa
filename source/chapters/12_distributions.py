# %% [markdown]
# # 12 Distributions over architectures
#
# DARTS moves **one point**: a vector of logits, and with it one mixture of all operations. Nobody
# wants the mixture; in the end it is cut down to one architecture that was never tried on its own.
# The methods of this chapter move a **distribution** instead, and learn from its samples.
#
# After this chapter you can
#
# - say why the best mixture and the best operation can be different things, and show it;
# - draw from a softmax with Gumbel noise, and send a gradient through the draw;
# - measure what such gradients cost in bias and in noise, against the exact one;
# - run GDAS, SNAS and BaLeNAS, and say what each of them has a distribution *over*;
# - update a Gaussian by the Bayesian learning rule, and say what its width does to a search.
#
# (Latent spaces, the second half of this subject, are planned.)

# %%
import math

import numpy as np
import torch
from torch.nn.functional import cross_entropy, one_hot

from nas_course import data, models, plots, search, widgets
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.strategies import gradient

torch.set_num_threads(1)

# %% [markdown]
# ## 1. When the mixture lies
#
# An edge may carry one of three operations. It should pass $x$ on as it is. The first adds a
# disturbance $d$, the second subtracts the same $d$, the third returns $0.8\,x$:


# %%
def seeded(seed):
    """A random generator of its own for every use."""
    return torch.Generator().manual_seed(seed)


x, d = torch.randn(2, 200, generator=seeded(0), dtype=torch.double)
outputs = torch.stack([x + d, x - d, 0.8 * x])  # one row for each operation


def loss(pi):
    """Mean squared error of the edge under mixing weights pi (..., 3)."""
    return ((pi @ outputs - x) ** 2).mean(-1)


each = loss(torch.eye(3, dtype=torch.double))  # of every operation alone
print("loss of each operation alone:", each.numpy().round(2))

# %% [markdown]
# *Predict before you run the next cell: which operation does DARTS keep, and which does a method
# keep that judges operations one at a time?* (Outputs that answer such a question are folded in the
# stored notebook; they open when you run the cell, or with a click on the dots.)
#
# DARTS descends the loss **of the mean**, $L(\sum_o\pi_o\,o(x))$. The other descends the **mean of
# the loss**, $\mathbb E_{o\sim\pi}[L(o)]=\sum_o\pi_o\,L(o)$. With three operations both can be
# written down exactly:


# %% jupyter={"outputs_hidden": true}
def descend(objective, steps=400):
    """Gradient descent on three logits; returns pi."""
    alpha = torch.zeros(3, dtype=torch.double, requires_grad=True)
    for _ in range(steps):
        alpha.data -= torch.autograd.grad(objective(alpha.softmax(0)), alpha)[0]
    return alpha.softmax(0).detach()


mixture = descend(loss)
distribution = descend(lambda pi: (pi * each).sum())
for name, pi in (("mixture", mixture), ("distribution", distribution)):
    print(f"{name:12s} pi {pi.numpy().round(2)}, kept: operation {int(pi.argmax()) + 1}, "
          f"whose loss alone is {each[pi.argmax()]:.2f}")
assert loss(mixture) < 0.01 < each.min() < each[mixture.argmax()]

# %% [markdown]
# The mixture is nearly perfect: it plays the two bad operations against each other. Keep one of
# them and the loss is the worst there is. The mean of the losses is linear in $\pi$, so it is
# never below the best single operation, and its minimum is at a corner. It promises nothing
# that discretization then takes away.
#
# ## 2. How to draw, and why with Gumbel noise
#
# A real supernet cannot be enumerated: 15,625 cells, $10^{18}$ genotypes. The mean has to be
# estimated from draws, and the gradient must find its way through the draw. Chapter 05 had an
# answer (REINFORCE). Here is another one. Draw $u$ uniform on (0, 1) for each operation, set
# $g=-\log(-\log u)$, add it to the logits, and **take the largest**:


# %%
alpha = torch.tensor([0.5, -0.3, 0.2], dtype=torch.double)
draws = 20_000

u = torch.rand(draws, 3, dtype=torch.double, generator=seeded(1))
g = -torch.log(-torch.log(u))
winner = (alpha + g).argmax(dim=1)
frequency = torch.bincount(winner, minlength=3) / draws
print("how often each is the largest:", frequency.numpy().round(2))
print("softmax of the logits:        ", alpha.softmax(0).numpy().round(2))
assert (frequency - alpha.softmax(0)).abs().max() < 4 * 0.5 / math.sqrt(draws)

# %% [markdown]
# That is the *Gumbel-max trick*: the winner is distributed as the softmax. (Why: $-g$ has the
# distribution of the logarithm of an exponential waiting time. Of several clocks with rates
# $e^{\alpha_o}$, clock $o$ rings first with probability $e^{\alpha_o}/\sum e^{\alpha}$.)
#
# Now the randomness stands apart from $\alpha$, and only the *argmax* is in the way of a gradient.
# Replace it by a softmax with a temperature $\tau$, and the sample is differentiable:
#
# $$Z=\mathrm{softmax}\Big(\frac{\log\mathrm{softmax}(\alpha)+g}{\tau}\Big)$$


# %%
def soft_sample(alpha, g, temperature):
    """A point of the simplex, (..., 3)."""
    return ((alpha.log_softmax(-1) + g) / temperature).softmax(-1)


def hard_sample(alpha, g, temperature):
    """A corner of the simplex; the gradient is that of the soft sample."""
    soft = soft_sample(alpha, g, temperature)
    hard = one_hot(soft.argmax(-1), soft.shape[-1]).to(soft)
    return hard + (soft - soft.detach())  # the bracket is zero, but it has a gradient


# %% [markdown]
# The second function is the *straight-through* trick: forward a corner, backward as if it were the
# soft sample. Both are parts of the package. `SoftGumbel(start, end)` and `HardGumbel(start, end)`
# take the temperatures at the start and at the end of a search; a `Moment` tells a part how far the
# search is (`progress`, here at the end), what comes next, a step of the weights or of the alphas,
# and where its random numbers come from. With the package's noise, ours are the same:

# %%
from nas_course.strategies.gradient.relaxations import HardGumbel, SoftGumbel, gumbel_noise

space = NASBench201Space()


def build(**edges):
    """A small supernet of NAS-Bench-201 cells for 8x8 images."""
    return models.build_supernet(
        space, channels=4, cells=1, classes=10, in_channels=1, generator=seeded(0),
        alpha_scale=1.0, **edges,
    )


supernet = build()
logits = supernet.alphas["cell"]
for part, ours in ((SoftGumbel(1.0, 0.5), soft_sample), (HardGumbel(10.0, 0.5), hard_sample)):
    part.draw(supernet, gradient.Moment(progress=1.0, phase="alphas", generator=seeded(7)))
    noise = gumbel_noise(logits.shape, seeded(7)).float()
    assert torch.allclose(part(supernet)["cell"], ours(logits, noise, 0.5))
print("our soft and hard samples equal the package's: True")

# %% [markdown]
# Move the temperature. The noise stays the same, so you see the same 400 samples wander: into the
# corners when it is cold, into the middle when it is hot. Two things to check: which operation is
# largest does **not** depend on the temperature, and the *mean weight* equals the softmax
# only when it is cold.

# %%
from ipywidgets import FloatLogSlider, FloatSlider, IntSlider

widgets.FigurePanel(
    lambda temperature, skip, seed: plots.draw_gumbel(
        {"skip_connect": skip, "nor_conv_3x3": 0.4, "avg_pool_3x3": -0.2}, temperature, seed
    ),
    temperature=FloatLogSlider(value=0.5, min=-1.5, max=1.5, step=0.1),
    skip=FloatSlider(value=1.0, min=-2, max=3, step=0.2, description="logit of skip"),
    seed=IntSlider(value=0, max=9),
)

# %% [markdown]
# ## 3. What the gradient is worth
#
# Our edge has three operations, so the exact gradient of $\mathbb E[L]$ is one sum away, and every
# estimate can be held against it. Four of them:
#
# - **score function** (REINFORCE with a baseline): $(L-b)\,\nabla\log\pi$ of the drawn operation;
# - **soft**: the gradient of $L(Z)$, through the soft sample (SNAS);
# - **straight-through**: forward a corner, backward through the soft sample;
# - **GDAS**: like straight-through, but it does not compute the operations that were not drawn.
#   Their outputs are needed in the backward pass; it puts ones in their place.


# %%
exact_alpha = alpha.clone().requires_grad_()
(exact,) = torch.autograd.grad((exact_alpha.softmax(0) * each).sum(), exact_alpha)
noise = gumbel_noise((draws, 3), seeded(2))


def gradients(value_of, temperature):
    """One gradient for each row of noise, (draws, 3)."""
    copies = alpha.expand(draws, 3).clone().requires_grad_()
    return torch.autograd.grad(value_of(copies, noise, temperature).sum(), copies)[0]


def gdas_loss(alpha, g, temperature):
    """The drawn operation as it is, ones for the others, times weights that are zero."""
    h = hard_sample(alpha, g, temperature)
    drawn = h.detach()
    output = (h * drawn) @ outputs + (h * (1 - drawn)).sum(1, keepdim=True)
    return ((output - x) ** 2).mean(1)


# %%
def score_loss(alpha, g, temperature):
    """Its gradient is (L - b) grad log pi of the drawn operation."""
    drawn = (alpha + g).argmax(1)
    baseline = (alpha.detach().softmax(1) * each).sum(1)
    return (each[drawn] - baseline) * alpha.log_softmax(1).gather(1, drawn[:, None])[:, 0]


estimates = {
    "soft": lambda *sample: loss(soft_sample(*sample)),
    "straight-through": lambda *sample: loss(hard_sample(*sample)),
    "GDAS": gdas_loss,
}


def bias_and_noise(sample):
    """Distance of the mean from the exact gradient; spread of the single estimate."""
    mean = sample.mean(0)
    return (mean - exact).norm().item(), (sample - mean).pow(2).sum(1).mean().sqrt().item()


temperatures = (0.1, 0.3, 1.0, 3.0, 10.0)
errors = {name: {t: bias_and_noise(gradients(f, t)) for t in temperatures}
          for name, f in estimates.items()}
errors["score function"] = {math.inf: bias_and_noise(gradients(score_loss, 1.0))}

# %% nas_course={"tol": {"abs": 0.05, "rel": 0.05}}
plots.draw_estimates(exact.norm().item(), errors)

# %%
score = errors["score function"][math.inf]
standard_error = score[1] / math.sqrt(draws)
assert score[0] < 4 * standard_error  # no bias that 20,000 draws could show
for name in estimates:
    hot, cold = errors[name][10.0], errors[name][0.1]
    assert hot[0] > 0.8 * exact.norm() and hot[1] < score[1]  # quiet, but about something else
    assert cold[0] < 0.5 * hot[0] and cold[1] > 4 * score[1]  # near the truth, but deafening
bias, noise_of_one = errors["GDAS"][0.1]
assert bias > 3 * noise_of_one / math.sqrt(draws)  # more than luck: this bias stays
print("hot: over 80% of the gradient is missing")
print("cold: over four times the noise of the score function")

# %% [markdown]
# So there is no free gradient. A hot sample gives a quiet answer to another question, a cold one
# a noisy answer to ours; that is why both papers **anneal**: SNAS from 1 to 0.03, GDAS from 10 to
# 0.1. And on this edge the score function, with a perfect baseline, is hard to beat. What a path
# through the samples has beside it is the *slope* of the loss: one number for each operation, where
# the score function has one in all. How much that is worth in a supernet, with many edges and no
# perfect baseline, three operations cannot show.
#
# GDAS' ones leave a bias that no temperature removes. Its paper writes the gradient of the soft
# sample, the authors' code computes this one; what they bought with it, you will see now.
#
# ## 4. GDAS: one operation of every edge
#
# A hard sample is zero but in one place, so only the drawn operation has to be computed. Count the
# calls:


# %%
from nas_course.models.sampled_operation import SampledOperation

mixed, sampled = build(), build(make_edge=SampledOperation)
sampled.load_state_dict(mixed.state_dict())
sampled.relaxation = HardGumbel()
sampled.relaxation.draw(sampled, gradient.Moment(0.0, "weights", seeded(0)))
calls = []
for network in (mixed, sampled):
    for name, module in network.named_modules():
        if name.rpartition(".")[0].endswith("operations"):
            module.register_forward_hook(lambda *_, net=network: calls.append(net is sampled))

batch = torch.randn(8, 1, 8, 8, generator=seeded(0))
weights = {"cell": sampled.mixing_weights()["cell"].detach()}
assert torch.equal(sampled(batch), mixed(batch, weights))
print("the sampled network equals the supernet with those one-hot weights: True")
print("operations computed by the mixture:", calls.count(False))
print("operations computed by the sample: ", calls.count(True))

# %% [markdown]
# Same function, a fifth of the operations to compute and to keep for the backward pass. Every
# logit gets a gradient, those of operations that were not computed too; only *weights* that were
# not drawn stay as they are:

# %%
labels = torch.arange(8)
value = cross_entropy(sampled(batch), labels)
(slope,) = torch.autograd.grad(value, [sampled.alphas["cell"]], retain_graph=True)
moved = torch.autograd.grad(value, sampled.weights(), allow_unused=True)
print("logits with a gradient:", int((slope != 0).sum()), "of", slope.numel())
print("every weight has one:  ", all(gradient is not None for gradient in moved))

# %% [markdown]
# Now live, on digits: the view shows the softmax from which GDAS draws.

# %%
images = data.load("digits", train_images=400, valid_images=400, test_images=100, device="cpu")
settings = gradient.GradientSettings(
    channels=4, cells=1, batch_size=50, weight_learning_rate=0.05, alpha_learning_rate=0.05
)
EPOCHS = 10
found = {}


def run(method, epochs=EPOCHS, **more):
    """Search NAS-Bench-201 cells on digits."""
    return search.search_gradient(
        method, images, settings=settings, space="nas-bench-201", epochs=epochs, **more
    )


def watch(history):
    """Show the history while it grows."""
    display(widgets.AlphaExplorer(history))


found["gdas"] = run("gdas", on_history=watch)

# %% [markdown]
# ## 5. SNAS, and what the weights were trained for
#
# SNAS computes the whole mixture, with soft samples that are nearly corners at the end. It also
# drops the second level: logits and weights follow **one** loss, that of the training images. (The
# package takes an alpha step and a weight step on the same batch, with a sample each; the
# paper takes both gradients from one backward pass.)
#
# *Predict: for which method does the validation loss change most when the mixture is cut down to
# the cell that was found, with the same weights?* We let DARTS run beside them.

# %%
for method in ("snas", "darts-1st"):
    found[method] = run(method)


def valid_loss(supernet, pi):
    """Cross-entropy on the validation images under mixing weights (6, 5)."""
    with torch.no_grad():
        logits = supernet(images.valid.images, {"cell": pi})
    return cross_entropy(logits, images.valid.labels).item()


def corner(choices):
    """One-hot mixing weights of one cell."""
    return one_hot(torch.as_tensor(choices), 5).float()


# %% jupyter={"outputs_hidden": true} nas_course={"tol": {"abs": 0.3, "rel": 0.3}}
def gap(method):
    """Loss as the method sees it at the end, and loss of the cell that it found."""
    net = found[method].supernet
    pi = net.alphas["cell"].detach().softmax(1)
    if method != "darts-1st":  # it sees corners, or nearly: the mean over 30 draws
        drawn = torch.multinomial(pi, 30, replacement=True, generator=seeded(0)).T
        before = float(np.mean([valid_loss(net, corner(row)) for row in drawn]))
    else:
        before = valid_loss(net, pi)
    return before, valid_loss(net, corner(space.indices(found[method].architecture)))


gaps = {method: gap(method) for method in found}
for method, (before, after) in gaps.items():
    print(f"{method:9s} before {before:.2f}, cut down {after:.2f}")

# %% jupyter={"outputs_hidden": true}
change = {method: after - before for method, (before, after) in gaps.items()}
assert change["darts-1st"] > 0.3 and change["darts-1st"] > 2 * abs(change["gdas"])
assert change["darts-1st"] > 2 * abs(change["snas"])
print("cutting hurts DARTS most: True;  DARTS has the lowest loss before the cut:",
      min(gaps, key=lambda method: gaps[method][0]) == "darts-1st")

# %% [markdown]
# DARTS' weights were trained to work **together**, those of GDAS and SNAS to work **alone**. That
# is this chapter's first point, in a real supernet. It does not say whose *cell* is better: for
# that, each must be trained from scratch (section 9). And GDAS paid for it: each weight is
# trained only in the steps that draw it, a fifth of them at first.
#
# ## 6. A belief about the logits
#
# BaLeNAS puts the distribution elsewhere: not over architectures, but over **logits**,
# $q(\alpha)=\mathcal N(\mu,\mathrm{diag}(\sigma^2))$. Each step draws $\theta\sim q$ and computes
# the ordinary mixture with the logits $\theta$. Its objective is a mean over this noise, plus a
# price for leaving a prior $\mathcal N(0,1/\delta)$. $N$ is the number of images behind the mean
# loss, so that $N\,L_{val}$ is their sum; KL, the Kullback-Leibler divergence, is 0 where $q$
# equals the prior and grows with the distance:
#
# $$\min_{\mu,\sigma}\;N\,\mathbb E_{q}\big[L_{val}(\theta)\big]+\mathrm{KL}(q\,\|\,\text{prior}).$$
#
# With every image more, the price counts less. The $q$ that is best stands for the *posterior*:
# what is believed after the data.
#
# ### Newton's method with memory
#
# One could descend this objective by $\mu$ and $\sigma$. But a step of 0.1 in $\mu$ is tiny for a
# wide Gaussian and enormous for a narrow one. The *natural* gradient measures steps by how much the
# distribution changes, and the **Bayesian learning rule** follows it. For a Gaussian it comes out
# as Newton's method with memory, *VON* (variational online Newton):
#
# $$s\leftarrow(1-\rho)\,s+\rho\,\nabla^2L(\theta),\qquad
# \mu\leftarrow\mu-\rho\,\frac{\nabla L(\theta)+\tilde\delta\mu}{s+\tilde\delta},\qquad
# \sigma^2=\frac1{N(s+\tilde\delta)},\quad\tilde\delta=\frac\delta N.$$
#
# $\rho$, between 0 and 1, is the size of the step and says how fast $s$ forgets. So $s$ is a
# running mean of the curvature, and the precision $1/\sigma^2=Ns+\delta$ is $N$ times it, plus that
# of the prior: where the loss is flat, anything goes; where it is steep, not. On a quadratic
# $\tfrac12\sum_jh_j(\theta_j-c_j)^2$ we know what must come out: $s=h$.

# %%
h = torch.tensor([0.5, 2.0, 8.0], dtype=torch.double)
c = torch.tensor([1.0, -1.0, 0.5], dtype=torch.double)
N, delta, rho = 50, 1.0, 0.02
mu, s, generator = torch.zeros(3).double(), torch.zeros(3).double(), seeded(0)
for _ in range(1000):
    noise = torch.randn(3, generator=generator, dtype=torch.double)
    theta = mu + noise / (N * (s + delta / N)).sqrt()
    s = (1 - rho) * s + rho * h
    mu = mu - rho * (h * (theta - c) + delta / N * mu) / (s + delta / N)
print("s:", s.numpy().round(3), " h:", h.numpy())

# %%
from nas_course.strategies.gradient.natural_gradient import VON, gradient_magnitude


def von(**curvature):
    """Run the package's VON on the same quadratic."""
    theta = torch.zeros(3, dtype=torch.double, requires_grad=True)
    method = VON([theta], seeded(0), examples=50, rate=rho, **curvature)
    for _ in range(1000):
        method.step(lambda: (h * (theta - c) ** 2).sum() / 2)
    return theta.detach(), method


theta, package = von()
assert torch.allclose(theta, mu) and torch.allclose(package.s[0], s) and torch.allclose(s, h)
print("our VON equals the package's, and s has become h: True")

# %% [markdown]
# A supernet's Hessian is out of reach, so BaLeNAS takes the **squared gradient** in its place,
# adds momentum and the bias corrections, and what comes out looks like Adam with noise: *VAdam*.
# In a few lines, on the edge of section 1:


# %%
def vadam(seed, N, rate=0.02, steps=1000, delta=1.0, betas=(0.5, 0.999)):
    """Return mu and sigma of three logits."""
    mu, m, s = (torch.zeros(3, dtype=torch.double) for _ in range(3))
    generator = seeded(seed)
    for t in range(1, steps + 1):
        noise = torch.randn(3, generator=generator, dtype=torch.double)
        theta = (mu + noise * (N * s + delta).rsqrt()).requires_grad_()
        (g,) = torch.autograd.grad(loss(theta.softmax(0)), theta)
        m = betas[0] * m + (1 - betas[0]) * (g + delta / N * mu)
        s = betas[1] * s + (1 - betas[1]) * g**2
        m_hat, s_hat = m / (1 - betas[0] ** t), s / (1 - betas[1] ** t)
        mu = mu - rate * m_hat / (s_hat.sqrt() + delta / N)
    return mu, (N * s + delta).rsqrt()


# %%
from nas_course.strategies.gradient.variational import VAdam

alphas = torch.zeros(3, dtype=torch.double, requires_grad=True)
rate = gradient.GradientSettings(alpha_learning_rate=0.02)
package = VAdam([alphas], rate, seeded(0), examples=50)


def closure():
    """The loss and its gradient at whatever the logits hold: a draw."""
    value = loss(alphas.softmax(0))
    return value.detach(), list(torch.autograd.grad(value, [alphas]))


for _ in range(1000):
    package.step(closure)
mu, sigma = vadam(seed=0, N=50)
assert torch.allclose(mu, alphas.detach()) and torch.allclose(sigma, package.deviations()[0])
print("our VAdam equals the package's: True")

# %% [markdown]
# *Predict: every draw of BaLeNAS is still a mixture, and the mixture of the two bad operations is
# still perfect. Which operation wins now?*

# %% jupyter={"outputs_hidden": true}
for N in (50, 200, 25_000):
    mu, sigma = vadam(seed=0, N=N)
    pi = mu.softmax(0)
    print(f"N = {N:6,}: sigma {sigma.min():.2f} to {sigma.max():.2f}, pi of the mean "
          f"{pi.numpy().round(1)}, kept: operation {int(pi.argmax()) + 1}")
    assert (pi.argmax() == 2) == (N < 1000)

# %% [markdown]
# With a wide belief the third operation wins, the one that is good alone; with one that is narrow
# on at least one logit it is DARTS again: one of the two bad operations (which is luck). Why? The
# balance of the two bad operations is a knife's edge. Noise on the logits tips it, and that costs.
# This is the next formula.
#
# ## 7. Noise is a penalty on curvature
#
# Expand the loss around the mean, with $\epsilon$ standard normal. The linear term of the noise
# averages out, the quadratic stays; $H_{jj}$ is the curvature by logit $j$:
#
# $$\mathbb E\,L(\mu+\sigma\epsilon)\approx L(\mu)+\tfrac12\sum_j\sigma_j^2\,H_{jj}.$$
#
# So a mean over noise prefers flat places (it penalises the *trace* of the Hessian: a direction
# that curves downwards is even rewarded). On a quadratic the formula is exact. On a supernet we
# can measure it, in the one that DARTS has just trained:

# %%
from nas_course.strategies.gradient.natural_gradient import hessian_diagonal, implicit_penalty

net = found["darts-1st"].supernet
logits = net.alphas["cell"]
center = logits.detach().clone()
part = images.valid.images[:100], images.valid.labels[:100]
at_mean = cross_entropy(net(part[0]), part[1])
slopes = torch.autograd.grad(at_mean, [logits], create_graph=True)
H = hessian_diagonal(slopes, [logits])[0]


def with_noise(sigma, pairs=40):
    """Mean loss over noise and its mirror image: what is linear in it cancels exactly."""
    values, generator = [], seeded(3)
    with torch.no_grad():
        for _ in range(pairs):
            noise = sigma * torch.randn(center.shape, generator=generator)
            for sign in (1, -1):
                logits.copy_(center + sign * noise)
                values.append(cross_entropy(net(part[0]), part[1]).item())
        logits.copy_(center)
    return float(np.mean(values))


# %% nas_course={"tol": {"abs": 0.2, "rel": 0.5}}
for sigma in (0.3, 1.0):
    extra = with_noise(sigma) - at_mean.item()
    predicted = implicit_penalty(torch.full_like(H, sigma), H).item()
    print(f"sigma {sigma}: measured {extra:.3f}, half the trace {predicted:.3f}")
    assert 0.4 < extra / predicted < 2.5

# %% [markdown]
# The right size, and not exact: ReLU has kinks, which a second derivative does not see, and a
# standard deviation of 1 is not small.
#
# ## 8. BaLeNAS, live
#
# The first-order method, then three epochs of the second-order one, whose three passes all see
# the same sample. Both as published: the prior has precision 1, and so has the first belief.

# %%
found["balenas-1st"] = run("balenas-1st")
found["balenas-2nd"] = run("balenas-2nd", epochs=3)
for method in ("balenas-1st", "balenas-2nd"):
    last = np.array(found[method].history.rows[-1]["sigma"]["cell"])
    steps = found[method].history.rows[-1]["step"]
    print(f"{method}: after {steps} steps every sigma is above 0.9: {bool(last.min() > 0.9)}")

# %% [markdown]
# The belief has hardly narrowed at all, and now you can say why: $s$ is a running mean of
# *squared* gradients, which are tiny, over a memory of 1,000 steps ($\beta_2=0.999$), and $N$ is
# 400. The authors' code has $N$ = 25,000. Let us pretend that we had as many images, and look at
# the belief while it forms. The panel stands at the first epoch. *Before you press ▶: on which edge
# will the lines on the right part last?*

# %%
from nas_course import methods

believer = methods.get("balenas-1st").with_options(examples=25_000)
belief = run(believer).history
edges = [tuple(edge) for edge in belief.cells["cell"]["edges"]]

# %% nas_course={"tol": {"abs": 0.5, "rel": 0.5}}
from ipywidgets import Dropdown

widgets.FigurePanel(
    lambda epoch, edge: plots.draw_posterior(belief, "cell", edge, epoch),
    epoch=widgets.PlaySlider(1, EPOCHS, value=1, interval=900),
    edge=Dropdown(options=[(f"{a} to {b}", (a, b)) for a, b in edges], value=(0, 3)),
)

# %% [markdown]
# This is what a point cannot tell you: how sure the choice is. BaLeNAS keeps the largest mean on
# every edge, whether it wins nearly all draws or hardly half of them:

# %% jupyter={"outputs_hidden": true} nas_course={"tol": {"abs": 0.2}}
from nas_course.plots.sampling import strongest_chances

last = belief.rows[-1]
means, sigmas = (np.array(last[name]["cell"]) for name in ("alphas", "sigma"))
for (a, b), mean, sigma in zip(edges, means, sigmas, strict=True):
    won = strongest_chances(mean, sigma, space.operations)[mean.argmax()]
    print(f"edge {a} to {b}: the largest mean wins {won:.2f} of the draws")

# %% [markdown]
# ### Gates: making connections a choice of their own
#
# On the DARTS space BaLeNAS does one thing more. `none` leaves the softmax and becomes a switch for
# each edge, a *hard concrete* gate: a noisy sigmoid, stretched beyond 0 and 1 and clipped, so
# that it is exactly 0 or exactly 1 with positive probability. And that probability is known:

# %%
from nas_course.strategies.gradient.connection_gates import hard_concrete, open_probability

for logit in (-2.0, 0.0, 2.0):
    many = torch.full((100_000,), logit)
    gates = hard_concrete(many, torch.rand(100_000, generator=seeded(5)))
    share, formula = (gates > 0).float().mean(), open_probability(torch.tensor(logit))
    assert abs(share - formula) < 0.01
    print(f"logit {logit:4.1f}: open in {share:.2f} of the draws, formula {formula:.2f}")

# %% [markdown]
# So it can stand in a loss. The logit of an edge's gate is its alpha of `none`, sign turned; at
# the start it is about 0. BaLeNAS **rewards** the four gates from one node to the next, to make
# cells deep; the expected number of those that are open starts at four times the middle
# figure. Nothing but the reward here, no data:

# %%
from nas_course.strategies.gradient.regularizers import DepthAware, expected_depth

darts = models.build_supernet(
    DARTSSpace(), channels=2, cells=3, classes=10, in_channels=1, generator=seeded(0)
)
reward, normal = DepthAware(0.05), darts.alphas["normal"]
depths = []
for _ in range(5):
    depths.append(expected_depth(normal, DARTSSpace().template).item())
    (g,) = torch.autograd.grad(reward(darts, 0.0), normal)
    normal.data -= 20.0 * g
assert (np.diff(depths) > 0).all() and max(depths) < 4
print("expected depth of the normal cell, at most 4:", np.round(depths, 2))

# %% [markdown]
# ## 9. Does it find better cells?
#
# Ten epochs on digits show mechanisms, not merit. For merit there is the table of chapter 03: every
# NAS-Bench-201 cell, trained. This command let all methods of the course search on the table's own
# images, in the table's own network, with the same number of steps, and looked up the cells:
#
# ```
# nas-course leaderboard --family gradient --seeds 4 --out results/leaderboard_gradient.json
# ```
#
# (It needs CIFAR-10, from which the table's images come, and more than half an hour; the file comes
# with the course.)
#
# *Regret* is the distance of the cell's test accuracy from the best in the table, in
# points. Smaller is better; the frame is a cell drawn by chance. *Predict: will a distribution beat
# the point?*

# %% jupyter={"outputs_hidden": true}
from scipy.stats import t as student

from nas_course import leaderboard
from nas_course.leaderboard.statistics import entry_of

board = leaderboard.read_gradient("../results/leaderboard_gradient.json")
points, sampling = ["darts-1st", "darts-2nd"], ["gdas", "snas", "balenas-1st", "balenas-2nd"]
names = points + sampling
regrets = {name: np.array(entry_of(board, name)["final"]) for name in names}


def verdict(low, high):
    """Say what a 95 % interval of a difference of regrets decides."""
    word = "better" if high < 0 else "worse" if low > 0 else "undecided"
    same = ", four times the same cell" if low == high else ""
    return f"({low:+5.1f} to {high:+5.1f}) {word}{same}"


print(f"{'':12s} mean  regret of every seed       against a random cell")
for name, final in regrets.items():
    rival = entry_of(board, name)["final_against_random_cell"]
    every = " ".join(f"{regret:5.1f}" for regret in final)
    print(f"{name:12s} {final.mean():4.1f}  {every}   {verdict(rival['low'], rival['high'])}")
print(f"random cells {board['frame']['random_cell']['final']['mean']:4.1f}")

# %% [markdown]
# One of the intervals has no width. What the board itself says of it:

# %%
_, of_test, *_, remark = leaderboard.gradient_statement(board, "snas").splitlines()
print("snas against a cell drawn by chance:", of_test, remark, sep="\n")

# %% [markdown]
# The formula takes its width from how far the runs differ, and these do not. So "better" is said
# here of four equal cells; how often a fifth seed would end elsewhere, the interval does not know.
#
# GDAS, SNAS and both BaLeNAS are "better" than a random cell, DARTS is "undecided". *Before you
# run the next cell: does that show that they are better than DARTS?*

# %% jupyter={"outputs_hidden": true}
def welch(a, b):
    """Return the 95 % interval of the difference of two means (Welch's t, as in chapter 10)."""
    of_a, of_b = (values.var(ddof=1) / len(values) for values in (a, b))
    freedom = (of_a + of_b) ** 2 / (of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1))
    half = student.ppf(0.975, freedom) * math.sqrt(of_a + of_b)
    return a.mean() - b.mean() - half, a.mean() - b.mean() + half


for rival in points:
    for name in sampling:
        interval = welch(regrets[name], regrets[rival])
        print(f"{name:12s} against {rival}: {verdict(*interval)}")
        assert (interval[1] < 0) == (rival == "darts-2nd" and name != "gdas")

# %% [markdown]
# It does not. Against first-order DARTS **all four are undecided**. One method that is better than
# chance, and another of which four seeds cannot tell: that is no comparison of the two. One has to
# ask for their difference, and DARTS' runs lie so far apart that four of them leave its mean open.
#
# The picture adds the cost, and a second rival: random search that may train cells of the table for
# as long as the method searched (triangles). The dotted lines are two known cells: the best
# by validation accuracy, and the one with most weights.

# %%
plots.gradient_regret(board, names)

# %%
for name in names:
    rival = entry_of(board, name)["final_against_random_search"]
    print(f"{name:12s} against random search at equal cost: "
          f"{verdict(rival['low'], rival['high'])}")

# %% [markdown]
# How did they come there? A thin line is the cell that one run would have given after each epoch:

# %%
plots.regret_by_epoch(board, ["darts-1st", *sampling])

# %% [markdown]
# And the cells? SNAS found the same one with every seed:

# %%
from nas_course import tabular

(cell,) = set(entry_of(board, "snas")["architecture"])
table = tabular.load()
print(cell)
print("no cell has more weights:", bool(table.query(cell).parameters == table.parameters.max()))

# %%
spread = {name: np.ptp(final) for name, final in regrets.items()}
assert max(spread[name] for name in sampling) < 0.5 * min(spread[name] for name in points)
for name in ("snas", "balenas-2nd"):
    assert max(regrets[name]) < min(regrets["darts-1st"])  # every run below every run
for name in ("darts-1st", "balenas-1st", "balenas-2nd"):
    median = np.median(entry_of(board, name)["by_epoch"]["runs"], axis=0)
    assert median[1:].min() < median[-1] - 0.5  # a better cell on the way
for name in ("darts-1st", "gdas", "balenas-1st"):
    found_after = [[epoch for epoch, _ in path] for path in entry_of(board, name)["path"]]
    print(f"{name:12s} another cell than the epoch before:",
          ", ".join(str(len(epochs) - 1) for epochs in found_after), f"of {board['epochs']} epochs")

# %% [markdown]
# What follows, and no more:
#
# - On this table, with these settings, the four methods with a distribution ended in better cells
#   than chance gives, in the mean of four seeds. That they do so *and DARTS does not* is not shown:
#   directly, none of them can be told from first-order DARTS; three of them can from second-order
#   DARTS. (Ranks say a little more. All runs of SNAS and of second-order BaLeNAS lie below all runs
#   of first-order DARTS, as in 2 of the 70 ways in which eight runs can be dealt to two methods.
#   But four methods were compared, and that one of four looks like that may be chance in 11 of 100
#   cases.)
# - DARTS' runs lie more than twice as far apart as those of any of the four. That was seen, not
#   tested, and this table does not say why.
# - SNAS' single loss is that of the training images. That is probably why it asks for capacity, and
#   takes the 3x3 convolution everywhere. Nobody needs a search to think of that cell. Here it is
#   nearly the best one; where it is not, SNAS has no validation loss that would tell.
# - DARTS and BaLeNAS pass better cells than those in which they end (seen afterwards, by test
#   accuracy; no search knows when). So noise on the logits does not stop that drift. Chapter 09 is
#   about it. GDAS derives another cell after nearly every epoch, to the end; section 3's noisy
#   gradients may be why.
# - Random search is a hard rival where training a cell takes no longer than a few epochs of a
#   supernet. It is cheap here because the table's networks are small. Where one training costs as
#   much as a whole search there is no time for a second one, and for that case these methods were
#   made; this table cannot show it.
# - Four seeds, one table, and one setting for all, tried out on first-order DARTS.
#
# Elsewhere, under other conditions (the published table, CIFAR-10 in full, networks trained for 200
# epochs, other settings), these figures were claimed. They are not comparable with ours; the point
# is what a paper's table looks like beside a measured one. Even the ± is not the same thing: ours
# is the standard deviation of the sample (divided by $n-1$) over four searches. Theirs are tables
# of M. Zhang's thesis (see the references); it does not say by what it divides, and how many
# searches there were only for BaLeNAS (four):

# %%
title, *claims = leaderboard.claims_table(board).splitlines()
print("\n".join([title] + [line for line in claims if line.split()[0] in names]))

# %% [markdown]
# ## 10. What goes wrong in practice
#
# **The squared gradient is no curvature.** On the quadratic, where the curvature is known:

# %%
_, approximate = von(curvature=gradient_magnitude)
print("curvature h:            ", h.numpy())
print("squared gradient's s:   ", approximate.s[0].numpy().round(2))
print("sigma, true and believed:", (50 * (h + 1 / 50)).rsqrt().numpy().round(2),
      approximate.deviations()[0].numpy().round(2))
assert (approximate.s[0] < h / 4).all()

# %% [markdown]
# The gradient of a mean over many images vanishes at the minimum, the curvature does not. So the
# belief is two to three times too wide, in every direction: more exploration than the posterior
# asks for. What BaLeNAS reached, it reached *with* this error; the name "posterior" should not be
# taken at its word. Its text justifies a single draw with a theorem that holds for batches of one.
#
# **The first belief is enormous.** Logits begin at $10^{-3}$, noise at 1. How often is the largest
# logit of a draw another than that of the mean?

# %% nas_course={"tol": {"abs": 0.03}}
mean = 1e-3 * torch.randn(10_000, 5, generator=seeded(0))
drawn = mean + torch.randn(10_000, 5, generator=seeded(1))
other = (mean.argmax(1) != drawn.argmax(1)).double().mean()
print(f"another winner in {other:.0%} of the draws; by chance alone: 80%")

# %% [markdown]
# The first steps train the weights at the mean and move the mean by gradients taken somewhere else
# altogether: at first that is closer to a random search than to a descent. The options
# `initial_precision` and `examples` of the rows change it.
#
# **A table is copied.** In the thesis that presents BaLeNAS, the row "DARTS (2nd)" of its table on
# NAS-Bench-201 holds ENAS' numbers (53.89 on CIFAR-10; DARTS has 54.30 in the source of both), and
# one entry of the row for two draws equals another method's in another chapter. Read tables in the
# paper that measured them.
#
# | what you see | why | what to do |
# | --- | --- | --- |
# | samples hardly differ from the mean | temperature too high | anneal; look at the samples |
# | the alphas jump about | temperature too low, too early | anneal more slowly, smaller rate |
# | GDAS is still undecided at the end | few steps per weight | more epochs, they are cheap |
# | finite differences explode | noise is drawn at each evaluation | draw once for each update |
# | frequencies depend on the temperature | noise added too late | compare winners of equal noise |
# | infinite noise, once in a long run | $u$ was 0 in single precision | draw in double precision |
# | sigma never shrinks | see above | look at it; it is in every row of the history |
#
# ## Recap
#
# - The loss of the mean is not the mean of the loss. Mixtures can be good for reasons that no
#   single operation has; a distribution over operations cannot be fooled in this way.
# - Gumbel noise and an argmax draw from a softmax; a temperature makes the draw differentiable.
#   Cold is true and noisy, hot is quiet and biased.
# - GDAS draws one operation for each edge and computes only that; SNAS mixes near a corner and has
#   one loss for weights and logits. On digits their weights survived the cut.
# - BaLeNAS believes in a Gaussian over the logits of a mixture. Its natural-gradient update looks
#   like Adam with noise, and its noise is a penalty on curvature. How strong depends on the
#   width.
# - "Better than chance" here and "undecided" there do not compare two methods. Their difference
#   does, with its own interval.
#
# **Exercises:** [exercises/12_distributions.ipynb](../exercises/12_distributions.ipynb).
#
# ## References
#
# - Dong, Yang: *Searching for A Robust Neural Architecture in Four GPU Hours* (GDAS), CVPR 2019,
#   arXiv:1910.04465.
# - Xie, Zheng, Liu, Lin: *SNAS: Stochastic Neural Architecture Search*, ICLR 2019,
#   arXiv:1812.09926.
# - Jang, Gu, Poole: *Categorical Reparameterization with Gumbel-Softmax*; Maddison, Mnih, Teh: *The
#   Concrete Distribution*, both ICLR 2017.
# - Zhang, Pan, Chang, Su, Hu, Haffari, Yang: *BaLeNAS: Differentiable Architecture Search via the
#   Bayesian Learning Rule*, CVPR 2022, arXiv:2111.13204; M. Zhang, *Automated Deep Learning*, PhD
#   thesis, UTS 2021, chapter 5.
# - Khan et al.: *Fast and Scalable Bayesian Deep Learning by Weight-Perturbation in Adam*, ICML
#   2018; Khan, Rue: *The Bayesian Learning Rule*, 2021.
# - Louizos, Welling, Kingma: *Learning Sparse Neural Networks through L0 Regularization*, ICLR
#   2018.
