#!/usr/bin/env python3
"""Measures the fleet, and what trust and demand cost. Each round, in turn, on fresh brokers that were warmed alike:

  memory     a backlog of pings through one worker with RocksDB on the log in memory
  kafka      the same backlog by `waybill run` and by the raw transactional forwarder; then live pings at 500/s, from
             each ping to the event that it caused and to the position that shows it, and the forwarder's one hop
  trust      a backlog of orders with nothing on, and with signatures, catalogue, demand and alerts
  timers     what a worker asks the broker while vehicles drive (once)

Medians of the rounds go to bench/results/<date>-fleet.md and .json. Run it on a machine that does nothing else.
"""
import argparse, datetime, json, os, platform, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from common import HERE, ROOT, Broker, Process, cpu, peak_mb

PARTS = ["memory", "kafka", "trust", "timers"]
PLAIN = "[demand]\nwatch = false\n"
AT_ONCE = "[fleet]\nreorder_ms = 0\n"
# Units per SKU, and how many of them may go before an alert is raised.
STOCK, SLACK = 1_000_000, 2_000


def trusting(key):
    required = f'signatures = "required"\nkeys = ["file:{key}"]\n'
    return f"[stock]\ncheck_prices = true\n[topics.orders]\n{required}[topics.restocks]\n{required}"


