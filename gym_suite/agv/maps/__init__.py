"""Maps: drawings in ASCII, MovingAI files, racks by parameters, traps, procedural halls.

A map is a grid of square cells, each free or occupied, with the origin in its lower left corner; the last line of
a drawing is the row at y = 0. What lies outside is wall.
"""

from gym_suite.agv.maps.floor import SPAN, SPANS, Floor, clear, edges, prepare, room
from gym_suite.agv.maps.halls import LAYOUTS, build_layouts, procedural, rack_warehouse
from gym_suite.agv.maps.layouts import Layout, from_ascii, from_moving_ai

__all__ = [
    "LAYOUTS",
    "SPAN",
    "SPANS",
    "Floor",
    "Layout",
    "build_layouts",
    "clear",
    "edges",
    "from_ascii",
    "from_moving_ai",
    "prepare",
    "procedural",
    "rack_warehouse",
    "room",
]
