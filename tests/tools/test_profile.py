"""District profiles: out of one home's layers and into another's; never with a key in them."""

import json
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.__main__ import main as trygg_main
from gateway.daemon.configuration import load
from tests.tools.authority_bench import HUB, Said, Town, run
from tools.authority import profile
from tools.kit.__main__ import main as kit_main
from tools.simulators.certificates import Authority

SHARED = """
[hub]
tenant = "oslo"
language = "nb"
time_zone = "Europe/Oslo"
[uplink]
brokers = ["mqtts://broker-a.example", "mqtts://broker-b.example:8884"]
ca = "ca.pem"
certificate = "hub.pem"
key = "hub.key"
[quiet]
from = "23:00"
[[rule]]
type = "night_window"
device = "Front door"
from = "22:00"
to = "06:00"
"""
HOME = """
[hub]
id = "hub-7"
[uplink]
certificate = "hub.pem"
key = "hub.key"
[platform]
root_public_key = "{root}"
[[device]]
name = "Front door"
driver = "bthome"
address = "A4:C1:38:00:00:01"
"""


@pytest.fixture
def district(tmp_path: Path) -> Path:
    """A file of a district, and its authority."""
    authority = Authority(tmp_path)
    path = tmp_path / "district.toml"
    path.write_text(SHARED)
    assert authority.path == tmp_path / "ca.pem"
    return path


def export(*layers: Path, name: str = "district-1") -> tuple[Said, Path]:
    out = layers[0].parent / "district.profile"
    return run(kit_main, ["profile", "export", *layers, "--name", name, "--out", out]), out


def bring(path: Path, directory: Path, *words: object) -> Said:
    directory.mkdir(exist_ok=True)
    return run(kit_main, ["profile", "import", path, directory, *words])


def test_a_profile_is_a_layer_that_check_takes(district: Path, tmp_path: Path) -> None:
    said, path = export(district)
    assert said.status == 0 and "left out: uplink.certificate, uplink.key" in said.out
    home = tmp_path / "home"
    assert bring(path, home).status == 0
    assert (home / "district-1-ca.pem").read_bytes() == (tmp_path / "ca.pem").read_bytes()
    (home / "home.toml").write_text(HOME.format(root="ab" * 32))
    loaded = load([home / "district-1.toml", home / "home.toml"])
    assert [str(each) for each in loaded.config.uplink.brokers] == [
        "mqtts://broker-a.example:8883",
        "mqtts://broker-b.example:8884",
    ]
    assert loaded.config.hub.language == "nb" and loaded.config.quiet.begin == 23 * 60
    assert loaded.config.uplink.ca == str(home / "district-1-ca.pem") and len(loaded.config.rules) == 1
    words = ["check", "-c", home / "district-1.toml", "-c", home / "home.toml", "--differences", "--json"]
    said = run(trygg_main, words)
    assert said.status == 0 and "hub.id" in [row["key"] for row in json.loads(said.out)]


def test_in_a_home_that_is_installed_by_hand_hub_toml_wins_over_the_profile_key_by_key(
    district: Path, tmp_path: Path
) -> None:
    """What the operator's guide says of the two (step 3)."""
    _, path = export(district, name="west")
    etc = tmp_path / "etc"
    said = bring(path, etc)
    assert f"-c {etc / 'west.toml'} -c {etc / 'hub.toml'}" in said.out, (
        "it is said that nothing reads it by itself"
    )
    home = etc / "hub.toml"
    home.write_text(HOME.format(root="ab" * 32))
    config = load([etc / "west.toml", home]).config
    assert (config.hub.tenant, config.uplink.ca) == ("oslo", str(etc / "west-ca.pem")), "from the profile"
    assert config.hub.id == "hub-7" and len(config.rules) == 1 and len(config.devices) == 1
    home.write_text(HOME.format(root="ab" * 32).replace("[uplink]", '[uplink]\nca = "own.pem"'))
    config = load([etc / "west.toml", home]).config
    assert config.uplink.ca == str(etc / "own.pem") and len(config.uplink.brokers) == 2
    with pytest.raises(ConfigError, match="tenant"):
        load([home])  # alone, as the service's unit reads it, it must say all of it
    home.write_text(HOME.partition("[[device]]")[0].format(root="ab" * 32))
    with pytest.raises(ConfigError, match="Front door"):
        load([etc / "west.toml", home])


