"""Training: games, and everything around them."""

from jaxgan.training.ada import Ada
from jaxgan.training.alae import ALAE
from jaxgan.training.augment import PIPES, Pipe, augment
from jaxgan.training.biggan import BigGAN
from jaxgan.training.cache import cache_compilations
from jaxgan.training.checkpoint import CheckpointError, Checkpoints
from jaxgan.training.classifier import Classifier
from jaxgan.training.dcgan import DCGAN
from jaxgan.training.disentangle import Disentangle
from jaxgan.training.eigengan import EigenGAN
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.encoder import Encoder, Stages
from jaxgan.training.flow import StyleFlow
from jaxgan.training.game import Move, Player, State, Trainer, game
from jaxgan.training.gan import GAN
from jaxgan.training.growth import Growth
from jaxgan.training.loop import Outcome, run
from jaxgan.training.mapper import TextMapper
from jaxgan.training.parallel import divide, mesh_of, parallel, replicate
from jaxgan.training.pggan import PGGAN
from jaxgan.training.r3gan import R3GAN, Decay
from jaxgan.training.recipe import Recipe, from_json, load_recipe, published, smoke, to_json
from jaxgan.training.settings import R1, Adam
from jaxgan.training.shelf import Files
from jaxgan.training.stylegan1 import StyleGAN1
from jaxgan.training.stylegan2 import PathLength, StyleGAN2
from jaxgan.training.stylegan3 import Blur, StyleGAN3
from jaxgan.training.transfer import read_weights, transfer

__all__ = [
    "ALAE",
    "DCGAN",
    "GAN",
    "PGGAN",
    "PIPES",
    "R1",
    "R3GAN",
    "Ada",
    "Adam",
    "BigGAN",
    "Blur",
    "CheckpointError",
    "Checkpoints",
    "Classifier",
    "Decay",
    "Disentangle",
    "EigenGAN",
    "Ema",
    "Encoder",
    "Files",
    "Growth",
    "Move",
    "Outcome",
    "PathLength",
    "Pipe",
    "Player",
    "Recipe",
    "Stages",
    "State",
    "StyleFlow",
    "StyleGAN1",
    "StyleGAN2",
    "StyleGAN3",
    "TextMapper",
    "Trainer",
    "augment",
    "cache_compilations",
    "divide",
    "from_json",
    "game",
    "half_life",
    "load_recipe",
    "mesh_of",
    "parallel",
    "published",
    "read_weights",
    "replicate",
    "run",
    "smoke",
    "to_json",
    "transfer",
]
