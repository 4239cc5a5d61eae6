"""Maps in the files of others, as their programs write them."""

import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from gym_suite.agv import maps
from gym_suite.agv.parameters import build_vehicle

FREE, OCCUPIED, UNKNOWN = 254, 0, 205  # the shades of map_saver
HALL = np.full((60, 80), FREE, dtype=np.uint8)
HALL[[0, -1]] = HALL[:, [0, -1]] = OCCUPIED
HALL[:20, 60:] = UNKNOWN
YAML = "image: hall.pgm\nresolution: 0.100000\norigin: [-2.0, -1.5, 0.000000]\nnegate: 0\n\
occupied_thresh: 0.65\nfree_thresh: 0.196\n\n"


def picture(values=HALL, *, comment="# CREATOR: map_saver.cpp 0.100 m/pix\n"):
    rows, columns = values.shape
    return f"P5\n{comment}{columns} {rows}\n255\n".encode() + values.tobytes()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "hall.pgm").write_bytes(picture())
    (tmp_path / "hall.yaml").write_text(YAML)
    return tmp_path


def grid_of(value, cell=0.1):
    (layout,) = maps.build_layouts(value)
    return layout.resampled(cell).grid


@pytest.mark.parametrize("name", ["hall.yaml", "hall.pgm"])
@pytest.mark.parametrize("form", [str, Path])
def test_an_occupancy_grid_of_ros(folder, name, form):
    """The lowest line of the picture lies at y = 0; what is unknown is a wall."""
    assert (grid_of(form(folder / name)) == (HALL[::-1] != FREE)).all()


def test_a_picture_alone_needs_to_say_how_large_a_pixel_is(folder):
    (folder / "hall.yaml").unlink()
    assert maps.build_layouts(folder / "hall.pgm")[0].resolution == 0.1
    (folder / "bare.pgm").write_bytes(picture(comment=""))
    with pytest.raises(ValueError, match="how large a pixel is"):
        maps.build_layouts(folder / "bare.pgm")
    mapping = {"kind": "ros", "path": folder / "bare.pgm", "resolution": 0.05}
    assert maps.build_layouts(mapping)[0].resolution == 0.05


def test_the_same_map_in_other_forms(folder):
    expected = grid_of(folder / "hall.yaml")
    plain = " ".join(map(str, HALL.ravel()))
    (folder / "plain.pgm").write_text(f"P2\n# 0.1 m/pix\n80 60\n255\n{plain}\n")
    assert (grid_of(folder / "plain.pgm") == expected).all()
    deep = (HALL.astype(">u2") * 257).tobytes()
    (folder / "deep.pgm").write_bytes(b"P5 80 60 65535\n" + deep)
    (folder / "deep.yml").write_text(
        "# by another program\r\nimage: 'deep.pgm'\r\nresolution: 0.1\r\norigin:\r\n- -2.0\r\n- -1.5\r\n- 0\r\n"
    )
    assert (grid_of(folder / "deep.yml") == expected).all()
    import matplotlib.image

    shades = np.dstack([HALL] * 3)
    matplotlib.image.imsave(folder / "hall.png", shades)
    (folder / "turned.yaml").write_text(YAML.replace("hall.pgm", "hall.png"))
    assert (grid_of(folder / "turned.yaml") == expected).all()
    (folder / "negative.pgm").write_bytes(picture(255 - HALL))
    (folder / "negative.yaml").write_text(
        YAML.replace("hall.pgm", "negative.pgm").replace("negate: 0", "negate: 1")
    )
    assert (grid_of(folder / "negative.yaml") == expected).all()


@pytest.mark.parametrize("cell", [0.05, 0.1, 0.25, 0.3, 1.0, 1.7])
def test_cells_of_another_size_are_occupied_where_any_of_the_map_in_them_is(folder, cell):
    (layout,) = maps.build_layouts(folder / "hall.yaml")
    found = layout.resampled(cell).grid
    full = layout.grid
    for row, column in np.ndindex(found.shape):
        begin = np.array((row, column)) * cell / 0.1
        low = np.floor(begin + 1e-6).astype(int)
        high = np.ceil(begin + cell / 0.1 - 1e-6).astype(int)
        inside = full[low[0] : high[0], low[1] : high[1]]
        beyond = (high > full.shape).any()
        assert found[row, column] == (inside.any() or beyond), (row, column)


