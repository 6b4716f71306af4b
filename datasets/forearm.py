"""grow_forearm: more arm for a hand template, which ends at an open wrist."""

import numpy as np
from jaxtyping import Float, Int

from estimator.hand.template import HandTemplate


def grow_forearm(
    template: HandTemplate, length_mm: float, growth: float, rings: int = 60
) -> tuple[Float[np.ndarray, "arm 3"], Int[np.ndarray, "triangles 3"]]:
    """Vertices in the hand frame and triangles of a tube that goes on from the wrist's open loop.

    The tube's first ring is the loop itself, so its triangles count the template's vertices first and then the new ones. ``growth`` is
    the girth at the elbow's end over that of the wrist.
    """
    loop = open_loop(template.faces)
    ring = template.vertices[loop].astype(np.float64)
    middle = ring.mean(axis=0)
    share = np.linspace(0, 1, rings + 1)[1:, None, None]
    grown = middle + (ring - middle) * (1 + (growth - 1) * share**1.3)
    grown[..., 0] = ring[:, 0] - length_mm * share[..., 0]
    rows = np.vstack([loop, len(template.vertices) + np.arange(rings * len(loop)).reshape(rings, -1)])
    a, c = rows[:-1], rows[1:]
    b, d = np.roll(a, -1, axis=1), np.roll(c, -1, axis=1)
    triangles = np.concatenate([np.stack([b, a, c], axis=-1).reshape(-1, 3), np.stack([b, c, d], axis=-1).reshape(-1, 3)])
    return grown.reshape(-1, 3), triangles


def open_loop(faces: Int[np.ndarray, "faces 3"]) -> Int[np.ndarray, " loop"]:
    """Vertices of the one open loop of a mesh, in the order in which its triangles turn.

    Raises:
        ValueError: when the mesh is closed or open in several places.
    """
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).tolist()
    present = {(a, b) for a, b in edges}
    following = {a: b for a, b in present if (b, a) not in present}
    if not following:
        raise ValueError("the mesh is closed: it has no wrist to grow an arm from")
    loop = [min(following)]
    while (vertex := following[loop[-1]]) != loop[0]:
        loop.append(vertex)
    if len(loop) != len(following):
        raise ValueError(f"the mesh should be open at the wrist alone; {len(following) - len(loop)} open edges lie elsewhere")
    return np.array(loop)
