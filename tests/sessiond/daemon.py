"""Starts a real sessiond in a folder of its own, and speaks with it over real sockets: HTTP,
server-sent events, WebSocket. Only the standard library. Deadlines only stop a test that hangs."""

import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

PATIENCE = 60
PROGRAM = os.path.abspath(sys.argv.pop()) if len(sys.argv) > 1 else None
AGENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'agent.py')
SUBPROTOCOL = 'session.v1'


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def make_token(key, claims, algorithm='HS256'):
    """A JSON Web Token by another hand than the daemon's."""
    head = encode(json.dumps({'alg': algorithm, 'typ': 'JWT'}).encode())
    text = head + '.' + encode(json.dumps(claims).encode())
    signature = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    return text + '.' + encode(signature)


class Daemon:
    """One folder, and one daemon in it after the other. Leaves nothing behind."""

    def __init__(self, **options):
        self.folder = tempfile.mkdtemp(prefix='sessiond-')
        self.key = 'k' * 40
        self.options = {'store': self.path('store.db'), 'secret': self.path('key'),
                        'log': self.path('log'), 'log_level': 'debug', 'store_sync': 'process',
                        'agent.bot': '%s %s' % (sys.executable, AGENT), 'start_gate': 'none'}
        self.options.update(options)
        self.process = None
        self.address, self.port = '127.0.0.1', 0
        self.write('key', self.key)
        os.chmod(self.path('key'), 0o600)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, value, trace):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        if kind is not None:
            print(self.read('log')[-6000:], self.read('stderr')[-6000:], file=sys.stderr)
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), 'w') as file:
            file.write(text)

    def read(self, name):
        if not os.path.exists(self.path(name)):
            return ''
        with open(self.path(name)) as file:
            return file.read()

    def logged(self, event):
        lines = [json.loads(line) for line in self.read('log').splitlines(True)
                 if line.endswith('\n')]
        return [line for line in lines if line['event'] == event]

    def await_log(self, event, count=1):
        until = time.monotonic() + PATIENCE
        while len(self.logged(event)) < count:
            assert time.monotonic() < until, 'no "%s" in the log' % event
            assert self.process.poll() is None, 'the daemon has ended: ' + self.read('stderr')
            time.sleep(0.01)
        return self.logged(event)[count - 1]

    def start(self):
        lines = ['%s = %s' % pair for pair in self.options.items()]
        place = '[%s]' % self.address if ':' in self.address else self.address
        self.write('conf', '\n'.join(lines) + '\nlisten = %s:%d\n' % (place, self.port))
        before = len(self.logged('listening'))
        with open(self.path('stderr'), 'a') as stderr:
            self.process = subprocess.Popen([PROGRAM, '--config', self.path('conf')],
                                            stdout=stderr, stderr=stderr,
                                            cwd=self.folder)
        self.port = self.await_log('listening', before + 1)['port']

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, number=signal.SIGTERM):
        """Ends it gracefully, and says how it ended. A sanitizer writes to stderr."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        assert self.read('stderr') == '', self.read('stderr')
        self.process = None
        return status

    def token(self, user='alice', session='s1', life=3600, key=None, **claims):
        claims.setdefault('exp', int(time.time()) + life)
        claims.setdefault('sub', user)
        claims.setdefault('session', session)
        return make_token(key or self.key, claims)

    def connect(self):
        return socket.create_connection((self.address, self.port), PATIENCE)

    def ask(self, path, body=None, token=None, headers=(), method=None):
        """One request; its status and the JSON (or text) of the answer."""
        data = None if body is None else json.dumps(body).encode()
        lines = ['%s %s HTTP/1.1' % (method or ('GET' if data is None else 'POST'), path),
                 'Host: localhost', 'Connection: close']
        if token is not None:
            lines.append('Authorization: Bearer ' + token)
        if data is not None:
            lines.append('Content-Length: %d' % len(data))
        return self.say('\r\n'.join(lines + list(headers)).encode() + b'\r\n\r\n' + (data or b''))

    def say(self, request):
        with self.connect() as link:
            link.sendall(request)
            answer = read_to_end(link)
        if not answer:
            return 0, None
        head, _, body = answer.partition(b'\r\n\r\n')
        try:
            return int(head.split()[1]), json.loads(body)
        except ValueError:
            return int(head.split()[1]), body.decode()

    def run(self, session='s1', key='1', user='alice', agent='bot', **given):
        return self.ask('/sessions/%s/runs' % session, {'agent': agent, 'key': key, 'input': given},
                        self.token(user, session))

    def history(self, session='s1', user='alice', limit=100):
        """Every event of the session, page by page."""
        events, cursor = [], ''
        while True:
            status, page = self.ask('/sessions/%s/history?limit=%d%s' % (session, limit, cursor),
                                    token=self.token(user, session))
            assert status == 200, page
            events += page['events']
            if not page['more']:
                return events
            cursor = '&epoch=%d&cursor=%d' % (page['epoch'], page['next'])

    def await_event(self, kind, session='s1', match=lambda payload: True):
        until = time.monotonic() + PATIENCE
        while True:
            for event in self.history(session):
                if event['type'] == kind and match(event['payload']):
                    return event
            assert time.monotonic() < until, 'no %s in %s' % (kind, session)
            time.sleep(0.02)

    def await_end(self, session='s1', key='1'):
        ends = ('completed', 'failed', 'cancelled', 'interrupted')
        event = self.await_event('run_state', session,
                                 lambda run: run['key'] == key and run['state'] in ends)
        return event['payload']['state']


def read_to_end(link):
    data = b''
    try:
        while True:
            piece = link.recv(65536)
            if not piece:
                return data
            data += piece
    except ConnectionResetError:
        return data


class Refused(Exception):
    """An upgrade that was answered with something else than 101."""


class Tab:
    """A WebSocket client that keeps its epoch and cursor, as docs/PROTOCOL.md says."""

    def __init__(self, daemon, token=None, session='s1', user='alice', headers=()):
        self.session, self.epoch, self.cursor, self.gen = session, None, 0, None
        self.events, self.buffer, self.close_code = [], b'', None
        self.link = daemon.connect()
        token = daemon.token(user, session) if token is None else token
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ['GET /ws HTTP/1.1', 'Host: localhost', 'Upgrade: websocket',
                 'Connection: Upgrade', 'Sec-WebSocket-Key: ' + key, 'Sec-WebSocket-Version: 13',
                 'Sec-WebSocket-Protocol: ' + SUBPROTOCOL]
        if token:
            lines.append('Authorization: Bearer ' + token)
        self.link.sendall('\r\n'.join(lines + list(headers)).encode() + b'\r\n\r\n')
        self.check_upgrade(key)

    def check_upgrade(self, key):
        while b'\r\n\r\n' not in self.buffer:
            piece = self.link.recv(4096)
            if not piece:
                raise Refused(0)
            self.buffer += piece
        head, _, self.buffer = self.buffer.partition(b'\r\n\r\n')
        self.head = head
        status = int(head.split()[1])
        if status != 101:
            self.link.close()
            raise Refused(status)
        magic = key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
        accept = base64.b64encode(hashlib.sha1(magic.encode()).digest())
        assert b'sec-websocket-accept: ' + accept.lower() in head.lower(), head

    # ---- frames ----

    def send_frame(self, opcode, data, final=True):
        mask = os.urandom(4)
        size = len(data)
        head = bytes([opcode | (0x80 if final else 0)])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 65536:
            head += bytes([0x80 | 126]) + struct.pack('>H', size)
        else:
            head += bytes([0x80 | 127]) + struct.pack('>Q', size)
        body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.link.sendall(head + mask + body)

    def take(self, count):
        while len(self.buffer) < count:
            piece = self.link.recv(65536)
            if not piece:
                raise EOFError
            self.buffer += piece
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def receive_frame(self):
        first, size = self.take(2)
        if size == 126:
            size = struct.unpack('>H', self.take(2))[0]
        elif size == 127:
            size = struct.unpack('>Q', self.take(8))[0]
        return first, self.take(size)

    # ---- messages ----

    def send(self, kind, **fields):
        self.send_frame(1, json.dumps(dict(fields, type=kind)).encode())

    def receive(self):
        """The next message; None when the server has closed."""
        text = b''
        while True:
            first, data = self.receive_frame()
            opcode = first & 15
            if opcode == 8:
                self.close_code = struct.unpack('>H', data[:2])[0]
                return None
            if opcode == 9:
                self.send_frame(10, data)
                continue
            text += data
            if first & 0x80:
                return self.note(json.loads(text))

    def note(self, message):
        """What a client has to remember. An event that comes twice, or leaves a hole, ends it."""
        if 'seq' in message:
            assert message['seq'] == self.cursor + 1, (message, self.cursor)
            self.cursor = message['seq']
            self.events.append((self.epoch, message['seq'], message['type'], message['payload']))
        elif message['type'] == 'connection_ready':
            if self.epoch != message['epoch']:
                self.cursor = 0
            self.epoch, self.gen = message['epoch'], message['gen']
        elif message['type'] == 'initial_state' and message['mode'] != 'tail':
            self.cursor = message['from'] - 1
        return message

    def expect(self, kind):
        while True:
            message = self.receive()
            assert message is not None, 'closed with %s before %s' % (self.close_code, kind)
            if message['type'] == kind:
                return message

    def hello(self, previous=None):
        fields = {'session': self.session}
        if previous is not None:
            fields.update(epoch=previous.epoch, cursor=previous.cursor, previous=previous.gen)
            self.epoch, self.cursor, self.events = previous.epoch, previous.cursor, previous.events
        self.send('hello', **fields)
        ready = self.expect('connection_ready')
        self.expect('state_replay_complete')
        self.send('connection_acknowledged', gen=self.gen)
        return ready

    def expect_close(self):
        try:
            while self.receive() is not None:
                pass
        except (EOFError, ConnectionResetError):
            pass
        return self.close_code

    def close(self):
        self.link.close()
