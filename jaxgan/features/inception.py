"""InceptionV3 as the Fréchet Inception distance uses it, and the same network with random weights."""

from __future__ import annotations

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jaxgan.core.network import Network
from jaxgan.features.trunks import max_pool
from jaxgan.ops.resize import resize

SIZE = 299
CLASSES = {True: 1008, False: 1000}  # of TensorFlow's network of 2015, and of torchvision's
RESIZES = {"tensorflow": "corners", "pytorch": "centres", "clean": "bicubic"}
Maps = Float[Array, "n h w c"]
zeros, ones = nn.initializers.zeros, nn.initializers.ones


class Conv(nn.Module):
    """Convolution without bias, batch normalisation with stored statistics, rectifier."""

    width: int
    side: tuple[int, int] = (1, 1)
    stride: int = 1
    pad: bool = True

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        padding = [(s // 2, s // 2) if self.pad else (0, 0) for s in self.side]
        kernel = self.param("kernel", nn.initializers.he_normal(), (*self.side, x.shape[-1], self.width))
        scale, bias = (self.param(n, f, (self.width,)) for n, f in (("scale", ones), ("bias", zeros)))
        mean, var = (
            self.variable("buffers", n, f, None, (self.width,)).value for n, f in (("mean", zeros), ("var", ones))
        )
        layout = ("NHWC", "HWIO", "NHWC")
        x = jax.lax.conv_general_dilated(x, kernel, (self.stride,) * 2, padding, dimension_numbers=layout)
        return nn.relu((x - mean) * (scale * jax.lax.rsqrt(var + 1e-3)) + bias)


class Mixed(nn.Module):
    """Branches side by side, each a chain of convolutions; a branch that begins with a word pools first.

    Args:
        branches: Each a tuple of steps: "average", "max" or "max2" (stride 2), a convolution (name, width, side[,
            stride]), or a tuple of convolutions whose results stand side by side.
        counts_border: Averages count the zeros beyond the border, as torchvision's do.
    """

    branches: tuple
    counts_border: bool

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        return jnp.concatenate([self.chain(x, steps) for steps in self.branches], axis=-1)

    def chain(self, x: Maps, steps: tuple) -> Maps:
        for step in steps:
            if step == "average":
                x = nn.avg_pool(x, (3, 3), padding="SAME", count_include_pad=self.counts_border)
            elif step == "max":
                x = max_pool(jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-jnp.inf), 3, 1)
            elif step == "max2":
                x = max_pool(x, 3, 2)
            elif isinstance(step[0], tuple):
                x = jnp.concatenate([self.convolution(x, s) for s in step], axis=-1)
            else:
                x = self.convolution(x, step)
        return x

    def convolution(self, x: Maps, step: tuple) -> Maps:
        name, width, side, *stride = step
        # What halves the resolution takes no pixels from beyond the border.
        return Conv(width, side, *(stride or (1,)), pad=not stride, name=name)(x)


def block_a(pool: int) -> tuple:
    return (
        (("branch1x1", 64, (1, 1)),),
        (("branch5x5_1", 48, (1, 1)), ("branch5x5_2", 64, (5, 5))),
        (("branch3x3dbl_1", 64, (1, 1)), ("branch3x3dbl_2", 96, (3, 3)), ("branch3x3dbl_3", 96, (3, 3))),
        ("average", ("branch_pool", pool, (1, 1))),
    )


def block_b() -> tuple:
    return (
        (("branch3x3", 384, (3, 3), 2),),
        (("branch3x3dbl_1", 64, (1, 1)), ("branch3x3dbl_2", 96, (3, 3)), ("branch3x3dbl_3", 96, (3, 3), 2)),
        ("max2",),
    )


def block_c(width: int) -> tuple:
    wide, tall = (1, 7), (7, 1)
    return (
        (("branch1x1", 192, (1, 1)),),
        (("branch7x7_1", width, (1, 1)), ("branch7x7_2", width, wide), ("branch7x7_3", 192, tall)),
        (
            ("branch7x7dbl_1", width, (1, 1)),
            ("branch7x7dbl_2", width, tall),
            ("branch7x7dbl_3", width, wide),
            ("branch7x7dbl_4", width, tall),
            ("branch7x7dbl_5", 192, wide),
        ),
        ("average", ("branch_pool", 192, (1, 1))),
    )


def block_d() -> tuple:
    return (
        (("branch3x3_1", 192, (1, 1)), ("branch3x3_2", 320, (3, 3), 2)),
        (
            ("branch7x7x3_1", 192, (1, 1)),
            ("branch7x7x3_2", 192, (1, 7)),
            ("branch7x7x3_3", 192, (7, 1)),
            ("branch7x7x3_4", 192, (3, 3), 2),
        ),
        ("max2",),
    )


def block_e(pool: str) -> tuple:
    def both(name):
        return ((f"{name}a", 384, (1, 3)), (f"{name}b", 384, (3, 1)))

    return (
        (("branch1x1", 320, (1, 1)),),
        (("branch3x3_1", 384, (1, 1)), both("branch3x3_2")),
        (("branch3x3dbl_1", 448, (1, 1)), ("branch3x3dbl_2", 384, (3, 3)), both("branch3x3dbl_3")),
        (pool, ("branch_pool", 192, (1, 1))),
    )


def mixed(tensorflow: bool) -> dict[str, tuple]:
    """Name the mixed blocks in order. TensorFlow's last one takes maxima where the paper takes averages."""
    return {
        "Mixed_5b": block_a(32),
        "Mixed_5c": block_a(64),
        "Mixed_5d": block_a(64),
        "Mixed_6a": block_b(),
        "Mixed_6b": block_c(128),
        "Mixed_6c": block_c(160),
        "Mixed_6d": block_c(160),
        "Mixed_6e": block_c(192),
        "Mixed_7a": block_d(),
        "Mixed_7b": block_e("average"),
        "Mixed_7c": block_e("max" if tensorflow else "average"),
    }


class InceptionV3(nn.Module):
    """InceptionV3 up to its last average: images [N, H, W, 1 or 3] in [-1, 1] to vectors [N, 2048].

    Parameters are named as in pytorch-fid and torchvision.

    Args:
        tensorflow: The network of TensorFlow's release of 2015-12-05, which FID means: averages leave out what lies
            beyond the border, the last block's pool takes maxima, 1008 classes. Else torchvision's, with 1000.
        resize: How images come to 299 pixels: "tensorflow" (as in the original FID and NVIDIA's), "pytorch" (as in
            pytorch-fid) or "clean" (as in clean-FID), see `ops.resize`.

    Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016, as in the file
    `inception-2015-12-05` and its port pytorch-fid.
    """

    tensorflow: bool = True
    resize: str = "tensorflow"

    def setup(self):
        self.fc = nn.Dense(CLASSES[self.tensorflow], precision=jax.lax.Precision.HIGHEST)

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, "n 2048"]:
        x = maps(self, prepared(images, self.resize))
        x = x.mean((1, 2))
        if self.is_initializing():
            self.fc(x)
        return x

    def scores(self, vectors: Float[Array, "n 2048"]) -> Float[Array, "n classes"]:
        """Return the classes' logits; of TensorFlow's network without bias, which the Inception score omits."""
        if self.tensorflow:
            return jnp.matmul(vectors, self.fc.variables["params"]["kernel"], precision=jax.lax.Precision.HIGHEST)
        return self.fc(vectors)


