'use strict';
// Holds the conversations about compression that a file lists, as Node's ws, a few at a time: [{name, url, options, sizes, periods}], where options are those of perMessageDeflate.
// It prints one line for each: "ok NAME", or "not ok NAME: WHY".
// Usage: node deflate-client.js FILE

const fs = require('node:fs');
const WebSocket = require('ws');
const { converse } = require('../browser/conversation.js');

const patience = Number(process.env.INTEROP_PATIENCE_MS ?? 30_000); // for one conversation

async function hold(row) {
  const ws = new WebSocket(row.url, { perMessageDeflate: row.options });
  const timer = setTimeout(() => ws.terminate(), patience);
  const say = (word) => {
    if (typeof word === 'string' && word.startsWith('plain:')) return ws.send(word, { compress: false });
    if (typeof word === 'string' && word.startsWith('parts:')) {
      const b = Buffer.from(word);
      for (let i = 0; i < 7; i++) { // not heeding the borders of characters
        if (i === 6) ws.ping();
        if (i === 3) ws.send(Buffer.alloc(0), { binary: false, fin: false });
        ws.send(b.subarray(Math.floor(b.length * i / 7), Math.floor(b.length * (i + 1) / 7)), { binary: false, fin: i === 6 });
      }
      return undefined;
    }
    return ws.send(word);
  };
  try {
    await converse(ws, row, say, () => ws.ping());
    console.log(`ok ${row.name}`);
  } catch (err) {
    console.log(`not ok ${row.name}: ${err.message}`);
    ws.terminate();
  } finally {
    clearTimeout(timer);
  }
}

async function main() {
  const rows = JSON.parse(fs.readFileSync(process.argv[2]));
  await Promise.all([0, 1, 2].map(async () => {
    while (rows.length > 0) await hold(rows.shift());
  }));
}

main();
