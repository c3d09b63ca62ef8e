"""The peer: published PyTorch code, timed in a process of its own, one run at a time.

The peer is a checkout and a Python that has torch, both named on the command line; nothing of it is part of this
repository. This file is both ends of the pipe: imported, it starts the worker; run by the other Python, it is the
worker, and needs nothing but torch and what the checkout imports. What is made of StyleGAN2 stands here, of the other
families in _peer_families.py, of directions in _peer_directions.py.

    worker <- {"make": one of MAKERS, ...sizes}    -> ["name of a run", ...]
    worker <- {"run": "name of a run"}             -> [wall ms, CPU ms]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

FLAGS = (
    ("--peer", dict(metavar="DIR", help="a checkout of stylegan2-ada-pytorch to compare with")),
    ("--peer-python", dict(metavar="PYTHON", default=sys.executable, help="a Python that has torch (this one)")),
)


class Peer:
    """The worker's near end. `versions` says what answers."""

    def __init__(self, folder: str, python: str):
        command = [python, os.path.abspath(__file__), folder]
        # Waiting OpenMP threads spin by default, which on a busy machine slows small tensors down a hundred times.
        settings = os.environ | {"OMP_WAIT_POLICY": "passive"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=settings)
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"The peer did not start: {python} must have torch and {folder} be a checkout.")
        self.versions = json.loads(answer)

    def ask(self, **question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"The peer died of {question}; its last words are above.")
        return json.loads(answer)

    def timers(self, what: str, **sizes) -> dict[str, Callable]:
        """Let the worker make something; return {name of a run: function that times one}."""
        return {name: lambda name=name: tuple(self.ask(run=name)) for name in self.ask(make=what, **sizes)}


def peer(args) -> Peer | None:
    """Start the peer that the command line names, or say that there is none."""
    if args.peer:
        return Peer(args.peer, args.peer_python)
    print("No peer: jaxgan is timed alone. --peer names a checkout of stylegan2-ada-pytorch.", file=sys.stderr)
    return None


def networks(resolution: int, channel_base: int, batch: int, width: int, mapping_layers: int):
    from training.networks import Discriminator, Generator

    sizes = dict(channel_base=channel_base, channel_max=512, num_fp16_res=0, conv_clamp=None)
    g = Generator(width, 0, width, resolution, 3, dict(num_layers=mapping_layers), sizes)
    d = Discriminator(0, resolution, 3, **sizes, epilogue_kwargs=dict(mbstd_group_size=min(4, batch)))
    return g, d


def synthesis(resolution: int, channel_base: int, batch: int, width: int, mapping_layers: int) -> dict[str, Callable]:
    """As shipped for drawing and for inversion: evaluation mode, in which its convolutions are fused."""
    import torch

    g = networks(resolution, channel_base, batch, width, mapping_layers)[0].eval()
    ws = torch.randn(batch, g.num_ws, width)
    probe = torch.randn(batch, 3, resolution, resolution)

    def forward():
        with torch.no_grad():
            g.synthesis(ws, noise_mode="const")

    def backward():
        codes = ws.clone().requires_grad_(True)
        g.zero_grad(set_to_none=True)
        (g.synthesis(codes, noise_mode="const") * probe).mean().backward()

    return {"forward": forward, "backward": backward}


def moved(module, optimizer, accumulate: Callable) -> None:
    """Move a player as NVIDIA's training loops do, which mend gradients."""
    import torch

    optimizer.zero_grad(set_to_none=True)
    module.requires_grad_(True)
    accumulate()
    module.requires_grad_(False)
    for p in module.parameters():
        if p.grad is not None:
            torch.nan_to_num(p.grad, nan=0, posinf=1e5, neginf=-1e5, out=p.grad)
    optimizer.step()


def averaged(average, module, decay: float) -> None:
    """Move an average of weights."""
    import torch

    with torch.no_grad():
        for a, p in zip(average.parameters(), module.parameters()):
            a.copy_(p.lerp(a, decay))


def phases(resolution: int, channel_base: int, batch: int, width: int, mapping_layers: int) -> dict[str, Callable]:
    """As its training loop goes through a phase: zero_grad, loss, backward, mending of gradients, Adam, EMA of G."""
    import copy

    import torch
    from training.loss import StyleGAN2Loss

    g, d = (n.train().requires_grad_(False) for n in networks(resolution, channel_base, batch, width, mapping_layers))
    average = copy.deepcopy(g).eval()
    loss = StyleGAN2Loss(torch.device("cpu"), g.mapping, g.synthesis, d, r1_gamma=1.0)
    adam = lambda m, c: torch.optim.Adam(m.parameters(), lr=0.0025 * c, betas=(0.0, 0.99**c), eps=1e-8)
    of_g, of_d = (g, adam(g, 4 / 5)), (d, adam(d, 16 / 17))
    real, label = torch.randn(batch, 3, resolution, resolution), torch.zeros(batch, 0)

    def phase(name: str, player, gain: int):
        def accumulate():
            loss.accumulate_gradients(name, real, label, torch.randn(batch, width), label, True, gain)

        moved(*player, accumulate)
        averaged(average, g, 0.999)

    return {
        "G": lambda: phase("Gmain", of_g, 1),
        "G_path": lambda: phase("Greg", of_g, 4),
        "D": lambda: phase("Dmain", of_d, 1),
        "D_r1": lambda: phase("Dreg", of_d, 16),
    }


