"""The stages of the daily DAG `erase`: a thin task around the room that does the work."""

from __future__ import annotations

import logging

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from kehu.airflow.stages import one_line, warehouse_url

log = logging.getLogger(__name__)


@task(
    task_id="erase_requested",
    doc_md="Erases the customers of `ops.erasure_requests` everywhere, in one transaction that ends with a scan of the"
    " whole database and all files; writes the receipt into `ops.erasures`. No id passes through Airflow.",
)
def erase_requested_task() -> None:
    """Erase whom the open requests name; nothing is changed where anything would be left."""
    from kehu.paths import installation_databases, state_folder
    from kehu.privacy.erase import ErasureError, Installation, erase_requested, tell_open
    from kehu.privacy.keys import HashKey, HashKeyError
    from kehu.privacy.person import UnknownCustomerError
    from kehu.privacy.vault import Vault, VaultError

    home = state_folder()
    installation = Installation(installation_databases(), (home,), (home / "postgres", home / "secrets.json"))
    try:
        vault = Vault.from_environment()
        receipt = erase_requested(warehouse_url(None), HashKey.from_environment(), vault, installation)
    except (ErasureError, HashKeyError, UnknownCustomerError, VaultError) as error:
        raise AirflowFailException(one_line(error)) from None
    except Exception as error:
        # The server's further lines quote values.
        raise RuntimeError(f"{type(error).__name__}: nothing was erased") from None
    if receipt is None:
        raise AirflowSkipException("nobody asked to be erased")
    log.info(
        "erasure %s: %s cells and %s files looked at, nothing left", receipt.erasure_id, receipt.cells, receipt.files
    )
    if receipt.count_left_open:
        # What was erased is erased; somebody is to look at the others.
        raise AirflowFailException(f"erased all but {tell_open(receipt.count_left_open)}")
