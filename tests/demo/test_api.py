"""Every named endpoint of a running demo, called as a program would; and what it says to those who send something else."""

import json
import zipfile
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo.clip import LONGEST_S
from demo.pose_view import COLOURS
from demo.posing import CORRECTIVES
from tests.demo.clips import SAMPLE, hand_frames, save_clip


@pytest.fixture(scope="module")
def client(address: str, tmp_path_factory: pytest.TempPathFactory):
    running = Client(address, verbose=False, download_files=str(tmp_path_factory.mktemp("answers")))
    yield running
    running.close()


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photographs") / "my hand.jpg"
    Image.open(SAMPLE).resize((480, 320)).save(path)
    return path


@pytest.fixture(scope="module")
def answer(client: Client, photograph: Path) -> tuple:
    """What ``/image`` says to the photograph."""
    return client.predict(handle_file(photograph), api_name="/image")


def names_in(archive: str) -> set[str]:
    with zipfile.ZipFile(archive) as content:
        return set(content.namelist())


def test_image(answer: tuple) -> None:
    told, overlay, scene, hands, angles, archive = answer
    assert "1 hand found: 1 right" in told
    assert "detect" in told
    assert "ms" in told
    assert Image.open(overlay).size == (480, 320)
    assert len(scene["meshes"]) == 1
    assert scene["meshes"][0]["faces"]
    assert [row[:2] for row in hands["data"]] == [[0, "right"]]
    assert len(angles["data"]) == 16
    files = {f"hand_0_right.{kind}" for kind in ("obj", "glb", "ply", "bvh")}
    assert names_in(archive) == files | {"overlay.png", "result.json"}
    with zipfile.ZipFile(archive) as content:
        result = json.loads(content.read("result.json"))
    assert result["schema"] == "deephandmesh/1"
    assert result["image"]["path"] == "my hand.jpg"


def test_image_with_options(client: Client, photograph: Path) -> None:
    *_, hands, _, _ = client.predict(handle_file(photograph), side="left", hand_length_mm=150, focal_length_mm=50, api_name="/image")
    assert [row[1] for row in hands["data"]] == ["left"]
    assert hands["data"][0][3] == pytest.approx(150, abs=0.5)


def test_no_hand_is_an_answer(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "wall.png"
    Image.fromarray(np.full((200, 300, 3), 127, dtype=np.uint8)).save(path)
    told, _, scene, hands, _, archive = client.predict(handle_file(path), api_name="/image")
    assert "No hand" in told
    assert scene["meshes"] == []
    assert hands["data"] in ([], [[""] * 6])
    assert names_in(archive) == {"overlay.png", "result.json"}


def test_pose_and_its_files(client: Client) -> None:
    straight, _, _ = client.predict(index1_z=0, index2_z=0, api_name="/pose")
    bent, told, _ = client.predict(index1_z=80, index2_z=90, api_name="/pose")
    assert straight["meshes"][0]["points"] != bent["meshes"][0]["points"]
    assert "decoded in" in told
    archive = client.predict(index1_z=80, api_name="/pose_files")
    assert {"pose.json", "posed_hand.glb", "posed_hand.bvh"} <= names_in(archive)


def test_correctives_are_switched_by_name(client: Client) -> None:
    everything, told, _ = client.predict(api_name="/pose")
    assert "corrections up to" in told
    assert "a simulated person, virtual:1" in told
    without = {part: client.predict(correctives=[part], api_name="/pose") for part in CORRECTIVES}
    surfaces = {scene["meshes"][0]["points"] for scene, _, _ in without.values()} | {everything["meshes"][0]["points"]}
    assert len(surfaces) == 4
    _, told, legend = client.predict(correctives=[], colour=COLOURS[1], api_name="/pose")
    assert "corrections" not in told
    assert "no correction to show" in legend


def test_video(client: Client, tmp_path: Path) -> None:
    path = save_clip(tmp_path / "wave.mp4", hand_frames(6))
    told, film, archive = client.predict(handle_file(path), api_name="/video")
    assert "1 hand in 6 of 6 frames" in told
    assert "frames a second" in told
    with av.open(film if isinstance(film, str) else film["video"]) as container:
        assert sum(1 for _ in container.decode(video=0)) == 6
    assert {"frames.jsonl", "hands.glb", "hands.npz"} <= names_in(archive)


def test_calibrate_makes_a_profile_for_the_other_tabs(client: Client, photograph: Path, tmp_path: Path) -> None:
    clip = save_clip(tmp_path / "turn.mp4", hand_frames(4))
    told, profile, bones = client.predict([handle_file(photograph), handle_file(clip)], hand_length_mm=170, api_name="/calibrate")
    assert "right hand in" in told
    assert "pictures tell little" in told
    assert json.loads(Path(profile).read_text())["hand_length_mm"] == pytest.approx(170)
    assert len(bones["data"]) == 21
    *_, hands, _, _ = client.predict(handle_file(photograph), profile=handle_file(profile), api_name="/image")
    assert hands["data"][0][3] == pytest.approx(170, abs=0.5)


def test_calibrate_says_what_it_needs(client: Client, tmp_path: Path) -> None:
    wall = tmp_path / "wall.png"
    Image.fromarray(np.full((200, 300, 3), 127, dtype=np.uint8)).save(wall)
    for files, words in (([], "choose photographs"), ([handle_file(wall)], "no hand"), ([handle_file(__file__)], "not a video")):
        with pytest.raises((AppError, ValueError), match=f"(?i){words}"):
            client.predict(files, api_name="/calibrate")


def bad_photographs() -> dict[str, tuple[bytes, str]]:
    return {
        "text": (b"this is no picture", "is not an image"),
        "empty": (b"", "empty"),
        "half": (SAMPLE.read_bytes()[:20_000], "damaged or incomplete"),
        "video": (b"\x00\x00\x00\x20ftypisom" + bytes(100), "is not an image"),
    }


@pytest.mark.parametrize("kind", bad_photographs())
def test_bad_photographs_are_explained_without_our_paths(client: Client, tmp_path: Path, kind: str) -> None:
    content, words = bad_photographs()[kind]
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(AppError, match=words) as error:
        client.predict(handle_file(path), api_name="/image")
    assert "photo.jpg" in str(error.value).lower()
    assert "/" not in str(error.value).split("photo.jpg")[0].lower()


def test_bad_choices_are_explained(client: Client, photograph: Path) -> None:
    for choices, words in (
        ({"hand_length_mm": 5}, "50 and 400"),
        ({"focal_length_mm": 1e9}, "lenses have"),
        ({"side": "middle"}, "one of"),
        ({"encoder": "/etc/passwd"}, "one of default"),
        ({"profile": handle_file(SAMPLE)}, "profile"),
    ):
        with pytest.raises((AppError, ValueError), match=words):
            client.predict(handle_file(photograph), api_name="/image", **choices)
    with pytest.raises(AppError, match="maximum value 90"):
        client.predict(index1_z=120, api_name="/pose")


def test_bad_clips_are_explained(client: Client, tmp_path: Path) -> None:
    text, playlist, long = (tmp_path / name for name in ("text.mp4", "list.mp4", "long.mp4"))
    text.write_text("hello " * 100)
    secret = save_clip(tmp_path / "secret.mp4", hand_frames(2))
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n")
    save_clip(long, [np.zeros((64, 64, 3), dtype=np.uint8)] * (round(LONGEST_S) + 3), rate=1)
    for path, words in ((text, "not a video"), (playlist, "not a video"), (long, "shorten it"), (SAMPLE, "not a video")):
        with pytest.raises(AppError, match=words):
            client.predict(handle_file(path), api_name="/video")


def test_a_failure_is_its_own_visitors_alone(client: Client, photograph: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"bad")
    jobs = [client.submit(handle_file(path), api_name="/image") for path in (bad, photograph)]
    with pytest.raises(AppError):
        jobs[0].result()
    assert "1 right" in jobs[1].result()[0]


def test_huge_uploads_are_refused(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    path.write_bytes(bytes(3_000_000))
    with pytest.raises((httpx.HTTPStatusError, AppError, ValueError), match=r"413|larger|exceeds"):
        client.predict(handle_file(path), api_name="/image")


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "https://example.org/hand.jpg", str(SAMPLE)])
def test_no_path_reaches_the_file_system(address: str, path: str) -> None:
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    response = httpx.post(f"{address}gradio_api/call/image", json={"data": [file, "auto", None, None, "default", None]})
    assert response.status_code == 403
    assert "uploaded" in response.text


