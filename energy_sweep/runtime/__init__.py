"""What executes a deployed model: one file a runtime, all behind `base.Runtime`."""

from energy_sweep.runtime.base import InferenceSession, Mismatch, Runtime
from energy_sweep.runtime.eager import Eager
from energy_sweep.runtime.inductor import Inductor
from energy_sweep.runtime.onnxruntime import OnnxRuntime
from energy_sweep.runtime.openvino import OpenVino

__all__ = [
    "Eager",
    "Inductor",
    "InferenceSession",
    "Mismatch",
    "OnnxRuntime",
    "OpenVino",
    "Runtime",
]
