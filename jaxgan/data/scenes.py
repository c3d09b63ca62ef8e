"""Rendered scenes with known factors: one shaded, ribboned solid on a floor, drawn by analytic ray casting in NumPy.

The world: y points up, the floor is y = 0, the camera looks along +z and slightly down. Four convex solids stand on
the floor. A convex solid meets a ray in one interval [near, far], so that one routine a solid serves both the camera's
rays (near gives the visible point) and the shadow rays (far - near, the chord, gives a soft edge).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Integer, UInt8

SHAPES = ("sphere", "cube", "cylinder", "cone")

FACTOR_RANGES = {
    "shape": (0.0, 3.0),  # whole numbers, positions in SHAPES
    "hue": (0.0, 1.0),  # of the object: 0 red, 1/3 green, 2/3 blue, 1 red again
    "size": (0.8, 1.1),  # half the width of the solid, in world units (the camera is 6.6 away)
    "x": (-0.55, 0.55),  # left to right, world units
    "depth": (-0.4, 0.6),  # towards the viewer to away from the viewer, world units
    "rotation": (-np.pi / 4, np.pi / 4),  # of the solid and its ribbon about the vertical axis, radians
    "floor_hue": (0.0, 1.0),
    "light": (
        -1.25,
        1.25,
    ),  # azimuth: negative from the left, 0 from behind the camera, positive from the right, radians
}
FACTOR_NAMES = tuple(FACTOR_RANGES)

# Held-out scenes have indices from here on; no training set is that long.
HELD_OUT = 1 << 32

_CAMERA = np.array([0.0, 3.3, -5.9])
_TARGET = np.array([0.0, 0.85, 0.0])
_FOCAL = 2.85  # distance of the image plane whose half width is 1
_LIGHT_HEIGHT = 0.8  # elevation in radians
_SAMPLES = 2  # supersampling a side
_RAYS_AT_ONCE = 1 << 16  # keeps the temporaries of one chunk in the processor's cache

FloatArray = Float[np.ndarray, "..."]
Rays = tuple[FloatArray, FloatArray, FloatArray]


def factors_at(indices: Integer[np.ndarray, " n"], seed: int = 0) -> Float[np.ndarray, "n f"]:
    """Draw the factors of the scenes with these indices.

    Every factor is uniform over its range in `FACTOR_RANGES` and independent of the others. The numbers are a hash
    (SplitMix64) of seed, index and factor, so that they need no state and stay the same on every machine and version.

    Args:
        indices: any integers from 0 on; those from `HELD_OUT` on are kept for evaluation. [N]
        seed: another seed is another world of scenes.

    Returns:
        Factors in the order of `FACTOR_NAMES`, float32 [N, F].
    """
    index = np.asarray(indices).astype(np.uint64)[:, None]
    column = np.arange(len(FACTOR_NAMES), dtype=np.uint64)[None, :]
    with np.errstate(over="ignore"):
        mixed = _splitmix(_splitmix(np.uint64(seed) ^ (column << np.uint64(48))) + index)
    uniform = (mixed >> np.uint64(11)).astype(np.float64) / float(1 << 53)  # [N, F] in [0, 1)
    low, high = np.array(list(FACTOR_RANGES.values())).T
    factors = low + (high - low) * uniform
    factors[:, 0] = np.floor(uniform[:, 0] * len(SHAPES))
    return factors.astype(np.float32)


def render(factors: Float[np.ndarray, "n f"], resolution: int = 64) -> UInt8[np.ndarray, "n h w 3"]:
    """Render one scene a row of factors.

    Lambert's law with a sky and floor ambient term, a small highlight, a soft cast shadow and a contact shadow; 2x2
    supersampling in linear light, gamma 2. Values outside `FACTOR_RANGES` are drawn as asked, shapes excepted.

    Args:
        factors: in the order of `FACTOR_NAMES`. [N, F]
        resolution: pixels a side.

    Returns:
        sRGB-like images, uint8 [N, H, W, 3].

    Raises:
        ValueError: if `factors` is not [N, F] or a shape is not 0..3.
    """
    factors = np.asarray(factors, np.float64)
    if factors.ndim != 2 or factors.shape[1] != len(FACTOR_NAMES):
        raise ValueError(f"factors are {list(factors.shape)}, need [N, {len(FACTOR_NAMES)}]: {', '.join(FACTOR_NAMES)}")
    shapes = np.rint(factors[:, 0]).astype(int)
    if len(shapes) and not (shapes.min() >= 0 and shapes.max() < len(SHAPES)):
        raise ValueError(f"shapes are {shapes.min()}..{shapes.max()}, allowed are 0..{len(SHAPES) - 1}: {SHAPES}")
    images = np.empty((len(factors), resolution, resolution, 3), np.uint8)
    chunk = max(1, _RAYS_AT_ONCE // (resolution * _SAMPLES) ** 2)
    for shape, solid in enumerate(_SOLIDS):
        rows = np.flatnonzero(shapes == shape)
        for at in range(0, len(rows), chunk):
            some = rows[at : at + chunk]
            images[some] = _draw(factors[some], solid, resolution)
    return images


class Scenes:
    """Hold a random-access sequence of rendered scenes, deterministic by index.

    Item i is `{"image": uint8 [H, W, 3], "label": float32 [F]}`, the label being the factors in their own units.
    The training split ("train") is the indices 0..length-1; "heldout" is the indices `HELD_OUT`..`HELD_OUT`+length-1
    of the same seed, which no training split reaches.

    Args:
        resolution: pixels a side.
        length: number of scenes.
        seed: another seed is another world of scenes.
        split: "train" or "heldout".
    """

    channels = 3

    def __init__(self, resolution: int = 64, length: int = 50_000, seed: int = 0, split: str = "train"):
        if split not in ("train", "heldout"):
            raise ValueError(f"split is {split!r}, allowed are 'train' and 'heldout'")
        if resolution < 4 or not 0 < length <= HELD_OUT:
            raise ValueError(
                f"resolution {resolution}, length {length}: need at least 4 pixels and 1..{HELD_OUT} scenes"
            )
        self.resolution, self.length, self.seed, self.split = resolution, length, seed, split
        self.name = f"scenes:{resolution}" + ("" if split == "train" else f":{split}")
        self.label_size = len(FACTOR_NAMES)
        self.label_names = FACTOR_NAMES
        self.fingerprint = f"scenes-{_VERSION}-{resolution}-{length}-{seed}-{split}"

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        factors = self.factors(np.array([index]))
        return {"image": render(factors, self.resolution)[0], "label": factors[0]}

    def factors(self, indices: Integer[np.ndarray, " n"]) -> Float[np.ndarray, "n f"]:
        """Draw the factors of some scenes of this split, by position in the split."""
        indices = np.asarray(indices)
        if len(indices) and not (indices.min() >= 0 and indices.max() < self.length):
            raise IndexError(f"index {indices.min()}..{indices.max()} of {self.length} scenes")
        return factors_at(indices + (HELD_OUT if self.split == "heldout" else 0), self.seed)

    @staticmethod
    def mirrored_label(label: Float[np.ndarray, "*n f"]) -> Float[np.ndarray, "*n f"]:
        """Give the factors of the scene whose picture is the mirror image: x, rotation and light change their sign."""
        signs = [-1 if name in ("x", "rotation", "light") else 1 for name in FACTOR_NAMES]
        return label * np.array(signs, np.float32)


_VERSION = 1  # raised whenever a picture changes, so that caches and comparisons notice


def _splitmix(x: np.ndarray) -> np.ndarray:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@lru_cache(maxsize=8)
def _camera_rays(resolution: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Directions [3, P], points where they meet the floor [2, P], and how much floor (not sky) each sees [P]."""
    forward = (_TARGET - _CAMERA) / np.linalg.norm(_TARGET - _CAMERA)
    right = np.array([1.0, 0.0, 0.0])
    up = np.cross(forward, right)
    side = resolution * _SAMPLES
    across = ((np.arange(side) + 0.5) / side * 2 - 1)[None, :, None]
    down = ((np.arange(side) + 0.5) / side * 2 - 1)[:, None, None]
    directions = _FOCAL * forward + across * right - down * up
    directions = directions.reshape(-1, 3).T / np.linalg.norm(directions.reshape(-1, 3), axis=1)  # [3, P]
    slope = -directions[1]
    reach = _CAMERA[1] / np.maximum(slope, 0.1)
    floor = _CAMERA[[0, 2], None] + reach * directions[[0, 2]]  # [2, P]
    ground = _smoothstep((slope / directions[2] - 0.22) / 0.035)  # the floor ends far away in a pale backdrop
    return directions.astype(np.float32), floor.astype(np.float32), ground.astype(np.float32)


