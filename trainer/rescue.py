"""Recomputing a base whose poster hides it: the aggregator's own command, in a process of its own.

Training must not stop because a poster of right numbers serves nothing, or other bytes (no refutation reaches that).
Judging belongs to the package `aggregator`, which this one does not import.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys

from market.cli.context import App

log = logging.getLogger(__name__)


def recompute(app: App, project: int) -> None:
    """Runs `fairtrain aggregator restore PROJECT` with the settings of `app`; what it says goes to the log.

    It may take long: everything that stands is recomputed once.
    """
    settings = {"FAIRTRAIN_HOME": str(app.home), "FAIRTRAIN_RPC": app.url}
    if app.store_url:
        settings["FAIRTRAIN_STORE"] = app.store_url
    if app.deployment_file:
        settings["FAIRTRAIN_DEPLOYMENT"] = str(app.deployment_file)
    command = [sys.executable, "-m", "market.cli", "aggregator", "restore", str(project)]
    done = subprocess.run(
        command, env=os.environ | settings, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    for line in (done.stdout + done.stderr).splitlines():
        log.info("restore: %s", line)
