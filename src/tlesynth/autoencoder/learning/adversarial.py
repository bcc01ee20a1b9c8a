"""The forms an adversarial loss may take: what the discriminator and what the autoencoder minimise.

Each is a pure function of logits (B, 1, x, y, z), averaged over patches, in float32 whatever the networks run in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Adversarial:
    """One form; a logit above ``boundary`` calls a volume real."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    """(logits of real volumes, logits of reconstructions) -> scalar."""
    autoencoder: Callable[[Tensor], Tensor]
    """Logits of reconstructions -> scalar."""
    boundary: float

    def accuracy(self, real: Tensor, fake: Tensor) -> Tensor:
        """Share of patches the discriminator calls right, reconstructions and real volumes weighing the same."""
        return 0.5 * ((real > self.boundary).float().mean() + (fake < self.boundary).float().mean())


def bce_of_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's side of the paper's equation 2, negated: -log D(x) - log(1 - D(x_hat))."""
    return F.softplus(-real.float()).mean() + F.softplus(fake.float()).mean()


def bce_of_autoencoder(fake: Tensor) -> Tensor:
    """The autoencoder's side of equation 2 in its non-saturating form: -log D(x_hat).

    log(1 - D) has no gradient where the discriminator wins. 0.1, the paper's bound, means D(x_hat) = 0.905.
    Source: Goodfellow et al. 2014, section 3.
    """
    return F.softplus(-fake.float()).mean()


def hinge_of_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """max(0, 1 - D(x)) + max(0, 1 + D(x_hat)): 0 once both stand beyond their margin.

    Source: Lim and Ye 2017 (Geometric GAN); Tran et al. 2017.
    """
    return F.relu(1 - real.float()).mean() + F.relu(1 + fake.float()).mean()


def hinge_of_autoencoder(fake: Tensor) -> Tensor:
    """-D(x_hat): it has no lower bound. Source: Lim and Ye 2017 (Geometric GAN)."""
    return -fake.float().mean()


def least_squares_of_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """((D(x) - 1)^2 + D(x_hat)^2) / 2. Source: Mao et al. 2017 (LSGAN), equation 9."""
    return 0.5 * ((real.float() - 1).square().mean() + fake.float().square().mean())


def least_squares_of_autoencoder(fake: Tensor) -> Tensor:
    """(D(x_hat) - 1)^2, without the half of LSGAN's equation 9, as MAISI and pix2pix train; 0.1 means D = 0.68."""
    return (fake.float() - 1).square().mean()


FORMS = {
    "bce": Adversarial(bce_of_discriminator, bce_of_autoencoder, boundary=0.0),
    "hinge": Adversarial(hinge_of_discriminator, hinge_of_autoencoder, boundary=0.0),
    "least_squares": Adversarial(least_squares_of_discriminator, least_squares_of_autoencoder, boundary=0.5),
}
"""By the name the recipe gives them."""
