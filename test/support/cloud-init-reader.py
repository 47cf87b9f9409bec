"""What cloud-init itself makes of what it is given: reads a question (JSON) on standard input, prints an answer (JSON).

{"source": "config-drive", "folder": …}          a config drive, unpacked
{"source": "nocloud", "folder": …}               a seed of NoCloud
{"source": "openstack", "url": …}                a metadata service: http://127.0.0.1:1234
{"source": "ec2", "url": …, "version": …}        the same
{"source": "nocloud-net", "url": …}              with a slash at its end
{"source": "network", "config": …}               network config, version 1 or 2
{"source": "command-line", "words": …}           the words of a kernel's command line, for a network in it
{"source": "schema", "schema": …, "document": …} what a JSON schema (a file) says of a document
and "macs": {MAC address: name of the card}, the cards of the machine.

Answers with the instance id, host name, keys, user data and vendor data (base64), files, the network as each of cloud-init's
renderers writes it, and every warning on the way. PYTHONPATH leads to an unpacked cloud-init; nothing of this host is changed.
"""

import base64
import copy
import functools
import json
import logging
import os
import sys
import tempfile

import jsonschema
from cloudinit import helpers, sources, url_helper, util
from cloudinit.distros import rhel
from cloudinit.net import cmdline, eni, netplan, network_manager, network_state, networkd, sysconfig
from cloudinit.sources import DataSourceConfigDrive, DataSourceEc2, DataSourceNoCloud
from cloudinit.sources.helpers import ec2, openstack


