"""What runs in the process of a graded notebook: no check, no right answer is here."""