def maps(module: InceptionV3, x: Maps) -> Maps:
    """Return the last maps [N, 8, 8, 2048] of prepared images; called inside the module."""
    x = Conv(32, (3, 3), 2, pad=False, name="Conv2d_1a_3x3")(x)
    x = Conv(32, (3, 3), pad=False, name="Conv2d_2a_3x3")(x)
    x = max_pool(Conv(64, (3, 3), name="Conv2d_2b_3x3")(x), 3, 2)
    x = Conv(80, name="Conv2d_3b_1x1")(x)
    x = max_pool(Conv(192, (3, 3), pad=False, name="Conv2d_4a_3x3")(x), 3, 2)
    for name, branches in mixed(module.tensorflow).items():
        x = Mixed(branches, counts_border=not module.tensorflow, name=name)(x)
    return x


def prepared(images: Float[Array, "n h w c"], how: str) -> Float[Array, "n 299 299 3"]:
    """Resize to 299 pixels and scale as the program does: (x - 128) / 128 of bytes, pytorch-fid x / 127.5 - 1."""
    if how not in RESIZES:
        raise ValueError(f"There is no resizing {how!r}; allowed: {', '.join(map(repr, RESIZES))}.")
    images = jnp.broadcast_to(images, (*images.shape[:3], 3))
    if images.shape[1:3] != (SIZE, SIZE):
        images = resize(images, SIZE, RESIZES[how])
    return images if how == "pytorch" else ((images + 1) * 127.5 - 128) / 128


