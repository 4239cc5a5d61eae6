"""Scenarios as data: the band, who is in it and what the agents are to do; read, checked and described.

A scenario is a :class:`~gym_suite.radio.scenario.model.Scenario`, a mapping, or a JSON or TOML file of the form that
:func:`~gym_suite.radio.scenario.schema.schema` publishes; nothing in it is executed. Files and mappings of RFRL Gym are
read by :func:`~gym_suite.radio.scenario.rfrl.import_rfrl`.
"""
