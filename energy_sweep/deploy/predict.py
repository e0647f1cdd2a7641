"""Say what images show: python predict.py IMAGE ... (needs onnxruntime, numpy, pillow)."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

FOLDER = Path(__file__).resolve().parent
NOTES = json.loads((FOLDER / "labels.json").read_text(encoding="utf-8"))
CHANNELS, HEIGHT, WIDTH = NOTES["shape"]
session = onnxruntime.InferenceSession(FOLDER / "model.onnx")
for name in sys.argv[1:]:
    image = ImageOps.exif_transpose(Image.open(name)).convert("L" if CHANNELS == 1 else "RGB")
    if image.size != (WIDTH, HEIGHT):  # trained at this size: area when shrinking, else bilinear
        smaller = image.width >= WIDTH and image.height >= HEIGHT
        resampling = Image.Resampling.BOX if smaller else Image.Resampling.BILINEAR
        image = image.resize((WIDTH, HEIGHT), resampling)
    pixels = np.asarray(image, np.uint8).reshape(HEIGHT, WIDTH, CHANNELS).transpose(2, 0, 1)[None]
    logits = np.asarray(session.run(["logits"], {"images": np.ascontiguousarray(pixels)})[0])[0]
    share = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    print(f"{name}: {NOTES['classes'][share.argmax()]} ({share.max():.2f})")
