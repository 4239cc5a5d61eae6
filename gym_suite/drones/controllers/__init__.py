"""Control laws of quadcopters: the peer's PID and geometric control on SE(3)."""
