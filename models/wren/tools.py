"""The tools of the cold room, as the model sees them, in the order the board lists them."""

OPERATORS = ["<", "<=", ">", ">=", "=="]


def _tool(name, summary, properties):
    """One tool in the OpenAI form, which is what the runtime hands to the chat template."""
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    function = {"name": name, "description": summary, "parameters": parameters}
    return {"type": "function", "function": function}


def _integer(low, high):
    return {"type": "integer", "minimum": low, "maximum": high}


TOOLS = [
    _tool("read_room", "read air, ice, door, compressor and fan of the cold room", {}),
    _tool("set_compressor", "switch the compressor on or off", {"on": {"type": "boolean"}}),
    _tool("set_fan", "set the fan speed", {"percent": _integer(0, 100)}),
    _tool("run_defrost", "run the defrost heater", {"seconds": _integer(60, 1800)}),
    _tool("dose_antifreeze", "dose antifreeze into the drain pan", {"pulses": _integer(1, 5)}),
    _tool(
        "compare",
        "compare two numbers",
        {
            "value": {"type": "number"},
            "operator": {"type": "string", "enum": OPERATORS},
            "limit": {"type": "number"},
        },
    ),
    _tool("wait", "wait for some time", {"seconds": _integer(1, 86400)}),
    _tool("log", "write a line to the log", {"text": {"type": "string"}}),
    _tool("alert", "alert the operator", {"text": {"type": "string"}}),
]

# Other wordings of the summaries. Training mixes them, so that the model does not lean on one.
SUMMARIES = {
    "read_room": ["read the room", "reads all sensors", "air, ice, door, compressor, fan", "state of the room"],
    "set_compressor": ["set the compressor", "compressor on or off", "turns the compressor on or off"],
    "set_fan": ["fan speed in percent", "sets the fan", "run the fan at a speed"],
    "run_defrost": ["melt the ice", "start the heater for some seconds", "defrost the evaporator once"],
    "dose_antifreeze": ["dose the drain pan", "pulses of the antifreeze pump", "keep melt water from freezing"],
    "compare": ["compare a value with a limit", "true or false", "is value operator limit true"],
    "wait": ["sleep for seconds", "let time pass", "wait, survives a power cut"],
    "log": ["append a note", "log a text", "write down a text"],
    "alert": ["send an alert", "tell the operator", "warn a person"],
}
