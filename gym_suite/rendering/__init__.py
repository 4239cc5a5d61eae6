"""Pictures of episodes: strip charts, planes, windows and recordings. Knows no family.

Matplotlib is imported when the first sheet is drawn, the video library when a video is written.
"""

from gym_suite.rendering.canvas import Box, Canvas
from gym_suite.rendering.charts import Panel, Series, StripChart
from gym_suite.rendering.clip import Recording, record
from gym_suite.rendering.history import History
from gym_suite.rendering.plane import PlanePlot
from gym_suite.rendering.recording import Recorder, save_frames
from gym_suite.rendering.renderer import EpisodeRenderer, overviewer
from gym_suite.rendering.replay import (
    EpisodeRecorder,
    check_page,
    episode_stage,
    replay_page,
    write_page,
)
from gym_suite.rendering.spaceplot import SpacePlot
from gym_suite.rendering.stage import Body, Plane, Raster, Space, Stage
from gym_suite.rendering.window import Window

__all__ = [
    "Body",
    "Box",
    "Canvas",
    "EpisodeRecorder",
    "EpisodeRenderer",
    "History",
    "Panel",
    "Plane",
    "PlanePlot",
    "Raster",
    "Recorder",
    "Recording",
    "Series",
    "Space",
    "SpacePlot",
    "Stage",
    "StripChart",
    "Window",
    "check_page",
    "episode_stage",
    "overviewer",
    "record",
    "replay_page",
    "save_frames",
    "write_page",
]
