"""A program that uses pools for a long time, while everything that can go wrong does.

`make soak`. Workers are killed, stopped and crashed, the main thread gets Ctrl-C, pools are closed,
terminated and dropped in the middle of work, in several threads at once. The tasks keep a journal,
by which each must have run once, or have been reported lost once; and whenever no pool is there,
nothing may be left of those that were.
"""
