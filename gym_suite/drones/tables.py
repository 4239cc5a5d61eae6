"""Places of the tables that all rows share, in the tuple that kernels get.

They stand in a module because kernels must know them while they are compiled: the tables are not all of one kind, the
rotors' has one dimension or two, and of a tuple of unlike arrays one is taken by a constant place. Of a module's names
the compiler knows the values, of a named tuple's it does not.
"""

from __future__ import annotations

#: The path of the kind "table"; what is observed (place among the quantities, inverse of the full scale, bound).
path, observed = 0, 1
#: The parameters that inner loops know (one row).
nominal = 2
#: Disturbing forces and their own tables; lowest and highest numbers of what befalls drones.
signals, samples, adversity = 3, 4, 5
#: Numbers of an aim (one row) and of gates, where a task has them.
aim, gates = 6, 7
#: Numbers of sensors and of headings, where some are asked for, and times and angles of the latter.
sensors, yaw, yaw_rows = 8, 9, 10
#: The rotors of a vehicle that has not four in a usual layout.
rotors = 11
#: Numbers of what several drones do together (one row), and three numbers of the place of each; see
#: :mod:`gym_suite.drones.groups`.
group, places = 12, 13
