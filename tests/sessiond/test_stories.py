"""What a user of the daemon does, over real sockets."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from daemon import PATIENCE, Daemon, Tab


def is_running(pid):
    try:
        with open('/proc/%d/stat' % pid) as file:
            return file.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except OSError:
        return False


class Stories(unittest.TestCase):

    def test_start_attach_follow(self):
        with Daemon() as daemon:
            status, accepted = daemon.run(n=5, every=5)
            self.assertEqual((status, accepted['type'], accepted['run']), (201, 'accepted', 1))
            tab = Tab(daemon)
            ready = tab.hello()
            self.assertEqual((ready['session'], ready['recovered']), ('s1', False))
            while not tab.events or tab.events[-1][2:] != (
                    'run_state', {'run': 1, 'key': '1', 'agent': 'bot', 'state': 'completed'}):
                tab.receive()
            self.assertEqual([event[3]['n'] for event in tab.events if event[2] == 'token'],
                             [0, 1, 2, 3, 4])
            # The same key names the same run, whatever is asked for.
            self.assertEqual(daemon.run(n=9), (200, {'type': 'accepted', 'run': 1, 'key': '1',
                                                     'state': 'completed'}))
            self.assertEqual([event['seq'] for event in daemon.history(limit=2)],
                             [event[1] for event in tab.events])
            self.assertEqual(daemon.stop(), 0)

    def test_a_tab_comes_back_with_its_cursor(self):
        with Daemon() as daemon:
            daemon.run(n=10, every=5)
            first = Tab(daemon)
            first.hello()
            while first.cursor < 4:
                first.receive()
            first.close()
            daemon.await_end()
            second = Tab(daemon)
            self.assertTrue(second.hello(previous=first)['recovered'])
            self.assertEqual([event[1] for event in second.events], list(range(1, 13)))
            self.assertEqual(daemon.stop(), 0)

    def test_questions_are_answered_once(self):
        with Daemon() as daemon:
            daemon.run(ask='confirmation')
            tab, other = Tab(daemon), Tab(daemon)
            tab.hello()
            other.hello()
            prompt = daemon.await_event('request_confirmation')['payload']
            self.assertEqual((prompt['id'], prompt['text']), ('question', 'may I?'))
            tab.send('confirm', prompt=prompt['prompt'], value=True)
            tab.expect('told')
            other.send('confirm', prompt=prompt['prompt'], value=False)
            self.assertIn(other.expect('error')['code'], ('conflict', 'not_found', 'stale'))
            told = daemon.await_event('told')['payload']
            self.assertEqual((told['type'], told['id'], told['outcome']),
                             ('answer', 'question', 'approved'))
            daemon.run(key='2', ask='user_input')
            prompt = tab.expect('request_user_input')['payload']
            tab.send('user_input', prompt=prompt['prompt'], values={'colour': 'red'})
            self.assertEqual(tab.expect('told')['payload']['values'], {'colour': 'red'})
            self.assertEqual(daemon.await_end(key='2'), 'completed')
            self.assertEqual(daemon.stop(), 0)

    def test_a_cancelled_agent_is_gone_with_its_children(self):
        with Daemon(agent_grace='100ms') as daemon:
            daemon.run(child=daemon.path('child'), stubborn=True, wait=True)
            tab = Tab(daemon)
            tab.hello()
            daemon.await_event('waiting')
            child = int(daemon.read('child'))
            self.assertTrue(is_running(child))
            tab.send('cancel', run=1)
            self.assertEqual(daemon.await_end(), 'cancelled')
            self.assertFalse(is_running(child))
            self.assertEqual(daemon.stop(), 0)

    def test_server_sent_events(self):
        with Daemon() as daemon:
            daemon.run(n=4)
            daemon.await_end()

            def read_stream(extra):
                link = daemon.connect()
                link.sendall(('GET /sessions/s1/events HTTP/1.1\r\nHost: x\r\nAuthorization: '
                              'Bearer %s\r\n%s\r\n' % (daemon.token(), extra)).encode())
                text = b''
                while b'state_replay_complete' not in text:
                    piece = link.recv(4096)
                    self.assertTrue(piece, text)
                    text += piece
                link.close()
                return [event.split('\n')[0] for event in text.decode().split('id: ')[1:]
                        if '"seq":' in event]

            every = read_stream('')
            self.assertEqual(len(every), 6)
            self.assertEqual(read_stream('Last-Event-ID: %s\r\n' % every[2]), every[3:])
            self.assertEqual(daemon.stop(), 0)

    def test_how_an_agent_ends_is_told(self):
        with Daemon(**{'agent.missing': '/no/such/program'}) as daemon:
            daemon.run(key='good')
            daemon.run(key='bad', exit=3)
            daemon.run(key='none', agent='missing')
            daemon.run(key='nobody', agent='unheard_of')
            self.assertEqual([daemon.await_end(key=key)
                              for key in ('good', 'bad', 'none', 'nobody')],
                             ['completed', 'failed', 'failed', 'failed'])
            self.assertIn('agent.NAME', daemon.await_log('agent_not_started')['reason'])
            self.assertEqual(daemon.stop(), 0)

    def test_what_an_agent_says_wrong_is_answered(self):
        with Daemon() as daemon:
            for number, line in enumerate([
                    '{"type":"emit"}', 'nonsense', '[]',
                    '{"type":"emit","event":"heartbeat"}',
                    '{"type":"emit","event":"token","payload":7}',
                    '{"type":"ask","id":"a","kind":"maybe"}',
                    '{"type":"dance","id":1}']):
                daemon.run(key=str(number), raw=line)
                self.assertEqual(daemon.await_end(key=str(number)), 'completed')
            refusals = [event['payload'] for event in daemon.history()
                        if event['type'] == 'refusal']
            self.assertEqual([refusal['code'] for refusal in refusals], ['invalid'] * 7)
            daemon.run(key='long', flood=400000)
            self.assertEqual(daemon.await_end(key='long'), 'failed')
            daemon.run(key='said', said='a w\u00f6rd for the log')
            daemon.await_end(key='said')
            self.assertEqual(daemon.await_log('agent_says')['text'], 'a w?rd for the log')
            self.assertEqual(daemon.stop(), 0)

    def test_health_and_metrics(self):
        with Daemon() as daemon:
            daemon.run(n=3)
            daemon.await_end()
            self.assertEqual(daemon.ask('/health')[1]['health'], 'healthy')
            status, text = daemon.ask('/metrics')
            values = dict(line.rsplit(' ', 1) for line in text.splitlines() if line[0] != '#')
            self.assertEqual(status, 200)
            self.assertEqual(values['session_events_appended_total'], '5')
            self.assertEqual(values['session_agents_completed_total'], '1')
            self.assertEqual(values['session_sessions'], '1')
            kinds = [line for line in text.splitlines() if line.startswith('# TYPE')]
            self.assertEqual(len(kinds), len(values))
            self.assertEqual(daemon.stop(), 0)

    def test_settings_are_told_to_who_has_a_token(self):
        with Daemon(heartbeat='7s', on_slow='disconnect') as daemon:
            self.assertEqual(daemon.ask('/settings')[0], 401)
            status, settings = daemon.ask('/settings', token=daemon.token(session='other'))
            self.assertEqual((status, settings['heartbeat'], settings['on_slow'],
                              settings['start_gate']), (200, 7000000, 'disconnect', 'none'))

    def test_the_trace_is_written_when_a_signal_asks_for_it(self):
        with Daemon(trace_ring=8) as daemon:
            daemon.run(n=2)
            daemon.await_end()
            daemon.process.send_signal(signal.SIGUSR2)
            daemon.await_log('not_traced')
        with Daemon(trace_ring=6) as daemon:
            daemon.stop()
            daemon.options['trace'] = daemon.path('trace')
            daemon.start()
            daemon.run(n=3)
            daemon.await_end()
            daemon.process.send_signal(signal.SIGUSR2)
            daemon.await_log('traced')
            self.assertEqual(os.stat(daemon.path('trace')).st_mode & 0o777, 0o600)
            head, *records = [json.loads(line) for line in daemon.read('trace').splitlines()]
            self.assertEqual((head['format'], head['version']), ('session trace', 1))
            self.assertEqual([record['n'] for record in records],
                             list(range(head['written'] - 5, head['written'] + 1)))
            events = [record for record in records if record['point'] == 'log.appended']
            self.assertEqual((events[-1]['session'], events[-1]['type'],
                              events[-1]['payload']['state']), ('s1', 'run_state', 'completed'))
            self.assertEqual(daemon.stop(), 0)

    def test_a_dev_server_runs_and_ends_with_the_daemon(self):
        with Daemon(command_web='exec python3 -m http.server --bind 127.0.0.1 {port}',
                    port_fallback=0) as daemon:
            daemon.stop()
            with daemon_socket() as probe:
                daemon.options['port_web'] = probe.getsockname()[1]
            daemon.options['sandboxes'] = daemon.path('boxes')
            daemon.start()
            daemon.run()
            tab = Tab(daemon)
            tab.hello()
            tab.send('server_start', app='web')
            state = {}
            while state.get('state') != 'running':
                state = tab.expect('server_state')['payload']
                self.assertNotEqual(state['state'], 'failed', state)
            self.assertEqual(daemon_answer(state['port'])[:8], b'HTTP/1.0')
            tab.send('server_stop', app='web')
            while state['state'] != 'stopped':
                state = tab.expect('server_state')['payload']
            tab.send('server_start', app='web')
            while state['state'] != 'running':
                state = tab.expect('server_state')['payload']
            self.assertEqual(daemon.stop(), 0)
            with self.assertRaises(OSError):
                daemon_answer(state['port'])


class Ends(unittest.TestCase):

    def test_a_drain_ends_agents_and_tells_tabs(self):
        with Daemon(agent_grace='100ms') as daemon:
            daemon.run(wait=True, stubborn=True, child=daemon.path('child'))
            daemon.await_event('waiting')
            tab = Tab(daemon)
            tab.hello()
            self.assertEqual(daemon.stop(), 0)
            self.assertEqual(tab.expect_close(), 1001)
            self.assertFalse(is_running(int(daemon.read('child'))))
            daemon.start()
            self.assertEqual(daemon.await_end(), 'cancelled')
            self.assertEqual(daemon.stop(signal.SIGINT), 0)

    def test_a_second_interrupt_ends_at_once(self):
        with Daemon(agent_grace='1h', drain_time='1h') as daemon:
            daemon.run(wait=True, stubborn=True, child=daemon.path('child'))
            daemon.await_event('waiting')
            daemon.process.send_signal(signal.SIGINT)
            daemon.await_log('draining')
            self.assertEqual(daemon.stop(signal.SIGINT), 130)
            until = time.monotonic() + PATIENCE
            while is_running(int(daemon.read('child'))) and time.monotonic() < until:
                time.sleep(0.01)
            self.assertFalse(is_running(int(daemon.read('child'))))

    def test_agents_of_a_killed_daemon_end_with_the_next(self):
        with Daemon() as daemon, Daemon() as other:
            for each in daemon, other:
                each.run(child=each.path('child'), wait=True)
                each.await_event('waiting')
            left = [int(daemon.read('child')), daemon.logged('agent_started')[0]['process']]
            daemon.kill()
            self.assertTrue(all(map(is_running, left)))
            daemon.start()
            self.assertFalse(any(map(is_running, left)))
            self.assertEqual(daemon.logged('agents_swept')[0]['daemons'], 1)
            # Those of a daemon that lives are none of its business.
            self.assertTrue(is_running(int(other.read('child'))))
            self.assertEqual((daemon.stop(), other.stop()), (0, 0))

    def test_a_restart_goes_on_where_it_was(self):
        with Daemon() as daemon:
            daemon.run(n=3)
            daemon.await_end()
            tab = Tab(daemon)
            tab.hello()
            before = daemon.history()
            self.assertEqual(daemon.stop(), 0)
            daemon.start()
            self.assertEqual(daemon.history(), before)
            again = Tab(daemon)
            self.assertTrue(again.hello(previous=tab)['recovered'])
            daemon.run(key='2', n=1)
            again.expect('token')
            self.assertEqual(again.cursor, len(before) + 2)
            self.assertEqual(daemon.stop(), 0)

    def test_a_restored_store_begins_new_epochs(self):
        with Daemon() as daemon:
            daemon.run(n=3)
            daemon.await_end()
            tab = Tab(daemon)
            tab.hello()
            daemon.stop()
            daemon.options['restored'] = 'yes'
            daemon.start()
            again = Tab(daemon)
            self.assertFalse(again.hello(previous=tab)['recovered'])
            self.assertEqual(daemon.stop(), 0)


@unittest.skipUnless(shutil.which('redis-server'), 'redis-server is not installed')
class Shared(unittest.TestCase):
    """Two daemons on one file of events and one Redis."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='redis-')
        self.path = os.path.join(self.folder, 'socket')
        self.redis = subprocess.Popen(
            ['redis-server', '--port', '0', '--unixsocket', self.path, '--save', '',
             '--dir', self.folder], stdout=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while not os.path.exists(self.path) and time.monotonic() < until:
            time.sleep(0.01)

    def tearDown(self):
        self.redis.kill()
        self.redis.wait()
        shutil.rmtree(self.folder)

    def test_a_session_moves_to_the_other_daemon(self):
        shared = {'locks': 'unix:' + self.path, 'run_lock': 'on'}
        with Daemon(name='one', **shared) as one, Daemon(name='two', **shared,
                                                         store=one.path('store.db')) as two:
            one.run(n=3)
            self.assertEqual(one.await_end(), 'completed')
            tab = Tab(one)
            tab.hello()
            # The second opens the session: what the first appends from then on is refused.
            self.assertEqual(two.history(), one.history())
            other = Tab(two)
            other.hello()
            one.run(key='2', n=3)
            self.assertEqual(tab.expect_close(), 4013)
            again = Tab(two)
            self.assertTrue(again.hello(previous=tab)['recovered'])
            two.run(key='3', n=2)
            self.assertEqual(two.await_end(key='3'), 'completed')
            self.assertEqual((one.stop(), two.stop()), (0, 0))

    def test_without_its_lock_store_a_daemon_is_degraded(self):
        with Daemon(locks='unix:' + self.path, run_lock='on', health_period='50ms',
                    locks_timeout='200ms') as daemon:
            daemon.run()
            self.assertEqual(daemon.await_end(), 'completed')
            self.redis.kill()
            self.assertEqual(daemon.await_log('alert')['kind'], 'health')
            self.assertEqual(daemon.ask('/health')[1]['locks']['answering'], False)
            self.assertEqual(daemon.stop(), 0)


def daemon_socket():
    probe = socket.socket()
    probe.bind(('127.0.0.1', 0))
    return probe


def daemon_answer(port):
    with socket.create_connection(('127.0.0.1', port), PATIENCE) as link:
        link.sendall(b'GET / HTTP/1.0\r\n\r\n')
        return link.recv(4096)


if __name__ == '__main__':
    unittest.main(warnings='ignore')
