"""Subcommands of ``hpcbench``, one file each.

To add one: a module whose docstring's first line is its help, with ``EXAMPLE``, ``configure(parser)`` and
``run(options) -> exit code``. Import what is heavy inside ``run``. Nothing else is edited; another package
brings its own folder with the entry point group ``hpcbench.commands``.
"""
