"""The sections of the settings file: what each holds, and how it is read."""
