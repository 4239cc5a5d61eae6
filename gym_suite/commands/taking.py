"""The command that takes an agent elsewhere: export."""

from __future__ import annotations

from pathlib import Path

from gym_suite.arguments import agent_of, keywords_of
from gym_suite.commands.output import AgentAssignments, Assignments, Id


def export(
    id: Id,
    /,
    *,
    c: Path,
    agent: str | None = None,
    name: str | None = None,
    gains: Path | None = None,
    own: AgentAssignments = (),
    seed: int = 0,
    steps: int = 200,
    keywords: Assignments = (),
) -> None:
    """Write an agent as C99 for a microcontroller, with a header, test vectors and a program that runs them.

    Args:
        id: The environment.
        c: Folder to write to.
        agent: Name, policy file or gains file; the reference controller by default.
        name: First part of the names of files and functions; from id and agent by default.
        gains: File of tuned gains (.json), whose controller is written.
        own: Gain ("i_sd.kp=4.1") or keyword argument of the controller, value as JSON; may be given several times.
        seed: Episode seed of the test vectors.
        steps: Samples in them.
        keywords: Keyword argument of the environment, value as JSON; may be given several times.
    """
    from gym_suite.comparison.worlds import make
    from gym_suite.learning.c_export import export_folder

    env = make(id, keywords_of(keywords), None)
    try:
        acting = agent_of(agent, id, gains, own).load(env)
        print(export_folder(env, acting, c, name=name, seed=seed, steps=steps))
    finally:
        env.close()
