'use strict';
// Holds conversations with a WebSocket server, as Node's ws, and prints one line for each: "ok NAME", or "not ok NAME: WHY" with the end of what the server sent.
// Usage: node client.js URL table [LIMIT]     all checks; LIMIT is the largest message that the server takes (1048576)
//        node client.js URL table LIMIT NAME  that check alone
//        node client.js URL goodbye           opens three connections, prints "open", and wants Close 1001 on each
// The exit status is 0 if all is ok. Every check ends by itself.

const http = require('node:http');
const net = require('node:net');
const WebSocket = require('ws');

const [url, mode = 'table', limitArg = '1048576', only = ''] = process.argv.slice(2);
const limit = Number(limitArg);
const patience = Number(process.env.INTEROP_PATIENCE_MS ?? 20_000); // for one check

const opened = new Set();

// A Peer is one connection with what came on it, in order, to be waited for.
class Peer {
  constructor(path, options = {}, protocols = []) {
    this.events = []; // {message|pong|close|error}
    this.wake = null;
    this.wire = Buffer.alloc(0);
    this.ws = new WebSocket(url + path, protocols, {
      perMessageDeflate: false,
      createConnection: (o) => {
        const s = net.connect({ ...o, path: undefined });
        const push = s.push; // sees the octets before anyone else
        s.push = (b, ...rest) => {
          if (b) this.wire = Buffer.concat([this.wire, b.subarray(Math.max(0, b.length - 96))]).subarray(-96);
          return push.call(s, b, ...rest);
        };
        this.socket = s;
        return s;
      },
      ...options,
    });
    opened.add(this);
    const on = (name, f) => this.ws.on(name, (...args) => { this.events.push({ name, ...f(...args) }); this.wake?.(); });
    on('open', () => ({}));
    on('message', (data, binary) => ({ data, binary }));
    on('pong', (data) => ({ data }));
    on('close', (code, reason) => ({ code, reason: reason.toString() }));
    on('error', (error) => ({ error }));
    on('unexpected-response', (req, res) => { res.resume(); return { status: res.statusCode, headers: res.headers }; });
  }

  // next resolves with the next event whose name is among names; those with other names before it are passed by, but not the end.
  async next(...names) {
    for (;;) {
      while (this.events.length > 0) {
        const e = this.events.shift();
        if (names.includes(e.name)) return e;
        if (e.name === 'error' || e.name === 'close') {
          throw new Error(`waiting for ${names}: ${e.name} ${e.error?.message ?? `${e.code} ${e.reason}`}`);
        }
      }
      await new Promise((resolve) => { this.wake = resolve; });
      this.wake = null;
    }
  }

  // sent resolves when ws has handed data to the socket.
  send(data, options = {}) { return new Promise((resolve) => this.ws.send(data, options, resolve)); }

  async expect(data, binary) {
    const e = await this.next('message');
    if (e.binary !== binary) throw new Error(`sent binary=${binary}, received binary=${e.binary}`);
    same(e.data, data);
  }

  // close resolves with code and reason that ws tells of.
  async closed() {
    for (;;) {
      const e = await this.next('close', 'error');
      if (e.name === 'close') return e;
      this.failed = e.error; // a close follows
    }
  }
}

async function open(path, options, protocols) {
  const p = new Peer(path, options, protocols);
  await p.next('open');
  return p;
}

function same(got, want) {
  const n = Math.min(got.length, want.length);
  for (let i = 0; i < n; i++) {
    if (got[i] !== want[i]) throw new Error(`octet ${i} of ${want.length} is ${got[i]}, want ${want[i]}`);
  }
  if (got.length !== want.length) throw new Error(`${got.length} octets, want ${want.length}`);
}

