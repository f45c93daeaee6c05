"""`airflow dags test DAG DAY` for a process that lives as long as one run.

dbt, Great Expectations and Airflow together make millions of objects that live until the end. With Python's defaults
the garbage collector looks through them again and again, and once more on the way out, for several seconds in all.
"""

from __future__ import annotations

import atexit
import gc
import sys
from typing import Any

from airflow.__main__ import main
from airflow.sdk import DAG


def without_deadlines() -> None:
    """Let `DAG.test` leave deadlines out: no scheduler looks at them, and Airflow 3.3.2 fails on them at the end."""
    run = DAG.test

    def test(dag: Any, *words: Any, **options: Any) -> Any:
        dag.deadline = None
        return run(dag, *words, **options)

    DAG.test = test  # type: ignore[method-assign]


if __name__ == "__main__":
    gc.set_threshold(200_000, 50, 1000)
    atexit.register(gc.freeze)
    without_deadlines()
    sys.argv = ["airflow", "dags", "test", *sys.argv[1:]]
    main()