def inception(weights: Mapping[str, ArrayLike], resize: str = "tensorflow") -> Network:
    """Arrange a published state dict as the Inception network; 1008 classes tell TensorFlow's from torchvision's.

    Args:
        weights: Arrays by the names of pytorch-fid's file (TensorFlow's network) or torchvision's; the auxiliary
            classifier is left aside.
        resize: "tensorflow", "pytorch" or "clean".

    Returns:
        Network from images [N, H, W, C] in [-1, 1] to vectors [N, 2048]. Its name, from which figures take theirs, is
        "features.inception" for FID's network with the original resizing, else tells what differs:
        "features.inception_clean", "features.inception_torchvision".

    Raises:
        ValueError: If an array is missing, unknown or of another shape; names it.
    """
    if resize not in RESIZES:
        raise ValueError(f"There is no resizing {resize!r}; allowed: {', '.join(map(repr, RESIZES))}.")
    tensorflow = np.shape(weights.get("fc.weight", ()))[:1] != (CLASSES[False],)
    module = InceptionV3(tensorflow, resize)
    variables = filled(shapes(module), weights)
    parts = ["inception"] + ["torchvision"] * (not tensorflow) + [resize] * (resize != "tensorflow")
    config = (("resize", resize), ("tensorflow", tensorflow))
    return Network(variables["params"], variables["buffers"], module, f"features.{'_'.join(parts)}", config)


def random_inception(resize: str = "tensorflow") -> Network:
    """Return InceptionV3 with random weights, the same ones everywhere: `frechet_inception_random`, which is no FID.

    Its features see colours and textures, not objects. It serves where no weights are at hand, and its cost is that of
    the real one; `random_features` is quicker and knows where things are.

    Args:
        resize: As for `inception`.
    """
    module = InceptionV3(resize=resize)
    # The legacy generator, because its stream is promised never to change; the figure depends on these numbers.
    stream = np.random.RandomState(2015)

    def drawn(path, leaf):
        name = path[-1].key
        if name == "kernel":
            value = stream.standard_normal(leaf.shape) * np.sqrt(2 / np.prod(leaf.shape[:-1]))
        elif name in ("scale", "var"):
            value = np.ones(leaf.shape)
        else:
            value = stream.standard_normal(leaf.shape) * 0.1
        return jnp.asarray(value, jnp.float32)

    variables = jax.tree_util.tree_map_with_path(drawn, shapes(module))
    name = "inception_random" + f"_{resize}" * (resize != "tensorflow")
    return Network(variables["params"], variables["buffers"], module, f"features.{name}", (("resize", resize),))


def shapes(module: InceptionV3) -> dict:
    """Return the shapes of the module's parameters and buffers."""
    return jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, SIZE, SIZE, 3)))


PLACES = {"scale": "bn.weight", "bias": "bn.bias", "mean": "bn.running_mean", "var": "bn.running_var"}


def published(path) -> str:
    """Name an array as the published files do: "Mixed_5b.branch1x1.conv.weight"."""
    _, *names, kind = [p.key for p in path]
    if names == ["fc"]:
        return {"kernel": "fc.weight", "bias": "fc.bias"}[kind]
    return ".".join([*names, PLACES.get(kind, "conv.weight")])


def filled(expected: dict, weights: Mapping[str, ArrayLike]) -> dict:
    """Put published arrays into a tree of shapes, all of them and each in its place."""
    used = set()

    def fill(path, leaf):
        name = published(path)
        if name not in weights:
            raise ValueError(f"InceptionV3 lacks {name!r}; got {len(weights)} arrays. Give pytorch-fid's state dict.")
        used.add(name)
        value = np.asarray(weights[name], np.float32)
        value = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T
        if value.shape != leaf.shape:
            raise ValueError(f"{name!r} of InceptionV3 has shape {value.shape} as [h, w, in, out], not {leaf.shape}.")
        return jnp.asarray(value)

    tree = jax.tree_util.tree_map_with_path(fill, expected)
    aside = ("AuxLogits.", "num_batches_tracked")
    unknown = [n for n in weights if n not in used and not n.startswith(aside[0]) and not n.endswith(aside[1])]
    if unknown:
        raise ValueError(f"InceptionV3 has no place for {len(unknown)} arrays, such as {unknown[0]!r}.")
    return tree
