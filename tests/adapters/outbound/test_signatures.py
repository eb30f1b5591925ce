"""MODEL_SIGNING_KEY as operators write it, and what a signature is."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from tests.fakes import a_trained_model
from vehicle_anomaly.adapters.outbound import model_codec
from vehicle_anomaly.adapters.outbound.signatures import Signatures, UnusableSigningKeys

ONE, TWO = "0123456789abcdef" * 2, "A-Za-z0-9_=+" * 3


def signature(signatures: Signatures) -> str:
    files = signatures.signed(model_codec.encode(a_trained_model("v1")))
    told: str = json.loads(files.manifest)["signature"]
    return told


def test_anybody_with_the_key_can_check_a_signature() -> None:
    files = Signatures.of(ONE).signed(model_codec.encode(a_trained_model("v1")))
    manifest = json.loads(files.manifest)
    given = manifest.pop("signature")
    manifest["manifest_sha256"] = ""
    signed = json.dumps(manifest, separators=(",", ":"), ensure_ascii=False).encode()
    assert given == hmac.new(ONE.encode(), signed, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("text", [f"{ONE},{TWO}", f" {ONE} , {TWO}\n", f"{ONE}\n{TWO}\n", f"{ONE} {TWO}"])
def test_the_first_of_several_keys_signs(text: str, tmp_path: Path) -> None:
    assert signature(Signatures.of(text)) == signature(Signatures.of(ONE))
    path = tmp_path / "signing.key"
    path.write_text(text)
    assert signature(Signatures.of(str(path))) == signature(Signatures.of(ONE))


@pytest.mark.parametrize("text", ["", " ", ",", "secret", f"{ONE},secret", "ä" * 40, f"{ONE}.", "x" * 513])
def test_what_is_no_key_is_refused_and_not_told(text: str, tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    path.write_text(text)
    for given in (text, str(path)):
        with pytest.raises(UnusableSigningKeys) as refused:
            Signatures.of(given)
        assert "secret" not in str(refused.value)
        assert ONE not in str(refused.value)


@pytest.mark.parametrize("path", ["/nowhere/signing.key", "./", "a/\0"])
def test_a_file_that_cannot_be_read(path: str) -> None:
    with pytest.raises(UnusableSigningKeys, match="expected keys or the path of a file of keys: "):
        Signatures.of(path)
