"""The demonstration: a whole marketplace on this machine, every part the real one, in separate processes."""
