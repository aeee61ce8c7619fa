"""The recurrent controller of REINFORCE: a policy over tokens, its loss, its entropy.

    controller = Controller([5] * 6, hidden=64, generator=torch.Generator().manual_seed(0))
    tokens, log_probabilities = controller.sample(10, np.random.default_rng(0))

Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

# The logit of an option that a choice does not have: probability exactly 0, and 0 * logit is 0.
IMPOSSIBLE = -1e9
INITIAL_WEIGHT = 0.1  # all weights start in U(-0.1, 0.1), as in ENAS: a nearly uniform policy


class Controller(nn.Module):
    """An LSTM that gives the probabilities of every option of the next choice, given those before.

    The options chosen so far are embedded and fed back, so that a later choice can depend on an
    earlier one. With a constant input instead, as in many a short listing, the policy is a
    product of independent distributions and cannot say "this operation here only if that there".

    Parameters
    ----------
    options : sequence of int
        Number of options of each choice, in the order in which they are made.
    hidden : int
        Size of the LSTM's state and of the embedded tokens.
    generator : torch.Generator
        Draws the initial weights.
    """

    def __init__(self, options: Sequence[int], hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        most, first = max(options), np.cumsum([1, *options])
        # row 0 is the start token, then come the options of choice 0, of choice 1, ...
        self.embedding = nn.Parameter(torch.empty(int(first[-1]), hidden))
        # made on "meta", because the module's own initialisation draws from the global generator
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True, device="meta").to_empty(device="cpu")
        self.heads = nn.Parameter(torch.empty(len(options), most, hidden))
        self.biases = nn.Parameter(torch.empty(len(options), most))
        self.register_buffer("first_rows", torch.from_numpy(first[:-1]), persistent=False)
        self.register_buffer(
            "missing", torch.arange(most) >= torch.tensor(options)[:, None], persistent=False
        )
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -INITIAL_WEIGHT, INITIAL_WEIGHT, generator=generator)

    first_rows: Tensor
    missing: Tensor

    def forward(self, tokens: Tensor) -> Tensor:
        """Return log pi(option | options before) at each choice of given token sequences.

        Parameters
        ----------
        tokens : Tensor of int64, shape (batch, choices)
            Option indices. The last column is not read: nothing comes after it.

        Returns
        -------
        Tensor, shape (batch, choices, most options)
            Rows sum to one after `exp`; options that a choice does not have get about -1e9.
        """
        batch = len(tokens)
        rows = tokens[:, :-1] + self.first_rows[:-1]
        inputs = torch.cat([rows.new_zeros(batch, 1), rows], dim=1)
        states, _ = self.lstm(self.embedding[inputs])
        logits = torch.einsum("bth,toh->bto", states, self.heads) + self.biases
        return logits.masked_fill(self.missing, IMPOSSIBLE).log_softmax(dim=2)

    @torch.no_grad()
    def sample(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Draw token sequences, one choice after the other.

        Returns
        -------
        tokens : Tensor of int64, shape (count, choices)
        log_probabilities : Tensor, shape (count, choices, most options)
            What `forward(tokens)` gives.
        """
        choices, most = self.missing.shape
        inputs = torch.zeros(count, dtype=torch.int64)
        state, tokens, steps = None, [], []
        for choice in range(choices):
            output, state = self.lstm(self.embedding[inputs][:, None], state)
            logits = output[:, 0] @ self.heads[choice].T + self.biases[choice]
            log_probabilities = logits.masked_fill(self.missing[choice], IMPOSSIBLE).log_softmax(1)
            # argmax of log p + Gumbel noise is a draw from p
            noise = torch.from_numpy(rng.gumbel(size=(count, most)))
            token = (log_probabilities + noise).argmax(dim=1)
            tokens.append(token)
            steps.append(log_probabilities)
            inputs = token + self.first_rows[choice]
        return torch.stack(tokens, dim=1), torch.stack(steps, dim=1)


def sequence_log_probability(log_probabilities: Tensor, tokens: Tensor) -> Tensor:
    """Return log p(a) = sum_t log pi(a_t | a_1 .. a_(t-1)), shape (batch,)."""
    return log_probabilities.gather(2, tokens[:, :, None]).sum(dim=(1, 2))


def path_entropy(log_probabilities: Tensor) -> Tensor:
    """Return the entropies of the choices along each path, summed, in nats, shape (batch,).

    Its mean over paths drawn from the policy is the entropy of the policy (chain rule).
    """
    return -(log_probabilities.exp() * log_probabilities).sum(dim=(1, 2))


def reinforce_loss(
    controller: Controller, tokens: Tensor, advantages: Tensor, entropy_weight: float
) -> tuple[Tensor, Tensor]:
    """Return the loss whose negative gradient is the REINFORCE estimate, and the mean entropy.

    grad J = E[ (R - b) sum_t grad log pi(a_t | a_1 .. a_(t-1)) ]   (Williams 1992)

    estimated by the mean over the batch, plus `entropy_weight` times the entropy along the
    sampled paths (Mnih et al. 2016, "Asynchronous Methods for Deep RL", section 4).

    Parameters
    ----------
    controller : Controller
    tokens : Tensor of int64, shape (batch, choices)
        Drawn from the controller's policy.
    advantages : Tensor, shape (batch,)
        R - b, constants for the gradient.
    entropy_weight : float
        From 0 on.
    """
    log_probabilities = controller(tokens)
    gain = (advantages * sequence_log_probability(log_probabilities, tokens)).mean()
    entropy = path_entropy(log_probabilities).mean()
    return -gain - entropy_weight * entropy, entropy
