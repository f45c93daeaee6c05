from __future__ import annotations

import pandas as pd
import pytest

from ml.tables import FeatureError, require_grain


def test_repeated_keys_are_refused():
    with pytest.raises(FeatureError, match="1 rows repeat"):
        require_grain(pd.DataFrame({"customer_id": ["a", "a"]}), ["customer_id"])
    with pytest.raises(FeatureError, match="missing columns"):
        require_grain(pd.DataFrame({"customer_id": ["a"]}), ["snapshot_date"])