def test_vehicles_drive_on_such_a_map_and_its_setup_survives_json(folder):
    env = gymnasium.make("agv/SimpleStatic-v0", layout=folder / "hall.yaml", cell=0.25).unwrapped
    _, info = env.reset(seed=0)
    assert 0.0 < info["x"] < 8.0 and 0.0 < info["y"] < 6.0
    again = gymnasium.make(
        "agv/SimpleStatic-v0", **json.loads(json.dumps(dict(env.setup.keywords)))
    )
    assert (again.unwrapped.setup.tables[0] == env.setup.tables[0]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("image: hall.pgm\n", ""), "lacks the key 'image'"),
        (("hall.pgm", "no.pgm"), "no.pgm"),
        (("0.000000]", "0.5]"), "turns the map"),
        (("0.100000", "-1"), "key 'resolution' .* greater than 0"),
        (("0.100000", "tall"), "key 'resolution' .* must be a number"),
        (("[-2.0, -1.5, 0.000000]", "[1]"), "key 'origin'"),
        (("negate: 0", "negate"), "line 4 .* no 'key: value'"),
    ],
)
def test_damaged_descriptions_are_refused_by_key(folder, change, words):
    (folder / "hall.yaml").write_text(YAML.replace(*change))
    with pytest.raises(ValueError, match=words):
        maps.build_layouts(folder / "hall.yaml")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"P5\n80 60\n255\nabc", "ends after 3 of 4800 pixels"),
        (b"P5\n80", "header is damaged"),
        (b"P5\n0 60\n255\n", "0 x 60 pixels"),
        (b"GIF89a", "cannot be read"),
    ],
)
def test_damaged_pictures_are_refused(folder, data, words):
    (folder / "hall.pgm").write_bytes(data)
    with pytest.raises(ValueError, match=words):
        maps.build_layouts(folder / "hall.yaml")


MAP = "type octile\nheight 12\nwidth 16\nmap\n" + "\n".join(
    ["@" * 16, *["@" + "." * 14 + "@"] * 10, "@" * 16]
)
SCENARIO = (
    "version 1\n0\thall.map\t16\t12\t2\t2\t13\t9\t14.5\n0\thall.map\t16\t12\t12\t3\t3\t8\t12.5\n"
)


@pytest.fixture
def scenario(tmp_path):
    (tmp_path / "hall.map").write_text(MAP)
    (tmp_path / "hall.scen").write_text(SCENARIO)
    return tmp_path


def test_a_scenario_gives_each_start_its_target(scenario):
    """Cells count from the upper left corner there, metres from the lower left one here."""
    pairs = {(2.5, 9.5): (13.5, 2.5), (12.5, 8.5): (3.5, 3.5)}
    both = {"kind": "moving_ai", "path": scenario / "hall.map", "scenario": scenario / "hall.scen"}
    for layout in (scenario / "hall.scen", both):
        envs = gymnasium.make_vec("agv/SimpleStatic-v0", num_envs=40, layout=layout, cell=1.0,
                                  vehicle={"length": 0.5, "width": 0.5})  # fmt: skip
        _, info = envs.reset(seed=0)
        columns = (info[name].tolist() for name in ("x", "y", "goal_x", "goal_y"))
        found = {((x, y), (goal_x, goal_y)) for x, y, goal_x, goal_y in zip(*columns, strict=True)}
        assert found == set(pairs.items())


