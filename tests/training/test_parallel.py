import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan.training.parallel import divide, mesh_of, parallel, replicate
from tests.tolerances import DEVICES
from tests.training.toy import toy_batch, toy_game

KEY = jax.random.key(3)


def trained(devices: int, steps: int = 6):
    trainer = toy_game()
    step = parallel(trainer.step, jax.devices()[:devices])
    state = trainer.init(KEY)
    for i in range(steps):
        state, metrics = step(state, toy_batch(i))
    return state, metrics


def assert_same(one, other, tolerance, close):
    for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(one), jax.tree.leaves(other), strict=True):
        close(a, b, tolerance, jax.tree_util.keystr(path))


@pytest.mark.parametrize("devices", [2, 4, 8])
def test_devices_agree_with_one(devices, close):
    one, one_metrics = trained(1)
    many, metrics = trained(devices)
    assert_same((many.params, many.ema, metrics), (one.params, one.ema, one_metrics), DEVICES * 10, close)
    assert len(many.params["G"]["draw"]["out"]["kernel"].sharding.device_set) == devices


def test_pmapped_step_gives_the_same_parameters(close):
    # Under pmap a step sees one device's share; averaging gradients ahead of Adam makes it the step of the whole batch.
    n = 4
    mean = optax.stateless(lambda gradients, params: jax.lax.pmean(gradients, "data"))
    local, whole = toy_game(before=mean), toy_game()
    # First step only: the mean of per-share penalties, losses and gradients is that of the batch.
    state = jax.tree.map(lambda x: jnp.stack([x] * n), local.init(KEY))
    shares = jax.tree.map(lambda x: x.reshape(n, -1, *x.shape[1:]), toy_batch(0))
    pmapped, metrics = jax.pmap(local.step, axis_name="data", devices=jax.devices()[:n])(state, shares)
    expected, expected_metrics = parallel(whole.step, jax.devices()[:n])(whole.init(KEY), toy_batch(0))
    for share in range(n):
        assert_same(jax.tree.map(lambda x, i=share: x[i], pmapped.params), expected.params, DEVICES, close)
    assert_same(jax.tree.map(lambda x: x.mean(0), metrics), expected_metrics, DEVICES, close)


def test_state_is_donated():
    trainer = toy_game()
    step = parallel(trainer.step)
    state = replicate(trainer.init(KEY))
    kernel = state.params["G"]["draw"]["out"]["kernel"]
    step(state, toy_batch(0))
    assert kernel.is_deleted()


def test_state_from_any_placement_is_accepted(close):
    trainer = toy_game()
    elsewhere = jax.device_put(trainer.init(KEY), jax.devices()[5])
    state, _ = parallel(trainer.step, jax.devices()[:2])(elsewhere, toy_batch(0))
    expected, _ = parallel(trainer.step, jax.devices()[:1])(trainer.init(KEY), toy_batch(0))
    assert_same(state.params, expected.params, DEVICES, close)


@pytest.mark.parametrize("devices", [1, 8])
def test_step_compiles_once(devices):
    traces = []
    trainer = toy_game()

    def counted(state, batch):
        traces.append(1)
        return trainer.step(state, batch)

    step, state = parallel(counted, jax.devices()[:devices]), trainer.init(KEY)
    for i in range(3):
        state, _ = step(state, toy_batch(i))
    assert len(traces) == 1


def test_batch_is_divided_and_state_whole():
    batch = divide(toy_batch(0), jax.devices())
    assert {s.data.shape[0] for s in batch["image"].addressable_shards} == {2}
    np.testing.assert_array_equal(batch["image"], toy_batch(0)["image"])
    assert replicate(jnp.arange(3)).is_fully_replicated


def test_indivisible_batch_is_named_in_one_line():
    trainer = toy_game()
    step = parallel(trainer.step, jax.devices()[:3])
    with pytest.raises(ValueError, match=r"^A batch of 16 does not divide among 3 devices; take 15\.$"):
        step(trainer.init(KEY), toy_batch(0))


def test_mesh_must_have_the_data_axis():
    mesh = mesh_of(jax.devices()[:2])
    assert mesh_of(mesh) is mesh
    with pytest.raises(ValueError, match="one axis"):
        mesh_of(jax.make_mesh((2,), ("model",), devices=jax.devices()[:2]))
