"""The ids: dynamic access, jamming, Gilbert-Elliott channels, and evading a jammer."""

from __future__ import annotations

from gym_suite.radio.envs.base import RadioEnv, RadioVectorEnv


class AccessEnv(RadioEnv):
    """Dynamic spectrum access among other users, radio/Access-v0."""

    id = "radio/Access-v0"
    task = "access"


class AccessVectorEnv(RadioVectorEnv):
    """Many :class:`AccessEnv` in one compiled loop."""

    single = AccessEnv


class JammingEnv(RadioEnv):
    """Jam a target among other users, radio/Jamming-v0."""

    id = "radio/Jamming-v0"
    task = "jamming"


class JammingVectorEnv(RadioVectorEnv):
    """Many :class:`JammingEnv` in one compiled loop."""

    single = JammingEnv


class GilbertElliottEnv(RadioEnv):
    """Use one of several Gilbert-Elliott channels a step, radio/GilbertElliott-v0."""

    id = "radio/GilbertElliott-v0"
    task = "gilbert_elliott"


class GilbertElliottVectorEnv(RadioVectorEnv):
    """Many :class:`GilbertElliottEnv` in one compiled loop."""

    single = GilbertElliottEnv


class AntiJammingEnv(RadioEnv):
    """Keep a link alive against a jammer, radio/AntiJamming-v0."""

    id = "radio/AntiJamming-v0"
    task = "anti_jamming"


class AntiJammingVectorEnv(RadioVectorEnv):
    """Many :class:`AntiJammingEnv` in one compiled loop."""

    single = AntiJammingEnv
