"""What the benchmarks share: processes whose output is waited for, brokers of their own, what /proc says of both."""
import os, shutil, signal, subprocess, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
HZ = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / HZ


def peak_mb(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


class Process:
    """A child whose output lines are kept with the time they came."""

    def __init__(self, args, log):
        self.lines, self.changed = [], threading.Condition()
        self.log = open(log, "ab")
        self.child = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.pid = self.child.pid
        self.readers = [threading.Thread(target=self._read, args=(s,), daemon=True) for s in (self.child.stdout, self.child.stderr)]
        for reader in self.readers:
            reader.start()

    def _read(self, stream):
        for line in stream:
            self.log.write(line.encode())
            with self.changed:
                self.lines.append((time.time(), line.rstrip()))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def wait_for(self, word, timeout):
        end = time.time() + timeout
        with self.changed:
            while True:
                # Asked before: what a child says last is read after it has ended.
                ended = not any(reader.is_alive() for reader in self.readers)
                for at, line in self.lines:
                    if word in line:
                        return at, line
                if time.time() > end or ended:
                    raise RuntimeError(f"no {word!r} from {self.child.args[0]}: {self.lines[-5:]}")
                self.changed.wait(0.2)

    def stop(self, sig=signal.SIGTERM):
        if self.child.poll() is None:
            self.child.send_signal(sig)
        self.child.wait(60)
        self.log.flush()


class Broker:
    def __init__(self, work, heap, env=None):
        self.dir = os.path.join(work, "kafka")
        shutil.rmtree(self.dir, ignore_errors=True)
        args = [os.path.join(ROOT, "scripts", "kafka.sh"), "start", "--dir", self.dir, "--port", "0", "--fresh", "--heap", heap,
                "--while", str(os.getpid())]
        self.address = subprocess.check_output(args, text=True, env={**os.environ, **(env or {})}).strip().splitlines()[-1]
        self.pid = int(open(os.path.join(self.dir, "pid")).read())

    def stop(self):
        subprocess.call([os.path.join(ROOT, "scripts", "kafka.sh"), "stop", "--dir", self.dir], stdout=subprocess.DEVNULL)
