import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from jaxgan import losses
from jaxgan.features import lpips as judge
from jaxgan.features.trunks import TRUNKS
from jaxgan.io.features import (
    CAFFE_LAYERS,
    feature_network,
    load_inception,
    load_lpips,
    load_squeezenet,
    trunk_arrays,
    trunk_of,
)
from jaxgan.io.records import UnreadableFile
from jaxgan.metrics import frechet
from jaxgan.ops.similarity import expand_band, reduce_band
from jaxgan.ops.warp import separable
from tests.features.test_lpips import formula
from tests.tolerances import OP


@pytest.fixture(scope="module")
def caffe(shared_data):
    return shared_data("weights/kerasjs/squeezenet_v1.1_dequantised.npz")


@pytest.fixture(scope="module")
def heads(shared_data):
    return shared_data("weights/lpips/v0.1/squeeze.pth")


@pytest.fixture(scope="module")
def triplet(shared_data):
    def image(name):
        pixels = np.asarray(Image.open(shared_data(f"weights/lpips/imgs/ex_{name}.png")).convert("RGB"), np.float32)
        return (pixels / 127.5 - 1)[None]

    return image("ref"), image("p0"), image("p1")


def test_real_weights_order_the_authors_example(caffe, heads, triplet):
    network = load_lpips("squeeze", weights=caffe, heads=heads)
    reference, p0, p1 = triplet
    far, near = (float(judge.distance(network, reference, p)[0]) for p in (p0, p1))
    assert (round(far, 3), round(near, 3)) == (0.397, 0.201)


def test_objective_equals_the_distance(caffe, heads, triplet):
    network = load_lpips("squeeze", weights=caffe, heads=heads)
    reference, p0, _ = triplet
    total, parts = losses.lpips(network)(p0, reference)
    np.testing.assert_allclose(total, judge.distance(network, p0, reference), rtol=OP)
    assert set(parts) == {"lpips"}


def test_folders_are_searched_for_the_trunks_file(caffe, heads, triplet):
    by_folder = load_lpips("squeeze", weights=caffe.parent, heads=heads.parent)
    by_file = load_lpips("squeeze", weights=caffe, heads=heads)
    assert np.array_equal(judge.distance(by_folder, *triplet[:2]), judge.distance(by_file, *triplet[:2]))


def test_every_head_that_the_authors_publish_is_read(shared_data, tmp_path):
    for name, trunk in TRUNKS.items():
        save_file(formula(trunk()), tmp_path / "trunk.safetensors")
        head = shared_data(f"weights/lpips/v0.1/{name}.pth")
        network = load_lpips(name, weights=tmp_path / "trunk.safetensors", heads=head)
        assert len(network.params) == 1 + len(trunk.channels)


def test_caffe_layers_go_where_torchvision_has_them(caffe):
    arrays, is_caffe = trunk_arrays(caffe)
    assert is_caffe and len(CAFFE_LAYERS) == 9
    with np.load(caffe) as file:
        assert np.array_equal(arrays["features.12.expand3x3.weight"][5, 7], file["fire9.expand3x3.kernel"][:, :, 7, 5])
        assert np.array_equal(arrays["features.0.bias"], file["conv1.bias"])


def test_frechet_of_squeezenet_features_sees_a_blur(caffe, shared_data):
    with zipfile.ZipFile(shared_data("images/clothing64.zip")) as archive:
        names = sorted(n for n in archive.namelist() if n.endswith(".png"))[::100][:32]
        images = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(n))).convert("RGB")) for n in names])
    images = (images / 127.5 - 1).astype(np.float32)
    features = load_squeezenet(caffe, size=64)
    assert features(images[:2]).shape == (2, 512)
    blurred = separable(separable(images, reduce_band(64), reduce_band(64)), expand_band(64), expand_band(64))
    halves = frechet([images[:16]], [images[16:]], features)
    assert frechet([images], [images], features) < 1e-3 * halves
    assert frechet([images], [blurred], features) > 0.1 * halves


def test_absent_and_wrong_files_are_named(tmp_path, heads):
    with pytest.raises(FileNotFoundError, match="nothing_here"):
        load_lpips("vgg", weights=tmp_path / "nothing_here", heads=heads)
    with pytest.raises(FileNotFoundError, match=r"vgg16\*"):
        load_lpips("vgg", weights=tmp_path, heads=heads)
    np.savez(tmp_path / "squeezenet1_1.npz", other=np.zeros(3))
    with pytest.raises(ValueError, match=r"lacks 'features\."):
        load_lpips("squeeze", weights=tmp_path, heads=heads)
    with pytest.raises(ValueError, match="no trunk 'resnet'"):
        load_lpips("resnet", weights=tmp_path, heads=heads)


def test_heads_tell_their_trunk(shared_data):
    assert [trunk_of(shared_data(f"weights/lpips/v0.1/{name}.pth")) for name in TRUNKS] == list(TRUNKS)


def test_a_program_is_not_read_and_the_file_to_take_is_named(tmp_path):
    path = tmp_path / "inception-2015-12-05.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inception/data.pkl", b"\x80\x02}.")
        archive.writestr("inception/constants.pkl", b"\x80\x02).")
    with pytest.raises(UnreadableFile, match=r"program for torch; give pt_inception-2015-12-05-6726825d\.pth"):
        load_inception(path)
    with pytest.raises(UnreadableFile, match="program for torch"):
        feature_network(f"inception:{tmp_path}")


def test_other_arrays_are_no_inception(tmp_path):
    save_file({"fc.weight": np.zeros((1008, 2048), np.float32)}, tmp_path / "inception.safetensors")
    with pytest.raises(ValueError, match="lacks 'Conv2d_1a_3x3"):
        load_inception(tmp_path)


def test_a_word_names_a_feature_network(caffe):
    assert feature_network("random").name == "features.random"
    assert feature_network(f"squeezenet:{caffe}").name == "features.squeezenet"
    for word, expected in (
        ("clip", "clip:FILE"),
        ("radnom", "did you mean 'random'"),
        ("vit", "there are random, inception-random"),
        ("random:x.pth", "takes no file, got 'x.pth'"),
        ("squeezenet", "squeezenet:FILE"),
    ):
        with pytest.raises(ValueError, match=expected):
            feature_network(word)


def test_the_image_side_of_clip_is_features(golden):
    network = feature_network(f"clip:{golden('clip_tiny.pth')}")
    assert network.name == "features.clip"
    assert network(np.zeros((2, 32, 32, 3), np.float32)).shape == (2, 24)
