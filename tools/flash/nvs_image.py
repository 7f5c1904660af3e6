"""What a board knows before its first start, as an image of its non-volatile storage: blobs that `hal.esp32.nvs.Nvs` reads.

    gateway, tenant, token      texts; the token as it was printed
    root                        32 bytes, the municipality's public root key
    wifi_name, wifi_password    texts
    enrol, ca, config           of the district's profile: address of the enrolment server, DER, a configuration (firmware/told.py)

The identity is not here: a board makes it at its first start, and no key leaves it. The storage is not encrypted (docs/firmware.md).
"""

import io

from hal.esp32.nvs import LARGEST, LARGEST_TOLD, LONGEST_NAME
from tools.flash.errors import FlashError

NAMESPACE = "trygg"
SECTOR = 0x1000
LARGE = ("ca", "config")
IDENTITY = b"identity\0"  # how an entry's name begins where a board has made its keys


def image(values: dict[str, bytes], size: int) -> bytes:
    """An image of `size` bytes, the partition's. Raises FlashError: more than fits."""
    from esp_idf_nvs_partition_gen import nvs_partition_gen as generator

    for entry, value in values.items():
        most = LARGEST_TOLD if entry in LARGE else LARGEST
        if len(entry) > LONGEST_NAME or len(value) > most:
            raise FlashError(f"{entry} has {len(value)} bytes, and a board reads {most}: shorten it")
    made = io.BytesIO()
    try:
        # Version 2 is that of ESP-IDF 4 and later. The last sector stays blank: the driver needs one to move things to.
        with generator.nvs_open(made, size - SECTOR, generator.Page.VERSION2) as storage:
            generator.write_entry(storage, NAMESPACE, "namespace", "", "")
            for name, value in sorted(values.items()):
                generator.write_entry(storage, name, "data", "hex2bin", value.hex())
    except generator.InsufficientSizeError as error:
        raise FlashError("the settings do not fit into the board's storage: shorten them") from error
    return made.getvalue().ljust(size, b"\xff")


def is_in_use(content: bytes) -> bool:
    """Whether a board has made its keys there: it is somebody's gateway, and may hold what nobody has receipted."""
    return IDENTITY in content
