"""Pictures of episodes: strip charts, planes, windows and recordings. Knows no family.

Matplotlib is imported when the first sheet is drawn, the video library when a video is written.
"""

from gym_suite.rendering.canvas import Box, Canvas
from gym_suite.rendering.charts import Panel, Series, StripChart
from gym_suite.rendering.clip import Recording, record
from gym_suite.rendering.history import History
from gym_suite.rendering.plane import PlanePlot
from gym_suite.rendering.recording import Recorder, save_frames
from gym_suite.rendering.renderer import EpisodeRenderer
from gym_suite.rendering.window import Window

__all__ = [
    "Box",
    "Canvas",
    "EpisodeRenderer",
    "History",
    "Panel",
    "PlanePlot",
    "Recorder",
    "Recording",
    "Series",
    "StripChart",
    "Window",
    "record",
    "save_frames",
]