def test_another_sessions_upload_has_to_be_known(address: str, photograph: Path) -> None:
    sent = httpx.post(f"{address}gradio_api/upload", files={"files": photograph.read_bytes()}).json()
    token = Path(sent[0]).parent.name
    assert len(token) == 32
    guess = sent[0].replace(token, "0" * 32)
    assert httpx.get(f"{address}gradio_api/file={sent[0]}").status_code == 200
    assert httpx.get(f"{address}gradio_api/file={guess}").status_code in (403, 404)


def test_nothing_that_all_can_read_names_a_visitors_file(address: str, answer: tuple, photograph: Path) -> None:
    [upload] = httpx.post(f"{address}gradio_api/upload", files={"files": ("a.jpg", photograph.read_bytes())}).json()
    folders = Path(upload).parent.parent
    tokens = [folder.name for folder in folders.iterdir()]
    assert len(tokens) > 1
    for page in ("", "config", "gradio_api/info", "gradio_api/startup-events", "theme.css"):
        text = httpx.get(address + page).text
        assert not any(token in text for token in tokens)
    for path in (folders, folders / tokens[0], f"{folders}/{tokens[0]}/"):
        assert httpx.get(f"{address}gradio_api/file={path}").status_code in (403, 404)


def test_cameras_clipboards_and_files_are_taken(client: Client) -> None:
    components = {component["props"].get("elem_id"): component["props"] for component in client.config["components"]}
    assert components["photograph"]["sources"] == ["upload", "webcam", "clipboard"]
    assert components["clip"]["sources"] == ["upload", "webcam"]
    assert all(
        components[name]["webcam_options"]["mirror"] is False for name in ("photograph", "clip")
    )  # a mirrored hand is of the other side


def test_a_visitor_who_leaves_holds_nobody_up(address: str, client: Client, photograph: Path) -> None:
    [path] = httpx.post(f"{address}gradio_api/upload", files={"files": ("a.jpg", photograph.read_bytes())}).json()
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    assert httpx.post(f"{address}gradio_api/call/image", json={"data": [file, "auto", None, None, "default", None]}).status_code == 200
    assert "1 right" in client.predict(handle_file(photograph), api_name="/image")[0]


@pytest.mark.parametrize("path", ["gradio_api/file=/tmp", "gradio_api/file=/etc/hostname", "monitoring/summary", "gradio_api/runs"])
def test_nothing_is_listed_or_guessed(address: str, path: str) -> None:
    assert httpx.get(address + path).status_code == 404
