"""Augmentation equals the reference's arrays, and keeps its laws: identity, independence, rates, gradients."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.ops import warp, wavelets
from jaxgan.training.augment import BLIT, COLOR, GEOM, OPERATIONS, PIPES, Pipe, augment, enabled, resample
from tests import tolerances

SHARP = 5e-5  # doubling and halving: 24 products summed in float32 along each axis, of values that mostly cancel


@pytest.fixture(scope="module")
def images():
    """Smooth but asymmetric pictures, each its own."""
    n, size = 6, 16
    frequency = jax.random.uniform(jax.random.key(0), (n, 1, 1, 3, 2), minval=-0.5, maxval=0.5)
    place = jnp.stack(jnp.meshgrid(jnp.arange(size), jnp.arange(size), indexing="ij"), -1)
    return jnp.sin((frequency * place[None, :, :, None]).sum(-1) + 0.3)


@partial(jax.jit, static_argnames=("pipe", "percentile"))
def run(images, key, p, pipe, percentile=None):
    return augment(images, key, p, pipe, percentile)


def pipe_of(name: str) -> Pipe:
    """The pipe that a golden array is named after: one operation alone, or a preset."""
    return enabled(name) if name in OPERATIONS else PIPES[name]


def test_every_golden_array_is_met(golden, close):
    with np.load(golden("ada_augment.npz")) as arrays:
        arrays = dict(arrays)
    images = jnp.asarray(arrays.pop("image_in").transpose(0, 2, 3, 1))
    assert len(arrays) >= 30
    for name, expected in arrays.items():
        operation, percentile = name.split("@")
        # p must not matter, and neither must the key.
        found = run(images, jax.random.key(1), 0.1, pipe_of(operation), float(percentile))
        close(found, expected.transpose(0, 2, 3, 1), tolerances.OP, name)


def test_an_empty_pipe_returns_the_very_images(images):
    assert augment(images, jax.random.key(0), 1.0, Pipe()) is images


@pytest.mark.parametrize("operation", OPERATIONS)
def test_p_zero_is_the_identity(operation, images, close):
    close(run(images, jax.random.key(0), 0.0, enabled(operation)), images, SHARP)


def test_the_whole_pipe_at_p_zero_is_the_identity(images, close):
    close(run(images, jax.random.key(0), 0.0, PIPES["bgcfnc"]), images, SHARP)


@pytest.mark.parametrize("percentile", [0.05, 0.7, 0.95])
def test_samples_do_not_see_each_other(images, percentile, close):
    """One extreme neighbour would widen the border of a whole batch if margins were shared."""
    order = jnp.array([3, 1, 5, 0, 2, 4])
    pipe = PIPES["bgcf"]
    whole = run(images, jax.random.key(0), 1.0, pipe, percentile)
    close(run(images[order], jax.random.key(0), 1.0, pipe, percentile), whole[order], tolerances.OP)
    close(run(images[2:3], jax.random.key(0), 1.0, pipe, percentile), whole[2:3], tolerances.OP)


def test_samples_draw_apart_and_keys_decide(images):
    same = jnp.broadcast_to(images[:1], images.shape)
    first, again = (run(same, jax.random.key(7), 1.0, PIPES["bgcfnc"]) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    apart = np.abs(first[:, None] - first[None]).max((2, 3, 4))
    assert np.all(apart[~np.eye(len(apart), dtype=bool)] > 1e-2)
    other = run(same, jax.random.key(8), 1.0, PIPES["bgcfnc"])
    assert np.all(np.abs(first - other).max((1, 2, 3)) > 1e-2)


RATES = {
    # An operation whose draw can be neutral fires less often than p.
    **dict.fromkeys(OPERATIONS, 1.0),
    "xflip": 1 / 2,
    "rotate90": 3 / 4,
    "lumaflip": 1 / 2,
    "imgfilter": None,
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_fire_at_their_rate(operation):
    """The share of changed samples lies within 4.5 standard errors of p times the multiplier."""
    n, p = 1500, 0.6
    image = jax.random.normal(jax.random.key(3), (1, 8, 8, 3))
    images = jnp.broadcast_to(image, (n, 8, 8, 3))
    pipe = Pipe(**{operation: 0.5}, xint_max=4.0)  # so far that no integer translation rounds to none
    changed = np.abs(run(images, jax.random.key(4), p, pipe) - images).max((1, 2, 3)) > 1e-3
    rate = RATES[operation]
    expected = 1 - (1 - 0.5 * p) ** 4 if rate is None else 0.5 * p * rate  # imgfilter has four bands
    assert abs(changed.mean() - expected) < 4.5 * np.sqrt(expected * (1 - expected) / n)


@pytest.mark.parametrize("p", [1.0, 34.0])
def test_p_beyond_one_stays_finite(p, images):
    assert np.all(np.isfinite(run(images, jax.random.key(0), p, PIPES["bgcfnc"])))


def padded_and_sampled(image, inverse):
    """The published procedure for one image: pad as far as needed, double, sample with zero outside, halve."""
    h, w, c = image.shape
    filter, reach = wavelets.lowpass().astype(float), 3
    centre = np.array([(w - 1) / 2, (h - 1) / 2])
    corners = inverse @ np.array([[-centre[0], centre[0]] * 2, [-centre[1]] * 2 + [centre[1]] * 2, [1] * 4])
    far = np.stack([-corners[:2].min(1), corners[:2].max(1)]) + 2 * reach - centre
    (left, top), (right, bottom) = np.ceil(np.clip(far, 0, 2 * centre)).astype(int)
    image = np.pad(image, ((top, bottom), (left, right), (0, 0)), "reflect")

    def doubled(x):
        spread = np.zeros((2 * len(x), *x.shape[1:]))
        spread[::2] = x
        return np.apply_along_axis(lambda line: np.convolve(line, 2 * filter)[5 : 5 + len(line)], 0, spread)

    def halved(x):
        return np.apply_along_axis(lambda line: np.correlate(line[1:-1], filter, "valid")[::2], 0, x)

    big = np.swapaxes(doubled(np.swapaxes(doubled(image), 0, 1)), 0, 1)
    i, j = np.mgrid[: 2 * (h + 2 * reach), : 2 * (w + 2 * reach)]
    place = np.stack([(j + 1) / 2 - w / 2 - reach, (i + 1) / 2 - h / 2 - reach, np.ones(i.shape)])
    # Sample 2k of the doubled image stands at pixel k.
    x, y, _ = np.einsum("ab,bij->aij", inverse, place) * 2
    x, y = x + w - 1 + 2 * left, y + h - 1 + 2 * top
    out = np.zeros((*i.shape, c))
    for row in (np.floor(y).astype(int), np.floor(y).astype(int) + 1):
        for column in (np.floor(x).astype(int), np.floor(x).astype(int) + 1):
            inside = (row >= 0) & (row < big.shape[0]) & (column >= 0) & (column < big.shape[1])
            value = big[row.clip(0, big.shape[0] - 1), column.clip(0, big.shape[1] - 1)]
            out += ((1 - abs(x - column)) * (1 - abs(y - row)) * inside)[..., None] * value
    return np.swapaxes(halved(np.swapaxes(halved(out), 0, 1)), 0, 1)


@pytest.mark.parametrize("shape", [(16, 16), (10, 18)])
def test_the_static_canvas_equals_padding_at_run_time_also_at_extremes(shape, close):
    """Slight moves, strong shrinking, shifts by more than an image, magnification."""
    images = jax.random.normal(jax.random.key(9), (5, *shape, 2))
    inverse = warp.compose(
        warp.translation(jnp.array([0.3, 2.2, 40.0, -9.7, 0.0]), jnp.array([-1.8, 0.1, -3.0, 8.3, 0.0])),
        warp.rotation(jnp.array([0.1, -2.0, 0.7, 1.4, 3.0])),
        warp.scaling(jnp.array([1.05, 1.7, 1.0, 0.9, 6.0]), jnp.array([0.9, 1.3, 1.2, 1.9, 0.2])),
    )
    expected = [padded_and_sampled(np.asarray(i, float), np.asarray(m, float)) for i, m in zip(images, inverse)]
    close(jax.jit(resample)(images, inverse), np.stack(expected), SHARP)


def test_filter_bands_without_strength_stay_out(images, close):
    close(run(images, jax.random.key(0), 1.0, Pipe(imgfilter=1, imgfilter_bands=(0, 0, 0, 0))), images, tolerances.OP)


def test_flips_and_quarter_turns_move_pixels(images, close):
    # Not exactly: sym6 is not symmetric, so that halving does not undo a doubling that was mirrored in between.
    flipped = run(images, jax.random.key(0), 1.0, enabled("xflip"), 0.7)
    close(flipped, images[:, :, ::-1], 0.15)
    turned = run(images, jax.random.key(0), 1.0, enabled("rotate90"), 0.3)
    close(turned, np.rot90(images, 1, (1, 2)), 0.15)
    half_turn = run(images, jax.random.key(0), 1.0, enabled("rotate90"), 0.6)
    close(half_turn, np.rot90(images, 2, (1, 2)), 0.15)
    assert np.abs(images - images[:, :, ::-1]).max((1, 2, 3)).min() > 0.5


def test_integer_translation_reflects_at_the_border(images, close):
    shifted = run(images, jax.random.key(0), 1.0, enabled("xint"), 0.999)  # 2 of 16 pixels, right and down
    padded = np.pad(images, ((0, 0), (2, 0), (2, 0), (0, 0)), "reflect")
    close(shifted, padded[:, :16, :16], SHARP)


def test_wide_and_high_images_are_augmented_in_their_own_proportions(close):
    images = jax.random.normal(jax.random.key(5), (2, 12, 20, 3))
    shifted = run(images, jax.random.key(0), 1.0, Pipe(xint=1, xint_max=0.25), 0.999)  # 5 right, 3 down
    padded = np.pad(images, ((0, 0), (3, 0), (5, 0), (0, 0)), "reflect")
    close(shifted, padded[:, :12, :20], SHARP)
    assert run(images, jax.random.key(0), 1.0, PIPES["bgcfnc"]).shape == images.shape


def test_grey_images_keep_one_channel_and_match_grey_rgb(images, close):
    grey = images[..., :1]
    pipe = enabled(*GEOM, "brightness", "contrast", "lumaflip", "imgfilter")
    as_rgb = run(jnp.repeat(grey, 3, -1), jax.random.key(0), 1.0, pipe, 0.7)
    close(run(grey, jax.random.key(0), 1.0, pipe, 0.7), as_rgb.mean(-1, keepdims=True), SHARP)
    # Hue and saturation have no meaning for grey and leave it alone.
    close(run(grey, jax.random.key(0), 1.0, enabled("hue", "saturation")), grey, tolerances.OP)


def test_two_channels_are_refused_by_colour_and_taken_by_geometry(images):
    with pytest.raises(ValueError, match="2 channels"):
        augment(images[..., :2], jax.random.key(0), 1.0, PIPES["bgc"])
    assert run(images[..., :2], jax.random.key(0), 1.0, PIPES["bg"]).shape == images[..., :2].shape


def test_augmentation_is_affine_in_the_images(images, close):
    key, pipe = jax.random.key(2), PIPES["bgcfnc"]
    other = images[::-1]
    zero = run(jnp.zeros_like(images), key, 0.8, pipe)
    mixed = run(0.3 * images + 2 * other, key, 0.8, pipe) - zero
    close(mixed, 0.3 * (run(images, key, 0.8, pipe) - zero) + 2 * (run(other, key, 0.8, pipe) - zero), 1e-4)


def test_its_gradient_is_its_adjoint(images, close):
    """<A x, y> = <x, A* y>: the scattered gradient of the sampling against the gathered samples."""
    key, pipe = jax.random.key(2), PIPES["bgcf"]
    direction, weights = jax.random.normal(jax.random.key(3), (2, *images.shape))
    linear = run(direction, key, 0.8, pipe) - run(jnp.zeros_like(images), key, 0.8, pipe)
    gradient = jax.grad(lambda x: (run(x, key, 0.8, pipe) * weights).sum())(images)
    close((linear * weights).sum((1, 2, 3)), (gradient * direction).sum((1, 2, 3)), 1e-4)


def test_r1_differentiates_through_it_twice(images, close):
    """R1's gradient for the discriminator's weights, against central differences along a direction."""
    weight, along = jax.random.normal(jax.random.key(6), (2, 3, 4)) / 4

    def penalty(weight, images):
        def logits(x):
            x = run(x, jax.random.key(1), 0.7, PIPES["bgcfnc"])
            return jnp.tanh(x @ weight).mean((1, 2)).sum()

        return 16 * jnp.square(jax.grad(logits)(images)).sum()

    gradient = jax.jit(jax.grad(penalty))(weight, images)
    assert np.all(np.isfinite(gradient))
    step = 1e-2
    slope = (penalty(weight + step * along, images) - penalty(weight - step * along, images)) / (2 * step)
    close((gradient * along).sum(), slope, 1e-3)


def test_devices_that_share_a_batch_augment_it_without_talking(images):
    mesh = jax.make_mesh((2,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    shared = jax.device_put(images, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data")))

    def gradient(images, key):
        return jax.grad(lambda x: jnp.square(augment(x, key, 0.5, PIPES["bgcfnc"])).sum())(images)

    program = jax.jit(gradient).lower(shared, jax.random.key(0)).compile().as_text()
    for collective in ("all-gather", "all-reduce", "all-to-all", "collective-permute"):
        assert f" {collective}(" not in program


def test_a_traced_p_compiles_once(images):
    traces = []

    @jax.jit
    def step(images, key, p):
        traces.append(p)
        return augment(images, key, p, PIPES["bgc"])

    for p in (0.0, 0.3, 1.2):
        step(images, jax.random.key(0), p)
    assert len(traces) == 1


def test_presets_add_up():
    published = {"blit", "geom", "color", "filter", "noise", "cutout", "bg", "bgc", "bgcf", "bgcfn", "bgcfnc"}
    assert published <= set(PIPES)
    on = {name: {o for o in OPERATIONS if getattr(PIPES[name], o)} for name in published}
    assert on["bgc"] == on["blit"] | on["geom"] | on["color"] == {*BLIT, *GEOM, *COLOR}
    assert on["bgcfnc"] == set(OPERATIONS)
    assert len({hash(pipe) for pipe in PIPES.values()}) == len(PIPES)


def test_wrong_settings_are_refused_with_their_name():
    with pytest.raises(ValueError, match="hue=-1"):
        Pipe(hue=-1)
    with pytest.raises(ValueError, match="3 imgfilter_bands"):
        Pipe(imgfilter_bands=(1, 1, 1))
