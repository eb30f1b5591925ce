"""Files of telemetry: what every driver that reads them does alike."""
