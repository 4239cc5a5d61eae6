"""Maps and what is refused: the cell or key is named."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.agv import maps
from gym_suite.agv.geometry import disc_hits_grid

BENCHMARK = maps.rack_warehouse()


def test_the_benchmark_warehouse():
    """161 x 63, first rack in column 26 and line 2, pitch 11 and 3, the outermost cells wall."""
    grid = BENCHMARK.grid
    assert grid.shape == (63, 161)
    assert BENCHMARK.name == "warehouse-10-20-10-2-1"
    assert grid[[0, -1]].all() and grid[:, [0, -1]].all()
    expected = np.zeros((63, 161), dtype=bool)
    expected[[0, -1]] = expected[:, [0, -1]] = True
    for row in range(2, 62, 3):
        for column in range(26, 136, 11):
            expected[row : row + 2, column : column + 10] = True
    assert (grid == expected).all()


def test_moving_ai_files(tmp_path):
    text = "type octile\nheight 3\nwidth 5\nmap\n@@@@@\n@.GST\n@@@@W\n"
    path = tmp_path / "small.map"
    path.write_text(text)
    grid = maps.build_layouts(str(path))[0].grid
    assert grid.tolist() == [[1, 1, 1, 1, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]]


@pytest.mark.parametrize(
    "text, words",
    [
        ("type octile\nheight 3\nwidth 3\n", "no line 'map'"),
        ("type octile\nwidth 3\nmap\n...\n", "'height'"),
        ("type octile\nheight x\nwidth 3\nmap\n...\n", "'height'"),
        ("type octile\nheight 2\nwidth 3\nmap\n...\n", "'height' of .* is 2, but there are 1"),
        ("type octile\nheight 1\nwidth 4\nmap\n...\n", "line 5 .* has 3 cells"),
        ("type octile\nheight 1\nwidth 3\nmap\n.x.\n", "line 5 .*, column 2, is 'x'"),
        ("type tile\nheight 1\nwidth 3\nmap\n...\n", "'type'"),
        ("kind octile\nheight 1\nwidth 3\nmap\n...\n", "unknown key 'kind'"),
    ],
)
def test_malformed_map_files_are_refused(tmp_path, text, words):
    path = tmp_path / "bad.map"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        gymnasium.make("agv/SimpleStatic-v0", layout=str(path))


WALL = "\n".join(["#" * 15] + ["#SSS.........G#"] * 5 + ["#" * 15])
EMPTY = ["#........##.........#"] * 3
SPLIT = "\n".join(["#" * 21, *EMPTY, *["#..S.....##.....G...#"] * 3, *EMPTY, "#" * 21])


@pytest.mark.parametrize(
    "keywords, words",
    [
        ({"layout": "simpel"}, "Did you mean 'simple'"),
        ({"layout": "##\n#"}, "line 2 .* 1 cells, the first 2"),
        ({"layout": "####\n#.x#\n####"}, "line 2, column 3 .* 'x'"),
        ({"layout": "####\n####"}, "no free cell"),
        ({"layout": "####\n#..#\n####"}, "no free path"),
        ({"layout": SPLIT}, r"no free path from start cell \(\d, 3\) to goal cell"),
        ({"layout": WALL}, r"start cell \(row \d, column 1\) .* no room to turn"),
        ({"starts": [(5.5, 6.0, 0.0)]}, r"overlaps the occupied cell \(row \d+, column 10\)"),
        ({"starts": [(50.0, 6.0, 0.0)]}, "outside"),
        ({"starts": [(1.0, 6.0)]}, "poses"),
        ({"lidar": {"beams": 0}}, "beams"),
        ({"lidar": {"baems": 9}}, "Did you mean 'beams'"),
        ({"lidar": {"fov": 9.0}}, "fov"),
        ({"vehicle": "MiR10"}, "Did you mean 'MiR100'"),
        ({"vehicle": {"mass": -1}}, "mass"),
        ({"engine": "bullet"}, "engine='bullet'"),
        ({"engine": "bulet"}, "Did you mean 'bullet'"),
        ({"payload": 1000.0}, "payload"),
        ({"reward": "spars"}, "Did you mean 'sparse'"),
        ({"weights": {"progres": 1}}, "Did you mean 'progress'"),
        ({"layout": {"kind": "racks", "rows": 0}}, "rows"),
        ({"layout": {"kind": "racks", "row": 1}}, "Did you mean 'rows'"),
        ({"layout": {"kind": "moving_ai", "path": "no/such.map"}}, "no/such.map"),
        ({"layout": {"kind": "procedural", "seeds": (3, 3)}}, "seeds"),
        ({"moving_obstacles": -1}, "moving_obstacles"),
        ({"agents": 3}, "agents"),
    ],
)
def test_what_cannot_be_is_refused_by_name(keywords, words):
    for make in (gymnasium.make, gymnasium.make_vec):
        with pytest.raises(ValueError, match=words):
            make("agv/SimpleStatic-v0", **keywords)


def test_overlapping_vehicles_are_refused():
    starts = [(2.0, 2.0, 0.0), (2.3, 2.2, 1.0)]
    with pytest.raises(ValueError, match="poses 0 and 1 overlap"):
        gym_suite.parallel_env("agv/Fleet-v0", agents=2, starts=starts)
    with pytest.raises(ValueError, match="2 poses for 3 vehicles"):
        gym_suite.parallel_env("agv/Fleet-v0", agents=3, starts=starts)
    for count in (1, 51):
        with pytest.raises(ValueError, match="agents"):
            gym_suite.parallel_env("agv/Fleet-v0", agents=count)


@pytest.mark.parametrize("seed", range(40))
def test_procedural_halls_are_fit_to_drive_in(seed):
    layout = maps.procedural(seed)
    assert (layout.grid == maps.procedural(seed).grid).all()
    assert (layout.grid != maps.procedural(seed + 1).grid).any()
    floor = maps.prepare([layout], cell=0.5, reach=0.54)
    assert floor.spans[0, maps.SPAN.end_starts] - floor.spans[0, maps.SPAN.first_start] > 200


def test_drawings_survive():
    for name in ("simple", "complex", "u_trap", "bug_trap", "docks"):
        layout = maps.build_layouts(name)[0]
        again = maps.from_ascii(layout.text)
        assert (again.grid == layout.grid).all()
        assert (again.starts, again.goals) == (layout.starts, layout.goals)


@pytest.mark.parametrize("name", ["complex", "bug_trap", "procedural"])
@pytest.mark.parametrize(("cell", "radius"), [(0.5, 0.541), (0.5, 0.29), (0.2, 1.03), (1.5, 0.3)])
def test_clear_cells_are_those_in_whose_middle_a_disc_touches_nothing(name, cell, radius):
    grid = maps.build_layouts(name)[0].grid.astype(np.uint8)
    grid[-1, 3] = grid[5, 0] = 0  # holes in the wall: outside all is occupied
    rows, columns = grid.shape
    expected = [
        [
            not disc_hits_grid((c + 0.5) * cell, (r + 0.5) * cell, radius, grid, cell)
            for c in range(columns)
        ]
        for r in range(rows)
    ]
    assert (maps.clear(grid, cell, radius) == expected).all()
