"""The family's one layout: columns of the state x, of the quantities q, of the parameters p, and the tables.

Every machine and every task uses some of these columns; kernels read all of them by name (``x[X.omega]``). What a
machine or task does not use is spare: it stays zero and is left out wherever columns are named.

Where the compiled code is the same for all machines the columns are numbered slots (``reference_0``), which
:mod:`gym_suite.motors.envs.columns` gives the names that they have for a machine and task (``i_sd_ref``).
"""

from __future__ import annotations

import math

from gym_suite.core.columns import Column, Columns
from gym_suite.motors.losses import Losses
from gym_suite.motors.machines import KINDS
from gym_suite.motors.parameters import OrnsteinUhlenbeck, PolynomialStatic, TwoMass, Vehicle
from gym_suite.motors.supplies import SUPPLIES
from gym_suite.motors.thermal import ThermalNetwork

VOLTAGES = 4  # held by the converter, at most
ACTIONS = 6  # elements of an action, at most
PHASES = 3  # of a machine with one winding
TRACKED = 4  # quantities that follow references at once, at most
AXES = 4  # of an inner current controller, at most
LEGS = 6  # of a converter, at most
SENSED = 4  # currents that have a sensor, at most


def _slots(name: str, count: int, unit: str, meaning: str, high: float = math.inf) -> Columns:
    return Columns(*(Column(f"{name}_{k}", unit, -high, high, meaning) for k in range(count)))


# ----------------------------------------------------------------------------------------------------------- the state

_ACTION = tuple(_slots("action", ACTIONS, "1", "last action", 1.0))

#: What a step of a synchronous machine touches whose leader commands voltages, and its last action up to three phases:
#: three cache lines. It stands first, because many worlds are as fast as the memory that their rows take.
TOUCHED = (
    Columns(
        Column("omega", "rad/s", meaning="mechanical speed"),
        Column("epsilon", "rad", -math.pi, math.pi, "electrical rotor angle"),
        Column("cos_epsilon", "1", -1, 1, "cosine of the electrical rotor angle"),
        Column("sin_epsilon", "1", -1, 1, "sine of the electrical rotor angle"),
        Column("i_sd", "A", meaning="d current"),
        Column("i_sq", "A", meaning="q current"),
        Column("position", "rad", meaning="angle that the shaft has turned by since reset"),
        Column("torque_load", "N m", meaning="load torque at the end of the last period"),
    )
    + _slots("held", VOLTAGES, "V", "voltage that waits for the next period")
    + Columns(
        Column("u_sd", "V", meaning="d voltage in the middle of the last period"),
        Column("u_sq", "V", meaning="q voltage in the middle of the last period"),
        Column("tripped", "1", 0, 1, "1 if a current has exceeded its limit in the step"),
        Column("change", "1", 0, math.inf, "mean squared change of the last action"),
        Column("clipped", "1", 0, ACTIONS, "elements of the last action outside [-1, 1]"),
    )
    + _slots("reference", TRACKED, "*", "reference")
    + Columns(*_ACTION[:PHASES])
)

#: What further machines and tasks with averaged legs on an ideal supply have.
SELDOM = (
    Columns(*_ACTION[PHASES:])
    + Columns(
        Column("i_e", "A", meaning="excitation current"),
        Column("i_a", "A", meaning="armature current"),
        Column("u_e", "V", meaning="excitation voltage in the last period"),
        Column("u_a", "V", meaning="armature voltage in the last period"),
    )
    + _slots("command", AXES, "A", "current reference of the inner controller")
    + _slots("integral", AXES, "V", "integral term of the inner controller")
    + Columns(
        Column("start", "s", 0, math.inf, "start of the window of the drive cycle"),
    )
)

#: Electrical states of machines that stand apart in the layout, and the voltages of their further axes.
FURTHER = Columns(
    Column("i_salpha", "A", meaning="alpha current of the stator"),
    Column("i_sbeta", "A", meaning="beta current of the stator"),
    Column("psi_ralpha", "Vs", meaning="alpha flux of the rotor"),
    Column("psi_rbeta", "Vs", meaning="beta flux of the rotor"),
    Column("flux_alpha", "Vs", meaning="alpha flux of the rotor as the drive estimates it"),
    Column("flux_beta", "Vs", meaning="beta flux of the rotor as the drive estimates it"),
    Column("i_sx", "A", meaning="x current"),
    Column("i_sy", "A", meaning="y current"),
    Column("u_rd", "V", meaning="d voltage of the rotor in the last period"),
    Column("u_rq", "V", meaning="q voltage of the rotor in the last period"),
    Column("u_sx", "V", meaning="x voltage in the middle of the last period"),
    Column("u_sy", "V", meaning="y voltage in the middle of the last period"),
)

