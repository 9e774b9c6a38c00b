"""How networks are run: by ONNX Runtime, on the processor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def session(network: Path) -> InferenceSession:
    """The network in this file, on all cores that this process may use.

    Threads that have nothing to do sleep: by default they would spin, which takes processor time
    from all other work and does not even make the reading faster (`docs/performance.md`).
    """
    from onnxruntime import InferenceSession, SessionOptions  # late: for the reading process only

    options = SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False  # memory of a picture is given back after it
    options.log_severity_level = 4
    return InferenceSession(str(network), options, ["CPUExecutionProvider"])
