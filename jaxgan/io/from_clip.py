"""CLIP's weights: OpenAI's state dicts and archives, and Hugging Face's CLIPModel."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxgan.features.clip import CLIP, STRIDE, Language, ResidualVision, Vision
from jaxgan.features.tokens import tokenizer
from jaxgan.io import pickles
from jaxgan.io.embedders import norm
from jaxgan.io.features import arrays_of
from jaxgan.io.names import Table, from_torch, network, tensors
from jaxgan.io.records import UnreadableFile

Arrays = Mapping[str, np.ndarray]
HEAD = 64  # width of a head in all of OpenAI's sizes
FILES = ("model.safetensors", "pytorch_model.bin")  # of a folder from Hugging Face
COUNTS = r"logit_scale|logit_bias|input_resolution|context_length|vocab_size|(.*\.)?(num_batches_tracked|position_ids)"
PLAIN = ("places", "whole", "words", "out")  # leaves that both sides lay out alike


def block(prefix: str, names: Mapping[str, str]) -> Table:
    """Return the table of a transformer's blocks, given the foreign names of their parts."""
    each = lambda m: f"{prefix}.{m[1]}.{names[m[2]]}.{m[3]}"
    return (
        (r"params/block(\d+)/attention/(q|k|v|out)/(weight|bias)", each),
        (r"params/block(\d+)/(norm1|norm2|fc1|fc2)/(weight|bias)", each),
    )


OPENAI = {
    **{name: f"attn.{name}_proj" for name in "qkv"},
    **dict(out="attn.out_proj", norm1="ln_1", norm2="ln_2", fc1="mlp.c_fc", fc2="mlp.c_proj"),
}
HUGGING = {
    **{name: f"self_attn.{name}_proj" for name in "qkv"},
    **dict(out="self_attn.out_proj", norm1="layer_norm1", norm2="layer_norm2", fc1="mlp.fc1", fc2="mlp.fc2"),
}
OPENAI_VISION: Table = (
    *block("visual.transformer.resblocks", OPENAI),
    (r"params/patches", "visual.conv1.weight"),
    (r"params/whole", "visual.class_embedding"),
    (r"params/places", "visual.positional_embedding"),
    (r"params/norm_in/(\w+)", r"visual.ln_pre.\1"),
    (r"params/norm_out/(\w+)", r"visual.ln_post.\1"),
    (r"params/out", "visual.proj"),
)
OPENAI_LANGUAGE: Table = (
    *block("transformer.resblocks", OPENAI),
    (r"params/words", "token_embedding.weight"),
    (r"params/places", "positional_embedding"),
    (r"params/norm_out/(\w+)", r"ln_final.\1"),
    (r"params/out", "text_projection"),
)
OPENAI_RESIDUAL: Table = (
    (r"params/places", "visual.attnpool.positional_embedding"),
    (r"params/attention/(q|k|v)/(\w+)", r"visual.attnpool.\1_proj.\2"),
    (r"params/attention/out/(\w+)", r"visual.attnpool.c_proj.\1"),
    (r"params/(conv\d)/weight", r"visual.\1.weight"),
    (r"\w+/(bn\d)/(\w+)", lambda m: norm(f"visual.{m[1]}", m[2])),
    (r"params/(layer\d)_(\d+)/(conv\d)/weight", r"visual.\1.\2.\3.weight"),
    (r"\w+/(layer\d)_(\d+)/(bn\d)/(\w+)", lambda m: norm(f"visual.{m[1]}.{m[2]}.{m[3]}", m[4])),
    (r"params/(layer\d)_(\d+)/shortcut/weight", r"visual.\1.\2.downsample.0.weight"),
    (r"\w+/(layer\d)_(\d+)/shortcut_bn/(\w+)", lambda m: norm(f"visual.{m[1]}.{m[2]}.downsample.1", m[3])),
)
HUGGING_VISION: Table = (
    *block("vision_model.encoder.layers", HUGGING),
    (r"params/patches", "vision_model.embeddings.patch_embedding.weight"),
    (r"params/whole", "vision_model.embeddings.class_embedding"),
    (r"params/places", "vision_model.embeddings.position_embedding.weight"),
    (r"params/norm_in/(\w+)", r"vision_model.pre_layrnorm.\1"),
    (r"params/norm_out/(\w+)", r"vision_model.post_layernorm.\1"),
    (r"params/out", "visual_projection.weight"),
)
HUGGING_LANGUAGE: Table = (
    *block("text_model.encoder.layers", HUGGING),
    (r"params/words", "text_model.embeddings.token_embedding.weight"),
    (r"params/places", "text_model.embeddings.position_embedding.weight"),
    (r"params/norm_out/(\w+)", r"text_model.final_layer_norm.\1"),
    (r"params/out", "text_projection.weight"),
)


