"""The Open Inference Protocol (V2) over a `DataPlane`, free of any transport."""