class Bench:
    def __init__(self, o):
        self.o = o
        self.work = tempfile.mkdtemp(prefix="waybill-bench-")
        self.log = os.path.join(self.work, "log")

    def program(self, name):
        return os.path.join(self.o.target, name)

    def run(self, name, *args):
        """Runs one of the programs; returns what its last line says."""
        with open(self.log, "ab") as log:
            out = subprocess.check_output([self.program(name), *map(str, args)], text=True, stderr=log)
        return json.loads(out.strip().splitlines()[-1]) if out.lstrip().startswith("{") else out

    def config(self, name, text):
        path = os.path.join(self.work, f"{name}.toml")
        with open(path, "w") as f:
            f.write(text)
        return path

    def broker(self, env=None):
        broker = Broker(self.work, "1g", env)
        shutil.rmtree(os.path.join(self.work, "state"), ignore_errors=True)
        return broker

    def warm(self, broker):
        """A fresh JVM spends half of its time in its compiler: some hundred transactions for whoever is measured."""
        self.run("probe", "topics", "--bootstrap", broker.address, "--partitions", 4, "--topics", "warm-in,warm-out")
        self.run("fleet-probe", "load", "--bootstrap", broker.address, "--topic", "warm-in", "--pings", self.o.warm, "--vehicles", 1000)
        self.run("ceiling", "forward", "--bootstrap", broker.address, "--hops", "warm-in,warm-out", "--adaptive", "--offsets-first",
                 "--group", "warm", "--batch", 1000, "--stop-after", self.o.warm)

    def create_topics(self, broker, config):
        subprocess.check_call([self.program("waybill"), "topics", "create", "--config", config, "--bootstrap", broker.address],
                              stdout=subprocess.DEVNULL)

    def waybill(self, broker, config):
        """Starts it; returns the process and when it was ready."""
        process = Process([self.program("waybill"), "run", "--config", config, "--bootstrap", broker.address, "--state-dir",
                           os.path.join(self.work, "state"), "--http", "off"], self.log)
        return process, process.wait_for("READY", 60)[0]

    # --- memory ---

    def memory(self):
        o, state = self.o, os.path.join(self.work, "memory-state")
        shutil.rmtree(state, ignore_errors=True)
        r = self.run("fleet-memory", "--state-dir", state, "--pings", o.pings, "--vehicles", o.vehicles)
        assert r["dead_letters"] == 0 and sum(r["verdicts"].values()) >= o.pings - o.vehicles * 9, r
        beyond = r["memory_beyond_log_mb"]
        return {
            "pings_per_s": r["pings_per_s"],
            "cpu_us_per_ping": r["cpu_us_per_ping"],
            "accepted_share": r["verdicts"].get("accepted", 0) / sum(r["verdicts"].values()),
            "state_bytes_per_vehicle": r["state"]["live_bytes_per_vehicle"],
            "file_bytes_per_vehicle": r["state"]["file_bytes_per_vehicle"],
            **{f"memory_beyond_log_mb_at_{(n + 1) * 25}": mb for n, mb in enumerate(beyond)},
        }

    # --- kafka ---

    def kafka(self, system):
        o, out = self.o, {}
        broker, process = self.broker(), None
        try:
            config = self.config("default", "")
            self.create_topics(broker, config)
            self.run("probe", "topics", "--bootstrap", broker.address, "--partitions", 4, "--topics", "forwarded")
            self.warm(broker)
            self.run("fleet-probe", "load", "--bootstrap", broker.address, "--pings", o.pings, "--vehicles", o.vehicles)
            time.sleep(2)
            before = cpu(broker.pid)
            if system == "forwarder":
                r = self.run("ceiling", "forward", "--bootstrap", broker.address, "--hops", "gps-pings,forwarded", "--adaptive",
                             "--offsets-first", "--stop-after", o.pings)
                out["pings_per_s"], out["app_cpu_us_per_ping"] = r["records_per_s"], r["app_cpu_us_per_record"]
                out["broker_cpu_us_per_ping"] = (cpu(broker.pid) - before) / o.pings * 1e6
                process = Process([self.program("ceiling"), "forward", "--bootstrap", broker.address, "--hops", "orders,order-events",
                                   "--group", "hop", "--adaptive", "--offsets-first"], self.log)
                process.wait_for("ready", 60)
                hop = self.run("probe", "paced", "--bootstrap", broker.address, "--rate", o.rate, "--secs", o.seconds, "--warmup", 5,
                               "--pid", process.pid, "--pid", broker.pid)
                out["hop_p50_ms"], out["hop_p99_ms"] = hop["latency_ms"]["p50"], hop["latency_ms"]["p99"]
            else:
                done = Process([self.program("fleet-probe"), "await", "--bootstrap", broker.address, "--timeout", "300"], self.log)
                process, ready = self.waybill(broker, config)
                at, _ = done.wait_for('"decided"', 300)
                out["pings_per_s"] = o.pings / (at - ready)
                out["app_cpu_us_per_ping"] = cpu(process.pid) / o.pings * 1e6
                out["broker_cpu_us_per_ping"] = (cpu(broker.pid) - before) / o.pings * 1e6
                out["peak_memory_mb"] = peak_mb(process.pid)
                time.sleep(3)
                self.live(broker, process, "default", out)
                process.stop()
                process, _ = self.waybill(broker, self.config("at-once", AT_ONCE))
                self.live(broker, process, "at_once", out)
        finally:
            if process:
                process.stop(signal.SIGKILL if system == "forwarder" else signal.SIGTERM)
            broker.stop()
        return out

    def live(self, broker, process, name, out):
        o = self.o
        r = self.run("fleet-probe", "paced", "--bootstrap", broker.address, "--rate", o.rate, "--secs", o.seconds, "--warmup", 20,
                     "--tail", 2 if name == "at_once" else 8, "--vehicles", o.live_vehicles, "--pid", process.pid, "--pid", broker.pid)
        print("  " + name + " events: " + json.dumps(r["by_type"]), file=sys.stderr, flush=True)
        assert r["duplicates"] == 0 and r["lost_pings"] == 0 and r["unreadable"] == 0 and r["never_shown"] == 0, r
        out[f"{name}_telling_pings"] = r["telling_pings"]
        for what in ("latency", "position"):
            for q in ("p50", "p99"):
                out[f"{name}_{what}_{q}_ms"] = r[f"{what}_ms"][q]
        out[f"{name}_position_max_ms"] = r["position_ms"]["max"]
        out[f"{name}_app_cpu_pct"], out[f"{name}_broker_cpu_pct"] = (p["cpu_pct_of_core"] for p in r["procs"])

    # --- trust ---

    def trust(self, arm):
        o, out = self.o, {}
        key = os.path.join(self.work, "orders.key")
        if not os.path.exists(key):
            subprocess.check_call([self.program("waybill"), "keys", "new", "--kind", "hmac", "--out", key], stdout=subprocess.DEVNULL)
        config = self.config("plain", PLAIN) if arm == "plain" else self.config("all", trusting(key))
        broker, process = self.broker(), None
        try:
            self.create_topics(broker, config)
            self.warm(broker)
            signed = []
            if arm == "all":
                self.run("probe", "list", "--bootstrap", broker.address, "--skus", o.skus, "--reorder-point", STOCK - SLACK)
                signed = ["--sign-key", key]
            self.run("probe", "load", "--bootstrap", broker.address, "--orders", o.orders, "--skus", o.skus, "--stock", STOCK,
                     "--seed", 1, *signed)
            time.sleep(2)
            drain = Process([self.program("probe"), "drain", "--bootstrap", broker.address, "--expect", str(o.orders), "--timeout", "180"],
                            self.log)
            began, _ = drain.wait_for("drain: ready", 30)
            before = cpu(broker.pid)
            process, ready = self.waybill(broker, config)
            _, line = drain.wait_for('"decided"', 200)
            r = json.loads(line)
            assert r["complete"] and r["duplicates"] == 0, r
            out["orders_per_s"] = o.orders / (began + r["secs"] - ready)
            out["accepted"] = r["accepted"]
            out["app_cpu_us_per_order"] = cpu(process.pid) / o.orders * 1e6
            out["broker_cpu_us_per_order"] = (cpu(broker.pid) - before) / o.orders * 1e6
            out["peak_memory_mb"] = peak_mb(process.pid)
            out["alerts"] = self.count(broker, "low-stock-alerts")
            out["dead_letters"] = self.count(broker, "dead-letters")
            assert out["dead_letters"] == 0 and (out["alerts"] > 0) == (arm == "all"), out
        finally:
            if process:
                process.stop()
            broker.stop()
        return out

    def count(self, broker, topic):
        return self.run("fleet-probe", "count", "--bootstrap", broker.address, "--topic", topic)["records"]

    # --- timers ---

    def timers(self):
        """Requests a second of one worker, by the broker's own count, with vehicles that drive and with none."""
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        name = "com.sun.management.jmxremote"
        jmx = (f"-D{name} -D{name}.port={port} -D{name}.rmi.port={port} -D{name}.host=127.0.0.1 -D{name}.authenticate=false "
               f"-D{name}.ssl=false -Djava.rmi.server.hostname=127.0.0.1")
        broker, process, out = self.broker({"JAVA_TOOL_OPTIONS": jmx}), None, {}
        try:
            config = self.config("default", "")
            self.create_topics(broker, config)
            process, _ = self.waybill(broker, config)
            time.sleep(3)
            out.update(self.asked(port, "none"))
            drive = Process([self.program("fleet-probe"), "paced", "--bootstrap", broker.address, "--rate", "50", "--vehicles", "500",
                             "--secs", "25", "--warmup", "15"], self.log)
            time.sleep(20)
            out.update(self.asked(port, "500_vehicles"))
            drive.wait_for('"telling_pings"', 60)
        finally:
            if process:
                process.stop()
            broker.stop()
        return out

    def asked(self, port, name):
        seconds = 10
        before, began = self.requests(port), time.time()
        time.sleep(seconds)
        after, span = self.requests(port), time.time() - began
        return {f"{kind}_per_s_{name}": (after[kind] - before[kind]) / span for kind in before}

    def requests(self, port):
        out = {}
        for kind in ("ListOffsets", "OffsetFetch"):
            text = subprocess.check_output(
                [os.path.join(ROOT, "scripts", "kafka.sh"), "tool", "org.apache.kafka.tools.JmxTool", "--jmx-url",
                 f"service:jmx:rmi:///jndi/rmi://127.0.0.1:{port}/jmxrmi", "--object-name",
                 f"kafka.network:type=RequestMetrics,name=RequestsPerSec,request={kind},*", "--attributes", "Count", "--one-time"],
                text=True, stderr=subprocess.DEVNULL)
            # A line of names, a line of values; the first is the time.
            lines = [line for line in text.splitlines() if "," in line]
            out[kind] = sum(float(value) for value in lines[-1].split(",")[1:])
        return out


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--target", required=True, help="folder with the programs waybill, probe, ceiling, fleet-probe and fleet-memory")
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--parts", default=",".join(PARTS))
    a.add_argument("--pings", type=int, default=2_000_000)
    a.add_argument("--vehicles", type=int, default=10_000)
    a.add_argument("--rate", type=int, default=500, help="live pings a second")
    a.add_argument("--live-vehicles", type=int, default=2_500)
    a.add_argument("--seconds", type=int, default=15, help="of each latency run")
    a.add_argument("--orders", type=int, default=200_000)
    a.add_argument("--skus", type=int, default=5_000)
    a.add_argument("--warm", type=int, default=300_000, help="records that warm each broker")
    a.add_argument("--out", default=os.path.join(HERE, "results"))
    o = a.parse_args()
    parts = o.parts.split(",")
    bench, runs, began = Bench(o), {}, time.time()
    steps = {"memory": [("memory", bench.memory)],
             "kafka": [(s, lambda s=s: bench.kafka(s)) for s in ("waybill", "forwarder")],
             "trust": [(arm, lambda arm=arm: bench.trust(arm)) for arm in ("plain", "all")],
             "timers": [("timers", bench.timers)]}
    for n in range(o.rounds):
        for part in parts:
            for name, step in steps[part]:
                if part == "timers" and n > 0:
                    continue
                print(f"round {n + 1}/{o.rounds}: {name}", file=sys.stderr, flush=True)
                result = step()
                print("  " + json.dumps({k: round(v, 3) for k, v in result.items()}), file=sys.stderr, flush=True)
                runs.setdefault(name, []).append(result)
    median = {name: {k: statistics.median(r[k] for r in rs) for k in rs[0]} for name, rs in runs.items()}
    write(o, runs, median, time.time() - began)
    shutil.rmtree(bench.work, ignore_errors=True)


