"""Take one measurement of one library, in this interpreter: ``python -m poolbench.sample``.

The runner starts this program for each measurement. Arguments are a scenario, a library and a
size; the figures go to standard output as one line of JSON.
"""

import json
import sys

from poolbench.libraries import LIBRARIES


def main() -> None:
    """Run the scenario that the arguments name, and print its figures."""
    # Imported here and not above: spawned workers import this module too, and need none of it.
    import poolbench.scenarios  # noqa: F401
    from poolbench.scenario import SCENARIOS

    scenario, library, size = sys.argv[1:]
    figures = SCENARIOS[scenario].measure(LIBRARIES[library], int(size))
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
