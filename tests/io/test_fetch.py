import hashlib

import pytest

from jaxgan.io.features import INCEPTION_DIGEST, INCEPTION_FILE
from jaxgan.io.fetch import INCEPTION, fetched


@pytest.fixture
def published(tmp_path):
    path = tmp_path / "published" / "weights.pth"
    path.parent.mkdir()
    path.write_bytes(b"weights" * 1000)
    return path.as_uri(), hashlib.sha256(path.read_bytes()).hexdigest()[:8], path


def test_a_file_is_fetched_once(published, tmp_path):
    url, digest, source = published
    path = fetched(url, digest, tmp_path / "kept")
    assert path.read_bytes() == source.read_bytes()
    source.unlink()
    assert fetched(url, digest, tmp_path / "kept") == path


def test_a_damaged_file_is_fetched_again(published, tmp_path):
    url, digest, source = published
    path = fetched(url, digest, tmp_path / "kept")
    path.write_bytes(b"half")
    assert fetched(url, digest, tmp_path / "kept").read_bytes() == source.read_bytes()


def test_another_file_is_refused_and_leaves_nothing(published, tmp_path):
    url, _, _ = published
    with pytest.raises(ValueError, match="not 00000000"):
        fetched(url, "00000000", tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir())


def test_without_a_network_the_way_out_is_named(published, tmp_path):
    url, digest, source = published
    source.unlink()
    with pytest.raises(OSError, match="give its path"):
        fetched(url, digest, tmp_path / "kept")


def test_inception_is_known_by_the_hash_in_its_name():
    assert INCEPTION.endswith(INCEPTION_FILE) and INCEPTION_DIGEST in INCEPTION_FILE
