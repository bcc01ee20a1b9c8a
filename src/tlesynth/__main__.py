"""``python -m tlesynth``."""

from tlesynth.cli import main

if __name__ == "__main__":
    main()
