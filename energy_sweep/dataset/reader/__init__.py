"""Pixels of image files, made by the same code in training and wherever a net is deployed.

It needs numpy and pillow only: `deploy` puts this folder, as it is, beside predict.py.
"""

from .decode import Look, Unreadable, look
from .pixels import SUFFIXES, Limits, Picture, Reading, extremes, images_below, read, usual_limits
from .resize import resize

__all__ = [
    "SUFFIXES",
    "Limits",
    "Look",
    "Picture",
    "Reading",
    "Unreadable",
    "extremes",
    "images_below",
    "look",
    "read",
    "resize",
    "usual_limits",
]