#: Of switched converters; -1 stands for no switch closed. A bridge of three levels has 27 states.
SWITCHING = Columns(
    *(
        Column(f"{name}_{k}", "1", -1, 26, meaning, whole=True)
        for name, meaning in (
            ("waiting", "switching state that waits for the next period"),
            ("switched", "switching state in the last period"),
        )
        for k in range(2)
    )
)

#: Of a carrier whose legs are interlocked.
PULSES = _slots("duty", LEGS, "1", "duty cycle of a leg in the last period", 1.0)

#: Of a bridge of three levels.
NEUTRAL = Columns(
    Column("u_n", "V", meaning="voltage of the neutral point against the middle of the link"),
)

#: Of such a bridge whose legs follow carriers: 1 is the upper rail, 0 the neutral point, -1 the lower rail.
LEG_MEANS = Columns(
    *(
        Column(f"leg_{phase}", "1", -1, 1, f"mean position of leg {phase} in the last period")
        for phase in "abc"
    )
)

#: Of a supply whose voltage moves.
LINK = Columns(
    Column("u_dc", "V", 0, math.inf, "voltage of the DC link"),
    Column("charge", "1", -math.inf, 1, "state of charge of the battery"),
    Column("energy_dc", "J", meaning="energy that the converter has taken from the link"),
    Column("energy_source", "J", meaning="energy that the source has given before its resistance"),
    Column("energy_brake", "J", 0, math.inf, "energy that the braking resistor has taken"),
)

#: Of an encoder, which is read once a control period.
COUNTED = Columns(
    Column("shaft_read", "rad", meaning="angle of the shaft when the encoder was read last"),
    Column("shaft_before", "rad", meaning="angle of the shaft when it was read before that"),
)

#: Of a load behind an elastic shaft.
SHAFT = Columns(
    Column("omega_load", "rad/s", meaning="speed of the load behind the shaft"),
    Column(
        "twist", "rad", meaning="angle of the rotor less that of the load, 0 in the gap's middle"
    ),
)

#: Of a drive whose losses are computed: means over the last control period.
POWERS = Columns(
    Column("power_dc", "W", meaning="power out of the DC link"),
    Column("power_shaft", "W", meaning="power that the shaft gets, less iron loss and friction"),
    Column("loss_copper", "W", 0, math.inf, "loss in the windings"),
    Column("loss_iron", "W", 0, math.inf, "loss in the iron"),
    Column("loss_conduction", "W", 0, math.inf, "conduction loss of the inverter"),
    Column("loss_switching", "W", 0, math.inf, "switching loss of the inverter"),
    Column("loss_friction", "W", 0, math.inf, "friction besides the load's"),
)
#: Of a machine that warms.
TEMPERATURES = Columns(
    Column("temperature_winding", "degC", meaning="temperature of the winding"),
    Column("temperature_magnet", "degC", meaning="temperature of the magnets or the rotor"),
    Column("temperature_housing", "degC", meaning="temperature of housing and stator iron"),
)

#: Columns with which a row of a synchronous machine may end, each a whole number of cache lines: the fewest that hold
#: all that its setup uses are taken.
ROW_LENGTHS = len(TOUCHED), len(TOUCHED) + len(SELDOM)
STATES = (
    TOUCHED
    + SELDOM
    + FURTHER
    + SWITCHING
    + LINK
    + PULSES
    + NEUTRAL
    + LEG_MEANS
    + COUNTED
    + SHAFT
    + POWERS
    + TEMPERATURES
)
X = STATES.places

# ------------------------------------------------------------------------------------------------------- the quantities

