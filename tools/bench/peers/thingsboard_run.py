"""Starts ThingsBoard's gateway as it starts itself, with one folder of extensions more, as its Debian package has it."""

import importlib
from pathlib import Path
from typing import Any


def main() -> None:
    """The configuration's folder is named by TB_GW_CONFIG_DIR."""
    loader: Any = importlib.import_module("thingsboard_gateway.tb_utility.tb_loader").TBModuleLoader
    loader.find_paths()
    loader.PATHS.append(str(Path(__file__).with_name("thingsboard_extensions")))
    importlib.import_module("thingsboard_gateway.tb_gateway").main()


if __name__ == "__main__":
    main()
