"""What ``gym-suite`` does, by what one wants: look, judge, begin. Each command imports what it needs when it runs."""
