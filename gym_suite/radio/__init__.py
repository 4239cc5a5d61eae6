"""Radio spectrum: who transmits where, sensing, access, jamming."""

from gym_suite.radio.rfrl import import_rfrl
from gym_suite.radio.scenario import Entity, Scenario, read_scenario, schema, shipped

__all__ = ["Entity", "Scenario", "import_rfrl", "read_scenario", "schema", "shipped"]
