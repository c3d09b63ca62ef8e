"""Time every family: images drawn from z, and a training step, at the size of its small config and at 64 pixels.

A step makes all moves but the lazy ones (penalties every so many steps); networks that grow are all grown. Families
have peers where their code was published in PyTorch: --peers names a folder of checkouts, which hold what PEERS says
(genforce, BigGAN-PyTorch, stylegan3, eigengan-pytorch, ALAE, R3GAN); a checkout that is missing is said and left out.
StyleGAN2's peer stands in phases.py. Peers get the same sizes and batch; that the forward passes agree is what
tests/golden shows. Differences: at 32 pixels BigGAN-PyTorch's discriminator has attention behind each of its blocks at
that resolution, jaxgan's behind the last one; genforce's StyleGAN adds noise, which the small config leaves out; R3GAN
is timed with both penalties on each step, as published.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
from _peer import FLAGS, Peer
from _steps import Run
from _timing import arguments, compiled, interleave, once, report

from jaxgan.training.recipe import Recipe, load_recipe
from jaxgan.training.stylegan3 import StyleGAN3

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
BATCH, CLASSES = 8, 10
# (config, what is changed in its model)
CASES = {
    "gan": (("gan_mnist", {}), ("gan_mnist", {"resolution": 64})),
    "dcgan": (("dcgan_mnist32", {}), ("dcgan_mnist32", {"resolution": 64})),
    "pggan": (("pggan_scenes32", {}), ("pggan_scenes32", {"resolution": 64})),
    "biggan": (("biggan_cifar32", {}), ("biggan_cifar32", {"resolution": 64})),
    "stylegan1": (("stylegan1_sprites64", {}),),
    "stylegan2": (("stylegan2_mnist32", {}), ("stylegan2_scenes64", {})),
    "stylegan3": tuple(
        ("stylegan3_scenes32", {"resolution": r, "variant": v}) for r, v in ((32, "t"), (32, "r"), (64, "t"), (64, "r"))
    ),
    "eigengan": (("eigengan_sprites64", {}),),
    "alae": (("alae_scenes32", {}), ("alae_scenes32", {"resolution": 64})),
    "r3gan": (
        ("r3gan_mnist32", {"every": 1, "channels": 3}),
        ("r3gan_mnist32", {"every": 1, "channels": 3, "resolution": 64, "widths": (96, 96, 64, 48, 32)}),
    ),
}
PEERS = {
    "pggan": "genforce",
    "biggan": "BigGAN-PyTorch",
    "stylegan1": "genforce",
    "stylegan3": "stylegan3",
    "eigengan": "eigengan-pytorch",
    "alae": "ALAE",
    "r3gan": "R3GAN",
}
MORE = (
    ("--families", dict(nargs="+", choices=tuple(CASES), default=tuple(CASES), metavar="NAME", help="which (all)")),
    ("--peers", dict(metavar="DIR", type=Path, help="a folder with checkouts to compare with, named as in PEERS")),
    FLAGS[1],
)


def sized(config: str, changes: dict, quick: bool) -> Recipe:
    """Return the config's recipe with the changes, all grown."""
    recipe = load_recipe(CONFIGS / f"{config}.py")
    model = replace(recipe.model, **changes)
    if quick:
        model = model.smoke()
    if hasattr(model, "growth"):
        model = replace(model, growth=replace(model.growth, first=model.resolution))
    return replace(recipe, model=model, batch=BATCH)


def peer_sizes(family: str, model) -> dict:
    """Say the sizes of a model that has a peer in the peer's words."""
    sizes = dict(resolution=model.resolution, batch=BATCH)
    if family == "r3gan":
        widths = "_".join(map(str, model.widths))
        return sizes | dict(z=model.z_dim, widths=widths, blocks=model.blocks, group=model.group, gamma=model.gamma)
    if family == "biggan":
        return sizes | dict(
            width=model.width, d_width=model.d_width or model.width, z=model.z_dim, shared=model.shared_dim,
            attention="_".join(map(str, model.attention)), classes=CLASSES,
        )  # fmt: skip
    if family == "stylegan3":
        wide = 2 if model.variant == "r" else 1
        return sizes | dict(
            z=model.z_dim, width=model.w_dim, mapping_layers=model.mapping_layers, num_layers=model.layers,
            num_critical=model.critical, margin_size=model.margin, channel_base=wide * model.channel_base,
            channel_max=wide * model.channel_max, d_base=model.d_channel_base or model.channel_base,
            d_limit=model.d_channel_max or model.channel_max, mbstd=model.mbstd, radial=model.variant == "r",
        )  # fmt: skip
    sizes |= dict(base=model.channel_base, limit=model.channel_max)
    if family == "eigengan":
        return sizes | dict(z=model.z_dim, basis=model.basis)
    if family == "pggan":
        return sizes | dict(z=model.z_dim, mbstd=model.mbstd)
    if family == "alae":
        return sizes | dict(width=model.w_dim, mapping_layers=model.mapping_layers, critic_layers=model.critic_layers)
    return sizes | dict(
        z=model.z_dim, width=model.w_dim, mapping_layers=model.mapping_layers, hidden=model.mapping_hidden,
        mbstd=model.mbstd,
    )  # fmt: skip


def peer_of(family: str, folder: Path | None, python: str) -> Peer | None:
    """Start the peer of a family if its checkout is at hand."""
    if folder is None or family not in PEERS:
        return None
    if not (folder / PEERS[family]).is_dir():
        print(f"No peer for {family}: there is no {folder / PEERS[family]}.", file=sys.stderr)
        return None
    return Peer(str(folder / PEERS[family]), python)


def main() -> None:
    args = arguments(__doc__, 7, *MORE)
    for family in args.families:
        other = peer_of(family, args.peers, args.peer_python)
        for config, changes in CASES[family][:1] if args.quick else CASES[family]:
            recipe = sized(config, changes, args.quick)
            model, classes = recipe.model, CLASSES if recipe.labels else 0
            trainer = model.trainer(batch=BATCH, adam=recipe.adam, ema=recipe.ema, classes=classes)
            run = Run(trainer, (BATCH, model.resolution, model.resolution, model.channels), classes)
            g = jax.tree.map(jnp.copy, trainer.generator(run.state))  # a step donates what it came from
            code = g.sample(jax.random.key(2), BATCH)
            forward, of_forward = compiled(lambda g, code: g(code), g, code)
            step, of_step = run.program(run.active(1))
            times = {
                "forward": (lambda forward=forward, g=g, code=code: once(lambda: forward(g, code)), of_forward),
                "step": (run.timer(step, 1), of_step),
            }
            peers = other.timers(family, **peer_sizes(family, model)) if other else {}
            variant = f" {model.variant}" if isinstance(model, StyleGAN3) else ""
            for name, (way, seconds) in times.items():
                ways = {"jaxgan": way} | ({"pytorch": peers[name]} if other else {})
                case = f"{family}{variant}, {name}, {model.resolution} px, {config}, batch {BATCH}"
                extra = {"peer": other.versions} if other else {}
                report("families", case, interleave(ways, args.rounds), compile_s=round(seconds, 2), **extra)


if __name__ == "__main__":
    main()