def stub_pkg_resources() -> None:
    """Offer what StyleGAN3's code asks of a package that is gone from current setuptools: one function."""
    import types

    if "pkg_resources" not in sys.modules:
        stub: Any = types.ModuleType("pkg_resources")
        stub.parse_version = lambda text: tuple(int(part) for part in text.partition("+")[0].split(".")[:2])
        sys.modules["pkg_resources"] = stub


def inversion(
    resolution: int, channel_base: int, width: int, mapping_layers: int, count: int, steps: int
) -> dict[str, Callable]:
    """Image by image, as its projector goes: Adam on one row of codes, here in w+ and on the squared difference."""
    import torch

    g = networks(resolution, channel_base, 1, width, mapping_layers)[0].eval().requires_grad_(False)
    with torch.no_grad():
        targets = g.synthesis(torch.randn(count, g.num_ws, width), noise_mode="const")

    def loop():
        for target in targets.split(1):
            codes = torch.zeros(1, g.num_ws, width, requires_grad=True)
            optimizer = torch.optim.Adam([codes], lr=0.1)
            for _ in range(steps):
                optimizer.zero_grad(set_to_none=True)
                (g.synthesis(codes, noise_mode="const") - target).square().mean().backward()
                optimizer.step()

    return {"loop": loop}


def alias_free(
    resolution: int, batch: int, width: int, layers: int, base: int, limit: int, radial: bool
) -> dict[str, Callable]:
    """StyleGAN3's synthesis, of a checkout of stylegan3, and its filtered activations by themselves."""
    import torch

    stub_pkg_resources()
    from torch_utils.ops import filtered_lrelu
    from training.networks_stylegan3 import SynthesisNetwork

    sizes = dict(channel_base=base, channel_max=limit, num_layers=layers, num_fp16_res=0, conv_clamp=None)
    variant = dict(conv_kernel=1, use_radial_filters=True) if radial else {}
    g = SynthesisNetwork(width, resolution, 3, **sizes, **variant).eval().requires_grad_(False)
    ws = torch.randn(batch, g.num_ws, width)
    stack = [getattr(g, name) for name in g.layer_names[:-1]]
    sides = [int(layer.in_size[0]) + layer.conv_kernel - 1 for layer in stack]
    inputs = [torch.randn(batch, layer.out_channels, side, side) for layer, side in zip(stack, sides)]

    def activation(x, layer):
        how = dict(up=layer.up_factor, down=layer.down_factor, padding=layer.padding)
        return filtered_lrelu.filtered_lrelu(x, fu=layer.up_filter, fd=layer.down_filter, **how)

    def activations():
        with torch.no_grad():
            for x, layer in zip(inputs, stack):
                activation(x, layer)

    def activations_backward():
        for x, layer in zip(inputs, stack):
            activation(x.clone().requires_grad_(True), layer).square().sum().backward()

    def forward():
        with torch.no_grad():
            g(ws)

    def backward():
        g(ws.clone().requires_grad_(True)).square().sum().backward()

    return {
        "forward": forward,
        "forward activation": activations,
        "backward": backward,
        "backward activation": activations_backward,
    }


MAKERS = {f.__name__: f for f in (synthesis, phases, inversion, alias_free)}


def main() -> None:
    # The checkout prints while it works; the pipe is for answers only.
    pipe, sys.stdout = sys.stdout, sys.stderr
    from _peer_directions import DIRECTIONS
    from _peer_families import FAMILIES

    sys.path.insert(0, sys.argv[1])
    import numpy
    import torch

    if hasattr(os, "sched_getaffinity"):
        torch.set_num_threads(len(os.sched_getaffinity(0)))
    print(json.dumps({"torch": torch.__version__, "numpy": numpy.__version__}), file=pipe, flush=True)
    runs = {}
    for line in sys.stdin:
        question = json.loads(line)
        if "make" in question:
            make = (MAKERS | FAMILIES | DIRECTIONS)[question.pop("make")]
            runs.clear()  # the old networks go before the new ones come
            runs.update(make(**question))
            answer = list(runs)
        else:
            wall, cpu = time.perf_counter(), time.process_time()
            runs[question["run"]]()
            answer = [1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)]
        print(json.dumps(answer), file=pipe, flush=True)


if __name__ == "__main__":
    main()