#: What can be observed, tracked, limited, drawn and told, in SI units; a row of scratch that each step fills anew.
QUANTITIES = (
    Columns(
        Column("omega", "rad/s", meaning="mechanical speed"),
        Column("v", "m/s", meaning="vehicle speed"),
        Column("epsilon", "rad", -math.pi, math.pi, "electrical angle"),
        Column("cos_epsilon", "1", -1, 1, "cosine of the electrical angle"),
        Column("sin_epsilon", "1", -1, 1, "sine of the electrical angle"),
        Column("i_sd", "A", meaning="d current"),
        Column("i_sq", "A", meaning="q current"),
        Column("i_e", "A", meaning="excitation current"),
        Column("i_a", "A", meaning="armature current"),
        Column("position", "rad", meaning="angle that the shaft has turned by"),
        Column("u_sd", "V", meaning="d voltage in the middle of the last period"),
        Column("u_sq", "V", meaning="q voltage in the middle of the last period"),
        Column("u_e", "V", meaning="excitation voltage in the last period"),
        Column("u_a", "V", meaning="armature voltage in the last period"),
        Column("torque", "N m", meaning="air-gap torque"),
        Column("torque_load", "N m", meaning="load torque"),
        Column("torque_command", "N m", meaning="torque command"),
        Column("violation", "1", 0, 1, "1 if a current limit is exceeded"),
        Column("clipped", "1", 0, ACTIONS, "elements of the action that were outside [-1, 1]"),
    )
    + _slots("action", ACTIONS, "1", "last action", 1.0)
    + _slots("command", AXES, "A", "current reference of the inner controller")
    + _slots("reference", TRACKED, "*", "reference at the same instant")
    + _slots("error", TRACKED, "*", "reference minus value")
    + Columns(
        *(
            Column(f"earned_{k}", "1", 0, math.inf, "what a tracked quantity earns")
            for k in range(TRACKED)
        ),
        Column("reward_loss", "1", -math.inf, 0, "copper loss"),
        Column("reward_effort", "1", -math.inf, 0, "squared action"),
        Column("reward_smoothness", "1", -math.inf, 0, "squared change of the action"),
        Column("reward_trip", "1", -math.inf, 0, "penalty of a trip"),
    )
    + FURTHER
    + Columns(
        Column("psi_rd", "Vs", 0, math.inf, "flux of the rotor as the drive estimates it"),
        Column("psi_rq", "Vs", meaning="flux of the rotor across that direction"),
        Column("omega_s", "rad/s", meaning="electrical speed of the stator's field"),
        Column("rho", "rad", -math.pi, math.pi, "direction of that flux"),
        Column("cos_rho", "1", -1, 1, "cosine of the direction of the estimated flux"),
        Column("sin_rho", "1", -1, 1, "sine of the direction of the estimated flux"),
        Column("i_rd", "A", meaning="d current of the rotor"),
        Column("i_rq", "A", meaning="q current of the rotor"),
        Column("u_salpha", "V", meaning="alpha voltage of the stator"),
        Column("u_sbeta", "V", meaning="beta voltage of the stator"),
        Column("u_ralpha", "V", meaning="alpha voltage of the rotor"),
        Column("u_rbeta", "V", meaning="beta voltage of the rotor"),
    )
    + LINK
    + NEUTRAL
    + LEG_MEANS
    + SHAFT
    + Columns(Column("torque_shaft", "N m", meaning="torque that the shaft transmits to the load"))
    + POWERS
    + Columns(
        Column("efficiency", "1", 0, 1, "what is used of the power, in driving and in braking")
    )
    + TEMPERATURES
)
Q = QUANTITIES.places

# ------------------------------------------------------------------------------------------------------ the parameters

#: Zero sequences of a carrier's duty cycles; those from the third to the last but one hold one leg in each period, and
#: the last keeps the neutral point of a bridge of three levels.
ZERO_SEQUENCES = (
    "none",
    "space-vector",
    "dpwm-min",
    "dpwm-max",
    "dpwm0",
    "dpwm1",
    "dpwm2",
    "dpwm3",
    "balancing",
)
(
    NO_ZERO_SEQUENCE,
    SPACE_VECTOR,
    DPWM_MIN,
    DPWM_MAX,
    DPWM0,
    DPWM1,
    DPWM2,
    DPWM3,
    BALANCING,
) = range(len(ZERO_SEQUENCES))
MODULATIONS = ("averaged", "carrier")
#: What becomes of a voltage beyond the circle within the hexagon.
OVERMODULATIONS = ("hexagon", "six-step")
CONTROLS = ("voltage", "torque")
CONTROL_VOLTAGE, CONTROL_TORQUE = range(len(CONTROLS))
FRAMES = ("dq", "abc")
FRAME_DQ, FRAME_ABC = range(len(FRAMES))
#: Steps: currents or a torque drawn within what voltage allows, or anything within a range. Signals. A drive cycle.
REFERENCE_CURRENTS, REFERENCE_TORQUE, REFERENCE_STEPS, REFERENCE_SIGNALS, REFERENCE_CYCLE = range(5)