def load_clip(
    path: str | Path,
    vocabulary: str | Path | None = None,
    *,
    heads: tuple[int, int] | None = None,
    activation: str | None = None,
    standardise: bool = True,
) -> CLIP:
    """Load CLIP, an embedder for everything that takes a text. Sizes are those of the arrays.

    Args:
        path: OpenAI's archive (`ViT-B-32.pt`, `RN50.pt`; its program is not run), its state dict as `.pth`,
            `.safetensors` or `.npz`; Hugging Face's CLIPModel as `.safetensors`, `.bin`, or its folder.
        vocabulary: `bpe_simple_vocab_16e6.txt.gz`, or Hugging Face's `merges.txt`; the folder's own when None; without
            it the text side reads tokens only.
        heads: Of the image's and of the text's attention. When None as `config.json` beside the weights says; else one
            for 64 channels, which all of OpenAI's sizes have.
        activation: "quick" or "exact" GELU; when None as `config.json` says, else OpenAI's, "quick".
        standardise: As for `features.clip.Vision`.

    Raises:
        FileNotFoundError: There is no such file.
        UnreadableFile: It holds other arrays; they are named.
    """
    path = Path(path)
    if path.is_dir():
        vocabulary = vocabulary or next((p for p in (path / "merges.txt",) if p.is_file()), None)
        path = next((path / name for name in FILES if (path / name).is_file()), path / FILES[0])
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    beside = path.parent / "config.json"
    said = json.loads(beside.read_text()) if beside.is_file() else {}
    arrays = read(path)
    hugging = "visual_projection.weight" in arrays
    try:
        found = clip(
            arrays, heads or (said_heads(said) if hugging else None), activation or said_gelu(said), standardise
        )
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}: {error}") from error
    return found if vocabulary is None else found._replace(tokenizer=tokenizer(vocabulary))


def read(path: Path) -> Arrays:
    """Return a file's arrays by name: of an archive with a program, those of its modules."""
    if path.suffix in (".npz", ".safetensors"):
        return arrays_of(path)
    value = pickles.read(path, program=True).value
    return pickles.names(value) if isinstance(value, pickles.Record) else tensors(value)


def clip(
    arrays: Arrays, heads: tuple[int, int] | None = None, activation: str = "quick", standardise: bool = True
) -> CLIP:
    """Make CLIP of a state dict's arrays; the arguments are those of `load_clip`.

    Raises:
        UnreadableFile: The arrays are not CLIP's.
    """
    common: dict[str, Any] = dict(activation=activation)
    try:
        if "visual_projection.weight" in arrays:
            described, layout, left = hugging(arrays, heads), hugging_layout, dict(arrays)
        else:
            described, layout, left = openai(arrays, heads), openai_layout, split(arrays)
    except (KeyError, IndexError, ValueError) as error:
        raise UnreadableFile(f"holds no CLIP: {' '.join(str(error).split())[:160]} is missing or misshapen") from error
    (vision, config, table), (words, word_table) = described
    module: Any = vision(**config, standardise=standardise, **(common if vision is Vision else {}))
    language = Language(**words, **common)
    theirs = lambda name: name.startswith(("visual", "vision_model"))
    sides = [{n: a for n, a in left.items() if theirs(n) == seen} for seen in (True, False)]
    make = lambda module, kind, arrays, table: network(
        module, f"features.{kind}", {}, arrays, table, layout, ignored=COUNTS
    )
    return CLIP(make(module, "clip_image", sides[0], table), make(language, "clip_text", sides[1], word_table))


