// Ordinary clients of a daemon, by the package `ws` and by node's own http: tabs that come, go,
// come back, answer and cancel; an event stream and a poller beside them.
//
//   node clients.js HOST PORT AGENT TOKEN_ALICE TOKEN_BOB
//
// What each does next waits for what it has received: nothing here depends on how long things take,
// except for the pauses, which only keep apart what should be seen as apart.
'use strict';
const http = require('http');
const WebSocket = require('ws');
const [host, port, agent, alice, bob] = process.argv.slice(2);
const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// A client of docs/PROTOCOL.md: remembers its cursor, says hello, acknowledges, answers heartbeats.
class Tab {
  constructor(session, token) {
    Object.assign(this, {session, token, cursor: 0, seen: [], waiting: []});
  }

  connect() {
    this.socket = new WebSocket(`ws://${place}/ws`, ['session.v1'],
      {headers: {authorization: `Bearer ${this.token}`}});
    const hello = {type: 'hello', session: this.session};
    if (this.epoch !== undefined)
      Object.assign(hello, {epoch: this.epoch, cursor: this.cursor, previous: this.gen});
    this.socket.on('open', () => this.say(hello));
    this.socket.on('message', (text) => this.hear(JSON.parse(text)));
    return this.expect('state_replay_complete');
  }

  say(message) {
    this.socket.send(JSON.stringify(message));
  }

  hear(message) {
    if (message.seq !== undefined) this.cursor = message.seq;
    if (message.type === 'connection_ready')
      Object.assign(this, {epoch: message.epoch, gen: message.gen});
    if (message.type === 'state_replay_complete')
      this.say({type: 'connection_acknowledged', gen: this.gen});
    if (message.type === 'heartbeat') this.say({type: 'pong'});
    this.seen.push(message);
    this.waiting = this.waiting.filter((wait) => !this.settle(wait));
  }

  settle(wait) {
    const at = this.seen.findIndex((message) => message.type === wait.type &&
      Object.entries(wait.fields).every(([name, value]) => (message.payload || {})[name] === value));
    if (at < 0) return false;
    wait.done(this.seen.splice(0, at + 1).pop());
    return true;
  }

  // The next message of that type with those fields; what came before it is forgotten.
  expect(type, fields = {}) {
    return new Promise((done) => {
      const wait = {type, fields, done};
      if (!this.settle(wait)) this.waiting.push(wait);
    });
  }

  // Says goodbye, and waits until it is gone.
  close() {
    return new Promise((done) => {
      this.socket.on('close', done);
      this.socket.close(1000);
    });
  }

  // Breaks off, as a page does whose machine loses its network for a moment.
  cut() {
    this.socket.terminate();
  }
}

function ask(path, token, each = () => {}) {
  return new Promise((done, failed) => {
    const request = http.get(`http://${place}${path}`,
      {headers: {authorization: `Bearer ${token}`}}, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part) => each(text += part, request));
        response.on('end', () => done(JSON.parse(text)));
        response.on('error', () => done(text));
      });
    request.on('error', failed);
  });
}

// An event stream that is read up to that event, then closed.
const stream = (session, token, until) => ask(`/sessions/${session}/events`, token,
  (text, request) => text.includes(until) && request.destroy());

async function poll(session, token, count) {
  for (let events = []; events.length < count; await pause(20)) {
    const page = await ask(`/sessions/${session}/history?limit=3`, token);
    events = events.concat(page.events || []);
  }
}

async function story() {
  const left = new Tab('s1', alice), right = new Tab('s1', alice), other = new Tab('s2', bob);
  await left.connect();
  left.say({type: 'start_agent', agent, key: 'first', input: {n: 6, every: 40, pad: 30}});
  await left.expect('token', {n: 1});
  await right.connect();
  const reader = stream('s1', alice, '"n":5').catch(() => {});
  const poller = poll('s1', alice, 5);
  await left.expect('token', {n: 3});
  left.cut();
  await right.expect('token', {n: 5});
  await right.expect('run_state', {state: 'completed'});
  await Promise.all([reader, poller]);
  await left.connect();
  await pause(30);
  right.say({type: 'start_agent', agent, key: 'second', input: {n: 1, ask: 'confirmation'}});
  const question = await left.expect('request_confirmation');
  await pause(30);
  left.say({type: 'confirm', prompt: question.payload.prompt, value: true});
  await right.expect('run_state', {state: 'completed'});
  await right.close();
  await other.connect();
  other.say({type: 'start_agent', agent, key: 'long', input: {n: 2, pad: 4000, wait: true}});
  const waiting = await other.expect('run_state', {state: 'running'});
  await other.expect('waiting');
  await pause(30);
  other.say({type: 'cancel', run: waiting.payload.run});
  await other.expect('run_state', {state: 'cancelled'});
  await right.connect();
  await pause(30);
  await right.close();
  await other.close();
  await left.close();
}

setTimeout(() => { console.error('clients.js: not finished in time'); process.exit(1); },
  60000).unref();
story();
