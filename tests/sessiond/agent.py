"""An agent for the tests. Its input says what it does: events `n`, with a pause `every` ms between
them, a question `ask`, an end `exit`. With `acked` it notes there what it was told is stored."""

import json
import os
import signal
import sys
import time

start = json.loads(sys.stdin.readline())
order = start['input']
assert os.environ['SESSION_NAME'] == start['session'] and start['type'] == 'start'
assert int(os.environ['SESSION_RUN']) == start['run'] and os.environ['SESSION_AGENT'] == 'bot'


def say(**message):
    print(json.dumps(message), flush=True)


def listen():
    line = sys.stdin.readline()
    return json.loads(line) if line else sys.exit(1)


if order.get('stubborn'):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if order.get('said'):
    sys.stderr.buffer.write(order['said'].encode('latin-1') + b'\n')
    sys.stderr.flush()
if order.get('flood'):
    sys.stdout.write('x' * order['flood'] + '\n')
    sys.stdout.flush()
    time.sleep(1000)
if order.get('raw'):
    sys.stdout.write(order['raw'] + '\n')
    sys.stdout.flush()
    say(type='emit', event='refusal', payload=listen())
acked = open(order['acked'], 'a') if 'acked' in order else None
for number in range(order.get('n', 0)):
    say(type='emit', event='token', id=number,
        payload={'n': number, 'run': start['run'], 'pad': 'x' * order.get('pad', 0)})
    answer = listen()
    if answer['type'] == 'stop':
        sys.exit(1)
    assert answer['type'] == 'stored' and answer['id'] == number, answer
    if acked:
        acked.write('%d %d\n' % (number, answer['seq']))
        acked.flush()
    time.sleep(order.get('every', 0) / 1000)
if order.get('ask'):
    say(type='ask', id='question', kind=order['ask'], text='may I?', timeout_ms=60000)
    answer = listen()
    say(type='emit', event='told', payload=answer)
if order.get('child'):
    os.system('sleep 1000 & echo $! > ' + order['child'])
if order.get('wait'):
    say(type='emit', event='waiting')
    while True:
        time.sleep(1)
sys.exit(order.get('exit', 0))
