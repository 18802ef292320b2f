"""What a reader sees: frames for analysts, a table for the terminal, one self-contained HTML page.

Everything here is a pure function of :class:`~hpcbench.report.evidence.Evidence`: nothing measures,
reads files or prints. A new form of report is one new module that takes an ``Evidence``;
:mod:`~hpcbench.report.standing` gives it the order and the ties, :mod:`~hpcbench.report.wording` the
words, :mod:`~hpcbench.report.units` the numbers. pandas and matplotlib are imported by the functions
that need them, so the terminal table works without either.
"""
