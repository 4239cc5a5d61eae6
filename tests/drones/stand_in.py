"""A stand-in for Betaflight's simulator target, written from its packets: it levels a craft as the firmware would.

Run as a program, with a word for what is to go wrong: "mute" (never answers), "deaf" (ignores the arming switch),
"fleeting" (ends after some answers), "lapsing" (stops answering after as many), "refusing" (its command line knows no
setting), "calibrating" (arms after some answers only), or "well".
"""

import select
import socket
import struct
import sys
from pathlib import Path

MODE = sys.argv[1]


def levelled(state, channels):
    """Return the motors, front right, rear left, front left, rear right, of a simple angle controller."""
    p, q, r = state[1], -state[2], -state[3]  # ahead, left, up
    w, x, y, z = state[7], state[8], -state[9], -state[10]
    roll, pitch = 2 * (w * x + y * z), 2 * (w * y - x * z)
    stick = [(c - 1500) / 500 for c in channels[:4]]
    base = 0.055 + 0.945 * max(channels[2] - 1050, 0) / 950
    turn_x = 0.3 * (1.047 * stick[0] - roll) - 0.05 * p
    turn_y = 0.3 * (1.047 * stick[1] - pitch) - 0.05 * q
    turn_z = 0.1 * (-3.49 * stick[3] - r)
    return (
        base - turn_x - turn_y - turn_z,
        base + turn_x + turn_y - turn_z,
        base + turn_x - turn_y + turn_z,
        base - turn_x + turn_y + turn_z,
    )


def main():
    kinds = socket.SOCK_DGRAM
    states, radio, out = (socket.socket(socket.AF_INET, kinds) for _ in range(3))
    states.bind(("127.0.0.1", 9003))
    radio.bind(("127.0.0.1", 9004))
    shell = socket.create_server(("127.0.0.1", 5761))
    talk, answers, channels = None, 0, [1500, 1500, 1000, 1500, 1000, 1000] + [1000] * 10
    ready = Path("eeprom.bin").exists()
    print("stand-in ready", flush=True)
    while True:
        watched = [states, radio, shell, *([talk] if talk else [])]
        for one in select.select(watched, [], [])[0]:
            if one is shell:
                talk, _ = shell.accept()
            elif one is talk:
                said = talk.recv(4096).decode()
                if said.startswith("save"):
                    Path("eeprom.bin").write_text("set")
                    return
                talk.send(b"###ERROR: INVALID NAME\r\n# " if MODE == "refusing" else b"ok\r\n# ")
            elif one is radio:
                _, *channels = struct.unpack("<d16H", radio.recv(64))
            else:
                state = struct.unpack("<18d", states.recv(256))
                armed = ready and channels[4] > 1700 and MODE != "deaf"
                armed = armed and (MODE != "calibrating" or answers > 700)
                motors = levelled(state, channels) if armed else (0.0,) * 4
                answers += 1
                if MODE == "fleeting" and armed and answers > 1700:
                    print("out of memory", flush=True)
                    sys.exit(3)
                if MODE != "mute" and not (MODE == "lapsing" and armed and answers > 1700):
                    out.sendto(struct.pack("<4f", *motors), ("127.0.0.1", 9002))


main()
