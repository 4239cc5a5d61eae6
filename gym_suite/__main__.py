"""``python -m gym_suite`` is ``gym-suite``, also where scripts are not on the path."""

import sys

from gym_suite.cli import main

sys.exit(main())