def test_what_a_profile_replaces_is_asked_for(district: Path, tmp_path: Path) -> None:
    _, path = export(district)
    assert "district.profile: found there already" in export(district)[0].err
    home = tmp_path / "home"
    assert bring(path, home).status == 0
    assert bring(path, home).status == 2 and bring(path, home, "--replace").status == 0


def test_a_whole_home_leaves_only_what_homes_share(town: Town, tmp_path: Path) -> None:
    path = tmp_path / "hub.toml"
    values = {"name": "hub-1", "tenant": "oslo", "language": "nb", "port": 1, "root": "ab" * 32}
    path.write_text(HUB.format(**values).replace("tls/ca.pem", "authority/ca.pem"))
    said, out = export(path)
    text = out.read_text()
    assert said.status == 0 and "platform.root_public_key" in said.out
    assert "hub-1" not in text and "ab" * 32 not in text and "hub.key" not in text


KEYS = [
    "ab" * 16,
    "AB CD EF 01 23 45 67 89 ab cd ef 01 23 45 67 89",
    "key is " + "0123456789abcdef" * 4,
    "kJ8Zr1bQ0yT5vN2mXw7LcA==",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "place", ['[[rule]]\nname = "{}"\n', '[hub]\ntenant = "{}"\n', '[uplink]\nbrokers = ["x", "{}"]\n']
)
def test_what_looks_like_a_key_goes_neither_out_nor_in_and_is_not_repeated(
    key: str, place: str, tmp_path: Path
) -> None:
    path = tmp_path / "layer.toml"
    path.write_text(place.format(key))
    said, out = export(path)
    assert said.status == 1 and "looks like a key" in said.err and key not in said.err and not out.exists()
    out.write_text(profile.whole("d", {"hub": {"tenant": key}}, ""))
    said = bring(out, tmp_path / "home")
    assert said.status == 1 and "hub.tenant looks like a key" in said.err and key not in said.err
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize("key", KEYS)
def test_a_key_in_what_homes_do_not_share_is_left_out_and_named(key: str, tmp_path: Path) -> None:
    path = tmp_path / "layer.toml"
    device = f'[[device]]\nname = "Door"\nkey = "{key}"\n'
    root = f'[platform]\nroot_public_key = "{key}"\n'
    path.write_text(f'[hub]\ntenant = "oslo"\nid = "home-1"\nother = "{key}"\n{root}{device}')
    said, out = export(path)
    assert (
        said.status == 0 and "left out: [[device]], hub.id, hub.other, platform.root_public_key\n" in said.out
    )
    assert "of these, looks like a key: [[device]], hub.other. Keys belong" in said.out
    assert key not in said.out + said.err + out.read_text()


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        ('[hub]\npin = "4711"\n', "hub.pin"),
        ("[hub]\npin = 4711\n", "hub.pin"),
        ('[[device]]\nname = "Door"\npasskey = "123456"\n', "[[device]]"),
        ('[[device]]\nname = "Door"\npasskey_ref = "123456"\n', "[[device]]"),
        ('[wifi]\nPassword = "hei"\n', "wifi.Password"),
        (f'[other]\n"{KEYS[0]}" = 1\n', "other."),
        ('[[device]]\nname = "Door"\nkey = "door"\npasskey_ref = "door-2"\n', ""),
        ('[uplink]\ncertificate = "hub.pem"\nkey = "/var/lib/trygg/tls/hub.key"\n', ""),
    ],
)
def test_a_short_secret_is_named_by_its_name_and_a_reference_to_one_is_not(
    layer: str, named: str, tmp_path: Path
) -> None:
    path = tmp_path / "layer.toml"
    path.write_text('[hub]\nlanguage = "nb"\n' + layer.replace("[hub]\n", ""))
    said, _ = export(path)
    assert said.status == 0, said.err
    assert (f"looks like a key: {named}" in said.out) if named else ("looks like" not in said.out), said.out


