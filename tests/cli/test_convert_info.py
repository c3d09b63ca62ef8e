"""jaxgan convert and info: files keep their numbers and say what they are."""

import json

import jax
import numpy as np

import jaxgan as jg


def test_conversion_keeps_every_bit(command, golden, tmp_path):
    source = golden("stylegan2_cond32.pkl")
    assert command("convert", source, "g.safetensors").code == 0
    assert command("convert", source, "d.safetensors", "--part", "D").code == 0
    for part, name in (("G_ema", "g"), ("D", "d")):
        one, other = jg.load(source, part), jg.load(tmp_path / f"{name}.safetensors")
        jax.tree.map(np.testing.assert_array_equal, one.params, other.params)
    assert command("convert", source, "g.safetensors").code == 2  # exists


def test_conversion_to_nvidias_format_and_back_keeps_every_bit(command, golden, tmp_path):
    source, own, critic = golden("stylegan2_cond32.pkl"), tmp_path / "g.safetensors", tmp_path / "d.safetensors"
    assert command("convert", source, own).code == 0
    assert command("convert", source, critic, "--part", "D").code == 0
    assert command("convert", own, tmp_path / "back.pkl", "--discriminator", critic).code == 0
    for part in ("G_ema", "D"):
        before, after = jg.load(source, part=part), jg.load(tmp_path / "back.pkl", part=part)
        for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
            assert np.array_equal(a, b)
    refused = command("convert", own, tmp_path / "x.safetensors", "--discriminator", critic)
    assert refused.code == 2 and "belongs to a .pkl or .pt" in refused.err


def test_conversion_between_programs_carries_every_network(command, golden, tmp_path):
    source = golden("stylegan2_uncond64.pkl")
    refused = command("convert", source, "net.pt")
    assert refused.code == 2 and "of one width; these are 48 and 64" in refused.err
    assert command("convert", source, "net.pkl").code == 0
    for part in ("G_ema", "G", "D"):
        before, after = jg.load(source, part=part), jg.load(tmp_path / "net.pkl", part=part)
        jax.tree.map(np.testing.assert_array_equal, before, after)
    unknown = command("convert", source, "net.onnx")
    assert unknown.code == 2 and ".safetensors, .pkl, .pt, .pth, .bin" in unknown.err


def test_conversion_of_bigans_keeps_a_network_a_file(command, golden, tmp_path):
    source = golden("biggan_32.pth")
    assert command("convert", source, "G_ema.pth").code == 0
    assert command("convert", source, "D.pth", "--part", "D").code == 0
    for part, name in (("G", "G_ema.pth"), ("D", "D.pth")):
        before, after = jg.load(source, part), jg.load(tmp_path / name)
        jax.tree.map(np.testing.assert_array_equal, before, after)
    assert "no place" in command("convert", source, "net.pkl").err


def test_info_of_a_foreign_model_names_its_parts(command, golden):
    facts = json.loads(command("info", golden("stylegan2_cond32.pkl"), "--json").out)
    assert facts["kind"] == "stylegan2 generator" and facts["classes"] == 5
    assert facts["parts"] == "G_ema, G, D"


def test_info_of_a_model_counts_its_parameters(command, models):
    path = models / "tiny.safetensors"
    facts = json.loads(command("info", path, "--json").out)
    g = jg.load(path)
    assert facts["parameters"]["all"] == sum(leaf.size for leaf in jax.tree.leaves(g.params))
    assert facts["spaces"]["w+"] == "4 x 16" and "b8" in facts["taps"] and facts["notes"] == {"from": "a test"}
    assert "4 x 16" in command("info", path).out


def test_info_of_codes_and_directions(command, models, tmp_path):
    g = jg.load(models / "tiny.safetensors")
    jg.save(g.to(g.sample(jax.random.key(0), 2), "w+"), tmp_path / "c.safetensors")
    jg.save(jg.discover(g, jg.directions.sefa(samples=10), jax.random.key(0), 2), tmp_path / "d.safetensors")
    assert json.loads(command("info", "c.safetensors", "--json").out)["shape"] == [2, 4, 16]
    assert json.loads(command("info", "d.safetensors", "--json").out)["found by"]["method"] == "sefa"


def test_info_of_a_data_set(command, pictures):
    (pictures / "broken.png").touch()
    facts = json.loads(command("info", "scenes:32", "--json").out)
    assert facts["resolution"] == 32 and facts["label"] == 8
    assert json.loads(command("info", pictures, "--json").out)["images"] == 4


def test_info_of_what_is_no_model_is_one_line(command, tmp_path):
    (tmp_path / "text.pkl").write_text("hello")
    answer = command("info", "text.pkl")
    assert answer.code == 2 and answer.err.count("\n") == 1
