import io
import pickle
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core import Directions, fingerprint
from jaxgan.io import UnreadableFile, load_directions
from tests import planted


def unit(path, rows=1):
    array = np.load(path).reshape(rows, -1)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def test_every_boundary_of_interfacegan_loads_with_the_space_that_its_name_states(shared_data):
    paths = sorted(Path(shared_data("directions/interfacegan")).glob("*.npy"))
    assert len(paths) == 39
    for path in paths:
        found = load_directions(path)
        assert found.space == ("w" if "_w_" in path.name else "z") and found.vectors.shape == (1, 512)
        np.testing.assert_allclose(found.vectors, np.load(path), atol=1e-6)
        np.testing.assert_allclose(found.scales, 1.0, atol=1e-6)
        assert found.names[0] in path.name and dict(found.meta)["method"] == "interfacegan"


def test_conditioned_boundaries_are_the_plain_ones_with_their_conditions_projected_out(shared_data):
    folder = Path(shared_data("directions/interfacegan"))
    conditioned = sorted(folder.glob("*_c_*.npy"))
    assert len(conditioned) == 13
    for path in conditioned:
        model, _, rest = path.stem.removesuffix("_boundary").partition("celebahq_")
        model, rest = (model + "celebahq", rest) if rest else ("stylegan_ffhq", path.stem[len("stylegan_ffhq_") : -9])
        name, _, conditions = rest.partition("_c_")
        plain = lambda what, model=model: load_directions(folder / f"{model}_{what}_boundary.npy")
        derived = plain(name).project_out(Directions.join(*map(plain, conditions.split("_"))))
        cosine = float(np.asarray(derived.vectors, np.float64)[0] @ np.load(path)[0])
        assert abs(cosine - 1) < 1e-6, (path.name, cosine)


def test_the_other_published_sets_load(shared_data):
    folder = Path(shared_data("directions"))
    for path in sorted((folder / "idinvert").glob("*/*.npy")):
        found = load_directions(path)
        assert found.space == "w+" and found.vectors.shape == (1, 14, 512) and max(found.layers) < 14
    assert load_directions(folder / "idinvert/stylegan_ffhq256/pose.npy").layers == (0, 1, 2)
    for name in ("puzer_ffhq", "seeprettyface_sg2", "steerability/stylegan_ffhq", "steerability/stylegan_cars"):
        for path in sorted((folder / name).glob("*.npy")):
            found = load_directions(path, space="w+")
            assert found.vectors.shape[0] == 1 and found.vectors.shape[2] == 512
            step = found.vectors[0] * found.scales[0]
            np.testing.assert_allclose(step, np.load(path), atol=1e-5)
    for path in sorted((folder / "alae_ffhq").glob("*.npy")):
        found = load_directions(path, space="w")
        np.testing.assert_allclose(found.vectors, unit(path), atol=1e-6)
        np.testing.assert_allclose(found.scales[0], np.linalg.norm(np.load(path)), rtol=1e-5)
    for name in ("ffhq", "cars"):
        found = load_directions(folder / f"e4e/ganspace_pca/{name}_pca.pt")
        assert found.space == "w" and found.vectors.shape == (80, 512)
        scales = np.asarray(found.scales)
        assert np.all(scales[:-1] >= scales[1:] * 0.9) and dict(found.meta)["scale"] == "std"
        np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(80), atol=1e-4)
    assert load_directions(folder / "e4e/interfacegan_directions/pose.pt").vectors.shape == (1, 18, 512)
    assert load_directions(folder / "e4e/interfacegan_directions/age.pt", space="w").vectors.shape == (1, 512)


def test_matrices_of_the_hessian_penalty_become_orthonormal_and_find_their_coordinates(shared_data):
    folder = Path(shared_data("directions/biggan_hessian_penalty"))
    raw = load_directions(folder / "our_church.pt", space="z")
    assert np.abs(raw.vectors @ raw.vectors.T - np.eye(120)).max() > 0.1 and raw.scales.min() > 5
    basis = load_directions(folder / "our_church.pt", space="z", orthonormal=True)
    np.testing.assert_allclose(basis.vectors @ basis.vectors.T, np.eye(120), atol=1e-5)
    np.testing.assert_allclose(basis.vectors[0], raw.vectors[0], atol=1e-6)
    np.testing.assert_allclose(
        load_directions(folder / "voynov.pt", space="z").vectors,
        load_directions(folder / "voynov.pt", space="z", orthonormal=True).vectors,
        atol=1e-5,
    )
    middle = load_directions(folder / "our_goldens_mid.pt", space="z", orthonormal=True, within=(40, 120))
    assert middle.vectors.shape == (40, 120) and np.all(middle.vectors[:, :40] == 0) and middle.vectors[0, 40] != 0
    with pytest.raises(ValueError, match="within 120"):
        load_directions(folder / "our_goldens_mid.pt", space="z", within=(90, 120))


def archive(tmp_path, **arrays):
    np.savez(tmp_path / "components.npz", **arrays)
    return tmp_path / "components.npz"