class Warnings(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def encoded(data):
    if not data:
        return ""
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def from_openstack(results, macs):
    metadata = results["metadata"]
    # It changes what it is given.
    network_data = copy.deepcopy(results.get("networkdata"))
    network = openstack.convert_net_json(network_data, known_macs=macs)
    return {
        "instanceId": metadata["instance-id"],
        "hostName": metadata["local-hostname"],
        "keys": sources.normalize_pubkey_data(metadata.get("public_keys")),
        "userData": encoded(results["userdata"]),
        "vendorData": encoded(sources.convert_vendordata(results.get("vendordata"))),
        "files": {path: encoded(content) for path, content in results["files"].items()},
        "metadata": {k: v for k, v in metadata.items() if not isinstance(v, bytes)},
        "randomSeed": encoded(metadata.get("random_seed")),
        "ec2": results["ec2-metadata"],
        "networkData": results.get("networkdata"),
        "network": network and rendered(network, macs),
    }


def config_drive(question):
    results = DataSourceConfigDrive.read_config_drive(question["folder"])
    return from_openstack(results, question["macs"])


def openstack_service(question):
    reader = openstack.MetadataReader(question["url"], retries=0)
    # Its own looks for the values of EC2 at 169.254.169.254, wherever the rest was.
    reader._read_ec2_metadata = functools.partial(
        ec2.get_instance_metadata, metadata_address=question["url"], retries=0
    )
    return from_openstack(reader.read_v2(), question["macs"])


def ec2_service(question):
    where = {"api_version": question["version"], "metadata_address": question["url"], "retries": 0}
    metadata = ec2.get_instance_metadata(**where)
    network = None
    if "network" in metadata:
        network = DataSourceEc2.convert_ec2_metadata_network_config(
            metadata["network"], macs_to_nics=question["macs"]
        )
    return {
        "instanceId": metadata.get("instance-id"),
        "hostName": metadata.get("local-hostname"),
        "keys": sources.normalize_pubkey_data(metadata.get("public-keys")),
        "userData": encoded(ec2.get_instance_userdata(**where)),
        "metadata": metadata,
        "network": network and rendered(network, question["macs"]),
    }


def from_nocloud(source, macs):
    network = source.network_config
    return {
        "instanceId": source.get_instance_id(),
        "hostName": source.metadata.get("local-hostname"),
        "keys": source.get_public_ssh_keys(),
        "userData": encoded(source.userdata_raw),
        "vendorData": encoded(source.vendordata_raw),
        "metadata": source.metadata,
        "network": network and rendered(network, macs),
    }


def nocloud(question):
    with tempfile.TemporaryDirectory() as place:
        os.mkdir(os.path.join(place, "seed"))
        os.symlink(question["folder"], os.path.join(place, "seed", "nocloud"))
        paths = helpers.Paths({"cloud_dir": place, "run_dir": place})
        settings = {"datasource": {"NoCloud": {"fs_label": None}}}
        source = DataSourceNoCloud.DataSourceNoCloud(settings, None, paths)
        if not source._get_data():
            raise ValueError("NoCloud found nothing in %s" % question["folder"])
        return from_nocloud(source, question["macs"])


def nocloud_service(question):
    metadata, user_data, vendor_data = util.read_seeded(question["url"], retries=0)
    network = None
    try:
        # Only newer ones than Debian 12's ask for it.
        answer = url_helper.readurl(question["url"] + "network-config", retries=0)
        network = util.load_yaml(answer.contents)
    except url_helper.UrlError as error:
        if error.code != url_helper.NOT_FOUND:
            raise
    return {
        "instanceId": metadata["instance-id"],
        "hostName": metadata["local-hostname"],
        "keys": sources.normalize_pubkey_data(metadata.get("public-keys")),
        "userData": encoded(user_data),
        "vendorData": encoded(vendor_data),
        "metadata": metadata,
        "network": network and rendered(network, question["macs"]),
    }


def network_alone(question):
    return {"network": rendered(question["config"], question["macs"])}


def command_line(question):
    network = cmdline.read_kernel_cmdline_config(question["words"])
    return {"network": network and rendered(network, question["macs"])}


def schema(question):
    with open(question["schema"]) as file:
        validator = jsonschema.Draft7Validator(json.load(file))
    return {"faults": [error.message for error in validator.iter_errors(question["document"])]}


def named(config, macs):
    """cloud-init gives cards their names (set-name) before it writes the network."""
    names = dict(macs)
    if config["version"] == 2:
        for card in config.get("ethernets", {}).values():
            if "set-name" in card:
                names[card["match"]["macaddress"]] = card["set-name"]
    return names


RENDERERS = {
    "eni": (eni.Renderer, {}),
    "netplan": (netplan.Renderer, {}),
    "networkd": (networkd.Renderer, {}),
    "networkManager": (network_manager.Renderer, {}),
    "sysconfig": (sysconfig.Renderer, rhel.Distro.renderer_configs["sysconfig"]),
}


def rendered(config, macs):
    names = named(config, macs)
    network_state.get_interfaces_by_mac = lambda: names
    network_state.find_interface_name_from_mac = names.get
    return {
        "config": config,
        **{name: files_of(renderer, settings, config) for name, (renderer, settings) in RENDERERS.items()},
    }


def files_of(make, settings, config):
    renderer = make(dict(settings))
    state = network_state.parse_net_config_data(copy.deepcopy(config), skip_broken=False, renderer=renderer)
    with tempfile.TemporaryDirectory() as target:
        renderer.render_network_state(state, target=target)
        files = {}
        for folder, _, names in os.walk(target):
            for name in names:
                path = os.path.join(folder, name)
                files[os.path.relpath(path, target)] = util.load_file(path)
        return files


SOURCES = {
    "config-drive": config_drive,
    "nocloud": nocloud,
    "openstack": openstack_service,
    "ec2": ec2_service,
    "nocloud-net": nocloud_service,
    "network": network_alone,
    "command-line": command_line,
    "schema": schema,
}


def main():
    warnings = Warnings()
    logging.getLogger().addHandler(warnings)
    question = json.load(sys.stdin)
    try:
        answer = SOURCES[question["source"]](question)
    except Exception as error:
        answer = {"error": "%s: %s" % (type(error).__name__, error)}
    json.dump({**answer, "warnings": warnings.messages}, sys.stdout)


main()
