"""The nightly report: reads the published marts, draws, writes one HTML file."""
