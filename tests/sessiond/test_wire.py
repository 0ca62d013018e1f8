"""What is between the daemon and its clients: compressed messages, TLS, IPv6."""

import random
import shutil
import ssl
import subprocess
import unittest
import zlib

from daemon import Daemon, Tab, read_to_end

OFFER = 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'
TAIL = b'\x00\x00\xff\xff'


class DeflatingTab(Tab):
    """A tab that offers permessage-deflate (RFC 7692) and uses it both ways."""

    def __init__(self, daemon, **given):
        self.deflate = zlib.compressobj(wbits=-15)
        self.inflate = zlib.decompressobj(wbits=-15)
        self.compressed, self.taken, self.given = False, 0, 0
        super().__init__(daemon, headers=[OFFER], **given)

    def send_frame(self, opcode, data, final=True):
        if opcode == 1:
            data = (self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
            opcode |= 0x40
        super().send_frame(opcode, data, final)

    def receive_frame(self):
        first, data = super().receive_frame()
        if first & 15 > 1:
            return first, data
        if first & 15 == 1:
            self.compressed = bool(first & 0x40)
        self.taken += len(data)
        if self.compressed:
            data = self.inflate.decompress(data + (TAIL if first & 0x80 else b''))
        self.given += len(data)
        return first & ~0x40, data


class Compression(unittest.TestCase):

    def test_it_is_off_unless_asked_for(self):
        with Daemon(auto_create='on_start') as daemon:
            tab = DeflatingTab(daemon)
            self.assertNotIn(b'permessage-deflate', tab.head.lower())
            self.assertEqual(daemon.stop(), 0)

    def test_every_length_comes_back(self):
        pads = [0, 1, 100, 125, 126, 1000, 4095, 4096, 4097, 30000, 60000]
        with Daemon(compression='on', event_max_bytes=100000, frame_max_bytes=200000) as daemon:
            tab = None
            for number, pad in enumerate(pads):
                daemon.run(key=str(number), n=2, pad=pad)
                daemon.await_end(key=str(number))
                if tab is None:
                    tab = DeflatingTab(daemon)
                    self.assertIn(b'permessage-deflate', tab.head.lower())
                    plain = Tab(daemon)
                    plain.hello()
                    tab.hello()
            while tab.events[-1][2:][1] != self.last_of(daemon):
                tab.receive()
            while plain.cursor < tab.cursor:
                plain.receive()
            self.assertEqual(tab.events, plain.events)
            self.assertLess(tab.taken * 20, tab.given)
            self.assertEqual(daemon.stop(), 0)

    def last_of(self, daemon):
        return daemon.history()[-1]['payload']

    def test_every_length_goes_there(self):
        chance = random.Random(1)
        with Daemon(compression='on', frame_max_bytes=200000, max_message_rate=1000) as daemon:
            daemon.run()
            daemon.await_end()
            tab = DeflatingTab(daemon)
            tab.hello()
            for length in [0, 1, 50, 125, 126, 127, 4000, 4096, 4097, 9000, 65535, 65536, 150000]:
                text = ''.join(chr(chance.randrange(32, 127)) for _ in range(length))
                # Refused in a sentence that shows it was read to its end.
                tab.send('confirm', prompt=77, value=True, pad=text)
                self.assertEqual(tab.expect('error')['code'], 'not_found', length)
            self.assertEqual(daemon.stop(), 0)

    def test_what_is_small_on_the_wire_and_large_inside(self):
        with Daemon(compression='on', frame_max_bytes=10000) as daemon:
            daemon.run()
            daemon.await_end()
            bomb, good = DeflatingTab(daemon), DeflatingTab(daemon)
            good.hello()
            bomb.send_frame(1, b' ' * 50000000)
            self.assertEqual(bomb.expect_close(), 1009)
            good.send('confirm', prompt=77, value=True)
            self.assertEqual(good.expect('error')['code'], 'not_found')
            self.assertEqual(daemon.stop(), 0)

    def test_what_is_no_deflate_ends_it_and_nobody_else(self):
        with Daemon(compression='on') as daemon:
            daemon.run()
            daemon.await_end()
            bad, good = DeflatingTab(daemon), DeflatingTab(daemon)
            good.hello()
            Tab.send_frame(bad, 0x41, b'\xff\xff\xff\xff\xff\xff')
            bad.expect_close()
            good.send('confirm', prompt=77, value=True)
            self.assertEqual(good.expect('error')['code'], 'not_found')
            self.assertEqual(daemon.stop(), 0)


class SecureDaemon(Daemon):
    """A daemon with a certificate of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
                        '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
                        '-keyout', self.path('tls.key'), '-out', self.path('tls.pem')],
                       check=True, stderr=subprocess.DEVNULL)
        self.options.update(certificate=self.path('tls.pem'), certificate_key=self.path('tls.key'))
        self.context = ssl.create_default_context(cafile=self.path('tls.pem'))

    def connect(self):
        return self.context.wrap_socket(super().connect(), server_hostname='localhost')


@unittest.skipUnless(shutil.which('openssl'), 'openssl is not installed')
class Secure(unittest.TestCase):

    def test_all_of_it_over_tls(self):
        with SecureDaemon(compression='on') as daemon:
            self.assertEqual(daemon.ask('/health')[0], 200)
            daemon.run(n=50, pad=2000)
            tab = DeflatingTab(daemon)
            tab.hello()
            daemon.await_end()
            while tab.cursor < 52:
                tab.receive()
            self.assertEqual([event[1] for event in tab.events],
                             [event['seq'] for event in daemon.history()])
            # Whoever speaks plainly is not understood, and nobody else notices.
            with Daemon.connect(daemon) as plain:
                plain.sendall(b'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
                self.assertNotIn(b' 200 ', read_to_end(plain))
            self.assertEqual(daemon.ask('/health')[0], 200)
            self.assertEqual(daemon.stop(), 0)

    def test_a_certificate_that_is_none(self):
        daemon = SecureDaemon()
        daemon.write('tls.pem', 'no certificate')
        with self.assertRaises(AssertionError) as caught:
            daemon.__enter__()
        self.assertIn('cannot be used', str(caught.exception))
        self.assertEqual(daemon.process.returncode, 1)


class Addresses(unittest.TestCase):

    def test_ipv6(self):
        daemon = Daemon()
        daemon.address = '::1'
        with daemon:
            daemon.run(n=3)
            tab = Tab(daemon)
            tab.hello()
            daemon.await_end()
            while tab.cursor < 5:
                tab.receive()
            self.assertEqual(daemon.stop(), 0)


if __name__ == '__main__':
    unittest.main()
