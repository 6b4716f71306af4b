"""Laws of the runs that a report finds: recognised by configuration, refused with a reason, evaluated once."""

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from rich.progress import Progress

from decoder_pretrain.config import Schedule, TrainConfig, Without, low_resolution, preset, with_skinning, without
from decoder_pretrain.finetuning import finetuning
from decoder_pretrain.report_evaluations import Examiner
from decoder_pretrain.report_runs import LOW_RESOLUTION, Data, Run, Runs, Variant, find_runs, variant_of
from decoder_pretrain.report_tables import comparison_table
from estimator.errors import InputError
from tests.decoder_pretrain.report_toys import DATA, ToyMoments, toy_run

WHOLE = preset("cpu", DATA, 1)
PERSON = Data(DATA, 1)


@pytest.mark.parametrize("part", get_args(Without))
def test_what_was_left_out_is_read_off_the_configuration(part: str) -> None:
    variant = variant_of(without(WHOLE, part))
    assert variant == Variant(PERSON, left_out=(part,))
    assert f"--without {part} " in variant.command


def test_the_whole_model_lacks_nothing_and_other_models_keep_their_names() -> None:
    assert variant_of(WHOLE) == Variant(PERSON)
    assert variant_of(low_resolution(WHOLE)) == Variant(PERSON, LOW_RESOLUTION)
    assert variant_of(with_skinning(WHOLE)) == Variant(PERSON, added=("skinning",))
    assert variant_of(without(without(WHOLE, "pose"), "depth")).left_out == ("pose", "depth")


def test_fine_tunings_are_told_from_the_runs_before_them() -> None:
    assert variant_of(finetuning(WHOLE)).added == ("texture",)
    assert variant_of(finetuning(WHOLE, weight=0.0)).added == ("fine-tuning",)
    assert "finetune_texture" in variant_of(finetuning(WHOLE, weight=0.0)).command


def test_simulated_people_are_called_simulated_and_real_ones_real() -> None:
    assert "simulated" in Data("virtual:2", 2).words
    assert Data("/data/release", 4).words == "subject 4 of release (real)"
    assert "--subject 4" in Variant(Data("/data/release", 4)).command


def test_runs_are_found_whatever_their_folders_are_called_and_others_get_a_reason(tmp_path: Path) -> None:
    toy_run(tmp_path / "a", WHOLE)
    toy_run(tmp_path / "a" / "texture", finetuning(WHOLE))
    toy_run(tmp_path / "b", WHOLE, finished=False)
    toy_run(tmp_path / "c", WHOLE).decoder_file.write_bytes(b"half")
    toy_run(tmp_path / "d", WHOLE).encoder_file.unlink()
    toy_run(tmp_path / "e", WHOLE).config_file.write_text("{")
    toy_run(tmp_path / "f", WHOLE).config_file.unlink()
    toy_run(tmp_path / "g", replace(WHOLE, data="virtual:77"))
    (tmp_path / "notes").mkdir()
    runs = find_runs(tmp_path)
    assert [run.name for run in runs.usable] == ["a", "a/texture"]
    assert [refusal.path.name for refusal in runs.refused] == ["b", "c", "d", "e", "f", "g"]
    assert [refusal.unfinished for refusal in runs.refused] == [True, *[False] * 5]
    for refusal, word in zip(runs.refused, ("--resume", "decoder", "encoder", "damaged", "config.json", "virtual:77"), strict=True):
        assert word in refusal.reason
        assert "\n" not in refusal.reason


def test_a_run_itself_is_a_folder_of_one_run(tmp_path: Path) -> None:
    toy_run(tmp_path / "only", WHOLE)
    assert [run.name for run in find_runs(tmp_path / "only").usable] == ["only"]


@pytest.mark.parametrize("name", ["empty", "absent"])
def test_a_folder_without_runs_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=name):
        find_runs(tmp_path / name)


def test_of_several_runs_of_a_variant_the_longest_trained_is_the_best(tmp_path: Path) -> None:
    for epochs in (3, 12, 5):
        toy_run(tmp_path / f"run{epochs}", replace(WHOLE, schedule=Schedule(epochs=epochs)))
    best = find_runs(tmp_path).best(Variant(PERSON))
    assert best
    assert best.config.schedule.epochs == 12


def test_the_person_with_most_runs_comes_first() -> None:
    def run(subject: int, config: TrainConfig) -> Run:
        found = Run.__new__(Run)
        found.variant = Variant(Data(f"virtual:{subject}", subject))
        return found

    assert [one.subject for one in Runs((run(1, WHOLE), run(3, WHOLE), run(3, WHOLE)), ()).data] == [3, 1]


def test_a_run_is_asked_again_only_when_the_answer_may_have_changed(tmp_path: Path) -> None:
    folder = toy_run(tmp_path / "a", WHOLE)
    source = ToyMoments()

    def ask(frames: int) -> tuple[float, int]:
        (run,) = find_runs(tmp_path).usable
        with Progress(disable=True) as bar:
            evaluation = Examiner(frames, source, bar).evaluation(run)
        assert len(evaluation.scores) == evaluation.summary.frames == frames
        assert evaluation.vertex_errors_mm.mean() == pytest.approx(evaluation.summary.m_err_mm, abs=1e-3)
        return evaluation.summary.m_err_mm, source.asked

    first = ask(3)
    assert ask(3) == first
    assert ask(2)[1] == 2
    (kept,) = folder.path.glob("evaluation_*_3.json")
    assert json.loads(kept.read_text())["summary"]["m_err_mm"] == first[0]
    kept.write_text(kept.read_text()[:100])
    assert ask(3) == (first[0], 3)
    folder.encoder_file.unlink()
    folder.decoder_file.unlink()
    folder.config_file.unlink()
    toy_run(folder.path, without(WHOLE, "pose-vertex"))
    error, asked = ask(3)
    assert asked == 4
    assert error != first[0]


def test_an_evaluation_that_cannot_be_kept_is_still_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = toy_run(tmp_path / "a", WHOLE)
    (folder.path / "evaluation_test_encoder_2.json").mkdir()
    (run,) = find_runs(tmp_path).usable
    with Progress(disable=True) as bar:
        assert Examiner(2, ToyMoments(), bar).evaluation(run).summary.frames == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_caption_tells_how_many_moments_there_were_not_how_many_were_asked_for(tmp_path: Path) -> None:
    toy_run(tmp_path / "a", WHOLE)
    runs = find_runs(tmp_path)
    with Progress(disable=True) as bar:
        examiner = Examiner(5, lambda *which: ToyMoments()(*which[:-1], min(which[-1], 2)), bar)
        caption = comparison_table(runs, examiner).caption
    assert " 2 moments of gestures" in caption
    summary = examiner.evaluation(runs.usable[0]).summary
    assert examiner.moments_behind([summary, replace(summary, frames=4)]) == "2 to 4 moments"
    assert examiner.moments_behind([]) == "5 moments"
