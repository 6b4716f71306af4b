"""The hand as a skinned binary glTF: metres, y up, the camera at the origin looking along -z.

The surface is stored as it is at theta = 0, in the hand's own frame; the joints' nodes hold the current pose, so that a viewer
shows the posed hand where it stood before the camera and an animator can bend it further. The wrist is the root of the joints
and stands in the scene; joints and their names are the template's.
"""

from pathlib import Path

import pygltflib as gltf

from estimator.export_gltf_parts import GltfData, asset, inverse_bind_matrices, joint_nodes, materials, relative_to_parents, skin_primitives
from estimator.files import write_file
from estimator.hand.template import JOINT_COUNT, WRIST
from estimator.placed_hand import PlacedHand


def write_glb(hand: PlacedHand, path: Path) -> None:
    """Write the hand with skeleton and skinning weights as one binary glTF 2.0 file.

    Raises:
        InputError: when the file cannot be written.
    """
    data = GltfData()
    primitives = skin_primitives(hand, data)
    parents = hand.template.parents
    document = gltf.GLTF2(
        asset=asset(),
        scene=0,
        scenes=[gltf.Scene(nodes=[JOINT_COUNT, WRIST])],
        nodes=[
            *joint_nodes(*relative_to_parents(hand.joint_rotations, hand.joint_positions, parents), parents),
            gltf.Node(name=f"{hand.side}_hand", mesh=0, skin=0),
        ],
        meshes=[gltf.Mesh(name=f"{hand.side}_hand", primitives=primitives)],
        skins=[
            gltf.Skin(
                name=f"{hand.side}_hand",
                joints=list(range(JOINT_COUNT)),
                skeleton=WRIST,
                inverseBindMatrices=data.add(inverse_bind_matrices(hand)),
            )
        ],
        materials=materials(),
        accessors=data.accessors,
        bufferViews=data.views,
        buffers=[gltf.Buffer(byteLength=len(data.buffer))],
    )
    document.set_binary_blob(bytes(data.buffer))
    write_file(path, b"".join(document.save_to_bytes()))
