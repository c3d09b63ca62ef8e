import os
import signal
import subprocess
import sys
import textwrap
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.training.checkpoint import CheckpointError, Checkpoints, paths, versions
from jaxgan.training.parallel import mesh_of, parallel, replicated
from tests.training.toy import toy_batch, toy_game

KEY = jax.random.key(5)


def assert_identical(one, other):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert a.dtype == b.dtype
        if jax.dtypes.issubdtype(a.dtype, jax.dtypes.prng_key):
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def trainer():
    return toy_game()


@pytest.fixture(scope="module")
def state(trainer):
    step, state = jax.jit(trainer.step), trainer.init(KEY)
    for i in range(3):
        state, _ = step(state, toy_batch(i))
    return state


def test_state_comes_back_bit_for_bit(tmp_path, trainer, state):
    with Checkpoints(tmp_path) as kept:
        kept.save(3, state, {"recipe": {"batch": 16}, "versions": versions()})
    with Checkpoints(tmp_path) as kept:
        assert kept.latest == 3
        restored = kept.restore(jax.eval_shape(trainer.init, KEY))
        meta = kept.meta()
    assert_identical(restored, state)
    assert jax.tree.structure(restored) == jax.tree.structure(state)
    assert meta["step"] == 3 and meta["recipe"] == {"batch": 16} and meta["versions"]["jax"] == jax.__version__


@pytest.mark.parametrize("impl", ["threefry2x32", "rbg"])
def test_typed_keys_survive_with_their_implementation(tmp_path, impl):
    state = {"key": {"one": jax.random.key(7, impl=impl), "some": jax.random.split(jax.random.key(8, impl=impl), 3)}}
    with Checkpoints(tmp_path) as kept:
        kept.save(0, state, {})
        kept.wait()
        restored = kept.restore(jax.eval_shape(lambda: state))
    assert_identical(restored, state)
    assert jax.random.key_impl(restored["key"]["one"]) == jax.random.key_impl(state["key"]["one"])


def test_last_k_and_the_best_are_kept(tmp_path, state):
    with Checkpoints(tmp_path, keep=2, keep_best=1) as kept:
        for step, figure in enumerate([9.0, 1.0, 5.0, 7.0, 6.0]):
            kept.save(step, state, {}, figure)
            kept.wait()
        assert kept.steps == (1, 3, 4)


def test_saving_does_not_wait_for_the_donated_state(tmp_path, trainer):
    step = parallel(trainer.step, jax.devices()[:1])
    state, _ = step(trainer.init(KEY), toy_batch(0))
    expected = jax.tree.map(np.asarray, state.params)
    with Checkpoints(tmp_path) as kept:
        kept.save(1, state, {})
        for i in range(1, 20):  # the saved arrays are donated and overwritten meanwhile
            state, _ = step(state, toy_batch(i))
        kept.wait()
        assert_identical(kept.restore(jax.eval_shape(trainer.init, KEY)).params, expected)


def test_restored_state_lives_where_it_is_asked_to(tmp_path, trainer, state):
    sharding = replicated(mesh_of(jax.devices()[:4]))
    with Checkpoints(tmp_path) as kept:
        kept.save(3, state, {})
        kept.wait()
        restored = kept.restore(jax.eval_shape(trainer.init, KEY), sharding=sharding)
    assert all(len(leaf.sharding.device_set) == 4 for leaf in jax.tree.leaves(restored.params))
    assert_identical(restored, state)


def test_fields_can_be_restored_alone(tmp_path, trainer, state):
    fresh = trainer.init(jax.random.key(11))
    with Checkpoints(tmp_path) as kept:
        kept.save(3, state, {})
        kept.wait()
        restored = kept.restore(fresh, only=("ema",))
        arrays = kept.arrays("ema")
    assert_identical(restored.ema, state.ema)
    assert_identical(restored.params, fresh.params)
    assert_identical([arrays[path] for path in sorted(arrays)], [x for _, x in sorted(paths(state.ema).items())])


def test_another_model_is_refused_by_name_and_shape(tmp_path, state):
    wider = toy_game(width=12)
    with Checkpoints(tmp_path) as kept:
        kept.save(3, state, {})
        kept.wait()
        with pytest.raises(CheckpointError) as error:
            kept.restore(jax.eval_shape(wider.init, KEY))
    assert "params.G.draw.hidden.bias is float32[8], needed float32[12]" in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_and_unexpected_arrays_are_named(tmp_path):
    with Checkpoints(tmp_path) as kept:
        kept.save(0, {"params": {"a": jnp.zeros(2), "b": jnp.zeros(3)}}, {})
        kept.wait()
        with pytest.raises(CheckpointError, match=r"params\.c is missing; params\.b is not expected"):
            kept.restore({"params": {"a": jnp.zeros(2), "c": jnp.zeros(3)}})
        with pytest.raises(CheckpointError, match=r"float32.*int32"):
            kept.restore({"params": {"a": jnp.zeros(2, jnp.int32), "b": jnp.zeros(3)}})


def test_an_empty_folder_is_told_in_one_line(tmp_path):
    with Checkpoints(tmp_path / "none", read_only=True) as kept:
        assert kept.latest is None
        with pytest.raises(CheckpointError, match=r"^There is no checkpoint in .*none\.$"):
            kept.restore({})
    assert not (tmp_path / "none").exists()


def test_an_unknown_step_names_those_there_are(tmp_path, state):
    with Checkpoints(tmp_path) as kept:
        kept.save(3, state, {})
        kept.wait()
        with pytest.raises(CheckpointError, match=r"no checkpoint of step 4 .*there are 3\."):
            kept.meta(4)


def test_keep_must_be_positive(tmp_path):
    with pytest.raises(ValueError, match="at least 1"):
        Checkpoints(tmp_path, keep=0)


ENDLESS = """
    import sys, jax, jax.numpy as jnp
    from jaxgan.training.checkpoint import Checkpoints
    with Checkpoints(sys.argv[1], keep=2) as kept:
        step = (kept.latest or 0)
        while True:
            step += 1
            kept.save(step, {"params": {str(i): jnp.full((200, 1000), step) for i in range(20)}}, {})
            print(step, flush=True)
"""


def test_killing_while_saving_leaves_only_whole_checkpoints(tmp_path):
    target = {"params": {str(i): jax.ShapeDtypeStruct((200, 1000), jnp.int32) for i in range(20)}}
    for wait in (0.1, 0.25):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(ENDLESS), str(tmp_path)],
            stdout=subprocess.PIPE,
            env=os.environ | {"JAX_PLATFORMS": "cpu"},
        )
        for _ in range(3):
            assert process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with Checkpoints(tmp_path, keep=2) as kept:
            latest = kept.latest
            restored = kept.restore(target)
        assert all((leaf == latest).all() for leaf in jax.tree.leaves(restored))
        assert not [entry for entry in tmp_path.iterdir() if "tmp" in entry.name]
