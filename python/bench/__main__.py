"""Run the benchmarks: ``python python/bench --help``."""

from poolbench.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
