"""Time PCA of samples of w against scikit-learn's IncrementalPCA, GANSpace's estimator, and measure both errors.

Both read the same array of samples from a file, batch by batch, and return 80 components. "drawn" is the finder itself,
which draws the samples too and keeps none. Errors are against the singular value decomposition of all samples at once,
in float64: the largest of the variances, relative, and the largest angle of a component in degrees.

python benchmarks/pca.py --peer-python a/python/that/has/scikit-learn/and/torch
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from _peer import FLAGS, Peer
from _timing import arguments, interleave, once, report

import jaxgan as jg
from jaxgan.core import moments
from jaxgan.directions.calibrate import descending
from jaxgan.latents import stats

COMPONENTS, BATCH = 80, 10_000
SIZES = dict(channel_base=128, channel_max=8, z_dim=512, w_dim=512, mapping_layers=2)
MORE = (("--samples", dict(type=int, default=1_000_000, help="rows of w of the larger case (1000000)")), FLAGS[1])
update = jax.jit(moments.update, donate_argnums=0)
read = jax.jit(lambda m: descending(moments.covariance(m), COMPONENTS))


def stored(g, file: Path, samples: int) -> np.ndarray:
    """Draw samples of w and keep them in a file."""
    wide = stats.width(g, "w")
    rows = np.lib.format.open_memmap(file, "w+", np.float32, (samples, wide))
    for i in range(0, samples, BATCH):
        rows[i : i + BATCH] = stats.draw(g, jax.random.fold_in(jax.random.key(0), i), BATCH, "w").value
    return rows


def streamed(rows: np.ndarray):
    """Return variances and components of rows, read batch by batch."""
    state = jax.tree.map(jnp.copy, moments.empty(rows.shape[1]))  # its zeros are shared, and updates donate them
    for start in range(0, len(rows), BATCH):
        state = update(state, jnp.asarray(rows[start : start + BATCH]))
    return read(state)


def errors(values, vectors, exact) -> dict[str, float]:
    """Compare with exact variances and components: the largest errors."""
    off = np.abs(np.asarray(values) / exact[0] - 1).max()
    # The sine, in float64: a cosine near 1 has no digits left for small angles.
    vectors = np.asarray(vectors, np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    along = (vectors * exact[1]).sum(1, keepdims=True)
    angle = np.degrees(np.arcsin(np.clip(np.linalg.norm(vectors - along * exact[1], axis=1), 0, 1)))
    return {"variance": float(f"{off:.2g}"), "angle": float(f"{angle.max():.2g}")}


def exactly(rows: np.ndarray):
    """Return variances and components by the singular value decomposition of all rows, in float64."""
    x = np.asarray(rows, np.float64)
    x -= x.mean(0)
    _, sizes, axes = np.linalg.svd(x, full_matrices=False)
    return sizes[:COMPONENTS] ** 2 / (len(x) - 1), axes[:COMPONENTS]


def main() -> None:
    args = arguments(__doc__, 3, *MORE)
    other = Peer("", args.peer_python)
    random = jg.models.stylegan2.arch(8, **SIZES).init(jax.random.key(1))
    trained = jg.load("scenes64")
    # (name, generator, samples, whether the exact answer is computed as well)
    cases = (
        ("scenes64", trained, 100_000, True),
        ("scenes64", trained, args.samples, False),
        ("a random mapping", random, 50_000, True),
    )
    for label, g, samples, judged in (("scenes64", trained, 20_000, True),) if args.quick else cases:
        with tempfile.TemporaryDirectory() as folder:
            file, answer = Path(folder) / "w.npy", Path(folder) / "answer.npz"
            rows = stored(g, file, samples)
            theirs = other.timers(
                "incremental_pca", file=str(file), components=COMPONENTS, batch=BATCH, answer=str(answer)
            )["fit"]
            finder = jg.directions.pca("w", samples, batch=BATCH)
            ways = {
                "jaxgan": lambda rows=rows: once(lambda: streamed(rows)),
                "jaxgan, drawn": lambda g=g, f=finder: once(lambda: f(g, jax.random.key(0), COMPONENTS).vectors),
                "scikit-learn": theirs,
            }
            if judged:
                times, more = interleave(ways, args.rounds), {}
                exact, found = exactly(rows), np.load(answer)
                more = {
                    "errors": {
                        "jaxgan": errors(*streamed(rows), exact),
                        "scikit-learn": errors(found["values"], found["vectors"], exact),
                    }
                }
            else:  # minutes each: once, scikit-learn without a round that does not count
                for name in ("jaxgan", "jaxgan, drawn"):
                    ways[name]()
                times, more = {name: [way()] for name, way in ways.items()}, {}
            case = f"{samples} samples of w, {rows.shape[1]} dimensions, {label}"
            report("pca", case, times, peer=other.versions, **more)
            del rows


if __name__ == "__main__":
    main()
