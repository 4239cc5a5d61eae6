"""The questions of each lab, the numbers that differ from student to student, and what its notebook computes."""