def test_in_what_homes_share_a_reference_is_refused_as_well(tmp_path: Path) -> None:
    path = tmp_path / "layer.toml"
    path.write_text('[[rule]]\ntype = "night_window"\nkey = "door"\n')
    said, out = export(path)
    assert said.status == 1 and "rule.key looks like a key" in said.err and not out.exists()


@pytest.mark.parametrize(
    "text",
    [
        "mqtts://broker-a.example:8884",
        "Europe/Oslo",
        "A4:C1:38:00:00:01",
        "22:00",
        "Inngangsdør i andre etasje",
    ],
)
def test_control_what_homes_share_is_no_key(text: str) -> None:
    assert not profile.looks_like_key(text)


def test_a_key_that_hides_in_the_certificates_stays_out(tmp_path: Path, district: Path) -> None:
    authority = Authority(tmp_path / "other")
    credentials = authority.client("hub-1")
    both = tmp_path / "ca.pem"
    both.write_bytes(credentials.key.read_bytes() + authority.path.read_bytes())
    said, out = export(district)
    assert said.status == 0 and "PRIVATE" not in out.read_text(), "only certificates go in"
    forged = profile.whole("d", {"uplink": {"ca": "d-ca.pem"}}, both.read_text())
    with pytest.raises(RefusedError, match=r"uplink\.ca looks like a key"):
        profile.read(forged, "x")


@pytest.mark.parametrize(
    ("layer", "cause"),
    [
        ({"hub": {"id": "hub-1"}}, "hub.id: found what is a home's own"),
        (
            {"platform": {"root_public_key": "root.pub"}},
            "platform.root_public_key: found what is a home's own",
        ),
        ({"uplink": {"ca": "/etc/passwd"}}, "uplink.ca: found another file"),
        ({"uplink": {"ca": "d-ca.pem"}}, "uplink.ca: found another file"),
        ({"device": [{"name": "x"}]}, "device.device: found what is a home's own"),
    ],
)
def test_what_is_not_of_a_district_is_refused_on_the_way_in(layer: dict[str, object], cause: str) -> None:
    with pytest.raises(ConfigError) as error:
        profile.read(profile.whole("d", layer, ""), "x")
    assert cause in str(error.value)


def test_what_is_no_certificate_is_told_alike_on_the_way_out_and_in(district: Path, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    said, out = export(district)
    wanted = "uplink.ca: found no certificate, expected a certificate in PEM"
    assert said.status == 2 and wanted in said.err and not out.exists()
    with pytest.raises(ConfigError) as refused:
        profile.read(profile.whole("d", {"uplink": {"ca": "d-ca.pem"}}, "none"), "x")
    assert wanted in str(refused.value)


def test_a_profile_that_was_changed_is_refused(district: Path) -> None:
    _, path = export(district)
    text = path.read_text()
    with pytest.raises(ConfigError, match=r"\(file\)") as error:
        profile.read(text.replace("broker-a", "broker-x"), "x")
    assert "changed or damaged" in error.value.found
    for wrong in ("", "[profile]\n", text[: len(text) // 2], "x" * 300_000):
        with pytest.raises(ConfigError):
            profile.read(wrong, "x")


def test_a_name_leads_out_of_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "x.profile"
    path.write_text(profile.whole("../../etc/x", {"hub": {"language": "nb"}}, ""))
    assert "profile.name: found" in bring(path, tmp_path / "home").err
    assert list((tmp_path / "home").iterdir()) == []


def test_no_profile_makes_a_home_load_the_code_of_a_package() -> None:
    drivers = [{"name": "roll", "package": "acme-drivers"}]
    text, left = profile.export({"hub": {"tenant": "oslo"}, "driver": drivers}, "district-1")
    assert "acme-drivers" not in text and left.names == ["[[driver]]"]
    with pytest.raises(ConfigError, match=r"driver\.driver"):
        profile.check_layer({"driver": drivers}, "district-1", "", "other.profile")
