"""Blocks that two or more methods use. This package imports no family."""
