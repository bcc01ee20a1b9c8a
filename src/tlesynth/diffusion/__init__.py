"""The latent diffusion transformer: conditions, noise, network, training, sampling (paper, sections 3.2 and 5.2)."""
