"""One zip of a folder's files."""

import shutil
import zipfile
from pathlib import Path


def write_archive(folder: Path, path: Path) -> Path:
    """Move the files of ``folder`` into a zip at ``path``; the folder is gone afterwards."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    shutil.rmtree(folder)
    return path