def verdicts(median):
    """(what, measured, asked, whether it holds) of each target."""
    rows, memory, trust = [], median.get("memory"), (median.get("all"), median.get("plain"))
    if memory:
        at = [memory[f"memory_beyond_log_mb_at_{q}"] for q in (25, 50, 75, 100)]
        rows.append(("pings a second in memory with RocksDB", f"{memory['pings_per_s']:,.0f}", "≥ 150,000", memory["pings_per_s"] >= 150_000))
        rows.append(("state of a vehicle, bytes", f"{memory['state_bytes_per_vehicle']:.0f}", "≤ 400", memory["state_bytes_per_vehicle"] <= 400))
        rows.append(("memory beyond the log at 25, 50, 75, 100 %, MB", " · ".join(f"{mb:.0f}" for mb in at), "flat: ≤ 10 % more at the end than at half",
                     at[3] <= at[1] * 1.1))
    if "waybill" in median and "forwarder" in median:
        ours, floor = median["waybill"], median["forwarder"]
        share = ours["pings_per_s"] / floor["pings_per_s"]
        rows.append(("backlog on Kafka, share of the forwarder's", f"{share:.2f}", "≥ 0.40", share >= 0.4))
        for q in ("p50", "p99"):
            times = ours[f"at_once_latency_{q}_ms"] / floor[f"hop_{q}_ms"]
            rows.append((f"ping to event, {q}, reorder_ms = 0, times the forwarder's hop", f"{times:.2f}", "≤ 3", times <= 3))
        for q in ("p50", "p99"):
            beyond = ours[f"default_latency_{q}_ms"] - 5000
            rows.append((f"ping to event, {q}, beyond the default's wait of 5 s, ms", f"{beyond:.0f}", "", None))
        rows.append(("ping to position, p99, reorder_ms = 0, ms", f"{ours['at_once_position_p99_ms']:.0f}", "≤ 1,000 and a hop",
                     ours["at_once_position_p99_ms"] <= 1000 + 3 * floor["hop_p99_ms"]))
    if all(trust):
        share = trust[0]["orders_per_s"] / trust[1]["orders_per_s"]
        rows.append(("orders with signatures, catalogue, demand, alerts: share of those without", f"{share:.2f}", "≥ 0.70", share >= 0.7))
    return rows


