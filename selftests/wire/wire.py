#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The wire lane: scenarios (docs/scenarios.md) through a TUN device, against
AF_TOYTCP and, unchanged, against the kernel's TCP; and a random walk of both.

Usage: wire.py [OPTION]... FILE...
  --family toytcp|linux  only this one (default: both)
  --match REGEX          scenarios whose name matches
  --limit SECONDS        leave out what lasts longer
  --workers N            processes, with a scenario each at a time
  --seconds N            begin no scenario after so long; the order is drawn
                         from the seed, so that all have their turn
  --fuzz SECONDS         then walk at random, see fuzz.py
  --walks N              at most so many
  --seed N               of both; printed
  --differences          only print docs/linux-differences.md
  --verbose              the segments of those that pass, too

Prints a line for each scenario and family, as selftests/lib.sh wants it.
"""
import argparse
import os
import random
import re
import struct
import sys
import time
import traceback

sys.dont_write_bytecode = True	# the tree stays as it is
# pylint: disable=wrong-import-position
import fuzz
import scenario as language
from host import FAMILIES, Host
from run import Run, warm_up

AGAIN = 5		# so often in all, if it fails by time alone
ALONE = 3		# of one that failed beside others
EXCUSED = 5		# runs of the kernel's TCP that a slow machine may spoil


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--family", choices=tuple(FAMILIES), action="append")
    parser.add_argument("--match", default="")
    parser.add_argument("--limit", type=float, default=4)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--fuzz", type=float, default=0)
    parser.add_argument("--walks", type=int, default=1000000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--differences", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("files", nargs="+")
    return parser.parse_args()


class Task:
    """A scenario and a family"""

    def __init__(self, scenario, family):
        self.scenario, self.family = scenario, family
        self.name = f"{family}: {scenario.name}"
        self.wrong, self.events, self.seconds = scenario.wrong, [], 0.0
        self.learns = False
        if not self.wrong:
            try:
                self.events = language.events(scenario, family)
                self.seconds = language.duration(self.events)
                # what the host learns of a peer, no other scenario may know
                self.learns = any(word[0] == "FO" for event in self.events
                                  for word in getattr(event.data, "options", None) or [])
            except language.Wrong as wrong:
                self.wrong = str(wrong)

    def run(self, hosts, number, patience):
        """On a host of its own, or on one of these"""
        if self.learns:
            host = Host(self.family)
        else:
            host = hosts.get(self.family) or hosts.setdefault(self.family, Host(self.family))
        run = Run(host, self.scenario, self.events, number, patience)
        why = run.run()
        if self.learns:
            host.close()
        return run, why

    def judge(self, why):
        """The lines to print, of why it failed or of None"""
        known = self.scenario.header.get("known") if self.family == "toytcp" else None
        differs = self.scenario.differs
        if known:
            if why is None:
                return f"not ok {self.name} - does not fail, though known: {known}"
            return f"# known: {self.name}: {known}"
        if self.family == "linux" and differs and not self.scenario.marked():
            if why is None:
                return f"not ok {self.name} - does not differ, though said to: {differs}"
            return f"ok {self.name}"
        if why is None:
            return f"ok {self.name}"
        first, *rest = why.splitlines()
        return "\n".join([f"not ok {self.name} - {first}"] + [f"#   {line}" for line in rest])


def say(text):
    """Whole, though several processes write"""
    os.write(1, (text + "\n").encode())


def alone(tasks, numbers):
    """
    Those that failed while others ran beside them, one at a time: what fails by
    itself, fails here as well; what failed because a processor that all shared
    kept a timer waiting, or let one run out, does not.
    """
    hosts, excused = {}, 0
    for number in numbers:
        task = tasks[number]
        for again in range(ALONE):
            _, why = task.run(hosts, number + (AGAIN + again) * len(tasks), AGAIN)
            said = task.judge(why)
            if not said.startswith("not ok"):
                break
        # It is the measure, and not what is measured: a few that its own timers
        # spoil say nothing of AF_TOYTCP, many say that the headers are wrong.
        if said.startswith("not ok") and task.family == "linux" and excused < EXCUSED:
            excused += 1
            said = "\n".join("# " + line for line in said.splitlines())
        say(said)


def work(tasks, queue, failed, verbose, end):
    """Take numbers of tasks from the pipe until there are none; say which failed."""
    hosts = {}
    late = 0
    while taken := os.read(queue, 4):
        if time.monotonic() > end:
            late += 1
            continue
        number = struct.unpack("=I", taken)[0]
        task = tasks[number]
        why = task.wrong
        if not why:
            try:
                for again in range(AGAIN):
                    # other ports each time, and more patience
                    run, why = task.run(hosts, number + again * len(tasks), again + 1)
                    if not run.late or again == AGAIN - 1:
                        break
                    say(f"# {task.name}: {why.splitlines()[0]}; again")
            except Exception:	# pylint: disable=broad-except
                why = "the runner: " + traceback.format_exc().strip().splitlines()[-1] + \
                    "\n" + traceback.format_exc()
            if verbose and why is None:
                say("\n".join(f"#   +{at:.6f} {text}" for at, text in run.log))
        said = task.judge(why)
        if said.startswith("not ok") and why and not task.wrong:
            os.write(failed, taken)
            say(f"# {task.name}: {why.splitlines()[0]}; alone at the end")
            continue
        say(said)
    if late:
        say(f"# {late} were not begun for want of time")


def walk(options):
    """The random walk, as one case"""
    hosts = [Host(family) for family in ("toytcp", "linux")]
    walks, steps, justified, unknown = fuzz.fuzz(hosts, options.seed, options.fuzz,
                                                 options.walks)
    for reason, count in sorted(justified.items()):
        say(f"# {count} times: {reason}")
    said = f"{walks} walks, {steps} steps"
    if unknown:
        say(f"not ok random walk - {unknown} differences without a reason in {said}, "
            f"seed {options.seed}")
    else:
        say(f"# {said}, seed {options.seed}")
        say("ok random walk")


def differences(scenarios):
    """docs/linux-differences.md"""
    print("# Where Linux does otherwise on the wire\n\n"
          "Generated: `selftests/wire/wire.py --differences kunit/scenarios/*.pkt "
          "selftests/wire/*.pkt`.\nWhat the kernel's TCP does, of the scenarios' headers; "
          "each is run against both.\n\n| scenario or table | Linux |\n| --- | --- |")
    seen = set()
    for scenario in scenarios:
        name = scenario.name.partition("__")[0]
        if scenario.differs and name not in seen:
            seen.add(name)
            print(f"| `{name}` ({scenario.line.file}) | {scenario.differs} |")
    print("\nAnd what a random walk of both may show (`selftests/wire/fuzz.py`): "
          "what AF_TOYTCP does.\n")
    for reason, _ in fuzz.KNOWN:
        print(f"- {reason}")


def main():
    options = arguments()
    try:
        scenarios = language.load(options.files)
    except (language.Wrong, OSError) as wrong:
        say(f"not ok files - {wrong}")
        return 1
    if options.differences:
        differences(scenarios)
        return 0
    tasks, late = [], 0
    for scenario in scenarios:
        if "wire" not in scenario.lanes or not re.search(options.match, scenario.name):
            continue
        for family in options.family or FAMILIES:
            if not scenario.seen(family):
                continue
            task = Task(scenario, family)
            if task.seconds > options.limit:
                late += 1
            else:
                tasks.append(task)
    if late:
        say(f"# {late} left out that last longer than {options.limit:g} s")
    random.Random(options.seed).shuffle(tasks)
    # Those that no other lane has first, in case that not all have their turn;
    # then the longest, so that none of them is alone at the end.
    tasks.sort(key=lambda task: ("kunit" in task.scenario.lanes, -int(task.seconds)))
    say(f"# tolerances are multiplied by {warm_up():.1f}")
    start = time.monotonic()
    take, give = os.pipe()
    failures, failed = os.pipe()
    children = []
    for _ in range(options.workers):
        child = os.fork()
        if not child:
            os.close(give)
            try:
                os.close(failures)
                work(tasks, take, failed, options.verbose, start + options.seconds)
            except Exception:	# pylint: disable=broad-except
                say(f"not ok a worker - {traceback.format_exc().splitlines()[-1]}")
                traceback.print_exc()
            os._exit(0)
        children.append(child)
    os.close(take)
    os.close(failed)
    os.write(give, b"".join(struct.pack("=I", i) for i in range(len(tasks))))
    os.close(give)
    status, numbers = 0, []
    while word := os.read(failures, 4):
        numbers += struct.unpack("=I", word)
    for child in children:
        status |= os.waitpid(child, 0)[1]
    alone(tasks, numbers)
    say(f"# {len(tasks)} runs of scenarios in {time.monotonic() - start:.1f} s, "
        f"{len(numbers)} of them again, alone")
    if options.fuzz:
        walk(options)
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
