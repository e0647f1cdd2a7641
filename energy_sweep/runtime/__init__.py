"""What executes a deployed model: one file a runtime, all behind `base.Runtime`."""

from energy_sweep.runtime.base import Mismatch, Runtime, Session
from energy_sweep.runtime.onnxruntime import OnnxRuntime

__all__ = ["Mismatch", "OnnxRuntime", "Runtime", "Session"]
