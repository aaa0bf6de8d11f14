"""What a run shows to people: previews, reports, pages."""
