"""The latent diffusion transformer: classes, network, objective, sampling, training (paper, sections 3.2 and 5.2)."""
