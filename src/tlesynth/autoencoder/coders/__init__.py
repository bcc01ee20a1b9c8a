"""The two coders an autoencoder may be built around, and what they are made of."""
