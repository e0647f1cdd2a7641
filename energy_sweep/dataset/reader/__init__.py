"""Pixels of image files, made by the same code in training and wherever a net is deployed.

It needs numpy and pillow only: `deploy` puts this folder, as it is, beside predict.py.
"""

from .decode import ImageHeader, Unreadable, read_header
from .pixels import SUFFIXES, Limits, Picture, Reading, extremes, list_images, read, usual_limits
from .resize import resize

__all__ = [
    "SUFFIXES",
    "ImageHeader",
    "Limits",
    "Picture",
    "Reading",
    "Unreadable",
    "extremes",
    "list_images",
    "read",
    "read_header",
    "resize",
    "usual_limits",
]
