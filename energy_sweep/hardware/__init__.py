"""The machine: its CPU and threads, and its GPUs as NVML sees them, found by UUID."""
