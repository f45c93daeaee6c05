"""The purchase process as a peer and a member of the churn model: its probability of no purchase in the horizon."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.value.model import fit_value_model

COLUMN = "process_no_purchase"


def add_process(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with `COLUMN`: probability of no purchase, 0 to 1; NaN where no process could be fitted.

    The process is fitted on each snapshot date anew, on the histories known then, so that a training date knows no
    more than the night of that date knew.
    """
    found = np.full(len(frame), np.nan)
    for _, places in pd.Series(np.arange(len(frame))).groupby(frame["snapshot_date"].to_numpy()):
        rows = frame.iloc[places.to_numpy()]
        model = fit_value_model(rows)
        if model.process is not None:
            found[places.to_numpy()] = model.probability_no_purchase(rows, rows["churn_horizon_days"].to_numpy(float))
    return frame.assign(**{COLUMN: found})
