"""An agent that emits `rate` events a second for so many `seconds`, each with the time of its
emission, from the moment `begin` on, and reads nothing but its start."""

import json
import sys
import time

order = json.loads(sys.stdin.readline())['input']
time.sleep(max(0, order['begin'] - time.time()))
began = time.monotonic()
for number in range(order['rate'] * order['seconds']):
    time.sleep(max(0, began + number / order['rate'] - time.monotonic()))
    print('{"type":"emit","event":"token","payload":{"n":%d,"at":%.4f}}' % (number, time.time()),
          flush=True)
