#!/usr/bin/env python3
"""Measures Waybill, the Kafka Streams peer and the raw transactional forwarder in turn, each round on fresh brokers.

Each broker first serves backlogs of the same size that do not count: a JVM that has just started spends most of its CPU
in its compiler (after one backlog still half of it, after three a third), and a broker in production has not just started.

Same load (probe's: 2.55 lines an order, Zipf over the SKUs), same broker, same machine; medians of the rounds. The
forwarder keeps no state and takes one hop: it is the floor of what a transaction costs, not a competitor.
Writes bench/results/<date>.json and .md. Run it on a machine that does nothing else.
"""
import argparse, datetime, json, os, platform, shutil, signal, statistics, subprocess, sys, tempfile, time

from common import HERE, Broker, Process, cpu, peak_mb

TOPICS = "orders,payments,restocks,stock-counts,order-events,stock-commands,stock-replies"


class Bench:
    def __init__(self, o):
        self.o = o
        self.work = tempfile.mkdtemp(prefix="waybill-bench-")
        self.log = os.path.join(self.work, "log")

    def probe(self, *args):
        out = subprocess.check_output([os.path.join(self.o.target, "probe"), *map(str, args)], text=True, stderr=subprocess.DEVNULL)
        return json.loads(out.strip().splitlines()[-1]) if out.strip().startswith("{") else out

    def start(self, system, broker, state, extra=()):
        """Starts one of the systems; returns (process, seconds from start to ready)."""
        began = time.time()
        if system == "waybill":
            process = Process([os.path.join(self.o.target, "waybill"), "run", "--bootstrap", broker.address, "--state-dir", state,
                               "--config", os.path.join(HERE, "orders.toml"), "--http", "off", *extra], self.log)
            ready, _ = process.wait_for("READY", 60)
        elif system == "kafka-streams":
            process = Process([os.path.join(HERE, "kafka-streams", "run.sh"), "--bootstrap", broker.address, "--state-dir", state,
                               "--commit-ms", "100", *extra], self.log)
            ready, _ = process.wait_for("READY", 120)
        else:
            process = Process([os.path.join(self.o.target, "ceiling"), "forward", "--bootstrap", broker.address, "--hops",
                               "orders,order-events", "--adaptive", "--offsets-first", *extra], self.log)
            ready, _ = process.wait_for("ready", 60)
        return process, ready - began

    def topics(self, system, broker):
        if system == "waybill":
            subprocess.check_call([os.path.join(self.o.target, "waybill"), "topics", "create", "--bootstrap", broker.address],
                                  stdout=subprocess.DEVNULL)
        else:
            self.probe("topics", "--bootstrap", broker.address, "--partitions", 4, "--topics", TOPICS)

    def round(self, system):
        o, out = self.o, {}
        broker = Broker(self.work, "1g")
        state = os.path.join(self.work, "state")
        shutil.rmtree(state, ignore_errors=True)
        process = None
        try:
            self.topics(system, broker)
            if system != "forwarder":
                for n in range(o.warm):
                    self.warm(system, broker, state, f"warm-{n}-")
                self.probe("load", "--bootstrap", broker.address, "--orders", o.orders, "--skus", o.skus, "--stock", 1_000_000_000, "--seed", 1)
                time.sleep(3)
                drain = Process([os.path.join(o.target, "probe"), "drain", "--bootstrap", broker.address, "--expect", str(o.orders),
                                 "--timeout", "180"], self.log)
                drain.wait_for("drain: ready", 30)
                drain_began, b0 = time.time(), cpu(broker.pid)
                process, out["start_to_ready_s"] = self.start(system, broker, state)
                ready = time.time()
                _, line = drain.wait_for('"decided"', 200)
                result = json.loads(line)
                assert result["complete"] and result["duplicates"] == 0, result
                done = drain_began + result["secs"]
                out["accepted"] = result["accepted"]
                # From ready; what was decided before it is in the numerator and its time is not: bounded by the start.
                out["backlog_orders_per_s"] = o.orders / max(done - ready, 1e-3)
                out["backlog_orders_per_s_from_start"] = o.orders / (done - ready + out["start_to_ready_s"])
                out["app_cpu_us_per_order"] = cpu(process.pid) / o.orders * 1e6
                out["broker_cpu_us_per_order"] = (cpu(broker.pid) - b0) / o.orders * 1e6
                drain.stop()
                time.sleep(2)
            else:
                process, _ = self.start(system, broker, state)
            for rate in (50, 500):
                extra = [] if system == "forwarder" else ["--stock", 1000000]
                paced = self.probe("paced", "--bootstrap", broker.address, "--rate", rate, "--secs", o.seconds, "--warmup", 3, "--skus", o.skus,
                                   "--pid", process.pid, "--pid", broker.pid, *extra)
                assert system == "forwarder" or (paced["lost"] == 0 and paced["duplicates"] == 0), paced
                out[f"p50_ms_at_{rate}"] = paced["latency_ms"]["p50"]
                out[f"p99_ms_at_{rate}"] = paced["latency_ms"]["p99"]
                out[f"app_cpu_pct_at_{rate}"] = paced["procs"][0]["cpu_pct_of_core"]
                out[f"broker_cpu_pct_at_{rate}"] = paced["procs"][1]["cpu_pct_of_core"]
            out["peak_memory_mb"] = peak_mb(process.pid)
            if system != "forwarder":
                out.update(self.crash(system, broker, state, process))
                process = None
        finally:
            if process:
                process.stop(signal.SIGKILL if system == "forwarder" else signal.SIGTERM)
            broker.stop()
        return out

    def warm(self, system, broker, state, prefix):
        """A backlog that is not measured."""
        self.probe("load", "--bootstrap", broker.address, "--orders", self.o.orders, "--skus", self.o.skus, "--stock", 1_000_000_000,
                   "--seed", 2, "--id-prefix", prefix)
        drain = Process([os.path.join(self.o.target, "probe"), "drain", "--bootstrap", broker.address, "--expect", str(self.o.orders),
                         "--timeout", "180"], self.log)
        drain.wait_for("drain: ready", 30)
        process, _ = self.start(system, broker, state)
        drain.wait_for('"decided"', 200)
        drain.stop()
        process.stop()

    def crash(self, system, broker, state, process):
        """SIGKILL, then a new start with an order already waiting: when is it answered?"""
        process.stop(signal.SIGKILL)
        waiting = Process([os.path.join(self.o.target, "probe"), "drain", "--bootstrap", broker.address, "--expect", "1", "--timeout", "60"], self.log)
        waiting.wait_for("drain: ready", 30)
        began = time.time()
        self.probe("load", "--bootstrap", broker.address, "--orders", 1, "--skus", 1, "--id-prefix", f"crash-{began}-")
        sent = time.time()
        again, ready = self.start(system, broker, state)
        _, line = waiting.wait_for('"decided"', 90)
        answered = began + json.loads(line)["secs"]
        again.stop()
        waiting.stop()
        return {"restart_to_ready_s": ready, "restart_to_first_decision_s": answered - sent}


