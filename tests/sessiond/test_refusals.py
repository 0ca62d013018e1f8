"""Bad clients, and bad orders: each is refused clearly, and nobody else notices."""

import os
import socket
import subprocess
import time
import unittest

import daemon as program
from daemon import Daemon, Refused, Tab, make_token


class Clients(unittest.TestCase):
    """One daemon for all of them, with a good client that must go on."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(ack_timeout='1s', origins='https://good.example',
                            frame_max_bytes=4096, max_message_rate=20, max_conns_per_user=6)
        cls.daemon.write('tokens', '# a comment\ncarol s3 a-token-from-the-file\n'
                                   'dave * another-token-of-his\n')
        os.chmod(cls.daemon.path('tokens'), 0o600)
        cls.daemon.options['tokens'] = cls.daemon.path('tokens')
        cls.daemon.__enter__()
        cls.daemon.run(session='good', user='good')
        cls.daemon.history('good', 'good')
        cls.good = Tab(cls.daemon, session='good', user='good')
        cls.good.hello()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.run(session='good', user='good', key='last', n=1)
        cls.good.expect('token')
        status = cls.daemon.stop()
        cls.daemon.__exit__(None, None, None)
        assert status == 0, status

    def assert_refused(self, status, **given):
        with self.assertRaises(Refused) as caught:
            Tab(self.daemon, **given)
        self.assertEqual(caught.exception.args[0], status)

    def test_tokens_that_are_none(self):
        d = self.daemon
        good = d.token()
        head, payload, signature = good.split('.')
        claims = {'sub': 'alice', 'session': 's1', 'exp': int(time.time()) + 60}
        for token in ['', 'x', good[:-2], good + 'x', head + '.' + payload, '.'.join(
                (head, payload[:-4] + 'AAAA', signature)), d.token(life=-5),
                d.token(key='z' * 40), make_token(d.key, claims, 'none'),
                make_token(d.key, claims, 'HS512'), make_token(d.key, {'sub': 'alice'}),
                make_token(d.key, dict(claims, sub='')), make_token(d.key, dict(claims, sub=7)),
                make_token(d.key, dict(claims, exp='soon')),
                make_token(d.key, dict(claims, session='s' * 64)), 'a-token-from-the-fil']:
            self.assertEqual(d.ask('/sessions/s1/history', token=token)[0], 401, token)
        self.assert_refused(401, token='')

    def test_tokens_of_the_file(self):
        token = 'a-token-from-the-file'
        self.assertEqual(self.daemon.ask('/sessions/s3', token=token)[0], 404)
        run = {'agent': 'bot', 'key': '1'}
        self.assertEqual(self.daemon.ask('/sessions/s3/runs', run, token)[0], 201)
        self.assertEqual(self.daemon.ask('/sessions/s3', token=token)[0], 200)
        self.assertEqual(self.daemon.ask('/sessions/s4/runs', run, token)[0], 404)
        self.assertEqual(self.daemon.ask('/sessions/s4/runs', run, 'another-token-of-his')[0], 201)

    def test_a_reload_takes_tokens_away(self):
        d = self.daemon
        text = d.read('tokens')
        self.assertNotEqual(d.ask('/sessions/s9', token='another-token-of-his')[0], 401)
        d.write('tokens', text.replace('dave', '# dave'))
        d.process.send_signal(1)
        d.await_log('reloaded')
        self.assertEqual(d.ask('/sessions/s9', token='another-token-of-his')[0], 401)
        d.write('tokens', 'carol s3\n')
        d.process.send_signal(1)
        self.assertIn('tokens:1', d.await_log('not_reloaded')['reason'])
        self.assertNotEqual(d.ask('/sessions/s3', token='a-token-from-the-file')[0], 401)
        d.write('tokens', text)
        d.process.send_signal(1)
        d.await_log('reloaded', 2)

    def test_somebody_elses_session_does_not_exist(self):
        stranger = self.daemon.token('eve', 'good')
        self.assertEqual(self.daemon.ask('/sessions/good/history', token=stranger)[0], 404)
        tab = Tab(self.daemon, token=stranger, session='good')
        tab.send('hello', session='good')
        self.assertEqual(tab.expect_close(), 4003)
        narrow = Tab(self.daemon, token=self.daemon.token('good', 'other'), session='good')
        narrow.send('hello', session='good')
        self.assertEqual(narrow.expect_close(), 4003)

    def test_foreign_origins(self):
        self.assert_refused(403, headers=['Origin: https://evil.example'])
        self.assertEqual(self.daemon.ask('/sessions/good', token=self.daemon.token('good', 'good'),
                                         headers=['Origin: null'])[0], 403)
        Tab(self.daemon, headers=['Origin: https://good.example']).close()

    def test_messages_too_long(self):
        tab = Tab(self.daemon, session='good', user='good')
        tab.hello()
        tab.send('user_message', agent='bot', key='k', input={'text': 'x' * 5000})
        self.assertEqual(tab.expect_close(), 1009)
        status, answer = self.daemon.run(pad='x' * 5000)
        self.assertEqual((status, answer['code']), (413, 'limit'))

    def test_messages_that_make_no_sense(self):
        tab = Tab(self.daemon, session='good', user='good')
        tab.hello()
        for text in [b'{', b'[]', b'{"type":7}', b'{"type":"dance"}', b'{"type":"ack"}',
                     b'{"type":"ack","seq":99999}', b'{"type":"confirm","prompt":-1,"value":true}']:
            tab.send_frame(1, text)
            self.assertIn(tab.expect('error')['code'], ('invalid', 'not_found'), text)
        tab.send_frame(1, b'\xff\xfe')
        self.assertIn(tab.expect_close(), (1002, 1007, None))

    def test_too_many_messages(self):
        tab = Tab(self.daemon, session='good', user='good')
        tab.hello()
        for _ in range(200):
            try:
                tab.send('pong')
            except OSError:
                break
        self.assertEqual(tab.expect_close(), 4015)

    def test_too_many_connections(self):
        tabs = []
        with self.assertRaises((Refused, EOFError, ConnectionResetError)):
            for _ in range(12):
                tab = Tab(self.daemon, user='many', session='many')
                tabs.append(tab)
                tab.send('pong')
                if len(tabs) > 6:
                    tab.link.settimeout(5)
                    raise Refused(tab.expect_close())
        for tab in tabs:
            tab.close()

    def test_slow_handshakes(self):
        with self.daemon.connect() as slow:
            slow.sendall(b'GET /ws HTTP/1.1\r\nHost: x\r\n')
            silent = self.daemon.connect()
            quiet = Tab(self.daemon)   # upgraded, but never says hello
            self.assertEqual(program.read_to_end(slow), b'')
            self.assertEqual(program.read_to_end(silent), b'')
            self.assertEqual(quiet.expect_close(), 4008)

    def test_requests_that_are_none(self):
        d = self.daemon
        token = d.token()
        self.assertEqual(d.ask('/nothing', token=token)[0], 404)
        self.assertEqual(d.ask('/sessions/s1/history', token=token, method='DELETE')[0], 405)
        self.assertEqual(d.ask('/sessions/s1/runs', [], token)[0], 400)
        self.assertEqual(d.ask('/sessions/s1/runs', {'agent': 'bot'}, token)[0], 400)
        self.assertEqual(d.ask('/sessions/s1/history?cursor=x', token=token)[0], 400)
        self.assertIn(d.say(b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' * 20)[0], (0, 400, 403))
        self.assertIn(d.say(b'GET /' + b'x' * 20000 + b' HTTP/1.1\r\n\r\n')[0], (0, 400, 414, 431))


class Orders(unittest.TestCase):
    """What the daemon says when it cannot start: one sentence, and the exit status."""

    def order(self, *words):
        extra = [] if words[0] == 'sign' or words[-1][0] == '-' else ['--log', '/dev/null']
        # libwebsockets leaks a little where it cannot listen, and the program ends then anyway.
        done = subprocess.run([program.PROGRAM, *words, *extra], capture_output=True, text=True,
                              timeout=60, env=dict(os.environ, ASAN_OPTIONS='detect_leaks=0'))
        self.assertLessEqual(done.stderr.count('\n'), 1, done.stderr)
        return done.returncode, done.stderr

    def test_flags(self):
        for words, status, hint in [
                (['--heartbeet', '3s'], 2, "did you mean 'heartbeat'"),
                (['--heartbeat', '3'], 2, '250ms'),
                (['--heartbeat', '2h'], 2, 'shorter than heartbeat_timeout'),
                (['--max-conns', '0'], 2, 'from 1 to'),
                (['--on_detach', 'never'], 2, 'keep, cancel_after_grace, cancel_now'),
                (['--heartbeat'], 2, 'needs a value'),
                (['run'], 2, '--help'),
                (['--config', '/nowhere'], 2, '/nowhere: No such file'),
                (['--locks', 'redis://x:y', '--store', 'memory'], 1, 'port is no number'),
                (['--listen', 'here', '--store', 'memory'], 2, 'ADDRESS:PORT'),
                (['--listen', '127.0.0.1:99999'], 2, 'ADDRESS:PORT'),
                (['--bogus'], 2, 'unknown option'),
                (['--listen', 'nowhere:1', '--store', 'memory'], 1, 'no such address'),
                (['--listen', '127.0.0.1:1', '--store', '/nowhere/x'], 1, '/nowhere/x'),
                (['--secret', '/etc/passwd', '--store', 'memory'], 1, 'others may read it'),
                (['--sandboxes', 'here'], 2, 'absolute path'),
                (['sign', 'alice', 's1', '1h'], 2, '--secret'),
                (['sign', 'alice'], 2, 'USER SESSION TIME')]:
            returned, text = self.order(*words)
            self.assertEqual(returned, status, text)
            self.assertIn(hint, text)

    def test_lines(self):
        with Daemon() as daemon:
            for text, place in [('heartbeat = 1s\n\n# x\nheartbeet = 1s\n', 'conf:4: '),
                                ('heartbeat 1s\n', "conf:1: 'heartbeat 1s' has no '='"),
                                ('heartbeat = 1s\nheartbeat = 2s\n', 'conf:2: '),
                                ('agent. = x\n', 'conf:1: write agent.NAME')]:
                daemon.write('conf', text)
                returned, said = self.order('--config', daemon.path('conf'), '--check')
                self.assertEqual(returned, 2)
                self.assertIn(place, said)
            daemon.write('conf', 'heartbeat = 500h\n')
            self.assertEqual(self.order('--config', daemon.path('conf'), '--heartbeat=1s',
                                        '--check')[0], 0)

    def test_things_taken(self):
        with Daemon() as daemon:
            options = ['--secret', daemon.path('key'), '--store', 'memory']
            returned, text = self.order('--listen', '127.0.0.1:%d' % daemon.port, *options)
            self.assertEqual(returned, 1)
            self.assertIn('cannot be listened on', text)
            daemon.write('foreign.db', 'this is a text and no database at all ' * 9)
            returned, text = self.order('--store', daemon.path('foreign.db'))
            self.assertEqual(returned, 1)
            self.assertIn('is not an SQLite database', text)

    def test_a_signed_token_is_let_in(self):
        with Daemon() as daemon:
            made = subprocess.run([program.PROGRAM, 'sign', 'alice', '*', '1h', '--secret',
                                   daemon.path('key')], capture_output=True, text=True, timeout=60)
            run = {'agent': 'bot', 'key': '1'}
            self.assertEqual(daemon.ask('/sessions/any/runs', run, made.stdout.strip())[0], 201)


if __name__ == '__main__':
    unittest.main(warnings='ignore')
