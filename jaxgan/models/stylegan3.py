"""StyleGAN3, translation (T) and rotation (R) equivariant: z -> w -> w+ -> s -> x.

Source: Karras et al., "Alias-Free Generative Adversarial Networks" (2021). Layer names are those of the published
checkpoints: `input`, then `L{index}_{size}_{channels}`, the last of which makes the image. The discriminator is
StyleGAN2's.
"""

from __future__ import annotations

from dataclasses import dataclass

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from jaxgan.core.generator import Affine, Arch, Chart, Context, Generator, Stage
from jaxgan.latents.charts import from_p, to_p
from jaxgan.models import stylegan2
from jaxgan.nn.alias_free import AliasFreeConv, FourierInput, Layer, Placement
from jaxgan.nn.equalized import Dense
from jaxgan.nn.mapping import Mapping, Spread

NAME = "stylegan3"
discriminator = stylegan2.discriminator


def schedule(
    resolution: int,
    channels: int = 3,
    *,
    channel_base: int = 32768,
    channel_max: int = 512,
    layers: int = 14,
    critical: int = 2,
    first_cutoff: float = 2.0,
    first_stopband: float = 2**2.1,
    last_stopband: float = 2**0.3,
    margin: int = 10,
    kernel: int = 3,
    radial: bool = False,
    filter_size: int = 6,
    supersampling: int = 2,
) -> tuple[Layer, ...]:
    """List the layers: the band widens geometrically from the first to the last but `critical`.

        e_i         = min(i / (layers - critical), 1),                                 i = 0 ... layers
        cutoff_i    = first_cutoff (resolution / 2 / first_cutoff)^e_i
        stop_i      = first_stopband (resolution / 2 last_stopband / first_stopband)^e_i
        rate_i      = 2^ceil(log2 min(2 stop_i, resolution)),      size_i = rate_i + 2 margin, the last two resolution
        width_i     = max(stop_i, rate_i / 2) - cutoff_i           (half of the filters' transition)
        channels_i  = round(min(channel_base / 2 / cutoff_i, channel_max)), the last one the image's

    Args: see `arch`.

    Returns:
        `layers` convolutions and the one that makes the image.

    Source: Karras et al. (2021), section 3.3, appendix C.1, and the published code's sizes.
    """
    last = resolution / 2
    e = np.minimum(np.arange(layers + 1) / (layers - critical), 1)
    cutoffs = first_cutoff * (last / first_cutoff) ** e
    stops = first_stopband * (last * last_stopband / first_stopband) ** e
    rates = np.exp2(np.ceil(np.log2(np.minimum(2 * stops, resolution)))).astype(int)
    widths = np.maximum(stops, rates / 2) - cutoffs
    sizes = rates + 2 * margin
    sizes[-2:] = resolution
    features = np.rint(np.minimum(channel_base / 2 / cutoffs, channel_max)).astype(int)
    features[-1] = channels

    def layer(i: int) -> Layer:
        pair = lambda values, kind: (kind(values[max(i - 1, 0)]), kind(values[i]))
        rgb, at_limit = i == layers, i >= layers - critical
        return Layer(
            f"L{i}_{sizes[i]}_{features[i]}",
            pair(features, int),
            pair(sizes, int),
            pair(rates, int),
            pair(cutoffs, float),
            pair(widths, float),
            1 if rgb else kernel,
            filter_size,
            supersampling,
            radial and not at_limit,
            at_limit,
            rgb,
        )

    return tuple(layer(i) for i in range(layers + 1))


class Styles(nn.Module):
    """Affine maps w+ [N, L, D] -> s: how the input is placed [N, 4], then the styles of every layer [N, C_l]."""

    layers: tuple[Layer, ...]

    @nn.compact
    def __call__(self, wp, context: Context):
        wp = wp.astype(jnp.float32)
        styles = [Dense(l.channels[0], bias_init=1.0, name=l.name)(wp[:, i + 1]) for i, l in enumerate(self.layers)]
        return (Placement(name="input")(wp[:, 0]), *styles)


