"""Subcommands of ``hpcbench`` that this package brings; see :mod:`hpcbench.commands`."""
