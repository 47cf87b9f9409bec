"""What cloud-init itself says, for tests: one request as JSON on the standard input, one answer as JSON on the standard output.

It runs from the unpacked package (tools/unpack-cloud-init.sh) and changes nothing on this machine.
"""

import base64
import contextlib
import glob
import gzip
import importlib
import io
import json
import logging
import os
import pkgutil
import sys
import tempfile

import cloudinit.config
from cloudinit import helpers, user_data
from cloudinit.config import schema


def verdict(text):
    """As `cloud-init schema --config-file`: whether it is valid, and what is said of it."""
    with tempfile.NamedTemporaryFile("wb") as file:
        file.write(text.encode())
        file.flush()
        arguments = schema.get_parser().parse_args(["--config-file", file.name])
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                schema.handle_schema_args("schema", arguments)
        except SystemExit:
            return {"valid": False, "said": said.getvalue()}
    return {"valid": True, "said": said.getvalue()}


def module_examples():
    for module in pkgutil.iter_modules(cloudinit.config.__path__):
        if module.name.startswith("cc_"):
            meta = getattr(importlib.import_module("cloudinit.config." + module.name), "meta", {})
            for number, text in enumerate(meta.get("examples", []), 1):
                yield {"name": f"{module.name} {number}", "text": "#cloud-config\n" + text}


def documented_examples():
    folder = os.path.join(os.path.dirname(cloudinit.__file__), "../../../../share/doc/cloud-init/examples")
    for path in sorted(glob.glob(folder + "/cloud-config*")):
        opened = gzip.open if path.endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8") as file:
            yield {"name": os.path.basename(path), "text": file.read()}


def parts(blob):
    """What cloud-init would hand to its handlers, in order."""
    with tempfile.TemporaryDirectory() as folder:
        paths = helpers.Paths({"cloud_dir": folder, "run_dir": folder, "templates_dir": folder})
        message = user_data.UserDataProcessor(paths).process(base64.b64decode(blob))
    return [
        {
            "type": part.get_content_type(),
            "fileName": part.get_filename(),
            "mergeType": part.get("Merge-Type"),
            "base64": base64.b64encode(part.get_payload(decode=True)).decode(),
        }
        for part in message.walk()
        if not part.is_multipart()
    ]


def answer(request):
    if request["ask"] == "verdicts":
        return [verdict(text) for text in request["texts"]]
    if request["ask"] == "examples":
        return [*module_examples(), *documented_examples()]
    return [parts(blob) for blob in request["blobs"]]


logging.disable(logging.CRITICAL)
json.dump(answer(json.load(sys.stdin)), sys.stdout)
