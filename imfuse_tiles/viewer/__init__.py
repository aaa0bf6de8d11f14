"""What a run shows to people: the page in the browser, tuning in it, reports."""
