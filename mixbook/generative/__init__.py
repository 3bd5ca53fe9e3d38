"""Part IV, Generative models: one module a paper."""
