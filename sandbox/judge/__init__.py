"""Whether a program is right: problems, languages, checkers, verdicts and scores, on the engine."""
