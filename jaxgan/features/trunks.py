"""Convolutional trunks of ImageNet classifiers as stacks of feature maps: VGG16, AlexNet, SqueezeNet 1.1."""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CAFFE_MEAN = (104.0, 117.0, 123.0)  # blue, green, red, on a scale of 0 to 255


def standardise(images: Float[Array, "n h w 3"]) -> Float[Array, "n h w 3"]:
    """Take images from [-1, 1] to torchvision's zero mean and unit deviation over ImageNet."""
    mean, std = np.array(IMAGENET_MEAN, np.float32), np.array(IMAGENET_STD, np.float32)
    return (images - (2 * mean - 1)) / (2 * std)


def caffe_input(images: Float[Array, "n h w 3"]) -> Float[Array, "n h w 3"]:
    """Take images from [-1, 1] RGB to Caffe's blue-green-red in [0, 255] less the mean colour."""
    return (images[..., ::-1] + 1) * 127.5 - np.array(CAFFE_MEAN, np.float32)


def max_pool(x: Float[Array, "n h w c"], window: int, stride: int, ceil: bool = False) -> Float[Array, "n h2 w2 c"]:
    """Take maxima over windows, written as maxima of strided slices.

    The gradient of `reduce_window` is several times slower on XLA's CPU backend. At ties the gradient is shared.

    Args:
        x: Maps [N, H, W, C].
        window: Side of the window.
        stride: Step of the window.
        ceil: Also take the windows that hang over the right and lower border (torch's `ceil_mode`).
    """
    for axis in (1, 2):
        rest = x.shape[axis] - window
        count = (-(-rest // stride) if ceil else rest // stride) + 1
        over = (count - 1) * stride + window - x.shape[axis]
        if over > 0:
            x = jnp.pad(x, [(0, over if a == axis else 0) for a in range(4)], constant_values=-jnp.inf)
        last = (count - 1) * stride + 1
        slices = [lax.slice_in_dim(x, i, i + last, stride, axis) for i in range(window)]
        x = slices[0]
        for other in slices[1:]:
            x = jnp.maximum(x, other)
    return x


class VGG16(nn.Module):
    """VGG16 up to relu5_3. Returns relu1_2, relu2_2, relu3_3, relu4_3, relu5_3.

    Parameters are named as in torchvision with underscores: `features_0` is its `features.0`.

    Source: Simonyan and Zisserman 2015, configuration D.
    """

    channels = (64, 128, 256, 512, 512)
    smallest = 16

    @nn.compact
    def __call__(self, images: Float[Array, "n h w 3"]) -> tuple[Float[Array, "n hl wl c"], ...]:
        x, maps, index = standardise(images), [], 0
        for block, convolutions in enumerate((2, 2, 3, 3, 3)):
            if block:
                x = max_pool(x, 2, 2)
                index += 1
            for _ in range(convolutions):
                x = nn.relu(nn.Conv(self.channels[block], (3, 3), padding=1, name=f"features_{index}")(x))
                index += 2
            maps.append(x)
        return tuple(maps)


class AlexNet(nn.Module):
    """AlexNet up to relu5. Returns relu1 to relu5; parameters are named as in torchvision with underscores.

    Source: Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014, as in torchvision.
    """

    channels = (64, 192, 384, 256, 256)
    smallest = 31

    @nn.compact
    def __call__(self, images: Float[Array, "n h w 3"]) -> tuple[Float[Array, "n hl wl c"], ...]:
        def conv(index, channels, side, stride, pad):
            return nn.Conv(channels, (side, side), stride, pad, name=f"features_{index}")

        maps = [nn.relu(conv(0, 64, 11, 4, 2)(standardise(images)))]
        maps.append(nn.relu(conv(3, 192, 5, 1, 2)(max_pool(maps[-1], 3, 2))))
        maps.append(nn.relu(conv(6, 384, 3, 1, 1)(max_pool(maps[-1], 3, 2))))
        maps.append(nn.relu(conv(8, 256, 3, 1, 1)(maps[-1])))
        maps.append(nn.relu(conv(10, 256, 3, 1, 1)(maps[-1])))
        return tuple(maps)


class Fire(nn.Module):
    """Squeeze by 1x1, expand by 1x1 and 3x3 side by side."""

    squeeze: int
    expand: int

    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Conv(self.squeeze, (1, 1), name="squeeze")(x))
        one = nn.Conv(self.expand, (1, 1), name="expand1x1")(x)
        three = nn.Conv(self.expand, (3, 3), padding=1, name="expand3x3")(x)
        return nn.relu(jnp.concatenate([one, three], axis=-1))


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1 up to its last fire module. Returns relu1, fire3, fire5, fire6, fire7, fire8, fire9.

    Two published networks have this shape: torchvision's (standardised RGB, pools that hang over the border) and the
    authors' Caffe model (mean-subtracted BGR). Parameters are named as in torchvision with underscores.

    Args:
        caffe: Take the Caffe model's input and leave out windows that hang over the border.

    Source: Iandola et al. 2016, release 1.1.
    """

    caffe: bool = False

    channels = (64, 128, 256, 384, 384, 512, 512)
    smallest = 31

    @nn.compact
    def __call__(self, images: Float[Array, "n h w 3"]) -> tuple[Float[Array, "n hl wl c"], ...]:
        def pool(x):
            return max_pool(x, 3, 2, ceil=not self.caffe)

        def fire(x, index, squeeze, expand):
            return Fire(squeeze, expand, name=f"features_{index}")(x)

        x = caffe_input(images) if self.caffe else standardise(images)
        x = nn.relu(nn.Conv(64, (3, 3), 2, "VALID", name="features_0")(x))
        maps = [x]
        maps.append(fire(fire(pool(x), 3, 16, 64), 4, 16, 64))
        maps.append(fire(fire(pool(maps[-1]), 6, 32, 128), 7, 32, 128))
        maps.append(fire(pool(maps[-1]), 9, 48, 192))
        maps.append(fire(maps[-1], 10, 48, 192))
        maps.append(fire(maps[-1], 11, 64, 256))
        maps.append(fire(maps[-1], 12, 64, 256))
        return tuple(maps)


class Pooled(nn.Module):
    """Averages of a trunk's last maps: one vector for each image, as Fréchet distances want.

    Args:
        trunk: One of the trunks.
        size: Side that images are resized to first (bilinear, averaging where they shrink).
    """

    trunk: nn.Module
    size: int

    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, "n d"]:
        n = images.shape[0]
        images = jax.image.resize(images, (n, self.size, self.size, images.shape[-1]), "linear", antialias=True)
        return self.trunk(jnp.broadcast_to(images, (n, self.size, self.size, 3)))[-1].mean((1, 2))


TRUNKS = {"vgg": VGG16, "alex": AlexNet, "squeeze": SqueezeNet}


def trunk_params(module: nn.Module, weights: Mapping[str, ArrayLike]) -> dict:
    """Arrange torchvision's state dict of a trunk as the module's parameters.

    Args:
        module: One of the trunks.
        weights: Arrays by torchvision's names, kernels [out, in, h, w]; names beyond the trunk (the classifier) are
            left aside.

    Returns:
        Parameter tree with kernels [h, w, in, out].

    Raises:
        ValueError: If a parameter is absent or has another shape.
    """
    name = type(module).__name__
    shapes = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, 64, 64, 3)))["params"]

    def fill(path, expected):
        *names, kind = [p.key for p in path]
        key = ".".join(names).replace("features_", "features.") + (".weight" if kind == "kernel" else ".bias")
        if key not in weights:
            raise ValueError(f"{name} lacks {key!r}; got {len(weights)} arrays. Give torchvision's state dict.")
        value = np.asarray(weights[key], np.float32)
        value = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value
        if value.shape != expected.shape:
            raise ValueError(f"{key!r} of {name} has shape {value.shape} as [h, w, in, out], not {expected.shape}.")
        return jnp.asarray(value)

    return jax.tree_util.tree_map_with_path(fill, shapes)
