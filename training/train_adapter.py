"""Trains the demo's adapter.

From the repository's root:

    python -m training.train_adapter            # the committed adapter; a GPU, a few minutes
    python -m training.train_adapter --quick    # no teachers: a CPU, some ten minutes

Stages (figures in between are accuracy on the selection split, on which every setting was chosen):

1. the encoder goes on with masked language modelling on IMDB reviews and train sentences;
2. it learns whole reviews' labels, then several copies learn the train sentences' labels;
3. their mean probability labels IMDB sentences;
4. the demo's encoder, untouched but for LoRA matrices and a new classifier, learns the train
   sentences' labels and those probabilities.

The test split is read once, at the end, from the files that were written.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import peft
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import nn

from analysis.demo import data, lora, model, tagger
from analysis.intervals import wilson
from analysis.text import Split
from training import corpus
from training.loop import Examples, Trainer, accuracy, encode, probabilities


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen, on the selection split."""

    seed: int = 20
    rank: int = 24
    alpha: int = 48
    mlm_epochs: int = 6
    mlm_rate: float = 2e-4
    review_epochs: int = 1
    review_rate: float = 5e-5
    teachers: int = 5
    teacher_epochs: int = 4
    teacher_rate: float = 3e-5
    pseudo_sentences: int = 120_000
    gold_repeats: int = 4
    gold_weight: float = 0.5
    student_epochs: int = 4
    student_rate: float = 1e-3
    student_batch: int = 128


QUICK = Settings(
    mlm_epochs=0, review_epochs=0, teachers=0, pseudo_sentences=0, gold_repeats=1, gold_weight=1.0,
    student_epochs=4, student_rate=5e-4, student_batch=32,
)  # fmt: skip
TARGETS = ["q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"]
CLASSIFIER = ["pre_classifier", "classifier"]


class Run:
    """One training run: its settings, device, material and record."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.started = time.monotonic()
        self.record: dict[str, object] = {}
        self.lines: list[str] = []
        self.tokenizer = model.tokenizer()
        self.corpus = corpus.read()
        self.selection = labelled(self.tokenizer, data.load().split("selection"))
        self.gold = labelled(self.tokenizer, self.corpus.gold)
        for name, count in self.corpus.counts.items():
            self.say(f"{name}: {count:,}")

    def say(self, line: str) -> None:
        """Print the line and keep it for the log."""
        self.lines.append(f"{time.monotonic() - self.started:6.0f} s  {line}")
        print(self.lines[-1], flush=True)

    def measure(self, name: str, network: nn.Module) -> float:
        """Accuracy on the selection split, kept in the record."""
        figure = accuracy(network, self.selection, self.device)
        self.record[f"selection accuracy: {name}"] = round(figure, 4)
        self.say(f"selection accuracy, {name}: {figure:.4f}")
        return figure

    def trainer(self, network: nn.Module, rate: float, batch: int, seed: int = 0) -> Trainer:
        """A training loop on this run's device."""
        return Trainer(network.to(self.device), rate, batch, self.settings.seed + seed, self.device)


def labelled(tokenizer: transformers.PreTrainedTokenizerFast, split: Split) -> Examples:
    """A split's sentences with certainty in their labels."""
    targets = np.eye(2, dtype=np.float32)[list(split.labels)]
    return Examples(encode(tokenizer, split.texts, 128), targets)


def fresh(seed: int) -> transformers.DistilBertForSequenceClassification:
    """The demo's encoder with a new classifier, ready to be trained."""
    weights = tagger.encoder_weights()
    generator = torch.Generator().manual_seed(seed)
    for name, rows in (("pre_classifier", 768), ("classifier", 2)):
        weights[f"{name}.weight"] = torch.randn(rows, 768, generator=generator) * 0.02
        weights[f"{name}.bias"] = torch.zeros(rows)
    return model.built(weights).requires_grad_(True)


def adapted_to_reviews(run: Run) -> dict[str, torch.Tensor]:
    """Weights after stages 1 and the reviews' half of 2."""
    settings, network = run.settings, fresh(run.settings.seed)
    texts = [" ".join(sentences) for sentences, _ in run.corpus.reviews]
    # Rotten Tomatoes is in lower case, with spaces around punctuation.
    texts = [text.lower() if row % 2 else text for row, text in enumerate(texts)]
    pieces = encode(run.tokenizer, texts, 512)
    windows = [ids[start : start + 128] for ids in pieces for start in range(0, len(ids), 128)]
    windows += list(run.gold.ids) * 4
    run.say(f"masked language modelling on {len(windows):,} windows")
    trainer = run.trainer(network, settings.mlm_rate, 256)
    loss = trainer.masked_language(windows, settings.mlm_epochs, run.tokenizer.mask_token_id)
    run.record["masked language loss"] = round(loss, 4)
    run.say(f"masked language loss {loss:.3f}")
    network.requires_grad_(True)
    ends = [ids[:128] if row % 2 else ids[-128:] for row, ids in enumerate(pieces)]
    labels = np.eye(2, dtype=np.float32)[[label for _, label in run.corpus.reviews]]
    trainer = run.trainer(network, settings.review_rate, 64)
    trainer.classify(Examples(ends, labels), settings.review_epochs)
    run.measure("after whole reviews", network)
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def pseudo_labelled(run: Run) -> tuple[Examples, np.ndarray]:
    """IMDB sentences with the teachers' mean probabilities, and those of the train sentences."""
    settings = run.settings
    start = adapted_to_reviews(run)
    pool = [text for sentences, _ in run.corpus.reviews for text in sentences]
    pool = [text for text in dict.fromkeys(pool) if 4 <= len(text.split()) <= 45]
    random.Random(settings.seed).shuffle(pool)
    pool = [text.lower() if row % 3 else text for row, text in enumerate(pool)]
    ids = encode(run.tokenizer, pool[: settings.pseudo_sentences], 128)
    on_pool, on_gold, on_selection = [], [], []
    for seed in range(settings.teachers):
        teacher = fresh(seed)
        teacher.load_state_dict(start)
        run.trainer(teacher, settings.teacher_rate, 32, seed).classify(
            run.gold, settings.teacher_epochs
        )
        run.measure(f"teacher {seed}", teacher)
        on_pool.append(probabilities(teacher, ids, run.device))
        on_gold.append(probabilities(teacher, run.gold.ids, run.device))
        on_selection.append(probabilities(teacher, run.selection.ids, run.device))
    together = np.mean(on_selection, axis=0).argmax(1) == run.selection.targets.argmax(1)
    run.record["selection accuracy: teachers together"] = round(float(together.mean()), 4)
    run.say(f"selection accuracy, teachers together: {together.mean():.4f}")
    return Examples(ids, np.mean(on_pool, axis=0)), np.mean(on_gold, axis=0)


