"""Part IX, Complex networks: one module a paper."""