class Synthesis(nn.Module):
    """Draw images [N, H, W, channels] from styles."""

    layers: tuple[Layer, ...]
    resolution: int
    output_scale: float
    conv_clamp: float | None
    magnitude_kimg: float
    bf16_resolutions: int

    @nn.compact
    def __call__(self, styles, context: Context):
        first = self.layers[0]
        wave = FourierInput(first.channels[0], first.size[0], first.rate[0], first.cutoff[0], name="input")
        x = wave(styles[0], context)
        for layer, style in zip(self.layers, styles[1:], strict=True):
            low = layer.rate[1] * 2**self.bf16_resolutions <= self.resolution
            dtype = "float32" if low else "bfloat16"
            conv = AliasFreeConv(layer, self.conv_clamp, self.magnitude_kimg, dtype, name=layer.name)
            x = conv(x, style, context)
        return x.astype(jnp.float32) * self.output_scale


def arch(
    resolution: int = 256,
    *,
    channels: int = 3,
    z_dim: int = 512,
    w_dim: int = 512,
    classes: int = 0,
    channel_base: int = 32768,
    channel_max: int = 512,
    layers: int = 14,
    critical: int = 2,
    first_cutoff: float = 2.0,
    first_stopband: float = 2**2.1,
    last_stopband: float = 2**0.3,
    margin: int = 10,
    kernel: int = 3,
    radial: bool = False,
    filter_size: int = 6,
    supersampling: int = 2,
    output_scale: float = 0.25,
    mapping_layers: int = 2,
    mapping_lr_mul: float = 0.01,
    conv_clamp: float | None = None,
    magnitude_kimg: float = 20.0,
    bf16_resolutions: int = 0,
) -> Arch:
    """Describe a StyleGAN3 generator: T as it stands, R with `kernel=1, radial=True` and twice the channels.

    Args:
        resolution: Side of the images, a power of two.
        channels: Image channels.
        z_dim, w_dim: Widths of the latent spaces.
        classes: Width of the condition, 0 for none.
        channel_base, channel_max: min(channel_base / 2 / cutoff, channel_max) feature maps.
        layers: Convolutions between the input and the one that makes the image.
        critical: How many of them, at the end, use all of the band.
        first_cutoff, first_stopband: Of the first layer, in periods along the side of the image.
        last_stopband: Of the last layer, relative to its cutoff.
        margin: Samples that the activations reach beyond the image, on every side and at every rate.
        kernel: Side of the kernels.
        radial: Whether the filters after the non-linearity have no direction.
        filter_size: Their length in samples of the lower rate.
        supersampling: Of the non-linearity.
        output_scale: Factor on the image.
        mapping_layers, mapping_lr_mul: The mapping MLP.
        conv_clamp: Bound on what the non-linearities give, None for none; published are 256.
        magnitude_kimg: Half-life of the running input magnitudes, in thousands of images.
        bf16_resolutions: How many of the highest rates compute in bfloat16. The published code uses float16.
    """
    config = dict(locals())
    check_sizes(resolution, layers, critical, first_cutoff)
    spread = schedule(
        resolution,
        channels,
        channel_base=channel_base,
        channel_max=channel_max,
        layers=layers,
        critical=critical,
        first_cutoff=first_cutoff,
        first_stopband=first_stopband,
        last_stopband=last_stopband,
        margin=margin,
        kernel=kernel,
        radial=radial,
        filter_size=filter_size,
        supersampling=supersampling,
    )
    rows = len(spread) + 1
    mapping = Mapping(z_dim, w_dim, classes, mapping_layers, lr_mul=mapping_lr_mul, name="mapping")
    synthesis = (spread, resolution, output_scale, conv_clamp, magnitude_kimg, bf16_resolutions)
    stages = (
        Stage("z", "w", mapping),
        Stage("w", "w+", Spread(rows, w_dim, name="spread")),
        Stage("w+", "s", Styles(spread, name="style")),
        Stage("s", "x", Synthesis(*synthesis, name="synthesis")),
    )
    names = ("input", *(layer.name for layer in spread))
    return Arch(
        name=NAME,
        config=tuple(sorted(config.items())),
        stages=stages,
        shapes=(
            ("z", (z_dim,)),
            ("w", (w_dim,)),
            ("w+", (rows, w_dim)),
            ("s", ((4,), *((layer.channels[0],) for layer in spread))),
        ),
        resolution=resolution,
        channels=channels,
        classes=classes,
        charts=(Chart("w", "p", to_p, from_p), Chart("w+", "p+", to_p, from_p)),
        affines=tuple(
            Affine(name, row, ("style", name, "weight"), name == spread[-1].name) for row, name in enumerate(names)
        ),
        taps=names,
        truncates="w",
    )


