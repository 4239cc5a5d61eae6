"""The answers of each lab, for teachers and for the grading: ``solve(numbers)`` gives them by their keys."""
