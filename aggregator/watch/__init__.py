"""The watcher: recomputes every counted result from chain and storage, and refutes what is wrong."""
