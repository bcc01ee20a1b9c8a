"""The VAE-GAN: compresses a volume to a latent 4 times smaller on each axis and back (paper, sections 3.1 and 5.1)."""