SYSTEMS = ["waybill", "kafka-streams", "forwarder"]


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("--target", required=True, help="folder with the programs waybill, probe and ceiling")
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--orders", type=int, default=200_000)
    a.add_argument("--skus", type=int, default=5_000)
    a.add_argument("--seconds", type=int, default=20, help="of each latency run")
    a.add_argument("--warm", type=int, default=3, help="backlogs that each broker serves before it counts")
    a.add_argument("--systems", default=",".join(SYSTEMS))
    o = a.parse_args()
    bench = Bench(o)
    systems = o.systems.split(",")
    runs = {system: [] for system in systems}
    for n in range(o.rounds):
        for system in systems:
            print(f"round {n + 1}/{o.rounds}: {system}", file=sys.stderr, flush=True)
            result = bench.round(system)
            print("  " + json.dumps({k: round(v, 2) for k, v in result.items()}), file=sys.stderr, flush=True)
            runs[system].append(result)
    median = {s: {k: statistics.median(r[k] for r in rs if k in r) for k in rs[0]} for s, rs in runs.items()}
    write(o, runs, median)


def write(o, runs, median):
    date = datetime.date.today().isoformat()
    command = f"bench/run.sh {o.rounds}"
    os.makedirs(os.path.join(HERE, "results"), exist_ok=True)
    with open(os.path.join(HERE, "results", f"{date}.json"), "w") as f:
        json.dump({"date": date, "command": command, "orders": o.orders, "skus": o.skus, "runs": runs, "median": median}, f, indent=1)
    cpus = os.cpu_count()
    lines = [f"# {date}", "", f"`{command}`: {o.orders:,} orders, {o.skus:,} SKUs, one broker, {cpus} cores ({platform.machine()}) for all; "
             f"medians of {o.rounds} rounds, the systems in turn, after {o.warm} backlog(s) to warm each broker. One Waybill worker "
             "(bench/orders.toml); Kafka Streams tuned (2 threads).", "",
             "| | " + " | ".join(median) + " | waybill ÷ kafka-streams |", "|---" * (len(median) + 2) + "|"]
    keys = list(dict.fromkeys(k for m in median.values() for k in m))
    for key in keys:
        cells = [f"{median[s][key]:,.1f}" if key in median[s] else "–" for s in median]
        both = all(key in median.get(s, {}) for s in ("waybill", "kafka-streams"))
        ratio = f"{median['waybill'][key] / median['kafka-streams'][key]:.3f}" if both and median["kafka-streams"][key] else "–"
        lines.append(f"| {key} | " + " | ".join(cells) + f" | {ratio} |")
    text = "\n".join(lines) + "\n"
    with open(os.path.join(HERE, "results", f"{date}.md"), "w") as f:
        f.write(text)
    print(text)


main()
