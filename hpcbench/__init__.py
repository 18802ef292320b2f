"""hpcbench: find the fastest correct sparse, graph and solver kernels on your machine and your data."""

__version__ = "0.1.0"
