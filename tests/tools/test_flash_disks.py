"""Which disks may be written: cards in a reader, and nothing that the machine runs from, however it is put together."""

import contextlib
from pathlib import Path

import pytest

from tests.tools.flash_bench import MadeMachine
from tools.flash.disks import LARGEST, Disks, gigabytes
from tools.flash.errors import FlashError


@pytest.fixture
def machine(tmp_path: Path) -> MadeMachine:
    return MadeMachine(tmp_path)


def refused(machine: MadeMachine, name: str) -> str:
    with pytest.raises(FlashError) as error:
        machine.disks().judged(name)
    return str(error.value)


def test_a_card_in_a_reader_and_one_in_a_slot_are_offered_and_nothing_else(machine: MadeMachine) -> None:
    machine.card()
    machine.disk("mmcblk0", "179:0", "platform/mmc_host/mmc0/mmc0:aaaa", kind="SD", partitions=2)
    machine.disk("mmcblk1", "179:8", "platform/mmc_host/mmc1/mmc1:0001", kind="MMC")
    machine.disk("nvme0n1", "259:0", "pci0000:00/nvme/nvme0")
    machine.disk("sdc", "8:32", "pci0000:00/usb1/1-3/host7", size=4 * 10**12, model="Backup")
    machine.card("sdd", "8:48", size=0)
    machine.disk("loop0", "7:0", "virtual")
    assert [(card.name, card.bus) for card in machine.disks().cards()] == [("mmcblk0", "sd"), ("sdb", "usb")]
    assert machine.disks().judged("/dev/sdb").size == machine.disks().judged("sdb").size == 16 << 30
    assert "only cards and sticks" in refused(machine, "/dev/mmcblk1")
    assert "only cards and sticks" in refused(machine, "/dev/nvme0n1")
    assert "only cards and sticks" in refused(machine, "/dev/sdc")
    assert "only cards and sticks" in refused(machine, "/dev/sdd")


def test_the_disk_beneath_the_root_is_found_through_its_volumes_and_never_written(
    machine: MadeMachine,
) -> None:
    assert [disk.name for disk in machine.disks().all() if disk.system] == ["sda"]
    assert "runs from" in refused(machine, "/dev/sda")


@pytest.mark.parametrize("where", ["/", "/boot", "/boot/firmware", "/boot/efi", "/home", "/var", "/usr"])
def test_a_card_that_the_machine_runs_from_is_hidden(tmp_path: Path, where: str) -> None:
    machine = MadeMachine(tmp_path)
    machine.disk("mmcblk0", "179:0", "platform/mmc_host/mmc0/mmc0:aaaa", kind="SD", partitions=2)
    machine.mount(where, "179:2", "/dev/mmcblk0p2")
    assert machine.disks().cards() == []
    assert "runs from" in refused(machine, "/dev/mmcblk0")


def test_a_stick_with_an_encrypted_root_is_hidden(machine: MadeMachine) -> None:
    machine.card(partitions=2)
    machine.disk("dm-1", "254:1", "virtual")
    machine.under("dm-1", "sdb2")
    machine.disk("dm-2", "254:2", "virtual")
    machine.under("dm-2", "dm-1")
    machine.mount("/home", "254:2", "/dev/dm-2")
    assert "runs from" in refused(machine, "/dev/sdb")


def test_a_file_system_with_a_number_of_its_own_is_found_by_its_source(machine: MadeMachine) -> None:
    machine.card()
    machine.mount("/home", "0:42", "/dev/sdb1")  # as btrfs says
    assert "runs from" in refused(machine, "/dev/sdb")


def test_swap_hides_a_disk(machine: MadeMachine) -> None:
    machine.card()
    machine.swaps.write_text(machine.swaps.read_text() + "/dev/sdb1 partition 100 0 -2\n")
    assert "runs from" in refused(machine, "/dev/sdb")


def test_where_the_disk_of_the_root_cannot_be_told_no_card_is_offered(machine: MadeMachine) -> None:
    machine.card()
    machine.mounts = ["20 1 0:42 / / rw - overlay overlay rw"]
    machine.mount("/boot", "8:1", "/dev/sda1")
    for ask in (Disks.all, Disks.cards):
        with pytest.raises(FlashError, match="cannot be told"):
            ask(machine.disks())


def test_what_is_in_use_write_protected_or_of_another_size_is_refused_with_the_next_action(
    machine: MadeMachine,
) -> None:
    machine.card()
    machine.mount("/media/ola/boot\\040fs", "8:17", "/dev/sdb1")
    machine.card("sdc", "8:32", read_only=True)
    machine.card("sdd", "8:48", size=LARGEST + 512)
    machine.card("sde", "8:64", size=1 << 19)
    assert refused(machine, "/dev/sdb") == (
        "/dev/sdb is in use at /media/ola/boot fs: eject it there, and leave it in the reader"
    )
    assert "small slide" in refused(machine, "/dev/sdc")
    assert "300.0 GB" in refused(machine, "/dev/sdd")
    assert "0.5 MB" in refused(machine, "/dev/sde")
    assert "--list" in refused(machine, "/dev/sdb1")
    assert "--list" in refused(machine, "/dev/null")


def test_control_a_machine_without_mount_points_of_the_system_would_offer_its_disk(
    machine: MadeMachine,
) -> None:
    """What hides the disk is what is mounted, and nothing else: the same card, mounted nowhere, is offered."""
    machine.card()
    assert [card.name for card in machine.disks().cards()] == ["sdb"]
    machine.mount("/usr", "8:17", "/dev/sdb1")
    assert machine.disks().cards() == []


def test_this_machine_offers_no_disk_that_it_runs_from() -> None:
    offered = []
    with contextlib.suppress(
        FlashError
    ):  # in a container the disk of `/` cannot be told, and none is offered
        offered = Disks().cards()
    mounted = Path("/proc/self/mountinfo").read_text().splitlines()
    root = next(line.partition(" - ")[2].split()[1] for line in mounted if line.split()[4] == "/")
    assert not any(root.startswith(f"/dev/{card.name}") for card in offered)


def test_sizes_are_said_as_cards_are_labelled() -> None:
    assert [gigabytes(size) for size in (31_914_983_424, 16 << 30, 5 << 20)] == [
        "31.9 GB",
        "17.1 GB",
        "5.2 MB",
    ]
