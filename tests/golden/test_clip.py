"""OpenAI's CLIP, through `load_clip`, computes what its code computes, from every format that it is published in."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxgan as jg
from jaxgan.features.clip import MEAN, STD, prepared
from jaxgan.features.tokens import tokenizer
from jaxgan.io import pickles
from jaxgan.io.features import arrays_of
from jaxgan.io.from_clip import clip, load_clip
from jaxgan.io.records import UnreadableFile
from tests.io import opcodes
from tests.tolerances import NETWORK, OP

HEADS = (1, 2)  # the tiny network's heads are narrower than those of the published sizes


@pytest.fixture(scope="module")
def arrays(golden):
    with np.load(golden("clip_tiny.npz")) as held:
        return dict(held)


@pytest.fixture(scope="module")
def images(arrays):
    """The golden input before CLIP's preprocessing: in [-1, 1], but for its noise."""
    return (arrays["image_in"].transpose(0, 2, 3, 1) * np.float32(STD) + np.float32(MEAN)) * 2 - 1


@pytest.fixture(scope="module")
def vocabulary(shared_data):
    return shared_data("text/bpe_simple_vocab_16e6.txt.gz")


@pytest.fixture(scope="module")
def network(golden, vocabulary):
    return load_clip(golden("clip_tiny.pth"), vocabulary, heads=HEADS)


def test_images_and_tokens_give_the_vectors_of_the_reference(network, arrays, images, close):
    close(network.image(images), arrays["image_features"], NETWORK, "image_features")
    close(network.text(arrays["tokens"]), arrays["text_features"], NETWORK, "text_features")


def test_phrases_give_the_tokens_of_the_reference_to_the_last_one(network, arrays, close):
    said = [str(phrase) for phrase in arrays["phrases"]]
    np.testing.assert_array_equal(network.tokenizer(said), arrays["tokens"])
    close(network.text(said), arrays["text_features"], NETWORK, "phrases")


def test_the_tokenizer_cuts_only_when_asked_and_repairs_as_asked(vocabulary):
    plain = tokenizer(vocabulary)
    with pytest.raises(ValueError, match="has 102 tokens of at most 77"):
        plain("a " * 100)
    cut = plain("a " * 100, cut=True)[0]
    assert cut[0] == 49406 and cut[-1] == 49407 and len(set(cut[1:-1])) == 1
    loud = tokenizer(vocabulary, repair=lambda text: text.replace("0", "o"))
    np.testing.assert_array_equal(loud("r0se &amp; l1ly"), plain("rose & l1ly"))
    assert not np.array_equal(plain("r0se"), plain("rose"))


def test_a_vocabulary_of_another_size_is_refused(tmp_path):
    path = tmp_path / "merges.txt"
    path.write_text("#version\na b\n")
    with pytest.raises(ValueError, match="holds no 48894 pairs"):
        tokenizer(path)


def hugging(arrays):
    """Lay OpenAI's arrays out as Hugging Face's CLIPModel has them."""
    found = {}
    for name, array in arrays.items():
        side = "vision_model" if name.startswith("visual.") else "text_model"
        match = re.fullmatch(r"(?:visual\.)?transformer\.resblocks\.(\d+)\.(.*)", name)
        if match:
            start, rest = f"{side}.encoder.layers.{match[1]}.", match[2]
            rest = rest.replace("ln_", "layer_norm").replace("c_fc", "fc1").replace("c_proj", "fc2")
            if "in_proj" in rest:
                kind = rest.rpartition("_")[2]
                parts = np.split(array, 3)
                found |= {f"{start}self_attn.{n}_proj.{kind}": a for n, a in zip("qkv", parts, strict=True)}
            else:
                found[start + rest.replace("attn.", "self_attn.")] = array
            continue
        new = {
            "visual.class_embedding": "vision_model.embeddings.class_embedding",
            "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
            "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
            "positional_embedding": "text_model.embeddings.position_embedding.weight",
            "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
            "visual.proj": "visual_projection.weight",
            "text_projection": "text_projection.weight",
            "logit_scale": "logit_scale",
        }.get(name)
        for old, other in (("visual.ln_pre", "pre_layrnorm"), ("visual.ln_post", "post_layernorm")):
            new = name.replace(old, f"vision_model.{other}") if name.startswith(old) else new
        new = name.replace("ln_final", "text_model.final_layer_norm") if name.startswith("ln_final") else new
        found[new] = array.T if name in ("visual.proj", "text_projection") else array
    return found | {"text_model.embeddings.position_ids": np.arange(77)[None]}


