"""From the index's answers to page models: pure functions, no clock, no database, no templates."""
