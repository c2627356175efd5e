"""`python -m rocketd` is the daemon."""

import sys

from rocketd.cli.rocketd import main

sys.exit(main())
