"""What is made of the other families' published code, run by the worker of _peer.py: {"forward": ..., "step": ...}.

Sizes, batches and losses are those of jaxgan's side. Where the checkout has a function that makes a step, it is called;
genforce has networks alone, so the steps of PGGAN and StyleGAN around them are written here, as their papers say.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from _peer import averaged, moved, stub_pkg_resources

PENALTY = 10.0  # weight of the gradient penalties of PGGAN and StyleGAN


def stylegan3(
    batch: int, z: int, width: int, mapping_layers: int, d_base: int, d_limit: int, mbstd: int, radial: bool, **sizes
) -> dict[str, Callable]:
    """StyleGAN3 from z to images, and its main moves as its training loop makes them. sizes: of the synthesis."""
    import copy

    import torch

    stub_pkg_resources()
    from training.loss import StyleGAN2Loss
    from training.networks_stylegan2 import Discriminator
    from training.networks_stylegan3 import Generator

    plain = dict(num_fp16_res=0, conv_clamp=None)
    variant = dict(conv_kernel=1, use_radial_filters=True) if radial else {}
    resolution = sizes.pop("resolution")
    g = Generator(z, 0, width, resolution, 3, dict(num_layers=mapping_layers), **sizes, **variant, **plain)
    widths = dict(channel_base=d_base, channel_max=d_limit)
    d = Discriminator(0, resolution, 3, **widths, **plain, epilogue_kwargs=dict(mbstd_group_size=mbstd))
    g, d = (n.train().requires_grad_(False) for n in (g, d))
    average = copy.deepcopy(g).eval()
    loss = StyleGAN2Loss(torch.device("cpu"), g, d, r1_gamma=1.0)
    adam = lambda m, c: torch.optim.Adam(m.parameters(), lr=0.0025 * c, betas=(0.0, 0.99**c), eps=1e-8)
    players = {"Gmain": (g, adam(g, 1.0)), "Dmain": (d, adam(d, 16 / 17))}
    real, label = torch.randn(batch, 3, resolution, resolution), torch.zeros(batch, 0)
    codes = torch.randn(batch, z)

    def forward():
        with torch.no_grad():
            average(codes, label)

    def step():
        for name, player in players.items():
            gradients = lambda name=name: loss.accumulate_gradients(
                name, real, label, torch.randn(batch, z), label, 1, 0
            )
            moved(*player, gradients)
        averaged(average, g, 0.999)

    return {"forward": forward, "step": step}


def biggan(
    resolution: int, width: int, d_width: int, z: int, shared: int, attention: str, classes: int, batch: int
) -> dict[str, Callable]:
    """BigGAN of a checkout of BigGAN-PyTorch, and a step of one move each, as its training function makes it."""
    import copy

    import BigGAN
    import losses
    import torch

    sizes = dict(resolution=resolution, n_classes=classes, SN_eps=1e-6)
    g = BigGAN.Generator(
        G_ch=width, dim_z=z, shared_dim=shared, G_attn=attention, hier=True, G_shared=True, G_lr=2e-4, **sizes
    )
    d = BigGAN.Discriminator(D_ch=d_width, D_attn=attention, D_lr=8e-4, **sizes)
    both, average = BigGAN.G_D(g, d), copy.deepcopy(g).eval()
    real, labels = torch.randn(batch, 3, resolution, resolution), torch.arange(batch) % classes
    codes = torch.randn(batch, g.dim_z)

    def forward():
        with torch.no_grad():
            average(codes, average.shared(labels))

    def step():
        d.requires_grad_(True)
        g.requires_grad_(False)
        d.optim.zero_grad()
        scores = both(torch.randn(batch, g.dim_z), labels, real, labels, train_G=False)
        sum(losses.discriminator_loss(*scores)).backward()
        d.optim.step()
        d.requires_grad_(False)
        g.requires_grad_(True)
        g.optim.zero_grad()
        losses.generator_loss(both(torch.randn(batch, g.dim_z), labels, train_G=True)).backward()
        g.optim.step()
        averaged(average, g, 0.999)

    return {"forward": forward, "step": step}


def stepped(optimizer, loss) -> None:
    """Move the owner of the optimizer along the gradient of a loss."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def alternated(g, d, d_loss: Callable, g_loss: Callable, codes: Callable, betas=(0.0, 0.99)) -> dict[str, Callable]:
    """Draw from the average; and step: D, then G, then the average of G."""
    import copy

    import torch

    average = copy.deepcopy(g).eval()
    of_g, of_d = (torch.optim.Adam(m.parameters(), lr=0.001, betas=betas) for m in (g, d))
    fixed = codes()

    def forward():
        with torch.no_grad():
            average(fixed)

    def step():
        g.requires_grad_(False)
        d.requires_grad_(True)
        stepped(of_d, d_loss())
        g.requires_grad_(True)
        d.requires_grad_(False)
        stepped(of_g, g_loss())
        averaged(average, g, 0.999)

    return {"forward": forward, "step": step}


