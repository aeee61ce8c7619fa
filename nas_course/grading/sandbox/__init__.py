"""What runs in the process of a graded notebook; it holds no check and knows no right answer."""
