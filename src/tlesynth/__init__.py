"""tlesynth: synthetic T1 brain MRI with and without temporal lobe epilepsy."""

__version__ = "0.1.0"