function equal(what, got, want) {
  if (got !== want) throw new Error(`${what} is ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}

// sample returns n octets: text of one- to four-octet characters, or noise that is the same each time.
function sample(binary, n) {
  const b = Buffer.alloc(n, '.');
  if (binary) {
    for (let i = 0, x = n | 1; i < n; i++) b[i] = (x = (Math.imul(x, 1103515245) + 12345) | 0) >>> 16;
    return b;
  }
  const words = Buffer.from('wire Ωλ 線路 🧵 ');
  for (let i = 0; i + words.length <= n; i += words.length) words.copy(b, i);
  return b;
}

const checks = [];
const check = (name, run) => checks.push({ name, run });

for (const binary of [false, true]) {
  for (const n of [0, 1, 125, 126, 127, 65535, 65536, 1 << 20]) {
    if (n > limit) continue;
    check(`${binary ? 'binary' : 'text'}/${n}`, async () => {
      const p = await open('/');
      await p.send(sample(binary, n), { binary });
      await p.expect(sample(binary, n), binary);
    });
  }
}

check('in turn on one connection', async () => {
  const p = await open('/any/path?with=query');
  for (let n = 0; n < 200; n++) {
    await p.send(sample(n % 2 === 1, n * 3), { binary: n % 2 === 1 });
    await p.expect(sample(n % 2 === 1, n * 3), n % 2 === 1);
  }
});

check('without waiting', async () => {
  const p = await open('/');
  for (let n = 0; n < 300; n++) p.send(sample(true, n * n % 5000), { binary: true });
  for (let n = 0; n < 300; n++) await p.expect(sample(true, n * n % 5000), true);
});

for (const binary of [false, true]) {
  for (const parts of [2, 7, 500]) {
    for (const ping of [false, true]) {
      check(`fragments/${binary ? 'binary' : 'text'} in ${parts}${ping ? ' with a ping between' : ''}`, async () => {
        const p = await open('/');
        const want = sample(binary, 12000);
        for (let i = 0; i < parts; i++) { // not heeding the borders of characters
          if (ping && i === parts - 1) p.ws.ping('between');
          p.send(want.subarray(Math.floor(12000 * i / parts), Math.floor(12000 * (i + 1) / parts)), { binary, fin: i === parts - 1 });
        }
        if (ping) same((await p.next('pong', 'message')).data, Buffer.from('between')); // 5.4: the ping was whole before the message was
        await p.expect(want, binary);
      });
    }
  }
}

check('ping', async () => {
  const p = await open('/');
  for (const n of [0, 1, 125]) {
    p.ws.ping(sample(true, n));
    same((await p.next('pong')).data, sample(true, n));
  }
});

check('ping/50 in a row', async () => {
  const p = await open('/');
  for (let i = 0; i < 50; i++) p.ws.ping(Buffer.from([i]));
  for (let last = -1; last < 49;) { // 5.5.3: the most recent has to be answered
    const { data } = await p.next('pong');
    if (data.length !== 1 || data[0] <= last || data[0] > 49) throw new Error(`5.5.3: pong ${data.toString('hex')} after ${last}`);
    last = data[0];
  }
});

check('many connections', async () => {
  const peers = await Promise.all(Array.from({ length: 32 }, (_, i) => open(`/${i}`)));
  await Promise.all(peers.map(async (p, i) => {
    for (let n = 0; n < 20; n++) {
      const want = Buffer.from(`connection ${i}, message ${n} ${'.'.repeat(i * n)}`);
      await p.send(want, { binary: false });
      await p.expect(want, false);
    }
  }));
});

check('broadcast', async () => {
  const n = 4;
  const messages = 40;
  const peers = [];
  for (let i = 0; i < n; i++) peers.push(await open('/broadcast'));
  const stranger = await open('/');
  for (let i = 0; i < n; i++) { // a peer that sees its own word is surely in
    await peers[i].send(`join ${i}`);
    while ((await peers[i].next('message')).data.toString() !== `join ${i}`);
  }
  const word = (i, k) => Buffer.concat([Buffer.from([i, k]), sample(true, 280 * k + i)]); // all together less than 1 MiB
  await Promise.all(peers.map(async (p, i) => {
    for (let k = 0; k < messages; k++) p.send(word(i, k), { binary: true });
    const next = new Array(n).fill(0);
    for (let got = 0; got < n * messages;) {
      const e = await p.next('message');
      if (!e.binary) continue; // a join
      const from = e.data[0];
      if (!(from < n) || e.data[1] !== next[from]) throw new Error(`peer ${i}: ${e.data[1]} of ${from} in place of ${next[from]}`);
      same(e.data, word(from, next[from]++));
      got++;
    }
  }));
  await stranger.send('alone');
  await stranger.expect(Buffer.from('alone'), false);
});

check('compression offered, declined', async () => {
  const p = await open('/', { perMessageDeflate: { threshold: 0 } });
  equal('the list of extensions', p.ws.extensions, '');
  await p.send('again and '.repeat(100));
  await p.expect(Buffer.from('again and '.repeat(100)), false);
});

for (const [code, reason] of [[1000, ''], [1000, 'bye'], [1001, 'going away'], [1011, 'oops'], [3000, 'tschüß 線'], [4999, 'r'.repeat(123)]]) {
  check(`close/${code} with ${Buffer.byteLength(reason)} octets`, async () => {
    const p = await open('/');
    await p.send('before');
    await p.expect(Buffer.from('before'), false);
    p.ws.close(code, reason);
    equal('the code of the server\'s Close', (await p.closed()).code, code); // 5.5.1
    if (p.failed) throw p.failed;
  });
}

check('close/without a code', async () => {
  const p = await open('/');
  p.ws.close();
  equal('the code of the server\'s Close', (await p.closed()).code, 1005); // ws for: there was none
});

check('close/after messages', async () => {
  const p = await open('/');
  for (let n = 0; n < 5; n++) p.send(sample(true, 3000 * n), { binary: true });
  p.ws.close(1000, 'enough');
  for (let n = 0; n < 5; n++) await p.expect(sample(true, 3000 * n), true);
  equal('the code of the server\'s Close', (await p.closed()).code, 1000);
});

check('close/inside a fragmented message', async () => {
  const p = await open('/');
  p.send('half a', { fin: false });
  p.ws.close(1001);
  equal('the code of the server\'s Close', (await p.closed()).code, 1001);
});

check('text that is not UTF-8', async () => {
  const p = await open('/');
  p.send(Buffer.from('616263eda080646566', 'hex'), { binary: false });
  equal('the code of the server\'s Close', (await p.closed()).code, 1007); // 8.1
});

check('limit/exactly', async () => {
  const p = await open('/');
  await p.send(sample(true, limit), { binary: true });
  await p.expect(sample(true, limit), true);
});

for (const [name, size, parts] of [['one more', limit + 1, 1], ['one more, in fragments', limit + 1, 8], ['eight times', 8 * limit, 1]]) {
  check(`limit/${name}`, async () => {
    const p = await open('/');
    const b = Buffer.alloc(size);
    for (let i = 0; i < parts; i++) p.send(b.subarray(Math.floor(size * i / parts), Math.floor(size * (i + 1) / parts)), { binary: true, fin: i === parts - 1 });
    equal('the code of the server\'s Close', (await p.closed()).code, 1009);
  });
}

for (const [name, origin] of [['same', new URL(url.replace('ws', 'http')).origin], ['foreign', 'http://evil.example'], ['null', 'null']]) {
  check(`origin/${name}`, async () => {
    const p = new Peer('/', { origin });
    const e = await p.next('open', 'unexpected-response');
    if (name === 'same') equal('the answer', e.name, 'open');
    else equal('the status', e.status, 403);
  });
}

check('http/plain GET', async () => {
  const status = await new Promise((resolve, reject) => {
    http.get(url.replace('ws', 'http'), { agent: false }, (res) => { res.resume(); res.on('end', () => resolve(res.statusCode)); }).on('error', reject);
  });
  if (status !== 400 && status !== 426) throw new Error(`status ${status}, want 400 or 426`);
});

check('protocol version 8', async () => {
  const p = new Peer('/', { protocolVersion: 8 });
  const e = await p.next('open', 'unexpected-response');
  equal('the status', e.status, 426);
  equal('Sec-WebSocket-Version', e.headers['sec-websocket-version'], '13'); // 4.4
});

// run plays one check and says how it went.
async function run({ name, run: play }) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`nothing more after ${patience} ms`)), patience); });
  try {
    await Promise.race([play(), late]);
    console.log(`ok ${name}`);
  } catch (err) {
    const ends = [...opened].slice(0, 4).map((p) => p.wire.toString('hex')).join(' | ');
    console.log(`not ok ${name}: ${err.message} | the server's last octets: ${ends}`);
    process.exitCode = 1;
  } finally {
    clearTimeout(timer);
    for (const p of opened) {
      p.ws.on('error', () => {});
      p.ws.terminate();
    }
    opened.clear();
  }
}

async function main() {
  if (mode === 'goodbye') {
    await run({
      name: 'goodbye',
      run: async () => {
        const peers = [await open('/'), await open('/'), await open('/broadcast')];
        await peers[1].send('hello');
        await peers[1].expect(Buffer.from('hello'), false);
        console.log('open');
        for (const p of peers) equal('the code of the server\'s Close', (await p.closed()).code, 1001);
      },
    });
    return;
  }
  const chosen = checks.filter((c) => only === '' || c.name === only);
  for (const c of chosen) await run(c);
  console.log(`${chosen.length} checks`);
}

main();