def write(o, runs, median, seconds):
    date = datetime.date.today().isoformat()
    command = f"bench/fleet/run.sh {o.rounds}" + ("" if o.parts == ",".join(PARTS) else f" --parts {o.parts}")
    sizes = {k: getattr(o, k) for k in ("pings", "vehicles", "rate", "live_vehicles", "seconds", "orders", "skus", "warm")}
    os.makedirs(o.out, exist_ok=True)
    with open(os.path.join(o.out, f"{date}-fleet.json"), "w") as f:
        json.dump({"date": date, "command": command, **sizes, "runs": runs, "median": median}, f, indent=1)
    lines = [f"# {date}, fleet", "",
             f"`{command}`: {o.pings:,} pings of {o.vehicles:,} vehicles; {o.rate} live pings a second of {o.live_vehicles:,} vehicles with "
             f"shipments; {o.orders:,} orders, {o.skus:,} SKUs. One worker, one broker, {os.cpu_count()} cores ({platform.machine()}) for all; "
             f"medians of {o.rounds} rounds in turn, fresh brokers warmed by {o.warm:,} forwarded records; {seconds / 60:.0f} minutes.", "",
             "| | measured | asked | |", "|---|---|---|---|"]
    for what, measured, asked, holds in verdicts(median):
        lines.append(f"| {what} | {measured} | {asked} | {'' if holds is None else 'yes' if holds else '**no**'} |")
    for title, names in (("In memory", ["memory"]), ("On Kafka", ["waybill", "forwarder"]), ("Trust and demand", ["plain", "all"]),
                         ("Timers", ["timers"])):
        names = [name for name in names if name in median]
        if not names:
            continue
        lines += ["", f"## {title}", "", "| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
        for key in dict.fromkeys(k for name in names for k in median[name]):
            lines.append(f"| {key} | " + " | ".join(f"{median[n][key]:,.2f}" if key in median[n] else "–" for n in names) + " |")
    text = "\n".join(lines) + "\n"
    with open(os.path.join(o.out, f"{date}-fleet.md"), "w") as f:
        f.write(text)
    print(text)


if __name__ == "__main__":
    main()
