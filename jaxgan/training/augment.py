"""Augmentation of real and generated images before the discriminator: StyleGAN2-ADA's whole pipeline.

Every operation fires for each sample on its own, with probability `p` times its multiplier. All geometric operations
compose into one affine map, sampled once with wavelet filters; all colour operations into one 4x4 matrix.

Source: Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", section 3 and appendix B.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erfinv
from jaxtyping import Array, Float, Key

from jaxgan.ops import color, warp, wavelets
from jaxgan.training.diffaugment import POLICIES, DiffAugment

POWER = np.array([10, 1, 1, 1], np.float32) / 13  # of natural images in the four octaves, lowest first


@dataclass(frozen=True)
class Pipe:
    """Which augmentations take part, and how strong they are. Hashable: a static argument of a compiled step.

    The first block multiplies the probability p of each operation (0 leaves it out of the program altogether); the
    second holds strengths: standard deviations (of the base-2 logarithm for factors) and ranges, lengths relative to
    the image, angles relative to half a turn to both sides.
    """

    xflip: float = 0
    rotate90: float = 0
    xint: float = 0
    scale: float = 0
    rotate: float = 0
    aniso: float = 0
    xfrac: float = 0
    brightness: float = 0
    contrast: float = 0
    lumaflip: float = 0
    hue: float = 0
    saturation: float = 0
    imgfilter: float = 0
    noise: float = 0
    cutout: float = 0

    xint_max: float = 0.125
    scale_std: float = 0.2
    rotate_max: float = 1
    aniso_std: float = 0.2
    xfrac_std: float = 0.125
    brightness_std: float = 0.2
    contrast_std: float = 0.5
    hue_max: float = 1
    saturation_std: float = 1
    imgfilter_bands: tuple[float, float, float, float] = (1, 1, 1, 1)
    imgfilter_std: float = 1
    noise_std: float = 0.1
    cutout_size: float = 0.5

    def __post_init__(self):
        object.__setattr__(self, "imgfilter_bands", tuple(self.imgfilter_bands))
        if len(self.imgfilter_bands) != len(POWER):
            raise ValueError(f"Pipe got {len(self.imgfilter_bands)} imgfilter_bands; needed are {len(POWER)} octaves")
        for field in fields(self):
            if np.min(getattr(self, field.name)) < 0:
                raise ValueError(
                    f"Pipe got {field.name}={getattr(self, field.name)}; multipliers and strengths are >= 0"
                )


BLIT = ("xflip", "rotate90", "xint")
GEOM = ("scale", "rotate", "aniso", "xfrac")
COLOR = ("brightness", "contrast", "lumaflip", "hue", "saturation")
OPERATIONS = (*BLIT, *GEOM, *COLOR, "imgfilter", "noise", "cutout")


def enabled(*operations: str) -> Pipe:
    """Enable operations at their full probability p and usual strength."""
    return replace(Pipe(), **dict.fromkeys(operations, 1.0))


PIPES: dict[str, Pipe | DiffAugment] = {
    "blit": enabled(*BLIT),
    "geom": enabled(*GEOM),
    "color": enabled(*COLOR),
    "filter": enabled("imgfilter"),
    "noise": enabled("noise"),
    "cutout": enabled("cutout"),
    "bg": enabled(*BLIT, *GEOM),
    "bgc": enabled(*BLIT, *GEOM, *COLOR),
    "bgcf": enabled(*BLIT, *GEOM, *COLOR, "imgfilter"),
    "bgcfn": enabled(*BLIT, *GEOM, *COLOR, "imgfilter", "noise"),
    "bgcfnc": enabled(*OPERATIONS),
    # R3GAN's: colour half as often as geometry.
    "r3gan": replace(enabled(*BLIT, *GEOM, "cutout"), **dict.fromkeys(COLOR, 0.5)),
    **POLICIES,
}


def augment(
    images: Float[Array, "n h w c"],
    key: Key[Array, ""],
    p: float | Float[Array, ""],
    pipe: Pipe | DiffAugment,
    percentile: float | None = None,
) -> Float[Array, "n h w c"]:
    """Augment a batch, every sample with its own draws.

    Pure, and affine in the images: gradients of any order pass through. The samples do not see each other. An
    operation whose multiplier is zero is no part of the program. If any geometric one is enabled, every sample is
    resampled, also where none fired: the two filters then give the image back up to rounding.

    Args:
        images: [N, H, W, C] in [-1, 1]. Colour operations need 1 or 3 channels; hue and saturation leave 1 alone.
        key: Typed key.
        p: Strength of the augmentation, may be traced: an operation fires with probability min(p * multiplier, 1).
        pipe: Operations and strengths; or a policy of DiffAugment, which goes its own way.
        percentile: For comparisons, in (0, 1): every enabled operation fires and every draw is this quantile. The
            second of the two rotations is left out, and the noise image stays random.

    Returns:
        Images [N, H, W, C], not clipped.

    Raises:
        ValueError: Colour operations are enabled and the images have neither 1 nor 3 channels.

    Source:
        NVIDIA's stylegan2-ada-pytorch. Deliberate difference: the reflected border of the geometric operations is as
        wide as the sample itself needs; there it is as wide as the neediest sample of the batch needs, so that the
        outermost pixels of a shrunk sample depend on its neighbours. Kept as there: beyond a border of a whole image
        lies black, and with `percentile` normal quantiles lack the factor √2.
    """
    if isinstance(pipe, DiffAugment):
        return pipe(images, key, p)
    n, height, width, channels = images.shape
    dice_key, noise_key = jax.random.split(key)
    dice = rolled(dice_key, n, percentile)
    if any(getattr(pipe, operation) for operation in (*BLIT, *GEOM)):
        images = resample(images, geometry(dice, p, pipe, height, width))
    if any(getattr(pipe, operation) for operation in COLOR):
        images = color.recolor(images, colors(dice, p, pipe, channels))
    if pipe.imgfilter:
        gains = amplification(dice, p, pipe)
        images = warp.separable(images, wavelets.equalizer(gains, height), wavelets.equalizer(gains, width))
    if pipe.noise:
        sigma = dice.maybe("noise", p * pipe.noise, pipe.noise_std * dice.half_normal("noise"), 0.0)
        images = images + sigma[:, None, None, None] * jax.random.normal(noise_key, images.shape)
    if pipe.cutout:
        images = images * holes(dice, p, pipe, height, width)
    return images


class Dice(NamedTuple):
    """Random draws by name, one per sample; the same name gives the same draw. Or their quantiles, see `rolled`."""

    n: int
    random: bool
    uniform: Callable[[str], Array]  # name -> [N] in (0, 1), or [N, 2] where DRAWS says so
    normal: Callable[[str], Array]  # name -> the same shape
    half_normal: Callable[[str], Array]  # name -> the same shape, the absolute value of a normal draw
    maybe: Callable[..., Array]  # name, probability, value [N, ...], neutral -> the value with that probability


# How many numbers each operation draws for a sample; one more decides whether it fires.
DRAWS = {
    **dict.fromkeys(OPERATIONS, 1),
    **dict.fromkeys(("xint", "xfrac", "cutout"), 2),
    **dict.fromkeys(("rotate again", *(f"imgfilter {band}" for band in range(len(POWER)))), 1),
}


def rolled(key: Key[Array, ""], n: int, percentile: float | None) -> Dice:
    """Roll the dice for n samples, or show the same percentile on all of them."""
    # One table for all draws: a generator for each would take longer to compile than everything else. It is laid out
    # by name, so that an operation draws the same whichever others are enabled.
    starts = dict(zip(DRAWS, np.cumsum([0, *(count + 1 for count in DRAWS.values())])))
    shape = (n, sum(DRAWS.values()) + len(DRAWS))
    if percentile is None:
        # `uniform` can return 0, where the inverse of the normal distribution is infinite.
        table, root = jnp.maximum(jax.random.uniform(key, shape), 2.0**-23), np.sqrt(2)
    else:
        table, root = jnp.full(shape, percentile, jnp.float32), 1.0
    normals = root * erfinv(2 * table - 1)

    def columns(table, name):
        values = table[:, starts[name] : starts[name] + DRAWS[name]]
        return values if DRAWS[name] > 1 else values[:, 0]

    def maybe(name, probability, value, neutral):
        if percentile is not None:
            return value
        fires = table[:, starts[name] + DRAWS[name]] < probability  # [N]
        return jnp.where(fires.reshape(n, *(1,) * (value.ndim - 1)), value, neutral)

    return Dice(
        n=n,
        random=percentile is None,
        uniform=lambda name: columns(table, name),
        normal=lambda name: columns(normals, name),
        half_normal=lambda name: root * erfinv(columns(table, name)),
        maybe=maybe,
    )


def geometry(dice: Dice, p, pipe: Pipe, height: int, width: int) -> Float[Array, "n 3 3"]:
    """Draw the map from output to input coordinates (x, y, 1), in pixels about the centre."""
    inverse = jnp.broadcast_to(jnp.eye(3), (dice.n, 3, 3))
    if pipe.xflip:
        flips = dice.maybe("xflip", p * pipe.xflip, jnp.floor(2 * dice.uniform("xflip")), 0.0)
        inverse = warp.compose(inverse, warp.scaling(1 - 2 * flips, 1))
    if pipe.rotate90:
        turns = dice.maybe("rotate90", p * pipe.rotate90, jnp.floor(4 * dice.uniform("rotate90")), 0.0)
        inverse = warp.compose(inverse, warp.rotation(np.pi / 2 * turns))
    if pipe.xint:
        by = dice.maybe("xint", p * pipe.xint, pipe.xint_max * (2 * dice.uniform("xint") - 1), 0.0)
        inverse = warp.compose(inverse, warp.translation(-jnp.round(by[:, 0] * width), -jnp.round(by[:, 1] * height)))
    if pipe.scale:
        factor = dice.maybe("scale", p * pipe.scale, jnp.exp2(pipe.scale_std * dice.normal("scale")), 1.0)
        inverse = warp.compose(inverse, warp.scaling(1 / factor, 1 / factor))
    # Two rotations, before and after the anisotropic scaling: P(first or second) = p.
    once = 1 - jnp.sqrt(jnp.clip(1 - p * pipe.rotate, 0, 1))
    if pipe.rotate:
        angle = np.pi * pipe.rotate_max * (2 * dice.uniform("rotate") - 1)
        inverse = warp.compose(inverse, warp.rotation(dice.maybe("rotate", once, angle, 0.0)))
    if pipe.aniso:
        factor = dice.maybe("aniso", p * pipe.aniso, jnp.exp2(pipe.aniso_std * dice.normal("aniso")), 1.0)
        inverse = warp.compose(inverse, warp.scaling(1 / factor, factor))
    if pipe.rotate and dice.random:
        angle = np.pi * pipe.rotate_max * (2 * dice.uniform("rotate again") - 1)
        inverse = warp.compose(inverse, warp.rotation(dice.maybe("rotate again", once, angle, 0.0)))
    if pipe.xfrac:
        by = dice.maybe("xfrac", p * pipe.xfrac, pipe.xfrac_std * dice.normal("xfrac"), 0.0)
        inverse = warp.compose(inverse, warp.translation(-by[:, 0] * width, -by[:, 1] * height))
    return inverse


def resample(images: Float[Array, "n h w c"], inverse: Float[Array, "n 3 3"]) -> Float[Array, "n h w c"]:
    """Transform images without aliasing: reflect-pad, double with sym6, sample bilinearly, halve with sym6.

    The identity and whole-pixel shifts come out exact up to rounding. A mirror or a turn does not quite: sym6 is not
    symmetric, and halving no longer undoes the doubling.

    Args:
        images: [N, H, W, C].
        inverse: [N, 3, 3], output coordinates -> input coordinates, in pixels about the centre.

    Returns:
        Images [N, H, W, C].
    """
    _, height, width, _ = images.shape
    before, after = border(inverse, height, width)
    canvas = warp.separable(
        images,
        wavelets.doubling(height, before[:, 1], after[:, 1]),
        wavelets.doubling(width, before[:, 0], after[:, 0]),
    )  # [N, 6H - 2, 6W - 2, C]

    # Between the samples of the doubled images, the same map works on twice the lengths. The centre of the doubled
    # image is half a sample off: its sample 0 stands at pixel 0, the last one half a pixel beyond the last pixel.
    half = jnp.full(len(images), 0.5)
    doubled = warp.compose(
        warp.translation(-half, -half),
        warp.scaling(4 * half, 4 * half),
        inverse,
        warp.scaling(half, half),
        warp.translation(half, half),
    )
    reach = wavelets.REACH
    x, y = warp.positions(doubled, 2 * (height + 2 * reach), 2 * (width + 2 * reach))
    fine = warp.interpolate(canvas, x + (canvas.shape[2] - 1) / 2, y + (canvas.shape[1] - 1) / 2)
    return warp.separable(fine, wavelets.halving(height), wavelets.halving(width))


def border(inverse: Float[Array, "n 3 3"], height: int, width: int) -> tuple[Float[Array, "n 2"], Float[Array, "n 2"]]:
    """Bound how far each transformed image reaches beyond itself, filters included: (x, y) before and after.

    Returns:
        Two arrays [N, 2] of whole pixels, at most a whole image.
    """
    x, y = (width - 1) / 2, (height - 1) / 2
    center = jnp.array([x, y])
    corners = jnp.array([[-x, x, x, -x], [-y, -y, y, y], [1, 1, 1, 1]])
    corners = warp.compose(inverse, corners)[:, :2]  # [N, 2, 4]
    far = jnp.stack([-corners.min(2), corners.max(2)]) + 2 * wavelets.REACH - center
    before, after = jnp.ceil(jnp.clip(far, 0, 2 * center))
    return before, after


def colors(dice: Dice, p, pipe: Pipe, channels: int) -> Float[Array, "n 4 4"]:
    """Draw the colour matrices."""
    matrix = jnp.broadcast_to(jnp.eye(4), (dice.n, 4, 4))
    if pipe.brightness:
        by = dice.maybe("brightness", p * pipe.brightness, pipe.brightness_std * dice.normal("brightness"), 0.0)
        matrix = warp.compose(color.translation(by), matrix)
    if pipe.contrast:
        factor = jnp.exp2(pipe.contrast_std * dice.normal("contrast"))
        matrix = warp.compose(color.scaling(dice.maybe("contrast", p * pipe.contrast, factor, 1.0)), matrix)
    if pipe.lumaflip:
        flips = dice.maybe("lumaflip", p * pipe.lumaflip, jnp.floor(2 * dice.uniform("lumaflip")), 0.0)
        matrix = warp.compose(color.luma_flip(flips), matrix)
    if pipe.hue and channels > 1:
        angle = np.pi * pipe.hue_max * (2 * dice.uniform("hue") - 1)
        matrix = warp.compose(color.hue_rotation(dice.maybe("hue", p * pipe.hue, angle, 0.0)), matrix)
    if pipe.saturation and channels > 1:
        factor = jnp.exp2(pipe.saturation_std * dice.normal("saturation"))
        matrix = warp.compose(color.saturation(dice.maybe("saturation", p * pipe.saturation, factor, 1.0)), matrix)
    return matrix


def amplification(dice: Dice, p, pipe: Pipe) -> Float[Array, "n bands"]:
    """Draw the gains of the four octaves; each draw keeps the expected power of an image."""
    gains = jnp.ones((dice.n, len(POWER)))
    for band, strength in enumerate(pipe.imgfilter_bands):
        if strength:
            name = f"imgfilter {band}"
            gain = jnp.exp2(pipe.imgfilter_std * dice.normal(name))
            gain = dice.maybe(name, p * pipe.imgfilter * strength, gain, 1.0)
            one = jnp.where(np.arange(len(POWER)) == band, gain[:, None], 1.0)
            gains = gains * one / jnp.sqrt((POWER * one**2).sum(1, keepdims=True))
    return gains


def holes(dice: Dice, p, pipe: Pipe, height: int, width: int) -> Float[Array, "n h w 1"]:
    """Draw masks that are 0 in a box and 1 around it."""
    size = dice.maybe("cutout", p * pipe.cutout, jnp.full(dice.n, pipe.cutout_size), 0.0)[:, None]
    center = dice.uniform("cutout")
    x = jnp.abs((np.arange(width) + 0.5) / width - center[:, :1]) >= size / 2  # [N, W]
    y = jnp.abs((np.arange(height) + 0.5) / height - center[:, 1:]) >= size / 2  # [N, H]
    return (x[:, None, :, None] | y[:, :, None, None]).astype(jnp.float32)
