"""The loops of contact: who faces whom, how far to push, and how dents and swellings spread over the skin."""

from typing import no_type_check

import numpy as np

from estimator.hand.compiled import compiled

APART_MM = 9.0
"""Skin nearer than this at rest does not count as touching: it is one fold."""

NEARER = 0.45
"""Skin that touches has come at least so much nearer than at rest."""

FACING = 0.35
"""Largest cosine between normals of skin that touches."""

THICK_MM = 36.0
"""Skin within this at rest touches only what it looks at: the rest is another side of the same flesh, or the same fold of a web."""

SWELLING = 1.2
"""Height of the swelling beside a dent over the dent's, spread as wide, where the softness is 1."""

FLAT_MM = 20.0
"""Cells around a vertex whose skin lies within this at rest hold nothing that it could touch."""


@compiled
@no_type_check
def find_opposites(
    vertices: np.ndarray,
    normals: np.ndarray,
    rest: np.ndarray,
    counts: np.ndarray,
    starts: np.ndarray,
    order: np.ndarray,
    cell_mm: float,
    opposite: np.ndarray,
) -> None:
    """Into ``opposite`` the nearest of the grid's vertices, of other skin, that faces each of them within a cell's length.

    -1 stays where there is none. ``order`` lists the grid's vertices cell by cell.
    """
    ny, nz = counts[1], counts[2]
    boxes = _boxes(rest, starts, order)
    around = np.empty(27, dtype=np.int32)
    for cell in range(len(boxes)):
        if starts[cell] == starts[cell + 1]:
            continue
        count = _cells_around(cell, counts[0], ny, nz, starts, around)
        for i in range(starts[cell], starts[cell + 1]):
            v = order[i]
            best = cell_mm * cell_mm
            for k in range(count):
                other = around[k]
                if _farthest(rest, v, boxes, other) < FLAT_MM * FLAT_MM:
                    continue
                for m in range(starts[other], starts[other + 1]):
                    distance = _squared(vertices, v, order[m])
                    if distance < best and _touching(normals, rest, v, order[m], distance):
                        best = distance
                        opposite[v] = order[m]


@compiled
@no_type_check
def hand_on(vertices: np.ndarray, starts: np.ndarray, neighbours: np.ndarray, opposite: np.ndarray) -> None:
    """``opposite`` of vertices that have none from neighbours that have one, the nearest."""
    known = opposite.copy()
    for v in range(len(opposite)):
        if known[v] >= 0:
            continue
        best = np.float32(1e9)
        for i in range(starts[v], starts[v + 1]):
            w = known[neighbours[i]]
            if w >= 0 and _squared(vertices, v, w) < best:
                best = _squared(vertices, v, w)
                opposite[v] = w


