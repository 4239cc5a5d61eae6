"""Control laws of quadcopters: geometric control on SE(3), LQR, and the PID of gym-pybullet-drones."""
