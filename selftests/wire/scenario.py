# SPDX-License-Identifier: GPL-2.0
"""The language of docs/scenarios.md, parsed: files into scenarios, lines into
events. Knows nothing of sockets and segments on a wire.
"""
import re
from dataclasses import dataclass, field

KEYS = {"covers", "lanes", "linux", "tolerance", "known"}
FLAGS = "FSRP.UEW"
ANY = "*"
ECN = {"noecn": 0, "ect1": 1, "ect0": 2, "ce": 3}	# IP's ECN field
STAR_SECONDS = 200	# how long "*" may last

MARK = re.compile(r"\[(toytcp|linux|kunit|wire)\]")
ROW = re.compile(r"((?:\[\w+\]\s*)*)---")


class Wrong(Exception):
    """A line or a file that is not in the language."""


@dataclass
class Line:
    file: str
    number: int
    text: str

    def __str__(self):
        return f"{self.file}:{self.number}"


@dataclass
class Scenario:
    name: str
    line: Line
    lines: list = field(default_factory=list)	# macros replaced, marks not yet
    header: dict = field(default_factory=dict)
    wrong: str = ""		# why it cannot run
    marks: list = field(default_factory=list)	# of a table's row: who sees it
    marked_table: bool = False	# rows of its table have such marks

    @property
    def lanes(self):
        return self.header.get("lanes", "kunit wire").replace(",", " ").split()

    @property
    def differs(self):
        """Why Linux differs, or None"""
        word, _, why = self.header.get("linux", "same").partition(",")
        if word.strip() == "same":
            return None
        return why.strip()

    def seen(self, family):
        return all(mark in (family, "wire") for mark in self.marks)

    def marked(self):
        """Do marks say what the difference is?"""
        return self.marked_table or any({"linux", "toytcp"} & set(MARK.findall(line.text))
                                       for line in self.lines)


@dataclass
class Event:
    line: Line
    kind: str			# inject expect icmp call silence state info counter sysctl renumber
    delta: float = 0.0		# after the event before it; of a range its beginning
    until: float = None		# the end of a range
    star: bool = False		# at any time
    peer: int = 1
    data: object = None


@dataclass
class Packet:
    flags: str
    seq: int
    length: int
    seq_absolute: bool = False
    ack: int = None
    ack_absolute: bool = False
    win: int = None
    urg: int = None
    ecn: int = None		# IP's ECN field
    options: list = None	# (word, values...); None: any
    ip: dict = field(default_factory=dict)


@dataclass
class Call:
    name: str
    args: list
    result: object		# int or ANY
    error: str = ""


# --- files --------------------------------------------------------------------

def logical_lines(path):
    """Without comments; continued lines made one. A header line is kept."""
    name = path.rsplit("/", 1)[-1]
    with open(path, encoding="ascii") as file:
        number, text, start = 0, "", 0
        for raw in file:
            number += 1
            raw = raw.rstrip("\n")
            if not text:
                start = number
            if raw.endswith("\\"):
                text += raw[:-1] + " "
                continue
            text += raw
            if not text.startswith("#"):
                text = re.sub(r"(^|\s)//.*", "", text)
            if text.strip():
                yield Line(name, start, text.rstrip())
            text = ""


def load(paths):
    """All scenarios of these files, in order"""
    blocks, macros, tables = [], {}, []
    for path in paths:
        block = None
        for line in logical_lines(path):
            opening = re.fullmatch(r"===\s+(?:(macro|table)\s+)?([a-z0-9_]{1,100})", line.text)
            if opening:
                kind, name = opening.groups()
                block = Scenario(name, line)
                if kind == "macro":
                    macros[name] = block
                else:
                    blocks.append(block)
                    if kind == "table":
                        tables.append(block)
            elif line.text.startswith("==="):
                raise Wrong(f"{line}: no block: {line.text}")
            elif line.text.startswith("#"):
                key = re.match(r"#\s*(\w+):\s*(.*)", line.text)
                if block and not block.lines and key and key[1] in KEYS:
                    old = block.header.get(key[1])
                    block.header[key[1]] = f"{old}, {key[2]}" if old else key[2]
            elif block is None:
                raise Wrong(f"{line}: before the first block")
            else:
                block.lines.append(line)
    scenarios = []
    for block in blocks:
        scenarios += rows(block) if any(block is t for t in tables) else [block]
    names = set()
    for scenario in scenarios:
        # a row for each family may have the same name
        key = scenario.name, tuple(scenario.marks)
        if key in names:
            raise Wrong(f"{scenario.line}: {scenario.name} is there twice")
        names.add(key)
        try:
            scenario.lines = list(expand(scenario.lines, macros, 0))
            if scenario.differs == "":
                raise Wrong("linux: differs, but not why")
        except Wrong as wrong:
            scenario.wrong = str(wrong)
    return scenarios


def expand(lines, macros, depth):
    if depth > 16:
        raise Wrong("macros use each other")
    for line in lines:
        use = re.fullmatch(r"((?:\[\w+\]\s*)*)use\s+([a-z0-9_]+)", line.text.strip())
        if not use:
            yield line
            continue
        if use[2] not in macros:
            raise Wrong(f"{line}: no macro {use[2]}")
        for inner in expand(macros[use[2]].lines, macros, depth + 1):
            yield Line(inner.file, inner.number, use[1] + inner.text)


