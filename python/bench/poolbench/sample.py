"""Take one measurement of one library, in this interpreter: ``python -m poolbench.sample``.

The runner starts this program for each measurement. Arguments are a scenario, a library and a
size; the figures go to standard output as one line of JSON, or else ``{"cannot": "the reason"}``.
"""

import json
import os
import sys


def main() -> None:
    """Run the scenario that the arguments name, and print its figures."""
    # Imported here and not above: spawned workers import this module too, and need none of it.
    import poolbench.scenarios  # noqa: F401
    from poolbench.libraries import LIBRARIES
    from poolbench.libraries.library import CannotMeasure
    from poolbench.scenario import SCENARIOS

    scenario, library, size = sys.argv[1:]
    try:
        figures = SCENARIOS[scenario].measure(LIBRARIES[library], int(size))
    except CannotMeasure as reason:
        print(json.dumps({"cannot": str(reason)}), flush=True)
        os._exit(0)  # a pool that cannot be ended would be waited for; the runner kills its workers
    print(json.dumps({"figures": figures}), flush=True)


if __name__ == "__main__":
    main()
