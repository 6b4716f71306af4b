"""Paints the skins that the virtual RHD's hands have: ``python -m datasets.virtual_rhd.paint_skin`` (a few minutes)."""

from datasets.virtual_rhd.hand_model import load_hand_model
from datasets.virtual_rhd.skin_texture import ASSETS, TEXTURE_PX, VARIANTS, asset_name, paint_maps, write_maps


def main() -> None:
    """Write the assets."""
    model = load_hand_model()
    for variant in range(VARIANTS):
        path = ASSETS / asset_name(variant)
        write_maps(path, model, paint_maps(model, TEXTURE_PX, 100 * variant))
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
