"""The loops over rows of a small family, written for it: a family of one's own is then its row functions alone.

The package's families write their loops out, for they differ in what they specialise. :func:`loops_of` writes the plain
ones into a file below the kernel cache, because the disk cache finds a kernel by the file that it stands in: a function
made at run time would be compiled at every start.
"""

from __future__ import annotations

import importlib.util
import sys
from string import Template

from gym_suite.core.family import Kernels
from gym_suite.core.kernel import cache_root, family_of, kernel_digest

_SOURCE = Template('''"""Loops over the rows of $module, sources $digest."""

from gym_suite.core.family import clip_action, first_not_finite, parameter_row
from gym_suite.core.kernel import kernel
from $module import advance_one, judge_one, observe_one, reset_one

TERMS, CLIPPED = $terms, $clipped


@kernel
def _look(i, x, key, step, own, tables, m, o):
    observe_one(x[i], key[i], step, own, tables, m[:, i], o[i])


@kernel
def advance_batch(x, key, step, u, p, tables, work):
    for i in range(x.shape[0]):
        advance_one(x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables)


@kernel
def step_batch(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        own = p[parameter_row(p, i)]
        count = clip_action(u[i])
        if CLIPPED >= 0:
            x[i, CLIPPED] = count
        advance_one(x[i], key[i], step[i], u[i], own, tables)
        step[i] += 1
        terminated[i, 0] = judge_one(x[i], key[i], step[i], u[i], own, tables, m[:, i])
        total = m[0, i]
        for k in range(1, TERMS):
            total += m[k, i]
        reward[i, 0] = total
        _look(i, x, key, step[i], own, tables, m, o)
    return -1


@kernel
def reset_batch(x, key, p, tables, work, m, o, mask):
    for i in range(x.shape[0]):
        if mask[i]:
            own = p[parameter_row(p, i)]
            x[i, :] = 0.0
            reset_one(x[i], key[i], own, tables)
            m[:, i] = 0.0
            _look(i, x, key, 0, own, tables, m, o)


@kernel
def observe_batch(x, key, step, p, tables, work, m, o, mask):
    for i in range(x.shape[0]):
        if mask[i]:
            m[:, i] = 0.0
            _look(i, x, key, step[i], p[parameter_row(p, i)], tables, m, o)
''')


def loops_of(module: str, *, terms: int, clipped: int = -1) -> Kernels:
    """Return the compiled loops of a module with row functions, for one agent with a Box action.

    The module has four kernels: ``advance_one(x, key, step, u, p, tables)`` moves a row by one control period;
    ``reset_one(x, key, p, tables)`` starts one, whose columns are all 0 before; ``judge_one(x, key, step, u, p, tables,
    m)`` fills the reward terms, the first metrics, and returns whether the episode has failed; ``observe_one(x, key,
    step, p, tables, m, o)`` fills the other metrics and the observation from the state.

    Args:
        module: The module's name, ``__name__`` of the caller.
        terms: Number of reward terms; the reward is their sum.
        clipped: State column that holds how many elements of the last action were clipped; -1 without.

    Raises:
        ValueError: If the module is no file that another process could import.
    """
    if getattr(sys.modules.get(module), "__file__", None) is None:
        raise ValueError(f"the loops of {module!r} need a module in a file")
    digest = kernel_digest(family_of(module))
    name = f"gym_suite_loops_{module.replace('.', '_')}_{digest}"
    if name not in sys.modules:
        path = cache_root() / "loops" / name / f"{name}.py"
        source = _SOURCE.substitute(module=module, digest=digest, terms=terms, clipped=clipped)
        if not path.is_file() or path.read_text("utf-8") != source:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, "utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        sys.modules[name] = made
        try:
            spec.loader.exec_module(made)
        except BaseException:
            del sys.modules[name]
            raise
    made = sys.modules[name]
    return Kernels(
        step=made.step_batch,
        reset=made.reset_batch,
        observe=made.observe_batch,
        advance=made.advance_batch,
    )
