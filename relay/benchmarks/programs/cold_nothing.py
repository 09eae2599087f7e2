"""What a Python process costs by itself: `cold_nothing.py`."""

import sys

sys.argv[0:]
