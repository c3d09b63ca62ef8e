"""Many codes for one image: their features are weighted, added up at a tap, and drawn by the rest of the generator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Arch, Generator, Stage, known
from jaxgan.core.objective import Objective
from jaxgan.inversion.base import Found, Inverter, untuned
from jaxgan.inversion.papers.parts import judged
from jaxgan.inversion.refine import refine
from jaxgan.latents.spaces import first
from jaxgan.latents.stats import SAMPLES, channels

CODES = "codes"


def mganprior(
    tap: str,
    codes: int = 20,
    objective: Objective | None = None,
    steps: int = 1500,
    *,
    lr: float = 0.05,
    samples: int = SAMPLES,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inverter:
    """Invert by several codes at a time, whose features are composed at a tap.

        x = G2(sum_k alpha_k G1(z_k)),    alpha_k one weight per channel,    z_k ~ N(0, 1), alpha_k = 1 / K at first

    A degradation in `objective` (`losses.observed`) makes it inpaint, colour or enlarge pictures. Deep taps of few
    pixels keep to what the generator knows, late taps of many pixels reconstruct anything.

    Args:
        tap: Where features are composed, one of `g.arch.taps`.
        codes: How many codes K.
        objective: Compares images (terms on codes do not apply); the paper's is pixels and VGG16 features.
        steps: Iterations.
        lr: Step size in standard deviations of z, in 1 / K for the weights.
        samples: Size of the sample behind the later layers' styles.
        chunk, progress: As for `refine`.

    Returns:
        An inverter whose codes hold the composed features at the tap, so that everything that draws codes draws them.

    Source: Gu et al., "Image Processing Using Multi-Code GAN Prior" (2020), eq. 2 and 4. Published for bedrooms at
    256 px: PSNR 25.1 dB and LPIPS 0.158, against 17.2 dB and 0.59 with one code. Different: Adam instead of gradient
    descent; the weights are not divided by K a second time; and any family: where layers behind the tap read styles,
    these are variables too (`w+`, from the mean), and a coarse image that a family sums up beside the features stays
    that of these styles.
    """
    judge, optimizer = judged(objective), optax.adam(lr)

    def inverter(found: Found, images: Float[Array, "n h w c"], key) -> tuple[Found, dict]:
        untuned(found, "mganprior")
        fit, search = jax.random.split(key)
        g, cond = found.generator, None if found.code is None else found.code.cond
        many = composed(g, tap, codes, fit, samples)
        how = refine(judge, optimizer, steps, CODES, start="mean", wander=0.0, chunk=chunk, progress=progress)
        start = None if cond is None else many.sample(fit, len(images), cond)
        done, info = how(Found(many, start), images, search)
        return Found(g, flattened(many, done.code)), info

    return inverter


def composed(g: Generator, tap: str, codes: int, key, samples: int = SAMPLES) -> Generator:
    """Return the generator of the space "codes": K codes, their channels' weights, and the styles of the rest.

    A code is a tuple: z [N, K, D]; weights [N, K, C] in units of 1 / K; and w+ in spreads from its mean (families
    without w: another z, which the layers behind the tap may read).
    """
    known(tap, g.arch.taps, "tap")
    if codes < 1:
        raise ValueError(f"codes is {codes}, it must be at least 1.")
    space = "w+" if "w+" in g.spaces else first(g)
    mean, spread = jnp.zeros(()), jnp.ones(())
    if space == "w+":
        mean, std = channels(g, key, "w", samples)
        spread = jnp.sqrt(jnp.mean(jnp.square(std)))
    width = jax.eval_shape(lambda k: g.read(g.sample(k, 1), (tap,)), key)[tap].shape[-1]
    arch = planned(g.arch, tap, codes, space, width)
    return Generator({CODES: g.params}, {CODES: {"inner": g.buffers, "mean": mean, "spread": spread}}, arch)


@cache  # one description: another one would compile anew
def planned(arch: Arch, tap: str, codes: int, space: str, width: int) -> Arch:
    """Describe the generator of many codes."""
    source = arch.stages[0].source
    shapes = ((codes, *arch.shape(source)), (codes, width), arch.shape(space))

    def prior(key, shape):
        n, keys = shape[0], jax.random.split(key)
        z = arch.prior(keys[0], (n * codes, *arch.shape(source))).reshape(n, *shapes[0])
        rest = jnp.zeros if space == "w+" else lambda size: arch.prior(keys[1], size)
        return z, jnp.ones((n, *shapes[1])), rest((n, *shapes[2]))

    return arch._replace(
        name=f"{arch.name} of {codes} codes",
        stages=(Stage(CODES, "x", Composition(Plan(arch, tap, space), name=CODES)),),
        shapes=((CODES, shapes),),
        charts=(),
        affines=(),
        taps=(),
        truncates="",
        prior=prior,
        axes=(),
    )


@dataclass(frozen=True)  # not a tuple: Linen would adopt the modules in it
class Plan:
    """Which generator is composed where, and the space that its rest reads."""

    arch: Arch
    tap: str
    space: str


class Composition(nn.Module):
    """Draw images of many codes at a time; its variables are those of the generator."""

    plan: Plan

    def __call__(self, value, context):
        variables = self.variables
        g, code = opened(variables["params"], variables["buffers"], self.plan, value, context.cond)
        return g(code.replace(noise=context.noise), noise=context.mode, key=context.key)


def opened(params, buffers, plan: Plan, value, cond) -> tuple[Generator, Code]:
    """Return the generator within and, for the codes of many, one code each with the composed features."""
    z, weights, rest = value
    g = Generator(params, buffers["inner"], plan.arch)
    n, codes = z.shape[:2]
    flat = Code(z.reshape(n * codes, *z.shape[2:]), first(g), None if cond is None else jnp.repeat(cond, codes, 0))
    features = g.read(flat, (plan.tap,))[plan.tap]
    features = compose(features.reshape(n, codes, *features.shape[1:]), weights / codes)
    rest = buffers["mean"] + buffers["spread"] * rest
    return g, Code(rest, plan.space, cond, features={plan.tap: features})


def compose(features: Float[Array, "n k h w c"], weights: Float[Array, "n k c"]) -> Float[Array, "n h w c"]:
    """Add up the features of K codes, each channel with its weight."""
    return jnp.einsum("nkhwc,nkc->nhwc", features, weights, precision=jax.lax.Precision.HIGHEST)


@jax.jit
def flattened(many: Generator, code: Code) -> Code:
    """Return codes of many codes as codes of the generator within, with the composed features."""
    (stage,) = many.arch.stages
    return opened(many.params[CODES], many.buffers[CODES], stage.module.plan, code.value, code.cond)[1]
