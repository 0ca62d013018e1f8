"""Many tabs on many sessions, with agents that emit: how much memory the daemon takes, and whether
tabs that read nothing slow down the others.

    load.py [--tabs N] [--sessions N] [--rate N] [--seconds N] [--stalled N] SESSIOND
"""

import argparse
import os
import resource
import selectors
import sys
import time

from daemon import Daemon, Tab

START_SECONDS = 0.15  # what an interpreter may take, on a busy machine
AGENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'metronome.py')


class Reader:
    """A tab that counts what arrives, and how late, without looking at each word of it."""

    def __init__(self, tab):
        self.link, self.rest, self.count, self.delays = tab.link, tab.buffer, 0, []
        self.link.setblocking(False)

    def read(self):
        try:
            data = self.link.recv(1 << 16)
        except BlockingIOError:
            return
        if not data:
            raise EOFError
        now = time.time()
        pieces = (self.rest + data).split(b'"at":')
        for piece in pieces[1:-1]:
            self.note(piece, now)
        last = pieces[-1]
        if len(pieces) > 1 and b'}' in last:
            self.note(last, now)
            self.rest = last[last.index(b'}') + 1:][-64:]
        else:
            self.rest = (b'"at":' + last if len(pieces) > 1 else last)[-64:]

    def note(self, piece, now):
        self.count += 1
        self.delays.append(now - float(piece[:piece.index(b'}')]))


def memory_kb(pid):
    with open('/proc/%d/status' % pid) as status:
        return {line.split(':')[0]: int(line.split()[1]) for line in status
                if line.startswith(('VmRSS', 'VmHWM'))}


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)] if values else 0


def main():
    parser = argparse.ArgumentParser()
    for name, value in (('tabs', 2000), ('sessions', 200), ('rate', 10), ('seconds', 20),
                        ('stalled', 20)):
        parser.add_argument('--' + name, type=int, default=value)
    order = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    options = {'agent.bot': '%s %s' % (sys.executable, AGENT), 'max_conns': order.tabs + 100,
               'max_conns_per_session': 64, 'log_level': 'info', 'gate_timeout': '1h',
               'heartbeat': '10m', 'heartbeat_timeout': '1h',   # its tabs never say anything
               'auto_create': 'on_start', 'max_handshakes': 1000, 'max_conns_per_user': order.tabs + 100, 'drain_time': '30s'}
    with Daemon(**options) as daemon:
        empty = memory_kb(daemon.process.pid)['VmRSS']
        names = ['s%d' % (number % order.sessions) for number in range(order.tabs)]
        tabs = []
        for name in names:
            tabs.append(Tab(daemon, session=name))
            tabs[-1].hello()
        idle = memory_kb(daemon.process.pid)['VmRSS']
        # All at once, when all are there: how long programs take to start is not what is measured.
        begin = time.time() + order.sessions * START_SECONDS
        for name in names[:order.sessions]:
            status, answer = daemon.run(name, rate=order.rate, seconds=order.seconds, begin=begin)
            assert status == 201, answer
        readers = [Reader(tab) for tab in tabs[order.stalled:]]
        selector = selectors.DefaultSelector()
        for reader in readers:
            selector.register(reader.link, selectors.EVENT_READ, reader)
        until = time.monotonic() + max(0, begin - time.time()) + order.seconds + 5
        while time.monotonic() < until:
            for key, _ in selector.select(0.1):
                key.data.read()
        peak = memory_kb(daemon.process.pid)['VmHWM']
        delays = [delay * 1000 for reader in readers for delay in reader.delays]
        alone = [delay * 1000 for reader, name in zip(readers, names[order.stalled:])
                 for delay in reader.delays if int(name[1:]) >= order.stalled]
        print('%d tabs on %d sessions, %d of them reading nothing; %d events arrived' % (
            order.tabs, order.sessions, order.stalled, len(delays)))
        expected = order.rate * order.seconds * len(readers)
        print('of %d that were sent to those who read' % expected)
        print('memory: %d MiB empty, %d MiB with all tabs, %d MiB at most' % (
            empty >> 10, idle >> 10, peak >> 10))
        print('delay: median %.0f ms, 99 of 100 within %.0f ms; in sessions without stalled tabs '
              '%.0f and %.0f ms' % (percentile(delays, 50), percentile(delays, 99),
                                    percentile(alone, 50), percentile(alone, 99)))
        print('stopped with status %d' % daemon.stop())


if __name__ == '__main__':
    main()
