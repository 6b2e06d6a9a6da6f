"""Stories: request, day and expected cards in a folder; a test, a specification, documentation and a demo at once."""