def test_components_of_ganspace_tell_w_by_what_was_analysed(tmp_path):
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 3)))[0].T.reshape(3, 1, 8).astype(np.float32)
    stdev = np.array([3.0, 2.0, 1.0], np.float32)
    path = archive(tmp_path, act_comp=axes, lat_comp=axes, lat_stdev=stdev, act_stdev=stdev, lat_mean=np.zeros((1, 8)))
    found = load_directions(path)
    assert found.space == "w" and dict(found.meta)["method"] == "ganspace"
    np.testing.assert_allclose(found.scales, stdev)
    np.testing.assert_allclose(found.vectors, axes[:, 0], atol=1e-6)
    path = archive(tmp_path, act_comp=np.ones((3, 4, 4, 2)), lat_comp=axes, lat_stdev=stdev)
    with pytest.raises(ValueError, match="does not say its space"):
        load_directions(path)
    assert load_directions(path, space="z").space == "z"


def test_a_space_that_the_file_does_not_state_is_demanded_and_one_that_it_denies_refused(tmp_path):
    rows = np.random.default_rng(0).normal(size=(4, 8))
    np.save(tmp_path / "age.npy", rows)
    with pytest.raises(ValueError, match=r"'w\+' for one direction of 4 rows"):
        load_directions(tmp_path / "age.npy")
    assert load_directions(tmp_path / "age.npy", space="w+").vectors.shape == (1, 4, 8)
    assert load_directions(tmp_path / "age.npy", space="w").vectors.shape == (4, 8)
    np.save(tmp_path / "model_faces_smile_w_boundary.npy", rows[:1])
    with pytest.raises(ValueError, match=r"of 'w' .*not of 'z'"):
        load_directions(tmp_path / "model_faces_smile_w_boundary.npy", space="z")
    np.save(tmp_path / "wide.npy", rows[None])
    with pytest.raises(ValueError, match="not of 'w'"):
        load_directions(tmp_path / "wide.npy", space="w")
    with pytest.raises(ValueError, match="no space 'q'"):
        load_directions(tmp_path / "wide.npy", space="q")


class Trap:
    def __reduce__(self):
        return print, ("run",)


def test_what_holds_no_directions_is_refused_and_nothing_of_it_is_run(tmp_path, capsys):
    np.save(tmp_path / "trap.npy", np.array({"boundary": Trap()}, object), allow_pickle=True)
    np.save(tmp_path / "words.npy", np.array(["a", "b"]))
    np.save(tmp_path / "zero.npy", np.zeros((1, 8)))
    np.savez(tmp_path / "objects.npz", lat_comp=np.array([Trap()], object), allow_pickle=True)
    (tmp_path / "short.npy").write_bytes((tmp_path / "zero.npy").read_bytes()[:90])
    buffer = io.BytesIO()
    pickle.dump({"a": 1}, buffer)
    (tmp_path / "dict.pt").write_bytes(buffer.getvalue())
    for name in ("trap.npy", "words.npy", "zero.npy", "objects.npz", "short.npy", "dict.pt"):
        with pytest.raises(UnreadableFile, match=name) as error:
            load_directions(tmp_path / name, space="w")
        assert "\n" not in str(error.value)
    assert capsys.readouterr().out == ""
    with pytest.raises(FileNotFoundError):
        load_directions(tmp_path / "nothing.npy")


def test_directions_know_the_generator_that_they_were_found_in(tmp_path):
    g = planted.style(resolution=8, channel_base=64, channel_max=8)
    other = planted.style(1, resolution=8, channel_base=64, channel_max=8)
    found = jg.directions.sefa(samples=50)(g, jax.random.key(0), 2)
    jg.save(found, tmp_path / "d.safetensors")
    back = load_directions(tmp_path / "d.safetensors", g, layers=[1], names=["a", "b"])
    assert back.layers == (1,) and back.names == ("a", "b") and dict(back.meta)["generator"] == fingerprint(g)
    with pytest.raises(ValueError, match=r"found in generator .* tuned=True"):
        load_directions(tmp_path / "d.safetensors", other)
    np.testing.assert_array_equal(load_directions(tmp_path / "d.safetensors", other, tuned=True).scales, found.scales)
    with pytest.raises(ValueError, match="of 'w', not of 'z'"):
        load_directions(tmp_path / "d.safetensors", space="z")
    with pytest.raises(ValueError, match="found in a stylegan2, this generator is a planted"):
        load_directions(tmp_path / "d.safetensors", planted.linear(jnp.ones((16, 4))))
    np.save(tmp_path / "w.npy", np.ones((1, 12)))
    with pytest.raises(ValueError, match="another generator"):
        load_directions(tmp_path / "w.npy", g, space="w")
    with pytest.raises(ValueError, match="planted offers z"):
        load_directions(tmp_path / "w.npy", planted.linear(jnp.ones((12, 4))), space="w")
    jg.save(g, tmp_path / "g.safetensors")
    with pytest.raises(UnreadableFile, match="not directions"):
        load_directions(tmp_path / "g.safetensors")
    assert load_directions(tmp_path / "w.npy", planted.linear(jnp.ones((12, 4))), space="z").vectors.shape == (1, 12)
