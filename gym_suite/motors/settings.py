"""Settings of single ids of the family, and what their pages say of them; by names without family and version."""

from __future__ import annotations

from typing import Any

#: The drive on which Traue, Book, Kirchgässner and Wallscheid set DDPG against a cascade of PI controllers ("Toward a
#: Reinforcement Learning Environment Toolbox for Intelligent Electric Motor Control", IEEE TNNLS 33(3), 2022,
#: arXiv:1910.09434), by the example that came with it. An action is held for five steps of 0.1 ms. Rated values are
#: chosen so that full voltage is no trip: of its 420 V the 7 Ohm let 60 A pass.
_TRAUE = {
    "machine": {
        "r_a": 2.5,
        "r_e": 4.5,
        "l_a": 0.0097,
        "l_e": 0.0092,
        "l_e_prime": 0.0092,
        "j_rotor": 0.001,
        "i_nominal": 50.0,
        "i_limit": 75.0,
        "omega_nominal": 80.0,
        "omega_limit": 105.0,
        "u_dc": 420.0,
    },
    "load": {"kind": "polynomial_static", "a": 0.0, "b": 0.0, "c": 0.01, "j_load": 0.001},
    "converter": "2QC",
    "tau": 5e-4,
}

#: The setting "disturbance" of a small machine: a twentieth of its voltage, a quarter of its torque.
_SMALL: dict[str, dict[str, Any]] = {
    "u": {"kind": "sine", "amplitude": 1.0, "period": 5e-3},
    "torque_load": {"kind": "prbs", "amplitude": 0.03, "period": 0.05},
}
#: Settings of ids that have some of their own. Under "losses" a torque is worth less the more copper warms for it;
#: under "torque" the drive's own controller of the flux and the currents takes a torque each millisecond.
SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
    "SeriesDc-Speed": {"traue_2022": _TRAUE},
    "EESM-Torque": {"losses": {"weights": {"loss": 0.02}}},
    "SCIM-Speed": {"torque": {"control": "torque"}},
    "BLDC": {"disturbance": {"disturbance": {"u": _SMALL["u"]}}},
    "BLDC-Speed": {"disturbance": {"disturbance": {"torque_load": _SMALL["torque_load"]}}},
}
#: What pages say of these settings.
NOTES: dict[str, str] = {
    "SeriesDc-Speed": """## Description

Under the setting `traue_2022` the drive is the one on which Traue, Book, Kirchgässner and Wallscheid set a learned
policy against a cascade of PI controllers ("Toward a Reinforcement Learning Environment Toolbox for Intelligent
Electric Motor Control", IEEE TNNLS 33(3), 2022, arXiv:1910.09434), by the example that came with it: 7 Ohm let no
voltage of the link trip it. A period is 0.5 ms, as an action there is held for five steps of 0.1 ms, and the
chopper has two quadrants. Other than there references are steps, rated values are chosen, and rewards are this id's.
`td3` and `ddpg` are trained under this setting alone.
""",
    "SCIM-Speed": """## Description

Under the setting `torque` the agent commands a torque each millisecond, which the drive's own control of flux and
currents follows. `ppo` is trained under this setting alone: by voltages it learned nothing in the trials that were
made. A load that it has not met in training trips it.
""",
    "EESM-Torque": """## Description

Under the setting `losses` a step costs a fiftieth of the copper losses, in parts of what they are where all currents
are at their limits, so that the excitation and the stator have to share the torque. A larger part would make the
penalty of a trip, which must exceed what losses can cost in an episode, outweigh all else. `ppo` is trained under this
setting alone.
""",
}
