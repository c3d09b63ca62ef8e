"""What finders of directions are compared with, run by the worker of _peer.py: scikit-learn, and penalties in PyTorch.

No checkout is needed: the penalty is written here as its paper and its published code have it.
"""

from __future__ import annotations

from collections.abc import Callable


def incremental_pca(file: str, components: int, batch: int, answer: str) -> dict[str, Callable]:
    """GANSpace's estimator: batches of an array on disk [N, D]; writes variances and components to `answer`."""
    import numpy
    from sklearn.decomposition import IncrementalPCA

    samples = numpy.load(file, mmap_mode="r")

    def fit():
        estimator = IncrementalPCA(components, batch_size=batch)
        for start in range(0, len(samples), batch):
            estimator.partial_fit(numpy.array(samples[start : start + batch]), check_input=False)
        numpy.savez(answer, values=estimator.explained_variance_, vectors=estimator.components_)

    return {"fit": fit}


def hessian_penalty(file: str, answer: str, eps: float) -> dict[str, Callable]:
    """The Hessian Penalty of a DCGAN by finite differences, 1 + 2k passes; `file` has its arrays, codes and probes."""
    import numpy
    import torch
    from torch.nn import functional

    arrays = {name: torch.from_numpy(array) for name, array in numpy.load(file).items()}
    z, probes = arrays.pop("z"), arrays.pop("v")
    weights = {name: array.requires_grad_(True) for name, array in arrays.items()}
    sides = sorted(
        int(name.removeprefix("norm").removesuffix("_weight")) for name in weights if name.endswith("_weight")
    )

    def draw(z):
        """Return the activations behind every level, and the image."""
        x = (z @ weights["stem"]).view(len(z), sides[0], sides[0], -1).permute(0, 3, 1, 2)
        read = []
        for side in sides:
            if side != sides[0]:
                x = functional.conv_transpose2d(x, weights[f"conv{side}"], stride=2, padding=1)
            scale, shift = weights[f"norm{side}_weight"], weights[f"norm{side}_bias"]
            mean, var = torch.zeros(len(scale)), torch.ones(len(scale))
            x = functional.relu(functional.batch_norm(x, mean, var, scale, shift, eps=1e-5))
            read.append(x)
        image = functional.conv_transpose2d(x, weights["image"], stride=2, padding=1)
        return [*read, torch.tanh(image)]

    def penalty():
        middle, seconds = draw(z), []
        for v in probes:
            after, before = draw(z + eps * v), draw(z - eps * v)
            seconds.append([(a - 2 * m + b) / eps**2 for a, m, b in zip(after, middle, before)])
        spread = [torch.var(torch.stack(layer), dim=0, unbiased=True) for layer in zip(*seconds)]
        return sum(layer.mean() for layer in spread)

    def value():
        with torch.no_grad():
            penalty()

    def gradient():
        for array in weights.values():
            array.grad = None
        penalty().backward()

    with torch.no_grad():
        numpy.save(answer, numpy.float64(penalty()))
    return {"value": value, "gradient": gradient}


DIRECTIONS = {f.__name__: f for f in (incremental_pca, hessian_penalty)}
