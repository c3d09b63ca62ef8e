"""CLIP: images and phrases as vectors of one space, with a transformer or a residual network that sees the images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Integer

from jaxgan.core.network import Network
from jaxgan.nn.normalize import BatchNorm
from jaxgan.nn.plain import Conv
from jaxgan.nn.transformer import Block, LayerNorm, MultiHead
from jaxgan.ops.resample import HIGHEST
from jaxgan.ops.resize import resize
from jaxgan.ops.similarity import halve

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
STRIDE = 32  # pixels to one place of a residual network's last map


class CLIP(NamedTuple):
    """An embedder: `image` sees images [N, H, W, C] in [-1, 1] of any size, `text` reads phrases or tokens.

    Vectors are as the networks give them, of no particular length.

    Args:
        image: Images to vectors [N, E].
        language: Tokens [K, L] to vectors [K, E].
        tokenizer: Phrases to tokens; None reads tokens only.
    """

    image: Network
    language: Network
    tokenizer: Callable[[Sequence[str]], Integer[np.ndarray, "k l"]] | None = None

    def text(self, words: str | Sequence[str] | Integer[Any, "k l"]) -> Float[Array, "k e"]:
        """Embed phrases, or tokens [K, L]."""
        words = [words] if isinstance(words, str) else words
        if isinstance(words, (list, tuple)) and words and isinstance(words[0], str):
            if self.tokenizer is None:
                raise ValueError("This CLIP has no tokenizer: give load_clip(..., vocabulary=), or tokens [K, L].")
            words = self.tokenizer(words)
        return self.language(jnp.asarray(words))


def prepared(images: Float[Array, "n h w c"], side: int, standardise: bool = True) -> Float[Array, "n side side 3"]:
    """Bring images in [-1, 1] to what CLIP was trained on: the central square, resized, with CLIP's mean and deviation.

    Args:
        images: Images [N, H, W, C]; grey ones get three equal channels.
        side: Of the result.
        standardise: False leaves the colours in [-1, 1].

    Source: Radford et al. (2021), and its published preprocessing. Different: the square is cut before resizing rather
    than after, and bicubic overshoots are not clipped, which would stop gradients.
    """
    height, width = images.shape[1:3]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    square = images[:, top : top + short, left : left + short]
    x = resize(jnp.broadcast_to(square, (*square.shape[:3], 3)), side, "bicubic")
    return ((x + 1) / 2 - np.array(MEAN, np.float32)) / np.array(STD, np.float32) if standardise else x


class Vision(nn.Module):
    """See images with a transformer over patches: ViT.

    Args:
        resolution: Side that images are brought to.
        patch: Side of a patch in pixels.
        width, layers, heads: Of the transformer.
        features: Width of the vectors.
        activation: "quick" or "exact" GELU.
        standardise: Whether colours are brought to CLIP's mean and deviation. StyleCLIP's published code leaves them
            in [-1, 1]; False is for meeting its figures only.

    Source: Radford et al. (2021), section 2.4; Dosovitskiy et al., "An Image is Worth 16x16 Words" (2021).
    """

    resolution: int = 224
    patch: int = 32
    width: int = 768
    layers: int = 12
    heads: int = 12
    features: int = 512
    activation: str = "quick"
    standardise: bool = True

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.resolution, self.resolution, 3)]

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, "n e"]:
        x, p = prepared(images, self.resolution, self.standardise), self.patch
        n, side = len(x), self.resolution // p
        x = x.reshape(n, side, p, side, p, 3).transpose(0, 1, 3, 2, 4, 5).reshape(n, side**2, -1)
        start = nn.initializers.normal(self.width**-0.5)
        patches = self.param("patches", start, (p, p, 3, self.width)).reshape(-1, self.width)
        x = jnp.matmul(x, patches, precision=HIGHEST)
        whole = jnp.broadcast_to(self.param("whole", start, (self.width,)), (n, 1, self.width))
        places = self.param("places", start, (side**2 + 1, self.width))
        x = LayerNorm(name="norm_in")(jnp.concatenate([whole, x], axis=1) + places)
        for i in range(self.layers):
            x = Block(self.heads, self.activation, name=f"block{i}")(x)
        x = LayerNorm(name="norm_out")(x[:, 0])
        return jnp.matmul(x, self.param("out", start, (self.width, self.features)), precision=HIGHEST)


class Bottleneck(nn.Module):
    """Residual unit of 1x1, 3x3 and 1x1 convolutions that halves, if at all, by averages of 2x2 pixels.

    Args:
        features: Width; four times as many channels come out.
        half: Whether the resolution is halved.
    """

    features: int
    half: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 c2"]:
        down = halve if self.half else lambda y: y
        y = x
        for i, kernel in enumerate((1, 3, 1)):
            last = i == 2
            y = down(y) if last else y
            y = Conv(self.features * (4 if last else 1), kernel, bias=False, name=f"conv{i + 1}")(y)
            y = BatchNorm(name=f"bn{i + 1}")(y)
            y = y if last else nn.relu(y)
        if self.half or x.shape[-1] != 4 * self.features:
            x = Conv(4 * self.features, 1, bias=False, name="shortcut")(down(x))
            x = BatchNorm(name="shortcut_bn")(x)
        return nn.relu(x + y)


class ResidualVision(nn.Module):
    """See images with a residual network whose last map is read by attention: CLIP's RN50 and its like.

    Args:
        resolution: Side that images are brought to, a multiple of 32.
        width: Channels of the first stage's units.
        units: Of the four stages.
        heads: Of the attention.
        features: Width of the vectors.
        standardise: As for `Vision`.

    Source: Radford et al. (2021), section 2.4: three convolutions lead in, averages come before every stride, and the
    mean of the last map asks all its places.
    """

    resolution: int = 224
    width: int = 64
    units: tuple[int, ...] = (3, 4, 6, 3)
    heads: int = 32
    features: int = 1024
    standardise: bool = True

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.resolution, self.resolution, 3)]

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, "n e"]:
        x = prepared(images, self.resolution, self.standardise)
        for i, (width, how) in enumerate(((self.width // 2, "down"), (self.width // 2, ""), (self.width, ""))):
            x = Conv(width, 3, how, bias=False, name=f"conv{i + 1}")(x)
            x = nn.relu(BatchNorm(name=f"bn{i + 1}")(x))
        x = halve(x)
        for stage, count in enumerate(self.units):
            for i in range(count):
                x = Bottleneck(self.width * 2**stage, bool(stage) and not i, name=f"layer{stage + 1}_{i}")(x)
        x = x.reshape(len(x), -1, x.shape[-1])  # [N, H W, C]
        x = jnp.concatenate([x.mean(1, keepdims=True), x], axis=1)
        x = x + self.param("places", nn.initializers.normal(x.shape[-1] ** -0.5), x.shape[1:])
        return MultiHead(self.heads, self.features, name="attention")(x[:, :1], x)[:, 0]


class Language(nn.Module):
    """Read tokens [K, L], each place what is before it; the last token's place says what was read.

    Args:
        vocabulary: Number of tokens; the last one ends a phrase.
        length: Longest phrase, both ends included.
        width, layers, heads: Of the transformer.
        features: Width of the vectors.
        activation: "quick" or "exact" GELU.

    Source: Radford et al. (2021), section 2.4.
    """

    vocabulary: int = 49408
    length: int = 77
    width: int = 512
    layers: int = 12
    heads: int = 8
    features: int = 512
    activation: str = "quick"

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.length)]

    @nn.compact
    def __call__(self, tokens: Integer[Array, "k l"]) -> Float[Array, "k e"]:
        tokens = tokens.astype(jnp.int32)
        if tokens.shape[1] > self.length:
            raise ValueError(f"Phrases have {tokens.shape[1]} tokens, this network reads up to {self.length}.")
        words = self.param("words", nn.initializers.normal(0.02), (self.vocabulary, self.width))
        places = self.param("places", nn.initializers.normal(0.01), (self.length, self.width))
        x = words[tokens] + places[: tokens.shape[1]]
        for i in range(self.layers):
            x = Block(self.heads, self.activation, name=f"block{i}")(x, causal=True)
        x = LayerNorm(name="norm_out")(x)
        x = x[jnp.arange(len(x)), tokens.argmax(1)]  # the end has the highest number
        out = self.param("out", nn.initializers.normal(self.width**-0.5), (self.width, self.features))
        return jnp.matmul(x, out, precision=HIGHEST)