def _smoothstep(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def _paint(hue: np.ndarray, saturation: float, value: float) -> np.ndarray:
    """HSV to linear-light RGB, [N] to [N, 3]."""
    ramp = np.abs((hue[:, None] + np.array([0.0, 2 / 3, 1 / 3])) % 1 * 6 - 3) - 1
    return (value * (1 - saturation + saturation * np.clip(ramp, 0, 1))) ** 2


def _draw(factors: np.ndarray, solid, resolution: int) -> np.ndarray:
    _, hue, size, x, depth, rotation, floor_hue, azimuth = (column[:, None] for column in factors.T.astype(np.float32))
    directions, floor, ground = _camera_rays(resolution)
    cos, sin = np.cos(rotation), np.sin(rotation)

    def local(right, away):  # world to the solid's own frame, in units of its half width
        return cos * right - sin * away, sin * right + cos * away

    light = np.cos(_LIGHT_HEIGHT) * np.sin(azimuth), np.sin(_LIGHT_HEIGHT), -np.cos(_LIGHT_HEIGHT) * np.cos(azimuth)
    light_x, light_z = local(light[0], light[2])
    light_y = np.full_like(light_x, light[1])

    # Floor: colour, cast shadow (how long the way to the light runs through the solid), contact shadow.
    foot_x, foot_z = local((floor[0] - x) / size, (floor[1] - depth) / size)  # [N, P]
    near, far, _ = solid((foot_x, np.zeros_like(light_x), foot_z), (light_x, light_y, light_z))
    shade = _smoothstep((far - np.maximum(near, 0)) / 0.55)
    touch = np.sqrt(foot_x * foot_x + foot_z * foot_z)
    contact = 1 / (1 + np.maximum(touch - 0.75, 0) ** 2 * 8)
    lit = (1 - 0.68 * shade) * (1 - 0.3 * contact)  # [N, P]
    paint, floor_paint = _paint(hue[:, 0], 0.88, 0.97), _paint(floor_hue[:, 0], 0.42, 0.9)

    # Solid: the first point, its normal, the light on it.
    eye_x, eye_z = local((_CAMERA[0] - x) / size, (_CAMERA[2] - depth) / size)
    ray_x, ray_z = local(directions[0], directions[2])
    eye = eye_x, np.float32(_CAMERA[1]) / size, eye_z
    ray = ray_x, directions[1], ray_z
    near, far, normal_at = solid(eye, ray)
    hit = far > near  # [N, P]
    picture, spot = np.nonzero(hit)
    near = near[hit]
    ray = ray_x[hit], directions[1][spot], ray_z[hit]
    point = tuple(start[picture, 0] + near * step for start, step in zip(eye, ray, strict=True))  # [hits] each
    nx, ny, nz = normal_at(point)
    lx, ly, lz = light_x[picture, 0], light_y[picture, 0], light_z[picture, 0]
    facing = nx * lx + ny * ly + nz * lz
    hx, hy, hz = lx - ray[0], ly - ray[1], lz - ray[2]
    glint = np.maximum(nx * hx + ny * hy + nz * hz, 0) / np.sqrt(hx * hx + hy * hy + hz * hz)
    for _ in range(5):
        glint = glint * glint  # to the 32nd power
    ribbon = _smoothstep((0.17 - np.abs(point[0])) / 0.05)[:, None]
    albedo = paint[picture] * (1 - ribbon) + np.float32(0.93) * ribbon  # [hits, 3]
    upward = 0.5 + 0.5 * ny[:, None]
    ambient = 0.34 * upward + 0.22 * (1 - upward) * floor_paint[picture]
    lighted = albedo * (ambient + 0.78 * np.maximum(facing, 0)[:, None]) + 0.28 * (glint * (facing > 0))[:, None]

    sky = 0.80 - 0.16 * np.linspace(1, 0, ground.size, dtype=np.float32)  # slightly darker upwards
    linear = np.empty((*hit.shape, 3), np.float32)
    for channel in range(3):
        colour = sky + ground * (lit * floor_paint[:, channel, None] - sky)
        colour[hit] = lighted[:, channel]
        linear[..., channel] = colour
    n, s = len(factors), _SAMPLES
    linear = linear.reshape(n, resolution, s, resolution, s, 3)
    linear = sum(linear[:, :, i, :, j] for i in range(s) for j in range(s)) / (s * s)
    return (255 * np.sqrt(np.clip(linear, 0, 1)) + 0.5).astype(np.uint8)


# Each solid: (start, direction) in its own frame, half width 1, standing on y = 0 -> near, far, and the outward normal
# at a surface point. No meeting is an interval with far < near.


def _sphere(start: Rays, step: Rays):
    (x, y, z), (u, v, w) = start, step
    y = y - 1
    b = x * u + y * v + z * w
    root = b * b - (x * x + y * y + z * z - 1)  # steps have length 1
    half = np.sqrt(np.maximum(root, 0))
    return -b - half, np.where(root > 0, -b + half, -b - half - 1), lambda p: (p[0], p[1] - 1, p[2])


def _cube(start: Rays, step: Rays):
    half = np.float32(0.87)
    near, far = -np.inf, np.inf
    for at, by, low, high in zip(start, step, (-half, 0, -half), (half, 2 * half, half), strict=True):
        enter, leave = _slab(at, by, low, high)
        near, far = np.maximum(near, enter), np.minimum(far, leave)

    def normal(p):
        away = np.stack([p[0], p[1] - half, p[2]])
        face = np.abs(away).argmax(0)
        return tuple(np.where(face == axis, np.sign(away[axis]), 0) for axis in range(3))

    return near, far, normal


def _cylinder(start: Rays, step: Rays):
    radius, height = np.float32(0.85), np.float32(1.9)
    (x, y, z), (u, v, w) = start, step
    a = u * u + w * w
    b = x * u + z * w
    root = b * b - a * (x * x + z * z - radius**2)
    half = np.sqrt(np.maximum(root, 0))
    enter, leave = _slab(y, v, 0, height)
    near, far = np.maximum((-b - half) / a, enter), np.minimum((-b + half) / a, leave)

    def normal(p):
        top = p[1] > height - 1e-4
        return np.where(top, 0, p[0] / radius), np.where(top, 1.0, 0.0), np.where(top, 0, p[2] / radius)

    return near, np.where(root > 0, far, near - 1), normal


def _cone(start: Rays, step: Rays):
    height = np.float32(2.15)
    k = 1 / height  # radius 1 at the floor
    (x, y, z), (u, v, w) = start, step
    y = height - y
    # Inside: x^2 + z^2 < k^2 y^2. The camera's and the light's rays are flatter than the flank, so that a > 0 and the
    # inside of one nappe is the interval between the roots; the slab throws the upper nappe away.
    a = u * u + w * w - (k * v) ** 2
    b = x * u + z * w + k * k * y * v
    root = b * b - a * (x * x + z * z - (k * y) ** 2)
    half = np.sqrt(np.maximum(root, 0))
    enter, leave = _slab(y, -v, 0, height)
    near, far = np.maximum((-b - half) / a, enter), np.minimum((-b + half) / a, leave)

    def normal(p):
        across = np.sqrt(p[0] ** 2 + p[2] ** 2) + 1e-6
        scale = 1 / np.sqrt(1 + k * k)
        return p[0] / across * scale, np.full_like(across, k * scale), p[2] / across * scale

    return near, np.where(root > 0, far, near - 1), normal


def _slab(at, by, low, high):
    by = np.where(np.abs(by) < 1e-6, np.float32(1e-6), by)
    one, other = (low - at) / by, (high - at) / by
    return np.minimum(one, other), np.maximum(one, other)


_SOLIDS = (_sphere, _cube, _cylinder, _cone)