def check_sizes(resolution: int, layers: int, critical: int, first_cutoff: float) -> None:
    if resolution < 8 or resolution & (resolution - 1):
        raise ValueError(f"Resolution {resolution} is not a power of two of at least 8.")
    if not 0 <= critical < layers:
        raise ValueError(f"critical is {critical} of {layers} layers; it must be less, and not negative.")
    if not 0 < first_cutoff < resolution / 2:
        raise ValueError(f"first_cutoff is {first_cutoff}; between 0 and {resolution / 2} fit a side of {resolution}.")


def transformed(g: Generator, matrix: Float[ArrayLike, "*n 3 3"]) -> Generator:
    """Return a generator whose images are moved by an affine map of the plane: the signal is, not the pixels.

    The point p of an image goes to `matrix @ (p, 1)`. The image is 1 wide, x points to the right, y downwards, and
    (0, 0) is its centre: a shift by a quarter of the side to the right is [[1, 0, 1/4], [0, 1, 0], [0, 0, 1]].

    Args:
        g: A StyleGAN3 generator.
        matrix: [3, 3], or [N, 3, 3] for batches of N codes.

    Returns:
        The generator with the inverse of the matrix in its buffer `synthesis/input/transform`, as the published files
        hold it; what the buffer held before is replaced.

    Example:
        >>> import jax, numpy as np, jaxgan as jg
        >>> arch = jg.models.stylegan3.arch(16, channel_base=128, channel_max=8, layers=3, z_dim=8, w_dim=8)
        >>> g = arch.init(jax.random.key(0))
        >>> right = jg.models.stylegan3.transformed(g, np.array([[1, 0, 0.25], [0, 1, 0], [0, 0, 1]]))
    """
    if g.arch.name != NAME:
        raise ValueError(f"The generator is of the family {g.arch.name}; {NAME} alone can be transformed.")
    matrix = jnp.asarray(matrix, jnp.float32)
    if matrix.shape[-2:] != (3, 3):
        raise ValueError(f"The matrix has shape {matrix.shape}; needed is [3, 3] or [N, 3, 3].")
    first = {**g.buffers["synthesis"]["input"], "transform": jnp.linalg.inv(matrix)}
    return g.replace(buffers={**g.buffers, "synthesis": {**g.buffers["synthesis"], "input": first}})


@dataclass(frozen=True)
class Preset:
    """One row of the published configurations.

    Args:
        resolution: Side of the images.
        radial: Whether it is R, which has 1x1 kernels and twice `channel_base` and `channel_max` in G.
        batch: Images per step over all devices.
        gamma: Weight of R1.
        channel_base: Width of D, and of G in T.
        lr, d_lr: Adam's step sizes of G and D.
        channel_max: Most channels of a layer of D, and of G in T.
        kimg: Length of training in thousands of real images.
    """

    resolution: int
    radial: bool
    batch: int
    gamma: float
    channel_base: int = 32768
    lr: float = 0.0025
    d_lr: float = 0.002
    channel_max: int = 512
    kimg: int = 25_000

    def arch(self) -> Arch:
        """Describe the row's generator."""
        wide = 2 if self.radial else 1
        sizes = dict(channel_base=wide * self.channel_base, channel_max=wide * self.channel_max)
        return arch(self.resolution, **sizes, kernel=1 if self.radial else 3, radial=self.radial, conv_clamp=256.0)


# FFHQ and FFHQ-U at 1024, AFHQv2 at 512, FFHQ-U at 256.
PRESETS = {
    "t1024": Preset(1024, False, 32, 32.8),
    "r1024": Preset(1024, True, 32, 32.8),
    "t512": Preset(512, False, 32, 8.2),
    "r512": Preset(512, True, 32, 16.4),
    "t256": Preset(256, False, 64, 1.0, 16384, d_lr=0.0025),
    "r256": Preset(256, True, 64, 1.0, 16384, d_lr=0.0025),
}
