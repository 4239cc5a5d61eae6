"""Every machine by unified machine theory, as an oracle: windings, how they couple, and how they turn.

    u = R i + d psi/dt + omega_e N psi,   psi = L i + psi_0,   torque = pairs i^T W N psi

W weighs the windings by power (3/2 for an axis of three phases). It is written apart from the package, in matrices.
"""

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp


@dataclass
class Unified:
    """A machine in the frame of its equations: resistances, inductances, turning, magnets, weights, pole pairs."""

    r: np.ndarray
    inductance: np.ndarray
    n: np.ndarray
    psi: np.ndarray
    w: np.ndarray
    pairs: float
    shown: np.ndarray | None = (
        None  # from the currents to the machine's state, where these are not the same
    )

    def slopes(self, omega, i, u):
        """Return di/dt and the torque."""
        psi = self.inductance @ i + self.psi
        induced = self.n @ psi
        torque = self.pairs * (self.w * i) @ induced
        return np.linalg.solve(
            self.inductance, u - self.r * i - self.pairs * omega * induced
        ), torque

    def energy(self, i):
        """Return the energy that is stored in the windings, J."""
        return 0.5 * (self.w * i) @ self.inductance @ i


TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


def synchronous(m):
    """d and q windings beside a magnet."""
    return Unified(
        r=np.full(2, m.r_s),
        inductance=np.diag([m.l_d, m.l_q]),
        n=TURN,
        psi=np.array([getattr(m, "psi_p", 0.0), 0.0]),
        w=np.full(2, 1.5),
        pairs=m.p,
    )


def excited(m):
    """d, q and excitation windings."""
    n = np.zeros((3, 3))
    n[:2, :2] = TURN
    return Unified(
        r=np.array([m.r_s, m.r_s, m.r_e]),
        inductance=np.array([[m.l_d, 0.0, m.l_m], [0.0, m.l_q, 0.0], [1.5 * m.l_m, 0.0, m.l_e]]),
        n=n,
        psi=np.zeros(3),
        w=np.array([1.5, 1.5, 1.0]),
        pairs=m.p,
    )


def induction(m):
    """Stator and rotor windings in the stator's frame, in which the rotor's turn; the state has the rotor's flux."""
    zero, one = np.zeros((2, 2)), np.eye(2)
    l_s, l_r = m.l_m + m.l_sigs, m.l_m + m.l_sigr
    return Unified(
        r=np.array([m.r_s, m.r_s, m.r_r, m.r_r]),
        inductance=np.block([[l_s * one, m.l_m * one], [m.l_m * one, l_r * one]]),
        n=np.block([[zero, zero], [zero, -TURN]]),
        psi=np.zeros(4),
        w=np.full(4, 1.5),
        pairs=m.p,
        shown=np.block([[one, zero], [m.l_m * one, l_r * one]]),
    )


def six_phase(m):
    """d and q windings beside a magnet, and x and y, whose plane turns the other way."""
    zero = np.zeros((2, 2))
    return Unified(
        r=np.full(4, m.r_s),
        inductance=np.diag([m.l_d, m.l_q, m.l_x, m.l_y]),
        n=np.block([[TURN, zero], [zero, -TURN]]),
        psi=np.array([m.psi_p, 0.0, 0.0, 0.0]),
        w=np.full(4, 1.5),
        pairs=m.p,
    )


OF = {
    "PMSM": synchronous,
    "SynRM": synchronous,
    "EESM": excited,
    "SCIM": induction,
    "DFIM": induction,
    "SixPhasePMSM": six_phase,
}


def currents(model, states):
    """Return the currents of all windings, (n, windings), of rows of a machine's state."""
    return states if model.shown is None else np.linalg.solve(model.shown, states.T).T


def padded(model, voltages):
    """Return voltages with zeros for short-circuited windings, (n, windings)."""
    return np.pad(voltages, ((0, 0), (0, len(model.r) - voltages.shape[1])))


def run(machine, voltages, tau, *, omega=0.0, load=None):
    """Integrate under voltages held in the frame of the equations; return rows of omega, the machine's state, angle."""
    model = OF[type(machine).__name__](machine)
    size = len(model.r)
    x = np.zeros(size + 2)
    x[0] = omega
    states = [x]
    for u in padded(model, voltages):

        def slope(_, y, u=u):
            di, torque = model.slopes(y[0], y[1:-1], u)
            dw = 0.0
            if load is not None:
                linear = load["a"] * load["tau_decay"] / load["j_total"]
                coulomb = load["a"] * max(-1.0, min(1.0, y[0] / linear))
                taken = coulomb + load["b"] * y[0] + load["c"] * y[0] * abs(y[0])
                dw = (torque - taken) / load["j_total"]
            return [dw, *di, model.pairs * y[0]]

        # The kinks of Coulomb friction are few and small; a tight tolerance passes them.
        method = "Radau" if load else "DOP853"
        x = solve_ivp(slope, (0.0, tau), x, method=method, rtol=1e-11, atol=1e-12).y[:, -1]
        states.append(x)
    states = np.array(states)
    if model.shown is not None:
        states[:, 1:-1] = states[:, 1:-1] @ model.shown.T
    return states