def test_a_fleet_takes_pairs_that_are_apart(scenario):
    import gym_suite

    env = gym_suite.parallel_env(
        "agv/Fleet-v0", agents=2, layout=scenario / "hall.scen", cell=1.0,
        vehicle={"length": 0.5, "width": 0.5},
    )  # fmt: skip
    for seed in range(5):
        env.reset(seed=seed)
        state = dict(zip(env.setup.state_columns.names, env.state(), strict=True))
        starts = {(state[f"agv_{k}_x"], state[f"agv_{k}_goal_x"]) for k in range(2)}
        assert starts == {(2.5, 13.5), (12.5, 3.5)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("version 1\n", ""), "line 1 .* 'version 1'"),
        (("\t14.5", ""), "line 2 .* 8 columns"),
        (("\t16\t12\t2", "\t17\t12\t2"), "line 2 .* 17 x 12 cells"),
        (("\t2\t2\t13", "\t0\t2\t13"), "start cell .* is occupied"),
        (("\t13\t9", "\t99\t9"), "goal cell .* is outside"),
        (("\t13\t9", "\tx\t9"), "line 2 .* are numbers"),
        ((SCENARIO, "version 1\n"), "no start and target"),
    ],
)
def test_damaged_scenarios_are_refused_by_line(scenario, change, words):
    (scenario / "hall.scen").write_text(SCENARIO.replace(*change))
    with pytest.raises(ValueError, match=words):
        maps.build_layouts(scenario / "hall.scen")


def test_maps_of_the_robot_runners_and_of_numbers(scenario):
    expected = maps.build_layouts(scenario / "hall.map")[0].grid
    (scenario / "runners.map").write_text(MAP.replace("@..", "@ES"))
    assert (maps.build_layouts(scenario / "runners.map")[0].grid == expected).all()
    rows = "\n".join(" ".join(str(int(full)) for full in row) for row in expected[::-1])
    (scenario / "numbers.map").write_text(f"12\n16\n{rows}\n")
    assert (maps.build_layouts(scenario / "numbers.map")[0].grid == expected).all()
    (scenario / "numbers.map").write_text("12\n16\n0 1 2\n")
    with pytest.raises(ValueError, match="12 x 16 cells"):
        maps.build_layouts(scenario / "numbers.map")


def test_layouts_of_rware():
    """rware-tiny is 11 x 10 with three blocks of shelves, of which the middle one leaves room to queue."""
    tiny = maps.build_layouts({"kind": "rware"})[0]
    assert tiny.grid.shape == (11, 10)
    assert tiny.goals == ((0, 4), (0, 5))
    drawn = """
    ..........
    .xx.xx.xx.
    .xx.XX.xx.
    ....gg....
    """
    layout = maps.build_layouts({"kind": "rware", "text": drawn})[0]
    assert layout.grid.sum() == 12 and layout.goals == ((0, 4), (0, 5))
    gymnasium.make("agv/SimpleStatic-v0", layout={"kind": "rware"}, cell=1.3).reset(seed=0)
    with pytest.raises(ValueError, match=r"line 1, column 2 .* 'y'"):
        maps.build_layouts({"kind": "rware", "text": ".y\n.."})
    with pytest.raises(ValueError, match="odd"):
        maps.build_layouts({"kind": "rware", "shelf_columns": 2})


def test_a_drawing_in_a_file_and_endings_that_nobody_reads(tmp_path):
    (tmp_path / "bay.txt").write_text(maps.build_layouts("simple")[0].text)
    assert (grid_of(tmp_path / "bay.txt") == grid_of("simple")).all()
    with pytest.raises(ValueError, match=r"must end in one of .map"):
        maps.build_layouts(tmp_path / "bay.dxf")


def test_floor_that_falls_apart_is_said_to():
    """Doors of one metre are too narrow for the vehicle: the rooms are small, not the distance large."""
    rooms = "\n".join(
        ["#" * 13, *["#...#...#...#"] * 3, "#...........#", *["#...#...#...#"] * 2, "#" * 13]
    )
    with pytest.raises(ValueError, match=r"fall into 3 parts, the largest of .* another cell="):
        gymnasium.make("agv/SimpleStatic-v0", layout=rooms, cell=1.0, least_distance=6.0)
    small = build_vehicle({"length": 0.4, "width": 0.4})
    gymnasium.make("agv/SimpleStatic-v0", layout=rooms, cell=1.0, least_distance=6.0, vehicle=small)
