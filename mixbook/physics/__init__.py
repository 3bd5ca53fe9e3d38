"""Part V, Physics and energy models: one module a paper."""
