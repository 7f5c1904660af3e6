"""The object table of BTHome v2, one row an object. Source: bthome.io, format page, revision 0cf388b.

A value's name is the specification's object name in snake case plus its unit; a unit is spelled `m_s2`, `ug_m3`.
Where the specification puts the unit into the name ("mass (kg)") it stands once.
"""

# How a value is laid out. The reader tells forms apart by this order: numbers, flags, own readers; TEXT and RAW last.
UNSIGNED, SIGNED, FLAG, VERSION, TIMESTAMP, BUTTON, DIMMER, COMMAND, TEXT, RAW = range(10)

# id: (name, form, bytes, factor's digits, factor's exponent). A number is raw * digits * 10 ** exponent; the
# exponent stays as it is (0.35 is 35 * 10 ** -2). For TEXT, RAW and COMMAND `bytes` is their shortest form.
OBJECTS: "dict[int, tuple[str, int, int, int, int]]" = {
    0x00: ("packet_id", UNSIGNED, 1, 1, 0),
    # measured numbers
    0x01: ("battery_pct", UNSIGNED, 1, 1, 0),
    0x02: ("temperature_c", SIGNED, 2, 1, -2),
    0x03: ("humidity_pct", UNSIGNED, 2, 1, -2),
    0x04: ("pressure_hpa", UNSIGNED, 3, 1, -2),
    0x05: ("illuminance_lx", UNSIGNED, 3, 1, -2),
    0x06: ("mass_kg", UNSIGNED, 2, 1, -2),
    0x07: ("mass_lb", UNSIGNED, 2, 1, -2),
    0x08: ("dewpoint_c", SIGNED, 2, 1, -2),
    0x09: ("count", UNSIGNED, 1, 1, 0),
    0x0A: ("energy_kwh", UNSIGNED, 3, 1, -3),
    0x0B: ("power_w", UNSIGNED, 3, 1, -2),
    0x0C: ("voltage_v", UNSIGNED, 2, 1, -3),
    0x0D: ("pm2_5_ug_m3", UNSIGNED, 2, 1, 0),
    0x0E: ("pm10_ug_m3", UNSIGNED, 2, 1, 0),
    0x12: ("co2_ppm", UNSIGNED, 2, 1, 0),
    0x13: ("tvoc_ug_m3", UNSIGNED, 2, 1, 0),
    0x14: ("moisture_pct", UNSIGNED, 2, 1, -2),
    0x2E: ("humidity_pct", UNSIGNED, 1, 1, 0),
    0x2F: ("moisture_pct", UNSIGNED, 1, 1, 0),
    0x3D: ("count", UNSIGNED, 2, 1, 0),
    0x3E: ("count", UNSIGNED, 4, 1, 0),
    0x3F: ("rotation_deg", SIGNED, 2, 1, -1),
    0x40: ("distance_mm", UNSIGNED, 2, 1, 0),
    0x41: ("distance_m", UNSIGNED, 2, 1, -1),
    0x42: ("duration_s", UNSIGNED, 3, 1, -3),
    0x43: ("current_a", UNSIGNED, 2, 1, -3),
    0x44: ("speed_m_s", UNSIGNED, 2, 1, -2),
    0x45: ("temperature_c", SIGNED, 2, 1, -1),
    0x46: ("uv_index", UNSIGNED, 1, 1, -1),
    0x47: ("volume_l", UNSIGNED, 2, 1, -1),
    0x48: ("volume_ml", UNSIGNED, 2, 1, 0),
    0x49: ("volume_flow_rate_m3_h", UNSIGNED, 2, 1, -3),
    0x4A: ("voltage_v", UNSIGNED, 2, 1, -1),
    0x4B: ("gas_m3", UNSIGNED, 3, 1, -3),
    0x4C: ("gas_m3", UNSIGNED, 4, 1, -3),
    0x4D: ("energy_kwh", UNSIGNED, 4, 1, -3),
    0x4E: ("volume_l", UNSIGNED, 4, 1, -3),
    0x4F: ("water_l", UNSIGNED, 4, 1, -3),
    0x50: ("timestamp", TIMESTAMP, 4, 1, 0),
    0x51: ("acceleration_m_s2", UNSIGNED, 2, 1, -3),
    0x52: ("gyroscope_deg_s", UNSIGNED, 2, 1, -3),
    0x53: ("text", TEXT, 1, 1, 0),
    0x54: ("raw", RAW, 1, 1, 0),
    0x55: ("volume_storage_l", UNSIGNED, 4, 1, -3),
    0x56: ("conductivity_us_cm", UNSIGNED, 2, 1, 0),
    0x57: ("temperature_c", SIGNED, 1, 1, 0),
    0x58: ("temperature_c", SIGNED, 1, 35, -2),
    0x59: ("count", SIGNED, 1, 1, 0),
    0x5A: ("count", SIGNED, 2, 1, 0),
    0x5B: ("count", SIGNED, 4, 1, 0),
    0x5C: ("power_w", SIGNED, 4, 1, -2),
    0x5D: ("current_a", SIGNED, 2, 1, -3),
    0x5E: ("direction_deg", UNSIGNED, 2, 1, -2),
    0x5F: ("precipitation_mm", UNSIGNED, 2, 1, -1),
    0x60: ("channel", UNSIGNED, 1, 1, 0),
    0x61: ("rotational_speed_rpm", UNSIGNED, 2, 1, 0),
    0x62: ("speed_signed_m_s", SIGNED, 4, 1, -6),
    0x63: ("acceleration_signed_m_s2", SIGNED, 4, 1, -6),
    0x64: ("light_level", UNSIGNED, 1, 1, 0),
    0x65: ("settings_revision", UNSIGNED, 1, 1, 0),
    # states: one byte, 1 is the second word of the specification (open, detected, low, wet, on)
    0x0F: ("generic_boolean", FLAG, 1, 1, 0),
    0x10: ("power", FLAG, 1, 1, 0),
    0x11: ("opening", FLAG, 1, 1, 0),
    0x15: ("battery", FLAG, 1, 1, 0),  # true is low
    0x16: ("battery_charging", FLAG, 1, 1, 0),
    0x17: ("carbon_monoxide", FLAG, 1, 1, 0),
    0x18: ("cold", FLAG, 1, 1, 0),
    0x19: ("connectivity", FLAG, 1, 1, 0),
    0x1A: ("door", FLAG, 1, 1, 0),
    0x1B: ("garage_door", FLAG, 1, 1, 0),
    0x1C: ("gas", FLAG, 1, 1, 0),
    0x1D: ("heat", FLAG, 1, 1, 0),
    0x1E: ("light", FLAG, 1, 1, 0),
    0x1F: ("lock", FLAG, 1, 1, 0),  # true is unlocked
    0x20: ("moisture", FLAG, 1, 1, 0),
    0x21: ("motion", FLAG, 1, 1, 0),
    0x22: ("moving", FLAG, 1, 1, 0),
    0x23: ("occupancy", FLAG, 1, 1, 0),
    0x24: ("plug", FLAG, 1, 1, 0),
    0x25: ("presence", FLAG, 1, 1, 0),
    0x26: ("problem", FLAG, 1, 1, 0),
    0x27: ("running", FLAG, 1, 1, 0),
    0x28: ("safety", FLAG, 1, 1, 0),  # true is safe
    0x29: ("smoke", FLAG, 1, 1, 0),
    0x2A: ("sound", FLAG, 1, 1, 0),
    0x2B: ("tamper", FLAG, 1, 1, 0),
    0x2C: ("vibration", FLAG, 1, 1, 0),
    0x2D: ("window", FLAG, 1, 1, 0),
    # events
    0x3A: ("button", BUTTON, 1, 1, 0),
    0x3B: ("command", COMMAND, 2, 1, 0),
    0x3C: ("dimmer", DIMMER, 2, 1, 0),
    # about the device
    0xF0: ("device_type_id", UNSIGNED, 2, 1, 0),
    0xF1: ("firmware_version", VERSION, 4, 1, 0),
    0xF2: ("firmware_version", VERSION, 3, 1, 0),
}

# 0x81 is not in revision 0cf388b of the specification; bthome-ble 3.25.0 reads it so. Neither it nor 0x00 is a press.
BUTTON_EVENTS = {
    0x00: "none",
    0x01: "press",
    0x02: "double_press",
    0x03: "triple_press",
    0x04: "long_press",
    0x05: "long_double_press",
    0x06: "long_triple_press",
    0x80: "hold_press",
    0x81: "hold_release",
}
NO_PRESS = ("none", "hold_release")

DIMMER_EVENTS = {0x00: "none", 0x01: "rotate_left", 0x02: "rotate_right"}
COMMANDS = {0x00: "off", 0x01: "on", 0x02: "toggle", 0x03: "step_up", 0x04: "step_down"}
