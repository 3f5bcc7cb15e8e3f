"""Which rule keeps learning under which attack: a bench of rules, attacks, data and models on one simulator."""
