"""Warehouse vehicles: differential-drive AGVs with lidar on maps, alone and in fleets."""
