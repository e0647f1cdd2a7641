"""Which boards are meant: by UUID, by a MIG instance, or as CUDA_VISIBLE_DEVICES has it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from energy_sweep.hardware.gpu import Board, BoardUnavailable, all_boards, library, library_error


def find_board(uuid: str, *, mig: str = "refuse") -> Board:
    """The board of a UUID, of a beginning that only one UUID has, or of a MIG instance."""
    trouble = library_error()
    if trouble is not None:
        raise BoardUnavailable(f"{uuid}: {trouble}: type device=cpu, or make it work")
    boards = all_boards()
    # torch names a MIG instance as if it were a board.
    for name in (uuid, uuid.replace("GPU-", "MIG-", 1)):
        board = _board_by_uuid(name, boards)
        if board is not None:
            return _check_not_split(board, name if name.startswith("MIG-") else board.uuid, mig)
    raise BoardUnavailable(
        f"{uuid}: no GPU has this name, or several have: type one of "
        + ", ".join(board.uuid for board in boards)
    )


def visible_boards(
    environ: Mapping[str, str] = os.environ, *, mig: str = "refuse"
) -> tuple[Board, ...]:
    """The boards that CUDA sees by CUDA_VISIBLE_DEVICES, in its order."""
    boards, entries = all_boards(), environ.get("CUDA_VISIBLE_DEVICES")
    if entries is None:
        return tuple(_check_not_split(board, board.uuid, mig) for board in boards)
    kind = entries[:4] if entries.startswith(("GPU-", "MIG-")) else ""
    in_order = sorted(boards, key=Board.pci_place)
    found: dict[str, Board] = {}
    for entry in map(str.strip, entries.split(",")):
        # CUDA's rules, as its manual and torch have them: the first entry says of which kind all
        # are, one that names no board ends the list, and one that comes twice empties it.
        known = entry.startswith(kind)
        board = (
            (_board_by_uuid(entry, boards) if kind else _board_by_index(entry, in_order))
            if known
            else None
        )
        if board is None:
            break
        name = entry if kind == "MIG-" else board.uuid
        if name in found:
            return ()
        found[name] = _check_not_split(board, name, mig)
    if found and not kind and environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
        _refuse_unknown_order(entries, boards)
    return tuple({board.uuid: board for board in found.values()}.values())


def _board_by_uuid(entry: str, boards: Sequence[Board]) -> Board | None:
    if entry.startswith("MIG-"):
        uuid = _parent_uuid(entry)
        return next((board for board in boards if board.uuid == uuid), None)
    matches = [board for board in boards if board.uuid.startswith(entry)] if entry else []
    return matches[0] if len(matches) == 1 else None


def _board_by_index(entry: str, boards: Sequence[Board]) -> Board | None:
    # CUDA reads digits as far as they go.
    digits = re.match(r"\+?(\d+)", entry)
    index = int(digits[1]) if digits else len(boards)
    return boards[index] if index < len(boards) else None


def _refuse_unknown_order(entries: str, boards: Sequence[Board]) -> None:
    """CUDA puts the fastest board first, by a rule of its own, unless all are of one kind."""
    if len({board.name for board in boards}) > 1:
        raise BoardUnavailable(
            f"CUDA_VISIBLE_DEVICES={entries} counts GPUs in an order that only CUDA knows: set"
            " CUDA_DEVICE_ORDER=PCI_BUS_ID, or give UUIDs, as in CUDA_VISIBLE_DEVICES="
            + ",".join(board.uuid for board in boards)
        )


def _parent_uuid(instance: str) -> str | None:
    """The UUID of the board that a MIG instance is part of; drivers before 470 spell it out."""
    spelled = re.match(r"MIG-(GPU-[^/]+)/", instance)
    if spelled:
        return spelled[1]
    nvml = library()
    try:
        handle = nvml.nvmlDeviceGetHandleByUUID(instance)
        return str(
            nvml.nvmlDeviceGetUUID(nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle))
        )
    except nvml.NVMLError:
        return None


def _check_not_split(board: Board, asked: str, mig: str) -> Board:
    if asked.startswith("GPU-") and not board.in_mig_mode():
        return board
    if mig != "whole_board":
        raise BoardUnavailable(
            f"{asked} is cut into MIG instances ({board.name}), whose joules cannot be told apart:"
            " type meter.mig=whole_board to count those of the whole board, or use another GPU"
        )
    return replace(board, whole_for=asked)
