"""Mask generators that compare each frame to a picture made of the whole stack."""