def slope(scores, images):
    """Return the squared norm of the gradient of scores by images, one number an image."""
    import torch

    (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    return gradient.square().sum((1, 2, 3))


def pggan(resolution: int, batch: int, z: int, base: int, limit: int, mbstd: int) -> dict[str, Callable]:
    """PGGAN's networks of a checkout of genforce, all grown, with WGAN-GP and drift."""
    import torch
    from models import PGGANDiscriminator, PGGANGenerator

    widths = dict(fmaps_base=base, fmaps_max=limit)
    g = PGGANGenerator(resolution, z_space_dim=z, **widths)
    d = PGGANDiscriminator(resolution, minibatch_std_group_size=mbstd, **widths)
    real, codes = torch.randn(batch, 3, resolution, resolution), partial(torch.randn, batch, z)
    drawn = lambda: g(codes(), lod=0)["image"]

    def d_loss():
        with torch.no_grad():
            fake = drawn()
        mixed = torch.lerp(real, fake, torch.rand(batch, 1, 1, 1)).requires_grad_(True)
        penalty = (slope(d(mixed, lod=0), mixed).sqrt() - 1).square()
        of_real, of_fake = d(real, lod=0), d(fake, lod=0)
        return (of_fake - of_real + 0.001 * of_real.square()).mean() + PENALTY * penalty.mean()

    return alternated(g, d, d_loss, lambda: -d(drawn(), lod=0).mean(), codes)


def stylegan1(
    resolution: int, batch: int, z: int, width: int, mapping_layers: int, hidden: int, base: int, limit: int, mbstd: int
) -> dict[str, Callable]:
    """StyleGAN's networks of a checkout of genforce, all grown and without noise, with the logistic loss and R1."""
    import torch
    from models import StyleGANDiscriminator, StyleGANGenerator
    from torch.nn.functional import softplus

    widths = dict(fmaps_base=base, fmaps_max=limit)
    mapping = dict(z_space_dim=z, w_space_dim=width, mapping_layers=mapping_layers, mapping_fmaps=hidden)
    g = StyleGANGenerator(resolution, **mapping, **widths).train()
    d = StyleGANDiscriminator(resolution, minibatch_std_group_size=mbstd, **widths)
    real, codes = torch.randn(batch, 3, resolution, resolution), partial(torch.randn, batch, z)
    drawn = lambda: g(codes(), lod=0)["image"]

    def d_loss():
        with torch.no_grad():
            fake = drawn()
        seen = real.clone().requires_grad_(True)
        of_real = d(seen, lod=0)
        penalty = slope(of_real, seen)
        return (softplus(d(fake, lod=0)) + softplus(-of_real)).mean() + PENALTY / 2 * penalty.mean()

    return alternated(g, d, d_loss, lambda: softplus(-d(drawn(), lod=0)).mean(), codes)


def eigengan(resolution: int, batch: int, z: int, basis: int, base: int, limit: int) -> dict[str, Callable]:
    """EigenGAN of a checkout of eigengan-pytorch with hinge losses and its distance from orthonormal bases."""
    import torch
    from loss import hinge_loss
    from model import Discriminator, Generator

    g = Generator(resolution, n_basis=basis, noise_dim=z, base_channels=base, max_channels=limit)
    d = Discriminator(resolution, base_channels=base, max_channels=limit)
    real, (of_d, of_g) = torch.randn(batch, 3, resolution, resolution), hinge_loss()

    def d_loss():
        with torch.no_grad():
            fake = g.sample(batch)
        return of_d(d(real), d(fake))

    g_loss = lambda: of_g(d(g.sample(batch))) + 100 * g.orthogonal_regularizer()
    return alternated(g, d, d_loss, g_loss, partial(g.sample_latents, batch), betas=(0.5, 0.99))


def r3gan(resolution: int, batch: int, z: int, widths: str, blocks: int, group: int, gamma: float):
    """R3GAN of a checkout of R3GAN; both penalties on every step, as its code has them."""
    import copy

    import torch

    stub_pkg_resources()
    from R3GAN.Networks import Discriminator, Generator
    from R3GAN.Trainer import AdversarialTraining

    channels, expansion = [int(width) for width in widths.split("_")], 2
    groups = [expansion * width // group for width in channels]
    g = Generator(z, channels, groups, [blocks] * len(channels), expansion)
    d = Discriminator(channels[::-1], groups[::-1], [blocks] * len(channels), expansion)
    average, both = copy.deepcopy(g).eval(), AdversarialTraining(lambda z, y: g(z), lambda x, y: d(x))
    of_g, of_d = (torch.optim.Adam(m.parameters(), lr=2e-4, betas=(0.0, 0.99)) for m in (g, d))
    real, codes = torch.randn(batch, 3, resolution, resolution), torch.randn(batch, z)

    def forward():
        with torch.no_grad():
            average(codes)

    def step():
        of_d.zero_grad(set_to_none=True)
        g.requires_grad_(False)
        d.requires_grad_(True)
        both.AccumulateDiscriminatorGradients(torch.randn(batch, z), real, None, gamma)
        of_d.step()
        of_g.zero_grad(set_to_none=True)
        g.requires_grad_(True)
        d.requires_grad_(False)
        both.AccumulateGeneratorGradients(torch.randn(batch, z), real, None)
        of_g.step()
        averaged(average, g, 0.999)

    return {"forward": forward, "step": step}


def alae(
    resolution: int, batch: int, width: int, mapping_layers: int, critic_layers: int, base: int, limit: int
) -> dict[str, Callable]:
    """ALAE of a checkout of ALAE: its three moves on all grown networks, with its own optimizer."""
    import copy

    import torch
    from custom_adam import LREQAdam
    from model import Model

    if critic_layers != 3:
        raise ValueError(f"The checkout's critic has 3 layers, not {critic_layers}.")
    count = int(math.log2(resolution)) - 1
    model = Model(
        startf=base // resolution, maxf=limit, layer_count=count, latent_size=width, mapping_layers=mapping_layers,
        dlatent_avg_beta=0.995, style_mixing_prob=0.9, generator="GeneratorDefault", encoder="EncoderWithStatistics",
    )  # fmt: skip
    average = copy.deepcopy(model).eval()
    of_decoder, of_encoder = (
        LREQAdam([p for part in parts for p in part.parameters()], lr=0.002, betas=(0.0, 0.99))
        for parts in ((model.decoder, model.mapping_f), (model.encoder, model.mapping_d))
    )
    real, codes = torch.randn(batch, 3, resolution, resolution).requires_grad_(True), torch.randn(batch, width)

    def forward():
        with torch.no_grad():
            average.generate(count - 1, 1, z=codes, mixing=False)

    def step():
        for d_train, ae, moving in ((True, False, (of_encoder,)), (False, False, (of_decoder,)), (True, True, None)):
            for optimizer in moving or (of_encoder, of_decoder):
                optimizer.zero_grad()
            model(real, count - 1, 1, d_train=d_train, ae=ae).backward()
            for optimizer in moving or (of_encoder, of_decoder):
                optimizer.step()
        average.lerp(model, 0.999)

    return {"forward": forward, "step": step}


FAMILIES = {f.__name__: f for f in (pggan, biggan, stylegan1, stylegan3, eigengan, alae, r3gan)}
