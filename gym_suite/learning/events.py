"""Learning curves as event files, which TensorBoard shows while a training runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gym_suite.core.extras import install_line

#: Folder of the event files, in the folder of the training.
FOLDER = "tensorboard"


class Events:
    """Writes rows of learning curves as event files, a run for each training.

    TensorBoard shows them by ``tensorboard --logdir FOLDER``. Made only where that is asked for, as it needs PyTorch's
    writer and the package tensorboard.

    Args:
        folder: Of the training; the runs lie in its folder :data:`FOLDER`, each in one of its own name.

    Raises:
        ModuleNotFoundError: tensorboard is not installed; the message names the line that installs it.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ModuleNotFoundError(
                f"event files need tensorboard: {install_line('tensorboard')}", name="tensorboard"
            ) from error
        self.folder = folder / FOLDER
        self._make = SummaryWriter
        self._writers: dict[str, Any] = {}

    def add(self, run: str, step: int, row: Mapping[str, Any]) -> None:
        """Write the numbers of one row of a curve.

        Args:
            run: Name of the run, such as ``ppo-0``.
            step: Environment steps of the training.
            row: Column to value; what is no finite number is left out.
        """
        if run not in self._writers:
            self._writers[run] = self._make(str(self.folder / run))
        for name, value in row.items():
            if isinstance(value, int | float) and math.isfinite(value):
                self._writers[run].add_scalar(name, value, step)
        self._writers[run].flush()

    def close(self) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()