def student(run: Run) -> nn.Module:
    """Stage 4: the demo's encoder with LoRA matrices, trained."""
    settings, gold = run.settings, run.gold
    examples = gold
    if settings.teachers:
        pseudo, on_gold = pseudo_labelled(run)
        targets = settings.gold_weight * gold.targets + (1 - settings.gold_weight) * on_gold
        examples = Examples(
            list(pseudo.ids) + list(gold.ids) * settings.gold_repeats,
            np.concatenate([pseudo.targets] + [targets] * settings.gold_repeats),
        )
    torch.manual_seed(settings.seed)
    plan = peft.LoraConfig(
        task_type="SEQ_CLS", r=settings.rank, lora_alpha=settings.alpha, lora_dropout=0.05,
        target_modules=TARGETS, modules_to_save=CLASSIFIER,
    )  # fmt: skip
    network = peft.get_peft_model(fresh(settings.seed), plan)
    run.say(f"student: {len(examples.ids):,} sentences an epoch")
    trainer = run.trainer(network, settings.student_rate, settings.student_batch)
    trainer.classify(examples, settings.student_epochs, lambda: run.measure("student", network))
    return network


def write(network: nn.Module, folder: Path) -> None:
    """PEFT's two files, the weights in half precision."""
    network.save_pretrained(folder)
    path = folder / "adapter_model.safetensors"
    save_file({name: t.half().contiguous() for name, t in load_file(path).items()}, path)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    settings = json.loads(path.read_text())
    settings["base_model_name_or_path"] = tagger.PACKAGE
    settings |= {"target_modules": sorted(TARGETS), "modules_to_save": CLASSIFIER}
    path.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")


def finish(run: Run, folder: Path) -> None:
    """Complete the record: the written adapter on the selection split, and what made it."""
    network = model.built(lora.merged(tagger.encoder_weights(), lora.read(folder)))
    figure = accuracy(network.to(run.device), run.selection, run.device, exact=True)
    run.record["selection accuracy of the written adapter"] = round(figure, 4)
    run.say(
        f"selection accuracy of the written adapter: {figure:.4f} of {len(run.selection.ids):,}"
    )
    run.record |= {
        "settings": asdict(run.settings),
        "sentences": run.corpus.counts,
        "device": torch.cuda.get_device_name() if run.device.type == "cuda" else "CPU",
        "seconds": round(time.monotonic() - run.started),
        "adapter bytes": (folder / "adapter_model.safetensors").stat().st_size,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "peft": peft.__version__,
        },
    }


def read_test(folder: Path, log: Path) -> None:
    """Add the written adapter's accuracy on the test split, float32 on the CPU, to the record."""
    network = model.built(lora.merged(tagger.encoder_weights(), lora.read(folder)))
    examples = labelled(model.tokenizer(), data.load().split("test"))
    count = len(examples.ids)
    figure = accuracy(network, examples, torch.device("cpu"), exact=True)
    interval = wilson(round(figure * count), count)
    low, high = round(interval.low, 4), round(interval.high, 4)
    record = json.loads((log / "record.json").read_text())
    record["adapter sha256"] = lora.fingerprint(folder)
    record["test"] = {"n": count, "accuracy": round(figure, 4), "low": low, "high": high}
    (log / "record.json").write_text(json.dumps(record, indent=2) + "\n")
    line = f"test accuracy of the written adapter: {figure:.4f} of {count:,} ({low} to {high})"
    with (log / "log.txt").open("a") as file:
        file.write(line + "\n")
    print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="train sentences alone, no teachers")
    parser.add_argument("--adapter", type=Path, default=Path("analysis/demo/adapter"))
    parser.add_argument("--log", type=Path, default=Path("training"), help="folder of the record")
    parser.add_argument("--no-test", action="store_true", help="leave the test split unread")
    parser.add_argument(
        "--only-test", action="store_true", help="read the test split, train nothing"
    )
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="a setting")
    arguments = parser.parse_args()
    if not arguments.only_test:
        settings = QUICK if arguments.quick else Settings()
        for name, value in (pair.split("=") for pair in arguments.set):
            settings = replace(settings, **{name: type(getattr(settings, name))(value)})
        run = Run(settings)
        write(student(run), arguments.adapter)
        finish(run, arguments.adapter)
        arguments.log.mkdir(parents=True, exist_ok=True)
        (arguments.log / "record.json").write_text(json.dumps(run.record, indent=2) + "\n")
        (arguments.log / "log.txt").write_text("\n".join(run.lines) + "\n")
    if not arguments.no_test:
        read_test(arguments.adapter, arguments.log)


if __name__ == "__main__":
    main()
