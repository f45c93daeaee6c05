"""One engine and one model in a process of its own: parameters, log-likelihood, CPU seconds and peak memory as JSON.

`python value_peer.py ENGINE MODEL TABLE.npy` runs in the peers' environment for the peers, in ours
for ours; it imports nothing of the bench.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np


def spent() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peak_mb() -> int:
    (line,) = [text for text in Path("/proc/self/status").read_text().splitlines() if text.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def ours(model: str, table: np.ndarray) -> dict:
    if model == "gamma_gamma":
        from ml.value.gamma_gamma import GammaGamma as Model
    elif model == "bg_nbd":
        from ml.value.bg_nbd import BgNbd as Model
    else:
        from ml.value.pareto_nbd import ParetoNbd as Model
    began = spent()
    fitted = Model().fit(table)
    return {"parameters": fitted.parameters_, "fit_cpu_seconds": round(spent() - began, 2)}


def lifetimes(model: str, table: np.ndarray) -> dict:
    from lifetimes import BetaGeoFitter, GammaGammaFitter, ParetoNBDFitter

    fitter = {"bg_nbd": BetaGeoFitter, "pareto_nbd": ParetoNBDFitter, "gamma_gamma": GammaGammaFitter}[model]()
    began = spent()
    fitter.fit(*table.T)
    parameters = {name: float(value) for name, value in fitter.params_.items()}
    return {"parameters": parameters, "fit_cpu_seconds": round(spent() - began, 2)}


def pymc_marketing(model: str, table: np.ndarray) -> dict:
    import pandas as pd
    from pymc_marketing import clv

    began = spent()
    frame = pd.DataFrame({"customer_id": np.arange(len(table)), "frequency": table[:, 0]})
    if model == "gamma_gamma":
        fitter = clv.GammaGammaModel(data=frame.assign(monetary_value=table[:, 1]))
    else:
        kind = {"bg_nbd": clv.BetaGeoModel, "pareto_nbd": clv.ParetoNBDModel}[model]
        fitter = kind(data=frame.assign(recency=table[:, 1], T=table[:, 2]))
    fitter.fit(method="map", progressbar=False)
    names = ("r", "alpha", "a", "b", "s", "beta", "p", "q", "v")
    posterior = fitter.idata.posterior
    parameters = {name: float(posterior[name].mean()) for name in names if name in posterior}
    return {"parameters": parameters, "fit_cpu_seconds": round(spent() - began, 2)}


ENGINES = {"ours": ours, "lifetimes": lifetimes, "pymc_marketing": pymc_marketing}


def main() -> None:
    engine, model, path = sys.argv[1:4]
    table = np.load(path)
    figures = ENGINES[engine](model, table)
    # Of the fit alone: what it takes to import an engine says nothing of a million customers.
    print(json.dumps(figures | {"cpu_seconds": round(spent(), 2), "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