def _united(*parts: Columns) -> Columns:
    """Return the columns of all parts, each name once."""
    return Columns(*{column.name: column for part in parts for column in part}.values())


PARAMETERS = (
    Columns(Column("machine", "1", 0, len(KINDS) - 1, "kind of the machine, by its place"))
    + Columns(
        Column("excitation", "1", 0, 3, "DC: 0 magnets, 1 in series, 2 in parallel, 3 apart"),
        Column("quadrants_a", "1", 0, 4, "DC: of the armature's chopper, 0: no chopper"),
        Column("quadrants_e", "1", 0, 4, "DC: of the excitation's chopper, 0: no chopper"),
        Column(
            "caught", "1", 0, 1, "1: the first voltage is the one that the turning machine induces"
        ),
    )
    + _united(*(Columns.of(cls) for cls in KINDS.values()))
    + Columns(Column("iron_d", "1", 0, math.inf, "factor of the inductances l_d, l_m and l_e"))
    + Columns(Column("flux_scale", "1", 0, math.inf, "factor of the flux linkages of the map"))
    + Columns(
        Column(
            "load_kind",
            "1",
            0,
            5,
            "0 held, 1 polynomial, 2 vehicle, 3 two masses, 4 profile, 5 random speed",
        )
    )
    + _united(*(Columns.of(cls) for cls in (PolynomialStatic, Vehicle, OrnsteinUhlenbeck, TwoMass)))
    + Columns(
        Column("supply_kind", "1", 0, len(SUPPLIES) - 1, "0 ideal, 1 RC, 2 rectifier, 3 battery")
    )
    + _united(*(Columns.of(cls) for cls in SUPPLIES.values()))
    + Columns.of(Losses)
    + Columns(
        Column("standstill", "rad/s", 0, math.inf, "speed below which hysteresis and bearings fade")
    )
    + Columns(Column("warms", "1", 0, 1, "1: the machine's temperatures move"))
    + Columns.of(ThermalNetwork)
    + Columns(
        # converter and timing
        Column("tau", "s", 0, math.inf, "period of the inverter and the inner controller"),
        Column("ratio", "1", 1, math.inf, "inverter periods per control period"),
        Column("substeps", "1", 1, math.inf, "Runge-Kutta steps per inverter period"),
        Column("dead_time", "1", 0, 1, "1: a command is applied one inverter period late"),
        Column(
            "c_neutral", "F", 0, math.inf, "of each capacitor of a bridge of three levels, else 0"
        ),
        Column("interlocking", "s", 0, math.inf, "time for which a leg that is switched is open"),
        Column(
            "zero_sequence",
            "1",
            0,
            len(ZERO_SEQUENCES) - 1,
            "of a carrier: 0 none, 1 space vectors, 2 to 7 discontinuous, 8 balancing, by its place",
        ),
        Column("frame", "1", 0, 1, "of the action: 0 dq, 1 abc"),
        Column("control", "1", 0, 1, "the action is: 0 a voltage, 1 a torque"),
        Column("actions", "1", 1, ACTIONS, "elements of an action"),
        Column("torque_limit", "N m", 0, math.inf, "torque command of an action of 1"),
        *(
            Column(f"noise_{k}", "A", 0, math.inf, "noise of a current's inner measurement")
            for k in range(AXES)
        ),
        # the task
        Column("observed", "1", 1, math.inf, "quantities observed, without a preview"),
        Column("told", "1", 1, math.inf, "metrics"),
        Column("tracked", "1", 1, TRACKED, "quantities that follow references"),
        Column("constrained", "1", 0, math.inf, "quantities in constraints of the user's"),
        Column("reference_kind", "1", 0, 4, "0 currents, 1 torque, 2 steps, 3 signals, 4 cycle"),
        Column("reference_ticks", "1", 1, math.inf, "inverter periods between two random steps"),
        Column("reference_low", "*", meaning="lowest random reference"),
        Column("reference_high", "*", meaning="highest random reference"),
        Column("preview", "1", 0, math.inf, "future references observed"),
        Column("preview_ticks", "1", 1, math.inf, "inverter periods between two of them"),
        Column("speed_low", "rad/s", meaning="lowest speed drawn at reset or by a load"),
        Column("speed_high", "rad/s", meaning="highest speed drawn at reset or by a load"),
        Column("window", "s", 0, math.inf, "length of the window of the drive cycle"),
        Column("window_start", "s", -1, math.inf, "its start; -1: drawn at reset"),
        Column("error_exponent", "1", 0, math.inf, "exponent of the normalised error"),
        Column("weight_loss", "1", 0, math.inf, "weight of the copper loss"),
        Column("weight_effort", "1", 0, math.inf, "weight of the squared action"),
        Column("weight_smoothness", "1", 0, math.inf, "weight of the squared change of the action"),
        Column("penalty_trip", "1", 0, math.inf, "penalty of a trip"),
    )
)
P = PARAMETERS.places

