"""Every machine as a circuit at a given speed, written apart from the package: slopes, torque, powers, energy."""

import numpy as np

from tests.motors.unified import OF, currents

CLARKE = np.array([[2.0, -1.0, -1.0], [0.0, np.sqrt(3.0), -np.sqrt(3.0)]]) / 3.0


def turned(v, angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([c * v[0] - s * v[1], s * v[0] + c * v[1]])


class Dc:
    """A DC machine: currents (i_a, i_e), of which a machine with one winding has the first alone."""

    def __init__(self, m):
        self.m, self.name, self.pairs = m, type(m).__name__, 1.0
        self.two = self.name in ("ExtExDc", "ShuntDc")

    def parts(self, action, _):
        return np.array([action[0], action[-1]])

    def slopes(self, omega, i, u):
        m = self.m
        psi = {"PermExDc": lambda: m.psi_e, "SeriesDc": lambda: m.l_e_prime * i[0]}.get(
            self.name, lambda: m.l_e_prime * i[1]
        )()
        r, inductance = m.r_a, m.l_a
        if self.name == "SeriesDc":
            r, inductance = r + m.r_e, inductance + m.l_e
        di = (u[0] - r * i[0] - psi * omega) / inductance
        copper, other = r * i[0] ** 2, 0.0
        if self.two:
            other = (u[1] - m.r_e * i[1]) / m.l_e
            copper += m.r_e * i[1] ** 2
        power = u[0] * i[0] + (u[1] * i[1] if self.two else 0.0)
        return np.array([di, other]), psi * i[0], power, copper

    def field(self, i):
        m = self.m
        inductance = m.l_a + (m.l_e if self.name == "SeriesDc" else 0.0)
        return 0.5 * inductance * i[0] ** 2 + (0.5 * m.l_e * i[1] ** 2 if self.two else 0.0)

    def ours(self, state):
        first = state["i_a" if "i_a" in state else "i"]
        return np.array([first, state["i_e"] if self.two else 0.0])


class Ac:
    """A machine of alternating current by unified theory."""

    def __init__(self, m):
        self.m, self.name, self.model = m, type(m).__name__, OF[type(m).__name__](m)
        self.pairs = m.p

    def parts(self, action, epsilon):
        """Parts of the link's voltage on the windings, in the frame of the equations."""
        first = 0.5 * CLARKE @ action[:3]
        if self.name == "SCIM":
            return np.array([*first, 0.0, 0.0])
        if self.name == "DFIM":
            return np.array([*first, *turned(0.5 * CLARKE @ action[3:], epsilon)])
        if self.name == "SixPhasePMSM":
            one = turned(first, -epsilon)
            other = turned(0.5 * CLARKE @ action[3:], np.pi / 6 - epsilon)
            half, rest = 0.5 * (one + other), 0.5 * (one - other)
            return np.array([*half, rest[0], -rest[1]])
        d_q = turned(first, -epsilon)
        return np.array([*d_q, action[3]]) if self.name == "EESM" else d_q

    def slopes(self, omega, i, u):
        di, torque = self.model.slopes(omega, i, u)
        weighed = self.model.w * i
        return di, torque, weighed @ u, weighed @ (self.model.r * i)

    def field(self, i):
        return self.model.energy(i)

    def ours(self, state):
        names = {
            "SCIM": ("i_salpha", "i_sbeta", "psi_ralpha", "psi_rbeta"),
            "DFIM": ("i_salpha", "i_sbeta", "psi_ralpha", "psi_rbeta"),
            "EESM": ("i_sd", "i_sq", "i_e"),
            "SixPhasePMSM": ("i_sd", "i_sq", "i_sx", "i_sy"),
        }.get(self.name, ("i_sd", "i_sq"))
        return currents(self.model, np.array([[state[name] for name in names]]))[0]