def test_hugging_faces_layout_and_its_folder_give_the_same_vectors(golden, arrays, images, tmp_path, close):
    from safetensors.numpy import save_file

    held = hugging(arrays_of(golden("clip_tiny.pth")))
    save_file({n: np.ascontiguousarray(a) for n, a in held.items()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(
        '{"vision_config": {"num_attention_heads": 1, "hidden_act": "quick_gelu"}, '
        '"text_config": {"num_attention_heads": 2}}'
    )
    network = load_clip(tmp_path)
    close(network.image(images), arrays["image_features"], NETWORK, "image_features")
    close(network.text(arrays["tokens"]), arrays["text_features"], NETWORK, "text_features")
    with pytest.raises(ValueError, match="no tokenizer"):
        network.text("a face")


def test_every_array_that_does_not_match_is_named(golden):
    held = dict(arrays_of(golden("clip_tiny.pth")))
    del held["visual.ln_post.bias"]
    held["visual.surplus"] = np.zeros(3)
    with pytest.raises(UnreadableFile, match=r"missing: visual\.ln_post\.bias; unknown: visual\.surplus"):
        clip(held, HEADS)
    with pytest.raises(UnreadableFile, match="holds no CLIP"):
        clip({"weight": np.zeros((2, 2))})


def test_images_of_any_size_are_brought_to_the_networks(network, images):
    large = jnp.repeat(jnp.repeat(images, 2, 1), 3, 2)
    assert prepared(large, 32).shape == (3, 32, 32, 3)
    bright = prepared(jnp.ones((1, 48, 64, 1)), 32)
    np.testing.assert_allclose(bright, np.broadcast_to((1 - np.float32(MEAN)) / np.float32(STD), bright.shape), rtol=OP)
    np.testing.assert_allclose(prepared(jnp.ones((1, 48, 64, 1)), 32, standardise=False), 1.0, rtol=OP)
    assert network.image(large).shape == (3, 24)


def residual(rng):
    """Random arrays of a small CLIP with a residual network, by OpenAI's names."""
    width, units, features, side, held = 8, (1, 2, 1, 1), 12, 2, {}

    def conv(name, o, i, k):
        held[f"{name}.weight"] = rng.standard_normal((o, i, k, k)) * (2 / (i * k * k)) ** 0.5

    def bn(name, c):
        held[f"{name}.weight"], held[f"{name}.bias"] = 1 + 0.2 * rng.standard_normal(c), rng.standard_normal(c) * 0.1
        held[f"{name}.running_mean"], held[f"{name}.running_var"] = rng.standard_normal(c) * 0.1, rng.uniform(0.5, 2, c)
        held[f"{name}.num_batches_tracked"] = np.int64(1)

    for i, (o, c) in enumerate(((width // 2, 3), (width // 2, width // 2), (width, width // 2))):
        conv(f"visual.conv{i + 1}", o, c, 3)
        bn(f"visual.bn{i + 1}", o)
    c = width
    for stage, count in enumerate(units):
        inner = width * 2**stage
        for i in range(count):
            at = f"visual.layer{stage + 1}.{i}"
            for j, (o, n, k) in enumerate(((inner, c, 1), (inner, inner, 3), (4 * inner, inner, 1))):
                conv(f"{at}.conv{j + 1}", o, n, k)
                bn(f"{at}.bn{j + 1}", o)
            if i == 0:
                conv(f"{at}.downsample.0", 4 * inner, c, 1)
                bn(f"{at}.downsample.1", 4 * inner)
            c = 4 * inner
    held["visual.attnpool.positional_embedding"] = rng.standard_normal((side**2 + 1, c)) * 0.1
    for name, o in (("q_proj", c), ("k_proj", c), ("v_proj", c), ("c_proj", features)):
        held[f"visual.attnpool.{name}.weight"] = rng.standard_normal((o, c)) * c**-0.5
        held[f"visual.attnpool.{name}.bias"] = rng.standard_normal(o) * 0.1
    held["positional_embedding"], held["token_embedding.weight"] = np.zeros((5, 8)), np.zeros((7, 8))
    held["ln_final.weight"], held["ln_final.bias"] = np.ones(8), np.zeros(8)
    held["text_projection"] = np.zeros((8, features))
    for kind, shape in (("attn.in_proj", (24, 8)), ("attn.out_proj", (8, 8)), ("mlp.c_fc", (32, 8))):
        add = "_" if "in_proj" in kind else "."
        held[f"transformer.resblocks.0.{kind}{add}weight"] = np.zeros(shape)
        held[f"transformer.resblocks.0.{kind}{add}bias"] = np.zeros(shape[0])
    held["transformer.resblocks.0.mlp.c_proj.weight"], held["transformer.resblocks.0.mlp.c_proj.bias"] = (
        np.zeros((8, 32)),
        np.zeros(8),
    )
    for i in (1, 2):
        held[f"transformer.resblocks.0.ln_{i}.weight"] = np.ones(8)
        held[f"transformer.resblocks.0.ln_{i}.bias"] = np.zeros(8)
    return {name: np.asarray(a, np.float32) for name, a in held.items()}, units


def by_hand(held, units, x, heads):
    """The residual network in torch's layout, by the arrays' names in the file."""

    def conv(x, name, stride=1):
        w = held[f"visual.{name}.weight"]
        return lax.conv(x, w, (stride, stride), "SAME" if stride == 1 else [(1, 1)] * 2)

    def bn(x, name):
        get = lambda kind: held[f"visual.{name}.{kind}"][:, None, None]
        return (x - get("running_mean")) / jnp.sqrt(get("running_var") + 1e-5) * get("weight") + get("bias")

    pool = lambda x: x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2).mean((3, 5))
    relu = lambda x: jnp.maximum(x, 0)
    for i in (1, 2, 3):
        w = held[f"visual.conv{i}.weight"]
        pads = ((1, 1), (1, 1))
        x = lax.conv_general_dilated(x, w, (2, 2) if i == 1 else (1, 1), pads)
        x = relu(bn(x, f"bn{i}"))
    x = pool(x)
    for stage, count in enumerate(units):
        for i in range(count):
            at, half = f"layer{stage + 1}.{i}", stage > 0 and i == 0
            y = relu(bn(conv(x, f"{at}.conv1"), f"{at}.bn1"))
            y = relu(bn(conv(y, f"{at}.conv2"), f"{at}.bn2"))
            y = bn(conv(pool(y) if half else y, f"{at}.conv3"), f"{at}.bn3")
            if i == 0:
                x = bn(conv(pool(x) if half else x, f"{at}.downsample.0"), f"{at}.downsample.1")
            x = relu(x + y)
    n, c = x.shape[:2]
    x = x.reshape(n, c, -1).transpose(2, 0, 1)
    x = jnp.concatenate([x.mean(0, keepdims=True), x]) + held["visual.attnpool.positional_embedding"][:, None]
    part = lambda x, name: x @ held[f"visual.attnpool.{name}.weight"].T + held[f"visual.attnpool.{name}.bias"]
    split = lambda x: x.reshape(len(x), n, heads, -1)
    q, k, v = split(part(x[:1], "q_proj")), split(part(x, "k_proj")), split(part(x, "v_proj"))
    weights = jax.nn.softmax(jnp.einsum("qnhd,knhd->nhqk", q, k) / q.shape[-1] ** 0.5, -1)
    return part(jnp.einsum("nhqk,knhd->qnhd", weights, v).reshape(1, n, c)[0], "c_proj")


def test_the_residual_network_is_read_in_torchs_layout(close):
    rng = np.random.default_rng(0)
    held, units = residual(rng)
    network = clip(held)
    assert network.image.module.resolution == 64 and network.image.module.heads == 4
    images = rng.uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)
    x = ((images + 1) / 2 - np.float32(MEAN)) / np.float32(STD)
    expected = jax.jit(lambda held, x: by_hand(held, units, x, 4))(held, x.transpose(0, 3, 1, 2))
    close(network.image(images), expected, NETWORK)


def archive(arrays, path, more=b""):
    """Write arrays as a TorchScript archive has them: modules of classes of the file's own, and a program."""
    storages = {}

    def tensor(array):
        array = np.ascontiguousarray(array)
        storages[str(len(storages))] = array
        kind = {"float32": "Float", "float16": "Half", "int64": "Long"}[array.dtype.name]
        held = opcodes.storage_id(kind, str(len(storages) - 1), array.size, legacy=False)
        return opcodes.tensor(held, 0, array.shape, [int(s) // array.itemsize for s in array.strides])

    def module(tree, name):
        body = b"".join(
            opcodes.text(key) + (module(value, key) if isinstance(value, dict) else tensor(value))
            for key, value in tree.items()
        )
        return opcodes.named(f"__torch__.{name}.___torch_mangle_1", "Module") + b")\x81}(" + body + more + b"ub"

    tree = {}
    for name, array in arrays.items():
        *parents, last = name.split(".")
        at = tree
        for parent in parents:
            at = at.setdefault(parent, {})
        at[last] = array
    program = (
        ("archive/constants.pkl", opcodes.whole(b")")),
        ("archive/code/__torch__/clip.py", "raise SystemExit('the program ran')"),
    )
    return opcodes.zip_file(path, module(tree, "clip"), storages, program)


def test_the_arrays_of_an_archive_with_a_program_are_read_without_it(golden, arrays, images, tmp_path, close):
    held = dict(arrays_of(golden("clip_tiny.pth"))) | {"input_resolution": np.asarray(32)}
    path = archive(held, tmp_path / "clip.pt")
    network = load_clip(path, heads=HEADS)
    close(network.image(images), arrays["image_features"], NETWORK, "image_features")
    close(network.text(arrays["tokens"]), arrays["text_features"], NETWORK, "text_features")
    with pytest.raises(UnreadableFile, match="TorchScript archive, which holds a program"):
        pickles.read(path)
    hostile = opcodes.text("x") + opcodes.call(opcodes.named("os", "system"), opcodes.text("true"))
    with pytest.raises(UnreadableFile, match=r"names 'os\.system'"):
        load_clip(archive({"a": np.zeros(2, np.float32)}, tmp_path / "hostile.pt", hostile))


def test_it_is_an_embedder_whose_text_loss_leads_images_towards_the_text(network, images):
    loss = jg.losses.text(network, "a photo of a smiling face")
    asked = jax.jit(jax.value_and_grad(lambda x: loss(x, x)[0].sum()))
    before, slope = asked(images)
    after, _ = asked(images - 0.05 * slope / jnp.linalg.norm(slope))
    assert np.all(np.isfinite(slope)) and after < before
    unit = network.image(images) / jnp.linalg.norm(network.image(images), axis=1, keepdims=True)
    said = network.text("a photo of a smiling face")[0]
    np.testing.assert_allclose(before, (1 - unit @ said / jnp.linalg.norm(said)).sum(), rtol=1e-4)