# ---------------------------------------------------------------------------------------------------------- the tables

#: The read-only tables that all rows share, each float64 of two dimensions.
TABLES = Columns(
    Column(
        "task", meaning="what is observed, told and tracked: columns of TASK, as long as p says"
    ),
    Column(
        "signals", meaning="signals of references and disturbances; no rows where there are none"
    ),
    Column("signal_tables", meaning="the tables of these signals"),
    Column(
        "cycle",
        meaning="drive cycle: time (s), speed (m/s), and where the road is not level its grade",
    ),
    Column("law", meaning="the inner controller: one row, see gym_suite.motors.controllers.laws"),
    Column("points", meaning="operating points of the nominal machine"),
    Column(
        "flux",
        meaning="the flux map of a machine that saturates: one row, see gym_suite.motors.machines.spline",
    ),
    Column("open_circuit", meaning="a battery's voltage (V) by its state of charge"),
    Column("sensors", meaning="lowest and highest numbers of SENSORS; no rows: they are ideal"),
)
T = TABLES.places

#: Columns of the task's table. Places in q are whole numbers.
TASK = Columns(
    Column("observed", meaning="place in q of an observed quantity", whole=True),
    Column("observed_factor", meaning="column value per SI value"),
    Column("observed_bound", meaning="amplitude at which the column value is clipped"),
    Column("told", meaning="place in q of a metric", whole=True),
    Column("tracked", meaning="place in q of a tracked quantity", whole=True),
    Column("tracked_factor", meaning="reciprocal of the error that earns nothing"),
    Column("tracked_weight", meaning="what no error earns"),
    Column("constrained", meaning="place in q of a quantity in a constraint", whole=True),
    Column("constrained_factor", meaning="reciprocal of its limit"),
    Column("constraint", meaning="number of the constraint that it is in", whole=True),
    Column("switched", meaning="signals that a reference is switched among, 0: none", whole=True),
    Column("switched_first", meaning="place of the first of them", whole=True),
    Column("switched_ticks", meaning="inverter periods between two choices", whole=True),
)
K = TASK.places

#: Numbers that the sensors of an episode have, drawn between the two rows of the table ``sensors``. A current's sensors
#: are numbered as :func:`gym_suite.motors.envs.sensors.current_sensors` names them.
SENSORS = (
    _slots("gain", SENSED, "1", "error of a current sensor's gain")
    + _slots("offset", SENSED, "A", "what a current sensor shows of no current")
    + _slots("range", SENSED, "A", "largest current that its converter tells, of either sign")
    + Columns(
        Column("current_noise", "A", 0, meaning="standard deviation of a current sensor"),
        Column("current_bits", "1", 0, meaning="of their converters, 0: no converter", whole=True),
        Column("encoder_lines", "1", 0, meaning="of an encoder, 0: there is none", whole=True),
        Column("encoder_offset", "rad", meaning="what it shows of the angle 0 of the shaft"),
        Column("resolver_first", "rad", 0, meaning="error of a resolver once an electrical turn"),
        Column("resolver_second", "rad", 0, meaning="error that it has twice an electrical turn"),
    )
)

# Rows of the signals: those of the references, the speed that a load dictates, then the disturbances.
SIGNAL_REFERENCE, SIGNAL_SPEED, SIGNAL_DISTURBANCE = 0, TRACKED, TRACKED + 1
# Behind the disturbances of the shaft and of each voltage: what references are switched among.
SIGNAL_SWITCHED = SIGNAL_DISTURBANCE + 1 + VOLTAGES
