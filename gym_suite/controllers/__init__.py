"""Controllers that know no family: the protocol, PI and PID, cascades and tuning rules."""
