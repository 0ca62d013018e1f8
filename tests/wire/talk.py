"""Records a real conversation: a daemon, clients.js beside it, tcpdump between them.

    talk.py [--interface lo] [--address 127.0.0.1] [--compression on] [-o FILE] SESSIOND

Status 77: something that it needs is not installed, or this user may not capture.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'sessiond'))
from daemon import Daemon  # takes the last argument

NODE_FOLDERS = '/usr/share/nodejs:/usr/local/lib/node_modules:/usr/lib/node_modules'


def skip(why):
    print('SKIPPED: ' + why)
    sys.exit(77)


def environment():
    given = os.environ.get('NODE_PATH', '')
    return dict(os.environ, NODE_PATH=given + ':' + NODE_FOLDERS if given else NODE_FOLDERS)


def check_tools():
    for tool, package in (('tcpdump', 'tcpdump'), ('node', 'nodejs')):
        if shutil.which(tool) is None:
            skip('%s is not installed (apt-get install %s)' % (tool, package))
    if subprocess.run(['node', '-e', 'require("ws")'], env=environment(),
                      stderr=subprocess.DEVNULL).returncode != 0:
        skip('node has no package ws (apt-get install node-ws)')


def start_capture(path, interface, port):
    """Starts tcpdump, and waits until it listens."""
    capture = subprocess.Popen(
        ['tcpdump', '-i', interface, '-s', '0', '-B', '16384', '-U', '-w', path,
         'tcp port %d' % port], stderr=subprocess.PIPE, text=True)
    for line in capture.stderr:
        if 'listening on' in line:
            return capture
    capture.wait()
    skip('tcpdump may not capture on %s here' % interface)


def await_end(path):
    """What has been said is in the file when it no longer grows."""
    size, before = os.path.getsize(path), -1
    while size != before:
        time.sleep(1.5)
        size, before = os.path.getsize(path), size


def converse(daemon, output, interface, address):
    capture = start_capture(output, interface, daemon.port)
    try:
        subprocess.run(['node', os.path.join(HERE, 'clients.js'), address, str(daemon.port), 'bot',
                        daemon.token('alice', 's1'), daemon.token('bob', 's2')],
                       env=environment(), check=True, timeout=90)
        await_end(output)
    finally:
        capture.terminate()
        capture.communicate()


def main():
    parser = argparse.ArgumentParser()
    for name, value in (('interface', 'lo'), ('address', '127.0.0.1'), ('compression', 'on')):
        parser.add_argument('--' + name, default=value)
    parser.add_argument('-o', '--output', default='talk.pcap')
    order = parser.parse_args()
    check_tools()
    options = {'auto_create': 'on_start', 'start_gate': 'acknowledged',
               'compression': order.compression}
    daemon = Daemon(**options)
    daemon.address = order.address
    with daemon:
        converse(daemon, os.path.abspath(order.output), order.interface, order.address)
        daemon.stop()


if __name__ == '__main__':
    main()
