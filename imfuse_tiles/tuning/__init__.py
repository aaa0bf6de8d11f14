"""Options chosen by looking at the frames."""
