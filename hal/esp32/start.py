"""A start that can be taken back: a new image counts only when it has shown that it works.

The bootloader starts the other slot again where nobody confirms before the next reset (ESP-IDF, app rollback); MicroPython's
OTA builds have it. `confirm` belongs behind the self-test: clock, journal, keys, a platform that answered.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# ESP_ERR_NOT_FOUND and ESP_ERR_NOT_SUPPORTED (esp_err.h): what a bootloader without rollback says. MicroPython's reference has
# the first, protocols of other builds the second.
NO_ROLLBACK = (-261, -262)


def confirm(partition: "Any") -> bool:
    """Keep the image that runs; `partition` is `esp32.Partition`. False where the bootloader cannot roll back at all.

    Raises:
        OSError: the bootloader's own data could not be written; the next reset starts the other slot.
    """
    try:
        partition.mark_app_valid_cancel_rollback()
    except OSError as error:
        if error.args and error.args[0] in NO_ROLLBACK:
            return False
        raise
    return True