def openai(arrays: Arrays, heads: tuple[int, int] | None):
    """Return (module, configuration, table) of the image side, and (configuration, table) of the text side."""
    width = arrays["ln_final.weight"].shape[0]
    count = lambda pattern: 1 + max(int(m[1]) for m in (re.match(pattern, name) for name in arrays) if m)
    length = arrays["positional_embedding"].shape[0]
    features, many = arrays["text_projection"].shape[1], heads or (0, 0)
    words = dict(vocabulary=arrays["token_embedding.weight"].shape[0], length=length, width=width, features=features)
    words |= dict(layers=count(r"transformer\.resblocks\.(\d+)\."), heads=many[1] or max(1, width // HEAD))
    if "visual.proj" in arrays:
        inside, patch = arrays["visual.conv1.weight"].shape[0], arrays["visual.conv1.weight"].shape[-1]
        config = dict(resolution=patch * root(arrays["visual.positional_embedding"].shape[0] - 1), patch=patch)
        config |= dict(width=inside, layers=count(r"visual\.transformer\.resblocks\.(\d+)\."), features=features)
        return (Vision, config | dict(heads=many[0] or max(1, inside // HEAD)), OPENAI_VISION), (words, OPENAI_LANGUAGE)
    inside = arrays["visual.layer1.0.conv1.weight"].shape[0]
    side = root(arrays["visual.attnpool.positional_embedding"].shape[0] - 1)
    units = tuple(count(rf"visual\.layer{stage}\.(\d+)\.") for stage in range(1, 5))
    config = dict(resolution=STRIDE * side, width=inside, units=units, features=features)
    config |= dict(heads=many[0] or max(1, inside * 32 // HEAD))
    return (ResidualVision, config, OPENAI_RESIDUAL), (words, OPENAI_LANGUAGE)


def hugging(arrays: Arrays, heads: tuple[int, int] | None):
    """Return (module, configuration, table) of the image side, and (configuration, table) of the text side."""
    many = heads or (0, 0)
    count = lambda side: (
        1 + max(int(m[1]) for m in (re.match(rf"{side}\.encoder\.layers\.(\d+)\.", name) for name in arrays) if m)
    )
    embedded = lambda name: arrays[f"text_model.embeddings.{name}_embedding.weight"].shape
    features, width = arrays["text_projection.weight"].shape
    words = dict(vocabulary=embedded("token")[0], length=embedded("position")[0], width=width, features=features)
    words |= dict(layers=count("text_model"), heads=many[1] or max(1, width // HEAD))
    patches = arrays["vision_model.embeddings.patch_embedding.weight"].shape
    side = root(arrays["vision_model.embeddings.position_embedding.weight"].shape[0] - 1)
    config = dict(resolution=patches[-1] * side, patch=patches[-1], width=patches[0], features=features)
    config |= dict(layers=count("vision_model"), heads=many[0] or max(1, patches[0] // HEAD))
    return (Vision, config, HUGGING_VISION), (words, HUGGING_LANGUAGE)


def split(arrays: Arrays) -> dict[str, np.ndarray]:
    """Cut the arrays that hold queries, keys and values of an attention together into three."""
    found: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        match = re.fullmatch(r"(.*\.)in_proj_(weight|bias)", name)
        if match and array.ndim and array.shape[0] % 3 == 0:
            found |= {f"{match[1]}{n}_proj.{match[2]}": a for n, a in zip("qkv", np.split(array, 3), strict=True)}
        else:
            found[name] = array
    return found


def openai_layout(path: str, array: np.ndarray) -> np.ndarray:
    return array if path.rpartition("/")[2] in PLAIN else from_torch(path, array)


def hugging_layout(path: str, array: np.ndarray) -> np.ndarray:
    return array if path.rpartition("/")[2] in PLAIN[:-1] else from_torch(path, array)


def root(count: int) -> int:
    """Return the side of a square of so many places."""
    side = round(count**0.5)
    if side < 1 or side * side != count:
        raise ValueError(f"a square of {count} places")
    return side


def said_heads(config: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the heads of both sides that a `config.json` names, 0 where it names none."""
    many = [int((config.get(f"{side}_config") or {}).get("num_attention_heads", 0)) for side in ("vision", "text")]
    return (many[0], many[1]) if any(many) else None


def said_gelu(config: Mapping[str, Any]) -> str:
    """Return the activation that a `config.json` names, or OpenAI's."""
    said = (config.get("vision_config") or {}).get("hidden_act", "quick_gelu")
    return "exact" if said == "gelu" else "quick"
