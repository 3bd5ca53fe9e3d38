"""Part II, Transport and diffusion: one module a paper."""