def rows(table):
    """A table's scenarios"""
    common = [line for line in table.lines if not ROW.match(line.text)]
    marked = any(MARK.search(row[1]) for row in (ROW.match(line.text) for line in table.lines)
                 if row)
    for line in table.lines:
        row = ROW.match(line.text)
        if not row:
            continue
        text = line.text[row.end():]
        cells = [cell.strip() for cell in text.split("|")]
        # flags of a call have bars as well, without blanks
        if len(cells) != 4:
            cells = [cell.strip() for cell in re.split(r"\s\|\s", text)]
        scenario = Scenario(f"{table.name}__{cells[0]}", line, list(common), dict(table.header),
                            marks=MARK.findall(row[1]), marked_table=marked)
        if len(cells) != 4:
            scenario.wrong = f"{line}: a row has 4 cells"
        else:
            scenario.lines += row_lines(line, cells)
        yield scenario


def row_lines(line, cells):
    def add(text):
        lines.append(Line(line.file, line.number, text))

    def add_all(cell, sign):
        for text in filter(None, (part.strip() for part in cell.split(";"))):
            marks = re.match(r"(?:\[(?:toytcp|linux|kunit|wire)\]\s*)*", text)[0]
            text = text[len(marks):]
            complete = re.match(r"[+*]|\w+\(|\d?[<>]", text)
            add(marks + (text if complete else f"+0 {sign} {text}"))

    lines = []
    add_all(cells[1], "<")
    if cells[2] != "-":
        add_all(cells[2], ">")
    add("+0 silence")
    if cells[3] != "-":
        add(f"+0 assert state == {cells[3]}")
    return lines


# --- lines ----------------------------------------------------------------------

TIME = re.compile(r"\+(\d*\.?\d*)(?:\s*~\s*\+?(\d*\.?\d*))?(?=\s|$)|\*(?=\s)")
PACKET = re.compile(r"""(?:\[(?P<ecn>noecn|ect0|ect1|ce)\]\s*)?
    (?P<flags>[FSRPp.UEW]+|-)\s+
    (?P<at>@?)(?P<seq>-?\d+):@?(?P<end>-?\d+)\((?P<len>\d+)\)
    (?:\s+ack\s+(?P<ack_at>@?)(?P<ack>-?\d+))?
    (?:\s+win\s+(?P<win>\d+))?
    (?:\s+urg\s+(?P<urg>\d+))?
    (?:\s*<(?P<options>[^>]*)>)?
    (?:\s*\{(?P<ip>[^}]*)\})?\s*$""", re.X)
ICMP = re.compile(r"""icmp\s+unreachable\s+(?P<code>\w+)(?:\s+mtu\s+(?P<mtu>\d+))?
    \s+\[(?P<seq>-?\d+):(?P<end>-?\d+)\((?P<len>\d+)\)\]
    (?:\s*\{(?P<ip>[^}]*)\})?\s*$""", re.X)
CALL = re.compile(r"(\w+)\((.*)\)\s*=\s*(-?\d+|\*)\s*([A-Z0-9]+)?\s*(?:\(.*\))?\s*$")


def events(scenario, family, lane="wire"):
    """What a family sees of a scenario"""
    return [event(line, text) for line, text in visible(scenario, family, lane)]


def visible(scenario, family, lane):
    for line in scenario.lines:
        text, seen = line.text.strip(), True
        while mark := re.match(r"\[(toytcp|linux|kunit|wire)\]\s*", text):
            seen = seen and mark[1] in (family, lane)
            text = text[mark.end():]
        if seen and text:
            yield line, text


def event(line, text):
    result = Event(line, "")
    time = TIME.match(text)
    if time:
        if time[0] == ANY:
            result.star = True
        else:
            result.delta = float(time[1] or 0)
            if time[2] is not None:
                result.until = float(time[2])
        text = text[time.end():].strip()
    try:
        parse(result, text)
    except (ValueError, KeyError) as wrong:
        raise Wrong(f"{line}: {text}: {wrong}") from wrong
    if (result.star or result.until is not None) and result.kind != "expect":
        raise Wrong(f"{line}: only an expected segment has a range of time")
    return result


