"""kill -9 of the daemon at random moments under load: nothing that was acknowledged to an agent is
lost, nothing comes twice, and tabs that come back with their cursors have seen all of it.

    test_kill.py [--kills N] [--seed N] SESSIOND      5 kills, seed 1
"""

import argparse
import os
import random
import sys
import threading
import time

from daemon import PATIENCE, Daemon, Refused, Tab

SESSIONS = ['s1', 's2', 's3']
# A tab that was away gets all of it, however much that is.
ROOM = {'history_max_events': 1000000, 'replay_max_events': 1000000, 'max_runs_per_session': 1024,
        'store_max_events': 1000000, 'history_max_bytes': 1 << 30, 'heartbeat_timeout': '3s',
        'heartbeat': '1s'}


class Follower(threading.Thread):
    """A tab that comes back with its cursor whenever its connection ends."""

    def __init__(self, daemon, session):
        super().__init__()
        self.daemon_under_test, self.session = daemon, session
        self.tab, self.stopping, self.comings, self.problem = None, False, 0, None

    def run(self):
        while not self.stopping and self.problem is None:
            try:
                self.follow()
            except AssertionError as problem:
                self.problem = problem
            except (OSError, EOFError, Refused):
                time.sleep(0.005)

    def follow(self):
        tab = Tab(self.daemon_under_test, session=self.session)
        try:
            previous, self.tab = self.tab, self.tab or tab
            tab.link.settimeout(PATIENCE)
            if previous is not None:
                tab.events = previous.events
            tab.hello(previous if previous is not None and previous.epoch else None)
            self.comings += 1
            self.tab = tab
            while not self.stopping:
                tab.receive()
        finally:
            # What was applied stays applied, also if the link died inside the replay.
            if tab.epoch:
                self.tab = tab
            tab.close()


def start_runs(daemon, life):
    for session in SESSIONS:
        acked = daemon.path('acked-%s-%d' % (session, life))
        status, answer = daemon.run(session, 'life-%d' % life, n=1000000, every=1, acked=acked)
        assert status == 201, answer


def check(daemon, session, follower, lives):
    events = daemon.history(session)
    assert [event['seq'] for event in events] == list(range(1, len(events) + 1))
    tokens = {}
    for event in events:
        if event['type'] == 'token':
            name = (event['payload']['run'], event['payload']['n'])
            assert name not in tokens, '%s is stored twice in %s' % (name, session)
            tokens[name] = event['seq']
    acknowledged = 0
    for life in range(lives):
        for line in daemon.read('acked-%s-%d' % (session, life)).splitlines(True):
            if not line.endswith('\n'):
                continue
            number, seq = map(int, line.split())
            assert tokens.get((life + 1, number)) == seq, \
                'event %d of run %d was acknowledged as %d in %s, and is %s' % (
                    number, life + 1, seq, session, tokens.get((life + 1, number)))
            acknowledged += 1
    applied = [(event[1], event[2], event[3]) for event in follower.tab.events]
    assert len({event[0] for event in follower.tab.events}) == 1, 'the epoch has changed'
    assert applied == [(event['seq'], event['type'], event['payload']) for event in events], \
        'the tab of %s has applied something else than what is stored' % session
    return acknowledged, len(events)


def await_comings(followers):
    """Every tab is there before the first kill, so that it has to come back afterwards."""
    until = time.monotonic() + PATIENCE
    while any(follower.comings == 0 and follower.problem is None for follower in followers):
        assert time.monotonic() < until, 'not every tab was let in'
        time.sleep(0.01)


def await_interruptions(daemon, session, lives):
    until = time.monotonic() + PATIENCE
    told = set()
    while len(told) < lives:
        assert time.monotonic() < until, 'only %s were told as interrupted' % sorted(told)
        told = {event['payload']['key'] for event in daemon.history(session)
                if event['type'] == 'run_state' and event['payload']['state'] == 'interrupted'}


def await_heads(daemon, followers):
    until = time.monotonic() + PATIENCE
    for follower in followers:
        head = len(daemon.history(follower.session))
        while follower.problem is None and (
                follower.tab is None or follower.tab.cursor < head):
            assert time.monotonic() < until, 'the tab of %s is at %s of %d' % (
                follower.session, follower.tab and follower.tab.cursor, head)
            time.sleep(0.02)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--kills', type=int, default=5)
    parser.add_argument('--seed', type=int, default=1)
    order = parser.parse_args()
    chance = random.Random(order.seed)
    began = time.monotonic()
    with Daemon(log_level='info', **ROOM) as daemon:
        start_runs(daemon, 0)
        followers = [Follower(daemon, session) for session in SESSIONS]
        for follower in followers:
            follower.start()
        try:
            await_comings(followers)
            for life in range(1, order.kills + 1):
                time.sleep(chance.uniform(0.05, 0.5))
                daemon.kill()
                daemon.start()
                if life < order.kills:
                    start_runs(daemon, life)
            for session in SESSIONS:
                await_interruptions(daemon, session, order.kills)
            await_heads(daemon, followers)
        finally:
            for follower in followers:
                follower.stopping = True
            for follower in followers:
                follower.join()
        for follower in followers:
            assert follower.problem is None, follower.problem
        sums = [check(daemon, follower.session, follower, order.kills) for follower in followers]
        comings = sum(follower.comings for follower in followers)
        assert comings >= len(SESSIONS) * 2, 'no tab ever came back'
        assert daemon.stop() == 0
    print('%d kills, %d events, %d acknowledged, tabs came %d times: nothing lost, nothing twice; '
          '%.0f s' % (order.kills, sum(pair[1] for pair in sums), sum(pair[0] for pair in sums),
                      comings, time.monotonic() - began))


if __name__ == '__main__':
    main()
