"""What Evenstep writes, checked by programs that know nothing of it.

Needs `pip install securesystemslib cryptography "cyclonedx-python-lib[json-validation]"`.
Usage: interop.py EVENSTEP, in a folder of its own.
"""

import base64
import json
import pathlib
import subprocess
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

engine, examples = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(__file__).resolve().parent.parent / "examples"


def evenstep(*args):
    done = subprocess.run([engine, *args], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


evenstep("train", str(examples / "titanic/pipeline.toml"), "--output", "titanic.evenstep", "--quiet")
for name in ["ana", "ben"]:
    evenstep("key", "new", "--output", f"{name}.key")
    evenstep("sign", "titanic.evenstep", "--key", f"{name}.key")

# The envelope, by the library of those who wrote DSSE.
written = json.loads(pathlib.Path("titanic.evenstep.dsse.json").read_text())
envelope = Envelope.from_dict(json.loads(json.dumps(written)))
public = {name: load_pem_public_key(pathlib.Path(f"{name}.key.pub").read_bytes()) for name in ["ana", "ben"]}
keys = []
for signature in written["signatures"]:
    for key in public.values():
        try:
            key.verify(base64.b64decode(signature["sig"]), envelope.pae())
            keys.append(SSlibKey.from_crypto(key, keyid=signature["keyid"]))
        except Exception as error:  # A signature of the other key.
            assert type(error).__name__ == "InvalidSignature", error
assert len(envelope.verify(keys, threshold=2)) == 2
assert all(isinstance(key, Ed25519PublicKey) for key in public.values())
print("signatures: two, verified by securesystemslib")

# The other way round: a signature made by another program counts.
private = load_pem_private_key(pathlib.Path("ana.key").read_bytes(), None)
made = base64.b64encode(private.sign(envelope.pae())).decode()
assert made in [signature["sig"] for signature in written["signatures"]]
print("signatures: the same bytes by cryptography")

statement = json.loads(base64.b64decode(written["payload"]))
assert statement["_type"] == "https://in-toto.io/Statement/v1"
assert statement["predicateType"] == "https://slsa.dev/provenance/v1"

# Bills of materials, by the schema.
validator = JsonStrictValidator(SchemaVersion.V1_6)
for args in [["sbom"], ["sbom", "titanic.evenstep"]]:
    wrong = validator.validate_str(evenstep(*args))
    assert wrong is None, wrong
    print(f"{' '.join(args)}: valid CycloneDX 1.6")
