'use strict';
// The client's side of the conversations about compression, for browsers and for Node: it needs no more than the WebSocket interface of the former. What it says is
// judged by what stands between client and server, ../golibs/deflate_judge_test.go; the script is that of ../golibs/deflate_script_test.go.

// noise returns n octets that repeat themselves with this period, the same each time.
function noise(period, n) {
  const b = new Uint8Array(n);
  for (let i = 0, x = period | 1; i < n; i++) {
    x ^= x << 13; x ^= x >>> 17; x ^= x << 5;
    b[i] = i < period ? x >>> 8 : b[i - period];
  }
  return b;
}

// text returns text of n octets of JSON, as programs send it.
function text(n) {
  let s = '';
  for (let i = 0, x = n | 1; s.length < n; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 1;
    s += `{"id":${i},"user":"u-${x % 1000000}","event":"update","ok":${x % 3 === 0},"at":${x},"tags":["α","β","線"]},`;
  }
  const b = new TextEncoder().encode(s).subarray(0, n);
  for (let i = n - 1; i >= Math.max(0, n - 3) && b[i] >= 0x80; i--) b[i] = 0x2e; // no half character at the end
  return new TextDecoder().decode(b);
}

function base64(b) {
  let s = '';
  for (const x of b) s += String.fromCharCode(x);
  return btoa(s);
}

function script(sizes, periods) {
  const words = [];
  for (const n of sizes) words.push(text(n), noise(n + 1, n));
  for (const n of periods) words.push(noise(n, 3 * n));
  for (const [i, body] of [text(12000), base64(noise(9000, 9000)), '', text(5000)].entries()) {
    words.push(`plain:${i}:${text(2000)}`, `parts:${i}:${body}`, text(2100), `plain:${i}:${text(2200)}`, text(2300));
  }
  return words;
}

function sequence() {
  return Array.from({ length: 60 }, (_, i) => `next:${text(200 + i)}`);
}

function differs(got, want) {
  if (typeof want === 'string') {
    if (got === want) return '';
    if (typeof got !== 'string') return 'binary in place of text';
    return `text of ${got.length} characters that begins with ${JSON.stringify(got.slice(0, 20))} in place of ${want.length}, ${JSON.stringify(want.slice(0, 20))}`;
  }
  if (typeof got === 'string') return 'text in place of binary';
  const b = new Uint8Array(got);
  if (b.length !== want.length) return `${b.length} octets, want ${want.length}`;
  const i = want.findIndex((x, at) => x !== b[at]);
  return i < 0 ? '' : `octet ${i} of ${want.length} is ${b[i]}, want ${want[i]}`;
}

// converse holds the conversation on a new WebSocket and closes it. say sends a word; it has its ways with "plain:" and "parts:" where there are any. It resolves with
// the extensions that were agreed on, as the WebSocket tells, or rejects.
function converse(ws, { sizes, periods }, say = (word) => ws.send(word), ping = () => {}) {
  return new Promise((resolve, reject) => {
    const words = script(sizes, periods);
    const last = sequence();
    let said = 0;
    let heard = 0;
    let agreed = '';
    const all = [...words, ...last];
    const next = () => {
      if (said < words.length) {
        if (said % 8 === 3) ping();
        say(words[said++]);
      } else {
        while (said < all.length) say(all[said++]); // without waiting
      }
    };
    ws.binaryType = 'arraybuffer';
    ws.onopen = () => { agreed = ws.extensions; next(); };
    ws.onmessage = ({ data }) => {
      const wrong = heard < all.length ? differs(data, all[heard]) : 'one more than was said';
      if (wrong) {
        reject(new Error(`message ${heard}: ${wrong}`));
        ws.close(4000);
        return;
      }
      if (++heard === all.length) ws.close(1000);
      else if (heard === said) next();
    };
    ws.onerror = (e) => reject(new Error(`error after ${heard} messages: ${e.message || 'the browser does not say which'}`));
    ws.onclose = (e) => {
      if (heard === all.length && e.code === 1000) resolve(agreed);
      else reject(new Error(`closed with ${e.code} ${e.reason} after ${heard} of ${all.length} messages`));
    };
  });
}

if (typeof module !== 'undefined') module.exports = { converse };