def parse(result, text):
    if direction := re.match(r"(\d?)\s*([<>])\s*", text):
        result.peer = int(direction[1] or 1)
        rest = text[direction.end():]
        if direction[2] == "<" and rest.startswith("icmp"):
            result.kind, result.data = "icmp", icmp(rest)
        else:
            result.kind = "inject" if direction[2] == "<" else "expect"
            result.data = packet(rest, result.kind)
    elif text == "silence":
        result.kind = "silence"
    elif state := re.fullmatch(r"(?:(\d)\s+)?assert\s+state\s*==\s*(\w+)", text):
        result.kind, result.peer, result.data = "state", int(state[1] or 1), state[2]
    elif counter := re.fullmatch(r"assert\s+counter\s+(\w+)\s*([=!<>]=?)\s*(\d+)", text):
        result.kind, result.data = "counter", (counter[1], counter[2], int(counter[3]))
    elif info := re.fullmatch(r"assert\s+(\d+)\s+(.*)", text):
        tests = [re.fullmatch(r"(tcpi_\w+)\s*([=!<>]=?)\s*(\w+)", test.strip())
                 for test in info[2].split(",")]
        if not all(tests):
            raise ValueError("not a test of tcp_info")
        result.kind, result.data = "info", (int(info[1]), [test.groups() for test in tests])
    elif sysctl := re.fullmatch(r"sysctl\s+(\w+)\s*=\s*(.*)", text):
        result.kind, result.data = "sysctl", sysctl.groups()
    elif renumber := re.fullmatch(r"(?:(\d)\s+)?renumber", text):
        result.kind, result.peer = "renumber", int(renumber[1] or 1)
    elif call := CALL.fullmatch(text):
        result.kind = "call"
        result.data = Call(call[1], arguments(call[2]),
                           ANY if call[3] == ANY else int(call[3]), call[4] or "")
    else:
        raise ValueError("no event")


def packet(text, kind):
    match = PACKET.fullmatch(text)
    if not match:
        raise ValueError("no segment")
    found = Packet("" if match["flags"] == "-" else match["flags"], int(match["seq"]),
                   int(match["len"]), bool(match["at"]))
    if int(match["end"]) != found.seq + found.length:
        raise ValueError("END is not SEQ + LEN")
    if match["ack"] is not None:
        found.ack, found.ack_absolute = int(match["ack"]), bool(match["ack_at"])
    if kind != "expect" and "p" in found.flags:
        raise ValueError("p is for what is expected")
    if kind == "expect" and ("." in found.flags) != (found.ack is not None):
        raise ValueError("ack and '.' belong together")
    found.win = None if match["win"] is None else int(match["win"])
    found.urg = None if match["urg"] is None else int(match["urg"])
    found.ecn = None if match["ecn"] is None else ECN[match["ecn"]]
    if match["options"] is None or match["options"].strip() != "...":
        found.options = [option(word.split())
                         for word in (match["options"] or "").split(",") if word.strip()]
    found.ip = attributes(match["ip"])
    return found


def attributes(text):
    """{ttl 1, df 0, bad_checksum}: words, with a value or without"""
    pairs = (word.split(None, 1) for word in (text or "").split(",") if word.strip())
    return {pair[0]: pair[1].strip() if len(pair) > 1 else "1" for pair in pairs}


def option(words):
    word, values = words[0], words[1:]

    def number(value):
        return ANY if value == ANY else int(value)
    if word in ("nop", "eol", "sackOK") and not values:
        return (word,)
    if word in ("mss", "wscale") and len(values) == 1:
        return word, number(values[0])
    if word == "TS" and len(values) == 4 and values[0] == "val" and values[2] == "ecr":
        return word, number(values[1]), number(values[3])
    if word == "sack" and values:
        return (word, *(tuple(map(int, block.split(":"))) for block in values))
    if word == "FO" and len(values) <= 1:
        cookie = "".join(values)
        return word, cookie if cookie in (ANY, "cookie") else bytes.fromhex(cookie)
    if word == "raw":
        return word, bytes.fromhex("".join(values))
    raise ValueError(f"no option {word}")


def icmp(text):
    match = ICMP.fullmatch(text)
    if not match:
        raise ValueError("no ICMP message")
    return {"code": match["code"], "mtu": int(match["mtu"] or 0), "seq": int(match["seq"]),
            "len": int(match["len"]), "ip": attributes(match["ip"])}


TOKEN = re.compile(r"\s*(\.\.\.|[\[\]{},=|]|-?\w+|\*)")


def arguments(text):
    """The arguments of a call: "...", words, [ ] as a list, { } as a dict"""
    tokens, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if not match:
            raise ValueError(f"in the arguments: {text[at:]}")
        tokens.append(match[1])
        at = match.end()
    values = sequence(tokens, None)
    return values


def sequence(tokens, end):
    values = []
    while tokens and tokens[0] != end:
        values.append(value(tokens))
        if tokens and tokens[0] == ",":
            tokens.pop(0)
    if end:
        if not tokens:
            raise ValueError(f"{end} is missing")
        tokens.pop(0)
    return values


def value(tokens):
    token = tokens.pop(0)
    if token == "[":
        return sequence(tokens, "]")
    if token == "{":
        fields = {}
        while tokens and tokens[0] != "}":
            key = tokens.pop(0)
            if tokens.pop(0) != "=":
                raise ValueError("NAME=VALUE")
            fields[key] = value(tokens)
            if tokens and tokens[0] == ",":
                tokens.pop(0)
        if not tokens:
            raise ValueError("} is missing")
        tokens.pop(0)
        return fields
    while tokens and tokens[0] == "|":
        token += tokens.pop(0) + tokens.pop(0)
    return token


def duration(listed):
    """About how many seconds these events take"""
    return sum(1 if event.star else event.until or event.delta for event in listed)