@compiled
@no_type_check
def _boxes(points: np.ndarray, starts: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Lowest and highest corner of the points in each cell."""
    boxes = np.empty((len(starts) - 1, 6), dtype=np.float32)
    for cell in range(len(boxes)):
        for axis in range(3):
            boxes[cell, axis], boxes[cell, 3 + axis] = np.float32(1e9), np.float32(-1e9)
        for i in range(starts[cell], starts[cell + 1]):
            for axis in range(3):
                boxes[cell, axis] = min(boxes[cell, axis], points[order[i], axis])
                boxes[cell, 3 + axis] = max(boxes[cell, 3 + axis], points[order[i], axis])
    return boxes


@compiled
@no_type_check
def _cells_around(cell: int, nx: int, ny: int, nz: int, starts: np.ndarray, around: np.ndarray) -> int:
    """How many of the 27 cells around one hold anything; ``around`` gets them."""
    z, y, x = cell % nz, (cell // nz) % ny, cell // (nz * ny)
    count = 0
    for dx in range(-1, 2):
        for dy in range(-1, 2):
            for dz in range(-1, 2):
                if 0 <= x + dx < nx and 0 <= y + dy < ny and 0 <= z + dz < nz:
                    other = ((x + dx) * ny + y + dy) * nz + z + dz
                    if starts[other] < starts[other + 1]:
                        around[count] = other
                        count += 1
    return count


@compiled
@no_type_check
def _farthest(points: np.ndarray, v: int, boxes: np.ndarray, cell: int) -> float:
    """Squared distance from a point to the farthest corner of a box."""
    far = np.float32(0)
    for axis in range(3):
        reach = max(points[v, axis] - boxes[cell, axis], boxes[cell, 3 + axis] - points[v, axis])
        far += reach * reach
    return far


@compiled
@no_type_check
def push(
    vertices: np.ndarray,
    normals: np.ndarray,
    rest: np.ndarray,
    starts: np.ndarray,
    neighbours: np.ndarray,
    softness: np.ndarray,
    opposite: np.ndarray,
    gap_mm: float,
    least_share: float,
    deepest_mm: float,
    move: np.ndarray,
) -> np.ndarray:
    """Which vertices are inside other skin; ``move`` gets their share of the way out. ``opposite`` follows the skin that has moved.

    The share follows from both sides' softness, but is no smaller than ``least_share``. What seems deeper than ``deepest_mm`` has met
    the wrong side of the other flesh, and is left to follow its neighbours.
    """
    held = np.zeros(len(vertices), dtype=np.bool_)
    for v in range(len(vertices)):
        w = opposite[v]
        if w < 0:
            continue
        best = _squared(vertices, v, w)
        searching = True
        while searching:  # downhill over the other skin to where it is nearest now
            searching = False
            for i in range(starts[w], starts[w + 1]):
                distance = _squared(vertices, v, neighbours[i])
                if distance < best and _touching(normals, rest, v, neighbours[i], distance):
                    best, w, searching = distance, neighbours[i], True
                    break
        if not _touching(normals, rest, v, w, best):
            continue
        opposite[v] = w
        height = np.float32(0)
        for axis in range(3):
            height += (vertices[v, axis] - vertices[w, axis]) * normals[w, axis]
        if -deepest_mm < height < gap_mm:
            held[v] = True
            way = (gap_mm - height) * max(softness[v] / (softness[v] + softness[w]), least_share)
            for axis in range(3):
                move[v, axis] = way * normals[w, axis]
    return held


@compiled
@no_type_check
def spread(starts: np.ndarray, links: np.ndarray, held: np.ndarray, rounds: int, decay: float, move: np.ndarray) -> None:
    """Moves of held vertices carried over to the skin around them, less with each round; held ones keep theirs."""
    active = _reached(starts, links, held, rounds)
    before = move.copy()
    for _ in range(rounds):
        for i in range(len(active)):
            v = active[i]
            if held[v]:
                continue
            weight = decay / max(starts[v + 1] - starts[v], 1)
            for axis in range(3):
                total = np.float32(0)
                for k in range(starts[v], starts[v + 1]):
                    total += before[links[k], axis]
                move[v, axis] = weight * total
        for i in range(len(active)):
            for axis in range(3):
                before[active[i], axis] = move[active[i], axis]


@compiled
@no_type_check
def calm(starts: np.ndarray, links: np.ndarray, rounds: int, moved: np.ndarray) -> None:
    """Total moves made alike to their neighbours', so that no vertex is torn out of the skin."""
    touched = np.zeros(len(moved), dtype=np.bool_)
    for v in range(len(moved)):
        touched[v] = moved[v, 0] != 0 or moved[v, 1] != 0 or moved[v, 2] != 0
    active = _reached(starts, links, touched, rounds)
    before = moved.copy()
    for _ in range(rounds):
        for i in range(len(active)):
            v = active[i]
            count = starts[v + 1] - starts[v]
            for axis in range(3):
                total = before[v, axis] * count
                for k in range(starts[v], starts[v + 1]):
                    total += before[links[k], axis]
                moved[v, axis] = total / max(2 * count, 1)
        for i in range(len(active)):
            for axis in range(3):
                before[active[i], axis] = moved[active[i], axis]


@compiled
@no_type_check
def swell(
    starts: np.ndarray, links: np.ndarray, softness: np.ndarray, normals: np.ndarray, held: np.ndarray, rounds: int, move: np.ndarray
) -> None:
    """What the dents push aside, added around them along the normals."""
    active = _reached(starts, links, held, rounds)
    pushed, before = np.zeros(len(held), dtype=np.float32), np.zeros(len(held), dtype=np.float32)
    for i in range(len(active)):
        v = active[i]
        if held[v]:
            pushed[v] = np.sqrt(move[v, 0] ** 2 + move[v, 1] ** 2 + move[v, 2] ** 2)
            before[v] = pushed[v]
    for _ in range(rounds):
        for i in range(len(active)):
            v = active[i]
            total = np.float32(0)
            for k in range(starts[v], starts[v + 1]):
                total += before[links[k]]
            pushed[v] = total / max(starts[v + 1] - starts[v], 1)
        for i in range(len(active)):
            before[active[i]] = pushed[active[i]]
    for i in range(len(active)):
        v = active[i]
        if not held[v]:
            for axis in range(3):
                move[v, axis] += np.float32(SWELLING) * softness[v] * pushed[v] * normals[v, axis]


@compiled
@no_type_check
def _reached(starts: np.ndarray, links: np.ndarray, held: np.ndarray, rounds: int) -> np.ndarray:
    """The vertices held and all within so many links of them."""
    seen = held.copy()
    found = np.empty(len(held), dtype=np.int32)
    count = 0
    for v in range(len(held)):
        if held[v]:
            found[count] = v
            count += 1
    first = 0
    for _ in range(rounds):
        last = count
        for i in range(first, last):
            for k in range(starts[found[i]], starts[found[i] + 1]):
                if not seen[links[k]]:
                    seen[links[k]] = True
                    found[count] = links[k]
                    count += 1
        first = last
    return found[:count]


@compiled
@no_type_check
def _touching(normals: np.ndarray, rest: np.ndarray, v: int, w: int, squared: float) -> bool:
    """Whether two vertices so near each other belong to skin that can touch; ``rest`` has positions and normals."""
    apart = _squared(rest, v, w)
    facing = normals[v, 0] * normals[w, 0] + normals[v, 1] * normals[w, 1] + normals[v, 2] * normals[w, 2]
    if facing >= FACING or apart <= APART_MM * APART_MM or squared >= NEARER * NEARER * apart:
        return False
    if apart > THICK_MM * THICK_MM:
        return True
    before, behind = np.float32(0), np.float32(0)
    for axis in range(3):
        before += (rest[v, axis] - rest[w, axis]) * rest[w, 3 + axis]
        behind += (rest[w, axis] - rest[v, axis]) * rest[v, 3 + axis]
    return before > 0 and behind > 0


@compiled
@no_type_check
def _squared(points: np.ndarray, v: int, w: int) -> float:
    x, y, z = points[v, 0] - points[w, 0], points[v, 1] - points[w, 1], points[v, 2] - points[w, 2]
    return x * x + y * y + z * z
