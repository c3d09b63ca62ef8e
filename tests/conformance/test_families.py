"""What every family keeps, whatever it is."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core.network import initialise
from jaxgan.latents.spaces import styled
from jaxgan.models import FAMILIES
from tests.conformance.families import CASES, briefly
from tests.tolerances import OP

every = pytest.mark.parametrize("case", CASES, ids=str)
# Laws that compile a program for each space or tap: a family's variants are left to the slow tests.
heavy = pytest.mark.parametrize("case", briefly(CASES))


def test_every_family_is_in_the_suite():
    assert {c.family for c in CASES} == set(FAMILIES)


@cache
def generator(case):
    """A generator with nothing at its initial zero, so that nothing hides behind one."""
    g, draw = FAMILIES[case.family].arch(**case.arch).init(jax.random.key(0)), np.random.default_rng(0)
    return jax.tree.map(lambda x: x + 0.1 * draw.standard_normal(x.shape, np.float32), g)


@cache
def code(case):
    return generator(case).sample(jax.random.key(1), 4)


@cache
def images(case):
    return generator(case)(code(case))


@every
def test_images_have_the_declared_shape_and_are_finite(case):
    arch = generator(case).arch
    assert images(case).shape == (4, arch.resolution, arch.resolution, arch.channels)
    assert images(case).dtype == jnp.float32
    assert np.all(np.isfinite(images(case))) and images(case).std() > 1e-3


@every
def test_codes_and_images_are_functions_of_the_key(case):
    g = generator(case)
    same, other = g.sample(jax.random.key(1), 4), g.sample(jax.random.key(2), 4)
    jax.tree.map(np.testing.assert_array_equal, same, code(case))
    assert not np.array_equal(jax.tree.leaves(other.value)[0], jax.tree.leaves(same.value)[0])
    assert np.array_equal(g(same), images(case))


@every
def test_the_arch_is_hashable_and_made_again_by_its_configuration(case):
    arch = generator(case).arch
    again = FAMILIES[arch.name].arch(**dict(arch.config))
    assert again == arch and hash(again) == hash(arch)


@heavy
def test_compiled_equals_eager(case, close):
    with jax.disable_jit():
        close(generator(case)(code(case)), images(case), OP)


@heavy
def test_entering_at_any_space_gives_the_same_images(case, close):
    g = generator(case)
    for space in g.spaces:
        there = g.to(code(case), space)
        assert there.space == space
        assert jax.tree.map(lambda v: v.shape[1:], there.value) == g.arch.shape(space)
        close(g(there), images(case), OP, space)


@heavy
def test_members_of_a_batch_do_not_couple(case, close):
    g, order = generator(case), jnp.array([2, 0, 3, 1])
    close(g(code(case)[order]), images(case)[order], OP, "permuted")
    close(g(code(case)[1]), images(case)[1:2], OP, "alone")


@heavy
def test_gradients_with_respect_to_codes_and_parameters_are_finite_and_not_zero(case):
    g = generator(case)
    for space in g.spaces:
        there = g.to(code(case), space)
        loss = lambda value, g, there=there: jnp.sum(jnp.square(g(there.replace(value=value))))
        # All parameters lie behind the first space: from there they are looked at, which takes the compiler longest.
        whole = space == g.spaces[0]
        by_code, *by_g = jax.jit(jax.grad(loss, argnums=(0, 1) if whole else (0,)))(there.value, g)
        for leaf in jax.tree.leaves((by_code, by_g[0].params if whole else ())):
            assert np.all(np.isfinite(leaf))
        assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(by_code)), space


@heavy
def test_every_tap_can_be_read_held_by_a_code_and_patched(case, close):
    g = generator(case)
    read = g.read(code(case), g.arch.taps)
    assert set(read) == set(g.arch.taps)
    for name, activation in read.items():
        assert activation.ndim == 4 and len(activation) == 4
        close(g(code(case).replace(features={name: activation})), images(case), OP, f"{name} put back")
        changed = g(code(case), patches={name: lambda x: x + 1})
        assert np.abs(changed - images(case)).max() > 1e-4, name


@every
def test_affines_are_the_first_maps_that_read_the_latent(case):
    g = generator(case)
    space = styled(g)
    rows = g.arch.shape(f"{space}+")[0] if f"{space}+" in g.spaces else 1
    for affine in g.arch.affines:
        weight = g.params
        for part in affine.path:
            weight = weight[part]
        inputs, width = weight.shape[0], g.arch.shape(space)[0]
        start, at, count = affine.reads or (0, 0, width)
        assert start + count <= inputs and at + count <= width and 0 <= affine.row < rows
        assert affine.reads is not None or inputs == width


@every
def test_truncation_to_nothing_draws_one_image(case):
    g = generator(case)
    if not g.arch.truncates:
        pytest.skip("this family does not truncate")
    same = g.to(code(case), g.arch.truncates)
    if same.cond is not None:  # a family without w truncates towards one image a class
        same = same.replace(cond=jnp.broadcast_to(same.cond[:1], same.cond.shape))
    drawn = g(same, psi=0.0)
    assert np.abs(drawn - drawn[:1]).max() < 1e-4


@every
def test_files_give_back_the_same_bits(case, tmp_path):
    g = generator(case)
    jg.save(g, tmp_path / "g.safetensors")
    back = jg.load(tmp_path / "g.safetensors")
    assert back.arch == g.arch and jg.fingerprint(back) == jg.fingerprint(g)
    assert np.array_equal(back(code(case)), images(case))
    config = tuple(sorted(case.discriminator.items()))
    module = FAMILIES[case.family].discriminator(**case.discriminator)
    d = initialise(
        module, jax.random.key(0), images(case), code(case).cond, name=f"{case.family}.discriminator", config=config
    )
    jg.save(d, tmp_path / "d.safetensors")
    scores = jg.load(tmp_path / "d.safetensors")(images(case), code(case).cond)
    assert scores.shape == (4, 1) and np.array_equal(scores, d(images(case), code(case).cond))


@heavy
def test_rendering_compiles_once(case):
    from jaxgan.core.generator import _render

    g = generator(case)
    g(code(case))
    before = _render._cache_size()
    for seed in (5, 6):
        g(g.sample(jax.random.key(seed), 4))
    assert _render._cache_size() == before
