import jax
import numpy as np

from jaxgan.training.alae import ALAE
from jaxgan.training.ema import Ema
from jaxgan.training.settings import Adam


def test_a_run_keeps_the_averaged_encoder_beside_the_generator():
    trainer = ALAE().smoke().trainer(batch=4, adam=Adam(), ema=Ema())
    state = jax.eval_shape(trainer.init, jax.random.key(0))
    state.stats["growth"]["lod"] = np.int32(0)
    encoder = trainer.companions["encoder"](trainer, state)
    assert encoder.name == "alae.encoder"
    assert encoder.params is state.ema["D"]["encoder"]
