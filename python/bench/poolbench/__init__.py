"""Benchmarks of gopool beside ``multiprocessing.Pool`` and other libraries, in the same run.

How a figure comes about, from the inside out:

- ``scenarios/`` says *what* is measured: one small function per scenario, with its docstring as
  the explanation. It opens a pool, times one thing, checks the results and returns the figures.
- ``libraries/`` says *on what*: how each library opens a pool, and does what scenarios ask of it.
- ``work`` is a function in Go, Python and a Go program; ``../go`` is the Go module of the bench.
- ``sample`` takes one measurement, in a fresh interpreter, so that no library is measured in a
  process that another one has left its threads, handlers or loaded extensions in.
- ``runner`` takes them in rounds: in each round every library once, in alternating order.
- ``summary`` pairs the figures of each round, and gives medians, quartiles and verdicts.
- ``report`` prints the tables and ``markdown`` puts them into a file, both in the ``wording`` of
  one module; ``plot`` draws them, ``record`` writes the JSON.
- ``environment`` describes the machine; ``placement`` and ``procfs`` are for scenarios that pin
  processes to cores, or ask the kernel what they cost.

To add a scenario, add a function with ``@scenario(...)`` to a module in ``scenarios/`` and import
that module in ``scenarios/__init__.py``. To add a library, add a module to ``libraries/`` and a
line to ``libraries.LIBRARIES``.
"""
