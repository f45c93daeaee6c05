"""`airflow dags test nightly DAY` for a process that lives as long as one night.

dbt, Great Expectations and Airflow together make millions of objects that live until the end. With Python's defaults
the garbage collector looks through them again and again, and once more on the way out, for several seconds in all.
"""

from __future__ import annotations

import atexit
import gc
import sys

from airflow.__main__ import main

if __name__ == "__main__":
    gc.set_threshold(200_000, 50, 1000)
    atexit.register(gc.freeze)
    sys.argv = ["airflow", "dags", "test", "nightly", *sys.argv[1:]]
    main()
