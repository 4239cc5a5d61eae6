"""What the drones' controllers share: from observation to flight state, from rotor speeds to action."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.protocol import Controller
from gym_suite.drones import parameters as pm


class RotorController(Controller):
    """A law that gives rotor speeds from one drone's observation; of several drones each is flown alike.

    Observations may be one drone's or, in the joint form, all drones' side by side.
    """

    #: Numbers that one drone's law remembers.
    drone_state_size = 0

    def _tune(self, nominal: Any) -> None:
        setup = nominal.setup
        names = setup.action_columns.names
        if not names[0].startswith("action_rotor"):
            raise ValueError(
                f"{type(self).__name__} commands rotor speeds; make the environment with action='rotors', "
                f"its actions are {', '.join(names)}"
            )
        self._row = np.array(nominal.tables[1])
        self._columns = setup.observation_columns
        self._size = len(self._columns)
        self._dt = setup.dt
        self._range = setup.action_columns[0].scale
        self._hover = float(
            np.sqrt(0.25 * self._row[pm.P_MASS] * self._row[pm.P_GRAVITY] / self._row[pm.P_K_F])
        )
        self.observation_size_ = None  # one drone's or all drones'
        self._drones = setup.agent_count
        self.state_size = self.drone_state_size * self._drones

    def _seen(self, o: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        """Return a vector quantity of (n, no) in SI units, (n, 3); 0 where it is not observed."""
        names = [f"{name}_{a}" for a in "xyz"]
        if names[0] not in self._columns:
            return np.zeros((len(o), 3))
        at = self._columns.index(names[0])
        return o[:, at : at + 3] * self._columns[at].scale

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        n, width = observation.shape
        if width not in (self._size, self._size * self._drones):
            raise ValueError(
                f"an observation has {self._size} numbers per drone and {self._drones} drones, got {width}"
            )
        count = width // self._size
        o = observation.reshape(n * count, self._size)
        mine = state[:, : count * self.drone_state_size].reshape(n * count, self.drone_state_size)
        mine = np.ascontiguousarray(mine)
        action = np.clip((self._rotors(o, mine) / self._hover - 1.0) / self._range, -1.0, 1.0)
        self._after(action, mine)
        state[:, : count * self.drone_state_size] = mine.reshape(n, -1)
        return action.reshape(n, count * 4)

    def _rotors(self, o: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rotor speeds, rpm, (n, 4), from observations (n, no); may update the state (n, ns) in place."""
        raise NotImplementedError

    def _after(self, action: NDArray[np.float64], state: NDArray[np.float64]) -> None:
        """Update the state with what the action space let through."""
